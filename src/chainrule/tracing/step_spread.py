"""Spread numbers as equations: how far each reaches into its parts, and the sums of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.tracing.columns import is_long
from chainrule.tracing.equations import Entry, Values, equation, number_text
from chainrule.tracing.folding import largest
from chainrule.tracing.formula import (
    Call,
    Expression,
    Number,
    Product,
    Symbol,
    minus,
    some,
    total,
)
from chainrule.tracing.spread import Spread
from chainrule.tracing.step import ParameterTrace
from chainrule.tracing.step_penalty import number_symbol
from chainrule.tracing.view import View

__all__ = ["on_spread_paths", "reach_symbol", "spread_numbers", "spread_sum"]

Array = np.ndarray[Any, np.dtype[Any]]


def _spread(view: View, place: int) -> Spread:
    spread = view.spreads[place]
    assert spread is not None  # noqa: S101  (called for layers that spread numbers)
    return spread


def _position(view: View, place: int, row: int, number: int) -> Symbol:
    """Where a number lies in its range, counted in parts."""
    spread = _spread(view, place)
    value = spread.positions[row, number]
    return view.input_symbol(spread.name, number, value, view.row(row))


def reach_symbol(view: View, place: int, row: int, number: int, part: int) -> Symbol:
    """How far a number reaches into a part of its range."""
    value = _spread(view, place).reached[row, number, part]
    return _position(view, place, row, number).of(f"reach{part + 1}", value, view.row(row))


def spread_parts(view: View, place: int, number: int) -> list[int]:
    """The parts of a range that are shown.

    Of many those where the number itself lies, and where the weights reached are the largest.
    """
    spread, kernel = _spread(view, place), view.layers[place].parameters["kernel"]
    reached = spread.reached[view.shown_rows, number]
    if len(spread.starts) <= view.folding.terms + 1:
        return list(range(len(spread.starts)))
    units = view.shown_units[place]
    columns = [unit % spread.units for unit in units if unit // spread.units == number]
    weights = np.abs(kernel.before[number][:, columns]).sum(axis=1)
    inside = np.any((reached > 0) & (reached < 1), axis=0)
    sizes = np.where(inside, np.inf, reached.sum(axis=0) * weights)
    return largest(sizes, view.folding.terms)


def on_spread_paths(view: View, place: int, parameter: ParameterTrace) -> Array:
    """For each number of a parameter whether its unit is shown, and its part."""
    numbers, parts, units = parameter.before.shape
    shown = np.isin(np.arange(numbers * units), view.shown_units[place])
    found = np.repeat(shown.reshape(numbers, 1, units), parts, axis=1)
    if parameter.name == "kernel":
        for number in range(numbers):
            kept = np.isin(np.arange(parts), spread_parts(view, place, number))
            found[number] &= kept[:, None]
    return found


def spread_numbers(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """Where the numbers of units lie in their ranges, and how far they reach into each part."""
    spread, layer = _spread(view, place), view.layers[place]
    numbers = sorted({unit // spread.units for unit in units})
    yield Values(tuple(_position(view, place, row, one) for one in numbers), "given: ")
    for number in numbers:
        parts, position = spread_parts(view, place, number), _position(view, place, row, number)
        for part in parts:
            start = float(spread.starts[part])
            into = minus(position, Number(start)) if start else position
            formula = Call("clip", (into, Number(0), Number(1)))
            reach = reach_symbol(view, place, row, number, part)
            yield equation(reach, formula, note=_range_of(view, number, part))
        others = len(spread.starts) - len(parts)
        if others:
            yield (
                f"{layer.name}: {others:,} more of {len(spread.starts):,} parts of "
                f"{position.name} are left out."
            )


def _range_of(view: View, number: int, part: int) -> str:
    """Where what a number gives bends: at both ends of a part, in the number's own unit."""
    if number >= len(view.trace.ranges):
        return ""
    own, edges = view.trace.ranges[number]
    name = f"[{own}]" if is_long(own) else own
    if part + 1 >= len(edges):
        return f"beyond the range of {name}"
    low, high = (number_text(one, view.notation.digits) for one in edges[part : part + 2])
    return f"bends at {name} = {low} and {high}"


def spread_sum(view: View, place: int, row: int, unit: int) -> Expression:
    """The parts that a number reaches into, each with its weight, and the bias."""
    spread, layer = _spread(view, place), view.layers[place]
    kernel, bias = layer.parameters["kernel"], layer.parameters["bias"]
    number, column = divmod(unit, spread.units)

    def term(part: int) -> Expression:
        reach = reach_symbol(view, place, row, number, part)
        weight = number_symbol(view, layer, kernel, (number, part, column))
        return Product((reach, weight) if view.notation.form == "rows" else (weight, reach))

    reached = np.asarray(spread.reached[row, number], np.float64)
    products = reached * kernel.before[number, :, column]
    terms = some(products, spread_parts(view, place, number), term)
    return total([*terms, number_symbol(view, layer, bias, (number, 0, column))])
