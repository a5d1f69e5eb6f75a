"""The numbers inside a layer that spreads numbers over the parts of their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.tracing.step import LayerTrace
from chainrule.training import TracedNode

__all__ = ["Spread", "spread_of"]

Array = np.ndarray[Any, np.dtype[Any]]

OPERATIONS = (
    "transpose", "reshape", "subtract", "maximum", "minimum", "matmul", "add", "relu",
    "transpose", "reshape",
)  # fmt: skip
"""clip(positions - starts, 0, 1) kernel + bias, for each number of its own, then ReLU."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Numbers that are spread, each with a kernel of its own.

    name
        The input that holds where each number lies in its range.
    positions, reached
        Those, shape (rows, numbers); how far each reaches into each part, (rows, numbers, parts).
    starts
        Where each part begins.
    sums
        What the kernels and biases make of that, before the ReLU: (rows, numbers, units).
    """

    name: str
    positions: Array
    reached: Array
    starts: Array
    sums: Array

    @property
    def units(self) -> int:
        """How many units each number has."""
        return int(self.sums.shape[-1])

    def within(self, layer: LayerTrace) -> LayerTrace:
        """The layer with its sums, its slopes and the derivatives with respect to the sums."""
        numbers = layer.numbers
        slope = (numbers.a > 0).astype(numbers.a.dtype)
        numbers = replace(
            numbers, z=self.sums.reshape(numbers.a.shape), slope=slope,
            delta=numbers.upstream * slope, reported=numbers.upstream_reported * slope,
        )  # fmt: skip
        return replace(layer, numbers=numbers)


def spread_of(layer: LayerTrace, nodes: Mapping[int, TracedNode]) -> Spread | None:
    """What a layer does inside; None where it spreads no numbers."""
    if tuple(node.operation for node in layer.nodes) != OPERATIONS:
        return None
    given, taken = nodes[layer.nodes[0].operands[0]], nodes[layer.nodes[2].operands[1]]
    kernel, bias = (layer.parameters.get(name) for name in ("kernel", "bias"))
    if given.value is None or taken.value is None or kernel is None or bias is None:
        return None
    reached = np.clip(given.value[..., None] - taken.value, 0, 1)
    sums = np.einsum("rnb,nbk->rnk", reached, kernel.before) + bias.before[:, 0]
    a = layer.numbers.a.reshape(sums.shape)
    if not np.allclose(np.maximum(sums, 0), a, 1e-4, 1e-5, equal_nan=True):
        return None
    sums = np.where(a > 0, a, np.minimum(sums, 0))  # the engine's own where its ReLU gives them
    name = (given.name or "").rpartition("/")[2]
    return Spread(name, given.value, reached, taken.value, sums)
