"""What happened: numbers by epoch and by iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine import Steps
from chainrule.losses import Metric
from chainrule.training.callback import Callback, Logs
from chainrule.training.history_table import history_html
from chainrule.training.measures import values_of_batches

__all__ = ["History"]


class History(Callback):
    """Numbers of a training run.

    history
        A list for each name, one value an epoch.
    steps
        An array for each name, one value an iteration: that of its batch. A metric that needs
        every row at once (AUC, R2) has none.
    epoch
        The epochs' numbers, from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self._pieces: dict[str, list[np.ndarray[Any, Any]]] = {}
        self._waiting: list[tuple[str, Metric, Any, Any]] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def add_epochs(self, epochs: Sequence[int], means: Mapping[str, Sequence[float]]) -> None:
        """Take the numbers of epochs that nobody else was told of."""
        self.epoch.extend(epochs)
        for name, values in means.items():
            self.history.setdefault(name, []).extend(values)

    def add_steps(self, ran: Steps, wholes: Mapping[str, Metric]) -> None:
        """Take the results of the steps that a run has made.

        wholes
            Metrics that are no mean over rows; results have their totals, or rows.
        """
        for name, values in ran.results.items():
            metric, made = wholes.get(name), values[: ran.made]
            if metric is None:
                self._pieces.setdefault(name, []).append(made)
            elif metric.summed:
                self._pieces.setdefault(name, [])
                self._waiting.append((name, metric, made, ran.rows[: ran.made]))

    def state(self) -> dict[str, Any]:
        history = {name: _packed(values) for name, values in self.history.items()}
        return {"history": history, "epoch": np.array(self.epoch, np.int64), "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.history = {
            name: values.tolist() if isinstance(values, np.ndarray) else values
            for name, values in state["history"].items()
        }
        self.epoch = state["epoch"].tolist()
        self._pieces = {name: [array] for name, array in state["steps"].items()}
        self._waiting = []

    def __repr__(self) -> str:
        """How many epochs, and the numbers of the last one."""
        made = len(self.epoch)
        last = ", ".join(f"{name} {self.history[name][-1]:.3g}" for name in self.history)
        return f"<History of {made} epoch{'s' * (made != 1)}{': ' * bool(last)}{last}>"

    def _repr_html_(self) -> str:
        return history_html(self.history, self.epoch)

    @property
    def steps(self) -> dict[str, np.ndarray[Any, Any]]:
        """An array for each name, one value an iteration."""
        for name, *totals in self._waiting:  # a call a step: only when someone asks
            self._pieces[name].append(values_of_batches(*totals))
        self._waiting.clear()
        joined = {name: np.concatenate(pieces) for name, pieces in self._pieces.items()}
        self._pieces = {name: [array] for name, array in joined.items()}
        return joined


def _packed(values: Sequence[Any]) -> Any:
    """Numbers as an array, which takes a checkpoint far less than a list does."""
    numbers = all(type(value) is float for value in values)
    return np.array(values, np.float64) if numbers else list(values)
