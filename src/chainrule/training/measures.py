"""What is watched in a run: its results as numbers of a batch and of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import Any

import numpy as np

from chainrule.engine import Steps
from chainrule.errors import ShapeError
from chainrule.losses import Metric
from chainrule.training.arrays import Array
from chainrule.training.callback import Logs

__all__ = [
    "ROWS", "SUM", "Running", "exact_sum", "labeled", "means", "per_batch", "value",
    "values_of_batches", "values_of_epochs",
]  # fmt: skip

SUM = "sum of "
"""Opens the name of a result that is a sum over the rows of a batch: counts stay exact so."""

ROWS = "rows of "
"""Opens the name of a result with an entry a row, for a metric that is no mean over rows."""

Wholes = Mapping[str, Metric]
"""By what history calls them, metrics that are no mean over rows."""


def labeled(
    names: Sequence[str], metrics: Sequence[Sequence[Metric]]
) -> Iterator[tuple[str, int, Metric]]:
    """For each metric what history calls it, and the number of its output."""
    for output, members in enumerate(metrics):
        before = f"{names[output]}_" if len(names) > 1 else ""
        for metric in members:
            yield before + metric.name, output, metric


def per_batch(ran: Steps, wholes: Wholes) -> Steps:
    """The results of a run by what history calls them: means of each batch, exactly in float64.

    A metric of `wholes` has its totals for each batch, or all rows where it needs them.
    """
    for name in tuple(ran.results):
        if not name.startswith((SUM, ROWS)):
            continue
        if name.startswith(SUM):
            ran.results[name.removeprefix(SUM)] = ran.results.pop(name) / ran.rows
        else:
            label, rows = name.removeprefix(ROWS), ran.results.pop(name)
            starts = np.cumsum(ran.rows) - ran.rows
            ran.results[label] = (
                np.add.reduceat(rows, starts, axis=0, dtype=np.float64)
                if wholes[label].summed else rows
            )  # fmt: skip
    return ran


def value(metric: Metric, totals: Array, rows: int) -> float:
    """A metric's result, checked; what it divides by 0 is nan or infinite without a warning."""
    with np.errstate(all="ignore"):
        result = metric.result(totals, rows)
    if isinstance(result, float):  # most: NumPy's float64 is one too
        return float(result)
    if np.ndim(result) != 0 or not np.isreal(result):
        message = f"metric {metric.name!r}: result must give one number, gave {result!r}."
        raise ShapeError(message)
    return float(result)


def _whole(metric: Metric, parts: Sequence[Array], rows: int) -> float:
    """A metric of the totals of batches, added without rounding, or of all rows."""
    joined = np.concatenate(parts, dtype=np.float64)
    if metric.summed:
        joined = np.array([exact_sum(column) for column in joined.T.tolist()] if joined.ndim > 1
                          else exact_sum(joined.tolist()))  # fmt: skip
    return value(metric, joined, rows)


def values_of_batches(metric: Metric, totals: Array, rows: Array) -> Array:
    """A metric of each batch, of its totals."""
    return np.array([value(metric, *one) for one in zip(totals, rows.tolist(), strict=True)])


def values_of_epochs(ran: Steps, steps: int, epoch_rows: int, wholes: Wholes) -> dict[str, Any]:
    """For each whole epoch of a run, made of so many steps and rows, the number of the epoch."""
    done = ran.made // steps
    starts = range(0, done * steps, steps)
    found: dict[str, list[float]] = {}
    for name, values in ran.results.items():
        metric = wholes.get(name)
        if metric is not None:
            size = steps if metric.summed else epoch_rows
            parts = (values[epoch * size : (epoch + 1) * size] for epoch in range(done))
            found[name] = [_whole(metric, [part], epoch_rows) for part in parts]
            continue
        with np.errstate(over="ignore"):
            products = (values * ran.rows).tolist()
        found[name] = [exact_sum(products[at : at + steps]) / epoch_rows for at in starts]
    return found


def means(runs: Sequence[Steps], wholes: Wholes) -> Logs:
    """The numbers of runs together: means weighted by rows, and what `wholes` make of all."""
    rows = [count for ran in runs for count in ran.rows.tolist()]
    logs = {}
    for name in runs[0].results:
        metric = wholes.get(name)
        if metric is not None:
            logs[name] = _whole(metric, [ran.results[name] for ran in runs], sum(rows))
            continue
        values = [value for ran in runs for value in ran.results[name].tolist()]
        logs[name] = _total(values, rows) / sum(rows)
    return logs


class Running:
    """The numbers of an epoch while it runs."""

    def __init__(self, wholes: Wholes) -> None:
        self._wholes = wholes
        self._runs: list[Steps] = []
        self._added = 0
        self._rows = 0
        self._totals: dict[str, Any] = {}

    def add(self, ran: Steps) -> None:
        """Take the results of the next steps."""
        self._runs.append(ran)

    def logs(self) -> Logs:
        """The numbers so far, without metrics that need every row at once."""
        for ran in self._runs[self._added :]:
            self._take(ran)
        self._added = len(self._runs)
        return {
            name: value(self._wholes[name], total, self._rows) if name in self._wholes
            else total / self._rows
            for name, total in self._totals.items()
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Plain values and arrays, with which it goes on to the same bits."""
        self.logs()
        names = self._runs[0].results if self._runs else ()
        joined = {name: np.concatenate([ran.results[name] for ran in self._runs]) for name in names}
        counts = [np.zeros(0, np.int64), *(ran.rows for ran in self._runs)]
        totals = {name: np.array(total, np.float64) for name, total in self._totals.items()}
        return {"results": joined, "rows": np.concatenate(counts), "totals": totals}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave."""
        rows = state["rows"]
        self._runs = [Steps(dict(state["results"]), rows)] if len(rows) else []
        self._added, self._rows = len(self._runs), int(rows.sum())
        self._totals = {
            name: total if total.ndim else total.item() for name, total in state["totals"].items()
        }

    def _take(self, ran: Steps) -> None:
        rows = ran.rows.tolist()
        self._rows += sum(rows)
        for name, values in ran.results.items():
            metric = self._wholes.get(name)
            if metric is None:
                total: Any = _total(values.tolist(), rows)
            elif metric.summed:
                total = values.sum(axis=0)
            else:
                continue
            self._totals[name] = self._totals.get(name, 0.0) + total

    def whole(self) -> Logs:
        """The numbers of all that was taken; how it was cut into runs changes no bit."""
        return means(self._runs, self._wholes)


def _total(values: Sequence[float], rows: Sequence[int]) -> float:
    return exact_sum(list(map(mul, values, rows)))


def exact_sum(numbers: Sequence[float]) -> float:
    """The sum without rounding: how steps were cut into runs changes no bit."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # beyond the largest float, or inf and -inf
        return float(sum(numbers))
