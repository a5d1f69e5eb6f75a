"""Formulas as people write them, `sigmoid(w1 * x + b1)`, made into nodes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from chainrule.errors import SettingError, nearest
from chainrule.graph import Node, ops

__all__ = ["node_of", "quoted"]

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
MOST = 62
"""Letters of a formula that a sentence repeats, with the marks around it."""
NESTED = "too many nested parentheses"
"""What Python's parser says of more brackets than it can hold, in the words of a mistake."""


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
        message = f'{where}: a formula is text such as "x + y", got {quoted(formula)}.'
        raise SettingError(message)
    try:
        return _Reader(formula, known, where).read(_parsed(formula, where))
    except RecursionError as error:
        message = (
            f"{where}: {quoted(formula)} is too long or too deep; give its parts names of their "
            "own, above it."
        )
        raise SettingError(message) from error


def _parsed(formula: str, where: str) -> ast.expr:
    """What Python's own parser makes of the text; `RecursionError` of more than it can hold."""
    try:
        return ast.parse(formula.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError) as error:
        if isinstance(error, MemoryError) or NESTED in str(error):
            raise RecursionError from error
        message = f'{where}: {quoted(formula)} is no formula; write one such as "(x + y) * z".'
        raise SettingError(message) from error


def quoted(given: Any) -> str:
    """What somebody wrote, as a sentence repeats it: the start of what is long.

    >>> quoted("x + y"), quoted("x + " * 100)
    ("'x + y'", "'x + x + x + x + x + x + x + x + x + x + x + x + x + x + ...'")
    """
    shown = repr(given)
    return shown if len(shown) <= MOST else f"{shown[: MOST - 4]}...{shown[-1]}"


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
        message = f"{self._where}: {quoted(shown)} cannot stand in a formula; {remedy}"
        raise SettingError(message)

    def _named(self, name: str) -> Node:
        if name not in self._known:
            message = (
                f"{self._where}: {quoted(name)} is not known there; {nearest(name, self._known)} A "
                "name must stand above what uses it."
            )
            raise SettingError(message)
        return self._known[name]

    def _called(self, name: str, operands: list[Any]) -> Any:
        if name not in ops.__all__ or not callable(getattr(ops, name)):
            near = nearest(name, COMMON, listed=True)
            message = f"{self._where}: {quoted(name)} is no operation; {near}"
            raise SettingError(message)
        return getattr(ops, name)(*operands)
