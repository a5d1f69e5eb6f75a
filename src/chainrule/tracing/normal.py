"""The numbers inside a normalization layer: means, variances and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.tracing.step import LayerTrace
from chainrule.training import TracedNode

__all__ = ["NORMALIZING", "Normal", "normal_of"]

Array = np.ndarray[Any, np.dtype[Any]]

NORMALIZING = ("BatchNormalization", "LayerNormalization", "GroupNormalization")
"""Layers with gamma (x - mean) / sqrt(variance + epsilon) + beta."""


@dataclass(frozen=True, eq=False)
class Normal:
    """A normalization; arrays have the shape (rows, columns), with further axes in their columns.

    mean, variance, hat
        Each number's own mean and variance, and what it is brought to.
    which
        Which mean each number has: those with the same number have one mean.
    epsilon
        What is added to the variance.
    units
        How many columns there are at each position of a row.
    size
        How many neighboring columns of a row have one mean; 0 where a column has one for all rows.
    fixed
        Whether mean and variance are kept with the model, not found in the batch.
    axes
        How many axes of positions a row has before that of its columns.
    """

    mean: Array
    variance: Array
    hat: Array
    which: Array
    epsilon: float
    units: int
    size: int
    fixed: bool
    axes: int

    def together(self, row: int, column: int) -> tuple[Array, Array]:
        """The places, rows and columns, of the numbers that have one mean."""
        rows, columns = np.nonzero(self.which == self.which[row, column])
        return rows, columns


def normal_of(layer: LayerTrace, nodes: Mapping[int, TracedNode]) -> Normal | None:
    """What a layer does inside; None where it is no normalization."""
    x = layer.numbers.x
    if not layer.is_a(*NORMALIZING) or x is None:
        return None
    divided = next((one for one in layer.nodes if _is_scaled(one, nodes)), None)
    if divided is None:
        return None
    left, root = (nodes[number] for number in divided.operands)
    mean = nodes[left.operands[1]]
    variance, epsilon = (nodes[number] for number in nodes[root.operands[0]].operands)
    if mean.value is None or variance.value is None or divided.value is None:
        return None
    shape = divided.value.shape
    return Normal(
        _spread(mean.value, shape),
        _spread(variance.value, shape),
        _spread(divided.value, shape),
        _spread(np.arange(mean.value.size).reshape(mean.value.shape), shape),
        epsilon=float(np.asarray(epsilon.value)),
        units=x.shape[-1],
        size=0 if layer.kind == "BatchNormalization" else shape[-1],
        fixed=not mean.operands,
        axes=x.ndim - 2,
    )


def _spread(values: Array, shape: tuple[int, ...]) -> Array:
    """An entry for each column of each row."""
    return np.broadcast_to(values, shape).reshape(shape[0], -1)


def _is_scaled(node: TracedNode, nodes: Mapping[int, TracedNode]) -> bool:
    """Whether a node is what is left of x, divided by its deviation."""
    if node.operation != "divide":
        return False
    operations = [nodes[number].operation for number in node.operands]
    return operations == ["subtract", "sqrt"]
