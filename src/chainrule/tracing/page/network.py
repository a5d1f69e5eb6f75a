"""A training step as the page of a network takes it."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine import Graph, Tape, lower
from chainrule.graph import Rows, input_node
from chainrule.tracing.columns import is_long
from chainrule.tracing.notation import Names
from chainrule.tracing.operations import DRAWN
from chainrule.tracing.page.course import (
    seed_and_step,
    shipped_later,
    shipped_lines,
    steps_traced,
)
from chainrule.tracing.page.formulas import shipped_formulas
from chainrule.tracing.page.mixing import mixing_words, shares_of
from chainrule.tracing.page.own_layer import asked_of_own_layers, shipped_lists, shipped_own_layers
from chainrule.tracing.page.own_loss import shipped_own_loss
from chainrule.tracing.page.shipping import evaluated, not_known, packed, shipped_tape
from chainrule.tracing.pairs import is_pair, pair_nodes
from chainrule.tracing.step import LayerTrace, StepTrace
from chainrule.tracing.step_penalty import TABLES
from chainrule.tracing.view import View
from chainrule.tracing.widths import widths_of
from chainrule.training import TracedTape, traced_tape

__all__ = ["shipped_step"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_PARAMETERS = 5_000_000
"""Of a network whose page computes; that of a larger one shows a table of its layers."""
MOST_STATE = 100_000
"""Numbers of an optimizer's state that are shipped, where they are not all the same."""
MOST_EXACT = 100_000
"""Parameters of a float64 network beyond which they are shipped as float32."""
MOST_NAMED = 2_000
"""Weights whose names are shipped; the page writes those of more by their pattern."""
MOST_CLASSES = 12
"""Of a stable pair whose parts are shown."""
MOVES = ("reshape", "cast")
"""Operations that give the numbers that they are given."""


def shipped_step(trace: StepTrace) -> dict[str, Any]:
    """Everything that the page shows and computes with, as plain values."""
    data = _words(trace)
    count = trace.trainer.parameters.count
    if count > MOST_PARAMETERS:
        data["large"] = (
            f"The network has {count:,} parameters, more than {MOST_PARAMETERS:,}: instead of the "
            "drawing, this is what each layer has."
        )
        data["summary"] = [_summary(layer) for layer in trace.layers]
        return data
    view = View(trace)
    traced = traced_tape(trace.trainer, trace.data.variant, asked_of_own_layers(view))
    return data | _numbers(view, traced)


def _words(trace: StepTrace) -> dict[str, Any]:
    notation, rule = trace.notation, trace.optimizer
    plain = f"A training step of a network {'‑'.join(map(str, _sizes(trace)))}"
    return {
        "kind": "step",
        "title": trace.title or plain,
        "about": f"{plain}. " if trace.title else "",
        "rows": trace.rows,
        "digits": notation.digits,
        "form": notation.form,
        "errors": notation.errors,
        "loss": {
            "name": f"[{notation.loss}]" if is_long(notation.loss) else notation.loss,
            "value": packed(trace.loss),
            "after": packed(trace.loss_after),
            "outputs": [{"rule": one.name, "how": one.reduction} for one in trace.loss_rules],
        },
        "optimizer": {
            "name": type(rule).__name__,
            "scalars": list(rule.scalars),
            "slots": list(rule.slots),
        },
        "iteration": trace.iteration,
        "steps": steps_traced(trace),
        "losses": packed(trace.losses),
        "checks": trace.checks,
        "remarks": list(trace.remarks),
        "type": trace.trainer.parameters.dtype.name,
    }


def _sizes(trace: StepTrace) -> list[int]:
    widths = widths_of(trace)
    if len(widths) > 1:
        return widths
    return [int(np.prod(layer.numbers.a.shape[1:])) for layer in trace.layers]


def _summary(layer: LayerTrace) -> dict[str, Any]:
    """Of a layer that is too large to be shipped."""

    def size(array: Array | None) -> str:
        return "–" if array is None else f"{float(np.linalg.norm(array)):.6g}"

    kernel = layer.parameters.get("kernel")
    return {
        "layer": layer.name,
        "kind": layer.kind,
        "units": int(np.prod(layer.numbers.a.shape[1:])),
        "parameters": sum(one.before.size for one in layer.parameters.values()),
        "norm of a": size(layer.numbers.a),
        "norm of delta": size(layer.numbers.delta),
        "norm of weights": size(None if kernel is None else kernel.before),
        "norm of their gradient": size(None if kernel is None else kernel.gradient),
    }


def _numbers(view: View, traced: TracedTape) -> dict[str, Any]:
    trace, (tape, layers, losses, _) = view.trace, traced
    trainer, own = trace.trainer, shipped_own_loss(trace)
    given, fixed = _given(trace, tape)
    plain, unknown = shipped_tape(tape, trace.rows, fixed)
    slots = [array for array in trainer.optimizer.slots if array.size and np.ptp(array) != 0]
    rounded = trainer.parameters.dtype == np.float64 and trainer.parameters.count > MOST_EXACT
    large_state = sum(array.size for array in slots) > MOST_STATE
    data: dict[str, Any] = {
        "names": _names(trace.names, trace),
        "layers": [
            _layer(layer, one, tape, trace) | joined | {"start": start, "mixes": mixes}
            for layer, one, joined, start, mixes in zip(
                trace.layers, layers, _joined(layers, tape), _starts(trace, layers, tape),
                view.mixing, strict=True,
            )
        ],
        "mixing": mixing_words(view),
        "segments": [
            [one.name, one.start, one.stop, list(one.shape), one.trainable] for one in tape.segments
        ],
        "sources": [[one.index, one.kind, one.name] for one in tape.sources
                    if one.constant is None and one.kind != "scalar"],
        "inputs": _inputs(trace),
        "arrays": {name: packed(array) for name, array in _arrays(trace).items()},
        "parameters": packed(trainer.parameters.flat.astype("float32") if rounded
                             else trainer.parameters.flat),
        "rounded": rounded,
        "slots": None if large_state else [packed(array) for array in trainer.optimizer.slots],
        "lines": shipped_lines(trace.optimizer, trace.iteration, len(trace.losses)),
        "lossIndex": tape.loss,
        "lossParts": {name: tape.results[key] for name, key in losses.items()},
        "gradients": list(tape.gradients),
        "updates": list(tape.updates),
        "states": [list(one) for one in tape.states],
        "pair": None if own is not None else _pair(trace, tape),
        "formulas": shipped_formulas(trace),
        "ownLoss": own,
        "ownLayers": shipped_own_layers(view, traced),
        "lists": shipped_lists(view, traced),
        "drawn": any(one.name in DRAWN for one in tape.instructions),
    }  # fmt: skip
    if not unknown:
        later = [] if large_state else shipped_later(trace, tape, plain)
        return data | {"tape": plain, "later": later}
    recorded = _recorded(data, tape, trace, given)
    return data | {"recorded": recorded, "later": [], "why": not_known(unknown[0])}


def _given(trace: StepTrace, tape: Tape) -> tuple[dict[int, Array], dict[int, Array]]:
    """The values of the tape's sources; and those of seed and step alone."""
    trainer, fixed = trace.trainer, seed_and_step(trace, tape)
    found: dict[int, Array] = dict(fixed)
    slots = iter(trainer.optimizer.slots)
    line = iter(trace.line.values())
    flat = trainer.parameters.flat
    for one in tape.sources:
        kind, value = one.kind, tape.values[one.index]
        if kind == "parameter":
            found[one.index] = trainer.parameters[one.name]
        elif kind == "rows":
            found[one.index] = np.asarray(_arrays(trace)[one.name])
        elif kind == "weight":
            found[one.index] = flat[: tape.trainable]
        elif kind == "slot":
            found[one.index] = next(slots)
        elif kind == "line":
            found[one.index] = np.asarray(next(line), value.dtype)
    return found, fixed


def _arrays(trace: StepTrace) -> dict[str, Array]:
    """The rows by the names of sources; those of a sparse input written out."""
    return trace.data.taken(None)[0].arrays


def _recorded(
    data: Mapping[str, Any], tape: Tape, trace: StepTrace, given: dict[int, Array]
) -> dict[str, Any]:
    """Values that the page shows where it cannot compute them."""
    before = [tape.loss, *data["lossParts"].values(), *tape.gradients]
    before += [index for layer in data["layers"] for index in layer["results"].values()]
    before += [] if data["pair"] is None else [data["pair"]["targets"]]
    steps = [step for own in data["ownLayers"] if own is not None for step in own["steps"]]
    before += [index for step in steps for index in step["results"].values()]
    before += [index for one in data["lists"].values() for _, index in one["steps"]]
    first = evaluated(tape, trace.rows, given, [one for one in before if one is not None])
    slopes = [first[index].reshape(-1) for index in tape.gradients]
    whole = np.concatenate(slopes) if slopes else np.zeros(0)
    gradient = {one.index: whole for one in tape.sources if one.kind == "gradient"}
    second = evaluated(tape, trace.rows, given | gradient, tape.updates)
    return {str(index): packed(array) for index, array in (first | second).items()}


def _inputs(trace: StepTrace) -> list[dict[str, Any]]:
    """Inputs and targets: the source of each, and whether targets are labels."""
    network = trace.trainer.network
    found: list[dict[str, Any]] = [
        {"source": f"input/{one.name}", "name": one.name,
         "columns": list(trace.input_names.get(one.name, ())) or None}
        for one in network.inputs
    ]  # fmt: skip
    for name, rule in zip(network.output_names, trace.loss_rules, strict=True):
        labels = rule.target_kind == "labels"
        found.append({"source": f"target/{name}", "name": name, "labels": labels})
    return found


def _layer(
    layer: LayerTrace, one: Mapping[str, Any], tape: Tape, trace: StepTrace
) -> dict[str, Any]:
    places = {segment.name: number for number, segment in enumerate(tape.segments)}
    results = {
        key: None if name is None else tape.results[name]
        for key, name in one.items() if key != "name"
    }  # fmt: skip
    results |= {"codes": _codes(layer, tape), "share": shares_of(layer, tape, results["a"])}
    return {
        "name": layer.name,
        "kind": layer.kind,
        "builtIn": None if layer.own else layer.kind,
        "activation": _activation(layer, results, tape),
        "place": layer.place,
        "number": None if layer.place is None else trace.names.layer(layer.place),
        "results": results,
        "parameters": {name: places[f"{layer.name}/{name}"] for name in layer.parameters},
    }


def _codes(layer: LayerTrace, tape: Tape) -> int | None:
    """The codes by which a layer takes numbers from its table; None of other layers."""
    tables = {one.index for one in tape.sources if one.name in _tables(layer)}
    taken = [one.operands[1] for one in tape.instructions
             if one.name == "gather" and one.operands[0] in tables]  # fmt: skip
    return taken[0] if len(taken) == 1 else None


def _tables(layer: LayerTrace) -> list[str]:
    return [f"{layer.name}/{name}" for name in layer.parameters if name in TABLES]


def _moved_from(index: int, tape: Tape) -> Iterator[int]:
    """A value, and those before it whose numbers it has in the same order."""
    made = {one.results[0]: one for one in tape.instructions}
    yield index
    while index in made and made[index].name in MOVES:
        index = made[index].operands[0]
        yield index


def _joined(layers: Sequence[Mapping[str, Any]], tape: Tape) -> Iterator[dict[str, bool]]:
    """Of each layer whether it gives just what it is given (`moves`), and whether it is given
    other numbers than the one before gives (`between`).
    """
    made = {one.results[0]: one for one in tape.instructions}
    inputs = [one.index for one in tape.sources if one.name.startswith("input/")]
    before = inputs[0] if len(inputs) == 1 else None

    def moved_from(name: str | None) -> bool:
        index = None if name is None else tape.results[name]
        while index is not None and index != before and index in made and made[index].name in MOVES:
            index = made[index].operands[0]
        return index is not None and index == before

    for layer in layers:
        yield {
            "moves": moved_from(layer["a"]),
            "between": layer["x"] is not None and not moved_from(layer["x"]),
        }
        before = tape.results[layer["a"]]


def _starts(
    trace: StepTrace, layers: Sequence[Mapping[str, Any]], tape: Tape
) -> Iterator[int | None]:
    """Of each layer where its columns begin among those that the next one with weights is given."""
    made = {one.results[0]: one for one in tape.instructions}

    def start(index: int, wanted: int) -> int | None:
        one = made.get(index)
        if index == wanted or one is None:
            return 0 if index == wanted else None
        if one.name in MOVES:
            return start(one.operands[0], wanted)
        if one.name != "concatenate" or len(tape.values[index].shape) != 2:
            return None
        before = 0
        for operand in one.operands:
            inside = start(operand, wanted)
            if inside is not None:
                return before + inside
            width = tape.values[operand].shape[1]
            before += width if isinstance(width, int) else 0
        return None

    for n, layer in enumerate(layers):
        later = zip(trace.layers[n + 1 :], layers[n + 1 :], strict=True)
        given = next((one["x"] for own, one in later if own.place is not None), None)
        yield None if given is None else start(tape.results[given], tape.results[layer["a"]])


def _activation(layer: LayerTrace, results: Mapping[str, int | None], tape: Tape) -> str | None:
    """What a layer ends in; where it does not say it, the operation that makes a of z."""
    if layer.activation not in (None, "linear") or results["a"] == results["z"]:
        return layer.activation
    made = [
        one.name for one in tape.instructions
        if one.results[0] == results["a"] and list(one.operands) == [results["z"]]
    ]  # fmt: skip
    return made[0] if layer.place is not None and made else layer.activation


def _names(names: Names, trace: StepTrace) -> dict[str, Any]:
    places = range(len(names.sources)) if len(names.units) > 1 else range(0)
    sizes = [(len(names.sources[place]), len(names.units[place + 1])) for place in places]
    weights = None
    if sum(sources * units for sources, units in sizes) <= MOST_NAMED:
        weights = [
            [names.weight(place, i, j) for i in range(sources) for j in range(units)]
            for place, (sources, units) in enumerate(sizes)
        ]
    return {
        "units": [list(one) for one in names.units],
        "sources": [list(one) for one in names.sources],
        "weights": weights,
        "biases": [
            [names.bias(place, unit) for unit in range(units)]
            for place, (_, units) in enumerate(sizes)
        ],
        "pattern": _pattern(names),
        "matrices": [names.matrix_number(place) for place in places],
    }


def _pattern(names: Names) -> list[tuple[str, str | None]]:
    """The pattern of a weight's name in parts: text, and the field that follows it."""
    parts = string.Formatter().parse(names.notation.weight_pattern)
    return [(text, field) for text, field, _, _ in parts]


def _pair(trace: StepTrace, tape: Tape) -> dict[str, Any] | None:
    """The stable pair of loss and last activation taken apart, as a tape of its own."""
    for one in tape.instructions:
        logits = tape.values[one.operands[0]] if one.operands else None
        if logits is None or not is_pair(one.name) or len(logits.shape) < 2:
            continue
        softmax = one.name == "softmax_cross_entropy"
        axes = [size for size in logits.shape[1:] if isinstance(size, int)]
        if len(axes) < len(logits.shape) - 1 or (softmax and axes[-1] > MOST_CLASSES):
            return None
        shape: tuple[int | Rows, ...] = (Rows(), *axes)
        leaves = [input_node(name, shape, logits.dtype) for name in ("logits", "targets")]
        parts = dict(zip(("p", "by_p", "by_logit", "delta"), pair_nodes(one.name, *leaves),
                         strict=True))  # fmt: skip
        results = {f"{name}/{k}": node for name, nodes in parts.items()
                   for k, node in enumerate(nodes)}  # fmt: skip
        small = lower(Graph(tuple(leaves), (), results))
        plain, _ = shipped_tape(small, trace.rows, {})
        return {
            "link": "softmax" if softmax else "sigmoid",
            "logits": one.operands[0],
            "from": list(_moved_from(one.operands[0], tape)),
            "targets": one.operands[1],
            "tape": plain,
            "sources": [source.index for source in small.sources if source.kind == "rows"],
            "results": {name: small.results[name] for name in results},
        }
    return None
