"""Settings and labels as plain values of a record, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["plain", "unboxed", "unplain"]


def unboxed(value: Any) -> Any:
    """A number of NumPy as Python's own, an array or an index as a list."""
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if hasattr(value, "tolist") else value


def plain(value: Any) -> Any:
    """A setting as plain values of a record; a generator of random numbers is None there."""
    value = unboxed(value)
    if isinstance(value, Mapping):
        return {"pairs": [[plain(key), plain(one)] for key, one in value.items()]}
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return {type(value).__name__: [plain(one) for one in value]}
    return value if isinstance(value, bool | int | float | str) else None


def unplain(value: Any) -> Any:
    """The value that `plain` wrote."""
    if not isinstance(value, dict):
        return value
    if "pairs" in value:
        return {unplain(key): unplain(one) for key, one in value["pairs"]}
    (name, listed), *_ = value.items()
    found = [unplain(one) for one in listed]
    return tuple(found) if name == "tuple" else found
