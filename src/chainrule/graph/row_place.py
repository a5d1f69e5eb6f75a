"""Which row of the data each number of a node is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from chainrule.graph.node import Node
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
"""An operation of the user's own that is not element by element may put rows together."""


def row_place(node: Node, given: Sequence[RowPlace | None]) -> RowPlace | None:
    """Where rows stand in a node, from where they stand in its operands.

    None of what is the same for all rows.
    """
    found = {_moved(node, which, one) for which, one in enumerate(given) if one is not None}
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
    if not operation.elementwise and operation.kept_as is None:
        return UNKNOWN
    axis = _axis_after(node, operation.name, which, place.axis)
    return MIXED if axis is None else place._replace(axis=axis)


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
