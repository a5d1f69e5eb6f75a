"""What a report shows of a search for settings: its course, its rungs, each setting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.reporting.chart import NARROW, Axis, Chart, Legend, Pen, Tick, named_ticks, spelled

__all__ = ["search_section"]

SHOWN = 5
SPREAD = 4.0
LOG_BEYOND = 5.0

DRAWN = ("layers", "units")
"""What is searched in place of `hidden`."""
Trials = Sequence[Mapping[str, Any]]
TPE = "near those that had done well (Optuna's TPE sampler)"


def search_section(record: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The search that a run came of; None where it came of none."""
    if record is None:
        return None
    trials = [one for one in record["trials"] if one["score"] is not None]
    sign = 1.0 if record["lower_is_better"] else -1.0
    ranked = sorted(trials, key=lambda one: (sign * one["score"], one["number"]))
    charts = [_course(record, trials)]
    if record["method"] == "hyperband":
        charts.append(_rungs(record, trials))
    for name in record["space"]:
        having = [one for one in trials if _value(one, name) is not None]
        if len({_spelled(_value(one, name)) for one in having}) > 1:
            charts.append(_setting(record, having, name))
    return {
        "score": record["score"],
        "sentences": list(_sentences(record, trials)),
        "best": [_row(one) for one in ranked[:SHOWN]],
        "charts": charts if trials else [],
    }


def _sentences(record: Mapping[str, Any], trials: Trials) -> Iterator[str]:
    count, failed = len(record["trials"]), len(record["trials"]) - len(trials)
    how = f"mean over {record['folds']} folds" if record["folds"] else "watched rows"
    epochs = sum(one["epochs"] for one in record["trials"])
    yield (
        f"{count:,} trials, {epochs:,} epochs in all, were compared by {record['score']} "
        f"({how}). {_method(record)}"
    )
    if failed:
        yield f"In {failed:,} of them the loss was not finite."
    yield (
        "The best score is the best of many on the same rows, so it flatters; the test rows, which "
        "no choice has seen, judge the settings. Trials that are close are no different beyond "
        "chance."
    )


def _method(record: Mapping[str, Any]) -> str:
    """Where the places came from."""
    count, by_chance = len(record["trials"]), record.get("by_chance") or 0
    if record["method"] == "grid":
        return "They are places of a grid."
    if record["method"] == "hyperband":
        told = (
            "Many networks were begun, and the better third of each rung went on from where it "
            "stood (Hyperband)"
        )
        later = any(one["bracket"] for one in record["trials"])
        return (
            f"{told}; after the first bracket two in three places were drawn {TPE}."
            if later
            else f"{told}; their places were drawn by chance."
        )
    if record["method"] == "bayesian" and by_chance < count:
        return f"The first {by_chance} places were drawn by chance, the later ones {TPE}."
    few = f"; from trial {by_chance} on they would be drawn {TPE}" if by_chance else ""
    return f"Places were drawn by chance{few}."


def _row(trial: Mapping[str, Any]) -> dict[str, str]:
    settings = (f"{name}={_spelled(value)}" for name, value in trial["settings"].items())
    return {
        "number": str(trial["number"]),
        "score": f"{trial['score']:.5g}",
        "epoch": f"{trial['epoch']} of {trial['epochs']}",
        "settings": ", ".join(settings),
    }


def _course(record: Mapping[str, Any], trials: Trials) -> Chart:
    """The score of each trial, and the best so far."""
    numbers, scores = np.array([one["number"] for one in trials]), _scores(trials)
    x = Axis.of([0, max(1, len(record["trials"]) - 1)], is_whole=True)
    y = _score_axis(record, scores)
    pen = Pen(x, y)
    marks = [pen.dots(numbers, scores, "c1 trial")]
    if len(scores):
        best = np.minimum if record["lower_is_better"] else np.maximum
        course = best.accumulate(scores)
        ends = np.append(numbers[1:], len(record["trials"]) - 1)
        steps = np.column_stack([numbers, ends]).ravel()
        marks.append(pen.line(steps, np.repeat(course, 2), "c2 thick"))
    legend = (Legend("dot c1 trial", "each trial"), Legend("line c2 thick", "best so far"))
    label = f"{record['score']} of {len(scores)} trials"
    if len(scores):
        label += f"; the best is {_best(record, scores):.4g}"
    return Chart(
        f"{_capital(record['score'])} by trial", f"{label}.", x, y, "trial",
        _title(record["score"], y), tuple(marks), legend,
    )  # fmt: skip


def _rungs(record: Mapping[str, Any], trials: Trials) -> Chart:
    """A line a trial through its rungs."""
    rungs = [one["rungs"] for one in trials if one["rungs"]]
    epochs_of = sorted({epochs for one in rungs for epochs, _ in one}) or [1]
    last = epochs_of[-1]
    x = Axis.of([epochs_of[0], max(2, last)], is_log=True)
    shares = zip(epochs_of, x.share(epochs_of), strict=True)
    names = tuple(Tick(round(100 * float(share), 2), spelled(epochs)) for epochs, share in shares)
    y = _score_axis(record, _scores(trials))
    pen = Pen(x, y)
    marks = []
    for whole in (False, True):
        for one in rungs:
            if (one[-1][0] == last) == whole:
                epochs, scores = zip(*one, strict=True)
                points = [math.nan if score is None else score for score in scores]
                style = "c2 medium" if whole else "c1 faint"
                marks += [pen.line(epochs, points, style), pen.dots(epochs, points, style[:2])]
    legend = (
        Legend("line c1 faint", "given up at a rung"),
        Legend("line c2 medium", "trained to the end"),
    )
    label = f"The best {record['score']} of each trial until each rung, up to {last} epochs."
    return Chart(
        "Rungs of Hyperband", label, x, y, "epochs (log scale)",
        _title(f"best {record['score']} so far", y), tuple(marks), legend, names=names,
    )  # fmt: skip


def _setting(record: Mapping[str, Any], trials: Trials, name: str) -> Chart:
    """The score of each trial against one setting, the best one marked."""
    values = [_value(one, name) for one in trials]
    scores, names = _scores(trials), None
    dimension = record["space"][name]
    is_log = isinstance(dimension, Mapping) and bool(dimension.get("log"))
    places: Any
    if isinstance(dimension, list):
        named = list(dict.fromkeys(_spelled(one) for one in [*dimension, *values]))
        places = [named.index(_spelled(one)) + 0.5 for one in values]
        x, names = Axis(0, len(named)), named_ticks(named, NARROW)
    else:
        places = np.array(values, np.float64)
        if is_log:  # there is no place for 0 on such an axis: it stands left of all others
            places = np.where(places == 0, dimension["low"] / 2, places)
        whole = all(isinstance(one, int) for one in values)
        x = Axis.of(places, is_log=is_log, is_whole=whole)
    y = _score_axis(record, scores)
    pen = Pen(x, y)
    best = [n for n, one in enumerate(trials) if one["number"] == record["best"]]
    marks = [pen.dots(places, scores, "c1 trial")]
    marks.append(pen.dots([places[n] for n in best], scores[best], "c2 best"))
    zero = is_log and any(one == 0 for one in values)
    return Chart(
        name, f"{record['score']} of each trial against {name}.", x, y,
        f"{name} (log scale{', 0 leftmost' * zero})" if is_log else name,
        _title(record["score"], y), tuple(marks),
        (Legend("dot c1 trial", "each trial"), Legend("dot c2 best", "the best"))[: 1 + bool(best)],
        names=names,
        shape="square",
    )  # fmt: skip


def _score_axis(record: Mapping[str, Any], scores: Any) -> Axis:
    """An axis with room for all but scores far worse than most; of losses by powers of ten, where
    the worst would press all others together.
    """
    if len(scores) < 4:
        return Axis.of(scores, room=0.06)
    sign = 1.0 if record["lower_is_better"] else -1.0
    signed = np.sort(sign * scores)
    far = signed[0] + SPREAD * (np.quantile(signed, 0.75) - signed[0])
    shown = sign * signed[signed <= max(far, signed[2])]
    is_log = bool(record["lower_is_better"] and 0 < LOG_BEYOND * shown.min() < shown.max())
    return Axis.of(shown, room=0.06, is_log=is_log)


def _title(name: str, axis: Axis) -> str:
    return f"{name} (log scale)" if axis.is_log else name


def _best(record: Mapping[str, Any], scores: Any) -> float:
    return float(scores.min() if record["lower_is_better"] else scores.max())


def _scores(trials: Trials) -> Any:
    return np.array([one["score"] for one in trials], np.float64)


def _spelled(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return spelled(float(f"{value:.3g}")) if isinstance(value, float) else str(value)


def _capital(text: str) -> str:
    """Words begin with a capital, names of metrics are left as they are."""
    return text[:1].upper() + text[1:] if " " in text else text


def _value(trial: Mapping[str, Any], name: str) -> Any:
    """What a trial had of a setting; None where it did not matter."""
    return trial["place"].get(name) if name in DRAWN else trial["settings"].get(name)
