"""Callbacks that watch one number of an epoch."""

from __future__ import annotations

import math
from typing import Any

from chainrule.errors import InputTypeError, SettingError, listing
from chainrule.settings import check_number
from chainrule.training.callback import Callback, Logs

__all__ = ["Monitor"]

LARGER_IS_BETTER = (
    "acc", "accuracy", "auc", "precision", "recall", "f1", "f1_score", "r2_score", "top_k",
)  # fmt: skip


class Monitor(Callback):
    """Knows the number it watches, and whether a value of it is better than another.

    A number that is not one (nan) is never better; in Keras the first one would be.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        owner = type(self).__name__
        if mode not in ("auto", "min", "max"):
            message = f"{owner}: mode must be 'auto', 'min' or 'max', got {mode!r}."
            raise SettingError(message)
        name: object = monitor
        if not isinstance(name, str):
            message = f"{owner}: monitor must be a name such as 'val_loss', got {name!r}."
            raise InputTypeError(message)
        self.monitor = monitor
        self.min_delta = abs(
            check_number(owner, "min_delta", min_delta, "that is finite", lambda _: True)
        )
        rising = mode == "max" or (mode == "auto" and monitor.endswith(LARGER_IS_BETTER))
        self._sign = 1.0 if rising else -1.0

    def _worst(self) -> float:
        """What every number is better than."""
        return -self._sign * math.inf

    def _current(self, logs: Logs) -> float:
        """The number that is watched; raises `SettingError` where there is none."""
        if self.monitor not in logs:
            hint = (
                " (give validation_data, validation_split or an eval_set for the val_ ones)"
                if self.monitor.startswith("val_")
                else ""
            )
            message = (
                f"{type(self).__name__}: there is no {self.monitor!r} to monitor; "
                f"there is {listing(logs)}{hint}."
            )
            raise SettingError(message)
        return logs[self.monitor]

    def _improves(self, value: Any, reference: float) -> bool:
        return bool(self._sign * value - self.min_delta > self._sign * reference)
