"""Random operations: what they draw depends on seed, stream, step and position alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import random
from chainrule.errors import SettingError, ShapeError
from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin, number_type
from chainrule.graph.shape import Shape, as_shape

__all__ = ["dropout_mask"]


def _mask_shape(
    seed: Shape, step: Shape, *, shape: Shape, rate: float, stream: int, dtype: str
) -> Shape:
    if seed or step:
        message = f"dropout_mask: seed and step must be numbers, got shapes {seed} and {step}."
        raise ShapeError(message)
    return shape


@builtin(
    "dropout_mask",
    shape=_mask_shape,
    dtype=lambda seed, step, *, shape, rate, stream, dtype: np.dtype(dtype),
    integers=(0, 1),
)
def dropout_mask(
    seed: Array, step: Array, *, shape: tuple[int, ...], rate: float, stream: int, dtype: str
) -> Array:
    """0 with probability `rate`, else 1 / (1 - rate), so that the mean is 1 (Philox 4x32-10).

    The key is the seed, the stream the operation's number in its graph, the counter the step and
    the element's position: the same mask on every engine and in any order of work.
    """
    return random.dropout_mask(int(seed), stream, int(step), shape, rate, np.dtype(dtype))


@dropout_mask.canonical
def _dropout_canonical(
    seed: Shape,
    step: Shape,
    *,
    shape: Shape,
    rate: float,
    stream: int = 0,
    dtype: Any = "float64",
) -> dict[str, Any]:
    if not 0 <= rate < 1:
        message = f"dropout_mask: rate must be from 0 to below 1, got {rate}."
        raise SettingError(message)
    return {
        "shape": as_shape("dropout_mask", shape),
        "rate": float(rate),
        "stream": int(stream),
        "dtype": number_type("dropout_mask", dtype),
    }


@dropout_mask.gradient
def _dropout_mask(g: Node, y: Node, seed: Node, step: Node, **_: Any) -> Any:
    return None, None
