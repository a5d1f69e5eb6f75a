"""One step of training with every number of it that stands between its inputs and its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule import engine
from chainrule.engine import PASSES, Graph, Tape, lower
from chainrule.graph import Node, Rows, bind, gradients, ops, reachable
from chainrule.layers import Stack, is_own
from chainrule.training.arrays import Array
from chainrule.training.elementwise_slope import elementwise_slope
from chainrule.training.graphs import Task, Variant, lossy_graph
from chainrule.training.intake import Data
from chainrule.training.row_mixing import RowMixing, in_rows, row_axes, row_mixing
from chainrule.training.traced_losses import penalties_of, row_losses
from chainrule.training.update import update_of
from chainrule.training.weighted_sum import weighted_sum

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["Traced", "TracedLayer", "TracedNode", "TracedTape", "traced", "traced_tape"]

UNMERGED = tuple(name for name in PASSES if name not in ("fuse", "reuse"))
MOST_SHARED = 1 << 14
"""Numbers of a value without an axis of rows beyond which it is not kept."""


@dataclass(frozen=True, eq=False)
class TracedNode:
    """One operation of the step's forward pass, or a leaf.

    number, operands
        Of the node and of what it is made of, in the order of the tape.
    operation, attributes
        What makes it; the role of a leaf (`input`, `parameter`, `state`, `constant`).
    name
        Of a leaf.
    layer
        The layer it belongs to; None for leaves and for the loss.
    value, derivative
        Its value, and the derivative of the loss reported with respect to it; None where they are
        too large to be kept, or where the loss does not depend on it.
    row_derivative
        That of the sum of the rows' own losses; of layers of the user's own alone.
    row_axis
        The axis with an entry for each row that is made of that row alone; None where rows are put
        together, and of what is the same for all.
    """

    number: int
    operation: str
    operands: tuple[int, ...]
    attributes: Mapping[str, Any]
    name: str | None
    layer: str | None
    value: Array | None
    derivative: Array | None
    row_derivative: Array | None
    row_axis: int | None


@dataclass(frozen=True, eq=False)
class TracedLayer:
    """The numbers of one layer; arrays have an entry a row, shape (rows, ...).

    Dropout that is a part of a network, and no layer of it, has a place of its own: "dropout" ...

    x
        What its kernel is multiplied with; what the layer is given where it has no kernel.
    z
        The weighted sum x W + b; None of a layer without a kernel.
    a
        What the layer gives.
    slope
        da/dz element by element (da/dx where there is no z); None where an element of `a` depends
        on others than its own.
    upstream, delta
        The derivative of each row's own loss with respect to a, and to z (to x without a z).
    upstream_reported, reported
        Those of the loss reported: in means over rows, with weights and penalties.
    """

    name: str
    x: Array | None
    z: Array | None
    a: Array
    slope: Array | None
    upstream: Array
    delta: Array
    upstream_reported: Array
    reported: Array


@dataclass(frozen=True, eq=False)
class Traced:
    """One step, up to the update.

    loss, penalties
        As training reports it; what each penalty adds to it, by parameter or layer.
    row_losses
        Each row's own loss, without weights and penalties; shape (rows,).
    gradient
        The flat gradient that the update is given.
    layers, nodes
        Layer by layer, and operation by operation in the order of the tape.
    mixing
        Where numbers of several rows are put together.
    """

    loss: float
    penalties: dict[str, float]
    row_losses: Array
    gradient: Array
    layers: tuple[TracedLayer, ...]
    nodes: tuple[TracedNode, ...]
    mixing: RowMixing


def traced(trainer: Trainer, data: Data) -> Traced:
    """The next step of a trainer on rows as one batch; nothing is changed.

    It is the tape that trains with nothing merged and no memory used twice, on the engine that
    trains, with the next step's random numbers; the network must be `Layered`.
    """
    plan = _Plan(trainer.task, data.variant)
    program = engine.compile(plan.gradient_graph(), trainer.task.engine, UNMERGED)
    found, gradient = program.gradient(
        data.arrays, trainer.parameters.flat, seed=trainer.seed, step=trainer.iterations
    )
    return plan.read(found, gradient, trainer, data)


class TracedTape(NamedTuple):
    """The tape of the step that `traced` shows, update included, one instruction a node.

    layers
        For each layer, by the names of `TracedLayer`, which of the tape's results holds each of
        its numbers; None where there is none.
    losses
        By name the results that hold the loss of each row (`row_losses`) and each penalty
        (`penalty/` and its name).
    nodes
        By the numbers of the operations that were asked for the results that hold their `value`,
        their `slope` and what is `reported`: the derivatives of the rows' own losses and of the
        loss by them. Empty where the network computes with other operations than it was traced
        with.
    """

    tape: Tape
    layers: list[dict[str, Any]]
    losses: dict[str, str]
    nodes: dict[int, dict[str, str]]


def traced_tape(trainer: Trainer, variant: Variant, asked: Sequence[TracedNode] = ()) -> TracedTape:
    """The tape of a step with results for its layers, its loss and the operations asked for."""
    return _Plan(trainer.task, variant).step_tape(asked)


class _Part(NamedTuple):
    """A layer's name, what it gives, what it is given, and its weighted sum."""

    name: str
    a: Node
    x: Node | None
    z: Node | None


class _Plan:
    """Which nodes are asked for, and where they are found in what a program gives back."""

    def __init__(self, task: Task, variant: Variant) -> None:
        self.task = task
        self.lossy = lossy_graph(task, variant, training=True)
        self.loss = self.lossy.results["loss"]
        self.results: dict[str, Node] = {"loss": self.loss}
        rows = row_losses(task.losses, self.lossy)
        self.row_losses = self._asked(rows)
        self.penalties = {
            name: self._asked(node) for name, node in penalties_of(task, self.lossy).items()
        }
        self.total = rows.sum()
        self.layers = list(self._layers())
        draws = self.lossy.draws
        shared = draws is not None and draws.share is not None
        self.mixing = row_mixing(self.ends, rows, targets=shared)

    def gradient_graph(self) -> Graph:
        """All that is asked for, and the gradient."""
        self.order = reachable([self.loss])
        self._ask_of_nodes()
        leaves = self.lossy.leaves
        parameters = tuple(leaves.parameters.values())
        return Graph(tuple(leaves.inputs), parameters, self.results, self.loss)

    def step_tape(self, asked: Sequence[TracedNode]) -> TracedTape:
        """The tape of a whole step, and the results that hold numbers."""
        nodes = self._asked_nodes(asked)
        leaves, draws = self.lossy.leaves, self.lossy.draws
        rule, states = self.task.optimizer, {} if draws is None else draws.states
        graph = Graph(
            tuple(leaves.inputs), tuple(leaves.parameters.values()), self.results, self.loss,
            None if rule is None else update_of(rule, self.task.parameters), states,
        )  # fmt: skip
        penalties = {f"penalty/{name}": key for name, key in self.penalties.items()}
        losses = {"row_losses": self.row_losses, **penalties}
        return TracedTape(lower(graph), self.layers, losses, nodes)

    def _asked_nodes(self, asked: Sequence[TracedNode]) -> dict[int, dict[str, str]]:
        """The results that hold what is asked for of operations."""
        order = reachable([self.loss])
        found = [order[one.number] for one in asked if one.number < len(order)]
        if [_called(node) for node in found] != [one.operation for one in asked]:
            return {}
        kinds = {"value": found}
        kinds |= {"slope": gradients(self.total, found), "reported": gradients(self.loss, found)}
        return {
            one.number: {kind: self._asked(nodes[place]) for kind, nodes in kinds.items()}
            for place, one in enumerate(asked)
        }

    def _asked(self, node: Node) -> str:
        """The name of the result that a node is."""
        name = f"node/{node.number}"
        self.results.setdefault(name, node)
        return name

    def _parts(self) -> Iterator[_Part]:
        """The layers, with those that leave numbers out at random between them."""
        activities = self.lossy.leaves.activities
        names, nodes = list(activities), list(activities.values())
        if len(self.lossy.outputs) == 1:
            nodes[-1] = self.lossy.outputs[0]
        given: Node | None = None
        since = 0
        self.layer_of: dict[int, str] = {}
        dropped = _dropouts(names)
        self.of_own = _own_names(self.task.network)
        for name, a in zip(names, nodes, strict=True):
            own = reachable([a], since + 1)
            self.layer_of |= {
                node.number: name for node in own
                if node.operation is not None and node.number not in self.layer_of
            }  # fmt: skip
            x, z = weighted_sum(name, own, alone=name in self.of_own)
            if z is None:
                x = given if given is not None else _one_input(own)
            elif x is not None and given is not None and _is_dropout(x, given):
                between = next(dropped)
                self.layer_of |= {node.number: between for node in (x, *x.operands[1:])}
                yield _Part(between, x, given, None)
            yield _Part(name, a, x, z)
            since, given = max(since, a.number), a

    def _layers(self) -> Iterator[dict[str, Any]]:
        parts = list(self._parts())
        self.ends = {one.name: one.a for one in parts}
        bases = [next(one for one in (z, x, a) if one is not None) for _, a, x, z in parts]
        ends = [a for _, a, _, _ in parts]
        slopes = gradients(self.total, [*bases, *ends])
        reported = gradients(self.loss, [*bases, *ends])
        half = len(parts)
        for place, (name, a, x, z) in enumerate(parts):
            base = bases[place]
            one = {"x": x, "z": z, "a": a, "slope": elementwise_slope(a, base)}
            one |= {"delta": slopes[place], "upstream": slopes[half + place]}
            one |= {"reported": reported[place], "upstream_reported": reported[half + place]}
            yield {"name": name} | {
                key: None if node is None or not in_rows(node) else self._asked(node)
                for key, node in one.items()
            }

    def _ask_of_nodes(self) -> None:
        """Values and derivatives of all nodes of the forward pass that can be read."""
        wanted = [node for node in self.order if node.operation is not None and _readable(node)]
        own = [node for node in wanted if self.layer_of.get(node.number) in self.of_own]
        asked = {
            "value": (wanted, wanted),
            "derivative": (wanted, gradients(self.loss, wanted)),
            "row_derivative": (own, gradients(self.total, own)),
        }
        self.kept = {
            kind: {
                node.number: (self._asked(_spread(one)), one.shape[:1] not in ((), (Rows(),)))
                for node, one in zip(nodes, found, strict=True)
            }
            for kind, (nodes, found) in asked.items()
        }

    def read(
        self, found: Mapping[str, Any], gradient: Array, trainer: Trainer, data: Data
    ) -> Traced:
        """The numbers that a program has given back."""

        def array(key: str | None) -> Any:
            return None if key is None else found[key]

        layers = tuple(
            TracedLayer(**{key: one if key == "name" else array(one) for key, one in layer.items()})
            for layer in self.layers
        )
        return Traced(
            float(found["loss"]),
            {name: float(found[key]) for name, key in self.penalties.items()},
            found[self.row_losses],
            gradient,
            layers,
            tuple(self._nodes(found, trainer, data)),
            self.mixing,
        )

    def _nodes(
        self, found: Mapping[str, Any], trainer: Trainer, data: Data
    ) -> Iterator[TracedNode]:
        numbers = {node.number: place for place, node in enumerate(self.order)}
        axes = row_axes(self.order, self.ends)
        for node in self.order:
            arrays: dict[str, Array | None] = dict.fromkeys(self.kept)
            arrays["value"] = _leaf_value(node, trainer, data)
            for kind, known in self.kept.items():
                if node.number in known:
                    key, shared = known[node.number]
                    arrays[kind] = found[key][0] if shared else found[key]
            yield TracedNode(
                numbers[node.number],
                _called(node),
                tuple(numbers[one.number] for one in node.operands),
                node.attributes, node.name, self.layer_of.get(node.number), **arrays,
                row_axis=axes.get(node.number),
            )  # fmt: skip


def _own_names(network: Any) -> list[str]:
    """The layers of a network that compute by functions of the user's own."""
    if not isinstance(network, Stack):
        return []
    both = zip(network.names, network.layers, strict=True)
    return [name for name, layer in both if is_own(layer)]


def _called(node: Node) -> str:
    return node.operation.name if node.operation is not None else node.role


def _leaf_value(node: Node, trainer: Trainer, data: Data) -> Array | None:
    if node.array is not None:
        return node.array
    name = node.name or ""
    if node.role in ("parameter", "state"):
        return trainer.parameters[name].copy()
    found: Array | None = data.arrays.get(name) if node.role == "input" else None
    return found


def _is_dropout(x: Node, given: Node) -> bool:
    """Whether x is what a layer before it gives, times a mask."""
    if x.operation is not ops.multiply or x.operands[0] is not given:
        return False
    return x.operands[1].operation is ops.dropout_mask


def _dropouts(names: Sequence[str]) -> Iterator[str]:
    """Names of layers that have none: those that are free of dropout, dropout_1 ..."""
    for number in count():
        name = f"dropout_{number}" if number else "dropout"
        if name not in names:
            yield name


def _one_input(own: Sequence[Node]) -> Node | None:
    """The data that a first layer is given."""
    inputs = [node for node in own if node.role == "input" and node.shape]
    return inputs[0] if len(inputs) == 1 and inputs[0].dtype.kind == "f" else None


def _readable(node: Node) -> bool:
    if node.dtype.kind != "f":
        return False
    if node.shape == () or in_rows(node):
        return True
    fixed = not any(isinstance(size, Rows) for size in node.shape)
    return fixed and int(np.prod(bind(node.shape, 1))) <= MOST_SHARED


def _spread(node: Node) -> Node:
    """A node that a program gives back: what has no axis of rows is the same in each."""
    if node.shape == () or in_rows(node):
        return node
    row = node.reshape((1, *node.shape))
    spread: Node = ops.broadcast_to(row, shape=(Rows(), *node.shape))
    return spread
