"""The whole of a training step as equations, in the order of training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np

from chainrule.tracing.equations import (
    Account,
    Entry,
    Section,
    Values,
    equation,
    number_text,
)
from chainrule.tracing.folding import left_out
from chainrule.tracing.formula import Number, Symbol
from chainrule.tracing.head_formulas import head_targets
from chainrule.tracing.meanings import legend
from chainrule.tracing.operations import DRAWN
from chainrule.tracing.step import StepTrace
from chainrule.tracing.step_backward import backward_row, first_trained
from chainrule.tracing.step_forward import forward_row, loss_entries
from chainrule.tracing.step_gradient import gradient_entries
from chainrule.tracing.step_normal import names_at_positions, statistics, statistics_slopes
from chainrule.tracing.step_numbers import constants_of, name_in_rule, numbers_of_step
from chainrule.tracing.step_own_loss import own_loss
from chainrule.tracing.step_update import update_entries
from chainrule.tracing.view import View, flat
from chainrule.tracing.widths import widths_of

__all__ = ["account_of_step"]

INDEXES = {"rows": "W[i,j]", "columns": "W[j,i]", "theta": "Θ[j,i]"}
"""How weights without a pattern are told, by the form of a notation."""
FIRST_STEPS = 5
"""Losses that are shown at the start and at the end of many steps."""


def account_of_step(trace: StepTrace) -> Account:
    """The equations of one step; of several the first and the last, and the losses of all."""
    view = View(trace)
    sections = list(_sections(view, f"Step {trace.iteration:,}: " if trace.following else ""))
    losses = _known_losses(trace)
    if trace.following or len(losses) > 2:
        count = len(losses) - 1
        plural = "s" if count != 1 else ""
        entries = (*_losses(trace, losses), *_left_out(trace))
        sections.append(Section(f"Losses of {count:,} step{plural}", entries))
    if trace.following:
        last = trace.steps[-1]
        sections += _sections(View(last), f"Step {last.iteration:,}: ")
    lines, used = tuple(_lines(view)), legend(sections, _known(trace))
    if view.loss_mixes:  # a line of its own says of what they are derivatives
        used = tuple(one for one in used if one not in ("δ", "Err"))
    return Account(_title(view), lines, used, tuple(sections), trace.notation.digits)


def _known(trace: StepTrace) -> Iterator[str]:
    """What of the legend is told whatever equations have."""
    notation = trace.notation
    if not any(layer.numbers.z is not None for layer in trace.layers):
        return
    yield notation.form
    if notation.weights is None:
        yield INDEXES[notation.form]
        yield "layers from" if notation.form == "theta" else "layers"
    if notation.units is None and trace.names.units and "o0" in trace.names.units[-1]:
        yield "o0"


def _left_out(trace: StepTrace) -> Iterator[Entry]:
    """What is said of the steps between the first and the last."""
    first, last = trace.iteration + 1, trace.steps[-1].iteration - 1
    if last < first:
        return
    which = f"Step {first:,} is" if first == last else f"Steps {first:,} to {last:,} are"
    kept = len(trace.following) == last - first + 2
    whose = "its" if first == last else "their"
    yield f"{which} left out here{f'; to_csv() has {whose} numbers' if kept else ''}."


def _title(view: View) -> str:
    trace = view.trace
    first = "One training step" if trace.iteration == 1 else f"Training step {trace.iteration:,}"
    name = "-".join(str(width) for width in widths_of(trace))
    return f"{first} of a {name} network" if name else first


def _lines(view: View) -> Iterator[str]:
    trace = view.trace
    shown = [f"{layer.name} ({_kind(layer.kind, layer.activation)})" for layer in trace.layers]
    yield f"layers: {', '.join(shown)}"
    losses = ", ".join(rule.name for rule in trace.loss_rules)
    rule = trace.optimizer
    numbers = {"learning_rate": rule.rate(trace.iteration), **trace.line}
    numbers |= constants_of(numbers_of_step(rule, trace.line, Number(trace.iteration)))
    line = ", ".join(f"{name_in_rule(name)} {value:g}" for name, value in numbers.items())
    rows = f"{trace.rows:,} row{'s' if trace.rows != 1 else ''}"
    if trace.row_weights is not None:
        rows += " with weights" if trace.rows != 1 else " with a weight"
    yield (
        f"loss: {losses}; optimizer: {type(rule).__name__}, {line}; step "
        f"{trace.iteration:,}; {rows}"
    )
    yield from trace.remarks
    if len(view.normalizing) > 1:
        yield "; ".join(
            f"γ{number}, β{number}: of {layer.name}"
            for number, layer in enumerate(view.normalizing, start=1)
        )
    for layer in trace.layers:
        if layer.place is None and layer.kernel is not None and layer.numbers.z is not None:
            at = ",".join("pqrs"[: layer.numbers.z.ndim - 2])
            yield (
                f"{layer.name}[{at},j]: unit j of {layer.name} at position {at} of a row; its "
                "weights are the same at all positions"
            )
    yield from _targets_at_positions(view)
    yield from filter(None, (names_at_positions(view, place) for place in range(len(view.layers))))
    yield from _own_letters(view)
    yield from _of_layers(view)


def _of_layers(view: View) -> Iterator[str]:
    """What is said of layers that spread numbers, and of what mixes rows."""
    for layer, spread in zip(view.layers, view.spreads, strict=True):
        if spread is not None:
            paths = f"{layer.name}/kernel", f"{layer.name}/bias"
            kernel, bias = (view.parameter_names[path] for path in paths)
            yield (
                f"{kernel}[n,p,j], {bias}[n,1,j]: of the n-th number that is spread, from the p-th "
                "part of its range to the j-th of its own units"
            )
    mixing = [layer.name for layer, one in zip(view.layers, view.mixing, strict=True) if one]
    unknown = [name for name in mixing if name in view.trace.mixing.unknown]
    who = view.mixers([name for name in mixing if name not in unknown], unknown)
    if who:
        word = "Err is minus" if view.errors else "δ is"
        before = "" if view.loss_mixes else f"before {'it' if len(mixing) == 1 else 'them'}, "
        yield (
            f"{who}: {before}{word} "
            f"the derivative of Σ{view.notation.loss}, the sum of all rows' own losses, by z"
        )


def _own_letters(view: View) -> Iterator[str]:
    """What the names of operations of the user's own stand for."""
    layers = [(one, one.layer.name) for one in view.own_layers if one is not None]
    for own, whose in [(own_loss(view), "the loss"), *layers]:
        if own is not None and (len(own.steps) > 1 or own.link):
            names = f"{own.letter}1, {own.letter}2 ..."
            yield f"{names}: what operations of {whose} give, in their order"


def _targets_at_positions(view: View) -> Iterator[str]:
    """What the names of targets at positions stand for."""
    axes = view.layers[-1].numbers.a.ndim - 2
    if view.targets is None or axes < 1:
        return
    at = ",".join("pqrs"[:axes])
    labels = view.trace.loss_rules[0].target_kind == "labels"
    counted = ", 1 where the label, which counts from 0, is j - 1" if labels else ""
    yield f"t[{at},j]: the target of output j at position {at} of a row{counted}"


def _kind(kind: str, activation: str | None) -> str:
    return kind if activation is None else f"{kind}, {activation}"


def _sections(view: View, before: str = "") -> Iterator[Section]:
    yield from _forward(view, before)
    yield Section(f"{before}Loss", (*loss_entries(view), *_rows_left_out(view)))
    yield from _backward(view, before)
    yield Section(f"{before}Gradients", tuple(gradient_entries(view)))
    yield Section(f"{before}Update", (*update_entries(view), *_after(view)))


def _stages(view: View) -> list[tuple[int, int]]:
    """The layers in parts, from a place to another: a part ends where rows are gathered."""
    ends = [*view.gathering, len(view.layers)]
    return list(pairwise([0, *ends]))


def _row_title(view: View, row: int) -> str:
    return f", row {row + 1}" if view.many else ""


def _forward(view: View, before: str) -> Iterator[Section]:
    for stage, (start, end) in enumerate(_stages(view)):
        since = ""
        if stage:
            name = view.layers[start].name
            if view.normals[start] is not None:
                entries = statistics(view, start, view.shown_rows[0], view.shown_units[start])
                yield Section(f"{before}Forward, {name}, all rows", tuple(entries))
            since = f", from {name}"
        for row in view.shown_rows:
            given = () if stage else _inputs(view, row)
            title = f"{before}Forward{_row_title(view, row)}{since}"
            yield Section(title, (*given, *forward_row(view, row, start, end)))


def _backward(view: View, before: str) -> Iterator[Section]:
    first = first_trained(view)
    for start, end in reversed(_stages(view)):
        until = ""
        if first < end < len(view.layers):
            name, units = view.layers[end].name, view.shown_units[end]
            if view.normals[end] is not None:
                entries = tuple(statistics_slopes(view, end, view.shown_rows[0], units))
                yield Section(f"{before}Backward, {name}, all rows", entries)
            until = f", from {name}"
        for row in view.shown_rows:
            title = f"{before}Backward{_row_title(view, row)}{until}"
            yield Section(title, tuple(backward_row(view, row, start, end)))


def _inputs(view: View, row: int) -> Iterator[Entry]:
    symbols, others = [], 0
    if len(view.trace.inputs) == 1:
        values = flat(next(iter(view.trace.inputs.values())), view.rows)[row]
        shown = _shown_inputs(view, len(values))
        symbols += [view.given(0).symbol(k, values[k], view.row(row)) for k in shown]
        others = len(values) - len(shown)
    symbols += _joined(view, row)
    targets: list[Symbol] = []
    if view.targets is not None:
        count = view.targets.shape[1]
        kept = view.shown_units[-1]
        targets, others = [view.target(row, k) for k in kept], others + count - len(kept)
    targets = targets or head_targets(view, row)
    if symbols or targets:
        more = f"; {others:,} more {left_out(others)}" if others else ""
        yield Values((*symbols, *targets), "given: ", more)


def _shown_inputs(view: View, count: int) -> list[int]:
    """The columns of the rows that are shown: of many those whose weights are."""
    if count <= view.folding.units + 1:
        return list(range(count))
    if view.own_layers[0] is not None:
        return view.shown_given(0)
    return view.shown_sources(0) if view.layers[0].kernel is not None else []


def _joined(view: View, row: int) -> list[Symbol]:
    """What the first layer with weights is given of inputs, where several are put together."""
    place = next((place for place, one in enumerate(view.layers) if one.place == 0), None)
    if view.in_line or place is None or (place == 0 and len(view.trace.inputs) == 1):
        return []
    values = flat(view.layers[place].numbers.x, view.rows)[row]
    few = len(values) <= view.folding.units + 1
    made, shown = view.made_before(place), range(len(values)) if few else view.shown_sources(place)
    given = view.given(place)
    return [given.symbol(k, values[k], view.row(row)) for k in shown if k not in made]


def _rows_left_out(view: View) -> Iterator[Entry]:
    others = view.rows - len(view.shown_rows)
    if others:
        shown = ", ".join(str(row + 1) for row in view.shown_rows)
        said = f"Rows shown: {shown}, with the largest part of the loss"
        yield f"{said}; {others:,} {left_out(others)}."


def _after(view: View) -> Iterator[Entry]:
    trace = view.trace
    if np.isfinite(trace.loss):
        symbol = replace(view.loss(), value=trace.loss_after, mark="'")
        which = ", with the same random numbers" if _draws(trace) else " after the step"
        yield equation(symbol, note=f"the loss of the same rows{which}")
    else:
        yield "The loss is not finite, so no weight is moved."


def _draws(trace: StepTrace) -> bool:
    """Whether a step draws numbers by chance."""
    return any(node.operation in DRAWN for node in trace.nodes)


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
            others = count - 2 * FIRST_STEPS
            entries.append(f"{others:,} more {left_out(others)}.")
        entries.append(equation(Symbol(name, losses[k])))
    if ended:
        entries.append(f"The loss is not finite ({losses[-1]:g}): no further step was made.")
        return tuple(entries)
    if count > 2 and _draws(trace):
        loss, first = trace.notation.loss, trace.iteration
        entries.append(
            f"Each step draws anew by chance (dropout, noise, mixing): {loss} before step "
            f"{first + 1:,} is not {loss}' after step {first:,}, which is with what was drawn "
            f"for step {first:,}."
        )
    return (*entries, *_outputs_after(View(trace.steps[-1])))


def _outputs_after(view: View) -> Iterator[Entry]:
    """What the network predicts after the last step for the rows that are shown."""
    outputs, said = view.trace.outputs_after, "outputs after the last step: "
    if outputs is None:
        return
    last = len(view.layers) - 1
    if np.size(outputs) != view.layers[last].numbers.a.size:
        yield f"{said}{number_text(outputs, view.notation.digits)}"
        return
    values, units = flat(np.asarray(outputs), view.rows), view.shown_units[last]
    symbols = [
        view.unit(last, unit, values[row, unit], view.row(row))
        for row in view.shown_rows for unit in units
    ]  # fmt: skip
    others = values.size - len(symbols)
    yield Values(tuple(symbols), said, f"; {others:,} more {left_out(others)}" if others else "")
