"""The estimators of tables: anything in, the labels of y out, as scikit-learn's users expect."""

import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator
from tests.estimators import tables
from tests.estimators.mixed import LABELS, PRICE, ROWS, X, classifier, regressor

from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators import TableSettings

LEARNS = {"epochs": 60, "members": 2, "hidden": (32, 16), "learning_rate": 0.01}


@pytest.mark.parametrize("kind", [TabularClassifier, TabularRegressor])
def test_scikit_learn_finds_no_fault_but_that_weights_are_no_repeated_rows(kind):
    """Rows of weight 2 are not two rows: parts to watch are drawn from rows."""
    weights = "check_sample_weight_equivalence_on_dense_data"
    results = check_estimator(
        kind(epochs=40, members=1, hidden=(32,)), on_skip=None,
        expected_failed_checks={weights: "rows to watch are drawn without their weights"},
    )  # fmt: skip
    assert {one["check_name"] for one in results if one["status"] == "xfail"} == {weights}


def test_settings_are_those_of_tables_by_name_alone():
    left_out = {"task", "weight", "group", "seed"}
    table = inspect.signature(TableSettings).parameters
    for kind, more in (
        (TabularClassifier, set()),
        (TabularRegressor, {"positive", "class_weight", "calibration"}),
    ):
        taken = inspect.signature(kind).parameters
        assert set(taken) == set(table) - left_out - more | {"targets", "random_state"}
        assert {one.kind for one in taken.values()} == {inspect.Parameter.KEYWORD_ONLY}
        assert all(taken[n].default == table[n].default for n in taken if n in table)


def test_it_learns_and_repeats_to_the_bit():
    source = tables.columns(600)
    columns = {name: source[name] for name in tables.XOR}
    y = columns.pop("same")
    model = TabularClassifier(**LEARNS).fit(columns, y)
    assert model.score(columns, y) > 0.95
    again = TabularClassifier(**LEARNS).fit(columns, y)
    assert again.predict_proba(columns).tobytes() == model.predict_proba(columns).tobytes()
    other = TabularClassifier(**LEARNS, random_state=1).fit(columns, y)
    assert other.predict_proba(columns).tobytes() != model.predict_proba(columns).tobytes()
    size = {name: source[name] for name in ("size", "city")}
    assert TabularRegressor(**LEARNS).fit(size, source["price"]).score(size, source["price"]) > 0.9


def test_a_real_table_is_learned_as_it_is(datasets):
    source = pd.read_csv(datasets / "titanic" / "data.csv")
    y = source.pop("Survived")
    model = TabularClassifier(epochs=15).fit(source[:700], y[:700])
    assert model.score(source[700:], y[700:]) > 0.7
    assert model.classes_.dtype == y.dtype


FRAMES = {
    "pandas": lambda source: source,
    "polars": pl.from_pandas,
    "polars, not computed yet": lambda source: pl.from_pandas(source).lazy(),
    "pyarrow": pa.Table.from_pandas,
    "dict": lambda source: {name: source[name].to_numpy() for name in source},
    "another index": lambda source: source.set_index(np.arange(len(source))[::-1] + 7),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_every_kind_of_frame_gives_the_same(make):
    one = classifier().fit(make(X), LABELS)
    assert one.predict_proba(make(X)).tobytes() == (
        classifier().fit(X, LABELS).predict_proba(X).tobytes()
    )
    assert one.feature_names_in_.tolist() == list(X)
    assert one.n_features_in_ == 5


def test_an_array_of_objects_holds_what_a_frame_does():
    array = X.to_numpy(dtype=object)
    model = classifier().fit(array, LABELS)
    assert model.predict_proba(array).tobytes() == (
        classifier().fit(X, LABELS).predict_proba(X).tobytes()
    )
    assert not hasattr(model, "feature_names_in_")
    rows = [[1.0, "a"], [2.5, "b"], [3.0, None]] * 5
    kinds = regressor().fit(rows, np.arange(15.0)).model_.schema.columns[:2]
    assert [column.kind for column in kinds] == ["number", "category"]


def test_columns_may_stand_in_another_order_beside_others():
    model = classifier().fit(X, LABELS)
    wanted = model.predict_proba(X).tobytes()
    turned = X[list(X)[::-1]].assign(more=[[1]] * ROWS)
    assert model.predict_proba(turned).tobytes() == wanted
    assert model.predict_proba(pl.from_pandas(X[list(X)[::-1]])).tobytes() == wanted


def test_other_columns_get_the_words_of_scikit_learn():
    model = classifier().fit(X, LABELS)
    unseen = "unseen at fit time:\n- gop\nFeature names seen at fit time, yet now missing:\n- gap"
    with pytest.raises(DataError, match=unseen):
        model.predict(X.rename(columns={"gap": "gop"}))
    with pytest.raises(DataError, match="^X has 4 features, but TabularClassifier is expecting 5"):
        model.predict(X.to_numpy(dtype=object)[:, :4])
    with pytest.warns(UserWarning, match="^X does not have valid feature names, but Tabular"):
        model.predict(X.to_numpy(dtype=object))
    bare = regressor().fit(X[["x", "gap"]].to_numpy(), PRICE)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        bare.predict(X[["x", "gap"]])


NAMES = {"x": "", "city": "größe in m²", "when": " ", "flag": "a=b", "gap": "target"}


@pytest.mark.parametrize("names", [NAMES, dict(zip(X, range(5), strict=True))])
def test_odd_names_of_columns(names):
    odd = X.rename(columns=names)
    model = classifier(kinds={str(names["flag"]): "category"}).fit(odd, LABELS)
    turned = odd[list(odd)[::-1]]
    assert model.predict_proba(turned).tobytes() == model.predict_proba(odd).tobytes()
    assert hasattr(model, "feature_names_in_") == (names is NAMES)


HARD = {
    "empty": [None] * ROWS,
    "empty number": np.full(ROWS, np.nan),
    "constant": [7] * ROWS,
    "seen once": ["rare", *["usual"] * (ROWS - 1)],
    "all different": [f"row {index}" for index in range(ROWS)],
}


@pytest.mark.parametrize("name", HARD)
def test_columns_that_say_little(name):
    source = X.assign(hard=HARD[name])
    assert set(classifier().fit(source, LABELS).predict(source)) <= {"yes", "no"}
    assert np.isfinite(regressor().fit(source, PRICE).predict(source.assign(hard="new"))).all()


def test_ten_thousand_categories():
    code = np.arange(20_500)
    source = pd.DataFrame({"code": [f"c{one % 10_000}" for one in code], "z": code % 7})
    model = TabularRegressor(epochs=1, members=1, hidden=(4,)).fit(source, code * 1.0)
    assert model.model_.encoder.cardinalities[0] > 6_000
    asked = pd.DataFrame({"code": ["c1", "nowhere", None], "z": [1, 2, 3]})
    assert np.isfinite(model.predict(asked)).all()


def test_two_thousand_columns():
    wide = np.random.default_rng(0).normal(size=(60, 2000))
    assert np.isfinite(regressor().fit(wide, wide[:, 0]).predict(wide)).all()


def test_two_rows_and_rows_that_repeat():
    small = classifier().fit([[0.0], [1.0]], ["a", "b"])
    assert small.predict_proba([[0.0], [5.0]]).shape == (2, 2)
    repeated = pd.concat([X[:10]] * 9)
    assert classifier().fit(repeated, np.tile(LABELS[:10], 9)).predict(X).shape == (ROWS,)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "int64", "float32", "float64", "bool", "<U1", "object of text"]
)
def test_labels_keep_their_type(dtype):
    y = (PRICE > 0).astype(int).astype("<U1" if "text" in dtype else dtype)
    y = y.astype(object) if "text" in dtype else y
    model = classifier().fit(X, y)
    assert model.classes_.dtype == y.dtype
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    assert model.predict(X).dtype == y.dtype


@pytest.mark.parametrize("labels", [("-", "+"), ("NA", "None"), (" a", "a"), ("1", "01")])
def test_labels_are_kept_letter_by_letter(labels):
    for y in (np.where(PRICE > 0, *labels), pd.Series(np.where(PRICE > 0, *labels).astype(object))):
        model = TabularClassifier(**LEARNS).fit(X, y)
        assert model.classes_.tolist() == sorted(labels)
        assert model.score(X, y) > 0.9


SERIES = {
    "pandas": pd.Series(LABELS, name="sold", index=range(ROWS, 0, -1)),
    "category": pd.Series(pd.Categorical(LABELS), name="sold"),
    "polars": pl.Series("sold", LABELS),
    "frame": pd.DataFrame({"sold": LABELS}),
    "column": LABELS.reshape(-1, 1),
    "list": LABELS.tolist(),
}


@pytest.mark.parametrize("y", SERIES.values(), ids=SERIES)
def test_targets_of_every_kind(y):
    model = classifier().fit(X, y)
    assert model.predict(X).tolist() == classifier().fit(X, LABELS).predict(X).tolist()
    assert model.classes_.tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(np.where(PRICE > 0, 1, 0), dtype="Int64"),
        pd.Series(LABELS),
        pd.Series(np.where(PRICE > 0, 1.0, 0.0)),
        pl.Series(LABELS.tolist()),
    ],
    ids=["Int64", "text", "float", "polars"],
)
def test_rows_without_a_target_are_left_out_and_said(y):
    gaps = y.to_list() if isinstance(y, pl.Series) else y.copy()
    gaps[3] = gaps[7] = None
    if isinstance(y, pl.Series):
        gaps = pl.Series(gaps)
    kept = np.delete(np.arange(ROWS), [3, 7])
    with pytest.warns(UserWarning, match=r"^y is missing in 2 of 90 rows \(first: row 3, counted"):
        model = classifier().fit(X, gaps)
    bare = classifier().fit(X.iloc[kept], y.to_numpy()[kept])
    assert model.predict_proba(X).tobytes() == bare.predict_proba(X).tobytes()
    assert len(model.classes_) == 2


def test_rows_to_watch_are_given():
    model = classifier(epochs=2).fit(X, LABELS, eval_set=(X[:20], LABELS[:20]))
    assert len(model.model_.validation.truth) == 20
    plan = classifier().plan(X, LABELS, eval_set=(X[:20], LABELS[:20], np.arange(20.0)))
    assert plan.rows == {"train": ROWS, "validation": 20, "test": 0}
    assert plan.weights(plan.validation_table).tolist() == list(range(20))
    assert set(plan.weights(plan.pool)) == {1.0}


def test_rows_of_one_group_fall_in_one_part():
    groups = np.arange(ROWS) % 9
    for member in classifier(members=3).plan(X, LABELS, groups=groups).members:
        assert not set(groups[member.train]) & set(groups[member.validation])
        assert len(member.validation)


def test_row_weights_decide_which_label_is_learned():
    wrong = np.arange(ROWS) % 2 == 0
    y = np.where(wrong ^ (PRICE > 0), "up", "down")
    weights = np.where(wrong, 0.0, 2.0)
    model = TabularClassifier(**LEARNS).fit(X[["x"]], y, sample_weight=weights)
    right = np.where(PRICE > 0, "up", "down")
    assert (model.predict(X[["x"]]) == right).mean() > 0.95


def test_class_weights():
    heavy = TabularClassifier(**LEARNS, class_weight={"yes": 1000.0}).fit(X, LABELS)
    light = TabularClassifier(**LEARNS, class_weight={"yes": 0.0}).fit(X, LABELS)
    assert (heavy.predict(X) == "yes").mean() > (LABELS == "yes").mean()
    assert set(light.predict(X)) == {"no"}
    counts = {"yes": (LABELS == "yes").sum(), "no": (LABELS == "no").sum()}
    even = {label: ROWS / count for label, count in counts.items()}
    shared = {"eval_set": (X, LABELS)}
    balanced = classifier(class_weight="balanced").fit(X, LABELS, **shared).predict_proba(X)
    np.testing.assert_allclose(
        classifier(class_weight=even).fit(X, LABELS, **shared).predict_proba(X), balanced,
        rtol=1e-4,
    )  # fmt: skip


def test_a_metric_chooses_the_epoch():
    found = classifier(metric="roc_auc", epochs=8).fit(X, LABELS).history_
    assert all(0 <= row["score"] <= 1 for row in found)
    assert all(row["score"] < 0 for row in regressor(metric="mae").fit(X, PRICE).history_)


def test_time_orders_the_rows_that_are_watched():
    [member, _] = regressor(time="when").plan(X, PRICE).members
    assert member.validation.min() > member.train.max()


def test_what_fit_leaves():
    model = regressor(epochs=5).fit(X, PRICE)
    assert model.n_iter_ == 5
    assert [row["epoch"] for row in model.history_] == [1, 2, 3, 4, 5] * 2
    assert (model.n_outputs_, model.n_features_in_) == (1, 5)
    assert model.model_.settings.seed == 0
    model.fit(X.to_numpy(dtype=object), PRICE)
    assert not hasattr(model, "feature_names_in_")


def test_random_states():
    def once(state):
        return regressor(random_state=state).fit(X, PRICE).predict(X).tobytes()

    assert once(np.random.RandomState(3)) == once(np.random.RandomState(3)) != once(3)
    assert once(None) != once(None)
    assert once(np.int64(5)) == once(5)


def test_files_pickles_and_clones(tmp_path):
    model = classifier(class_weight={"no": 2.0}, ignore=["city"]).fit(X, LABELS)
    model.save(tmp_path / "model.safetensors")
    loaded = TabularClassifier.load(tmp_path / "model.safetensors")
    for other in (loaded, pickle.loads(pickle.dumps(model)), clone(model).fit(X, LABELS)):
        assert other.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
        assert other.get_params() == model.get_params()
        assert other.classes_.dtype == model.classes_.dtype
        assert other.feature_names_in_.tolist() == list(X)
        assert other.history_ == model.history_
    with pytest.raises(ModelFileError, match="holds a TabularClassifier; open it with TabularClas"):
        TabularRegressor.load(tmp_path / "model.safetensors")
    with pytest.raises(NotFittedError):
        classifier().save(tmp_path / "other.safetensors")
    assert not (tmp_path / "other.safetensors").exists()


def test_searches_and_pipelines():
    from sklearn.preprocessing import FunctionTransformer

    search = GridSearchCV(classifier(), {"hidden": [(4,), (8,)]}, n_jobs=2, cv=2)
    assert search.fit(X, LABELS).best_params_["hidden"] in [(4,), (8,)]
    pipe = make_pipeline(
        FunctionTransformer(lambda source: source.drop(columns="city")), regressor()
    )
    pipe.set_params(tabularregressor__epochs=2).fit(X, PRICE)
    assert pipe[-1].n_iter_ == 2
    assert pipe.predict(X).shape == (ROWS,)
