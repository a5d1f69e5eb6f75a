"""One training step of a network, every number of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.graph import Node, Slopes, variable
from chainrule.tracing.by_layer import ByLayer
from chainrule.tracing.forms import Forms
from chainrule.tracing.measuring import slopes_of_weight
from chainrule.tracing.notation import Names, Notation
from chainrule.tracing.pairs import Parts, is_pair, parts_of
from chainrule.training import Data, RowMixing, TracedLayer, TracedNode, Trainer

__all__ = ["LayerTrace", "ParameterTrace", "StepTrace", "UpdateTrace"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class ParameterTrace:
    """One parameter in a step; arrays have its shape, a kernel's is (inputs, units).

    name
        Such as "kernel".
    before, after
        Its values; `after` is `before` where the loss is not finite and the step is not made.
    gradient
        Of the loss reported; None of a parameter that no gradient moves.
    clipped
        The gradient that the update is given; `gradient` itself where nothing clips.
    penalty
        The part of the gradient that its own penalty has; None without one.
    slots_before, slots_after
        The optimizer's state for it, by name.
    """

    name: str
    before: Array
    after: Array
    gradient: Array | None = None
    clipped: Array | None = None
    penalty: Array | None = None
    slots_before: Mapping[str, Array] = field(default_factory=dict)
    slots_after: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer in a step.

    name, kind, activation
        Its name; what it is ("Dense", "Dropout" ...); the activation that it ends in, by name.
    settings
        The activation's: the negative slope of a leaky ReLU ...
    numbers
        x, z, a and derivatives (`chainrule.training.TracedLayer`).
    parameters
        By name: "kernel", "bias" ...
    nodes
        The operations of its forward pass, in the order of the tape.
    place
        Its number among the layers with weights, from 0; None of a layer without a kernel.
    own
        Whether it is of a class of the user's own, whatever that is called.
    """

    name: str
    kind: str
    activation: str | None
    numbers: TracedLayer
    parameters: Mapping[str, ParameterTrace]
    nodes: tuple[TracedNode, ...]
    place: int | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    own: bool = False

    def is_a(self, *kinds: str) -> bool:
        """Whether it is one of these layers of the library."""
        return self.kind in kinds and not self.own

    @property
    def positions(self) -> int:
        """How often a row is multiplied with the kernel: with further axes at each position."""
        kernel, z = self.parameters.get("kernel"), self.numbers.z
        if kernel is None or kernel.before.ndim != 2 or z is None or self.numbers.x is None:
            return 0
        return int(np.prod(z.shape[1:-1]))

    @property
    def kernel(self) -> ParameterTrace | None:
        """The kernel, where there is a weighted sum of units."""
        return self.parameters.get("kernel") if self.positions else None

    @property
    def bias(self) -> ParameterTrace | None:
        """The bias of that sum."""
        return self.parameters.get("bias") if self.positions else None

    def led_from(self, unit: int) -> tuple[int, int]:
        """Of a unit: the first column given that leads to it, and its column in the kernel."""
        assert self.kernel is not None  # noqa: S101  (asked for of such layers)
        inputs, units = self.kernel.before.shape
        return unit // units * inputs, unit % units

    def leads_to(self, source: int) -> tuple[int, int]:
        """Of a column given: the first unit that it leads to, and its row in the kernel."""
        assert self.kernel is not None  # noqa: S101  (asked for of such layers)
        inputs, units = self.kernel.before.shape
        return source // inputs * units, source % inputs


@dataclass(frozen=True, eq=False)
class UpdateTrace:
    """The optimizer's rule on one weight, as nodes with values.

    leaves
        weight, gradient, the state before, and the numbers of the step, by name.
    weight, slots
        What the rule makes of them; a constraint comes after it.
    """

    leaves: Mapping[str, Node]
    weight: Node
    slots: Mapping[str, Node]


@dataclass(frozen=True, eq=False, repr=False)
class StepTrace(Forms):
    """One training step of one row or a batch: every number of it, from the graph that trains.

    loss, loss_after
        As training reports it, before the step; and of the same rows with the same random numbers
        after it (nan where the loss is not finite and the step is not made).
    row_losses, penalties
        Each row's own loss, shape (rows,); what penalties add, by parameter or layer.
    row_shares
        The share that each row's own loss has in the loss; None where outputs are shared out
        differently.
    inputs, targets, row_weights
        What the network is given, by name; the targets, by output; None without weights.
    layers
        Layer by layer (`LayerTrace`); `z`, `a`, `delta` and others give one thing of each.
    nodes
        The whole forward pass, operation by operation.
    mixing
        Where numbers of several rows are put together (`chainrule.training.RowMixing`).
    optimizer, line, iteration
        Its description; the numbers of the step by name (learning rate ...); which step it is,
        from 1.
    loss_rules
        The loss of each output.
    notation, names
        How it is shown, and what units and weights are called.
    trainer, data
        A copy of what trains, before the step; the rows as programs are given them.
    checks
        Whether a central difference stands beside each gradient that is shown.
    remarks
        Sentences that stand above it: where its row comes from, what is said of it elsewhere.
    title
        What stands above all of it, if anything.
    input_names, ranges
        What columns of inputs are called; numbers that are spread, and the edges of their parts.
    steps, losses
        All the steps that were asked for, this one first; of more than 100 the first and the last.
        The loss before each step and after the last.

    Arrays of weights stand as the notation says: kernels are (inputs, units), with "columns"
    (units, inputs), with "theta" (units, 1 + inputs) with the bias in the first column. `z`, `a`
    and `delta` have a line a row in any notation.
    """

    loss: float
    loss_after: float
    row_losses: Array
    penalties: Mapping[str, float]
    row_shares: Array | None
    inputs: Mapping[str, Array]
    targets: Mapping[str, Array]
    row_weights: Array | None
    layers: tuple[LayerTrace, ...]
    nodes: tuple[TracedNode, ...]
    mixing: RowMixing
    optimizer: Any
    line: Mapping[str, float]
    iteration: int
    loss_rules: tuple[Any, ...]
    notation: Notation
    names: Names
    trainer: Trainer
    data: Data
    checks: bool = False
    losses: tuple[float, ...] = ()
    following: tuple[StepTrace, ...] = ()
    remarks: tuple[str, ...] = ()
    title: str = ""
    input_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Sequence[tuple[str, Sequence[float]]] = ()

    @property
    def steps(self) -> tuple[StepTrace, ...]:
        """The steps that were asked for, this one first; the first and the last of many."""
        return (self, *self.following)

    @property
    def rows(self) -> int:
        """How many rows the batch has."""
        return self.data.rows

    @property
    def weighted_layers(self) -> tuple[LayerTrace, ...]:
        """The layers with a kernel, whose units a drawing shows."""
        return tuple(layer for layer in self.layers if layer.place is not None)

    @property
    def z(self) -> ByLayer:
        """Weighted sums, (rows, units); None of a layer without weights."""
        return self._numbers("z")

    @property
    def a(self) -> ByLayer:
        """What each layer gives, (rows, units)."""
        return self._numbers("a")

    @property
    def delta(self) -> ByLayer:
        """The derivative of each row's own loss with respect to z, one line a row.

        Before a layer where rows mix, such as batch normalization, or a loss where they do, it is
        the derivative of the sum of all rows' own losses, since the row moves those of others too.
        Of a layer without weights it is that with respect to what the layer is given.
        """
        return self._numbers("delta")

    @property
    def grad_kernel(self) -> ByLayer:
        """The gradient of the loss reported; None where there is no kernel that is trained."""
        return self._weights("gradient")

    @property
    def grad_bias(self) -> ByLayer:
        """The gradient of the loss reported; None where there is no bias that is trained."""
        return self._biases("gradient")

    @property
    def kernel_before(self) -> ByLayer:
        """Kernels before the step."""
        return self._weights("before")

    @property
    def kernel_after(self) -> ByLayer:
        """Kernels after the step."""
        return self._weights("after")

    @property
    def bias_before(self) -> ByLayer:
        """Biases before the step."""
        return self._biases("before")

    @property
    def bias_after(self) -> ByLayer:
        """Biases after the step."""
        return self._biases("after")

    def _by_layer(self, members: Sequence[Any]) -> ByLayer:
        return ByLayer.of([layer.name for layer in self.layers], members)

    def _numbers(self, which: str) -> ByLayer:
        return self._by_layer([getattr(layer.numbers, which) for layer in self.layers])

    def _weights(self, which: str) -> ByLayer:
        return self._by_layer([self._oriented(layer, which) for layer in self.layers])

    def _biases(self, which: str) -> ByLayer:
        found = (layer.parameters.get("bias") for layer in self.layers)
        return self._by_layer([None if one is None else getattr(one, which) for one in found])

    def _oriented(self, layer: LayerTrace, which: str) -> Array | None:
        kernel, bias = (layer.parameters.get(name) for name in ("kernel", "bias"))
        array: Array | None = None if kernel is None else getattr(kernel, which)
        if array is None or array.ndim != 2 or self.notation.form == "rows":
            return array
        if self.notation.form == "columns":
            return array.T
        column = None if bias is None else getattr(bias, which)
        if column is None:  # a unit of 1 whose weight is not there, or is held fixed
            column = np.full(array.shape[1], 0.0 if bias is None else np.nan, array.dtype)
        return np.concatenate([column[:, None], array.T], axis=1)

    def parts(self, layer: LayerTrace) -> Parts | None:
        """The parts of the stable pair of the loss and a layer's activation; None without one."""
        by_number = {node.number: node for node in self.nodes}
        z = layer.numbers.z if layer.numbers.z is not None else layer.numbers.x
        for node in self.nodes:
            if is_pair(node.operation) and z is not None:
                logits, targets = (np.asarray(by_number[one].value) for one in node.operands)
                if np.array_equal(logits.reshape(-1), z.reshape(-1)):
                    return parts_of(node.operation, logits, targets)
        return None

    @cached_property
    def outputs_after(self) -> Any:
        """What the network predicts for the rows after the step; None where it is not made."""
        if not np.isfinite(self.loss):
            return None
        moved = copy.deepcopy(self.trainer)
        for layer in self.layers:
            for name, one in layer.parameters.items():
                moved.parameters[f"{layer.name}/{name}"][...] = one.after
        return moved.predict_data(self.data)

    def update(self, parameter: str, index: tuple[int, ...]) -> UpdateTrace:
        """The optimizer's rule on one number of a parameter.

        parameter
            "layer/name", such as "dense/kernel".
        index
            Its place in the array (inputs, units).

        Raises `MissingNameError` where there is no such parameter, `SettingError` where no update
        reaches it.
        """
        layer, _, name = parameter.rpartition("/")
        one = self._by_layer(self.layers)[layer].parameters.get(name)
        if one is None or one.clipped is None:
            message = f"trace: no update reaches {parameter!r}; choose a parameter that is trained."
            raise SettingError(message)
        leaves = {
            "weight": variable(one.before[index], "w"),
            "gradient": variable(one.clipped[index], "g"),
        }
        slots = {name: variable(array[index], name) for name, array in one.slots_before.items()}
        scalars = {name: variable(value, name) for name, value in self.line.items()}
        moved = self.optimizer.update(
            leaves["weight"], leaves["gradient"], tuple(scalars.values()), *slots.values()
        )
        return UpdateTrace(
            leaves | slots | scalars, moved[0], dict(zip(slots, moved[1:], strict=True))
        )

    def central_difference(self, parameter: str, index: tuple[int, ...]) -> float:
        """The slope of the loss along one number of a parameter, measured in float64.

        parameter, index
            As `update` takes them.

        Fourth-order central difference of the loss of the same rows with the same random numbers,
        over a step that reaches over no kink of the loss.
        """
        return self.measured_slopes(parameter, index)[0]

    def measured_slopes(self, parameter: str, index: tuple[int, ...]) -> Slopes:
        """The central difference, the slopes below and above a number, and their rounding.

        parameter, index
            As `update` takes them.

        Both sides differ at a kink alone.
        """
        layer, _, name = parameter.rpartition("/")
        gradient = self._by_layer(self.layers)[layer].parameters[name].gradient
        exact = None if gradient is None else float(gradient[index])
        return slopes_of_weight(*self._in_float64, parameter, index, exact)

    @cached_property
    def _in_float64(self) -> tuple[Trainer, Data]:
        """The same network and rows in float64, to measure slopes with."""
        own = self.trainer.parameters.dtype
        arrays = {
            name: array.astype(np.float64) if array.dtype == own else array
            for name, array in self.data.arrays.items()
        }
        return self.trainer.in_float64(), self.data._replace(arrays=arrays)
