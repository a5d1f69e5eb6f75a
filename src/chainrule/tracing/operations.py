"""Operations of the graph as formulas: what each makes of its operands, and its local slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.tracing.activation_formulas import activation_formula, activation_slope
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
    minus,
    product,
    total,
)

__all__ = [
    "DRAWN", "IN_PIECES", "MOVING", "formula_of", "rule_formula", "slope_formula", "together",
]  # fmt: skip

DRAWN = ("dropout_mask", "random_normal", "random_uniform")
"""Operations that draw numbers, each step others."""

SAME = ("flush", "cast", "reshape", "broadcast_to")
"""Operations that give the numbers that they are given."""
MOVING = (
    *SAME, "add", "concatenate", "divide", "gather", "masked", "matmul", "max", "min", "multiply",
    "narrow", "power", "stop_gradient", "subtract", "sum",
)  # fmt: skip
"""Operations that may hand on what they are given, whatever it is: a sum of one, a number times 1.

A relu does so at some numbers only.
"""
CALLED = (
    "cos", "exp", "expm1", "log", "log1p", "log_softmax", "matmul", "maximum", "minimum", "relu",
    "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "stop_gradient", "tanh",
)  # fmt: skip
IN_PIECES = ("elu", "leaky_relu")
"""Activations with a setting, whose formula has a piece above 0 and one below."""


def formula_of(
    operation: str, operands: Sequence[Expression], attributes: Mapping[str, Any]
) -> Expression | None:
    """The formula of an operation; None where it is not spelled."""
    match operation:
        case "add":
            return total(operands)
        case "subtract":
            return minus(*operands)
        case "multiply":
            return _multiplied(*operands)
        case "divide":
            return Quotient(*operands)
        case "negative":
            return Negative(operands[0])
        case "power":
            return Power(*operands)
        case "absolute" | "abs":
            return Call("abs", tuple(operands))
        case "squared_error":
            return Power(minus(*operands), Number(2))
        case "absolute_error":
            return Call("abs", (minus(*operands),))
        case "sigmoid_cross_entropy":
            return Call("cross_entropy", tuple(operands))
        case "transpose" if attributes["axes"] == (1, 0):
            return Call("transposed", tuple(operands))
        case "sum":
            axes = {"axis": tuple(attributes["axis"]), "keepdims": attributes["keepdims"]}
            return Call("flat_sum", tuple(operands), tuple(axes.items()))
    if operation in SAME and operation != "broadcast_to":
        return operands[0] if operation != "reshape" else None
    if operation in IN_PIECES:
        return activation_formula(operation, attributes, operands[0])
    if operation in CALLED:
        return Call(operation, tuple(operands), tuple(attributes.items()))
    return None


def _multiplied(left: Expression, right: Expression) -> Expression:
    """A product; a number of the formula stands first, and of equals a square."""
    if isinstance(left, Symbol) and isinstance(right, Symbol) and _is_same(left, right):
        return Power(left, Number(2))
    if isinstance(left, Product) and left.factors[-1] is right:
        return Product((*left.factors[:-1], Power(right, Number(2))))
    if _rank(right) < _rank(left):
        left, right = right, left
    return Product((left, right))


def _is_same(left: Symbol, right: Symbol) -> bool:
    if np.shape(left.value) != np.shape(right.value):
        return False
    return left is right or (left.name == right.name and not left.head and left.by is None)


def _rank(one: Expression) -> int:
    """Which factor stands first: numbers, then names, then what is derived of names."""
    if isinstance(one, Number):
        return 0
    plain = isinstance(one, Symbol) and one.by is None and not one.head and not one.mark
    return 1 if plain else 2


def slope_formula(
    operation: str, place: int, operands: Sequence[Expression], result: Symbol,
    attributes: Mapping[str, Any],
) -> Expression | None:  # fmt: skip
    """The local derivative of an operation element by element; None where it is not spelled."""
    x = operands[place]
    if len(operands) == 2:
        return _slope_of_two(operation, place, x, operands[1 - place])
    match operation:
        case "flush" | "cast":
            return Number(1.0)
        case "negative":
            return Number(-1.0)
        case "elu" | "leaky_relu":
            return activation_slope(operation, attributes, result, x)
    return _function_slope(operation, x, result)


def _slope_of_two(
    operation: str, place: int, x: Expression, other: Expression
) -> Expression | None:
    """The local derivative by x, which stands at a place beside the other operand."""
    match operation:
        case "add":
            return Number(1.0)
        case "subtract":
            return Number(1.0 if place == 0 else -1.0)
        case "multiply":
            return other
        case "divide" if place == 0:
            return Quotient(Number(1), other)
        case "divide":
            return Negative(Quotient(other, Power(x, Number(2))))
        case "power" if place == 0:
            return _power_slope(x, other)
        case "power":
            return Product((Power(other, x), Call("log", (other,))))
        case "maximum":
            return Call("exceeds", (x, other))
        case "minimum":
            return Call("exceeds", (other, x))
        case "squared_error":
            return Product((Number(2), minus(x, other)))
        case "absolute_error":
            return Call("sign", (minus(x, other),))
        case "sigmoid_cross_entropy":
            return minus(Call("sigmoid", (x,)), other) if place == 0 else Negative(other)
    return None


def _power_slope(x: Expression, exponent: Expression) -> Expression:
    """The slope of x to a power; of a number of the formula the next lower one is written."""
    if not isinstance(exponent, Number):
        return Product((exponent, Power(x, minus(exponent, Number(1)))))
    lower = float(exponent.value) - 1
    return product(exponent, x if lower == 1 else Power(x, Number(lower)))


def together(slopes: Sequence[Expression]) -> Expression:
    """The sum of local derivatives; equal names are counted: 2·w, not w + w."""
    first = slopes[0]
    alike = isinstance(first, Symbol) and all(
        isinstance(one, Symbol) and _is_same(first, one) for one in slopes
    )
    if alike and len(slopes) > 1:
        return Product((Number(len(slopes)), first))
    return total(slopes)


def _function_slope(operation: str, x: Expression, result: Symbol) -> Expression | None:
    match operation:
        case "sigmoid":
            return Product((result, minus(Number(1), result)))
        case "tanh":
            return minus(Number(1), Power(result, Number(2)))
        case "relu":
            return Call("holds", (x,))
        case "abs":
            return Call("sign", (x,))
        case "exp":
            return result
        case "expm1":
            return Call("exp", (x,))
        case "log":
            return Quotient(Number(1), x)
        case "log1p":
            return Quotient(Number(1), Sum((Number(1), x)))
        case "sqrt":
            return Quotient(Number(1), Product((Number(2), result)))
        case "softplus":
            return Call("sigmoid", (x,))
        case "sin":
            return Call("cos", (x,))
        case "cos":
            return Negative(Call("sin", (x,)))
    return None


def rule_formula(node: Node, known: Mapping[int, Expression]) -> Expression | None:
    """The formula of a node of an optimizer's rule, down to what is known by node number."""
    if node.number in known:
        return known[node.number]
    if node.operation is None:
        return Number(float(node.value))
    operands = [rule_formula(one, known) for one in node.operands]
    held = [one for one in operands if one is not None]
    if len(held) < len(operands):
        return None
    return formula_of(node.operation.name, held, node.attributes)
