"""Cells as plain values, to be written or shown."""

from __future__ import annotations

from typing import Any

from chainrule.data.table import Column

__all__ = ["plain_cells"]


def plain_cells(column: Column) -> list[Any]:
    """Python's own values, None where one is missing; whole numbers without a point."""
    cells: list[Any]
    if column.kind == "boolean":
        cells = [value == 1 for value in column.values.tolist()]
    elif column.kind == "datetime":
        cells = [_moment(value) for value in column.values]
    elif column.kind == "number":
        cells = [int(value) if value.is_integer() else value for value in column.values.tolist()]
    else:
        cells = column.values.tolist()
    return [None if gone else cell for cell, gone in zip(cells, column.missing, strict=True)]


def _moment(value: Any) -> str:
    """ISO 8601, without the time where it is midnight."""
    return str(value).removesuffix(".000000").removesuffix("T00:00:00")
