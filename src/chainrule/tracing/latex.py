"""A trace as a LaTeX document."""

from __future__ import annotations

from typing import Any

__all__ = ["latex_of"]


def latex_of(trace: Any) -> str:
    """The document."""
    return f"% {type(trace).__name__}"
