"""Callbacks: `from chainrule.callbacks import EarlyStopping`."""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.reporting import Doctor
from chainrule.training import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgressBar,
    ReduceLROnPlateau,
    StopWhen,
    TerminateOnNaN,
)

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "Doctor", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ProgressBar",
    "ReduceLROnPlateau", "StopWhen",
    "TerminateOnNaN",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("callbacks", __all__)
