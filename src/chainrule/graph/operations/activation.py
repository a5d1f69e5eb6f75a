"""Activations that are operations of their own; others are composed of operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin
from chainrule.graph.operations.elementwise import exp, greater
from chainrule.graph.operations.reduction import check_some, sum_
from chainrule.graph.shape import Shape, normal_axes

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "tanh"]

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
