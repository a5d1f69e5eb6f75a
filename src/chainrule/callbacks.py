"""Callbacks: `from chainrule.callbacks import EarlyStopping`."""

from chainrule.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ProgressBar,
    ReduceLROnPlateau,
    StopWhen,
    TerminateOnNaN,
)

__all__ = [
    "CSVLogger", "Callback", "EarlyStopping", "History", "LambdaCallback",
    "LearningRateScheduler", "ProgressBar", "ReduceLROnPlateau", "StopWhen", "TerminateOnNaN",
]  # fmt: skip
