"""Losses that are operations of their own: the pairs that are stable only together."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin
from chainrule.graph.operations.activation import log_softmax, sigmoid, softmax
from chainrule.graph.operations.elementwise import sign
from chainrule.graph.operations.reduction import check_some, sum_
from chainrule.graph.shape import Shape

__all__ = [
    "absolute_error",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "softmax_cross_entropy_slope",
    "squared_error",
]


@builtin("squared_error", elementwise=True)
def squared_error(prediction: Array, target: Array) -> Array:
    """(prediction - target)^2, element by element."""
    difference = prediction - target
    return np.asarray(difference * difference)


@squared_error.gradient
def _squared_error(g: Node, y: Node, prediction: Node, target: Node) -> Any:
    slope = g * 2.0 * (prediction - target)
    return slope, lambda: -slope


@builtin("absolute_error", elementwise=True)
def absolute_error(prediction: Array, target: Array) -> Array:
    """|prediction - target|, element by element; slope 0 where they are equal."""
    return np.asarray(np.absolute(prediction - target))


@absolute_error.gradient
def _absolute_error(g: Node, y: Node, prediction: Node, target: Node) -> Any:
    slope = g * sign(prediction - target)
    return slope, lambda: -slope


@builtin("sigmoid_cross_entropy", elementwise=True)
def sigmoid_cross_entropy(logit: Array, target: Array) -> Array:
    """-t log(p) - (1 - t) log(1 - p) with p = sigmoid(logit), element by element.

    Computed as max(z, 0) - z t + log(1 + e^-|z|), finite for any finite z.
    """
    return np.asarray(np.maximum(logit, 0) - logit * target + np.log1p(np.exp(-np.absolute(logit))))


@sigmoid_cross_entropy.gradient
def _sigmoid_cross_entropy(g: Node, y: Node, logit: Node, target: Node) -> Any:
    return lambda: g * (sigmoid(logit) - target), lambda: -g * logit


def _by_row(logits: Shape, targets: Shape, name: str = "softmax_cross_entropy") -> Shape:
    if logits != targets or not logits:
        message = (
            f"{name}: logits {logits} and targets {targets} must have one shape; "
            "give a target for each class (ops.one_hot makes them of labels)."
        )
        raise ShapeError(message)
    check_some(name, logits, (len(logits) - 1,))
    return logits[:-1]


@builtin("softmax_cross_entropy", shape=_by_row)
def softmax_cross_entropy(logits: Array, targets: Array) -> Array:
    """-sum(targets log(softmax(logits))) along the last axis, finite for finite logits."""
    lower = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    scale = np.log(np.add.reduce(np.exp(lower), axis=-1, keepdims=True))
    return np.asarray(np.add.reduce(targets * (scale - lower), axis=-1))


@softmax_cross_entropy.gradient
def _softmax_cross_entropy(g: Node, y: Node, logits: Node, targets: Node) -> Any:
    return (
        lambda: softmax_cross_entropy_slope(logits, targets, g),
        lambda: -_column(g) * log_softmax(logits),
    )


def _column(x: Node) -> Node:
    return x.reshape((*x.shape, 1))


def _of_logits(logits: Shape, targets: Shape, slope: Shape) -> Shape:
    name = "softmax_cross_entropy_slope"
    if _by_row(logits, targets, name) != slope:
        message = (
            f"{name}: slope {slope} must have a number for each row of logits {logits}; "
            f"give shape {logits[:-1]}."
        )
        raise ShapeError(message)
    return logits


@builtin("softmax_cross_entropy_slope", shape=_of_logits)
def softmax_cross_entropy_slope(logits: Array, targets: Array, slope: Array) -> Array:
    """slope (softmax(logits) sum(targets) - targets) along the last axis, with a slope a row.

    It is what `softmax_cross_entropy` passes on to its logits: output minus target.
    """
    powers = np.exp(logits - np.maximum.reduce(logits, axis=-1, keepdims=True))
    shares = powers / np.add.reduce(powers, axis=-1, keepdims=True)
    total = np.add.reduce(targets, axis=-1, keepdims=True)
    return np.asarray(slope[..., np.newaxis] * (shares * total - targets))


@softmax_cross_entropy_slope.gradient
def _softmax_cross_entropy_slope(g: Node, y: Node, logits: Node, targets: Node, slope: Node) -> Any:
    shares = softmax(logits)
    total = sum_(targets, axis=-1, keepdims=True)

    def by_logits() -> Node:
        weighted = g * _column(slope) * total
        return shares * (weighted - sum_(weighted * shares, axis=-1, keepdims=True))

    return (
        by_logits,
        lambda: _column(slope) * (sum_(g * shares, axis=-1, keepdims=True) - g),
        lambda: sum_(g * (shares * total - targets), axis=-1),
    )
