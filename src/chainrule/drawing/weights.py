"""Pictures of weights: how they are spread by layer, and those into each unit as an image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.activities import checked_model, layer_position
from chainrule.drawing.canvas import axes_or_new, legend_above, line_style, several_axes
from chainrule.errors import DataError, SettingError, ShapeError
from chainrule.models import Sequential
from chainrule.settings import check_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_image", "image_shape", "plot_weight_images", "plot_weights"]

BINS = (12, 60)
"""At least and at most: about three times the cube root of the smallest layer."""
MOST_IMAGES = 16
IN_A_ROW = 8
LEAST_IMAGE = 49
"""As many inputs that make a square are taken for an image; fewer for columns of a table."""
NAMED = 30
"""More rows or columns of a heat map have no names."""
SHADES = ("#0b2545", "#4a7fb5", "#a8a8a8", "#f2c98a", "#fff6dc")
"""From the most negative to the most positive weight: always lighter, so that grey shows it too."""


def plot_weights(model: Any, layer: Any = None, ax: Axes | None = None) -> Axes:
    """How the weights of layers are spread: a histogram for each, as a line.

    model
        A `Sequential` whose input shape is known.
    layer
        Its name or position; every layer that has weights when None. Biases are left out.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    All lines have the same bins, and the area below each is 1. The legend has the number
    of weights and their standard deviation.

    Raises `SettingError` where there are no weights, `DataError` where none is finite; a standard
    deviation of nan tells of some that are not.

    >>> import chainrule
    >>> from chainrule.layers import Dense, Input
    >>> model = chainrule.Sequential([Input((20,)), Dense(30, "relu"), Dense(2)], seed=0)
    >>> ax = chainrule.drawing.plot_weights(model)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['dense: 600, std 0.197', 'dense_1: 60, std 0.247']
    """
    model = checked_model("plot_weights", model)
    every = model.layers
    chosen = every if layer is None else [every[layer_position("plot_weights", model, layer)]]
    weights = {
        one.name: np.concatenate([array.ravel() for array in one.get_weights() if array.ndim > 1])
        for one in chosen
        if any(array.ndim > 1 for array in one.get_weights())
    }
    if not weights:
        names = ", ".join(one.name for one in chosen)
        message = f"plot_weights: no weights in {names}; choose a layer such as a Dense one."
        raise SettingError(message)
    finite = {name: values[np.isfinite(values)] for name, values in weights.items()}
    pooled = np.concatenate(list(finite.values())).astype(float)
    if not pooled.size:
        message = f"plot_weights: no weight of {', '.join(weights)} is finite; train it anew."
        raise DataError(message)
    ax = axes_or_new(ax, "plot_weights", (6.4, 4.2))
    bins = int(np.clip(3 * np.cbrt(min(map(len, weights.values()))), *BINS))
    edges = np.histogram_bin_edges(pooled, bins)
    for index, (name, values) in enumerate(finite.items()):
        heights = np.histogram(values, edges)[0] / (max(1, values.size) * np.diff(edges))
        label = f"{name}: {weights[name].size:,}, std {weights[name].std():.3g}"
        ax.plot(
            np.repeat(edges, 2), [0.0, *np.repeat(heights, 2), 0.0], label=label,
            **line_style(ax, index),
        )  # fmt: skip
    ax.set(xlabel="weight", ylabel="density", title="Weights by layer")
    ax.set_ylim(bottom=0.0)
    legend_above(ax, columns=1, compact=True)
    return ax


def plot_weight_images(
    model: Any, layer: Any = 0, shape: Sequence[int] | None = None,
    units: Iterable[int] | None = None, axes: Any = None, *, names: Sequence[str] | None = None,
) -> list[Axes]:  # fmt: skip
    """The weights into each unit of a layer: an image a unit, or one heat map of all.

    model
        A `Sequential` whose input shape is known.
    layer
        Name or position of a layer with a kernel; from 0, layers without weights left out.
    shape
        Height and width of the image that the inputs of the layer make. When None it is that of
        the network's input, or a square where the first layer has 49 inputs or more that make
        one; else all weights are one heat map, inputs by units.
    units
        Which units, from 0 as in the kernel; the first 16 when None (all of them in a heat map).
        Titles count them from 1, as traces do.
    axes
        One matplotlib axes for each unit, or for the heat map; those of a new figure when None.
    names
        What the inputs are called, in a heat map.

    All have one scale, from the most negative weight (dark) over 0 (mid grey) to the most positive
    (light), and one color bar. Gives the axes.

    Raises `SettingError` for an unknown layer or unit, `ShapeError` for a shape that does not fit.

    >>> import chainrule
    >>> from chainrule.layers import Dense, Input
    >>> model = chainrule.Sequential([Input((64,)), Dense(3, "relu"), Dense(2)], seed=0)
    >>> axes = chainrule.drawing.plot_weight_images(model)
    >>> [ax.get_title() for ax in axes]
    ['unit 1', 'unit 2', 'unit 3']
    """
    model = checked_model("plot_weight_images", model)
    position, kernel = _kernel(model, layer)
    chosen = _units(units, kernel.shape[1])
    image = _image_shape(model, position, len(kernel), shape)
    name = model.layers[position].name
    if image is None:
        rows = range(kernel.shape[1]) if units is None else chosen
        return [_heat_map(kernel[:, list(rows)], rows, _names(names, len(kernel)), name, axes)]
    columns = min(IN_A_ROW if len(chosen) > 4 else 4, len(chosen))
    side = 1.15 if len(chosen) > 4 else 2.0
    places = several_axes(axes, "plot_weight_images", len(chosen), (side, side + 0.2), columns)
    limit = float(abs(kernel[:, chosen]).max()) or 1.0
    for unit, ax in zip(chosen, places, strict=True):
        drawn = draw_image(ax, kernel[:, unit].reshape(image), limit)
        ax.set_title(f"unit {unit + 1}", fontsize="small")
        ax.set(xticks=[], yticks=[])
    _bar(places, drawn)
    return places


def _kernel(model: Sequential, layer: Any) -> tuple[int, Any]:
    """The position of a layer with a kernel, and the kernel."""
    having = [
        index
        for index, one in enumerate(model.layers)
        if any(array.ndim == 2 for array in one.get_weights())
    ]
    position = layer_position("plot_weight_images", model, layer)
    if not isinstance(layer, str):
        position = next((one for one in having if one >= position), position)
    if position not in having:
        named = ", ".join(model.layers[one].name for one in having) or "none"
        message = (
            f"plot_weight_images: layer {layer!r} has no weights of inputs by units; those that "
            f"have are: {named}."
        )
        raise SettingError(message)
    arrays = model.layers[position].get_weights()
    return position, next(array for array in arrays if array.ndim == 2)


def _units(units: Any, count: int) -> list[int]:
    if units is None:
        return list(range(min(count, MOST_IMAGES)))
    chosen = check_counts("plot_weight_images", "units", units, least=0)
    if max(chosen) >= count:
        message = f"plot_weight_images: units must be from 0 to {count - 1}, got {max(chosen)}."
        raise SettingError(message)
    return chosen


def _image_shape(model: Sequential, position: int, inputs: int, shape: Any) -> Any:
    """Height and width of the image that the inputs of a layer make; None where they make none."""
    own = any(model.layers[index].count_params() for index in range(position))
    return (
        None if own and shape is None else image_shape("plot_weight_images", model, inputs, shape)
    )


def image_shape(owner: str, model: Sequential, inputs: int, shape: Any) -> Any:
    """Height and width of the image that so many inputs make; None where they make none.

    shape
        As it is told; when None it is that of the network's input, or a square of 49 or more.
    """
    if shape is not None:
        sides = check_counts(owner, "shape", shape)
        if len(sides) != 2 or math.prod(sides) != inputs:
            message = (
                f"{owner}: shape must be the height and width of {inputs} inputs, got "
                f"{tuple(sides)}."
            )
            raise ShapeError(message)
        return tuple(sides)
    given = model.network.inputs[0].shape
    if len(given) > 1:
        return given[:2] if math.prod(given[:2]) == math.prod(given) == inputs else None
    side = math.isqrt(inputs)
    return (side, side) if side * side == inputs >= LEAST_IMAGE else None


def _names(names: Any, inputs: int) -> list[str]:
    if names is None:
        return [f"x{index + 1}" for index in range(inputs)]
    if len(names) != inputs:
        message = f"plot_weight_images: names must be {inputs}, one an input, got {len(names)}."
        raise ShapeError(message)
    return [str(one) for one in names]


def _heat_map(
    kernel: Any, units: Sequence[int], names: Sequence[str], layer: str, axes: Any
) -> Any:
    """All weights of a layer, an input a row and a unit a column."""
    inputs, count = kernel.shape
    size = (min(9.0, 2.8 + 0.3 * count), min(9.0, 1.6 + 0.26 * inputs))
    [ax] = several_axes(axes, "plot_weight_images", 1, size)
    drawn = draw_image(ax, kernel, float(abs(kernel).max()) or 1.0)
    ax.set_aspect("auto")
    if inputs <= NAMED:
        ax.set_yticks(range(inputs), names)
    if count <= NAMED:
        ax.set_xticks(range(count), [str(unit + 1) for unit in units])
    ax.set(xlabel="unit", ylabel="input", title=f"Weights of {layer}")
    _bar([ax], drawn)
    return ax


def draw_image(ax: Axes, weights: Any, limit: float) -> Any:
    """Weights in shades, 0 in the middle of the scale."""
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("weights", SHADES)
    ax.grid(visible=False)
    return ax.imshow(weights, cmap=shades, vmin=-limit, vmax=limit, interpolation="nearest")


def _bar(places: Sequence[Axes], drawn: Any) -> None:
    """The scale of all, beside them."""
    figure = places[0].get_figure()
    if figure is not None:
        figure.colorbar(drawn, ax=list(places), label="weight", shrink=0.9)
