"""Charts of a training: losses and scores by epoch and by step, gradients by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.reporting.chart import Axis, Chart, Legend, Mark, Pen, named_ticks
from chainrule.reporting.curves import smoothed

__all__ = ["Course", "courses", "epoch_chart", "gradient_chart", "score_chart", "step_chart"]

LOG_BEYOND = 20.0
COLORS = 6

Row = Mapping[str, Any]
Line = np.ndarray[Any, np.dtype[np.float64]]


class Course:
    """One network's epochs: its losses, its scores, and which epoch was kept.

    >>> course = Course([{"loss": 2, "validation_loss": 3}, {"loss": 1, "validation_loss": 4}])
    >>> course.best, course.has_validation
    (0, True)
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.loss = _numbers(rows, "loss")
        self.validation = _numbers(rows, "validation_loss")
        self.score = _numbers(rows, "score")
        self.epochs = len(rows)

    @property
    def has_validation(self) -> bool:
        """Whether it was watched on rows of its own."""
        return bool(np.isfinite(self.validation).any())

    @property
    def has_score(self) -> bool:
        """Whether a score chose the epoch."""
        return bool(np.isfinite(self.score).any())

    @property
    def best(self) -> int:
        """The epoch that was kept, from 0."""
        if self.has_score:
            return int(np.nanargmax(self.score))
        return int(np.nanargmin(self.validation)) if self.has_validation else self.epochs - 1


def courses(history: Sequence[Row]) -> list[Course]:
    """The networks of a history, in order."""
    members: dict[Any, list[Row]] = {}
    for row in history:
        members.setdefault(row.get("member", 0), []).append(row)
    return [Course(rows) for _, rows in sorted(members.items())]


def epoch_chart(found: Sequence[Course], task: str) -> Chart:
    """Training and validation loss by epoch, the epochs marked that were kept."""
    watched = [one for one in found if one.has_validation]
    values = [one.loss for one in found] + [one.validation for one in watched]
    x = Axis.of([1, max(2, *(one.epochs for one in found))], is_whole=True)
    y = _fitting(values)
    pen = Pen(x, y)
    marks = [*_bundle(pen, [one.loss for one in found], "c1")]
    legend = [Legend("line c1", "training loss" + _meaning(found))]
    if watched:
        marks += _bundle(pen, [one.validation for one in watched], "c2")
        best = [one.validation[one.best] for one in watched]
        marks.append(pen.dots([one.best + 1 for one in watched], best, "c2 large"))
        legend.append(Legend("line c2", "validation loss" + _meaning(found)))
        legend.append(Legend("dot c2", "the epoch that was kept"))
    caption = [_thickness([one.loss for one in found])]
    if task == "regression":
        caption.append("The loss is the mean squared error of the target scaled to deviation 1.")
    label = "Loss by epoch" + _ends("training loss", [one.loss for one in found])
    if watched:
        label += _ends("validation loss", [one.validation for one in watched])
    return Chart(
        "Loss by epoch", f"{label}.", x, y, "epoch", _title("loss", y),
        tuple(marks), tuple(legend), " ".join(filter(None, caption)),
    )  # fmt: skip


def score_chart(found: Sequence[Course], name: str, *, lower_is_better: bool) -> Chart | None:
    """The score that chose the epoch, by epoch; None where none did."""
    scored = [one for one in found if one.has_score]
    if not scored:
        return None
    sign = -1.0 if lower_is_better else 1.0
    lines = [sign * one.score for one in scored]
    x = Axis.of([1, max(2, *(one.epochs for one in scored))], is_whole=True)
    y = Axis.of(*lines, room=0.06)
    pen = Pen(x, y)
    best = [sign * one.score[one.best] for one in scored]
    kept = pen.dots([one.best + 1 for one in scored], best, "c3 large")
    marks = [*_bundle(pen, lines, "c3"), kept]
    legend = (Legend("line c3", f"{name} of the watched rows"), Legend("dot c3", "the epoch kept"))
    label = f"{name} by epoch{_ends(name, lines)}."
    return Chart(f"{name} by epoch", label, x, y, "epoch", name, tuple(marks), legend)


def step_chart(members: Sequence[Mapping[str, Any]]) -> Chart | None:
    """The loss of each batch, as it was and smoothed; None where nothing was kept.

    Of several networks the range is the first one's, the smoothed lines are all networks'.
    """
    members = [one for one in members if one.get("mean")]
    if not members:
        return None
    first = members[0]
    centers = [_centers(one) for one in members]
    lines = [smoothed(one["mean"], span=max(3.0, len(one["mean"]) / 25)) for one in members]
    x = Axis.of([0, max(one["steps"] for one in members)], is_whole=True)
    y = _fitting([first["mean"], first["least"], first["largest"], *lines])
    pen = Pen(x, y)
    marks = [
        pen.band(centers[0], first["least"], first["largest"], "c1 shade2"),
        pen.line(centers[0], first["mean"], "c1 thin"),
        *(pen.line(at, line, "c4 faint") for at, line in zip(centers[1:], lines[1:], strict=True)),
        pen.line(centers[0], lines[0], "c4 thick"),
    ]
    one = "the first network's batches" if len(members) > 1 else "batches"
    size = math.ceil(first["steps"] / len(first["mean"]))
    raw = f"{one}: mean and range of each {size} in a row" if size > 1 else f"{one}, one by one"
    legend = [Legend("line c1", raw), Legend("line c4", "smoothed")]
    if len(members) > 1:
        legend.append(Legend("line c4 faint", "smoothed, the other networks"))
    label = "Loss by step" + _ends("smoothed loss", lines[:1])
    return Chart(
        "Loss by step", f"{label}.", x, y, "step (one update of the weights)", _title("loss", y),
        tuple(marks), tuple(legend),
    )  # fmt: skip


def gradient_chart(gradients: Mapping[str, Any]) -> Chart | None:
    """The size of the gradient at each layer, early to late in training; None without numbers."""
    layers, steps = [str(name) for name in gradients["layers"]], gradients["steps"]
    if not layers:
        return None
    norms = np.array(gradients["norms"], np.float64).reshape(-1, len(layers))
    if not (np.isfinite(norms) & (norms > 0)).any():
        return None
    shown = np.unique(np.linspace(0, len(norms) - 1, min(5, len(norms))).round().astype(int))
    places = np.arange(len(layers)) + 0.5
    x, y = Axis(0, len(layers)), Axis.of(norms, is_log=True)
    pen = Pen(x, y)
    positive = np.where(norms > 0, norms, np.nan)
    marks, legend = [], []
    for turn, row in enumerate(shown.tolist()):
        style = f"c{turn % COLORS + 1}"
        marks += [pen.line(places, positive[row], style), pen.dots(places, positive[row], style)]
        legend.append(Legend(f"line {style}", f"step {steps[row]:,}"))
    least, most = np.nanmin(positive), np.nanmax(positive)
    label = f"Gradient norm by layer at {len(shown)} steps, from {least:.2g} to {most:.2g}."
    return Chart(
        "Gradient by layer", label, x, y, "layer, first to last",
        "norm of the gradient (log scale)", tuple(marks), tuple(legend),
        names=named_ticks(layers),
    )  # fmt: skip


def _bundle(pen: Pen, lines: Sequence[Line], color: str) -> Iterator[Mark]:
    """Each line thin; thick what they have in common."""
    middle = _middle(lines)
    for line in lines:
        yield pen.line(np.arange(1, len(line) + 1), line, f"{color} faint")
    yield pen.line(np.arange(1, len(middle) + 1), middle, f"{color} thick")
    if len(middle) == 1:
        yield pen.dots([1], middle, color)


def _middle(lines: Sequence[Line]) -> Line:
    """The mean of several lines; a single one smoothed, where it is long enough for it."""
    if len(lines) > 1:
        shortest = min(map(len, lines))
        return np.asarray(np.mean([line[:shortest] for line in lines], axis=0))
    return np.asarray(smoothed(lines[0], span=max(1.0, len(lines[0]) / 10)))


def _thickness(lines: Sequence[Line]) -> str:
    """What thin and thick lines mean; nothing where one hides the other."""
    if len(lines) > 1:
        return "Thin: each network. Thick: their mean, as long as all of them were trained."
    is_smooth = np.array_equal(_middle(lines), lines[0], equal_nan=True)
    return "" if is_smooth else "Thin: as it was. Thick: smoothed."


def _numbers(rows: Sequence[Row], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if row.get(name) is None else row[name] for row in rows], np.float64)


def _centers(one: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    edges = np.linspace(0, one["steps"], len(one["mean"]) + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def _fitting(values: Sequence[Any]) -> Axis:
    """By powers of ten where the smallest is far below the largest."""
    joined = np.concatenate([np.asarray(one, np.float64) for one in values])
    joined = joined[np.isfinite(joined)]
    is_log = bool(len(joined)) and joined.min() > 0 and joined.max() / joined.min() > LOG_BEYOND
    return Axis.of(joined, is_log=is_log)


def _title(name: str, axis: Axis) -> str:
    return f"{name} (log scale)" if axis.is_log else name


def _meaning(found: Sequence[Course]) -> str:
    return f" of {len(found)} networks" if len(found) > 1 else ""


def _ends(name: str, lines: Sequence[Any]) -> str:
    first = float(np.mean([line[0] for line in lines]))
    last = float(np.mean([line[-1] for line in lines]))
    return f"; {name} from {first:.3g} at first to {last:.3g} at the end"
