"""Diagrams: axes on which a length is a point of print, and text that keeps its place in them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_hex, to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from chainrule.drawing.canvas import BLACK, color_on, paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

__all__ = [
    "ScaledText", "Taken", "fill_as_paper", "fitted", "prepare", "room_of", "shown", "text_width",
    "write",
]  # fmt: skip

MARGIN = 6.0


class ScaledText(Text):
    """Text whose size is a length on its axes: it grows and shrinks with what stands around it.

    size
        Of the type, in units of the vertical axis.
    """

    def __init__(self, x: float, y: float, text: str, size: float, **settings: Any) -> None:
        super().__init__(x, y, text, parse_math=False, **settings)
        self.size = size
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        self._fit()
        super().draw(renderer)

    def get_window_extent(self, *arguments: Any, **settings: Any) -> Any:
        self._fit()
        return super().get_window_extent(*arguments, **settings)

    def _fit(self) -> None:
        axes, figure = self.axes, self.get_figure(root=True)
        if axes is None or figure is None:  # it was taken off
            return
        low, high = axes.transData.transform([(0.0, 0.0), (0.0, self.size)])[:, 1]
        points = max(0.1, abs(high - low) * 72 / figure.dpi)
        if not np.isclose(points, self.get_fontsize()):
            self.set_fontsize(points)


class Filling(Artist):
    """Fills a patch before it is drawn with the ground that is seen then.

    A figure may be saved on another ground than it is shown on. On one that lets the page through
    the patch is filled as it first was.
    """

    def __init__(self, ax: Axes, patch: Patch) -> None:
        super().__init__()
        self.ground, self.patch, self.usual = ax, patch, paper(ax)
        self.set_zorder(-1.0)
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        figure, color = self.get_figure(root=True), paper(self.ground)
        if figure is None or not to_rgba(figure.get_facecolor())[3]:
            color = self.usual
        if color != to_hex(self.patch.get_facecolor()):
            self.patch.set_facecolor(color)


def fill_as_paper(ax: Axes, patch: Patch) -> None:
    """A patch on axes in the color of the ground behind them, so that it hides lines below it."""
    patch.set_facecolor(paper(ax))
    ax.add_artist(Filling(ax, patch))


def write(
    ax: Axes, x: float, y: float, text: str, size: float, *, pad: float | None = None,
    **settings: Any,
) -> ScaledText:  # fmt: skip
    """Text on axes, its middle at a place; its color is one of pictures on a light ground.

    pad
        How far a ground that hides lines reaches around it; there is none when None.
    """
    look: dict[str, Any] = {
        "ha": "center", "va": "center_baseline", "color": BLACK, "clip_on": False, "zorder": 5,
    }  # fmt: skip
    look |= settings
    look["color"] = color_on(ax, look["color"])
    if pad is not None:
        look["bbox"] = {"edgecolor": "none", "pad": pad}
    made = ScaledText(x, y, text, size, **look)
    ax.add_artist(made)
    ground = made.get_bbox_patch()
    if ground is not None:
        fill_as_paper(ax, ground)
    return made


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """How wide the widest line of a text is at a size, in points."""
    font = FontProperties(size=size, weight=weight)
    return max(
        float(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0])
        for line in text.split("\n")
    )


def prepare(ax: Axes, size: tuple[float, float]) -> None:
    """Axes that show a diagram of a width and height, and nothing else."""
    width, height = size
    ax.set(xlim=(-MARGIN, width + MARGIN), ylim=(-MARGIN, height + MARGIN))
    ax.set_aspect("equal")
    ax.set_axis_off()


def room_of(ax: Axes) -> Any:
    """Width and height of axes, in points."""
    extent, figure = ax.get_window_extent(), ax.get_figure(root=True)
    return np.array([extent.width, extent.height]) * 72 / (figure.dpi if figure else 72)


class Taken:
    """What already stands on a diagram, so that nothing is written over it."""

    def __init__(self) -> None:
        self.boxes: list[tuple[float, float, float, float]] = []

    def add(self, place: Any, size: tuple[float, float]) -> None:
        """Take the room around a place."""
        (x, y), (width, height) = place, size
        self.boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))

    def place(self, places: Any, size: tuple[float, float]) -> tuple[float, float]:
        """The first of some places where there is room, or the one with the least laid over it."""
        covered = [self.covered(place, size) for place in places]
        x, y = places[int(np.argmin(covered))]
        self.add((x, y), size)
        return float(x), float(y)

    def covered(self, place: Any, size: tuple[float, float]) -> float:
        """The area that would be laid over something."""
        (x, y), (width, height) = place, size
        return math.fsum(
            max(0.0, min(x + width / 2, right) - max(x - width / 2, left))
            * max(0.0, min(y + height / 2, top) - max(y - height / 2, bottom))
            for left, bottom, right, top in self.boxes
        )


def shown(value: float, digits: int) -> str:
    """A number with so many significant digits, the minus sign of print, and no negative 0.

    >>> shown(-12.0, 4), shown(0.123456, 4)
    ('−12', '0.1235')
    """
    return f"{value + 0.0:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def fitted(value: float, digits: int, size: float, width: float) -> tuple[str, float]:
    """A number no wider than so many points, and the size of its type.

    It has the digits asked for where they fit, else fewer; smaller type where even one is too wide.

    >>> [fitted(one, 3, 7.5, 28.0)[0] for one in (0.123456, 0.000311, -5.48e-05)]
    ['0.123', '3.1e−4', '−5e−5']
    """
    for count in range(digits, 0, -1):
        for style in ("g", "e"):
            text = f"{value + 0.0:.{count if style == 'g' else count - 1}{style}}"
            text = re.sub(r"e\+?(-?)0*(\d)", r"e\1\2", text).replace("-", "\N{MINUS SIGN}")
            if text_width(text, size) <= width:
                return text, size
    return text, size * width / text_width(text, size)
