"""Evaluations against scikit-learn's scores, brute force and planted truths."""

import json
import re

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.judging.tables import QUICK, three

import chainrule
from chainrule import MLPClassifier, TabularRegressor
from chainrule.files import strict_json

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
matplotlib.use("Agg")


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
    assert found.intervals["expected_calibration_error"] is None
    groups = np.searchsorted(np.quantile(chance, np.arange(1, 10) / 10), chance)
    drawn = np.random.default_rng(0).random((2000, 800)) < chance
    errors = [np.abs(np.bincount(groups, chance - one, minlength=10)).sum() / 800 for one in drawn]
    most = found.sureness["expected_calibration_error"]["chance"]
    assert most == pytest.approx(np.quantile(errors, 0.95), rel=0.05)
    assert found.sureness["brier_score"]["chance"] is None
    assert ("is above" if error > most else "is within") in found.sureness_told
    assert found.sureness_told in repr(found)


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


def test_of_the_worst_rows_columns_that_the_model_reads_come_first(left):
    model, X, y = left
    names = [f"extra{k}" for k in range(6)]
    wide = pd.concat([pd.DataFrame(0, X.index, names), X], axis=1)
    found = chainrule.evaluate(model, wide, y)
    assert list(found.worst[0]["columns"]) == [*X.columns, *names]
    assert re.search(r"probability +age +town +noise +extra0", repr(found))


def test_long_labels_are_cut_in_the_middle_where_they_are_drawn():
    labels = ["a very long label 2023", "a very long label 2024"]
    y = np.array(labels)[(three()[1] > 0).astype(int)]
    model = LogisticRegression().fit(three()[0], y)
    axes = chainrule.evaluate(model, three()[0], y).plot()
    shown = [one.get_text() for one in axes[3].get_xticklabels()]
    assert len(set(shown)) == 2 and all("..." in one for one in shown)
    assert [one[-4:] for one in shown] == ["2023", "2024"]


def test_numbers_have_residuals():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=400)})
    y = 3 * X["size"] + rng.normal(size=400)
    model = TabularRegressor(**QUICK).fit(X[:200], y[:200])
    found = chainrule.evaluate(model, X[200:], y[200:], metric="mae", by="size", worst=2)
    guess = model.predict(X[200:])
    np.testing.assert_allclose(found.residuals, y[200:] - guess)
    assert found.worst[0]["residual"] == pytest.approx(
        found.residuals[np.argmax(np.abs(found.residuals))]
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
    assert len(found.plot()) == 2 and repr(found).startswith("y.size: 200 rows judged\n  score")


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
        "log_loss by value: what is worse than the rest beyond noise",
        "most wrong",
    ):
        assert part in text
    titles = [ax.get_title() for ax in found.plot()]
    assert titles == ["ROC curve", "Precision and recall", "Calibration", "Confusion"]
    assert "which rows were judged" in found.cannot_tell


def test_few_rows_and_labels_never_seen_are_said(left):
    model, X, y = left
    text = repr(chainrule.evaluate(model, X[:12], [*y[:10], "maybe", "maybe"]))
    assert "10 rows judged, 2 left out, of labels not seen in training" in text
    assert "10 rows are few to judge by" in text


def of_many_classes(classes=150, rows=3000):
    """Class k of rows rare for large k; 140 to 149 taken for each other."""
    rng = np.random.default_rng(0)
    y = np.minimum(rng.geometric(0.03, rows) - 1, classes - 1)
    y[:classes] = np.arange(classes)
    guess = np.where(y >= 140, 140 + (y - 140 + rng.integers(0, 3, rows)) % 10, y)
    return y, guess


class Guess(LogisticRegression):
    """Predicts what it was given."""

    def __init__(self, guess=None):
        super().__init__()
        self.guess = guess
        self.classes_ = np.arange(150)

    def predict_proba(self, X):
        return np.eye(150)[self.guess] * 0.5 + 0.5 / 150


def test_of_many_classes_the_most_telling_are_drawn():
    y, guess = of_many_classes()
    found = chainrule.evaluate(Guess(guess), np.zeros((len(y), 1)), y)
    roc, recall, _, confusion = found.plot()
    assert roc.get_title() == "ROC curve: 6 most frequent of 150"
    frequent = np.sort(np.argsort(-np.bincount(y), kind="stable")[:6])
    names = [text.get_text() for text in roc.get_legend().get_texts()]
    assert names == [str(one) for one in frequent] and len(recall.get_lines()) == 6
    assert confusion.get_title().replace("\n", " ") == "Confusion: 12 most confused of 150"
    names = [text.get_text() for text in confusion.get_yticklabels()]
    assert len(names) == 12 and set(map(str, range(140, 150))) <= set(names)
    table = np.array([text.get_text().replace(",", "") for text in confusion.texts], float)
    codes = [int(name) for name in names]
    expected = metrics.confusion_matrix(y, guess, labels=codes)
    np.testing.assert_array_equal(table.reshape(12, 12), expected)
    assert len(found.curves()) == 150
