"""The layers of plain networks: Dense, Activation, Dropout, Flatten."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import ShapeError
from chainrule.graph import Node
from chainrule.layers.activations import ActivationLike, find_activation
from chainrule.layers.constraints import find_constraint
from chainrule.layers.initializers import find_initializer
from chainrule.layers.layer import Draws, Layer, Parameter
from chainrule.layers.regularizers import find_regularizer
from chainrule.settings import check_count, check_flag, check_number, check_seed

__all__ = ["Activation", "Dense", "Dropout", "Flatten"]


def _activated(activation: ActivationLike, z: Node) -> Node:
    result = find_activation(activation)(z)
    if not isinstance(result, Node) or result.shape != z.shape:
        shown = f"shape {result.shape}" if isinstance(result, Node) else type(result).__name__
        name = getattr(activation, "__name__", activation)
        message = (
            f"activation {name!r}: it must give a node of the shape {z.shape} it is given, "
            f"not {shown}."
        )
        raise ShapeError(message)
    return result


@dataclass(frozen=True)
class Flatten(Layer):
    """Each row as a vector: (rows, 28, 28) becomes (rows, 784)."""

    def apply(self, x: Node, *parameters: Node) -> Node:
        sizes = [size for size in x.shape[1:] if isinstance(size, int)]
        return x.reshape((x.shape[0], math.prod(sizes)))


@dataclass(frozen=True)
class Dense(Layer):
    """activation(x @ kernel + bias), kernel (inputs, units), over the last axis of x.

    units
        Width of the output, 1 or more.
    activation
        Name or function on nodes; None is linear.
    use_bias
        Whether a bias is added.
    kernel_initializer, bias_initializer
        Name or object that gives the first values.
    kernel_regularizer, bias_regularizer
        Name or object whose penalty is added to the loss.
    kernel_constraint, bias_constraint
        Name or object that says what they must keep after each update.
    bias_trainable
        Whether updates reach the bias (where `trainable` lets them reach the layer).

    Raises `SettingError` for a setting that is not allowed.

    >>> from chainrule.layers import Dense
    >>> [(p.name, p.shape) for p in Dense(3, activation="relu").parameters((2,))]
    [('kernel', (2, 3)), ('bias', (3,))]
    """

    units: int
    activation: ActivationLike = None
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    bias_regularizer: Any = None
    kernel_constraint: Any = field(default=None, kw_only=True)
    bias_constraint: Any = field(default=None, kw_only=True)
    bias_trainable: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "units", check_count("Dense", "units", self.units))
        find_activation(self.activation)
        for initializer in (self.kernel_initializer, self.bias_initializer):
            find_initializer(initializer)
        for regularizer in (self.kernel_regularizer, self.bias_regularizer):
            find_regularizer(regularizer)
        for constraint in (self.kernel_constraint, self.bias_constraint):
            find_constraint(constraint)
        for setting in ("use_bias", "bias_trainable"):
            check_flag("Dense", setting, getattr(self, setting))

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        if not shape:
            message = (
                "Dense: its input has one number a row and no axis of columns; "
                "put Flatten() before it, or give the data a second axis."
            )
            raise ShapeError(message)
        yield Parameter(
            "kernel", (shape[-1], self.units), self.kernel_initializer, self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            yield Parameter(
                "bias", (self.units,), self.bias_initializer, self.bias_regularizer,
                self.bias_trainable, self.bias_constraint,
            )  # fmt: skip

    def apply(self, x: Node, *parameters: Node) -> Node:
        kernel, *bias = parameters
        z = x @ kernel
        if bias:
            z = z + bias[0]
        return _activated(self.activation, z)


@dataclass(frozen=True)
class Activation(Layer):
    """An activation as a layer of its own.

    activation
        Name or function on nodes.
    """

    activation: ActivationLike

    def __post_init__(self) -> None:
        super().__post_init__()
        find_activation(self.activation)

    def apply(self, x: Node, *parameters: Node) -> Node:
        return _activated(self.activation, x)


@dataclass(frozen=True)
class Dropout(Layer):
    """In training each number is left out with probability `rate`, the others are divided by
    1 - rate; in prediction nothing is done (Srivastava et al., 2014).

    rate
        From 0 to below 1.
    seed
        A seed of its own in place of the network's.
    """

    rate: float
    seed: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("Dropout", "rate", self.rate, "from 0 to below 1", lambda x: 0 <= x < 1)
        if self.seed is not None:
            check_seed("Dropout", self.seed)

    def apply(self, x: Node, *parameters: Node) -> Node:
        return x

    def apply_training(self, x: Node, *parameters: Node, draws: Draws) -> Node:
        mask = draws.mask(x.shape, float(self.rate), self.seed)
        return x * mask if self.rate else x
