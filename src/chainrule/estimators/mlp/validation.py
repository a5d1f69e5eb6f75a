"""Rows that an estimator does not learn from, and the score that it has on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.training import Data

if TYPE_CHECKING:
    from chainrule.estimators.mlp.base import BaseMLP

__all__ = ["Validation", "scorer_of"]

Scorer = Callable[..., float]


@dataclass(frozen=True, eq=False)
class Validation:
    """Rows to watch.

    data
        As the network takes them.
    X, y, weights
        As scorers take them: features as the user gave them.
    scorer
        `(estimator, X, y) -> score`, higher is better (with `sample_weight` where it takes that);
        "loss" for the validation loss; None for accuracy or R2.
    """

    data: Data
    X: Any
    y: Any
    weights: Any
    scorer: Scorer | str | None

    def score(self, estimator: BaseMLP, logs: dict[str, float]) -> float:
        """The score after an epoch."""
        if self.scorer == "loss":
            return -logs["val_loss"]
        if self.scorer is None:
            answers = estimator._answers(self.data)
            if answers.dtype.kind == "f" and not np.isfinite(answers).all():
                return np.nan
            return estimator._default_score(self.y, answers, self.weights)
        scorer: Any = self.scorer
        weights = {} if self.weights is None else {"sample_weight": self.weights}
        if weights and "sample_weight" not in inspect.signature(scorer).parameters:
            weights = {}
        return float(scorer(estimator, self.X, self.y, **weights))


def scorer_of(metric: Any) -> Scorer | str | None:
    """What `metric` stands for: a name of scikit-learn's scorers, or a function like one.

    Raises `SettingError` for an unknown name.
    """
    if metric is None or metric == "loss" or callable(metric):
        return metric  # type: ignore[no-any-return]
    from sklearn.metrics import get_scorer

    try:
        return get_scorer(metric)  # type: ignore[no-any-return]
    except (ValueError, TypeError) as error:
        message = (
            f"metric: {metric!r} is not known; use 'loss', a name of "
            "sklearn.metrics.get_scorer_names(), or a function (estimator, X, y) -> score."
        )
        raise SettingError(message) from error
