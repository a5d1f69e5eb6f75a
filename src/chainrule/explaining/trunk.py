"""A table's networks from the sums of their first layer on, and the terms of these sums by column.

The sums are bias + one term for each column of the table: a row made of columns of two others
costs no more than adding their terms, and the rest of the network runs as a program of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data import Encoded
from chainrule.engine import Graph, Program, compile as compile_graph
from chainrule.estimators import TableModel
from chainrule.graph import Node, Rows, input_node, parameter
from chainrule.layers import Parameters

__all__ = ["Trunk", "features"]

Array = np.ndarray[Any, np.dtype[Any]]

BATCH = 256


def features(model: TableModel, encoded: Encoded) -> list[Array]:
    """What the first layer of all is given in each network: (rows, width)."""
    network = model.network
    found = []
    for member in model.members:
        values = member.parameters
        inputs = {one.name: _input(one, values.dtype) for one in network.inputs}
        nodes = values.nodes()
        made = network.features(inputs, [nodes[name] for name in values.names])
        graph = Graph(tuple(inputs.values()), tuple(nodes.values()), {"features": made})
        arrays = {name: getattr(encoded, name) for name in inputs}
        ran = compile_graph(graph).run(arrays, values.flat, batch_size=BATCH)
        found.append(ran.results["features"])
    return found


def _input(one: Any, dtype: Any) -> Node:
    return input_node(one.name, (Rows(), *one.shape), dtype if one.dtype == "float" else one.dtype)


class Trunk:
    """One network of a table: first-layer terms by column, and the program behind them."""

    def __init__(self, model: TableModel, member: int) -> None:
        self.network = model.network
        self.values: Parameters = model.members[member].parameters
        self.names = self.values.names[self.network.before_trunk :]
        self.kernel = self.values[self.names[0]]
        self.bias = self.values[self.names[1]]
        place = {name: number for number, name in enumerate(model.encoder.columns)}
        self.columns = len(place)
        self.sources = [place[name] for name in model.feature_sources]

    @property
    def units(self) -> int:
        """Units of the first layer."""
        return len(self.bias)

    def terms(self, given: Array) -> Array:
        """The part that each column has in the first sums: (rows, columns, units).

        given
            What `features` gives for this network.
        """
        found = np.zeros((len(given), self.columns, self.units), self.values.dtype)
        for place, source in enumerate(self.sources):
            found[:, source] += given[:, place, np.newaxis] * self.kernel[place]
        return found

    def program(self) -> tuple[Program, Array]:
        """What answers sums of `terms` (columns, units), some of them, and a rest that is given.

        Inputs `kept` (rows, columns), 1 where the term of a column is added, and `rest` (rows,
        units); the flat parameters begin with the terms.
        """
        dtype = self.values.dtype
        kept = input_node("kept", (Rows(), self.columns), dtype)
        rest = input_node("rest", (Rows(), self.units), dtype)
        terms = parameter("terms", (self.columns, self.units), dtype)
        names = self.names[2:]
        others = [parameter(name, self.values[name].shape, dtype) for name in names]
        last = self.network.trunk(kept @ terms + rest, others, None)[-1]
        [output] = self.network.ending(last)
        graph = Graph((kept, rest), (terms, *others), {"output": output})
        flat = [np.zeros(self.columns * self.units, dtype)]
        flat += [self.values[name].ravel() for name in names]
        return compile_graph(graph), np.concatenate(flat)

    def adder(self) -> Program:
        """What adds up terms, as `program` does, and gives the sums."""
        dtype = self.values.dtype
        kept = input_node("kept", (Rows(), self.columns), dtype)
        terms = parameter("terms", (self.columns, self.units), dtype)
        return compile_graph(Graph((kept,), (terms,), {"sums": kept @ terms}))
