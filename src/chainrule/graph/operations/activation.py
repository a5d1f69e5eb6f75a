"""Activations that are operations of their own; others are composed of operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin
from chainrule.graph.operations.elementwise import exp, greater, minimum
from chainrule.graph.operations.reduction import check_some, sum_
from chainrule.graph.shape import Shape, normal_axes
from chainrule.settings import check_number

__all__ = [
    "elu", "leaky_relu", "log_softmax", "relu", "sigmoid", "softmax", "softplus", "tanh",
]  # fmt: skip

tanh = builtin("tanh", np.tanh, elementwise=True, doc="tanh(x), element by element.")


@tanh.gradient
def _tanh(g: Node, y: Node, x: Node) -> Any:
    return g * (1.0 - y * y)


@builtin("sigmoid", elementwise=True)
def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), from e^-|x| so that it overflows nowhere."""
    small = np.exp(-np.absolute(x))
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


@sigmoid.gradient
def _sigmoid(g: Node, y: Node, x: Node) -> Any:
    return g * (y * (1.0 - y))


@builtin("relu", elementwise=True)
def relu(x: Array) -> Array:
    """max(x, 0), with slope 0 at 0."""
    return np.asarray(np.maximum(x, 0))


@relu.gradient
def _relu(g: Node, y: Node, x: Node) -> Any:
    return g * greater(y, 0.0)


@builtin("leaky_relu", elementwise=True)
def leaky_relu(x: Array, *, negative_slope: float = 0.2) -> Array:
    """x above 0, else negative_slope * x; its slope at 0 is negative_slope."""
    return np.asarray(np.where(x > 0, x, x * negative_slope))


@leaky_relu.gradient
def _leaky_relu(g: Node, y: Node, x: Node, *, negative_slope: float) -> Any:
    above = greater(y, 0.0)
    return g * (above + negative_slope * (1.0 - above))


@builtin("elu", elementwise=True)
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """x above 0, else alpha * (e^x - 1); its slope at 0 is alpha."""
    return np.asarray(np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))))


@elu.gradient
def _elu(g: Node, y: Node, x: Node, *, alpha: float) -> Any:
    above = greater(x, 0.0)
    return g * (above + alpha * exp(minimum(x, 0.0)) * (1.0 - above))


@builtin("softplus", elementwise=True)
def softplus(x: Array) -> Array:
    """log(1 + e^x), as max(x, 0) + log(1 + e^-|x|), which overflows nowhere."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x))))


@softplus.gradient
def _softplus(g: Node, y: Node, x: Node) -> Any:
    return g * sigmoid(x)


def _not_negative(name: str, setting: str, value: Any) -> dict[str, float]:
    return {setting: check_number(name, setting, value, "of 0 or more", lambda x: x >= 0)}


@leaky_relu.canonical
def _leaky_relu_canonical(_: Shape, *, negative_slope: float = 0.2) -> dict[str, float]:
    return _not_negative("leaky_relu", "negative_slope", negative_slope)


@elu.canonical
def _elu_canonical(_: Shape, *, alpha: float = 1.0) -> dict[str, float]:
    return _not_negative("elu", "alpha", alpha)


def _along(name: str) -> Any:
    def shape_of_one(shape: Shape, *, axis: int) -> Shape:
        check_some(name, shape, (axis,))
        return shape

    return shape_of_one


def _axis(name: str) -> Any:
    def canonical(shape: Shape, *, axis: int = -1) -> dict[str, int]:
        return {"axis": normal_axes(name, axis, len(shape))[0]}

    return canonical


@builtin("softmax", shape=_along("softmax"))
def softmax(x: Array, *, axis: int) -> Array:
    """e^x / sum(e^x) along an axis (the last by default), from x - max(x)."""
    powers = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return np.asarray(powers / np.add.reduce(powers, axis=axis, keepdims=True))


@builtin("log_softmax", shape=_along("log_softmax"))
def log_softmax(x: Array, *, axis: int) -> Array:
    """log(softmax(x)) along an axis (the last by default), finite for any finite x."""
    lower = x - np.maximum.reduce(x, axis=axis, keepdims=True)
    return np.asarray(lower - np.log(np.add.reduce(np.exp(lower), axis=axis, keepdims=True)))


for _activation in (softmax, log_softmax):
    _activation.canonical(_axis(_activation.name))


@softmax.gradient
def _softmax(g: Node, y: Node, x: Node, *, axis: int) -> Any:
    return y * (g - sum_(g * y, axis=axis, keepdims=True))


@log_softmax.gradient
def _log_softmax(g: Node, y: Node, x: Node, *, axis: int) -> Any:
    return g - exp(y) * sum_(g, axis=axis, keepdims=True)
