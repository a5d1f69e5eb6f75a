"""One hidden layer of a table's network as a network of its own: activities and effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Encoded, Table
from chainrule.estimators import TableModel
from chainrule.graph import Node, ops
from chainrule.layers import Draws, NetworkInput, Parameter
from chainrule.training import Trainer

__all__ = ["UnitOfTable"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class _Activity:
    """What one unit of a hidden layer makes of rows, shape (rows, 1)."""

    network: Any
    place: int
    unit: int

    output_names = ("activity",)

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """Those of the network."""
        return tuple(self.network.inputs)

    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the network."""
        return tuple(self.network.parameters())

    def outputs(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """The unit's activity."""
        layer = self.network.activities(inputs, parameters, draws)[self.place]
        return (ops.narrow(layer, axis=1, start=self.unit, stop=self.unit + 1),)


class UnitOfTable:
    """A unit of a hidden layer of one of a table model's networks.

    layer, unit
        "dense_0" and so on; its activation counts, also where sums are normalized before it.
    """

    def __init__(self, model: TableModel, member: int, layer: str, unit: int) -> None:
        self.model = model
        self.member = model.members[member]
        self.layer, self.unit = layer, unit
        network: Any = self.member.network
        number = int(layer.rpartition("_")[2])
        activation = f"activation_{number}"
        last = activation if activation in network.names else layer
        self._place = network.names.index(last)
        self._next = f"dense_{number + 1}"
        parameters = self.member.parameters
        self._activity = Trainer(_Activity(network, self._place, unit), parameters=parameters)

    def activity(self, table: Table) -> Array:
        """What the unit makes of each row."""
        return self.activity_of(self.model.encoder.encode(table))

    def activity_of(self, encoded: Encoded) -> Array:
        """The same of encoded rows."""
        found = self._activity.predict(self._inputs(encoded))
        return np.asarray(found, np.float64)[:, 0]

    def held_at(self, encoded: Encoded, values: Array) -> Array:
        """The mean answers (values, outputs) of this network when the unit has each value.

        They are told as the model tells its own: in the target's unit, at its temperature.

        The unit's weights into the next layer are taken out, and what it would send there at the
        value becomes part of the bias: the same sums, whatever the unit would have said.
        """
        parameters = self.member.parameters.copy()
        kernel, bias = f"{self._next}/kernel", f"{self._next}/bias"
        sent, usual = parameters[kernel][self.unit].copy(), parameters[bias].copy()
        silent = parameters[kernel].copy()
        silent[self.unit] = 0.0
        trainer = Trainer(self.member.network, parameters=parameters)
        inputs, means = self._inputs(encoded), []
        for value in values:
            parameters.set([silent, usual + value * sent], [kernel, bias])
            outputs = np.asarray(trainer.predict(inputs), np.float64)
            [answers] = self.model.answers_of([outputs])
            means.append(answers.reshape(len(answers), -1).mean(axis=0))
        return np.array(means)

    def _inputs(self, encoded: Encoded) -> dict[str, Array]:
        return {one.name: getattr(encoded, one.name) for one in self.member.network.inputs}
