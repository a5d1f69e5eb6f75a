"""Permutation importance by its definition, scored by scikit-learn; and what it is like."""

import numpy as np
import pandas
import pytest
from sklearn import metrics
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.linear_model import LinearRegression, LogisticRegression
from tests.explaining import fitted

from chainrule import random
from chainrule.data import as_table
from chainrule.errors import DataError, SettingError, ShapeError
from chainrule.explaining import permutation_importance, subject_of
from chainrule.explaining.dependent import dependent_groups
from chainrule.reporting import drawn


def score(name, truth, chance, weights):
    labels = np.where(chance[:, 1] > 0.5, "yes", "no")
    if name == "accuracy":
        return metrics.accuracy_score(truth, labels, sample_weight=weights)
    if name == "log_loss":
        return metrics.log_loss(truth == "yes", chance[:, 1], sample_weight=weights)
    return metrics.roc_auc_score(truth == "yes", chance[:, 1], sample_weight=weights)


@pytest.mark.parametrize("name, sign", [("roc_auc", 1), ("log_loss", -1), ("accuracy", 1)])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_loss_of_score_with_a_column_exchanged(name, sign, weighted):
    model, given = fitted.classifier(), fitted.columns(80, seed=4)
    truth = fitted.label(given)
    weights = np.arange(80.0) if weighted else None
    found = permutation_importance(
        model, given, truth, metric=name, repeats=2, sample_weight=weights, seed=3
    )
    rows = np.arange(1 if weighted else 0, 80)  # the first row has no weight
    part = {column: values[rows] for column, values in given.items()}
    kept = None if weights is None else weights[rows]
    base = score(name, truth[rows], model.predict_proba(part), kept)
    assert found.score == pytest.approx(base, rel=1e-6)
    used = [column for column in given if column != "same"]
    for place, column in enumerate(used):
        for repeat in range(2):
            order = random.permutation(3, place, repeat, len(rows))
            made = {**part, column: part[column][order]}
            lost = sign * (base - score(name, truth[rows], model.predict_proba(made), kept))
            assert found.each[found.columns.index(column)][repeat] == pytest.approx(lost, abs=1e-6)
    assert list(found.values) == sorted(found.values, reverse=True)
    np.testing.assert_allclose(found.values, np.mean(found.each, axis=1))


def test_it_agrees_with_scikit_learn_on_numbers():
    rng = np.random.default_rng(0)
    X = pandas.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    y = 3 * X["a"] - X["b"] + 0.1 * rng.normal(size=400)
    model = LinearRegression().fit(X, y)
    found = permutation_importance(model, X, y, repeats=30)
    scoring = "neg_root_mean_squared_error"
    theirs = sklearn_importance(model, X, y, scoring=scoring, n_repeats=30, random_state=0)
    ours = dict(zip(found.columns, found.values, strict=True))
    for place, name in enumerate(X):
        assert ours[name] == pytest.approx(theirs.importances_mean[place], abs=0.1)
    assert found.metric == "rmse"
    frame = found.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["column"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("model, truth", [("classifier", "label"), ("regressor", "price")])
def test_a_planted_strong_column_is_first_and_noise_is_none(model, truth):
    given = fitted.columns(400, seed=8)
    found = permutation_importance(
        getattr(fitted, model)(), given, getattr(fitted, truth)(given), repeats=5
    )
    assert found.columns[:2] == ("strong", "slope")
    low, high = found.intervals[0]
    assert 0 < low < found.values[0] < high
    small = dict(zip(found.columns, found.values, strict=True))
    assert small["noise"] < 0.1 * small["slope"]
    assert "same" not in found.columns


def test_intervals_hold_the_truth_of_other_rows_and_other_exchanges():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20_000, 2))
    y = 2 * X[:, 0] + rng.normal(size=20_000)
    model = LinearRegression().fit(X[:200], y[:200])
    truth = permutation_importance(model, X, y, repeats=3).values[0]
    held = []
    for start in range(0, 12_000, 300):
        rows = slice(start, start + 300)
        found = permutation_importance(model, X[rows], y[rows], repeats=3, seed=start)
        low, high = found.intervals[0]
        held.append(low < truth < high)
    assert np.mean(held) > 0.85


def test_intervals_are_of_rows_and_exchanges_drawn_again():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(25, 2))
    y = X @ [2.0, -1.0] + rng.normal(size=25)
    model = LinearRegression().fit(X, y)
    found = permutation_importance(model, X, y, metric="mae", repeats=3, seed=4)
    place = int(found.columns[0][1:])
    errors = [np.abs(model.predict(X) - y)]
    for repeat in range(3):
        made = X.copy()
        made[:, place] = X[random.permutation(4, place, repeat, 25), place]
        errors.append(np.abs(model.predict(made) - y))
    usual, *exchanged = errors
    times = drawn(4, 0, 500, 25)
    repeats = random.words(4, 2, 0, 1500, purpose=random.DRAWS).astype(float) * 3 // 2**32
    lost = [
        np.mean([np.average(exchanged[int(one)] - usual, weights=rows) for one in chosen])
        for rows, chosen in zip(times, repeats.reshape(500, 3), strict=True)
    ]
    np.testing.assert_allclose(found.intervals[0], np.quantile(lost, [0.025, 0.975]))


def test_a_category_of_many_values_tells_no_number_by_chance():
    rng = np.random.default_rng(0)
    given = {
        "many": [f"value {number}" for number in rng.integers(0, 200, 60)],
        "more": [f"value {number}" for number in rng.integers(0, 200, 60)],
        "x": rng.normal(size=60),
    }
    frame = pandas.DataFrame(given)
    model = _Plain().fit(frame[["x"]], frame["x"] > 0)
    assert dependent_groups(subject_of(model, frame)) == []


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    model, given = fitted.classifier(), fitted.columns(60)
    truth = fitted.label(given)
    one, again, other = (
        permutation_importance(model, given, truth, repeats=2, seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert one.each != other.each


def test_columns_that_tell_the_same_are_named():
    rng = np.random.default_rng(0)
    a, town = rng.normal(size=300), rng.choice(["x", "y", "z"], 300)
    X = pandas.DataFrame(
        {
            "a": a, "copy": np.exp(a) + 1e-3 * rng.normal(size=300), "free": rng.normal(size=300),
            "town": town, "code": np.char.add("code ", town),
            "level": np.select([town == "x", town == "y"], [1.0, 2.0], 3.0),
            "many": [f"value {number}" for number in range(300)],
        }
    )  # fmt: skip
    y = X["a"] > 0
    found = permutation_importance(_Plain().fit(X[["a", "copy", "free", "level"]], y), X, y)
    said = " ".join(found.cannot_tell)
    assert "'a' and 'copy' matters by itself" in said
    assert "'town', 'code' and 'level' matters by itself" in said
    assert "free" not in said and "many" not in said


class _Plain(LogisticRegression):
    """Goes by some columns of those given."""

    def fit(self, X, y):
        self.used = list(X.columns)
        return super().fit(X.to_numpy(), y)

    def predict_proba(self, X):
        return super().predict_proba(X[self.used].to_numpy(float))


def test_rows_without_a_target_are_left_out_with_a_warning():
    given = fitted.columns(40)
    truth = fitted.label(given).astype(object)
    truth[:4] = None
    truth[4] = "never met"
    with pytest.warns(UserWarning, match="unknown to the model, in 5 rows"):
        found = permutation_importance(fitted.classifier(), given, truth, repeats=1)
    assert found.rows == 35


@pytest.mark.parametrize(
    "change, error, wrong",
    [
        ({"metric": "rmse"}, SettingError, "'rmse' is not a score of this classification"),
        ({"metric": "rocauc"}, SettingError, "did you mean 'roc_auc'"),
        ({"repeats": 0}, SettingError, "repeats must be a whole number of 1 or more"),
        ({"y": ["yes"] * 39}, ShapeError, "y has 39 values, X has 40 rows"),
        ({"y": ["yes"] * 40}, DataError, "'roc_auc' is not defined for these rows"),
        ({"sample_weight": [-1.0] * 40}, DataError, "sample_weight must be finite numbers of 0"),
        ({"sample_weight": ["a"] * 40}, DataError, "sample_weight must be finite numbers of 0"),
        ({"sample_weight": [1.0]}, ShapeError, r"sample_weight has shape \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, wrong):
    given = fitted.columns(40)
    settings = {"y": fitted.label(given), "repeats": 1} | change
    with pytest.raises(error, match=wrong):
        permutation_importance(fitted.classifier(), given, **settings)


def test_it_is_drawn_and_told(tmp_path):
    model, given = fitted.classifier(), fitted.columns(60)
    model.save(tmp_path / "model.safetensors")
    found = permutation_importance(tmp_path, as_table(given), fitted.label(given), repeats=2)
    record = found.to_record()
    assert [one["column"] for one in record["columns"]] == list(found.columns)
    assert (record["method"], record["scale"], record["repeats"]) == ("permutation", "roc_auc", 2)
    ax = found.plot()
    assert [one.get_text() for one in ax.get_yticklabels()] == list(found.columns)
    drawn = [line.get_xdata() for line in ax.get_lines() if line.get_marker() == "|"]
    np.testing.assert_allclose(drawn, found.intervals)
    assert repr(found).startswith("Loss of roc_auc")
