"""The losses of scikit-learn's networks, oddities included: what is reported, and what descends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph import Node, ops
from chainrule.layers import Layer
from chainrule.losses import Loss

__all__ = [
    "BinaryLogLoss", "GroupedLogLoss", "GroupedSoftmax", "HalfPoissonDeviance", "HalfSquaredError",
    "LogLoss",
]  # fmt: skip


def _shown_as(descended: Node, reported: Node) -> Node:
    """The value of one with the derivative of the other."""
    hidden: Node = ops.stop_gradient(reported - descended)
    return descended + hidden


def _clipped(loss: Node) -> Node:
    """Cross-entropies are reported as if no probability were below the type's epsilon."""
    most = -math.log(float(np.finfo(loss.dtype).eps))
    return _shown_as(loss, ops.minimum(loss, most))


@dataclass(frozen=True)
class HalfSquaredError(Loss):
    """1/2 sum (p - t)^2 over outputs descends; 1/2 mean (p - t)^2 is reported."""

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        total = 0.5 * ops.squared_error(y_pred, y_true).sum(axis=1)
        outputs = y_pred.shape[1]
        return total if outputs == 1 else _shown_as(total, total / outputs)


@dataclass(frozen=True)
class HalfPoissonDeviance(Loss):
    """t log(t / p) - t + p summed over outputs, with p = exp(z): half the Poisson deviance."""

    target_kind = "counts"

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        z = y_pred.operands[0] if y_pred.operation is ops.exp else ops.log(y_pred)
        least = y_true * ops.log(ops.maximum(y_true, np.finfo(y_true.dtype).tiny)) - y_true
        total: Node = (least - y_true * z + y_pred).sum(axis=1)
        return total


@dataclass(frozen=True)
class LogLoss(Loss):
    """-log p of the class that is the label, p the softmax of the outputs."""

    target_kind = "labels"

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return _clipped(_cross_entropy(y_true, y_pred))

    def target_shape(self, output: tuple[int, ...]) -> tuple[int, ...]:
        return output[:-1]


@dataclass(frozen=True)
class BinaryLogLoss(Loss):
    """-t log p - (1 - t) log(1 - p) summed over outputs, p the sigmoid of each."""

    target_kind = "probabilities"

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        total: Node = _clipped(ops.sigmoid_cross_entropy(y_pred.operands[0], y_true)).sum(axis=1)
        return total


@dataclass(frozen=True)
class GroupedLogLoss(Loss):
    """`LogLoss` of each of several targets, summed; after a `GroupedSoftmax`.

    targets
        How many there are.
    """

    targets: int = 1

    target_kind = "labels"

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        total: Node | None = None
        for index, shares in enumerate(y_pred.operands):
            column = ops.narrow(y_true, axis=1, start=index, stop=index + 1)
            loss = _cross_entropy(column.reshape((column.shape[0],)), shares)
            total = loss if total is None else total + loss
        assert total is not None  # noqa: S101  (a group is there)
        return _clipped(total)

    def target_shape(self, output: tuple[int, ...]) -> tuple[int, ...]:
        return (self.targets,)


@dataclass(frozen=True)
class GroupedSoftmax(Layer):
    """A softmax over each group of units that stand side by side.

    groups
        The units of each.
    """

    groups: tuple[int, ...] = ()

    def apply(self, x: Node, *parameters: Node) -> Node:
        shares, start = [], 0
        for units in self.groups:
            shares.append(ops.softmax(ops.narrow(x, axis=1, start=start, stop=start + units)))
            start += units
        joined: Node = ops.concatenate(*shares, axis=1)
        return joined


def _cross_entropy(labels: Node, shares: Node) -> Node:
    hot = ops.one_hot(labels, depth=shares.shape[-1], dtype=shares.dtype.name)
    loss: Node = ops.softmax_cross_entropy(shares.operands[0], hot)
    return loss
