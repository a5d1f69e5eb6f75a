"""Metrics against counting by hand; which accuracy goes with which loss."""

import numpy as np
import pytest

from chainrule.errors import InputTypeError, SettingError
from chainrule.losses import (
    METRICS,
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    find_loss,
    find_metric,
    metric_record,
    sparse_categorical_accuracy,
)

SCORES = np.array([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]])
LABELS = np.array([1, 0, 1, 1])


def test_accuracies_are_counted():
    right = [float(np.argmax(p) == t) for p, t in zip(SCORES, LABELS, strict=True)]
    assert right == [1, 1, 0, 1]
    assert sparse_categorical_accuracy(LABELS, SCORES).value.tolist() == right
    assert sparse_categorical_accuracy(LABELS[:, None], SCORES).value.tolist() == right
    assert categorical_accuracy(np.eye(3)[LABELS], SCORES).value.tolist() == right
    got = binary_accuracy([[1.0, 0.0], [0.0, 0.0]], [[0.6, 0.5], [0.7, 0.51]]).value
    assert got.tolist() == [1.0, 0.0]
    assert binary_accuracy([1, 0], [0.3, 0.2], threshold=0.25).value.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "loss, output, kind",
    [
        ("sparse_categorical_crossentropy", (3,), SparseCategoricalAccuracy),
        ("categorical_crossentropy", (3,), CategoricalAccuracy),
        ("binary_crossentropy", (1,), BinaryAccuracy),
        ("binary_crossentropy", (3,), BinaryAccuracy),
        ("mse", (1,), BinaryAccuracy),
        ("mse", (3,), CategoricalAccuracy),
    ],
)
def test_accuracy_is_that_of_the_loss(loss, output, kind):
    resolved = find_metric("accuracy").resolved(find_loss(loss), output)
    assert type(resolved) is kind
    assert resolved.name == "accuracy"
    assert find_metric("acc").resolved(find_loss(loss), output).name == "acc"


@pytest.mark.parametrize("name", [*METRICS, "acc", "mse", "mae", "mean_squared_error"])
def test_names_are_kept(name):
    metric = find_metric(name)
    assert metric.name == name
    assert find_metric(metric_record(metric)) == metric


def test_metrics_may_be_losses_and_functions():
    assert find_metric("mse").rows([[1.0]], [[3.0]]).value.tolist() == [4.0]
    assert find_metric(find_loss("huber")).name == "huber"

    def largest(y_true, y_pred):
        return (y_true - y_pred) ** 2

    own = find_metric(largest)
    assert own.name == "largest"
    with pytest.raises(InputTypeError, match="metric 'largest': a model file keeps .* by name"):
        metric_record(own)


def test_what_is_no_metric_is_refused():
    with pytest.raises(SettingError, match="'acuracy' is not known; did you mean 'accuracy'"):
        find_metric("acuracy")
    with pytest.raises(InputTypeError, match="needs a name"):
        find_metric(3)
    with pytest.raises(InputTypeError, match="depends on the loss"):
        Accuracy().rows([1.0], [1.0])
    assert find_metric("BinaryAccuracy") == find_metric(BinaryAccuracy) == BinaryAccuracy()
