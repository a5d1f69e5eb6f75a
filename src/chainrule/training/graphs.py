"""The graphs of a task: training step, gradient, evaluation, prediction; and their programs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from chainrule import engine
from chainrule.engine import Graph, Program, Steps, Workspace
from chainrule.errors import SettingError, ShapeError
from chainrule.graph import Node, Rows, Shape, gradients, input_node, ops
from chainrule.kept import Kept, description_key
from chainrule.layers import Draws, InTraining, Layered, Network, Parameters, PerRow, Stack
from chainrule.losses import Loss, LossMetric, Metric
from chainrule.optimizers import Optimizer
from chainrule.training.measures import ROWS, SUM, labeled
from chainrule.training.update import update_of

__all__ = [
    "ACTIVITY",
    "PLAIN",
    "SLOPE",
    "Leaves",
    "Lossy",
    "Task",
    "Variant",
    "looked_graph",
    "loss_graph",
    "lossy_graph",
    "output_shapes",
    "prediction_graph",
    "training_graph",
]

MOST_ROWS = 1024
MOST_BYTES = 1 << 22
"""Of a batch that is not trained on, for each thread: more gains nothing and takes memory."""

ACTIVITY, SLOPE = "activity/", "slope/"
"""What names of results of a look begin with."""

_programs: Kept[Program] = Kept()
_shapes: Kept[tuple[tuple[int, ...], ...]] = Kept()


class Variant(NamedTuple):
    """How the data of a program comes.

    bytes
        Inputs of floats that are given as uint8 and cast in the graph.
    weighted
        Whether rows have weights.
    """

    bytes: frozenset[str] = frozenset()
    weighted: bool = False


PLAIN = Variant()


@dataclass
class Task:
    """What is trained: a network, a loss and metrics for each output, and an optimizer.

    `program` compiles what is asked for once and keeps it, also for other tasks of the same
    description; `run` runs it in memory that is kept.
    """

    network: Network
    parameters: Parameters
    losses: tuple[Loss, ...] = ()
    metrics: tuple[tuple[Metric, ...], ...] = ()
    optimizer: Optimizer | None = None
    engine: str = "auto"
    programs: dict[tuple[str, Variant], tuple[Program, Workspace]] = field(
        default_factory=dict, repr=False
    )
    wholes: dict[str, Metric] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.wholes = {
            label: metric for label, _, metric in labeled(self.network.output_names, self.metrics)
            if not metric.is_mean
        }  # fmt: skip

    def program(self, kind: str, variant: Variant = PLAIN) -> Program:
        """The program `step`, `gradient`, `look`, `evaluate` or `predict` for such data."""
        return self._ready(kind, variant)[0]

    def _ready(self, kind: str, variant: Variant) -> tuple[Program, Workspace]:
        """A program with the memory of its runs."""
        key = kind, variant
        found = self.programs.get(key)
        if found is None:
            made = _programs.get(self._key(kind, variant), lambda: self._compiled(kind, variant))
            found = self.programs.setdefault(key, (made, Workspace()))
        return found

    def _compiled(self, kind: str, variant: Variant) -> Program:
        if kind == "predict":
            graph = prediction_graph(self, variant)
        elif kind == "look":
            graph = looked_graph(self, variant)
        else:
            graph = training_graph(self, variant, kind)
        return engine.compile(graph, self.engine)

    def _key(self, kind: str, variant: Variant) -> Hashable:
        """All that a program is made of; None where it must be made anew."""
        return None if self._description is None else (kind, variant, self._description)

    @cached_property
    def _description(self) -> Hashable:
        """What the programs of all kinds have in common."""
        watched = [one.loss for members in self.metrics for one in members
                   if isinstance(one, LossMetric)]  # fmt: skip
        if any(getattr(loss, "from_logits", False) for loss in (*self.losses, *watched)):
            return None  # making the graph warns of probabilities taken for logits
        return description_key(
            (self.network, self.parameters.table, self.parameters.dtype.char, self.losses,
             self.metrics, self.optimizer, self.engine)
        )  # fmt: skip

    def run(self, kind: str, variant: Variant, arrays: Mapping[str, Any], **settings: Any) -> Steps:
        """Run a program over data with the parameters; settings are those of `Program.run`."""
        program, workspace = self._ready(kind, variant)
        return program.run(arrays, self.parameters.flat, workspace=workspace, **settings)

    def rows_at_once(self, kind: str, variant: Variant) -> int:
        """The rows of a batch where results do not depend on it: few where a row takes much."""
        most = MOST_BYTES // max(1, self.program(kind, variant).row_bytes)
        return max(1, min(most, MOST_ROWS))

    def __getstate__(self) -> dict[str, Any]:
        # programs hold functions, their memory views of the parameters: both are made again
        kept = self.__dict__ | {"programs": {}}
        kept.pop("_description", None)
        return kept


def output_shapes(network: Network) -> tuple[tuple[int, ...], ...]:
    """The shape of one row of each output, read off the graph of prediction."""
    if isinstance(network, Stack):
        return (_of_a_row(network.shapes[-1]),)  # it has read them itself

    def read() -> tuple[tuple[int, ...], ...]:
        graph = prediction_graph(Task(network, Parameters(network.parameters())), PLAIN)
        return tuple(_of_a_row(node.shape) for node in graph.results.values())

    return _shapes.get(description_key(network), read)


def _of_a_row(shape: Shape) -> tuple[int, ...]:
    return tuple(size for size in shape[1:] if isinstance(size, int))


class Leaves:
    """Input and parameter nodes of one graph."""

    def __init__(self, task: Task, variant: Variant) -> None:
        dtype = task.parameters.dtype
        self.inputs: list[Node] = []
        self.data: dict[str, Node] = {}
        for one in task.network.inputs:
            kind: Any = dtype if one.dtype == "float" else one.dtype
            given = np.uint8 if one.name in variant.bytes else kind
            node = self.add(f"input/{one.name}", (Rows(), *one.shape), given)
            self.data[one.name] = node if given == kind else ops.cast(node, dtype=dtype)
        self.penalties: list[Node] = []
        self.activities: dict[str, Node] = {}
        self.parameters = task.parameters.nodes()
        self.in_layers = [self.parameters[name] for name in task.parameters.names]

    def add(self, name: str, shape: tuple[Any, ...], dtype: Any) -> Node:
        node = input_node(name, shape, dtype)
        self.inputs.append(node)
        return node

    def outputs(self, network: Network, draws: Draws | None) -> tuple[Node, ...]:
        if draws is not None:
            self.inputs += [draws.seed, draws.step]
        if not isinstance(network, Layered):
            return network.outputs(self.data, self.in_layers, draws)
        activities = network.activities(self.data, self.in_layers, draws)
        self.activities = dict(zip(network.names, activities, strict=True))
        if isinstance(network, Stack):
            self.penalties = network.penalties(activities)
        return network.ending(activities[-1])


def prediction_graph(task: Task, variant: Variant) -> Graph:
    """Outputs by name, without anything random."""
    leaves = Leaves(task, variant)
    outputs = leaves.outputs(task.network, None)
    results = dict(zip(task.network.output_names, outputs, strict=True))
    return Graph(tuple(leaves.inputs), tuple(leaves.parameters.values()), results)


def training_graph(task: Task, variant: Variant, kind: str) -> Graph:
    """Loss and metrics; for a step the update too.

    kind
        `step`; `gradient` (no update); `evaluate` (nothing random, no gradient).
    """
    lossy = lossy_graph(task, variant, training=kind != "evaluate")
    leaves, draws, results = lossy.leaves, lossy.draws, lossy.results
    nodes, total = tuple(leaves.parameters.values()), results["loss"]
    if draws is None:
        return Graph(tuple(leaves.inputs), nodes, results)
    update, states = None, {}
    if kind == "step" and task.optimizer is not None:
        update, states = update_of(task.optimizer, task.parameters), draws.states
    return Graph(tuple(leaves.inputs), nodes, results, total, update, states)


def looked_graph(task: Task, variant: Variant) -> Graph:
    """The loss of a step and its gradient; of each layer `activity/NAME` and `slope/NAME`.

    A slope is the derivative of the loss with respect to the layer's result; the last result,
    which a loss may go around, has none, and is there only where it is a ReLU's.
    """
    lossy = lossy_graph(task, variant, training=True)
    leaves, loss = lossy.leaves, lossy.results["loss"]
    hidden = dict(list(leaves.activities.items())[:-1])
    hidden = {name: node for name, node in hidden.items() if node.operation is not None}
    shown = hidden | _last_relu(task.network, leaves)
    found = {"loss": loss} | {f"{ACTIVITY}{name}": node for name, node in shown.items()}
    slopes = gradients(loss, list(hidden.values()))
    found |= {f"{SLOPE}{name}": node for name, node in zip(hidden, slopes, strict=True)}
    return Graph(tuple(leaves.inputs), tuple(leaves.parameters.values()), found, loss)


def _last_relu(network: Network, leaves: Leaves) -> dict[str, Node]:
    if not isinstance(network, Layered) or network.activations[-1] not in ("relu", "relu6"):
        return {}
    name = network.names[-1]
    return {name: leaves.activities[name]}


def loss_graph(task: Task, variant: Variant) -> tuple[Graph, dict[str, int]]:
    """The loss of a step alone; and for each layer the number of its last node."""
    lossy = lossy_graph(task, variant, training=True)
    leaves, loss = lossy.leaves, {"loss": lossy.results["loss"]}
    graph = Graph(tuple(leaves.inputs), tuple(leaves.parameters.values()), loss)
    return graph, {name: node.number for name, node in leaves.activities.items()}


class Lossy(NamedTuple):
    """Loss, penalties included, and metrics as `results`, and what they are made of."""

    results: dict[str, Node]
    leaves: Leaves
    draws: Draws | None
    outputs: tuple[Node, ...]
    targets: list[Node]
    weight: Node | None


def lossy_graph(task: Task, variant: Variant, *, training: bool) -> Lossy:
    """The graph of the loss; with what is random in training, or as it is judged."""
    dtype = task.parameters.dtype
    leaves = Leaves(task, variant)
    draws = Draws(dtype) if training else None
    outputs = leaves.outputs(task.network, draws)
    targets = [
        leaves.add(
            f"target/{name}",
            (Rows(), *loss.target_shape(tuple(output.shape[1:]))),  # type: ignore[arg-type]
            "int32" if loss.target_kind == "labels" else dtype,
        )
        for name, loss, output in zip(task.network.output_names, task.losses, outputs, strict=True)
    ]
    weight = leaves.add("weight", (Rows(),), dtype) if variant.weighted else None
    results = _results(task, targets, outputs, weight, None if draws is None else draws.share)
    results["loss"] = _penalized(results["loss"], task, leaves, weight, training=training)
    return Lossy(results, leaves, draws, outputs, targets, weight)


def _results(
    task: Task,
    targets: Sequence[Node],
    outputs: Sequence[Node],
    weight: Node | None,
    share: Node | None,
) -> dict[str, Node]:
    """The loss without penalties, the loss of each output where there are several, metrics."""
    names = task.network.output_names
    losses = [
        _mixed(loss, target, output, weight, share)
        for loss, target, output in zip(task.losses, targets, outputs, strict=True)
    ]
    total = losses[0]
    for one in losses[1:]:
        total = total + one
    results = {"loss": total}
    several = len(names) > 1
    if several:
        results |= {f"{name}_loss": loss for name, loss in zip(names, losses, strict=True)}
    known = set(results)
    for label, place, metric in labeled(names, task.metrics):
        if label in known:
            message = f"metrics: two results are named {label!r}; give one another name."
            raise SettingError(message)
        known.add(label)
        try:
            rows = metric.rows(targets[place], outputs[place])
        except ShapeError as error:
            message = (
                f"metric {metric.name!r} does not fit what the loss is given: {error} Watch "
                "another, or one that takes these targets."
            )
            raise ShapeError(message) from error
        _check_rows(metric, rows)
        if metric.is_mean:
            results[SUM + label] = rows.sum()
        else:
            results[ROWS + label] = rows
    return results


def _mixed(loss: Loss, target: Node, output: Node, weight: Node | None, share: Node | None) -> Node:
    """The loss; where rows were mixed, of the targets of both rows in their shares.

    Partners stand as far from the end of the batch as their rows from its beginning. A row's
    weight goes with its target.
    """
    if share is None:
        return loss(target, output, weight)
    if weight is not None and loss.by_weight:
        message = (
            f"{loss.name}: reduction={loss.reduction!r} does not go with mixed rows (Mixup); use "
            "'sum_over_batch_size'."
        )
        raise SettingError(message)
    own, partner = share, 1 - share
    if weight is not None:
        own, partner = own * weight, partner * ops.flip(weight, axis=0)
    rule = replace(loss, reduction="sum_over_batch_size") if loss.by_weight else loss
    return rule(target, output, own) + rule(ops.flip(target, axis=0), output, partner)


def _check_rows(metric: Metric, rows: Any) -> None:
    """Raise where a metric does not give a number for each row, or several that it can use."""
    shape = rows.shape if isinstance(rows, Node) else ()
    if shape[:1] == (Rows(),) and len(shape) <= (1 if metric.is_mean else 2):
        return
    shown = f"shape {shape}" if isinstance(rows, Node) else type(rows).__name__
    several = "" if metric.is_mean else " or (rows, columns)"
    message = (
        f"metric {metric.name!r}: rows must give a number for each row, shape (rows,){several}, "
        f"not {shown}."
    )
    raise ShapeError(message)


def _penalized(
    loss: Node, task: Task, leaves: Leaves, weight: Node | None, *, training: bool
) -> Node:
    shared: Node | None = None
    for one in task.parameters.table:
        if not one.trainable or one.regularizer is None:
            continue
        if isinstance(one.regularizer, InTraining) and not training:
            continue
        penalty = one.regularizer(leaves.parameters[one.name])
        if isinstance(one.regularizer, PerRow):
            shared = penalty if shared is None else shared + penalty
        else:
            loss = loss + penalty
    if shared is not None:
        if weight is not None and all(loss.by_weight for loss in task.losses):
            rows = weight.sum()
        else:
            rows = ops.count(shape=(Rows(),), dtype=loss.dtype)
        loss = loss + shared / rows
    for penalty in leaves.penalties:
        loss = loss + penalty
    return loss
