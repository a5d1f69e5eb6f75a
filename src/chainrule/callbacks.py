"""Callbacks: `from chainrule.callbacks import EarlyStopping`."""

from chainrule.training import Callback, EarlyStopping, History, LambdaCallback, ProgressBar

__all__ = ["Callback", "EarlyStopping", "History", "LambdaCallback", "ProgressBar"]
