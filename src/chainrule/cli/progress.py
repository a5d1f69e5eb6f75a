"""One line on the terminal while networks are trained; nothing where there is no terminal."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from chainrule.estimators import TableProgress

__all__ = ["ProgressLine", "progress_text", "spell_seconds", "waiting"]

SECONDS_BETWEEN = 0.1


class ProgressLine:
    """Shows how training goes in a line that is overwritten and vanishes at the end.

    >>> with ProgressLine() as line:
    ...     pass
    """

    def __init__(self) -> None:
        self.is_shown = _is_terminal()
        self._live: Any = None
        self._shown_at = -math.inf
        self._best: dict[int, float] = {}
        self._last: dict[int, TableProgress] = {}

    def __enter__(self) -> Self:
        if self.is_shown:
            self._live = _live_line("")
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def __call__(self, progress: TableProgress) -> None:
        """Takes the news of an epoch.

        Of networks that are trained at the same time it shows the first, so that its numbers can
        be followed; share and time left are of all.
        """
        best = min(self._best.get(progress.member, math.inf), progress.validation_loss)
        self._best[progress.member] = best
        self._last[progress.member] = progress
        now = time.monotonic()
        if self._live is None or now - self._shown_at < SECONDS_BETWEEN:
            return
        self._shown_at = now
        shown = min(member for member in progress.running if member in self._last)
        told = replace(self._last[shown], share=progress.share, seconds=progress.seconds)
        self._live.update(_one_line(progress_text(told, self._best[shown])), refresh=True)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Shows on a terminal what takes its time, until it is done.

    >>> with waiting("reading"):
    ...     pass
    """
    if not _is_terminal():
        yield
        return
    with _live_line(text):
        yield


def _live_line(text: str) -> Any:
    """A line that is overwritten and vanishes at the end."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    return Live(_one_line(text), console=console, auto_refresh=False, transient=True)


def _one_line(text: str) -> Any:
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ellipsis")


def progress_text(progress: TableProgress, best: float) -> str:
    """The line: time left first, so that a narrow terminal cuts what matters least."""
    parts = [f"{progress.share:4.0%}"]
    if progress.share > 0:
        left = spell_seconds(progress.seconds * (1 / progress.share - 1))
        parts.append(f"about {left} left")
    if progress.members > 1:
        parts.append(f"network {progress.member + 1}/{progress.members}")
    parts.append(f"epoch {progress.epoch}/{progress.epochs}")
    parts.append(f"loss {progress.loss:.4g}")
    if math.isfinite(progress.validation_loss):
        parts.append(f"validation {progress.validation_loss:.4g} (best {best:.4g})")
    if progress.score is not None:
        parts.append(f"score {progress.score:.4g}")
    return "  ".join(parts)


def spell_seconds(seconds: float) -> str:
    """A time for people.

    >>> spell_seconds(0.42), spell_seconds(7.25), spell_seconds(75), spell_seconds(7300)
    ('0.4 s', '7 s', '1 min 15 s', '2 h 1 min')
    """
    whole = max(0, round(seconds))
    if whole < 1:
        return f"{max(0.0, seconds):.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _is_terminal() -> bool:
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
