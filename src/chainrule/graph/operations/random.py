"""Random operations: what they draw depends on seed, stream, step and position alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import random
from chainrule.errors import SettingError, ShapeError
from chainrule.graph.node import Node
from chainrule.graph.operation import Array, Operation, builtin, number_type
from chainrule.graph.shape import Shape, as_shape

__all__ = ["dropout_mask", "random_normal", "random_uniform"]


def _drawn(name: str) -> Callable[[Callable[..., Array]], Operation]:
    """Registers an operation of seed and step whose result has the attributes' shape and type."""

    def shape_of(seed: Shape, step: Shape, *, shape: Shape, **_: Any) -> Shape:
        if seed or step:
            message = f"{name}: seed and step must be numbers, got shapes {seed} and {step}."
            raise ShapeError(message)
        return shape

    def type_of(seed: Any, step: Any, *, dtype: str, **_: Any) -> np.dtype[Any]:
        return np.dtype(dtype)

    return builtin(name, shape=shape_of, dtype=type_of, integers=(0, 1))


@_drawn("dropout_mask")
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


@_drawn("random_uniform")
def random_uniform(
    seed: Array, step: Array, *, shape: tuple[int, ...], stream: int, dtype: str
) -> Array:
    """Numbers spread evenly over [0, 1), each a multiple of 2**-23 (Philox 4x32-10).

    Number i, in C order, is made of word i of the stream, so that a row draws the same in a batch
    of any size; float32 and float64 draw the same numbers.
    """
    return random.uniform_numbers(int(seed), stream, int(step), shape, np.dtype(dtype))


@_drawn("random_normal")
def random_normal(
    seed: Array, step: Array, *, shape: tuple[int, ...], stream: int, dtype: str
) -> Array:
    """Standard normal numbers, within 6.4 deviations: the quantiles of 32-bit shares (AS 241).

    Number i, in C order, is made of word i of the stream in float64, then rounded to the type.
    """
    return random.normal_numbers(int(seed), stream, int(step), shape, np.dtype(dtype))


def _canonical(drawn: Operation) -> None:
    @drawn.canonical
    def _(
        seed: Shape, step: Shape, *, shape: Shape, stream: int = 0, dtype: Any = "float64"
    ) -> dict[str, Any]:
        kind = number_type(drawn.name, dtype)
        if kind not in ("float32", "float64"):
            message = f"{drawn.name}: dtype must be 'float32' or 'float64', got {kind!r}."
            raise SettingError(message)
        shape = as_shape(drawn.name, shape)
        return {"shape": shape, "stream": int(stream), "dtype": kind}


_canonical(random_uniform)
_canonical(random_normal)


@dropout_mask.gradient
@random_uniform.gradient
@random_normal.gradient
def _none(g: Node, y: Node, seed: Node, step: Node, **_: Any) -> Any:
    return None, None
