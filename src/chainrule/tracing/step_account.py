"""The whole of a training step as equations, in the order of training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.tracing.equations import (
    Account,
    Entry,
    Section,
    Values,
    equation,
    legend,
    number_text,
)
from chainrule.tracing.formula import Symbol
from chainrule.tracing.step import StepTrace
from chainrule.tracing.step_backward import backward_row
from chainrule.tracing.step_forward import forward_row, loss_entries
from chainrule.tracing.step_update import gradient_entries, update_entries
from chainrule.tracing.view import View, flat

__all__ = ["account_of_step"]

FORMS = {
    "rows": "z = a W + b, a row of units times a matrix; W[i,j] leads from i to j",
    "columns": "z = W a + b, a matrix times a column; W[j,i] leads from i to j",
    "theta": "z = Θ a with a unit of 1 before a; Θ[j,i] leads from i to j, Θ[j,0] is the bias",
}
FIRST_STEPS = 5
"""Losses that are shown at the start and at the end of many steps."""


def account_of_step(trace: StepTrace) -> Account:
    """The equations of one step; of several the first and the last, and the losses of all."""
    view = View(trace)
    sections = list(_sections(view))
    losses = _known_losses(trace)
    if trace.following or len(losses) > 2:
        count = len(losses) - 1
        plural = "s" if count != 1 else ""
        sections.append(Section(f"Losses of {count:,} step{plural}", _losses(trace, losses)))
    if trace.following:
        last = trace.steps[-1]
        sections += _sections(View(last), f"Step {last.iteration:,}: ")
    lines, used = tuple(_lines(view)), legend(sections)
    return Account(_title(view), lines, used, tuple(sections), trace.notation.digits)


def _title(view: View) -> str:
    trace = view.trace
    first = "step" if trace.iteration == 1 else f"step {trace.iteration:,}"
    name = "-".join(str(width) for width in _widths(view))
    return f"One training {first} of a {name} network" if name else f"One training {first}"


def _widths(view: View) -> list[int]:
    return [len(one) for one in view.names.units]


def _lines(view: View) -> Iterator[str]:
    trace = view.trace
    shown = [f"{layer.name} ({_kind(layer.kind, layer.activation)})" for layer in trace.layers]
    yield f"layers: {', '.join(shown)}"
    losses = ", ".join(rule.name for rule in trace.loss_rules)
    numbers = {"learning_rate": trace.optimizer.rate(trace.iteration), **trace.line}
    line = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
    rows = f"{trace.rows:,} row{'s' if trace.rows != 1 else ''}"
    yield (
        f"loss: {losses}; optimizer: {type(trace.optimizer).__name__}, {line}; step "
        f"{trace.iteration:,}; {rows}"
    )
    yield from trace.remarks
    form = FORMS[trace.notation.form]
    if trace.notation.weights is not None:
        form = form.partition(";")[0]
    yield form
    mixing = [layer.name for layer, one in zip(trace.layers, view.mixing, strict=True) if one]
    if mixing:
        loss = trace.notation.loss
        yield (
            f"rows mix in {', '.join(mixing)}: what comes before has its δ and derivatives of "
            f"Σ{loss}, the sum of all rows' own losses, and not of its row's own"
        )


def _kind(kind: str, activation: str | None) -> str:
    return kind if activation is None else f"{kind}, {activation}"


def _sections(view: View, before: str = "") -> Iterator[Section]:
    for row in view.shown_rows:
        place = f", row {row + 1}" if view.many else ""
        yield Section(f"{before}Forward{place}", tuple(_forward(view, row)))
    yield Section(f"{before}Loss", (*loss_entries(view), *_rows_left_out(view)))
    for row in view.shown_rows:
        place = f", row {row + 1}" if view.many else ""
        yield Section(f"{before}Backward{place}", tuple(backward_row(view, row)))
    yield Section(f"{before}Gradients", tuple(gradient_entries(view)))
    yield Section(f"{before}Update", (*update_entries(view), *_after(view)))


def _forward(view: View, row: int) -> Iterator[Entry]:
    yield from _inputs(view, row)
    yield from forward_row(view, row)


def _inputs(view: View, row: int) -> Iterator[Entry]:
    symbols = []
    for given in view.trace.inputs.values():
        values = flat(given, view.rows)[row]
        if len(view.trace.inputs) == 1 and len(values) <= view.folding.units:
            symbols += [
                view.given(0).symbol(k, value, view.row(row)) for k, value in enumerate(values)
            ]
    symbols += _joined(view, row)
    if view.targets is not None and view.targets.shape[1] <= view.folding.units:
        symbols += [view.target(row, k) for k in range(view.targets.shape[1])]
    if symbols:
        yield Values(tuple(symbols), "given: ")


def _joined(view: View, row: int) -> list[Symbol]:
    """What the first layer with weights is given, where several inputs are put together for it."""
    place = next((place for place, one in enumerate(view.layers) if one.place == 0), None)
    if view.in_line or place is None or (place == 0 and len(view.trace.inputs) == 1):
        return []
    values = flat(view.layers[place].numbers.x, view.rows)[row]
    if len(values) > view.folding.units:
        return []
    given = view.given(place)
    return [given.symbol(k, value, view.row(row)) for k, value in enumerate(values)]


def _rows_left_out(view: View) -> Iterator[Entry]:
    others = view.rows - len(view.shown_rows)
    if others:
        shown = ", ".join(str(row + 1) for row in view.shown_rows)
        yield f"Rows shown: {shown}, with the largest part of the loss; {others:,} are left out."


def _after(view: View) -> Iterator[Entry]:
    trace = view.trace
    if np.isfinite(trace.loss):
        symbol = Symbol(view.notation.loss, trace.loss_after, mark="'")
        yield equation(symbol, note="the loss of the same rows after the step")
    else:
        yield "The loss is not finite, so no weight is moved."


def _known_losses(trace: StepTrace) -> tuple[float, ...]:
    """The losses up to the first that is not finite, after which no step is made."""
    ends = [place for place, loss in enumerate(trace.losses) if not np.isfinite(loss)]
    return trace.losses[: ends[0] + 1] if ends else trace.losses


def _losses(trace: StepTrace, losses: tuple[float, ...]) -> tuple[Entry, ...]:
    """The loss before each step and after the last, of many steps the first and the last."""
    count, ended = len(losses), not np.isfinite(losses[-1])
    places = range(count)
    kept = [k for k in places if k < FIRST_STEPS or k >= count - FIRST_STEPS]
    entries: list[Entry] = []
    for k in kept:
        name = f"{trace.notation.loss} before step {trace.iteration + k:,}"
        if k == count - 1 and not ended:
            name = f"{trace.notation.loss} after step {trace.iteration + k - 1:,}"
        if entries and k == count - FIRST_STEPS and count > 2 * FIRST_STEPS:
            entries.append(f"{count - 2 * FIRST_STEPS:,} more are left out.")
        entries.append(equation(Symbol(name, losses[k])))
    if ended:
        entries.append(f"The loss is not finite ({losses[-1]:g}): no further step was made.")
        return tuple(entries)
    outputs = trace.steps[-1].outputs_after
    if outputs is not None:
        text = number_text(outputs, trace.notation.digits)
        entries.append(f"outputs after the last step: {text}")
    return tuple(entries)
