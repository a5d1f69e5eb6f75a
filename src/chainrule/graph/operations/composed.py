"""What is composed of operations: no rule and no kernel of its own, native like its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.graph.node import Node, make
from chainrule.graph.operations.elementwise import (
    absolute,
    add,
    cast,
    equal,
    greater,
    masked,
    maximum,
    minimum,
    sqrt,
    stop_gradient,
)
from chainrule.graph.operations.reduction import check_some, max_, sum_
from chainrule.graph.shape import broadcast, normal_axes

__all__ = ["clip", "greater_equal", "norm", "where"]


def _nodes(name: str, *operands: Any) -> tuple[Node, ...]:
    """A node for each operand, of one type of numbers; `name` opens the sentence of an error."""
    for operand in operands:
        make(operand, None, name)
    return add.as_nodes(operands)


def greater_equal(x: Any, y: Any) -> Node:
    """1 where x >= y, else 0 (nan too); flat, so its gradient is 0.

    >>> import chainrule as cr
    >>> cr.ops.greater_equal([1.0, 2.0, 3.0], 2.0).value
    array([0., 1., 1.])
    """
    x, y = _nodes("greater_equal", x, y)
    return greater(x, y) + equal(x, y)


def where(condition: Any, a: Any, b: Any) -> Node:
    """a where the condition is not 0, else b, though the other be infinite or nan.

    condition
        Any numbers or truths; like NumPy, what is not 0 is true, nan too. It has no gradient.
    a, b
        Nodes, arrays or numbers; the three shapes broadcast.

    >>> import chainrule as cr
    >>> cr.ops.where([True, False], [1.0, float("inf")], 5.0).value
    array([1., 5.])
    """
    a, b = _nodes("where", a, b)
    false = equal(make(condition, None, "where"), 0.0)
    wide = np.result_type(a.dtype, b.dtype)
    if false.dtype != wide:
        false = cast(false, dtype=wide)
    return masked(a, 1.0 - false) + masked(b, false)


def clip(x: Any, low: Any, high: Any) -> Node:
    """x, or the bound that it is beyond: min(max(x, low), high).

    Its slope is 1 between the bounds, 0 beyond them and one half at a bound, as `maximum` and
    `minimum` share it.

    low, high
        Nodes, arrays or numbers; low may not be above high.

    >>> import chainrule as cr
    >>> cr.ops.clip([-2.0, 0.5, 7.0], 0.0, 1.0).value
    array([0. , 0.5, 1. ])
    """
    x, low, high = _nodes("clip", x, low, high)
    broadcast("clip", x.shape, low.shape, high.shape)
    if low.array is not None and high.array is not None and np.any(low.array > high.array):
        message = f"clip: low must not be above high, got {low.value} and {high.value}."
        raise SettingError(message)
    return minimum(maximum(x, low), high)


def norm(
    x: Any, p: Any = 2, axis: int | Iterable[int] | None = None, keepdims: bool = False
) -> Node:
    """The p-norm (sum |x|^p)^(1/p) over axes (all of them by default); slope 0 at 0, never nan.

    p
        From 1 to infinity; infinity gives the largest |x|.

    It is computed as m * norm(x / m) with m = max |x|, which neither overflows nor vanishes.

    >>> import chainrule as cr
    >>> x = cr.variable([3.0, -4.0])
    >>> cr.ops.norm(x).value, cr.ops.norm(x, p=1).value, cr.ops.norm(x, p=float("inf")).value
    (5.0, 7.0, 4.0)
    >>> cr.grad(cr.ops.norm(x), x).value
    array([ 0.6, -0.8])
    """
    number = isinstance(p, int | float | np.integer | np.floating) and not isinstance(p, bool)
    if not number or not p >= 1:
        message = f"norm: p must be a number from 1 to infinity, got {p!r}."
        raise SettingError(message)
    size = absolute(*_nodes("norm", x))
    axes = normal_axes("norm", axis, len(size.shape))
    check_some("norm", size.shape, axes)
    if p == 1:
        return sum_(size, axis=axes, keepdims=keepdims)
    if p == math.inf:
        return max_(size, axis=axes, keepdims=keepdims)
    largest = stop_gradient(max_(size, axis=axes, keepdims=True))
    # the norm does not depend on what it is scaled by: that is a constant
    scale = minimum(largest, float(np.finfo(size.dtype).max)) + equal(largest, 0.0)
    share = size / scale
    none = equal(share, 0.0)
    powers = share * share if p == 2 else masked((share + none) ** float(p), 1.0 - none)
    total = sum_(powers, axis=axes, keepdims=True)
    empty = equal(total, 0.0)
    root = sqrt(total + empty) if p == 2 else (total + empty) ** (1.0 / p)
    result = scale * masked(root, 1.0 - empty)
    shape = tuple(n for i, n in enumerate(result.shape) if keepdims or i not in axes)
    return result if keepdims else result.reshape(shape)
