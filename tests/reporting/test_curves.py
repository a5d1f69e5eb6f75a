"""The points of curves, against scikit-learn, SciPy and pandas."""

import numpy as np
import pandas
import pytest
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

from chainrule.reporting.curves import (
    calibration,
    precision_recall_points,
    roc_points,
    smoothed,
    thinned,
)


def scored_rows(seed, rows=300, ties=False):
    draw = np.random.default_rng(seed)
    positive = draw.random(rows) < 0.3
    score = np.clip(draw.normal(0.4 + 0.2 * positive, 0.2), 0.0, 1.0)
    return positive, np.round(score, 1) if ties else score, draw.random(rows)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_roc_curve_is_scikit_learns(ties, weighted):
    positive, score, weights = scored_rows(1, ties=ties)
    weights = weights if weighted else None
    false, found = roc_points(positive, score, weights)
    expected = metrics.roc_curve(positive, score, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0], atol=1e-12)
    np.testing.assert_allclose(found, expected[1], atol=1e-12)
    area = metrics.roc_auc_score(positive, score, sample_weight=weights)
    assert np.trapezoid(found, false) == pytest.approx(area, rel=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_precision_and_recall_are_scikit_learns(ties, weighted):
    positive, score, weights = scored_rows(2, ties=ties)
    weights = weights if weighted else None
    recall, precision = precision_recall_points(positive, score, weights)
    expected = metrics.precision_recall_curve(positive, score, sample_weight=weights)
    np.testing.assert_allclose(precision, expected[0][:-1][::-1], atol=1e-12)
    np.testing.assert_allclose(recall, expected[1][:-1][::-1], atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_calibration_groups_are_scikit_learns_quantile_bins(ties):
    positive, score, _ = scored_rows(3, ties=ties)
    found = calibration(positive, score, groups=8)
    observed, predicted = calibration_curve(positive, score, n_bins=8, strategy="quantile")
    np.testing.assert_allclose(found.observed, observed, atol=1e-12)
    np.testing.assert_allclose(found.predicted, predicted, atol=1e-12)
    assert found.weights.sum() == len(score)


def test_calibration_intervals_are_wilsons():
    positive, score, _ = scored_rows(4)
    found = calibration(positive, score)
    for group in range(len(found.observed)):
        rows = int(found.weights[group])
        true = round(found.observed[group] * rows)
        interval = stats.binomtest(true, rows).proportion_ci(method="wilson")
        assert (found.low[group], found.high[group]) == pytest.approx((interval.low, interval.high))


def test_a_row_of_weight_two_counts_as_two_rows():
    positive, score, _ = scored_rows(5, rows=40)
    times = np.arange(40) % 3
    found = calibration(positive, score, times.astype(float), groups=1)
    repeated = calibration(np.repeat(positive, times), np.repeat(score, times), groups=1)
    assert found.observed == pytest.approx(repeated.observed)
    assert found.predicted == pytest.approx(repeated.predicted)


def test_calibration_tells_honest_probabilities_from_boasting():
    draw = np.random.default_rng(6)
    score = draw.random(20_000)
    came = draw.random(20_000) < score
    honest, boasting = calibration(came, score), calibration(came, np.round(score))
    assert honest.error < 0.02
    assert honest.fitting >= 8
    assert boasting.error > 0.2
    assert boasting.fitting == 0


@pytest.mark.parametrize("span", [1.0, 3.0, 11.5])
def test_smoothing_is_the_mean_of_pandas(span):
    values = np.random.default_rng(7).normal(size=50)
    expected = pandas.Series(values).ewm(span=span, adjust=True).mean()
    np.testing.assert_allclose(smoothed(values, span), expected, rtol=1e-12)


def test_thinning_keeps_means_and_bumps():
    values = np.random.default_rng(8).normal(size=103)
    values[50] = 99.0
    found = thinned(values, 10)
    assert found["steps"] == 103
    assert {len(found[name]) for name in ("mean", "least", "largest")} == {10}
    assert max(found["largest"]) == 99.0
    assert min(found["least"]) == pytest.approx(values.min(), rel=1e-4)
    starts = [int(103 * group / 10) for group in range(11)]
    pieces = [values[a:b] for a, b in zip(starts, starts[1:], strict=False)]
    assert found["mean"] == pytest.approx([piece.mean() for piece in pieces], rel=1e-4)


def test_few_numbers_are_kept_as_they_are():
    assert thinned([3.0, 1.0], 500)["mean"] == [3.0, 1.0]
    assert thinned([], 500) == {"steps": 0, "mean": [], "least": [], "largest": []}
