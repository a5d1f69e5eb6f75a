"""A trace as equations: what each quantity is, by which formula, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Rest,
    Symbol,
    parts_of,
)

__all__ = [
    "Account", "Entry", "Equation", "Section", "Values", "account_of", "equation",
    "legend", "number_text",
]  # fmt: skip

SMALL, LARGE = 1e-4, 1e8
"""Numbers nearer to 0, and those from here on, are written with a power of ten."""


@dataclass(frozen=True, eq=False)
class Equation:
    """symbol = formula = the formula with its numbers = the symbol's value, which the engine gave.

    forms
        The formula, or several that are equal; numbers are put into the last. None where the
        value comes through operations that no short formula says.
    note
        What stands beside it.
    """

    symbol: Symbol
    forms: tuple[Expression, ...] = ()
    note: str = ""

    @property
    def value(self) -> Any:
        """The engine's number."""
        return self.symbol.value

    @property
    def plain(self) -> bool:
        """Whether putting numbers in would only repeat the value."""
        last = self.forms[-1] if self.forms else None
        return last is None or isinstance(last, Number | Symbol) or (
            isinstance(last, Negative) and isinstance(last.operand, Number)
        )  # fmt: skip


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

    title, lines
        What it is, and sentences before all sections.
    digits
        How many digits after the point.
    """

    title: str
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    digits: int


def equation(symbol: Symbol, *forms: Expression, note: str = "") -> Equation:
    """An equation of a symbol and formulas."""
    return Equation(symbol, forms, note)


def account_of(trace: Any) -> Account:
    """The equations of a `Trace` or a `StepTrace`."""
    from chainrule.tracing.expression import Trace

    if isinstance(trace, Trace):
        from chainrule.tracing.expression_account import account_of_expression

        return account_of_expression(trace)
    from chainrule.tracing.step_account import account_of_step

    return account_of_step(trace)


MEANINGS = {
    "sigmoid": "sigmoid(z) = 1/(1 + e^-z)",
    "relu": "relu(z) = max(z, 0)",
    "holds": "[z > 0] is 1 where z > 0, else 0",
    "softplus": "softplus(z) = log(1 + e^z)",
    "softsign": "softsign(z) = z/(1 + |z|)",
    "huber": "huber(e, d) = e^2/2 where |e| <= d, else d (|e| - d/2)",
    "pinball": "pinball(e, q) = max(q e, (q - 1) e)",
    "clip": "clip(e, a, b): e, but at least a and at most b",
    "cross_entropy": "cross_entropy(z, t) = -t log(p) - (1 - t) log(1 - p) with p = sigmoid(z)",
}
"""What functions that formulas call are."""


def legend(sections: Sequence[Section]) -> list[str]:
    """What functions, marks and gaps mean, of those that are used."""
    calls: set[str] = set()
    marks: set[str] = set()
    for section in sections:
        for entry in section.entries:
            if isinstance(entry, Equation):
                for part in (one for form in (entry.symbol, *entry.forms) for one in parts_of(form)):
                    if isinstance(part, Call):
                        calls.add(part.function)
                    marks |= _marks(part)
    lines = [said for name, said in MEANINGS.items() if name in calls]
    known = {
        "row": "(r) after a name: in row r",
        "~": "~ after a name: after a layer without weights",
        "more": "[n more]: so many terms are left out; their sum is among the numbers",
    }
    return ["; ".join([*lines, *(said for mark, said in known.items() if mark in marks)])]


def _marks(part: Expression) -> set[str]:
    if isinstance(part, Rest):
        return {"more"}
    if not isinstance(part, Symbol):
        return set()
    row = {"row"} if part.row is not None else set()
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
    written = f"{number:.{digits}f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return written if float(written) else _with_power(number, digits)


def _with_power(number: float, digits: int) -> str:
    mantissa, _, power = f"{number:.{min(digits, 4)}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{power}"


MOST_ELEMENTS = 6


def _array_text(array: Any, digits: int) -> str:
    if array.ndim > 1 and array.size <= MOST_ELEMENTS:
        return f"[{' '.join(_array_text(one, digits) for one in array)}]"
    flat = array.reshape(-1)
    shown = [number_text(one, digits) for one in flat[:MOST_ELEMENTS]]
    if len(flat) > MOST_ELEMENTS:
        shown.append(f"... {len(flat) - MOST_ELEMENTS:,} more")
    shape = "" if array.ndim == 1 else " of shape " + "x".join(map(str, array.shape))
    return f"[{' '.join(shown)}]{shape}"
