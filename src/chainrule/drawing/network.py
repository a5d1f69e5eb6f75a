"""The picture of a network: units in columns, weights as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.activities import checked_model
from chainrule.drawing.canvas import BLACK, GREY, axes_or_new, color_on, lay_out, titled
from chainrule.drawing.columns import (
    FOLDS,
    Column,
    columns_of_model,
    columns_of_step,
    elided,
    key_of,
    targets_of,
    with_fewer_numbers,
    without_numbers,
    written,
)
from chainrule.drawing.weight_labels import LINE, SIZE, Label, draw_labels, labels_on
from chainrule.errors import SettingError
from chainrule.models import Sequential
from chainrule.tracing import StepTrace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_network"]

LEAST = 5.5
"""Smaller type is not read."""
MANY = 24
"""Lines of more weights are thinner."""
RADIUS = 15.0
INSIDE = 2 * RADIUS - 3.0
"""How wide the number in a unit may be."""
POSITIVE, NEGATIVE = "#0b4f8a", "#c04a00"
DERIVATIVE = "#0b4f8a"
FOOT = 4.3 * SIZE
"""Height of the headings below the columns."""
DISTANCES = (0.0, 180.0, 240.0, 300.0)
"""Between columns at least, tried in turn until all numbers find room on their lines."""
APART = 1.8
"""How many times farther apart units with numbers between them may stand than they must."""
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

    Where the lines of a layer cross so often that a number would lie on another line, only the
    values of its weights are written, or nothing. Axes too small for that have no numbers of
    weights, fewer units, and at last only the first and last layers. The picture says so.

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
    room = None if ax is None else _room(axes_or_new(ax, "plot_network"))
    for some, keyed in _attempts(columns):
        plan = _plan(model, some, target, keyed, room)
        if _is_readable(plan.size, room):
            break
    width, height = plan.size
    ax = axes_or_new(ax, "plot_network", (width / 72 + 0.4, height / 72 + 0.7))
    diagram.prepare(ax, (width, height))
    _draw(ax, plan, _scale(plan.size, room))
    for text, (x, up) in zip(target, plan.places[-1][: plan.columns[-1].drawn], strict=False):
        diagram.write(ax, x + RADIUS + 4, up, text, SIZE, ha="left")
    across = width if room is None else float(room[0])
    titled(ax, _title(columns, loss, float(ax.title.get_fontsize()), across))
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


@dataclass(frozen=True)
class Plan:
    """What is drawn and where: columns, places of their units, labels of lines, and the key."""

    columns: Sequence[Column]
    places: Sequence[Any]
    labels: Sequence[Sequence[Label]]
    key: Sequence[str]
    size: tuple[float, float]


def _attempts(columns: Sequence[Column]) -> Iterator[tuple[list[Column], bool]]:
    """What may be drawn, and whether with a key: all, then no numbers, fewer units and columns."""
    yield list(columns), True
    columns = [without_numbers(one) for one in columns]
    for fold in FOLDS:
        columns = [replace(one, fold=fold) for one in columns]
        yield list(columns), True
    for kept in range(len(columns) - 2, 1, -1):
        yield elided(columns, kept), True
    yield elided(columns, 2) if len(columns) > 3 else list(columns), False


def _room(ax: Axes) -> Any:
    """Width and height of axes below a title, in points: a layout gives them more when it runs."""
    from chainrule.drawing.diagram import room_of

    ax.set_axis_off()
    ax.set_title("A network")
    lay_out(ax)
    return room_of(ax)


def _scale(size: tuple[float, float], room: Any) -> float:
    """How much smaller a picture becomes in the room that axes have."""
    return 1.0 if room is None else float(min(1.0, *(room / size)))


def _is_readable(size: tuple[float, float], room: Any) -> bool:
    return SIZE * _scale(size, room) >= LEAST


def _plan(
    model: Any, columns: Sequence[Column], target: Sequence[str], keyed: bool, room: Any
) -> Plan:
    """Places for columns, with as many numbers on lines as there is room for."""
    while True:
        key = key_of(model, columns) if keyed else []
        for distance in DISTANCES:
            there = _places(columns, target, key, distance, room)
            if distance and not _is_readable(there[1], room):
                break
            places, size = there
            labels = _labels(columns, places)
            fitting = [one for one in labels if one is not None]
            if len(fitting) == len(labels):
                return Plan(columns, places, fitting, key, size)
        columns = [
            with_fewer_numbers(column) if found is None else column
            for column, found in zip(columns, [[], *labels], strict=True)
        ]


def _labels(columns: Sequence[Column], places: Sequence[Any]) -> list[list[Label] | None]:
    """The labels between each two columns; None where they find no room."""
    if not written(columns):
        return [[] for _ in columns[1:]]
    taken = []
    for column, at in zip(columns, places, strict=True):
        taken += _room_of_units(column, at)
    return [
        labels_on(
            [(start, end) for start in starts for end in ends],
            list(zip(*(one for one in (column.weights, column.gradients) if one), strict=True)),
            taken,
        )
        for column, starts, ends in zip(columns[1:], places, places[1:], strict=False)
    ]


def _places(
    columns: Sequence[Column], target: Sequence[str], key: Sequence[str], distance: float, room: Any
) -> tuple[list[Any], tuple[float, float]]:
    """Where the units of each column stand, and the size of all, in points."""
    from chainrule.drawing.diagram import text_width

    across, width = _across(columns, target, distance)
    least = max((text_width(line, SIZE) for line in key), default=0.0)
    start = max(0.0, least - width) / 2
    width = max(width, least)
    numbers = written(columns)
    below = LINE * max(one.below for one in columns) if numbers else 0.0
    above = LINE if numbers and any(one.values is not None and one.names for one in columns) else 0
    step = 2 * RADIUS + (11.0 + below + above if numbers else 6.0)
    foot = LINE * len(key) + FOOT + RADIUS + below
    most = max(column.slots for column in columns)
    around = foot + RADIUS + above
    if numbers and most > 1:  # steeper lines have more of them beside what is written on them
        tall = width * (0.6 if room is None else room[1] / room[0])
        step = float(np.clip((tall - around) / (most - 1), step, APART * step))
    height = around + (most - 1) * step
    places = []
    for x, column in zip(across, columns, strict=True):
        top = height - RADIUS - above - (most - column.slots) * step / 2
        places.append([(start + x, top - i * step) for i in range(column.slots)])
    return places, (width, height)


def _across(
    columns: Sequence[Column], target: Sequence[str], distance: float
) -> tuple[list[float], float]:
    """How far right each column stands, and the width of all."""
    from chainrule.drawing.diagram import text_width

    numbers = written(columns)
    headings = [
        max(text_width(line, SIZE, "bold") for line in one.heading + one.count) for one in columns
    ]
    labels = [text for one in columns for text in (*one.weights, *one.gradients)] if numbers else []
    widest = max((text_width(text, SIZE) for text in labels), default=0.0)
    apart = max(116.0 if numbers else 84.0, 46.0 + 2.2 * widest, distance)
    across = [max(RADIUS, headings[0] / 2)]
    for index, (before, column) in enumerate(zip(columns, columns[1:], strict=False)):
        least = 12.0 + (headings[index] + headings[index + 1]) / 2
        narrow = before.skipped or column.skipped
        across.append(across[-1] + max(2.6 * RADIUS if narrow else apart, least))
    beside = max((4.0 + text_width(text, SIZE) for text in target), default=0.0)
    return across, across[-1] + max(RADIUS + beside, headings[-1] / 2)


def _draw(ax: Axes, plan: Plan, scale: float) -> None:
    """Units, lines, labels, headings and key."""
    from chainrule.drawing.diagram import write

    columns, places = plan.columns, plan.places
    foot = LINE * len(plan.key) + FOOT - SIZE
    for column, at in zip(columns, places, strict=True):
        _units(ax, column, at, written(columns))
        _heading(ax, column, at[0][0], foot)
    for before, column, starts, ends in zip(columns, columns[1:], places, places[1:], strict=False):
        if not (before.skipped or column.skipped):
            _lines(ax, before, column, starts, ends, scale)
    for labels in plan.labels:
        draw_labels(ax, labels, (BLACK, DERIVATIVE))
    for index, line in enumerate(reversed(plan.key)):
        write(ax, plan.size[0] / 2, 4.0 + LINE * index, line, SIZE, color="#444444")


def _units(ax: Axes, column: Column, places: Any, numbers: bool) -> None:
    """The circles of a column, and what stands in, above and below them."""
    from matplotlib.patches import Circle, Rectangle

    from chainrule.drawing.diagram import fill_as_paper, fitted, write

    if column.skipped:
        x, y = places[0]
        write(ax, x, y, "\N{MIDLINE HORIZONTAL ELLIPSIS}", 2.4 * SIZE)
        return
    drawn = column.drawn
    look: dict[str, Any] = {"edgecolor": color_on(ax, BLACK), "linewidth": 1.1, "zorder": 3}
    for index, (x, y) in enumerate(places[:drawn]):
        if column.units is None:
            corner, side = (x - RADIUS, y - RADIUS), 2 * RADIUS
            fill_as_paper(ax, ax.add_patch(Rectangle(corner, side, side, **look)))
            continue
        fill_as_paper(ax, ax.add_patch(Circle((x, y), RADIUS, **look)))
        if column.values is not None:
            write(ax, x, y, *fitted(float(column.values[index]), 3, SIZE - 1.0, INSIDE))
        elif column.names:
            write(ax, x, y, column.names[index], SIZE)
        for up, text, font in _beside(column, index, y) if numbers else ():
            write(ax, x, up, text, SIZE - 0.5, pad=0.4, zorder=2, **font)
    if len(places) > drawn:
        x, y = places[drawn]
        write(ax, x, y + 4, "⋮", 1.6 * SIZE)
        write(ax, x, y - 9, f"{(column.units or 0) - drawn:,} more", SIZE)


def _beside(column: Column, index: int, y: float) -> list[tuple[float, str, dict[str, Any]]]:
    """Height, text and look of a unit's name above it, and of its bias and derivative below."""
    found: list[tuple[float, str, dict[str, Any]]] = []
    if column.values is not None and column.names:
        found.append((y + RADIUS + 0.7 * SIZE, column.names[index], {"fontweight": "bold"}))
    below = [(texts[index], look) for texts, look in (
        (column.biases, {"fontstyle": "italic"}), (column.deltas, {"color": DERIVATIVE}),
    ) if texts]  # fmt: skip
    for line, (text, look) in enumerate(below):
        found.append((y - RADIUS - 0.7 * SIZE - LINE * line, text, look))
    return found


def _room_of_units(column: Column, places: Any) -> list[Any]:
    """Place and size of the units of a column, and of what is written beside them."""
    from chainrule.drawing.diagram import text_width

    found = []
    for index, (x, y) in enumerate(places):
        found.append(((x, y), (2 * RADIUS, 2 * RADIUS)))
        for up, text, _ in _beside(column, index, y):
            found.append(((x, up), (text_width(text, SIZE) + 12, SIZE)))
    return found


def _heading(ax: Axes, column: Column, x: float, up: float) -> None:
    """What a column is called, and how many units it has, below it."""
    from chainrule.drawing.diagram import write

    for index, line in enumerate((*column.heading, *column.count)[:3]):
        weight = "normal" if index else "bold"
        write(ax, x, up - LINE * index, line, SIZE, fontweight=weight)


def _lines(
    ax: Axes, before: Column, column: Column, starts: Any, ends: Any, scale: float
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
    positive, negative = color_on(ax, POSITIVE), color_on(ax, NEGATIVE)
    widest = scale * (0.6 * WIDEST if len(weights) > MANY else WIDEST)
    ax.add_collection(
        LineCollection(
            lines, zorder=1,
            linewidths=[0.3 * scale + widest * abs(one) / largest for one in weights],
            linestyles=["-" if one >= 0 else (0, (3, 1.5)) for one in weights],
            colors=[positive if one >= 0 else negative for one in weights],
        ), autolim=False,
    )  # fmt: skip


def _title(columns: Sequence[Column], loss: float | None, size: float, room: float) -> str:
    """The sizes of the network, and the loss of the row where it is known: as long as has room."""
    from chainrule.drawing.diagram import shown, text_width

    kernels = [one.kernel.shape for one in columns if one.kernel is not None]
    sizes = [str(kernels[0][0]), *(str(units) for _, units in kernels)] if kernels else []
    more = "" if loss is None else f"loss {shown(loss, 4)}"
    full = f"A {'-'.join(sizes)} network" if sizes else "A network"
    titles = [full + f": {more}" * bool(more), full + f"\n{more}" * bool(more)]
    if len(sizes) > 4:
        short = f"A {sizes[0]}-{sizes[1]}-\N{HORIZONTAL ELLIPSIS}-{sizes[-1]} network"
        layers = f"{len(columns) - 1} layers" + f": {more}" * bool(more)
        titles += [f"{short}, {layers}", f"{short}\n{layers}"]
    fitting = [title for title in titles if text_width(title, size) <= room]
    return next(iter(fitting), titles[-1])
