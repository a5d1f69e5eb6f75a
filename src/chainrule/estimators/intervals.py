"""Intervals that cover a stated share of rows: split-conformal, as wide as held rows ask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DataError, SettingError
from chainrule.estimators.held import Held
from chainrule.text import plural

__all__ = ["Intervals", "check_coverage"]

FEWEST_IN_BIN = 200
FEWEST_ROWS = 2 * FEWEST_IN_BIN
"""Of fewer held rows intervals have one width, and are not narrowed."""
MOST_BINS = 10

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Intervals:
    """How far below and above a prediction the truth may lie, by the size of the prediction.

    edges
        Between bins of predicted values, rising; one fewer than bins.
    below, above
        Of each bin what is subtracted from a prediction and added to it.
    rows
        How many held rows this is from.
    """

    edges: Array
    below: Array
    above: Array
    rows: int

    @classmethod
    def of(cls, held: Held, coverage: float) -> Intervals:
        """Intervals that cover so large a share of rows, from held rows.

        Rows are put in bins of like predictions, as many as keep 200 rows each, at most ten
        (Mondrian conformal prediction; Vovk, Gammerman and Shafer, 2005). In each the bound is the
        residual of rank ceil((n + 1) * share) of its n rows; of weighted rows the first at which
        their weights reach the share of all weights and one mean weight more. Absolute residuals
        at the share, or signed ones at half of what is left on either side, whichever makes
        intervals shorter over all held rows. From 400 held rows on all bounds are taken times their
        narrowing; of fewer, what choosing the best epoch by them hides is about as much.

        Raises `DataError` where the rows are too few for the share.
        """
        check_coverage(coverage)
        kept = slice(None) if held.weights is None else held.weights > 0
        truth, answers = held.truth[kept], held.answers[kept]
        weights = np.ones(len(truth)) if held.weights is None else held.weights[kept]
        fewest = math.ceil(coverage / (1 - coverage) - 1e-9)
        if len(truth) < fewest:
            message = (
                f"coverage: {coverage:g} needs {fewest:,} rows that the networks were watched on, "
                f"and there are {len(truth):,}; ask for a lower coverage, or train with more rows."
            )
            raise DataError(message)
        edges = _edges(answers, max(FEWEST_IN_BIN, fewest))
        bins = np.searchsorted(edges, answers, side="right")
        residuals = truth - answers
        counts = np.bincount(bins, weights, minlength=len(edges) + 1)
        found = [
            (below, above)
            for below, above in (
                _bounds(residuals, weights, bins, counts, coverage, signed=signed)
                for signed in (False, True)
            )
            if np.isfinite(below).all() and np.isfinite(above).all()
        ]
        below, above = min(found, key=lambda one: float(counts @ (one[0] + one[1])))
        narrowing = held.narrowing if len(truth) >= FEWEST_ROWS else 1.0
        return cls(edges, below * narrowing, above * narrowing, len(truth))

    @property
    def note(self) -> str:
        """What must be known of intervals from few held rows; "" of others."""
        if self.rows >= FEWEST_ROWS:
            return ""
        return (
            f"the intervals are from {plural(self.rows, 'row')} that the networks were watched on; "
            f"from fewer than {FEWEST_ROWS} they have one width for all rows, and cover less than "
            "asked: of 90 % it was 84 to 87 % on tables of 100 rows, 88 to 90 % on tables of 300."
        )

    def around(self, predictions: Array) -> Array:
        """The interval of each prediction, shape (rows, 2)."""
        bins = np.searchsorted(self.edges, predictions, side="right")
        return np.stack([predictions - self.below[bins], predictions + self.above[bins]], axis=1)


def check_coverage(coverage: Any) -> None:
    """Raise SettingError for what is no share between 0 and 1."""
    is_number = isinstance(coverage, int | float | np.number) and not isinstance(coverage, bool)
    if not is_number or not 0 < coverage < 1:
        message = (
            f"coverage: must be a number above 0 and below 1, as 0.9 for 90 %, got {coverage!r}."
        )
        raise SettingError(message)


def _edges(answers: Array, fewest: int) -> Array:
    """Edges between as many bins as keep so many rows each, at most ten."""
    for bins in range(min(MOST_BINS, len(answers) // fewest), 1, -1):
        edges = np.unique(np.quantile(answers, np.arange(1, bins) / bins))
        found = np.searchsorted(edges, answers, side="right")
        if np.bincount(found, minlength=len(edges) + 1).min() >= fewest:
            return edges
    return np.empty(0)


def _bounds(
    residuals: Array, weights: Array, bins: Array, counts: Array, coverage: float, *, signed: bool
) -> tuple[Array, Array]:
    """Of each bin how far below and above a prediction to go."""
    below, above = np.empty(len(counts)), np.empty(len(counts))
    for number in range(len(counts)):
        of_bin = bins == number
        own, counted = residuals[of_bin], weights[of_bin]
        if signed:
            share = (1 + coverage) / 2
            below[number], above[number] = (
                _bound(way * own, counted, share) for way in (-1.0, 1.0)
            )
        else:
            below[number] = above[number] = _bound(np.abs(own), counted, coverage)
    return below, above


def _bound(values: Array, weights: Array, share: float) -> float:
    """The smallest value with at least this share of the weights, one row more counted above."""
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    wanted = share * (running[-1] + running[-1] / len(values))
    place = int(np.searchsorted(running, wanted * (1 - 1e-12)))
    return float(values[order[place]]) if place < len(values) else math.inf
