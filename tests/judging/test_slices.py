"""Scores by value of a column, against planted truths and a permutation test."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test
from sklearn.linear_model import LogisticRegression
from tests.judging.tables import QUICK

import chainrule
from chainrule import TabularClassifier, TabularRegressor


def planted(seed, bad=True):
    """Where town is Ulm, or age is high, labels are turned at random; all else is learnable."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({
        "signal": rng.normal(size=1500), "age": rng.uniform(0, 80, 1500),
        "town": rng.choice(["Bonn", "Ulm", "Mainz", "Köln"], 1500),
        "color": rng.choice(["red", "blue"], 1500), "size": rng.normal(size=1500),
    })  # fmt: skip
    chance = 1 / (1 + np.exp(-2 * X["signal"]))
    if bad:
        chance = np.where(X["town"] == "Ulm", 0.5, chance)
    return X, (rng.random(1500) < chance).to_numpy() if bad is None else rng.random(1500) < chance


def judged_by_signal(seed, bad):
    X, y = planted(seed, bad)
    model = SignalModel()
    return chainrule.evaluate(model, X, np.asarray(y), by="all")


class SignalModel(LogisticRegression):
    """Knows the chances of `planted`, and reads all columns."""

    def __init__(self):
        super().__init__()
        self.classes_ = np.array([False, True])

    def predict_proba(self, X):
        sure = 1 / (1 + np.exp(-2 * np.asarray(X["signal"])))
        return np.stack([1 - sure, sure], axis=1)


def test_a_planted_bad_slice_comes_first():
    for seed in range(5):
        first, *others = judged_by_signal(seed, True).slices
        assert (first.column, first.value) == ("town", "Ulm") and first.beyond_noise
        assert first.difference > 0 and first.p < 0.002
        assert not any(one.beyond_noise and one.column in ("color", "size") for one in others)


def test_noise_alone_is_seldom_named():
    """In 5 of 100 evaluations: 6 of 40 would be met once in 70 such tests."""
    alarms = 0
    for seed in range(40):
        slices = judged_by_signal(seed, False).slices
        alarms += any(one.beyond_noise for one in slices if one.column != "signal")
    assert alarms <= 5


def test_slices_are_means_over_their_rows(left, found):
    model, X, y = left
    chance = model.predict_proba(X)
    losses = -np.log(chance[np.arange(800), (y == "yes").astype(int)])
    town = next(one for one in found.slices if (one.column, one.value) == ("town", "Ulm"))
    rows = (X["town"] == "Ulm").to_numpy()
    assert (town.rows, town.by) == (rows.sum(), "log_loss")
    assert town.score == pytest.approx(losses[rows].mean(), rel=1e-5)
    assert town.rest == pytest.approx(losses[~rows].mean(), rel=1e-5)
    values = [one.value for one in found.slices if one.column == "town"]
    assert sorted(values) == ["Bonn", "Mainz", "Ulm", "missing"]
    ages = [one for one in found.slices if one.column == "age"]
    assert len(ages) == 4 and sum(one.rows for one in ages) == 800
    assert {one.column for one in chainrule.evaluate(*left, by="noise").slices} == {"noise"}


def test_chances_are_those_of_a_permutation_test(left):
    model, X, y = left
    X = X.assign(noise=np.where(X["age"] > 70, "old", "young"))
    model = TabularClassifier(**QUICK).fit(X, y)
    chance = model.predict_proba(X)[np.arange(800), (y == "yes").astype(int)]
    losses, rows = -np.log(chance), (X["noise"] == "old").to_numpy()
    found = chainrule.evaluate(model, X, y, by="noise").slices
    oracle = permutation_test(
        (losses[rows], losses[~rows]), lambda a, b: a.mean() - b.mean(), n_resamples=4000,
        rng=0, vectorized=False,
    )  # fmt: skip
    assert found[0].p == found[1].p == pytest.approx(oracle.pvalue, abs=0.05)


def test_dates_and_truth_values_are_sliced_and_shown():
    rng = np.random.default_rng(0)
    when = pd.date_range("2020-01-01", periods=200)
    X = pd.DataFrame({"when": when, "flag": rng.random(200) < 0.5})
    y = rng.normal(size=200) + X["flag"]
    model = TabularRegressor(**QUICK).fit(X, y)
    found = chainrule.evaluate(model, X, y, by="all", worst=1)
    values = [one.value for one in found.slices]
    assert {"true", "false"} < set(values) and "2020-01-01 to 2020-02-20" in values
    assert found.worst[0]["columns"]["when"] == str(X["when"][found.worst[0]["row"]].date())
    assert found.worst[0]["columns"]["flag"] in (True, False)
