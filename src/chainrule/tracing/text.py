"""A trace as aligned lines of text."""

from __future__ import annotations

from typing import Any

__all__ = ["text_of"]


def text_of(trace: Any, width: int, color: bool) -> str:
    """The text."""
    return f"<{type(trace).__name__}>"
