"""Losses and metrics: classes with Keras's names, and functions that give a number a row."""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from chainrule.losses.loss import FunctionLoss, Loss
from chainrule.losses.metric_table import (
    METRICS,
    find_metric,
    metric_from_record,
    metric_record,
)
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
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from chainrule.losses.regression import (
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SquaredError,
    huber,
    mae,
    mean_absolute_error,
    mean_squared_error,
    mse,
    poisson,
    quantile,
    squared_error,
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
from chainrule.losses.targets import as_targets, check_labels, extremes

__all__ = [
    "AUC", "LOSSES", "METRICS", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy",
    "CategoricalAccuracy", "CategoricalCrossentropy", "F1Score", "FunctionLoss",
    "FunctionMetric", "Huber", "Loss", "LossMetric", "MeanAbsoluteError", "MeanSquaredError",
    "Metric", "Poisson", "Precision", "Quantile", "R2Score", "Recall", "RootMeanSquaredError",
    "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SquaredError", "TopKCategoricalAccuracy", "as_targets",
    "binary_accuracy", "binary_crossentropy", "categorical_accuracy",
    "categorical_crossentropy", "check_labels", "extremes", "find_loss", "find_metric", "huber",
    "loss_from_record", "loss_record", "mae", "mean_absolute_error", "mean_squared_error",
    "metric_from_record", "metric_record", "mse", "poisson", "quantile",
    "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy", "squared_error", "top_k_categorical_accuracy",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("losses", __all__)
