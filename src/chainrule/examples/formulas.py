"""Formulas as people write them, `sigmoid(w1 * x + b1)`, made into nodes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from chainrule.errors import SettingError, nearest
from chainrule.graph import Node, ops

__all__ = ["node_of"]

OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.MatMult: lambda a, b: a @ b,
}

COMMON = (
    "abs", "clip", "cos", "elu", "erf", "exp", "leaky_relu", "log", "max", "maximum", "mean", "min",
    "minimum", "norm", "relu", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "sum",
    "tanh",
)  # fmt: skip
"""Operations that a sentence names; every other one of `chainrule.ops` may stand there too."""


def node_of(formula: str, known: Mapping[str, Node], where: str) -> Any:
    """The node of a formula: + - * / ** @, parentheses, numbers, names, operations by name.

    known
        The names that may stand in it.
    where
        What sentences call it.

    Nothing of it is run as Python. Raises `SettingError` for what is not such a formula.

    >>> import chainrule as cr
    >>> node_of("tanh(2 * x) ** 2", {"x": cr.variable(0.5)}, "f").value.__round__(6)
    0.580026
    """
    if not isinstance(formula, str):
        message = f'{where}: a formula is text such as "x + y", got {formula!r}.'
        raise SettingError(message)
    try:
        tree = ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = f'{where}: {formula!r} is no formula; write one such as "(x + y) * z".'
        raise SettingError(message) from error
    try:
        return _Reader(formula, known, where).read(tree.body)
    except RecursionError as error:
        message = f"{where}: the formula is too deep; give its parts names of their own."
        raise SettingError(message) from error


class _Reader:
    """Goes through what Python's own parser made of the text."""

    def __init__(self, formula: str, known: Mapping[str, Node], where: str) -> None:
        self._formula = formula
        self._known = known
        self._where = where

    def read(self, part: ast.expr) -> Any:
        if isinstance(part, ast.Constant) and isinstance(part.value, int | float):
            return float(part.value)
        if isinstance(part, ast.Name):
            return self._named(part.id)
        if isinstance(part, ast.BinOp) and type(part.op) in OPERATORS:
            return OPERATORS[type(part.op)](self.read(part.left), self.read(part.right))
        if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub):
            return -self.read(part.operand)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and not part.keywords:
            return self._called(part.func.id, [self.read(one) for one in part.args])
        shown = ast.get_source_segment(self._formula.strip(), part) or self._formula
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitXor):
            remedy = "a power is written with **, as in x**2."
        else:
            remedy = "use numbers, names, + - * / ** @ and operations such as sigmoid(z)."
        message = f"{self._where}: {shown!r} cannot stand in a formula; {remedy}"
        raise SettingError(message)

    def _named(self, name: str) -> Node:
        if name not in self._known:
            message = (
                f"{self._where}: {name!r} is not known there; {nearest(name, self._known)} A name "
                "must stand above what uses it."
            )
            raise SettingError(message)
        return self._known[name]

    def _called(self, name: str, operands: list[Any]) -> Any:
        if name not in ops.__all__ or not callable(getattr(ops, name)):
            near = nearest(name, COMMON, listed=True)
            message = f"{self._where}: {name!r} is no operation; {near}"
            raise SettingError(message)
        return getattr(ops, name)(*operands)
