"""Pictures of a search for settings: its course, its rungs, and what each setting did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.drawing.canvas import (
    BLACK,
    GREY,
    color_on,
    legend_above,
    line_style,
    paper,
    several_axes,
    titled,
)
from chainrule.errors import InputTypeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_search"]

MOST_NAMES = 8
MOST_POWERS = 5
DRAWN = ("layers", "units")
"""What is searched in place of `hidden`."""
Trials = Sequence[Mapping[str, Any]]


def plot_search(record: Any, axes: Any = None) -> list[Axes]:
    """The score by trial with the best so far, and against each setting that was searched.

    record
        What `to_record` of a `chainrule.tune` gives, or search.json of a run folder holds.
    axes
        As many matplotlib axes as there are pictures: the course, of Hyperband the rungs, and one
        a setting that had several values; those of a new figure when None.

    Raises `InputTypeError` for anything else.

    >>> import chainrule
    >>> trials = [{"number": n, "score": s, "settings": {"dropout": d}, "place": {}, "rungs": []}
    ...           for n, (s, d) in enumerate([(0.5, 0.1), (0.4, 0.3)])]
    >>> record = {"method": "random", "score": "validation loss", "lower_is_better": True,
    ...           "best": 1, "space": {"dropout": {"low": 0.0, "high": 0.5}}, "trials": trials}
    >>> [ax.get_xlabel() for ax in chainrule.drawing.plot_search(record)]
    ['trial', 'dropout']
    """
    if not isinstance(record, Mapping) or "trials" not in record or "lower_is_better" not in record:
        message = (
            "plot_search: needs the record of a search, as to_record() of what tune gives, got "
            f"{type(record).__name__}."
        )
        raise InputTypeError(message)
    trials = [one for one in record["trials"] if one["score"] is not None]
    having = {
        name: [one for one in trials if _value(one, name) is not None] for name in record["space"]
    }
    names = [
        name
        for name, some in having.items()
        if len({_spelled(_value(one, name)) for one in some}) > 1
    ]
    has_rungs = record["method"] == "hyperband"
    count = 1 + has_rungs + len(names)
    found = several_axes(axes, "plot_search", count, (4.2, 3.6), columns=min(3, count))
    _course(found[0], record, trials)
    if has_rungs:
        _rungs(found[1], record, trials)
    for ax, name in zip(found[1 + has_rungs :], names, strict=True):
        _setting(ax, record, having[name], name)
    return found


def _course(ax: Axes, record: Mapping[str, Any], trials: Trials) -> None:
    from matplotlib.ticker import MaxNLocator

    numbers, scores = [one["number"] for one in trials], _scores(trials)
    ax.plot(numbers, scores, "o", color=GREY, markersize=4, label="each trial")
    best = np.minimum.accumulate if record["lower_is_better"] else np.maximum.accumulate
    if len(scores):
        ax.step(numbers, best(scores), where="post", label="best so far", **line_style(ax, 0))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _limited(ax, record, scores)
    ax.set(xlabel="trial", ylabel=record["score"])
    titled(ax, "Search")
    legend_above(ax)


def _rungs(ax: Axes, record: Mapping[str, Any], trials: Trials) -> None:
    """A line a trial through the scores of its rungs; those of the last rung stand out."""
    longest = max((len(one["rungs"]) for one in trials), default=0)
    last = max((one["rungs"][-1][0] for one in trials if one["rungs"]), default=0)
    told = set()
    for one in sorted(trials, key=lambda one: len(one["rungs"])):
        if not one["rungs"]:
            continue
        epochs, scores = zip(*one["rungs"], strict=True)
        whole = epochs[-1] == last and longest > 1
        name = "trained to the end" if whole else "given up"
        style = line_style(ax, 0) if whole else {"color": GREY, "linewidth": 0.8}
        numbers = [math.nan if score is None else score for score in scores]
        ax.plot(
            epochs, numbers, marker="o", markersize=3, label=None if name in told else name, **style
        )
        told.add(name)
    ax.set_xscale("log")
    _ticked(ax, sorted({epochs for one in trials for epochs, _ in one["rungs"]}))
    _limited(ax, record, _scores(trials))
    ax.set(xlabel="epochs of the trial", ylabel=f"best {record['score']}")
    titled(ax, "Rungs")
    legend_above(ax)


def _setting(ax: Axes, record: Mapping[str, Any], trials: Trials, name: str) -> None:
    values = [_value(one, name) for one in trials]
    scores = _scores(trials)
    places: Any = values
    dimension = record["space"].get(name, {})
    if isinstance(dimension, list):
        named = list(dict.fromkeys(_spelled(one) for one in [*dimension, *values]))
        places = [named.index(_spelled(one)) for one in values]
        shown = range(0, len(named), math.ceil(len(named) / MOST_NAMES) or 1)
        crowded = sum(len(named[one]) for one in shown) > 24
        ax.set_xticks(
            list(shown), [named[one] for one in shown], rotation=30 if crowded else 0,
            ha="right" if crowded else "center",
        )  # fmt: skip
        ax.set_xlim(-0.5, len(named) - 0.5)
    else:
        _scaled(ax, dimension, values)
    ax.plot(places, scores, "o", color=color_on(ax, BLACK), markersize=4, alpha=0.6)
    best = [place for place, one in enumerate(trials) if one["number"] == record["best"]]
    for place in best:
        ax.plot(
            places[place], scores[place], "o", color=color_on(ax, "#d55e00"), markersize=9,
            markerfacecolor=paper(ax), markeredgewidth=2, zorder=3,
        )  # fmt: skip
    _limited(ax, record, scores)
    ax.set(xlabel=name, ylabel=record["score"])


def _scaled(ax: Axes, dimension: Mapping[str, Any], values: Sequence[float]) -> None:
    """An axis as a range is searched, with ticks at numbers that the setting could have."""
    from matplotlib.ticker import MaxNLocator

    whole = all(isinstance(one, int) for one in values)
    if not dimension.get("log"):
        if whole:
            ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        return
    if dimension.get("zero"):
        ax.set_xscale("symlog", linthresh=dimension["low"], linscale=0.3)
    else:
        ax.set_xscale("log")
    places = _round_places([one for one in values if one > 0])
    if whole:
        places = [one for one in places if one == round(one)]
    _ticked(ax, [0, *places] if dimension.get("zero") else places)


def _round_places(values: Sequence[float]) -> list[float]:
    """Powers of ten among some values; also 2 and 5 times them where they are few, else the ends.

    >>> _round_places([3e-5, 0.02]), _round_places([70, 110, 300]), _round_places([76, 77, 78])
    ([0.0001, 0.001, 0.01], [100.0, 200.0], [76, 78])
    """
    if not values:
        return []
    low, high = min(values), max(values)
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    finer = [float(f"{step}e{exponent}") for exponent in exponents for step in (1, 2, 5)]
    powers = [one for one in finer[::3] if low <= one <= high]
    if len(powers) >= 3:
        return powers[:: math.ceil(len(powers) / MOST_POWERS)]
    found = [one for one in finer if low <= one <= high]
    return found if len(found) >= 2 else sorted({low, high})


def _ticked(ax: Axes, places: Sequence[float]) -> None:
    """Ticks of an axis by powers of ten, and no others."""
    from matplotlib.ticker import NullLocator

    ax.set_xticks(places, [f"{one:.3g}" if one < 1000 else f"{one:g}" for one in places])
    ax.xaxis.set_minor_locator(NullLocator())


def _limited(ax: Axes, record: Mapping[str, Any], scores: Any) -> None:
    """Keep the few worst scores from taking the room of all others."""
    if len(scores) < 4:
        return
    sign = 1.0 if record["lower_is_better"] else -1.0
    low, far = float((sign * scores).min()), float(np.quantile(sign * scores, 0.8))
    room = 0.06 * (far - low) or 0.1
    ends = sorted((sign * (low - room), sign * (far + 4 * room)))
    ax.set_ylim(*ends)


def _scores(trials: Trials) -> Any:
    return np.array([one["score"] for one in trials], np.float64)


def _spelled(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _value(trial: Mapping[str, Any], name: str) -> Any:
    """What a trial had of a setting; None where it did not matter."""
    return trial["place"].get(name) if name in DRAWN else trial["settings"].get(name)
