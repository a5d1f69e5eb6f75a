"""Text that is written again and again at the same place, of a terminal or of a notebook."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from chainrule.training.interruption import uninterrupted
from chainrule.training.progress_text import CURVE, EMPTY, FULL

__all__ = ["Live", "is_terminal", "is_watched", "live_text", "say_line"]

SECONDS_BETWEEN = 0.1
NOTEBOOK_COLUMNS = 80
ROOM_FOR_CTRL_C = 2

Compose = Callable[[int, bool], str]
"""The text for so many columns, and whether it may have blocks and lines in it."""

_terminal = threading.RLock()


class Live:
    """Text that can change."""

    _shown_at = -math.inf

    def is_due(self) -> bool:
        """Whether it is time to show it anew: people read no more than ten texts a second."""
        return time.monotonic() - self._shown_at >= SECONDS_BETWEEN

    def show(self, compose: Compose) -> None:
        """Put a text in the place of the one before."""
        with uninterrupted():
            self._show(compose)
        self._shown_at = time.monotonic()

    def end(self, compose: Compose) -> None:
        """Leave a text behind, or nothing where it is to vanish."""
        with uninterrupted():
            self._end(compose)

    def _show(self, compose: Compose) -> None:
        raise NotImplementedError

    def _end(self, compose: Compose) -> None:
        raise NotImplementedError


def live_text(*, vanishes: bool = False) -> Live | None:
    """Text that can change, where a terminal (stderr) or a notebook can show it; else None.

    vanishes
        Whether the terminal is to be as it was when all is over; then notebooks have none.
    """
    if is_terminal():
        return _TerminalText(vanishes)
    return _NotebookText() if _in_notebook() and not vanishes else None


def is_terminal() -> bool:
    """Whether stderr is a terminal on which lines can be written again."""
    return os.environ.get("TERM") not in ("dumb", "unknown") and _is_tty(sys.stderr)


def is_watched() -> bool:
    """Whether someone sees what goes to stderr, or the outputs of a cell, at once."""
    return _is_tty(sys.stderr) or _in_notebook()


def say_line(text: str) -> None:
    """A line to stderr, or to stdout in a notebook, which shows the other as an alarm.

    One that nobody can read any more is no reason to stop.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(text, file=sys.stdout if _in_notebook() else sys.stderr, flush=True)


def _in_notebook() -> bool:
    found = sys.modules.get("IPython")
    shell = None if found is None else found.get_ipython()
    return getattr(shell, "kernel", None) is not None


class _TerminalText(Live):
    """Lines above the cursor; what others print meanwhile comes above them.

    A terminal has room for one: where there is another already, this one waits until that is over,
    and is shown at the end in any case. A terminal that goes away ends nothing but the showing.
    """

    def __init__(self, vanishes: bool) -> None:
        self._vanishes = vanishes
        self._live: Any = None

    def _show(self, compose: Compose) -> None:
        with _terminal, contextlib.suppress(OSError, ValueError):
            if self._live is None:
                self._begin()
            if self._live is not None:
                self._live.update(_text(self._live.console, compose), refresh=True)

    def _begin(self) -> None:
        """Take the terminal, if nobody has: its owner stands in the place of stderr."""
        if hasattr(sys.stderr, "rich_proxied_file"):
            return
        from rich.console import Console
        from rich.live import Live as RichLive

        console = Console(stderr=True, force_terminal=True, force_jupyter=False)
        self._live = RichLive(
            console=console, auto_refresh=False, transient=self._vanishes,
            redirect_stdout=_is_tty(sys.stdout),
        )  # fmt: skip
        self._live.start()
        console.show_cursor(True)  # a program that is killed could not bring it back

    def _end(self, compose: Compose) -> None:
        live, self._live = self._live, None
        with _terminal, contextlib.suppress(OSError, ValueError):
            if live is not None:
                self._leave(live, compose)
            elif not self._vanishes:
                say_line(compose(*_plain_room()))

    def _leave(self, live: Any, compose: Compose) -> None:
        try:
            if not self._vanishes:
                live.update(_text(live.console, compose))
        finally:
            live.stop()


def _text(console: Any, compose: Compose) -> Any:
    from rich.text import Text

    # the last columns are left for the ^C that a terminal shows
    columns = max(1, console.width - ROOM_FOR_CTRL_C)
    text = Text(compose(columns, _has_blocks(console.encoding)), no_wrap=True, overflow="crop")
    text.highlight_regex(f"{FULL}+", "green")
    return text


class _NotebookText(Live):
    """An output of the cell that runs, which changes in its place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def _show(self, compose: Compose) -> None:
        data = {"text/plain": compose(NOTEBOOK_COLUMNS, True)}
        if self._handle is None:
            display = sys.modules["IPython"].display.display
            self._handle = display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def _end(self, compose: Compose) -> None:
        self._show(compose)


def _plain_room() -> tuple[int, bool]:
    """Columns of what lines are said to, and whether it can show blocks."""
    columns, stream = NOTEBOOK_COLUMNS, _real(sys.stderr)
    with contextlib.suppress(OSError, ValueError):
        columns = os.get_terminal_size(stream.fileno()).columns
    return max(1, columns - ROOM_FOR_CTRL_C), _has_blocks(getattr(stream, "encoding", None))


def _real(stream: Any) -> Any:
    """The stream behind one that an owner of the terminal has put in its place."""
    return getattr(stream, "rich_proxied_file", stream)


def _has_blocks(encoding: str | None) -> bool:
    try:
        (CURVE + FULL + EMPTY).encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _is_tty(stream: Any) -> bool:
    try:
        return bool(_real(stream).isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
