"""Metrics by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from chainrule.errors import InputTypeError, SettingError, nearest
from chainrule.losses import metrics
from chainrule.losses.loss import Loss
from chainrule.losses.metrics import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    FunctionMetric,
    LossMetric,
    Metric,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from chainrule.losses.scores import (
    AUC,
    F1Score,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
)
from chainrule.losses.table import LOSSES, find_loss, loss_from_record, loss_record

__all__ = ["METRICS", "find_metric", "metric_from_record", "metric_record"]

METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "top_k": TopKCategoricalAccuracy,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy,
    "precision": Precision,
    "recall": Recall,
    "f1": F1Score,
    "f1_score": F1Score,
    "auc": AUC,
    "rmse": RootMeanSquaredError,
    "root_mean_squared_error": RootMeanSquaredError,
    "r2_score": R2Score,
}
"""What a metric's name stands for; the name of a loss watches that loss."""

_CLASSES = {kind.__name__: kind for kind in METRICS.values()}
_OF_FUNCTION = {
    getattr(metrics, name): METRICS[name] for name in metrics.__all__ if name in METRICS
}


def find_metric(given: Any) -> Metric:
    """The metric that a name, class, object, loss or function `(y_true, y_pred)` stands for.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_metric("mae").name
    'mae'
    """
    if isinstance(given, Metric):
        return given
    if isinstance(given, type) and issubclass(given, Metric):
        return given()
    if isinstance(given, str):
        return _named(given)
    if isinstance(given, Loss) or (isinstance(given, type) and issubclass(given, Loss)):
        return _of_loss(find_loss(given))
    if callable(given):
        if given in _OF_FUNCTION:
            return _OF_FUNCTION[given]()
        loss = find_loss(given)
        return _of_loss(loss) if type(loss) in LOSSES.values() else FunctionMetric(given)
    message = f"metric: needs a name, a function or a Metric, got {type(given).__name__}."
    raise InputTypeError(message)


def _named(name: str) -> Metric:
    known = "accuracy" if name == "acc" else name
    if known in METRICS:
        return METRICS[known](name=name)
    if name in _CLASSES:
        return _CLASSES[name]()
    if name in LOSSES:
        return LossMetric(find_loss(name), name=name)
    message = f"metric: {name!r} is not known; {nearest(name, [*METRICS, *LOSSES], listed=True)}"
    raise SettingError(message)


def _of_loss(loss: Loss) -> Metric:
    names = [name for name, kind in LOSSES.items() if kind is type(loss)]
    return LossMetric(loss, name=names[0] if names else loss.name)


def metric_record(metric: Metric) -> str | dict[str, Any]:
    """The name that `find_metric` knows it by, or its class and settings as plain values.

    Raises `InputTypeError` for one of one's own.

    >>> metric_record(Precision()), metric_record(Precision(0.7))["settings"]
    ('precision', {'name': 'precision', 'thresholds': 0.7, 'class_id': None})
    """
    for name in (metric.name, type(metric).__name__):
        try:
            if find_metric(name) == metric:
                return name
        except SettingError:
            continue
    settings = {one.name: getattr(metric, one.name) for one in fields(metric)}
    if _CLASSES.get(type(metric).__name__) is type(metric):
        return {"class": type(metric).__name__, "settings": settings}
    if type(metric) is LossMetric and type(metric.loss) in LOSSES.values():
        return {"loss": loss_record(metric.loss), "settings": {"name": metric.name}}
    message = (
        f"metric {metric.name!r}: a model file keeps chainrule's own metrics by name; compile the "
        "model without this one before it is saved."
    )
    raise InputTypeError(message)


def metric_from_record(record: str | Mapping[str, Any]) -> Metric:
    """The metric that `metric_record` described; raises `SettingError` for an unknown one."""
    if isinstance(record, str):
        return find_metric(record)
    if "loss" in record:
        return LossMetric(loss_from_record(record["loss"]), **record["settings"])
    return replace(_named(record["class"]), **record["settings"])
