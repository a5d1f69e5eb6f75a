"""Activations by name: functions from a node to a node, and objects where they have settings."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.errors import InputTypeError, SettingError, nearest
from chainrule.graph import Node, ops
from chainrule.settings import check_flag, check_number

__all__ = [
    "ACTIVATIONS", "ActivationFunction", "ActivationLike", "AdjustableActivation",
    "EluActivation", "GeluActivation", "LeakyReluActivation", "SmhtActivation",
    "activation_name", "find_activation", "linear",
]  # fmt: skip

ActivationFunction = Callable[[Node], Any]
ActivationLike = str | ActivationFunction | None


def linear(x: Node) -> Node:
    """x itself."""
    return x


def binary_step(x: Node) -> Node:
    """1 where x >= 0, else 0; its derivative is 0."""
    return ops.greater_equal(x, 0.0)


def relu6(x: Node) -> Node:
    """min(max(x, 0), 6); its slope is 0 at 0 and at 6."""
    full = ops.greater_equal(x, 6.0)  # with minimum the slope at 6 would be one half
    return ops.masked(ops.relu(x), 1.0 - full) + 6.0 * full


def hard_sigmoid(x: Node) -> Node:
    """relu6(x + 3) / 6, a sigmoid of three straight lines (Keras's); slope 0 at -3 and at 3."""
    return relu6(x + 3.0) / 6.0


def softsign(x: Node) -> Node:
    """x / (1 + |x|)"""
    return x / (1.0 + ops.abs(x))


def selu(x: Node) -> Node:
    """1.0507 x above 0, else 1.7581 (e^x - 1), which keeps mean 0 and variance 1 from layer to
    layer (Klambauer et al., 2017); its slope at 0 is that from below.
    """
    return 1.0507009873554805 * ops.elu(x, alpha=1.6732632423543772)


def silu(x: Node) -> Node:
    """x sigmoid(x), also called swish (Ramachandran et al., 2017)."""
    return x * ops.sigmoid(x)


def mish(x: Node) -> Node:
    """x tanh(softplus(x)) (Misra, 2019)."""
    return x * ops.tanh(ops.softplus(x))


@dataclass(frozen=True)
class AdjustableActivation(ABC):
    """An activation with settings: an object that is called on a node."""

    def __new__(cls, *settings: Any, **named: Any) -> AdjustableActivation:
        """Make one; a node in place of settings is refused with how to write it."""
        if any(isinstance(one, Node) for one in settings):
            name = next(name for name, kind in ACTIVATIONS.items() if kind is cls)
            message = f"{name}: it is made with its settings, then called on a node: {name}()(x)."
            raise InputTypeError(message)
        return super().__new__(cls)

    @abstractmethod
    def __call__(self, x: Node) -> Node:
        """The activation of a node."""


def _check_not_negative(owner: str, setting: str, value: Any) -> None:
    check_number(owner, setting, value, "of 0 or more", lambda number: number >= 0)


@dataclass(frozen=True)
class LeakyReluActivation(AdjustableActivation):
    """x above 0, else negative_slope * x; its slope at 0 is negative_slope.

    negative_slope
        The one slope of value and derivative below 0; 0 or more.

    >>> from chainrule.graph import variable
    >>> LeakyReluActivation(negative_slope=0.1)(variable([-2.0, 3.0])).value
    array([-0.2,  3. ])
    """

    negative_slope: float = 0.2

    def __post_init__(self) -> None:
        _check_not_negative("leaky_relu", "negative_slope", self.negative_slope)

    def __call__(self, x: Node) -> Node:
        return ops.leaky_relu(x, negative_slope=float(self.negative_slope))


@dataclass(frozen=True)
class EluActivation(AdjustableActivation):
    """x above 0, else alpha * (e^x - 1) (Clevert et al., 2016); its slope at 0 is alpha.

    alpha
        Minus what it comes to far below 0; 0 or more.

    >>> from chainrule.graph import variable
    >>> EluActivation(alpha=2.0)(variable([-100.0, 3.0])).value
    array([-2.,  3.])
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        _check_not_negative("elu", "alpha", self.alpha)

    def __call__(self, x: Node) -> Node:
        return ops.elu(x, alpha=float(self.alpha))


@dataclass(frozen=True)
class GeluActivation(AdjustableActivation):
    """x Phi(x), Phi being the normal distribution (Hendrycks & Gimpel, 2016); its derivative is
    Phi(x) + x phi(x).

    approximate
        Whether Phi(x) is taken as (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.

    >>> from chainrule.graph import grad, variable
    >>> x = variable(1.0)
    >>> round(grad(GeluActivation()(x), x).value, 6)
    1.083315
    """

    approximate: bool = False

    def __post_init__(self) -> None:
        check_flag("gelu", "approximate", self.approximate)

    def __call__(self, x: Node) -> Node:
        if self.approximate:
            bent = ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x)))
        else:
            bent = ops.erf(x * math.sqrt(0.5))
        return x * (0.5 + 0.5 * bent)


@dataclass(frozen=True)
class SmhtActivation(AdjustableActivation):
    """(e^(a x) - e^(-b x)) / (e^(c x) + e^(-d x)): Soboleva's modified hyperbolic tangent.

    a, b, c, d
        Any numbers; all 1 give tanh. It is bounded where a <= c and b <= d.

    Both sides are divided by the larger part of the denominator first, so that it is finite
    wherever its value is.

    >>> from chainrule.graph import variable
    >>> SmhtActivation()(variable([-1e4, 0.0, 1e4])).value
    array([-1.,  0.,  1.])
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 1.0
    d: float = 1.0

    def __post_init__(self) -> None:
        for setting in ("a", "b", "c", "d"):
            check_number("smht", setting, getattr(self, setting), "that is finite", lambda _: True)

    def __call__(self, x: Node) -> Node:
        up, down = float(self.c) * x, -float(self.d) * x
        # the quotient does not depend on what both sides are divided by: that is a constant
        most = ops.stop_gradient(ops.maximum(up, down))
        # e^u - e^v as expm1(u) - expm1(v): precise near 0 too
        top = ops.expm1(float(self.a) * x - most) - ops.expm1(-float(self.b) * x - most)
        return top / (ops.exp(up - most) + ops.exp(down - most))


ACTIVATIONS: dict[str, Any] = {
    "linear": linear,
    "binary_step": binary_step,
    "sigmoid": ops.sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "tanh": ops.tanh,
    "smht": SmhtActivation,
    "softsign": softsign,
    "relu": ops.relu,
    "relu6": relu6,
    "leaky_relu": LeakyReluActivation,
    "elu": EluActivation,
    "selu": selu,
    "gelu": GeluActivation,
    "silu": silu,
    "swish": silu,
    "mish": mish,
    "softplus": ops.softplus,
    "exponential": ops.exp,
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
}
"""What an activation's name stands for: a function on nodes, or the class of such objects."""


def find_activation(given: ActivationLike) -> ActivationFunction:
    """The function that a name stands for; None is linear, a function on nodes is itself.

    A class of activations with settings stands for its object with the usual ones. Raises
    `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> from chainrule.graph import variable
    >>> find_activation("relu")(variable([-1.0, 2.0])).value
    array([0., 2.])
    >>> find_activation("leaky_relu")
    LeakyReluActivation(negative_slope=0.2)
    """
    if given is None:
        return linear
    found: Any = given
    if isinstance(given, str):
        if given not in ACTIVATIONS:
            message = (
                f"activation: {given!r} is not known; {nearest(given, ACTIVATIONS, listed=True)}"
            )
            raise SettingError(message)
        found = ACTIVATIONS[given]
    if isinstance(found, type) and issubclass(found, AdjustableActivation):
        found = found()
    if not callable(found):
        message = f"activation: needs a name or a function, got {type(given).__name__}."
        raise InputTypeError(message)
    function: ActivationFunction = found
    return function


def activation_name(given: ActivationLike) -> str | None:
    """The name of an activation that has no settings; None of others, and where there is none.

    >>> activation_name(linear), activation_name("relu"), activation_name(None)
    ('linear', 'relu', None)
    """
    if given is None or isinstance(given, str):
        return given
    return next((name for name, known in ACTIVATIONS.items() if known == given), None)
