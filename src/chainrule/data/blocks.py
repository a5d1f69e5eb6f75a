"""Rows that must stay together, as blocks: exact duplicates, and rows of one group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.table import Column, Table

if TYPE_CHECKING:
    from chainrule.data.schema import Schema

__all__ = ["duplicate_blocks", "group_blocks", "groups_of", "joined_blocks", "rows_also_in"]

Integers = NDArray[np.int64]
MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def duplicate_blocks(table: Table, names: list[str]) -> Integers:
    """For each row the number of its block: rows that agree in all of the columns share one.

    Cells are mixed into 64 bits a row (splitmix64); two different rows that happen to agree in
    them would only be kept together.
    """
    mixed = np.zeros(table.rows, dtype=np.uint64)
    for name in names:
        mixed = _mix(mixed * GOLDEN ^ _bits(table.columns[name]))
    return _numbered(mixed)


def rows_also_in(table: Table, other: Table, names: Sequence[str]) -> NDArray[np.bool_]:
    """For each row of a table whether another table has a row with the same cells.

    >>> from chainrule.data import as_table
    >>> rows_also_in(as_table({"x": [1.0, 2.0]}), as_table({"x": [2.0, 3.0]}), ["x"]).tolist()
    [False, True]
    """
    columns = {name: _both(table.columns[name], other.columns[name]) for name in names}
    both = Table(columns, table.rows + other.rows, table.source)
    blocks = duplicate_blocks(both, list(names))
    return np.isin(blocks[: table.rows], blocks[table.rows :])


def _both(first: Column, second: Column) -> Column:
    """Two columns as one, as text where their kinds differ."""
    missing = np.concatenate([first.missing, second.missing])
    if first.kind == second.kind:
        return Column(first.kind, np.concatenate([first.values, second.values]), missing)
    spelled = [np.array([*one.keys, ""], dtype=object)[one.codes] for one in (first, second)]
    return Column("text", np.concatenate(spelled), missing)


def _bits(column: Column) -> NDArray[np.uint64]:
    if column.kind == "text":
        return column.codes.view(np.uint64)
    if column.kind == "datetime":
        return column.values.astype("datetime64[us]").view(np.uint64)
    return (np.where(column.missing, np.nan, column.values) + 0.0).view(np.uint64)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    first, second = MULTIPLIERS
    bits = bits + GOLDEN
    bits = (bits ^ (bits >> np.uint64(30))) * first
    bits = (bits ^ (bits >> np.uint64(27))) * second
    return bits ^ (bits >> np.uint64(31))


def _numbered(marks: NDArray[Any]) -> Integers:
    """Blocks numbered by their first row, so that numbers do not depend on what marks them."""
    _, first, inverse = np.unique(marks, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]


def group_blocks(column: Column) -> Integers:
    """Blocks of a column's values; a row whose group is missing is a block of its own."""
    codes = column.codes.copy()
    alone = np.flatnonzero(codes < 0)
    codes[alone] = column.distinct + np.arange(len(alone))
    return _numbered(codes)


def groups_of(table: Table, schema: Schema) -> Integers | None:
    """The group of each row; None where training had no groups, or the table has not the column."""
    name = schema.named("group")
    return group_blocks(table.columns[name]) if name in table.columns else None


def joined_blocks(first: Integers, second: Integers) -> Integers:
    """The finest blocks that keep together what either of two keeps together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = int(first.max()) + 1
    total = size + int(second.max()) + 1
    links = coo_array((np.ones(len(first), bool), (first, second + size)), shape=(total, total))
    _, labels = connected_components(links, directed=False)
    return _numbered(labels[first])
