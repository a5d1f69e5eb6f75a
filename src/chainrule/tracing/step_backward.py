"""The backward pass of a training step, as equations: each delta as its product of factors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.tracing.activation_formulas import activation_slope, parametric_slope
from chainrule.tracing.equations import Entry, equation, held
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Product,
    Symbol,
    dot,
    minus,
    negated,
    total,
)
from chainrule.tracing.head_formulas import head_slope, is_share
from chainrule.tracing.loss_formulas import loss_slope
from chainrule.tracing.step import LayerTrace
from chainrule.tracing.step_forward import gives_shares, position_of, within
from chainrule.tracing.step_mixing import unmixed_slopes
from chainrule.tracing.step_normal import given_slopes, hat_slopes, statistics_slopes
from chainrule.tracing.step_own_loss import own_loss
from chainrule.tracing.step_pair import (
    arrived,
    delta_of_mixed,
    has_another_pair,
    is_spelled,
    pair_deltas,
    pair_note,
    share_slope,
)
from chainrule.tracing.step_penalty import learned_slope
from chainrule.tracing.view import View, flat

__all__ = ["backward_row", "first_trained"]

Array = np.ndarray[Any, np.dtype[Any]]

KINDS = ("Dropout", "PReLU")
"""Layers without an activation whose slope is shown where it is 1 too."""


def backward_row(view: View, row: int, start: int, end: int) -> Iterator[Entry]:
    """The deltas of one row, from the layer before place `end` back to that of place `start`.

    What layers find in all rows together stands between such parts.
    """
    first = first_trained(view)
    if end < len(view.layers) and end > first:
        slopes = unmixed_slopes if view.mixes_rows(end) else given_slopes
        yield from slopes(view, end, row, view.shown_units[end])
    for place in range(end - 1, max(start, first) - 1, -1):
        layer = view.layers[place]
        if layer.place is None and (view.only_moves(layer) or _is_unknown(layer)):
            continue
        if view.normals[place] is not None:
            yield from _normalization(view, place, row, is_first=place == first)
            continue
        if view.mixes_rows(place):
            for unit in view.shown_units[place]:
                yield from _upstream(view, place, row, unit)
            continue
        yield from _deltas(view, place, row)
        if place == view.last:
            yield from pair_note(view, row)


def first_trained(view: View) -> int:
    """The place of the first layer that is trained; of none the number of layers."""
    places = (place for place, layer in enumerate(view.layers) if _is_trained(layer))
    return next(places, len(view.layers))


def _normalization(view: View, place: int, row: int, is_first: bool) -> Iterator[Entry]:
    """What a normalization hands back; of the first that is trained nothing is needed further."""
    units = view.shown_units[place]
    for unit in units:
        yield from _upstream(view, place, row, unit)
    if is_first:
        return
    yield from hat_slopes(view, place, row, units)
    if place not in view.gathering:
        yield from statistics_slopes(view, place, row, units)
        yield from given_slopes(view, place, row, units)


def _is_unknown(layer: LayerTrace) -> bool:
    """Whether what a layer is given or gives has no axis of rows at its front."""
    found: tuple[Any, ...] = (layer.numbers.delta, layer.numbers.upstream)
    return any(one is None for one in found)


def _is_trained(layer: LayerTrace) -> bool:
    return any(one.gradient is not None for one in layer.parameters.values())


def _deltas(view: View, place: int, row: int) -> Iterator[Entry]:
    """The deltas of a layer; of one whose deltas need all that arrives at it, after that."""
    units, last = view.shown_units[place], place == view.last
    if view.layers[place].own and view.layers[place].numbers.z is None:
        for unit in [] if _is_bypassed(view, place) else units:
            yield from _upstream(view, place, row, unit)
        yield from _through_operations(view, place, row)
        return
    of_pair = last and (has_another_pair(view) or (is_spelled(view) and view.parts is not None))
    layer = view.layers[place]
    if of_pair or layer.numbers.slope is not None or not gives_shares(layer):
        for unit in units:
            yield from _delta(view, place, row, unit)
        return
    for unit in units:
        yield from _upstream(view, place, row, unit)
    for unit in units:
        yield from _of_shares(view, place, row, unit)


def _is_bypassed(view: View, place: int) -> bool:
    """Whether the loss is computed from what comes before the last operations of a layer."""
    layer = view.layers[place]
    values = [node.value for node in layer.nodes[-1:] if node.value is not None]
    return place == view.last and not any(np.array_equal(one, layer.numbers.a) for one in values)


def _through_operations(view: View, place: int, row: int) -> Iterator[Entry]:
    """The derivatives inside a layer of the user's own, and by what it is given."""
    own, count = view.own_layers[place], len(view.layers[place].nodes)
    if own is not None and own.has_slopes:
        yield from own.backward(row)
        return
    rows = ", where rows mix" if view.mixing[place] else ""
    said = f"through {count} operation{'s' if count != 1 else ''}{rows}"
    by_codes = view.layers[place].numbers.x is None
    for unit in [] if by_codes else view.shown_given(place):
        yield equation(arrived(view, place, row, unit), note=said)


def _delta(view: View, place: int, row: int, unit: int) -> Iterator[Entry]:
    last = place == view.last
    parts = view.parts if last and is_spelled(view) else None
    if parts is not None:
        yield from pair_deltas(view, place, row, unit, parts)
        return
    formula = head_slope(view, row, unit) if last else None
    if formula is not None:
        note = "as training computes both together" if is_share(view, unit) else ""
        formula = negated(formula) if view.errors else formula
        yield equation(arrived(view, place, row, unit), formula, note=note)
        return
    if last and has_another_pair(view):
        formula = delta_of_mixed(view, row, unit)
        known = [] if formula is None else [formula]
        note = (
            "as training computes both together" if known else "through the operations of the loss"
        )
        yield equation(arrived(view, place, row, unit), *known, note=note)
        return
    yield from _upstream(view, place, row, unit)
    yield from _through_activation(view, place, row, unit)


def _upstream(view: View, place: int, row: int, unit: int) -> Iterator[Entry]:
    """The derivative with respect to what a layer gives: from the loss, or over paths."""
    symbol = view.upstream(place, unit, row)
    if place == view.last:
        formula, own = loss_slope(view, row, unit), own_loss(view)
        if own is not None:
            yield from own.backward(row) if unit == view.shown_units[place][0] else ()
            formula = own.by_output(row, unit)
        yield held(symbol, formula, "through the operations of the loss", 1e-6)
        return
    after, start = view.joining.get(place, (place + 1, 0))
    while after < len(view.layers) - 1 and _only_moved(view, after):
        after += 1
    following = view.layers[after]
    if following.kernel is None:
        if not _only_moved(view, after) and not _same_columns(view, place, after):
            yield equation(symbol, note="through the layers that follow")
        return
    formula = _paths(view, place, after, row, unit, start)
    note = "" if formula is not None else "through the layers that follow"
    yield equation(symbol, *([] if formula is None else [formula]), note=note)


def _only_moved(view: View, place: int) -> bool:
    layer = view.layers[place]
    return layer.place is None and view.only_moves(layer)


def _same_columns(view: View, place: int, after: int) -> bool:
    """Whether the layer after, without weights, gives the derivative under the same name."""
    if _is_unknown(view.layers[after]) or view.layers[after].numbers.z is not None:
        return False
    mine = flat(view.layers[place].numbers.upstream, view.rows)
    theirs = flat(view.layers[after].numbers.delta, view.rows)
    return mine.shape == theirs.shape and view.gives(place) == view.given(after)


def _paths(
    view: View, place: int, after: int, row: int, unit: int, start: int
) -> Expression | None:
    """The sum over paths through the units of the next layer; None where there are others."""
    following = view.layers[after]
    assert following.kernel is not None  # noqa: S101  (looked at before)
    upstream = flat(view.layers[place].numbers.upstream, view.rows)
    columns, joined = len(following.kernel.before) * following.positions, place in view.joining
    if start + unit >= columns or (not joined and upstream.shape[1] != columns):
        return None
    first, source = following.leads_to(start + unit)
    weights = following.kernel.before[source]
    deltas = flat(following.numbers.delta, view.rows)[row, first : first + len(weights)]
    if not view.in_line and not np.allclose(deltas @ weights, upstream[row, unit], 1e-4):
        return None

    def path(k: int) -> Expression:
        return Product((view.delta(after, first + k, row), view.weight(following, source, k)))

    sign = -1.0 if view.errors else 1.0
    shown = within(view.shown_units[after], first, len(weights))
    return total(dot(deltas, weights, path, view.folding.terms, sign, first=shown))


def _through_activation(view: View, place: int, row: int, unit: int) -> Iterator[Entry]:
    """The slope of an activation, and delta as its product with what comes from behind."""
    layer = view.layers[place]
    weighted = layer.numbers.z is not None
    delta = arrived(view, place, row, unit)
    if layer.numbers.slope is None:
        count = len(layer.nodes)
        rows = ", where rows mix" if view.mixing[place] else ""
        yield equation(delta, note=f"through {count} operations{rows}")
        return
    slope = flat(layer.numbers.slope, view.rows)[row, unit]
    number = view.row(row)
    a = view.unit(place, unit, flat(layer.numbers.a, view.rows)[row, unit], number)
    given = layer.numbers.z if weighted else layer.numbers.x
    if given is None:  # codes, with respect to which there is no derivative
        return
    value = flat(given, view.rows)[row, unit]
    z = a.of("z", value, number) if weighted else view.given(place).symbol(unit, value, number)
    local = z.slope(a, slope)
    upstream = view.upstream(place, unit, row)
    if _is_one(layer, slope):
        yield equation(delta, upstream)
        return
    formula = activation_slope(layer.activation, layer.settings, a, z)
    if layer.is_a("PReLU"):
        formula = parametric_slope(z, learned_slope(view, layer, unit))
    elif layer.activation in (None, "linear") and slope != 1:
        formula = replace(z, head="mask", value=slope) if layer.is_a("Dropout") else None
    note = "" if formula is not None else f"the slope of {layer.activation or layer.name}"
    yield equation(local, *([] if formula is None else [formula]), note=note)
    yield equation(delta, Product((upstream, local)))


def _is_one(layer: LayerTrace, slope: Any) -> bool:
    return layer.activation in (None, "linear") and bool(slope == 1) and not layer.is_a(*KINDS)


def _of_shares(view: View, place: int, row: int, unit: int) -> Iterator[Entry]:
    """A softmax, or its logarithm, without its cross-entropy: a sum over the classes."""
    layer, delta = view.layers[place], arrived(view, place, row, unit)
    first, end = position_of(layer, unit)
    unit -= first
    a = flat(layer.numbers.a, view.rows)[row, first:end]
    upstream = flat(layer.numbers.upstream, view.rows)[row, first:end]
    own, same = view.unit(place, first + unit, a[unit], view.row(row)), np.arange(len(a)) == unit
    of_logarithm = layer.activation == "log_softmax"

    def term(k: int) -> Expression:
        symbol = view.unit(place, first + k, a[k], view.row(row))
        slope = (
            _log_share_slope(own, k == unit) if of_logarithm
            else share_slope(symbol, own, k == unit)
        )  # fmt: skip
        return Product((view.upstream(place, first + k, row), slope))

    local = same - np.exp(a[unit]) if of_logarithm else a * (same - a[unit])
    sign = -1.0 if view.errors else 1.0
    shown = within(view.shown_units[place], first, end - first)
    terms = dot(upstream, local, term, view.folding.terms, sign, first=shown)
    yield equation(delta, total(terms))


def _log_share_slope(own: Symbol, same: bool) -> Expression:
    """The derivative of the logarithm of a class's share: [k = j] - e^a_j."""
    share = Call("exp", (own,))
    return minus(Number(1), share) if same else Negative(share)
