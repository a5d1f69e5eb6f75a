"""What stands between two epochs of an estimator: its curves, its learning rate, when it stops."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.training import Callback

if TYPE_CHECKING:
    from chainrule.estimators.mlp.base import BaseMLP
    from chainrule.estimators.mlp.validation import Validation

__all__ = ["RateRule", "Watch"]

SMALLEST_RATE = 1e-6

FOUND = (
    "n_iter_", "loss_", "t_", "loss_curve_", "validation_scores_", "validation_loss_curve_",
    "best_loss_", "best_validation_score_", "_best", "_no_improvement_count",
)  # fmt: skip
"""What an estimator has of the epochs that are over."""


@dataclass(frozen=True)
class RateRule:
    """What happens to the learning rate after an epoch: an optimizer keeps that of its beginning.

    word
        "constant", "invscaling" (first / (rows seen + 1)^power) or "adaptive".
    """

    word: str
    first: float
    power: float

    @classmethod
    def of(cls, estimator: BaseMLP) -> RateRule:
        """That of an estimator's settings; only "sgd" without a schedule has one."""
        plain = estimator.solver == "sgd" and estimator.schedule is None
        word = estimator.learning_rate if plain else "constant"
        return cls(word, float(estimator.learning_rate_init), float(estimator.power_t))


class Watch(Callback):
    """Keeps the curves of an estimator, and stops as scikit-learn's rule says.

    Training stops after `n_iter_no_change` epochs in a row whose loss (or score of the rows held
    back, with early stopping) is not better by `tol` than the best; `learning_rate="adaptive"`
    divides the rate by 5 instead, until it is 1e-6 or less.

    After training, `finished` says whether it stopped by itself.
    """

    may_stop = True

    def __init__(
        self, estimator: BaseMLP, rows: int, validation: Validation | None, *,
        some_weigh_nothing: bool,
    ) -> None:  # fmt: skip
        self._estimator = estimator
        self._some_weigh_nothing = some_weigh_nothing
        self._rows = rows
        self._validation = validation
        self._rate = estimator._rate or RateRule.of(estimator)
        self.finished = False
        self.reason: BaseException | None = None

    def on_loss_not_finite(self, error: BaseException) -> bool:
        """Ends training with the best weights, where there are some to go back to."""
        kept = self._estimator.early_stopping and self._estimator._best is not None
        if not kept or self._some_weigh_nothing:
            return False
        from sklearn.exceptions import ConvergenceWarning

        self.reason = error
        warnings.warn(
            f"training stopped, the best weights so far are kept: {error}", ConvergenceWarning,
            stacklevel=2,
        )  # fmt: skip
        return True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs, estimator = logs or {}, self._estimator
        estimator.n_iter_ += 1
        estimator.loss_ = logs["loss"]
        estimator.t_ += self._rows
        estimator.loss_curve_.append(estimator.loss_)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")  # noqa: T201
        if self._validation is not None:
            self._take_score(logs)
        if not estimator.early_stopping:
            self._count(worse=estimator.loss_ > estimator.best_loss_ - estimator.tol)
            if estimator.loss_ < estimator.best_loss_:
                estimator.best_loss_ = estimator.loss_
        self._end_iteration()

    def state(self) -> dict[str, Any]:
        estimator = self._estimator
        found = {name: getattr(estimator, name) for name in FOUND if hasattr(estimator, name)}
        # lists grow as training goes on
        return {name: list(one) if isinstance(one, list) else one for name, one in found.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, one in state.items():
            setattr(self._estimator, name, one)

    def _take_score(self, logs: dict[str, float]) -> None:
        estimator, validation = self._estimator, self._validation
        assert validation is not None  # noqa: S101  (the caller has looked)
        score = np.nan if self.reason is not None else validation.score(estimator, logs)
        estimator.validation_scores_.append(score)
        estimator.validation_loss_curve_.append(logs["val_loss"])
        if estimator.verbose:
            print(f"Validation score: {score:f}")  # noqa: T201
        if estimator.early_stopping:
            self._count(worse=score < estimator.best_validation_score_ + estimator.tol)
        if score > estimator.best_validation_score_:
            estimator.best_validation_score_ = score
            if estimator.early_stopping:
                estimator._best = self.model.get_weights()

    def _count(self, *, worse: bool) -> None:
        """Count the epochs in a row that were not better by `tol`."""
        estimator = self._estimator
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0

    def _end_iteration(self) -> None:
        estimator, optimizer, rate = self._estimator, self.model.optimizer, self._rate
        if rate.word == "invscaling":
            optimizer.learning_rate = rate.first / (estimator.t_ + 1) ** rate.power
        if self.reason is not None:
            self._stop()
        elif estimator._no_improvement_count > estimator.n_iter_no_change:
            if rate.word != "adaptive":
                self._stop("Stopping.")
            elif optimizer.learning_rate <= SMALLEST_RATE:
                self._stop("Learning rate too small. Stopping.")
            else:
                optimizer.learning_rate = optimizer.learning_rate / 5.0
                estimator._no_improvement_count = 0
                self._say(f"Setting learning rate to {optimizer.learning_rate:f}")

    def _stop(self, what: str = "") -> None:
        self.finished = True
        self.model.stop_training = True
        if what:
            self._say(what)

    def _say(self, what: str) -> None:
        estimator = self._estimator
        if not estimator.verbose:
            return
        name = "Validation score" if estimator.early_stopping else "Training loss"
        print(  # noqa: T201
            f"{name} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change:d} consecutive epochs. {what}"
        )
