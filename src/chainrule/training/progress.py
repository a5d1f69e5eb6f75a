"""How training goes, told while it goes: a view that changes in its place, or lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from chainrule.training.callback import Callback, Logs
from chainrule.training.live import Live, is_watched, live_text, say_line
from chainrule.training.pace import Pace
from chainrule.training.progress_text import (
    NumberRow,
    progress_text,
    spell_number,
    spell_rate,
    spell_seconds,
)

if TYPE_CHECKING:
    from chainrule.training.loop import Course

__all__ = ["ProgressBar", "progress_for"]


class ProgressBar(Callback):
    """Shows epoch, step, rate, time left, numbers and the curve of the loss on stderr.

    lines
        One line an epoch in place of a view that changes; so it is also where there is neither a
        terminal nor a notebook.

    Numbers of validation are those of the epoch that is named beside them. The time left counts
    validation too; it is "at most" that where a callback is there to stop training. A curve has
    the loss of each epoch, on a logarithmic scale.
    """

    # No hooks of epochs: with pauses alone, short epochs still run several in one call.

    def __init__(self, lines: bool = False) -> None:
        self.lines = lines
        self._live: Live | None = None
        self._is_begun = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._is_begun = True
        self._live = None if self.lines else live_text()
        self._began = self._said_at = time.perf_counter()
        self._begin()
        if self._live is not None:
            self._live.show(self._running)

    def on_train_pause(self) -> None:
        if self._pace.first != self._course.first:  # it goes on from somewhere
            self._begin()
        if self._live is None:
            self._say()
        elif self._live.is_due():
            self._pace.look()
            self._live.show(self._running)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._is_begun:  # or another callback stopped it before
            self._end("in" if self._pace.made >= self._pace.total else "stopped after")

    def on_train_error(self, error: BaseException) -> None:
        if self._is_begun:
            self._end("failed after")

    @property
    def _course(self) -> Course:
        assert self.course is not None  # noqa: S101  (training goes on)
        return self.course

    def _begin(self) -> None:
        self._pace = Pace(self._course, self._began)
        self._unsaid = self._course.first[0]

    def _end(self, how: str) -> None:
        self._is_begun = False
        if self._live is None:
            self._say()
            return
        live, self._live = self._live, None
        pace = self._pace
        told = f"{how} {spell_seconds(pace.passed)}"
        live.end(lambda *room: self._text(pace.whole_rate(), told, *room))

    def _running(self, columns: int, blocks: bool) -> str:
        left = self._pace.left()
        bound = "at most" if self._pace.may_stop else "about"
        told = "" if left is None else f"{bound} {spell_seconds(left)} left"
        return self._text(self._pace.rate(), told, columns, blocks)

    def _text(self, rate: float, time_told: str, columns: int, blocks: bool) -> str:
        pace = self._pace
        share = pace.made / max(1, pace.total)
        after = [spell_rate(rate) if rate else "", f"{int(100 * share):3}%", time_told]
        epoch = pace.epoch()
        return progress_text(
            self._place(epoch), after, share, _rows(self._course, epoch), columns, blocks
        )

    def _place(self, epoch: int) -> tuple[str, str]:
        course, epochs = self._course, self._course.plan.epochs
        step = self._pace.steps_of(epoch)
        return f"epoch {min(epoch + 1, epochs)}/{epochs}", f"step {step}/{course.steps}"

    def _say(self) -> None:
        """Say a line for each epoch that is over since the last time."""
        history, now = self._course.history, time.perf_counter()
        new = history.epoch[-1] + 1 - self._unsaid if history.epoch else 0
        if not new:
            return
        self._pace.look()
        seconds, rate = (now - self._said_at) / new, spell_rate(self._pace.rate())
        for index in range(-new, 0):
            numbers = (
                f"{name} {spell_number(values[index])}"
                for name, values in history.history.items() if len(values) >= -index
            )  # fmt: skip
            say_line(
                "  ".join([*self._place(history.epoch[index]), f"{seconds:.2g} s", rate, *numbers])
            )
        self._unsaid, self._said_at = self._unsaid + new, now


def _rows(course: Course, epoch: int) -> list[NumberRow]:
    """Numbers of training, and of validation where there has been one."""
    history = course.history
    last = {name: values[-1] for name, values in history.history.items()}
    numbers = {
        name: value for name, value in {**last, **course.numbers()}.items()
        if not name.startswith("val_")
    }  # fmt: skip
    rows = []
    if numbers:
        rows.append(NumberRow("training", "train", numbers, history.history.get("loss", ())))
    held = {
        name.removeprefix("val_"): value for name, value in last.items() if name.startswith("val_")
    }
    if held:
        number = history.epoch[-1] + 1
        note = "" if number == epoch + 1 else f"(epoch {number})"
        losses = history.history.get("val_loss", ())
        rows.append(NumberRow("validation", f"val {number}", held, losses, note))
    return rows


def progress_for(verbose: Any) -> list[Callback]:
    """What Keras's `verbose` stands for: 0 quiet, 1 a view, 2 a line an epoch, "auto".

    "auto" is a view on a terminal and in a notebook, and quiet elsewhere; a view where there is
    neither is lines.
    """
    if verbose == 0 or (verbose == "auto" and not is_watched()):
        return []
    return [ProgressBar(lines=verbose == 2)]
