"""A few rows of training that a model keeps, so that its answers can be explained against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Column, Table
from chainrule.estimators.choices import learned_rows
from chainrule.estimators.plan import TablePlan

__all__ = ["background_of", "table_from_record", "table_record"]

ROWS = 100
STREAM = 3


def background_of(plan: TablePlan) -> Table:
    """Up to 100 of the rows that networks learn from, of the columns that they are given.

    Drawn by the seed alone, in the order of the table.
    """
    rows = learned_rows(plan.members)
    order = random.permutation(plan.chosen.seed, STREAM, 0, len(rows))
    chosen = plan.pool.take(rows[np.sort(order[:ROWS])])
    columns = {name: chosen.columns[name] for name in plan.encoder.columns}
    return Table(columns, chosen.rows, "rows of training")


def table_record(table: Table) -> dict[str, Any]:
    """The columns of a small table as plain values."""
    return {
        name: {"kind": column.kind, "form": column.form, "values": _plain(column)}
        for name, column in table.columns.items()
    }


def table_from_record(record: Mapping[str, Any]) -> Table:
    """The table that `table_record` wrote."""
    columns = {name: _column(kept) for name, kept in record.items()}
    rows = len(next(iter(columns.values())).values)
    return Table(columns, rows, "rows of training")


def _plain(column: Column) -> list[Any]:
    values: Any = column.values
    if column.kind == "datetime":
        values = values.astype("datetime64[us]").astype(np.int64)
    pairs = zip(values.tolist(), column.missing, strict=True)
    return [None if missing else value for value, missing in pairs]


def _column(kept: Mapping[str, Any]) -> Column:
    kind, values = kept["kind"], kept["values"]
    missing = np.array([value is None for value in values], dtype=bool)
    if kind == "text":
        made = np.array(["" if value is None else value for value in values], dtype=object)
    elif kind == "datetime":
        numbers = [0 if value is None else value for value in values]
        made = np.array(numbers, dtype=np.int64).astype("datetime64[us]")
        made[missing] = np.datetime64("NaT")
    else:
        made = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return Column(kind, made, missing, kept["form"])
