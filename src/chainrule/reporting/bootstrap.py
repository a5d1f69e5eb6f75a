"""Percentile intervals by the bootstrap (Efron, 1979): rows or groups drawn with replacement."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.random import DRAWS, words
from chainrule.reporting.scores import Scorer

__all__ = ["LEVEL", "drawn", "intervals", "resamples_for"]

LEVEL = 0.95
STREAM = 1
FEWEST, MOST = 100, 1000
WORK = 20_000_000
BLOCK_NUMBERS = 200_000
NEEDED_SHARE = 0.5

Floats = NDArray[np.float64]


def resamples_for(rows: int, rankings: int = 1) -> int:
    """How many resamples are worth their time: 1,000 for small sets, down to 100.

    >>> resamples_for(500), resamples_for(100_000), resamples_for(10_000_000)
    (1000, 200, 100)
    """
    return max(FEWEST, min(MOST, WORK // max(1, rows * rankings)))


def intervals(
    scorer: Scorer, weights: Floats, resamples: int, seed: int, groups: ArrayLike | None = None
) -> dict[str, tuple[float, float] | None]:
    """For each score the interval between its 2.5 % and 97.5 % points over the resamples.

    Row j of resample i is row `floor(word * rows / 2**32)`, with Philox word `i * rows + j`: the
    result depends on rows and seed alone. Resamples in which a score is not defined are left out
    of its interval; None where they are more than half, and for a single row.

    groups
        The group of each row. Where given, whole groups are drawn in the place of rows, as many as
        there are, in the order of their marks: rows of a group are alike, and rows drawn one by one
        would count as more than they say (the cluster bootstrap; Davison and Hinkley, 1997).
    """
    rows = units = len(weights)
    members = None
    if groups is not None:
        marks, members = np.unique(groups, return_inverse=True)
        units = len(marks)
    if units == 1:  # drawn again it is always itself, which says nothing
        return dict.fromkeys(scorer(weights[np.newaxis]))
    block = max(1, BLOCK_NUMBERS // rows)
    parts: dict[str, list[Floats]] = {}
    for first in range(0, resamples, block):
        count = min(block, resamples - first)
        times = drawn(seed, first, count, units)
        times = times if members is None else times[:, members]
        for name, scores in scorer(times * weights).items():
            parts.setdefault(name, []).append(scores)
    return {name: _interval(np.concatenate(scores)) for name, scores in parts.items()}


def drawn(seed: int, first: int, count: int, rows: int) -> Floats:
    """How often each row is in each of `count` resamples from number `first`."""
    drawn = words(seed, STREAM, 0, count * rows, purpose=DRAWS, first=first * rows)
    chosen = (drawn.astype(np.uint64) * np.uint64(rows) >> np.uint64(32)).astype(np.int64)
    chosen = chosen.reshape(count, rows) + np.arange(count)[:, np.newaxis] * rows
    times = np.bincount(chosen.reshape(-1), minlength=count * rows)
    return times.reshape(count, rows).astype(np.float64)


def _interval(scores: Floats) -> tuple[float, float] | None:
    defined = scores[~np.isnan(scores)]
    if len(defined) < NEEDED_SHARE * len(scores) or not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
