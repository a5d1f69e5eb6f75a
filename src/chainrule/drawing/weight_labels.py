"""Where the weights of a network are written: each on its own line, and away from all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule.drawing.diagram import Taken

__all__ = ["LINE", "SIZE", "Label", "draw_labels", "labels_on"]

SIZE = 8.0
"""Of the type in a diagram of a network, in points."""
TYPE = SIZE - 0.5
"""Of labels."""
LINE = 1.3 * SIZE
"""Height of a line of type."""
PREFERRED = (0.3, 0.64, 0.48)
"""How far along their lines labels stand, where that can be; the first with which all fit."""
SHARES = np.linspace(0.14, 0.86, 73)
ROOM = 1.0
"""From a label to the next line, in points."""


@dataclass(frozen=True)
class Label:
    """What is written on a line, the room it takes, and its place."""

    texts: tuple[str, ...]
    size: tuple[float, float]
    place: tuple[float, float]


def labels_on(
    lines: Sequence[Any], texts: Sequence[Sequence[str]], taken: Sequence[Any]
) -> list[Label] | None:
    """A label for each line, on no other line and on nothing else; None where there is no room.

    lines
        From their left end to their right one, all between the same two columns.
    texts
        What is written on each.
    taken
        Place and size of all that stands around.
    """
    from chainrule.drawing.diagram import Taken, text_width

    if not texts:
        return []
    ends = np.array(lines, float)
    sizes = [
        (max(text_width(one, TYPE) for one in each) + 5.0, LINE * len(each) - 0.5) for each in texts
    ]
    free = [_clear(ends, index, size) for index, size in enumerate(sizes)]
    order = sorted(range(len(lines)), key=lambda index: int(free[index].sum()))
    for preferred in PREFERRED:
        around = Taken()
        for place, size in taken:
            around.add(place, size)
        found: dict[int, Label] = {}
        for index in order:
            place = _place(ends[index], free[index], preferred, sizes[index], around)
            if place is None:
                break
            found[index] = Label(tuple(texts[index]), sizes[index], place)
        if len(found) == len(lines):
            return [found[index] for index in range(len(lines))]
    return None


def _clear(ends: Any, index: int, size: tuple[float, float]) -> Any:
    """For each share of a line whether a label there lies on no other line."""
    starts, steps = ends[:, 0], ends[:, 1] - ends[:, 0]
    heights = starts[:, 1, None] + SHARES * steps[:, 1, None]
    needed = size[1] / 2 + abs(steps[:, 1] / steps[:, 0]) * size[0] / 2 + ROOM
    clear = abs(heights - heights[index]) > needed[:, None]
    return np.delete(clear, index, axis=0).all(axis=0)


def _place(
    line: Any, free: Any, preferred: float, size: tuple[float, float], around: Taken
) -> tuple[float, float] | None:
    """The free place on a line nearest to the share preferred; it is taken then."""
    shares = SHARES[free]
    shares = shares[np.argsort(abs(shares - preferred), kind="stable")]
    for x, y in line[0] + shares[:, None] * (line[1] - line[0]):
        if not around.covered((x, y), size):
            around.add((x, y), size)
            return float(x), float(y)
    return None


def draw_labels(ax: Axes, labels: Sequence[Label], colors: Sequence[str]) -> None:
    """Labels, the lines of each on one ground, and in a color each."""
    from matplotlib.patches import Rectangle

    from chainrule.drawing.diagram import fill_as_paper, write

    for label in labels:
        (x, y), (width, height) = label.place, label.size
        corner = x - width / 2, y - height / 2
        ground = Rectangle(corner, width, height, linewidth=0, zorder=1.5)
        fill_as_paper(ax, ax.add_patch(ground))
        for index, (text, color) in enumerate(zip(label.texts, colors, strict=False)):
            up = y + LINE * ((len(label.texts) - 1) / 2 - index)
            write(ax, x, up, text, TYPE, zorder=4, color=color)
