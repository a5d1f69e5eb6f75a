"""A trace as one HTML page."""

from __future__ import annotations

from typing import Any

__all__ = ["frame_of", "page_of"]


def page_of(trace: Any) -> str:
    """The page."""
    return f"<!doctype html><title>{type(trace).__name__}</title>"


def frame_of(trace: Any) -> str:
    """The page in a frame, for a notebook."""
    return f"<iframe srcdoc='{page_of(trace)}'></iframe>"
