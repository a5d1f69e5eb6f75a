"""Operations that move numbers without changing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin, number_type
from chainrule.graph.shape import Rows, Shape, Size, as_shape, normal_axes, reshaped

__all__ = ["concatenate", "gather", "narrow", "one_hot", "reshape", "scatter_add", "transpose",
           "widen"]  # fmt: skip


@builtin("reshape", shape=lambda _, *, shape: shape, view=True, keeps_type=True)
def reshape(x: Array, *, shape: tuple[int, ...]) -> Array:
    """The same numbers, in C order, in another shape; one size may be -1."""
    return np.reshape(x, shape)


@reshape.canonical
def _reshape_canonical(given: Shape, *, shape: Any) -> dict[str, Shape]:
    return {"shape": reshaped(given, as_shape("reshape", shape, least=-1))}


@reshape.gradient
def _reshape(g: Node, y: Node, x: Node, *, shape: Shape) -> Any:
    return reshape(g, shape=x.shape)


@builtin(
    "transpose",
    shape=lambda shape, *, axes: tuple(shape[i] for i in axes),
    view=True,
    keeps_type=True,
)
def transpose(x: Array, *, axes: tuple[int, ...]) -> Array:
    """The axes in another order (reversed by default)."""
    return np.transpose(x, axes)


@transpose.canonical
def _transpose_canonical(shape: Shape, *, axes: Iterable[int] | None = None) -> dict[str, Any]:
    given = tuple(reversed(range(len(shape)))) if axes is None else tuple(axes)
    if normal_axes("transpose", given, len(shape)) != tuple(range(len(shape))):
        message = f"transpose: axes {given} must name each of the {len(shape)} axes once."
        raise ShapeError(message)
    return {"axes": tuple(axis % len(shape) for axis in given)}


@transpose.gradient
def _transpose(g: Node, y: Node, x: Node, *, axes: tuple[int, ...]) -> Any:
    return transpose(g, axes=tuple(int(i) for i in np.argsort(axes)))


def _gathered(table: Shape, indices: Shape) -> Shape:
    if not table:
        message = "gather: a scalar has no rows to take; give an array with an axis or more."
        raise ShapeError(message)
    return (*indices, *table[1:])


def _check_positions(name: str, indices: Array, length: int) -> None:
    wrong = indices[(indices < 0) | (indices >= length)]
    if wrong.size:
        message = f"{name}: positions must be from 0 to below {length}, got {wrong.flat[0]}."
        raise DataError(message)


@builtin("gather", shape=_gathered, integers=(1,), keeps_type=True)
def gather(table: Array, indices: Array) -> Array:
    """Entries of the table's first axis, by position: table[indices]."""
    _check_positions("gather", indices, len(table))
    return np.take(table, indices, axis=0)


def _scattered(g: Shape, indices: Shape, *, length: Size, axes: int) -> Shape:
    if g[:axes] != indices:
        message = f"scatter_add: shape {g} must begin with that of the positions, {indices}."
        raise ShapeError(message)
    return (length, *g[axes:])


@builtin("scatter_add", shape=_scattered, integers=(1,), keeps_type=True)
def scatter_add(g: Array, indices: Array, *, length: int, axes: int) -> Array:
    """A table of zeros to which each g is added at its position, in row order.

    length
        The number of entries of the table.
    axes
        How many axes the positions have.
    """
    _check_positions("scatter_add", indices, length)
    result = np.zeros((length, *g.shape[axes:]), g.dtype)
    np.add.at(result, indices, g)
    return result


@scatter_add.canonical
def _scatter_canonical(
    g: Shape, indices: Shape, *, length: Any, axes: Any = None
) -> dict[str, Any]:
    (size,) = as_shape("scatter_add", length)
    return {"length": size, "axes": len(indices)}


@gather.gradient
def _gather(g: Node, y: Node, table: Node, indices: Node) -> Any:
    spread = lambda: scatter_add(  # noqa: E731
        g, indices, length=table.shape[0], axes=len(indices.shape)
    )
    return spread, None


@scatter_add.gradient
def _scatter_add(g: Node, y: Node, x: Node, indices: Node, *, length: int, axes: int) -> Any:
    return lambda: gather(g, indices), None


@builtin(
    "one_hot",
    shape=lambda labels, *, depth, dtype: (*labels, depth),
    dtype=lambda _, *, depth, dtype: np.dtype(dtype),
    integers=(0,),
)
def one_hot(labels: Array, *, depth: int, dtype: str) -> Array:
    """A new last axis with a 1 at the label's position and 0 elsewhere; no gradient.

    A label that is not from 0 to below `depth` has no 1.
    """
    return np.asarray(labels[..., None] == np.arange(depth), dtype)


@one_hot.canonical
def _one_hot_canonical(_: Shape, *, depth: Any, dtype: Any = "float64") -> dict[str, Any]:
    (size,) = as_shape("one_hot", depth)
    return {"depth": size, "dtype": number_type("one_hot", dtype)}


one_hot.gradient(lambda g, y, labels, **_: None)


def _joined(*shapes: Shape, axis: int) -> Shape:
    first, total, multiple = shapes[0], 0, 0
    for shape in shapes:
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis
        ):
            message = f"concatenate: shapes {first} and {shape} differ beside axis {axis}."
            raise ShapeError(message)
        size = shape[axis]
        if isinstance(size, Rows):
            multiple += size.multiple
        else:
            total += size
    if total and multiple:
        message = f"concatenate: axis {axis} mixes rows with fixed sizes in {list(shapes)}."
        raise ShapeError(message)
    joined: Size = Rows(multiple) if multiple else total
    return (*first[:axis], joined, *first[axis + 1 :])


@builtin("concatenate", shape=_joined, keeps_type=True)
def concatenate(*parts: Array, axis: int) -> Array:
    """Arrays one after the other along an axis (the last by default)."""
    return np.concatenate(parts, axis=axis)


@concatenate.canonical
def _concatenate_canonical(*shapes: Shape, axis: int = -1) -> dict[str, int]:
    if not shapes:
        message = "concatenate: got no array; give one or more, one by one."
        raise InputTypeError(message)
    return {"axis": normal_axes("concatenate", axis, len(shapes[0]))[0]}


@concatenate.gradient
def _concatenate(g: Node, y: Node, *parts: Node, axis: int) -> Any:
    start, gradients = 0, []
    for part in parts:
        size = part.shape[axis]
        if isinstance(size, Rows):
            message = "concatenate: along rows it has no gradient; join columns instead."
            raise SettingError(message)
        gradients.append(lambda a=start, b=start + size: narrow(g, axis=axis, start=a, stop=b))
        start += size
    return tuple(gradients)


def _narrowed(shape: Shape, *, axis: int, start: int, stop: int) -> Shape:
    size = shape[axis]
    if isinstance(size, Rows) or not 0 <= start <= stop <= size:
        message = (
            f"narrow: {start} to {stop} is not within axis {axis} of shape {shape}; "
            "give start and stop from 0 to the size, which must not be rows."
        )
        raise ShapeError(message)
    return (*shape[:axis], stop - start, *shape[axis + 1 :])


@builtin("narrow", shape=_narrowed, keeps_type=True)
def narrow(x: Array, *, axis: int, start: int, stop: int) -> Array:
    """The part of an axis from start to before stop."""
    return x[(slice(None),) * axis + (slice(start, stop),)]


@narrow.canonical
def _narrow_canonical(shape: Shape, *, axis: int, start: int, stop: int) -> dict[str, int]:
    return {"axis": normal_axes("narrow", axis, len(shape))[0], "start": start, "stop": stop}


@narrow.gradient
def _narrow(g: Node, y: Node, x: Node, *, axis: int, start: int, stop: int) -> Any:
    return widen(g, axis=axis, start=start, length=x.shape[axis])


def _widened(shape: Shape, *, axis: int, start: int, length: int) -> Shape:
    size = shape[axis]
    if isinstance(size, Rows) or not 0 <= start <= start + size <= length:
        message = (
            f"widen: axis {axis} of shape {shape} does not fit into {length} from {start} on; "
            "give a start of 0 or more, and a length."
        )
        raise ShapeError(message)
    return (*shape[:axis], length, *shape[axis + 1 :])


@builtin("widen", shape=_widened, keeps_type=True)
def widen(x: Array, *, axis: int, start: int, length: int) -> Array:
    """x set at `start` into an axis of zeros of that length."""
    result = np.zeros((*x.shape[:axis], length, *x.shape[axis + 1 :]), x.dtype)
    result[(slice(None),) * axis + (slice(start, start + x.shape[axis]),)] = x
    return result


@widen.canonical
def _widen_canonical(shape: Shape, *, axis: int, start: int, length: int) -> dict[str, int]:
    return {"axis": normal_axes("widen", axis, len(shape))[0], "start": start, "length": length}


@widen.gradient
def _widen(g: Node, y: Node, x: Node, *, axis: int, start: int, length: int) -> Any:
    size = x.shape[axis]
    return narrow(g, axis=axis, start=start, stop=start + size)  # type: ignore[operator]
