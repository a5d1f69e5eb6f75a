"""A trace as a table: a number a line."""

from __future__ import annotations

from typing import Any

__all__ = ["csv_of", "json_of"]


def csv_of(trace: Any) -> str:
    """CSV with a header."""
    return f"{type(trace).__name__}\n"


def json_of(trace: Any) -> str:
    """The same as a JSON list of records."""
    return f"[{type(trace).__name__!r}]\n"
