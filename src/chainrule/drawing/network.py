"""The picture of a network: units in columns, weights as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.activities import checked_model
from chainrule.drawing.canvas import BLACK, GREY, axes_or_new
from chainrule.drawing.columns import (
    FOLDS,
    Column,
    columns_of_model,
    columns_of_step,
    key_of,
    targets_of,
)
from chainrule.errors import SettingError
from chainrule.models import Sequential
from chainrule.tracing import StepTrace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule.drawing.diagram import Taken

__all__ = ["plot_network"]

LEAST = 5.5
"""Smaller type is not read."""
MANY = 24
"""Lines of more weights are thinner."""
RADIUS = 15.0
INSIDE = 2 * RADIUS - 3.0
"""How wide the number in a unit may be."""
SIZE = 8.0
"""Of the type in a unit, in points."""
LINE = 1.3 * SIZE
"""Height of a line of type."""
POSITIVE, NEGATIVE = "#0b4f8a", "#c04a00"
DERIVATIVE = "#0b4f8a"
GROUND = {"facecolor": "#ffffff", "edgecolor": "none", "pad": 0.4}
"""Of what is written on lines."""
FOOT = 4.3 * SIZE
"""Height of the headings below the columns."""
WIDEST = 3.0
"""The line of the largest weight of a layer, in points."""


def plot_network(model: Any, X: Any = None, y: Any = None, ax: Axes | None = None) -> Axes:
    """A network: a column of units for its input and each layer, a line for each weight.

    model
        A `Sequential` whose input shape is known; or what its `trace` gives of one row, which has
        its own row and target: names of units and weights, and derivatives are drawn then.
    X
        One row, with or without an axis of rows: units show what they make of it.
    y
        Its target, which stands beside the output then; a compiled model's loss is told too.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    The line of a weight is wider where the weight is larger in its layer, and dashed where it is
    negative. Up to 24 weights are written on their lines, with the biases (b) below the units. Of
    a layer with more than ten units the first eight are drawn. Of a step with up to 24 weights the
    derivative of the loss stands below each weight (∂), and that by its
    weighted sum below each unit (δ), as the notation of the trace says.

    Raises `ShapeError` where X is not one row or y not its target.

    >>> import chainrule
    >>> from chainrule.layers import Dense, Input
    >>> model = chainrule.Sequential([Input((784,)), Dense(300, "relu"), Dense(10)], seed=0)
    >>> ax = chainrule.drawing.plot_network(model)
    >>> ax.get_title()
    'A 784-300-10 network'
    >>> ax = chainrule.drawing.plot_network(chainrule.examples.mazur().trace())
    >>> [text.get_text() for text in ax.texts if text.get_text().startswith("w5")]
    ['w5 0.4']
    """
    from chainrule.drawing import diagram

    columns, target, loss = _shown(model, X, y)
    room = None if ax is None else diagram.room_of(axes_or_new(ax, "plot_network"))
    for fold in FOLDS:
        columns = [replace(one, fold=fold) for one in columns]
        key = key_of(model, columns)
        places, (width, height) = _places(columns, target, key)
        scale = 1.0 if room is None else float(min(1.0, *(room / (width, height))))
        if SIZE * scale >= LEAST:
            break
    ax = axes_or_new(ax, "plot_network", (width / 72 + 0.4, height / 72 + 0.7))
    diagram.prepare(ax, (width, height))
    taken = diagram.Taken()
    written = _written(columns)
    foot = LINE * len(key) + FOOT - SIZE
    for column, at in zip(columns, places, strict=True):
        _units(ax, column, at, taken if written else None)
        _heading(ax, column, at[0][0], foot)
    for before, column, starts, ends in zip(columns, columns[1:], places, places[1:], strict=False):
        _lines(ax, before, column, starts, ends, scale, taken if written else None)
    for text, (x, up) in zip(target, places[-1][: columns[-1].drawn], strict=False):
        diagram.write(ax, x + RADIUS + 4, up, text, SIZE, ha="left")
    for index, line in enumerate(reversed(key)):
        diagram.write(ax, width / 2, 4.0 + LINE * index, line, SIZE, color="#444444")
    ax.set_title(_title(columns, loss))
    return ax


def _shown(model: Any, X: Any, y: Any) -> tuple[list[Column], list[str], float | None]:
    """What is drawn of a network or of a step: its columns, its target, and its loss if known."""
    if isinstance(model, StepTrace):
        if X is not None or y is not None:
            message = "plot_network: a step has a row and a target of its own; leave X and y out."
            raise SettingError(message)
        columns = columns_of_step(model)
        return columns, targets_of(columns[-1], next(iter(model.targets.values()))), model.loss
    model = checked_model("plot_network", model)
    columns = columns_of_model(model, X)
    return columns, targets_of(columns[-1], y), _loss(model, X, y)


def _loss(model: Sequential, X: Any, y: Any) -> float | None:
    """The loss of the row, where it is known."""
    if X is None or y is None:
        return None
    try:
        model.compile_settings  # noqa: B018
    except SettingError:
        return None
    row = np.asarray(X).reshape(1, *model.network.inputs[0].shape)
    return float(model.evaluate(row, np.asarray(y).reshape(1, -1), return_dict=True)["loss"])


def _written(columns: Sequence[Column]) -> bool:
    """Whether weights are written down: they are few, and all units are drawn."""
    return any(one.weights for one in columns) and not any(one.folded for one in columns)


def _places(
    columns: Sequence[Column], target: Sequence[str], key: Sequence[str]
) -> tuple[list[Any], tuple[float, float]]:
    """Where the units of each column stand, and the size of all, in points."""
    from chainrule.drawing.diagram import text_width

    written = _written(columns)
    below = LINE * max(one.below for one in columns) if written else 0.0
    above = LINE if written and any(one.values is not None and one.names for one in columns) else 0
    step = 2 * RADIUS + (11.0 + below + above if written else 6.0)
    foot = LINE * len(key) + FOOT + RADIUS + below
    most = max(column.slots for column in columns)
    height = foot + (most - 1) * step + RADIUS + above
    headings = [
        max(text_width(line, SIZE, "bold") for line in one.heading + one.count) for one in columns
    ]
    labels = [text for one in columns for text in (*one.weights, *one.gradients)] if written else []
    widest = max((text_width(text, SIZE) for text in labels), default=0.0)
    apart = max(116.0 if written else 84.0, 46.0 + 2.2 * widest, 12.0 + max(headings))
    start = max(RADIUS, headings[0] / 2)
    beside = max((4.0 + text_width(text, SIZE) for text in target), default=46.0)
    width = start + (len(columns) - 1) * apart + max(RADIUS + beside, headings[-1] / 2)
    least = max((text_width(line, SIZE) for line in key), default=0.0)
    start += max(0.0, least - width) / 2
    places = []
    for index, column in enumerate(columns):
        top = height - RADIUS - above - (most - column.slots) * step / 2
        places.append([(start + index * apart, top - i * step) for i in range(column.slots)])
    return places, (max(width, least), height)


def _units(ax: Axes, column: Column, places: Any, taken: Taken | None) -> None:
    """The circles of a column, and what stands in, above and below them."""
    from matplotlib.patches import Circle, Rectangle

    from chainrule.drawing.diagram import fitted, write

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
        elif column.names:
            write(ax, x, y, column.names[index], SIZE)
        if taken is not None:
            taken.add((x, y), (2 * RADIUS, 2 * RADIUS))
            _beside(ax, column, index, (x, y), taken)
    if len(places) > drawn:
        x, y = places[drawn]
        write(ax, x, y + 4, "⋮", 1.6 * SIZE)
        write(ax, x, y - 9, f"{(column.units or 0) - drawn:,} more", SIZE)


def _beside(ax: Axes, column: Column, index: int, place: tuple[float, float], taken: Taken) -> None:
    """A unit's name above it, its bias and its derivative below."""
    from chainrule.drawing.diagram import text_width, write

    (x, y), looks = place, []
    if column.values is not None and column.names:
        looks.append((y + RADIUS + 0.7 * SIZE, column.names[index], {"fontweight": "bold"}))
    below = [(texts[index], look) for texts, look in (
        (column.biases, {"fontstyle": "italic"}), (column.deltas, {"color": DERIVATIVE}),
    ) if texts]  # fmt: skip
    for line, (text, look) in enumerate(below):
        looks.append((y - RADIUS - 0.7 * SIZE - LINE * line, text, look))
    for up, text, look in looks:
        taken.add((x, up), (text_width(text, SIZE) + 12, SIZE))
        write(ax, x, up, text, SIZE - 0.5, bbox=GROUND, zorder=2, **look)


def _heading(ax: Axes, column: Column, x: float, up: float) -> None:
    """What a column is called, and how many units it has, below it."""
    from chainrule.drawing.diagram import write

    for index, line in enumerate((*column.heading, *column.count)[:3]):
        weight = "normal" if index else "bold"
        write(ax, x, up - LINE * index, line, SIZE, fontweight=weight)


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
    widest = scale * (0.6 * WIDEST if len(weights) > MANY else WIDEST)
    ax.add_collection(
        LineCollection(
            lines, zorder=1,
            linewidths=[0.3 * scale + widest * abs(one) / largest for one in weights],
            linestyles=["-" if one >= 0 else (0, (3, 1.5)) for one in weights],
            colors=[POSITIVE if one >= 0 else NEGATIVE for one in weights],
        ), autolim=False,
    )  # fmt: skip
    if taken is not None:
        for index, line in enumerate(lines):
            _weight(
                ax, line, [one[index] for one in (column.weights, column.gradients) if one], taken
            )


def _weight(ax: Axes, line: Any, texts: Sequence[str], taken: Taken) -> None:
    """A weight on its line, and its derivative below it, where nothing else stands."""
    from chainrule.drawing.diagram import text_width, write

    start, end = np.array(line)
    shares = np.array([0.3, 0.36, 0.42, 0.48, 0.54, 0.6, 0.66, 0.25, 0.72])[:, None]
    size = (max(text_width(text, SIZE) for text in texts) + 2, LINE * len(texts) - 0.3 * SIZE + 1)
    x, up = taken.place(start + shares * (end - start), size)
    for index, text in enumerate(texts):
        y = up + LINE * ((len(texts) - 1) / 2 - index)
        color = DERIVATIVE if index else BLACK
        write(ax, x, y, text, SIZE - 0.5, bbox=GROUND, zorder=4, color=color)


def _title(columns: Sequence[Column], loss: float | None) -> str:
    """The sizes of the network, and the loss of the row where it is known."""
    from chainrule.drawing.diagram import shown

    kernels = [one.kernel.shape for one in columns if one.kernel is not None]
    named = "-".join(map(str, (kernels[0][0], *(units for _, units in kernels)))) if kernels else ""
    title = f"A {named} network" if named else "A network"
    return title if loss is None else f"{title}: loss {shown(loss, 4)}"
