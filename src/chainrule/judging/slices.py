"""Scores by value of a column: where does a model fail?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from chainrule.data import Column
from chainrule.errors import DataError, SettingError, nearest
from chainrule.judging.answered import Answered

__all__ = ["FEWEST_ROWS", "Slice", "check_columns", "slices_of"]

FEWEST_ROWS = 30
MOST_VALUES = 20
RANGES = 4
LEVEL = 0.05
NORMAL_95 = 1.959963984540054

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Slice:
    """How well rows with one value, or a range of values, of a column are predicted.

    value
        The value, a range of numbers, or "missing".
    score, interval, rest
        The mean of `by` over these rows with its 95 % interval, and over all others. Lower is
        better for log loss, error rate, mae and mean squared error.
    difference, p
        By how much these rows are worse than the rest, and how likely chance alone makes a
        difference as large, in either direction (Welch's t-test).
    beyond_noise
        Whether p times the number of slices looked at is below 0.05 (Bonferroni): on data where no
        slice differs, one and more are named beyond noise in at most about 5 of 100 evaluations.
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


def slices_of(found: Answered, names: Sequence[str], by: str) -> tuple[Slice, ...]:
    """Every slice of at least 30 rows, the worst beyond noise first.

    Of a number a slice is a quarter of its rows by size, or a value where there are ten at most; of
    a category one of its 20 most frequent values. Missing cells are a slice of their own.

    found
        Rows that are scored.
    by
        What is compared: "log_loss", "accuracy" (the share of wrong rows), "mae" or "rmse"
        (squared errors).

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
    called = {"accuracy": "error_rate", "rmse": "squared_error"}.get(by, by)
    made = [_slice(name, value, losses, weights, rows, called, len(kept))
            for name, value, rows in kept]  # fmt: skip
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
    name: str, value: str, losses: Array, weights: Array, rows: Array, by: str, looked_at: int
) -> Slice:
    from scipy.stats import t

    own, variance, count = _moments(losses[rows], weights[rows])
    rest, other_variance, others = _moments(losses[~rows], weights[~rows])
    spread = variance / count + other_variance / others
    difference = own - rest
    p = 1.0
    if spread > 0:
        below = (variance / count) ** 2 / max(count - 1, 1)
        below += (other_variance / others) ** 2 / max(others - 1, 1)
        p = float(2 * t.sf(abs(difference) / np.sqrt(spread), spread**2 / below))
    elif difference:
        p = 0.0
    reach = NORMAL_95 * float(np.sqrt(variance / count))
    return Slice(
        name, value, int(rows.sum()), by, own, (max(0.0, own - reach), own + reach), rest,
        difference, p, p * looked_at < LEVEL,
    )  # fmt: skip


def _moments(losses: Array, weights: Array) -> tuple[float, float, float]:
    """Mean and variance, and how many rows of equal weight say as much (Kish, 1965)."""
    shares = weights / weights.sum()
    mean = float(shares @ losses)
    count = float(1 / (shares @ shares))
    variance = float(shares @ (losses - mean) ** 2) * count / max(count - 1, 1e-9)
    return mean, variance, count
