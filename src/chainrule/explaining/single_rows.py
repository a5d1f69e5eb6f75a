"""Why single rows of a run got their answers: those that stand out, for its report."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data import Table
from chainrule.estimators import TableModel
from chainrule.explaining.attributions import Attributions
from chainrule.explaining.explanation import plain
from chainrule.explaining.scored import Scored
from chainrule.explaining.shap_values import shap_values

__all__ = ["single_rows"]

Array = np.ndarray[Any, np.dtype[Any]]

COLUMNS = 8
"""Columns of a row that are told alone."""


def single_rows(
    model: TableModel, table: Table, found: Attributions, scored: Scored, places: Array, seed: int
) -> list[dict[str, Any]]:
    """What each column adds to three answers: the highest, the lowest and the one furthest off.

    table, found
        Rows, and their SHAP values.
    scored, places
        Rows with their truth, among which these are, and their numbers there.

    An entry a row: one that stands out in two ways is told once. Of many classes the most probable
    one is explained, and the rows are those that the model is most and least sure of.
    """
    chosen = _standing_out(found, scored.truth[places], scored.positive)
    rows = sorted(set(chosen.values()), key=list(chosen.values()).index)
    values = shap_values(model, table.take(np.array(rows)), seed=seed)
    records = []
    for place, row in enumerate(rows):
        record = values.row(place).to_record()
        columns, others = record["columns"][:COLUMNS], record["columns"][COLUMNS:]
        truth = scored.truth[places[row]]
        records.append(
            {
                "row": int(places[row]),
                "why": [why for why, one in chosen.items() if one == row],
                "output": record["output"],
                "scale": record["scale"],
                "prediction": record["prediction"],
                "truth": plain(scored.subject.outputs[truth] if model.is_classification else truth),
                "base": record["base"],
                "columns": columns,
                "others": {"count": len(others), "value": sum(one["value"] for one in others)},
            }
        )
    return records


def _standing_out(found: Attributions, truth: Array, positive: int) -> dict[str, int]:
    """A row by what it stands out in."""
    answers = found.prediction
    if found.scale == "number":
        off, names = np.abs(truth - answers), ("highest answer", "lowest answer")
    elif answers.ndim == 1:
        off = np.where(truth == positive, 1 - answers, answers)
        names = ("highest answer", "lowest answer")
    else:
        off = 1 - answers[np.arange(len(truth)), truth]
        answers, names = answers.max(axis=1), ("surest answer", "least sure answer")
    return {
        names[0]: int(np.argmax(answers)),
        names[1]: int(np.argmin(answers)),
        "furthest off": int(np.argmax(off)),
    }
