"""What a task takes: inputs, targets and weights as arrays, by the names that programs know."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

import numpy as np

from chainrule.engine import as_numbers
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.layers import Network, NetworkInput
from chainrule.losses import Loss, as_targets
from chainrule.training.arrays import Array, as_rows, as_weights, by_name, weights_of_classes
from chainrule.training.graphs import PLAIN, Variant

__all__ = ["Data", "Intake"]


MOST_DENSE = 1 << 26
"""Bytes that rows of a sparse matrix may take when they are written out, at a time."""


class Data(NamedTuple):
    """Arrays by the names that programs know, all with one number of rows.

    sparse
        Whether the input is a SciPy CSR array or matrix: its rows are written out as they are
        needed.
    """

    arrays: dict[str, Any]
    rows: int
    variant: Variant = PLAIN
    sparse: bool = False

    def steps_at_once(self, batch_size: int) -> int:
        """How many batches may be run in one call, for the memory that their rows take."""
        return max(1, self._rows_at_once() // batch_size)

    def _rows_at_once(self) -> int:
        if not self.sparse:
            return sys.maxsize
        arrays = self.arrays.values()
        row: int = sum(one.dtype.itemsize * math.prod(one.shape[1:]) for one in arrays)
        return max(1, MOST_DENSE // max(1, row))

    def blocks(self) -> Iterator[Data]:
        """The rows in order: as they are, or those of a sparse matrix some at a time."""
        if not self.sparse:
            yield self
            return
        size = self._rows_at_once()
        for start in range(0, self.rows, size):
            yield self.part(start, min(start + size, self.rows)).taken(None)[0]

    def taken(self, order: Array | None) -> tuple[Data, Array | None]:
        """What a program runs over, and the order of its rows: rows of a sparse one written out."""
        if not self.sparse:
            return self, order
        if order is not None:
            return self.chosen(order), None
        arrays = {name: _dense(array) for name, array in self.arrays.items()}
        return Data(arrays, self.rows, self.variant), None

    def chosen(self, order: Array) -> Data:
        """A copy of some rows in order, those of a sparse matrix written out."""
        arrays = {name: _dense(array[order]) for name, array in self.arrays.items()}
        return Data(arrays, len(order), self.variant)

    def part(self, start: int, stop: int) -> Data:
        """The rows from `start` to before `stop`, without a copy."""
        arrays = {name: array[start:stop] for name, array in self.arrays.items()}
        return self._replace(arrays=arrays, rows=stop - start)

    def weighted(self, weights: Array) -> Data:
        """The same rows with weights."""
        variant = Variant(self.variant.bytes, weighted=True)
        return self._replace(arrays={**self.arrays, "weight": weights}, variant=variant)


def _dense(array: Any) -> Array:
    return array if isinstance(array, np.ndarray) else array.toarray()


class _Input(NamedTuple):
    key: str
    wanted: NetworkInput
    label: str


class _Target(NamedTuple):
    key: str
    name: str
    loss: Loss
    output: tuple[int, ...]
    wanted: tuple[Any, tuple[int, ...], float, float]


class Intake:
    """Looks at what is given to a network with its losses; names are looked up once, here.

    losses
        One for each output; without any it takes what predicting needs.
    outputs
        The shape of one row of each output.
    dtype
        The network's type.
    """

    def __init__(
        self, network: Network, losses: Sequence[Loss], outputs: Sequence[tuple[int, ...]],
        dtype: np.dtype[Any],
    ) -> None:  # fmt: skip
        self._dtype = dtype
        self._input_names = tuple(one.name for one in network.inputs)
        self._output_names = network.output_names
        alone = len(network.inputs) == 1
        self._inputs = [
            _Input(f"input/{one.name}", one, "X" if alone else f"input {one.name!r}")
            for one in network.inputs
        ]
        self._targets = [
            _Target(f"target/{name}", name, loss, shape, _wanted(loss, shape, dtype))
            for name, loss, shape in zip(network.output_names, losses, outputs, strict=bool(losses))
        ]

    def inputs(self, x: Any) -> Data:
        """What predicting takes."""
        given = by_name("X", x, self._input_names)
        arrays: dict[str, Array] = {}
        variant, rows = PLAIN, -1
        for key, wanted, label in self._inputs:
            array = arrays[key] = as_rows(given[wanted.name], wanted, self._dtype, label)
            if array.dtype.char == "B":  # bytes stay bytes
                variant = Variant(variant.bytes | {wanted.name})
            if rows not in (-1, len(array)):
                message = (
                    f"inputs have different numbers of rows: {len(array)} in {wanted.name!r}, "
                    f"{rows} in others; give them the same."
                )
                raise ShapeError(message)
            rows = len(array)
        return Data(arrays, rows, variant)

    def all(self, x: Any, y: Any, sample_weight: Any = None) -> Data:
        """What training and evaluating take: inputs, targets and weights."""
        data = self.inputs(x)
        if y is None:
            message = "y is missing; give the targets, one entry a row."
            raise InputTypeError(message)
        given = by_name("y", y, self._output_names)
        for key, name, loss, output, wanted in self._targets:
            target = as_numbers(given[name], *wanted)
            if target is None:
                layer = f"the last layer ({name!r})"
                target = as_targets(loss, given[name], output, self._dtype, layer)
            data.arrays[key] = target
            if len(target) != data.rows:
                message = f"X has {data.rows} rows, y has {len(target)}; give one target a row."
                raise ShapeError(message)
        if sample_weight is None:
            return data
        return data.weighted(as_weights(sample_weight, data.rows, self._dtype))

    def class_weighted(self, data: Data, class_weight: Mapping[Any, float]) -> Data:
        """The same data with the weight of each row by its class."""
        if data.variant.weighted:
            message = "class_weight and sample_weight cannot both be given; multiply them yourself."
            raise SettingError(message)
        if len(self._targets) > 1:
            message = "class_weight needs a network with one output; use sample_weight."
            raise SettingError(message)
        one = self._targets[0]
        targets = data.arrays[one.key]
        return data.weighted(
            weights_of_classes(class_weight, one.loss, targets, one.output, self._dtype)
        )


def _wanted(
    loss: Loss, output: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[Any, tuple[int, ...], float, float]:
    """Type and shape of a row of targets, and the least and the largest that one may be."""
    shape = loss.target_shape(output)
    if loss.target_kind == "labels":
        return np.dtype(np.int32), shape, 0.0, output[-1] - 1.0
    least = 0.0 if loss.target_kind in ("probabilities", "counts") else -inf
    return dtype, shape, least, 1.0 if loss.target_kind == "probabilities" else inf
