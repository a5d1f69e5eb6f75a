"""A trace as equations: what each quantity is, by which formula, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Any, TypeAlias

import numpy as np

from chainrule.tracing.formula import (
    BY_PLACES,
    Call,
    Expression,
    Negative,
    Number,
    Symbol,
    evaluate,
    parts_of,
)

__all__ = [
    "Account", "Entry", "Equation", "Section", "Values", "account_of", "equation", "held",
    "is_whole", "number_text",
]  # fmt: skip

MOST_ELEMENTS, MOST_ROWS = 6, 4
"""Numbers of an array that are written; rows and columns of a matrix that is written whole."""
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
        if isinstance(last, Call) and last.function in BY_PLACES:
            return True
        symbols = (one for one in parts_of(last) if isinstance(one, Symbol))
        return not all(is_whole(one.value) for one in symbols)


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
    taken
        Letters that are names of the reader, which the legend leaves to them.
    """

    title: str
    lines: tuple[str, ...]
    legend: tuple[str, ...]
    sections: tuple[Section, ...]
    digits: int
    taken: Collection[str] = ()


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


def is_whole(value: Any) -> bool:
    """Whether all numbers of an array are written: few, or of a small matrix."""
    shape = np.shape(value)
    return np.size(value) <= MOST_ELEMENTS or (len(shape) == 2 and max(shape) <= MOST_ROWS)


def _array_text(array: Any, digits: int) -> str:
    if array.ndim > 1 and is_whole(array):
        return f"[{' '.join(_array_text(one, digits) for one in array)}]"
    flat = array.reshape(-1)
    shown = [number_text(one, digits) for one in flat[:MOST_ELEMENTS]]
    if len(flat) > MOST_ELEMENTS:
        shown.append(f"... {len(flat) - MOST_ELEMENTS:,} more")
    shape = "" if array.ndim == 1 else " of shape " + "x".join(map(str, array.shape))
    return f"[{' '.join(shown)}]{shape}"
