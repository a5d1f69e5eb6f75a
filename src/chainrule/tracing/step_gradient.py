"""Gradients of a training step, as equations: each a sum over the rows of products of factors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.folding import left_out
from chainrule.tracing.formula import Expression, Negative, Symbol, total
from chainrule.tracing.step import LayerTrace, ParameterTrace
from chainrule.tracing.step_penalty import (
    TABLES,
    clip_formula,
    is_clipped,
    norm_entries,
    number_symbol,
    penalty_slope,
    penalty_symbol,
)
from chainrule.tracing.step_spread import on_spread_paths
from chainrule.tracing.step_uses import reported_entries, sum_of_uses, uses_of
from chainrule.tracing.verdicts import measured_text, opposite_of, verdict_on
from chainrule.tracing.view import View, flat

__all__ = ["Shown", "gradient_entries", "shown_numbers", "slope_without_penalty", "used_gradient"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Shown:
    """One number of a parameter that is shown: where it stands, and its symbol before the step."""

    place: int
    layer: LayerTrace
    parameter: ParameterTrace
    index: tuple[int, ...]
    symbol: Symbol

    @cached_property
    def path(self) -> str:
        return f"{self.layer.name}/{self.parameter.name}"

    @property
    def gradient(self) -> Any:
        assert self.parameter.gradient is not None  # noqa: S101  (what has none is not shown)
        return self.parameter.gradient[self.index]


def shown_numbers(view: View, place: int) -> Iterator[Shown]:
    """The numbers of a layer's parameters that are shown: those with the largest gradients.

    Of large networks they are among those that lead from and to units that are shown.
    """
    layer = view.layers[place]
    for parameter in layer.parameters.values():
        if parameter.gradient is None or parameter.gradient.size == 0:
            continue
        weights = layer.kernel is parameter
        most = view.folding.weights if weights else view.folding.biases
        sizes = np.nan_to_num(np.abs(parameter.gradient), nan=np.inf)
        if not view.folding.whole or view.spreads[place] is not None:
            sizes = np.where(_on_paths(view, place, parameter), sizes, -1.0)
        if weights:
            sizes = sizes.T  # unit by unit
        order = np.argsort(-sizes.reshape(-1), kind="stable")[: min(most, np.sum(sizes >= 0))]
        for number in sorted(int(one) for one in order):
            index = tuple(int(one) for one in np.unravel_index(number, sizes.shape))
            index = index[::-1] if weights else index
            symbol = number_symbol(view, layer, parameter, index)
            yield Shown(place, layer, parameter, index, symbol)


def _on_paths(view: View, place: int, parameter: ParameterTrace) -> Array:
    """For each number of a parameter whether it leads to a unit that is shown, from one too."""
    layer, units = view.layers[place], view.shown_units[place]
    shape, own = parameter.before.shape, view.own_layers[place]
    if own is not None:
        return own.on_paths(parameter)
    if parameter in (layer.kernel, layer.bias):
        columns = np.isin(np.arange(shape[-1]), [layer.led_from(one)[1] for one in units])
        if layer.bias is parameter:
            return columns
        sources = [layer.leads_to(one)[1] for one in view.shown_sources(place)]
        return np.isin(np.arange(shape[0]), sources)[:, None] & columns
    if view.spreads[place] is not None:
        return on_spread_paths(view, place, parameter)
    if parameter.name in TABLES:
        return np.broadcast_to(np.isin(np.arange(shape[1]), [k % shape[1] for k in units]), shape)
    normal = view.normals[place]
    if normal is not None:
        return np.isin(np.arange(normal.units), [one % normal.units for one in units])
    width = flat(layer.numbers.a, view.rows).shape[1]
    if shape == (width,):
        return np.isin(np.arange(width), units)
    return np.ones(shape, bool)


def gradient_entries(view: View) -> Iterator[Entry]:
    """The gradient of each weight: the product a delta, summed over the rows."""
    for place in reversed(range(len(view.layers))):
        shown = list(shown_numbers(view, place))
        own = view.own_layers[place]
        if own is None:
            found = (uses_of(view, place, one.parameter, one.index) for one in shown)
            yield from reported_entries(view, [uses for uses in found if uses is not None])
        elif shown:
            yield from own.shared_slopes()
        for one in shown:
            yield from _penalty_entries(view, one)
            yield _gradient(view, one)
        yield from _left_out(view, shown)
    yield from norm_entries(view)
    for place in reversed(range(len(view.layers))):
        for one in shown_numbers(view, place):
            yield from _clipped(view, one)


def _penalty_entries(view: View, one: Shown) -> Iterator[Entry]:
    """The gradient of a parameter's own penalty."""
    if one.parameter.penalty is not None:
        formula = penalty_slope(view, one.path, one.symbol)
        if formula is not None:
            yield equation(_penalty_symbol(view, one), formula)


def _penalty_symbol(view: View, one: Shown) -> Symbol:
    assert one.parameter.penalty is not None  # noqa: S101  (looked at before)
    return one.symbol.slope(penalty_symbol(view), one.parameter.penalty[one.index])


def _left_out(view: View, shown: list[Shown]) -> Iterator[Entry]:
    for path, one in {one.path: one for one in shown}.items():
        size = one.parameter.before.size
        others = size - sum(other.path == path for other in shown)
        if others:
            smaller = " with smaller gradients" if view.folding.whole else ""
            yield f"{path}: {others:,} more of {size:,}{smaller} {left_out(others)}."


def _slope_symbol(view: View, one: Shown, opposite: bool | None = None) -> Symbol:
    """dE/dw; -dE/dw where the reader wants errors."""
    by = view.loss()
    return one.symbol.slope(by, one.gradient, view.errors if opposite is None else opposite)


def _gradient(view: View, one: Shown) -> Entry:
    symbol = _slope_symbol(view, one)
    formula = _formula(view, one)
    note = "" if formula is not None else "through the operations of the layer"
    if view.trace.checks:
        said = _measured(view, one)
        note = f"{note}; {said}" if note else said
    return equation(symbol, *([] if formula is None else [formula]), note=note)


def _measured(view: View, one: Shown) -> str:
    """The central difference, and what is said of it beside the gradient where they differ."""
    digits, exact = view.notation.digits, float(one.gradient)
    slopes = view.trace.measured_slopes(one.path, one.index)
    if view.errors:
        slopes, exact = opposite_of(slopes), -exact
    said = f"central difference {measured_text(slopes, digits)}"
    verdict = verdict_on(slopes, exact, digits, "the loss", opposite=view.errors)
    return ": ".join(filter(None, (said, verdict)))


def _formula(view: View, one: Shown) -> Expression | None:
    """The sum over what uses the number, and the penalty's part; None where that is not known."""
    formula = slope_without_penalty(view, one)
    return None if formula is None else _with_penalty(view, one, formula)


def slope_without_penalty(view: View, one: Shown) -> Expression | None:
    """The sum over what uses the number; None where that is not known."""
    own = view.own_layers[one.place]
    if own is not None:
        return own.gradient(one.parameter, one.index)
    uses = uses_of(view, one.place, one.parameter, one.index)
    return None if uses is None else sum_of_uses(view, uses)


def _with_penalty(view: View, one: Shown, terms: Expression) -> Expression:
    if one.parameter.penalty is None:
        return terms
    slope = _penalty_symbol(view, one)
    return total([terms, Negative(slope) if view.errors else slope])


def used_gradient(view: View, one: Shown) -> Symbol:
    """The gradient that the update is given."""
    assert one.parameter.clipped is not None  # noqa: S101  (it has a gradient)
    if not is_clipped(view, one.parameter, one.index):
        return _slope_symbol(view, one, opposite=False)
    return one.symbol.of("g", one.parameter.clipped[one.index])


def _clipped(view: View, one: Shown) -> Iterator[Entry]:
    used = used_gradient(view, one)
    if used.by is None:
        rule = view.trace.optimizer
        settings = ("clipnorm", "clipvalue", "global_clipnorm")
        said = ", ".join(
            f"{name}={getattr(rule, name)}" for name in settings if getattr(rule, name)
        )
        slope = _slope_symbol(view, one, opposite=False)
        formula = clip_formula(view, one.layer, one.parameter, slope)
        forms = [] if formula is None else [formula]
        yield equation(used, *forms, note=f"the gradient after clipping by {said}")
