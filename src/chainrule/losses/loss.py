"""What a loss is: a number for each row, of what should be and what is predicted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chainrule.errors import InputTypeError, SettingError, ShapeError, listing
from chainrule.graph import Node, Shape, make, ops

__all__ = ["FunctionLoss", "Loss", "as_nodes", "row_mean"]

BY_WEIGHT = "mean_with_sample_weight"
REDUCTIONS = ("sum_over_batch_size", "sum", BY_WEIGHT)
EPSILON = 1e-7
"""How near to 0 and 1 a predicted probability may come before its logarithm is taken."""


def as_nodes(y_true: Any, y_pred: Any, labels: bool = False) -> tuple[Node, Node]:
    """Targets and predictions as nodes of one shape; (rows,) and (rows, 1) may meet.

    labels
        Targets are whole numbers, one a row, for predictions (rows, classes).

    Raises `ShapeError` naming both shapes where they do not fit.
    """
    prediction = make(y_pred, None, "y_pred")
    if prediction.dtype.kind != "f":
        prediction = ops.cast(prediction, dtype="float64")
    if len(prediction.shape) == 1 and not labels:
        prediction = prediction.reshape((*prediction.shape, 1))
    target = make(y_true, None, "y_true")
    if labels:
        wanted: Shape = prediction.shape[:-1]
        target = target if target.dtype.kind in "iu" else ops.cast(target, dtype="int32")
    else:
        wanted = prediction.shape
        if target.dtype != prediction.dtype:
            target = ops.cast(target, dtype=prediction.dtype)
    if target.shape != wanted:
        target = _reshaped(target, wanted, prediction)
    return target, prediction


def _reshaped(target: Node, wanted: Shape, prediction: Node) -> Node:
    """The target with an axis of size 1 at its end put there or taken away."""
    if target.shape in (wanted[:-1] if wanted[-1:] == (1,) else None, (*wanted, 1)):
        return target.reshape(wanted)
    message = (
        f"targets of shape {target.shape} do not fit predictions of shape {prediction.shape}; "
        f"give targets of shape {wanted}."
    )
    raise ShapeError(message)


def _one_for_all(name: str) -> str:
    return (
        f"{name}: it gives one number for all rows, but must give one for each; leave out .mean() "
        "or .sum() over rows, which is taken afterwards."
    )


def row_mean(values: Node) -> Node:
    """The mean over all axes but the first, which is rows."""
    axes = len(values.shape)
    return values if axes == 1 else values.mean(axis=tuple(range(1, axes)))


@dataclass(frozen=True)
class Loss(ABC):
    """A loss: `rows` gives one number a row, calling it one number for all.

    reduction
        "sum_over_batch_size" (the mean over rows; a weighted loss too is divided by the number
        of rows), "mean_with_sample_weight" (divided by the sum of the weights) or "sum".

    A loss of one's own is a frozen dataclass with `rows`, or a function `(y_true, y_pred)` on
    nodes that gives one number a row.

    >>> from chainrule.losses import MeanSquaredError
    >>> loss = MeanSquaredError()
    >>> loss([[1.0], [2.0]], [[1.0], [4.0]]).value
    2.0
    >>> loss([[1.0], [2.0]], [[1.0], [4.0]], sample_weight=[1.0, 3.0]).value
    6.0
    """

    reduction: str = field(default="sum_over_batch_size", kw_only=True)

    target_kind: ClassVar[str] = "numbers"
    """numbers; probabilities (from 0 to 1); counts (0 or more); labels (whole numbers)."""

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            message = (
                f"{self.name}: reduction must be {listing(REDUCTIONS)}, got {self.reduction!r}."
            )
            raise SettingError(message)

    @property
    def name(self) -> str:
        """What tables and errors call it."""
        return type(self).__name__

    @property
    def by_weight(self) -> bool:
        """Whether a weighted loss is divided by the sum of the weights."""
        return self.reduction == BY_WEIGHT

    @abstractmethod
    def rows(self, y_true: Node, y_pred: Node) -> Node:
        """The loss of each row, shape (rows,)."""

    def target_shape(self, output: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of one row of targets, where one row of predictions has shape `output`."""
        return output

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Node:
        """The loss of all rows as a scalar node; `sample_weight` has one number a row."""
        found: Any = self.rows(y_true, y_pred)
        if isinstance(found, Node) and not found.shape:
            raise ShapeError(_one_for_all(self.name))
        if not isinstance(found, Node) or len(found.shape) != 1:
            shown = f"shape {found.shape}" if isinstance(found, Node) else type(found).__name__
            message = f"{self.name}: it must give one number a row, shape (rows,), not {shown}."
            raise ShapeError(message)
        if sample_weight is None:
            return found.sum() if self.reduction == "sum" else found.mean()
        weight = make(sample_weight, found.dtype, "sample_weight")
        values = found * weight
        if self.by_weight:
            return values.sum() / weight.sum()
        return values.sum() if self.reduction == "sum" else values.mean()


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """A loss made of a function `(y_true, y_pred)` on nodes, with further settings by keyword.

    function
        Gives one number a row, or more, of which the mean is taken.
    """

    function: Callable[..., Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            message = f"loss: needs a function of (y_true, y_pred), got {self.function!r}."
            raise InputTypeError(message)

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__name__", "loss"))

    def rows(self, y_true: Node, y_pred: Node) -> Node:
        target, prediction = as_nodes(y_true, y_pred)
        values = self.function(target, prediction)
        if isinstance(values, Node) and not values.shape:
            raise ShapeError(_one_for_all(self.name))
        if not isinstance(values, Node):
            message = f"{self.name}: it must give a node with a number for each row or more."
            raise ShapeError(message)
        return row_mean(values)
