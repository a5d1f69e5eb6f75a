"""Steps of a copy of what trains, with every number of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.graph import grad, variable
from chainrule.layers import (
    ACTIVATIONS,
    AdjustableActivation,
    Layered,
    LeakyReLU,
    PerRow,
    Stack,
    find_activation,
    is_own,
)
from chainrule.losses import Loss
from chainrule.settings import check_count, check_flag
from chainrule.tracing.notation import Names, Notation, default_units
from chainrule.tracing.step import LayerTrace, ParameterTrace, StepTrace
from chainrule.training import (
    LINKS,
    Data,
    Traced,
    TracedLayer,
    TracedNode,
    Trainer,
    clipped_gradient,
    traced,
)

__all__ = ["as_batch", "trace_steps"]

Array = np.ndarray[Any, np.dtype[Any]]
Ends = tuple[Sequence[str] | None, Sequence[str] | None]
"""What inputs and outputs are called."""

KEPT_STEPS = 100
"""Steps of which each is kept whole; of more the first and the last are."""
MOST_STEPS = 10_000_000
"""Steps whose losses are kept."""


def trace_steps(
    trainer: Trainer,
    data: Data,
    *,
    steps: int = 1,
    notation: Notation | None = None,
    columns: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Mapping[str, Sequence[str]] | None = None,
    ranges: Sequence[tuple[str, Sequence[float]]] = (),
    check: bool = False,
    remarks: Sequence[str] = (),
) -> StepTrace:
    """The next steps of a trainer on the same rows as one batch; the trainer stays as it is.

    steps
        How many; each is kept whole, of more than 100 the first and the last.
    notation
        How a reader writes it.
    columns, outputs
        What inputs and outputs are called, where the notation does not say it.
    inputs
        Of a network of several inputs, what the columns of each are called.
    ranges
        Of numbers that are spread over the parts of their ranges: what each is called, and where
        its parts begin and end.
    check
        Whether a central difference stands beside each gradient that is shown.
    remarks
        Sentences that stand above it.

    Raises `SettingError` where the network has no layers that can be looked at.
    """
    steps = _checked(trainer, steps, check)
    course = copy.deepcopy(trainer)
    made: list[StepTrace] = []
    losses: list[float] = []
    for number in range(steps):
        if steps > KEPT_STEPS and number == 1:
            losses += _run(course, data, steps - 2)
        if steps > KEPT_STEPS and 0 < number < steps - 1:
            continue
        if losses and not np.isfinite(losses[-1]):
            break
        one = _one_step(course, data, notation or Notation(), (columns, outputs), check)
        made.append(one)
        losses.append(one.loss)
        if not np.isfinite(one.loss):
            break
    if np.isfinite(losses[-1]):
        losses.append(made[-1].loss_after)
    named = {name: tuple(one) for name, one in (inputs or {}).items()}
    made = [replace(one, input_names=named, ranges=tuple(ranges)) for one in made]
    return replace(made[0], losses=tuple(losses), following=tuple(made[1:]), remarks=tuple(remarks))


def _checked(trainer: Trainer, steps: Any, check: Any) -> int:
    """How many steps are traced; raise `SettingError` for what cannot be."""
    count = check_count("trace", "steps", steps)
    check_flag("trace", "check", check)
    if count > MOST_STEPS:
        message = f"trace: steps must be at most {MOST_STEPS:,}, got {count:,}; train with fit."
        raise SettingError(message)
    if not isinstance(trainer.network, Layered):
        message = "trace: the network does not show its layers; give a Sequential."
        raise SettingError(message)
    return count


def _run(course: Trainer, data: Data, count: int) -> list[float]:
    """Make steps; the loss before each."""
    order = np.tile(np.arange(data.rows), count)
    ran = course.step(data, order, data.rows, data.rows)
    return [float(one) for one in ran.results["loss"]]


def _one_step(
    course: Trainer, data: Data, notation: Notation, ends: Ends, check: bool
) -> StepTrace:
    """The next step of a trainer, which makes it."""
    before = copy.deepcopy(course)
    numbers = traced(before, data)
    course.step(data, None, data.rows)
    loss_after = _loss(course, data, before.iterations)
    layers = tuple(_layers(before, course, numbers, data))
    rule = before.optimizer.description
    line = rule.line(before.iterations + 1)
    network = before.network
    return StepTrace(
        loss=numbers.loss,
        loss_after=loss_after if np.isfinite(numbers.loss) else float("nan"),
        row_losses=numbers.row_losses,
        penalties=numbers.penalties,
        row_shares=_row_shares(before, data),
        inputs={one.name: data.arrays[f"input/{one.name}"] for one in network.inputs},
        targets={name: data.arrays[f"target/{name}"] for name in network.output_names},
        row_weights=data.arrays.get("weight"),
        layers=layers,
        nodes=numbers.nodes,
        mixing=numbers.mixing,
        optimizer=rule,
        line=dict(zip(rule.scalars, map(float, line), strict=True)),
        iteration=before.iterations + 1,
        loss_rules=before.task.losses,
        notation=notation,
        names=_names(layers, notation, ends, before.task.losses),
        trainer=before,
        data=data,
        checks=check,
    )


def _loss(course: Trainer, data: Data, step: int) -> float:
    """The loss with the weights as they are and the random numbers of a step."""
    program = course.task.program("gradient", data.variant)
    results, _ = program.gradient(data.arrays, course.parameters.flat, seed=course.seed, step=step)
    return float(results["loss"])


def _layers(before: Trainer, after: Trainer, numbers: Traced, data: Data) -> Iterator[LayerTrace]:
    network: Any = before.network
    parameters = dict(_parameters(before, after, numbers, data))
    kinds = (
        [type(layer).__name__ for layer in network.layers]
        if isinstance(network, Stack)
        else [_kind(name) for name in network.names]
    )
    made = map(is_own, network.layers) if isinstance(network, Stack) else ()
    owned = dict(zip(network.names, made, strict=False))
    place = 0
    known = dict(zip(network.names, zip(kinds, _activations(network), strict=True), strict=True))
    for one in numbers.layers:
        kind, (activation, settings) = known.get(one.name, ("Dropout", (None, {})))
        own = {
            name.rpartition("/")[2]: found for name, found in parameters.items()
            if name.rpartition("/")[0] == one.name
        }  # fmt: skip
        nodes = tuple(node for node in numbers.nodes if node.layer == one.name)
        weighted = one.z is not None and one.z.ndim == 2 and own["kernel"].before.ndim == 2
        if activation in (None, "linear"):
            activation = _ending(one, nodes, numbers) or activation
        if weighted and not isinstance(network, Stack):
            kind = "Dense"
        yield LayerTrace(
            one.name, kind, activation, one, own, nodes,
            place if weighted else None, settings,
            owned.get(one.name, False),
        )  # fmt: skip
        place += weighted


def _kind(name: str) -> str:
    """The class that a layer is called after: batch_normalization_0 is BatchNormalization."""
    return "".join(word.capitalize() for word in name.rstrip("_0123456789").split("_"))


def _activations(network: Any) -> Iterator[tuple[str | None, dict[str, float]]]:
    """The activation of each layer, with its settings where it has some."""
    for place, name in enumerate(network.activations):
        layer = network.layers[place] if isinstance(network, Stack) else None
        if isinstance(layer, LeakyReLU):
            yield "leaky_relu", {"negative_slope": layer.negative_slope}
            continue
        given = name if layer is None else getattr(layer, "activation", None)
        made = None if given is None else find_activation(given)
        if isinstance(made, AdjustableActivation):
            known = (word for word, kind in ACTIVATIONS.items() if kind is type(made))
            yield next(known, name), asdict(made)
        else:
            yield name, {}


def _ending(one: TracedLayer, nodes: Sequence[TracedNode], numbers: Traced) -> str | None:
    """The link that a layer ends in, where its own activation does not say it."""
    values = {node.number: node.value for node in numbers.nodes}
    given = one.z if one.z is not None else one.x

    def is_of_given(node: TracedNode) -> bool:
        below = values[node.operands[0]]
        return (
            given is not None
            and below is not None
            and np.array_equal(below.reshape(-1), given.reshape(-1))
        )

    last = nodes[-1].operation if nodes else ""
    known = LINKS if one.z is not None else ("softmax", "sigmoid")
    if last in known and is_of_given(nodes[-1]):
        return last
    if one is numbers.layers[-1] and one.z is not None and not np.array_equal(one.a, one.z):
        for node in numbers.nodes:  # the loss takes z itself
            link = node.operation.removesuffix("_cross_entropy")
            if link in ("softmax", "sigmoid") and link != node.operation and is_of_given(node):
                return link
    return None


def _parameters(
    before: Trainer, after: Trainer, numbers: Traced, data: Data
) -> Iterator[tuple[str, ParameterTrace]]:
    held, rule = before.parameters, before.optimizer.description
    clipped = numbers.gradient
    if any((rule.clipnorm, rule.clipvalue, rule.global_clipnorm)) and len(clipped):
        clipped = clipped_gradient(rule, numbers.gradient, held)
    slots = [one.optimizer.arrays(one.parameters) for one in (before, after)]
    for one in held.table:
        name = one.name
        trained = one.trainable and len(numbers.gradient) > 0
        yield name, ParameterTrace(
            name.rpartition("/")[2], held[name].copy(), after.parameters[name].copy(),
            held.view(numbers.gradient, name) if trained else None,
            held.view(clipped, name) if trained else None,
            _penalty_slope(one, held[name], before, data) if trained else None,
            *(_own_slots(arrays, name) for arrays in slots),
        )  # fmt: skip


def _own_slots(arrays: Mapping[str, Array], name: str) -> dict[str, Array]:
    """The optimizer's arrays of one parameter, by slot."""
    return {
        key.partition("/")[0]: array.copy() for key, array in arrays.items()
        if key.partition("/")[2] == name
    }  # fmt: skip


def _penalty_slope(one: Any, values: Array, trainer: Trainer, data: Data) -> Array | None:
    """The gradient of a parameter's own penalty; None without one."""
    if one.regularizer is None:
        return None
    node = variable(values)
    slope: Array = np.asarray(grad(one.regularizer(node), node).array)
    if isinstance(one.regularizer, PerRow):
        weights = data.arrays.get("weight")
        by_weight = all(loss.by_weight for loss in trainer.task.losses)
        slope /= np.sum(weights) if by_weight and weights is not None else data.rows
    return slope


def _row_shares(trainer: Trainer, data: Data) -> Array | None:
    """The derivative of the loss with respect to each row's own loss, where all outputs agree."""
    kinds = {loss.reduction for loss in trainer.task.losses}
    if len(kinds) != 1:
        return None
    weights = data.arrays.get("weight")
    shares = np.ones(data.rows) if weights is None else np.asarray(weights, np.float64)
    if kinds == {"sum"}:
        return shares
    loss = trainer.task.losses[0]
    return shares / (shares.sum() if loss.by_weight and weights is not None else data.rows)


def _names(
    layers: Sequence[LayerTrace], notation: Notation, ends: Ends, losses: Sequence[Loss]
) -> Names:
    weighted = [layer.numbers for layer in layers if layer.place is not None]
    widths = [_columns(one.x) for one in weighted]
    inputs = _given_width(layers, widths)
    known = bool(weighted or inputs)
    default = default_units(inputs, [_columns(one.z) for one in weighted]) if known else []
    if weighted and len(losses) == 1 and losses[0].target_kind == "labels":
        default[-1] = [f"o{label}" for label in range(len(default[-1]))]  # classes are from 0
    for place, names in zip((0, -1), ends, strict=True):
        if names is not None and weighted and len(names) == len(default[place]):
            default[place] = list(names)
    made = notation.names(default, widths)
    if notation.biases is not None:
        _check_biases(layers, made)
    return made


def _given_width(layers: Sequence[LayerTrace], widths: Sequence[int]) -> int:
    """How many inputs have names: all before a layer of the user's own, else those of the sums.

    widths
        How many numbers each layer with sums is given. 0 where there is neither.
    """
    x, sums = layers[0].numbers.x, [k for k, one in enumerate(layers) if one.place == 0]
    own = any(layer.own for layer in layers[: sums[0] if sums else None])
    return (widths[0] if widths else 0) if x is None or not own else math.prod(x.shape[1:])


def _check_biases(layers: Sequence[LayerTrace], names: Names) -> None:
    """Raise where one name stands for biases that differ, before the step or after it."""
    known: dict[str, tuple[float, float]] = {}
    for layer in layers:
        if layer.place is None or layer.bias is None:
            continue
        pairs = zip(layer.bias.before.tolist(), layer.bias.after.tolist(), strict=True)
        for unit, pair in enumerate(pairs):
            name = names.bias(layer.place, unit)
            if known.setdefault(name, pair) != pair:
                message = (
                    f"trace: biases={names.notation.biases!r} calls biases that differ {name!r}; "
                    "tell them apart by {n}, {to}, or {layer} with {j}."
                )
                raise SettingError(message)


def _columns(array: Array | None) -> int:
    return 0 if array is None else int(array.shape[1])


def as_batch(X: Any, y: Any, axes: int) -> tuple[Any, Any]:
    """Rows and targets with an axis of rows, which one row alone may lack.

    axes
        How many axes a row has.
    """
    if np.ndim(X) != axes or axes == 0:
        return X, y
    return np.asarray(X)[None], np.asarray(y)[None]
