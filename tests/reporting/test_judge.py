"""Scores agree with scikit-learn's; what is not defined is None."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics as peer
from tests.reporting.samples import peer_scores, sample

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.reporting import (
    judge_classification,
    judge_regression,
    score_classification,
    score_regression,
)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_class_scores_agree_with_scikit_learn(classes, ties, weighted, dtype):
    truth, table = sample(300, classes, 1, ties=ties, dtype=dtype)
    weights = np.random.default_rng(2).uniform(0.1, 3, 300) if weighted else None
    found = score_classification(truth, table, list(range(classes)), weights)
    expected = peer_scores(truth, table, weights)
    assert found == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-12)


def test_all_classes_present_is_scikit_learns_one_against_the_rest():
    truth, table = sample(200, 5, 3)
    expected = peer.roc_auc_score(truth, table, multi_class="ovr", average="macro")
    assert score_classification(truth, table, "abcde")["roc_auc"] == pytest.approx(expected)


@pytest.mark.parametrize("positive", [0, 1])
def test_the_positive_class_may_be_the_first(positive):
    truth, table = sample(200, 2, 4)
    found = score_classification(truth, table, "ab", positive=positive)
    assert found == pytest.approx(peer_scores(truth, table, None, positive=positive))
    judgment = judge_classification(truth, table, "ab", positive=positive, resamples=0)
    assert judgment.positive == "ab"[positive]


def test_predicted_classes_may_be_given():
    truth, table = sample(200, 2, 5)
    predicted = (table[:, 1] > 0.8).astype(int)
    found = score_classification(truth, table, "ab", predicted=predicted)
    assert found == pytest.approx(peer_scores(truth, table, None, predicted))


def test_certain_and_wrong_is_clipped_as_scikit_learn_does():
    for dtype in (np.float32, np.float64):
        table = np.array([[1, 0], [1, 0], [0, 1]], dtype=dtype)
        truth = np.array([0, 1, 1])
        expected = peer.log_loss(truth, table)
        assert score_classification(truth, table, "ab")["log_loss"] == pytest.approx(expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows", [2, 3, 100, 101])
@pytest.mark.parametrize("scale", [1, 1e-150, 1e150])
def test_number_scores_agree_with_scikit_learn(weighted, rows, scale):
    rng = np.random.default_rng(rows)
    truth = rng.normal(size=rows) + 5
    prediction = truth + rng.normal(size=rows)
    weights = rng.uniform(0.1, 3, rows) if weighted else None
    found = score_regression(truth * scale, prediction * scale, weights)
    how = {"sample_weight": weights}
    expected = {
        "rmse": peer.root_mean_squared_error(truth, prediction, **how) * scale,
        "mae": peer.mean_absolute_error(truth, prediction, **how) * scale,
        "r2": peer.r2_score(truth, prediction, **how),
        "median_absolute_error": peer.median_absolute_error(truth, prediction, **how) * scale,
    }
    assert found == pytest.approx(expected, rel=1e-12)


def test_whole_number_weights_are_repeated_rows():
    truth, table = sample(60, 3, 6)
    weights = np.random.default_rng(7).integers(0, 4, 60)
    again = np.repeat(np.arange(60), weights)
    assert score_classification(truth, table, "abc", weights) == pytest.approx(
        score_classification(truth[again], table[again], "abc")
    )
    numbers = table[:, 0] * 7
    assert score_regression(truth, numbers, weights) == pytest.approx(
        score_regression(truth[again], numbers[again])
    )


def test_scores_do_not_depend_on_the_size_of_weights():
    truth, table = sample(60, 3, 6)
    weights = np.random.default_rng(7).uniform(0.5, 1, 60)
    one = score_classification(truth, table, "abc", weights)
    for size in (1e-300, 1e300):
        assert score_classification(truth, table, "abc", weights * size) == pytest.approx(one)


class TestEdges:
    """Rows that leave a score undefined."""

    def test_one_class_in_the_rows(self):
        table = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
        found = score_classification([0, 0, 0], table, "ab")
        assert found["roc_auc"] is None
        assert found["average_precision"] is None
        assert found["recall"] is None
        assert found["precision"] is None
        assert found["f1"] is None
        assert found["accuracy"] == pytest.approx(2 / 3)
        assert found["balanced_accuracy"] == pytest.approx(2 / 3)
        judgment = judge_classification([0, 0, 0], table, "ab", resamples=50)
        assert judgment.intervals["roc_auc"] is None
        assert judgment.intervals["accuracy"] is not None
        found = score_classification([1, 1, 1], table, "ab")
        assert found["roc_auc"] is None
        assert found["recall"] == pytest.approx(1 / 3)

    def test_no_positive_prediction_is_scikit_learns_zero(self):
        found = score_classification([0, 1], [[0.9, 0.1], [0.8, 0.2]], "ab")
        assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)

    def test_a_single_row(self):
        judgment = judge_classification([1], [[0.3, 0.6, 0.1]], "abc")
        assert judgment.metrics["accuracy"] == 1
        assert judgment.metrics["roc_auc"] is None
        assert set(judgment.intervals) == set(judgment.metrics)
        assert set(judgment.intervals.values()) == {None}
        judgment = judge_regression([1.0], [3.0])
        assert judgment.metrics["r2"] is None
        assert judgment.metrics["mae"] == 2
        assert set(judgment.intervals.values()) == {None}
        two = judge_regression([1.0, 2.0], [3.0, 5.0])
        assert two.intervals["mae"] == pytest.approx((2, 3))

    def test_a_single_known_class(self):
        found = score_classification([0, 0], [[1.0], [1.0]], ["only"])
        assert found["accuracy"] == 1
        assert found["log_loss"] == 0
        assert found["roc_auc"] is None

    def test_a_constant_target_has_no_r2(self):
        for truth, guess in (
            ([0.1] * 10, [0.1] * 10), ([0.1] * 10, [0.2] * 10), ([0.0] * 3, [0.0] * 3),
            ([1e6] * 10, np.arange(10)),
        ):  # fmt: skip
            found = judge_regression(truth, guess)
            assert found.metrics["r2"] is None and found.intervals["r2"] is None
            assert found.metrics["mae"] == pytest.approx(np.abs(np.subtract(truth, guess)).mean())
        assert score_regression([1.0, 1.0, 2.0], [1.0, 1.0, 2.0])["r2"] == 1

    def test_classes_known_from_training_may_be_missing(self):
        truth, table = sample(200, 6, 8)
        kept = truth < 3
        found = score_classification(truth[kept], table[kept], "abcdef")
        assert found == pytest.approx(peer_scores(truth[kept], table[kept], None))

    def test_classes_neither_present_nor_predicted_count_for_nothing(self):
        found = score_classification([0, 1, 1], np.eye(4)[[0, 1, 0]], "abcd")
        assert found["f1_macro"] == pytest.approx(2 / 3)
        assert found["balanced_accuracy"] == pytest.approx(3 / 4)

    def test_unseen_labels_are_counted_and_left_out(self):
        truth, table = sample(100, 3, 9)
        expected = judge_classification(truth[10:], table[10:], "abc")
        truth[:10] = -1
        judgment = judge_classification(truth, table, "abc")
        assert judgment.unseen == 10
        assert judgment.rows == 90
        assert judgment.metrics == expected.metrics
        assert judgment.confusion == expected.confusion

    def test_rows_of_no_weight_count_for_nothing(self):
        truth, table = sample(100, 3, 10)
        weights = (truth != 2).astype(float)
        judgment = judge_classification(truth, table, "abc", weights, resamples=20)
        kept = truth != 2
        assert judgment.metrics == pytest.approx(peer_scores(truth[kept], table[kept], None))
        assert judgment.rows == kept.sum()

    def test_nothing_to_score(self):
        with pytest.raises(DataError, match="no row to score: 2 rows, 2 of them"):
            score_classification([-1, -1], np.full((2, 2), 0.5), "ab")
        with pytest.raises(DataError, match="no row to score"):
            score_classification([], np.zeros((0, 2)), "ab")
        with pytest.raises(DataError, match="no row to score"):
            score_regression([1.0], [1.0], [0.0])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"truth": [0, 2, 1]}, DataError, "true labels: row 1 has code 2, allowed are -1 to 1"),
        ({"truth": [0, -2, 1]}, DataError, "row 1 has code -2"),
        ({"truth": [0.0, 1.0, 1.0]}, InputTypeError, "must be whole-number codes"),
        ({"truth": [[0], [1], [1]]}, ShapeError, "one code a row"),
        ({"predicted": [0, 1]}, ShapeError, "3 true labels, 2 predicted"),
        ({"predicted": [0, 1, -1]}, DataError, "predicted labels: row 2 has code -1"),
        ({"probabilities": [0.1, 0.2, 0.3]}, ShapeError, r"must have shape \(3, 2\), got \(3,\)"),
        ({"probabilities": [[1, 0], [0.5, 0.2], [0, 1]]}, DataError, "first: row 1, sum 0.7"),
        ({"probabilities": [[1, 0], [1.5, -0.5], [0, 1]]}, DataError, "first: row 1, sum 1, least"),
        ({"probabilities": [[1, 0], [np.nan, 1], [0, 1]]}, DataError, "1 of 3 rows are not shares"),
        ({"probabilities": [["a", "b"]] * 3}, InputTypeError, "must be numbers"),
        ({"weights": [1, 2]}, ShapeError, "2 weights for 3 rows"),
        ({"weights": [1, -2, 1]}, DataError, "row 1 has -2.0"),
        ({"weights": [1, np.inf, 1]}, DataError, "weights: 1 of 3 are not finite"),
        ({"positive": 2}, SettingError, "positive must be the code 0 or 1"),
        ({"resamples": -1}, SettingError, "resamples must be 0 or more, got -1"),
    ],
)
def test_mistakes_have_a_sentence(change, error, words):
    call = {"truth": [0, 1, 1], "probabilities": [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]} | change
    with pytest.raises(error, match=words):
        judge_classification(labels="ab", **call)


@pytest.mark.parametrize(
    ("truth", "prediction", "error", "words"),
    [
        (
            [1.0, np.nan],
            [1.0, 2.0],
            DataError,
            r"true values: 1 of 2 are not finite \(first: row 1",
        ),
        ([1.0, 2.0], [np.inf, 2.0], DataError, "predictions: 1 of 2"),
        ([1.0, 2.0], [1.0], ShapeError, "2 true values, 1 predictions"),
        ([[1.0]], [[1.0]], ShapeError, "must be one a row"),
        (["a"], [1.0], InputTypeError, "must be numbers"),
    ],
)
def test_mistakes_with_numbers_have_a_sentence(truth, prediction, error, words):
    with pytest.raises(error, match=words):
        judge_regression(truth, prediction)


def test_confusion_counts_true_down_and_predicted_across():
    truth, table = sample(100, 3, 18)
    weights = np.random.default_rng(19).uniform(size=100)
    predicted = table.argmax(axis=1)
    judgment = judge_classification(truth, table, "abc", resamples=0)
    expected = peer.confusion_matrix(truth, predicted)
    assert np.array_equal(judgment.confusion, expected)
    assert all(type(count) is int for row in judgment.confusion for count in row)
    judgment = judge_classification(truth, table, "abc", weights, resamples=0)
    expected = peer.confusion_matrix(truth, predicted, sample_weight=weights)
    assert np.allclose(judgment.confusion, expected)


def test_residuals_are_summed_up():
    truth = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    prediction = np.array([2.0, 2.0, 2.0, 2.0, 2.0])
    residuals = judge_regression(truth, prediction, [1, 1, 1, 0, 1]).residuals
    assert residuals.bias == pytest.approx((1 + 0 - 1 - 98) / 4)
    assert residuals.largest[0] == (4, 100.0, 2.0)
    assert [row for row, *_ in residuals.largest] == [4, 0, 2, 1]
    assert residuals.quantiles[0.0] == -1
    assert residuals.quantiles[0.5] == 0.5
    assert residuals.quantiles[1.0] == 98


def test_records_are_plain_json():
    truth, table = sample(50, 2, 20)
    labels = np.array([False, True])
    record = judge_classification(truth, table, labels, np.ones(50, dtype=np.float32)).to_record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["labels"] == [False, True]
    assert record["positive"] is True
    assert record["weighted"]
    record = judge_regression(truth, table[:, 1]).to_record()
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["level"] == 0.95
