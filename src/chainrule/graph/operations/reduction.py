"""Operations that take axes away, or bring them back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.node import Node, make
from chainrule.graph.operation import Array, builtin, same
from chainrule.graph.shape import Rows, Shape, broadcast, normal_axes

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
    return np.asarray(np.add.reduce(x, axis=axis, keepdims=keepdims))


@builtin("max", shape=_reduced)
def max_(x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The largest over axes; where several are largest, they share the gradient evenly."""
    return np.asarray(np.maximum.reduce(x, axis=axis, keepdims=keepdims))


@builtin("min", shape=_reduced)
def min_(x: Array, *, axis: tuple[int, ...], keepdims: bool) -> Array:
    """The smallest over axes; where several are smallest, they share the gradient evenly."""
    return np.asarray(np.minimum.reduce(x, axis=axis, keepdims=keepdims))


@builtin("broadcast_to", shape=lambda _, *, shape: shape, view=True)
def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """x repeated along axes to a shape, by NumPy's rules."""
    return np.broadcast_to(x, shape)


@builtin("count", shape=lambda *, shape, dtype: (), dtype=lambda *, shape, dtype: np.dtype(dtype))
def count(*, shape: tuple[int, ...], dtype: str) -> Array:
    """The number of elements of a shape; rows count as many as a program is given."""
    return np.asarray(math.prod(shape), dtype)


@builtin("argmax", shape=lambda shape: shape[:-1], dtype=lambda _: np.dtype(np.int32))
def argmax(x: Array) -> Array:
    """The position of the largest along the last axis (the first of several); no gradient."""
    return np.argmax(x, axis=-1).astype(np.int32)


for _reduction in (sum_, max_, min_):
    _reduction.canonical(_axes(_reduction.name))


@broadcast_to.canonical
def _broadcast_canonical(given: Shape, *, shape: Shape) -> dict[str, Shape]:
    shape = tuple(shape)
    if broadcast("broadcast_to", given, shape) != shape:
        message = f"broadcast_to: {given} does not broadcast to {shape}."
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
    """g summed over the axes along which `shape` was broadcast."""
    if g.shape == shape:
        return g
    extra = len(g.shape) - len(shape)
    leading = tuple(range(extra))
    stretched = tuple(
        i + extra for i, size in enumerate(shape) if size == 1 and g.shape[i + extra] != 1
    )
    summed = sum_(g, axis=leading + stretched, keepdims=True) if leading or stretched else g
    return summed.reshape(shape) if leading else summed


def mean(
    x: Any, axis: int | Iterable[int] | None = None, keepdims: bool = False
) -> Node:
    """The mean over axes (all of them by default); rows are counted when the program runs.

    >>> import chainrule as cr
    >>> cr.ops.mean([[1.0, 2.0], [3.0, 6.0]], axis=0).value
    array([2., 4.])
    """
    node = make(x, np.dtype(np.float64), "mean")
    axes = normal_axes("mean", axis, len(node.shape))
    sizes = tuple(node.shape[i] for i in axes)
    total = sum_(node, axis=axes, keepdims=keepdims)
    if any(isinstance(size, Rows) for size in sizes):
        return total / count(shape=sizes, dtype=node.dtype.name)
    if 0 in sizes:
        message = f"mean: axis {axis} of shape {node.shape} has no elements; give at least one."
        raise ShapeError(message)
    return total / math.prod(int(size) for size in sizes if not isinstance(size, Rows))
