"""Rows of a table as a network takes them, and what each of them weighs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.data import Labels, Table
from chainrule.estimators.model import network_inputs
from chainrule.estimators.network import TableNetwork
from chainrule.estimators.plan import Array, TablePlan
from chainrule.estimators.settings import TableSettings

__all__ = ["Rows", "class_factors", "rows_of", "weights_of"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as a network takes them, with what is asked of it."""

    inputs: dict[str, Array]
    target: Array
    truth: Array
    weights: Array | None

    def take(self, index: Array) -> Rows:
        """A copy of some rows."""
        weights = None if self.weights is None else self.weights[index]
        inputs = {name: array[index] for name, array in self.inputs.items()}
        return Rows(inputs, self.target[index], self.truth[index], weights)

    def __len__(self) -> int:
        return len(self.target)


def rows_of(plan: TablePlan, network: TableNetwork, table: Table) -> Rows:
    """A table of a plan, encoded."""
    inputs = network_inputs(network, plan.encoded(table))
    column = table.column(str(plan.schema.target))
    if isinstance(plan.labels, Labels):
        target: Array = plan.labels.encode(column)
        return Rows(inputs, target, target, plan.weights(table))
    scaled = plan.labels.encode(column)
    return Rows(inputs, scaled.astype(np.float32), plan.truth(table), plan.weights(table))


def class_factors(rows: Rows, settings: TableSettings) -> Array | None:
    """What the weight of each class is multiplied by, so that all count alike; None for nothing."""
    if settings.class_weight != "balanced":
        return None
    base = np.ones(len(rows)) if rows.weights is None else rows.weights
    totals = np.bincount(rows.target, weights=base)
    present = int((totals > 0).sum())
    factors = np.ones(max(int(rows.target.max()) + 1, len(totals)))
    factors[totals > 0] = base.sum() / (present * totals[totals > 0])
    return factors


def weights_of(rows: Rows, factors: Array | None) -> Array | None:
    """Weights with mean 1, so that the step size keeps its meaning; None for all alike."""
    weights = rows.weights
    if factors is not None:
        known = rows.target < len(factors)
        factor = np.where(known, factors[np.where(known, rows.target, 0)], 1.0)
        weights = factor if weights is None else weights * factor
    if weights is None:
        return None
    mean = float(weights.mean())
    return weights / mean if mean > 0 else weights
