"""Penalties and the clipping of gradients, as equations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.layers import PerRow
from chainrule.tracing.activities import activity_rule
from chainrule.tracing.columns import is_long
from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.formula import (
    Call,
    Expression,
    Number,
    Power,
    Product,
    Quotient,
    Symbol,
    dot,
    evaluate,
    mean_of,
    total,
)
from chainrule.tracing.penalty_formulas import penalty_of, size_of, slope_of
from chainrule.tracing.step import LayerTrace, ParameterTrace
from chainrule.tracing.view import View, flat

__all__ = [
    "TABLES", "activity_slope", "clip_formula", "is_clipped", "learned_slope", "norm_entries",
    "number_symbol", "penalty_entries", "penalty_slope", "penalty_symbol", "place_text",
    "weight_sum",
]  # fmt: skip

Array = np.ndarray[Any, np.dtype[Any]]
Index = tuple[int, ...]
TABLES = ("embeddings", "table")
"""What the parameter of an embedding is called."""
LETTERS = {"gamma": "γ", "beta": "β"}
"""What books call the parameters of a normalization."""
CLIPPING = ("clipvalue", "global_clipnorm", "clipnorm")
"""Settings of an optimizer, in the order in which it asks for them."""


def number_symbol(view: View, layer: LayerTrace, parameter: ParameterTrace, index: Index) -> Symbol:
    """One number of a parameter before the step."""
    if parameter is layer.kernel:
        return view.weight(layer, *index)
    if parameter is layer.bias:
        return view.bias(layer, *index)
    at = place_text(layer, parameter, index)
    value, where = parameter.before[index], f"[{at}]" if at else ""
    if layer in view.normalizing and parameter.name in LETTERS:
        return Symbol(f"{LETTERS[parameter.name]}{view.normal_number(layer)}{where}", value)
    name = view.parameter_names[f"{layer.name}/{parameter.name}"] + where
    parts = parameter.name, layer.name, at
    return Symbol(name, value, bracketed=is_long(name), parameter=parts)


def learned_slope(view: View, layer: LayerTrace, unit: int) -> Symbol:
    """The slope below 0 that a PReLU has learned for one of its numbers."""
    alpha = layer.parameters["alpha"]
    index = np.unravel_index(unit, alpha.before.shape)
    return number_symbol(view, layer, alpha, tuple(int(one) for one in index))


def place_text(layer: LayerTrace, parameter: ParameterTrace, index: Index) -> str:
    """Where a number stands, counted from 1; rows of an embedding from 0."""
    by_code = layer.is_a("Embedding") or parameter.name == "table"
    return ",".join(str(one + (axis > 0 or not by_code)) for axis, one in enumerate(index))


def penalty_symbol(view: View) -> Symbol:
    """All penalties together."""
    return Symbol("penalty", sum(view.trace.penalties.values()))


def penalty_entries(view: View) -> Iterator[Entry]:
    """Each penalty, and all together."""
    symbols = []
    for name, value in view.trace.penalties.items():
        symbols.append(Symbol(f"penalty of {name}", value))
        found = _penalized(view, name)
        size = None if found is None else found.size(name, view.folding.terms)
        if size is not None:
            yield equation(*size)
        formula = None if found is None else _penalty(view, found, size)
        known = formula is not None and np.isclose(evaluate(formula), value, 1e-4)
        note = "" if known else "by a formula of its own"
        yield equation(
            symbols[-1], *([formula] if known and formula is not None else []), note=note
        )
    if symbols:
        yield equation(penalty_symbol(view), total(symbols))


@dataclass(frozen=True, eq=False)
class _Penalized:
    """Numbers with a penalty.

    rule, values, symbol
        The penalty; the numbers in a line, and the symbol of each.
    of_rows
        Whether they are what a layer gives, of which the mean over the rows counts.
    """

    rule: Any
    values: Array
    symbol: Callable[[int], Symbol]
    of_rows: bool = False

    def size(self, name: str, most: int) -> tuple[Symbol, Expression] | None:
        return size_of(self.rule, name, self.values, self.symbol, most)


def _penalized(view: View, path: str) -> _Penalized | None:
    """What a penalty is of: a parameter, or what a layer gives in all rows."""
    layer_name, _, name = path.rpartition("/")
    place = next((k for k, one in enumerate(view.layers) if one.name == layer_name), None)
    if place is None:
        return None
    layer = view.layers[place]
    if name in layer.parameters:
        parameter = layer.parameters[name]

        def number(k: int) -> Symbol:
            index = np.unravel_index(k, parameter.before.shape)
            return number_symbol(view, layer, parameter, tuple(int(one) for one in index))

        return _Penalized(_regularizer(view, path), parameter.before.reshape(-1), number)
    a = flat(layer.numbers.a, view.rows)

    def activity(k: int) -> Symbol:
        row, unit = divmod(k, a.shape[1])
        return view.unit(place, unit, a[row, unit], view.row(row))

    return _Penalized(activity_rule(view.trace, layer), a.reshape(-1), activity, of_rows=True)


def _penalty(
    view: View, found: _Penalized, size: tuple[Symbol, Expression] | None
) -> Expression | None:
    symbol, most = None if size is None else size[0], view.folding.terms
    formula = penalty_of(found.rule, found.values, found.symbol, symbol, most)
    return None if formula is None else _shared(view, found, formula)


def penalty_slope(view: View, path: str, w: Symbol) -> Expression | None:
    """The slope of a parameter's penalty by one of its numbers; None where no formula says it."""
    found = _penalized(view, path)
    if found is None:
        return None
    size = found.size(path, view.folding.terms)
    formula = slope_of(found.rule, w, None if size is None else size[0])
    return None if formula is None else _shared(view, found, formula)


def activity_slope(view: View, layer: LayerTrace, a: Symbol) -> Expression | None:
    """The slope of the penalty on what a layer gives by one of the numbers."""
    rule = activity_rule(view.trace, layer)
    path = f"{layer.name}/activities"
    return None if rule is None else penalty_slope(view, path, a)


def _regularizer(view: View, path: str) -> Any:
    table = view.trace.trainer.parameters.table
    return next((one.regularizer for one in table if one.name == path), None)


def _shared(view: View, found: _Penalized, whole: Expression) -> Expression:
    """A penalty that the rows share is divided by their number, or the sum of their weights."""
    trace = view.trace
    if not found.of_rows and not isinstance(found.rule, PerRow):
        return whole
    by_weight = trace.row_weights is not None and all(one.by_weight for one in trace.loss_rules)
    if by_weight and not found.of_rows:
        return Quotient(whole, weight_sum(view))
    return mean_of(whole, view.rows)


def weight_sum(view: View) -> Symbol:
    """The sum of the rows' weights."""
    weights = np.asarray(view.trace.row_weights, np.float64)
    return Symbol("sum of weights", weights.sum())


def _clipping(view: View) -> tuple[str, float] | None:
    """By which setting the optimizer clips, and at what."""
    rule = view.trace.optimizer
    found = ((name, getattr(rule, name, None)) for name in CLIPPING)
    return next(((name, float(one)) for name, one in found if one is not None), None)


def is_clipped(view: View, parameter: ParameterTrace, index: Index) -> bool:
    """Whether the update is given another number than the gradient."""
    if _clipping(view) is None or parameter.gradient is None or parameter.clipped is None:
        return False
    pair = parameter.clipped[index], parameter.gradient[index]
    return not np.array_equal(*pair, equal_nan=True)


def norm_entries(view: View) -> Iterator[Entry]:
    """The lengths of gradients that are too long."""
    clipping = _clipping(view)
    if clipping is None or clipping[0] == "clipvalue":
        return
    trained = [
        (layer, one) for layer in view.layers for one in layer.parameters.values()
        if one.gradient is not None and one.gradient.size
    ]  # fmt: skip
    groups = [trained] if clipping[0] == "global_clipnorm" else [[one] for one in trained]
    for group in groups:
        norm = _norm(view, *group[0])
        if norm.value > clipping[1]:
            yield equation(norm, _length(view, group))


def _length(view: View, group: list[tuple[LayerTrace, ParameterTrace]]) -> Expression:
    """The root of the sum of squares of gradients."""
    numbers = [
        (layer, one, index) for layer, one in group for index in np.ndindex(one.before.shape)
    ]  # fmt: skip
    slopes = np.concatenate([np.asarray(one.gradient).reshape(-1) for _, one in group])

    def square(k: int) -> Expression:
        slope = number_symbol(view, *numbers[k]).slope(view.loss(), slopes[k])
        return Power(slope, Number(2))

    return Call("sqrt", (total(dot(slopes, slopes, square, view.folding.terms)),))


def _norm(view: View, layer: LayerTrace, parameter: ParameterTrace) -> Symbol:
    """The length of a parameter's gradient, or of all of them."""
    if view.trace.optimizer.global_clipnorm is None:
        slopes = [parameter.gradient]
        name, head = f"{layer.name}/{parameter.name}", "norm"
    else:
        held = (one for each in view.layers for one in each.parameters.values())
        slopes = [one.gradient for one in held if one.gradient is not None]
        name, head = "norm", ""
    squares = (np.sum(np.square(one, dtype=np.float64)) for one in slopes if one is not None)
    return Symbol(name, float(np.sqrt(sum(squares))), head, bracketed="/" in name)


def clip_formula(
    view: View, layer: LayerTrace, parameter: ParameterTrace, slope: Symbol
) -> Expression | None:
    """What clipping makes of a gradient: kept between limits, or made shorter."""
    clipping = _clipping(view)
    if clipping is None:
        return None
    name, most = clipping
    if name == "clipvalue":
        return Call("clip", (slope, Number(-most), Number(most)))
    return Product((slope, Quotient(Number(most), _norm(view, layer, parameter))))
