"""Scores by value of a column, against planted truths and a permutation test."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, permutation_test
from sklearn import metrics
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from tests.judging.tables import QUICK, three

import chainrule
from chainrule import TabularClassifier, TabularRegressor
from chainrule.judging import slices_block


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


OF_CLASSES = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "f1_macro": partial(metrics.f1_score, average="macro"),
    "precision": partial(metrics.precision_score, pos_label="yes"),
    "recall": partial(metrics.recall_score, pos_label="yes"),
    "f1": partial(metrics.f1_score, pos_label="yes"),
}


@pytest.mark.parametrize("metric", OF_CLASSES)
def test_slices_are_by_the_score_asked_for(left, metric):
    model, X, y = left
    guess, score = model.predict(X), OF_CLASSES[metric]
    found = chainrule.evaluate(*left, by="town", metric=metric)
    assert "compared by" not in found.slices_told and {one.by for one in found.slices} == {metric}
    for one in found.slices:
        rows = (X["town"].isna() if one.value == "missing" else X["town"] == one.value).to_numpy()
        assert one.score == pytest.approx(score(y[rows], guess[rows]))
        assert one.rest == pytest.approx(score(y[~rows], guess[~rows]))
        assert one.difference == pytest.approx(one.rest - one.score) and one.rows == rows.sum()
        low, high = bootstrapped(score, y[rows].to_numpy(), guess[rows])
        assert one.interval == pytest.approx((low, high), abs=0.03)


def bootstrapped(score, truth, guess):
    """Normal bounds by the spread of the score over resamples."""
    draws = np.random.default_rng(0).integers(0, len(truth), (300, len(truth)))
    spread = np.std([score(truth[rows], guess[rows]) for rows in draws])
    middle = score(truth, guess)
    return max(0, middle - 1.96 * spread), min(1, middle + 1.96 * spread)


def test_of_three_classes_too_and_by_weight():
    X, y = three(600)
    model = LogisticRegression().fit(X, y)
    side = np.where(X[:, 0] > 0.3, "right", "left")
    weights = np.random.default_rng(0).integers(1, 4, 600).astype(float)
    frame = pd.DataFrame({"x0": X[:, 0], "x1": X[:, 1], "side": side})
    judged = OfTwoColumns(model)
    for metric in ("balanced_accuracy", "f1_macro", "accuracy"):
        found = chainrule.evaluate(
            judged, frame, y, by="side", metric=metric, sample_weight=weights
        )
        one = next(one for one in found.slices if one.value == "right")
        rows = side == "right"
        again = {"sample_weight": weights[rows]}
        expected = OF_CLASSES[metric](y[rows], model.predict(X)[rows], **again)
        assert one.score == pytest.approx(expected), metric


class OfTwoColumns(LogisticRegression):
    """A fitted model of the columns x0 and x1 among others."""

    def __init__(self, model=None):
        super().__init__()
        self.model = model
        self.classes_ = model.classes_

    def predict_proba(self, X):
        return self.model.predict_proba(X[["x0", "x1"]].to_numpy())


@pytest.mark.parametrize(
    "metric, by, part",
    [
        ("roc_auc", "log_loss", "by log_loss, for roc_auc ranks rows against each other"),
        ("average_precision", "log_loss", "for average_precision ranks rows"),
    ],
)
def test_a_score_that_slices_cannot_be_compared_by_is_named(left, metric, by, part):
    found = chainrule.evaluate(*left, by="town", metric=metric)
    assert {one.by for one in found.slices} == {by}
    assert part in found.slices_told and part in repr(found)
    assert found.to_record()["slices_told"] == found.slices_told


def test_slices_of_numbers_are_by_a_score_of_errors():
    X, y = pd.DataFrame({"size": np.arange(200.0)}), np.arange(200.0) % 17
    line = LinearRegression().fit(X, y)
    for metric, by in (("r2", "rmse"), ("median_absolute_error", "mae"), ("mae", "mae")):
        found = chainrule.evaluate(line, X, y, by="size", metric=metric)
        assert {one.by for one in found.slices} == {by}
        assert ("" if metric == by else f"compared by {by}, for {metric}") in found.slices_told


def test_the_order_is_what_the_words_say(left):
    for metric in ("log_loss", "recall"):
        found = chainrule.evaluate(*left, by="all", metric=metric)
        worse = [one for one in found.slices if one.verdict == "worse beyond noise"]
        others = found.slices[len(worse) :]
        assert worse and list(found.slices[: len(worse)]) == worse
        for part in (worse, others):
            behind = [one.difference for one in part]
            assert behind == sorted(behind, reverse=True)
        better = [one for one in others if one.beyond_noise]
        assert better and {one.verdict for one in better} == {"better beyond noise"}
        sign = 1 if metric == "log_loss" else -1
        assert all(sign * (one.score - one.rest) < 0 for one in better)
        assert f"({len(worse)} of {len(found.slices)} slices)" in repr(found)


def test_the_chance_of_a_recall_is_that_among_positive_rows(left):
    model, X, y = left
    found = chainrule.evaluate(model, X, y, by="noise", metric="recall")
    hit = (model.predict(X) == "yes")[y == "yes"]
    noise = X["noise"][y == "yes"].to_numpy()
    edges = np.quantile(X["noise"], [0.25, 0.5, 0.75], method="higher")
    groups = np.searchsorted(edges, noise)
    sizes = np.bincount(groups)
    scale = np.sqrt(sizes * (len(hit) - sizes))

    def largest(hit):
        inside = np.bincount(groups, hit)
        return np.abs(inside / sizes - (hit.sum() - inside) / (len(hit) - sizes)) * scale

    rng, observed = np.random.default_rng(0), largest(hit)
    drawn = np.array([largest(rng.permutation(hit)).max() for _ in range(4000)])
    expected = [(drawn >= one * (1 - 1e-9)).mean() for one in observed]
    for one in found.slices:
        group = int(np.searchsorted(edges, float(one.value.split()[0]) + 0.05))
        assert one.p == pytest.approx(expected[group], abs=0.04)


def test_small_and_large_slices_are_measured_by_what_chance_does_to_each(left):
    """The largest of standardized differences, by brute force, for 30 rows and for 385."""
    model, X, y = left
    chance = model.predict_proba(X)[np.arange(800), (y == "yes").astype(int)]
    losses, rng = -np.log(chance), np.random.default_rng(1)
    town = np.where(losses + 6 * rng.normal(size=800) > 0.5, "Ulm", "Mainz")
    town[rng.permutation(800)[:30]] = "Bonn"
    answers = Fixed(model.predict_proba(X))
    found = chainrule.evaluate(answers, X.assign(town=town), y, by="town", metric="log_loss")

    def apart(losses):
        means = [(losses[town == one].mean(), losses[town != one].mean(), (town == one).sum())
                 for one in ("Bonn", "Ulm", "Mainz")]  # fmt: skip
        return np.array([abs(a - b) / np.sqrt(1 / n + 1 / (800 - n)) for a, b, n in means])

    observed = apart(losses)
    drawn = np.array([apart(rng.permutation(losses)).max() for _ in range(2000)])
    expected = {one: (drawn >= by * (1 - 1e-9)).mean()
                for one, by in zip(("Bonn", "Ulm", "Mainz"), observed, strict=True)}  # fmt: skip
    assert {one.value: one.p for one in found.slices} == pytest.approx(expected, abs=0.04)
    assert 0.05 < expected["Ulm"] < 0.4


class Fixed(LogisticRegression):
    """Answers what it was given."""

    def __init__(self, answers=None):
        super().__init__()
        self.answers = answers
        self.classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        return self.answers


def test_where_few_rows_count_there_is_no_slice(left):
    model, X, y = left
    rare = np.where((y == "yes") & (np.arange(800) > 60), "b", "a")
    found = chainrule.evaluate(model, X.assign(town=rare), y, by="town", metric="recall")
    assert len(found.slices) == 2 and "left out" not in found.slices_told
    rare[np.flatnonzero((y == "yes") & (rare == "a"))[9:]] = "b"
    found = chainrule.evaluate(model, X.assign(town=rare), y, by="town", metric="recall")
    assert found.slices == ()
    assert "2 of 2 slices left out: fewer than 10 rows count for recall" in found.slices_told


def test_shares_of_one_value_have_an_interval_too():
    X = pd.DataFrame({"x": np.arange(80.0), "side": ["a", "b"] * 40})
    y = np.array(["no", "no", "yes", "yes"] * 20)
    found = chainrule.evaluate(
        Fixed(np.eye(2)[(y == "yes").astype(int)]), X, y, by="side", metric="accuracy"
    )
    for one in found.slices:
        assert one.score == 1.0 and one.interval == pytest.approx((1 - 0.0876, 1.0), abs=1e-3)
        assert one.interval[0] == pytest.approx(proportion_confint(40))


def proportion_confint(rows):
    return binomtest(rows, rows).proportion_ci(method="wilson").low


@pytest.mark.parametrize("by", ["all", "age"])
def test_without_a_slice_large_enough_there_are_scores_and_a_sentence(left, by):
    model, X, y = left
    for rows in (1, 40):
        found = chainrule.evaluate(model, X[:rows], y[:rows], by=by)
        assert found.slices == () and found.judgment.rows == rows
        told = "No value or range of the columns asked for has 30 rows with as many others"
        assert told in found.slices_told and told in repr(found)


def test_columns_may_be_named_twice_and_all_of_them_in_a_list(left):
    every = [one.column for one in chainrule.evaluate(*left, by="all").slices]
    for by in (["all"], ["age", "all", "age"]):
        assert [one.column for one in chainrule.evaluate(*left, by=by).slices] == every
    once = chainrule.evaluate(*left, by="town").slices
    assert chainrule.evaluate(*left, by=["town", "town"]).slices == once


@pytest.mark.parametrize("metric, moved", [("f1", True), ("recall", True), ("accuracy", False)])
def test_scores_that_shares_of_classes_move_are_said_to(left, metric, moved):
    found = chainrule.evaluate(*left, by="town", metric=metric)
    assert (
        f"By the same model {metric} is lower where a class is rarer" in found.slices_told
    ) is moved


def test_ranges_have_the_digits_that_say_something():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({
        "fine": rng.normal(size=400) * 3.14159265, "count": rng.integers(0, 40_000, 400),
        "steps": np.repeat([1.0, 4.0, 9.0], [120, 160, 120]),
        "near": 1e5 + rng.random(400),
    })  # fmt: skip
    X.loc[:11, "steps"] = np.arange(12) / 20
    found = chainrule.evaluate(LinearRegression().fit(X, X["fine"]), X, X["fine"], by="all")
    values = {name: [one.value for one in found.slices if one.column == name] for name in X}
    for value in values["fine"]:
        assert all(len(end.lstrip("-").replace(".", "").lstrip("0")) <= 3
                   for end in value.split(" to "))  # fmt: skip
    assert all(end.isdigit() for value in values["count"] for end in value.split(" to "))
    assert "4" in values["steps"] and "4 to 4" not in values["steps"]
    assert len({end for value in values["near"] for end in value.split(" to ")}) > 1


def test_ranges_and_dates_are_whole_on_a_terminal_of_100_columns():
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, 400), unit="D")
    X = pd.DataFrame({"number": rng.normal(size=400), "day": days})
    model = FirstColumn()
    text = slices_block(chainrule.evaluate(model, X, X["number"], by="all")).to_text(100)
    lines = [line for line in text.splitlines() if " to " in line]
    assert len(lines) == 8 and not any("..." in line or len(line) > 100 for line in lines)


class FirstColumn(RegressorMixin, BaseEstimator):
    """Answers nearly what the first column says."""

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return X.iloc[:, 0] + 0.1
