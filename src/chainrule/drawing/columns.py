"""What the picture of a network shows of its input and of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.drawing.activities import activities, rows_of
from chainrule.errors import SettingError, ShapeError
from chainrule.layers import Dense, activation_name
from chainrule.models import Sequential
from chainrule.tracing import StepTrace

__all__ = [
    "FOLDS", "Column", "columns_of_model", "columns_of_step", "elided", "key_of", "targets_of",
    "with_fewer_numbers", "without_numbers", "written",
]  # fmt: skip

FOLDS = ((10, 8), (6, 5), (4, 3))
"""A layer with more units is folded, and so many drawn: the first pair that can be read."""
FEW = 24
"""Weights that are written on their lines; more are drawn only."""
DIGITS = 3
KEY = "line: weight, wider where larger, dashed where negative"
CROWDED = {
    "values": "no room for more than the values of weights", "none": "no room for its weights",
}  # fmt: skip
"""What is said of a layer with less on its lines than others."""


@dataclass(frozen=True)
class Column:
    """What is drawn of the input or of a layer.

    units
        How many it has; None where its result is no row of numbers.
    heading
        Its name and kind, a line each.
    kernel
        Of a Dense layer whose input is a row of numbers.
    values
        What its units have for the row given.
    names
        What its units are called, where they have names.
    biases, deltas
        What is written below its units, a line each: biases, and derivatives by weighted sums.
    weights, gradients
        What is written on its weights, a line each, in C order; both are empty of large networks.
    fold
        How many units may be drawn, and how many are where there are more.
    crowded
        What of its weights had room on its lines, where not all had: a key of `CROWDED`.
    skipped
        How many columns it stands for, which are left out.
    """

    units: int | None
    heading: tuple[str, ...]
    kernel: Any = None
    values: Any = None
    names: Sequence[str] = ()
    biases: Sequence[str] = ()
    deltas: Sequence[str] = ()
    weights: Sequence[str] = ()
    gradients: Sequence[str] = ()
    fold: tuple[int, int] = FOLDS[0]
    crowded: str = ""
    skipped: int = 0

    @property
    def drawn(self) -> int:
        """How many units are drawn."""
        most, first = self.fold
        if self.skipped:
            return 0
        if self.units is None:
            return 1
        return self.units if self.units <= most else first

    @property
    def folded(self) -> bool:
        """Whether not all units are drawn."""
        return self.units is None or self.units > self.drawn

    @property
    def slots(self) -> int:
        """How many places it takes: one more where it is folded."""
        return self.drawn + bool(self.skipped or (self.units is not None and self.folded))

    @property
    def below(self) -> int:
        """How many lines are written below each of its units."""
        return bool(self.biases) + bool(self.deltas)

    @property
    def count(self) -> tuple[str, ...]:
        """How many units it has, in words."""
        if self.units is None:
            return ()
        return (f"{self.units:,} unit{'s' if self.units != 1 else ''}",)


def columns_of_model(model: Sequential, X: Any) -> list[Column]:
    """The input and each layer, with what they make of one row where there is one."""
    shape = model.network.inputs[0].shape
    values: list[Any] = [None] * (1 + len(model.layers))
    if X is not None:
        row = _one_row(model, X)
        values = [row, *activities(model, row)]
    inputs = _column(shape, ("input",), values[0])
    names = [f"x{index + 1}" for index in range(inputs.units or 0)] if X is None else []
    columns, biases = [replace(inputs, names=names)], []
    for layer, value in zip(model.layers, values[1:], strict=True):
        description, kernel, bias = layer.description, None, None
        heading = [layer.name]
        if isinstance(description, Dense):
            none = "linear" if description.activation is None else "own activation"
            heading.append(activation_name(description.activation) or none)
            if columns[-1].units is not None:
                kernel = layer.kernel
                bias = layer.bias if description.use_bias else None
        elif not layer.name.startswith(type(description).__name__.lower()):
            heading.append(type(description).__name__)
        columns.append(replace(_column(layer.output_shape[1:], heading, value), kernel=kernel))
        biases.append(bias)
    if not _few(columns):
        return columns
    written = [
        replace(one, weights=_texts("", _flat(one.kernel)), biases=_texts("b ", _flat(bias)))
        for one, bias in zip(columns[1:], biases, strict=True)
    ]
    return [columns[0], *written]


def columns_of_step(step: StepTrace) -> list[Column]:
    """The input and each layer in a step of one row: names, values and derivatives."""
    if step.rows != 1:
        message = (
            f"plot_network: draws a step of one row, got one of {step.rows}; trace a row alone, "
            "such as model.trace(X[0], y[0])."
        )
        raise ShapeError(message)
    [row] = step.inputs.values()
    columns = [replace(_column(row.shape[1:], ("input",), row), names=step.names.units[0])]
    for layer in step.layers:
        heading = [layer.name]
        if layer.kind == "Dense":
            heading.append(layer.activation or "linear")
        elif not layer.name.startswith(layer.kind.lower()):
            heading.append(layer.kind)
        column = _column(layer.numbers.a.shape[1:], heading, layer.numbers.a)
        if layer.place is not None and layer.kernel is not None and columns[-1].units is not None:
            names = step.names.units[layer.place + 1]
            column = replace(column, kernel=layer.kernel.before, names=names)
        columns.append(column)
    if not _few(columns):
        return columns
    return [
        columns[0],
        *(_with_numbers(step, *pair) for pair in zip(step.layers, columns[1:], strict=True)),
    ]


def _with_numbers(step: StepTrace, layer: Any, column: Column) -> Column:
    """A column with the names and numbers of its weights, biases and deltas."""
    if column.kernel is None:
        return column
    names, sign = step.names, -1.0 if step.notation.errors else 1.0
    sources, units = column.kernel.shape
    called = [names.weight(layer.place, i, j) + " " for i in range(sources) for j in range(units)]
    slope, biases = layer.kernel.gradient, []
    if layer.bias is not None:
        named = [names.bias(layer.place, unit) + " " for unit in range(units)]
        biases = _texts(named, _flat(layer.bias.before))
    error, derivative = _marks(step)
    return replace(
        column, weights=_texts(called, _flat(column.kernel)), biases=biases,
        gradients=[] if slope is None else _texts(derivative + " ", sign * _flat(slope)),
        deltas=_texts(error + " ", sign * _flat(layer.numbers.reported)),
    )  # fmt: skip


def _marks(step: StepTrace) -> tuple[str, str]:
    """What stands before the derivative by a weighted sum, and by a weight."""
    if step.notation.errors:
        return "Err", "Err\N{MIDDLE DOT}o"
    return "\N{GREEK SMALL LETTER DELTA}", "\N{PARTIAL DIFFERENTIAL}"


def written(columns: Sequence[Column]) -> bool:
    """Whether numbers are written on lines and below units: they are few, and all units drawn."""
    numbers = any(one.weights or one.biases or one.deltas for one in columns)
    return numbers and not any(one.folded for one in columns)


def with_fewer_numbers(column: Column) -> Column:
    """A column with only the values of its weights on its lines; with nothing where it had them."""
    values = _texts("", _flat(column.kernel))
    if values == list(column.weights) and not column.gradients:
        return replace(column, weights=(), crowded="none")
    return replace(column, weights=values, gradients=(), crowded="values")


def without_numbers(column: Column) -> Column:
    """A column with nothing written on its lines or below its units."""
    crowded = "none" if column.weights else column.crowded
    return replace(column, weights=(), gradients=(), biases=(), deltas=(), crowded=crowded)


def elided(columns: Sequence[Column], kept: int) -> list[Column]:
    """The first and the last columns, and one that stands for those between them."""
    last = kept // 2
    count = len(columns) - kept
    gap = Column(None, (f"{count} more", "layer" if count == 1 else "layers"), skipped=count)
    return [*columns[: kept - last], gap, *columns[len(columns) - last :]]


def key_of(shown: Any, columns: Sequence[Column]) -> list[str]:
    """What explains lines and letters, and says what had no room; none where no weight is."""
    pairs = zip(columns, columns[1:], strict=False)
    drawn = any(one.kernel is not None and not before.skipped for before, one in pairs)
    key = [KEY] if drawn else []
    if not written(columns):
        few = any(column.weights or column.crowded for column in columns)
        return [*key, "no room for the numbers of weights"] if few else key
    for crowded, words in CROWDED.items():
        layers = [one.heading[0] for one in columns if one.crowded == crowded]
        if layers:
            key.append(f"{', '.join(layers)}: {words}")
    if any(column.deltas for column in columns):
        (error, derivative), loss = _marks(shown), shown.notation.loss
        sign = "\N{MINUS SIGN}" if shown.notation.errors else ""
        slope = f"{sign}\N{PARTIAL DIFFERENTIAL}{loss}/\N{PARTIAL DIFFERENTIAL}"
        key.append(f"{error} = {slope}z of a unit's sum z")
        if any(column.gradients for column in columns):
            key[-1] += f", {derivative} = {slope}w of a weight"
    return key


def targets_of(last: Column, y: Any) -> list[str]:
    """What stands beside the output units."""
    from chainrule.drawing.diagram import shown

    if y is None:
        return []
    if last.values is None and last.units is not None:
        message = "plot_network: y is the target of a row; give the row as X too."
        raise SettingError(message)
    target = np.asarray(y, float).ravel()
    if target.size not in (1, last.units):
        message = (
            f"plot_network: y must be the target of one row, got shape {np.shape(y)} for "
            f"{last.units} outputs."
        )
        raise ShapeError(message)
    if target.size != last.units:  # the number of a class
        target = np.equal(np.arange(last.units or 0), target[0]).astype(float)
    return [f"target {shown(float(one), DIGITS)}" for one in target]


def _one_row(model: Sequential, X: Any) -> Any:
    """One row with an axis of rows."""
    given, shape = np.asarray(X), model.network.inputs[0].shape
    if given.shape not in (shape, (1, *shape)):
        message = (
            f"plot_network: X must be one row, shape {shape} or {(1, *shape)}, got {given.shape}; "
            "choose one, such as X[0]."
        )
        raise ShapeError(message)
    return rows_of("plot_network", model, given.reshape(1, *shape))


def _column(shape: Any, heading: Sequence[str], value: Any) -> Column:
    if len(shape) == 1:
        units = int(shape[0])
        return Column(units, tuple(heading), values=None if value is None else value[0])
    return Column(None, (*heading, " \N{MULTIPLICATION SIGN} ".join(map(str, shape)) or "1"))


def _few(columns: Sequence[Column]) -> bool:
    """Whether there are few enough weights to write them down."""
    return sum(np.size(one.kernel) for one in columns if one.kernel is not None) <= FEW


def _flat(array: Any) -> Any:
    return np.array([]) if array is None else np.ravel(array)


def _texts(before: str | Sequence[str], numbers: Any) -> list[str]:
    """Numbers as they are written, each after a text."""
    from chainrule.drawing.diagram import shown

    words = [before] * len(numbers) if isinstance(before, str) else before
    return [word + shown(float(one), DIGITS) for word, one in zip(words, numbers, strict=True)]
