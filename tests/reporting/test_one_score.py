"""One score at a time is scikit-learn's, for every weighting of the rows."""

import numpy as np
import pytest
from sklearn import metrics

from chainrule.reporting import score_of_classes, score_of_numbers

RNG = np.random.default_rng(0)
WEIGHTS = RNG.integers(0, 4, (5, 60)).astype(float)


def chances(classes):
    found = RNG.dirichlet(np.ones(classes), 60).round(2) + 1e-9  # with ties
    return found / found.sum(axis=1, keepdims=True)


def by_sklearn(name, truth, table, weights):
    guess = table.argmax(axis=1)
    if name == "log_loss":
        return metrics.log_loss(truth, table, sample_weight=weights, labels=range(table.shape[1]))
    if name == "roc_auc" and table.shape[1] == 2:
        return metrics.roc_auc_score(truth, table[:, 1], sample_weight=weights)
    if name == "roc_auc":
        each = [
            metrics.roc_auc_score(truth == code, table[:, code], sample_weight=weights)
            for code in range(table.shape[1])
        ]
        return np.mean(each)
    if name == "f1_macro":
        return metrics.f1_score(truth, guess, average="macro", sample_weight=weights)
    return getattr(metrics, f"{name}_score")(truth, guess, sample_weight=weights)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "log_loss", "roc_auc", "f1_macro"]
)
def test_scores_of_classes(name, classes):
    truth, table = RNG.integers(0, classes, 60), chances(classes)
    found = score_of_classes(name, truth, table, classes)(WEIGHTS)
    for value, weights in zip(found, WEIGHTS, strict=True):
        assert value == pytest.approx(by_sklearn(name, truth, table, weights), rel=1e-9)


@pytest.mark.parametrize(
    "name, theirs",
    [
        ("mae", metrics.mean_absolute_error),
        ("rmse", metrics.root_mean_squared_error),
        ("r2", metrics.r2_score),
    ],
)
def test_scores_of_numbers(name, theirs):
    truth, guess = RNG.normal(size=(2, 60)) * 1e6
    found = score_of_numbers(name, truth, guess)(WEIGHTS)
    for value, weights in zip(found, WEIGHTS, strict=True):
        assert value == pytest.approx(theirs(truth, guess, sample_weight=weights), rel=1e-9)


def test_a_score_that_is_not_defined_is_nan():
    table = np.array([[0.2, 0.8], [0.7, 0.3]])
    assert np.isnan(score_of_classes("roc_auc", [1, 1], table, 2)(np.ones((1, 2)))).all()
    assert np.isnan(score_of_classes("roc_auc", [0, 0], table, 2)(np.ones((1, 2)))).all()
