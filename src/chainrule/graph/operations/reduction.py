"""Operations that take axes away, or bring them back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.node import Node, make
from chainrule.graph.operation import Array, builtin, number_type
from chainrule.graph.shape import Rows, Shape, as_shape, broadcast, normal_axes

__all__ = ["argmax", "broadcast_to", "count", "max_", "mean", "min_", "sum_", "sum_to"]


def _reduced(shape: Shape, *, axis: tuple[int, ...], keepdims: bool) -> Shape:
    if keepdims:
        return tuple(1 if i in axis else size for i, size in enumerate(shape))
    return tuple(size for i, size in enumerate(shape) if i not in axis)


def _axes(name: str) -> Any:
    def canonical(
        shape: Shape, *, axis: int | Iterable[int] | None = None, keepdims: bool = False
    ) -> dict[str, Any]:
        return {"axis": normal_axes(name, axis, len(shape)), "keepdims": bool(keepdims)}

    return canonical


@builtin("sum", shape=_reduced)
def sum_(x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The sum over axes."""
    return np.asarray(np.sum(x, axis=axis, keepdims=keepdims))


def check_some(name: str, shape: Shape, axis: tuple[int, ...]) -> None:
    """Raise ShapeError where there is nothing along one of the axes."""
    if any(shape[i] == 0 for i in axis):
        message = f"{name}: shape {shape} has no elements along axis {axis}; give at least one."
        raise ShapeError(message)


def _extreme_shape(name: str) -> Any:
    def shape_of_one(shape: Shape, *, axis: tuple[int, ...], keepdims: bool) -> Shape:
        check_some(name, shape, axis)
        return _reduced(shape, axis=axis, keepdims=keepdims)

    return shape_of_one


@builtin("max", shape=_extreme_shape("max"), keeps_type=True)
def max_(x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The largest over axes; where several are largest, they share the gradient evenly."""
    return np.asarray(np.max(x, axis=axis, keepdims=keepdims))


@builtin("min", shape=_extreme_shape("min"), keeps_type=True)
def min_(x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The smallest over axes; where several are smallest, they share the gradient evenly."""
    return np.asarray(np.min(x, axis=axis, keepdims=keepdims))


@builtin("broadcast_to", shape=lambda _, *, shape: shape, view=True, keeps_type=True)
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """x repeated along axes to a shape, by NumPy's rules."""
    return np.broadcast_to(x, shape)


@builtin("count", shape=lambda *, shape, dtype: (), dtype=lambda *, shape, dtype: np.dtype(dtype))
def count(*, shape: tuple[int, ...], dtype: str) -> Array:
    """The number of elements of a shape; rows count as many as a program is given."""
    return np.asarray(math.prod(shape), dtype)


@count.canonical
def _count_canonical(*, shape: Any, dtype: Any = "float64") -> dict[str, Any]:
    return {"shape": as_shape("count", shape), "dtype": number_type("count", dtype)}


def _without_last(shape: Shape) -> Shape:
    check_some("argmax", shape, normal_axes("argmax", -1, len(shape)))
    return shape[:-1]


@builtin("argmax", shape=_without_last, dtype=lambda _: np.dtype(np.int32), keeps_type=True)
def argmax(x: Array) -> Array:
    """The position of the largest along the last axis (the first of several); its gradient is 0."""
    return np.asarray(np.argmax(x, axis=-1), np.int32)


for _reduction in (sum_, max_, min_):
    _reduction.canonical(_axes(_reduction.name))


@broadcast_to.canonical
def _broadcast_canonical(given: Shape, *, shape: Any) -> dict[str, Shape]:
    shape = as_shape("broadcast_to", shape)
    if broadcast("broadcast_to", given, shape) != shape:
        message = f"broadcast_to: shape {given} has sizes that {shape} has not; give a wider shape."
        raise ShapeError(message)
    return {"shape": shape}


def _kept(node: Node, x: Node, axis: tuple[int, ...]) -> Node:
    """The reduced node with its axes back, of size 1."""
    return node.reshape(tuple(1 if i in axis else size for i, size in enumerate(x.shape)))


@sum_.gradient
def _sum(g: Node, y: Node, x: Node, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    return broadcast_to(_kept(g, x, axis), shape=x.shape)


def _extreme(g: Node, y: Node, x: Node, *, axis: tuple[int, ...], keepdims: bool) -> Any:
    from chainrule.graph.operations.elementwise import equal

    chosen = equal(x, _kept(y, x, axis))
    return _kept(g, x, axis) * chosen / sum_(chosen, axis=axis, keepdims=True)


max_.gradient(_extreme)
min_.gradient(_extreme)


@broadcast_to.gradient
def _broadcast_to(g: Node, y: Node, x: Node, *, shape: Shape) -> Any:
    return sum_to(g, x.shape)


@count.gradient
def _count(g: Node, y: Node, *, shape: Shape, dtype: str) -> Any:
    return ()


argmax.gradient(lambda g, y, x: None)


def sum_to(g: Node, shape: Shape) -> Node:
    """g summed over the axes along which `shape` was broadcast; as it is where none fits."""
    if g.shape == shape:
        return g
    extra = len(g.shape) - len(shape)
    if extra < 0 or any(size not in (1, g.shape[i + extra]) for i, size in enumerate(shape)):
        return g
    leading = tuple(range(extra))
    stretched = tuple(
        i + extra for i, size in enumerate(shape) if size == 1 and g.shape[i + extra] != 1
    )
    summed = sum_(g, axis=leading + stretched, keepdims=True) if leading or stretched else g
    return summed.reshape(shape) if leading else summed


def mean(x: Any, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Node:
    """The mean over axes (all of them by default); rows are counted when the program runs.

    >>> import chainrule as cr
    >>> cr.ops.mean([[1.0, 2.0], [3.0, 6.0]], axis=0).value
    array([2., 4.])
    """
    node = make(x, np.dtype(np.float64), "mean")
    axes = normal_axes("mean", axis, len(node.shape))
    sizes = tuple(node.shape[i] for i in axes)
    check_some("mean", node.shape, axes)
    total = sum_(node, axis=axes, keepdims=keepdims)
    if any(isinstance(size, Rows) for size in sizes):
        return total / count(shape=sizes, dtype=total.dtype)
    return total / math.prod(int(size) for size in sizes if not isinstance(size, Rows))
