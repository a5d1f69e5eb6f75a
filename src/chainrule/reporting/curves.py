"""The points of the report's curves: ROC, precision and recall, calibration, losses by step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "NORMAL_95",
    "Calibration",
    "calibration",
    "precision_recall_points",
    "roc_points",
    "smoothed",
    "thinned",
]

NORMAL_95 = 1.959963984540054
KEPT_DIGITS = 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often what was given a probability came true, for rows grouped by probability.

    predicted, observed
        Of each group the mean probability, and the share that came true.
    low, high
        Between these the share of rows like those of the group lies with 95 % confidence, by
        Wilson's interval (1927).
    weights, rows
        Of each group the sum of weights, and how many rows of equal weight say as much.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats
    weights: Floats
    rows: Floats

    @property
    def error(self) -> float:
        """The mean distance of probability and share, groups weighted by their rows."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.weights))

    @property
    def fitting(self) -> int:
        """The groups whose probability lies within the interval of what was observed."""
        return int(((self.low <= self.predicted) & (self.predicted <= self.high)).sum())


def roc_points(
    positive: NDArray[np.bool_], score: Floats, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """The share of false alarms and the share found, from no row called positive to all.

    Args:
        positive: which rows are.
        score: higher is more likely positive; rows of the same score share one point.
        weights: row weights, all 1 where None.

    >>> false, found = roc_points(np.array([False, True, True]), np.array([0.2, 0.1, 0.9]))
    >>> false.tolist(), found.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])
    """
    right, wrong = _counts(positive, score, weights)
    return _shares(wrong), _shares(right)


def precision_recall_points(
    positive: NDArray[np.bool_], score: Floats, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """The share found (recall) and the share of those called positive that are (precision).

    Arguments as `roc_points`.

    >>> recall, precision = precision_recall_points(
    ...     np.array([False, True, True]), np.array([0.2, 0.1, 0.9])
    ... )
    >>> recall.tolist(), precision.round(2).tolist()
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.67])
    """
    right, wrong = _counts(positive, score, weights)
    right, wrong = right[1:], wrong[1:]
    called = right + wrong
    some = called > 0
    return _shares(right)[some], right[some] / called[some]


def calibration(
    positive: NDArray[np.bool_],
    probability: Floats,
    weights: Floats | None = None,
    groups: int = 10,
) -> Calibration:
    """Rows in groups of about equally many by probability, each with what came true.

    Args:
        positive: which rows came true.
        probability: what each row was given for it.
        weights: row weights, all 1 where None.
        groups: how many at most; rows of the same probability stay together.

    >>> found = calibration(np.array([False, True] * 10), np.full(20, 0.5))
    >>> found.observed.tolist(), found.error, found.fitting
    ([0.5], 0.0, 1)
    """
    weight = np.ones(len(probability)) if weights is None else weights
    edges = np.quantile(probability, np.linspace(0, 1, groups + 1))
    group = np.searchsorted(edges[1:-1], probability)
    sums = np.asarray(np.bincount(group, weight, groups), np.float64)
    kept = sums > 0
    squares = np.bincount(group, weight**2, groups)[kept]
    sums = sums[kept]
    predicted = np.bincount(group, weight * probability, groups)[kept] / sums
    observed = np.bincount(group, weight * positive, groups)[kept] / sums
    rows = sums**2 / squares
    return Calibration(predicted, observed, *_wilson(observed, rows), sums, rows)


def smoothed(values: ArrayLike, span: float) -> Floats:
    """A mean in which what is older counts less, `1 - 2 / (span + 1)` for each value since.

    The weights of the values so far are made to add up to 1, so it begins at the first value.

    >>> smoothed([4.0, 1.0], span=3).tolist()
    [4.0, 2.0]
    """
    keep = 1 - 2 / (span + 1)
    total, weight, found = 0.0, 0.0, []
    for value in np.asarray(values, np.float64).tolist():
        total, weight = keep * total + value, keep * weight + 1
        found.append(total / weight)
    return np.array(found)


def thinned(values: ArrayLike, most: int) -> dict[str, Any]:
    """Many numbers as at most `most` groups in order, for a picture: plain values.

    "steps" is how many there were; "mean", "least" and "largest" are of each group, so that the
    bumps show. Groups are as equal in size as can be; five digits are kept.

    >>> thinned([1.0, 3.0, 5.0, 5.0], 2)
    {'steps': 4, 'mean': [2.0, 5.0], 'least': [1.0, 5.0], 'largest': [3.0, 5.0]}
    """
    array = np.asarray(values, np.float64)
    groups = min(most, len(array))
    if not groups:
        return {"steps": 0, "mean": [], "least": [], "largest": []}
    starts = np.linspace(0, len(array), groups + 1).astype(np.int64)
    sizes = np.diff(starts)
    return {
        "steps": len(array),
        "mean": _rounded(np.add.reduceat(array, starts[:-1]) / sizes),
        "least": _rounded(np.minimum.reduceat(array, starts[:-1])),
        "largest": _rounded(np.maximum.reduceat(array, starts[:-1])),
    }


def _counts(
    positive: NDArray[np.bool_], score: Floats, weights: Floats | None
) -> tuple[Floats, Floats]:
    """Weights of positive and other rows down to each score, from 0; ties are one step."""
    weight = np.ones(len(score)) if weights is None else weights
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    right = np.cumsum((weight * positive)[order])[last]
    wrong = np.cumsum((weight * ~positive)[order])[last]
    return np.append(0.0, right), np.append(0.0, wrong)


def _shares(counts: Floats) -> Floats:
    return counts / counts[-1] if counts[-1] > 0 else np.zeros(len(counts))


def _wilson(share: Floats, rows: Floats) -> tuple[Floats, Floats]:
    square = NORMAL_95**2 / rows
    middle = (share + square / 2) / (1 + square)
    reach = NORMAL_95 * np.sqrt(share * (1 - share) / rows + square / (4 * rows)) / (1 + square)
    return np.minimum(share, middle - reach), np.maximum(share, middle + reach)


def _rounded(values: Floats) -> list[float]:
    return [
        value if not math.isfinite(value) else float(f"{value:.{KEPT_DIGITS}g}")
        for value in values.tolist()
    ]
