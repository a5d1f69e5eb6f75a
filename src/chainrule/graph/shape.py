"""Shapes whose sizes are numbers or multiples of the rows of the data."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chainrule.errors import InputTypeError, ShapeError

__all__ = [
    "Rows",
    "Shape",
    "Size",
    "as_shape",
    "bind",
    "broadcast",
    "normal_axes",
    "product_of",
    "reshaped",
]


@dataclass(frozen=True)
class Rows:
    """A size of `multiple` times the number of rows, known only when a program runs.

    >>> Rows(), Rows(3)
    (rows, 3*rows)
    """

    multiple: int = 1

    def __repr__(self) -> str:
        return "rows" if self.multiple == 1 else f"{self.multiple}*rows"


Size = int | Rows
Shape = tuple[Size, ...]


def bind(shape: Shape, rows: int) -> tuple[int, ...]:
    """The shape in numbers, for a given number of rows.

    >>> bind((Rows(2), 5), rows=4)
    (8, 5)
    """
    return tuple(size.multiple * rows if isinstance(size, Rows) else size for size in shape)


def as_shape(name: str, given: Any, least: int = 0) -> Shape:
    """A shape given as one size or several; `name` opens the sentence of the error.

    >>> as_shape("reshape", 3), as_shape("reshape", [Rows(), -1], least=-1)
    ((3,), (rows, -1))
    """
    sizes = given if isinstance(given, Iterable) else (given,)
    shape: list[Size] = []
    for size in sizes:
        try:
            shape.append(size if isinstance(size, Rows) else operator.index(size))
        except TypeError as error:
            message = f"{name}: sizes must be whole numbers, got {size!r} in {given!r}."
            raise InputTypeError(message) from error
    if any(isinstance(size, int) and size < least for size in shape):
        message = f"{name}: sizes must be {least} or more, got {tuple(shape)}."
        raise ShapeError(message)
    return tuple(shape)


def broadcast(name: str, *shapes: Shape) -> Shape:
    """The shape that NumPy's broadcasting gives; `name` opens the sentence of the error.

    >>> broadcast("add", (Rows(), 3), (3,))
    (rows, 3)
    """
    axes = max((len(shape) for shape in shapes), default=0)
    result: list[Size] = []
    for position in range(axes):
        sizes = [shape[position - axes + len(shape)] for shape in shapes
                 if position - axes + len(shape) >= 0]  # fmt: skip
        wide = {size for size in sizes if size != 1}
        if len(wide) > 1:
            shown = " and ".join(str(shape) for shape in shapes)
            message = f"{name}: shapes {shown} do not broadcast; make them equal or 1 in each axis."
            raise ShapeError(message)
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def normal_axes(name: str, axis: Any, axes: int) -> tuple[int, ...]:
    """Axes as a sorted tuple of numbers from 0; None is all of them.

    >>> normal_axes("sum", -1, 3)
    (2,)
    """
    if axis is None:
        return tuple(range(axes))
    try:
        given = tuple(
            operator.index(one) for one in (axis if isinstance(axis, Iterable) else (axis,))
        )
    except TypeError as error:
        message = f"{name}: an axis must be a whole number, got {axis!r}."
        raise InputTypeError(message) from error
    for one in given:
        if not -axes <= one < axes:
            message = (
                f"{name}: axis {one} is not among the {axes} axes of the array; "
                f"give {-axes} to {axes - 1}."
                if axes
                else f"{name}: a scalar has no axis {one}; give an array with an axis or more."
            )
            raise ShapeError(message)
    normal = sorted({one % axes for one in given})
    if len(normal) != len(given):
        message = f"{name}: axis {given} names an axis twice; name each once."
        raise ShapeError(message)
    return tuple(normal)


def product_of(shape: Iterable[Size]) -> tuple[int, int]:
    """A product of sizes as (number, power of rows)."""
    number, power = 1, 0
    for size in shape:
        number *= size.multiple if isinstance(size, Rows) else size
        power += isinstance(size, Rows)
    return number, power


def reshaped(old: Shape, new: Shape) -> Shape:
    """The new shape with its -1, if any, solved; raises ShapeError where it does not fit.

    >>> reshaped((Rows(), 4, 6), (-1, 6))
    (4*rows, 6)
    """
    number, power = product_of(old)
    known, known_power = product_of(size for size in new if size != -1)
    free = sum(size == -1 for size in new)
    fits = free <= 1
    if fits and free:
        fits = known != 0 and number % known == 0 and power - known_power in (0, 1)
        if fits:
            left = number // known
            solved: Size = Rows(left) if power > known_power else left
            return tuple(solved if size == -1 else size for size in new)
    if not fits or (number, power) != (known, known_power):
        message = (
            f"reshape: {old} does not fit into {new}; the numbers of elements must be the same."
        )
        raise ShapeError(message)
    return new
