"""Forward mode: the derivative along a direction, from the inputs to the result, as more graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chainrule.errors import GradientError, InputTypeError, SettingError, ShapeError
from chainrule.graph.gradient import (
    add_to,
    constant_like,
    handed_down,
    reachable,
    walk_back,
    zeros_like,
)
from chainrule.graph.node import Node, input_node, make
from chainrule.graph.operations.elementwise import cast

__all__ = ["jvp"]


def jvp(y: Node, wrt: Node | Iterable[Node], tangents: Any) -> Node:
    """Forward mode: the derivative of a node of any shape along a direction, as a node.

    The tangent of a node is the sum over its operands u of dz/du * (tangent of u), computed with
    the values, from the inputs to the result; one walk gives all of y for one direction, where
    `grad` gives one number's derivative by all inputs. The local derivative is the node's own
    gradient rule, transposed: the rule gives a part for each operand that is linear in the
    upstream gradient v, and the derivative of sum(parts * tangents) by v is the tangent.

    y
        A node of any shape.
    wrt
        A node, or a list of nodes.
    tangents
        The direction: a node, array or number of the shape of each node of `wrt`, in its form.

    The result has the shape of y and can be differentiated again. Raises `ShapeError` where a
    tangent has another shape, `SettingError` for another number of them, `GradientError` where a
    rule is missing or wrong.

    >>> import chainrule as cr
    >>> x, y = cr.variable(3.0), cr.variable([1.0, 2.0])
    >>> cr.jvp(x * y, [x, y], [1.0, [10.0, 0.0]]).value
    array([31.,  2.])
    """
    several = isinstance(wrt, Iterable)
    nodes = list(wrt) if isinstance(wrt, Iterable) else [wrt]
    for node in [y, *nodes]:
        if not isinstance(node, Node):
            message = f"jvp: needs nodes, got {type(node).__name__}; make them with cr.variable."
            raise InputTypeError(message)
    along: dict[int, Node] = {}
    for node, tangent in zip(nodes, _listed(tangents, len(nodes), several), strict=True):
        add_to(along, node, _tangent(node, tangent))
    order = reachable([y])
    for node in order:
        if node.operation is not None and any(o.number in along for o in node.operands):
            part = _pushed(node, along)
            if part is not None:
                add_to(along, node, part)
    return along[y.number] if y.number in along else zeros_like(y)


def _listed(tangents: Any, count: int, several: bool) -> Sequence[Any]:
    if not several:
        return [tangents]
    if isinstance(tangents, Node) or not isinstance(tangents, Iterable):
        message = (
            f"jvp: {count} nodes need a list of {count} tangents, got {type(tangents).__name__}."
        )
        raise InputTypeError(message)
    given = list(tangents)
    if len(given) != count:
        message = f"jvp: {count} nodes need as many tangents, got {len(given)}; give one for each."
        raise SettingError(message)
    return given


def _tangent(node: Node, given: Any) -> Node:
    """What was given for a node, as a node of its shape and type."""
    like = constant_like(0.0, node).dtype
    tangent = make(given, like, "jvp")
    if tangent.shape != node.shape:
        message = (
            f"jvp: a tangent of shape {tangent.shape} for a node of shape {node.shape}; "
            "they must be the same."
        )
        raise ShapeError(message)
    return tangent if tangent.dtype == like else cast(tangent, dtype=like)


def _pushed(node: Node, along: Mapping[int, Node]) -> Node | None:
    """The tangent of a node by those of its operands; None where it does not move with them."""
    v = input_node("upstream", node.shape, constant_like(0.0, node).dtype)
    tangents: dict[int, Node] = {}
    parts = []
    for operand, part in handed_down(node, v, along):
        add_to(tangents, part, along[operand.number])
        parts.append(part)
    # what depends on v was made after it: nothing older needs a look
    walk_back(reachable(parts, since=v.number), {v.number}, tangents)
    tangent = tangents.get(v.number)
    if tangent is not None and v in reachable([tangent], since=v.number):
        name = node.operation.name if node.operation else ""
        message = (
            f"{name}: its gradient rule is not linear in the upstream gradient; "
            "multiply by it once in each part."
        )
        raise GradientError(message)
    return tangent
