"""Stop when a number no longer improves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.settings import check_count, check_flag, check_number
from chainrule.training.callback import Logs
from chainrule.training.monitor import Monitor

__all__ = ["EarlyStopping"]

REMEMBERED = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")


class EarlyStopping(Monitor):
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

    may_stop = True

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
        super().__init__(monitor, mode, min_delta)
        owner, finite = "EarlyStopping", "that is finite"
        self.patience = check_count(owner, "patience", patience, 0)
        self.verbose = verbose
        self.baseline = (
            None if baseline is None
            else check_number(owner, "baseline", baseline, finite, lambda _: True)
        )  # fmt: skip
        self.restore_best_weights = check_flag(owner, "restore_best_weights", restore_best_weights)
        self.start_from_epoch = check_count(owner, "start_from_epoch", start_from_epoch, 0)
        self._start()

    def _start(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = self._worst()
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

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in REMEMBERED}

    def restore(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()
