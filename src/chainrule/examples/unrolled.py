"""A network as a graph of values, for a few rows: every z, a and delta of it can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.graph import Node, constant, gradients, variable
from chainrule.layers import Dense, find_activation
from chainrule.models import Sequential

__all__ = ["Unrolled", "unrolled"]


@dataclass(frozen=True)
class Unrolled:
    """Nodes of one pass through a network of Dense layers, with values.

    z, a
        Of each layer, shape (rows, units): the weighted sums, and what the activation makes of
        them.
    kernels, biases
        Of each layer.
    losses, loss
        Of each row; of all.
    """

    z: tuple[Node, ...]
    a: tuple[Node, ...]
    kernels: tuple[Node, ...]
    biases: tuple[Node, ...]
    losses: Node
    loss: Node

    def deltas(self) -> list[Node]:
        """For each layer the derivative of each row's own loss with respect to its z."""
        return gradients(self.losses.sum(), self.z)


def unrolled(model: Sequential, X: Any, y: Any) -> Unrolled:
    """The pass of rows through a compiled model of Dense layers, on the graph."""
    a: Node = constant(X)
    z, outputs, kernels, biases = [], [], [], []
    for layer in model.layers:
        description = layer.description
        if not isinstance(description, Dense):
            raise TypeError(description)
        kernels.append(variable(layer.kernel, f"{layer.name}/kernel"))
        biases.append(variable(layer.bias, f"{layer.name}/bias"))
        z.append(a @ kernels[-1] + biases[-1])
        a = find_activation(description.activation)(z[-1])
        outputs.append(a)
    rows = model.compile_settings["loss"]
    return Unrolled(
        tuple(z), tuple(outputs), tuple(kernels), tuple(biases), rows.rows(constant(y), a),
        rows(constant(y), a),
    )  # fmt: skip
