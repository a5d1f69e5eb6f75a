"""A line that shows how training goes."""

from __future__ import annotations

import sys
import time
from typing import Any

from chainrule.training.callback import Callback, Logs

__all__ = ["ProgressBar", "progress_for"]


def _shown(logs: Logs) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())


class ProgressBar(Callback):
    """Shows epoch, step of the epoch, numbers and time left on stderr.

    lines
        One line an epoch in place of a bar that moves.
    """

    def __init__(self, lines: bool = False) -> None:
        self.lines = lines
        self._bar: Any = None
        self._task: Any = None
        self._began = 0.0
        self._first = 0
        self._epoch = 0
        self._done = 0
        self._logs: Logs = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.lines:
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.fields[place]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
        )
        self._task = None
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch, self._done = epoch, 0
        self._began = time.perf_counter()
        if self._bar is not None and self._task is None:
            self._first = epoch  # epochs before it take no part in the time that is left
            total = (self.params["epochs"] - epoch) * self.params["steps"]
            self._task = self._bar.add_task("", total=total, place=self._place(), numbers="")

    def on_train_steps(self, done: int, logs: Logs | None = None) -> None:
        # the numbers of validation stay in sight until there are newer ones
        self._logs |= logs or {}
        self._done = done
        self._show()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._logs = dict(logs or {})
        if not self.lines:
            self._show()
            return
        seconds = time.perf_counter() - self._began
        sys.stderr.write(f"{self._place()}  {seconds:.2g} s  {_shown(self._logs)}\n")
        sys.stderr.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._stop()

    def on_train_error(self, error: BaseException) -> None:
        self._stop()

    def _place(self) -> str:
        epochs, steps = self.params["epochs"], self.params["steps"]
        return f"epoch {self._epoch + 1}/{epochs}  step {self._done}/{steps}"

    def _show(self) -> None:
        if self._bar is not None:
            before = (self._epoch - self._first) * self.params["steps"]
            self._bar.update(
                self._task,
                completed=before + self._done,
                place=self._place(),
                numbers=_shown(self._logs),
            )

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def progress_for(verbose: Any) -> list[Callback]:
    """What Keras's `verbose` stands for: 0 quiet, 1 a bar, 2 a line an epoch, "auto".

    "auto" is a bar on a terminal and quiet elsewhere; a bar where there is no terminal is lines.
    """
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if verbose == 0 or (verbose == "auto" and not terminal):
        return []
    return [ProgressBar(lines=verbose == 2 or not terminal)]
