"""Where a loss that is not finite was born, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule.engine import Origin, origin_of
from chainrule.training.arrays import Array
from chainrule.training.graphs import loss_graph
from chainrule.training.intake import Data

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["LossNotFinite", "loss_not_finite"]


@dataclass(frozen=True)
class LossNotFinite:
    """The first step whose loss is not finite.

    loss
        nan, inf or -inf.
    step
        Which step of the optimizer it is, from 1; it was not made.
    rows
        The rows of its batch.
    operation, layer, row
        What made the first number that is not finite, the layer that it belongs to, and the row
        of the data that it stands in; each None where there is none, as where a parameter was not
        finite before the step.
    born
        All of this as a part of a sentence; empty where the loss is finite when it is computed
        again with NumPy, which rounds otherwise.
    """

    loss: float
    step: int
    rows: tuple[int, ...]
    operation: str | None = None
    layer: str | None = None
    row: int | None = None
    born: str = ""


def loss_not_finite(trainer: Trainer, data: Data, order: Array, loss: float) -> LossNotFinite:
    """Look for where the loss of the trainer's next step was born.

    order
        The rows of its batch.
    """
    numbers = order if trainer.row_numbers is None else trainer.row_numbers[order]
    rows = tuple(int(row) for row in numbers)
    step = trainer.iterations
    graph, layers = loss_graph(trainer.task, data.variant)
    found = origin_of(
        graph, data.chosen(order).arrays, trainer.parameters.flat, seed=trainer.seed, step=step
    )
    if found is None:
        return LossNotFinite(loss, step + 1, rows)
    row = None if found.row is None else rows[found.row]
    operation, layer = found.node.operation, _layer(found, layers)
    return LossNotFinite(
        loss, step + 1, rows, None if operation is None else operation.name, layer, row,
        _born(found, layer, row),
    )  # fmt: skip


def _layer(found: Origin, layers: Mapping[str, int]) -> str | None:
    """The layer whose nodes it is among; that of a parameter by its name."""
    node = found.node
    if found.is_leaf:
        name = node.name or ""
        return name.rpartition("/")[0] if node.role in ("parameter", "state") else None
    return next((name for name, last in layers.items() if node.number <= last), None)


def _born(found: Origin, layer: str | None, row: int | None) -> str:
    node, value = found.node, found.value
    if found.is_leaf:
        what = "parameter" if node.role in ("parameter", "state") else "input"
        return f"born in the {what} {node.name!r}, which holds {value:g}"
    place = "the loss" if layer is None else f"layer {layer!r}"
    return f"born in {place}, where {_made(node, found.operands)} is {value:g}{_in(row)}"


def _made(node: Any, operands: tuple[float, ...]) -> str:
    """An operation with what it was given: `log of 0`, `matmul of numbers up to 3e+38`."""
    given = " and ".join(f"{number + 0.0:g}" for number in operands)  # -0 is shown as 0
    if node.operation.elementwise or not operands:
        return f"{node.operation.name} of {given}" if operands else str(node.operation.name)
    return f"{node.operation.name} of numbers as large as {given}"


def _in(row: int | None) -> str:
    return "" if row is None else f" (row {row})"
