"""Scores of an estimator's predictions, target by target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.errors import ShapeError
from chainrule.estimators.targets import known_kind, matched, targets_of

if TYPE_CHECKING:
    from chainrule.estimators.tabular import TabularEstimator

__all__ = ["score_each"]


def score_each(owner: TabularEstimator, X: Any, y: Any, sample_weight: Any) -> list[float]:
    """Accuracy of each target of classes, R2 of each of numbers."""
    from sklearn.metrics import accuracy_score, r2_score

    found = owner._predictions(X)
    targets, frame = targets_of(y, owner)
    if len(targets) != len(found):
        message = f"y has {len(targets)} columns, the model has {len(found)} targets."
        raise ShapeError(message)
    targets = matched(targets, frame, owner._layout.targets, "y")
    scores = []
    for target, one in zip(targets, found, strict=True):
        if one.probabilities is None:
            score = r2_score(target.values, one.values, sample_weight=sample_weight)
        else:
            truth = known_kind(target.values, "y")
            score = accuracy_score(truth, one.values, sample_weight=sample_weight)
        scores.append(float(score))
    return scores
