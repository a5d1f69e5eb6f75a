"""The rows that a model gets most wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.data import plain_cells
from chainrule.judging.answered import Answered
from chainrule.judging.ratios import row_losses

__all__ = ["worst_rows"]


def worst_rows(found: Answered, count: int) -> Iterator[dict[str, Any]]:
    """The rows with the largest log loss or the largest error, the worst first.

    Columns that the model reads come before others.
    """
    losses = row_losses(found)
    names = [name for name in found.table.names if name != found.target]
    names.sort(key=lambda name: name not in found.used)
    for place in np.argsort(-losses, kind="stable")[:count].tolist():
        columns = {
            name: plain_cells(found.table.columns[name].take(np.array([place])))[0]
            for name in names
        }
        told: dict[str, Any] = {"row": int(found.rows[place])}
        if found.task == "classification":
            answer = found.answers[place]
            told |= {
                "truth": found.labels[found.truth[place]],
                "prediction": found.labels[int(answer.argmax())],
                "probability": float(answer[found.truth[place]]),
            }
        else:
            truth, prediction = float(found.truth[place]), float(found.answers[place])
            told |= {"truth": truth, "prediction": prediction, "residual": truth - prediction}
        yield {**told, "loss": float(losses[place]), "columns": columns}
