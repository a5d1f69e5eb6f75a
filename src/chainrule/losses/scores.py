"""Metrics of a whole epoch: no mean over rows, and not the mean of those of its batches."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import SettingError, ShapeError
from chainrule.graph import Node, ops
from chainrule.losses.loss import as_nodes
from chainrule.losses.metrics import Metric, are_labels
from chainrule.losses.regression import mean_squared_error
from chainrule.settings import check_count, check_number

__all__ = ["AUC", "F1Score", "Precision", "R2Score", "Recall", "RootMeanSquaredError"]

Array = np.ndarray[Any, np.dtype[Any]]

AVERAGES = ("macro", "micro", "weighted")


def _classes(y_true: Any, y_pred: Any) -> tuple[Node, Node]:
    """Whether each class is a row's own (1 or 0), and predictions of the same shape."""
    if not are_labels(y_true, y_pred):
        target, prediction = as_nodes(y_true, y_pred)
        return ops.greater(target, 0.5), prediction
    labels, prediction = as_nodes(y_true, y_pred, labels=True)
    depth, dtype = prediction.shape[-1], prediction.dtype.name
    return ops.one_hot(labels, depth=depth, dtype=dtype), prediction


def _columns(*parts: Node) -> Node:
    """Columns side by side, each summed over all axes but rows and its last."""
    summed = [part.sum(axis=tuple(range(1, len(part.shape) - 1))) if len(part.shape) > 2 else part
              for part in parts]  # fmt: skip
    joined: Node = ops.concatenate(*summed, axis=1)
    return joined


def _flat(node: Node) -> Node:
    """Rows as vectors."""
    sizes = [size for size in node.shape[1:] if isinstance(size, int)]
    return node if len(sizes) == 1 else node.reshape((node.shape[0], math.prod(sizes)))


@dataclass(frozen=True)
class _Counted(Metric):
    """Outputs above a threshold, counted against those that should be.

    thresholds
        An output above it says yes: one number; 0.5 where None.
    class_id
        Only this output is counted; all, one with another, where None.
    """

    thresholds: float | None = None
    class_id: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        owner = type(self).__name__
        if self.thresholds is not None:
            check_number(owner, "thresholds", self.thresholds, "(one)", lambda _: True)
        if self.class_id is not None:
            check_count(owner, "class_id", self.class_id, 0)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        """How many outputs say yes and should, and how many they are a share of."""
        target, prediction = _classes(y_true, y_pred)
        chosen = ops.greater(prediction, 0.5 if self.thresholds is None else self.thresholds)
        if self.class_id is not None:
            target, chosen = (_only(self, node, self.class_id) for node in (target, chosen))
        counts = (target * chosen, self._all(target, chosen))
        return _columns(*(one.sum(axis=-1, keepdims=True) for one in counts))

    @abstractmethod
    def _all(self, target: Node, chosen: Node) -> Node:
        """The counted outputs of which a share is right."""

    def result(self, totals: Array, rows: int) -> float:
        right, every = totals.tolist()
        return float(right / every) if every else 0.0


def _only(metric: Metric, node: Node, class_id: int) -> Node:
    width = node.shape[-1]
    if isinstance(width, int) and class_id >= width:
        message = f"{metric.name}: class_id {class_id} is not among {width} outputs (from 0)."
        raise SettingError(message)
    narrow: Node = ops.narrow(node, axis=len(node.shape) - 1, start=class_id, stop=class_id + 1)
    return narrow


@dataclass(frozen=True)
class Precision(_Counted):
    """Of the outputs above the threshold, the share that should be; 0 where none is (as Keras).

    thresholds
        One number; 0.5 where None.
    class_id
        Only this output is counted; all, one with another, where None.

    Targets are 0 or 1 for each output (1 above 0.5), or labels.

    Raises `SettingError` for a setting that is not allowed.

    >>> Precision().rows([1, 0, 1], [[0.9], [0.8], [0.2]]).value.sum(axis=0)
    array([1., 2.])
    """

    def _all(self, target: Node, chosen: Node) -> Node:
        return chosen


@dataclass(frozen=True)
class Recall(_Counted):
    """Of the outputs that should be above the threshold, the share that is; 0 where none should.

    Settings are those of `Precision`.
    """

    def _all(self, target: Node, chosen: Node) -> Node:
        return target


@dataclass(frozen=True)
class F1Score(Metric):
    """2 precision recall / (precision + recall), of each class; 0 where a class is neither.

    average
        Over classes: "macro" the mean, "micro" of all counts together, "weighted" by how often a
        class is there. For one output all are that of the class 1.
    threshold
        Outputs above it say yes; where None the largest of several does, and one above 0.5.

    Targets are one-hot or labels. Raises `SettingError` for a setting that is not allowed.
    """

    average: str = "macro"
    threshold: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.average not in AVERAGES:
            message = (
                f"F1Score: average must be 'macro', 'micro' or 'weighted', got {self.average!r}."
            )
            raise SettingError(message)
        if self.threshold is not None:
            check_number("F1Score", "threshold", self.threshold, "(one)", lambda _: True)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        """For each class: found rightly, found, there."""
        target, prediction = _classes(y_true, y_pred)
        depth = prediction.shape[-1]
        if self.threshold is None and depth != 1:
            dtype = prediction.dtype.name
            chosen = ops.one_hot(ops.argmax(prediction), depth=depth, dtype=dtype)
        else:
            chosen = ops.greater(prediction, 0.5 if self.threshold is None else self.threshold)
        return _columns(target * chosen, chosen, target)

    def result(self, totals: Array, rows: int) -> float:
        right, found, there = totals.reshape(3, -1)
        if self.average == "micro":
            right, found, there = (np.atleast_1d(one.sum()) for one in (right, found, there))
        either = found + there
        scores = np.divide(2 * right, either, out=np.zeros_like(right), where=either > 0)
        if self.average != "weighted":
            return float(scores.mean())
        return float((scores * there).sum() / there.sum()) if there.any() else 0.0


@dataclass(frozen=True)
class AUC(Metric):
    """The area under the ROC curve, exactly: how often a row of a class is rated above one that is
    not, equal ratings half (Mann and Whitney, 1947).

    For several outputs the mean over classes, each against the rest; classes that all or no rows
    have are left out, nan where none is left. Targets are one-hot or labels. It keeps the rows of
    an epoch.
    """

    summed = False

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        target, prediction = _classes(y_true, y_pred)
        if len(prediction.shape) > 2:
            message = (
                f"{self.name}: predictions of shape {prediction.shape} have more axes than rows "
                "and classes; end with Flatten()."
            )
            raise ShapeError(message)
        return _columns(target, prediction)

    def result(self, totals: Array, rows: int) -> float:
        targets, ratings = np.split(totals, 2, axis=1)
        areas = [_area(target > 0.5, rating)
                 for target, rating in zip(targets.T, ratings.T, strict=True)
                 if 0 < target.sum() < rows]  # fmt: skip
        return sum(areas) / len(areas) if areas else math.nan


def _area(member: Array, rating: Array) -> float:
    if np.isnan(rating).any():
        return math.nan
    _, place, count = np.unique(rating, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]  # equal ratings share their mean rank
    members = int(member.sum())
    wins = ranks[member].sum() - members * (members + 1) / 2
    return float(wins / (members * (len(member) - members)))


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """sqrt(mean((p - t)^2)) over outputs and rows."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return mean_squared_error(y_true, y_pred)

    def result(self, totals: Any, rows: int) -> float:
        return math.sqrt(totals / rows)


@dataclass(frozen=True)
class R2Score(Metric):
    """1 - sum (p - t)^2 / sum (t - mean t)^2, the mean over outputs.

    An output whose targets are all the same gives 1 where all predictions are right, else 0; below
    two rows it is nan (as scikit-learn). It keeps the rows of an epoch.
    """

    summed = False

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        target, prediction = as_nodes(y_true, y_pred)
        return _columns(_flat(target), _flat(prediction))

    def result(self, totals: Array, rows: int) -> float:
        if rows < 2:
            return math.nan
        targets, predictions = np.split(totals, 2, axis=1)
        errors = ((targets - predictions) ** 2).sum(axis=0)
        spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
        scores = np.where(errors == 0, 1.0, 0.0)
        np.divide(spread - errors, spread, out=scores, where=spread > 0)
        return float(scores.mean())
