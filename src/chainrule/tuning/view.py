"""How a search goes, for people: a table of trials on a terminal, else a line a new best."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from chainrule.training import live_text, progress_text, say_line, spell_number, spell_seconds
from chainrule.tuning.result import spelled_settings
from chainrule.tuning.search import SearchProgress
from chainrule.tuning.trials import Trial

__all__ = ["WIDTH", "SearchView"]

WIDTH = 100


class SearchView:
    """Shows a search in lines that are overwritten and vanish at the end.

    say
        Takes a few words on each new best trial where nothing can be overwritten.
    width
        Letters a line of these.
    """

    def __init__(
        self, name: str, say: Callable[[str], None] = say_line, width: int = WIDTH
    ) -> None:
        self._name = name
        self._tell = say
        self._width = width
        self._live: Any = None
        self._best: Trial | None = None

    def __enter__(self) -> Self:
        self._live = live_text(vanishes=True)
        if self._live is not None:
            self._live.show(lambda columns, blocks: "searching")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._live is not None:
            self._live.end(lambda columns, blocks: "")

    def __call__(self, progress: SearchProgress) -> None:
        """Takes the news of a search."""
        if self._live is not None:
            if self._live.is_due():
                self._live.show(lambda *room: self._text(progress, *room))
            return
        best, before = progress.best, self._best
        if best is not None and (before is None or best.score != before.score):
            self._best = best
            told = f"{_count(progress)}, {spell_seconds(progress.seconds)}: best so far"
            self._tell(
                textwrap.fill(
                    f"{told} {self._line(best)}", self._width, subsequent_indent="  ",
                    break_long_words=False,
                )
            )  # fmt: skip

    def _text(self, progress: SearchProgress, columns: int, blocks: bool) -> str:
        after = []
        if progress.share is not None:
            after.append(f"{int(100 * progress.share):3}%")
            if progress.share > 0:
                left = progress.seconds * (1 / progress.share - 1)
                after.append(f"about {spell_seconds(left)} left")
        first = progress_text([_count(progress)], after, progress.share or 0.0, [], columns, blocks)
        lines = [first]
        for number, (epochs, score) in sorted(progress.running.items()):
            now = "" if math.isnan(score) else f"  {self._name} {spell_number(score)}"
            lines.append(f"running  trial {number}  epoch {epochs}{now}")
        for label, trial in (("best", progress.best), ("last", progress.last)):
            if trial is not None:
                lines.append(f"{label:7}  {self._line(trial)}")
        return "\n".join(line[:columns] for line in lines)

    def _line(self, trial: Trial) -> str:
        told = "failed" if trial.score is None else f"{self._name} {spell_number(trial.score)}"
        after = f"after {trial.epochs} epoch{'s' * (trial.epochs != 1)}"
        return f"trial {trial.number} {after}: {told} ({spelled_settings(trial.settings)})"


def _count(progress: SearchProgress) -> str:
    """How many trials are over: that of Hyperband which leads may go on for long."""
    of = f" of {progress.planned}" if progress.planned else ""
    return f"{progress.done}{of} trials over"
