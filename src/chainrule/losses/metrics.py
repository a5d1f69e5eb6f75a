"""Metrics: what is watched, not descended. Here the base, and those that are a mean over rows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chainrule.errors import InputTypeError, ShapeError
from chainrule.graph import Node, make, ops
from chainrule.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from chainrule.losses.loss import Loss, as_nodes, row_mean
from chainrule.settings import check_count, check_number

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "FunctionMetric", "LossMetric", "Metric",
    "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy",
    "are_labels", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Node:
    """The share of each row's outputs that are on the target's side of the threshold.

    >>> binary_accuracy([1.0, 0.0], [0.7, 0.6]).value
    array([1., 0.])
    """
    target, prediction = as_nodes(y_true, y_pred)
    return row_mean(ops.equal(target, ops.greater(prediction, float(threshold))))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Node:
    """1 for each row whose largest output is at the largest target, else 0.

    >>> categorical_accuracy([[0.0, 1.0]], [[0.3, 0.7]]).value
    array([1.])
    """
    target, prediction = as_nodes(y_true, y_pred)
    return _same(ops.argmax(target), ops.argmax(prediction), prediction)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Node:
    """1 for each row whose largest output is at its label, else 0.

    >>> sparse_categorical_accuracy([1, 0], [[0.3, 0.7], [0.3, 0.7]]).value
    array([1., 0.])
    """
    labels, prediction = as_nodes(y_true, y_pred, labels=True)
    return _same(ops.cast(labels, dtype="int32"), ops.argmax(prediction), prediction)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Node:
    """1 for each row of which fewer than k outputs are larger than the target's, else 0.

    y_true
        One-hot, or labels as whole numbers.

    >>> top_k_categorical_accuracy([2, 0], [[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]], k=2).value
    array([0., 1.])
    """
    if are_labels(y_true, y_pred):
        labels, prediction = as_nodes(y_true, y_pred, labels=True)
    else:
        target, prediction = as_nodes(y_true, y_pred)
        labels = ops.argmax(target)
    hot = ops.one_hot(labels, depth=prediction.shape[-1], dtype=prediction.dtype.name)
    own = (hot * prediction).sum(axis=-1, keepdims=True)
    larger = ops.greater(prediction, own).sum(axis=-1)
    return row_mean(ops.greater(float(k), larger))


sparse_top_k_categorical_accuracy = top_k_categorical_accuracy


def are_labels(y_true: Any, y_pred: Any) -> bool:
    """Whether targets are one whole number where predictions have an axis of several classes.

    >>> are_labels([1, 0], [[0.3, 0.7], [0.3, 0.7]]), are_labels([1, 0], [[0.3], [0.7]])
    (True, False)
    """
    target, prediction = make(y_true, None, "y_true").shape, make(y_pred, None, "y_pred").shape
    several = len(prediction) > 1 and prediction[-1] != 1
    return several and target in (prediction[:-1], (*prediction[:-1], 1))


def _same(left: Node, right: Node, like: Node) -> Node:
    return row_mean(ops.cast(ops.equal(left, right), dtype=like.dtype))


@dataclass(frozen=True)
class Metric(ABC):
    """A number that is watched: `rows` in the graph, and over a whole epoch `result` in NumPy.

    name
        What history calls it; its class's in snake case without one.

    One of your own gives a number a row, whose mean is the metric, and no more. Where a mean is
    not enough, `rows` gives several columns and `result` makes one number of their totals over all
    rows; where totals are not enough, `summed = False` hands `result` all rows as they are.

    >>> class RelativeError(Metric):  # the sum of errors over the sum of targets
    ...     def rows(self, y_true, y_pred):
    ...         return ops.concatenate(ops.abs(y_true - y_pred), ops.abs(y_true), axis=1)
    ...     def result(self, totals, rows):
    ...         return totals[0] / totals[1]
    >>> RelativeError().name
    'relative_error'
    """

    name: str = field(default="", kw_only=True)

    summed: ClassVar[bool] = True
    """Whether `result` needs only totals; False: it needs every row of the epoch."""

    def __post_init__(self) -> None:
        if not self.name:
            words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", type(self).__name__)
            snake_case = re.sub("([a-z])([A-Z])", r"\1_\2", words).lower()
            object.__setattr__(self, "name", type(self).name or snake_case)

    @abstractmethod
    def rows(self, y_true: Any, y_pred: Any) -> Node:
        """A number a row, shape (rows,), or several, shape (rows, k)."""

    def result(self, totals: Any, rows: int) -> Any:
        """The metric of float64 totals, a number or shape (k,), over so many rows: their mean.

        Where `summed` is False the totals are all rows, shape (rows,) or (rows, k). What is
        divided by 0 is nan without a warning.
        """
        return totals / rows

    @property
    def is_mean(self) -> bool:
        """Whether it is no more than the mean of `rows`."""
        return self.summed and type(self).result is Metric.result

    def resolved(self, loss: Loss, output: tuple[int, ...]) -> Metric:
        """The metric for a loss and the shape of one row of predictions; itself as a rule."""
        return self


@dataclass(frozen=True)
class BinaryAccuracy(Metric):
    """The share of outputs on the target's side of the threshold."""

    threshold: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("BinaryAccuracy", "threshold", self.threshold, "(one)", lambda _: True)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return binary_accuracy(y_true, y_pred, self.threshold)


@dataclass(frozen=True)
class CategoricalAccuracy(Metric):
    """The share of rows whose largest output is at the largest target."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return categorical_accuracy(y_true, y_pred)


@dataclass(frozen=True)
class SparseCategoricalAccuracy(Metric):
    """The share of rows whose largest output is at their label."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return sparse_categorical_accuracy(y_true, y_pred)


@dataclass(frozen=True)
class TopKCategoricalAccuracy(Metric):
    """The share of rows of which fewer than k outputs are larger than the target's.

    k
        1 is accuracy, but that outputs that are equal all count. Targets are one-hot or labels.

    Raises `SettingError` for a k that is no whole number of 1 or more.
    """

    k: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", check_count(type(self).__name__, "k", self.k))

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return top_k_categorical_accuracy(y_true, y_pred, self.k)


@dataclass(frozen=True)
class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """`TopKCategoricalAccuracy` under Keras's name for labels."""


@dataclass(frozen=True)
class Accuracy(Metric):
    """Binary, categorical or sparse accuracy, whichever goes with the loss.

    A cross-entropy chooses its own; with other losses one output is binary, several categorical.
    """

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        message = "accuracy: which one depends on the loss; use BinaryAccuracy or another by name."
        raise InputTypeError(message)

    def resolved(self, loss: Loss, output: tuple[int, ...]) -> Metric:
        if isinstance(loss, SparseCategoricalCrossentropy) or loss.target_kind == "labels":
            return SparseCategoricalAccuracy(name=self.name)
        if isinstance(loss, CategoricalCrossentropy):
            return CategoricalAccuracy(name=self.name)
        if isinstance(loss, BinaryCrossentropy) or output[-1:] in ((), (1,)):
            return BinaryAccuracy(name=self.name)
        return CategoricalAccuracy(name=self.name)


@dataclass(frozen=True)
class LossMetric(Metric):
    """The rows of a loss, watched."""

    loss: Loss

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return self.loss.rows(y_true, y_pred)


@dataclass(frozen=True)
class FunctionMetric(Metric):
    """The mean of what a function `(y_true, y_pred)` on nodes gives.

    function
        Gives one number a row, or more, of which the mean is taken; labels come as they are.
    """

    function: Callable[..., Any]

    def __post_init__(self) -> None:
        name = self.name or getattr(self.function, "__name__", "metric")
        object.__setattr__(self, "name", str(name))

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        target, prediction = as_nodes(y_true, y_pred, labels=are_labels(y_true, y_pred))
        values = self.function(target, prediction)
        if not isinstance(values, Node) or not values.shape:
            message = f"{self.name}: it must give a node with a number for each row or more."
            raise ShapeError(message)
        return row_mean(values)
