"""Pictures of descent: optimizers' paths on a surface, and learning rates side by side."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    MARKERS,
    axes_or_new,
    color_on,
    legend,
    legend_above,
    line_style,
    several_axes,
    titled,
)
from chainrule.drawing.points import half_moons
from chainrule.errors import InputTypeError, SettingError, TrainingError, nearest
from chainrule.graph import Node, grad, variable
from chainrule.layers import Dense, Input
from chainrule.models import Sequential
from chainrule.optimizers import SGD, Adam, Optimizer, RMSprop, find_optimizer
from chainrule.settings import check_count, check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["path", "plot_learning_rates", "plot_optimizer_paths"]

RATES: Mapping[str, float] = {
    "0.01: too low": 0.01, "3: good": 3.0, "10: high": 10.0, "30: too high": 30.0,
}  # fmt: skip
FARTHEST = 1e6
"""Farther from 0 no path goes on: it has left the picture, and soon the numbers."""
HIGHEST = 500.0
"""A loss that is larger than so many times the first leaves the picture."""


@dataclass(frozen=True)
class Surface:
    """A function of two numbers, where descent starts, and what is seen of it."""

    name: str
    height: Callable[[Node, Node], Node]
    start: tuple[float, float]
    across: tuple[float, float]
    up: tuple[float, float]


SURFACES = {
    "saddle": Surface(
        "saddle: $x^2 - y^2$", lambda x, y: x * x - y * y, (-1.6, 0.02), (-2.0, 2.0), (-1.5, 1.5)
    ),
    "valley": Surface(
        "valley: $x^2 / 20 + y^2$", lambda x, y: x * x * 0.05 + y * y, (-7.0, 1.6), (-8.0, 4.0),
        (-2.2, 2.2),
    ),
}  # fmt: skip
RULES: Mapping[str, Optimizer] = {
    "SGD": SGD(0.1),
    "momentum": SGD(0.1, momentum=0.8),
    "Nesterov": SGD(0.1, momentum=0.8, nesterov=True),
    "RMSprop": RMSprop(0.1),
    "Adam": Adam(0.2),
}


def path(
    optimizer: Any, height: Callable[[Node, Node], Node], start: Sequence[float], steps: int
) -> Any:
    """The places that an optimizer's own rule goes through, shape (steps + 1, 2).

    optimizer
        A name or an object.
    height
        A function of two scalar nodes that gives a scalar node.
    start, steps
        Where it begins, and how many steps it makes; a path ends before a place that is no number
        or beyond a million.

    >>> from chainrule.optimizers import SGD
    >>> path(SGD(0.25), lambda x, y: x * x + y * y, (4.0, -2.0), 2).tolist()
    [[4.0, -2.0], [2.0, -1.0], [1.0, -0.5]]
    """
    rule = find_optimizer(optimizer)
    place = np.array(start, np.float64)
    slots = tuple(np.full(2, rule.initial(slot)) for slot in rule.slots)
    places = [place]
    for step in range(1, steps + 1):
        x, y = variable(place[0]), variable(place[1])
        slope = np.array([node.value for node in grad(_level(height, x, y), [x, y])])
        place, *slots = rule.update(place, slope, rule.line(step), *slots)  # type: ignore[assignment]
        if not (abs(place) <= FARTHEST).all():  # nan too
            break
        places.append(place)
    return np.array(places)


def _level(height: Callable[[Node, Node], Any], x: Node, y: Node) -> Node:
    """What a surface gives, where it is a node with a number for each place."""
    level = height(x, y)
    if not isinstance(level, Node) or level.shape != x.shape:
        shown = f"shape {level.shape}" if isinstance(level, Node) else type(level).__name__
        message = (
            f"plot_optimizer_paths: a surface must give a node of the shape {x.shape} it is given, "
            f"got {shown}; write it with its two arguments and chainrule.ops."
        )
        raise InputTypeError(message)
    return level


def plot_optimizer_paths(
    optimizers: Any = None, surfaces: Any = ("saddle", "valley"), *, steps: int = 60,
    start: Sequence[float] | None = None, axes: Any = None,
) -> list[Axes]:  # fmt: skip
    """The paths of several optimizers over contours, a picture for each surface.

    optimizers
        A dict of optimizers (names or objects) by what the legend calls them, or a list; SGD,
        momentum, Nesterov, RMSprop and Adam when None.
    surfaces
        Of "saddle", "valley" and functions of two nodes (x, y), seen from -3 to 3.
    steps, start
        Steps that each makes; where all begin, a place of its own for each surface when None.
    axes
        As many matplotlib axes as there are surfaces; those of a new figure when None.

    The legend says which optimizers hardly move, as some do at their usual rate, and the title
    where a path goes on outside what is seen.

    >>> import chainrule
    >>> axes = chainrule.drawing.plot_optimizer_paths({"plain": "sgd"}, ["valley"], steps=3)
    >>> len(axes[0].get_lines()[0].get_xdata())
    4
    """
    rules = _rules(optimizers)
    check_count("plot_optimizer_paths", "steps", steps)
    chosen = [_surface(one) for one in _listed("surfaces", surfaces)]
    if start is not None:
        start = _pair(start)
    walked = [
        {
            name: path(rule, surface.height, start or surface.start, steps)
            for name, rule in rules.items()
        }
        for surface in chosen
    ]
    places = several_axes(axes, "plot_optimizer_paths", len(chosen), (5.4, 4.4))
    for surface, ax, paths in zip(chosen, places, walked, strict=True):
        _contours(ax, surface)
        for index, (name, places_of) in enumerate(paths.items()):
            still = all(_stays(one[name], seen) for one, seen in zip(walked, chosen, strict=True))
            ax.plot(
                *places_of.T, label=f"{name}: hardly moves" if still else name,
                marker=MARKERS[index % len(MARKERS)], markersize=4.5,
                markevery=max(1, steps // 12), **line_style(ax, index),
            )  # fmt: skip
        ax.plot(
            *(start or surface.start), marker="*", markersize=13, color=color_on(ax, BLACK),
            linestyle="", zorder=4, label="start",
        )  # fmt: skip
        ax.set(xlim=surface.across, ylim=surface.up, xlabel="x", ylabel="y")
        leave = any(_leaves(one, surface) for one in paths.values())
        titled(ax, surface.name + ("; paths go on outside" if leave else ""))
    legend(places[0])
    return places


def _size(surface: Surface) -> Any:
    """Width and height of what is seen of a surface."""
    return np.ptp([surface.across, surface.up], axis=1)


def _stays(walked: Any, surface: Surface) -> bool:
    """Whether a path is too short to be seen."""
    return bool(np.all(np.ptp(walked, axis=0) < 0.03 * _size(surface)))


def _leaves(walked: Any, surface: Surface) -> bool:
    """Whether a path leaves what is seen of its surface."""
    middle = np.mean([surface.across, surface.up], axis=1)
    return bool(np.any(abs(walked - middle) > 0.5 * _size(surface)))


def _listed(setting: str, given: Any) -> list[Any]:
    """What is given alone or in a list, in a list; a sentence where the list is empty."""
    listed = list(given) if isinstance(given, list | tuple) else [given]
    if not listed:
        message = f"plot_optimizer_paths: {setting} is empty; give one or more, or leave it out."
        raise SettingError(message)
    return listed


def _rules(given: Any) -> Mapping[str, Optimizer]:
    if given is None:
        return RULES
    if isinstance(given, Mapping):
        return {str(name): find_optimizer(one) for name, one in given.items()}
    found = [find_optimizer(one) for one in _listed("optimizers", given)]
    named = [type(one).__name__ for one in found]
    return {
        name if named.count(name) == 1 else str(one)[:40]: one
        for name, one in zip(named, found, strict=True)
    }


def _pair(start: Any) -> tuple[float, float]:
    if np.shape(start) != (2,):
        message = f"plot_optimizer_paths: start must be two numbers (x, y), got {start!r}."
        raise SettingError(message)
    x, y = (
        check_number("plot_optimizer_paths", "start", float(one), "that is finite", lambda _: True)
        for one in start
    )
    return x, y


def _surface(given: Any) -> Surface:
    if callable(given):
        name = getattr(given, "__name__", "surface")
        shown = "surface" if name == "<lambda>" else name
        return Surface(shown, given, (-2.0, 1.0), (-3.0, 3.0), (-3.0, 3.0))
    if not isinstance(given, str) or given not in SURFACES:
        message = f"plot_optimizer_paths: surface {given!r} is not known; " + nearest(
            str(given), SURFACES
        )
        raise SettingError(message)
    return SURFACES[given]


def _contours(ax: Axes, surface: Surface) -> None:
    x, y = np.meshgrid(np.linspace(*surface.across, 121), np.linspace(*surface.up, 121))
    levels = _level(surface.height, variable(x), variable(y)).value
    ax.contour(x, y, levels, levels=16, colors=GREY, linewidths=0.7, linestyles="solid")


def plot_learning_rates(
    rates: Iterable[float] | Mapping[str, float] = RATES, model: Any = None, X: Any = None,
    y: Any = None, *, epochs: int = 200, batch_size: int | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """The loss by iteration of the same network at several learning rates, in one picture.

    rates
        Learning rates, or a dict of them by what the legend calls them.
    model, X, y
        A compiled `Sequential` and its data: each rate begins with a copy of it and a new
        optimizer, so that it stays as it is. A 2-8-1 network, SGD, and two half moons when None.
    epochs, batch_size
        How long; all rows where `batch_size` is None.
    ax
        matplotlib axes to draw on; those of a new figure when None.

    The scale is one of powers of ten. A line ends where the loss is no longer finite, and is cut
    off below the legend where it is more than 500 times the first.

    >>> import chainrule
    >>> ax = chainrule.drawing.plot_learning_rates((0.01, 0.1), epochs=3)
    >>> [line.get_label() for line in ax.get_lines()]
    ['rate 0.01', 'rate 0.1']
    """
    check_count("plot_learning_rates", "epochs", epochs)
    if batch_size is not None:
        check_count("plot_learning_rates", "batch_size", batch_size)
    given = [model is None, X is None, y is None]
    if any(given) and not all(given):
        message = "plot_learning_rates: model, X and y belong together; give all or none."
        raise SettingError(message)
    if all(given):
        X, y = half_moons(120, 0.2)
        model = Sequential([Input((2,)), Dense(8, "relu"), Dense(1, "sigmoid")], seed=0)
        model.compile("sgd", "binary_crossentropy")
    if not isinstance(model, Sequential):
        message = f"plot_learning_rates: model must be Sequential, got {type(model).__name__}."
        raise InputTypeError(message)
    lines = {
        name: _losses(model, rate, X, y, epochs, batch_size) for name, rate in _named(rates).items()
    }
    ax = axes_or_new(ax, "plot_learning_rates", (6.4, 4.4))
    ax.set_yscale("log")
    ax.set(xlabel="iteration", ylabel="loss")
    ax.set_ylim(_seen(list(lines.values())))
    for index, (name, losses) in enumerate(lines.items()):
        ax.plot(np.arange(1, len(losses) + 1), losses, label=name, **line_style(ax, index))
    titled(ax, "Loss at several learning rates")
    legend_above(ax, compact=True)
    return ax


def _seen(lines: Sequence[Any]) -> tuple[float, float]:
    """From the smallest loss to the largest that is not out of all proportion to the first."""
    together = np.concatenate(lines).astype(np.float64)
    highest = HIGHEST * max(float(line[0]) for line in lines)
    together = together[(together > 0) & (together <= highest)]
    if not together.size:
        return 0.1, 1.0
    return float(together.min()) / 1.3, float(together.max()) * 1.3


def _named(rates: Any) -> dict[str, float]:
    """Learning rates by what the legend calls them."""
    given: dict[Any, Any] = {}
    if isinstance(rates, Mapping):
        given = dict(rates)
    elif isinstance(rates, Iterable) and not isinstance(rates, str):
        given = {f"rate {rate:g}" if _is_number(rate) else rate: rate for rate in rates}
    if not given:
        message = (
            f"plot_learning_rates: rates must be numbers in a list, such as (0.01, 0.1), or a dict "
            f"of them, got {rates!r}."
        )
        raise SettingError(message)
    owner, allowed = "plot_learning_rates", "above 0"
    return {
        str(name): check_number(owner, "rates", rate, allowed, lambda rate: rate > 0)
        for name, rate in given.items()
    }


def _is_number(rate: Any) -> bool:
    return isinstance(rate, int | float | np.number)


def _losses(model: Sequential, rate: float, X: Any, y: Any, epochs: int, size: int | None) -> Any:
    """The loss of every step of a copy trained at a rate, up to the first that is not finite."""
    one = copy.deepcopy(model)
    rule = replace(one.optimizer.description, learning_rate=rate)
    one.compile(**one.compile_settings | {"optimizer": rule})
    try:
        one.fit(X, y, batch_size=size or len(X), epochs=epochs, verbose=0)
    except TrainingError:
        if one.history is None or "loss" not in one.history.steps:
            raise
    return one.history.steps["loss"]  # type: ignore[union-attr]
