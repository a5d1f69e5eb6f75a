"""Checks of what users set, and looking up of names: one sentence for every wrong one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError, nearest

__all__ = [
    "check_count", "check_counts", "check_flag", "check_number", "check_seed", "check_weights",
    "find_object",
]  # fmt: skip


def check_count(owner: str, setting: str, value: Any, least: int = 1) -> int:
    """The value as a whole number of `least` or more, or a sentence.

    >>> check_count("Dense", "units", 3)
    3
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        message = f"{owner}: {setting} must be a whole number of {least} or more, got {value!r}."
        raise SettingError(message)
    return int(value)


def check_counts(owner: str, setting: str, values: Any, least: int = 1) -> list[int]:
    """The values, one or more, as whole numbers of `least` or more, or a sentence.

    >>> check_counts("plot", "units", (3, 6))
    [3, 6]
    """
    given = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else []
    if not given:
        message = f"{owner}: {setting} must be one whole number or more in a list, got {values!r}."
        raise SettingError(message)
    return [check_count(owner, setting, value, least) for value in given]


def check_number(
    owner: str, setting: str, value: Any, allowed: str, holds: Callable[[float], bool]
) -> float:
    """The value as a float where it is a finite number and `holds`, or a sentence.

    >>> check_number("Dropout", "rate", 0.2, "from 0 to below 1", lambda rate: 0 <= rate < 1)
    0.2
    """
    real = isinstance(value, int | float | np.integer | np.floating)
    if not real or isinstance(value, bool) or not math.isfinite(value) or not holds(float(value)):
        message = f"{owner}: {setting} must be a number {allowed}, got {value!r}."
        raise SettingError(message)
    return float(value)


def check_flag(owner: str, setting: str, value: Any) -> bool:
    """The value where it is True or False, or a sentence."""
    if not isinstance(value, bool):
        message = f"{owner}: {setting} must be True or False, got {value!r}."
        raise InputTypeError(message)
    return value


def check_seed(owner: str, seed: Any) -> int:
    """A seed as a whole number from 0 to below 2**64, or a sentence."""
    if check_count(owner, "seed", seed, least=0) >= 2**64:
        message = f"{owner}: seed must be below 2**64, got {seed}."
        raise SettingError(message)
    return int(seed)


def check_weights(owner: str, given: Any, rows: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """One finite number of 0 or more a row, or a sentence.

    >>> check_weights("evaluate", [1, 2], 2)
    array([1., 2.])
    """
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.array(np.nan)
    if not np.isfinite(weights).all() or (weights < 0).any():
        message = f"{owner}: sample_weight must be finite numbers of 0 or more, one a row of X."
        raise DataError(message)
    if weights.shape != (rows,):
        message = f"{owner}: sample_weight has shape {weights.shape}; give one number a row of X."
        raise ShapeError(message)
    return weights


def find_object(what: str, given: Any, table: Mapping[str, type[Any]], kind: type[Any]) -> Any:
    """The object that a name, a class or an object stands for.

    what
        How sentences call it: "optimizer", "initializer".
    table
        Classes by name; a class's own name is known too.
    """
    if isinstance(given, kind):
        return given
    if isinstance(given, type) and issubclass(given, kind):
        return given()
    if not isinstance(given, str):
        message = (
            f"{what}: needs a name or an object of {kind.__name__}, got {type(given).__name__}; "
            f"known names: {', '.join(table)}."
        )
        raise InputTypeError(message)
    if given in table:
        return table[given]()
    known = {member.__name__: member for member in table.values()}
    if given not in known:
        message = f"{what}: {given!r} is not known; {nearest(given, table, listed=True)}"
        raise SettingError(message)
    return known[given]()
