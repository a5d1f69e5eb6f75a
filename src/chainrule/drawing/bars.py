"""Numbers side by side as bars, and sums that grow to a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    axes_or_new,
    color_on,
    legend_above,
    line_style,
)
from chainrule.errors import InputTypeError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_bars", "plot_running_sums"]

FILLS = ("#12395b", "#f2c98a", "#9dbdd6", "#ffffff", "#d55e00", "#56b4e9")
MANY = 12
"""Names of more groups are turned."""
HATCHES = ("", "", "////", "....", "xxxx", "")


def plot_bars(
    values: Mapping[str, Any], labels: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Numbers of several kinds side by side, in groups.

    values
        For each kind what the legend calls it, and its numbers, one a group.
    labels
        What the groups are called; 1, 2, ... when None.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    Raises `ShapeError` where the kinds have not as many numbers as there are groups,
    `InputTypeError` for what is no number.

    >>> import chainrule
    >>> ax = chainrule.drawing.plot_bars({"ours": [1.0, 2.0], "theirs": [1.0, 2.1]}, ["a", "b"])
    >>> [float(bar.get_height()) for bar in ax.patches]
    [1.0, 2.0, 1.0, 2.1]
    """
    from matplotlib.ticker import MaxNLocator

    kinds, groups = _by_kind(values, labels)
    ax = axes_or_new(ax, "plot_bars", (6.4, 3.8))
    width, ink = 0.82 / len(kinds), color_on(ax, BLACK)
    for index, (name, numbers) in enumerate(kinds.items()):
        places = 1 + np.arange(groups) + (index - (len(kinds) - 1) / 2) * width
        turn = (index + index // len(FILLS)) % len(HATCHES)
        ax.bar(
            places, numbers.astype(float), width, label=name, hatch=HATCHES[turn], linewidth=0.7,
            color=color_on(ax, FILLS[index % len(FILLS)]), edgecolor=ink,
        )  # fmt: skip
    ax.axhline(0.0, color=ink, linewidth=0.8)
    if labels is not None:
        turned = 90 if groups > MANY else 0
        ax.set_xticks(range(1, groups + 1), list(map(str, labels)), rotation=turned)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(visible=False, axis="x")
    ax.set_xlim(0.4, groups + 0.6)
    legend_above(ax, compact=True)
    return ax


def _by_kind(values: Any, labels: Sequence[str] | None) -> tuple[dict[str, Any], int]:
    """The numbers of each kind, one a group, and how many groups there are."""
    if not isinstance(values, Mapping) or not values:
        message = 'plot_bars: needs a dict of numbers by name, such as {"ours": [1.0, 2.0]}.'
        raise InputTypeError(message)
    kinds = {str(name): np.asarray(one) for name, one in values.items()}
    groups = next(iter(kinds.values())).size if labels is None else len(labels)
    for name, numbers in kinds.items():
        if numbers.dtype.kind not in "fiub":
            message = f"plot_bars: {name!r} must be numbers, got {numbers.dtype}."
            raise InputTypeError(message)
        if numbers.shape != (groups,):
            message = (
                f"plot_bars: {name!r} must have {groups} numbers, one a group, got shape "
                f"{numbers.shape}."
            )
            raise ShapeError(message)
    return kinds, groups


def plot_running_sums(
    parts: Any, result: Any, names: Sequence[str] | None = None, ax: Axes | None = None
) -> Axes:
    """Sums that grow part by part to a result: lines, and the result beside their ends.

    parts
        What is added at each step, shape (steps, sums).
    result
        What the sums should be at the end, shape (sums,).
    names
        What the legend calls the sums; 1, 2, ... when None.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    Raises `ShapeError` where the shapes do not go together.

    >>> import chainrule
    >>> ax = chainrule.drawing.plot_running_sums([[1.0], [2.0], [3.0]], [6.0], ["total"])
    >>> ax.get_lines()[0].get_ydata().tolist()
    [0.0, 1.0, 3.0, 6.0]
    """
    parts, result = np.asarray(parts, float), np.asarray(result, float)
    if parts.ndim != 2 or result.shape != parts.shape[1:] or not parts.size:
        message = (
            "plot_running_sums: parts must have shape (steps, sums) and result (sums,), got "
            f"{parts.shape} and {result.shape}."
        )
        raise ShapeError(message)
    steps, sums = parts.shape
    called = [str(one + 1) for one in range(sums)] if names is None else list(map(str, names))
    if len(called) != sums:
        message = f"plot_running_sums: names must be {sums}, one a sum, got {len(called)}."
        raise ShapeError(message)
    from matplotlib.ticker import MaxNLocator

    ax = axes_or_new(ax, "plot_running_sums", (6.4, 4.2))
    running = np.concatenate([np.zeros((1, sums)), np.cumsum(parts, axis=0)])
    for index, name in enumerate(called):
        ax.plot(range(steps + 1), running[:, index], label=name, **line_style(ax, index))
    ax.plot(
        np.full(sums, steps), result, linestyle="", marker="o", markersize=8, markeredgewidth=1.4,
        markerfacecolor="none", color=color_on(ax, BLACK), label="result",
    )  # fmt: skip
    ax.axhline(0.0, color=GREY, linewidth=0.7, zorder=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="parts added", ylabel="sum")
    legend_above(ax, columns=3, compact=True)
    return ax
