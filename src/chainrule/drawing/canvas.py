"""Axes to draw on, colors on their ground, and lines that differ in print and in grey."""

from __future__ import annotations

import colorsys
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

__all__ = [
    "BLACK", "GREY", "MARKERS", "axes_or_new", "color_on", "labeled", "lay_out", "legend",
    "legend_above", "line_style", "paper", "several_axes", "svg_of", "titled",
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
LARGE = 0.2
"""A legend that takes more of its axes hides too much of what is drawn."""
CLOSE = 4.0
"""Pixels from a legend to a curve, which may have markers."""
WIDE, TALL = 0.97, 0.4
"""Of the width and height of axes a legend above all should not take more."""
SIZES = ("medium", "small", "x-small")
"""Of the type of titles and labels that are too wide in their usual size."""
TIGHT = {"handlelength": 2.4, "columnspacing": 1.0}
TIGHTEST = {
    "handlelength": 1.4, "columnspacing": 0.7, "handletextpad": 0.4, "labelspacing": 0.2,
    "borderpad": 0.25,
}  # fmt: skip
Look = tuple[str | None, int, Mapping[str, float]]
"""Of a legend: the size of its type, its columns, and how close its parts stand."""


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


def lay_out(ax: Axes) -> None:
    """Run the layout of a figure that has one: it gives axes other sizes."""
    figure = ax.get_figure(root=True)
    if figure is not None and figure.get_layout_engine() is not None:
        figure.draw_without_rendering()


def titled(ax: Axes, *texts: str) -> None:
    """A title, the first text that axes are wide enough for: in smaller type, then in two lines."""
    _fit(ax, ax.set_title(texts[0]), texts)


def labeled(ax: Axes, text: str) -> None:
    """What the horizontal axis shows; on narrow axes as small and broken as a title."""
    ax.set_xlabel(text)
    _fit(ax, ax.xaxis.label, [text])


def _fit(ax: Axes, written: Text, texts: Sequence[str]) -> None:
    """The first of some texts that axes are wide enough for; the last one where they are for none.

    Each is tried in smaller type, and one of a single line then also in two.
    """
    usual: Any = written.get_fontsize()
    if _overhang(ax, written) > 0:
        lay_out(ax)
    broken = [[text] if "\n" in text else [text, _in_two_lines(text)] for text in texts]
    smaller = [(one, size) for both in broken for one in both for size in SIZES]
    for one, size in [(texts[0], usual), *smaller]:
        written.set(text=one, fontsize=size)
        if _overhang(ax, written) <= 0:
            return


def _overhang(ax: Axes, written: Text) -> float:
    """By how many pixels a text is wider than the room of its axes."""
    figure = ax.get_figure()
    share, whole = ax.get_position(original=True).width, figure.bbox.width if figure else 0.0
    return float(written.get_window_extent().width - share * whole)


def _in_two_lines(text: str) -> str:
    """A text broken where its halves are most alike, outside of formulas."""
    parts = re.findall(r"(?:\$[^$]*\$|\S)+", text)
    halves = [(" ".join(parts[:n]), " ".join(parts[n:])) for n in range(1, len(parts))]
    return "\n".join(min(halves, key=lambda both: max(map(len, both)), default=(text,)))


def legend(ax: Axes) -> None:
    """A legend where it hides no curve; above all of them where axes have no such place."""
    lay_out(ax)
    if float(np.prod(_make_legend(ax, loc="best"))) > LARGE or _hides_a_curve(ax):
        legend_above(ax, compact=True)


def _hides_a_curve(ax: Axes) -> bool:
    """Whether a curve that the legend names runs below it."""
    found = ax.get_legend()
    if found is None:
        return False
    box = found.get_window_extent().padded(CLOSE)
    named = [one for one in ax.get_lines() if not str(one.get_label()).startswith("_")]
    paths = [one.get_transform().transform_path(one.get_path()) for one in named]
    return any(path.intersects_bbox(box, filled=False) for path in paths)


def legend_above(
    ax: Axes, columns: int = 2, compact: bool = False, title: str | None = None
) -> None:
    """A legend in rows above all that is drawn, in room made for it: it hides no line.

    columns, compact
        How it looks where axes have room for that; else its type is smaller, and the rows are few.
    """
    from matplotlib.patches import Rectangle

    (low, high), scale = ax.get_ylim(), ax.yaxis.get_transform()
    bottom, top = scale.transform([low, high])
    lay_out(ax)
    columns, share = _fit_legend(ax, columns, compact, title)
    rows = -(-len(ax.get_legend_handles_labels()[1]) // columns) + (title is not None)
    room = max(0.06 + 0.08 * rows, share / (1.0 - share)) * (top - bottom)
    ax.set_ylim(low, float(scale.inverted().transform([top + room])[0]), auto=None)
    upward = ax.get_yaxis_transform()
    for line in ax.get_lines():
        places = line.get_transform().transform(line.get_xydata())
        if np.any(places[:, 1] > upward.transform((0.0, high))[1]):  # it ends below the legend
            line.set_clip_path(Rectangle((0, low), 1, high - low, transform=upward))


def _fit_legend(ax: Axes, columns: int, compact: bool, title: str | None) -> tuple[int, float]:
    """A legend as asked for, or smaller where axes are; its columns, and its share of the height.

    A smaller one has as many columns as are no wider than the axes.
    """
    sizes = ["small", "x-small"] if compact else [None, "small", "x-small"]
    looks: list[Look] = [(sizes[0], columns, TIGHT if compact else {})]
    smaller = [*((size, TIGHT) for size in sizes[1:]), (sizes[-1], TIGHTEST)]
    looks += [(size, count, how) for size, how in smaller for count in range(columns + 2, 0, -1)]

    def made(look: Look) -> tuple[float, float]:
        size, count, how = look
        return _make_legend(
            ax, loc="upper center", ncols=count, title=title, fontsize=size, title_fontsize=size,
            **how,
        )  # fmt: skip

    def beyond(look: Look) -> tuple[float, float]:
        width, height = made(look)
        return max(0.0, width - WIDE), max(0.0, height - TALL)

    fitting = (look for look in looks if not any(beyond(look)))
    chosen = next(fitting, None) or min(looks, key=beyond)
    return chosen[1], min(0.7, made(chosen)[1] + 7.0 / _height(ax))


def _make_legend(ax: Axes, **settings: Any) -> tuple[float, float]:
    """A legend that can be read over all; how much of the width and height of axes it takes."""
    ink = color_on(ax, BLACK)
    look: dict[str, Any] = {
        "handlelength": 3.2, "frameon": True, "framealpha": 0.95, "facecolor": paper(ax),
        "edgecolor": GREY, "labelcolor": ink,
    }  # fmt: skip
    made = ax.legend(**look | settings)
    made.get_title().set_color(ink)
    made.set_in_layout(False)  # one that is wider than small axes would make them smaller yet
    (width, height), around = made.get_window_extent().size, ax.bbox
    return float(width / around.width), float(height / around.height)


def _height(ax: Axes) -> float:
    """Of axes, in points."""
    figure = ax.get_figure(root=True)
    return float(ax.get_window_extent().height) * 72 / (figure.dpi if figure else 72)
