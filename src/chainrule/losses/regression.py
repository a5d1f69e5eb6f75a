"""Losses of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.graph import Node, ops
from chainrule.losses.loss import EPSILON, Loss, as_nodes, row_mean
from chainrule.settings import check_number

__all__ = [
    "Huber", "MeanAbsoluteError", "MeanSquaredError", "Poisson", "Quantile", "SquaredError",
    "huber", "mae", "mean_absolute_error", "mean_squared_error", "mse", "poisson", "quantile",
    "squared_error",
]  # fmt: skip


def mean_squared_error(y_true: Any, y_pred: Any) -> Node:
    """mean((p - t)^2) over the outputs of each row.

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).value
    array([2.5])
    """
    target, prediction = as_nodes(y_true, y_pred)
    return row_mean(ops.squared_error(prediction, target))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Node:
    """mean(|p - t|) over the outputs of each row."""
    target, prediction = as_nodes(y_true, y_pred)
    return row_mean(ops.absolute_error(prediction, target))


mse = mean_squared_error
mae = mean_absolute_error


def squared_error(y_true: Any, y_pred: Any) -> Node:
    """1/2 sum (p - t)^2 over the outputs of each row: the textbook one.

    >>> squared_error([[0.01, 0.99]], [[0.75136507, 0.77292847]]).value.round(8)
    array([0.29837111])
    """
    target, prediction = as_nodes(y_true, y_pred)
    squares: Node = ops.squared_error(prediction, target)
    return 0.5 * squares.sum(axis=tuple(range(1, len(squares.shape))))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Node:
    """mean of e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), with e = p - t (Huber,
    1964).
    """
    target, prediction = as_nodes(y_true, y_pred)
    distance = ops.absolute_error(prediction, target)
    near = ops.minimum(distance, float(delta))
    return row_mean(0.5 * near * near + float(delta) * (distance - near))


def quantile(y_true: Any, y_pred: Any, q: float = 0.5) -> Node:
    """mean of max(q e, (q - 1) e) with e = t - p: at its least, p is the quantile q of t."""
    target, prediction = as_nodes(y_true, y_pred)
    error = target - prediction
    return row_mean(ops.maximum(float(q) * error, (float(q) - 1.0) * error))


def poisson(y_true: Any, y_pred: Any) -> Node:
    """mean(p - t log(p + 1e-7)): counts t of mean p, but for a term without p; may be negative."""
    target, prediction = as_nodes(y_true, y_pred)
    return row_mean(prediction - target * ops.log(prediction + EPSILON))


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """mean((p - t)^2) over outputs and rows."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return mean_squared_error(y_true, y_pred)


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """mean(|p - t|) over outputs and rows."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return mean_absolute_error(y_true, y_pred)


@dataclass(frozen=True)
class SquaredError(Loss):
    """1/2 sum (p - t)^2 over outputs, mean over rows: the textbook one."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return squared_error(y_true, y_pred)


@dataclass(frozen=True)
class Huber(Loss):
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), mean over outputs and rows."""

    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        delta = check_number("huber", "delta", self.delta, "above 0", lambda delta: delta > 0)
        object.__setattr__(self, "delta", delta)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return huber(y_true, y_pred, self.delta)


@dataclass(frozen=True)
class Quantile(Loss):
    """max(q e, (q - 1) e) with e = t - p, mean over outputs and rows (pinball loss)."""

    q: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        q = check_number("quantile", "q", self.q, "between 0 and 1", lambda q: 0 < q < 1)
        object.__setattr__(self, "q", q)

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return quantile(y_true, y_pred, self.q)


@dataclass(frozen=True)
class Poisson(Loss):
    """p - t log(p + 1e-7), mean over outputs and rows; predictions must be above 0."""

    target_kind = "counts"

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return poisson(y_true, y_pred)
