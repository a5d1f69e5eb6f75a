"""One score of many weightings of the same rows, without computing the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.reporting.answers import ClassAnswers, class_answers, number_answers
from chainrule.reporting.scores import (
    Ranking,
    classification_scorer,
    log_losses,
    mean_of_defined,
    regression_scorer,
)

__all__ = ["OneScore", "score_of_classes", "score_of_numbers"]

Floats = NDArray[np.float64]
OneScore = Callable[[Floats], Floats]
"""From weightings (weightings, rows) to a score each, nan where it is not defined."""

RANKED = ("roc_auc", "average_precision")


def score_of_classes(
    name: str, truth: Any, probabilities: Any, classes: int, positive: int = 1
) -> OneScore:
    """A score of `judge_classification` for weightings of rows whose labels are all known.

    >>> score = score_of_classes("accuracy", [0, 1], [[0.9, 0.1], [0.8, 0.2]], 2)
    >>> score(np.array([[1.0, 1.0], [3.0, 1.0]])).tolist()
    [0.5, 0.75]
    """
    answers = class_answers(truth, probabilities, classes, None, None)
    if name == "accuracy":
        return _mean((answers.truth == answers.predicted).astype(np.float64))
    if name == "log_loss":
        return _mean(log_losses(answers))
    if name == "roc_auc":
        return _roc_auc(answers, classes, positive)
    scorer = classification_scorer(answers, classes, positive, with_auc=name in RANKED)
    return lambda weights: scorer(weights)[name]


def score_of_numbers(name: str, truth: Any, prediction: Any) -> OneScore:
    """A score of `judge_regression` for weightings of rows.

    >>> score = score_of_numbers("mae", [1.0, 2.0], [1.0, 3.0])
    >>> score(np.array([[1.0, 1.0], [3.0, 1.0]])).tolist()
    [0.5, 0.25]
    """
    answers = number_answers(truth, prediction, None)
    scorer = regression_scorer(answers)
    if name not in ("mae", "rmse"):
        return lambda weights: scorer(weights)[name]
    distances = np.abs(answers.prediction - answers.truth)
    if name == "mae":
        return _mean(distances)
    scale = float(distances.max()) or 1.0  # squares stay within float64
    mean = _mean((distances / scale) ** 2)
    return lambda weights: np.sqrt(mean(weights)) * scale


def _mean(values: Floats) -> OneScore:
    def mean(weights: Floats) -> Floats:
        # sums by NumPy's own order, not BLAS's, which follows the number of threads
        total: Floats = np.einsum("ij,j->i", weights, values) / weights.sum(axis=1)
        return total

    return mean


def _roc_auc(answers: ClassAnswers, classes: int, positive: int) -> OneScore:
    table = answers.probabilities.astype(np.float64)
    watched = range(classes) if classes > 2 else [positive]
    there = [(answers.truth == code, code) for code in watched]
    rankings = [Ranking(table[:, code], mine) for mine, code in there if mine.any()]

    def score(weights: Floats) -> Floats:
        if not rankings:
            return np.full(len(weights), np.nan)
        return mean_of_defined(np.stack([one.roc_auc(weights) for one in rankings], axis=1))

    return score
