"""Normalization layers as equations: forward, and backward by the paths of Ioffe and Szegedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.layers import Stack
from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.folding import left_out
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Symbol,
    mean_of,
    minus,
    product,
    some,
    total,
)
from chainrule.tracing.normal import Normal
from chainrule.tracing.step_penalty import number_symbol
from chainrule.tracing.view import View, flat

__all__ = [
    "given_slopes", "hat_slopes", "hat_symbol", "moving_statistics", "names_at_positions",
    "normalized", "standardized", "statistics", "statistics_slopes",
]  # fmt: skip

Array = np.ndarray[Any, np.dtype[Any]]

ONE, TWO = Number(1), Number(2)


def _normal(view: View, place: int) -> Normal:
    normal = view.normals[place]
    assert normal is not None  # noqa: S101  (called for normalizations)
    return normal


def _x(view: View, place: int, row: int, column: int) -> Symbol:
    value = flat(view.layers[place].numbers.x, view.rows)[row, column]
    return view.given(place).symbol(column, value, view.row(row))


def hat_symbol(view: View, place: int, row: int, column: int) -> Symbol:
    """A number brought to mean 0 and deviation 1."""
    value = _normal(view, place).hat[row, column]
    return replace(_x(view, place, row, column), head="hat", value=value)


def _statistic(view: View, place: int, row: int, column: int, letter: str) -> Symbol:
    """The mean, or the variance, that a number is brought to normal by."""
    normal = _normal(view, place)
    value = (normal.mean if letter == "μ" else normal.variance)[row, column]
    if not normal.size and not normal.axes:
        return replace(_x(view, place, row, column), head=letter, value=value, row=None)
    name = letter + view.normal_number(view.layers[place]) + _where(view, place, column)
    return Symbol(name, value, row=view.row(row) if normal.size else None)


def _where(view: View, place: int, column: int) -> str:
    """Of which group, unit or position a mean is, in its name; empty where there is no other."""
    layer, normal = view.layers[place], _normal(view, place)
    position, unit = divmod(column, normal.units)
    if not normal.size:
        return f"[{unit + 1}]"
    if layer.kind == "GroupNormalization":
        return f"_{unit // normal.size + 1}" if normal.units > normal.size else ""
    at = np.unravel_index(position, layer.numbers.a.shape[1:-1])
    return f"[{','.join(str(one + 1) for one in at)}]" if normal.axes else ""


def names_at_positions(view: View, place: int) -> str:
    """What a normalization of rows with further axes has a mean and a variance of."""
    layer, normal = view.layers[place], view.normals[place]
    if normal is None or not normal.axes:
        return ""
    number, at = view.normal_number(layer), ",".join("pqrs"[: normal.axes])
    if not normal.size:
        name, meaning = "[j]", "unit j over all rows and positions"
        meaning = "unit j at all positions, kept from steps before" if normal.fixed else meaning
    elif layer.kind == "LayerNormalization":
        name, meaning = f"[{at}]", f"all units at position {at} of a row"
    else:
        several = normal.units > normal.size
        name = "_g" if several else ""
        meaning = f"{'group g of units' if several else 'all units'} at all positions of a row"
    return f"μ{number}{name}, σ²{number}{name}: mean and variance in {layer.name} of {meaning}"


def _mean(view: View, place: int, row: int, column: int) -> Symbol:
    return _statistic(view, place, row, column, "μ")


def _raised(view: View, place: int, row: int, column: int) -> Expression:
    """The variance with what keeps its root from 0."""
    variance = _statistic(view, place, row, column, "σ²")
    return total([variance, Number(_normal(view, place).epsilon)])


def _root(view: View, place: int, row: int, column: int) -> Expression:
    return Call("sqrt", (_raised(view, place, row, column),))


def _learned(view: View, place: int, name: str, column: int) -> Symbol | None:
    layer = view.layers[place]
    held, index = layer.parameters.get(name), (column % _normal(view, place).units,)
    return None if held is None else number_symbol(view, layer, held, index)


def _apart(view: View, place: int, row: int, columns: Sequence[int]) -> list[int]:
    """One of the columns that have a mean in common, for each mean."""
    which = _normal(view, place).which[row]
    found: dict[int, int] = {}
    for column in columns:
        found.setdefault(int(which[column]), column)
    return list(found.values())


def _shown(view: View, place: int, rows: Array, columns: Array) -> list[int]:
    """Which of the numbers that have one mean are shown."""
    found = np.isin(rows, view.shown_rows) & np.isin(columns, view.shown_units[place])
    return [int(k) for k in np.flatnonzero(found)]


def statistics(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """Mean and variance: of a column in all rows, or of columns of a row."""
    layer, normal = view.layers[place], _normal(view, place)
    for unit in _apart(view, place, row, units):
        mean, variance = (_statistic(view, place, row, unit, one) for one in ("μ", "σ²"))
        if normal.fixed:
            for symbol, name in ((mean, "moving_mean"), (variance, "moving_variance")):
                held = layer.parameters[name]
                yield equation(symbol, number_symbol(view, layer, held, (unit % normal.units,)))
            continue
        members = normal.together(row, unit)
        shown = _shown(view, place, *members)
        values = flat(layer.numbers.x, view.rows)[members].astype(np.float64)
        numbers = {k: _x(view, place, int(members[0][k]), int(members[1][k])) for k in shown}

        def square(k: int, held: dict[int, Symbol] = numbers, mean: Symbol = mean) -> Expression:
            return Power(minus(held[k], mean), TWO)

        sums = some(values, shown, numbers.__getitem__)
        yield equation(mean, mean_of(total(sums), len(values)))
        squares = some((values - mean.value) ** 2, shown, square)
        yield equation(variance, mean_of(total(squares), len(values)))


def normalized(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """Each number brought to mean 0 and deviation 1, and what gamma and beta make of it."""
    a = flat(view.layers[place].numbers.a, view.rows)[row]
    for unit in units:
        hat = hat_symbol(view, place, row, unit)
        left = minus(_x(view, place, row, unit), _mean(view, place, row, unit))
        yield equation(hat, Quotient(left, _root(view, place, row, unit)))
        gamma, beta = (_learned(view, place, name, unit) for name in ("gamma", "beta"))
        scaled = hat if gamma is None else Product((gamma, hat))
        symbol = view.unit(place, unit, a[unit], view.row(row))
        yield equation(symbol, scaled if beta is None else total([scaled, beta]))


LEAST_DEVIATION = 1e-7
"""Below which a deviation of data counts as this one."""


def standardized(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """What a layer gives that knows mean and variance of the data."""
    layer = view.layers[place]
    a = flat(layer.numbers.a, view.rows)[row]
    for unit in units:
        mean, variance = (
            number_symbol(view, layer, one, (unit % len(one.before),))
            for one in (layer.parameters[name] for name in ("mean", "variance"))
        )
        root: Expression = Call("sqrt", (variance,))
        if variance.value < LEAST_DEVIATION**2:
            root = Number(LEAST_DEVIATION)
        left = minus(_x(view, place, row, unit), mean)
        yield equation(view.unit(place, unit, a[unit], view.row(row)), Quotient(left, root))


def _by_hats(view: View, place: int) -> Array:
    """The derivatives with respect to what is brought to normal, (rows, columns)."""
    layer = view.layers[place]
    slopes, gamma = flat(layer.numbers.upstream, view.rows), layer.parameters.get("gamma")
    if gamma is not None:
        slopes = slopes * np.resize(gamma.before, slopes.shape[1])  # the same at all positions
    return -slopes if view.errors else slopes


def _hat_slope(view: View, place: int, row: int, column: int) -> Symbol:
    value, hat = _by_hats(view, place)[row, column], hat_symbol(view, place, row, column)
    slope = hat.slope(view.own_loss(row, place + 1), value)
    return replace(slope, opposite=view.errors)


def hat_slopes(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """The derivatives with respect to what is brought to normal."""
    for unit in units:
        gamma, upstream = _learned(view, place, "gamma", unit), view.upstream(place, unit, row)
        slope = _hat_slope(view, place, row, unit)
        yield equation(slope, upstream if gamma is None else product(upstream, gamma))


def _statistic_slope(view: View, place: int, row: int, column: int, letter: str) -> Symbol:
    """The derivative with respect to a mean or a variance, over all numbers that have it."""
    normal = _normal(view, place)
    members = normal.together(row, column)
    slopes = _by_hats(view, place)[members]
    raised = normal.variance[row, column] + normal.epsilon
    if letter == "μ":
        value = -np.sum(slopes) / np.sqrt(raised)
    else:
        value = -np.dot(slopes, normal.hat[members]) / (2 * raised)
    symbol = _statistic(view, place, row, column, letter)
    return replace(symbol.slope(view.own_loss(row, place), value), opposite=view.errors)


def statistics_slopes(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """The derivatives with respect to means and variances, each a sum over paths."""
    normal = _normal(view, place)
    for unit in [] if normal.fixed else _apart(view, place, row, units):
        members = normal.together(row, unit)
        shown = _shown(view, place, *members)
        values = _by_hats(view, place)[members].astype(np.float64)
        places = {k: (int(members[0][k]), int(members[1][k])) for k in shown}
        slopes = {k: _hat_slope(view, place, *one) for k, one in places.items()}
        hats = {k: hat_symbol(view, place, *one) for k, one in places.items()}

        def path(k: int, a: dict[int, Symbol] = slopes, b: dict[int, Symbol] = hats) -> Expression:
            return Product((a[k], b[k]))

        products = values * normal.hat[members]
        by_hats = total(some(products, shown, path))
        bottom = Product((TWO, _raised(view, place, row, unit)))
        slope = _statistic_slope(view, place, row, unit, "σ²")
        yield equation(slope, Product((Negative(Quotient(ONE, bottom)), by_hats)))
        sums = total(some(values, shown, slopes.__getitem__))
        slope = _statistic_slope(view, place, row, unit, "μ")
        root = _root(view, place, row, unit)
        yield equation(slope, Product((Negative(Quotient(ONE, root)), sums)))


def given_slopes(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """The derivatives with respect to what the layer is given: over three paths."""
    normal = _normal(view, place)
    for unit in units:
        count = len(normal.together(row, unit)[0])
        by_hat = _hat_slope(view, place, row, unit)
        terms: list[Expression] = [Product((Quotient(ONE, _root(view, place, row, unit)), by_hat))]
        if not normal.fixed:
            left = minus(_x(view, place, row, unit), _mean(view, place, row, unit))
            by_mean, by_variance = (
                _statistic_slope(view, place, row, unit, one) for one in ("μ", "σ²")
            )
            share = TWO if count == 1 else Quotient(TWO, Number(count))
            terms += [Product((share, left, by_variance)), mean_of(by_mean, count)]
        yield equation(view.by_given(place, unit, row), total(terms))


def moving_statistics(view: View, place: int) -> Iterator[Entry]:
    """The mean and variance that are kept for predictions, after the step."""
    layer, row = view.layers[place], view.shown_rows[0]
    network: Any = view.trace.trainer.network
    if view.normals[place] is None:
        return
    in_line = isinstance(network, Stack)
    made = network.layers[network.names.index(layer.name)] if in_line else network.between
    kept = getattr(made, "momentum", None)
    for name, letter in (("moving_mean", "μ"), ("moving_variance", "σ²")):
        held = layer.parameters.get(name)
        if held is None or kept is None or np.array_equal(held.before, held.after):
            continue
        units = _apart(view, place, row, view.shown_units[place])
        for unit in units:
            index = unit % len(held.before)
            before = number_symbol(view, layer, held, (index,))
            found = _statistic(view, place, row, unit, letter)
            parts = [product(Number(kept), before), product(Number(1.0 - kept), found)]
            yield equation(replace(before, value=held.after[index], mark="'"), total(parts))
        others = len(held.before) - len(units)
        if others:
            count = f"{others:,} more of {len(held.before):,}"
            yield f"{layer.name}/{name}: {count} {left_out(others)}."
