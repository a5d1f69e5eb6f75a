"""Graph to tape: nodes in order become instructions, leaves become sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.engine.tape import Instruction, Source, Tape, Value
from chainrule.errors import EngineError, ShapeError
from chainrule.graph import Node, gradients, segments

__all__ = ["Graph", "Update", "lower"]


@dataclass(frozen=True)
class Update:
    """An optimizer's rule on the flat arrays, as nodes.

    weight, gradient, slots
        Inputs of shape (n,), n being the number of trainable numbers.
    scalars
        Inputs of shape (): one line of numbers a step (learning rate, corrections).
    new_weight, new_slots
        What takes their place after the step.
    """

    weight: Node
    gradient: Node
    slots: tuple[Node, ...]
    scalars: tuple[Node, ...]
    new_weight: Node
    new_slots: tuple[Node, ...]


@dataclass(frozen=True)
class Graph:
    """What a program computes, as nodes.

    inputs
        Data with a first axis of rows, gathered by name; and the scalars `seed` and `step`.
    parameters
        Trainable ones first; their order is the layout of the flat array.
    results
        Named nodes: a scalar, or an array with an entry a row.
    loss
        A scalar; with it the program has the gradient of the trainable parameters.
    update
        With it the program is a training step.
    """

    inputs: tuple[Node, ...]
    parameters: tuple[Node, ...]
    results: Mapping[str, Node]
    loss: Node | None = None
    update: Update | None = None


class _Writer:
    """Collects values, sources and instructions while the graph is walked."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.sources: list[Source] = []
        self.instructions: list[Instruction] = []
        self.index_of: dict[int, int] = {}

    def place(self, node: Node) -> int:
        index = self.index_of[node.number] = len(self.values)
        self.values.append(Value(node.shape, node.dtype))
        return index

    def source(self, node: Node, kind: str) -> None:
        self.sources.append(Source(self.place(node), kind, node.name or ""))

    def write(self, results: Iterable[Node]) -> None:
        """Write what is needed for the results and not yet written."""
        for node in _needed(results, self.index_of):
            if node.array is not None:
                index = self.place(node)
                constant = np.array(node.array)  # contiguous, and ours
                self.sources.append(Source(index, "constant", node.name or "", constant))
            elif node.operation is None:
                message = f"{node} is not among the inputs and parameters of the program; add it."
                raise EngineError(message)
            else:
                operands = tuple(self.index_of[operand.number] for operand in node.operands)
                result = self.place(node)
                self.instructions.append(
                    Instruction(node.operation, operands, (result,), node.attributes)
                )


def _needed(results: Iterable[Node], known: Mapping[int, int]) -> list[Node]:
    """Nodes to be written, operands first; a node with a value is a constant, whatever made it."""
    seen: dict[int, Node] = {}
    stack = list(results)
    while stack:
        node = stack.pop()
        if node.number not in seen and node.number not in known:
            seen[node.number] = node
            if node.array is None:
                stack.extend(node.operands)
    return [seen[number] for number in sorted(seen)]


def lower(graph: Graph) -> Tape:
    """The tape of a graph, one instruction a node, nothing merged yet.

    Raises `EngineError` where a leaf is neither input nor parameter, `ShapeError` where the loss
    is no scalar.
    """
    if graph.loss is not None and graph.loss.shape != ():
        message = f"loss: needs a scalar, got shape {graph.loss.shape}; take its mean over rows."
        raise ShapeError(message)
    table = segments(graph.parameters)
    trainable = [node for node in graph.parameters if node.role == "parameter"]
    if list(graph.parameters[: len(trainable)]) != trainable:
        message = "parameters: trainable ones must come first, then those that are not."
        raise EngineError(message)
    writer = _Writer()
    for node in graph.inputs:
        writer.source(node, "rows" if node.shape else "scalar")
    for node in graph.parameters:
        writer.source(node, "parameter")
    slopes = [] if graph.loss is None else gradients(graph.loss, trainable)
    results = dict(graph.results) | ({} if graph.loss is None else {"loss": graph.loss})
    writer.write([*results.values(), *slopes])
    seam = len(writer.instructions)
    updates: list[Node] = []
    if graph.update is not None:
        update = graph.update
        for node, kind in ((update.weight, "weight"), (update.gradient, "gradient")):
            writer.source(node, kind)
        for node in update.slots:
            writer.source(node, "slot")
        for node in update.scalars:
            writer.source(node, "line")
        updates = [update.new_weight, *update.new_slots]
        writer.write(updates)
    index = writer.index_of
    return Tape(
        values=tuple(writer.values),
        sources=tuple(writer.sources),
        instructions=tuple(writer.instructions),
        seam=seam,
        results={name: index[node.number] for name, node in results.items()},
        segments=table,
        loss=None if graph.loss is None else index[graph.loss.number],
        gradients=tuple(index[node.number] for node in slopes),
        updates=tuple(index[node.number] for node in updates),
    )
