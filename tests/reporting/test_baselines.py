"""Baselines are what they say they are, on any rows, in bounded time."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder

from chainrule.errors import DataError, InputTypeError, ShapeError
from chainrule.reporting import (
    Design,
    linear_classification,
    linear_regression,
    naive_classification,
    naive_regression,
    score_classification,
    score_regression,
)


def rows_of(count, seed, *, width=4, classes=3, values=0, weighted=False):
    """Numbers, perhaps categories, and classes that depend on both."""
    rng = np.random.default_rng(seed)
    same = np.random.default_rng(99)
    numbers = rng.normal(size=(count, width)).astype(np.float32)
    logits = numbers @ same.normal(size=(width, classes))
    categories = None
    if values:
        categories = rng.integers(0, values, (count, 2)).astype(np.int32)
        logits += same.normal(size=(values, classes))[categories[:, 0]]
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    weights = rng.uniform(0.5, 2, count) if weighted else None
    return Design(numbers, truth, categories, weights)


def as_numbers(design):
    """The same rows with a number to predict."""
    truth = np.asarray(design.numbers)[:, 0] * 3e4 + np.asarray(design.truth) * 1e4 + 5e5
    return Design(design.numbers, truth, design.categories, design.weights)


def peer_matrix(train, test):
    """One-hot by scikit-learn."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder.fit(train.categories)
    return tuple(
        np.hstack([np.asarray(rows.numbers, dtype=float), encoder.transform(rows.categories)])
        for rows in (train, test)
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_naive_is_the_shares_of_the_training_rows(weighted):
    train, test = rows_of(200, 1, weighted=weighted), rows_of(50, 2, weighted=weighted)
    baseline = naive_classification(train, test, "abc", resamples=0)
    weights = np.ones(200) if train.weights is None else train.weights
    shares = np.array([weights[train.truth == k].sum() for k in range(3)]) / weights.sum()
    table = np.tile(shares, (50, 1))
    expected = score_classification(test.truth, table, "abc", test.weights)
    assert baseline.judgment.metrics == pytest.approx(expected)
    assert f"always {'abc'[shares.argmax()]!r}" in baseline.description
    assert baseline.fitted_rows == 200


def test_naive_is_the_mean_of_the_training_rows():
    train = as_numbers(rows_of(200, 1, weighted=True))
    test = as_numbers(rows_of(50, 2, weighted=True))
    baseline = naive_regression(train, test, resamples=0)
    mean = np.average(train.truth, weights=train.weights)
    expected = score_regression(test.truth, np.full(50, mean), test.weights)
    assert baseline.judgment.metrics == pytest.approx(expected)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("values", [0, 5, 400])
def test_linear_is_scikit_learns_logistic_regression(classes, values):
    train = rows_of(600, 3, classes=classes, values=values, weighted=True)
    test = rows_of(200, 4, classes=classes, values=values, weighted=True)
    labels = list(range(classes))
    found = linear_classification(train, test, labels, resamples=0)
    matrices = train.numbers, test.numbers
    if values:
        matrices = peer_matrix(train, test)
    model = LogisticRegression(max_iter=2000, tol=1e-8)
    model.fit(matrices[0], train.truth, sample_weight=train.weights / train.weights.mean())
    table = model.predict_proba(matrices[1])
    expected = score_classification(test.truth, table, labels, test.weights)
    assert found.judgment.metrics["log_loss"] == pytest.approx(expected["log_loss"], rel=2e-3)
    assert found.judgment.metrics["roc_auc"] == pytest.approx(expected["roc_auc"], abs=2e-3)
    assert found.converged
    assert found.description == "Logistic regression (C=1), fitted on all 600 training rows."
    naive = naive_classification(train, test, labels, resamples=0)
    assert found.judgment.metrics["log_loss"] < naive.judgment.metrics["log_loss"]


@pytest.mark.parametrize("values", [0, 5, 400])
def test_linear_is_scikit_learns_ridge_regression(values):
    train = as_numbers(rows_of(600, 3, values=values, weighted=True))
    test = as_numbers(rows_of(200, 4, values=values, weighted=True))
    found = linear_regression(train, test, resamples=0)
    matrices = train.numbers, test.numbers
    if values:
        matrices = peer_matrix(train, test)
    model = Ridge(alpha=1.0, tol=1e-10)
    model.fit(
        np.asarray(matrices[0], dtype=float),
        train.truth,
        sample_weight=train.weights / train.weights.mean(),
    )
    expected = score_regression(test.truth, model.predict(matrices[1]), test.weights)
    assert found.judgment.metrics == pytest.approx(expected, rel=1e-3)


def test_codes_not_fitted_and_missing_categories_are_all_zeros():
    train, test = rows_of(300, 5, values=4), rows_of(50, 6, values=4)
    unknown = np.where(np.arange(50)[:, np.newaxis] % 2, [[77, -1]], test.categories)
    found = linear_classification(
        train, Design(test.numbers, test.truth, unknown), "abc", resamples=0
    )
    matrices = peer_matrix(train, Design(test.numbers, test.truth, unknown))
    model = LogisticRegression(max_iter=2000, tol=1e-8).fit(matrices[0], train.truth)
    expected = score_classification(test.truth, model.predict_proba(matrices[1]), "abc")
    assert found.judgment.metrics["log_loss"] == pytest.approx(expected["log_loss"], rel=2e-3)


def test_ten_thousand_categories_stay_sparse_and_quick():
    rng = np.random.default_rng(7)
    codes = rng.integers(0, 10_000, (30_000, 1))
    effect = rng.normal(size=10_000) * 2
    truth = (effect[codes[:, 0]] + rng.logistic(size=30_000) > 0).astype(int)
    rows = Design(np.zeros((30_000, 0)), truth, codes)
    started = time.perf_counter()
    found = linear_classification(rows, rows, "ab", resamples=0)
    assert time.perf_counter() - started < 20
    assert found.judgment.metrics["accuracy"] > 0.75


def test_large_tables_are_fitted_on_a_seeded_draw_that_is_said():
    train, test = rows_of(3000, 8), rows_of(100, 9)
    found = linear_classification(train, test, "abc", most_rows=500, seed=3)
    assert found.description == (
        "Logistic regression (C=1), fitted on 500 drawn from 3,000 training rows."
    )
    assert found.fitted_rows == 500
    assert found == linear_classification(train, test, "abc", most_rows=500, seed=3)
    other = linear_classification(train, test, "abc", most_rows=500, seed=4)
    assert found.judgment.metrics != other.judgment.metrics
    numbers = linear_regression(as_numbers(train), as_numbers(test), most_rows=500, resamples=0)
    assert "500 drawn from 3,000 training rows" in numbers.description


def test_what_did_not_settle_is_said_without_a_warning():
    rng = np.random.default_rng(10)
    numbers = rng.normal(size=(300, 20)) * 10.0 ** rng.uniform(-4, 6, 20)
    truth = (numbers[:, 0] > 0).astype(int)
    rows = Design(numbers, truth)
    found = linear_classification(rows, rows, "ab", resamples=0)
    assert not found.converged
    assert found.description.endswith("; stopped after 200 iterations.")


class TestEdges:
    """Rows that a linear model cannot be fitted on, or only in part."""

    def test_rows_of_one_class(self):
        rows = Design(np.ones((5, 2)), [1, 1, 1, 1, 1])
        found = linear_classification(rows, rows, "ab", resamples=0)
        assert found.judgment.metrics["accuracy"] == 1
        assert "one class" in found.description

    def test_classes_missing_in_training_have_probability_zero(self):
        train = Design([[-1.0], [-2.0], [1.0], [2.0]], [0, 0, 3, 3])
        test = Design([[-1.0], [1.0], [1.0]], [0, 3, 2])
        found = linear_classification(train, test, "abcd", resamples=0)
        assert found.judgment.metrics["accuracy"] == pytest.approx(2 / 3)

    def test_unseen_labels_and_rows_of_no_weight_are_left_out(self):
        train = Design([[-1.0], [1.0], [0.0], [9.0]], [0, 1, -1, 0], None, [1, 1, 1, 0])
        test = Design([[-1.0], [1.0], [0.0]], [0, 1, -1])
        for fit in (naive_classification, linear_classification):
            found = fit(train, test, "ab", resamples=0)
            assert found.fitted_rows == 2
            assert found.judgment.unseen == 1

    def test_no_inputs_at_all(self):
        rows = Design(np.zeros((4, 0)), [0, 1, 1, 1])
        assert linear_classification(rows, rows, "ab").judgment.metrics["accuracy"] == 0.75
        numbers = Design(np.zeros((4, 0)), [0.0, 1, 1, 2])
        assert linear_regression(numbers, numbers).judgment.metrics["rmse"] == pytest.approx(
            np.sqrt(0.5)
        )

    def test_large_and_constant_targets(self):
        for value in (0.0, 1e300, -1e-300):
            rows = Design(np.arange(6.0)[:, np.newaxis], [value] * 6)
            for fit in (naive_regression, linear_regression):
                found = fit(rows, rows, resamples=10)
                assert found.judgment.metrics["rmse"] == pytest.approx(0, abs=abs(value) * 1e-12)

    @pytest.mark.parametrize(
        ("change", "error", "words"),
        [
            ({"numbers": np.zeros(3)}, ShapeError, r"numbers must have shape \(3, columns\)"),
            ({"numbers": np.zeros((2, 1))}, ShapeError, "numbers must have shape"),
            ({"numbers": np.array([["a"]] * 3)}, InputTypeError, "numbers cannot be <U1"),
            ({"numbers": [[1.0], [np.nan], [1.0]]}, DataError, "row 1, column 0 is nan"),
            ({"categories": np.zeros((3, 1))}, InputTypeError, "categories cannot be float64"),
            ({"categories": [[1], [2]]}, ShapeError, "categories must have shape"),
            ({"weights": [0, 0, 0]}, DataError, "no training row to fit on"),
            ({"weights": [1, 1]}, ShapeError, "2 weights for 3 rows"),
            ({"truth": [-1, -1, -1]}, DataError, "no training row to fit on"),
            ({"truth": [0, 1, 2]}, DataError, "code 2, but there are 2 classes"),
            ({"truth": [0.0, 1.0, 1.0]}, InputTypeError, "must be whole-number codes"),
        ],
    )
    def test_mistakes_have_a_sentence(self, change, error, words):
        right = {"numbers": [[1.0], [2.0], [3.0]], "truth": [0, 1, 1]}
        with pytest.raises(error, match=words):
            linear_classification(Design(**(right | change)), Design(**right), "ab")

    def test_other_columns_than_fitted(self):
        train = Design(np.zeros((3, 2)), [0, 1, 1], np.zeros((3, 1), dtype=int))
        with pytest.raises(ShapeError, match="3 numbers a row, fitted on 2"):
            linear_classification(train, Design(np.zeros((3, 3)), [0, 1, 1]), "ab")
        with pytest.raises(ShapeError, match="0 categories a row, fitted on 1"):
            linear_classification(train, Design(np.zeros((3, 2)), [0, 1, 1]), "ab")


def test_records_are_plain_json():
    rows = rows_of(60, 11)
    numbers = as_numbers(rows)
    for baseline in (
        naive_classification(rows, rows, "abc"),
        linear_classification(rows, rows, "abc"),
        naive_regression(numbers, numbers),
        linear_regression(numbers, numbers),
    ):
        record = baseline.to_record()
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        assert record["name"] in ("naive", "linear")
        assert record["metrics"]
