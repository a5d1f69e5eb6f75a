"""The rule that chooses between classification and regression, and what a target must hold."""

from __future__ import annotations

import numpy as np

from chainrule.data.convert import as_numbers
from chainrule.data.rules import kind_of
from chainrule.data.table import Column
from chainrule.errors import DataError

__all__ = ["check_target", "choose_task"]

CLASSES_OF_NUMBERS = 10
LARGEST_TARGET = 1e305


def check_target(column: Column, name: str) -> None:
    """Raise DataError where a target has no value, one value only, dates, or numbers that are
    infinite or so large that predictions could be.
    """
    if column.missing.all():
        message = f"column {name!r}: the target is missing in every row; give rows with a target."
        raise DataError(message)
    if column.kind == "datetime":
        message = (
            f"column {name!r}: a target of dates cannot be predicted; give a number, such as the "
            "days since a start."
        )
        raise DataError(message)
    large = column.kind == "number" and np.abs(column.values) > LARGEST_TARGET
    if np.any(large):
        row = int(np.flatnonzero(large)[0])
        message = (
            f"column {name!r}: the target is {column.values[row]} in row {row} (counted from 0); "
            "correct it, give it in a larger unit, or leave it empty."
        )
        raise DataError(message)
    if column.distinct == 1:
        message = (
            f"column {name!r}: the target has one value only ({column.keys[0]!r}), so there is no "
            "other class or number to tell it from; give rows with other values."
        )
        raise DataError(message)


def choose_task(column: Column, name: str, task: str) -> tuple[str, str]:
    """The task and the rule that chose it, with the option that overrides it.

    Text and booleans are classes. Numbers are classes where they are whole, at most 10 differ,
    and (beyond two) each value stands for two rows or more on average; else quantities.
    """
    if task == "regression":
        as_numbers(column, name)
    if task != "auto":
        return task, "you chose it"
    if column.kind != "number":
        what = "booleans" if kind_of(column) == "boolean" else "text"
        return "classification", f"{name!r} holds {what}"
    values = column.values[~column.missing]
    distinct = column.distinct
    if (values != np.floor(values)).any():
        why = f"{name!r} holds numbers that are not whole"
        return "regression", f"{why} (override: --task classification)"
    if distinct > CLASSES_OF_NUMBERS:
        why = f"{name!r} has {distinct} different whole numbers, more than {CLASSES_OF_NUMBERS}"
        return "regression", f"{why} (override: --task classification)"
    if distinct > 2 and 2 * distinct > len(values):
        why = f"{name!r} has {distinct} different numbers in {len(values)} rows"
        return "regression", f"{why} (override: --task classification)"
    why = f"{name!r} has {distinct} different whole numbers, {CLASSES_OF_NUMBERS} or fewer"
    return "classification", f"{why} (override: --task regression)"
