"""The network of a table: numbers as they are and spread, embeddings of categories, a trunk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.data import Encoder
from chainrule.graph import Node, constant, ops
from chainrule.layers import Draws, HeNormal, NetworkInput, Parameter, RandomNormal, Zeros

__all__ = ["SPREAD_WIDTH", "Head", "TableNetwork", "embedding_width"]

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
    """Numbers, spread numbers and embedded categories side by side, then layers of ReLU units.

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
    """

    numbers: int
    cardinalities: tuple[int, ...]
    hidden: tuple[int, ...]
    heads: tuple[Head, ...]
    dropout: float = 0.0
    spread: int = 0
    bins: int = 0

    @classmethod
    def of(
        cls,
        encoder: Encoder,
        *,
        hidden: tuple[int, ...],
        heads: tuple[Head, ...],
        dropout: float,
    ) -> TableNetwork:
        """The network of what an encoder makes of a table."""
        return cls(
            encoder.width, encoder.cardinalities, hidden, heads, dropout,
            len(encoder.spread), encoder.bins,
        )  # fmt: skip

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
            yield Parameter(f"dense_{index}/kernel", (width, units), HeNormal())
            yield Parameter(f"dense_{index}/bias", (units,), Zeros())
            width = units

    @property
    def names(self) -> tuple[str, ...]:
        """The layers: embeddings, spread numbers, then those of the trunk and of the heads."""
        spread = ("spread",) if self.spread else ()
        embeddings = (f"embedding_{index}" for index in range(len(self.cardinalities)))
        return (*embeddings, *spread, *(f"dense_{index}" for index in range(len(self.hidden) + 1)))

    @property
    def activations(self) -> tuple[str | None, ...]:
        """ReLU, but of embeddings and of the last layer."""
        return tuple(
            None if name.startswith("embedding") or name == self.names[-1] else "relu"
            for name in self.names
        )

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
        for _ in self.hidden:
            x = ops.relu(sums)
            found.append(x)
            if draws is not None and self.dropout:
                x = x * draws.mask(x.shape, self.dropout)
            sums = x @ next(waiting) + next(waiting)
        return (*found, sums)

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
