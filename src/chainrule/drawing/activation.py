"""The picture of an activation beside its derivative."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import GREY, axes_or_new, legend, line_style
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import Node, grad, ops, variable
from chainrule.layers import find_activation
from chainrule.settings import check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_activation"]

POINTS = 1201
HIGHEST = 6.0
"""What grows beyond it leaves the picture."""


def plot_activation(
    name: Any, low: float = -5.0, high: float = 5.0, ax: Axes | None = None
) -> Axes:
    """An activation (solid) and its derivative (dashed), from `low` to `high`.

    name
        A name, or a function on nodes. One that mixes the units of a row, such as softmax, is
        shown for the first of two units, the other held at 0.
    low, high
        Where x begins and ends.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    Values come from the graph, slopes from `chainrule.grad`. Gives the axes. A new figure is one of
    pyplot: a notebook shows it, `matplotlib.pyplot.show()` does so elsewhere, and
    `ax.figure.savefig("tanh.png")` saves it.

    >>> import chainrule
    >>> ax = chainrule.plot_activation("tanh")
    >>> [line.get_label() for line in ax.get_lines()[:2]]
    ['f(x)', "f'(x)"]
    """
    function = find_activation(name)
    low = check_number("plot_activation", "low", low, "that is finite", lambda _: True)
    above = f"above low ({low:g})"
    high = check_number("plot_activation", "high", high, above, lambda high: high > low)
    x = np.linspace(low, high, POINTS)
    value, slope, mixes = _curves(function, _title(name), x)
    ax = axes_or_new(ax, "plot_activation")
    ax.plot(x, value, label="f(x)", **line_style(ax, 0))
    ax.plot(x, slope, label="f'(x)", **line_style(ax, 1))
    ax.axhline(0.0, color=GREY, linewidth=0.7, zorder=0)
    ax.axvline(0.0, color=GREY, linewidth=0.7, zorder=0)
    both = np.concatenate([value, slope])
    seen = np.clip(both[np.isfinite(both)], -HIGHEST, HIGHEST)
    if seen.size:
        room = 0.06 * max(1.0, float(np.ptp(seen)))
        ax.set_ylim(seen.min() - room, seen.max() + room)
    ax.set_xlim(low, high)
    ax.set_xlabel("x")
    ax.set_ylabel("f(x) and its derivative")
    ax.set_title(f"{_title(name)}, first of two units (x, 0)" if mixes else _title(name))
    legend(ax)
    return ax


def _title(name: Any) -> str:
    if name is None:
        return "linear"
    if isinstance(name, str):
        return name
    return str(getattr(name, "__name__", None) or getattr(name, "name", None) or name)


def _curves(function: Any, name: str, x: Any) -> tuple[Any, Any, bool]:
    """Values and slopes of the first of two units, and whether the second has a part in it."""
    rows = variable(np.stack([x, np.zeros_like(x)], axis=1))
    result = function(rows)
    if not isinstance(result, Node):
        message = (
            f"plot_activation: {name} must give a node, got {type(result).__name__}; write it in "
            "chainrule.ops."
        )
        raise InputTypeError(message)
    if result.shape != rows.shape:
        message = (
            f"plot_activation: {name} must give the shape it is given, {rows.shape}, not "
            f"{result.shape}."
        )
        raise ShapeError(message)
    if result.array is None:
        message = f"plot_activation: {name} gives a symbolic node; build it of what it is given."
        raise SettingError(message)
    first = ops.narrow(result, axis=1, start=0, stop=1)
    slopes = np.asarray(grad(first.sum(), rows).value)
    return np.array(result.value)[:, 0], slopes[:, 0], bool(np.any(slopes[:, 1]))
