"""The equations of one step of an expression: value, local derivatives, derivative."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.tracing.equations import Equation, equation, number_text
from chainrule.tracing.expression import TraceStep
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.expression_uses import is_of_matrices, shapes_in, use_of
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Product,
    Quotient,
    Symbol,
    evaluate,
    folded,
    minus,
    settings_of,
)
from chainrule.tracing.operations import IN_PIECES, formula_of

__all__ = ["locals_of", "parts_of_pair", "slope_of", "value_of"]


def value_of(seen: Seen, step: TraceStep) -> Equation:
    """What a step makes of its operands."""
    if step.node.operation is None:
        return equation(seen.symbol(step))
    if step.name in seen.products:
        product = seen.products[step.name]
        return equation(seen.symbol(step), product.value(*seen.factors(product)))
    formulas = _formulas(seen, step)
    if formulas:
        return equation(seen.symbol(step), *formulas)
    given = [_called(seen, name) for name in step.operands]
    given += settings_of(step.attributes, len(step.node.operands[0].shape))
    return equation(seen.symbol(step), note=f"{step.operation}({', '.join(given)})")


def _called(seen: Seen, name: str) -> str:
    """An operand by its name, or by its number where formulas have that."""
    operand = seen.operand(name)
    if isinstance(operand, Number):
        return number_text(operand.value, seen.trace.digits)
    return seen.title[seen.shown_as[name]]


def _formulas(seen: Seen, step: TraceStep) -> list[Expression]:
    """The formula of a value, after the call that it is where it is longer; none of many."""
    operands = tuple(seen.operand(name) for name in step.operands)
    if step.operation == "flush" and not np.array_equal(evaluate(operands[0]), step.value):
        return []
    formula = formula_of(step.operation, operands, step.attributes)
    if formula is None:
        return []
    called = Call(step.operation, operands, tuple(step.attributes.items()))
    return [called, formula] if step.operation in IN_PIECES else [formula]


def locals_of(seen: Seen, step: TraceStep) -> Iterator[tuple[TraceStep, Equation]]:
    """The local derivatives of a step, each with the step by which it is; by matrices none."""
    told: set[str] = set()
    product = seen.products.get(step.name)
    for name in () if product is None and is_of_matrices(step) else step.operands:
        used = seen.shown(name)
        places = seen.places(step, used)
        found = [local for one in places if (local := step.local[one]) is not None]
        if used.name in told or not places or len(found) < len(places):
            continue
        told.add(used.name)
        formula = seen.local_sum(step, places)
        if product is not None and formula is None and product.is_of_matrix:
            continue
        shape = seen.face(used).value.shape
        if step.parts is not None and step.parts.link == "softmax" and places == (0,):
            found = [step.parts.delta]  # each row's own loss moves with its own logits only
        elif step.value.size == 1:
            found = [local.reshape(shape) for local in found]
        elif product is not None:
            found = [local.reshape((*product.made.value.shape, *shape)) for local in found]
        if len({local.shape for local in found}) > 1:
            continue
        symbol = seen.symbol(used).slope(seen.symbol(step), sum(found), sign="∂")
        is_told = isinstance(formula, Number) and np.size(symbol.value) > 1  # by its numbers
        yield used, equation(symbol, *([] if formula is None or is_told else [formula]))


def parts_of_pair(seen: Seen, step: TraceStep) -> Iterator[Equation]:
    """A stable pair taken apart: the derivative of each part, and their product."""
    parts = step.parts
    if parts is None:
        return
    p, own = seen.share(step), seen.symbol(step)
    logit, target = (seen.operand(name) for name in step.operands)
    if not isinstance(logit, Symbol):
        return
    softmax = parts.link == "softmax"
    yield equation(p, Call(parts.link, (logit,)))
    if not softmax and np.shape(logit.value) != step.value.shape:
        return  # a logit for several targets: its parts are sums over them
    by_p, by_z = p.slope(own, parts.by_p, sign="∂"), logit.slope(p, parts.by_logit, sign="∂")
    yield equation(by_p, _slope_by_p(parts.link, p, target))
    if not softmax:
        yield equation(by_z, Product((p, minus(Number(1), p))))
    else:  # of several rows there is a matrix for each
        yield equation(by_z, *([Call("softmax_slope", (p,))] if by_z.value.ndim == 2 else []))
    whole = Call("by_class", (by_p, by_z)) if softmax else Product((by_p, by_z))
    yield equation(logit.slope(own, parts.product, sign="∂"), whole, note="by its parts")


def _slope_by_p(link: str, p: Symbol, target: Expression) -> Expression:
    if link == "softmax":
        return Negative(Quotient(target, p))
    return Quotient(minus(p, target), Product((p, minus(Number(1), p))))


def slope_of(seen: Seen, step: TraceStep, most: int) -> Equation:
    """The derivative of the result by a step as a sum over its uses, of which so many are shown."""
    symbol = seen.slope(step)
    if step is seen.result:
        return equation(symbol)
    uses = folded([use_of(seen, edge) for edge in seen.edges(step)], most)
    return equation(symbol, uses, note=shapes_in(uses))
