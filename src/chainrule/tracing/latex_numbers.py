"""Numbers of formulas in LaTeX: alone, or in the brackets of vectors and matrices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.tracing.equations import Equation, is_whole, number_text
from chainrule.tracing.formula import Call, Expression, Symbol, evaluate
from chainrule.tracing.latex_names import escaped, number_latex

__all__ = [
    "AFTER_DOT", "BEFORE_SIGN", "STANDING", "TOGETHER", "Token", "Tokens", "is_column",
    "number_tokens", "upright",
]  # fmt: skip

TOGETHER, BEFORE_SIGN, AFTER_DOT = -1, 0, 1
"""Whether a line may begin with a token: where it is lower, lines end first."""
STANDING = ("matrix_column", "outer", "row_matrix")
"""Products in which vectors are columns; elsewhere they are written as rows."""
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


def number_tokens(value: Any, digits: int) -> Tokens:
    r"""A number; a small vector or matrix whole; of others the numbers that text has.

    >>> number_tokens([[1.0, -2.0], [0.5, 4.0]], 6)[0].latex
    '\\begin{bmatrix} 1 & -2 \\\\ 0.5 & 4 \\end{bmatrix}'
    """
    array = np.asarray(value)
    if array.size == 1:
        latex = number_latex(array, digits)
        return [Token(latex, _width(array, latex, digits))]
    if array.size and array.ndim <= 2 and is_whole(array):
        return [_matrix(np.atleast_2d(array), digits)]
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


def upright(one: Expression) -> Expression:
    """A vector as a column, or one that is turned over."""
    if isinstance(one, Call) and one.function == "transposed":
        return replace(one, arguments=tuple(map(upright, one.arguments)))
    if isinstance(one, Symbol) and np.ndim(one.value) == 1:
        return replace(one, value=np.reshape(one.value, (-1, 1)))
    return one


def is_column(one: Equation) -> bool:
    """Whether an equation is of a matrix times a column."""
    last = one.forms[-1] if one.forms else None
    if not isinstance(last, Call) or last.function not in STANDING:
        return False
    return np.ndim(evaluate(last.arguments[-1])) == 1 and last.function != "outer"
