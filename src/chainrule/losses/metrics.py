"""Metrics: numbers a row that are watched, not descended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import InputTypeError, SettingError, nearest
from chainrule.graph import Node, ops
from chainrule.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from chainrule.losses.loss import FunctionLoss, Loss, as_nodes, row_mean
from chainrule.losses.table import LOSSES, find_loss

__all__ = [
    "METRICS", "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "LossMetric", "Metric",
    "SparseCategoricalAccuracy", "binary_accuracy", "categorical_accuracy", "find_metric",
    "metric_record", "sparse_categorical_accuracy",
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


def _same(left: Node, right: Node, like: Node) -> Node:
    return row_mean(ops.cast(ops.equal(left, right), dtype=like.dtype))


@dataclass(frozen=True)
class Metric(ABC):
    """A number for each row, whose mean is reported.

    name
        What history calls it; its class's in snake case without one.
    """

    name: str = field(default="", kw_only=True)

    @abstractmethod
    def rows(self, y_true: Any, y_pred: Any) -> Node:
        """One number a row, shape (rows,)."""

    def resolved(self, loss: Loss, output: tuple[int, ...]) -> Metric:
        """The metric for a loss and the shape of one row of predictions; itself as a rule."""
        return self


@dataclass(frozen=True)
class BinaryAccuracy(Metric):
    """The share of outputs on the target's side of the threshold."""

    threshold: float = 0.5
    name: str = field(default="binary_accuracy", kw_only=True)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return binary_accuracy(y_true, y_pred, self.threshold)


@dataclass(frozen=True)
class CategoricalAccuracy(Metric):
    """The share of rows whose largest output is at the largest target."""

    name: str = field(default="categorical_accuracy", kw_only=True)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return categorical_accuracy(y_true, y_pred)


@dataclass(frozen=True)
class SparseCategoricalAccuracy(Metric):
    """The share of rows whose largest output is at their label."""

    name: str = field(default="sparse_categorical_accuracy", kw_only=True)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return sparse_categorical_accuracy(y_true, y_pred)


@dataclass(frozen=True)
class Accuracy(Metric):
    """Binary, categorical or sparse accuracy, whichever goes with the loss.

    A cross-entropy chooses its own; with other losses one output is binary, several categorical.
    """

    name: str = field(default="accuracy", kw_only=True)

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


METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
}
"""What a metric's name stands for; the name of a loss watches that loss."""

_CLASSES: dict[str, type[Metric]] = {
    kind.__name__: kind
    for kind in (Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy)
}


def find_metric(given: Any) -> Metric:
    """The metric that a name, class, object, loss or function `(y_true, y_pred)` stands for.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_metric("mae").name
    'mae'
    """
    if isinstance(given, Metric):
        return given
    if isinstance(given, type) and issubclass(given, Metric):
        return given()
    if isinstance(given, str):
        if given in ("acc", "accuracy"):
            return Accuracy(name=given)
        if given in METRICS:
            return METRICS[given]()
        if given in _CLASSES:
            return _CLASSES[given]()
        if given in LOSSES:
            return LossMetric(find_loss(given), name=given)
        message = f"metric: {given!r} is not known; {nearest(given, [*METRICS, *LOSSES])}"
        raise SettingError(message)
    if isinstance(given, Loss) or callable(given):
        return _of_loss(find_loss(given))
    message = f"metric: needs a name, a function or a Metric, got {type(given).__name__}."
    raise InputTypeError(message)


def _of_loss(loss: Loss) -> Metric:
    names = [name for name, kind in LOSSES.items() if kind is type(loss)]
    return LossMetric(loss, name=names[0] if names else loss.name)


def metric_record(metric: Metric) -> str:
    """The name that `find_metric` knows it by; raises `InputTypeError` where there is none."""
    for name in (metric.name, type(metric).__name__):
        try:
            if find_metric(name) == metric:
                return name
        except SettingError:
            continue
    inner = metric.loss if isinstance(metric, LossMetric) else None
    own = inner.name if isinstance(inner, FunctionLoss) else metric.name
    message = (
        f"metric {own!r}: a model file keeps metrics by name only; compile the model with metrics "
        "by name before it is saved."
    )
    raise InputTypeError(message)
