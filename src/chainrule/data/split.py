"""Rows to train on, to watch (validation) and to judge by (test)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule import random
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
from chainrule.errors import DataError, SettingError

__all__ = ["Split", "split"]

Integers = NDArray[np.int64]
PARTS = ("none", "train", "validation", "test")
DRAWS_OF_GROUPS = 24
TEST_STREAM, VALIDATION_STREAM = 0, 1
VALIDATION_FROM_ROWS = 5


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the rows of each part, in the order of the table, and how they were chosen."""

    train: Integers
    validation: Integers
    test: Integers
    reason: str

    def parts(self, rows: int) -> NDArray[np.uint8]:
        """For each row of the table its part: 0 none, 1 train, 2 validation, 3 test."""
        record = np.zeros(rows, dtype=np.uint8)
        for number, part in enumerate((self.train, self.validation, self.test), start=1):
            record[part] = number
        return record

    @classmethod
    def from_parts(cls, record: NDArray[np.uint8], reason: str) -> Split:
        """The split that `parts` recorded."""
        train, validation, test = (np.flatnonzero(record == number) for number in (1, 2, 3))
        return cls(train, validation, test, reason)


def split(
    table: Table,
    schema: Schema,
    *,
    seed: int,
    test: float = 0.2,
    validation: float = 0.2,
) -> Split:
    """A test part of the rows with a target, and a validation part of the rest.

    `test` and `validation` are shares from 0 (no such part) to below 1. Classes keep their shares
    as far as whole rows allow; a class of one row is trained on. Exact duplicates (inputs and
    target) and rows of one group fall in one part. With a time column the last rows are the
    test, those before them the validation, and rows of one time stay together. Tables of 2 rows
    are wholly trained on; the smallest tables have no validation part.

    Raises DataError where a group holds so many rows that no part can be made, SettingError for
    a share that is not allowed.

    >>> from chainrule.data import as_table, infer_schema
    >>> table = as_table({"x": list(range(10)), "y": ["a", "b"] * 5})
    >>> parts = split(table, infer_schema(table, "y"), seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (6, 2, 2)
    """
    for name, share in (("test", test), ("validation", validation)):
        if not 0 <= share < 1:
            message = f"{name} must be a share of 0 or more and below 1, got {share!r}."
            raise SettingError(message)
    rows = rows_with_target(table, schema)
    known = table if len(rows) == table.rows else table.take(rows)
    tested, watched = _sizes(len(rows), test, validation)
    if schema.named("time") is not None:
        parts, reason = _by_time(known, schema, tested, watched)
    else:
        parts, reason = _by_chance(known, schema, seed, tested, watched)
    absent = table.rows - len(rows)
    reason += f"; {absent} row{'s' * (absent > 1)} without a target left out" if absent else ""
    train, valid, last = (rows[np.flatnonzero(parts == number)] for number in (1, 2, 3))
    return Split(train, valid, last, reason)


def _sizes(rows: int, test: float, validation: float) -> tuple[int, int]:
    """How many rows to test and to validate on; a row at least is trained on."""
    tested = max(1, round(test * rows)) if test > 0 and rows > 2 else 0
    rest = rows - tested
    watched = (
        max(1, round(validation * rest)) if validation > 0 and rest >= VALIDATION_FROM_ROWS else 0
    )
    tested = min(tested, max(rows - 1, 0))
    return tested, max(min(watched, rows - tested - 1), 0)


def _by_time(
    table: Table, schema: Schema, tested: int, watched: int
) -> tuple[NDArray[np.uint8], str]:
    name = schema.named("time") or ""
    moments, kept = moments_of(table, schema)
    reason = f"the last rows by {name!r} are the test{kept}"
    order = np.sort(moments)
    start = _edge(order, len(order) - tested)
    middle = _edge(order[:start], start - watched)
    if tested and not 0 < start < len(order):
        message = f"column {name!r}: every row has one time; leave out --time, or give --test."
        raise DataError(message)
    parts = np.ones(table.rows, dtype=np.uint8)
    if middle < start:
        parts[moments >= order[middle]] = 2
    if start < len(order):
        parts[moments >= order[start]] = 3
    return parts, reason


def _edge(order: Integers, place: int) -> int:
    """The border nearest to a place that does not divide rows of one time."""
    if place <= 0 or place >= len(order):
        return place
    low = int(np.searchsorted(order, order[place], side="left"))
    high = int(np.searchsorted(order, order[place], side="right"))
    if low == 0 or (high < len(order) and high - place < place - low):
        return high
    return low


def _by_chance(
    table: Table, schema: Schema, seed: int, tested: int, watched: int
) -> tuple[NDArray[np.uint8], str]:
    blocks, reason = kept_blocks(table, schema)
    parts = _drawn(table, schema, blocks, seed, tested, watched)
    group = schema.named("group")
    if group is None:
        empty = (parts == 3).sum() < tested / 2 or (parts == 2).sum() < watched / 2
        if few_differ(blocks) or empty:
            parts = _drawn(table, schema, np.arange(table.rows), seed, tested, watched)
            reason = FEW_DIFFER
    if class_target(schema) is not None:
        reason += ", the classes in the same shares" if group is None else ", classes nearly so"
    return parts, reason


def _drawn(
    table: Table, schema: Schema, blocks: Integers, seed: int, tested: int, watched: int
) -> NDArray[np.uint8]:
    """The part of each row: first the test is drawn, then the validation from the rest."""
    group = schema.named("group")
    classes = classes_of(table, schema)
    parts = np.ones(table.rows, dtype=np.uint8)
    for number, stream, size in ((3, TEST_STREAM, tested), (2, VALIDATION_STREAM, watched)):
        if size == 0:
            continue
        rest = np.flatnonzero(parts == 1)
        local = np.unique(blocks[rest], return_inverse=True)[1]
        draw = _draw_blocks if group is None else _draw_groups
        chosen = draw(local, classes[rest], seed, stream, size)
        if group is not None:
            _refuse_giant(chosen, table, group, local)
        parts[rest[chosen]] = number
    return parts


def _refuse_giant(chosen: NDArray[np.bool_], table: Table, group: str, blocks: Integers) -> None:
    if chosen.any() and not chosen.all():
        return
    largest = int(np.bincount(blocks).max())
    message = (
        f"column {group!r}: one group holds {largest} of {table.rows} rows, so no test or "
        "validation part can be made; group by another column, or give --test and --validation "
        "(eval_set)."
    )
    raise DataError(message)


def _quotas(counts: Integers, size: int) -> Integers:
    """How many rows of each class to take: equal shares, largest remainders first, one left."""
    total = int(counts.sum())
    exact = counts * (size / total)
    quotas: Integers = np.minimum(np.floor(exact).astype(np.int64), np.maximum(counts - 1, 0))
    remainders = np.where(counts > 1, exact - quotas, -1.0)
    for place in np.argsort(-remainders, kind="stable"):
        if quotas.sum() >= size:
            break
        if quotas[place] < counts[place] - 1:
            quotas[place] += 1
    return quotas


def _draw_blocks(
    blocks: Integers, classes: Integers, seed: int, stream: int, size: int
) -> NDArray[np.bool_]:
    """Rows of whole blocks, each of one class, in the order of a shuffle until quotas are full."""
    count = int(blocks.max()) + 1
    sizes = np.bincount(blocks, minlength=count)
    owner = np.zeros(count, dtype=np.int64)
    owner[blocks] = classes
    quotas = _quotas(np.bincount(classes), size)
    order = random.permutation(seed, stream, 0, count)
    order = order[np.argsort(owner[order], kind="stable")]
    taken = np.zeros(count, dtype=bool)
    if sizes.max(initial=1) == 1:
        position = np.arange(count) - np.searchsorted(owner[order], owner[order], side="left")
        taken[order] = position < quotas[owner[order]]
        return taken[blocks]
    room = quotas.tolist()
    for block, rows, label in zip(
        order.tolist(), sizes[order].tolist(), owner[order].tolist(), strict=True
    ):
        if rows <= room[label]:
            taken[block] = True
            room[label] -= rows
    return taken[blocks]


def _draw_groups(
    blocks: Integers, classes: Integers, seed: int, stream: int, size: int
) -> NDArray[np.bool_]:
    """Rows of whole groups: of some shuffles the one whose size and class shares fit best."""
    count = int(blocks.max()) + 1
    sizes = np.bincount(blocks, minlength=count)
    totals = np.bincount(classes)
    best, best_score = np.zeros(len(blocks), dtype=bool), np.inf
    for draw in range(DRAWS_OF_GROUPS):
        taken = np.zeros(count, dtype=bool)
        room = size
        for block in random.permutation(seed, stream, draw, count).tolist():
            fits = sizes[block] <= room
            half = not taken.any() and sizes[block] <= 2 * size
            if (fits or half) and sizes[block] < len(blocks):
                taken[block] = True
                room -= int(sizes[block])
            if room <= 0:
                break
        rows = taken[blocks]
        shares = np.bincount(classes[rows], minlength=len(totals)) - totals * (size / len(blocks))
        score = float(np.abs(shares).sum())
        if rows.any() and score < best_score:
            best, best_score = rows, score
    return best
