"""Inputs that give the target away: reported for the user to judge, never dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.data.convert import as_numbers
from chainrule.data.rules import ColumnSchema
from chainrule.data.table import Column, Table

__all__ = ["find_suspects"]

CORRELATION = 0.9999
ROWS_AT_LEAST = 20


def find_suspects(table: Table, target: str, inputs: Sequence[ColumnSchema]) -> tuple[str, ...]:
    """A sentence on each input that (nearly) determines the target."""
    if table.rows < ROWS_AT_LEAST:
        return ()
    suspects = []
    goal = table.columns[target]
    for schema in inputs:
        column = table.columns[schema.name]
        if _is_one_to_one(column, goal):
            suspects.append(
                f"column {schema.name!r} stands for {target!r} value by value: if it is not known "
                f"when you predict, leave it out (--ignore {schema.name!r})"
            )
        elif schema.kind == "number" and goal.kind == "number":
            correlation = _correlation(as_numbers(column, schema.name), goal)
            if abs(correlation) > CORRELATION:
                suspects.append(
                    f"column {schema.name!r} has a correlation of {correlation:.6f} with "
                    f"{target!r}: if it is not known when you predict, leave it out "
                    f"(--ignore {schema.name!r})"
                )
    return tuple(suspects)


def _is_one_to_one(column: Column, goal: Column) -> bool:
    """Whether each value goes with one value of the target, and the other way round."""
    size = goal.distinct
    both = ~column.missing & ~goal.missing
    rows = int(both.sum())
    if column.distinct != size or size < 2 or rows < ROWS_AT_LEAST or 2 * size > rows:
        return False
    pairs = np.unique(column.codes[both] * np.int64(size) + goal.codes[both])
    left, right = np.unique(pairs // size), np.unique(pairs % size)
    return len(pairs) == len(left) == len(right)


def _correlation(column: Column, goal: Column) -> float:
    usable = np.isfinite(column.values) & np.isfinite(goal.values)
    if int(usable.sum()) < ROWS_AT_LEAST:
        return 0.0
    x, y = column.values[usable], goal.values[usable]
    x = x / max(np.abs(x).max(), np.finfo(np.float64).tiny)
    y = y / max(np.abs(y).max(), np.finfo(np.float64).tiny)
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum() / spread) if spread > 0 else 0.0
