"""Scores that any set of rows has by itself: ratios of sums over rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.judging.answered import Answered
from chainrule.reporting import LOWER_IS_BETTER

__all__ = ["MOVED_BY_SHARES", "Ratios", "ratios_of", "row_losses", "score_of_slices"]

Array = np.ndarray[Any, np.dtype[Any]]
NORMAL_95 = 1.959963984540054
ROUNDING = 1e-12
RANKS = "ranks rows against each other and so also says how unlike the rows of a slice are"
IN_PLACE_OF = {
    "roc_auc": ("log_loss", RANKS),
    "average_precision": ("log_loss", RANKS),
    "r2": ("rmse", "also says how widely the truth of a slice is spread"),
    "median_absolute_error": ("mae", "is no mean over rows"),
}
"""What slices are compared by instead of a score, and why."""
MOVED_BY_SHARES = ("precision", "recall", "f1", "f1_macro")


def score_of_slices(metric: str) -> tuple[str, str]:
    """The score that slices are compared by, and why where it is not the metric; else "".

    >>> score_of_slices("f1"), score_of_slices("median_absolute_error")
    (('f1', ''), ('mae', 'is no mean over rows'))
    """
    return IN_PLACE_OF.get(metric, (metric, ""))


@dataclass(frozen=True, eq=False)
class Ratios:
    """A score as the mean over parts (classes; most scores have one) of ratios of sums over rows.

    above, below
        What each row adds, shape (rows, parts); a part is defined where there is something below.
    rooted
        Whether the score is the root of it.
    """

    name: str
    above: Array
    below: Array
    rooted: bool = False

    @property
    def lower_is_better(self) -> bool:
        """Whether it is a loss."""
        return self.name in LOWER_IS_BETTER

    @property
    def counting(self) -> Array:
        """The rows that the score depends on: of recall the positive ones, of most scores all."""
        return np.asarray(self.below.any(axis=1))

    def take(self, rows: Array) -> Ratios:
        """That of some of the rows."""
        return replace(self, above=self.above[rows], below=self.below[rows])

    @property
    def terms(self) -> Array:
        """What each row adds to all sums, shape (rows, 2 * parts)."""
        return np.concatenate([self.above, self.below], axis=1)

    def of_sums(self, sums: Array) -> Array:
        """Before the root, of sums of `terms` along the last axis; nan where it is not defined."""
        above, below = np.split(sums, 2, axis=-1)
        parts = np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
        count = (below > 0).sum(axis=-1)
        found: Array = np.where(count > 0, parts.sum(axis=-1) / np.maximum(count, 1), np.nan)
        return found

    def shown(self, value: Any) -> Any:
        """The score itself, within where it can lie."""
        kept = np.clip(value, 0.0, None if self.lower_is_better else 1.0)
        return np.sqrt(kept) if self.rooted else kept

    def interval(self, weights: Array) -> tuple[float, float]:
        """Before the root, where it lies with 95 %, by the normal law (the delta method).

        Weighted rows are as many equal ones as say as much (Kish, 1965). Where all rows say the
        same of a share, Wilson's interval.
        """
        shares = weights / weights.sum()
        count = float(1 / (shares @ shares))
        means = shares @ self.below
        scale = np.divide(1.0, means, out=np.zeros(len(means)), where=means > 0)
        parts = (shares @ self.above) * scale
        moved = (self.above - self.below * parts) @ scale / max(1, int((means > 0).sum()))
        variance = float(shares @ moved**2) / max(count - 1, 1e-9)
        middle = float(self.of_sums(shares @ self.terms))
        if variance < ROUNDING and not self.lower_is_better:
            reach = NORMAL_95**2 / (count + NORMAL_95**2)
        else:
            reach = NORMAL_95 * float(np.sqrt(variance))
        return middle - reach, middle + reach


def row_losses(found: Answered) -> Array:
    """Of each row the log loss, clipped as the score is, or the absolute error."""
    if found.task == "regression":
        return np.asarray(np.abs(found.truth - found.answers))
    smallest = np.finfo(found.answers.dtype).eps
    own = np.clip(found.answers[np.arange(len(found.truth)), found.truth], smallest, 1 - smallest)
    return np.asarray(-np.log(own.astype(np.float64)))


def ratios_of(found: Answered, name: str) -> Ratios:
    """A score of rows that are scored: one that `score_of_slices` gives."""
    if name in ("log_loss", "mae", "rmse"):
        losses = row_losses(found)
        return _mean(name, losses**2 if name == "rmse" else losses)
    predicted = found.answers.argmax(axis=1)
    if name == "accuracy":
        return _mean(name, predicted == found.truth)
    classes = [found.positive] if name in ("precision", "recall", "f1") else (
        range(len(found.labels))
    )  # fmt: skip
    truth = np.stack([found.truth == code for code in classes], axis=1).astype(np.float64)
    guess = np.stack([predicted == code for code in classes], axis=1).astype(np.float64)
    right = truth * guess
    if name in ("recall", "balanced_accuracy"):
        return Ratios(name, right, truth)
    if name == "precision":
        return Ratios(name, right, guess)
    return Ratios(name, 2 * right, truth + guess)


def _mean(name: str, values: Array) -> Ratios:
    ones = np.ones((len(values), 1))
    return Ratios(name, values[:, np.newaxis].astype(np.float64), ones, name == "rmse")
