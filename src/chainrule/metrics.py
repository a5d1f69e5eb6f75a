"""Metrics: `chainrule.metrics.BinaryAccuracy()`; names are given to `compile` as well."""

from chainrule.losses import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    SparseCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    find_metric,
    mean_absolute_error,
    mean_squared_error,
    sparse_categorical_accuracy,
)

mse = mean_squared_error
mae = mean_absolute_error
get = find_metric

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "MeanAbsoluteError",
    "MeanSquaredError", "Metric", "SparseCategoricalAccuracy", "binary_accuracy",
    "categorical_accuracy", "get", "mae", "mean_absolute_error", "mean_squared_error", "mse",
    "sparse_categorical_accuracy",
]  # fmt: skip
