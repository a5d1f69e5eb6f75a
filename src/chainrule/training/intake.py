"""What a task takes: inputs, targets and weights as arrays, by the names that programs know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Data(NamedTuple):
    """Arrays by the names that programs know, all with one number of rows."""

    arrays: dict[str, Array]
    rows: int
    variant: Variant

    def part(self, start: int, stop: int) -> Data:
        """The rows from `start` to before `stop`, without a copy."""
        arrays = {name: array[start:stop] for name, array in self.arrays.items()}
        return Data(arrays, stop - start, self.variant)

    def weighted(self, weights: Array) -> Data:
        """The same rows with weights."""
        variant = Variant(self.variant.bytes, weighted=True)
        return Data({**self.arrays, "weight": weights}, self.rows, variant)


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
