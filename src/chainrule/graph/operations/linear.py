"""The matrix product."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import ShapeError
from chainrule.graph.node import Node
from chainrule.graph.operation import builtin
from chainrule.graph.operations.shaping import transpose
from chainrule.graph.shape import Shape, broadcast, reshaped

__all__ = ["matmul"]


def _product_shape(left: Shape, right: Shape) -> Shape:
    if len(left) < 2 or len(right) < 2:
        message = f"matmul: needs two axes or more on each side, got shapes {left} and {right}."
        raise ShapeError(message)
    if left[-1] != right[-2]:
        message = (
            f"matmul: {left[-1]} columns on the left, {right[-2]} rows on the right "
            f"(shapes {left} and {right})."
        )
        raise ShapeError(message)
    return (*broadcast("matmul", left[:-2], right[:-2]), left[-2], right[-1])


matmul = builtin(
    "matmul",
    np.matmul,
    shape=_product_shape,
    doc="""The matrix product a @ b, over leading axes that broadcast.""",
)


def _flat(x: Node) -> Node:
    """Leading axes as more rows of one matrix."""
    return x.reshape((*reshaped(x.shape[:-1], (-1,)), x.shape[-1]))


def _swapped(x: Node) -> Node:
    axes = len(x.shape)
    return transpose(x, axes=(*range(axes - 2), axes - 1, axes - 2))


@matmul.gradient
def _matmul(g: Node, y: Node, a: Node, b: Node) -> Any:
    if len(b.shape) == 2 and len(a.shape) > 2:
        # shared weights: leading axes are more rows of one product, not a sum of many
        return lambda: matmul(g, _swapped(b)), lambda: matmul(_swapped(_flat(a)), _flat(g))
    return lambda: matmul(g, _swapped(b)), lambda: matmul(_swapped(a), g)
