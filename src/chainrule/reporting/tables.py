"""The tables of a report, as plain records: scores beside baselines, confusion, largest misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.reporting.chart import Axis, Mark, Pen
from chainrule.reporting.judged import JudgedRows
from chainrule.reporting.sentences import MEANINGS, spelled_interval, spelled_score

__all__ = ["class_table", "confused_pairs", "confusion_table", "largest_misses", "score_table"]

MOST_IN_MATRIX = 30
MOST_WITH_SHARES = 12
MOST_PAIRS = 20
LONG_LABEL = 4
LANES = {"network": "c1", "linear": "c2", "naive": "c6"}

Record = Mapping[str, Any]


def score_table(metrics: Record) -> dict[str, Any] | None:
    """Each score of the test rows with its interval, simple models' and the watched rows'.

    None where nothing was scored.
    """
    details, scores = metrics.get("details") or {}, metrics.get("metrics") or {}
    test, validation = details.get("test"), scores.get("validation")
    baselines = details.get("baselines") or {}
    names = list((test or {}).get("metrics") or validation or {})
    if not names:
        return None
    rows = []
    for name in names:
        others = [one["metrics"].get(name) for one in baselines.values()]
        interval = test["intervals"].get(name) if test else None
        ours = test["metrics"].get(name) if test else None
        rows.append(
            {
                "name": name,
                "meaning": MEANINGS.get(name, ""),
                "test": spelled_score(ours) if test else None,
                "interval": spelled_interval(interval, beside=ours),
                "others": [spelled_score(value, ours) for value in others],
                "validation": spelled_score(validation.get(name), ours) if validation else None,
                "marks": _strip(name, test, baselines) if test else (),
            }
        )
    return {
        "has_test": test is not None,
        "has_validation": bool(validation),
        "baselines": [
            {"name": name, "description": one["description"]} for name, one in baselines.items()
        ],
        "lanes": [
            {"name": n, "style": s} for n, s in LANES.items() if n == "network" or n in baselines
        ],
        "rows": rows,
    }


def confusion_table(
    labels: Sequence[Any], counts: Sequence[Sequence[float]]
) -> dict[str, Any] | None:
    """Rows by true and predicted class, with the share of each true class; None for too many."""
    if len(labels) > MOST_IN_MATRIX:
        return None
    array = np.array(counts, np.float64)
    totals = array.sum(axis=1, keepdims=True)
    shares = np.divide(array, totals, out=np.zeros_like(array), where=totals > 0)
    rows = [
        {
            "label": str(label),
            "cells": [
                {
                    "count": f"{count:,.6g}" if count else "",
                    "share": share,
                    # mistakes are rare, and a root makes small shares visible
                    "shade": share if down == across else share**0.5,
                    "is_right": down == across,
                }
                for across, (count, share) in enumerate(zip(line, part, strict=True))
            ],
        }
        for down, (label, line, part) in enumerate(
            zip(labels, array.tolist(), shares.tolist(), strict=True)
        )
    ]
    return {
        "labels": [str(label) for label in labels],
        "rows": rows,
        "has_shares": len(labels) <= MOST_WITH_SHARES,
        "has_long_labels": max(len(str(label)) for label in labels) > LONG_LABEL,
    }


def confused_pairs(
    labels: Sequence[Any], counts: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    """The most frequent mistakes: (true class, predicted class), the worst first."""
    array = np.array(counts, np.float64)
    totals = array.sum(axis=1)
    np.fill_diagonal(array, 0)
    order = np.argsort(-array, axis=None, kind="stable")[:MOST_PAIRS]
    found = []
    for true, guess in zip(*np.unravel_index(order, array.shape), strict=True):
        if array[true, guess]:
            share = array[true, guess] / totals[true]
            found.append(
                {
                    "true": str(labels[true]), "predicted": str(labels[guess]),
                    "count": f"{array[true, guess]:,.6g}", "share": f"{share:.1%}",
                }
            )  # fmt: skip
    return found


def class_table(labels: Sequence[Any], counts: Sequence[Sequence[float]]) -> list[dict[str, str]]:
    """Of each class the rows, the shares found and right, and what it is most often taken for."""
    array = np.array(counts, np.float64)
    true, called, right = array.sum(axis=1), array.sum(axis=0), np.diag(array)
    wrong = array - np.diag(right)
    found = []
    for code, label in enumerate(labels):
        other = int(wrong[code].argmax())
        found.append(
            {
                "label": str(label),
                "rows": f"{true[code]:,.6g}",
                "recall": _share(right[code], true[code]),
                "precision": _share(right[code], called[code]),
                "taken_for": str(labels[other]) if wrong[code, other] else "",
                "times": f"{wrong[code, other]:,.6g}" if wrong[code, other] else "",
            }
        )
    return found


def largest_misses(test: Record, judged: JudgedRows | None) -> list[dict[str, str]]:
    """The rows furthest off, by their place in the table where it is known."""
    largest, found = test["residuals"]["largest"], []
    size = max((max(abs(one["truth"]), abs(one["prediction"])) for one in largest), default=0.0)
    for one in largest:
        row = one["row"] if judged is None or judged.rows is None else judged.rows[one["row"]]
        found.append(
            {
                "row": f"{int(row):,}", "truth": spelled_score(one["truth"], size),
                "prediction": spelled_score(one["prediction"], size),
                "off": spelled_score(one["truth"] - one["prediction"], size),
            }
        )  # fmt: skip
    return found


def _strip(name: str, test: Record, baselines: Record) -> tuple[Mark, ...]:
    """Intervals below each other on one scale: the network's, then the simple models'."""
    models = {"network": test, **baselines}
    values = [
        value
        for one in models.values()
        for value in (one["metrics"].get(name), *(one["intervals"].get(name) or ()))
        if value is not None
    ]
    if not values:
        return ()
    pen = Pen(Axis.of(values, room=0.06), Axis(0.0, len(LANES)))
    marks = []
    for lane, (model, style) in enumerate(LANES.items()):
        one = models.get(model)
        if one is None or one["metrics"].get(name) is None:
            continue
        down = len(LANES) - lane - 0.5
        interval = one["intervals"].get(name)
        if interval:
            marks.append(pen.line(interval, [down, down], f"{style} medium solid"))
        marks.append(pen.dots([one["metrics"][name]], [down], style))
    return tuple(marks)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.3f}" if whole else "–"
