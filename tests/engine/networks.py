"""Networks for the tests of the engine, and their evaluation node by node, without a tape."""

from dataclasses import dataclass, field, replace

import numpy as np

from chainrule import graph as g
from chainrule.engine import Graph, Program, Update
from chainrule.engine.executor import Executor
from chainrule.engine.native import native_module
from chainrule.graph import Rows, ops

ENGINES = ["numpy", "native"][: 1 if native_module() is None else 2]
"""Those that are installed."""

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": ops.relu,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "softmax": ops.softmax,
    "gauss": lambda x: ops.exp(-(x**2)),
    "leaky": lambda x: ops.maximum(x, 0.1 * x),
    "elu": lambda x: ops.elu(x, alpha=0.7) + ops.leaky_relu(x, negative_slope=0.3),
    "gelu": lambda x: x * (0.5 + 0.5 * ops.erf(x * 0.5**0.5)),
    "bent": lambda x: ops.softplus(ops.sin(x)) * ops.cos(x) + ops.expm1(ops.log1p(x * x) * 0.1),
    "chosen": lambda x: ops.where(ops.greater(x, 0.0), x, ops.stop_gradient(0.1 * x)),
}


def sgd(w, gradient, slots, scalars):
    return w - gradient * scalars[0], ()


def nesterov(w, gradient, slots, scalars):
    (velocity,) = slots
    moved = 0.9 * velocity - gradient * scalars[0]
    return w + 0.9 * moved - gradient * scalars[0], (moved,)


def late(w, gradient, slots, scalars):
    """Reads both old slots after their new values are made."""
    first, second = slots
    new_first = first + gradient
    new_second = second * 0.5 + new_first
    return w - scalars[0] * (first + second + new_second), (new_first, new_second)


def amsgrad(w, gradient, slots, scalars):
    m, v, largest = slots
    m = ops.flush(m + (gradient - m) * 0.1)
    v = ops.flush(v + (gradient * gradient - v) * 0.01)
    largest = ops.maximum(largest, v)
    return w - m * scalars[0] / (ops.sqrt(largest) + 1e-7), (m, v, largest)


def history(w, gradient, slots, scalars):
    """Slots that hand their values on: the last three gradients, and one that never changes."""
    newest, older, oldest, unchanged = slots
    step = (gradient + newest + older + oldest) * scalars[0]
    return w - step + unchanged, (gradient, newest, older, unchanged)


def exchange(w, gradient, slots, scalars):
    """Two slots that change places, and a weight that is left alone by one of them."""
    one, other = slots
    return w - (gradient + other) * scalars[0], (other, one + 1.0)


def reduced(w, gradient, slots, scalars):
    """An update with a sum in the midst of it: several runs, and an old value read late."""
    (velocity,) = slots
    moved = velocity * 0.5 + gradient
    length = ops.sqrt((moved * moved).sum() + 1.0)
    return w - (moved / length + 0.25 * velocity) * scalars[0], (moved,)


OPTIMIZERS = {
    rule.__name__: (rule, slots)
    for rule, slots in (
        (sgd, 0), (nesterov, 1), (late, 2), (amsgrad, 3), (history, 4), (exchange, 2), (reduced, 1),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What a network is made of; `build` follows it on any leaves."""

    columns: int = 3
    layers: tuple[tuple[int, str, str], ...] = ((4, "relu", "plain"),)
    loss: str = "squared"
    outputs: int = 2
    rate: float = 0.0
    dtype: str = "float32"
    optimizer: str = "amsgrad"


def build(plan, leaves):
    """The loss and the results of a plan, on symbolic leaves or on leaves with values."""
    x = leaves.data("x", (plan.columns,), plan.dtype)
    for number, (width, activation, branch) in enumerate(plan.layers):
        x = _branched(plan, leaves, x, number, branch)
        if plan.rate:
            x = x * ops.dropout_mask(
                leaves.seed, leaves.step, shape=x.shape, rate=plan.rate, stream=number,
                dtype=plan.dtype,
            )  # fmt: skip
        x = ACTIVATIONS[activation](_dense(leaves, x, f"layer {number}", width))
    output = _dense(leaves, x, "last", plan.outputs)
    output = output + leaves.state("shift", (plan.outputs,))
    loss, prediction = _loss(plan, leaves, output)
    return loss, {
        "prediction": prediction,
        "largest": ops.max(prediction),
        "first": leaves.data("x", (plan.columns,), plan.dtype),
        "norm": leaves.parameter("last bias", (plan.outputs,)).sum(),
    }


def _dense(leaves, x, name, width):
    weight = leaves.parameter(f"{name} weight", (x.shape[-1], width))
    return x @ weight + leaves.parameter(f"{name} bias", (width,))


def _branched(plan, leaves, x, number, branch):
    width = x.shape[-1]
    if branch == "embed":
        table = leaves.parameter(f"table {number}", (5, 2))
        return ops.concatenate(x, ops.gather(table, leaves.data("codes", (), "int32")))
    if branch == "split" and width > 1:
        left = ops.narrow(x, axis=1, start=0, stop=1)
        right = ops.narrow(x, axis=1, start=1, stop=width)
        return ops.concatenate(ops.tanh(right), left, left * right)
    if branch == "members":
        # (rows, width) -> (width * rows, 1): one shared weight for every number of a row
        weight = leaves.parameter(f"shared {number}", (1, 2))
        wide = ops.tanh(x.reshape((-1, 1)) @ weight)
        return wide.reshape((x.shape[0], 2 * width))
    if branch == "axes":
        weight = leaves.parameter(f"mixed {number}", (1, 3))
        mixed = x.reshape((x.shape[0], width, 1)) @ weight
        mixed = ops.transpose(mixed, axes=(0, 2, 1))
        return (mixed * mixed).mean(axis=1) + ops.max(mixed, axis=1)
    if branch == "centered":
        # statistics of the batch: every row hangs on every other
        spread = x - x.mean(axis=0, keepdims=True)
        return spread / ops.sqrt((spread * spread).mean(axis=0) + 0.1)
    if branch == "twice":
        return x * leaves.parameter("gain", (1,)) + leaves.parameter("gain", (1,)).sum()
    return x


def _loss(plan, leaves, output):
    if plan.loss == "classes":
        target = ops.one_hot(
            leaves.data("labels", (), "int32"), depth=plan.outputs, dtype=plan.dtype
        )
        return ops.mean(ops.softmax_cross_entropy(output, target)), ops.softmax(output)
    target = leaves.data("target", (plan.outputs,), plan.dtype)
    if plan.loss == "weighted":
        weight = leaves.data("weight", (), plan.dtype)
        each = ops.absolute_error(output, target).sum(axis=1)
        return (each * weight).sum() / weight.sum(), output
    if plan.loss == "binary":
        return ops.mean(ops.sigmoid_cross_entropy(output, ops.greater(target, 0.0))), output
    return ops.mean(ops.squared_error(output, target)), output


@dataclass
class Symbols:
    """Leaves without values: what a graph is built on."""

    dtype: str
    inputs: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)

    def data(self, name, tail, dtype):
        if name not in self.inputs:
            self.inputs[name] = g.input_node(name, (Rows(), *tail), dtype)
        return self.inputs[name]

    def _scalar(self, name):
        if name not in self.inputs:
            self.inputs[name] = g.input_node(name, (), "uint64")
        return self.inputs[name]

    seed = property(lambda self: self._scalar("seed"))
    step = property(lambda self: self._scalar("step"))

    def parameter(self, name, shape):
        if name not in self.parameters:
            self.parameters[name] = g.parameter(name, shape, self.dtype)
        return self.parameters[name]

    def state(self, name, shape):
        if name not in self.states:
            self.states[name] = g.parameter(name, shape, self.dtype, trainable=False)
        return self.states[name]

    @property
    def all_parameters(self):
        return (*self.parameters.values(), *self.states.values())


class Values:
    """Leaves with values, looked up by name: what is computed on at once."""

    def __init__(self, arrays, parameters, segments, seed=0, step=0):
        self._arrays = {name: g.make(array, None, name) for name, array in arrays.items()}
        self.parameters = {
            s.name: g.variable(parameters[s.start : s.stop].reshape(s.shape), s.name)
            for s in segments
        }
        self.seed, self.step = (g.make(np.uint64(n), None, "n") for n in (seed, step))

    def data(self, name, tail, dtype):
        node = self._arrays[name]
        assert node.dtype == dtype
        assert node.shape[1:] == tail
        return node

    def parameter(self, name, shape):
        return self.parameters[name]

    state = parameter


def as_graph(plan):
    """The plan as a graph with an update."""
    leaves = Symbols(plan.dtype)
    loss, results = build(plan, leaves)
    count = sum(int(np.prod(node.shape)) for node in leaves.parameters.values())
    update = as_update(plan.optimizer, count, plan.dtype)
    return Graph(tuple(leaves.inputs.values()), leaves.all_parameters, results, loss, update)


def as_update(optimizer, count, dtype):
    rule, slot_count = OPTIMIZERS[optimizer]
    weight, gradient = (g.input_node(name, (count,), dtype) for name in ("weight", "gradient"))
    slots = tuple(g.input_node(f"slot {i}", (count,), dtype) for i in range(slot_count))
    scalars = (g.input_node("rate", (), dtype),)
    return Update(weight, gradient, slots, scalars, *rule(weight, gradient, slots, scalars))


def on_engine(tape, engine, instructions=None):
    """A tape as a program; the native engine may be told the name of an instruction set."""
    return Program(tape, engine, None if engine == "numpy" else Executor(tape, instructions))


@dataclass
class Trial:
    """Data, parameters and slots to run a plan on."""

    arrays: dict
    parameters: np.ndarray
    slots: list
    lines: np.ndarray
    order: np.ndarray
    batch_size: int
    seed: int = 5
    step: int = 11

    def in_batches(self, size):
        """The same rows in batches of another size."""
        lines = np.full((-(-len(self.order) // size), 1), 1e-3)
        return replace(self, batch_size=size, lines=lines)

    def run(self, program):
        """What a run leaves: the steps, and the parameters and slots after them."""
        parameters, slots = self.parameters.copy(), [slot.copy() for slot in self.slots]
        steps = program.run(
            self.arrays, parameters, order=self.order, batch_size=self.batch_size, slots=slots,
            lines=self.lines, seed=self.seed, step=self.step,
        )  # fmt: skip
        return steps, parameters, slots


def as_trial(plan, graph, rows=7, batch_size=3, visits=None, seed=0):
    random = np.random.default_rng(seed)
    numbers = lambda *shape: random.normal(size=shape).astype(plan.dtype)  # noqa: E731
    arrays = {
        "x": numbers(rows, plan.columns),
        "target": numbers(rows, plan.outputs),
        "weight": random.uniform(0.5, 2.0, rows).astype(plan.dtype),
        "labels": random.integers(0, plan.outputs, rows).astype(np.int32),
        "codes": random.integers(0, 5, rows).astype(np.int32),
    }
    used = {node.name for node in graph.inputs}
    segments = g.segments(graph.parameters)
    trainable = graph.update.weight.shape[0]
    order = random.integers(0, rows, visits or 2 * rows)
    batches = -(-len(order) // batch_size)
    return Trial(
        {name: array for name, array in arrays.items() if name in used},
        0.5 * numbers(segments[-1].stop),
        [0.1 * abs(numbers(trainable)) for _ in graph.update.slots],
        random.uniform(0.001, 0.01, (batches, 1)),  # larger ones diverge, and rounding with them
        order,
        batch_size,
    )


def by_nodes(plan, graph, trial):
    """The same run without a tape: every batch a new graph that is computed as it is built."""
    segments = g.segments(graph.parameters)
    trainable = graph.update.weight.shape[0]
    parameters, slots = trial.parameters.copy(), [slot.copy() for slot in trial.slots]
    rule, _ = OPTIMIZERS[plan.optimizer]
    scalars, entries, gradients = [], [], []
    for batch, start in enumerate(range(0, len(trial.order), trial.batch_size)):
        chosen = trial.order[start : start + trial.batch_size]
        arrays = {name: array[chosen] for name, array in trial.arrays.items()}
        leaves = Values(arrays, parameters, segments, trial.seed, trial.step + batch)
        loss, results = build(plan, leaves)
        slopes = g.grad(loss, [leaves.parameters[s.name] for s in segments if s.trainable])
        scalars.append([loss.value, results["largest"].value, results["norm"].value])
        entries.append(results["prediction"].value)
        gradients.append(np.concatenate([np.ravel(slope.array) for slope in slopes]))
        line = (g.variable(trial.lines[batch, 0].astype(plan.dtype)),)
        new_weight, new_slots = rule(
            g.variable(parameters[:trainable]),
            g.variable(gradients[-1]),
            tuple(g.variable(slot) for slot in slots),
            line,
        )
        parameters[:trainable] = new_weight.array
        slots = [slot.array for slot in new_slots]
    return np.array(scalars), np.concatenate(entries), gradients, parameters, slots
