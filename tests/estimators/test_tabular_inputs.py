"""What holds one column goes where a column is taken; what does not gets one sentence."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError, InputTypeError, SettingError

ROWS = 120
FAST = {"epochs": 2, "members": 1}
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.choice(list("xyz"), ROWS)})
CLASSES = np.where(X["a"] > 0, "p", "q").astype(object)
PRICE = 2 * X["a"].to_numpy()
WHOLE = np.arange(ROWS) % 3

COLUMNS = {
    "categorical": (pd.Categorical, CLASSES),
    "index": (pd.Index, CLASSES),
    "nullable": (lambda values: pd.array(values, "Int64"), WHOLE),
    "strings": (lambda values: pd.array(values, "string"), CLASSES),
    "arrow": (pa.array, CLASSES),
    "chunks": (lambda values: pa.chunked_array([values[:50], values[50:]]), CLASSES),
}


@pytest.mark.parametrize("make, values", COLUMNS.values(), ids=COLUMNS)
def test_every_array_of_a_library_is_a_target(make, values):
    wanted = TabularClassifier(**FAST).fit(X, values)
    found = TabularClassifier(**FAST).fit(X, make(values))
    assert found.classes_.tolist() == wanted.classes_.tolist()
    assert found.predict_proba(X).tobytes() == wanted.predict_proba(X).tobytes()
    assert found.score(X, make(values)) == wanted.score(X, values)


@pytest.mark.parametrize("make, values", COLUMNS.values(), ids=COLUMNS)
def test_every_array_of_a_library_is_a_value_of_a_dict(make, values):
    columns = {"a": X["a"].to_numpy(), "more": values}
    wanted = TabularRegressor(**FAST).fit(columns, PRICE).predict(columns)
    given = {**columns, "more": make(values)}
    assert TabularRegressor(**FAST).fit(given, PRICE).predict(given).tobytes() == wanted.tobytes()


GROUPS = {
    "index": pd.Index(WHOLE),
    "categorical": pd.Categorical(WHOLE.astype(str)),
    "dates": pd.DatetimeIndex(np.datetime64("2020-01-01") + WHOLE),
    "frame": pd.DataFrame({"i": WHOLE}),
    "polars": pl.DataFrame({"i": WHOLE}),
    "pyarrow": pa.table({"i": WHOLE}),
}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
def test_groups_may_be_whatever_holds_one_column(groups):
    wanted, found = (
        TabularRegressor(**FAST).plan(X, PRICE, groups=one).members[0].validation
        for one in (WHOLE, groups)
    )
    assert found.tolist() == wanted.tolist()


NOT_ONE = {
    "number": ({"groups": 3}, InputTypeError, "^column 'groups': one value a row .* got 3; give a"),
    "word": ({"groups": "abc"}, InputTypeError, "^column 'groups': one value a row .* got 'abc'"),
    "frame": ({"groups": X}, DataError, "^groups: one column is needed, got a frame of 2; take"),
    "levels": (
        {"groups": pd.MultiIndex.from_arrays([WHOLE, WHOLE])}, DataError, "'groups' holds a tuple"
    ),
    "scalar": ({"X": {"a": PRICE, "k": 1.5}}, InputTypeError, "^column 'k': one value .* got 1.5"),
    "twins": (
        {"y": pd.DataFrame(np.ones((ROWS, 2)), columns=["r", "r"])},
        DataError, "^y: 2 columns are named 'r'; give each a name of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("given, error, words", NOT_ONE.values(), ids=NOT_ONE)
def test_what_is_not_one_column_gets_one_sentence(given, error, words):
    with pytest.raises(error, match=words):
        TabularRegressor(**FAST).fit(**{"X": X, "y": PRICE, **given})


@pytest.mark.parametrize("targets", ["regression", ["regression"]])
def test_targets_must_be_a_dict(targets):
    with pytest.raises(SettingError, match="^targets: must be a dict of column of y to its task"):
        TabularClassifier(**FAST, targets=targets).fit(X, CLASSES)


def test_measured_numbers_as_classes_name_the_other_estimator():
    words = r"Unknown label type: continuous.*For numbers that are measured there is TabularRegres"
    with pytest.raises(DataError, match=words):
        TabularClassifier(**FAST).fit(X, PRICE)
