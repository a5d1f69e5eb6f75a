"""The picture of a network: units in columns, weights as lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.activities import activities, checked_model, rows_of
from chainrule.drawing.canvas import BLACK, GREY, axes_or_new
from chainrule.errors import SettingError, ShapeError
from chainrule.layers import Dense, activation_name
from chainrule.models import Sequential

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule.drawing.diagram import Taken

__all__ = ["plot_network"]

FOLDS = ((10, 8), (6, 5), (4, 3))
"""A layer with more units is folded, and so many drawn: the first pair that can be read."""
LEAST = 5.5
"""Smaller type is not read."""
FEW = 24
"""Weights that are written on their lines; more are drawn only."""
RADIUS = 15.0
INSIDE = 2 * RADIUS - 3.0
"""How wide the number in a unit may be."""
SIZE = 8.0
"""Of the type in a unit, in points."""
POSITIVE, NEGATIVE = "#0b4f8a", "#c04a00"
FOOT = 5.6 * SIZE
"""Height of the headings below the columns, and of what explains the lines."""
WIDEST = 3.0
"""The line of the largest weight of a layer, in points."""
KEY = "line: weight, wider where larger, dashed where negative"


@dataclass(frozen=True)
class Column:
    """What is drawn of the input or of a layer.

    units
        How many it has; None where its result is no row of numbers.
    heading
        Its name and kind, a line each.
    kernel, bias
        Of a Dense layer whose input is a row of numbers.
    values
        What its units have for the row given.
    """

    units: int | None
    heading: tuple[str, ...]
    kernel: Any = None
    bias: Any = None
    values: Any = None
    fold: tuple[int, int] = FOLDS[0]

    @property
    def drawn(self) -> int:
        """How many units are drawn."""
        most, first = self.fold
        if self.units is None:
            return 1
        return self.units if self.units <= most else first

    @property
    def slots(self) -> int:
        """How many places it takes: one more where it is folded."""
        return self.drawn + (self.units is not None and self.units > self.drawn)


def plot_network(model: Any, X: Any = None, y: Any = None, ax: Axes | None = None) -> Axes:
    """A network: a column of units for its input and each layer, a line for each weight.

    model
        A `Sequential` whose input shape is known.
    X
        One row, with or without an axis of rows: units show what they make of it.
    y
        Its target, which stands beside the output then; a compiled model's loss is told too.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    The line of a weight is wider where the weight is larger in its layer, and dashed where it is
    negative. Up to 24 weights are written on their lines, with the biases (b) below the units. Of
    a layer with more than ten units the first eight are drawn.

    Raises `ShapeError` where X is not one row or y not its target.

    >>> import chainrule
    >>> from chainrule.layers import Dense, Input
    >>> model = chainrule.Sequential([Input((784,)), Dense(300, "relu"), Dense(10)], seed=0)
    >>> ax = chainrule.drawing.plot_network(model)
    >>> ax.get_title()
    'A 784-300-10 network'
    """
    from chainrule.drawing import diagram

    model = checked_model("plot_network", model)
    row = None if X is None else _one_row(model, X)
    room = None if ax is None else diagram.room_of(axes_or_new(ax, "plot_network"))
    for fold in FOLDS:
        columns = [replace(one, fold=fold) for one in _columns(model, row)]
        written = _written(columns)
        target = _target(columns[-1], y, row)
        places, (width, height) = _places(columns, written, target)
        scale = 1.0 if room is None else float(min(1.0, *(room / (width, height))))
        if SIZE * scale >= LEAST:
            break
    ax = axes_or_new(ax, "plot_network", (width / 72 + 0.4, height / 72 + 0.7))
    diagram.prepare(ax, (width, height))
    taken = diagram.Taken()
    for column, at in zip(columns, places, strict=True):
        for place in at:
            taken.add(place, (2 * RADIUS, 2 * RADIUS))
        _units(ax, column, at, written)
    for before, column, starts, ends in zip(columns, columns[1:], places, places[1:], strict=False):
        _lines(ax, before, column, starts, ends, scale, taken if written else None)
    for text, place in zip(target, places[-1], strict=False):
        x, up = place
        diagram.write(ax, x + RADIUS + 4, up, text, SIZE, ha="left")
    if any(column.kernel is not None for column in columns):
        diagram.write(ax, width / 2, 4.0, KEY, SIZE, color="#444444")
    ax.set_title(_title(model, columns, row, y))
    return ax


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


def _columns(model: Sequential, row: Any) -> list[Column]:
    """The input and each layer."""
    shape = model.network.inputs[0].shape
    values = [None] * (1 + len(model.layers)) if row is None else [row, *activities(model, row)]
    columns = [_column(shape, ("input",), values[0])]
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
        columns.append(_column(layer.output_shape[1:], tuple(heading), value, kernel, bias))
    return columns


def _column(
    shape: Any, heading: tuple[str, ...], value: Any, kernel: Any = None, bias: Any = None
) -> Column:
    if len(shape) == 1:
        units = int(shape[0])
        return Column(units, heading, kernel, bias, None if value is None else value[0])
    return Column(None, (*heading, " \N{MULTIPLICATION SIGN} ".join(map(str, shape)) or "1"))


def _target(last: Column, y: Any, row: Any) -> list[str]:
    """What stands beside the output units."""
    from chainrule.drawing.diagram import shown

    if y is None:
        return []
    if row is None:
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
    return [f"target {shown(float(one), 3)}" for one in target[: last.drawn]]


def _written(columns: list[Column]) -> bool:
    """Whether there are few enough weights to write them down."""
    if any(column.units is None or column.units > column.drawn for column in columns):
        return False
    return sum(np.size(one.kernel) for one in columns if one.kernel is not None) <= FEW


def _places(
    columns: list[Column], written: bool, target: list[str]
) -> tuple[list[Any], tuple[float, float]]:
    """Where the units of each column stand, and the size of all, in points."""
    from chainrule.drawing.diagram import text_width

    step = 2 * RADIUS + (22.0 if written else 6.0)
    foot = FOOT + RADIUS + (1.4 * SIZE if written else 0.0)
    most = max(column.slots for column in columns)
    height = foot + (most - 1) * step + RADIUS
    headings = [
        max(text_width(line, SIZE, "bold") for line in one.heading + _count(one)) for one in columns
    ]
    apart = max(116.0 if written else 84.0, 12.0 + max(headings))
    start = max(RADIUS, headings[0] / 2)
    beside = max((4.0 + text_width(text, SIZE) for text in target), default=46.0)
    width = start + (len(columns) - 1) * apart + max(RADIUS + beside, headings[-1] / 2)
    start += max(0.0, text_width(KEY, SIZE) - width) / 2
    places = []
    for index, column in enumerate(columns):
        top = height - RADIUS - (most - column.slots) * step / 2
        places.append([(start + index * apart, top - i * step) for i in range(column.slots)])
    return places, (max(width, text_width(KEY, SIZE)), height)


def _count(column: Column) -> tuple[str, ...]:
    if column.units is None:
        return ()
    return (f"{column.units:,} unit{'s' if column.units != 1 else ''}",)


def _units(ax: Axes, column: Column, places: Any, written: bool) -> None:
    """The circles of a column, what stands in them, and its heading below."""
    from matplotlib.patches import Circle, Rectangle

    from chainrule.drawing.diagram import fitted, shown, write

    drawn = column.drawn
    look: dict[str, Any] = {"facecolor": "#ffffff", "edgecolor": BLACK, "linewidth": 1.1}
    for index, (x, y) in enumerate(places[:drawn]):
        if column.units is None:
            corner, side = (x - RADIUS, y - RADIUS), 2 * RADIUS
            ax.add_patch(Rectangle(corner, side, side, zorder=3, **look))
            continue
        ax.add_patch(Circle((x, y), RADIUS, zorder=3, **look))
        if column.values is not None:
            write(ax, x, y, *fitted(float(column.values[index]), 3, SIZE - 1.0, INSIDE))
        elif column.heading == ("input",):
            write(ax, x, y, f"x{index + 1}", SIZE)
        if written and column.bias is not None:
            bias = shown(float(column.bias[index]), 3)
            write(ax, x, y - RADIUS - 0.7 * SIZE, f"b {bias}", SIZE - 0.5, fontstyle="italic")
    if len(places) > drawn:
        x, y = places[drawn]
        write(ax, x, y + 4, "\N{VERTICAL ELLIPSIS}", 1.6 * SIZE)
        write(ax, x, y - 9, f"{(column.units or 0) - drawn:,} more", SIZE)
    x = places[0][0]
    up = FOOT - SIZE
    for index, line in enumerate((*column.heading, *_count(column))[:3]):
        weight = "normal" if index else "bold"
        write(ax, x, up - 1.3 * SIZE * index, line, SIZE, fontweight=weight)


def _lines(
    ax: Axes, before: Column, column: Column, starts: Any, ends: Any, scale: float,
    taken: Taken | None,
) -> None:  # fmt: skip
    """The lines between two columns: a weight each, or where numbers only pass through."""
    from matplotlib.collections import LineCollection

    if column.kernel is None:
        lines = [(start, end) for start in starts[: before.drawn] for end in ends[: column.drawn]]
        if before.units == column.units:
            lines = list(zip(starts, ends, strict=True))[: before.drawn]
        ax.add_collection(
            LineCollection(lines, colors=GREY, linewidths=0.9, zorder=1), autolim=False
        )
        return
    kernel = column.kernel[: before.drawn, : column.drawn]
    largest = float(abs(kernel).max()) or 1.0
    lines = [(start, end) for start in starts[: before.drawn] for end in ends[: column.drawn]]
    weights = [float(one) for one in kernel.ravel()]
    many = len(weights) > FEW
    widest = scale * (0.6 * WIDEST if many else WIDEST)
    ax.add_collection(
        LineCollection(
            lines, zorder=1,
            linewidths=[0.3 * scale + widest * abs(one) / largest for one in weights],
            linestyles=["-" if one >= 0 else (0, (3, 1.5)) for one in weights],
            colors=[POSITIVE if one >= 0 else NEGATIVE for one in weights],
        ), autolim=False,
    )  # fmt: skip
    if taken is not None:
        for line, weight in zip(lines, weights, strict=True):
            _weight(ax, line, weight, taken)


def _weight(ax: Axes, line: Any, weight: float, taken: Taken) -> None:
    """A weight on its line, where nothing else stands."""
    from chainrule.drawing.diagram import shown, text_width, write

    text = shown(weight, 3)
    start, end = np.array(line)
    shares = np.array([0.3, 0.36, 0.42, 0.48, 0.54, 0.6, 0.66, 0.25, 0.72])[:, None]
    size = (text_width(text, SIZE) + 2, SIZE + 1)
    place = taken.place(start + shares * (end - start), size)
    ground = {"facecolor": "#ffffff", "edgecolor": "none", "pad": 0.4}
    write(ax, *place, text, SIZE - 0.5, bbox=ground, zorder=4)


def _title(model: Sequential, columns: list[Column], row: Any, y: Any) -> str:
    """The sizes of the network, and the loss of the row where it is known."""
    from chainrule.drawing.diagram import shown

    kernels = [one.kernel.shape for one in columns if one.kernel is not None]
    named = "-".join(map(str, (kernels[0][0], *(units for _, units in kernels)))) if kernels else ""
    title = f"A {named} network" if named else f"Network {model.name!r}"
    if row is None or y is None:
        return title
    try:
        model.compile_settings  # noqa: B018
    except SettingError:
        return title
    loss = model.evaluate(row, np.asarray(y).reshape(1, -1), return_dict=True)["loss"]
    return f"{title}: loss {shown(float(loss), 4)}"
