"""An expression as the page of a graph takes it: its nodes forward and backward as one tape."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from chainrule.engine import Graph, Tape, lower
from chainrule.graph import (
    OPERATIONS,
    Node,
    bind,
    constant,
    gradients,
    handed_to_each,
    parameter,
)
from chainrule.tracing.expression import Trace, TraceStep
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.formula import Number, Symbol
from chainrule.tracing.operations import slope_formula
from chainrule.tracing.page.formulas import plain
from chainrule.tracing.page.shipping import evaluated, not_known, packed, shipped_tape

__all__ = ["shipped_expression"]


def shipped_expression(trace: Trace) -> dict[str, Any]:
    """Everything that the page shows and computes with, as plain values."""
    twins = _twins(trace)
    asked, nodes = _asked(trace, twins)
    leaves = tuple(twins[step.node.number] for step in trace.steps if _is_leaf(step))
    tape = lower(Graph((), leaves, asked))
    plain, unknown = shipped_tape(tape, 1, {})
    values = {
        source.index: step.value
        for source, step in zip(
            (one for one in tape.sources if one.kind == "parameter"),
            (step for step in trace.steps if _is_leaf(step)), strict=True,
        )
    }  # fmt: skip
    for node in nodes:
        _placed(node, tape)
    data: dict[str, Any] = {
        "kind": "expression",
        "title": trace.title or f"The chain rule on {trace.result.name}",
        "digits": trace.digits,
        "nodes": nodes,
        "given": {str(index): packed(value) for index, value in values.items()},
        "tape": plain,
    }
    if unknown:
        found = evaluated(tape, 1, values, tape.results.values())
        data["recorded"] = {str(index): packed(value) for index, value in found.items()}
        data["why"] = not_known(unknown[0])
        del data["tape"]
    return data


def _is_leaf(step: TraceStep) -> bool:
    return step.node.operation is None and step.operation == "variable"


def _twins(trace: Trace) -> dict[int, Node]:
    """The expression again with variables whose values are given when it runs."""
    twins: dict[int, Node] = {}
    for step in trace.steps:
        node = step.node
        if _is_leaf(step):
            twins[node.number] = parameter(step.name, step.value.shape, node.dtype)
        elif node.operation is None:
            twins[node.number] = node
        else:
            operands = [twins[one.number] for one in node.operands]
            twins[node.number] = node.operation(*operands, **node.attributes)
    return twins


def _asked(trace: Trace, twins: Mapping[int, Node]) -> tuple[dict[str, Node], list[dict[str, Any]]]:
    """All nodes that are shown, by name; and the nodes of the drawing, with those names."""
    asked: dict[str, Node] = {}

    def ask(name: str, node: Node) -> str:
        asked[name] = node
        return name

    moving = [step for step in trace.steps if step.derivative is not None]
    slopes = gradients(twins[trace.result.node.number], [twins[s.node.number] for s in moving])
    slope_of = {step.node.number: slope for step, slope in zip(moving, slopes, strict=True)}
    nodes, made = [], Seen(trace).made
    for step in trace.steps:
        twin, number = twins[step.node.number], step.number
        uses = _handed(twin, slope_of.get(step.node.number), twins, slope_of, step)
        local = _handed(twin, _ones(twin), twins, slope_of, step)
        edges = []
        for place, operand in enumerate(step.node.operands):
            part, slope = uses[place], local[place]
            if not _alike(twin, twins[operand.number]):
                slope = None
            edges.append({
                "from": _number(trace, operand),
                "product": None if part is None else ask(f"product/{number}/{place}", part),
                "local": None if slope is None else ask(f"local/{number}/{place}", slope),
                "formula": _local_formula(trace, step, place, made),
            })  # fmt: skip
        slope = slope_of.get(step.node.number)
        nodes.append({
            "number": number, "name": step.name, "operation": step.operation, "edges": edges,
            "attributes": {name: str(value) for name, value in step.attributes.items()},
            "leaf": _is_leaf(step), "fixed": step.operation == "constant",
            "value": ask(f"value/{number}", twin),
            "derivative": None if slope is None else ask(f"slope/{number}", slope),
            "known": step.operation in OPERATIONS,
        })  # fmt: skip
    return asked, nodes


def _local_formula(trace: Trace, step: TraceStep, place: int, made: Collection[str]) -> Any:
    """The formula of the slope of a number by one of its operands, its symbols n/ and a number.

    made
        The names of what is made of variables; other operands are written as numbers.
    """
    operands = [one for name in step.operands for one in trace.steps if one.name == name]
    if any(one.value.size != 1 for one in (step, *operands)):
        return None
    put = [
        Symbol(f"n/{one.number}", one.value) if one.name in made else Number(one.value.item())
        for one in operands
    ]
    own = Symbol(f"n/{step.number}", step.value)
    return plain(slope_formula(step.operation, place, put, own))


def _number(trace: Trace, operand: Node) -> int:
    return next(step.number for step in trace.steps if step.node is operand)


def _alike(node: Node, operand: Node) -> bool:
    """Whether one number says how an element of the node moves with its own of the operand."""
    return node.shape == operand.shape or _size(node) == _size(operand) == 1


def _size(node: Node) -> int:
    return math.prod(bind(node.shape, 1))


def _ones(node: Node) -> Node | None:
    one_by_one = node.operation is not None and (node.operation.elementwise or _size(node) == 1)
    return constant(np.ones(tuple(node.shape), node.dtype)) if one_by_one else None


def _handed(
    node: Node, g: Node | None, twins: Mapping[int, Node], slope_of: Mapping[int, Node],
    step: TraceStep,
) -> list[Node | None]:  # fmt: skip
    """For each operand what this use of it hands down of `g`."""
    if node.operation is None or g is None:
        return [None] * len(node.operands)
    inside = {twins[one.number].number for one in step.node.operands if one.number in slope_of}
    return handed_to_each(node, g, inside)


def _placed(node: dict[str, Any], tape: Tape) -> None:
    """Names of results become indices of the tape."""
    for one in (node, *node["edges"]):
        for key in ("value", "derivative", "product", "local"):
            if one.get(key) is not None:
                one[key] = tape.results[one[key]]
