"""The forward pass and the loss of a training step, as equations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from chainrule.tracing.activation_formulas import activation_formula, parametric_relu
from chainrule.tracing.equations import Entry, equation, held, number_text
from chainrule.tracing.folding import left_out
from chainrule.tracing.formula import (
    Call,
    Expression,
    Number,
    Product,
    Quotient,
    Symbol,
    dot,
    mean_of,
    minus,
    some,
    total,
)
from chainrule.tracing.head_formulas import head_shares, heads_loss
from chainrule.tracing.loss_formulas import probabilities, row_loss
from chainrule.tracing.step import LayerTrace, ParameterTrace
from chainrule.tracing.step_mixing import mixed_rows
from chainrule.tracing.step_normal import normalized, standardized, statistics
from chainrule.tracing.step_own_loss import listed_operations, own_loss
from chainrule.tracing.step_penalty import (
    TABLES,
    learned_slope,
    number_symbol,
    penalty_entries,
    penalty_symbol,
    weight_sum,
)
from chainrule.tracing.step_spread import spread_numbers, spread_sum
from chainrule.tracing.view import View, flat
from chainrule.training import TracedNode

__all__ = [
    "activated",
    "forward_row",
    "gives_shares",
    "listed",
    "loss_entries",
    "position_of",
    "within",
]

Array = np.ndarray[Any, np.dtype[Any]]

OF_CLASSES = ("softmax", "log_softmax")
"""Activations of which each number depends on all that are given."""
MOST_OF_SHARES = 700.0
"""Sums beyond which e^z, or what many of them add up to, overflows."""
MOST_OPERATIONS = 8


def forward_row(view: View, row: int, start: int, end: int) -> Iterator[Entry]:
    """What each unit is given, sums and gives, in one row, in the layers from a place to another.

    What layers find in all rows together stands between such parts.
    """
    for place in range(start, end):
        layer, units = view.layers[place], view.shown_units[place]
        if layer.kernel is not None:
            yield from (_weighted_sum(view, place, row, unit) for unit in units)
            yield from _activations(view, place, row, units)
        elif not view.only_moves(layer):
            yield from _passed(view, place, row, units)
        width = flat(layer.numbers.a, view.rows).shape[1]
        others = width - len(units)
        if others and not view.only_moves(layer):
            yield f"{layer.name}: {others:,} more of {width:,} {left_out(others)}."


def _weighted_sum(view: View, place: int, row: int, unit: int) -> Entry:
    layer = view.layers[place]
    numbers, kernel = layer.numbers, layer.kernel
    assert kernel is not None  # noqa: S101  (a layer with a place has one)
    start, column = layer.led_from(unit)
    weights = kernel.before[:, column]
    z = flat(numbers.z, view.rows)[row, unit]
    x = flat(numbers.x, view.rows)[row, start : start + len(weights)]

    def term(source: int) -> Expression:
        a = view.given(place).symbol(start + source, x[source], view.row(row))
        w = view.weight(layer, source, column)
        return Product((a, w) if view.notation.form == "rows" else (w, a))

    first = within(view.shown_sources(place), start, len(weights))
    terms = dot(x, weights, term, view.folding.terms, first=first)
    if layer.bias is not None:
        b = view.bias(layer, column)
        theta = view.notation.form == "theta"
        terms = [Product((b, Number(1))), *terms] if theta else [*terms, b]
    return equation(_z(view, place, unit, z, row), total(terms))


def within(columns: Sequence[int], start: int, count: int) -> list[int]:
    """Which of so many columns from a start on are among others, counted from there."""
    return [one - start for one in columns if start <= one < start + count]


def _z(view: View, place: int, unit: int, value: Any, row: int) -> Symbol:
    return view.unit(place, unit, 0.0).of("z", value, view.row(row))


def _activations(view: View, place: int, row: int, units: list[int]) -> Iterator[Entry]:
    layer = view.layers[place]
    z, a = (flat(one, view.rows)[row] for one in (layer.numbers.z, layer.numbers.a))
    for unit in units:
        symbol = view.unit(place, unit, a[unit], view.row(row))
        sums = [_z(view, place, k, one, row) for k, one in enumerate(z)]
        if gives_shares(layer):
            yield _share(symbol, view, layer, sums, unit, units)
        else:
            yield activated(symbol, layer, sums[unit])


def gives_shares(layer: LayerTrace) -> bool:
    """Whether what a layer gives at each position are shares, or their logarithms."""
    numbers, axis = layer.numbers, -1
    if layer.nodes:
        axis = layer.nodes[-1].attributes.get("axis", -1)
    given = numbers.x if numbers.z is None else numbers.z
    alike = given is not None and given.shape == numbers.a.shape
    return alike and layer.activation in OF_CLASSES and axis in (-1, numbers.a.ndim - 1)


def position_of(layer: LayerTrace, unit: int) -> tuple[int, int]:
    """From which unit to which those go that stand at the position of one."""
    width = layer.numbers.a.shape[-1]
    return unit // width * width, (unit // width + 1) * width


def activated(symbol: Symbol, layer: LayerTrace, z: Symbol) -> Entry:
    """What an activation makes of a sum."""
    name = layer.activation
    if name in (None, "linear") and np.array_equal(symbol.value, z.value, equal_nan=True):
        return equation(symbol, z)
    formula = activation_formula(name, layer.settings, z)
    if formula is not None:
        return equation(symbol, formula)
    return equation(symbol, note=_through(layer, f"{name}({z.value:.6g})" if name else ""))


def _share(
    symbol: Symbol, view: View, layer: LayerTrace, given: list[Symbol], unit: int,
    shown: Sequence[int],
) -> Entry:  # fmt: skip
    """e^z of a unit divided by the sum of all at its position, or its logarithm.

    No formula where e^z would overflow.
    """
    first, end = position_of(layer, unit)
    given, shown = given[first:end], within(shown, first, end - first)
    z = np.array([one.value for one in given], np.float64)
    if np.abs(z).max() > MOST_OF_SHARES:
        return equation(symbol, note=_through(layer))
    powers = total(dot(
        np.exp(z), np.ones(len(z)), lambda k: Call("exp", (given[k],)), view.folding.terms,
        first=shown,
    ))  # fmt: skip
    if layer.activation == "log_softmax":
        return equation(symbol, minus(given[unit - first], Call("log", (powers,))))
    return equation(symbol, Quotient(Call("exp", (given[unit - first],)), powers))


def _through(layer: LayerTrace, what: str = "") -> str:
    count = len(layer.nodes)
    said = f"through {count} operation{'s' if count != 1 else ''}"
    return f"{what}, {said}" if what else said


def _of_kind(view: View, place: int, row: int, units: list[int]) -> Iterator[Entry] | None:
    """What a layer gives that has equations of its own kind; None of another."""
    layer = view.layers[place]
    if view.normals[place] is not None:
        shared = place in view.gathering
        found = () if shared else statistics(view, place, row, units)
        return chain(found, normalized(view, place, row, units))
    if view.mixes_rows(place):
        return mixed_rows(view, place, row, units)
    if layer.is_a("Normalization") and layer.numbers.x is not None:
        return standardized(view, place, row, units)
    if view.spreads[place] is not None:
        return _spread(view, place, row, units)
    if layer.numbers.z is not None:
        return _other_sums(view, place, row, units)
    table = next((one for one in layer.parameters.values() if one.name in TABLES), None)
    codes = None if table is None else view.codes(place)
    if table is None or codes is None:
        return None
    return _looked_up(view, place, row, units, table, codes)


def _spread(view: View, place: int, row: int, units: list[int]) -> Iterator[Entry]:
    """How far numbers reach into the parts of their ranges, and what units make of it."""
    yield from spread_numbers(view, place, row, units)
    z = flat(view.layers[place].numbers.z, view.rows)[row]
    for unit in units:
        symbol = _z(view, place, unit, z[unit], row)
        yield equation(symbol, spread_sum(view, place, row, unit))
    yield from _activations(view, place, row, units)


def _looked_up(
    view: View, place: int, row: int, units: list[int], table: ParameterTrace, codes: Array
) -> Iterator[Entry]:
    """The rows of an embedding that codes stand for."""
    a = flat(view.layers[place].numbers.a, view.rows)[row]
    for unit in units:
        position, column = divmod(unit, table.before.shape[1])
        number = number_symbol(view, view.layers[place], table, (int(codes[row, position]), column))
        yield equation(view.unit(place, unit, a[unit], view.row(row)), number)


def _passed(view: View, place: int, row: int, units: list[int]) -> Iterator[Entry]:
    """What a layer without a weighted sum gives, and by which operations."""
    layer, told = view.layers[place], view.own_layers[place]
    own = told.forward(row) if told is not None else _of_kind(view, place, row, units)
    if own is not None:
        yield from own
        return
    a = flat(layer.numbers.a, view.rows)[row]
    slope = layer.numbers.slope
    given = None if layer.numbers.x is None else flat(layer.numbers.x, view.rows)[row]
    alike = given is not None and given.shape == a.shape
    columns = [] if given is None or not alike else [
        view.given(place).symbol(k, one, view.row(row)) for k, one in enumerate(given)
    ]  # fmt: skip
    for unit in units:
        symbol = view.unit(place, unit, a[unit], view.row(row))
        if not columns:
            yield equation(symbol, note=_through(layer))
        elif gives_shares(layer):
            yield _share(symbol, view, layer, columns, unit, units)
        elif layer.is_a("Dropout") and slope is not None:
            factor = replace(columns[unit], head="mask", value=flat(slope, view.rows)[row, unit])
            yield equation(symbol, Product((factor, columns[unit])))
        elif layer.is_a("PReLU"):
            alpha = learned_slope(view, layer, unit)
            yield equation(symbol, parametric_relu(columns[unit], alpha))
        elif layer.activation not in (None, "linear"):
            yield activated(symbol, layer, columns[unit])
        elif layer.is_a("GaussianNoise"):
            noise = replace(columns[unit], head="noise", value=a[unit] - columns[unit].value)
            yield equation(symbol, total([columns[unit], noise]))
        else:
            yield equation(symbol, note=_through(layer))
    unknown = slope is None or given is None or layer.own
    if unknown and not gives_shares(layer) and row == view.shown_rows[0]:
        yield from _operations(layer.name, layer.nodes, view)


def _other_sums(view: View, place: int, row: int, units: list[int]) -> Iterator[Entry]:
    """What a kernel makes that is no matrix."""
    layer = view.layers[place]
    z, a = (flat(one, view.rows)[row] for one in (layer.numbers.z, layer.numbers.a))
    for unit in units:
        symbol = _z(view, place, unit, z[unit], row)
        given = view.unit(place, unit, a[unit], view.row(row))
        yield equation(symbol, note=_through(layer, "a sum along the last axis"))
        if layer.activation in OF_CLASSES:
            yield equation(given, note=_through(layer))
        else:
            yield activated(given, layer, symbol)


def listed(every: Sequence[TracedNode]) -> tuple[list[TracedNode], int]:
    """Operations whose numbers are listed, and how many are left out."""
    nodes = [node for node in every if node.value is not None][:MOST_OPERATIONS]
    return nodes, len(every) - len(nodes)


def _operations(name: str, every: Sequence[TracedNode], view: View) -> Iterator[Entry]:
    """The operations of a layer or loss one by one, with what they give for all rows."""
    nodes, others = listed(every)
    for number, node in enumerate(nodes, start=1):
        shown = number_text(node.value, view.notation.digits)
        yield f"{name}/q{number}, all rows: {node.operation} = {shown}"
    if others > 0:
        plural = "s" if others > 1 else ""
        yield f"{name}: {others} more operation{plural} {left_out(others)}."


def loss_entries(view: View) -> Iterator[Entry]:
    """The loss of each row that is shown, then of all, then the penalties."""
    own = own_loss(view)
    yield from _operations("loss", listed_operations(view), view)
    for row in view.shown_rows:
        symbol = view.loss(row)
        several = len(view.trace.loss_rules) > 1
        yield from head_shares(view, row) if several else _probabilities(view, row)
        if own is not None:
            yield from own.forward(row)
            continue
        formula = heads_loss(view, row) if several else row_loss(view, row)
        note = "through the operations of the loss"
        yield held(view.loss() if symbol.row is None else symbol, formula, note, 1e-6)
    if not view.one_loss:
        yield from _shares(view)
        yield from penalty_entries(view)
        note = "each target has the weight of its own row" if view.weighs_targets else ""
        yield equation(view.loss(), *_loss_of_all(view), note=note)


def _probabilities(view: View, row: int) -> Iterator[Entry]:
    """What the loss itself makes of what the last layer gives."""
    last, parts = len(view.layers) - 1, view.parts
    layer, found = view.layers[last], probabilities(view, row)
    a = flat(layer.numbers.a, view.rows)[row]
    outputs = [view.unit(last, k, one, view.row(row)) for k, one in enumerate(a)]
    if parts is None or found[0].name == outputs[0].name:
        return
    for unit in view.shown_units[last]:
        if layer.activation == "log_softmax":
            yield equation(found[unit], Call("exp", (outputs[unit],)))
        elif parts.link == "sigmoid":
            yield equation(found[unit], Call("sigmoid", (outputs[unit],)))
        else:
            yield _share(found[unit], view, layer, outputs, unit, view.shown_units[last])


def _shares(view: View) -> Iterator[Entry]:
    """Where rows have different shares in the loss: how each comes about."""
    trace = view.trace
    if trace.row_shares is None or trace.row_weights is None or view.weighs_targets:
        return
    rule = trace.loss_rules[0]
    for row in view.shown_rows:
        weight = Symbol("weight", trace.row_weights[row], row=row + 1)
        share = Symbol("s", trace.row_shares[row], row=row + 1)
        if rule.reduction == "sum":
            yield equation(share, weight)
        elif rule.by_weight:
            yield equation(share, Quotient(weight, weight_sum(view)))
        else:
            yield equation(share, Quotient(weight, Number(view.rows)))


def _loss_of_all(view: View) -> list[Expression]:
    trace = view.trace
    shares = trace.row_shares
    if shares is None or view.weighs_targets:
        return []

    if trace.row_weights is not None:
        terms: Expression = total(some(
            np.asarray(shares, np.float64) * trace.row_losses, view.shown_rows,
            lambda row: Product((Symbol("s", shares[row], row=row + 1), view.loss(row))),
        ))  # fmt: skip
    else:
        terms = total(some(trace.row_losses, view.shown_rows, view.loss))
        if trace.loss_rules[0].reduction != "sum":
            terms = mean_of(terms, view.rows)
    return [total([terms, *([penalty_symbol(view)] if trace.penalties else [])])]
