"""The network of a table: numbers as they are and spread, embeddings of categories, a trunk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Encoder
from chainrule.graph import Node, constant, ops
from chainrule.layers import (
    L1,
    L1L2,
    L2,
    BatchNormalization,
    Draws,
    GlorotNormal,
    HeNormal,
    Initializer,
    InTraining,
    Layer,
    LayerNormalization,
    LecunNormal,
    NetworkInput,
    Parameter,
    RandomNormal,
    Regularizer,
    Zeros,
    find_activation,
)

__all__ = ["ACTIVATIONS", "DESIGN", "NORMALIZATIONS", "Head", "TableNetwork", "embedding_width"]

ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "mish", "softplus",
    "tanh", "softsign", "sigmoid", "hard_sigmoid",
)  # fmt: skip
"""What hidden layers may have: neither straight nor flat, and each unit by itself."""

STARTS: dict[str, Initializer] = {
    **dict.fromkeys(("tanh", "softsign", "sigmoid", "hard_sigmoid"), GlorotNormal()),
    "selu": LecunNormal(),
}
"""The first weights of layers with an activation; of all others He's."""

NORMALIZATIONS: dict[str, Layer | None] = {
    "none": None,
    "batch": BatchNormalization(momentum=0.9),  # tables have few batches an epoch
    "layer": LayerNormalization(),
}
"""What comes after each hidden layer's sums."""

DESIGN = ("hidden", "dropout", "activation", "normalization", "l1", "l2")

SPREAD_WIDTH = 8  # units for each number; 16 were no better on held-out rows


def embedding_width(cardinality: int) -> int:
    """Numbers that stand for a category of so many values: grows slowly, up to 32.

    >>> embedding_width(13), embedding_width(10_000)
    (7, 32)
    """
    width: float = 1.6 * cardinality**0.56
    return min(32, max(2, round(width)))


@dataclass(frozen=True)
class Head:
    """One output of a network: the probabilities of classes, or one number."""

    units: int = 1
    is_classification: bool = False


@dataclass(frozen=True)
class TableNetwork:
    """Numbers, spread numbers and embedded categories side by side, then layers of units.

    A number that is spread is a column of its range's parts: 1 for each part below it, 0 for each
    above, and how far it reaches into its own (Gorishniy, Rubachev and Babenko 2022, "On
    embeddings for numerical features in tabular deep learning", piecewise linear encoding). A
    small layer of ReLU units for each such number comes before the layers of all.

    numbers
        How many columns of numbers there are.
    cardinalities
        For each column of category codes, how many codes it has.
    hidden, dropout
        Units of each hidden layer; the share of them left out in training.
    heads
        What is said of each target; all are made of the last hidden layer.
    spread, bins
        How many numbers are spread, and over how many parts at most.
    activation, normalization
        Of the hidden layers, one of `ACTIVATIONS`; what is between it and their sums, one of
        `NORMALIZATIONS`.
    l1, l2
        Strengths of penalties on the kernels of all these layers and of the last, in training.
    fixed
        Whether batches too are normalized by the statistics that are kept for prediction.
    """

    numbers: int
    cardinalities: tuple[int, ...]
    hidden: tuple[int, ...]
    heads: tuple[Head, ...]
    dropout: float = 0.0
    spread: int = 0
    bins: int = 0
    activation: str = "relu"
    normalization: str = "none"
    l1: float = 0.0
    l2: float = 0.0
    fixed: bool = False

    @classmethod
    def of(
        cls, encoder: Encoder, heads: tuple[Head, ...], design: Mapping[str, Any]
    ) -> TableNetwork:
        """The network of what an encoder makes of a table.

        design
            What `design` gives; what is left out is as usual, other names are left aside.
        """
        settings = {name: design[name] for name in DESIGN if name in design}
        settings["hidden"] = tuple(design["hidden"] or ())
        return cls(
            encoder.width, encoder.cardinalities, heads=heads, spread=len(encoder.spread),
            bins=encoder.bins, **settings,
        )  # fmt: skip

    @property
    def design(self) -> dict[str, Any]:
        """The settings that are no facts of the table, as plain values."""
        found = {name: getattr(self, name) for name in DESIGN}
        return {**found, "hidden": list(self.hidden)}

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """`numbers`, `categories` and `positions`, as far as there are any."""
        found = []
        if self.numbers:
            found.append(NetworkInput("numbers", (self.numbers,)))
        if self.cardinalities:
            found.append(NetworkInput("categories", (len(self.cardinalities),), "int32"))
        if self.spread:
            found.append(NetworkInput("positions", (self.spread,)))
        return tuple(found)

    @property
    def output_names(self) -> tuple[str, ...]:
        """`target`; `target_0`, `target_1` ... where there are several."""
        if len(self.heads) == 1:
            return ("target",)
        return tuple(f"target_{index}" for index in range(len(self.heads)))

    def parameters(self) -> tuple[Parameter, ...]:
        """Embedding tables, the layers of spread numbers, then kernel and bias of each layer."""
        return tuple(self._parameters())

    def _parameters(self) -> Iterator[Parameter]:
        width = self.numbers
        for index, cardinality in enumerate(self.cardinalities):
            columns = embedding_width(cardinality)
            shape = (cardinality, columns)
            yield Parameter(f"embedding_{index}/table", shape, RandomNormal(stddev=0.3))
            width += columns
        if self.spread:
            kernel, bias = (self.spread, self.bins, SPREAD_WIDTH), (self.spread, 1, SPREAD_WIDTH)
            deviation = math.sqrt(2 / self.bins)
            yield Parameter("spread/kernel", kernel, RandomNormal(stddev=deviation))
            yield Parameter("spread/bias", bias, RandomNormal(stddev=0.3))
            width += self.spread * SPREAD_WIDTH
        for index, units in enumerate((*self.hidden, sum(head.units for head in self.heads))):
            start = STARTS.get(self.activation, HeNormal())
            yield Parameter(f"dense_{index}/kernel", (width, units), start, self._penalty)
            yield Parameter(f"dense_{index}/bias", (units,), Zeros())
            if self.between is not None and index < len(self.hidden):
                name = self._normalization_name(index)
                for one in self.between.parameters((units,)):
                    yield replace(one, name=f"{name}/{one.name}")
            width = units

    @property
    def _penalty(self) -> Regularizer | None:
        if not self.l1 and not self.l2:
            return None
        both = self.l1 and self.l2
        one = L1(self.l1) if self.l1 else L2(self.l2)
        return InTraining(L1L2(self.l1, self.l2) if both else one)

    @property
    def between(self) -> Layer | None:
        """The normalization between sums and activation of each hidden layer, if there is one."""
        return NORMALIZATIONS[self.normalization]

    def _normalization_name(self, index: int) -> str:
        return f"{self.normalization}_normalization_{index}"

    @property
    def names(self) -> tuple[str, ...]:
        """The layers: embeddings, spread numbers, then those of the trunk and of the heads."""
        return tuple(name for name, _ in self._layers())

    @property
    def activations(self) -> tuple[str | None, ...]:
        """Of the layers that have one; where sums are normalized it is a layer of its own."""
        return tuple(activation for _, activation in self._layers())

    def _layers(self) -> Iterator[tuple[str, str | None]]:
        """Each layer's name and activation."""
        for index in range(len(self.cardinalities)):
            yield f"embedding_{index}", None
        if self.spread:
            yield "spread", "relu"
        for index in range(len(self.hidden)):
            if self.between is None:
                yield f"dense_{index}", self.activation
            else:
                yield f"dense_{index}", None
                yield self._normalization_name(index), None
                yield f"activation_{index}", self.activation
        yield f"dense_{len(self.hidden)}", None

    def outputs(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """For each target class probabilities (rows, classes), or the scaled number (rows, 1)."""
        return self.ending(self.activities(inputs, parameters, draws)[-1])

    def activities(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """What each layer makes, before numbers are left out at random."""
        before = self.parts(inputs, parameters)
        kernel, bias, *others = parameters[self.before_trunk :]
        sums = self._features(inputs, before) @ kernel + bias
        return (*before, *self.trunk(sums, others, draws))

    @property
    def before_trunk(self) -> int:
        """How many parameters come before kernel and bias of the first layer of all."""
        return len(self.cardinalities) + (2 if self.spread else 0)

    def features(self, inputs: Mapping[str, Node], parameters: Sequence[Node]) -> Node:
        """What the first layer of all is given: numbers, embeddings, spread numbers."""
        return self._features(inputs, self.parts(inputs, parameters))

    def parts(self, inputs: Mapping[str, Node], parameters: Sequence[Node]) -> tuple[Node, ...]:
        """What embeddings make, then what is made of spread numbers."""
        tables = parameters[: len(self.cardinalities)]
        found = []
        for index, table in enumerate(tables):
            codes = ops.narrow(inputs["categories"], axis=1, start=index, stop=index + 1)
            found.append(ops.gather(table, codes.reshape((codes.shape[0],))))
        if self.spread:
            kernel, bias = parameters[len(tables) : len(tables) + 2]
            found.append(self._spread(inputs["positions"], kernel, bias))
        return tuple(found)

    def _features(self, inputs: Mapping[str, Node], parts: Sequence[Node]) -> Node:
        side = [inputs["numbers"], *parts] if self.numbers else parts
        return ops.concatenate(*side, axis=1) if len(side) > 1 else side[0]

    def trunk(
        self, sums: Node, parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """What the first layer of all and those behind it make of the first one's sums.

        parameters
            Those behind the first layer's kernel and bias.
        """
        waiting = iter(parameters)
        found = []
        activation = find_activation(self.activation)
        for _ in self.hidden:
            if self.between is not None:
                found += [sums, self._normalized(self.between, sums, waiting, draws)]
                sums = found[-1]
            x = activation(sums)
            found.append(x)
            if draws is not None and self.dropout:
                x = x * draws.mask(x.shape, self.dropout)
            sums = x @ next(waiting) + next(waiting)
        return (*found, sums)

    def _normalized(
        self, layer: Layer, sums: Node, waiting: Iterator[Node], draws: Draws | None
    ) -> Node:
        own = [next(waiting) for _ in layer.parameters((1,))]
        if draws is None or self.fixed:
            return layer.apply(sums, *own)
        return layer.apply_training(sums, *own, draws=draws)

    def ending(self, last: Node) -> tuple[Node, ...]:
        """Probabilities of a head's columns, or the columns themselves."""
        return tuple(
            ops.softmax(part) if head.is_classification else part
            for head, part in zip(self.heads, self._parts(last), strict=True)
        )

    def _parts(self, x: Node) -> list[Node]:
        """The columns of each head."""
        if len(self.heads) == 1:
            return [x]
        stops = np.cumsum([head.units for head in self.heads]).tolist()
        starts = [0, *stops[:-1]]
        return [
            ops.narrow(x, axis=1, start=start, stop=stop)
            for start, stop in zip(starts, stops, strict=True)
        ]

    def _spread(self, positions: Node, kernel: Node, bias: Node) -> Node:
        """A few ReLU units for each number, of the parts of its range."""
        rows = positions.shape[0]
        start = constant(np.arange(self.bins, dtype=positions.dtype))
        reached = ops.clip(positions.T.reshape((self.spread, rows, 1)) - start, 0.0, 1.0)
        units = ops.relu(reached @ kernel + bias)
        return ops.transpose(units, axes=(1, 0, 2)).reshape((rows, self.spread * SPREAD_WIDTH))
