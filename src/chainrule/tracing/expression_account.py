"""The whole of an expression as equations: values, local derivatives, derivatives, paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from chainrule.tracing.equations import Account, Entry, Section, equation, legend, number_text
from chainrule.tracing.expression import Trace, TraceStep
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.expression_paths import path_entries
from chainrule.tracing.expression_uses import is_matrix_product, is_spelled, shapes_in, use_of
from chainrule.tracing.folding import left_out
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Product,
    Quotient,
    Symbol,
    folded,
    minus,
)
from chainrule.tracing.operations import formula_of

__all__ = ["account_of_expression"]

MOST_STEPS, MOST_USES, MOST_CHECKED = 60, 8, 12


def account_of_expression(trace: Trace) -> Account:
    """The equations of an expression, forward and backward."""
    seen = Seen(trace)
    shown = seen.steps if len(seen.steps) <= MOST_STEPS else (
        *seen.steps[: MOST_STEPS // 2], *seen.steps[-MOST_STEPS // 2 :]
    )  # fmt: skip
    others = len(seen.steps) - len(shown)
    sentence = f"{others:,} more step{'' if others == 1 else 's'} {left_out(others)}."
    result = seen.symbol(seen.result).name
    sections = (
        Section("Forward", (*_forward(seen, shown), *([sentence] if others else []))),
        Section("Local derivatives", tuple(_locals(seen, shown))),
        Section("Backward", (*_backward(seen, shown), *([sentence] if others else []))),
        Section("Paths", () if others else tuple(path_entries(seen))),
    )
    lines = (
        f"forward from the variables to {result}, then backward: each derivative is the sum over "
        "uses of the derivative of what uses it (d), times the local one (∂)",
    )
    title = f"{result}, forward and backward"
    return Account(title, lines, legend(sections, _hidden(seen, shown)), sections, trace.digits)


def _hidden(seen: Seen, shown: Iterable[TraceStep]) -> Iterator[str]:
    """What is told of uses that have no formula."""
    edges = (edge for step in shown if step.derivative is not None for edge in seen.edges(step))
    if not all(is_spelled(seen, edge) for edge in edges):
        yield "through"


def _forward(seen: Seen, shown: tuple[TraceStep, ...]) -> Iterator[Entry]:
    for step in shown:
        if step.node.operation is None:
            yield equation(seen.symbol(step))
            continue
        operands = [seen.operand(name) for name in step.operands]
        formula = formula_of(step.operation, operands, step.attributes)
        if formula is None:
            names = ", ".join(
                seen.title[seen.shown_as[name]] for name in step.operands
            )  # fmt: skip
            yield equation(seen.symbol(step), note=f"{step.operation}({names})")
        else:
            yield equation(seen.symbol(step), formula)


def _locals(seen: Seen, shown: tuple[TraceStep, ...]) -> Iterator[Entry]:
    for step in reversed(shown):
        told: set[str] = set()
        for name in step.operands:
            used = seen.shown(name)
            places = seen.places(step, used)
            found = [local for one in places if (local := step.local[one]) is not None]
            if used.name in told or not places or len(found) < len(places):
                continue
            if is_matrix_product(step):
                continue
            told.add(used.name)
            if len({local.shape for local in found}) > 1:
                continue
            symbol = seen.symbol(used).slope(seen.symbol(step), sum(found), sign="∂")
            formula = seen.local_sum(step, places)
            yield equation(symbol, *([] if formula is None else [formula]))
        yield from _parts(seen, step)


def _parts(seen: Seen, step: TraceStep) -> Iterator[Entry]:
    """A stable pair taken apart: the derivative of each part, and their product."""
    parts = step.parts
    if parts is None:
        return
    p, own = seen.share(step), seen.symbol(step)
    logit, target = (seen.operand(name) for name in step.operands)
    if not isinstance(logit, Symbol):
        return
    yield equation(p, Call(parts.link, (logit,)) if parts.link == "sigmoid" else logit_share(logit))
    by_p, by_z = p.slope(own, parts.by_p, sign="∂"), logit.slope(p, parts.by_logit, sign="∂")
    yield equation(by_p, _slope_by_p(parts.link, p, target))
    softmax = parts.link == "softmax"
    yield equation(by_z, *([] if softmax else [Product((p, minus(Number(1), p)))]))
    if not np.all(np.isfinite(parts.product)):
        yield (
            f"The product of the parts is not finite: {parts.link} has rounded to 0 or 1. Both are "
            "computed together, which is always finite."
        )
        return
    whole = Call("by_class", (by_p, by_z)) if softmax else Product((by_p, by_z))
    yield equation(logit.slope(own, parts.product, sign="∂"), whole, note="by its parts")


def logit_share(logit: Symbol) -> Expression:
    """The softmax of an array of logits."""
    return Call("softmax", (logit,))


def _slope_by_p(link: str, p: Symbol, target: Expression) -> Expression:
    if link == "softmax":
        return Negative(Quotient(target, p))
    return Quotient(minus(p, target), Product((p, minus(Number(1), p))))


def _backward(seen: Seen, shown: tuple[TraceStep, ...]) -> Iterator[Entry]:
    result = seen.symbol(seen.result)
    for step in reversed(shown):
        if step.derivative is None:
            continue
        symbol = seen.symbol(step).slope(result, step.derivative, sign="d")
        if step is seen.result:
            yield equation(symbol)
        else:
            uses = folded([use_of(seen, edge) for edge in seen.edges(step)], MOST_USES)
            notes = shapes_in(uses), _checked(seen.trace, step)
            yield equation(symbol, uses, note="; ".join(filter(None, notes)))


def _checked(trace: Trace, step: TraceStep) -> str:
    """The central difference of a variable's derivative, number by number; of few numbers."""
    if not trace.checks or step.operation != "variable" or step.value.size > MOST_CHECKED:
        return ""
    slopes = [trace.central_difference(step.name, index) for index in np.ndindex(step.value.shape)]
    shown = ", ".join(number_text(slope, trace.digits) for slope in slopes)
    return f"central difference{'s' * (len(slopes) > 1)} {shown}"
