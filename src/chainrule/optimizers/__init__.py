"""Optimizers: descriptions of how weights move, by name and as classes."""

from chainrule.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from chainrule.optimizers.optimizer import Optimizer
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
    "Optimizer",
    "RMSprop",
    "find_optimizer",
    "optimizer_from_record",
    "optimizer_record",
]
