"""An expression as the page of a graph takes it: its nodes forward and backward as one tape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.engine import Graph, Tape, lower
from chainrule.graph import (
    Node,
    bind,
    constant,
    gradients,
    handed_to_each,
    parameter,
)
from chainrule.tracing.expression import Trace, TraceStep
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.measuring import widened
from chainrule.tracing.page.expression_formulas import shipped_equations
from chainrule.tracing.page.shipping import evaluated, not_known, packed, shipped_tape
from chainrule.tracing.pairs import pair_nodes

__all__ = ["shipped_expression"]


def shipped_expression(trace: Trace) -> dict[str, Any]:
    """Everything that the page shows and computes with, as plain values."""
    twins, seen = _twins(trace), Seen(trace)
    asked, nodes = _asked(trace, twins, seen)
    asked |= _parts(trace, twins)
    for node, step in zip(nodes, trace.steps, strict=True):
        shown = seen.shown(step.name)
        _share_of_vectors(seen, nodes, step)
        face = nodes[seen.face(step).number - 1]
        node |= {
            "name": seen.title[shown.name], "stands": shown.number, "value": face["value"],
            "derivative": face["derivative"],
        }  # fmt: skip
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
    formulas = shipped_equations(seen, asked)
    for node in (*nodes, *formulas["symbols"].values()):
        _placed(node, tape)
    data: dict[str, Any] = {
        "kind": "expression",
        "title": trace.title or f"The chain rule on {trace.result.name}",
        "digits": trace.digits,
        "nodes": nodes,
        "result": seen.result.number,
        **formulas,
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
    """The expression again, in float64, with variables whose values are given when it runs."""
    twins: dict[int, Node] = {}
    for step in trace.steps:
        node = step.node
        if _is_leaf(step):
            twins[node.number] = parameter(step.name, step.value.shape, np.float64)
        else:
            twins[node.number] = widened(node, [twins[one.number] for one in node.operands])
    return twins


def _asked(
    trace: Trace, twins: Mapping[int, Node], seen: Seen
) -> tuple[dict[str, Node], list[dict[str, Any]]]:
    """All nodes that are shown, by name; and the nodes of the drawing, with those names."""
    asked: dict[str, Node] = {}

    def ask(name: str, node: Node) -> str:
        asked[name] = node
        return name

    moving = [step for step in trace.steps if step.derivative is not None]
    slopes = gradients(twins[trace.result.node.number], [twins[s.node.number] for s in moving])
    slope_of = {step.node.number: slope for step, slope in zip(moving, slopes, strict=True)}
    nodes = []
    for step in trace.steps:
        twin, number = twins[step.node.number], step.number
        uses = _handed(twin, slope_of.get(step.node.number), twins, slope_of, step)
        local = _handed(twin, _ones(twin), twins, slope_of, step)
        edges = []
        for place, operand in enumerate(step.node.operands):
            part, slope = uses[place], local[place]
            if not _alike(twin, twins[operand.number]):
                slope = None
            elif slope is not None:
                slope = _shaped(slope, seen.face(seen.shown(step.operands[place])).value.shape)
            edges.append({
                "from": _number(trace, operand),
                "product": None if part is None else ask(f"product/{number}/{place}", part),
                "local": None if slope is None else ask(f"local/{number}/{place}", slope),
            })  # fmt: skip
        slope = slope_of.get(step.node.number)
        nodes.append({
            "number": number, "name": step.name, "operation": step.operation, "edges": edges,
            "attributes": {name: str(value) for name, value in step.attributes.items()},
            "leaf": _is_leaf(step), "fixed": step.operation == "constant",
            "named": step.is_named,
            "value": ask(f"value/{number}", twin),
            "derivative": None if slope is None else ask(f"slope/{number}", slope),
        })  # fmt: skip
    return asked, nodes


def _parts(trace: Trace, twins: Mapping[int, Node]) -> dict[str, Node]:
    """The parts of pairs that are stable only together, by name."""
    asked: dict[str, Node] = {}
    for step in trace.steps:
        if step.parts is None or trace[step.operands[0]].derivative is None:
            continue
        operands = (twins[one.number] for one in step.node.operands)
        p, by_p, by_logit, _ = pair_nodes(step.operation, *operands)
        asked |= {f"share/{step.number}": p[0], f"by_p/{step.number}": by_p[0]}
        if step.parts.link == "sigmoid":
            asked[f"by_logit/{step.number}"] = by_logit[0]
    return asked


def _share_of_vectors(seen: Seen, nodes: list[dict[str, Any]], step: TraceStep) -> None:
    """What the vectors of a product get of it, in their shape and not that of a row or column."""
    product = seen.products.get(step.name)
    if product is None:
        return
    edges = nodes[step.number - 1]["edges"]
    for edge, name, factor in zip(edges, step.operands, product.factors, strict=True):
        matrix = seen.by_name[name]
        if factor is not matrix and len(seen.users[name]) == 1:
            (only,) = nodes[matrix.number - 1]["edges"]
            edge["product"] = only["product"]


def _number(trace: Trace, operand: Node) -> int:
    return next(step.number for step in trace.steps if step.node is operand)


def _alike(node: Node, operand: Node) -> bool:
    """Whether a number for each of the operand says how the node moves with it."""
    return node.shape == operand.shape or _size(node) == 1


def _shaped(slope: Node, shape: tuple[int, ...]) -> Node:
    """In the shape of what is shown, where that is the shape of a vector and not of its column."""
    if slope.shape == shape or _size(slope) != math.prod(shape):
        return slope
    return slope.reshape(shape)


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
    if "at" in node:
        node["at"] = [tape.results[name] for name in node["at"]]
        return
    for one in (node, *node["edges"]):
        for key in ("value", "derivative", "product", "local"):
            if one.get(key) is not None:
                one[key] = tape.results[one[key]]
