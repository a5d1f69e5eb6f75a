"""A trace as equations: what each quantity is, by which formula, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Any, TypeAlias

import numpy as np

from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Rest,
    Symbol,
    evaluate,
    parts_of,
)

__all__ = [
    "MEANINGS", "Account", "Entry", "Equation", "Section", "Values", "account_of", "equation",
    "held", "legend", "number_text",
]  # fmt: skip

MOST_ELEMENTS = 6
"""Numbers of an array that are written."""
SMALL, LARGE = 1e-4, 1e8
"""Numbers nearer to 0, and those from here on, are written with a power of ten."""
DIGITS_OF_LARGE = 8
"""Digits after the point before such a power: as many as the largest without one have before it."""

LEAST = 3
"""Digits that count of a number that is rounded, where so many are asked for after the point."""


@dataclass(frozen=True, eq=False)
class Equation:
    """symbol = formula = the formula with its numbers = the symbol's value, which the engine gave.

    forms
        The formula, or several that are equal; numbers are put into the last. None where the
        value comes through operations that no short formula says.
    note, names
        What stands beside it, and the names that it ends with.
    """

    symbol: Symbol
    forms: tuple[Expression, ...] = ()
    note: str = ""
    names: tuple[Symbol, ...] = ()

    @property
    def value(self) -> Any:
        """The engine's number."""
        return self.symbol.value

    def stages(self, write: Callable[[Expression, int | None], Any], digits: int) -> list[Any]:
        """The formulas as `write` writes them, then the last with so many digits of its numbers."""
        found = [write(form, None) for form in self.forms]
        return found if self.plain else [*found, write(self.forms[-1], digits)]

    @property
    def plain(self) -> bool:
        """Whether putting numbers in would only repeat the value, or show arrays in part."""
        if not self.forms:
            return True
        last = self.forms[-1]
        inner = last.operand if isinstance(last, Negative) else last
        if isinstance(inner, Number) or isinstance(last, Symbol):
            return True
        symbols = (one for one in parts_of(last) if isinstance(one, Symbol))
        return any(np.size(one.value) > MOST_ELEMENTS for one in symbols)


@dataclass(frozen=True, eq=False)
class Values:
    """Symbols with their values, beside each other.

    before, after
        What is said before and after them.
    """

    symbols: tuple[Symbol, ...]
    before: str = ""
    after: str = ""


Entry: TypeAlias = Equation | Values | str


@dataclass(frozen=True, eq=False)
class Section:
    """Equations and sentences under a title."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, eq=False)
class Account:
    """All that is written of a trace.

    title, lines, legend
        What it is, and sentences before all sections; what of `MEANINGS` is told.
    digits
        How many digits after the point.
    """

    title: str
    lines: tuple[str, ...]
    legend: tuple[str, ...]
    sections: tuple[Section, ...]
    digits: int


def equation(
    symbol: Symbol, *forms: Expression, note: str = "", names: Sequence[Symbol] = ()
) -> Equation:
    """An equation of a symbol and formulas."""
    return Equation(symbol, forms, note, tuple(names))


def held(symbol: Symbol, formula: Expression | None, note: str, nearly: float = 1e-10) -> Equation:
    """An equation with its formula, where that comes to the engine's number; else with a note."""
    known = formula is not None and np.isfinite(symbol.value)
    if formula is None or (known and not np.isclose(evaluate(formula), symbol.value, 1e-4, nearly)):
        return equation(symbol, note=note)
    return equation(symbol, formula)


def account_of(trace: Any) -> Account:
    """The equations of a `Trace` or a `StepTrace`."""
    from chainrule.tracing.expression import Trace
    from chainrule.tracing.expression_account import account_of_expression
    from chainrule.tracing.step_account import account_of_step

    with np.errstate(all="ignore"):  # numbers that are not finite are shown as they are
        if isinstance(trace, Trace):
            made: Account = account_of_expression(trace)
        else:
            made = account_of_step(trace)
    if not trace.title:
        return made
    return replace(made, title=trace.title, lines=(made.title, *made.lines))


MEANINGS = {
    "rows": (
        "z = a W + b, a row of units times a matrix",
        r"z = a W + b\text{, a row of units times a matrix}",
    ),
    "columns": (
        "z = W a + b, a matrix times a column",
        r"z = W a + b\text{, a matrix times a column}",
    ),
    "theta": (
        "z = Θ a with a unit of 1 before a",
        r"z = \Theta a\text{ with a unit of 1 before }a",
    ),
    "W[i,j]": (
        "W[i,j] leads from the i-th unit to the j-th",
        r"W_{i,j}\text{ leads from the }i\text{-th unit to the }j\text{-th}",
    ),
    "W[j,i]": (
        "W[j,i] leads from the i-th unit to the j-th",
        r"W_{j,i}\text{ leads from the }i\text{-th unit to the }j\text{-th}",
    ),
    "Θ[j,i]": (
        "Θ[j,i] leads from the i-th unit to the j-th, Θ[j,0] is the bias",
        r"\Theta_{j,i}\text{ leads from the }i\text{-th unit to the }j\text{-th, }"
        r"\Theta_{j,0}\text{ is the bias}",
    ),
    "rate": ("", r"\eta\text{: the learning rate}"),
    "sigmoid": ("sigmoid(z) = 1/(1 + e^-z)", r"\sigma(z) = \frac{1}{1 + e^{-z}}"),
    "relu": ("relu(z) = max(z, 0)", r"\operatorname{relu}(z) = \max(z, 0)"),
    "holds": (
        "[z > 0] is 1 where z > 0, else 0",
        r"[z > 0]\text{ is 1 where }z > 0\text{, else 0}",
    ),
    "upto_zero": (
        "[z <= 0] is 1 where z <= 0, else 0",
        r"[z \le 0]\text{ is 1 where }z \le 0\text{, else 0}",
    ),
    "from_zero": (
        "[z >= 0] is 1 where z >= 0, else 0",
        r"[z \ge 0]\text{ is 1 where }z \ge 0\text{, else 0}",
    ),
    "between": (
        "[a < z < b] is 1 where z lies between a and b, else 0",
        r"[a < z < b]\text{ is 1 where }z\text{ lies between }a\text{ and }b\text{, else 0}",
    ),
    "exceeds": (
        "[a > b] is 1 where a > b, 1/2 where both are equal, else 0",
        r"[a > b]\text{ is 1 where }a > b\text{, }\tfrac{1}{2}\text{ where both are equal, else 0}",
    ),
    "matrix_column": (
        "where z = A·x, a matrix times a column: dL/dx = Aᵀ·dL/dz and dL/dA = dL/dz·xᵀ",
        r"\text{where }z = A\cdot x\text{, a matrix times a column: }"
        r"\mathrm{d}L/\mathrm{d}x = A^{\top}\cdot\mathrm{d}L/\mathrm{d}z\text{ and }"
        r"\mathrm{d}L/\mathrm{d}A = \mathrm{d}L/\mathrm{d}z\cdot x^{\top}",
    ),
    "row_matrix": (
        "where z = xᵀ·A, a row times a matrix: dL/dx = A·dL/dz and dL/dA = x·(dL/dz)ᵀ",
        r"\text{where }z = x^{\top}\cdot A\text{, a row times a matrix: }"
        r"\mathrm{d}L/\mathrm{d}x = A\cdot\mathrm{d}L/\mathrm{d}z\text{ and }"
        r"\mathrm{d}L/\mathrm{d}A = x\cdot(\mathrm{d}L/\mathrm{d}z)^{\top}",
    ),
    "dot": (
        "x·y of two vectors that are multiplied with @: the sum of x_i·y_i",
        r"x\cdot y\text{ of two vectors that are multiplied with @: }\textstyle\sum_i x_i y_i",
    ),
    "matmul": (
        "matmul(A, B) is the product of the matrices A and B",
        r"\operatorname{matmul}(A, B)\text{ is the product of the matrices }A\text{ and }B",
    ),
    "times": (
        "where Z = matmul(A, B): dL/dA = dL/dZ·Bᵀ and dL/dB = Aᵀ·dL/dZ are products of matrices",
        r"\text{where }Z = \operatorname{matmul}(A, B)\text{: }"
        r"\mathrm{d}L/\mathrm{d}A = \mathrm{d}L/\mathrm{d}Z\cdot B^{\top}\text{ and }"
        r"\mathrm{d}L/\mathrm{d}B = A^{\top}\cdot\mathrm{d}L/\mathrm{d}Z"
        r"\text{ are products of matrices}",
    ),
    "transposed": (
        "Aᵀ is A with rows and columns exchanged",
        r"A^{\top}\text{ is }A\text{ with rows and columns exchanged}",
    ),
    "through": (
        "[x through y]: what the derivative with respect to x gets from its use in y, where the "
        "local one has too many numbers to be shown",
        r"[x\text{ through }y]\text{: what the derivative with respect to }x\text{ gets from its "
        r"use in }y",
    ),
    "Φ": (
        "Φ(z) is the standard normal distribution: the integral of φ up to z",
        r"\Phi(z) = \int_{-\infty}^{z} \varphi(t)\,dt",
    ),
    "φ": (
        "φ(z) = e^(-z^2/2)/sqrt(2π)",
        r"\varphi(z) = \frac{e^{-z^2/2}}{\sqrt{2\pi}}",
    ),
    "u": (
        "u(z) = sqrt(2/π) (z + 0.044715 z^3)",
        r"u(z) = \sqrt{2/\pi}\,(z + 0.044715\,z^3)",
    ),
    "u'": (
        "u'(z) = sqrt(2/π) (1 + 0.134145 z^2)",
        r"u^{\prime}(z) = \sqrt{2/\pi}\,(1 + 0.134145\,z^2)",
    ),
    "expm1": ("expm1(z) = e^z - 1", r"\operatorname{expm1}(z) = e^z - 1"),
    "log1p": ("log1p(z) = log(1 + z)", r"\operatorname{log1p}(z) = \log(1 + z)"),
    "softmax": (
        "softmax(z) = e^z/sum(e^z)",
        r"\operatorname{softmax}(z) = \frac{e^z}{\textstyle\sum(e^z)}",
    ),
    "log_softmax": (
        "log_softmax(z) = z - log(sum(e^z))",
        r"\operatorname{log\_softmax}(z) = z - \log(\textstyle\sum(e^z))",
    ),
    "softplus": ("softplus(z) = log(1 + e^z)", r"\operatorname{softplus}(z) = \log(1 + e^z)"),
    "softsign": ("softsign(z) = z/(1 + |z|)", r"\operatorname{softsign}(z) = \frac{z}{1 + |z|}"),
    "huber": (
        "huber(e, d) = e^2/2 where |e| <= d, else d (|e| - d/2)",
        r"\operatorname{huber}(e, d) = \tfrac{1}{2} e^2\text{ where }|e| \le d\text{, else }"
        r"d\,(|e| - \tfrac{1}{2} d)",
    ),
    "pinball": (
        "pinball(e, q) = max(q e, (q - 1) e)",
        r"\operatorname{pinball}(e, q) = \max(q e, (q - 1) e)",
    ),
    "clip": (
        "clip(e, a, b) = min(max(e, a), b)",
        r"\operatorname{clip}(e, a, b) = \min(\max(e, a), b)",
    ),
    "sign": (
        "sign(w) is 1, 0 or -1 as w is above, at or below 0",
        r"\operatorname{sign}(w)\text{ is 1, 0 or -1 as }w\text{ is above, at or below 0}",
    ),
    "cross_entropy": (
        "cross_entropy(z, t) = -t log(p) - (1 - t) log(1 - p) with p = sigmoid(z)",
        r"\operatorname{cross\_entropy}(z, t) = -t \log(p) - (1 - t) \log(1 - p)"
        r"\text{ with }p = \sigma(z)",
    ),
    "mix": (
        "mix: the share of the row itself, where rows are mixed; its partner has 1 - mix",
        r"\mathrm{mix}\text{: the share of the row itself, where rows are mixed; its partner has }"
        r"1 - \mathrm{mix}",
    ),
    "hat": (
        "hat_h: h less its mean μ, divided by the root of its variance σ²",
        r"\hat{h}\text{: }h\text{ less its mean }\mu\text{, divided by the root of its variance }"
        r"\sigma^2",
    ),
    "reach": (
        "reach2_p: how far p, counted in parts of its range, reaches into the 2nd",
        r"\mathrm{reach2}_{p}\text{: how far }p\text{, counted in parts of its range, reaches into "
        r"the 2nd}",
    ),
    "row": ("(r) after a name: in row r", r"a^{(r)}\text{: in row }r"),
    "~": (
        "~ after a name: what a layer without sums makes of it",
        r"\tilde{a}\text{: what a layer without sums makes of }a",
    ),
    "more": (
        "[n more]: so many terms are left out; their sum is among the numbers",
        r"[n\text{ more}]\text{: so many terms are left out; their sum is among the numbers}",
    ),
}
"""What notations, functions, marks and gaps mean, as text and as LaTeX; "" where it is plain."""


def legend(sections: Sequence[Section], known: Iterable[str] = ()) -> tuple[str, ...]:
    """What of `MEANINGS` is used, or known to be."""
    used = set(known)
    for section in sections:
        for entry in section.entries:
            if isinstance(entry, Equation):
                for part in (
                    one for form in (entry.symbol, *entry.forms) for one in parts_of(form)
                ):
                    used |= _functions(part) if isinstance(part, Call) else _marks(part)
    return tuple(name for name in MEANINGS if name in used)


def _functions(part: Call) -> set[str]:
    """What is called; the normal distribution is told by its density."""
    return {"Φ", "φ"} if part.function == "Φ" else {part.function}


def _marks(part: Expression) -> set[str]:
    if isinstance(part, Rest):
        return {"more"}
    if not isinstance(part, Symbol):
        return set()
    row = {"row"} if part.row is not None else set()
    row |= {"rate"} if part.letter == "η" else set()
    row |= {"hat"} if part.head == "hat" else set()
    row |= {"reach"} if part.head.startswith("reach") and part.by is None else set()
    row |= {"mix"} if part.name == "mix" and part.by is None else set()
    return row | ({"~"} if "~" in part.mark else set())


def number_text(value: Any, digits: int) -> str:
    """A number with so many digits after the point, without zeros at its end; arrays in brackets.

    >>> number_text(0.375, 8), number_text(-3.51018e-05, 8), number_text([1.0, 2.5], 3)
    ('0.375', '-3.5102e-05', '[1 2.5]')
    """
    array = np.asarray(value)
    if array.size != 1:
        return _array_text(array, digits)
    number = float(array.reshape(()))
    if number == 0 or not np.isfinite(number):
        return f"{number + 0.0:g}"
    if abs(number) < SMALL or abs(number) >= LARGE:
        return _with_power(number, digits)
    counting = max(min(digits, LEAST), 1)
    decimals = counting - 1 - floor(log10(abs(number)))
    if decimals <= digits or float(f"{number:.{digits}f}") == number:
        return _bare(f"{number:.{digits}f}")
    return min(_bare(f"{number:.{decimals}f}"), _with_power(number, digits), key=len)


def _bare(written: str) -> str:
    """Without zeros at its end."""
    return written.rstrip("0").rstrip(".") if "." in written else written


def _with_power(number: float, digits: int) -> str:
    """With no fewer digits than the number in full would have."""
    places = DIGITS_OF_LARGE if abs(number) >= LARGE else max(min(digits, 4), digits - 5)
    mantissa, _, power = f"{number:.{places}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{power}"


def _array_text(array: Any, digits: int) -> str:
    if array.ndim > 1 and array.size <= MOST_ELEMENTS:
        return f"[{' '.join(_array_text(one, digits) for one in array)}]"
    flat = array.reshape(-1)
    shown = [number_text(one, digits) for one in flat[:MOST_ELEMENTS]]
    if len(flat) > MOST_ELEMENTS:
        shown.append(f"... {len(flat) - MOST_ELEMENTS:,} more")
    shape = "" if array.ndim == 1 else " of shape " + "x".join(map(str, array.shape))
    return f"[{' '.join(shown)}]{shape}"
