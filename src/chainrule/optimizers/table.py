"""Optimizers by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from chainrule.errors import InputTypeError, ModelFileError, SettingError
from chainrule.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.schedules import schedule_from_record, schedule_record
from chainrule.optimizers.sgd import SGD
from chainrule.settings import find_object

__all__ = ["OPTIMIZERS", "find_optimizer", "optimizer_from_record", "optimizer_record"]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
}
"""What an optimizer's name stands for; case does not matter."""


def find_optimizer(given: Any) -> Optimizer:
    """The optimizer that a name, a class or an object stands for.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_optimizer("sgd") == SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    True
    """
    folded = given.casefold() if isinstance(given, str) else given
    found: Optimizer = find_object("optimizer", folded, OPTIMIZERS, Optimizer)
    return found


def optimizer_record(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer as plain values.

    Raises `InputTypeError` where it, or its schedule, is of one's own: a file runs no code.
    """
    name = type(optimizer).__name__.casefold()
    if OPTIMIZERS.get(name) is not type(optimizer):
        message = (
            f"optimizer {type(optimizer).__name__}: a model file cannot keep one of your own; "
            "compile the model with one by name before it is saved."
        )
        raise InputTypeError(message)
    settings = {one.name: getattr(optimizer, one.name) for one in fields(optimizer)}
    if callable(optimizer.learning_rate):
        settings["learning_rate"] = schedule_record(optimizer.learning_rate)
    return {"class": name, "settings": settings}


def optimizer_from_record(record: Mapping[str, Any]) -> Optimizer:
    """The optimizer that `optimizer_record` described; `ModelFileError` for an unknown one."""
    try:
        settings = dict(record["settings"])
        if isinstance(settings["learning_rate"], Mapping):
            settings["learning_rate"] = schedule_from_record(settings["learning_rate"])
        return OPTIMIZERS[record["class"]](**settings)
    except (KeyError, TypeError, SettingError) as error:
        message = (
            f"the file names an optimizer this version does not know ({error}); upgrade chainrule."
        )
        raise ModelFileError(message) from error
