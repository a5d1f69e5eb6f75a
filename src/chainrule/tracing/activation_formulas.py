"""Activations as formulas: what each gives, and its slope."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    evaluate,
    minus,
    product,
)

__all__ = [
    "activation_formula", "activation_slope", "learned_below", "parametric_relu",
    "parametric_slope",
]  # fmt: skip

MOST_EXPONENT = 80.0
"""Exponents beyond which a formula with powers of e might overflow."""
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
CALLED = ("relu", "sigmoid", "softplus", "softsign", "tanh")

ZERO, ONE, TWO = Number(0), Number(1), Number(2)

Settings = Mapping[str, float]


def activation_formula(name: str | None, settings: Settings, z: Expression) -> Expression | None:
    """What an activation makes of a number; None where no formula says it.

    settings
        Of an activation that has some: the negative slope of a leaky ReLU ...
    """
    if name in CALLED:
        return Call(str(name), (z,))
    match name:
        case "exponential":
            return Call("exp", (z,))
        case "binary_step":
            return Call("from_zero", (z,))
        case "relu6":
            return _limited(z)
        case "hard_sigmoid":
            return Quotient(_limited(Sum((z, Number(3)))), Number(6))
        case "leaky_relu":
            return Sum((_above(z), _times(settings["negative_slope"], _below(z))))
        case "elu":
            return Sum((_above(z), _times(settings["alpha"], minus(_bounded_power(z), ONE))))
        case "selu":
            bent = _times(SELU_ALPHA, minus(_bounded_power(z), ONE))
            return Product((Number(SELU_SCALE), Sum((_above(z), bent))))
        case "gelu" if settings["approximate"]:
            return Product((z, _half_of(Sum((ONE, _bent(z))))))
        case "gelu":
            return Product((z, Call("Φ", (z,))))
        case "silu" | "swish":
            return Product((z, Call("sigmoid", (z,))))
        case "mish":
            return Product((z, _soft_tanh(z)))
        case "smht" if _is_finite(settings, z):
            return Quotient(*_smht_sides(settings, z))
    return None


def activation_slope(
    name: str | None, settings: Settings, a: Symbol, z: Expression
) -> Expression | None:
    """The derivative of an activation, in what it gives or is given; None where not spelled."""
    match name:
        case "linear" | None:
            return ONE
        case "binary_step":
            return ZERO
        case "sigmoid":
            return Product((a, minus(ONE, a)))
        case "tanh":
            return minus(ONE, Power(a, TWO))
        case "softplus":
            return Call("sigmoid", (z,))
        case "softsign":
            return Quotient(ONE, Power(Sum((ONE, Call("abs", (z,)))), TWO))
        case "exponential":
            return a
    return _slope_of_pieces(name, settings, z) or _slope_of_product(name, settings, a, z)


def _slope_of_pieces(name: str | None, settings: Settings, z: Expression) -> Expression | None:
    """The slope of an activation that is made of pieces."""
    above, upto = Call("holds", (z,)), Call("upto_zero", (z,))
    match name:
        case "relu":
            return above
        case "relu6":
            return Call("between", (ZERO, z, Number(6)))
        case "hard_sigmoid":
            return Quotient(Call("between", (Number(-3), z, Number(3))), Number(6))
        case "leaky_relu":
            return Sum((above, _times(settings["negative_slope"], upto)))
        case "elu":
            return Sum((above, _times(settings["alpha"], _bounded_power(z), upto)))
        case "selu":
            below = Product((Number(SELU_ALPHA), _bounded_power(z), upto))
            return Product((Number(SELU_SCALE), Sum((above, below))))
    return None


def _slope_of_product(
    name: str | None, settings: Settings, a: Symbol, z: Expression
) -> Expression | None:
    """The slope of a number times what is made of it, or of a quotient."""
    gate = Call("sigmoid", (z,))
    match name:
        case "gelu" if settings["approximate"]:
            changed = Product((minus(ONE, Power(_bent(z), TWO)), Call("u'", (z,))))
            return Sum((_half_of(Sum((ONE, _bent(z)))), _half_of(Product((z, changed)))))
        case "gelu":
            return Sum((Call("Φ", (z,)), Product((z, Call("φ", (z,))))))
        case "silu" | "swish":
            return Product((gate, Sum((ONE, Product((z, minus(ONE, gate)))))))
        case "mish":
            changed = Product((z, gate, minus(ONE, Power(_soft_tanh(z), TWO))))
            return Sum((_soft_tanh(z), changed))
        case "smht" if _is_finite(settings, z):
            return _smht_slope(settings, a, z)
    return None


def learned_below(x: Symbol) -> Expression:
    """min(x, 0): what the slope below 0 is multiplied with."""
    return _below(x)


def parametric_relu(x: Symbol, alpha: Symbol) -> Expression:
    """max(x, 0) + alpha min(x, 0)"""
    return Sum((_above(x), Product((alpha, _below(x)))))


def parametric_slope(x: Symbol, alpha: Symbol) -> Expression:
    """[x > 0] + alpha [x < 0]"""
    return Sum((Call("holds", (x,)), Product((alpha, Call("holds", (Negative(x),))))))


def _above(z: Expression) -> Expression:
    return Call("maximum", (z, ZERO))


def _below(z: Expression) -> Expression:
    return Call("minimum", (z, ZERO))


def _limited(z: Expression) -> Expression:
    """min(max(z, 0), 6)"""
    return Call("minimum", (_above(z), Number(6)))


def _bounded_power(z: Expression) -> Expression:
    """e^min(z, 0)"""
    return Call("exp", (_below(z),))


def _times(factor: float, *others: Expression) -> Expression:
    return product(Number(factor), *others)


def _half_of(one: Expression) -> Expression:
    return Quotient(one, TWO)


def _bent(z: Expression) -> Expression:
    """tanh(u(z)), of the approximate GELU."""
    return Call("tanh", (Call("u", (z,)),))


def _soft_tanh(z: Expression) -> Expression:
    return Call("tanh", (Call("softplus", (z,)),))


def _is_finite(settings: Settings, z: Expression) -> bool:
    largest = max(abs(float(settings[name])) for name in ("a", "b", "c", "d"))
    return bool(np.abs(evaluate(z)) * max(largest, 1.0) <= MOST_EXPONENT)


def _power_of(factor: float, z: Expression) -> Expression:
    """e^(factor z)"""
    if factor == -1:
        return Call("exp", (Negative(z),))
    return Call("exp", (_times(factor, z),))


def _smht_sides(settings: Settings, z: Expression) -> tuple[Expression, Expression]:
    """e^(a z) - e^(-b z) and e^(c z) + e^(-d z)"""
    a, b, c, d = (float(settings[name]) for name in ("a", "b", "c", "d"))
    top = minus(_power_of(a, z), _power_of(-b, z))
    return top, Sum((_power_of(c, z), _power_of(-d, z)))


def _smht_slope(settings: Settings, f: Symbol, z: Expression) -> Expression:
    """(a e^(a z) + b e^(-b z) - f (c e^(c z) - d e^(-d z))) / (e^(c z) + e^(-d z))"""
    a, b, c, d = (float(settings[name]) for name in ("a", "b", "c", "d"))
    bottom = _smht_sides(settings, z)[1]
    own = (_times(a, _power_of(a, z)), _times(b, _power_of(-b, z)))
    other = minus(_times(c, _power_of(c, z)), _times(d, _power_of(-d, z)))
    return Quotient(Sum((*own, Negative(Product((f, other))))), bottom)
