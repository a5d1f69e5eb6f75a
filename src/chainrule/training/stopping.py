"""Rules by which training stops: small changes, few wrong rows, time, a loss that is no number."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import SettingError, listing
from chainrule.settings import check_flag, check_number
from chainrule.training.callback import Callback, Logs

__all__ = ["StopWhen", "TerminateOnNaN"]

ACCURACIES = (
    "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
)  # fmt: skip


class StopWhen(Callback):
    """Stops training at the first of the rules that are given.

    weight_change
        When in an epoch no weight that is trained has changed by this much.
    error_share
        When the share of misclassified rows, 1 - accuracy, is below this: of the rows of
        validation where there are any, else of training (counted while the weights change). Of
        several outputs, that with the largest share decides. Needs a metric such as "accuracy".
    seconds
        When so much time has passed since the start; looked at within epochs too, every fraction
        of a second.

    All are above 0, and at least one must be given. After training `reason` is a sentence that
    says why it stopped, None where no rule stopped it.

    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
    >>> model.compile(chainrule.optimizers.SGD(0.5), "mse")
    >>> stop = chainrule.callbacks.StopWhen(weight_change=1e-3)
    >>> history = model.fit(np.eye(2), np.ones(2), epochs=1000, callbacks=[stop])
    >>> len(history.epoch) < 100, stop.reason.startswith("in epoch ")
    (True, True)
    """

    may_stop = True

    def __init__(
        self,
        weight_change: float | None = None,
        error_share: float | None = None,
        seconds: float | None = None,
    ) -> None:
        if weight_change is None and error_share is None and seconds is None:
            message = "StopWhen: give at least one of weight_change, error_share and seconds."
            raise SettingError(message)
        self.weight_change = _checked("weight_change", weight_change)
        self.error_share = _checked("error_share", error_share)
        self.seconds = _checked("seconds", seconds)
        self.reason: str | None = None
        self._weights: Any = None
        self._began = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.reason = None
        self._began = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.weight_change is not None:
            self._weights = self._trained()

    def on_train_steps(self, done: int, logs: Logs | None = None) -> bool:
        if self.seconds is not None:
            passed = time.perf_counter() - self._began
            if passed >= self.seconds:
                self._stop(f"{passed:.3g} seconds have passed, and seconds={self.seconds:g}.")
        return self.reason is not None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> bool:
        if self.weight_change is not None:
            change = float(np.abs(self._trained() - self._weights).max(initial=0.0))
            if change < self.weight_change:
                self._stop(
                    f"in epoch {epoch + 1} no weight changed by more than {change:.3g}, which is "
                    f"below weight_change={self.weight_change:g}."
                )
        if self.error_share is not None:
            rows, share = _error_share(logs or {})
            if share < self.error_share:
                self._stop(
                    f"in epoch {epoch + 1} the share of misclassified rows of {rows} was "
                    f"{share:.3g}, which is below error_share={self.error_share:g}."
                )
        return self.reason is not None

    def state(self) -> dict[str, Any]:
        passed = time.perf_counter() - self._began
        return {"passed": passed, "reason": self.reason, "weights": self._weights}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._began = time.perf_counter() - state["passed"]
        self.reason, self._weights = state["reason"], state["weights"]

    def _trained(self) -> Any:
        """A copy of the flat array of what updates reach: running statistics are no part of it."""
        parameters = getattr(self.model, "trainer", self.model).parameters
        return parameters.flat[: parameters.trainable_count].copy()

    def _stop(self, reason: str) -> None:
        if self.reason is None:
            self.reason = reason


def _checked(setting: str, value: float | None) -> float | None:
    if value is None:
        return None
    return check_number("StopWhen", setting, value, "above 0", lambda x: x > 0)


def _error_share(logs: Logs) -> tuple[str, float]:
    """What rows are looked at, and the share of them that is misclassified."""
    shares: dict[bool, list[float]] = {True: [], False: []}
    for name, value in logs.items():
        inner = name.removeprefix("val_")
        # with several outputs the name of one stands before
        if inner in ACCURACIES or inner.endswith(tuple(f"_{one}" for one in ACCURACIES)):
            shares[inner != name].append(1.0 - value)
    for of_validation, rows in ((True, "validation"), (False, "training")):
        if shares[of_validation]:
            return rows, max(shares[of_validation])
    message = (
        f"StopWhen: error_share needs an accuracy, there is {listing(logs)}; compile the model "
        'with metrics=["accuracy"].'
    )
    raise SettingError(message)


class TerminateOnNaN(Callback):
    """Ends training without an error where a loss is not finite; Keras's meaning.

    Without it `fit` raises `TrainingError`. The step of that loss is not made, the epoch is
    recorded with its loss (nan or inf), `error` holds what would have been raised, and the
    sentence goes to the log `chainrule`.

    raise_error
        Whether the error is raised after all.
    """

    error: BaseException | None = None

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = check_flag("TerminateOnNaN", "raise_error", raise_error)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.error = None

    def on_loss_not_finite(self, error: BaseException) -> bool:
        if not self.raise_error:
            self.error = error
            logging.getLogger("chainrule").warning("TerminateOnNaN: %s", error)
        return not self.raise_error
