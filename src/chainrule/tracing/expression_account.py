"""The whole of an expression as equations: values, local derivatives, derivatives, paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from inspect import signature

import numpy as np

from chainrule.tracing.equations import Account, Entry, Section, equation, number_text
from chainrule.tracing.expression import Trace, TraceStep
from chainrule.tracing.expression_entries import locals_of, parts_of_pair, slope_of, value_of
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.expression_paths import path_entries
from chainrule.tracing.expression_uses import is_spelled
from chainrule.tracing.folding import left_out
from chainrule.tracing.kinks import kink_said
from chainrule.tracing.meanings import legend

__all__ = ["account_of_expression"]

NOT_FINITE = (
    "The product of the parts is not finite: p has rounded to 0 or 1. Both are computed together, "
    "which is always finite."
)
MOST_STEPS, MOST_USES, MOST_CHECKED = 60, 8, 12


def account_of_expression(trace: Trace) -> Account:
    """The equations of an expression, forward and backward."""
    seen = Seen(trace)
    shown = seen.steps if len(seen.steps) <= MOST_STEPS else (
        *seen.steps[: MOST_STEPS // 2], *seen.steps[-MOST_STEPS // 2 :]
    )  # fmt: skip
    others = len(seen.steps) - len(shown)
    sentence = f"{others:,} more step{'' if others == 1 else 's'} {left_out(others)}."
    rest = [sentence] if others else []
    result = seen.symbol(seen.result).name
    values = {step.number: value_of(seen, step) for step in shown}
    given = {one.number: equation(seen.symbol(one)) for one in seen.constants_of(shown)}
    forward = (one for _, one in sorted((values | given).items()))
    sections = (
        Section("Forward", (*forward, *rest)),
        Section("Local derivatives", tuple(_locals(seen, shown))),
        Section("Backward", (*_backward(seen, shown), *rest)),
        Section("Paths", () if others else tuple(path_entries(seen))),
    )
    lines = (
        f"forward from the variables to {result}, then backward: each derivative is the sum over "
        "uses of the derivative of what uses it (d), times the local one (∂)",
        *dict.fromkeys(_meaning(step) for step in shown if values[step.number].note),
    )
    title = f"{result}, forward and backward"
    told = legend(sections, _hidden(seen, shown))
    return Account(title, lines, told, sections, trace.digits, seen.taken)


def _meaning(step: TraceStep) -> str:
    """What an operation does that is written by its name alone."""
    operation = step.node.operation
    said = (operation.__doc__ or "").strip().partition("\n")[0]
    if operation is None or not said:
        return ""
    operands = list(signature(operation.meaning).parameters)[: len(step.operands)]
    return f"{step.operation}({', '.join(operands)}): {said}"


def _hidden(seen: Seen, shown: Iterable[TraceStep]) -> Iterator[str]:
    """What is told of uses that have no formula."""
    edges = (edge for step in shown if step.derivative is not None for edge in seen.edges(step))
    if not all(is_spelled(seen, edge) for edge in edges):
        yield "through"


def _locals(seen: Seen, shown: tuple[TraceStep, ...]) -> Iterator[Entry]:
    for step in reversed(shown):
        yield from (entry for _, entry in locals_of(seen, step))
        parts = tuple(parts_of_pair(seen, step))
        if all(np.all(np.isfinite(one.value)) for one in parts if one.note):
            yield from parts
            continue
        yield from (one for one in parts if not one.note)
        yield NOT_FINITE


def _backward(seen: Seen, shown: tuple[TraceStep, ...]) -> Iterator[Entry]:
    for step in reversed(shown):
        if step.derivative is not None:
            made = slope_of(seen, step, MOST_USES)
            notes = made.note, _checked(seen, step)
            yield replace(made, note="; ".join(filter(None, notes)))


def _checked(seen: Seen, step: TraceStep) -> str:
    """The central difference of a variable's derivative, number by number; of few numbers."""
    trace = seen.trace
    if not trace.checks or step.operation != "variable" or step.value.size > MOST_CHECKED:
        return ""
    assert step.derivative is not None  # noqa: S101  (looked at before)
    digits, result, kinks = trace.digits, seen.symbol(seen.result).name, []
    measured = {
        place: trace.measured_slopes(step.name, place) for place in np.ndindex(step.value.shape)
    }
    shown = ", ".join(number_text(slopes[0], digits) for slopes in measured.values())
    for place, slopes in measured.items():
        kink = kink_said(slopes, float(step.derivative[place]), digits, result)
        if kink:
            at = ",".join(str(one + 1) for one in place)
            kinks.append(f"{step.name}[{at}] {kink}" if place else kink)
    said = f"central difference{'s' * (len(measured) > 1)} {shown}"
    return ": ".join(filter(None, (said, ", ".join(kinks))))
