"""Charts of what a model says of test rows: ROC, precision and recall, calibration, residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.reporting.chart import Axis, Chart, Legend, Mark, Pen, spelled
from chainrule.reporting.curves import (
    Calibration,
    calibration,
    precision_recall_points,
    roc_points,
)
from chainrule.reporting.judged import JudgedRows

__all__ = [
    "calibration_chart",
    "class_charts",
    "class_name",
    "confidence",
    "number_charts",
    "scored",
    "target_chart",
]

MOST_CURVES = 6
MOST_DOTS = 1200
MOST_POINTS = 250
CELLS = 50
SHADES = 5
HISTOGRAM_BARS = 40
DASHED = "Dashed: calling every row positive."

Floats = NDArray[np.float64]


def scored(judged: JudgedRows) -> JudgedRows:
    """The rows that were scored: of a label that training has seen, and of a weight above 0."""
    kept = judged.truth >= 0 if judged.task == "classification" else np.isfinite(judged.truth)
    if judged.weights is not None:
        kept = kept & (judged.weights > 0)
    return JudgedRows(
        judged.task, judged.target, judged.truth[kept], judged.answers[kept],
        None if judged.rows is None else judged.rows[kept], judged.fingerprint,
        None if judged.weights is None else judged.weights[kept], judged.labels, judged.positive,
    )  # fmt: skip


def confidence(judged: JudgedRows) -> Calibration:
    """Of two classes the positive one's probability; of more the most probable one's."""
    if len(judged.labels) == 2:
        column = judged.answers[:, judged.positive]
        return calibration(judged.truth == judged.positive, column, judged.weights)
    most = judged.answers.argmax(axis=1)
    return calibration(judged.truth == most, judged.answers.max(axis=1), judged.weights)


def class_charts(judged: JudgedRows) -> list[Chart]:
    """ROC, and precision and recall: of the positive class, or of each against the others."""
    codes = _watched(judged)
    if not codes:
        return []
    names = [class_name(judged, code) for code in codes]
    unit = Axis(0.0, 1.0)
    pen = Pen(unit, unit)
    rocs, falls, areas = [], [], []
    for turn, code in enumerate(codes):
        positive, score = judged.truth == code, judged.answers[:, code]
        false, found = roc_points(positive, score, judged.weights)
        recall, precision = precision_recall_points(positive, score, judged.weights)
        style = f"c{turn + 1} medium"
        rocs.append(pen.line(*_fewer(false, found), style=style))
        falls.append(pen.line(*_fewer(recall, precision), style=style))
        areas.append(f"area {np.trapezoid(found, false):.3f}")
    which = "Each class against the others."
    if len(codes) < len(judged.labels):
        which = f"The {len(codes)} classes with most mistakes, each against the others."
    which = "" if len(codes) == 1 else f"{which} "
    measured = [f"{name}, {area}" for name, area in zip(names, areas, strict=True)]
    roc = Chart(
        "ROC", f"ROC curve: {'; '.join(measured)}.", unit, unit,
        "share of the other rows called positive", "share found",
        (pen.line([0, 1], [0, 1], "guide"), *rocs), _lines(measured),
        f"{which}Dashed: guessing, area 0.5.", "square",
    )  # fmt: skip
    base: tuple[Mark, ...] = ()
    note = which
    if len(codes) == 1:
        base, note = (pen.line([0, 1], [_base(judged)] * 2, "guide"),), DASHED
    fall = Chart(
        "Precision and recall", f"Precision by recall of {', '.join(names)}.", unit, unit,
        "share found (recall)", "share right of those called positive (precision)",
        (*base, *falls), _lines(names), note, "square",
    )  # fmt: skip
    return [roc, fall]


def class_name(judged: JudgedRows, code: int) -> str:
    """A class in words: of two by the target's name as well, for labels such as 1 say little."""
    label = str(judged.labels[code])
    return f"{judged.target} = {label}" if len(judged.labels) == 2 else label


def calibration_chart(found: Calibration, name: str) -> Chart:
    """What was predicted beside what came true, for groups of rows."""
    unit = Axis(0.0, 1.0)
    pen = Pen(unit, unit)
    marks = (
        pen.line([0, 1], [0, 1], "guide"),
        pen.posts(found.predicted, found.low, found.high, "c1"),
        pen.line(found.predicted, found.observed, "c1 faint"),
        pen.dots(found.predicted, found.observed, "c1 large"),
    )
    pairs = zip(found.predicted, found.observed, strict=True)
    label = "Calibration. Predicted and observed: " + "; ".join(
        f"{a:.0%} and {b:.0%}" for a, b in pairs
    )
    return Chart(
        "Calibration", f"{label}.", unit, unit, f"probability given to {name}",
        "share that came true", marks,
        (Legend("dot c1", "a group of rows, with its 95 % interval"),),
        "On the dashed line a probability is what it says.", "square",
    )  # fmt: skip


def number_charts(judged: JudgedRows, unit: str) -> list[Chart]:
    """Predicted against true, residuals against predicted, and how residuals are spread."""
    truth, answers = judged.truth, judged.answers.reshape(len(judged.truth))
    both = Axis.of(truth, answers)
    pen = Pen(both, both)
    ends = [both.low, both.high]
    cloud, legend = _cloud(pen, truth, answers)
    label = f"Predicted against true {unit} of {len(truth):,} rows."
    against = Chart(
        "Predicted and true", label, both, both, f"true {unit}", f"predicted {unit}",
        (*cloud, pen.line(ends, ends, "guide")), legend,
        "On the dashed line a prediction is right.", "square",
    )  # fmt: skip
    residuals = truth - answers
    x, y = Axis.of(answers), Axis.of(residuals, [0.0])
    below = Pen(x, y)
    cloud, legend = _cloud(below, answers, residuals)
    by_answer = Chart(
        "Residuals", f"Residuals by predicted {unit}.", x, y, f"predicted {unit}",
        "truth less prediction", (*cloud, below.line([x.low, x.high], [0, 0], "guide")), legend,
        "Above the dashed line a prediction was too low. A bend or a funnel means that "
        "something is left to learn, or that large values are harder.", "square",
    )  # fmt: skip
    return [against, by_answer, _histogram(residuals)]


def target_chart(target: Mapping[str, Any], name: str) -> Chart | None:
    """How many rows learned from have which values of a target of numbers; None for classes."""
    if not target.get("edges"):
        return None
    counts = np.asarray(target["counts"], np.float64)
    y = Axis(0.0, float(counts.max()) * 1.05 or 1.0, is_whole=True)
    edges = np.asarray(target["edges"], np.float64)
    x = Axis.of(edges, room=0.0)
    marks = Pen(x, y).bars(edges[:-1], edges[1:], counts, "c1 shade4")
    label = f"{name} from {spelled(float(edges[0]))} to {spelled(float(edges[-1]))}."
    rows = target.get("rows", "the training rows")
    return Chart(f"{name} in {rows}", label, x, y, name, "rows", (marks,), shape="low")


def _histogram(residuals: Floats) -> Chart:
    """Residuals as bars; the furthest 1 in 100 at each end go into the last bars."""
    low, high = (float(value) for value in np.quantile(residuals, [0.01, 0.99]))
    reach = max(abs(low), abs(high)) or 1.0
    edges = np.linspace(-reach, reach, HISTOGRAM_BARS + 1)
    counts = np.histogram(np.clip(residuals, -reach, reach), edges)[0]
    x, y = Axis.of(edges, room=0.0), Axis(0.0, float(counts.max()) * 1.05, is_whole=True)
    pen = Pen(x, y)
    marks = (
        pen.bars(edges[:-1], edges[1:], counts, "c1 shade4"),
        pen.posts([0], [0], [y.high], "guide"),
    )
    label = f"Residuals of {len(residuals):,} rows, most of them from {low:.3g} to {high:.3g}."
    return Chart(
        "How far off", label, x, y, "truth less prediction", "rows", marks, (),
        "What is further off than the axis goes stands in the outermost bars.", "square",
    )  # fmt: skip


def _cloud(pen: Pen, x: Floats, y: Floats) -> tuple[list[Mark], tuple[Legend, ...]]:
    """Few rows as dots, many as boxes that are darker where there are more."""
    if len(x) <= MOST_DOTS:
        return [pen.dots(x, y, "c1 cloud")], ()
    edges = [np.linspace(axis.low, axis.high, CELLS + 1) for axis in (pen.x, pen.y)]
    counts = np.histogram2d(x, y, edges)[0]
    across, up = np.nonzero(counts)
    filled = counts[across, up]
    shade = np.ceil(SHADES * np.log1p(filled) / np.log1p(filled.max())).astype(int)
    marks = []
    for level in np.unique(shade).tolist():
        at = shade == level
        left, low = edges[0][across[at]], edges[1][up[at]]
        wide, tall = edges[0][1] - edges[0][0], edges[1][1] - edges[1][0]
        marks.append(pen.boxes(left, left + wide, low, low + tall, f"c1 shade{level}"))
    text = f"the stronger the color, the more rows (up to {int(filled.max()):,})"
    return marks, (Legend("area c1 shade4", text),)


def _watched(judged: JudgedRows) -> list[int]:
    """The positive class of two; of more those with most mistakes that the rows hold."""
    classes = len(judged.labels)
    if classes == 2:
        has_both = 0 < int((judged.truth == judged.positive).sum()) < len(judged.truth)
        return [judged.positive] if has_both else []
    wrong = judged.truth != judged.answers.argmax(axis=1)
    present = np.bincount(judged.truth, minlength=classes)
    missed = np.bincount(judged.truth[wrong], minlength=classes)
    order = np.lexsort((-present, -missed))[:MOST_CURVES]
    return sorted(int(code) for code in order if 0 < present[code] < len(judged.truth))


def _lines(texts: Sequence[str]) -> tuple[Legend, ...]:
    return tuple(Legend(f"line c{turn + 1} medium", text) for turn, text in enumerate(texts))


def _base(judged: JudgedRows) -> float:
    return float(np.average(judged.truth == judged.positive, weights=judged.weights))


def _fewer(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points of a curve that a picture can show: the ends and evenly between them."""
    if len(x) > MOST_POINTS:
        reach = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
        last = len(x) - 1
        wanted = np.searchsorted(reach, np.linspace(0, reach[-1], MOST_POINTS))
        kept = np.unique(np.append(wanted.clip(0, last), [0, last]))
        x, y = x[kept], y[kept]
    return x, y
