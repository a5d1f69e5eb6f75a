"""What is printed: results to stdout, talk to stderr, tables that fit the terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Sequence

from chainrule.text import aligned, plural, printable

__all__ = [
    "plural",
    "say",
    "show",
    "terminal_width",
    "text_table",
]

PIPED_WIDTH = 100


def say(text: str = "") -> None:
    """A line to stderr; a reader that has gone away is no reason to stop."""
    with contextlib.suppress(OSError, ValueError):
        print(printable(text), file=sys.stderr, flush=True)


def show(text: str = "") -> None:
    """A line to stdout."""
    print(printable(text), flush=True)


def terminal_width() -> int:
    """Columns of the terminal (or of COLUMNS); 100 where the talk goes elsewhere."""
    if os.environ.get("COLUMNS", "").isdigit():
        return max(40, int(os.environ["COLUMNS"]))
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return max(40, os.get_terminal_size(sys.stderr.fileno()).columns)
    return max(40, shutil.get_terminal_size((PIPED_WIDTH, 24)).columns)


def text_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
) -> str:
    """`chainrule.text.aligned` as wide as the terminal."""
    return aligned(header, rows, right=right, whole=whole, width=terminal_width())
