"""The input of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError
from chainrule.graph import Node
from chainrule.layers.layer import Layer
from chainrule.settings import check_count

__all__ = ["Input", "InputLayer", "row_shape"]


def row_shape(owner: str, shape: Any) -> tuple[int, ...]:
    """The shape of a row as a tuple, of a number, a list or a tuple.

    >>> row_shape("Input", 3), row_shape("Input", [28, 28])
    ((3,), (28, 28))
    """
    if isinstance(shape, int | np.integer) and not isinstance(shape, bool):
        shape = (shape,)
    if not isinstance(shape, list | tuple):
        message = (
            f"{owner}: shape must be a number, list or tuple of sizes (without rows), "
            f"got {shape!r}."
        )
        raise InputTypeError(message)
    return tuple(check_count(owner, "each size of shape", size) for size in shape)


@dataclass(frozen=True)
class InputLayer(Layer):
    """What a network is given: the shape of one row, without the axis of rows.

    shape
        A number, list or tuple: 3, [28, 28], (3,).

    >>> from chainrule.layers import Input
    >>> Input([28, 28]).shape
    (28, 28)
    """

    shape: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "shape", row_shape("Input", self.shape))

    def apply(self, x: Node, *parameters: Node) -> Node:
        return x


Input = InputLayer
