"""Operations element by element, with NumPy's broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin, same

__all__ = [
    "absolute", "add", "cast", "divide", "equal", "exp", "flush", "greater", "log", "maximum",
    "minimum", "multiply", "negative", "power", "sign", "sqrt", "subtract",
]  # fmt: skip

add = builtin("add", np.add, shape=same, elementwise=True)
subtract = builtin("subtract", np.subtract, shape=same, elementwise=True)
multiply = builtin("multiply", np.multiply, shape=same, elementwise=True)
divide = builtin("divide", np.divide, shape=same, elementwise=True)
negative = builtin("negative", np.negative, shape=same, elementwise=True)
power = builtin("power", np.power, shape=same, elementwise=True)
exp = builtin("exp", np.exp, shape=same, elementwise=True)
log = builtin("log", np.log, shape=same, elementwise=True)
sqrt = builtin("sqrt", np.sqrt, shape=same, elementwise=True)
absolute = builtin("abs", np.absolute, shape=same, elementwise=True)
sign = builtin("sign", np.sign, shape=same, elementwise=True)
maximum = builtin("maximum", np.maximum, shape=same, elementwise=True)
minimum = builtin("minimum", np.minimum, shape=same, elementwise=True)


@builtin("greater", shape=same, elementwise=True)
def greater(x: Array, y: Array) -> Array:
    """1 where x > y, else 0; flat, so it has no gradient."""
    return np.asarray(np.greater(x, y), np.result_type(x, y))


@builtin("equal", shape=same, elementwise=True)
def equal(x: Array, y: Array) -> Array:
    """1 where x = y, else 0; flat, so it has no gradient."""
    return np.asarray(np.equal(x, y), np.result_type(x, y))


@builtin("flush", shape=same, elementwise=True)
def flush(x: Array, *, threshold: float = 1e-30) -> Array:
    """x, or 0 where |x| is below the threshold: keeps sums that fade away from denormals."""
    return x * (np.absolute(x) >= threshold)


@builtin("cast", shape=same, dtype=lambda _, *, dtype: np.dtype(dtype), integers=(0,))
def cast(x: Array, *, dtype: str) -> Array:
    """x in another type of number; whole numbers have no gradient."""
    return x.astype(dtype)


@cast.canonical
def _cast_canonical(_: Any, *, dtype: Any) -> dict[str, str]:
    return {"dtype": np.dtype(dtype).name}


@add.gradient
def _add(g: Node, y: Node, a: Node, b: Node) -> Any:
    return g, g


@subtract.gradient
def _subtract(g: Node, y: Node, a: Node, b: Node) -> Any:
    return g, lambda: -g


@multiply.gradient
def _multiply(g: Node, y: Node, a: Node, b: Node) -> Any:
    return lambda: g * b, lambda: g * a


@divide.gradient
def _divide(g: Node, y: Node, a: Node, b: Node) -> Any:
    return lambda: g / b, lambda: -g * y / b


@negative.gradient
def _negative(g: Node, y: Node, x: Node) -> Any:
    return -g


@power.gradient
def _power(g: Node, y: Node, x: Node, exponent: Node) -> Any:
    return lambda: g * exponent * x ** (exponent - 1.0), lambda: g * y * log(x)


@exp.gradient
def _exp(g: Node, y: Node, x: Node) -> Any:
    return g * y


@log.gradient
def _log(g: Node, y: Node, x: Node) -> Any:
    return g / x


@sqrt.gradient
def _sqrt(g: Node, y: Node, x: Node) -> Any:
    return g * 0.5 / y


@absolute.gradient
def _absolute(g: Node, y: Node, x: Node) -> Any:
    """|x|' is sign(x): 0 at 0."""
    return g * sign(x)


def _share(g: Node, y: Node, x: Node) -> Node:
    return g * equal(x, y)


@maximum.gradient
def _maximum(g: Node, y: Node, a: Node, b: Node) -> Any:
    """Where both are equal, each takes half."""
    half = 1.0 - 0.5 * equal(a, b)
    return lambda: _share(g, y, a) * half, lambda: _share(g, y, b) * half


@minimum.gradient
def _minimum(g: Node, y: Node, a: Node, b: Node) -> Any:
    """Where both are equal, each takes half."""
    half = 1.0 - 0.5 * equal(a, b)
    return lambda: _share(g, y, a) * half, lambda: _share(g, y, b) * half


@flush.gradient
def _flush(g: Node, y: Node, x: Node, *, threshold: float) -> Any:
    return g * (1.0 - equal(y, 0.0))


@cast.gradient
def _cast(g: Node, y: Node, x: Node, *, dtype: str) -> Any:
    return (lambda: cast(g, dtype=x.dtype)) if x.dtype.kind == "f" else None


for _flat in (sign, greater, equal):
    _flat.gradient(lambda g, y, *operands: (None,) * len(operands))
