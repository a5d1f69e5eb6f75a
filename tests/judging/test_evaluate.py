"""Evaluations against scikit-learn's scores, brute force and planted truths."""

import json
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import permutation_test
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import chainrule
from chainrule import MLPClassifier, TabularClassifier, TabularRegressor
from chainrule.cli import main
from chainrule.errors import ChainruleError, DataError, InputTypeError, SettingError, ShapeError
from chainrule.files import strict_json
from chainrule.reporting import fitting_words

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
matplotlib.use("Agg")
QUICK = {"epochs": 8, "members": 3, "hidden": (16,), "learning_rate": 0.01}


def people(rows=600, seed=0):
    """Two classes by age and town, missing cells, and a column that says nothing."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 80, rows).round()
    town = rng.choice(["Bonn", "Ulm", "Mainz"], rows)
    odds = 0.06 * (age - 45) + 1.5 * (town == "Ulm") - 0.7
    left = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    town = np.where(rng.random(rows) < 0.1, None, town)
    X = pd.DataFrame({"age": age, "town": town, "noise": rng.normal(size=rows)})
    return X, pd.Series(left, name="left")


@pytest.fixture(scope="module")
def left():
    X, y = people()
    model = TabularClassifier(**QUICK).fit(X, y)
    return model, *people(800, seed=1)


@pytest.fixture(scope="module")
def found(left):
    return chainrule.evaluate(*left, by="all")


def test_scores_are_scikit_learns(left, found):
    model, X, y = left
    chance, truth = model.predict_proba(X)[:, 1], (y == "yes").to_numpy()
    assert found.scores["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, chance))
    assert found.scores["brier_score"] == pytest.approx(metrics.brier_score_loss(truth, chance))
    low, high = found.intervals["brier_score"]
    assert low < found.scores["brier_score"] < high
    false, true, _ = metrics.roc_curve(truth, chance, drop_intermediate=False)
    curves = found.curves()["yes"]
    np.testing.assert_allclose(curves["roc"], (false, true))
    precision, recall, _ = metrics.precision_recall_curve(truth, chance)
    np.testing.assert_allclose(curves["precision_recall"][0], recall[-2::-1])
    np.testing.assert_allclose(curves["precision_recall"][1], precision[-2::-1])
    came, sure = calibration_curve(truth, chance, n_bins=10, strategy="quantile")
    predicted, observed, low, high = found.calibration()
    np.testing.assert_allclose((predicted, observed), (sure, came))
    assert ((low <= observed) & (observed <= high)).all()
    error = np.abs(predicted - observed).mean()  # groups of 80 rows each
    assert found.scores["expected_calibration_error"] == pytest.approx(error, abs=1e-3)


def test_classes_and_weights():
    X, y = chainrule.examples.spirals() if hasattr(chainrule.examples, "spirals") else three()
    model = LogisticRegression().fit(X, y)
    weights = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    found = chainrule.evaluate(model, X, y, sample_weight=weights)
    again = chainrule.evaluate(model, np.repeat(X, weights.astype(int), axis=0),
                               np.repeat(y, weights.astype(int)))  # fmt: skip
    chances = model.predict_proba(X)
    squares = ((chances - np.eye(3)[y]) ** 2).sum(axis=1)
    assert found.scores["brier_score"] == pytest.approx(np.average(squares, weights=weights))
    for name in ("accuracy", "log_loss", "brier_score"):
        assert found.scores[name] == pytest.approx(again.scores[name])
    assert found.thresholds == () and list(found.curves()) == ["0", "1", "2"]
    assert found.judgment.weighted


def three(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 2))
    return X, (X[:, 0] + 0.5 * rng.normal(size=rows) > np.where(X[:, 1] > 0, 0.5, -0.5)) + 1 * (
        X[:, 1] + 0.7 * rng.normal(size=rows) > 0.4
    )


def test_all_ways_to_give_a_model_and_rows_say_the_same(left, tmp_path):
    model, X, y = left
    model.save(tmp_path / "m.safetensors")
    expected = chainrule.evaluate(model, X, y)
    for given in (
        (tmp_path / "m.safetensors", X, y),
        (model.model_, X.to_dict("list"), list(y)),
        (model, pl.from_pandas(X), pl.Series("left", y.to_list())),
    ):
        found = chainrule.evaluate(*given)
        assert found.scores == pytest.approx(expected.scores)
        assert found.thresholds == expected.thresholds
    whole = X.assign(**{model.model_.schema.target: y})
    assert chainrule.evaluate(model, whole).scores == pytest.approx(expected.scores)
    holes = y.astype(object).where(np.arange(800) % 4 > 0, None)
    part = chainrule.evaluate(model, X, holes, worst=5)
    assert (
        part.judgment.rows == 600
        and part.rows.tolist() == np.flatnonzero(np.arange(800) % 4).tolist()
    )
    assert all(one["row"] % 4 for one in part.worst)


def test_pipelines_and_drop_ins_are_judged_too():
    X, y = three()
    for model in (make_pipeline(StandardScaler(), LogisticRegression()),
                  MLPClassifier(max_iter=30, random_state=0)):  # fmt: skip
        found = chainrule.evaluate(model.fit(X, y), X, y)
        assert found.scores["accuracy"] == pytest.approx(model.score(X, y))
    line = LinearRegression().fit(X, X[:, 0] + y)
    assert chainrule.evaluate(line, X, X[:, 0] + y).scores["r2"] == pytest.approx(
        line.score(X, X[:, 0] + y)
    )


def expected_threshold(positive, chance, weighing):
    """Brute force over cuts between all pairs of neighbors, those below and above all too."""
    levels = np.unique(chance)
    cuts = [0.0, *((levels[:-1] + levels[1:]) / 2), (1 + levels[-1]) / 2]
    return min(weighing(chance >= cut, positive) for cut in cuts)


@pytest.mark.parametrize("costs", [(1, 5), (3, 1), (0, 1)])
def test_thresholds_are_chosen_on_held_rows_and_judged_on_those_given(left, costs):
    model, X, y = left
    priced = dict(zip(("false_positive", "false_negative"), costs, strict=True))
    found = chainrule.evaluate(model, X, y, costs=priced, threshold=0.2)
    by_name = {one.name: one for one in found.thresholds}
    assert list(by_name) == ["one half", "best F1", "least cost", "given"]
    held = model.model_.held[0]
    positive, chance = held.truth == 1, held.answers[:, 1]

    def cost(flag, positive):
        return costs[0] * (flag & ~positive).sum() + costs[1] * (~flag & positive).sum()

    least = by_name["least cost"].threshold
    assert cost(chance >= least, positive) == expected_threshold(positive, chance, cost)
    best = by_name["best F1"].threshold
    assert metrics.f1_score(positive, chance >= best) == pytest.approx(
        -expected_threshold(positive, chance, lambda flag, of: -metrics.f1_score(of, flag))
    )
    truth, sure = (y == "yes").to_numpy(), model.predict_proba(X)[:, 1]
    for one in found.thresholds:
        flag = sure >= one.threshold
        assert one.precision == pytest.approx(metrics.precision_score(truth, flag))
        assert one.recall == pytest.approx(metrics.recall_score(truth, flag))
        assert one.f1 == pytest.approx(metrics.f1_score(truth, flag))
        assert one.accuracy == pytest.approx((truth == flag).mean())
        assert one.flagged == pytest.approx(flag.mean())
        assert one.cost == pytest.approx(1000 * cost(flag, truth) / 800)
        saved = 1000 * (cost(sure >= 0.5, truth) - cost(flag, truth)) / 800
        assert one.saves == pytest.approx(saved)
        if one.name != "one half":
            assert one.interval[0] <= saved <= one.interval[1]
    assert "chosen on rows that the networks were watched on" in found.thresholds_told


def test_without_held_rows_thresholds_are_said_to_flatter():
    X, y = three()
    model = LogisticRegression().fit(X, y > 0)
    found = chainrule.evaluate(model, X, y > 0)
    assert "chosen on the very rows that judge it" in found.thresholds_told
    best = next(one for one in found.thresholds if one.name == "best F1")
    sure = model.predict_proba(X)[:, 1]
    others = [metrics.f1_score(y > 0, sure >= cut) for cut in sure]
    assert best.f1 == pytest.approx(max(others))


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


def test_the_worst_rows_are_those_with_the_largest_losses(left):
    model, X, y = left
    found = chainrule.evaluate(model, X, y, worst=4)
    chance = model.predict_proba(X)[np.arange(800), (y == "yes").astype(int)]
    expected = np.argsort(chance, kind="stable")[:4].tolist()
    assert [one["row"] for one in found.worst] == expected
    first = found.worst[0]
    assert first["truth"] == y[expected[0]] != first["prediction"]
    assert first["probability"] == pytest.approx(chance[expected[0]], rel=1e-5)
    assert first["columns"]["age"] == X["age"][expected[0]]
    assert chainrule.evaluate(model, X, y, worst=0).worst == ()


def judged_by(model, X, y, metric):
    found = chainrule.evaluate(model, X[200:], y[200:], metric=metric, by="size")
    return sorted(found.slices, key=lambda one: float(one.value.split()[0]))


def test_numbers_have_residuals():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=400)})
    y = 3 * X["size"] + rng.normal(size=400)
    model = TabularRegressor(**QUICK).fit(X[:200], y[:200])
    found = chainrule.evaluate(model, X[200:], y[200:], metric="mae", by="size", worst=2)
    guess = model.predict(X[200:])
    np.testing.assert_allclose(found.residuals, y[200:] - guess)
    assert found.worst[0]["error"] == pytest.approx(
        -found.residuals[np.argmax(np.abs(found.residuals))]
    )
    assert {one.by for one in found.slices} == {"mae"}
    least = next(one for one in judged_by(model, X, y, "rmse") if one.value.startswith("-"))
    rows = X["size"][200:].rank() <= 51
    assert (least.rows, least.by) == (51, "rmse")
    assert least.score == pytest.approx(metrics.root_mean_squared_error(y[200:][rows], guess[rows]))
    assert least.rest == pytest.approx(
        metrics.root_mean_squared_error(y[200:][~rows], guess[~rows])
    )
    assert least.interval[0] < least.score < least.interval[1] < 2
    assert len(found.plot()) == 2 and repr(found).startswith("y.size: 200 rows judged\nscore")


def test_a_record_a_frame_a_text_and_a_picture(found):
    record = json.loads(strict_json(found.to_record()))
    assert record["metrics"]["roc_auc"] == found.scores["roc_auc"]
    assert record["slices"][0]["column"] and record["thresholds"][0]["threshold"] == 0.5
    frame = found.to_frame()
    assert list(frame["score"])[:2] == ["accuracy", "balanced_accuracy"]
    text = repr(found)
    for part in (
        "roc_auc",
        "a row is called 'yes' from",
        "by value, the worst first",
        "most wrong",
    ):
        assert part in text
    titles = [ax.get_title() for ax in found.plot()]
    assert titles == ["ROC curve", "Precision and recall", "Calibration", "Confusion"]
    assert "which rows were judged" in found.cannot_tell


@pytest.mark.parametrize(
    "learned, new, interval, part",
    [
        (
            0.99,
            0.70,
            (0.65, 0.75),
            "overfits strongly: roc_auc 0.99 on rows learned from, 0.7 on these rows",
        ),
        (0.95, 0.87, (0.85, 0.89), "overfits: roc_auc 0.95"),
        (0.95, 0.87, (0.80, 0.96), "neither over- nor underfits"),
        (0.53, 0.52, (0.5, 0.54), "The model underfits: roc_auc 0.53"),
        (0.90, 0.89, (0.87, 0.91), "neither"),
    ],
)
def test_over_and_underfitting_in_words(learned, new, interval, part):
    words = fitting_words("classification", {"roc_auc": learned}, {"roc_auc": new}, interval)
    assert part in words


def test_a_linear_model_that_is_better_says_underfitting():
    scores = {"r2": 0.4}, {"r2": 0.39}, (0.3, 0.5)
    assert "linear model has 0.6" in fitting_words("regression", *scores, {"r2": 0.6})
    assert fitting_words("regression", None, {"r2": 0.4}, None) == ""


def test_a_run_that_learned_noise_by_heart_is_said_to_overfit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    columns = {f"x{k}": rng.normal(size=300) for k in range(8)}
    noise = pd.DataFrame(columns).assign(y=rng.choice(["a", "b"], 300))
    noise.to_csv("noise.csv", index=False)
    words = ["--epochs", "60", "--patience", "60", "--members", "1", "--dropout", "0"]
    words += ["--hidden", "64", "--learning-rate", "0.02"]
    assert main(["train", "noise.csv", "--target", "y", "--out", "run", *words]) == 0
    metrics_kept = json.loads(Path("run/metrics.json").read_text())
    assert metrics_kept["learned"]["rows"] == 192
    new = noise.assign(y=rng.choice(["a", "b"], 300))
    assert "The model overfits strongly" in chainrule.evaluate("run", new).fitting


@pytest.mark.parametrize(
    "settings, error, part",
    [
        ({"threshold": 1.5}, SettingError, "threshold: must be a number from 0 to 1, got 1.5"),
        ({"costs": {"false_positive": 1}}, SettingError, "costs: must be {"),
        ({"costs": {"false_positive": 0, "false_negative": 0}}, SettingError, "not both 0"),
        ({"by": "aeg"}, SettingError, "by: there is no column 'aeg'; did you mean 'age'"),
        ({"by": ["left_"]}, SettingError, "by: there is no column 'left_'"),
        ({"metric": "rmse"}, SettingError, '"rmse" is not a score of a classification of 2'),
        ({"worst": -1}, SettingError, "worst must be a whole number of 0 or more, got -1"),
        ({"sample_weight": [1.0]}, ShapeError, r"sample_weight has shape \(1,\)"),
    ],
)
def test_what_cannot_be_asked_is_refused(left, settings, error, part):
    with pytest.raises(error, match=part) as told:
        chainrule.evaluate(*left, **settings)
    assert isinstance(told.value, ChainruleError) and "\n" not in str(told.value)


def test_models_and_rows_that_cannot_be_judged_are_refused(left):
    model, X, y = left
    numbers, classes = three()
    logistic = LogisticRegression().fit(numbers, classes)
    for settings in ({"threshold": 0.3}, {"costs": {"false_positive": 1, "false_negative": 1}}):
        with pytest.raises(SettingError, match="'y' has 3 classes; a threshold is for two"):
            chainrule.evaluate(logistic, numbers, classes, **settings)
    with pytest.raises(InputTypeError, match="model must be a run folder.*got int"):
        chainrule.evaluate(3, X, y)
    with pytest.raises(InputTypeError, match="SVC gives no probabilities"):
        chainrule.evaluate(SVC().fit(numbers, classes), numbers, classes)
    with pytest.raises(InputTypeError, match="y is missing"):
        chainrule.evaluate(logistic, numbers)
    with pytest.raises(DataError, match="no label of training, only 'maybe'; known: 'no', 'yes'"):
        chainrule.evaluate(model, X, ["maybe"] * 800)
    with pytest.raises(ShapeError, match="y has 2 values, X has 800 rows"):
        chainrule.evaluate(model, X, ["yes", "no"])
    with pytest.raises(DataError, match="by: no value or range of 'age' has 30 rows"):
        chainrule.evaluate(model, X[:40], y[:40], by="age")
    several = TabularClassifier(**QUICK).fit(X, pd.DataFrame({"a": y, "b": y}))
    with pytest.raises(SettingError, match="has 2 targets; this is for one"):
        chainrule.evaluate(several, X, y)


def test_few_rows_and_labels_never_seen_are_said(left):
    model, X, y = left
    text = repr(chainrule.evaluate(model, X[:12], [*y[:10], "maybe", "maybe"]))
    assert "10 rows judged, 2 left out, of labels not seen in training" in text
    assert "10 rows are few to judge by" in text


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


def test_without_a_positive_row_no_threshold_has_the_best_f1():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = LogisticRegression().fit(X, [0, 0, 1, 1])
    found = chainrule.evaluate(model, X[:2], [0, 0], threshold=0.3)
    assert [one.name for one in found.thresholds] == ["one half", "given"]
