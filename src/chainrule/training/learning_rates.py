"""Callbacks that change the learning rate from epoch to epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.errors import InputTypeError, SettingError
from chainrule.settings import check_count, check_number
from chainrule.training.callback import Callback, Logs
from chainrule.training.monitor import Monitor

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def _check_number_is_at_work(callback: Callback) -> None:
    """Raise where the optimizer's rate is a schedule, which no callback can change."""
    if callback.model.optimizer.scheduled:
        message = (
            f"{type(callback).__name__}: the optimizer's learning_rate is a schedule already; "
            "compile the model with a number, or leave this callback out."
        )
        raise SettingError(message)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch; Keras's meaning and arguments.

    schedule
        A function of the epoch, counted from 0, or of the epoch and the rate as it is; it gives a
        number above 0.
    verbose
        0 or 1; accepted for Keras's sake, nothing is printed.

    The rate of each epoch is recorded as `learning_rate`. Raises `InputTypeError` for what is no
    such function, `SettingError` where it gives no rate or the optimizer has a schedule of its own.

    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
    >>> model.compile(chainrule.optimizers.SGD(0.25), "mse")
    >>> halve = chainrule.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit(np.eye(2), np.ones(2), epochs=3, callbacks=[halve])
    >>> history.history["learning_rate"]
    [0.125, 0.0625, 0.03125]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_rate(schedule)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        _check_number_is_at_work(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        given = (epoch, optimizer.learning_rate) if self._takes_rate else (epoch,)
        owner, setting = "LearningRateScheduler", f"what the function gives for epoch {epoch}"
        rate = self.schedule(*given)
        optimizer.learning_rate = check_number(owner, setting, rate, "above 0", lambda x: x > 0)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


def _takes_rate(schedule: Any) -> bool:
    """Whether a function takes epoch and rate, and not the epoch alone."""
    if not callable(schedule) or isinstance(schedule, type):
        message = (
            "LearningRateScheduler: schedule must be a function of the epoch, or of the epoch and "
            f"the rate, got {schedule!r}."
        )
        raise InputTypeError(message)
    try:
        signature = inspect.signature(schedule)
    except ValueError:  # some built-in functions have none
        return False
    for given in ((0, 0.1), (0,)):
        try:
            signature.bind(*given)
        except TypeError:
            continue
        return len(given) == 2
    message = (
        f"LearningRateScheduler: the function takes {signature}; it must take the epoch, or the "
        "epoch and the rate."
    )
    raise InputTypeError(message)


class ReduceLROnPlateau(Monitor):
    """Makes the learning rate smaller when a number has not improved for a while; Keras's meaning
    and defaults. A number that is not one (nan) is never an improvement.

    monitor
        A name in `logs`: "val_loss", "accuracy".
    factor
        What the rate is multiplied by: above 0 and below 1.
    patience
        After how many epochs without improvement the rate is reduced.
    verbose
        0 or 1; accepted for Keras's sake, nothing is printed.
    mode
        "min", "max", or "auto": max where the name ends in accuracy, auc, f1 and the like.
    min_delta
        By how much it must change to count as an improvement.
    cooldown
        For how many epochs after a reduction none is counted as without improvement.
    min_lr
        The rate is not made smaller than this: 0 or more.

    The rate of each epoch is recorded as `learning_rate`. Raises `SettingError` for a setting that
    is not allowed, where the optimizer has a schedule, and at the end of the first epoch where
    there is no number called `monitor`.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        owner, allowed = "ReduceLROnPlateau", "above 0 and below 1"
        self.factor = check_number(owner, "factor", factor, allowed, lambda x: 0 < x < 1)
        self.patience = check_count(owner, "patience", patience, 0)
        self.verbose = verbose
        self.cooldown = check_count(owner, "cooldown", cooldown, 0)
        self.min_lr = check_number(owner, "min_lr", min_lr, "of 0 or more", lambda x: x >= 0)
        self._start()

    def _start(self) -> None:
        self.best = self._worst()
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        _check_number_is_at_work(self)
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = self.model.optimizer.learning_rate
        current = self._current(logs)
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
        if self._improves(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce()

    def state(self) -> dict[str, Any]:
        return {
            "best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)

    def _reduce(self) -> None:
        optimizer = self.model.optimizer
        reduced = max(optimizer.learning_rate * self.factor, self.min_lr)
        if 0 < reduced < optimizer.learning_rate:
            optimizer.learning_rate = reduced
            self.cooldown_counter = self.cooldown
            self.wait = 0
