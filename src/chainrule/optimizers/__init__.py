"""Optimizers: descriptions of how weights move, by name and as classes."""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.optimizers import schedules
from chainrule.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from chainrule.optimizers.nadam import Nadam
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.schedule import Rate
from chainrule.optimizers.sgd import SGD
from chainrule.optimizers.table import (
    OPTIMIZERS,
    find_optimizer,
    optimizer_from_record,
    optimizer_record,
)

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "Rate",
    "find_optimizer",
    "optimizer_from_record",
    "optimizer_record",
    "schedules",
]

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("optimizers", __all__)
