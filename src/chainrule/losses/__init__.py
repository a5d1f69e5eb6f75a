"""Losses and metrics: classes with Keras's names, and functions that give a number a row."""

from chainrule.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from chainrule.losses.loss import FunctionLoss, Loss
from chainrule.losses.metrics import (
    METRICS,
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    LossMetric,
    Metric,
    SparseCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    find_metric,
    metric_record,
    sparse_categorical_accuracy,
)
from chainrule.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SquaredError,
    huber,
    mean_absolute_error,
    mean_squared_error,
    poisson,
    quantile,
    squared_error,
)
from chainrule.losses.table import LOSSES, find_loss, loss_from_record, loss_record
from chainrule.losses.targets import as_targets, check_labels, extremes

__all__ = [
    "LOSSES", "METRICS", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy",
    "CategoricalAccuracy", "CategoricalCrossentropy", "FunctionLoss", "Huber", "Loss",
    "LossMetric", "MeanAbsoluteError", "MeanSquaredError", "Metric", "Poisson", "Quantile",
    "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SquaredError", "as_targets",
    "binary_accuracy", "binary_crossentropy", "categorical_accuracy",
    "categorical_crossentropy", "check_labels", "extremes", "find_loss", "find_metric", "huber",
    "loss_from_record", "loss_record", "mean_absolute_error", "mean_squared_error",
    "metric_record", "poisson", "quantile", "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy", "squared_error",
]  # fmt: skip
