"""Whether probabilities can be trusted: Brier score and calibration error, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.judging.answered import Answered
from chainrule.reporting import intervals, resamples_for

__all__ = ["GROUPS", "sureness"]

GROUPS = 10

Array = np.ndarray[Any, np.dtype[Any]]


def sureness(found: Answered, seed: int) -> dict[str, dict[str, Any]]:
    """`brier_score` and `expected_calibration_error`, each with "score" and "interval".

    The Brier score is the mean squared distance of probability and truth: of the positive class of
    two; of more classes the sum over them. The expected calibration error is that of ten groups of
    about equally many rows by probability (of the positive class of two, else of the predicted
    one): the mean distance of each group's mean probability from the share that came true. Chance
    alone puts it above 0, in a resample twice; so its interval reaches as far below as resamples
    lie above (basic bootstrap).
    """
    if found.is_binary:
        sure = found.answers[:, found.positive].astype(np.float64)
        true = (found.truth == found.positive).astype(np.float64)
        squares = (sure - true) ** 2
    else:
        sure = found.answers.max(axis=1).astype(np.float64)
        true = (found.answers.argmax(axis=1) == found.truth).astype(np.float64)
        actual = np.eye(len(found.labels))[found.truth]
        squares = ((found.answers - actual) ** 2).sum(axis=1)
    edges = np.quantile(sure, np.arange(1, GROUPS) / GROUPS)
    groups = np.searchsorted(edges, sure)
    excess = np.zeros((len(sure), GROUPS))
    excess[np.arange(len(sure)), groups] = sure - true

    def scorer(weights: Array) -> dict[str, Array]:
        total = weights.sum(axis=1)
        return {
            "brier_score": weights @ squares / total,
            "expected_calibration_error": np.abs(weights @ excess).sum(axis=1) / total,
        }

    weights = np.ones(len(sure)) if found.weights is None else found.weights
    weights = weights / weights.max()
    points = {name: float(one[0]) for name, one in scorer(weights[np.newaxis]).items()}
    drawn = intervals(scorer, weights, resamples_for(len(sure)), seed)
    error = points["expected_calibration_error"]
    reach = drawn["expected_calibration_error"]
    if reach is not None:
        reach = max(0.0, 2 * error - reach[1]), max(error, 2 * error - reach[0])
    drawn["expected_calibration_error"] = reach
    return {name: {"score": points[name], "interval": drawn[name]} for name in points}
