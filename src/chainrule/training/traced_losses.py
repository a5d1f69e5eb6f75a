"""The rows' own losses and the penalties of a step, as nodes that stand apart from its loss."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph import Node, Rows, ops
from chainrule.layers import PerRow, Stack
from chainrule.losses import Loss
from chainrule.training.graphs import Lossy, Task

__all__ = ["penalties_of", "row_losses"]


def row_losses(losses: Sequence[Loss], lossy: Lossy) -> Node:
    """Each row's own loss: that of all outputs together, and of both rows where rows are mixed."""
    share = None if lossy.draws is None else lossy.draws.share
    total: Node | None = None
    for loss, target, output in zip(losses, lossy.targets, lossy.outputs, strict=True):
        rows = loss.rows(target, output)
        if share is not None:
            rows = share * rows + (1 - share) * loss.rows(ops.flip(target, axis=0), output)
        total = rows if total is None else total + rows
    assert total is not None  # noqa: S101  (a trainer with an optimizer has losses)
    return total


def penalties_of(task: Task, lossy: Lossy) -> dict[str, Node]:
    """What each penalty adds to the loss, by parameter and by layer."""
    found: dict[str, Node] = {}
    for one in task.parameters.table:
        if one.trainable and one.regularizer is not None:
            penalty = one.regularizer(lossy.leaves.parameters[one.name])
            if isinstance(one.regularizer, PerRow):
                count: Node = ops.count(shape=(Rows(),), dtype=penalty.dtype)
                if lossy.weight is not None and all(loss.by_weight for loss in task.losses):
                    count = lossy.weight.sum()
                penalty = penalty / count
            found[one.name] = penalty
    if isinstance(task.network, Stack):
        layers = zip(task.network.names, task.network.layers, strict=True)
        names = [name for name, layer in layers if layer.activity_regularizer is not None]
        found |= {
            f"{name}/activities": penalty
            for name, penalty in zip(names, lossy.leaves.penalties, strict=True)
        }
    return found
