"""The pictures of a judgment: ROC, precision and recall, calibration, confusion; residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    COLORS,
    GREY,
    axes_or_new,
    color_on,
    legend_above,
    line_style,
    paper,
    several_axes,
    titled,
)
from chainrule.errors import ShapeError
from chainrule.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_judgment", "plot_learning_curve", "plot_residuals"]

LONGEST = 14
MOST_NAMED = 6
MOST_CELLS = 12
MOST_POINTS = 5_000
Points = tuple[Any, Any]


def plot_judgment(
    roc: Mapping[str, Points],
    precision_recall: Mapping[str, Points],
    calibration: tuple[Any, Any, Any, Any],
    confusion: Any,
    labels: Sequence[Any],
    axes: Any = None,
    *,
    of: int = 0,
) -> list[Axes]:
    """ROC curve, precision and recall, calibration and confusion matrix, four pictures.

    roc
        Of each class what the legend calls it, and the shares of false alarms and found.
    precision_recall
        The same with the shares found (recall) and right (precision).
    calibration
        Mean probability, share that came true, and the ends of its interval, of groups of rows.
    confusion
        Rows by true (down) and predicted (across) class; None where there are too many.
    labels
        The classes in the order of the confusion matrix.
    axes
        Four matplotlib axes to draw on; those of a new figure when None.
    of
        Of more than two classes how many there are, where curves may be of the most frequent ones
        and the matrix of the most confused ones; titles say so.

    >>> import chainrule
    >>> curve = {"yes": ([0.0, 0.2, 1.0], [0.0, 0.9, 1.0])}
    >>> groups = ([0.1, 0.8], [0.2, 0.7], [0.1, 0.6], [0.3, 0.8])
    >>> axes = chainrule.drawing.plot_judgment(curve, curve, groups, [[8, 2], [1, 9]], "ny")
    >>> [ax.get_title() for ax in axes]
    ['ROC curve', 'Precision and recall', 'Calibration', 'Confusion']
    """
    four = several_axes(axes, "plot_judgment", 4, (4.4, 3.9), columns=2)
    _curves(four[0], roc, "ROC curve", "share of false alarms", "share found (recall)", of)
    four[0].plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=0)
    found, right = "share found (recall)", "precision"
    _curves(four[1], precision_recall, "Precision and recall", found, right, of)
    _calibration(four[2], *(np.asarray(one, float) for one in calibration))
    _confusion(four[3], confusion, labels, of)
    return four


def _curves(
    ax: Axes, curves: Mapping[str, Points], title: str, across: str, up: str, of: int
) -> None:
    for index, (name, (x, y)) in enumerate(curves.items()):
        named = len(curves) <= MOST_NAMED
        style = line_style(ax, index) if named else {"color": GREY, "linewidth": 0.9}
        ax.plot(x, y, label=name if named else None, **style)
    ax.set(xlabel=across, ylabel=up, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    titled(ax, f"{title}: {len(curves)} most frequent of {of:,}" if len(curves) < of else title)
    if 1 < len(curves) <= MOST_NAMED:
        legend_above(ax, columns=3, compact=True)


def _calibration(ax: Axes, predicted: Any, observed: Any, low: Any, high: Any) -> None:
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=0)
    ink = color_on(ax, BLACK)
    ax.vlines(predicted, low, high, color=ink, linewidth=1.0)
    ax.plot(predicted, observed, "o", color=ink, markersize=4, markerfacecolor=paper(ax))
    ax.set(
        xlabel="mean probability", ylabel="share that came true", xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )  # fmt: skip
    titled(ax, "Calibration")


def _confusion(ax: Axes, confusion: Any, labels: Sequence[Any], of: int) -> None:
    count = len(labels)
    titled(ax, f"Confusion: {count} most confused of {of:,}" if count < of else "Confusion")
    if confusion is None or len(labels) > MOST_CELLS:
        ax.set_axis_off()
        ax.text(
            0.5, 0.5, f"{len(labels)} classes\nare too many to show", ha="center", va="center",
            color=color_on(ax, BLACK), transform=ax.transAxes,
        )  # fmt: skip
        return
    from matplotlib.colors import LinearSegmentedColormap

    counts = np.asarray(confusion, float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    ground, ink = paper(ax), color_on(ax, BLACK)
    colors = LinearSegmentedColormap.from_list("shares", [ground, color_on(ax, COLORS[1])])
    ax.imshow(shares, cmap=colors, vmin=0.0, vmax=1.6, aspect="auto")
    names = [shortened(str(label), LONGEST) for label in labels]
    turned = 90 if len(names) > 4 else 0
    ax.set_xticks(range(len(names)), names, rotation=turned)
    ax.set_yticks(range(len(names)), names)
    size = "medium" if len(names) <= 5 else "x-small"
    for row, column in np.ndindex(counts.shape):
        ax.text(
            column, row, f"{counts[row, column]:,.6g}", ha="center", va="center", color=ink,
            fontsize=size,
        )  # fmt: skip
    ax.grid(visible=False)
    ax.set(xlabel="predicted", ylabel="truth")


def plot_residuals(truth: Any, prediction: Any, target: str = "y", axes: Any = None) -> list[Axes]:
    """Truth by prediction, and how often which residual (truth - prediction) is met.

    truth, prediction
        Numbers, one a row; of more than 5,000 rows as many are shown, evenly taken.
    target
        What the axes call them.
    axes
        Two matplotlib axes to draw on; those of a new figure when None.

    Raises `ShapeError` where they are not equally many.

    >>> import chainrule
    >>> axes = chainrule.drawing.plot_residuals([1.0, 2.0, 4.0], [1.5, 2.0, 3.0], "price")
    >>> axes[0].get_xlabel()
    'predicted price'
    """
    truth, prediction = np.asarray(truth, float), np.asarray(prediction, float)
    if truth.ndim != 1 or truth.shape != prediction.shape or not truth.size:
        message = (
            "plot_residuals: truth and prediction must be as many numbers, got shapes "
            f"{truth.shape} and {prediction.shape}."
        )
        raise ShapeError(message)
    first, second = several_axes(axes, "plot_residuals", 2, (4.6, 3.9))
    shown = np.linspace(0, len(truth) - 1, min(MOST_POINTS, len(truth))).astype(np.int64)
    ink = color_on(first, COLORS[1])
    first.plot(
        prediction[shown], truth[shown], "o", markersize=3, color=ink, markeredgewidth=0,
        alpha=float(np.clip(300 / len(shown), 0.15, 1.0)), rasterized=len(shown) > 1000,
    )  # fmt: skip
    ends = [min(truth.min(), prediction.min()), max(truth.max(), prediction.max())]
    first.plot(ends, ends, color=color_on(first, BLACK), linewidth=0.9)
    first.set(xlabel=f"predicted {target}", ylabel=target)
    titled(first, "Truth by prediction")
    residuals = truth - prediction
    low, high = np.quantile(residuals, [0.005, 0.995])
    within = residuals[(residuals >= low) & (residuals <= high)]
    second.hist(
        within, bins=min(40, max(5, len(within) // 10)), color=color_on(second, "#9dbdd6"),
        edgecolor=color_on(second, BLACK), linewidth=0.5,
    )  # fmt: skip
    second.axvline(0.0, color=color_on(second, BLACK), linewidth=0.9)
    second.set(xlabel=f"{target} - predicted {target}", ylabel="rows")
    titled(second, "Residuals", "Residuals")
    return [first, second]


def plot_learning_curve(
    sizes: Any, learned: Any, held: Any, score: str = "score", ax: Axes | None = None
) -> Axes:
    """Scores on rows learned from and on rows held out by the number of rows learned from.

    learned, held
        Shape (sizes, fits): the lines are means over the fits, with their deviation around them.
    score
        What the vertical axis is called.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    Raises `ShapeError` where the shapes do not go together.

    >>> import chainrule
    >>> ax = chainrule.drawing.plot_learning_curve([10, 20], [[0.9], [0.8]], [[0.6], [0.7]])
    >>> ax.get_lines()[1].get_ydata().tolist()
    [0.6, 0.7]
    """
    sizes, learned, held = (np.asarray(one, float) for one in (sizes, learned, held))
    if sizes.ndim != 1 or learned.shape != held.shape or learned.shape[:1] != sizes.shape:
        message = (
            "plot_learning_curve: learned and held must have shape (sizes, fits), got "
            f"{learned.shape} and {held.shape} for {sizes.shape} sizes."
        )
        raise ShapeError(message)
    ax = axes_or_new(ax, "plot_learning_curve", (6.0, 4.0))
    for index, (name, scores) in enumerate((("rows learned from", learned), ("held out", held))):
        style = line_style(ax, index)
        mean, spread = scores.mean(axis=1), scores.std(axis=1)
        ax.plot(sizes, mean, marker="o", markersize=4, label=name, **style)
        ax.fill_between(
            sizes, mean - spread, mean + spread, color=style["color"], alpha=0.18, linewidth=0
        )
    ax.set(xlabel="rows to learn from", ylabel=score)
    titled(ax, "Learning curve")
    legend_above(ax)
    return ax
