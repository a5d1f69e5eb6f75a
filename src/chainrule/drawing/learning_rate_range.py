"""The picture of a learning-rate range test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    axes_or_new,
    color_on,
    legend_above,
    line_style,
    paper,
    titled,
)
from chainrule.errors import InputTypeError
from chainrule.models import LearningRateRange

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_learning_rate_range"]


def plot_learning_rate_range(result: LearningRateRange, ax: Axes | None = None) -> Axes:
    """The loss by learning rate, raw and smoothed, with the rate that is suggested, if any is.

    result
        What `chainrule.learning_rate_range_test` gives.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    Raises `InputTypeError` for anything else.

    >>> import numpy as np
    >>> import chainrule
    >>> X = np.linspace(-1.0, 1.0, 200)[:, None]
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
    >>> model.compile("sgd", "mse")
    >>> found = chainrule.learning_rate_range_test(model, X, 3 * X)
    >>> ax = chainrule.drawing.plot_learning_rate_range(found)
    >>> ax.get_xscale()
    'log'
    """
    if not isinstance(result, LearningRateRange):
        message = (
            "plot_learning_rate_range: needs what learning_rate_range_test gives, got "
            f"{type(result).__name__}."
        )
        raise InputTypeError(message)
    ax = axes_or_new(ax, "plot_learning_rate_range", (6.4, 4.4))
    rates, smoothed = result.rates, result.smoothed
    ax.set_xscale("log")
    ax.plot(rates, result.losses, color=GREY, linewidth=0.8, label="each batch")
    ax.plot(rates, smoothed, label="smoothed", **line_style(ax, 0))
    if result.suggestion is not None:
        least = int(np.argmin(smoothed))
        ax.plot(
            rates[least], smoothed[least], "o", color=color_on(ax, BLACK), markersize=7,
            markerfacecolor=paper(ax), label=f"least, at {rates[least]:.2g}",
        )  # fmt: skip
        ax.axvline(
            result.suggestion, label=f"suggested: {result.suggestion:.2g}", **line_style(ax, 1)
        )
    ax.set_ylim(*_seen(result))
    ax.set(xlabel="learning rate", ylabel="loss of the batch")
    titled(ax, "Learning-rate range test")
    legend_above(ax)
    return ax


def _seen(result: LearningRateRange) -> tuple[float, float]:
    """From the least loss to where the smoothed one was or went, whatever single batches did."""
    low = min(float(result.losses.min()), float(result.smoothed.min()))
    start = float(np.quantile(result.losses[: max(10, len(result.losses) // 4)], 0.98))
    high = max(float(result.smoothed.max()), start)
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room
