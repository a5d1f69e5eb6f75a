"""The loss of the best constant answer: what a network must beat to have learned anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chainrule.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredError,
)
from chainrule.training.arrays import Array
from chainrule.training.intake import Data

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["constant_loss"]

MOST_TARGETS = 4096


def constant_loss(trainer: Trainer, data: Data) -> float | None:
    """The loss of the one answer for all rows that suits their targets best, on some of them.

    It is half the sum or the mean of the targets' variances, or the entropy of the classes'
    shares. None where that is not known: of other losses, several outputs, weighted rows, or
    penalties, which are part of the loss.
    """
    losses = trainer.task.losses
    if len(losses) != 1 or data.variant.weighted or losses[0].reduction == "sum":
        return None
    if _penalized(trainer):
        return None
    targets = data.arrays[f"target/{trainer.network.output_names[0]}"]
    some = targets[:: -(-data.rows // MOST_TARGETS)]
    kind = type(losses[0])
    if kind is SparseCategoricalCrossentropy:
        return _entropy(np.bincount(some.ravel()))
    means = some.mean(axis=0, dtype=np.float64)
    if kind is CategoricalCrossentropy:
        return float(np.mean([_entropy(shares) for shares in means.reshape(-1, means.shape[-1])]))
    if kind is BinaryCrossentropy:
        return float(np.mean([_entropy(np.array([p, 1.0 - p])) for p in means.ravel()]))
    if kind not in (MeanSquaredError, SquaredError):
        return None
    variances = some.var(axis=0, dtype=np.float64)
    return float(variances.mean() if kind is MeanSquaredError else variances.sum() / 2)


def _penalized(trainer: Trainer) -> bool:
    layers = getattr(trainer.network, "layers", ())
    return any(one.regularizer is not None for one in trainer.parameters.table) or any(
        getattr(layer, "activity_regularizer", None) is not None for layer in layers
    )


def _entropy(weights: Array) -> float:
    """Of classes with these weights, where each row's loss is the sum of its own."""
    some = weights[weights > 0].astype(np.float64)
    shares = some / some.sum()
    total = 1.0 if weights.dtype.kind in "iu" else float(some.sum())
    return float(-total * np.sum(shares * np.log(shares)))
