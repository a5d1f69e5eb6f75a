"""Operations element by element, with NumPy's broadcasting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.graph.node import Node
from chainrule.graph.operation import Array, builtin, number_type

__all__ = [
    "absolute", "add", "cast", "cos", "divide", "equal", "erf", "exp", "expm1", "flush",
    "greater", "log", "log1p", "masked", "maximum", "minimum", "multiply", "negative", "power",
    "sign", "sin", "sqrt", "stop_gradient", "subtract",
]  # fmt: skip

add = builtin("add", np.add, elementwise=True, doc="x + y, element by element.")
subtract = builtin("subtract", np.subtract, elementwise=True, doc="x - y, element by element.")
multiply = builtin("multiply", np.multiply, elementwise=True, doc="x y, element by element.")
divide = builtin("divide", np.divide, elementwise=True, doc="x / y, element by element.")
negative = builtin("negative", np.negative, elementwise=True, doc="-x, element by element.")
power = builtin(
    "power",
    np.power,
    elementwise=True,
    doc="x^y, element by element; slope 0 at y = 0, and in y at x = 0.",
)
exp = builtin("exp", np.exp, elementwise=True, doc="e^x, element by element.")
expm1 = builtin("expm1", np.expm1, elementwise=True, doc="e^x - 1, precise near 0 too.")
log1p = builtin("log1p", np.log1p, elementwise=True, doc="log(1 + x), precise near 0 too.")
sin = builtin("sin", np.sin, elementwise=True, doc="sin(x) of x in radians.")
cos = builtin("cos", np.cos, elementwise=True, doc="cos(x) of x in radians.")
log = builtin("log", np.log, elementwise=True, doc="The natural logarithm, element by element.")
sqrt = builtin(
    "sqrt",
    np.sqrt,
    elementwise=True,
    doc="The square root, element by element; its slope at 0 is infinite.",
)
absolute = builtin(
    "abs", np.absolute, elementwise=True, doc="|x|, element by element, with slope 0 at 0."
)
sign = builtin(
    "sign",
    np.sign,
    elementwise=True,
    doc="-1, 0 or 1 as x is negative, 0 or positive; flat, so its gradient is 0.",
)
maximum = builtin(
    "maximum",
    np.maximum,
    elementwise=True,
    doc="The larger of x and y; where both are equal, each takes half the gradient.",
)
minimum = builtin(
    "minimum",
    np.minimum,
    elementwise=True,
    doc="The smaller of x and y; where both are equal, each takes half the gradient.",
)
stop_gradient = builtin(
    "stop_gradient",
    np.positive,
    elementwise=True,
    doc="x itself, taken for a constant: nothing is handed down to it.",
)


@builtin("erf", elementwise=True)
def erf(x: Array) -> Array:
    """The error function 2 / sqrt(pi) * (integral of e^(-t^2) from 0 to x)."""
    from scipy.special import erf as error_function

    return np.asarray(error_function(x))


@builtin("masked", elementwise=True)
def masked(x: Array, mask: Array) -> Array:
    """x where the mask is not 0, else exactly 0, though x be infinite or nan there.

    The mask has no gradient: it is taken for a constant.
    """
    return np.asarray(np.where(np.not_equal(mask, 0), x, x.dtype.type(0)))


@builtin("greater", elementwise=True)
def greater(x: Array, y: Array) -> Array:
    """1 where x > y, else 0; flat, so its gradient is 0."""
    return np.asarray(np.greater(x, y), np.result_type(x, y))


@builtin("equal", elementwise=True)
def equal(x: Array, y: Array) -> Array:
    """1 where x = y, else 0; flat, so its gradient is 0."""
    return np.asarray(np.equal(x, y), np.result_type(x, y))


@builtin("flush", elementwise=True)
def flush(x: Array, *, threshold: float = 1e-30) -> Array:
    """x, or 0 where |x| is below the threshold: keeps sums that fade away from denormals."""
    return np.asarray(x * (np.absolute(x) >= threshold))


@builtin(
    "cast",
    shape=lambda shape, *, dtype: shape,
    dtype=lambda _, *, dtype: np.dtype(dtype),
    keeps_type=True,
)
def cast(x: Array, *, dtype: str) -> Array:
    """x in another type of number; whole numbers have no gradient."""
    return x.astype(dtype)


@cast.canonical
def _cast_canonical(_: Any, *, dtype: Any) -> dict[str, str]:
    return {"dtype": number_type("cast", dtype)}


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
    def by_base() -> Node:
        base = x
        if exponent.array is None or not exponent.array.all():
            base = x + equal(exponent, 0.0) * equal(x, 0.0)  # 0 * 1^-1, where 0 * 0^-1 is nan
        return g * exponent * base ** (exponent - 1.0)

    return by_base, lambda: g * y * log(x + equal(x, 0.0))


@exp.gradient
def _exp(g: Node, y: Node, x: Node) -> Any:
    return g * y


@expm1.gradient
def _expm1(g: Node, y: Node, x: Node) -> Any:
    return g * exp(x)  # y + 1 would be 0 where e^x is far below 1


@log1p.gradient
def _log1p(g: Node, y: Node, x: Node) -> Any:
    return g / (1.0 + x)


@sin.gradient
def _sin(g: Node, y: Node, x: Node) -> Any:
    return g * cos(x)


@cos.gradient
def _cos(g: Node, y: Node, x: Node) -> Any:
    return -g * sin(x)


@erf.gradient
def _erf(g: Node, y: Node, x: Node) -> Any:
    return g * (2.0 / math.sqrt(math.pi)) * exp(-(x * x))


@masked.gradient
def _masked(g: Node, y: Node, x: Node, mask: Node) -> Any:
    return masked(g, mask), None


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
    floats = np.dtype(dtype).kind == "f" and x.dtype.kind == "f"
    return (lambda: cast(g, dtype=x.dtype)) if floats else None  # steps are flat


for _flat in (sign, greater, equal, stop_gradient):
    _flat.gradient(lambda g, y, *operands: (None,) * len(operands))
