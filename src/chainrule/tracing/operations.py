"""Operations of the graph as formulas: what each makes of its operands, and its local slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.graph import Node
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Symbol,
    minus,
    product,
    total,
)

__all__ = ["DRAWN", "formula_of", "rule_formula", "slope_formula"]

DRAWN = ("dropout_mask", "random_normal", "random_uniform")
"""Operations that draw numbers, each step others."""

SAME = ("flush", "cast", "reshape", "broadcast_to")
"""Operations that give the numbers that they are given."""
CALLED = (
    "cos", "exp", "expm1", "log", "log1p", "matmul", "maximum", "minimum", "relu", "sigmoid",
    "sign", "sin", "softplus", "sqrt", "tanh", "leaky_relu",
)  # fmt: skip


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
        case "sum":
            axes = {"axis": tuple(attributes["axis"]), "keepdims": attributes["keepdims"]}
            return Call("flat_sum", tuple(operands), tuple(axes.items()))
    if operation in SAME and operation != "broadcast_to":
        return operands[0] if operation != "reshape" else None
    if operation in CALLED:
        return Call(operation, tuple(operands), tuple(attributes.items()))
    return None


def _multiplied(left: Expression, right: Expression) -> Expression:
    """A product; a number of the formula stands first, and of equals a square."""
    if isinstance(left, Symbol) and isinstance(right, Symbol) and _is_same(left, right):
        return Power(left, Number(2))
    if _rank(right) < _rank(left):
        left, right = right, left
    return Product((left, right))


def _is_same(left: Symbol, right: Symbol) -> bool:
    return left is right or (left.name == right.name and not left.head and left.by is None)


def _rank(one: Expression) -> int:
    """Which factor stands first: numbers, then names, then what is derived of names."""
    if isinstance(one, Number):
        return 0
    plain = isinstance(one, Symbol) and one.by is None and not one.head and not one.mark
    return 1 if plain else 2


def slope_formula(
    operation: str, place: int, operands: Sequence[Expression], result: Symbol
) -> Expression | None:
    """The local derivative of an operation element by element; None where it is not spelled."""
    x = operands[place]
    other = operands[1 - place] if len(operands) == 2 else x
    match operation:
        case "add" | "flush" | "cast":
            return Number(1.0)
        case "subtract":
            return Number(1.0 if place == 0 else -1.0)
        case "negative":
            return Number(-1.0)
        case "multiply":
            return other
        case "divide":
            top, bottom = operands
            if place == 0:
                return Quotient(Number(1), bottom)
            return Negative(Quotient(top, Power(bottom, Number(2))))
        case "power" if place == 0:
            return product(other, Power(x, minus(other, Number(1))))
        case "squared_error":
            return Product((Number(2), minus(x, other)))
        case "sigmoid_cross_entropy" if place == 0:
            return minus(Call("sigmoid", (x,)), other)
    return _function_slope(operation, x, result)


def _function_slope(operation: str, x: Expression, result: Symbol) -> Expression | None:
    match operation:
        case "sigmoid":
            return Product((result, minus(Number(1), result)))
        case "tanh":
            return minus(Number(1), Power(result, Number(2)))
        case "relu":
            return Call("holds", (x,))
        case "exp":
            return result
        case "log":
            return Quotient(Number(1), x)
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
