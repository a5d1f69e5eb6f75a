"""What a hidden unit has learned: what drives it, which rows excite it, what it does."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.activities import (
    checked_model,
    checked_unit,
    layer_position,
    output_of,
    rows_of,
)
from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    color_on,
    labeled,
    lay_out,
    legend_above,
    line_style,
    several_axes,
    titled,
)
from chainrule.drawing.weights import draw_image, image_shape
from chainrule.errors import SettingError, ShapeError
from chainrule.graph import Node, constant, grad, ops, variable
from chainrule.layers import Dense, Flatten, activation_name
from chainrule.models import Sequential

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_hidden_unit"]

COLUMNS = 10
ROWS = 5
NAME = 16
"""Letters of a longer name."""
LEAST = 5.5
"""Smaller type is not read."""
LINE = 1.2
"""Height of a line of type of size 1."""
IMAGES = 9
IN_A_ROW = 3
BESIDE = 1.12
"""From an image to the next, as a multiple of its longer side."""
INDENT = 0.03
"""Of what is written on bars, as a share of their axes."""
SHOWN = 2
"""Columns of the rows that excite a unit most."""
PLACES = 21
"""Of a unit's range where its effect is taken."""
MARKS = 400
"""Rows whose activation is marked below the curves, evenly taken from all."""
LINES = 10
"""Outputs that are drawn, those that the unit moves most."""


def plot_hidden_unit(
    model: Any, X: Any, layer: Any, unit: int, names: Sequence[str] | None = None, axes: Any = None,
    *, shape: Sequence[int] | None = None,
) -> list[Axes]:  # fmt: skip
    """What a hidden unit has learned: what drives it, which rows excite it, and what it does.

    model
        A `Sequential` that takes numbers.
    X
        Rows, shape (rows, columns), or images, shape (rows, height, width).
    layer, unit
        Name or position of a layer before the last, from 0, and which of its units, from 0 as in
        the kernel. The picture counts units from 1, as traces do.
    names
        What the columns are called; x1, x2, ... when None.
    axes
        Three matplotlib axes; those of a new figure when None.
    shape
        Height and width of the image that a row is. When None it is that of the network's input,
        or a square where 49 columns or more make one and have no names.

    Left: how far the unit moves when a column moves by its standard deviation over X: its weights
    in the first layer, elsewhere the mean gradient (`chainrule.grad`) of its activation over the
    rows; the ten largest, or an image of all. Middle: the rows with the highest activation, with
    the columns that drive it most, or as images; they are counted from 0, as in X. Right: the mean
    output over all rows when the unit has a value between its least and its highest, while the
    others stay as they are.

    Raises `SettingError` for an unknown layer or unit, `ShapeError` for rows that do not fit.

    >>> import numpy as np
    >>> import chainrule
    >>> from chainrule.layers import Dense, Input
    >>> model = chainrule.Sequential([Input((2,)), Dense(3, "tanh"), Dense(1)], seed=0)
    >>> axes = chainrule.drawing.plot_hidden_unit(model, np.eye(2), "dense", 0, ["age", "height"])
    >>> [ax.get_title() for ax in axes]
    ['What drives unit 1 of dense', 'Rows that excite it most', 'Its effect']
    """
    model = checked_model("plot_hidden_unit", model)
    position = _hidden(model, layer)
    given = rows_of("plot_hidden_unit", model, X)
    rows = given.reshape(len(given), -1)
    called = _names(names, rows.shape[1])
    image = None
    if names is None or shape is not None:
        image = image_shape("plot_hidden_unit", model, rows.shape[1], shape)
    inputs = variable(given)
    activity = _activity(model, position, inputs)
    name = model.layers[position].name
    unit = checked_unit("plot_hidden_unit", unit, int(activity.value.shape[1]), name)
    slopes, what = _slopes(model, position, unit, inputs, activity)
    drive, values = slopes * rows.std(axis=0), np.array(activity.value)
    left, middle, right = places = several_axes(axes, "plot_hidden_unit", 3, (3.1, 3.3))
    label = f"unit {unit + 1} of {name}"
    if image is None:
        first = np.argsort(-abs(drive))[:SHOWN]
        _draw_drive(left, drive, called)
        _draw_rows(middle, values[:, unit])
    else:
        _draw_drive_image(left, drive.reshape(image), what)
        _draw_row_images(middle, rows.reshape(-1, *image), values[:, unit])
    _draw_effect(right, model, position, unit, values)
    titled(left, f"What drives {label}")
    titled(middle, "Rows that excite it most")
    labeled(right, f"activation of {label}")
    if image is None:
        labeled(left, _scale(what))
        _fit_names(left)
        _write_rows(middle, rows[:, first], values[:, unit], [called[one] for one in first])
    else:
        _fit_numbers(middle, BESIDE * max(image))
    return places


def _hidden(model: Sequential, layer: Any) -> int:
    """The position of a layer before the last, of a network that takes numbers."""
    position = layer_position("plot_hidden_unit", model, layer)
    last = len(model.layers) - 1
    if position == last:
        message = (
            f"plot_hidden_unit: layer {model.layers[last].name!r} is the output; choose a hidden "
            f"one: {', '.join(one.name for one in model.layers[:last]) or 'there is none'}."
        )
        raise SettingError(message)
    given = model.network.inputs[0]
    if given.dtype != "float":
        message = (
            f"plot_hidden_unit: needs a network that takes numbers, got codes of shape "
            f"{given.shape} a row."
        )
        raise ShapeError(message)
    return position


def _activity(model: Sequential, position: int, inputs: Node) -> Node:
    """What a layer makes of rows, shape (rows, units), or a sentence."""
    activity = inputs
    for one in range(position + 1):
        activity = output_of(model, one, activity)
    if len(activity.shape) != 2:
        message = (
            f"plot_hidden_unit: layer {model.layers[position].name!r} gives no units a row, but "
            f"{activity.shape[1:]} numbers; choose a layer such as a Dense one."
        )
        raise ShapeError(message)
    return activity


def _names(names: Any, columns: int) -> list[str]:
    if names is None:
        return [f"x{index + 1}" for index in range(columns)]
    if len(names) != columns:
        message = f"plot_hidden_unit: names must be {columns}, one a column, got {len(names)}."
        raise ShapeError(message)
    return [str(one) for one in names]


def _slopes(
    model: Sequential, position: int, unit: int, inputs: Node, activity: Node
) -> tuple[Any, str]:
    """By column the unit's weights in a first Dense layer, else its mean gradient; and which."""
    layer, before = model.layers[position], model.layers[:position]
    flat = all(isinstance(one.description, Flatten) for one in before)
    if flat and isinstance(layer.description, Dense):
        return np.asarray(layer.kernel[:, unit]), "weight"
    one = ops.narrow(activity, axis=1, start=unit, stop=unit + 1)
    # a row's activation depends on that row alone: the sum has the gradients of all
    slopes = np.asarray(grad(one.sum(), inputs).value)
    return slopes.reshape(len(slopes), -1).mean(axis=0), "mean gradient"


def _scale(what: str) -> str:
    return f"{what} \N{MULTIPLICATION SIGN} standard deviation"


def _draw_drive(ax: Axes, drive: Any, names: Sequence[str]) -> None:
    """The columns that move the unit most, as bars to both sides of 0."""
    order = np.argsort(-abs(drive))[:COLUMNS]
    up = np.arange(len(order))[::-1]
    negative, ink = drive[order] < 0, color_on(ax, BLACK)
    for chosen, color, hatch in ((~negative, "#12395b", ""), (negative, "#e8b06a", "////")):
        ax.barh(
            up[chosen], drive[order][chosen], height=0.7, color=color_on(ax, color), hatch=hatch,
            edgecolor=ink, linewidth=0.7,
        )  # fmt: skip
    ax.axvline(0.0, color=ink, linewidth=0.8)
    ax.set_yticks(up, [_short(names[one]) for one in order])
    ax.grid(visible=False, axis="y")
    few = len(drive) == len(order)
    ax.set_ylabel("column" if few else f"{len(order)} of {len(drive):,} columns")


def _short(name: str, most: int = NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _fit_names(ax: Axes) -> None:
    """Names beside bars that stand close in type that is no higher than their distance."""
    from chainrule.drawing.diagram import room_of

    lay_out(ax)
    names = ax.get_yticklabels()
    distance = room_of(ax)[1] / (len(names) + 1)
    if LINE * float(names[0].get_fontsize()) > distance:
        ax.tick_params(axis="y", labelsize=max(LEAST, distance / LINE))


def _draw_rows(ax: Axes, values: Any) -> None:
    """The rows with the highest activation as bars."""
    order = _highest(values)
    up = np.arange(len(order))[::-1]
    ink, pale = color_on(ax, BLACK), color_on(ax, "#d4dde6")
    ax.barh(up, values[order], height=0.86, color=pale, edgecolor=ink, linewidth=0.7)
    ax.axvline(0.0, color=ink, linewidth=0.8)
    ax.set_yticks(up, [f"{row:,}" for row in order])
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="activation", ylabel="row")


def _highest(values: Any) -> Any:
    return np.argsort(-values, kind="stable")[:ROWS]


def _write_rows(ax: Axes, columns: Any, values: Any, names: Sequence[str]) -> None:
    """The most important columns on the bars of rows: as many as have room, and their names."""
    order, ink = _highest(values), color_on(ax, BLACK)
    texts = [
        ax.text(
            INDENT, place, "", transform=ax.get_yaxis_transform(), va="center", fontsize=7,
            color=ink, linespacing=1.05,
        )
        for place in range(len(order))[::-1]
    ]  # fmt: skip
    lay_out(ax)
    # type is a little wider at other resolutions
    width = (1 - 3 * INDENT) * ax.get_window_extent().width
    height = ax.patches[0].get_window_extent().height
    for count, most in itertools.product(range(len(names), 0, -1), range(NAME, 1, -1)):
        for text, row in zip(texts, order, strict=True):
            named = zip(names[:count], columns[row], strict=False)
            text.set_text("\n".join(f"{_short(name, most)} {value:.3g}" for name, value in named))
        sizes = np.max([text.get_window_extent().size for text in texts], axis=0)
        if all(sizes <= (width, height)):
            return


def _draw_drive_image(ax: Axes, drive: Any, what: str) -> None:
    """What moves the unit, pixel by pixel: light where more excites it, dark where more calms."""
    drawn = draw_image(ax, drive, float(abs(drive).max()) or 1.0)
    ax.set(xticks=[], yticks=[])
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(drawn, ax=ax, label=_scale(what), shrink=0.8)


def _draw_row_images(ax: Axes, images: Any, values: Any) -> None:
    """The rows with the highest activation as images, dark where they are high."""
    order = np.argsort(-values, kind="stable")[:IMAGES]
    (_, height, width), shown = images.shape, images[order]
    side = max(height, width)
    for place, row in enumerate(order):
        down, across = divmod(place, IN_A_ROW)
        x, y = BESIDE * side * across, -1.32 * side * down
        ax.imshow(
            images[row], cmap="gray_r", vmin=shown.min(), vmax=shown.max(),
            interpolation="nearest", extent=(x, x + width, y - height, y),
        )  # fmt: skip
        ax.text(
            x + width / 2, y - height - 0.03 * side, f"{row:,}: {values[row]:.3g}", ha="center",
            va="top", fontsize=7, color=color_on(ax, BLACK),
        )  # fmt: skip
    lines = -(-len(order) // IN_A_ROW)
    ax.set(xlim=(-0.05 * side, 3.29 * side), ylim=(-1.32 * side * lines, 0.05 * side))
    ax.set(xticks=[], yticks=[], xlabel="row: activation")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _fit_numbers(ax: Axes, distance: float) -> None:
    """Below images that stand closer than their words are wide, only the numbers of the rows."""
    lay_out(ax)
    ax.apply_aspect()
    start, stop = ax.transData.transform([(0.0, 0.0), (distance, 0.0)])[:, 0]
    if any(text.get_window_extent().width > stop - start for text in ax.texts):
        for text in ax.texts:
            text.set_text(text.get_text().split(":")[0])
        ax.set_xlabel("row")


def _draw_effect(ax: Axes, model: Sequential, position: int, unit: int, values: Any) -> None:
    """The mean output by the unit's value, a line for each output."""
    low, high = float(values[:, unit].min()), float(values[:, unit].max())
    swept = np.linspace(low, high, PLACES)
    means = []
    for value in swept:
        changed = values.copy()
        changed[:, unit] = value
        node: Node = constant(changed)
        for after in range(position + 1, len(model.layers)):
            node = output_of(model, after, node)
        means.append(np.asarray(node.value).reshape(len(values), -1).mean(axis=0))
    curves = np.array(means)
    last = getattr(model.layers[-1].description, "activation", None)
    word, first = ("class", 0) if activation_name(last) == "softmax" else ("output", 1)
    moved = np.argsort(-np.ptp(curves, axis=0), kind="stable")[:LINES]
    for index, output in enumerate(sorted(moved)):
        ax.plot(swept, curves[:, output], label=f"{output + first}", **line_style(ax, index))
    marked = np.sort(values[:, unit])[:: -(-len(values) // MARKS)]
    ax.plot(
        marked, np.full(len(marked), 0.03), "|", transform=ax.get_xaxis_transform(), color=GREY,
        markersize=7,
    )  # fmt: skip
    several = curves.shape[1] > 1
    if several:
        legend_above(ax, columns=3, compact=True, title=word)
    ylabel = "mean of each output" if several else "mean output"
    ax.set(ylabel=ylabel, title="Its effect")
