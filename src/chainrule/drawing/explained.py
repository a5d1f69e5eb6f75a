"""Explanations as pictures: importances with intervals, contributions, dependence on a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    axes_or_new,
    color_on,
    labeled,
    legend_above,
    line_style,
    titled,
)
from chainrule.drawing.unit import fit_names, shortened
from chainrule.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_contributions", "plot_dependence", "plot_importance"]

MOST_BARS = 20
LONGEST = 28
"""Letters of a name beside a bar."""
TURNED = 30
"""Letters that names below an axis have together before they are turned."""
LINES = 6
BESIDE = 12
"""Of the range of an axis, how far beside it missing values stand."""


def plot_importance(
    names: Sequence[str], values: Any, intervals: Sequence[Any], label: str,
    ax: Axes | None = None, title: str = "Importance of columns",
) -> Axes:  # fmt: skip
    """Importances as bars with their intervals, in the order given; the first 20.

    intervals
        A pair of ends for each, or None.
    label
        What is measured.

    >>> from chainrule.drawing import plot_importance
    >>> ax = plot_importance(["area", "rooms"], [2.0, 0.1], [(1.5, 2.5), None], "loss of rmse")
    >>> [float(bar.get_width()) for bar in ax.patches]
    [2.0, 0.1]
    """
    values = _checked("plot_importance", names, values)
    shown = slice(0, MOST_BARS)
    ax = _bars(names[shown], values[shown], ax, "plot_importance")
    ink = color_on(ax, BLACK)
    places = range(len(names[shown]))[::-1]
    for place, ends in zip(places, intervals, strict=False):
        if ends is not None:
            look: dict[str, Any] = {
                "linewidth": 1.2,
                "linestyle": "-",
                "marker": "|",
                "markersize": 6,
            }
            ax.plot(ends, [place, place], color=ink, **look)
    return _finished(ax, len(names), label, title)


def plot_contributions(
    names: Sequence[str], values: Any, label: str, ax: Axes | None = None,
    title: str = "What each column adds",
) -> Axes:  # fmt: skip
    """What columns add to an answer, as bars to both sides of 0; the first 20.

    >>> from chainrule.drawing import plot_contributions
    >>> ax = plot_contributions(["area = 80", "rooms = 2"], [3.0, -1.0], "price")
    >>> [bool(bar.get_hatch()) for bar in ax.patches]
    [False, True]
    """
    values = _checked("plot_contributions", names, values)
    ax = _bars(names[:MOST_BARS], values[:MOST_BARS], ax, "plot_contributions")
    return _finished(ax, len(names), label, title)


def plot_dependence(
    record: Mapping[str, Any], ax: Axes | None = None, *, ice: bool = True, centered: bool = False
) -> Axes:
    """The mean answer by the values of a column, with its interval, over curves of single rows.

    record
        What `chainrule.explaining.Dependence.to_record` gives.
    ice
        Whether single rows are drawn, where there is one output.
    centered
        Each curve less its first value.
    """
    ax = axes_or_new(ax, "plot_dependence", (5.0, 3.8))
    curves, ordered = record["curves"][:LINES], not record["counts"]
    single = len(curves) == 1
    known = len(record["grid"]) - (record.get("missing") is not None)
    x = _places(record, known) if ordered else np.arange(known)
    if ice and single:
        _draw_rows(ax, x, curves[0]["ice"], ordered, centered)
    for index, curve in enumerate(curves):
        label = "mean with its interval" if single else str(curve["output"])
        _draw_mean(ax, x, curve, {**line_style(ax, index), "label": label}, ordered, centered)
    _mark_rows(ax, record) if ordered else _name_values(ax, record["labels"])
    if known < len(record["grid"]):
        _draw_missing(ax, _beside(record, x), curves, ice and single, centered)
    legend_above(ax, columns=3, compact=True)
    ax.set_ylabel(_measured(record, curves) + (" less the start" if centered else ""))
    left = len(record["curves"]) - len(curves)
    of = f" ({len(curves)} of {len(record['curves']):,} classes)" if left else ""
    titled(ax, f"By {record['column']}{of}")
    labeled(ax, str(record["column"]))
    return ax


def _draw_rows(ax: Axes, x: Any, rows: Sequence[Any], ordered: bool, centered: bool) -> None:
    """Curves of single rows, or a mark for each value of one."""
    look = {"linewidth": 0.6, "linestyle": "-"} if ordered else {"linestyle": "", "marker": "_"}
    for number, one in enumerate(rows):
        drawn = np.array(one[: len(x)]) - (one[0] if centered else 0.0)
        ax.plot(
            x, drawn, color=color_on(ax, BLACK), alpha=0.3, zorder=1, **look,
            label="single rows" if number == 0 else None,
        )  # fmt: skip


def _beside(record: Mapping[str, Any], x: Any) -> Any:
    """Where a missing value stands: beside all others."""
    marks = _moments(record["marks"]) if record["kind"] == "datetime" else record["marks"]
    ends = np.concatenate([x, np.asarray(marks, x.dtype)])
    range_ = ends.max() - ends.min()
    return ends.max() + (range_ / BESIDE if range_ else np.ones(1, range_.dtype)[0])


def _draw_missing(ax: Axes, place: Any, curves: Sequence[Any], ice: bool, centered: bool) -> None:
    """The last mean of each curve, of rows without a value."""
    ink = color_on(ax, BLACK)
    look: dict[str, Any] = {"linestyle": "", "marker": "D", "markersize": 5}
    for index, curve in enumerate(curves):
        start = curve["means"][0] if centered else 0.0
        color = line_style(ax, index)["color"]
        ax.plot([place], [curve["means"][-1] - start], color=color, zorder=3, **look)
        low, high = curve["intervals"][-1]
        ax.vlines([place], low - start, high - start, color=color, linewidth=1.2, zorder=2)
        for row in curve["ice"] if ice else ():
            drawn = row[-1] - (row[0] if centered else 0.0)
            ax.plot([place], [drawn], color=ink, alpha=0.3, zorder=1, linestyle="", marker="_")
    ax.plot(np.array([place])[:0], [], color=ink, label="missing", **look)


def _mark_rows(ax: Axes, record: Mapping[str, Any]) -> None:
    """Marks of rows below the curves, and dates where these are what the column has."""
    dated = record["kind"] == "datetime"
    if dated:
        _mark_dates(ax)
    marks = _moments(record["marks"]) if dated else record["marks"]
    ax.plot(
        marks, np.full(len(marks), 0.02), "|", transform=ax.get_xaxis_transform(), color=GREY,
        markersize=7,
    )  # fmt: skip


def _name_values(ax: Axes, labels: Sequence[str]) -> None:
    names = [shortened(one, LONGEST) for one in labels]
    turned = 90 if sum(map(len, names)) > TURNED else 0
    ax.set_xticks(np.arange(len(names)), names, rotation=turned)
    ax.set_xlim(-0.6, len(names) - 0.4)
    ax.grid(visible=False, axis="x")


def _measured(record: Mapping[str, Any], curves: Sequence[Mapping[str, Any]]) -> str:
    """What the vertical axis shows."""
    if record["scale"] == "number":
        return f"mean {record['target'] or 'answer'}"
    of = f" of {curves[0]['output']}" if len(curves) == 1 else ""
    return f"mean {record['scale']}{of}"


def _mark_dates(ax: Axes) -> None:
    """Few dates below an axis, short ones."""
    from matplotlib import dates

    made: Any = dates  # its classes are not typed
    locator = made.AutoDateLocator(minticks=2, maxticks=5)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(made.ConciseDateFormatter(locator))


def _draw_mean(
    ax: Axes, x: Any, curve: Mapping[str, Any], style: dict[str, Any], ordered: bool, centered: bool
) -> None:
    """The mean of an output with its interval: a line and a band, or points with bars."""
    start = curve["means"][0] if centered else 0.0
    means = np.array(curve["means"][: len(x)]) - start
    ends = np.array(curve["intervals"][: len(x)]).T - start
    style = {**style, "zorder": 3}
    if ordered:
        ax.fill_between(x, *ends, color=style["color"], alpha=0.18, linewidth=0, zorder=2)
        ax.plot(x, means, **style)
        return
    style |= {"linestyle": "", "marker": "o", "markersize": 5}
    ax.plot(x, means, **style)
    ax.vlines(x, *ends, color=style["color"], linewidth=1.2, zorder=2)


def _places(record: Mapping[str, Any], count: int) -> Any:
    if record["kind"] == "datetime":
        return _moments(record["grid"][:count])
    return np.array(record["grid"][:count], float)


def _moments(texts: Sequence[str]) -> Any:
    return np.array(texts, dtype="datetime64[us]")


def _checked(owner: str, names: Sequence[str], values: Any) -> Any:
    values = np.asarray(values, float)
    if values.shape != (len(names),) or not len(names):
        message = f"{owner}: needs a value for each name, got {len(names)} and {values.shape}."
        raise ShapeError(message)
    return values


def _bars(names: Sequence[str], values: Any, ax: Axes | None, owner: str) -> Axes:
    from matplotlib.ticker import MaxNLocator

    ax = axes_or_new(ax, owner, (5.6, 1.0 + 0.26 * len(names)))
    up, ink = np.arange(len(names))[::-1], color_on(ax, BLACK)
    for chosen, color, hatch in ((values >= 0, "#9dbdd6", ""), (values < 0, "#e8b06a", "////")):
        ax.barh(
            up[chosen], values[chosen], height=0.7, color=color_on(ax, color), hatch=hatch,
            edgecolor=ink, linewidth=0.7,
        )  # fmt: skip
    ax.axvline(0.0, color=ink, linewidth=0.8)
    ax.set_yticks(up, [shortened(one, LONGEST) for one in names])
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    ax.grid(visible=False, axis="y")
    return ax


def _finished(ax: Axes, count: int, label: str, title: str) -> Axes:
    if count > MOST_BARS:
        ax.set_ylabel(f"{MOST_BARS} of {count:,} columns")
    titled(ax, title)
    labeled(ax, label)
    fit_names(ax)
    return ax
