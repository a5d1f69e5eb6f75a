"""Several targets at once: classes and numbers, one network with a head for each."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.estimators import tables

from chainrule import TabularClassifier, TabularRegressor
from chainrule.data import as_table
from chainrule.errors import SettingError, ShapeError
from chainrule.estimators import TableSettings, fit_table, load_table_model, plan_table

LEARNS = {"epochs": 80, "members": 2, "hidden": (32, 16), "learning_rate": 0.01}
QUICK = {"epochs": 3, "members": 2, "hidden": (8,)}
SOURCE = pd.DataFrame(tables.columns(600))
X, Y = SOURCE[["left", "right", "size", "city"]], SOURCE[["same", "price"]]


@pytest.fixture(scope="module")
def mixed():
    return TabularClassifier(**LEARNS, targets={"price": "regression"}).fit(X, Y)


def test_classes_and_numbers_are_learned_together(mixed):
    found = mixed.predict(X)
    assert (found["same"] == Y["same"]).mean() > 0.95
    errors = ((found["price"] - Y["price"]) ** 2).mean()
    assert errors < 0.1 * Y["price"].var()
    assert mixed.score(X, Y) > 0.9


def test_what_is_said_of_them(mixed):
    [probabilities] = mixed.predict_proba(X)
    assert probabilities.shape == (600, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert [classes.tolist() for classes in mixed.classes_] == [["no", "yes"]]
    assert mixed.n_outputs_ == 2
    chosen = mixed.classes_[0][probabilities.argmax(axis=1)]
    assert chosen.tolist() == mixed.predict(X)["same"].tolist()


FRAMES = {"pandas": lambda y: y, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_a_frame_of_several_kinds_comes_back_as_one(make):
    model = TabularClassifier(**QUICK, targets={1: "regression"}).fit(X, make(Y))
    found = model.predict(X)
    assert isinstance(found, type(make(Y)))
    assert list(found.column_names if hasattr(found, "column_names") else found.columns) == list(Y)
    if isinstance(found, pd.DataFrame):
        assert model.predict(X[::-1]).index.tolist() == X.index[::-1].tolist()


def test_columns_of_one_kind_come_back_as_an_array():
    size = X["size"].to_numpy()
    classes = np.column_stack([size > 0, size > 1]).astype(np.int16)
    model = TabularClassifier(**QUICK).fit(X, classes)
    assert model.predict(X).dtype == np.int16
    assert model.predict(X).shape == (600, 2)
    assert [one.shape for one in model.predict_proba(X)] == [(600, 2)] * 2
    numbers = TabularRegressor(**QUICK).fit(X, pd.DataFrame({"a": size, "b": -size}))
    assert numbers.predict(X).shape == (600, 2)
    three = TabularClassifier(**QUICK).fit(X, np.where(classes > 0, "up", "down"))
    assert set(three.predict(X).ravel()) <= {"up", "down"}


def test_the_watched_loss_is_the_sum_over_targets():
    """Against NumPy written out, from what the networks say of the rows watched."""
    model = TabularClassifier(
        **QUICK | {"epochs": 1, "members": 1}, targets={"price": "regression"}
    ).fit(X, Y, eval_set=(X[:50], Y[:50]))
    [probabilities] = model.predict_proba(X[:50])
    codes = (Y["same"][:50] == "yes").to_numpy().astype(int)
    entropy = -np.log(probabilities[np.arange(50), codes]).mean()
    scaled = (model.predict(X[:50])["price"] - Y["price"][:50]) / Y["price"].std(ddof=0)
    assert model.history_[0]["validation_loss"] == pytest.approx(
        entropy + (scaled**2).mean(), rel=1e-4
    )


def test_rows_that_lack_one_target_are_left_out():
    gaps = Y.copy()
    gaps.loc[4, "same"] = None
    gaps.loc[9, "price"] = np.nan
    model = TabularClassifier(**QUICK, targets={"price": "regression"})
    with pytest.warns(UserWarning, match=r"^y is missing in 2 of 600 rows \(first: row 4,"):
        plan = model.plan(X, gaps)
    assert plan.pool.rows == 598


def test_class_weights_of_several_targets_are_multiplied():
    y = np.column_stack([np.arange(600) % 2, np.arange(600) % 3])
    weights = [{1: 5.0}, {0: 2.0, 2: 0.5}]
    shared = {"eval_set": (X, y)}
    given = TabularClassifier(**QUICK, class_weight=weights).fit(X, y, **shared)
    product = np.array([1.0, 5.0])[y[:, 0]] * np.array([2.0, 1.0, 0.5])[y[:, 1]]
    by_hand = TabularClassifier(**QUICK).fit(X, y, sample_weight=product, eval_set=(X, y, product))
    for one, other in zip(given.predict_proba(X), by_hand.predict_proba(X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_files_keep_all_targets(mixed, tmp_path):
    mixed.save(tmp_path / "model.safetensors")
    loaded = TabularClassifier.load(tmp_path / "model.safetensors")
    assert loaded.predict(X).equals(mixed.predict(X))
    assert loaded.predict_proba(X)[0].tobytes() == mixed.predict_proba(X)[0].tobytes()
    assert loaded.get_params() == mixed.get_params()
    with pytest.raises(SettingError, match="the targets are 'same', 'price', and this is for one"):
        load_table_model(tmp_path / "model.safetensors").predict(as_table(X))


def test_what_is_for_one_target_is_refused():
    with pytest.raises(SettingError, match="metric: 'rmse' is a score of one target, and there a"):
        TabularRegressor(**QUICK, metric="rmse").fit(X, Y[["price"]].assign(more=X["size"]))
    with pytest.raises(SettingError, match="did you mean 'price'"):
        TabularClassifier(**QUICK, targets={"pric": "regression"}).fit(X, Y)
    with pytest.raises(ShapeError, match="eval_set: y has 1 columns, in training it has 2"):
        TabularClassifier(**QUICK, targets={"price": "regression"}).fit(
            X, Y, eval_set=(X, Y["same"])
        )


def test_threads_change_no_bit_of_several_targets():
    from chainrule.engine import threads_at_most

    found = []
    for threads in (1, 2):
        with threads_at_most(threads):
            model = TabularClassifier(**QUICK, targets={"price": "regression"}).fit(X, Y)
        found.append([one.parameters.flat.tobytes() for one in model.model_.members])
    assert found[0] == found[1]


def test_a_model_of_the_second_format_predicts_what_it_did():
    """Numbers as the version that wrote the file printed them."""
    path = Path(__file__).parents[1] / "files" / "second_table.safetensors"
    asked = {"size": [1.5, None, -3.0], "city": ["c3", "nowhere", None]}
    wanted = [
        [0.4162632077932358, 0.5837368071079254],
        [0.41376425325870514, 0.5862357914447784],
        [0.619132399559021, 0.3808675818145275],
    ]
    found = load_table_model(path).predict(as_table(asked))
    np.testing.assert_allclose(found.probabilities, wanted, rtol=1e-12)
    model = TabularClassifier.load(path)
    assert model.predict(asked).tolist() == ["yes", "yes", "no"]
    assert model.feature_names_in_.tolist() == ["size", "city"]
    assert model.get_params()["hidden"] == (4,)


def test_one_target_in_a_list_is_one_target():
    table = tables.table(only=tables.XOR)
    settings = TableSettings(**QUICK)
    one, other = (fit_table(plan_table(table, name, settings)) for name in ("same", ["same"]))
    assert one.members[0].parameters.flat.tobytes() == other.members[0].parameters.flat.tobytes()
