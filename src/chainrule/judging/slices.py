"""Scores by value of a column: where does a model fail?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Column
from chainrule.errors import SettingError, nearest
from chainrule.judging.answered import Answered
from chainrule.judging.ratios import MOVED_BY_SHARES, Ratios, ratios_of, score_of_slices
from chainrule.reporting import resamples_for
from chainrule.text import plural

__all__ = ["FEWEST_ROWS", "Slice", "check_columns", "slices_of"]

FEWEST_ROWS = 30
FEWEST_COUNTING = 10
MOST_VALUES = 20
RANGES = 4
LEVEL = 0.05
STREAM = 6
ALL = "all"
BLOCK_NUMBERS = 500_000
ROUNDING = 1e-9
ROUNDED = 0.01

Array = np.ndarray[Any, np.dtype[Any]]
Part = tuple[str, str, Array]


@dataclass(frozen=True)
class Slice:
    """How well rows with one value, or a range of values, of a column are predicted.

    value
        The value, a range of numbers, or "missing".
    score, interval, rest
        `by` of these rows with its 95 % interval, and of all others.
    difference, p
        By how much these rows are worse than the rest, below 0 where they are better, whichever way
        the score goes; and how often, where truths with their answers are dealt out to the rows at
        random, any of the slices looked at differs as much, for its size and in either direction
        (permutation test of the largest; Westfall and Young, 1993).
    beyond_noise
        Whether p is below 0.05: where no slice differs, one and more are named beyond noise in at
        most 5 of 100 evaluations, however many are looked at.
    """

    column: str
    value: str
    rows: int
    by: str
    score: float
    interval: tuple[float, float]
    rest: float
    difference: float
    p: float
    beyond_noise: bool

    @property
    def verdict(self) -> str:
        """Worse or better beyond noise, or within noise."""
        how = "worse" if self.difference > 0 else "better"
        return f"{how} beyond noise" if self.beyond_noise else "within noise"

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "interval": list(self.interval), "verdict": self.verdict}


def check_columns(found: Answered, by: Any) -> tuple[str, ...]:
    """The columns to look at; raises SettingError for one that is not there."""
    if not isinstance(by, Iterable):
        message = f"by: must be a column, columns in a list, or 'all', got {by!r}."
        raise SettingError(message)
    names = dict.fromkeys((by,) if isinstance(by, str) else by)
    known = [name for name in found.table.names if name != found.target]
    for name in names:
        if name not in known and name != ALL:
            message = f"by: there is no column {name!r}; {nearest(str(name), known)}"
            raise SettingError(message)
    if ALL not in names:
        return tuple(names)
    every = [name for name in found.used if name in found.table.names]
    return tuple(dict.fromkeys([*every, *(name for name in names if name in known)]))


def slices_of(
    found: Answered, names: Sequence[str], metric: str, seed: int = 0
) -> tuple[tuple[Slice, ...], str]:
    """Every slice of at least 30 rows, those worse beyond noise first; and what is to be said.

    Of a number a slice is a quarter of its rows by size, or a value where there are ten at most; of
    a category one of its 20 most frequent values. Missing cells are a slice of their own.

    found
        Rows that are scored.
    metric
        The score to compare by, where rows of a slice have it by themselves; else another.
    """
    if not names:
        return (), ""
    by, why = score_of_slices(metric)
    told = [f"Slices are compared by {by}, for {metric} {why}."] if why else []
    ratios = ratios_of(found, by)
    counting = ratios.counting
    weights = np.ones(len(found.truth)) if found.weights is None else found.weights
    whole = _large_parts(found, names)
    parts = [one for one in whole if _enough(one[2][counting])]
    if not whole:
        told = [
            f"No value or range of the columns asked for has {FEWEST_ROWS} rows with as many "
            f"others beside it, of {plural(len(weights), 'row')}: there are no slices."
        ]
    elif len(parts) < len(whole):
        told.append(
            f"{len(whole) - len(parts):,} of {plural(len(whole), 'slice')} left out: fewer than "
            f"{FEWEST_COUNTING} rows count for {by} there, or elsewhere."
        )
    if found.groups is not None and whole:
        told.append(
            f"Rows of one {found.group!r} are taken as independent here: where they are alike, "
            "slices look more certain than they are."
        )
    if by in MOVED_BY_SHARES and parts:
        told.append(
            f"By the same model {by} is lower where a class is rarer: compare slices of like "
            "shares of it, or by log_loss."
        )
    made = _slices(ratios.take(counting), weights[counting], parts, counting, seed)
    made.sort(key=lambda one: (not (one.beyond_noise and one.difference > 0), -one.difference))
    return tuple(made), " ".join(told)


def _large_parts(found: Answered, names: Sequence[str]) -> list[Part]:
    whole = len(found.truth)
    return [
        (name, value, rows)
        for name in names
        for value, rows in _parts(found.table.columns[name])
        if FEWEST_ROWS <= rows.sum() <= whole - FEWEST_ROWS
    ]


def _enough(counting: Array) -> bool:
    """Whether enough of the rows that a score depends on are within a slice, and beside it."""
    return bool(FEWEST_COUNTING <= counting.sum() <= len(counting) - FEWEST_COUNTING)


def _slices(
    ratios: Ratios, weights: Array, parts: Sequence[Part], counting: Array, seed: int
) -> list[Slice]:
    """The slices, from the rows that count for the score."""
    if not parts:
        return []
    members = np.array([rows[counting] for _, _, rows in parts])
    chances = _chances(ratios, weights, members, seed)
    made = []
    for (name, value, rows), inside, p in zip(parts, members, chances.tolist(), strict=True):
        low, high = ratios.take(inside).interval(weights[inside])
        sums = [weights[one] @ ratios.terms[one] for one in (inside, ~inside)]
        own, rest, *reach = ratios.shown([*ratios.of_sums(np.array(sums)), low, high]).tolist()
        behind = own - rest if ratios.lower_is_better else rest - own
        count = int(rows.sum())
        made.append(
            Slice(name, value, count, ratios.name, own, tuple(reach), rest, behind, p, p < LEVEL)
        )
    return made


def _parts(column: Column) -> Iterator[tuple[str, Array]]:
    """Values or ranges of a column, each with its rows."""
    if column.missing.any():
        yield "missing", column.missing
    present = ~column.missing
    if column.kind in ("number", "datetime") and column.distinct > 10:
        yield from _ranges(column, present)
        return
    codes = column.codes
    counts = np.bincount(codes[present], minlength=len(column.keys))
    for code in np.argsort(-counts, kind="stable")[:MOST_VALUES].tolist():
        yield column.keys[code], codes == code


def _ranges(column: Column, present: Array) -> Iterator[tuple[str, Array]]:
    values = column.values
    if column.kind == "datetime":
        values = values.astype("datetime64[us]").astype(np.int64)
    numbers = values.astype(np.float64)
    inner = np.quantile(numbers[present], np.arange(1, RANGES) / RANGES, method="higher")
    edges = np.unique(inner)
    group = np.where(present, np.searchsorted(edges, numbers, side="left"), -1)
    for place in range(len(edges) + 1):
        rows = group == place
        if rows.any():
            low, high = float(numbers[rows].min()), float(numbers[rows].max())
            yield _range(low, high, column), rows


def _range(low: float, high: float, column: Column) -> str:
    """From what to what; of fractions no more digits than move an end by 1 % of the range."""
    if column.kind == "datetime":
        ends = [str(np.datetime64(int(one), "us").astype("datetime64[D]")) for one in (low, high)]
    else:
        whole, most = low.is_integer() and high.is_integer(), ROUNDED * (high - low)
        for digits in range(6 if whole else 2, 7):
            ends = [f"{one:.{digits}g}" for one in (low, high)]
            if max(abs(float(ends[0]) - low), abs(float(ends[1]) - high)) <= most:
                break
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _chances(ratios: Ratios, weights: Array, slices: Array, seed: int) -> Array:
    """Of each slice how often chance makes any of them differ as much from the rest.

    slices
        Which rows each has, shape (slices, rows).
    """
    members = slices.T.astype(np.float64)
    rows, sizes = len(weights), members.sum(axis=0)
    scale = np.sqrt(sizes * (rows - sizes))
    terms = ratios.terms * weights[:, np.newaxis]
    total = terms.sum(axis=0)

    def differences(order: Array) -> Array:
        own = (terms[order].transpose(0, 2, 1) @ members).transpose(0, 2, 1)
        rest = np.where(total - own > ROUNDING * total, total - own, 0.0)
        apart = ratios.of_sums(own) - ratios.of_sums(rest)
        found: Array = np.nan_to_num(np.abs(apart)) * scale
        return found

    observed = differences(np.arange(rows)[np.newaxis])[0] * (1 - ROUNDING)
    draws, block = resamples_for(rows), max(1, BLOCK_NUMBERS // (rows * terms.shape[1]))
    reached = np.zeros(len(observed))
    for first in range(0, draws, block):
        count = min(block, draws - first)
        order = random.permutations(seed, STREAM, first, count, rows).reshape(count, rows)
        largest = differences(order).max(axis=1)
        reached += (largest[:, np.newaxis] >= observed).sum(axis=0)
    chances: Array = (1 + reached) / (1 + draws)
    return chances
