"""What the estimators of tables cannot take gets one sentence: where, what, the remedy."""

import numpy as np
import pandas as pd
import pytest
from tests.estimators.mixed import LABELS, PRICE, ROWS, X, classifier, regressor

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError

BAD = {
    "one class": (classifier, {"y": ["a"] * ROWS}, DataError, "one value only .'a'.* other class"),
    "numbers for classes": (classifier, {"y": PRICE}, DataError, "Unknown label type: continuous"),
    "kinds of labels": (
        classifier, {"y": np.array([1, "a"] * 45, dtype=object)}, InputTypeError,
        "'target': labels are of several types, 1 in row 0 and 'a' in row 1",
    ),
    "text for numbers": (
        regressor, {"y": ["1", "x", *["2"] * 88]}, DataError, "1 of 90 values .*first: row 1.*'x'"
    ),
    "infinite": (
        regressor, {"y": np.where(np.arange(ROWS) == 4, np.inf, 1.0)}, DataError, "inf in row 4"
    ),
    "dates for classes": (classifier, {"y": X["when"]}, DataError, "label type: .*'y.when'"),
    "dates for numbers": (regressor, {"y": X["when"]}, DataError, "'y.when': a target of dates"),
    "no column": (regressor, {"y": pd.DataFrame(index=range(ROWS))}, DataError, "y has no column"),
    "no table": (regressor, {"X": "table.csv"}, DataError, "Expected 2D array, got scalar array"),
    "huge labels": (
        classifier, {"y": (np.arange(ROWS) % 2) * (2**60 + 1)}, DataError, "give them as text"
    ),
    "infinite label": (
        classifier, {"y": [np.inf, *[1.0] * 89]}, DataError, "inf in row 0 .* is no label"
    ),
    "no target": (regressor, {"y": None}, DataError, "requires y to be passed"),
    "all missing": (regressor, {"y": [None] * ROWS}, DataError, "missing in every row"),
    "too few": (regressor, {"y": [1.0, 2.0]}, ShapeError, r"samples: \[90, 2\]"),
    "infinite input": (
        regressor, {"X": X.assign(x=np.where(np.arange(ROWS) == 2, np.inf, 0.5 + X["x"]))},
        DataError, "column 'x': inf in row 2 .* correct it",
    ),
    "nested": (regressor, {"X": X.assign(x=[[1]] * ROWS)}, DataError, "column 'x' holds a list"),
    "twins": (
        regressor, {"X": pd.DataFrame(np.ones((ROWS, 2)), columns=["a", "a"])}, DataError,
        "2 columns are named 'a'",
    ),
    "nothing varies": (
        regressor, {"X": pd.DataFrame({"a": [1] * ROWS})}, DataError, "'a': its only value is '1'"
    ),
    "weight below 0": (
        regressor, {"sample_weight": [-1.0, *[1.0] * 89]}, DataError, "is -1.0 in row 0"
    ),
    "weights all 0": (regressor, {"sample_weight": [0.0] * ROWS}, DataError, "one non-zero number"),
    "groups": (regressor, {"groups": [1, 2]}, ShapeError, "groups has 2 values, X has 90 rows"),
    "one group": (regressor, {"groups": [1] * ROWS}, DataError, "one group holds 90 of 90 rows"),
    "eval_set": (regressor, {"eval_set": X}, InputTypeError, "eval_set must be .* got DataFrame"),
    "unseen": (
        classifier, {"eval_set": (X[:2], ["maybe"] * 2)}, DataError, "eval_set: no row to watch"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_data_gets_one_sentence(name):
    make, given, error, words = BAD[name]
    given = {"X": X, "y": LABELS if make is classifier else PRICE} | given
    with pytest.raises(error, match=words):
        make().fit(**given)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"epochs": 0}, "^epochs: must be a whole number of 1 or more, got 0"),
        ({"metric": "rocauc"}, "did you mean 'roc_auc'"),
        ({"class_weight": {"yess": 2}}, "'yess' is no label of 'target'; its labels are 'no'"),
        ({"class_weight": {"yes": -1}}, "weight of 'yes' must be a number of 0 or more, got -1"),
        ({"class_weight": "even"}, "class_weight: must be one of 'balanced', got 'even'"),
        ({"class_weight": [None, None]}, "one for each column of y, 1, got 2"),
        ({"positive": "maybe"}, "'maybe' is no label"),
        ({"random_state": "x"}, "^random_state: must be a whole number of 0 or more"),
        ({"targets": {"price": "regression"}}, "targets: y has no column 'price'"),
        ({"targets": {0: "ranking"}}, "must be 'classification' or 'regression', got 'ranking'"),
        ({"targets": {0: "regression"}}, "none is of classes; use TabularRegressor"),
    ],
)  # fmt: skip
def test_bad_settings_get_one_sentence(settings, words):
    with pytest.raises(SettingError, match=words):
        classifier(**settings).fit(X, LABELS)
