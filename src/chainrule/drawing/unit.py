"""Three pictures of a hidden unit from plain numbers, of whatever network it is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Effect", "UnitFacts", "draw_effect", "fit_names", "highest", "plot_unit", "scale_text",
    "shortened",
]  # fmt: skip

COLUMNS = 10
ROWS = 5
NAME = 16
"""Letters of a longer name."""
LEAST = 5.5
"""Smaller type is not read."""
LINE = 1.2
"""Height of a line of type of size 1."""
INDENT = 0.03
"""Of what is written on bars, as a share of their axes."""
MARKS = 400
"""Rows whose activation is marked below the curves, evenly taken from all."""
LINES = 10
"""Outputs that are drawn, those that the unit moves most."""


@dataclass(frozen=True, eq=False)
class Effect:
    """What becomes of a network's outputs when a unit is held at values.

    swept, curves
        The values, and the mean outputs (values, outputs).
    values
        The unit's activation in each row.
    outputs, word
        What each output is called, and what they are together ("class").
    """

    swept: Any
    curves: Any
    values: Any
    outputs: Sequence[str]
    word: str


@dataclass(frozen=True, eq=False)
class UnitFacts:
    """What the pictures of a hidden unit show.

    label
        What it is called.
    names, drive, scale
        What moves it, how far, and in what measure.
    effect
        What it does, with its activation in each row.
    cells, columns
        Of the rows with the highest activation (`highest`), values of a few columns as text, and
        the names of these columns.
    """

    label: str
    names: Sequence[str]
    drive: Any
    scale: str
    effect: Effect
    cells: Sequence[Sequence[str]]
    columns: Sequence[str]


def plot_unit(facts: UnitFacts, axes: Any = None, owner: str = "plot_unit") -> list[Axes]:
    """What drives a hidden unit, which rows excite it, and what it does, as three pictures.

    facts
        Plain numbers and names, as `plot_hidden_unit` and `chainrule.explaining` compute them.
    axes
        Three matplotlib axes; those of a new figure when None.
    """
    left, middle, right = places = several_axes(axes, owner, 3, (3.1, 3.3))
    _draw_drive(left, np.asarray(facts.drive, float), facts.names)
    _draw_rows(middle, facts.effect.values)
    draw_effect(right, facts.effect)
    titled(left, f"What drives {facts.label}")
    titled(middle, "Rows that excite it most")
    labeled(right, f"activation of {facts.label}")
    labeled(left, facts.scale)
    fit_names(left)
    _write_rows(middle, facts.cells, facts.columns)
    return places


def highest(values: Any, count: int = ROWS) -> Any:
    """The rows with the highest activation, the highest first.

    >>> highest(np.array([0.1, 0.9, 0.5]), 2).tolist()
    [1, 2]
    """
    return np.argsort(-values, kind="stable")[:count]


def scale_text(what: str) -> str:
    """In what a column's drive is measured: the unit's move for one deviation of the column."""
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
    ax.set_yticks(up, [shortened(names[one]) for one in order])
    ax.grid(visible=False, axis="y")
    few = len(drive) == len(order)
    ax.set_ylabel("column" if few else f"{len(order)} of {len(drive):,} columns")


def shortened(name: str, most: int = NAME) -> str:
    """A name, cut where it has more letters than `most`.

    >>> shortened("median income", 8)
    'median …'
    """
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def fit_names(ax: Axes) -> None:
    """Names beside bars that stand close in type that is no higher than their distance."""
    from chainrule.drawing.diagram import room_of

    lay_out(ax)
    names = ax.get_yticklabels()
    distance = room_of(ax)[1] / (len(names) + 1)
    if LINE * float(names[0].get_fontsize()) > distance:
        ax.tick_params(axis="y", labelsize=max(LEAST, distance / LINE))


def _draw_rows(ax: Axes, values: Any) -> None:
    """The rows with the highest activation as bars."""
    order = highest(values)
    up = np.arange(len(order))[::-1]
    ink, pale = color_on(ax, BLACK), color_on(ax, "#d4dde6")
    ax.barh(up, values[order], height=0.86, color=pale, edgecolor=ink, linewidth=0.7)
    ax.axvline(0.0, color=ink, linewidth=0.8)
    ax.set_yticks(up, [f"{row:,}" for row in order])
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.grid(visible=False, axis="y")
    ax.set(xlabel="activation", ylabel="row")


def _write_rows(ax: Axes, cells: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    """The most important columns on the bars of rows: as many as have room, and their names."""
    ink = color_on(ax, BLACK)
    texts = [
        ax.text(
            INDENT, place, "", transform=ax.get_yaxis_transform(), va="center", fontsize=7,
            color=ink, linespacing=1.05,
        )
        for place in range(len(cells))[::-1]
    ]  # fmt: skip
    lay_out(ax)
    # type is a little wider at other resolutions
    width = (1 - 3 * INDENT) * ax.get_window_extent().width
    height = ax.patches[0].get_window_extent().height
    for count, most in itertools.product(range(len(names), 0, -1), range(NAME, 1, -1)):
        for text, row in zip(texts, cells, strict=True):
            named = zip(names[:count], row, strict=False)
            text.set_text(
                "\n".join(f"{shortened(name, most)} {shortened(cell)}" for name, cell in named)
            )
        sizes = np.max([text.get_window_extent().size for text in texts], axis=0)
        if all(sizes <= (width, height)):
            return


def draw_effect(ax: Axes, effect: Effect) -> None:
    """The mean output by the unit's value, a line for each output."""
    curves = np.asarray(effect.curves)
    moved = np.argsort(-np.ptp(curves, axis=0), kind="stable")[:LINES]
    for index, output in enumerate(sorted(moved)):
        ax.plot(
            effect.swept, curves[:, output], label=effect.outputs[output], **line_style(ax, index)
        )
    marked = np.sort(effect.values)[:: -(-len(effect.values) // MARKS)]
    ax.plot(
        marked, np.full(len(marked), 0.03), "|", transform=ax.get_xaxis_transform(), color=GREY,
        markersize=7,
    )  # fmt: skip
    several = curves.shape[1] > 1
    if several:
        legend_above(ax, columns=3, compact=True, title=effect.word)
    ylabel = "mean of each output" if several else "mean output"
    count = curves.shape[1]
    word = effect.word + ("es" if effect.word.endswith("s") else "s")
    of = f" on {len(moved)} of {count:,} {word}" if len(moved) < count else ""
    ax.set_ylabel(ylabel)
    titled(ax, f"Its effect{of}")
