"""Columns go by their names, of X and of y, where they have names."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError, SettingError

ROWS = 120
FAST = {"epochs": 3, "members": 1}
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.choice(list("xyz"), ROWS)})
CLASSES = np.where(X["a"] > 0, "p", "q")
Y = pd.DataFrame({"r": 2 * X["a"], "i": 1000 + 100 * RNG.normal(size=ROWS)})
MIXED = pd.DataFrame({"c": CLASSES, "r": Y["r"]})
TASKS = {"targets": {"r": "regression"}}


def test_columns_of_y_are_scored_by_name():
    model = TabularRegressor(**FAST).fit(X, Y)
    assert model.score(X, Y[["i", "r"]]) == model.score(X, Y)
    assert model.score(X, pl.from_pandas(Y[["i", "r"]])) == model.score(X, Y)
    assert model.score(X, Y.to_numpy()) == model.score(X, Y)
    mixed = TabularClassifier(**FAST, **TASKS).fit(X, MIXED)
    assert mixed.score(X, MIXED[["r", "c"]]) == mixed.score(X, MIXED)


def test_columns_of_y_are_watched_by_name():
    one, other = (
        TabularRegressor(**FAST).fit(X, Y, eval_set=(X[:40], truth[:40])).history_
        for truth in (Y, Y[["i", "r"]])
    )
    assert [row["validation_loss"] for row in one] == [row["validation_loss"] for row in other]


def test_other_columns_of_y_are_refused():
    model = TabularRegressor(**FAST).fit(X, Y)
    other = Y.rename(columns={"i": "k"})
    with pytest.raises(DataError, match="^y has the columns 'r', 'k', in training it had 'r', 'i'"):
        model.score(X, other)
    with pytest.raises(DataError, match="^eval_set: y has the columns 'r', 'k'"):
        model.fit(X, Y, eval_set=(X, other))
    assert model.score(X, Y.set_axis([0, 1], axis=1)) == model.score(X, Y)


@pytest.mark.parametrize(
    "labels", [["a", "r"], ["b", "a"], [0, 1], [7, "c"], [("u", 1), ("v", 2)]], ids=str
)
def test_predictions_have_the_labels_of_y(labels, tmp_path):
    y = MIXED.set_axis(pd.Index(labels), axis=1)
    model = TabularClassifier(**FAST, targets={1: "regression"}).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    for one in (model, TabularClassifier.load(tmp_path / "model.safetensors")):
        assert one.predict(X).columns.equals(y.columns)
        assert one.score(X, y) == one.score(X, y[y.columns[::-1]])


def test_labels_that_a_file_cannot_hold_are_spelled_there(tmp_path):
    y = MIXED.set_axis(pd.to_datetime(["2020-01-01", "2021-01-01"]), axis=1)
    model = TabularClassifier(**FAST, targets={1: "regression"}).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    loaded = TabularClassifier.load(tmp_path / "model.safetensors")
    assert model.predict(X).columns.equals(y.columns)
    assert list(loaded.predict(X)) == ["2020-01-01 00:00:00", "2021-01-01 00:00:00"]
    assert loaded.score(X, y[y.columns[::-1]]) == model.score(X, y)


def test_a_target_with_the_name_of_an_input_is_told_from_it():
    with pytest.raises(DataError, match=r"^column 'y\.a': "):
        TabularRegressor(**FAST).fit(X, pd.Series(CLASSES, name="a"))
    with pytest.raises(DataError, match=r"^column 'y': "):
        TabularRegressor(**FAST).fit(X.assign(target=X["a"]), CLASSES)
    with pytest.raises(DataError, match=r"^column 'y\.1': "):
        TabularRegressor(**FAST).fit(X, np.column_stack([Y["r"].astype(object), CLASSES]))


def test_columns_that_are_never_used_are_not_asked_for(tmp_path):
    more = X.assign(same=1, row=np.arange(ROWS), left=X["a"])
    model = TabularClassifier(**FAST, ignore=["left"]).fit(more, CLASSES)
    wanted = model.predict_proba(more).tobytes()
    model.save(tmp_path / "model.safetensors")
    for one in (model, TabularClassifier.load(tmp_path / "model.safetensors")):
        for asked in (X, X[["b", "a"]], pl.from_pandas(X), X.to_dict("list")):
            assert one.predict_proba(asked).tobytes() == wanted
    with pytest.raises(DataError, match=r"now missing:\n- b\n$"):
        model.predict(more.drop(columns=["b", "same"]))
    with pytest.raises(DataError, match="^X has 2 features, but TabularClassifier is expecting 5"):
        model.predict(X.to_numpy())


def test_columns_that_are_never_used_are_not_watched():
    more = X.assign(same=1, left=X["a"])
    model = TabularClassifier(**FAST, ignore=["left"])
    wanted = model.fit(more, CLASSES, eval_set=(more, CLASSES)).predict_proba(X)
    found = model.fit(more, CLASSES, eval_set=(X, CLASSES)).predict_proba(X)
    assert found.tobytes() == wanted.tobytes()
    with pytest.raises(DataError, match="^eval_set: column 'b' not found"):
        model.fit(more, CLASSES, eval_set=(X[["a"]], CLASSES))


def test_numbered_columns_that_are_never_used_are_not_asked_for():
    numbered = X.assign(same=1).set_axis([5, 6, 7], axis=1)
    model = TabularClassifier(**FAST).fit(numbered, CLASSES)
    wanted = model.predict_proba(numbered).tobytes()
    assert model.predict_proba(numbered[[6, 5]]).tobytes() == wanted


NUMBERED = X.assign(when=pd.date_range("2020-01-01", periods=ROWS)).set_axis([0, 1, 2], axis=1)
LEVELS = NUMBERED.set_axis(pd.MultiIndex.from_tuples([("u", 1), ("u", 2), ("v", 1)]), axis=1)


@pytest.mark.parametrize(
    "columns, settings, used",
    [
        (NUMBERED, {"ignore": [1]}, ("0", "2")),
        (NUMBERED, {"ignore": 1}, ("0", "2")),
        (NUMBERED, {"ignore": np.array([1, 2])}, ("0",)),
        (NUMBERED, {"ignore": pd.Index([1])}, ("0", "2")),
        (NUMBERED, {"time": 2}, ("0", "1")),
        (NUMBERED, {"ignore": [1], "time": np.int64(0)}, ("2",)),
        (LEVELS, {"ignore": [("u", 1)], "time": ("v", 1)}, ("('u', 2)",)),
        (X, {"ignore": "a"}, ("b",)),
        (X, {"ignore": {"a"}}, ("b",)),
        (X, {"ignore": None, "kinds": None, "time": None}, ("a", "b")),
        (X, {"kinds": "a=category"}, ("a", "b")),
    ],
    ids=str,
)
def test_columns_are_named_as_they_are_labeled(columns, settings, used, tmp_path):
    model = TabularClassifier(**FAST, **settings).fit(columns, CLASSES)
    assert model.model_.encoder.columns == used
    model.save(tmp_path / "model.safetensors")
    loaded = TabularClassifier.load(tmp_path / "model.safetensors")
    again = TabularClassifier(**loaded.get_params()).fit(columns, CLASSES)
    assert again.predict_proba(columns).tobytes() == model.predict_proba(columns).tobytes()


@pytest.mark.parametrize("hidden", [(np.int64(4), 3), np.array([4, 3]), [4, np.int32(3)]], ids=str)
def test_hidden_units_may_be_numbers_of_numpy(hidden, tmp_path):
    model = TabularClassifier(**FAST, hidden=hidden).fit(X, CLASSES)
    assert model.model_.settings.hidden == (4, 3)
    model.save(tmp_path / "model.safetensors")
    assert list(TabularClassifier.load(tmp_path / "model.safetensors").hidden) == [4, 3]


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"ignore": [None]}, r"^ignore: must be a list of texts, got \(None,\)"),
        ({"ignore": 1.5}, r"^ignore: must be a list of texts, got \(1.5,\)"),
        ({"time": ["a"]}, r"^time: must be a text, got \['a'\]"),
        ({"hidden": (4.0,)}, "^hidden: must be whole numbers of 1 or more"),
    ],
)
def test_what_names_no_column_is_refused(settings, words):
    with pytest.raises(SettingError, match=words):
        TabularClassifier(**FAST, **settings).fit(X, CLASSES)
