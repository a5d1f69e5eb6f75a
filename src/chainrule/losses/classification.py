"""Cross-entropies. Those of a softmax or sigmoid are computed from its operand: stable pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.errors import ShapeError, warn
from chainrule.graph import Node, ops
from chainrule.losses.loss import EPSILON, Loss, as_nodes, row_mean
from chainrule.settings import check_flag

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy",
    "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
]  # fmt: skip


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Node:
    """mean(-t log p - (1 - t) log(1 - p)) over the outputs of each row.

    y_pred
        Probabilities; or with `from_logits` z, of which p is the sigmoid.

    A node made by `ops.sigmoid` hands on its operand, so that nothing is lost to rounding; other
    probabilities are kept 1e-7 away from 0 and 1.

    >>> binary_crossentropy([1.0], [0.25]).value.round(4)
    array([1.3863])
    """
    logits = _logits(y_pred, from_logits, (ops.sigmoid,))
    if logits is not None:
        target, logits = as_nodes(y_true, logits)
        return row_mean(ops.sigmoid_cross_entropy(logits, target))
    target, prediction = as_nodes(y_true, y_pred)
    p = _clipped(prediction)
    return row_mean(-target * ops.log(p) - (1.0 - target) * ops.log(1.0 - p))


def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Node:
    """-sum t log p over the classes of each row, targets one-hot or shares.

    y_pred
        Probabilities; or with `from_logits` z, of which p is the softmax.

    A node made by `ops.softmax` or `ops.log_softmax` hands on its operand; other probabilities
    are divided by their sum and kept 1e-7 away from 0 and 1.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.75, 0.25]]).value.round(4)
    array([1.3863])
    """
    logits = _logits(y_pred, from_logits, (ops.softmax, ops.log_softmax))
    if logits is not None:
        target, logits = as_nodes(y_true, logits)
        return row_mean(ops.softmax_cross_entropy(logits, target))
    target, prediction = as_nodes(y_true, y_pred)
    return row_mean(-(target * _log_shares(prediction)).sum(axis=-1))


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False) -> Node:
    """-log p of the class that is each row's label; else as `categorical_crossentropy`.

    y_true
        Whole numbers from 0, shape (rows,) or (rows, 1).

    >>> sparse_categorical_crossentropy([1], [[0.75, 0.25]]).value.round(4)
    array([1.3863])
    """
    logits = _logits(y_pred, from_logits, (ops.softmax, ops.log_softmax))
    labels, scores = as_nodes(y_true, y_pred if logits is None else logits, labels=True)
    hot = ops.one_hot(labels, depth=scores.shape[-1], dtype=scores.dtype.name)
    if logits is not None:
        return row_mean(ops.softmax_cross_entropy(scores, hot))
    return row_mean(-(hot * _log_shares(scores)).sum(axis=-1))


def _logits(y_pred: Any, from_logits: bool, links: tuple[Any, ...]) -> Node | None:
    """What the probabilities were made of, where that is known."""
    made = isinstance(y_pred, Node) and y_pred.operation in links
    if made and y_pred.attributes.get("axis", -1) in (-1, len(y_pred.shape) - 1):
        if from_logits:
            message = (
                f"from_logits=True, but the predictions are already a {y_pred.operation.name}; "
                "leave from_logits out, or take the activation off the last layer."
            )
            warn(message)
        else:
            operand: Node = y_pred.operands[0]
            return operand
    return as_nodes(y_pred, y_pred)[1] if from_logits else None


def _clipped(p: Node) -> Node:
    clipped: Node = ops.minimum(ops.maximum(p, EPSILON), 1.0 - EPSILON)
    return clipped


def _log_shares(p: Node) -> Node:
    shares: Node = ops.log(_clipped(p / p.sum(axis=-1, keepdims=True)))
    return shares


@dataclass(frozen=True)
class _FromLogits(Loss):
    from_logits: bool = False

    target_kind = "probabilities"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag(self.name, "from_logits", self.from_logits)


@dataclass(frozen=True)
class BinaryCrossentropy(_FromLogits):
    """-t log p - (1 - t) log(1 - p), mean over outputs and rows.

    from_logits
        Predictions are z, of which p is the sigmoid.
    """

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return binary_crossentropy(y_true, y_pred, self.from_logits)


@dataclass(frozen=True)
class CategoricalCrossentropy(_FromLogits):
    """-sum t log p over classes, mean over rows; targets one-hot or shares.

    from_logits
        Predictions are z, of which p is the softmax.
    """

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return categorical_crossentropy(y_true, y_pred, self.from_logits)


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(_FromLogits):
    """-log p of the class that is the label, mean over rows; labels are whole numbers from 0.

    from_logits
        Predictions are z, of which p is the softmax.
    """

    target_kind = "labels"

    def rows(self, y_true: Any, y_pred: Any) -> Node:
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)

    def target_shape(self, output: tuple[int, ...]) -> tuple[int, ...]:
        if not output:
            message = f"{self.name}: the output needs an axis of classes; end with Dense(classes)."
            raise ShapeError(message)
        return output[:-1]
