"""What columns add to answers: of one row step by step, and of many rows as points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    axes_or_new,
    color_on,
    labeled,
    paper,
    titled,
)
from chainrule.drawing.unit import fit_names, shortened
from chainrule.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_attributions", "plot_waterfall"]

MOST_STEPS = 12
"""Columns of one row that are drawn alone; more are drawn together."""
MOST_COLUMNS = 20
MOST_POINTS = 1000
"""Rows that are drawn, evenly taken from all."""
LONGEST = 32
"""Letters of a name, on a wide figure."""
LETTERS_AN_INCH = 5
LOW, HIGH = "#f2c98a", "#12395b"
UP, DOWN = "#9dbdd6", "#e8b06a"
BINS = 60
"""Of the width of a line of points, within which they stand above each other."""


def plot_waterfall(
    names: Sequence[str], values: Any, base: float, label: str, ax: Axes | None = None,
    title: str = "What each column adds",
) -> Axes:  # fmt: skip
    """From a base to an answer: a bar for what each column adds, one below the other.

    names, values
        The columns in the order drawn, and what each adds; from the 12th on together where there
        are more than 12.
    base, label
        What the sum begins with, and what it is of.

    Raises `ShapeError` where there is not a value for each name.

    >>> ax = plot_waterfall(["area = 80", "rooms = 2"], [3.0, -1.0], 5.0, "price")
    >>> [(float(bar.get_x()), float(bar.get_width())) for bar in ax.patches]
    [(5.0, 3.0), (8.0, -1.0)]
    """
    values = np.asarray(values, float)
    if values.shape != (len(names),) or not len(names):
        message = f"plot_waterfall: needs a value a name, got {len(names)} and {values.shape}."
        raise ShapeError(message)
    names = list(names)
    if len(names) > MOST_STEPS:
        kept = MOST_STEPS - 1
        names = [*names[:kept], f"{len(names) - kept} other columns"]
        values = np.append(values[:kept], values[kept:].sum())
    ax = axes_or_new(ax, "plot_waterfall", (6.2, 1.4 + 0.3 * len(names)))
    sums = base + np.concatenate([[0.0], np.cumsum(values)])
    _draw_steps(ax, values, sums)
    places = np.arange(len(names))[::-1]
    ax.set_yticks(places, _fitting(ax, names))
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.grid(visible=False, axis="y")
    room = 0.18 * (float(np.ptp(sums)) or 1.0)
    ax.set_xlim(sums.min() - room, sums.max() + room)
    titled(ax, f"{title}: {_number(sums[-1])}, base {_number(base)}", title)
    labeled(ax, label)
    fit_names(ax)
    _write_values(ax, values, sums)
    return ax


def _draw_steps(ax: Axes, values: Any, sums: Any) -> None:
    """A bar for each step, and thin lines that lead from one to the next."""
    ink, places = color_on(ax, BLACK), np.arange(len(values))[::-1]
    for place, value, before in zip(places, values, sums, strict=False):
        ax.barh(
            place, value, left=before, height=0.62, linewidth=0.7, edgecolor=ink,
            color=color_on(ax, UP if value >= 0 else DOWN), hatch="" if value >= 0 else "////",
        )  # fmt: skip
    for place, at in zip(places, sums[1:], strict=True):
        ax.plot([at, at], [place - 0.69, place], color=GREY, linewidth=0.8, zorder=0)
    ax.axvline(sums[0], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    ax.axvline(sums[-1], color=ink, linewidth=0.8, linestyle=(0, (5, 2)), zorder=0)


def _write_values(ax: Axes, values: Any, sums: Any) -> None:
    """What each step adds, beside its bar."""
    size = min(8.0, float(ax.get_yticklabels()[0].get_fontsize()))
    for place, value, after in zip(np.arange(len(values))[::-1], values, sums[1:], strict=True):
        sign = 1 if value >= 0 else -1
        ax.annotate(
            _number(value, signed=True), (after, place), (3 * sign, 0), fontsize=size,
            textcoords="offset points", va="center", ha="left" if sign > 0 else "right",
            color=color_on(ax, BLACK),
            bbox={"facecolor": paper(ax), "edgecolor": "none", "pad": 0.6},
        ).set_in_layout(False)  # fmt: skip


def _fitting(ax: Axes, names: Sequence[str]) -> list[str]:
    """Names that leave room for a picture beside them."""
    figure = ax.get_figure(root=True)
    width = 6.0 if figure is None else figure.get_figwidth()
    return [shortened(name, min(LONGEST, int(LETTERS_AN_INCH * width))) for name in names]


def _number(value: float, *, signed: bool = False) -> str:
    sign, size = "+" if signed else "", abs(value)
    if 1000 <= size < 1e12:
        text = f"{value:{sign},.0f}"
    else:
        text = f"{value:{sign}.{2 if signed and size < 10 else 3}g}"
    return text.replace("-", "\N{MINUS SIGN}")


def plot_attributions(
    columns: Sequence[str], values: Any, cells: Sequence[Any], label: str, ax: Axes | None = None
) -> Axes:
    """What columns add to the answers to many rows: a point a row, the strongest columns on top.

    values
        Shape (rows, columns).
    cells
        By column its numbers, NaN where missing; None of a category.
    label
        What is added to.

    Points are light where the row's number is low in its column and dark where it is high (the
    other way round on a dark ground), and hollow where it is none.

    Raises `ShapeError` where values and names do not go together.

    >>> ax = plot_attributions(["area", "town"], [[3.0, 0.1], [-2.0, 0.0]], [[90, 20], None], "y")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['area', 'town']
    """
    values = np.asarray(values, float)
    if values.ndim != 2 or values.shape[1] != len(columns) or not values.size:
        message = (
            f"plot_attributions: values must have shape (rows, {len(columns)}), got {values.shape}."
        )
        raise ShapeError(message)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:MOST_COLUMNS]
    rows = np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).astype(int)
    ax = axes_or_new(ax, "plot_attributions", (6.4, 1.7 + 0.34 * len(order)))
    width = float(np.ptp(values[rows][:, order])) or 1.0
    low, high = color_on(ax, LOW), color_on(ax, HIGH)
    for place, column in zip(np.arange(len(order))[::-1], order, strict=True):
        found = values[rows, column]
        numbers = None if cells[column] is None else np.asarray(cells[column], float)[rows]
        ax.scatter(
            found, place + _spread(found, width), s=11, linewidths=0.4, zorder=2,
            c=_fills(ax, numbers, len(rows), low, high), edgecolors=color_on(ax, BLACK),
        )  # fmt: skip
    ax.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
    ax.set_yticks(np.arange(len(order))[::-1], _fitting(ax, [columns[one] for one in order]))
    ax.set_ylim(-0.7, len(order) - 0.3)
    ax.grid(visible=False, axis="y")
    if len(order) < len(columns):
        ax.set_ylabel(f"{len(order)} of {len(columns):,} columns")
    titled(ax, "What each column adds, row by row", "What each column adds")
    shade = "dark" if low == LOW else "light"
    labeled(ax, f"added to {label} ({shade}: high value, hollow: no number)")
    fit_names(ax)
    return ax


def _spread(values: Any, width: float) -> Any:
    """Heights at which points of about the same value stand beside each other."""
    bins = np.floor((values - values.min()) / width * BINS).astype(int)
    counts = np.bincount(bins)
    most = counts.max()
    seen = np.zeros(len(counts), dtype=int)
    heights = np.zeros(len(values))
    for number, one in enumerate(bins):
        seen[one] += 1
        side = 1 if seen[one] % 2 else -1
        heights[number] = side * (seen[one] // 2)
    return heights * (0.76 / max(most, 12))


def _fills(ax: Axes, numbers: Any, rows: int, low: str, high: str) -> Any:
    """Colors by the rank of numbers; those of the ground where there is none."""
    from matplotlib.colors import to_rgb

    colors = np.tile(to_rgb(paper(ax)), (rows, 1))
    if numbers is None:
        return colors
    known = ~np.isnan(numbers)
    levels, ranks = np.unique(numbers[known], return_inverse=True)
    share = (ranks / max(1, len(levels) - 1))[:, np.newaxis]
    colors[known] = (1 - share) * np.array(to_rgb(low)) + share * np.array(to_rgb(high))
    return colors
