"""Formulas as people write them, `sigmoid(w1 * x + b1)`, made into nodes."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from chainrule.errors import SettingError, nearest
from chainrule.graph import Node, ops

__all__ = ["check_name", "node_of", "quoted"]

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


def check_name(where: str, name: str) -> None:
    """Raise `SettingError` for a name that cannot stand in a formula.

    >>> check_name("values", "w_1")
    """
    try:
        read = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        read = None
    if not isinstance(read, ast.Name):
        message = (
            f"spec: {where}: the name {name!r} cannot stand in a formula; use letters, digits and "
            "_, beginning with a letter, such as x_1."
        )
        raise SettingError(message)
    if read.id != name:  # Python reads some letters as others, and passes over blanks and brackets
        message = (
            f"spec: {where}: the name {name!r} is {read.id!r} in a formula; call it {read.id!r}."
        )
        raise SettingError(message)


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
            number = part.value
            if not isinstance(number, bool):
                return self._computed(part, lambda: float(number))
        if isinstance(part, ast.Name):
            return self._named(part.id)
        if isinstance(part, ast.BinOp) and type(part.op) in OPERATORS:
            left, right = self.read(part.left), self.read(part.right)
            return self._computed(part, lambda: OPERATORS[type(part.op)](left, right))
        if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub):
            return -self.read(part.operand)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and not part.keywords:
            return self._called(part, part.func.id)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitXor):
            remedy = "a power is written with **, as in x**2."
        else:
            remedy = "use numbers, names, + - * / ** @ and operations such as sigmoid(z)."
        return self._refuse(f"{self._text(part)} cannot stand in a formula; {remedy}")

    def _text(self, part: ast.expr) -> str:
        """What stands in the formula for a part of it, as a sentence repeats it."""
        return quoted(ast.get_source_segment(self._formula.strip(), part) or self._formula)

    def _refuse(self, said: str) -> NoReturn:
        message = f"{self._where}: {said}"
        raise SettingError(message)

    def _computed(self, part: ast.expr, compute: Callable[[], Any]) -> Any:
        """What a part comes to; of plain numbers Python may find none, or no real one."""
        try:
            found = compute()
        except ZeroDivisionError:
            return self._refuse(f"{self._text(part)} divides by 0; write a number for it.")
        except OverflowError:
            found = math.inf
        if isinstance(found, complex):
            self._refuse(f"{self._text(part)} is no real number; take the root of one above 0.")
        if isinstance(found, float) and math.isinf(found):
            self._refuse(f"{self._text(part)} is too large a number; write a smaller one.")
        return found

    def _named(self, name: str) -> Node:
        if name not in self._known:
            near = nearest(name, self._known)
            self._refuse(
                f"{quoted(name)} is not known there; {near} A name must stand above what uses it."
            )
        return self._known[name]

    def _called(self, part: ast.Call, name: str) -> Any:
        if name not in ops.__all__ or not callable(getattr(ops, name)):
            self._refuse(f"{quoted(name)} is no operation; {nearest(name, COMMON, listed=True)}")
        called = getattr(ops, name)
        parameters = inspect.signature(called).parameters
        needed = [one for one in parameters.values() if one.default is one.empty]
        for one in needed:
            if one.kind is one.KEYWORD_ONLY:
                self._refuse(f"{name} needs its {one.name}, which no formula can give.")
        operands = [self.read(one) for one in part.args]
        try:
            given = inspect.signature(called).bind(*operands).arguments
        except TypeError as error:
            written = f"{name}({', '.join(one.name for one in needed)})"
            self._refuse(f"{self._text(part)}: {error}; it is written {written}.")
        for argument, (setting, value) in zip(part.args, given.items(), strict=False):
            if parameters[setting] not in needed and isinstance(value, Node):
                self._refuse(
                    f"{self._text(part)}: {setting} must be written as a number, got "
                    f"{self._text(argument)}."
                )
        return called(*operands)
