"""Axes to draw on, colors on their ground, and lines that differ in print and in grey."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLACK", "GREY", "MARKERS", "axes_or_new", "color_on", "legend", "legend_above", "line_style",
    "paper", "several_axes", "svg_of",
]  # fmt: skip

BLACK = "#000000"
GREY = "#9a9a9a"
COLORS = (BLACK, "#0072b2", "#d55e00", "#009e73", "#a0568a", "#8a6d00")
DASHES: tuple[Any, ...] = (
    "-", (0, (6, 2)), (0, (1, 1.2)), (0, (7, 2, 1.2, 2)), (0, (3, 1.5, 1, 1.5, 1, 1.5)),
    (0, (12, 3)),
)  # fmt: skip
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
LIGHT = 0.179
"""A ground of less luminance stands farther from white than from black."""


def paper(ax: Axes) -> str:
    """The color of the ground that is seen behind what is drawn on axes."""
    from matplotlib.colors import to_hex, to_rgba

    figures = [ax.get_figure(root=True), ax.get_figure()]
    grounds = [one.get_facecolor() for one in figures if one is not None]
    grounds += [ax.get_facecolor()] if ax.axison else []
    seen = np.ones(3)
    for ground in grounds:
        *color, alpha = to_rgba(ground)
        seen = alpha * np.array(color) + (1 - alpha) * seen
    red, green, blue = map(float, seen)
    return to_hex((red, green, blue))


def color_on(ax: Axes, color: str) -> str:
    """A color of pictures on a light ground; on a dark one it is as light as it was dark.

    >>> from matplotlib.figure import Figure
    >>> color_on(Figure(facecolor="black").add_subplot(facecolor="white"), BLACK)
    '#000000'
    >>> color_on(Figure(facecolor="white").add_subplot(facecolor="black"), BLACK)
    '#ffffff'
    """
    from matplotlib.colors import to_hex, to_rgb

    channels = np.array(to_rgb(paper(ax)))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    if linear @ (0.2126, 0.7152, 0.0722) >= LIGHT:
        return color
    hue, lightness, saturation = colorsys.rgb_to_hls(*to_rgb(color))
    return to_hex(colorsys.hls_to_rgb(hue, 1.0 - lightness, saturation))


def line_style(ax: Axes, index: int) -> dict[str, Any]:
    """Color and dashes of the line of a number: lines differ without color too."""
    turn = index // len(COLORS)
    return {
        "color": color_on(ax, COLORS[index % len(COLORS)]),
        "linestyle": DASHES[(index + turn) % len(DASHES)],
        "linewidth": 2.3 if index % len(COLORS) == 2 else 1.7,
    }


def axes_or_new(ax: Any, owner: str, size: tuple[float, float] = (6.0, 4.2)) -> Axes:
    """The axes given, or those of a new figure of pyplot."""
    return several_axes(None if ax is None else [ax], owner, 1, size)[0]


def several_axes(
    axes: Any, owner: str, count: int, size: tuple[float, float] = (5.0, 4.2),
    columns: int | None = None,
) -> list[Axes]:  # fmt: skip
    """As many axes as asked for: those given, or those of a new figure of pyplot side by side.

    size
        Width and height of each, in inches.
    columns
        How many stand side by side; all of them when None.
    """
    from matplotlib.axes import Axes

    if axes is None:
        from matplotlib import pyplot

        columns = columns or count
        rows = -(-count // columns)
        figure = pyplot.figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
        return [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    given = list(getattr(axes, "flat", axes if isinstance(axes, Sequence) else [axes]))
    for one in given:
        if not isinstance(one, Axes):
            message = (
                f"{owner}: needs axes of matplotlib, got {type(one).__name__}; leave it out, or "
                "give what plt.subplots() gives."
            )
            raise InputTypeError(message)
    if len(given) != count:
        message = f"{owner}: draws {count} pictures and needs as many axes, got {len(given)}."
        raise SettingError(message)
    return given


def svg_of(plot: Callable[[], Axes]) -> str:
    """A picture as the text of an SVG file.

    plot
        Draws it on a new figure of pyplot, and gives the axes; the figure is closed again, so that
        a notebook does not show it once more.

    >>> import chainrule
    >>> text = chainrule.drawing.svg_of(lambda: chainrule.plot_activation("tanh"))
    >>> text.count("<svg ")
    1
    """
    from matplotlib import pyplot

    figure = plot().get_figure(root=True)
    text = io.StringIO()
    if figure is not None:
        figure.savefig(text, format="svg")
        pyplot.close(figure)
    return text.getvalue()


def legend(ax: Axes, **settings: Any) -> None:
    """A legend that can be read over lines and contours, whatever the user's style is."""
    ink = color_on(ax, BLACK)
    look: dict[str, Any] = {
        "loc": "best", "handlelength": 3.2, "frameon": True, "framealpha": 0.95,
        "facecolor": paper(ax), "edgecolor": GREY, "labelcolor": ink,
    }  # fmt: skip
    ax.legend(**look | settings).get_title().set_color(ink)


def legend_above(
    ax: Axes, columns: int = 2, compact: bool = False, title: str | None = None
) -> None:
    """A legend in rows above all that is drawn, in room made for it: it hides no line."""
    (low, high), scale = ax.get_ylim(), ax.yaxis.get_transform()
    bottom, top = scale.transform([low, high])
    rows = -(-len(ax.get_legend_handles_labels()[1]) // columns) + (title is not None)
    room = (0.06 + 0.08 * rows) * (top - bottom)
    look: dict[str, Any] = {"title": title}
    if compact:  # where the axes may be small
        look |= {"fontsize": "small", "title_fontsize": "small"}
        look |= {"handlelength": 2.4, "columnspacing": 1.0}
        share = min(0.7, (10.0 + 15.0 * rows) / _height(ax))
        room = max(room, share / (1.0 - share) * (top - bottom))
    high = float(scale.inverted().transform([top + room])[0])
    ax.set_ylim(low, high, auto=None)
    legend(ax, loc="upper center", ncols=columns, **look)


def _height(ax: Axes) -> float:
    """Of axes, in points."""
    figure = ax.get_figure(root=True)
    return float(ax.get_window_extent().height) * 72 / (figure.dpi if figure else 72)
