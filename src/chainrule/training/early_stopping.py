"""Stop when a number no longer improves."""

from __future__ import annotations

import math
from typing import Any

from chainrule.errors import InputTypeError, SettingError, listing
from chainrule.settings import check_count, check_flag, check_number
from chainrule.training.callback import Callback, Logs

__all__ = ["EarlyStopping"]

LARGER_IS_BETTER = ("acc", "accuracy", "auc", "precision", "recall", "f1", "r2_score", "top_k")


class EarlyStopping(Callback):
    """Stops training when a number has not improved for a while; Keras's meaning and defaults.

    A number that is not one (nan) is never an improvement; in Keras the first one would be.

    monitor
        A name in `logs`: "val_loss", "accuracy".
    min_delta
        By how much it must change to count as an improvement.
    patience
        After how many epochs without improvement training stops.
    verbose
        0 or 1; accepted for Keras's sake, nothing is printed.
    mode
        "min", "max", or "auto": max where the name ends in accuracy, auc, f1 and the like.
    baseline
        A value that must be beaten as well.
    restore_best_weights
        Whether the weights of the best epoch come back at the end.
    start_from_epoch
        Epochs before this one are not looked at.

    After training `best`, `best_epoch` and `stopped_epoch` (0 where it did not stop) tell more.
    Raises `SettingError` for a setting that is not allowed, and at the end of the first epoch
    where there is no number called `monitor`.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        if mode not in ("auto", "min", "max"):
            message = f"EarlyStopping: mode must be 'auto', 'min' or 'max', got {mode!r}."
            raise SettingError(message)
        name: object = monitor
        if not isinstance(name, str):
            message = f"EarlyStopping: monitor must be a name such as 'val_loss', got {name!r}."
            raise InputTypeError(message)
        owner, finite = "EarlyStopping", "that is finite"
        self.monitor = monitor
        self.min_delta = abs(check_number(owner, "min_delta", min_delta, finite, lambda _: True))
        self.patience = check_count(owner, "patience", patience, 0)
        self.verbose = verbose
        self.baseline = (
            None if baseline is None
            else check_number(owner, "baseline", baseline, finite, lambda _: True)
        )  # fmt: skip
        self.restore_best_weights = check_flag(owner, "restore_best_weights", restore_best_weights)
        self.start_from_epoch = check_count(owner, "start_from_epoch", start_from_epoch, 0)
        rising = mode == "max" or (mode == "auto" and monitor.endswith(LARGER_IS_BETTER))
        self._sign = 1.0 if rising else -1.0
        self._start()

    def _start(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = -self._sign * math.inf
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self._current(logs or {})
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            # no epoch may ever improve (a baseline out of reach): then the first one comes back
            self._keep(epoch)
        self.wait += 1
        if self._improves(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def _current(self, logs: Logs) -> float:
        if self.monitor not in logs:
            hint = (
                " (give validation_data or validation_split for the val_ ones)"
                if self.monitor.startswith("val_")
                else ""
            )
            message = (
                f"EarlyStopping: there is no {self.monitor!r} to monitor; "
                f"there is {listing(logs)}{hint}."
            )
            raise SettingError(message)
        return logs[self.monitor]

    def _improves(self, value: float, reference: float) -> bool:
        return self._sign * value - self.min_delta > self._sign * reference

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()
