"""The network of a table: a branch for numbers, an embedding for each wide category, a trunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chainrule.graph import Node, ops
from chainrule.layers import Draws, HeNormal, NetworkInput, Parameter, RandomNormal, Zeros

__all__ = ["TableNetwork", "embedding_width"]


def embedding_width(cardinality: int) -> int:
    """Numbers that stand for a category of so many values: grows slowly, up to 32.

    >>> embedding_width(13), embedding_width(10_000)
    (7, 32)
    """
    width: float = 1.6 * cardinality**0.56
    return min(32, max(2, round(width)))


@dataclass(frozen=True)
class TableNetwork:
    """Numbers and embedded categories side by side, ReLU layers with dropout, one output layer.

    numbers
        How many columns of numbers there are.
    cardinalities
        For each column of category codes, how many codes it has.
    units
        Outputs: the classes, or 1 for a number.
    is_classification
        Whether the outputs go through a softmax.
    """

    numbers: int
    cardinalities: tuple[int, ...]
    hidden: tuple[int, ...]
    units: int
    is_classification: bool
    dropout: float = 0.0

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """`numbers` and `categories`, as far as there are any."""
        found = []
        if self.numbers:
            found.append(NetworkInput("numbers", (self.numbers,)))
        if self.cardinalities:
            found.append(NetworkInput("categories", (len(self.cardinalities),), "int32"))
        return tuple(found)

    @property
    def output_names(self) -> tuple[str, ...]:
        """One output, the target."""
        return ("target",)

    def parameters(self) -> tuple[Parameter, ...]:
        """Embedding tables, then kernel and bias of each layer."""
        return tuple(self._parameters())

    def _parameters(self) -> Iterator[Parameter]:
        width = self.numbers
        for index, cardinality in enumerate(self.cardinalities):
            columns = embedding_width(cardinality)
            shape = (cardinality, columns)
            yield Parameter(f"embedding_{index}/table", shape, RandomNormal(stddev=0.3))
            width += columns
        for index, units in enumerate((*self.hidden, self.units)):
            yield Parameter(f"dense_{index}/kernel", (width, units), HeNormal())
            yield Parameter(f"dense_{index}/bias", (units,), Zeros())
            width = units

    def outputs(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """One output: class probabilities (rows, classes), or the scaled number (rows, 1)."""
        waiting = iter(parameters)
        parts = [inputs["numbers"]] if self.numbers else []
        for index in range(len(self.cardinalities)):
            codes = ops.narrow(inputs["categories"], axis=1, start=index, stop=index + 1)
            parts.append(ops.gather(next(waiting), codes.reshape((codes.shape[0],))))
        x = ops.concatenate(*parts, axis=1) if len(parts) > 1 else parts[0]
        for _ in self.hidden:
            x = ops.relu(x @ next(waiting) + next(waiting))
            if draws is not None and self.dropout:
                x = x * draws.mask(x.shape, self.dropout)
        x = x @ next(waiting) + next(waiting)
        return (ops.softmax(x) if self.is_classification else x,)
