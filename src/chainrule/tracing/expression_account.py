"""The whole of an expression as equations: values, local derivatives, derivatives, paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from inspect import signature

import numpy as np

from chainrule.tracing.equations import Account, Entry, Section, equation
from chainrule.tracing.expression import Trace, TraceStep
from chainrule.tracing.expression_entries import locals_of, parts_of_pair, slope_of, value_of
from chainrule.tracing.expression_graph import Seen
from chainrule.tracing.expression_paths import path_entries
from chainrule.tracing.expression_uses import is_spelled
from chainrule.tracing.folding import left_out
from chainrule.tracing.meanings import legend
from chainrule.tracing.verdicts import measured_text, verdict_on

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
    is_checked = trace.checks and step.operation == "variable"
    if not is_checked or not 0 < step.value.size <= MOST_CHECKED:
        return ""
    assert step.derivative is not None  # noqa: S101  (looked at before)
    digits, result = trace.digits, seen.symbol(seen.result).name
    shown: list[str] = []
    verdicts: dict[str, list[str]] = {}
    for place in np.ndindex(step.value.shape):
        slopes = trace.measured_slopes(step.name, place)
        exact = float(step.derivative[place])
        shown.append(measured_text(slopes, digits))
        verdict = verdict_on(slopes, exact, digits, result, why=_why_apart(trace))
        at = f"{step.name}[{','.join(str(one + 1) for one in place)}]"
        verdicts.setdefault(verdict, []).append(at)
    said = f"central difference{'s' * (len(shown) > 1)} {', '.join(shown)}"
    alone = len(verdicts) == 1
    told = [
        verdict if alone else f"{', '.join(places)} {verdict}"
        for verdict, places in verdicts.items() if verdict
    ]  # fmt: skip
    return ": ".join(filter(None, (said, "; ".join(told))))


def _why_apart(trace: Trace) -> str:
    """Why derivatives may not be slopes, where that is known."""
    is_stopped = any(step.operation == "stop_gradient" for step in trace.steps)
    return "stop_gradient hands no derivative back" if is_stopped else ""
