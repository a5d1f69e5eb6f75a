"""Rows of a table as a network takes them, and what each of them weighs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Labels, Table
from chainrule.estimators.model import network_inputs
from chainrule.estimators.network import TableNetwork
from chainrule.estimators.plan import Array, TablePlan, truth

__all__ = ["Rows", "class_factors", "rows_of", "weights_of"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as a network takes them, with what is asked of it.

    targets, truths
        Of each target what the network is to say; class codes, or numbers in its unit.
    """

    inputs: dict[str, Array]
    targets: tuple[Array, ...]
    truths: tuple[Array, ...]
    weights: Array | None

    def take(self, index: Array) -> Rows:
        """A copy of some rows."""
        weights = None if self.weights is None else self.weights[index]
        inputs = {name: array[index] for name, array in self.inputs.items()}
        targets = tuple(target[index] for target in self.targets)
        return Rows(inputs, targets, tuple(truth[index] for truth in self.truths), weights)

    def asked(self, network: TableNetwork) -> Any:
        """The targets as a trainer takes them."""
        if len(self.targets) == 1:
            return self.targets[0]
        return dict(zip(network.output_names, self.targets, strict=True))

    def __len__(self) -> int:
        return len(self.targets[0])


def rows_of(plan: TablePlan, network: TableNetwork, table: Table) -> Rows:
    """A table of a plan, encoded."""
    targets, truths = [], []
    for codec in plan.codecs:
        coded = codec.encode(table.column(codec.name))
        is_class = isinstance(codec, Labels)
        targets.append(coded if is_class else coded.astype(np.float32))
        truths.append(coded if is_class else truth(codec, table))
    inputs = network_inputs(network, plan.encoded(table))
    return Rows(inputs, tuple(targets), tuple(truths), plan.weights(table))


def class_factors(rows: Rows, plan: TablePlan) -> list[Array | None]:
    """What the weight of each class of each target is multiplied by; None for nothing."""
    factors: list[Array | None] = []
    for codec, codes, wanted in zip(plan.codecs, rows.targets, plan.class_weights, strict=True):
        if wanted is None or not isinstance(codec, Labels):
            factors.append(None)
        elif isinstance(wanted, str):
            factors.append(_balanced(rows, codes))
        else:
            named = [float(wanted.get(label, 1.0)) for label in codec.classes]
            factors.append(np.array(named))
    return factors


def _balanced(rows: Rows, codes: Array) -> Array:
    """What makes all classes count alike."""
    base = np.ones(len(rows)) if rows.weights is None else rows.weights
    totals = np.bincount(codes, weights=base)
    present = int((totals > 0).sum())
    factors = np.ones(max(int(codes.max()) + 1, len(totals)))
    factors[totals > 0] = base.sum() / (present * totals[totals > 0])
    return factors


def weights_of(rows: Rows, factors: list[Array | None]) -> Array | None:
    """Weights with mean 1, so that the step size keeps its meaning; None for all alike.

    With several targets of classes their factors are multiplied, as scikit-learn does.
    """
    weights = rows.weights
    for codes, factor in zip(rows.targets, factors, strict=True):
        if factor is not None:
            known = codes < len(factor)
            times = np.where(known, factor[np.where(known, codes, 0)], 1.0)
            weights = times if weights is None else weights * times
    if weights is None:
        return None
    mean = float(weights.mean())
    return weights / mean if mean > 0 else weights
