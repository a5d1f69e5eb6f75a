"""What the picture of a graph shows of each node, of an expression or of a network's step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, ShapeError
from chainrule.graph import (
    OPERATIONS,
    OWN_OPERATIONS,
    Node,
    Operation,
    bind,
    constant,
    grad,
    gradients,
    reachable,
    variable,
)
from chainrule.tracing import Seen, StepTrace, Trace, trace

__all__ = ["DrawnGraph", "DrawnNode", "drawn_graph"]

LONG = 12
"""A longer name has a line of its own."""


@dataclass(frozen=True, eq=False)
class DrawnNode:
    """One node.

    number, operands
        Of the node and of what it is made of.
    heading
        Its name and operation.
    value, derivative
        Its value, and the derivative of the result with respect to it; None where there is none.
    operation, attributes
        What makes it; no operation of a leaf, and where not all that it takes is known.
    kind
        "operation", "variable", or "constant": a leaf that has no derivative.
    """

    number: int
    operands: tuple[int, ...]
    heading: str
    value: Any
    derivative: Any
    operation: Operation | None
    attributes: Mapping[str, Any]
    kind: str


@dataclass(frozen=True, eq=False)
class DrawnGraph:
    """The nodes of a graph by number.

    result, name
        The number of its result, and what the title calls that.
    stands
        For nodes that are not drawn, as they only move numbers, the one that stands for each.
    """

    nodes: Mapping[int, DrawnNode]
    result: int
    name: str
    stands: Mapping[int, int] = field(default_factory=dict)

    def nearest_first(self) -> list[DrawnNode]:
        """Every node that the result is made of, each once: the result, its operands, theirs."""
        order = {self.result: self.nodes[self.result]}
        waiting = [self.result]
        for number in waiting:
            for operand in self.operands(self.nodes[number]):
                if operand not in order:
                    order[operand] = self.nodes[operand]
                    waiting.append(operand)
        return list(order.values())

    def operands(self, node: DrawnNode) -> list[int]:
        """The numbers of those drawn that a node is made of, each once."""
        return [*dict.fromkeys(self.stands.get(one, one) for one in node.operands)]

    def local(self, node: DrawnNode) -> dict[int, float]:
        """The derivative of one step alone, by operand, where both are single numbers."""
        operands = [self.nodes[number] for number in node.operands]
        if node.operation is None or np.size(node.value) != 1:
            return {}
        if any(one.value is None for one in operands):
            return {}
        single = {
            one.number: variable(one.value) for one in operands
            if np.size(one.value) == 1 and one.derivative is not None and _is_float(one.value)
        }  # fmt: skip
        alone = [
            single[one.number] if one.number in single else constant(one.value) for one in operands
        ]
        with np.errstate(all="ignore"):
            again = node.operation(*alone, **node.attributes)
            slopes = grad(again.sum(), list(single.values()))
        found: dict[int, float] = {}
        for number, slope in zip(single, slopes, strict=True):
            drawn = self.stands.get(number, number)
            found[drawn] = found.get(drawn, 0.0) + float(np.ravel(slope.value)[0])
        return found


def drawn_graph(y: Any, names: Any) -> DrawnGraph:
    """The graph of a node, of `chainrule.trace` or of `model.trace`; else a sentence."""
    given: object = {} if names is None else names
    if not isinstance(given, Mapping) or not all(isinstance(o, Node) for o in given.values()):
        message = 'plot_graph: names must be a dict of nodes by name, such as {"q": q}.'
        raise InputTypeError(message)
    if isinstance(y, StepTrace):
        if given:
            message = (
                "plot_graph: names call nodes of an expression, and this is a network's step, "
                "whose names are its own; leave names out."
            )
            raise InputTypeError(message)
        return _of_step(y)
    called: dict[int, str] = {}
    named = {node.number for node in given.values()}
    if isinstance(y, Trace):
        called = {step.node.number: step.name for step in y.steps}
        named |= {step.node.number for step in y.steps if step.is_named}
        y = y.result.node
    called |= {node.number: str(name) for name, node in given.items()}
    _check(y)
    return _of_expression(y, called, named)


def _check(y: Any) -> None:
    if not isinstance(y, Node):
        message = (
            "plot_graph: needs a node, or what chainrule.trace or model.trace gives, got "
            f"{type(y).__name__}; make numbers nodes with chainrule.variable."
        )
        raise InputTypeError(message)
    if y.array is None:
        message = f"plot_graph: {y} is symbolic and has no value; build it of chainrule.variable."
        raise InputTypeError(message)
    if y.shape != ():
        message = f"plot_graph: needs a scalar, got shape {y.shape}; take .sum() or .mean() first."
        raise ShapeError(message)


def _of_expression(y: Node, called: Mapping[int, str], named: Collection[int]) -> DrawnGraph:
    """The graph as text tells it: without nodes that only move numbers, unless somebody named it.

    called, named
        Names by the number of the node; those of them that are no mere numbers, v5.
    """
    order = reachable([y])
    nodes = {}
    for node, slope in zip(order, gradients(y, order), strict=True):
        name = called.get(node.number) or node.name or ""
        moves = node.role != "constant"
        nodes[node.number] = DrawnNode(
            node.number, tuple(one.number for one in node.operands),
            name or node.role if node.operation is None else _heading(name, node.operation.name),
            node.value, slope.value if moves else None, node.operation, node.attributes,
            "operation" if node.operation else "variable" if moves else "constant",
        )  # fmt: skip
    unlike = {str(node.number): node for node in order if node.number in named or node.name}
    seen = Seen(trace(y, unlike))
    stands = {step.node.number: seen.shown(step.name).node.number for step in seen.trace.steps}
    for step in seen.trace.steps:
        if stands[step.node.number] == step.node.number:
            face, title = nodes[seen.face(step).node.number], seen.by_name[seen.title[step.name]]
            own = nodes[step.node.number]
            name = called.get(title.node.number) or title.node.name or ""
            nodes[own.number] = replace(
                own, value=face.value, derivative=face.derivative,
                heading=own.heading if title is step else _heading(name, step.operation),
            )  # fmt: skip
    name = called.get(y.number) or y.name or "the result"
    return DrawnGraph(nodes, stands[y.number], name, stands)


def _of_step(step: StepTrace) -> DrawnGraph:
    """Leaves without a value count the random numbers: they are left out."""
    shown = {node.number for node in step.nodes if node.operands or node.value is not None}
    slopes = {
        f"{layer.name}/{one.name}": one.gradient
        for layer in step.layers
        for one in layer.parameters.values()
    }
    known, nodes, last = OPERATIONS | OWN_OPERATIONS, {}, step.nodes[-1]
    of_layers: set[int] = set()  # only what is made of inputs and parameters has a derivative
    for node in step.nodes:
        if node.number not in shown:
            continue
        operands = tuple(one for one in node.operands if one in shown)
        named, whole = node.name or "", operands == node.operands
        if named in slopes or named.startswith("input/") or not of_layers.isdisjoint(operands):
            of_layers.add(node.number)
        slope = slopes.get(named, node.derivative) if node.number in of_layers else None
        name = node.layer or ("loss" if node is last else "")
        nodes[node.number] = DrawnNode(
            node.number, operands,
            _leaf_name(named, step) if named else _heading(name, node.operation),
            node.value, slope, known.get(node.operation) if whole else None,
            {
                key: bind(one, step.rows) if isinstance(one, tuple) else one
                for key, one in node.attributes.items()
            },
            "operation" if node.operands else "variable" if slope is not None else "constant",
        )  # fmt: skip
    return DrawnGraph(nodes, last.number, "the loss")


def _leaf_name(name: str, step: StepTrace) -> str:
    """An input by its own name, the only target as "target", a parameter with its layer."""
    if name.startswith("input/"):
        return name.removeprefix("input/")
    if name.startswith("target/") and len(step.targets) == 1:
        return "target"
    return name.replace("/", "/\n") if len(name) > 2 * LONG else name


def _heading(name: str, kind: str) -> str:
    """A name and an operation; long ones on several lines."""
    kind = kind.replace("_", "_\n") if len(kind) > LONG else kind
    return f"{name}:{chr(10) if len(name) > LONG else ' '}{kind}" if name else kind


def _is_float(value: Any) -> bool:
    return np.asarray(value).dtype.kind == "f"
