"""Which row of the data each number of a node is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from chainrule.graph.gradient import handed_to_each, reachable
from chainrule.graph.node import Node, input_node
from chainrule.graph.shape import Rows, Shape, product_of

__all__ = ["FIRST", "MIXED", "UNKNOWN", "RowPlace", "row_place"]


class RowPlace(NamedTuple):
    """Where rows stand in a node: entry q of an axis is made of row (q // inner) % rows alone."""

    axis: int
    inner: int = 1


FIRST: Final = RowPlace(0)
"""Of data: each entry of the first axis is a row."""
MIXED: Final = RowPlace(-1)
"""Numbers of several rows are put together, or rows stand where they cannot be told apart."""
UNKNOWN: Final = RowPlace(-2)
"""An operation of the user's own may put rows together; its gradient rule does not tell."""


def row_place(node: Node, given: Sequence[RowPlace | None]) -> RowPlace | None:
    """Where rows stand in a node, from where they stand in its operands.

    None of what is the same for all rows.
    """
    found = {
        _by_rule(node, which, given) if _is_own(node) else _moved(node, which, one)
        for which, one in enumerate(given) if one is not None
    }  # fmt: skip
    if len(found) > 1:
        return UNKNOWN if UNKNOWN in found and MIXED not in found else MIXED
    return found.pop() if found else None


def _moved(node: Node, which: int, place: RowPlace) -> RowPlace:
    """Where the rows of one operand stand in what an operation gives."""
    operation = node.operation
    if place in (MIXED, UNKNOWN) or operation is None:
        return place
    if operation.name == "reshape":
        return _reshaped(node.operands[which].shape, node.shape, place)
    axis = _axis_after(node, operation.name, which, place.axis)
    return MIXED if axis is None else place._replace(axis=axis)


def _is_own(node: Node) -> bool:
    return node.operation is not None and node.operation.kept_as is None


def _by_rule(node: Node, which: int, given: Sequence[RowPlace | None]) -> RowPlace:
    """Where rows stand in what an operation of the user's own gives, by its gradient rule.

    They stand where they stood if what it hands to a row comes from that row alone.
    """
    operand, place = node.operands[which], given[which]
    if place is None or place in (MIXED, UNKNOWN):
        return place or UNKNOWN
    if operand.shape[place.axis] not in node.shape[place.axis : place.axis + 1]:
        return UNKNOWN
    g = input_node("g", node.shape, node.dtype)
    found = dict(zip((one.number for one in node.operands), given, strict=True))
    found |= {node.number: place, g.number: place}
    part = handed_to_each(node, g, {operand.number})[which]
    for one in [] if part is None else reachable([part], g.number + 1):
        below = [found[number.number] for number in one.operands]
        found[one.number] = UNKNOWN if _is_own(one) else row_place(one, below)
    handed_on = None if part is None else found[part.number]
    return handed_on if handed_on in (place, MIXED) and handed_on is not None else UNKNOWN


def _axis_after(node: Node, operation: str, which: int, axis: int) -> int | None:
    """Which axis of the result one of an operand becomes; None where its entries are mixed."""
    axes, settings = len(node.operands[which].shape), node.attributes
    moved = axis + len(node.shape) - axes
    last = axis == axes - 1
    match operation:
        case "transpose":
            return int(settings["axes"].index(axis))
        case "sum" | "max" | "min":
            before = sum(one < axis for one in settings["axis"])
            kept = axis if settings["keepdims"] else axis - before
            return None if axis in settings["axis"] else kept
        case "softmax" | "log_softmax" | "flip" | "concatenate" | "narrow" | "widen":
            return None if axis == settings["axis"] else axis
        case "matmul":
            return None if axis == axes - 1 - which else moved
        case "gather":
            return axis if which == 1 else moved if axis > 0 else None
        case "scatter_add":
            return moved if which == 0 and axis >= settings["axes"] else None
        case "argmax" | "softmax_cross_entropy":
            return None if last else axis
        case "softmax_cross_entropy_slope":
            return None if last and which < 2 else axis
        case "sample_bilinear" | "spread_bilinear":
            return 0 if axis == 0 else None
        case "one_hot":
            return axis
    return moved  # element by element, perhaps along further axes


def _reshaped(old: Shape, new: Shape, place: RowPlace) -> RowPlace:
    """Where rows stand in another shape: as many numbers as before lie between one and the next."""
    between, power = product_of(old[place.axis + 1 :])
    between *= place.inner
    for axis, size in enumerate(new):
        after, same = product_of(new[axis + 1 :])
        if not isinstance(size, Rows) or same != power or not after or not between:
            continue
        inner, left = divmod(between, after)
        if not left and size.multiple % inner == 0:
            return RowPlace(axis, inner)
    return MIXED
