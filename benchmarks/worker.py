"""A library in a process of its own, which sleeps on a socket while another one is measured.

Pools of threads (OpenMP, OpenBLAS, XLA) that wait for work by spinning would slow down a library
beside them in one process, and settings of one would reach the other.
"""

import gc
import importlib
import os
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# Longer than any of the pools spins before it sleeps.
SETTLE_SECONDS = 0.15


class Worker:
    """A process that imports a module and makes calls of it that can be run again and again.

    module
        Its functions give calls by name: `dict[str, Callable[[], None]]`.
    environment
        Variables for this process, on top of those that are set.
    """

    def __init__(self, module: str, environment: dict[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # not multiprocessing: libraries would notice
                [sys.executable, "-m", "benchmarks.worker", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **(environment or {})},
            )
        self._connection = Connection(ours.detach())

    def prepare(self, function: str, *arguments: Any) -> list[str]:
        """Let `function(*arguments)` make calls, run each once, and give their names."""
        return self._ask("prepare", function, arguments)

    def run(self, name: str, seconds: float = 0.0) -> list[float]:
        """Seconds of each call, of which at least one, and more until so many have passed."""
        time.sleep(SETTLE_SECONDS)
        return self._ask("run", name, seconds)

    def keep(self, names: list[str]) -> None:
        """Forget the other calls, and what they hold."""
        self._ask("keep", names)

    def processor_seconds(self) -> dict[str, float]:
        """What each thread has used of the cores; nothing where the system does not say."""
        tick = os.sysconf("SC_CLK_TCK")
        found = {}
        for file in Path(f"/proc/{self._process.pid}/task").glob("*/stat"):
            try:
                fields = file.read_text().rpartition(")")[2].split()
            except OSError:  # a thread that has just ended
                continue
            found[file.parent.name] = (int(fields[11]) + int(fields[12])) / tick
        return found

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.wait()

    def _ask(self, *message: Any) -> Any:
        self._connection.send(message)
        answer, error = self._connection.recv()
        if error is not None:
            raise RuntimeError(error)
        return answer


class Calls:
    """What a worker's process does when it is asked."""

    def __init__(self, module: str) -> None:
        self._module = importlib.import_module(module)
        self._calls: dict[str, Callable[[], None]] = {}

    def prepare(self, function: str, arguments: tuple[Any, ...]) -> list[str]:
        self._calls = {}
        gc.collect()
        self._calls = getattr(self._module, function)(*arguments)
        for call in self._calls.values():
            call()
        return list(self._calls)

    def run(self, name: str, seconds: float) -> list[float]:
        call, found = self._calls[name], []
        began = time.perf_counter()
        while not found or time.perf_counter() - began < seconds:
            start = time.perf_counter()
            call()
            found.append(time.perf_counter() - start)
        return found

    def keep(self, names: list[str]) -> None:
        self._calls = {name: call for name, call in self._calls.items() if name in names}
        gc.collect()


def serve(module: str, descriptor: int) -> None:
    """Answer until the other end closes."""
    connection = Connection(descriptor)
    calls = Calls(module)
    while True:
        try:
            name, *arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((getattr(calls, name)(*arguments), None))
        except Exception:  # noqa: BLE001 - whatever went wrong, the other end raises it
            connection.send((None, traceback.format_exc()))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
