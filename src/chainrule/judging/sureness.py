"""Whether probabilities can be trusted: Brier score and calibration error, and what chance does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import random
from chainrule.judging.answered import Answered
from chainrule.reporting import LEVEL, intervals, resamples_for
from chainrule.text import score_digits, spell_score

__all__ = ["BINS", "calibration_words", "sureness"]

BINS = 10
STREAM = 9
BLOCK_NUMBERS = 200_000

Array = np.ndarray[Any, np.dtype[Any]]


def sureness(found: Answered, seed: int) -> dict[str, dict[str, Any]]:
    """`brier_score` and `expected_calibration_error`, with "score", "interval" and "chance".

    The Brier score is the mean squared distance of probability and truth: of the positive class of
    two; of more classes the sum over them. The expected calibration error is that of ten bins of
    about equally many rows by probability (of the positive class of two, else of the predicted
    one): the mean distance of each bin's mean probability from the share that came true. Chance
    alone puts it above 0, and again in resamples of the rows, so it has no interval. In the place
    of one, "chance" is what it stays below in 95 of 100 draws of such rows where all probabilities
    are right; None of the Brier score.
    """
    sure, true = _probability_and_truth(found)
    if found.is_binary:
        squares = (sure - true) ** 2
    else:
        actual = np.eye(len(found.labels))[found.truth]
        squares = ((found.answers - actual) ** 2).sum(axis=1)
    weights = np.ones(len(sure)) if found.weights is None else found.weights
    weights = weights / weights.max()
    bins = np.zeros((len(sure), BINS))
    edges = np.quantile(sure, np.arange(1, BINS) / BINS)
    bins[np.arange(len(sure)), np.searchsorted(edges, sure)] = weights / weights.sum()

    def scorer(weightings: Array) -> dict[str, Array]:
        return {"brier_score": weightings @ squares / weightings.sum(axis=1)}

    draws = resamples_for(len(sure))
    reach = intervals(scorer, weights, draws, seed, found.groups)["brier_score"]
    error = float(np.abs((sure - true) @ bins).sum())
    chance = _by_chance(sure, true, bins, found.groups, draws, seed)
    return {
        "brier_score": {
            "score": float(weights @ squares / weights.sum()), "interval": reach, "chance": None
        },
        "expected_calibration_error": {"score": error, "interval": None, "chance": chance},
    }  # fmt: skip


def calibration_words(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Whether the calibration error is more than chance makes of right probabilities."""
    error, chance = (found["expected_calibration_error"][one] for one in ("score", "chance"))
    digits = score_digits(error)
    value, most = spell_score(error, digits), spell_score(chance, digits)
    beyond = "above" if error > chance else "within"
    return (
        f"expected_calibration_error: {value} is {beyond} what chance makes of right "
        f"probabilities on such rows, up to {most} in 95 of 100 draws."
    )


def _probability_and_truth(found: Answered) -> tuple[Array, Array]:
    """The probability that is asked about in each row, and 1 where it came true, else 0."""
    if found.is_binary:
        sure, true = found.answers[:, found.positive], found.truth == found.positive
    else:
        sure, true = found.answers.max(axis=1), found.answers.argmax(axis=1) == found.truth
    return sure.astype(np.float64), true.astype(np.float64)


def _by_chance(
    sure: Array, true: Array, bins: Array, groups: Array | None, draws: int, seed: int
) -> float:
    """The 95 % point of the calibration error of right probabilities.

    What comes true is drawn anew with the probabilities. Rows of a group come true together, which
    probabilities do not tell: there the distance of each group from its probabilities, as found,
    has its sign drawn (the wild bootstrap; Wu, 1986).
    """
    units = len(sure)
    if groups is not None:
        marks, members = np.unique(groups, return_inverse=True)
        units = len(marks)
        apart = np.zeros((units, BINS))
        np.add.at(apart, members, (sure - true)[:, np.newaxis] * bins)
    block = max(1, BLOCK_NUMBERS // units)
    found = []
    for first in range(0, draws, block):
        drawn = _uniform(seed, first, min(block, draws - first), units)
        if groups is None:
            errors = ((drawn < sure) - sure) @ bins
        else:
            errors = np.where(drawn < 0.5, -1.0, 1.0) @ apart
        found.append(np.abs(errors).sum(axis=1))
    return float(np.quantile(np.concatenate(found), LEVEL))


def _uniform(seed: int, first: int, count: int, units: int) -> Array:
    """Numbers from 0 to 1 of `count` draws from number `first`, shape (count, units)."""
    words = random.words(seed, STREAM, 0, count * units, purpose=random.DRAWS, first=first * units)
    drawn: Array = (words.reshape(count, units) + 0.5) / 2.0**32
    return drawn
