"""Why single rows of a run got their answers: those that stand out, for its report."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data import Table
from chainrule.estimators import TableModel
from chainrule.explaining.explanation import plain
from chainrule.explaining.scored import Scored
from chainrule.explaining.shap_values import shap_values

__all__ = ["single_rows"]

COLUMNS = 8
"""Columns of a row that are told alone."""


def single_rows(model: TableModel, table: Table, scored: Scored, seed: int) -> list[dict[str, Any]]:
    """What each column adds to three answers: the highest, the lowest and the one furthest off.

    table, scored
        Rows, and the same with their truth.

    An entry a row: one that stands out in two ways is told once. Of many classes the most probable
    one is explained, and the rows are those that the model is most and least sure of.
    """
    chosen = _standing_out(scored)
    rows = sorted(set(chosen.values()), key=list(chosen.values()).index)
    values = shap_values(model, table.take(np.array(rows)), seed=seed)
    records = []
    for place, row in enumerate(rows):
        record = values.row(place).to_record()
        columns, others = record["columns"][:COLUMNS], record["columns"][COLUMNS:]
        truth = scored.truth[row]
        records.append(
            {
                "row": row,
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


def _standing_out(scored: Scored) -> dict[str, int]:
    """A row by what it stands out in."""
    answers, truth = scored.subject.answers(), scored.truth
    names = ("highest answer", "lowest answer")
    if not scored.subject.is_classification:
        answers = answers[:, 0]
        off = np.abs(truth - answers)
    elif answers.shape[1] == 2:
        answers = answers[:, scored.positive]
        off = np.where(truth == scored.positive, 1 - answers, answers)
    else:
        off = 1 - answers[np.arange(len(truth)), truth]
        answers, names = answers.max(axis=1), ("surest answer", "least sure answer")
    return {
        names[0]: int(np.argmax(answers)),
        names[1]: int(np.argmin(answers)),
        "furthest off": int(np.argmax(off)),
    }
