"""What a split and folds keep: rows that belong together, classes, and the order in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.data.blocks import duplicate_blocks, group_blocks, joined_blocks
from chainrule.data.convert import as_moments, as_numbers
from chainrule.data.schema import Schema
from chainrule.data.table import Table
from chainrule.errors import DataError

__all__ = ["FEW_DIFFER", "class_target", "classes_of", "few_differ", "kept_blocks", "moments_of"]

Integers = NDArray[np.int64]
BLOCKS_AT_LEAST = 30
FEW_DIFFER = "drawn by chance (too few rows differ to keep those that repeat together)"


def kept_blocks(table: Table, schema: Schema) -> tuple[Integers, str]:
    """The rows that stay together, and what to say of them."""
    names = [*schema.inputs, *schema.target_names]
    blocks = duplicate_blocks(table, names)
    repeated = table.rows - (int(blocks.max(initial=-1)) + 1)
    reason = "drawn by chance"
    if repeated:
        rows = "row that repeats" if repeated == 1 else "rows that repeat"
        reason += f", {repeated} {rows} another kept with it"
    group = schema.named("group")
    if group is None:
        return blocks, reason
    groups = group_blocks(table.columns[group])
    joined = joined_blocks(groups, blocks)
    largest = int(np.bincount(groups).max(initial=0))
    if np.bincount(joined).max(initial=0) > max(table.rows // 2, largest):
        return groups, f"groups of {group!r} kept together, drawn by chance"
    return joined, f"groups of {group!r} kept together, {reason}"


def few_differ(blocks: Integers) -> bool:
    """Whether so few of many rows differ that those that repeat cannot be kept together."""
    return int(blocks.max(initial=-1)) + 1 < BLOCKS_AT_LEAST <= len(blocks)


def class_target(schema: Schema) -> str | None:
    """The target whose classes keep their shares: of several the first of classes."""
    return next((one.name for one in schema.targets if one.task == "classification"), None)


def classes_of(table: Table, schema: Schema) -> Integers:
    """The class of each row as a code; 0 where no target is a class."""
    name = class_target(schema)
    if name is None:
        return np.zeros(table.rows, dtype=np.int64)
    return table.columns[name].codes


def moments_of(table: Table, schema: Schema) -> tuple[Integers, str]:
    """The time of each row as its place among the different times, and what to say of groups.

    Rows of one group have the time of its last row. Raises DataError where a time is missing.
    """
    name = schema.named("time") or ""
    column = table.columns[name]
    if column.missing.any():
        row = int(np.flatnonzero(column.missing)[0])
        message = (
            f"column {name!r}: the time is missing in {int(column.missing.sum())} rows with a "
            f"target (first: number {row} of them, counted from 0); fill it, or leave them out."
        )
        raise DataError(message)
    if column.kind == "datetime":
        times = as_moments(column, name).values.astype(np.int64)
    else:
        times = as_numbers(column, name).values
    moments = np.unique(times, return_inverse=True)[1]
    group = schema.named("group")
    if group is None:
        return moments, ""
    blocks = group_blocks(table.columns[group])
    last = np.zeros(int(blocks.max()) + 1, dtype=np.int64)
    np.maximum.at(last, blocks, moments)
    return last[blocks], f", groups of {group!r} kept together by their last row"
