"""Losses by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from chainrule.errors import InputTypeError, ModelFileError, SettingError, nearest
from chainrule.losses import classification, regression
from chainrule.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from chainrule.losses.loss import FunctionLoss, Loss
from chainrule.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SquaredError,
)

__all__ = ["LOSSES", "find_loss", "loss_from_record", "loss_record"]

LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "squared_error": SquaredError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
}
"""What a loss's name stands for."""

_KNOWN = {member.__name__: member for member in LOSSES.values()} | LOSSES
_OF_FUNCTION = {
    getattr(room, name): LOSSES[name]
    for room in (regression, classification)
    for name in room.__all__
    if name in LOSSES
}


def find_loss(given: Any) -> Loss:
    """The loss that a name, a class, an object or a function `(y_true, y_pred)` stands for.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_loss("mse")
    MeanSquaredError(reduction='sum_over_batch_size')
    """
    if isinstance(given, Loss):
        return given
    if isinstance(given, str):
        if given not in _KNOWN:
            message = f"loss: {given!r} is not known; {nearest(given, LOSSES, listed=True)}"
            raise SettingError(message)
        return _KNOWN[given]()
    if isinstance(given, type) and issubclass(given, Loss):
        return given()
    if callable(given):
        return _OF_FUNCTION[given]() if given in _OF_FUNCTION else FunctionLoss(given)
    message = (
        f"loss: needs a name, a function or a Loss object, got {type(given).__name__}; "
        f"known names: {', '.join(LOSSES)}."
    )
    raise InputTypeError(message)


def loss_record(loss: Loss) -> dict[str, Any]:
    """A loss as plain values, for files; raises `InputTypeError` for one of one's own."""
    name = type(loss).__name__
    if _KNOWN.get(name) is not type(loss):
        message = (
            f"loss {loss.name!r}: a model file cannot keep a loss of your own; compile the model "
            "with a loss by name before it is saved."
        )
        raise InputTypeError(message)
    return {
        "class": name,
        "settings": {one.name: getattr(loss, one.name) for one in fields(loss)},
    }


def loss_from_record(record: Mapping[str, Any]) -> Loss:
    """The loss that `loss_record` described; raises `ModelFileError` for an unknown one."""
    try:
        return _KNOWN[record["class"]](**record["settings"])
    except (KeyError, TypeError, SettingError) as error:
        message = f"the file names a loss this version does not know ({error}); upgrade chainrule."
        raise ModelFileError(message) from error
