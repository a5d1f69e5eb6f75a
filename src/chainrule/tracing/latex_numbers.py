"""Numbers of formulas in LaTeX: alone, or in the brackets of vectors and matrices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.tracing.equations import Entry, Equation, Section, is_whole, number_text
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
    evaluate,
    parts_of,
)
from chainrule.tracing.latex_names import escaped, number_latex

__all__ = [
    "AFTER_DOT", "BEFORE_SIGN", "TOGETHER", "Token", "Tokens", "in_columns", "is_row",
    "number_tokens",
]  # fmt: skip

TOGETHER, BEFORE_SIGN, AFTER_DOT = -1, 0, 1
"""Whether a line may begin with a token: where it is lower, lines end first."""
WITH_VECTORS = {"matrix_column", "row_matrix"}
"""Products of a matrix and a vector."""
NUMBER = re.compile(r"(-?(?:[0-9][0-9.]*(?:e[-+][0-9]+)?|inf)|nan)(\]*)")


@dataclass(frozen=True)
class Token:
    """A part of a formula that stays whole.

    latex, width
        How it is written; how wide it is, in digits.
    breaks
        Whether a line may begin with it; each pair of brackets around it adds 2.
    """

    latex: str
    width: float
    breaks: int = TOGETHER


Tokens: TypeAlias = list[Token]


def number_tokens(value: Any, digits: int, upright: bool = False) -> Tokens:
    r"""A number; a small vector or matrix whole; of others the numbers that text has.

    >>> number_tokens([[1.0, -2.0], [0.5, 4.0]], 6)[0].latex
    '\\begin{bmatrix} 1 & -2 \\\\ 0.5 & 4 \\end{bmatrix}'
    """
    array = np.asarray(value)
    if array.size == 1:
        latex = number_latex(array, digits)
        return [Token(latex, _width(array, latex, digits))]
    if array.size and array.ndim <= 2 and is_whole(array):
        matrix = np.atleast_2d(array)
        return [_matrix(matrix.T if upright and array.ndim == 1 else matrix, digits)]
    return [*_words(array, digits)]


def _width(number: Any, latex: str, digits: int) -> float:
    return len(number_text(number, digits)) + (2.5 if "cdot" in latex else 0.3)


def _matrix(array: Any, digits: int) -> Token:
    written = [[number_latex(one, digits) for one in row] for row in array]
    widths = [
        max(_width(one, latex, digits) for one, latex in zip(column, texts, strict=True))
        for column, texts in zip(array.T, zip(*written, strict=True), strict=True)
    ]
    rows = r" \\ ".join(" & ".join(row) for row in written)
    width = sum(widths) + 2.0 * len(widths) + 0.5
    return Token(rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}", width)


def _words(array: Any, digits: int) -> Iterator[Token]:
    """The words of the text, of which numbers are written as those of formulas."""
    words = number_text(array, digits).split(" ")
    for place, word in enumerate(words):
        opened = len(word) - len(word.lstrip("["))
        found = NUMBER.fullmatch(word[opened:])
        latex = rf"\text{{{escaped(word[opened:])}}}"
        if found is not None:
            latex = number_latex(float(found[1]), digits) + found[2]
        gap = r"\ " if place < len(words) - 1 else ""
        breaks = BEFORE_SIGN if place else TOGETHER
        yield Token("[" * opened + latex + gap, len(word) + 0.7, breaks)


def in_columns(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Sections with all vectors as columns, where one is multiplied with a matrix; else as rows."""
    equations = [one for part in sections for one in part.entries if isinstance(one, Equation)]
    formulas = (part for one in equations for form in one.forms for part in parts_of(form))
    if not any(isinstance(one, Call) and one.function in WITH_VECTORS for one in formulas):
        return tuple(sections)
    return tuple(replace(one, entries=tuple(map(_standing, one.entries))) for one in sections)


def is_row(one: Equation) -> bool:
    """Whether an equation is of a row times a matrix, which is a row where vectors are columns."""
    last = one.forms[-1] if one.forms else None
    if not isinstance(last, Call) or last.function != "row_matrix":
        return False
    return isinstance(last.arguments[0], Call)


def _standing(entry: Entry) -> Entry:
    if not isinstance(entry, Equation):
        return entry
    forms = tuple(map(_upright, entry.forms))
    return replace(entry, symbol=replace(entry.symbol, upright=True), forms=forms)


def _upright(one: Expression) -> Expression:
    """A formula with its vectors as columns: what arrives comes after the matrix it goes through.

    >>> g, J = Symbol("g", np.ones(2)), Symbol("J", np.ones((2, 2)))
    >>> _upright(Call("chain", (g, J))).function
    'matrix_column'
    """
    match one:
        case Symbol():
            return replace(one, upright=True)
        case Sum():
            return replace(one, terms=tuple(map(_upright, one.terms)))
        case Product():
            return replace(one, factors=tuple(map(_upright, one.factors)))
        case Quotient():
            return Quotient(_upright(one.top), _upright(one.bottom))
        case Power():
            return Power(_upright(one.base), _upright(one.exponent))
        case Negative():
            return Negative(_upright(one.operand))
        case Rest() if np.ndim(one.value) == 1:
            return replace(one, value=np.reshape(one.value, (-1, 1)))
        case Call():
            return _upright_call(replace(one, arguments=tuple(map(_upright, one.arguments))))
    return one


def _upright_call(one: Call) -> Call:
    if one.function not in ("by_class", "chain"):
        return one
    arrived, local = one.arguments
    if [np.ndim(evaluate(part)) for part in one.arguments] != [1, 2]:
        return one
    return Call("matrix_column", (Call("transposed", (local,)), arrived))
