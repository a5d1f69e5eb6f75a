"""Where a network changes its mind: decision boundaries in the plane."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import BLACK, MARKERS, axes_or_new, legend_above, several_axes
from chainrule.drawing.points import half_moons
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.layers import Dense, Input
from chainrule.models import Sequential
from chainrule.optimizers import Adam
from chainrule.settings import check_counts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_boundaries_by_units", "plot_decision_boundary"]

GRID = 241
FLAT = 1e-6
"""Where an output does not leave 1/2 by more, it is flat, and its crossings are rounding."""
SHADES = ("#fbf7ec", "#9dbdd6")
"""From an output of 0 to one of 1: light to darker, so that grey shows it too."""
FILLS = ("#ffffff", "#12395b", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Of the rows of a class."""
TINTS = ("#ffffff", "#869aab", "#f4d691", "#7fceb9", "#f5e5ee", "#9fd5f3", "#e39556")
"""Of the places that a class of several wins: the color of its rows, and as light as no other."""


def plot_decision_boundary(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """What a model says at every place of the plane, its boundary, and the rows.

    model
        Anything whose `predict` gives for each row one number, which is compared with 1/2, or a
        number a class, of which the largest wins.
    X, y
        Rows of two numbers, and their classes as whole numbers from 0, shape (rows,) or (rows, 1).
    ax
        matplotlib axes to draw on; those of a new figure when None.

    Raises `ShapeError` and `DataError` for rows and classes that cannot be drawn.

    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1, "sigmoid")], seed=0)
    >>> ax = chainrule.drawing.plot_decision_boundary(model, np.eye(2), [0, 1])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('$x_1$', '$x_2$')
    """
    X, classes = _checked(X, y)
    if not callable(getattr(model, "predict", None)):
        message = f"plot_decision_boundary: needs a model with predict, got {type(model).__name__}."
        raise InputTypeError(message)
    ax = axes_or_new(ax, "plot_decision_boundary", (5.2, 4.6))
    _draw(ax, model, X, classes)
    ax.set_title("Decision boundary")
    legend_above(ax, columns=3, compact=True)
    return ax


def _draw(ax: Axes, model: Any, X: Any, classes: Any, top: float | None = None) -> None:
    """The plane, up to `top` where there is no legend above it, and the rows."""
    low, high = X.min(axis=0), X.max(axis=0)
    room = 0.15 * np.where(high > low, high - low, 1.0)
    if top is not None:
        high[1] = top - room[1]
    across, up = (np.linspace(a, b, GRID) for a, b in zip(low - room, high + room, strict=True))
    places = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    answers = np.asarray(model.predict(places), float).reshape(len(places), -1)
    _shade(ax, across, up, answers)
    size = 38 if len(X) > 20 else 90
    for each in np.unique(classes):
        x1, x2 = X[classes == each].T
        ax.scatter(
            x1, x2, s=size, marker=MARKERS[each % len(MARKERS)], linewidths=0.9,
            c=FILLS[each % len(FILLS)], edgecolors=BLACK if each != 1 else "#ffffff",
            label=f"class {each}", zorder=3,
        )  # fmt: skip
    ax.set(xlim=across[[0, -1]], ylim=up[[0, -1]], xlabel="$x_1$", ylabel="$x_2$")
    ax.grid(visible=False)


def _shade(ax: Axes, across: Any, up: Any, answers: Any) -> None:
    """The plane in light colors, and lines where the answer changes.

    The colors are an image in files such as SVG, where each of their cells would be a path.
    """
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    shape, count = (len(up), len(across)), answers.shape[1]
    if count == 1:
        output = answers[:, 0].reshape(shape)
        shades = LinearSegmentedColormap.from_list("shades", SHADES)
        # what is far beyond 0 and 1 is drawn as they are
        ax.contourf(
            across, up, output.clip(0.0, 1.0), levels=np.linspace(0, 1, 10), cmap=shades,
            rasterized=True,
        )  # fmt: skip
        lines = [output - 0.5]
    else:
        won = answers.argmax(axis=1).reshape(shape).astype(float)
        of_classes = SHADES if count == 2 else [TINTS[one % len(TINTS)] for one in range(count)]
        tints = ListedColormap(of_classes)
        ax.pcolormesh(
            across, up, won, cmap=tints, vmin=0, vmax=count - 1, shading="nearest", rasterized=True
        )
        lines = []
        for one in range(count):
            others = np.delete(answers, one, axis=1).max(axis=1)
            lines.append((answers[:, one] - others).reshape(shape))
    for line in lines:
        if line.min() < -FLAT and line.max() > FLAT:
            ax.contour(across, up, line, levels=[0.0], colors=BLACK, linewidths=1.5)


def _checked(X: Any, y: Any) -> tuple[Any, Any]:
    """Rows of two finite numbers, and classes as whole numbers of one axis."""
    X, classes = np.asarray(X, float), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2 or not len(X):
        message = (
            f"plot_decision_boundary: X must have rows of two numbers, got shape {X.shape}; "
            "choose two columns."
        )
        raise ShapeError(message)
    if classes.shape not in ((len(X),), (len(X), 1)):
        message = (
            f"plot_decision_boundary: y must have one class a row, shape ({len(X)},), got shape "
            f"{classes.shape}."
        )
        raise ShapeError(message)
    classes = classes.reshape(-1)
    whole = classes.dtype.kind in "biuf" and bool(np.all(classes == np.floor(classes)))
    if not np.isfinite(X).all() or not whole or classes.min() < 0:
        message = (
            "plot_decision_boundary: X must be finite, and y whole numbers from 0 for classes; "
            "leave out the rows that are not, and number the classes."
        )
        raise DataError(message)
    return X, classes.astype(int)


def plot_boundaries_by_units(
    units: Iterable[int] = (3, 6, 20), X: Any = None, y: Any = None, *, activation: Any = "tanh",
    epochs: int = 3000, seed: int = 1, axes: Any = None,
) -> list[Axes]:  # fmt: skip
    """Networks with one hidden layer of several widths, trained on the same rows, side by side.

    units
        Widths.
    X, y
        Rows of two numbers and their class, 0 or 1; two noisy half moons when None.
    activation, epochs, seed
        Of the hidden layer; steps of Adam on all rows; what starts are drawn from.
    axes
        As many matplotlib axes as there are widths; those of a new figure when None.

    >>> import chainrule
    >>> axes = chainrule.drawing.plot_boundaries_by_units((3, 6), epochs=5)
    >>> [ax.get_title() for ax in axes]
    ['3 hidden units', '6 hidden units']
    """
    widths = check_counts("plot_boundaries_by_units", "units", units)
    if (X is None) != (y is None):
        message = "plot_boundaries_by_units: X and y belong together; give both or neither."
        raise SettingError(message)
    X, y = _checked(X, y) if X is not None else half_moons(120, 0.3)
    places = several_axes(axes, "plot_boundaries_by_units", len(widths), (4.2, 4.0))
    for width, ax in zip(widths, places, strict=True):
        hidden = Dense(width, activation)
        model = Sequential([Input((2,)), hidden, Dense(1, "sigmoid")], seed=seed)
        model.compile(Adam(0.03), "binary_crossentropy")
        model.fit(X, y, batch_size=len(X), epochs=epochs, verbose=0)
        if ax is places[0]:
            plot_decision_boundary(model, X, y, ax=ax)
        else:  # the same scale, and shades where the first has its legend
            _draw(ax, model, *_checked(X, y), top=places[0].get_ylim()[1])
            ax.set_ylabel("")
        ax.set_title(f"{width} hidden unit{'s' if width > 1 else ''}")
    return places
