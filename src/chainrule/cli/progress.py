"""Some lines on the terminal while networks are trained; nothing where there is no terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from chainrule.estimators import TableProgress

__all__ = ["ProgressView", "waiting"]


class ProgressView:
    """Shows how training goes in lines that are overwritten and vanish at the end.

    >>> with ProgressView() as view:
    ...     pass
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._rows, self._began = 0, time.monotonic()
        self._last: dict[int, TableProgress] = {}
        self._losses: dict[int, tuple[list[float], list[float]]] = {}

    def __enter__(self) -> Self:
        from chainrule.training import live_text

        self._live = live_text(vanishes=True)
        self._began = time.monotonic()
        if self._live is not None:
            self._live.show(lambda columns, blocks: "training")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.end(lambda columns, blocks: "")

    def __call__(self, progress: TableProgress) -> None:
        """Takes the news of an epoch.

        Of networks that are trained at the same time it shows the first, so that its numbers can
        be followed; rate, share and time left are of all.
        """
        if self._live is None:
            return
        self._rows += progress.rows
        self._last[progress.member] = progress
        losses, validation = self._losses.setdefault(progress.member, ([], []))
        losses.append(progress.loss)
        validation.append(progress.validation_loss)
        if self._live.is_due():
            self._live.show(lambda *room: self._text(progress, *room))

    def _text(self, newest: TableProgress, columns: int, blocks: bool) -> str:
        from chainrule.training import NumberRow, progress_text, spell_rate, spell_seconds

        shown = self._last[min(one for one in newest.running if one in self._last)]
        losses, validation = self._losses[shown.member]
        rows = [NumberRow("training", "train", {"loss": shown.loss}, losses)]
        if math.isfinite(shown.validation_loss):
            numbers = {
                "loss": shown.validation_loss,
                "best": min(filter(math.isfinite, validation)),
            }
            if shown.score is not None:
                numbers["score"] = shown.score
            rows.append(NumberRow("validation", "val", numbers, validation))
        before = [f"epoch {shown.epoch}/{shown.epochs}"]
        if shown.members > 1:
            before.insert(0, f"network {shown.member + 1}/{shown.members}")
        # a training that goes on counts the seconds before it was stopped, but not their rows
        after = [spell_rate(self._rows / max(1e-6, time.monotonic() - self._began))]
        after.append(f"{int(100 * newest.share):3}%")
        if newest.share > 0:
            left = newest.seconds * (1 / newest.share - 1)
            after.append(f"about {spell_seconds(left)} left")
        return progress_text(before, after, newest.share, rows, columns, blocks)


@contextmanager
def waiting(text: str) -> Iterator[Callable[[int, int], None]]:
    """Shows on a terminal what takes its time, until it is done.

    Gives what takes how many rows of how many are done, where that is known.

    >>> with waiting("reading") as tell:
    ...     tell(3, 10)
    """
    from chainrule.training import live_text

    live, began = live_text(vanishes=True), time.monotonic()

    def tell(done: int, total: int) -> None:
        if live is not None and live.is_due():
            seconds = (time.monotonic() - began) * (total / done - 1)
            live.show(lambda columns, blocks: _counted(text, done, total, seconds))

    if live is None:
        yield tell
        return
    live.show(lambda columns, blocks: text)
    try:
        yield tell
    finally:
        live.end(lambda columns, blocks: "")


def _counted(text: str, done: int, total: int, left: float) -> str:
    from chainrule.training import spell_seconds

    return f"{text}: {done:,} of {total:,} rows, about {spell_seconds(left)} left"
