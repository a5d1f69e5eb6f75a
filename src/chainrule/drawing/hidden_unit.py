"""What a hidden unit has learned: what drives it, which rows excite it, what it does."""

from __future__ import annotations

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
from chainrule.drawing.canvas import BLACK, color_on, labeled, lay_out, several_axes, titled
from chainrule.drawing.unit import (
    Effect,
    UnitFacts,
    draw_effect,
    highest,
    plot_unit,
    scale_text,
)
from chainrule.drawing.weights import draw_image, image_shape
from chainrule.errors import SettingError, ShapeError
from chainrule.graph import Node, constant, grad, ops, variable
from chainrule.layers import Dense, Flatten, activation_name
from chainrule.models import Sequential

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_hidden_unit"]

IMAGES = 9
IN_A_ROW = 3
BESIDE = 1.12
"""From an image to the next, as a multiple of its longer side."""
SHOWN = 2
"""Columns of the rows that excite a unit most."""
PLACES = 21
"""Of a unit's range where its effect is taken."""


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
    label = f"unit {unit + 1} of {name}"
    effect = _effect(model, position, unit, values)
    if image is not None:
        places = several_axes(axes, "plot_hidden_unit", 3, (3.1, 3.3))
        images = rows.reshape(-1, *image)
        _draw_images(places, label, drive.reshape(image), what, images, effect)
        return places
    first = np.argsort(-abs(drive))[:SHOWN]
    cells = [[f"{value:.3g}" for value in rows[row, first]] for row in highest(values[:, unit])]
    columns = [called[one] for one in first]
    facts = UnitFacts(label, called, drive, scale_text(what), effect, cells, columns)
    return plot_unit(facts, axes, "plot_hidden_unit")


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


def _effect(model: Sequential, position: int, unit: int, values: Any) -> Effect:
    """The mean output while the unit is held at values from its least to its highest."""
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
    outputs = [f"{output + first}" for output in range(curves.shape[1])]
    return Effect(swept, curves, values[:, unit], outputs, word)


def _draw_images(
    places: Sequence[Axes], label: str, drive: Any, what: str, images: Any, effect: Effect
) -> None:
    """The three pictures where rows are images."""
    left, middle, right = places
    _draw_drive_image(left, drive, what)
    _draw_row_images(middle, images, effect.values)
    draw_effect(right, effect)
    titled(left, f"What drives {label}")
    titled(middle, "Rows that excite it most")
    labeled(right, f"activation of {label}")
    _fit_numbers(middle, BESIDE * max(drive.shape))


def _draw_drive_image(ax: Axes, drive: Any, what: str) -> None:
    """What moves the unit, pixel by pixel: light where more excites it, dark where more calms."""
    drawn = draw_image(ax, drive, float(abs(drive).max()) or 1.0)
    ax.set(xticks=[], yticks=[])
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(drawn, ax=ax, label=scale_text(what), shrink=0.8)


def _draw_row_images(ax: Axes, images: Any, values: Any) -> None:
    """The rows with the highest activation as images, dark where they are high."""
    order = highest(values, IMAGES)
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
