"""Pictures of training: the loss by iteration and by epoch; gradients by layer; approximations."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    GREY,
    MARKERS,
    axes_or_new,
    legend,
    legend_above,
    line_style,
    several_axes,
    titled,
)
from chainrule.errors import InputTypeError, SettingError, ShapeError, listing, nearest
from chainrule.models import Sequential
from chainrule.settings import check_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "gradient_norms", "plot_approximation", "plot_gradient_norms", "plot_history", "smoothed",
]  # fmt: skip


def smoothed(values: Any, window: int) -> Any:
    """The mean of each value and its neighbors, `window` of them, fewer at the ends.

    >>> smoothed([1.0, 2.0, 6.0, 3.0], 3).tolist()
    [1.5, 3.0, 3.6666666666666665, 4.5]
    """
    values = np.asarray(values, np.float64)
    places = np.arange(len(values))
    before, after = (window - 1) // 2, window // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(places - before, 0)
    last = np.minimum(places + after + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def plot_history(
    history: Any, metric: str = "loss", *, window: int | None = None, axes: Any = None
) -> list[Axes]:
    """What training did: on the left by iteration, raw and smoothed, on the right by epoch.

    history
        What `fit` gives.
    metric
        Which of its numbers; where there is a `val_` of it, it stands beside it by epoch.
    window
        Over how many iterations is smoothed; a twentieth of them when None.
    axes
        Two matplotlib axes; those of a new figure when None.

    Raises `SettingError` for a metric that is not in it.

    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=0)
    >>> model.compile("sgd", "mse")
    >>> X = np.linspace(0.0, 1.0, 64)[:, None]
    >>> left, right = chainrule.drawing.plot_history(model.fit(X, 2 * X, epochs=5, verbose=0))
    >>> [line.get_label() for line in left.get_lines()]
    ['each iteration', 'mean of 1']
    """
    from matplotlib.ticker import MaxNLocator

    by_step, by_epoch, epochs = _numbers(history, metric)
    if window is None:
        window = max(1, len(by_step) // 20)
    check_count("plot_history", "window", window)
    left, right = several_axes(axes, "plot_history", 2, (5.2, 4.0))
    iterations = np.arange(1, len(by_step) + 1)
    left.plot(iterations, by_step, color=GREY, linewidth=0.8, label="each iteration")
    mean = smoothed(by_step, window)
    left.plot(iterations, mean, label=f"mean of {window}", **line_style(left, 0))
    left.set(xlabel="iteration", ylabel=metric, title=f"{metric} by iteration")
    for index, (name, values) in enumerate(by_epoch.items()):
        few: dict[str, Any] = (
            {"marker": MARKERS[index], "markersize": 4} if len(epochs) <= 30 else {}
        )
        right.plot(epochs, values, label=name, **line_style(right, index), **few)
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="epoch", ylabel=metric, title=f"{metric} by epoch")
    for ax in (left, right):
        legend_above(ax)
    return [left, right]


def _numbers(history: Any, metric: str) -> tuple[Any, dict[str, Any], Any]:
    """By iteration, by epoch in training and validation, and the numbers of the epochs."""
    steps, epochs = getattr(history, "steps", None), getattr(history, "history", None)
    if not isinstance(steps, Mapping) or not isinstance(epochs, Mapping):
        message = f"plot_history: needs the history that fit gives, got {type(history).__name__}."
        raise InputTypeError(message)
    if metric not in steps or metric not in epochs:
        message = f"plot_history: the history has no {metric!r}; {nearest(str(metric), steps)}"
        raise SettingError(message)
    shown = {"training": epochs[metric]}
    if f"val_{metric}" in epochs:
        shown["validation"] = epochs[f"val_{metric}"]
    return steps[metric], shown, np.asarray(history.epoch) + 1


def gradient_norms(model: Any, X: Any, y: Any, parameter: str = "kernel") -> dict[str, float]:
    """The norm of the loss's gradient with respect to one parameter of each layer, by layer.

    model
        A compiled `Sequential`; it is not changed.
    X, y
        Rows and their targets.
    parameter
        Which parameter of a layer: "kernel", or "bias".

    Raises `SettingError` where no layer has such a parameter that is trained.

    >>> import numpy as np
    >>> import chainrule
    >>> layers = [chainrule.layers.Dense(3, "tanh"), chainrule.layers.Dense(1)]
    >>> model = chainrule.Sequential([chainrule.layers.Input(2), *layers], seed=0)
    >>> model.compile("sgd", "mse")
    >>> list(chainrule.drawing.gradient_norms(model, np.eye(2), [0.0, 1.0]))
    ['dense', 'dense_1']
    """
    if not isinstance(model, Sequential):
        message = f"gradient_norms: model must be Sequential, got {type(model).__name__}."
        raise InputTypeError(message)
    _, flat = model.trainer.gradient(X, y)
    parameters = model.trainer.parameters
    names = [one.name for one in parameters.table if one.trainable]
    norms = {
        name.removesuffix(f"/{parameter}"): float(np.linalg.norm(parameters.view(flat, name)))
        for name in names
        if name.endswith(f"/{parameter}")
    }
    if not norms:
        message = f"gradient_norms: no layer trains a {parameter!r}; there are: {listing(names)}."
        raise SettingError(message)
    return norms


def plot_gradient_norms(norms: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Norms of gradients by layer, on a scale of powers of ten: do they vanish or explode?

    norms
        What `gradient_norms` gives of one network; or for each line what the legend calls it, and
        its norms from the first layer to the last: a sequence, or what `gradient_norms` gives.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    >>> import chainrule
    >>> ax = chainrule.drawing.plot_gradient_norms({"sigmoid": [1e-6, 1e-3, 1.0]})
    >>> ax.get_yscale()
    'log'
    """
    lines = _lines(norms)
    from matplotlib.ticker import MaxNLocator

    ax = axes_or_new(ax, "plot_gradient_norms", (6.2, 4.4))
    for index, (name, values) in enumerate(lines.items()):
        ax.plot(
            np.arange(1, len(values) + 1), values, label=name, markersize=5,
            marker=MARKERS[index % len(MARKERS)], **line_style(ax, index),
        )  # fmt: skip
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="layer", ylabel="norm of the gradient", title="Gradients by layer")
    if any(lines):
        legend(ax)
    return ax


def _lines(norms: object) -> dict[str, Any]:
    """The norms of each line by its name, which is empty where there is one network."""
    if not isinstance(norms, Mapping) or not norms:
        message = (
            "plot_gradient_norms: needs what gradient_norms gives, or a dict of norms by the name "
            'of the line, such as {"start": gradient_norms(model, X, y)}.'
        )
        raise InputTypeError(message)
    if all(isinstance(one, Real) for one in norms.values()):
        return {"": list(norms.values())}
    return {str(name): _by_layer(name, one) for name, one in norms.items()}


def _by_layer(name: str, norms: Any) -> Any:
    """The norms of one line, from the first layer to the last."""
    values = list(norms.values()) if isinstance(norms, Mapping) else norms
    if np.ndim(values) != 1 or not len(values) or np.asarray(values).dtype.kind not in "fiu":
        message = (
            f"plot_gradient_norms: {name!r}: needs norms, one a layer, got {type(norms).__name__}."
        )
        raise InputTypeError(message)
    return values


def plot_approximation(models: Mapping[str, Any], X: Any, y: Any, ax: Axes | None = None) -> Axes:
    """What several networks make of one input, beside what it should be.

    models
        Models with `predict`, by what the legend calls them.
    X, y
        The input in order, shape (rows,) or (rows, 1), and the targets.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=0)
    >>> X = np.linspace(0.0, 1.0, 11)
    >>> ax = chainrule.drawing.plot_approximation({"a line": model}, X, X**2)
    >>> [line.get_label() for line in ax.get_lines()]
    ['target', 'a line']
    """
    given: object = models
    if not isinstance(given, Mapping) or not given:
        message = 'plot_approximation: needs a dict of models, such as {"10 units": model}.'
        raise InputTypeError(message)
    X, y = np.asarray(X, float), np.asarray(y, float)
    if X.shape not in ((len(X),), (len(X), 1)) or y.size != len(X):
        message = (
            f"plot_approximation: X must have one number a row and y as many, got shapes "
            f"{X.shape} and {y.shape}."
        )
        raise ShapeError(message)
    outputs = {}
    for name, model in models.items():
        if not callable(getattr(model, "predict", None)):
            message = (
                f"plot_approximation: {name!r}: needs a model with predict, got "
                f"{type(model).__name__}."
            )
            raise InputTypeError(message)
        outputs[name] = np.asarray(model.predict(X.reshape(-1, 1)), float)
    ax = axes_or_new(ax, "plot_approximation", (6.4, 4.4))
    ax.plot(X.ravel(), y.ravel(), color=GREY, linewidth=5, alpha=0.6, label="target")
    for index, (name, predicted) in enumerate(outputs.items()):
        ax.plot(X.ravel(), predicted.ravel(), label=name, **line_style(ax, index))
    ax.set(xlabel="x", ylabel="output")
    titled(ax, "Approximation by one hidden layer")
    legend(ax)
    return ax
