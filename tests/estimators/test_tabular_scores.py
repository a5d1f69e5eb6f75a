"""Scores take what `fit` takes; what cannot be scored, or weighed, gets one sentence."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score

from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError, ShapeError

ROWS = 120
FAST = {"epochs": 2, "members": 1}
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=ROWS), "b": RNG.choice(list("xyz"), ROWS)})
CLASSES = np.where(X["a"] > 0, "p", "q").astype(object)
PRICE = 2 * X["a"].to_numpy()
WEIGHTS = RNG.random(ROWS)
LACKING = np.isin(np.arange(ROWS), [3, 7])
MISSING = r"^y is missing in 2 of 120 rows \(first: row 3, counted from 0\); they are left out"


@pytest.fixture(scope="module")
def classes():
    return TabularClassifier(**FAST).fit(X, CLASSES)


@pytest.fixture(scope="module")
def numbers():
    return TabularRegressor(**FAST).fit(X, PRICE)


def test_rows_without_a_target_are_left_out_of_a_score(classes, numbers):
    kept = ~LACKING
    for model, y, measure in ((classes, CLASSES, accuracy_score), (numbers, PRICE, r2_score)):
        lacking = np.where(LACKING, None, y)
        found = model.predict(X)
        with pytest.warns(UserWarning, match=MISSING):
            score = model.score(X, lacking, WEIGHTS)
        assert score == measure(y[kept], found[kept], sample_weight=WEIGHTS[kept])
    with pytest.warns(UserWarning, match=MISSING):
        numbers.score(X, np.where(LACKING, np.nan, PRICE))


def test_whole_and_true_labels_with_gaps_are_scored():
    for labels in (np.arange(ROWS) % 3, X["a"].to_numpy() > 0):
        model = TabularClassifier(**FAST).fit(X, labels)
        with pytest.warns(UserWarning, match=MISSING):
            score = model.score(X, np.where(LACKING, None, labels))
        assert score == accuracy_score(labels[~LACKING], model.predict(X)[~LACKING])


def test_a_row_that_lacks_one_of_several_targets_is_left_out():
    y = pd.DataFrame({"c": CLASSES, "r": PRICE})
    model = TabularClassifier(**FAST, targets={"r": "regression"}).fit(X, y)
    gaps = y.copy()
    gaps.loc[3, "c"], gaps.loc[7, "r"] = None, np.nan
    with pytest.warns(UserWarning, match=MISSING):
        assert model.score(X, gaps) == model.score(X[~LACKING], y[~LACKING])


UNSCORED = {
    "short": ({"y": PRICE[:3]}, ShapeError, r"samples: \[120, 3\]; give one target a row"),
    "text": ({"y": ["x"] * ROWS}, DataError, "'target': 120 of 120 values .*first: row 0.*'x'"),
    "infinite": ({"y": np.where(LACKING, np.inf, PRICE)}, DataError, "'target': inf in row 3"),
    "missing": ({"y": [None] * ROWS}, DataError, "^y is missing in every row"),
    "weights": ({"sample_weight": [1.0]}, ShapeError, "^sample_weight has 1 values, X has 120 row"),
}


@pytest.mark.parametrize("given, error, words", UNSCORED.values(), ids=UNSCORED)
def test_what_cannot_be_scored_gets_one_sentence(numbers, given, error, words):
    with pytest.raises(error, match=words):
        numbers.score(**{"X": X, "y": PRICE, **given})


def test_labels_of_another_kind_are_refused(classes):
    with pytest.raises(DataError, match="y has numbers as labels, in training they were 'p', 'q'"):
        classes.score(X, np.arange(ROWS) % 2)
    with pytest.raises(DataError, match="Unknown label type: continuous"):
        classes.score(X, PRICE)
    with pytest.raises(DataError, match="y has texts as labels, in training they were 0, 1; give"):
        TabularClassifier(**FAST).fit(X, np.arange(ROWS) % 2).score(X, CLASSES)


def bad(value, row=4):
    weights = np.ones(ROWS).tolist()
    weights[row] = value
    return weights


WEIGHED = {
    "missing": (bad(np.nan), DataError, "is nan in row 4 .*; give finite numbers of 0 or more"),
    "none": (bad(None), DataError, "is nan in row 4"),
    "infinite": (bad(np.inf), DataError, "is inf in row 4"),
    "below 0": (bad(-2.0), DataError, "is -2.0 in row 4"),
    "text": (["much", *["1"] * 119], DataError, "is 'much' in row 0"),
    "short": ([1.0, 2.0], ShapeError, "has 2 values, X has 120 rows; give one a row"),
    "two axes": (np.ones((ROWS, 2)), DataError, r"one value a row .* got shape \(120, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize("weights, error, words", WEIGHED.values(), ids=WEIGHED)
def test_bad_weights_are_named(numbers, weights, error, words):
    with pytest.raises(error, match=f"^(column ')?sample_weight.*{words}"):
        TabularRegressor(**FAST).fit(X, PRICE, weights)
    with pytest.raises(error, match=f"^(column ')?eval_set: sample_weight.*{words}"):
        TabularRegressor(**FAST).fit(X, PRICE, eval_set=(X, PRICE, weights))
    with pytest.raises(error, match=f"^(column ')?sample_weight.*{words}"):
        numbers.score(X, PRICE, weights)


def test_weights_may_be_whole_or_nullable():
    whole = np.arange(ROWS) % 3 + 1
    wanted = TabularRegressor(**FAST).fit(X, PRICE, whole.astype(float)).predict(X)
    for given in (whole, pd.array(whole, "Int64"), pd.Series(whole)[::-1][::-1], whole.tolist()):
        assert TabularRegressor(**FAST).fit(X, PRICE, given).predict(X).tobytes() == (
            wanted.tobytes()
        )
