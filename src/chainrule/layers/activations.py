"""Activations by name: functions from a node to a node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.errors import InputTypeError, SettingError, nearest
from chainrule.graph import Node, ops

__all__ = ["ACTIVATIONS", "ActivationFunction", "ActivationLike", "find_activation", "linear"]

ActivationFunction = Callable[[Node], Any]
ActivationLike = str | ActivationFunction | None


def linear(x: Node) -> Node:
    """x itself."""
    return x


ACTIVATIONS: dict[str, ActivationFunction] = {
    "linear": linear,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "relu": ops.relu,
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
}
"""What an activation's name stands for."""


def find_activation(given: ActivationLike) -> ActivationFunction:
    """The function that a name stands for; None is linear, a function on nodes is itself.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is neither.

    >>> from chainrule.graph import variable
    >>> find_activation("relu")(variable([-1.0, 2.0])).value
    array([0., 2.])
    """
    if given is None:
        return linear
    if callable(given):
        return given
    if not isinstance(given, str):
        message = f"activation: needs a name or a function, got {type(given).__name__}."
        raise InputTypeError(message)
    if given not in ACTIVATIONS:
        message = f"activation: {given!r} is not known; {nearest(given, ACTIVATIONS)}"
        raise SettingError(message)
    return ACTIVATIONS[given]
