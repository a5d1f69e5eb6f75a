"""A network as it stands over all rows: its losses and metrics, and its outputs."""

from __future__ import annotations

import numpy as np

from chainrule.engine import Steps
from chainrule.training.arrays import Array
from chainrule.training.graphs import Task
from chainrule.training.intake import Data
from chainrule.training.measures import means, per_batch

__all__ = ["evaluate", "predict"]


def evaluate(task: Task, data: Data, batch_size: int) -> dict[str, float]:
    """Loss and metrics; the batch size counts where a loss is a sum."""
    if data.variant.weighted and any(loss.by_weight for loss in task.losses):
        return _by_weight(task, data)
    if all(loss.reduction != "sum" for loss in task.losses):
        batch_size = task.rows_at_once("evaluate", data.variant)
    return means([_run(task, part, batch_size) for part in data.blocks()], task.wholes)


def _run(task: Task, data: Data, batch_size: int) -> Steps:
    ran = task.run("evaluate", data.variant, data.arrays, batch_size=batch_size)
    return per_batch(ran, task.wholes)


def _by_weight(task: Task, data: Data) -> dict[str, float]:
    """Losses divided by the sum of all weights, metrics by the number of rows."""
    weights, runs = [], []
    for part in data.blocks():
        weights.append(part.arrays["weight"].sum(dtype=np.float64))
        runs.append(_run(task, part, part.rows))
    found = means(runs, task.wholes)
    for name in ("loss", *(f"{output}_loss" for output in task.network.output_names)):
        if name in found:
            of_parts = [run.results[name][0] for run in runs]
            found[name] = float(np.average(of_parts, weights=weights))
    return found


def predict(task: Task, data: Data, batch_size: int | None) -> dict[str, Array]:
    """The outputs for each row, by name."""
    size = task.rows_at_once("predict", data.variant) if batch_size is None else batch_size
    parts = [
        task.run("predict", part.variant, part.arrays, batch_size=size).results
        for part in data.blocks()
    ]
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
