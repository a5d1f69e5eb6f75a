"""Normalization layers as equations: forward, and backward by the paths of Ioffe and Szegedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
    "given_slopes", "hat_slopes", "hat_symbol", "moving_statistics", "normalized", "standardized",
    "statistics", "statistics_slopes",
]  # fmt: skip

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
    if not normal.size:
        return replace(_x(view, place, row, column), head=letter, value=value, row=None)
    groups = normal.hat.shape[1] // normal.size
    group = f"_{column // normal.size + 1}" if groups > 1 else ""
    name = letter + view.normal_number(view.layers[place])
    return Symbol(f"{name}{group}", value, row=view.row(row))


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
    held = layer.parameters.get(name)
    return None if held is None else number_symbol(view, layer, held, (column,))


def _apart(view: View, place: int, units: Sequence[int]) -> list[int]:
    """One of the columns that have a mean in common, for each mean."""
    size = _normal(view, place).size
    return list({unit // size if size else unit: unit for unit in reversed(units)}.values())[::-1]


def _shown(view: View, place: int, members: Sequence[tuple[int, int]]) -> list[int]:
    """Which of the numbers that have one mean are shown."""
    rows, units = view.shown_rows, view.shown_units[place]
    return [k for k, (row, unit) in enumerate(members) if row in rows and unit in units]


def statistics(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """Mean and variance: of a column in all rows, or of columns of a row."""
    layer, normal = view.layers[place], _normal(view, place)
    for unit in _apart(view, place, units):
        mean, variance = (_statistic(view, place, row, unit, one) for one in ("μ", "σ²"))
        if normal.fixed:
            for symbol, name in ((mean, "moving_mean"), (variance, "moving_variance")):
                kept = number_symbol(view, layer, layer.parameters[name], (unit,))
                yield equation(symbol, kept)
            continue
        places = normal.together(row, unit)
        members, shown = [_x(view, place, *one) for one in places], _shown(view, place, places)
        values = np.array([one.value for one in members], np.float64)
        count = len(members)

        def square(k: int, held: list[Symbol] = members, mean: Symbol = mean) -> Expression:
            return Power(minus(held[k], mean), TWO)

        sums = some(values, shown, members.__getitem__)
        yield equation(mean, mean_of(total(sums), count))
        squares = some((values - mean.value) ** 2, shown, square)
        yield equation(variance, mean_of(total(squares), count))


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


def _hat_slope(view: View, place: int, row: int, column: int) -> Symbol:
    upstream, gamma = view.upstream(place, column, row), _learned(view, place, "gamma", column)
    value = upstream.value if gamma is None else upstream.value * gamma.value
    slope = hat_symbol(view, place, row, column).slope(view.own_loss(row, place + 1), value)
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
    slopes = [_hat_slope(view, place, *one).value for one in members]
    raised = normal.variance[row, column] + normal.epsilon
    if letter == "μ":
        value = -np.sum(slopes) / np.sqrt(raised)
    else:
        hats = [normal.hat[one] for one in members]
        value = -np.dot(slopes, hats) / (2 * raised)
    symbol = _statistic(view, place, row, column, letter)
    return replace(symbol.slope(view.own_loss(row, place), value), opposite=view.errors)


def statistics_slopes(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """The derivatives with respect to means and variances, each a sum over paths."""
    normal = _normal(view, place)
    for unit in [] if normal.fixed else _apart(view, place, units):
        members = normal.together(row, unit)
        shown = _shown(view, place, members)
        slopes = [_hat_slope(view, place, *one) for one in members]
        hats = [hat_symbol(view, place, *one) for one in members]
        values = [one.value for one in slopes]

        def path(k: int, a: list[Symbol] = slopes, b: list[Symbol] = hats) -> Expression:
            return Product((a[k], b[k]))

        products = np.multiply(values, [one.value for one in hats])
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
        count = len(normal.together(row, unit))
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
    layer, network = view.layers[place], view.trace.trainer.network
    if view.normals[place] is None or not isinstance(network, Stack):
        return
    kept = getattr(network.layers[network.names.index(layer.name)], "momentum", None)
    for name, letter in (("moving_mean", "μ"), ("moving_variance", "σ²")):
        held = layer.parameters.get(name)
        if held is None or kept is None or np.array_equal(held.before, held.after):
            continue
        for unit in view.shown_units[place]:
            before = number_symbol(view, layer, held, (unit,))
            found = _statistic(view, place, view.shown_rows[0], unit, letter)
            parts = [product(Number(kept), before), product(Number(1.0 - kept), found)]
            yield equation(replace(before, value=held.after[unit], mark="'"), total(parts))
        others = len(held.before) - len(view.shown_units[place])
        if others:
            count = f"{others:,} more of {len(held.before):,}"
            yield f"{layer.name}/{name}: {count} {left_out(others)}."
