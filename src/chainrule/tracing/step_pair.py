"""Deltas of a stable pair of loss and activation: as training computes them, and by their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chainrule.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.formula import (
    Expression,
    Negative,
    Number,
    Product,
    Quotient,
    Symbol,
    mean_of,
    minus,
    negated,
    product,
    total,
)
from chainrule.tracing.loss_formulas import certainty_slope, mixed_target, probabilities
from chainrule.tracing.pairs import Parts
from chainrule.tracing.step_own_loss import own_loss
from chainrule.tracing.view import View, flat

__all__ = [
    "arrived", "delta_of_mixed", "has_another_pair", "is_spelled", "pair_deltas", "pair_note",
    "share_slope",
]  # fmt: skip

CROSS_ENTROPIES = (BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy)


def arrived(view: View, place: int, row: int, unit: int) -> Symbol:
    """Delta of a layer with a weighted sum; else the derivative by what it is given."""
    if view.layers[place].numbers.z is not None:
        return view.delta(place, unit, row)
    return view.by_given(place, unit, row)


def is_spelled(view: View) -> bool:
    """Whether the loss is a cross-entropy of one output, whose pair is taken apart."""
    rules = view.trace.loss_rules
    one = len(rules) == 1 and view.targets is not None
    return one and type(rules[0]) in CROSS_ENTROPIES and not view.mixed


def has_another_pair(view: View) -> bool:
    """Whether the loss is computed from z by a pair that is not taken apart."""
    nodes = view.trace.nodes
    known = is_spelled(view) or own_loss(view) is not None
    return any(one.operation.endswith("_cross_entropy") for one in nodes) and not known


def delta_of_mixed(view: View, row: int, unit: int) -> Expression | None:
    """p - t of a pair on mixed rows, t being the targets of both in their shares."""
    parts, rules = view.parts, view.trace.loss_rules
    if not view.mixed or parts is None or type(rules[0]) not in CROSS_ENTROPIES:
        return None
    target, outputs = mixed_target(view, row, unit), probabilities(view, row)
    if target is None:
        return None
    whole = minus(outputs[unit], target)
    count = len(outputs) if parts.link == "sigmoid" else view.output_positions
    return mean_of(negated(whole) if view.errors else whole, count)


def pair_deltas(view: View, place: int, row: int, unit: int, parts: Parts) -> Iterator[Entry]:
    """Delta of a stable pair: as training computes it, then as the product of its parts."""
    delta = arrived(view, place, row, unit)
    outputs = probabilities(view, row)
    o, t = outputs[unit], view.target(row, unit)
    count = len(outputs) if parts.link == "sigmoid" else view.output_positions
    whole = minus(t, o) if view.errors else minus(o, t)
    yield equation(delta, mean_of(whole, count), note="as training computes both together")
    steps = _sigmoid_parts if parts.link == "sigmoid" else _softmax_parts
    product_value = flat(parts.product, view.rows)[row, unit] / count
    if np.isfinite(product_value):
        yield from steps(view, place, row, unit, parts, outputs)


def _sign(view: View) -> int:
    return -1 if view.errors else 1


def _sigmoid_parts(
    view: View, place: int, row: int, unit: int, parts: Parts, outputs: list[Symbol]
) -> Iterator[Entry]:
    count, o, t = len(outputs), outputs[unit], view.target(row, unit)
    by_p = flat(parts.by_p, view.rows)[row, unit] / count
    by_logit = flat(parts.by_logit, view.rows)[row, unit]
    product_value = flat(parts.product, view.rows)[row, unit] / count
    upstream = o.slope(view.loss(row), by_p, view.errors)
    local = _logit(view, place, row, unit).slope(o, by_logit)
    certainty = certainty_slope(o, t)
    yield equation(upstream, mean_of(_negated_top(certainty) if view.errors else certainty, count))
    yield equation(local, Product((o, minus(Number(1), o))))
    delta = replace(arrived(view, place, row, unit), value=_sign(view) * product_value)
    yield equation(delta, Product((upstream, local)), note="by its parts")


def _negated_top(one: Expression) -> Expression:
    """The negative of a quotient, by its top."""
    if isinstance(one, Quotient):
        return Quotient(negated(one.top), one.bottom)
    return negated(one)


def _logit(view: View, place: int, row: int, unit: int) -> Symbol:
    """z of the last layer, which a layer without weights is given."""
    layer = view.layers[place]
    if layer.numbers.z is None:
        x = flat(layer.numbers.x, view.rows)[row, unit]
        return view.given(place).symbol(unit, x, view.row(row))
    z = flat(layer.numbers.z, view.rows)[row, unit]
    return view.unit(place, unit, 0.0).of("z", z, view.row(row))


def _softmax_parts(
    view: View, place: int, row: int, unit: int, parts: Parts, outputs: list[Symbol]
) -> Iterator[Entry]:
    """The sum over the classes whose target is not 0."""
    assert view.targets is not None  # noqa: S101  (looked at before)
    positions = view.output_positions
    by_p = flat(parts.by_p, view.rows)[row] / positions
    by_logits = parts.by_logit.reshape(view.rows, len(by_p), -1)[row]
    start = unit // by_logits.shape[1] * by_logits.shape[1]
    end = start + by_logits.shape[1]
    classes = start + np.flatnonzero(view.targets[row, start:end])
    first = next(one for one in view.shown_units[place] if one >= start)
    terms = []
    for k in (int(one) for one in classes[: view.folding.terms]):
        o, t = outputs[k], view.target(row, k)
        upstream = o.slope(view.loss(row), by_p[k], view.errors)
        local = _logit(view, place, row, unit).slope(o, by_logits[k, unit - start])
        if unit == first:
            plain = Quotient(t, o) if view.errors else Negative(Quotient(t, o))
            yield equation(upstream, mean_of(plain, positions))
        yield equation(local, share_slope(o, outputs[unit], k == unit))
        terms.append(product(upstream, local))
    if len(classes) > len(terms):
        return
    delta = arrived(view, place, row, unit)
    value = _sign(view) * flat(parts.product, view.rows)[row, unit] / positions
    yield equation(replace(delta, value=value), total(terms), note="by its parts")


def share_slope(p: Symbol, own: Symbol, same: bool) -> Expression:
    """The derivative of a class's share with respect to z of a class: p_k ([k = j] - p_j)."""
    return Product((p, minus(Number(1), own))) if same else Negative(Product((p, own)))


def pair_note(view: View, row: int) -> Iterator[Entry]:
    """Why training computes a pair as one, where the product of its parts is not finite."""
    parts = view.parts if is_spelled(view) else None
    if parts is not None and not np.all(np.isfinite(flat(parts.product, view.rows)[row])):
        yield (
            f"The product of the parts is not finite: {parts.link} has rounded to 0 or 1, where "
            "the loss has no slope. Training computes both together, which is always finite."
        )
