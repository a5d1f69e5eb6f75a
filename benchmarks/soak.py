"""What holds over many trainings: memory and threads, kills, threads and processes.

`python -m benchmarks.soak` prints what was seen, and ends with 1 where anything was lost:
`fits` (many short ones in one process), `kills` (real ones, with every result held against a
training that was never stopped), `commands` (kills of `chainrule train`), `together` (threads,
processes, after a fork).
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import chainrule
from chainrule.callbacks import BackupAndRestore, Doctor, EarlyStopping, ReduceLROnPlateau

EPOCHS = 1000


def data(rows: int = 300) -> tuple[Any, Any]:
    """A small table of two classes."""
    draw = np.random.default_rng(3)
    X = draw.normal(size=(rows, 6)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.5 * draw.normal(size=rows) > 0).astype(np.float32)


def network(units: int = 16) -> Any:
    """With all that must come back after a kill: masks, running statistics, slots."""
    layers = chainrule.layers
    model = chainrule.Sequential(
        [
            layers.Input((6,)), layers.Dense(units, "relu"), layers.BatchNormalization(),
            layers.Dropout(0.3), layers.Dense(1, "sigmoid"),
        ], seed=7,
    )  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "auc"])
    return model


def digest(model: Any, history: Any) -> str:
    """Of all parameters, every number of the history, and the predictions."""
    summed = hashlib.sha256()
    for array in (*model.get_weights(), model.predict(data()[0], verbose=0)):
        summed.update(array.tobytes())
    summed.update(repr(history.history).encode())
    for values in history.steps.values():
        summed.update(values.tobytes())
    return summed.hexdigest()


def trained(folder: str | None, save_freq: str | int = 1, epochs: int = EPOCHS) -> str:
    """A whole training, or the rest of one that was killed."""
    X, y = data()
    callbacks: list[Any] = [
        EarlyStopping("val_loss", patience=epochs, restore_best_weights=True),
        ReduceLROnPlateau("val_loss", patience=3), Doctor(verbose=0),
    ]  # fmt: skip
    if folder is not None:
        callbacks.append(BackupAndRestore(folder, save_freq))
    model = network()
    history = model.fit(
        X, y, verbose=0, epochs=epochs, batch_size=16, validation_split=0.2, callbacks=callbacks
    )
    return digest(model, history)


def memory() -> float:
    """Megabytes that this process takes now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def fits(count: int) -> bool:
    """Many short trainings of many kinds: the memory after each tenth, and the threads."""
    X, y = data()
    began = time.perf_counter()
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            _short_fit(number, X, y, folder)
            if (number + 1) % (count // 10) == 0:
                seen.append(memory())
                threads = threading.active_count(), len(list(Path("/proc/self/task").iterdir()))
                print(
                    f"{number + 1:>7,} fits  {seen[-1]:7.1f} MB  threads {threads[0]} of Python, "
                    f"{threads[1]} in all  {time.perf_counter() - began:6.0f} s", flush=True,
                )  # fmt: skip
    grown = seen[-1] - seen[1]
    print(f"from a fifth of the fits to the last: {grown:+.1f} MB")
    return grown < 10 and threads[0] == 1


def _short_fit(number: int, X: Any, y: Any, folder: str) -> None:
    kind = number % 10
    if kind == 0:
        callbacks = [Doctor(verbose=0), BackupAndRestore(folder, save_freq="epoch")]
        network(4 + number % 7).fit(X, y, verbose=0, epochs=2, callbacks=callbacks)
    elif kind == 1:
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            chainrule.MLPClassifier((8,), max_iter=2).fit(X, y)
    elif kind == 2:
        jobs = [(network(), X, y, {"epochs": 1}) for _ in range(2)]
        chainrule.fit_many(jobs)
    elif kind == 3 and number % 100 == 3:
        chainrule.TabularClassifier(epochs=2, members=2, hidden=(8,)).fit(X, y)
    else:
        network(4 + number % 7).fit(X, y, verbose=0, epochs=2)


def kills(count: int) -> bool:
    """Trainings killed at random moments, then gone on with, until each is done."""
    draw = random.Random(0)
    whole = trained(None)
    made = within = done = lost = 0
    with tempfile.TemporaryDirectory() as base:
        while made < count:
            folder = Path(base) / str(done)
            threads = 1 + made % 2
            often = made % 2 == 0  # else most kills fall between two checkpoints
            child = _child(folder, threads, 1 if often else 400)
            killed, writing = _killed(child, folder, draw, until_written=often)
            made, within = made + killed, within + writing
            if child.returncode == 0:
                done += 1
                lost += child.stdout.read().strip() != whole.encode()
            elif not killed:
                print(child.stderr.read().decode())
                return False
            if made % 20 == 0 and killed:
                print(
                    f"{made:>5} kills, {within} while a checkpoint was written; {done} trainings "
                    f"done, {lost} with another result", flush=True,
                )  # fmt: skip
        child = _child(Path(base) / str(done), 2)
        out, _ = child.communicate()
        lost += out.strip() != whole.encode()
        done += 1
    print(f"{made} kills, {within} while a checkpoint was written: {done} trainings done, "
          f"{lost} with another result than one that was never stopped")  # fmt: skip
    return lost == 0 and within >= count // 4


def commands(count: int) -> bool:
    """Kills of `chainrule train`, which trains several networks at once, until each run is done."""
    draw = random.Random(1)
    made = done = lost = 0
    with tempfile.TemporaryDirectory() as base:
        table = Path(base) / "table.csv"
        X, y = data(2000)
        names = ",".join(f"x{place}" for place in range(X.shape[1]))
        np.savetxt(table, np.c_[X, y], delimiter=",", header=f"{names},y", comments="")
        whole = _command(["--out", "whole"], table)
        whole.communicate()
        files = ("model.safetensors", "history.jsonl", "judged.safetensors")
        expected = [(Path(base) / "whole" / name).read_bytes() for name in files]
        while made < count:
            run = Path(base) / f"run-{done}"
            child = _command(["--out", run.name] + ["--resume"] * run.exists(), table)
            time.sleep(draw.uniform(0.5, 6.0))
            if child.poll() is None:
                child.kill()
                made += 1
            _, said = child.communicate()
            begun = (run / "checkpoint.safetensors").exists()
            if (run / "metrics.json").exists() and not begun:  # maybe killed while it ended
                done += 1
                lost += [(run / name).read_bytes() for name in files] != expected
            elif child.returncode != -signal.SIGKILL:
                print(said.decode())
                return False
    print(f"{made} kills of a command: {done} runs done, {lost} with other bytes")
    return lost == 0 and done > 0


def _command(options: list[str], table: Path) -> Any:
    words = [sys.executable, "-m", "chainrule", "train", table.name, "--target", "y", *options]
    settings = ["--epochs", "300", "--patience", "300", "--members", "4", "--hidden", "32"]
    pipe = subprocess.PIPE
    return subprocess.Popen([*words, *settings], cwd=table.parent, stdout=pipe, stderr=pipe)


def _child(folder: Path, threads: int, save_freq: int = 400) -> Any:
    code = f"from benchmarks.soak import trained; print(trained({str(folder)!r}, {save_freq}))"
    environment = {**os.environ, "CHAINRULE_NUM_THREADS": str(threads)}
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", code]
    return subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe)


def _killed(child: Any, folder: Path, draw: random.Random, *, until_written: bool) -> Any:
    """Kill after a random time, or when a checkpoint is next being written; whether it was.

    The time begins when the child has the folder: what one that was killed has left there, its
    lock and half a file, says nothing of this one.
    """
    left = set(folder.glob("*.part"))
    while child.poll() is None and _holder(folder) != str(child.pid):
        time.sleep(0.002)
    end = time.monotonic() + draw.uniform(0.0, 1.5)
    while time.monotonic() < end and child.poll() is None:
        time.sleep(0.001)
    while until_written and child.poll() is None and not set(folder.glob("*.part")) - left:
        pass
    if child.poll() is not None:
        return 0, 0
    child.send_signal(signal.SIGKILL)
    child.wait()
    if child.returncode == 0:
        return 0, 0
    return 1, int(bool(set(folder.glob("*.part")) - left))


def _holder(folder: Path) -> str:
    try:
        return (folder / ".lock").read_text()
    except OSError:  # there is none
        return ""


def together(count: int) -> bool:
    """The same training in threads, in processes of both kinds, and after a fork."""
    alone = trained(None)
    results: dict[str, list[str]] = {}
    with ThreadPoolExecutor(4) as pool:
        results["threads"] = list(pool.map(lambda _: trained(None), range(count)))
    for kind in ("spawn", "fork"):  # a fork after native threads have run
        context = multiprocessing.get_context(kind)
        with ProcessPoolExecutor(2, mp_context=context) as processes:
            results[kind] = list(processes.map(trained, [None] * count))
    good = True
    for name, found in results.items():
        same = sum(one == alone for one in found)
        print(f"{name}: {same} of {count} trainings to the same bits")
        good &= same == count
    return good


def main() -> int:
    """All three, or those that are named."""
    parts: dict[str, tuple[Callable[[int], bool], int]] = {
        "fits": (fits, 10_000), "kills": (kills, 200), "commands": (commands, 40),
        "together": (together, 20),
    }  # fmt: skip
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all where none is named")
    parser.add_argument("--count", type=int, help="how many, in place of the usual number")
    options = parser.parse_args()
    unknown = set(options.parts) - set(parts)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; known: {', '.join(parts)}.")
    good = True
    for name in options.parts or parts:
        run, usual = parts[name]
        print(f"{name}:", flush=True)
        good &= run(options.count or usual)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
