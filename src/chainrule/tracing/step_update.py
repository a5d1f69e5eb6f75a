"""Gradients and updates of a training step, as equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.optimizers import SGD
from chainrule.tracing.equations import Entry, Values, equation, number_text
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Symbol,
    dot,
    mean_of,
    minus,
    product,
    total,
)
from chainrule.tracing.operations import rule_formula
from chainrule.tracing.step import LayerTrace, ParameterTrace
from chainrule.tracing.step_penalty import (
    clip_formula,
    is_clipped,
    norm_entries,
    number_symbol,
    penalty_slope,
    penalty_symbol,
)
from chainrule.tracing.view import View, flat

__all__ = ["Shown", "gradient_entries", "rate_formula", "shown_numbers", "update_entries"]

Array = np.ndarray[Any, np.dtype[Any]]


KINK = 1e-3
"""How far slopes on both sides differ where a kink lies, as a share of the larger."""


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
    """The numbers of a layer's parameters that are shown: those with the largest gradients."""
    layer = view.layers[place]
    for parameter in layer.parameters.values():
        if parameter.gradient is None or parameter.gradient.size == 0:
            continue
        weights = layer.kernel is parameter
        most = view.folding.weights if weights else view.folding.biases
        sizes = np.nan_to_num(np.abs(parameter.gradient), nan=np.inf)
        if weights:
            sizes = sizes.T  # unit by unit
        order = np.argsort(-sizes.reshape(-1), kind="stable")[:most]
        for number in sorted(int(one) for one in order):
            index = tuple(int(one) for one in np.unravel_index(number, sizes.shape))
            index = index[::-1] if weights else index
            symbol = number_symbol(view, layer, parameter, index)
            yield Shown(place, layer, parameter, index, symbol)


def gradient_entries(view: View) -> Iterator[Entry]:
    """The gradient of each weight: the product a delta, summed over the rows."""
    for place in reversed(range(len(view.layers))):
        yield from _reported_sums(view, place)
        for one in shown_numbers(view, place):
            yield from _penalty_entries(view, one)
            yield _gradient(view, one)
        yield from _left_out(view, place)
    yield from norm_entries(view)
    for place in reversed(range(len(view.layers))):
        for one in shown_numbers(view, place):
            yield from _clipped(view, one)


def _reported_sums(view: View, place: int) -> Iterator[Entry]:
    """Derivatives of the loss by z, where they are more than a row's share of its delta."""
    layer, shares = view.layers[place], view.trace.row_shares
    if layer.place is None:
        return
    units = sorted({
        one.index[-1] for one in shown_numbers(view, place)
        if one.parameter in (layer.kernel, layer.bias)
    })  # fmt: skip
    for unit in (one for one in units if _shares(view, layer, one) is None):
        for row in view.shown_rows:
            symbol = _reported(view, place, unit, row)
            if shares is None or (any(view.mixing[place:]) and len(set(shares)) > 1):
                note = "through the losses of all outputs" if shares is None else "where rows mix"
                yield equation(symbol, note=note)
            else:
                yield equation(symbol, _with_activities(view, place, unit, row, shares[row]))


def _with_activities(view: View, place: int, unit: int, row: int, share: float) -> Expression:
    """A row's share of delta, and what penalties on activities add."""
    numbers = view.layers[place].numbers
    delta = replace(view.delta(place, unit, row), row=view.row_of_batch(row))
    own, reported = (flat(one, view.rows)[row, unit] for one in (numbers.delta, numbers.reported))
    if view.trace.row_weights is not None:
        first: Expression = Product((Symbol("s", share, row=row + 1), delta))
    else:
        first = delta if share == 1 else mean_of(delta, view.rows)
    z = view.unit(place, unit, 0.0).of("z", 0.0, view.row_of_batch(row))
    slope = z.slope(penalty_symbol(view), reported - share * own)
    return total([first, Negative(slope) if view.errors else slope])


def _penalty_entries(view: View, one: Shown) -> Iterator[Entry]:
    """The gradient of a parameter's own penalty."""
    if one.parameter.penalty is not None:
        formula = penalty_slope(view, one.path, one.symbol)
        if formula is not None:
            yield equation(_penalty_symbol(view, one), formula)


def _penalty_symbol(view: View, one: Shown) -> Symbol:
    assert one.parameter.penalty is not None  # noqa: S101  (looked at before)
    return one.symbol.slope(penalty_symbol(view), one.parameter.penalty[one.index])


def _left_out(view: View, place: int) -> Iterator[Entry]:
    layer = view.layers[place]
    for name, parameter in layer.parameters.items():
        if parameter.gradient is not None:
            most = view.folding.weights if layer.kernel is parameter else view.folding.biases
            others = parameter.gradient.size - most
            if others > 0:
                yield (
                    f"{layer.name}/{name}: {others:,} more of {parameter.gradient.size:,} with "
                    "smaller gradients are left out."
                )


def _slope_symbol(view: View, one: Shown, opposite: bool | None = None) -> Symbol:
    """dE/dw; -dE/dw where the reader wants errors."""
    by = view.loss()
    return one.symbol.slope(by, one.gradient, view.errors if opposite is None else opposite)


def _gradient(view: View, one: Shown) -> Entry:
    symbol = _slope_symbol(view, one)
    formula = _product_formula(view, one)
    note = "" if formula is not None else "through the operations of the layer"
    if view.trace.checks:
        said = _measured(view, one)
        note = f"{note}; {said}" if note else said
    return equation(symbol, *([] if formula is None else [formula]), note=note)


def _measured(view: View, one: Shown) -> str:
    """The central difference, and why it is not the gradient where a kink lies."""
    sign, digits = -1 if view.errors else 1, view.notation.digits
    slopes = [sign * float(slope) for slope in view.trace.measured_slopes(one.path, one.index)]
    center, below, above = (number_text(slope, digits) for slope in slopes)
    said = f"central difference {center}"
    if _differ(slopes[1], slopes[2]) and _differ(slopes[0], sign * float(one.gradient)):
        said += (
            f": at a kink of the loss, whose slope is {below} below this value and {above} above"
        )
    return said


def _differ(left: float, right: float) -> bool:
    return abs(left - right) > KINK * max(abs(left), abs(right), KINK)


def _product_formula(view: View, one: Shown) -> Expression | None:
    """The sum over rows of a delta, each with its share in the loss, and the penalty's part."""
    layer, unit = one.layer, one.index[-1]
    weight = one.parameter is layer.kernel
    if not weight and one.parameter is not layer.bias:
        return None
    x = flat(layer.numbers.x, view.rows)[:, one.index[0]] if weight else np.ones(view.rows)
    shares = _shares(view, layer, unit)
    deltas = flat(layer.numbers.reported if shares is None else layer.numbers.delta, view.rows)
    equal = shares is not None and view.trace.row_weights is None

    def term(row: int) -> Expression:
        number = view.row_of_batch(row)
        delta = replace(view.delta(one.place, unit, row), row=number)
        factors: list[Expression] = [
            _reported(view, one.place, unit, row) if shares is None else delta
        ]
        if weight:
            a = view.given(one.place).symbol(one.index[0], x[row], number)
            factors.insert(0 if view.notation.form == "rows" else 1, a)
        if shares is not None and not equal:
            factors.insert(0, Symbol("s", shares[row], row=row + 1))
        return product(*factors)

    scale = (-1.0 if view.errors else 1.0) * (1.0 if equal or shares is None else shares)
    terms = total(dot(x, deltas[:, unit], term, view.folding.terms, scale))
    if equal and shares is not None and shares[0] != 1:
        terms = mean_of(terms, view.rows)
    return _with_penalty(view, one, terms)


def _shares(view: View, layer: LayerTrace, unit: int) -> Array | None:
    """The share of each row's loss; None where rows mix, so that deltas do not add up by shares."""
    shares = view.trace.row_shares
    if shares is None:
        return None
    deltas, reported = (
        flat(one, view.rows)[:, unit].astype(np.float64)
        for one in (layer.numbers.delta, layer.numbers.reported)
    )
    alike = np.allclose(shares * deltas, reported, 1e-5, 1e-6 * float(np.abs(reported).max()))
    return shares if alike else None


def _reported(view: View, place: int, unit: int, row: int) -> Symbol:
    """The derivative of the loss itself with respect to z in a row."""
    value = flat(view.layers[place].numbers.reported, view.rows)[row, unit]
    z = view.unit(place, unit, 0.0).of("z", 0.0, view.row_of_batch(row))
    return z.slope(view.loss(), value, view.errors)


def _with_penalty(view: View, one: Shown, terms: Expression) -> Expression:
    if one.parameter.penalty is None:
        return terms
    slope = _penalty_symbol(view, one)
    return total([terms, Negative(slope) if view.errors else slope])


def _used(view: View, one: Shown) -> Symbol:
    """The gradient that the update is given."""
    assert one.parameter.clipped is not None  # noqa: S101  (it has a gradient)
    if not is_clipped(view, one.parameter, one.index):
        return _slope_symbol(view, one, opposite=False)
    return one.symbol.of("g", one.parameter.clipped[one.index])


def _clipped(view: View, one: Shown) -> Iterator[Entry]:
    used = _used(view, one)
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


def update_entries(view: View) -> Iterator[Entry]:
    """The optimizer's rule on each weight that is shown, and what is not moved."""
    yield from _corrected_rate(view)
    for place, layer in enumerate(view.layers):
        shown = list(shown_numbers(view, place))
        if not view.folding.whole and shown and shown[0].parameter.slots_before:
            yield f"{layer.name}: the rule moves each weight so; of one with a large gradient:"
            kernel = [one for one in shown if one.parameter is layer.kernel] or shown
            shown = [max(kernel, key=lambda one: abs(one.gradient))]
        for one in shown:
            yield from _update(view, one)
        yield from _held(view, layer)


def rate_formula(rule: Any, line: Mapping[str, Any], step: Symbol | Number) -> Expression | None:
    """The rate of Adam with what corrects its young averages; None of another rule."""
    if "alpha" not in line or not hasattr(rule, "beta_1"):
        return None
    rate = Symbol("rate", rule.rate(int(step.value)))
    faded = [
        minus(Number(1), Power(Symbol(name, getattr(rule, name)), step))
        for name in ("beta_2", "beta_1")
    ]
    return Quotient(Product((rate, Call("sqrt", (faded[0],)))), faded[1])


def _corrected_rate(view: View) -> Iterator[Entry]:
    line = view.trace.line
    formula = rate_formula(view.trace.optimizer, line, Number(view.trace.iteration))
    if formula is not None:
        yield equation(Symbol("alpha", line["alpha"]), formula)


def _update(view: View, one: Shown) -> Iterator[Entry]:
    after = replace(one.symbol, value=one.parameter.after[one.index], mark="'")
    if not np.isfinite(view.trace.loss):
        return
    simple = _error_update(view, one)
    if simple is not None:
        yield equation(after, simple)
        return
    made = view.trace.update(one.path, one.index)
    known: dict[int, Expression] = {}
    for name, node in made.leaves.items():
        known[node.number] = _leaf(view, one, name, float(node.value))
    moved: dict[int, Expression] = {}
    for name, node in made.slots.items():
        formula = rule_formula(node, known | moved)
        state = one.parameter.slots_after[name]
        symbol = replace(one.symbol, head=name, value=state[one.index], mark="'")
        yield equation(symbol, *([] if formula is None else [formula]))
        moved[node.number] = symbol
    formula = rule_formula(made.weight, known | moved)
    forms = [] if formula is None else [formula]
    value = float(made.weight.value)
    if not _is_constrained(view, one) or value == after.value:
        yield equation(after, *forms)
    else:
        yield equation(replace(after, value=value, mark="*"), *forms, note="by the rule")
        yield equation(after, note="after the constraint")


def _is_constrained(view: View, one: Shown) -> bool:
    """Whether a constraint comes after the rule."""
    table = view.trace.trainer.parameters.table
    return any(entry.name == one.path and entry.constraint is not None for entry in table)


def _leaf(view: View, one: Shown, name: str, value: float) -> Symbol:
    """A leaf of the rule: the weight, its gradient, a slot of its state, a number of the step."""
    if name == "weight":
        return one.symbol
    if name == "gradient":
        return _used(view, one)
    if name in one.parameter.slots_before:
        return one.symbol.of(name, value)
    return Symbol("rate" if name == "learning_rate" else name, value)


def _error_update(view: View, one: Shown) -> Expression | None:
    """w + rate Err a, where errors are wanted and the rule is plain descent on one row."""
    trace = view.trace
    rule = trace.optimizer
    plain = type(rule) is SGD and not rule.momentum and not rule.nesterov
    formula = _product_formula(view, one) if view.errors and plain and not view.many else None
    if formula is None or _used(view, one).by is None or one.parameter.penalty is not None:
        return None
    if _is_constrained(view, one):
        return None
    rate = Symbol("rate", trace.line["learning_rate"])
    factors = formula.factors if isinstance(formula, Product) else (formula,)
    errors = sorted(factors, key=lambda factor: getattr(factor, "head", "") != "Err")
    return total([one.symbol, Product((rate, *errors))])


def _held(view: View, layer: LayerTrace) -> Iterator[Entry]:
    """Parameters that no gradient moves."""
    digits = view.notation.digits
    for name, one in layer.parameters.items():
        if one.gradient is not None:
            continue
        called = f"{layer.name}/{name}"
        if not np.array_equal(one.before, one.after):
            before, after = (number_text(state, digits) for state in (one.before, one.after))
            yield f"{called}: moved without a gradient from {before} to {after}."
        elif layer.bias is one and layer.place is not None:
            symbols = {
                view.names.bias(layer.place, k): view.bias(layer, k)
                for k in reversed(range(min(len(one.before), view.folding.biases)))
            }
            yield Values(tuple(reversed(symbols.values())), after=", held fixed")
        else:
            yield f"{called}: held fixed at {number_text(one.before, digits)}."
