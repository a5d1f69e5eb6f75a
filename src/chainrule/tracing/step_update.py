"""The updates of a training step, as equations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.graph import Node
from chainrule.optimizers import SGD
from chainrule.tracing.equations import Entry, Values, equation, number_text
from chainrule.tracing.formula import (
    Expression,
    Number,
    Product,
    Symbol,
    total,
)
from chainrule.tracing.operations import rule_formula
from chainrule.tracing.step_gradient import (
    Shown,
    shown_numbers,
    slope_without_penalty,
    used_gradient,
)
from chainrule.tracing.step_normal import moving_statistics
from chainrule.tracing.step_numbers import (
    name_in_rule,
    numbers_of_step,
    of_rule,
)
from chainrule.tracing.view import View

__all__ = ["is_plain_descent", "update_entries"]


MOST_WHOLE = 12
"""Numbers up to which a rule that keeps a state is written for each."""


def update_entries(view: View) -> Iterator[Entry]:
    """The optimizer's rule on each number that is shown, and what is not moved.

    A rule that keeps a state takes many lines: of many numbers it is written for one, and of the
    others stands what it comes to.
    """
    if not np.isfinite(view.trace.loss):
        return
    if view.errors and not is_plain_descent(view.trace.optimizer):
        yield "The rule takes the gradients themselves, without the minus shown before them."
    yield from _numbers_of_step(view)
    shown = [list(shown_numbers(view, place)) for place in range(len(view.layers))]
    moved = [one for of_layer in shown for one in of_layer if not _is_still(one)]
    example = None
    if len(moved) > MOST_WHOLE or not view.folding.whole:
        keeping = [one for one in moved if one.parameter.slots_before]
        weights = [one for one in keeping if one.parameter is one.layer.kernel]
        example = max(weights or keeping, key=lambda one: abs(one.gradient), default=None)
    if example is not None:
        yield "The rule moves each number so; one with a large gradient:"
        yield from _update(view, example)
    for place, of_layer in enumerate(shown):
        if example is None:
            for one in of_layer:
                yield from () if _is_still(one) else _update(view, one)
        else:
            others = [one for one in of_layer if one is not example and not _is_still(one)]
            yield from _listed(map(_after, others), "by the same rule: ")
        yield from _listed(
            (one.symbol for one in of_layer if _is_still(one)), after=": gradient 0, not moved"
        )
        yield from _held(view, place)


def _is_still(one: Shown) -> bool:
    """Whether a rule with a state leaves a number and its state: the gradient is 0."""
    held, index = one.parameter, one.index
    pairs = [(held.before, held.after)]
    pairs += [(array, held.slots_after[name]) for name, array in held.slots_before.items()]
    if not held.slots_before or one.gradient != 0:
        return False
    return all(old[index] == new[index] for old, new in pairs)


def _after(one: Shown) -> Symbol:
    return replace(one.symbol, value=one.parameter.after[one.index], mark="'")


def _listed(symbols: Iterable[Symbol], before: str = "", after: str = "") -> Iterator[Entry]:
    """Symbols beside each other, if there are any."""
    held = tuple(symbols)
    if held:
        yield Values(held, before, after)


def is_plain_descent(rule: Any) -> bool:
    """Whether a rule moves weights by the rate times the gradient, which it never clips."""
    clips = rule.clipnorm or rule.clipvalue or rule.global_clipnorm
    return type(rule) is SGD and not rule.momentum and not clips


def _numbers_of_step(view: View) -> Iterator[Entry]:
    """What the rule finds once for all numbers that it moves in this step."""
    trace = view.trace
    for symbol, formula in numbers_of_step(trace.optimizer, trace.line, Number(trace.iteration)):
        forms = [] if formula is None else [formula]
        yield equation(
            symbol, *forms, note="" if forms else f"the product of u_1 to u{symbol.name[1:]}"
        )


def _update(view: View, one: Shown) -> Iterator[Entry]:
    after = _after(one)
    made = view.trace.update(one.path, one.index)
    known: dict[int, Expression] = {}
    for name, node in made.leaves.items():
        known[node.number] = _leaf(view, one, name, float(node.value))
    moved: dict[int, Expression] = {}
    for name, node in made.slots.items():
        formula = rule_formula(node, known | moved)
        state = one.parameter.slots_after[name]
        symbol = replace(one.symbol, head=name, value=state[one.index], mark="'")
        yield equation(symbol, *([] if formula is None else [formula]), note=_flushed(node))
        moved[node.number] = symbol
    formula = _error_update(view, one) or rule_formula(made.weight, known | moved)
    forms = [] if formula is None else [formula]
    value = float(made.weight.value)
    if not _is_constrained(view, one) or value == after.value:
        yield equation(after, *forms)
    else:
        yield equation(replace(after, value=value, mark="*"), *forms, note="by the rule")
        yield equation(after, note="after the constraint")


def _flushed(node: Node) -> str:
    """Why a number of a rule's state is 0 where its formula says another; "" of others."""
    if node.operation is None or node.operation.name != "flush":
        return ""
    if node.value != 0 or node.operands[0].value == 0:
        return ""
    return f"set to 0, as all that is nearer to 0 than {node.attributes['threshold']:g}"


def _is_constrained(view: View, one: Shown) -> bool:
    """Whether a constraint comes after the rule."""
    table = view.trace.trainer.parameters.table
    return any(entry.name == one.path and entry.constraint is not None for entry in table)


def _leaf(view: View, one: Shown, name: str, value: float) -> Symbol:
    """A leaf of the rule: the weight, its gradient, a slot of its state, a number of the step."""
    if name == "weight":
        return one.symbol
    if name == "gradient":
        return used_gradient(view, one)
    if name in one.parameter.slots_before:
        return one.symbol.of(name, value)
    return of_rule(name_in_rule(name), value)


def _error_update(view: View, one: Shown) -> Expression | None:
    """w + rate Err a, where errors are wanted and the rule is plain descent.

    Of several rows, with a penalty, and where there is no error, w + rate (-dE/dw).
    """
    if not view.errors or not is_plain_descent(view.trace.optimizer):
        return None
    rate = of_rule("rate", view.trace.line["learning_rate"])
    formula = None if view.many else slope_without_penalty(view, one)
    factors = formula.factors if isinstance(formula, Product) else (formula,)
    known = [factor for factor in factors if factor is not None]
    errors = sorted(known, key=lambda factor: getattr(factor, "head", "") != "Err")
    if one.parameter.penalty is None and errors and getattr(errors[0], "head", "") == "Err":
        return total([one.symbol, Product((rate, *errors))])
    slope = one.symbol.slope(view.loss(), one.gradient, opposite=True)
    return total([one.symbol, Product((rate, slope))])


def _held(view: View, place: int) -> Iterator[Entry]:
    """Parameters that no gradient moves."""
    layer, digits = view.layers[place], view.notation.digits
    moving = tuple(moving_statistics(view, place))
    yield from moving
    for name, one in layer.parameters.items():
        if one.gradient is not None or (moving and name.startswith("moving_")):
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
