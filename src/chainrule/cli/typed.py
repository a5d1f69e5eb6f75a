"""Errors that name settings as the options that were typed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.errors import ChainruleError

__all__ = ["as_typed"]

OPTIONS = (
    "by", "class", "column", "costs", "coverage", "folds", "member", "method", "metric", "row",
    "rows", "scale", "threshold", "unit",
)  # fmt: skip


@contextmanager
def as_typed(**names: str) -> Iterator[None]:
    """A setting that an error begins with, after the function that asks, is told as the option.

    names
        Options that are not called as their settings.
    """
    try:
        yield
    except ChainruleError as error:
        for message in (str(error), str(error).partition(": ")[2]):
            name, colon, rest = message.partition(":")
            if colon and name in OPTIONS:
                told = f"--{names.get(name, name)}:{rest}"
                raise type(error)(told) from error
        raise
