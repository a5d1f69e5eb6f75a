"""A trace as a table: a number a line, complete."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from chainrule.tracing.expression import Trace
from chainrule.tracing.step import LayerTrace, ParameterTrace, StepTrace
from chainrule.tracing.step_gradient import shown_numbers
from chainrule.tracing.step_penalty import number_symbol, place_text
from chainrule.tracing.view import View, flat

__all__ = ["csv_of", "json_of"]

Array = np.ndarray[Any, np.dtype[Any]]
Row: TypeAlias = tuple[Any, ...]

STEP_HEADER = (
    "step", "part", "layer", "parameter", "quantity", "row", "from", "to", "name", "value",
)  # fmt: skip
EXPRESSION_HEADER = ("number", "part", "operation", "quantity", "name", "of", "at", "value")
OWN = 5
"""Columns at the end that differ from row to row; those before are often the same."""
CALLED = {"kernel": "weight", "bias": "bias"}


def csv_of(trace: Any) -> str:
    """A header, then a line for each number; floats so that reading gives the same number."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    header, rows = _table(trace)
    writer.writerow(header)
    writer.writerows(rows)
    return written.getvalue()


def json_of(trace: Any) -> str:
    """The same as a JSON list of records; null where a number is not finite or nothing stands."""
    header, rows = _table(trace)
    keys = [f"{json.dumps(name)}: " for name in header]
    starts: dict[Row, str] = {}
    lines = []
    for row in rows:
        start = row[:-OWN]
        if start not in starts:
            starts[start] = "".join(
                f"{key}{_json(one)}, " for key, one in zip(keys, start, strict=False)
            )
        own = zip(keys[-OWN:], row[-OWN:], strict=True)
        ending = ", ".join([key + _json(one) for key, one in own])
        lines.append(f"{{{starts[start]}{ending}}}")
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    # A lone surrogate cannot be written as UTF-8; escaped, it can.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _json(one: Any) -> str:
    """A text, a number or nothing of a row, as JSON."""
    if one is None:
        return "null"
    if isinstance(one, str):
        return _quoted(one)
    return repr(one) if isfinite(one) else "null"


def _table(trace: Any) -> tuple[tuple[str, ...], Iterator[Row]]:
    if isinstance(trace, Trace):
        return EXPRESSION_HEADER, _expression_rows(trace)
    return STEP_HEADER, _rows_of_steps(trace)


def _rows_of_steps(trace: StepTrace) -> Iterator[Row]:
    """All of each step that is kept; of those between the first and the last of many the loss."""
    name, (first, *later) = trace.notation.loss, trace.steps
    yield from _step_rows(first)
    if later and later[0].iteration > first.iteration + 1:
        between = range(first.iteration + 1, later[0].iteration)
        for iteration, loss in zip(between, trace.losses[1:], strict=False):
            yield iteration, "loss", None, None, "loss", None, None, None, name, loss
    for step in later:
        yield from _step_rows(step)


def _step_rows(trace: StepTrace) -> Iterator[Row]:
    view = View(trace)
    start = (trace.iteration,)
    for rows in (
        _data_rows(view), _layer_rows(view), _operation_rows(view), _loss_rows(view),
        _parameter_rows(view), _checked_rows(view),
    ):  # fmt: skip
        yield from (start + row for row in rows)


def _data_rows(view: View) -> Iterator[Row]:
    trace = view.trace
    for name, given in trace.inputs.items():
        alone = len(trace.inputs) == 1
        for row, column, value in _by_row(given, view.rows):
            own = view.given(0).symbol(column, 0.0).name
            called = own if alone else view.input_name(name, column)
            yield "input", None, None, "x", row + 1, None, column + 1, called, value
    for name, given in trace.targets.items():
        for row, column, value in _by_row(given, view.rows):
            called = view.target(row, column).name if _is_by_output(view, given) else name
            yield "target", None, None, "t", row + 1, None, column + 1, called, value
    if trace.row_weights is not None:
        for row, _, value in _by_row(trace.row_weights, view.rows):
            yield "target", None, None, "row weight", row + 1, None, None, None, value


def _is_by_output(view: View, given: Any) -> bool:
    """Whether targets are numbers of the outputs, and not labels, which count classes."""
    return view.targets is not None and flat(given, view.rows).shape == view.targets.shape


def _by_row(array: Any, rows: int) -> Iterator[tuple[int, int, float]]:
    for row, line in enumerate(flat(array, rows).tolist()):
        for column, value in enumerate(line):
            yield row, column, value


def _layer_rows(view: View) -> Iterator[Row]:
    """What each layer is given and gives, and the derivatives of both."""
    for place, layer in enumerate(view.layers):
        given, gives = view.given(place), view.gives(place)
        before = gives if layer.numbers.z is not None else given
        for part, quantity, array, columns in (
            ("forward", "x", layer.numbers.x, given),
            ("forward", "z", layer.numbers.z, gives),
            ("forward", "a", layer.numbers.a, gives),
            ("backward", "slope", layer.numbers.slope, before),
            ("backward", "upstream", layer.numbers.upstream, gives),
            ("backward", "delta", layer.numbers.delta, before),
            ("backward", "upstream reported", layer.numbers.upstream_reported, gives),
            ("backward", "reported", layer.numbers.reported, before),
        ):
            if array is None:
                continue
            for row, column, value in _by_row(array, view.rows):
                name = columns.symbol(column, 0.0).name
                yield part, layer.name, None, quantity, row + 1, None, column + 1, name, value


def _operation_rows(view: View) -> Iterator[Row]:
    """Every operation's value, and the derivative of the loss reported with respect to it."""
    for node in view.trace.nodes:
        if not node.operands:
            continue
        for part, array in (("operation", node.value), ("operation slope", node.derivative)):
            if array is None:
                continue
            shaped = np.asarray(array)
            in_rows = shaped.ndim > 0 and len(shaped) == view.rows
            name = f"v{node.number}"
            if not in_rows:
                for column, value in enumerate(shaped.reshape(-1).tolist()):
                    yield (
                        part,
                        node.layer,
                        None,
                        node.operation,
                        None,
                        None,
                        column + 1,
                        name,
                        value,
                    )
                continue
            for row, column, value in _by_row(shaped, view.rows):
                yield part, node.layer, None, node.operation, row + 1, None, column + 1, name, value


def _loss_rows(view: View) -> Iterator[Row]:
    trace, loss = view.trace, view.notation.loss
    for row, value in enumerate(trace.row_losses.tolist()):
        yield "loss", None, None, "row loss", row + 1, None, None, loss, value
    if trace.row_shares is not None:
        for row, value in enumerate(trace.row_shares.tolist()):
            yield "loss", None, None, "row share", row + 1, None, None, None, value
    for name, value in trace.penalties.items():
        yield "loss", None, None, "penalty", None, None, None, name, value
    yield "loss", None, None, "loss", None, None, None, loss, trace.loss
    yield "loss", None, None, "loss after", None, None, None, loss, trace.loss_after
    for name, value in trace.line.items():
        yield "update", None, None, name, None, None, None, None, value


def _parameter_rows(view: View) -> Iterator[Row]:
    """Each number of each parameter: before, gradients, state, after."""
    for layer in view.layers:
        for name, one in layer.parameters.items():
            called = CALLED.get(name, name)
            arrays: list[tuple[str, str, Array | None]] = [
                ("forward", called, one.before), ("gradient", "gradient", one.gradient),
                ("gradient", "penalty", one.penalty), ("gradient", "clipped", one.clipped),
            ]  # fmt: skip
            arrays += [("update", slot, array) for slot, array in one.slots_before.items()]
            arrays += [("update", f"new {slot}", array) for slot, array in one.slots_after.items()]
            arrays.append(("update", f"new {called}", one.after))
            places = list(_places(view, layer, one))
            for part, quantity, array in arrays:
                if array is None:
                    continue
                values = np.asarray(array).reshape(-1).tolist()
                for (source, to, symbol), value in zip(places, values, strict=True):
                    yield part, layer.name, name, quantity, None, source, to, symbol, value


def _places(view: View, layer: LayerTrace, one: ParameterTrace) -> Iterator[Row]:
    """Where each number of a parameter leads from and to, and its name."""
    for index in np.ndindex(one.before.shape):
        if one is layer.kernel and layer.place is not None:
            yield index[0] + 1, index[1] + 1, view.names.weight(layer.place, *index)
        elif one is layer.bias and layer.place is not None:
            yield None, index[0] + 1, view.names.bias(layer.place, *index)
        else:
            yield None, place_text(layer, one, index), number_symbol(view, layer, one, index).name


def _checked_rows(view: View) -> Iterator[Row]:
    """The central differences of the gradients that text shows."""
    if not view.trace.checks:
        return
    for place, layer in enumerate(view.layers):
        for one in shown_numbers(view, place):
            name = one.parameter.name
            value = view.trace.central_difference(one.path, one.index)
            source = one.index[0] + 1 if one.parameter is layer.kernel else None
            to = (
                str(one.index[-1] + 1)
                if source
                else place_text(one.layer, one.parameter, one.index)
            )
            yield (
                "gradient", layer.name, name, "central difference", None, source, to,
                one.symbol.name, value,
            )  # fmt: skip


def _expression_rows(trace: Trace) -> Iterator[Row]:
    for step in trace.steps:
        start = (step.number, step.operation)
        yield from _of_step(start, "forward", "value", step.name, None, step.value)
        for operand, local in zip(step.operands, step.local, strict=True):
            yield from _of_step(start, "local", "derivative", step.name, operand, local)
        for one in step.contributions:
            for quantity, array in (("upstream", one.upstream), ("product", one.product)):
                yield from _of_step(start, "backward", quantity, step.name, one.user, array)
        yield from _of_step(
            start, "backward", "derivative", step.name, trace.result.name, step.derivative
        )


def _of_step(
    start: tuple[int, str], part: str, quantity: str, name: str, of: str | None, array: Any
) -> Iterator[Row]:
    if array is None:
        return
    held = np.asarray(array)
    for index in np.ndindex(held.shape):
        at = ",".join(str(place + 1) for place in index)
        yield start[0], part, start[1], quantity, name, of, at or None, float(held[index])
