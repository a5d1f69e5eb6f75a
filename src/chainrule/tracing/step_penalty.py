"""Penalties and the clipping of gradients, as equations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.layers import L1, L1L2, L2, PerRow
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
    mean_of,
    product,
    total,
)
from chainrule.tracing.step import LayerTrace, ParameterTrace
from chainrule.tracing.view import View

__all__ = ["clip_formula", "is_clipped", "norm_entries", "number_symbol", "penalty_entries",
           "penalty_slope", "penalty_symbol", "place_text"]  # fmt: skip

Index = tuple[int, ...]
CLIPPING = ("clipvalue", "global_clipnorm", "clipnorm")
"""Settings of an optimizer, in the order in which it asks for them."""


def number_symbol(view: View, layer: LayerTrace, parameter: ParameterTrace, index: Index) -> Symbol:
    """One number of a parameter before the step."""
    if parameter is layer.kernel:
        return view.weight(layer, *index)
    if parameter is layer.bias:
        return view.bias(layer, *index)
    at = place_text(layer, parameter, index)
    return Symbol(f"{layer.name}/{parameter.name}[{at}]", parameter.before[index])


def place_text(layer: LayerTrace, parameter: ParameterTrace, index: Index) -> str:
    """Where a number stands, counted from 1; rows of an embedding from 0."""
    by_code = layer.kind == "Embedding" or parameter.name == "table"
    return ",".join(str(one + (axis > 0 or not by_code)) for axis, one in enumerate(index))


def penalty_symbol(view: View) -> Symbol:
    """All penalties together."""
    return Symbol("penalty", sum(view.trace.penalties.values()))


def penalty_entries(view: View) -> Iterator[Entry]:
    """Each penalty, and all together."""
    symbols = []
    for name, value in view.trace.penalties.items():
        symbols.append(Symbol(f"penalty of {name}", value))
        formula = _penalty(view, name)
        yield equation(symbols[-1], *([] if formula is None else [formula]))
    if symbols:
        yield equation(penalty_symbol(view), total(symbols))


def _penalty(view: View, path: str) -> Expression | None:
    """l1 sum |w| + l2 sum w^2; None for penalties of another kind."""
    layer_name, _, name = path.rpartition("/")
    layer = next((one for one in view.layers if one.name == layer_name), None)
    parameter = None if layer is None else layer.parameters.get(name)
    strengths = _strengths(view, path)
    if layer is None or parameter is None or strengths is None:
        return None
    w, shape = parameter.before.reshape(-1), parameter.before.shape

    def number(k: int) -> Symbol:
        index = tuple(int(one) for one in np.unravel_index(k, shape))
        return number_symbol(view, layer, parameter, index)

    sizes: Callable[[int], Expression] = lambda k: Call("abs", (number(k),))  # noqa: E731
    squares: Callable[[int], Expression] = lambda k: Power(number(k), Number(2))  # noqa: E731
    most = view.folding.terms
    parts = [
        product(Number(strength), total(dot(w, right, term, most)))
        for strength, right, term in zip(strengths, (np.sign(w), w), (sizes, squares), strict=True)
        if strength
    ]
    return _shared(view, path, total(parts))


def penalty_slope(view: View, path: str, w: Symbol) -> Expression | None:
    """l1 sign(w) + 2 l2 w; None for penalties of another kind."""
    strengths = _strengths(view, path)
    if strengths is None:
        return None
    by_size, by_square = strengths
    parts: list[Expression] = [Product((Number(by_size), Call("sign", (w,))))] if by_size else []
    parts += [Product((Number(2), Number(by_square), w))] if by_square else []
    return _shared(view, path, total(parts))


def _regularizer(view: View, path: str) -> Any:
    table = view.trace.trainer.parameters.table
    return next((one.regularizer for one in table if one.name == path), None)


def _strengths(view: View, path: str) -> tuple[float, float] | None:
    """Of |w| and of w^2."""
    rule = _regularizer(view, path)
    if isinstance(rule, PerRow):
        if view.trace.row_weights is not None:
            return None
        rule = rule.regularizer
    kinds = {L1: ("l1", ""), L2: ("", "l2"), L1L2: ("l1", "l2")}
    if type(rule) not in kinds:
        return None
    by_size, by_square = (float(getattr(rule, name, 0.0)) for name in kinds[type(rule)])
    return by_size, by_square


def _shared(view: View, path: str, whole: Expression) -> Expression:
    """A penalty that the rows share is divided by their number."""
    per_row = isinstance(_regularizer(view, path), PerRow)
    return mean_of(whole, view.rows) if per_row else whole


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
    return Symbol(name, float(np.sqrt(sum(squares))), head)


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
