"""Scores of many weightings of the same rows at once: the formulas behind judgments.

A weighting gives each row its weight; a bootstrap resample is the row weights times how often
each row was drawn. Each formula takes weightings of shape (weightings, rows) and gives one number
each, nan where it is not defined. Sorting is done once, not for every weighting.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from chainrule.reporting.answers import ClassAnswers, NumberAnswers

__all__ = [
    "LOWER_IS_BETTER",
    "Ranking",
    "Scorer",
    "classification_scorer",
    "log_losses",
    "main_score",
    "mean_of_defined",
    "regression_scorer",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Scorer = Callable[[Floats], dict[str, Floats]]

HALF_TOLERANCE = 1e-12
LOWER_IS_BETTER = ("log_loss", "rmse", "mae", "median_absolute_error")


def main_score(task: str, metric: str | None = None) -> str:
    """The one score that runs are compared by: the metric asked for, else one for the task.

    >>> main_score("classification"), main_score("regression"), main_score("regression", "r2")
    ('roc_auc', 'rmse', 'r2')
    """
    return metric or ("rmse" if task == "regression" else "roc_auc")


class Sums:
    """Sums of weights by code: one sort, then a gather and a segmented sum each time."""

    def __init__(self, codes: Integers, classes: int, rows: Integers | None = None) -> None:
        order = np.argsort(codes, kind="stable")
        self.order = order if rows is None else rows[order]
        self.codes, self.starts = np.unique(codes[order], return_index=True)
        self.classes = classes

    def __call__(self, weights: Floats) -> Floats:
        """Sums of shape (weightings, classes)."""
        sums = np.zeros((len(weights), self.classes))
        if len(self.order):
            sums[:, self.codes] = np.add.reduceat(weights[:, self.order], self.starts, axis=1)
        return sums


class Ranking:
    """Rows by falling score, positive and negative ones apart, ties known.

    For the positive row i, `above[i]` negatives have a higher score and `level[i]` the same or a
    higher one; `peers[i]` positives have the same or a higher one.
    """

    def __init__(self, score: Floats, positive: NDArray[np.bool_]) -> None:
        order = np.argsort(-score, kind="stable")
        self.positives = order[positive[order]]
        self.negatives = order[~positive[order]]
        of_positives, of_negatives = -score[self.positives], -score[self.negatives]
        self.above = np.searchsorted(of_negatives, of_positives, side="left")
        self.level = np.searchsorted(of_negatives, of_positives, side="right")
        self.peers = np.searchsorted(of_positives, of_positives, side="right")

    def roc_auc(self, weights: Floats) -> Floats:
        """The share of pairs (positive, negative) in the right order; a tie counts one half."""
        positives = weights[:, self.positives]
        negatives = _running(weights[:, self.negatives])
        higher = (negatives[:, self.above] + negatives[:, self.level]) / 2
        pairs = positives.sum(axis=1) * negatives[:, -1]
        return 1 - _ratio(np.einsum("ij,ij->i", positives, higher), pairs)

    def average_precision(self, weights: Floats) -> Floats:
        """The mean, over positive rows, of the precision at each one's own score.

        Not defined without a negative row, of which it could only say 1.
        """
        positives = weights[:, self.positives]
        right = _running(positives)[:, self.peers]
        wrong = _running(weights[:, self.negatives])[:, self.level]
        precision = _ratio(right, right + wrong, otherwise=0.0)
        mean = _ratio(np.einsum("ij,ij->i", positives, precision), positives.sum(axis=1))
        return np.where(weights[:, self.negatives].sum(axis=1) > 0, mean, np.nan)


def classification_scorer(
    answers: ClassAnswers, classes: int, positive: int, *, with_auc: bool = True
) -> Scorer:
    """The formulas of `judge_classification` for weightings of these rows."""
    truth, predicted = answers.truth, answers.predicted
    hit = truth == predicted
    hits = hit.astype(np.float64)
    losses = log_losses(answers)
    by_truth, by_prediction = Sums(truth, classes), Sums(predicted, classes)
    by_hit = Sums(truth[hit], classes, np.flatnonzero(hit))
    table = answers.probabilities.astype(np.float64)
    watched = range(classes) if classes > 2 else [positive] if classes == 2 else []
    rankings = [
        Ranking(table[:, k], truth == k) for k in watched if with_auc and (truth == k).any()
    ]

    def scores(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        true, guessed, right = by_truth(weights), by_prediction(weights), by_hit(weights)
        either = true + guessed
        result = {
            "accuracy": _ratio(weights @ hits, total),
            "balanced_accuracy": mean_of_defined(_ratio(right, true)),
            "roc_auc": mean_of_defined(_columns([r.roc_auc(weights) for r in rankings], weights)),
            "log_loss": _ratio(weights @ losses, total),
            "f1_macro": mean_of_defined(_ratio(2 * right, either)),
        }
        if classes == 2:
            present = true[:, positive] > 0
            precision = _ratio(right[:, positive], guessed[:, positive], otherwise=0.0)
            result["precision"] = np.where(present, precision, np.nan)
            result["recall"] = _ratio(right[:, positive], true[:, positive])
            f1 = _ratio(2 * right[:, positive], either[:, positive])
            result["f1"] = np.where(present, f1, np.nan)
            precisions = [ranking.average_precision(weights) for ranking in rankings]
            result["average_precision"] = mean_of_defined(_columns(precisions, weights))
        return result

    return scores


def regression_scorer(answers: NumberAnswers) -> Scorer:
    """The formulas of `judge_regression` for weightings of these rows."""
    # Scaled, so that squares of very large or small numbers stay within float64.
    scale = max(float(np.abs(answers.truth).max()), float(np.abs(answers.prediction).max())) or 1.0
    truth, prediction = answers.truth / scale, answers.prediction / scale
    centered = truth - truth[0]
    centered -= np.average(centered, weights=answers.weights)
    distances = np.abs(prediction - truth)
    squares, squared_truth = distances**2, centered**2
    order = np.argsort(distances, kind="stable")

    def scores(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        squared, spread = weights @ squares, weights @ squared_truth
        around_mean = spread - (weights @ centered) ** 2 / total
        constant = around_mean <= HALF_TOLERANCE * spread
        r2 = 1 - _ratio(squared, np.where(constant, 0.0, around_mean))
        return {
            "rmse": np.sqrt(squared / total) * scale,
            "mae": weights @ distances / total * scale,
            "r2": r2,
            "median_absolute_error": _median(distances[order], weights[:, order]) * scale,
        }

    return scores


def log_losses(answers: ClassAnswers) -> Floats:
    """-log of the probability of the true class, clipped at the spacing of its own type."""
    table = answers.probabilities
    smallest = np.finfo(table.dtype).eps
    chosen = np.clip(table[np.arange(len(table)), answers.truth], smallest, 1 - smallest)
    if table.shape[1] == 1:
        return np.zeros(len(table))
    losses: Floats = -np.log(chosen.astype(np.float64))
    return losses


def _median(values: Floats, weights: Floats) -> Floats:
    """The weighted median of sorted values: the mean of the two in the middle where it is even."""
    running = np.cumsum(weights, axis=1)
    half = running[:, -1:] / 2
    lower = np.argmax(running >= half * (1 - HALF_TOLERANCE), axis=1)
    upper = np.argmax(running > half * (1 + HALF_TOLERANCE), axis=1)
    middle: Floats = (values[lower] + values[upper]) / 2
    return middle


def _running(weights: Floats) -> Floats:
    """Running sums with a 0 before them."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _ratio(above: Floats, below: Floats, otherwise: float = np.nan) -> Floats:
    """Above / below; `otherwise` where there is nothing below."""
    result = np.full(np.broadcast_shapes(above.shape, below.shape), otherwise)
    np.divide(above, below, out=result, where=below > 0)
    return result


def _columns(scores: list[Floats], weights: Floats) -> Floats:
    return np.stack(scores, axis=1) if scores else np.empty((len(weights), 0))


def mean_of_defined(scores: Floats) -> Floats:
    """The mean over the classes for which a score is defined, in each weighting."""
    defined = ~np.isnan(scores)
    total = np.where(defined, scores, 0.0).sum(axis=1)
    return _ratio(total, defined.sum(axis=1).astype(np.float64))
