"""Scores by value of a column: where does a model fail?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Column
from chainrule.errors import DataError, SettingError, nearest
from chainrule.judging.answered import Answered
from chainrule.reporting import resamples_for

__all__ = ["FEWEST_ROWS", "Slice", "check_columns", "slices_of"]

FEWEST_ROWS = 30
MOST_VALUES = 20
RANGES = 4
LEVEL = 0.05
STREAM = 6
BLOCK_NUMBERS = 500_000
ROUNDING = 1e-9
NORMAL_95 = 1.959963984540054

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Slice:
    """How well rows with one value, or a range of values, of a column are predicted.

    value
        The value, a range of numbers, or "missing".
    score, interval, rest
        The mean of `by` over these rows with its 95 % interval, and over all others; lower is
        better for all there are: log loss, error rate, mae and rmse.
    difference, p
        By how much these rows are worse than the rest; and how often, where losses are dealt out
        to the rows at random, any of the slices looked at differs as much, for its size and in
        either direction (permutation test of the largest; Westfall and Young, 1993).
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

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "interval": list(self.interval)}


def check_columns(found: Answered, by: Any) -> tuple[str, ...]:
    """The columns to look at; raises SettingError for one that is not there."""
    if isinstance(by, str) and by == "all":
        return tuple(name for name in found.used if name in found.table.names)
    names = (by,) if isinstance(by, str) else tuple(by)
    known = [name for name in found.table.names if name != found.target]
    for name in names:
        if name not in known:
            message = f"by: there is no column {name!r}; {nearest(str(name), known)}"
            raise SettingError(message)
    return names


def slices_of(found: Answered, names: Sequence[str], by: str, seed: int = 0) -> tuple[Slice, ...]:
    """Every slice of at least 30 rows, the worst beyond noise first.

    Of a number a slice is a quarter of its rows by size, or a value where there are ten at most; of
    a category one of its 20 most frequent values. Missing cells are a slice of their own.

    found
        Rows that are scored.
    by
        What is compared: "log_loss", "accuracy" (the share of wrong rows), "mae" or "rmse" (whose
        squares are dealt out at random).

    Raises `DataError` where no column has two slices.
    """
    losses = found.losses[by]
    weights = np.ones(len(losses)) if found.weights is None else found.weights
    parts = [
        (name, value, rows) for name in names for value, rows in _parts(found.table.columns[name])
    ]
    whole = len(losses)
    kept = [one for one in parts if FEWEST_ROWS <= one[2].sum() <= whole - FEWEST_ROWS]
    if names and not kept:
        message = (
            f"by: no value or range of {', '.join(map(repr, names))} has {FEWEST_ROWS} rows with "
            f"as many others beside it, of {whole:,} rows; give more rows, or other columns."
        )
        raise DataError(message)
    if not kept:
        return ()
    chances = _chances(losses, weights, np.array([one[2] for one in kept]), seed)
    called = "error_rate" if by == "accuracy" else by
    made = [
        _slice(name, value, losses, weights, rows, called, p)
        for (name, value, rows), p in zip(kept, chances.tolist(), strict=True)
    ]
    return tuple(sorted(made, key=lambda one: (not _fails(one), -one.difference)))


def _fails(one: Slice) -> bool:
    return one.beyond_noise and one.difference > 0


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
            low, high = numbers[rows].min(), numbers[rows].max()
            yield f"{_spelled(low, column)} to {_spelled(high, column)}", rows


def _spelled(value: float, column: Column) -> str:
    if column.kind == "datetime":
        return str(np.datetime64(int(value), "us").astype("datetime64[D]"))
    return f"{value:.6g}"


def _slice(
    name: str, value: str, losses: Array, weights: Array, rows: Array, by: str, p: float
) -> Slice:
    mean, error = _mean_and_error(losses[rows], weights[rows])
    others, _ = _mean_and_error(losses[~rows], weights[~rows])
    reach = NORMAL_95 * error
    found = np.array([mean, max(0.0, mean - reach), mean + reach, others])
    own, low, high, rest = (np.sqrt(found) if by == "rmse" else found).tolist()
    return Slice(name, value, int(rows.sum()), by, own, (low, high), rest, own - rest, p, p < LEVEL)


def _mean_and_error(losses: Array, weights: Array) -> tuple[float, float]:
    """The mean and its standard error, of as many equal rows as say as much (Kish, 1965)."""
    shares = weights / weights.sum()
    mean = float(shares @ losses)
    count = float(1 / (shares @ shares))
    variance = float(shares @ (losses - mean) ** 2) / max(count - 1, 1e-9)
    return mean, float(np.sqrt(variance))


def _chances(losses: Array, weights: Array, slices: Array, seed: int) -> Array:
    """Of each slice how often chance makes any of them differ as much from the rest.

    slices
        Which rows each has, shape (slices, rows).
    """
    members = slices.T.astype(np.float64)
    rows, sizes = len(losses), members.sum(axis=0)
    scale = np.sqrt(sizes * (rows - sizes))

    def differences(order: Array) -> Array:
        weight = weights[order]
        total = weight * losses[order]
        own, own_weight = total @ members, weight @ members
        rest = total.sum(axis=1, keepdims=True) - own
        rest_weight = weight.sum(axis=1, keepdims=True) - own_weight
        found: Array = np.abs(own / own_weight - rest / rest_weight) * scale
        return found

    observed = differences(np.arange(rows)[np.newaxis])[0] * (1 - ROUNDING)
    draws, block = resamples_for(rows), max(1, BLOCK_NUMBERS // rows)
    reached = np.zeros(len(observed))
    for first in range(0, draws, block):
        count = min(block, draws - first)
        order = random.permutations(seed, STREAM, first, count, rows).reshape(count, rows)
        largest = differences(order).max(axis=1)
        reached += (largest[:, np.newaxis] >= observed).sum(axis=0)
    chances: Array = (1 + reached) / (1 + draws)
    return chances
