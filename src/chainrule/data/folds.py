"""Parts of a table that are held out in turn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule import random
from chainrule.data.blocks import group_blocks
from chainrule.data.schema import Schema, rows_with_target
from chainrule.data.table import Table
from chainrule.data.together import (
    FEW_DIFFER,
    class_target,
    classes_of,
    few_differ,
    kept_blocks,
    moments_of,
)
from chainrule.errors import SettingError
from chainrule.settings import check_count

__all__ = ["Folds", "folds_of"]

Integers = NDArray[np.int64]
Part = tuple[Integers, Integers]
STREAM = 6


@dataclass(frozen=True, eq=False)
class Folds:
    """Of each fold the positions of the rows to learn from and of those held out, and how chosen.

    Positions are in the order of the table; with a time column those to learn from are in the order
    of time.
    """

    parts: tuple[Part, ...]
    reason: str


def folds_of(
    table: Table, schema: Schema, *, seed: int, count: int, before: float | None = None
) -> Folds:
    """Parts of the rows with a target, each held out once, that keep what `split` keeps.

    By chance every row is held out once, and learned from in the other folds. Classes keep their
    shares as far as whole rows allow; a class of fewer rows than there are folds is in as many of
    them as it has rows. Exact duplicates (inputs and target) and rows of one group are in one fold.
    With a time column folds go forward: each holds out the rows that come next, and learns from all
    rows before them; rows of one time stay together, and groups by their last row.

    before
        With a time column, the share of rows that come before the first fold; as many as a fold
        has when None.

    Raises SettingError for fewer than 2 folds, and for more than there are rows, groups or times.

    >>> from chainrule.data import as_table, infer_schema
    >>> table = as_table({"x": list(range(10)), "y": ["a", "b"] * 5})
    >>> found = folds_of(table, infer_schema(table, "y"), seed=0, count=5)
    >>> [len(held) for learned, held in found.parts]
    [2, 2, 2, 2, 2]
    """
    count = check_count("folds", "their number", count, least=2)
    rows = rows_with_target(table, schema)
    known = table if len(rows) == table.rows else table.take(rows)
    if schema.named("time") is not None:
        parts, reason = _forward(known, schema, count, before)
    else:
        parts, reason = _by_chance(known, schema, seed, count)
    return Folds(tuple((rows[learned], rows[held]) for learned, held in parts), reason)


def _refuse(count: int, number: int, what: str, told: str, most: int) -> NoReturn:
    remedy = f"ask for {most:,} or fewer" if most >= 2 else "leave them out"
    found = f"{number:,} {what}{'s' * (number != 1)}{told}"
    message = f"folds: {count:,} folds of {found} cannot be; {remedy}."
    raise SettingError(message)


def _forward(
    table: Table, schema: Schema, count: int, before: float | None
) -> tuple[list[Part], str]:
    """Folds of an order in time: `count` of them, and the rows before them."""
    name = schema.named("time")
    moments, kept = moments_of(table, schema)
    moments = np.unique(moments, return_inverse=True)[1]
    times = int(moments.max()) + 1
    if times <= count:
        told = f" by {name!r}{kept}, the first of which is learned from,"
        _refuse(count, times, "different time", told, times - 1)
    order = np.argsort(moments, kind="stable")
    ends = _ends(np.bincount(moments), count, 1 / (count + 1) if before is None else before)
    parts = [(order[:start], np.sort(order[start:end])) for start, end in itertools.pairwise(ends)]
    reason = (
        f"forward by {name!r}{kept}: each is held out from networks that learned from the rows "
        f"before it; the first {ends[0]:,} rows are only learned from"
    )
    return parts, reason


def _ends(sizes: Integers, count: int, before: float) -> list[int]:
    """After how many rows the first part and each fold end: near even, no time divided."""
    sums = np.cumsum(sizes)
    total, ends, place = int(sums[-1]), [0], 0
    for left in range(count, 0, -1):
        share = before if left == count else 1 / (left + 1)
        ideal = ends[-1] + (total - ends[-1]) * share
        allowed = sums[place : len(sums) - left]
        place += int(np.argmin(np.abs(allowed - ideal))) + 1
        ends.append(int(sums[place - 1]))
    return [*ends[1:], total]


def _by_chance(table: Table, schema: Schema, seed: int, count: int) -> tuple[list[Part], str]:
    """Folds that are drawn, each row held out once."""
    blocks, reason = kept_blocks(table, schema)
    group = schema.named("group")
    if group is None and table.rows < count:
        _refuse(count, table.rows, "row", "", table.rows)
    if group is not None and int(blocks.max()) + 1 < count:
        blocks = group_blocks(table.columns[group])
        reason = f"groups of {group!r} kept together, drawn by chance"
        groups = int(blocks.max()) + 1
        if groups < count:
            _refuse(count, groups, "group", f" of {group!r}", groups)
    classes = classes_of(table, schema)
    number = _dealt(blocks, classes, seed, count)
    least = np.bincount(number, minlength=count).min()
    if group is None and (few_differ(blocks) or least < table.rows / count / 2):
        number, reason = _dealt(np.arange(table.rows), classes, seed, count), FEW_DIFFER
    if class_target(schema) is not None:
        reason += ", the classes in the same shares" if group is None else ", classes nearly so"
    return [
        (np.flatnonzero(number != fold), np.flatnonzero(number == fold)) for fold in range(count)
    ], f"each row held out once, {reason}"


def _dealt(blocks: Integers, classes: Integers, seed: int, count: int) -> Integers:
    """The fold of each row: whole blocks, the largest first, each to the fold that wants it most.

    That is the one with the fewest rows of the block's classes, as shares of all rows of these; of
    several the one with the fewest rows.
    """
    sizes = np.bincount(blocks)
    first = np.zeros(len(sizes), dtype=np.int64)
    first[blocks] = classes
    order = random.permutation(seed, STREAM, 0, len(sizes))
    order = order[np.lexsort((first[order], -sizes[order]))]
    fold = np.empty(len(sizes), dtype=np.int64)
    if sizes.max() == 1:
        fold[order] = np.arange(len(order)) % count
        return fold[blocks]
    for block, chosen in _placed(order.tolist(), blocks, classes, count):
        fold[block] = chosen
    return fold[blocks]


def _placed(
    order: list[int], blocks: Integers, classes: Integers, count: int
) -> Iterator[tuple[int, int]]:
    """Each block, in the order given, with its fold."""
    totals = np.bincount(classes)
    pairs, rows = np.unique(blocks * len(totals) + classes, return_counts=True)
    owners, own = np.divmod(pairs, len(totals))
    starts = np.searchsorted(owners, np.arange(len(order) + 1)).tolist()
    found = list(zip(own.tolist(), rows.tolist(), (rows / totals[own]).tolist(), strict=True))
    held = [[0] * len(totals) for _ in range(count)]
    filled = [0] * count
    for block in order:
        inside = found[starts[block] : starts[block + 1]]
        wanting = [sum(one[code] * share for code, _, share in inside) for one in held]
        chosen = min(range(count), key=list(zip(wanting, filled, strict=True)).__getitem__)
        for code, number, _ in inside:
            held[chosen][code] += number
            filled[chosen] += number
        yield block, chosen
