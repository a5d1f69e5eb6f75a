"""Graph to tape: nodes in order become instructions, leaves become sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.engine.tape import Instruction, Source, Tape, Value
from chainrule.errors import EngineError, ShapeError
from chainrule.graph import Node, Rows, gradients, segments

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
    states
        By name, what parameters that no gradient moves are after a step (running statistics).
    """

    inputs: tuple[Node, ...]
    parameters: tuple[Node, ...]
    results: Mapping[str, Node]
    loss: Node | None = None
    update: Update | None = None
    states: Mapping[str, Node] = field(default_factory=dict)


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

    def forget(self) -> None:
        """From here on, only constants are known: the update reads nothing else from before."""
        constants = {source.index for source in self.sources if source.kind == "constant"}
        self.index_of = {n: index for n, index in self.index_of.items() if index in constants}

    def write(self, results: Iterable[Node], readable: str) -> None:
        """Write what is needed for the results and not yet written."""
        for node in _needed(results, self.index_of):
            if node.array is not None:
                index = self.place(node)
                constant = np.array(node.array, order="C")  # ours, whatever the caller does
                constant.flags.writeable = False
                self.sources.append(Source(index, "constant", node.name or "", constant))
            elif node.operation is None:
                message = f"{node} is not among {readable}; add it, or build without it."
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

    Raises `EngineError` where a leaf is neither input nor parameter, or where inputs, parameters
    and update do not fit together; `ShapeError` where the loss is no scalar.
    """
    trainable = [node for node in graph.parameters if node.role == "parameter"]
    _check_inputs(graph)
    _check_parameters(graph, trainable)
    _check_states(graph)
    if graph.loss is not None and graph.loss.shape != ():
        message = f"loss: needs a scalar, got shape {graph.loss.shape}; take its mean over rows."
        raise ShapeError(message)
    table = segments(graph.parameters)
    writer = _Writer()
    for node in graph.inputs:
        writer.source(node, "rows" if node.shape else "scalar")
    for node in graph.parameters:
        writer.source(node, "parameter")
    slopes = [] if graph.loss is None else gradients(graph.loss, trainable)
    results = dict(graph.results) | ({} if graph.loss is None else {"loss": graph.loss})
    wanted = [*results.values(), *slopes, *graph.states.values()]
    writer.write(wanted, "the inputs and parameters of the program")
    before = writer.index_of
    seam = len(writer.instructions)
    updates: tuple[int, ...] = ()
    if graph.update is not None:
        _check_update(graph, sum(segment.stop - segment.start for segment in table
                                 if segment.trainable))  # fmt: skip
        writer.forget()
        updates = _written_update(writer, graph.update)
    return Tape(
        values=tuple(writer.values),
        sources=tuple(writer.sources),
        instructions=tuple(writer.instructions),
        seam=seam,
        results={name: before[node.number] for name, node in results.items()},
        segments=table,
        loss=None if graph.loss is None else before[graph.loss.number],
        gradients=tuple(before[node.number] for node in slopes),
        updates=updates,
        states=tuple(
            (number, before[graph.states[segment.name].number])
            for number, segment in enumerate(table)
            if segment.name in graph.states
        ),
    )


def _written_update(writer: _Writer, update: Update) -> tuple[int, ...]:
    for node, kind in ((update.weight, "weight"), (update.gradient, "gradient")):
        writer.source(node, kind)
    for node in update.slots:
        writer.source(node, "slot")
    for node in update.scalars:
        writer.source(node, "line")
    made = [update.new_weight, *update.new_slots]
    writer.write(made, "what an update may read (weight, gradient, slots and scalars)")
    return tuple(writer.index_of[node.number] for node in made)


def _check_inputs(graph: Graph) -> None:
    names: set[str | None] = set()
    for node in graph.inputs:
        if node.role != "input":
            message = f"inputs: {node} is no input; make it with input_node."
            raise EngineError(message)
        if node.name in names:
            message = f"inputs: the name {node.name!r} is given twice; name each input once."
            raise EngineError(message)
        names.add(node.name)
        if node.shape and node.shape[0] != Rows():
            message = f"inputs: the first axis of {node} must be rows."
            raise EngineError(message)
        if not node.shape and node.name not in ("seed", "step"):
            message = f"inputs: a scalar must be 'seed' or 'step', got {node.name!r}."
            raise EngineError(message)


def _check_parameters(graph: Graph, trainable: list[Node]) -> None:
    for node in graph.parameters:
        if node.role not in ("parameter", "state"):
            message = f"parameters: {node} is no parameter; make it with parameter."
            raise EngineError(message)
    if len({node.number for node in graph.parameters}) < len(graph.parameters):
        message = (
            "parameters: one of them is given twice; give each once, however often it is used."
        )
        raise EngineError(message)
    if list(graph.parameters[: len(trainable)]) != trainable:
        message = "parameters: trainable ones must come first, then those that are not."
        raise EngineError(message)
    types = sorted({node.dtype.name for node in graph.parameters})
    if len(types) > 1:
        message = f"parameters: they lie in one flat array and must have one type, got {types}."
        raise EngineError(message)


def _check_states(graph: Graph) -> None:
    if graph.states and graph.update is None:
        message = "states: they take effect with an update; give the graph one."
        raise EngineError(message)
    held = {node.name: node for node in graph.parameters if node.role == "state"}
    for name, new in graph.states.items():
        old = held.get(name)
        if old is None:
            message = f"states: {name!r} is no parameter that training leaves alone."
            raise EngineError(message)
        if (new.shape, new.dtype) != (old.shape, old.dtype):
            message = (
                f"states: the new value of {name!r} has shape {new.shape} and type {new.dtype}; "
                f"it must have {old.shape} and {old.dtype}."
            )
            raise EngineError(message)


def _check_update(graph: Graph, count: int) -> None:
    update = graph.update
    if update is None:
        return
    if graph.loss is None:
        message = "update: it needs the gradient of a loss; give the graph a loss."
        raise EngineError(message)
    if len(update.slots) != len(update.new_slots):
        message = (
            f"update: {len(update.slots)} slots and {len(update.new_slots)} new slots; "
            "give a new value for each."
        )
        raise EngineError(message)
    dtype = graph.parameters[0].dtype if graph.parameters else update.weight.dtype
    flat = (update.weight, update.gradient, *update.slots, update.new_weight, *update.new_slots)
    for node in flat:
        if node.shape != (count,) or node.dtype != dtype:
            message = (
                f"update: {node} has type {node.dtype}; it must have shape ({count},) and type "
                f"{dtype}, as the trainable parameters."
            )
            raise EngineError(message)
    for node in update.scalars:
        if node.shape != ():
            message = f"update: the scalar {node} must have shape (), one number a step."
            raise EngineError(message)
