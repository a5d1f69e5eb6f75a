"""The scores that may choose the best epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data import Labels, Numbers
from chainrule.errors import SettingError, nearest
from chainrule.reporting import LOWER_IS_BETTER

__all__ = ["METRICS", "chosen_score", "metric_score", "positive_code"]

if TYPE_CHECKING:
    from chainrule.estimators.plan import TablePlan

Array = np.ndarray[Any, np.dtype[Any]]

METRICS = {
    "classification": (
        "accuracy", "balanced_accuracy", "roc_auc", "log_loss", "f1_macro",
        "precision", "recall", "f1", "average_precision",
    ),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
}  # fmt: skip
OF_TWO_CLASSES = ("precision", "recall", "f1", "average_precision")


def positive_code(labels: Labels | Numbers, positive: str | None) -> int:
    """The code of the positive class: the one named, else the last."""
    classes = [str(label) for label in getattr(labels, "classes", ())]
    return classes.index(positive) if positive in classes else 1


def metric_score(
    name: str | None, labels: Labels | Numbers, positive: str | None
) -> Callable[[Array, Array, Array | None], float] | None:
    """What chooses the best epoch by a metric: higher is better. None for the loss itself.

    Raises SettingError for a metric that is not known or not one of the task.
    """
    if name is None:
        return None
    task = "classification" if isinstance(labels, Labels) else "regression"
    allowed = METRICS[task]
    classes = getattr(labels, "classes", ())
    if task == "classification" and len(classes) != 2:
        allowed = tuple(metric for metric in allowed if metric not in OF_TWO_CLASSES)
    if name not in allowed:
        message = f"metric: {name!r} is not a score of this {task}; {nearest(name, allowed)}"
        raise SettingError(message)
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    code = positive_code(labels, positive)

    def score(truth: Array, answers: Array, weights: Array | None) -> float:
        from chainrule.reporting import score_classification, score_regression

        if task == "regression":
            value = score_regression(truth, answers, weights)[name]
        else:
            value = score_classification(truth, answers, classes, weights, positive=code)[name]
        return float("nan") if value is None else sign * value

    return score


def chosen_score(plan: TablePlan) -> Callable[[Array, Array, Array | None], float] | None:
    """What chooses the best epoch of a plan's networks; None for the loss itself.

    Raises SettingError for a metric that is not one of the task, or where there are several
    targets.
    """
    metric = plan.settings.metric
    if metric is not None and len(plan.codecs) > 1:
        message = (
            f"metric: {metric!r} is a score of one target, and there are {len(plan.codecs)}; "
            "leave it out: the sum of the losses chooses the best epoch."
        )
        raise SettingError(message)
    return None if metric is None else metric_score(metric, plan.labels, plan.settings.positive)
