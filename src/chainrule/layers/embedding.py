"""Categories as numbers that are learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.errors import InputTypeError
from chainrule.graph import Node, ops
from chainrule.layers.constraints import find_constraint
from chainrule.layers.initializers import find_initializer
from chainrule.layers.layer import Layer, Parameter
from chainrule.layers.regularizers import find_regularizer
from chainrule.settings import check_count

__all__ = ["Embedding"]


@dataclass(frozen=True)
class Embedding(Layer):
    """A row of a learned table for each code: (rows, columns) becomes (rows, columns, output_dim).

    input_dim
        How many codes there are: whole numbers from 0 to below it.
    output_dim
        How many numbers stand for each.
    embeddings_initializer
        Name or object that gives the first values.
    embeddings_regularizer
        Name or object whose penalty is added to the loss.
    embeddings_constraint
        Name or object that the table must keep to after each update.

    It is the first layer of a network, whose data are then whole numbers; a code out of range is
    refused with its row and column.

    >>> import chainrule
    >>> model = chainrule.Sequential([
    ...     chainrule.layers.Input((2,)), chainrule.layers.Embedding(5, 3),
    ...     chainrule.layers.Flatten(), chainrule.layers.Dense(1)], seed=0)
    >>> model.predict([[0, 4], [2, 2]]).shape, model.count_params()
    ((2, 1), 22)
    """

    input_dim: int
    output_dim: int
    embeddings_initializer: Any = "random_uniform"
    embeddings_regularizer: Any = None
    embeddings_constraint: Any = None

    input_dtype = "int32"

    def __post_init__(self) -> None:
        super().__post_init__()
        for setting in ("input_dim", "output_dim"):
            size = check_count("Embedding", setting, getattr(self, setting))
            object.__setattr__(self, setting, size)
        find_initializer(self.embeddings_initializer)
        find_regularizer(self.embeddings_regularizer)
        find_constraint(self.embeddings_constraint)

    @property
    def codes(self) -> int:
        """How many codes its input may have."""
        return self.input_dim

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        table = (self.input_dim, self.output_dim)
        yield Parameter(
            "embeddings", table, self.embeddings_initializer, self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )  # fmt: skip

    def apply(self, x: Node, *parameters: Node) -> Node:
        if x.dtype.kind not in "iu":
            message = (
                "Embedding: it takes whole numbers, so it must be the first layer; what comes "
                f"before it gives {x.dtype}."
            )
            raise InputTypeError(message)
        found: Node = ops.gather(parameters[0], x)
        return found
