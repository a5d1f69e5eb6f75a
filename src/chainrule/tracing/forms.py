"""The forms that a trace is shown in: text, LaTeX, a page, a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.files import write_text_atomic

__all__ = ["Forms"]


class Forms:
    """What is shown as text, LaTeX, an HTML page, or CSV and JSON."""

    def to_text(
        self,
        width: int = 80,
        color: bool = False,
        *,
        path: str | os.PathLike[str] | None = None,
    ) -> str:
        """Every number as aligned lines.

        width
            Letters a line; layers and sums that are too large for it are folded to what matters
            most, and the text says how many were left out.
        color
            Whether terminals' colors are used.
        path
            Where it is written too, if anywhere.

        Raises `WriteError` where the place cannot be written; what stood there stays then.
        """
        from chainrule.tracing.text import text_of

        if isinstance(width, str | os.PathLike):
            message = (
                f"to_text: width must be a number of letters, got {width!r}; "
                f"a file is given as path={os.fspath(width)!r}."
            )
            raise SettingError(message)
        return _kept(text_of(self, width, color), path)

    def to_latex(self, path: str | os.PathLike[str] | None = None) -> str:
        """Formula, numbers put in and result of each quantity, as a LaTeX document.

        path
            Where it is written too, if anywhere.

        Raises `WriteError` where the place cannot be written; what stood there stays then.
        """
        from chainrule.tracing.latex import latex_of

        return _kept(latex_of(self), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """One page that needs nothing else: step through it, click, change numbers.

        path
            Where it is written too, if anywhere.

        Raises `WriteError` where the place cannot be written; what stood there stays then.
        """
        from chainrule.tracing.page import page_of

        return _kept(page_of(self), path)

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Every number in a row of its own, with where it stands.

        path
            Where it is written too, if anywhere.

        Raises `WriteError` where the place cannot be written; what stood there stays then.
        """
        from chainrule.tracing.table import csv_of

        return _kept(csv_of(self), path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """What `to_csv` gives, as a JSON list of records.

        path
            Where it is written too, if anywhere.
        """
        from chainrule.tracing.table import json_of

        return _kept(json_of(self), path)

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """What a notebook shows: the page in a frame of its own."""
        from chainrule.tracing.page import frame_of

        return frame_of(self)


def _kept(text: str, path: Any) -> str:
    if path is not None:
        write_text_atomic(Path(path), text)
    return text
