"""A training step as its reader sees it: what its numbers are called, and which of them matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.layers import Stack
from chainrule.losses import SparseCategoricalCrossentropy
from chainrule.tracing.activities import activity_slopes
from chainrule.tracing.columns import Columns, is_long
from chainrule.tracing.folding import Shown, flat, folding_of, largest
from chainrule.tracing.formula import Symbol
from chainrule.tracing.joining import joining_of
from chainrule.tracing.normal import NORMALIZING, Normal, normal_of
from chainrule.tracing.pairs import Parts
from chainrule.tracing.parameter_names import parameter_names
from chainrule.tracing.spread import spread_of
from chainrule.tracing.step import LayerTrace, StepTrace

if TYPE_CHECKING:
    from chainrule.tracing.step_own_layer import OwnLayer

__all__ = ["View", "are_equal", "flat"]

Array = np.ndarray[Any, np.dtype[Any]]


class View:
    """A step with the symbols of its reader.

    rows, many
        How many rows there are; whether more than one.
    folding
        How many of each kind are shown.
    joining
        Where the numbers of layers go that are put side by side (`joining_of`).
    """

    def __init__(self, trace: StepTrace) -> None:
        self.trace = trace
        self.notation, self.names = trace.notation, trace.names
        self.errors = trace.notation.errors
        self.rows = trace.rows
        self.many = trace.rows > 1
        nodes = {node.number: node for node in trace.nodes}
        self.spreads = tuple(spread_of(layer, nodes) for layer in trace.layers)
        self.layers = tuple(
            layer if one is None else one.within(layer)
            for layer, one in zip(trace.layers, self.spreads, strict=True)
        )
        self.in_line = isinstance(trace.trainer.network, Stack)
        self.folding = folding_of(trace)
        self.joining = {} if self.in_line else joining_of(self.layers, nodes, self.rows)
        self.columns = tuple(self._columns())
        self.mixed = trace.mixing.targets
        self.parameter_names = parameter_names(trace.layers, trace.names)

    def _columns(self) -> Iterator[tuple[Columns, Columns]]:
        """What the columns are called that each layer is given, and those that it gives."""
        name, array = next(iter(self.trace.inputs.items()))
        given = flat(array, self.rows).shape[1]
        first = self.names.units[0] if self.names.units else ()
        if len(first) != given:
            first = tuple(self.input_name(name, n) for n in range(given))
        current = Columns(first, "x")
        for place, layer in enumerate(self.layers):
            if layer.place is not None:
                x = flat(layer.numbers.x, self.rows)
                joined = layer.place == 0 and not self.in_line
                if x.shape[1] != len(current.names) or (joined and not self._is_given(place, x)):
                    current = Columns(self.names.sources[layer.place], "a")
                elif not self.in_line and not self._is_given(place, x):
                    current = current.passed()
            given, current = current, self._after(place, layer, current)
            yield given, current

    def _is_given(self, place: int, x: Array) -> bool:
        """Whether a layer is given just what the one before gives."""
        before = self.layers[place - 1].numbers.a if place else None
        return before is not None and are_equal(flat(before, self.rows), x)

    def _after(self, place: int, layer: LayerTrace, current: Columns) -> Columns:
        if layer.place is not None:
            return Columns(self.names.units[layer.place + 1], "a")
        if layer.kernel is not None and layer.numbers.z is not None:  # at positions
            indexes = np.ndindex(layer.numbers.z.shape[1:])
            at = (",".join(str(one + 1) for one in index) for index in indexes)
            return Columns(tuple(f"{layer.name}[{one}]" for one in at), "a")
        width = flat(layer.numbers.a, self.rows).shape[1]
        if place in self.joining:
            joined, start = self.joining[place]
            number = self.layers[joined].place
            assert number is not None  # noqa: S101  (a layer with sums)
            return Columns(self.names.sources[number][start : start + width], "a")
        alike = self.in_line or layer.is_a("Dropout", "Activation", *NORMALIZING)
        if width == len(current.names) and alike and layer.numbers.z is None:
            return current if self.only_moves(layer) else current.passed()
        others = (one for one in self.layers[place + 1 :] if not self.only_moves(one))
        following = next(others, None)
        if self.in_line and following is not None and following.place is not None:
            sources = self.names.sources[following.place]
            if len(sources) == width:
                return Columns(sources, "a")
        return Columns(tuple(f"{layer.name}_{n + 1}" for n in range(width)), "a")

    def only_moves(self, layer: LayerTrace) -> bool:
        """Whether a layer gives the numbers that it is given, perhaps in another shape.

        A softmax before its cross-entropy has no operation of its own, but gives others.
        """
        x, a = layer.numbers.x, layer.numbers.a
        if x is not None and x.size == a.size and not are_equal(x.reshape(-1), a.reshape(-1)):
            return False
        return all(node.operation in ("reshape", "cast") for node in layer.nodes)

    def given(self, place: int) -> Columns:
        """What the columns that a layer is given are called."""
        return self.columns[place][0]

    def gives(self, place: int) -> Columns:
        """What the columns that a layer gives are called."""
        return self.columns[place][1]

    def unit(self, place: int, unit: int, value: Any, row: int | None = None) -> Symbol:
        """What a unit gives."""
        return self.gives(place).symbol(unit, value, row)

    def input_name(self, name: str, column: int) -> str:
        """What a column of an input is called, where units have no name for it."""
        called = self.trace.input_names.get(name)
        return called[column] if called else f"{name}{column + 1}"

    def input_symbol(self, name: str, column: int, value: Any, row: int | None) -> Symbol:
        """A column of an input that is one of several."""
        symbol = self.input_name(name, column)
        return Symbol(symbol, value, row=row, bracketed=is_long(symbol))

    def delta(self, place: int, unit: int, row: int) -> Symbol:
        """The delta of a unit in a row; its error where the reader wants errors."""
        value = flat(self.layers[place].numbers.delta, self.rows)[row, unit]
        sign, head = (-1, "Err") if self.errors else (1, "δ")
        return self.gives(place).symbol(unit, 0.0).of(head, sign * value, self.row(row))

    def upstream(self, place: int, unit: int, row: int) -> Symbol:
        """The derivative of the row's loss with respect to what a layer gives."""
        value = flat(self.layers[place].numbers.upstream, self.rows)[row, unit]
        own = self.own_loss(row, place + 1)
        return self.unit(place, unit, 0.0, self.row(row)).slope(own, value, self.errors)

    def by_given(self, place: int, unit: int, row: int) -> Symbol:
        """The derivative of the row's loss with respect to what a layer is given."""
        value = flat(self.layers[place].numbers.delta, self.rows)[row, unit]
        own = self.own_loss(row, place)
        return self.given(place).symbol(unit, 0.0, self.row(row)).slope(own, value, self.errors)

    def weight(self, layer: LayerTrace, source: int, unit: int) -> Symbol:
        """A weight before the step."""
        assert layer.kernel is not None  # noqa: S101
        value = layer.kernel.before[source, unit]
        if layer.place is None:
            name = self.names.named_weight(layer.name, source, unit)
        else:
            name = self.names.weight(layer.place, source, unit)
        return Symbol(name, value, bracketed=is_long(name))

    def bias(self, layer: LayerTrace, unit: int) -> Symbol:
        """A bias before the step."""
        assert layer.bias is not None  # noqa: S101
        if layer.place is None:
            name = self.names.named_bias(layer.name, unit)
        else:
            name = self.names.bias(layer.place, unit)
        return Symbol(name, layer.bias.before[unit], bracketed=is_long(name))

    def loss(self, row: int | None = None) -> Symbol:
        """The loss; or a row's own, which with one row alone is the loss where both agree."""
        name, value = self.notation.loss, self.trace.loss
        if row is not None:
            value = self.trace.row_losses[row]
        of = None if row is None or self.one_loss else row + 1
        return Symbol(name, value, row=of, bracketed=is_long(name))

    def own_loss(self, row: int, place: int) -> Symbol:
        """What derivatives of a row, before the layers from a place on, are derivatives of.

        The row's own loss; of rows that mix on the way to it, or in it, the sum of all rows' own.
        """
        if self.mixes_after(place):
            name = f"Σ{self.notation.loss}"
            return Symbol(name, np.sum(self.trace.row_losses), bracketed=is_long(name))
        return self.loss(row)

    @cached_property
    def mixing(self) -> tuple[bool, ...]:
        """For each layer whether what it gives in a row depends on other rows."""
        return tuple(self.many and one.name in self.trace.mixing.layers for one in self.layers)

    @property
    def loss_mixes(self) -> bool:
        """Whether a row's own loss depends on what the network gives for other rows."""
        return self.many and self.trace.mixing.loss

    def mixes_after(self, place: int) -> bool:
        """Whether rows mix in a layer from a place on, or in the loss."""
        return self.loss_mixes or any(self.mixing[place:])

    def mixers(self, layers: Sequence[str], unknown: Sequence[str] = ()) -> str:
        """What is said of layers that mix rows, of others that may, and of the loss; "" of none."""
        sure = [*layers, *(["the loss"] if self.loss_mixes else [])]
        said = [f"{', '.join(sure)} {'mixes' if len(sure) == 1 else 'mix'} the rows"] * bool(sure)
        return ", ".join([*said, *([f"{', '.join(unknown)} may mix the rows"] if unknown else [])])

    @cached_property
    def normals(self) -> tuple[Normal | None, ...]:
        """For each layer what a normalization does inside; None of other layers."""
        nodes = {node.number: node for node in self.trace.nodes}
        return tuple(normal_of(layer, nodes) for layer in self.layers)

    @cached_property
    def own_layers(self) -> tuple[OwnLayer | None, ...]:
        """For each layer of the user's own its operations, where they are told; None of others."""
        from chainrule.tracing.step_own_layer import own_layers  # which has symbols of a view

        return own_layers(self)

    def codes(self, place: int) -> Array | None:
        """The codes that an embedding is given, (rows, columns); None of other layers."""
        gathers = [one for one in self.layers[place].nodes if one.operation == "gather"]
        if len(gathers) != 1:
            return None
        nodes = {node.number: node for node in self.trace.nodes}
        given, columns = nodes[gathers[0].operands[1]], slice(None)
        while given.operands:  # one column of several is taken, and loses its axis
            if given.operation == "narrow":
                columns = slice(given.attributes["start"], given.attributes["stop"])
            given = nodes[given.operands[0]]
        return None if given.value is None else flat(given.value, self.rows)[:, columns]

    @cached_property
    def activity_slopes(self) -> list[tuple[Array, Array | None]]:
        """For each layer the derivative of activity penalties by what it gives, by its sums."""
        return activity_slopes(self.trace, self.layers)

    @cached_property
    def gathering(self) -> list[int]:
        """The places of layers that need all rows, which are shown up to there before."""
        return [
            place for place, mixes in enumerate(self.mixing)
            if mixes and (self.normals[place] is not None or self.mixes_rows(place))
        ]  # fmt: skip

    def mixes_rows(self, place: int) -> bool:
        """Whether a layer mixes each row with a partner, in shares that are known."""
        layer = self.layers[place]
        known = self.mixing_shares is not None and layer.numbers.x is not None
        return layer.is_a("Mixup") and known

    @cached_property
    def normalizing(self) -> list[LayerTrace]:
        """The layers with a gamma or a beta for each column."""
        return [layer for layer in self.layers if layer.is_a(*NORMALIZING)]

    def normal_number(self, layer: LayerTrace) -> str:
        """What tells one normalization from another in names: its number, where it has others."""
        many = len(self.normalizing) > 1
        return str(self.normalizing.index(layer) + 1) if many else ""

    @cached_property
    def one_loss(self) -> bool:
        """Whether there is one row and its own loss is the loss."""
        shares = self.trace.row_shares
        alone = shares is not None and not self.many and bool(shares[0] == 1)
        return alone and not self.trace.penalties

    def row(self, row: int) -> int | None:
        """A row's number from 1 where there are several, shown or not."""
        return row + 1 if self.many else None

    @cached_property
    def shown(self) -> Shown:
        """What of the step is shown."""
        return Shown(self.trace, self.layers, self.joining, self.folding)

    @property
    def shown_rows(self) -> list[int]:
        """The rows that are shown."""
        return self.shown.rows

    @property
    def shown_units(self) -> list[list[int]]:
        """For each layer the columns that are shown."""
        return self.shown.units

    def shown_given(self, place: int) -> list[int]:
        """The columns that are shown of what a layer without sums is given."""
        numbers = self.layers[place].numbers
        x, slopes = (flat(one, self.rows) for one in (numbers.x, numbers.delta))
        if place and flat(self.layers[place - 1].numbers.a, self.rows).shape == x.shape:
            return self.shown_units[place - 1]
        return largest(np.abs(x * slopes)[self.shown_rows].sum(axis=0), self.folding.units)

    def shown_sources(self, place: int) -> list[int]:
        """The columns given to a layer with a kernel whose weights are shown."""
        return self.shown.sources(place)

    def made_before(self, place: int) -> dict[int, bool]:
        """The columns given to a layer that layers make which stand side by side before it.

        With each goes whether it is shown there.
        """
        return self.shown.made_before(place)

    @cached_property
    def parts(self) -> Parts | None:
        """The parts of the last layer's stable pair with the loss; None without one."""
        return self.trace.parts(self.layers[-1])

    @cached_property
    def targets(self) -> Array | None:
        """The target of each output in each row; of labels 1 for the class and 0 for others."""
        outputs = self.layers[-1].numbers.a
        if len(self.trace.targets) != 1 or outputs.ndim < 2:
            return None
        (given,) = self.trace.targets.values()
        if isinstance(self.trace.loss_rules[0], SparseCategoricalCrossentropy):
            labels = np.asarray(given).reshape(-1).astype(int)
            given = np.eye(outputs.shape[-1])[labels]
        values = flat(given, self.rows).astype(outputs.dtype)
        return values if values.size == outputs.size else None

    @property
    def output_positions(self) -> int:
        """At how many positions of a row outputs stand; 1 where rows of outputs have one axis."""
        return int(np.prod(self.layers[-1].numbers.a.shape[1:-1]))

    @cached_property
    def last(self) -> int:
        """The place of the last layer that does not only move its numbers to another shape."""
        places = reversed(range(len(self.layers)))
        return next((k for k in places if not self.only_moves(self.layers[k])), 0)

    @cached_property
    def mixing_shares(self) -> Array | None:
        """The share that each row has of itself, where rows are mixed; None where unknown."""
        for layer in self.layers:
            if layer.is_a("Mixup"):
                found = [node.value for node in layer.nodes if node.operation == "reshape"]
                return found[-1].reshape(-1) if found and found[-1] is not None else None
        return None

    @property
    def weighs_targets(self) -> bool:
        """Whether rows are mixed that have weights, each of which goes with its row's target."""
        return self.mixed and self.trace.row_weights is not None

    def partner(self, row: int) -> int:
        """The row that a row is mixed with."""
        return self.rows - 1 - row

    def mixing_share(self, row: int) -> Symbol:
        """The share that a row has of itself."""
        assert self.mixing_shares is not None  # noqa: S101  (asked for where rows are mixed)
        return Symbol("mix", self.mixing_shares[row], row=self.row(row))

    def target(self, row: int, output: int) -> Symbol:
        """The target of an output: counted from 1, where targets are classes from 0 as these."""
        assert self.targets is not None  # noqa: S101
        first = 0 if self.trace.loss_rules[0].target_kind == "labels" else 1
        number = str(output + first) if self.targets.shape[1] > 1 else ""
        at = self.output_index(output) or number
        return Symbol(f"t{at}", self.targets[row, output], row=self.row(row))

    def output_index(self, output: int) -> str:
        """Position and unit of an output, from 1, in its name; empty where it has no position."""
        shape = self.layers[-1].numbers.a.shape[1:]
        if len(shape) < 2:
            return ""
        return f"[{','.join(str(one + 1) for one in np.unravel_index(output, shape))}]"


def are_equal(left: Array, right: Array) -> bool:
    """Whether two arrays have the same numbers; those that are not numbers are the same."""
    numbers = left.dtype.kind == "f" and right.dtype.kind == "f"
    return np.array_equal(left, right, equal_nan=numbers)
