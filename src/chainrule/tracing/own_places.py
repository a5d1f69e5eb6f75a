"""Which numbers operations make of which: places in a row, or in what is the same for all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["added", "factors", "is_product_told", "made_of", "uses_of_factor"]

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]


def made_of(
    operation: str, attributes: Mapping[str, Any], which: int, shapes: Sequence[Shape],
    given: Sequence[bool], wanted: Shape, in_rows: bool,
) -> Array | None:  # fmt: skip
    """For each number of a result which number of an operand it is made of, -1 for none.

    which
        The operand.
    shapes, given
        The shape of each operand's row, or its own; whether it has rows.
    wanted, in_rows
        Those of the result.

    None where a result's number is not made of one number of each operand, or rows would mix.
    """
    if given[which] and len(shapes[which]) != len(wanted) and operation != "broadcast_to":
        return None

    def counted(one: int) -> Array:
        found = np.arange(int(np.prod(shapes[one]))).reshape(shapes[one])
        return found[None] if given[one] else found

    own, axis = counted(which), attributes.get("axis", 0)
    match operation:
        case "transpose":
            found = own.transpose(attributes["axes"])
        case "flip":
            found = np.flip(own, axis)
        case "narrow":
            found = np.take(own, np.arange(attributes["start"], attributes["stop"]), axis)
        case "concatenate":
            parts = [np.where(one == which, counted(one), -1) for one in range(len(shapes))]
            found = np.concatenate(parts, axis)
        case _:
            try:
                found = np.broadcast_to(own, (1, *wanted) if in_rows else wanted)
            except ValueError:
                return None
    return found.reshape(-1)


def added(shape: Shape, axis: Any, in_rows: bool) -> Array:
    """For each number that a sum is given: which of its results it is added to."""
    axes = [int(one) % (len(shape) + in_rows) - in_rows for one in np.atleast_1d(axis)]
    kept = tuple(1 if place in axes else size for place, size in enumerate(shape))
    return np.broadcast_to(np.arange(np.prod(kept)).reshape(kept), shape).reshape(-1)


def is_product_told(shapes: Sequence[Shape], given: Sequence[bool]) -> bool:
    """Whether each number of a row of a matrix product is a sum over pairs of two matrices."""
    left, right = shapes
    return len(right) == 2 and (len(left) == 2 if given[1] else len(left) > 0)


def factors(shapes: Sequence[Shape], place: int) -> tuple[list[int], list[int]]:
    """The places of the factors, left and right, whose products a number of a product adds up."""
    inner, columns = shapes[1]
    line, column = divmod(place, columns)
    terms = np.arange(inner)
    return (line * inner + terms).tolist(), (terms * columns + column).tolist()


def uses_of_factor(shapes: Sequence[Shape], which: int, place: int) -> tuple[list[int], list[int]]:
    """The numbers of a product that a factor is used for, and the other factor there."""
    inner, columns = shapes[1]
    if which == 0:
        line, term = divmod(place, inner)
        across = np.arange(columns)
        return (line * columns + across).tolist(), (term * columns + across).tolist()
    term, column = divmod(place, columns)
    down = np.arange(int(np.prod(shapes[0])) // inner)
    return (down * columns + column).tolist(), (down * inner + term).tolist()
