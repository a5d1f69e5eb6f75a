"""Rectifiers as layers: LeakyReLU with a slope that is set, PReLU with learned ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.graph import Node, ops
from chainrule.layers.constraints import find_constraint
from chainrule.layers.initializers import find_initializer
from chainrule.layers.layer import Layer, Parameter
from chainrule.layers.regularizers import find_regularizer
from chainrule.settings import check_number

__all__ = ["LeakyReLU", "PReLU"]


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """x above 0, else negative_slope * x; its slope at 0 is negative_slope.

    negative_slope
        0 or more.

    >>> from chainrule.graph import variable
    >>> LeakyReLU(0.1).apply(variable([[-2.0, 3.0]])).value
    array([[-0.2,  3. ]])
    """

    negative_slope: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(
            "LeakyReLU", "negative_slope", self.negative_slope, "of 0 or more", lambda x: x >= 0
        )

    def apply(self, x: Node, *parameters: Node) -> Node:
        return ops.leaky_relu(x, negative_slope=float(self.negative_slope))


@dataclass(frozen=True)
class PReLU(Layer):
    """max(x, 0) - alpha * max(-x, 0): a slope below 0 that is learned, one for each number of a
    row (He et al., 2015); its slope at 0 is 0.

    alpha_initializer
        Name or object that gives the first slopes.
    alpha_regularizer
        Name or object whose penalty is added to the loss.
    alpha_constraint
        Name or object that the slopes must keep to after each update.

    >>> from chainrule.graph import variable
    >>> from chainrule.layers import PReLU
    >>> [(one.name, one.shape) for one in PReLU().parameters((2, 3))]
    [('alpha', (2, 3))]
    >>> PReLU().apply(variable([[-2.0, 3.0]]), variable([0.1, 0.5])).value
    array([[-0.2,  3. ]])
    """

    alpha_initializer: Any = "zeros"
    alpha_regularizer: Any = None
    alpha_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        find_initializer(self.alpha_initializer)
        find_regularizer(self.alpha_regularizer)
        find_constraint(self.alpha_constraint)

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        yield Parameter(
            "alpha", shape, self.alpha_initializer, self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )  # fmt: skip

    def apply(self, x: Node, *parameters: Node) -> Node:
        (alpha,) = parameters
        return ops.relu(x) - alpha * ops.relu(-x)
