"""Two models on the same rows, and one on ever more rows, against scikit-learn and SciPy."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, learning_curve

import chainrule
from chainrule import MLPClassifier, random
from chainrule.data import as_table, folds_of, infer_schema
from chainrule.errors import DataError, SettingError
from chainrule.estimators import TableSettings, fit_table, plan_table
from chainrule.judging import cross_validated, learning_curve_of_table
from chainrule.judging.folds import _ranked

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = load_iris(return_X_y=True)
WORDS = np.array(["setosa", "versicolor", "virginica"])


def test_a_difference_is_that_of_the_scores_with_mcnemars_test():
    good, bad = (LogisticRegression(C=C, max_iter=500).fit(X[::2], Y[::2]) for C in (1.0, 1e-3))
    rest, truth = X[1::2], Y[1::2]
    found = chainrule.compare(good, bad, rest, truth, metric="accuracy")
    assert found.by == pytest.approx(good.score(rest, truth) - bad.score(rest, truth))
    right = [model.predict(rest) == truth for model in (good, bad)]
    only = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    assert (found.only_first, found.only_second) == only
    assert found.p == pytest.approx(binomtest(int(only[0]), int(sum(only)), 0.5).pvalue)
    assert found.interval[0] < found.by < found.interval[1] and found.beyond_noise
    assert "The first is better: its accuracy is" in found.sentence
    turned = chainrule.compare(bad, good, rest, truth, metric="log_loss")
    assert turned.by == pytest.approx(
        metrics.log_loss(truth, good.predict_proba(rest))
        - metrics.log_loss(truth, bad.predict_proba(rest))
    )
    assert "The second is better: its log_loss is" in turned.sentence and turned.by < 0
    same = chainrule.compare(good, good, rest, truth)
    assert (same.by, same.p, same.beyond_noise) == (0.0, 1.0, False)
    assert "equally good" in same.sentence


def test_numbers_have_no_mcnemar():
    inputs, truth = load_diabetes(return_X_y=True)
    line, flat = LinearRegression().fit(inputs, truth), Ridge(1e9).fit(inputs, truth)
    found = chainrule.compare(line, flat, inputs, truth)
    assert (found.metric, found.p, found.only_first) == ("rmse", None, None)
    errors = [metrics.root_mean_squared_error(truth, one.predict(inputs)) for one in (line, flat)]
    assert (found.first, found.second) == pytest.approx(errors)
    assert found.by == pytest.approx(errors[1] - errors[0])
    assert found.to_record()["beyond_noise"] is True


def test_the_interval_is_that_of_pairs():
    inputs, truth = noisy(400)
    models = [LogisticRegression(C=C).fit(*noisy(400, seed=1)) for C in (1.0, 0.05)]
    found = chainrule.compare(*models, inputs, truth, metric="log_loss")
    own = [model.predict_proba(inputs)[np.arange(400), truth] for model in models]
    apart = np.log(own[0]) - np.log(own[1])
    reach = 1.96 * apart.std() / np.sqrt(400)
    alone = 1.96 * np.log(own[0]).std() / np.sqrt(400)
    assert reach < 0.7 * alone
    expected = (apart.mean() - reach, apart.mean() + reach)
    assert found.interval == pytest.approx(expected, abs=reach / 4)


def test_rows_of_both_count_by_the_weights_of_the_first():
    table = as_table({
        "x": X[:, 0], "z": X[:, 1], "y": (Y > 0).tolist(), "w": np.arange(150) % 3.0,
    })  # fmt: skip
    plain = {"epochs": 2, "members": 1, "hidden": (4,)}
    weighted, even = (
        fit_table(plan_table(table, "y", TableSettings(**plain, **more)))
        for more in ({"weight": "w"}, {"ignore": ("w",)})
    )
    found = chainrule.compare(weighted, even, table, metric="accuracy")
    weights, truth = np.arange(150) % 3, Y > 0
    expected = [
        metrics.accuracy_score(truth, one.predict(table).values.astype(bool), sample_weight=weights)
        for one in (weighted, even)
    ]
    assert (found.rows, found.first, found.second) == (100, *map(pytest.approx, expected))
    assert found.by == pytest.approx(expected[0] - expected[1])


def test_only_models_of_one_target_are_compared():
    numbers, words = LogisticRegression().fit(X, Y), LogisticRegression().fit(X, WORDS[Y])
    two = LogisticRegression().fit(X, Y > 0)
    with pytest.raises(DataError, match="no label of training"):
        chainrule.compare(numbers, words, X, Y)
    with pytest.raises(DataError, match="predict other things"):
        chainrule.compare(numbers, two, X, Y > 0)
    with pytest.raises(SettingError, match="is not a score of a classification of 3 classes"):
        chainrule.compare(numbers, numbers, X, Y, metric="f1")


def test_a_learning_curve_is_scikit_learns_to_the_bit():
    model = MLPClassifier((8,), max_iter=12, random_state=0)
    order = np.random.default_rng(0).permutation(len(X))
    inputs, truth, sizes = X[order], Y[order], [0.2, 0.5, 1.0]
    found = chainrule.learning_curve(model, inputs, truth, sizes=sizes, cv=3, shuffle=False)
    counts, learned, held = learning_curve(model, inputs, truth, train_sizes=sizes, cv=3)
    assert found.sizes.tolist() == counts.tolist()
    assert np.array_equal(found.learned, learned) and np.array_equal(found.held, held)


def test_rows_in_random_order_are_those_of_the_seed():
    model = LogisticRegression(max_iter=500)
    found = chainrule.learning_curve(model, X, Y, sizes=[20, 60], cv=4, seed=7)
    drawn = [
        (train[random.permutation(7, 3, fold, len(train))], test)
        for fold, (train, test) in enumerate(StratifiedKFold(4).split(X, Y))
    ]
    counts, learned, held = learning_curve(model, X, Y, train_sizes=[20, 60], cv=drawn)
    assert found.sizes.tolist() == counts.tolist() == [20, 60]
    assert np.array_equal(found.learned, learned) and np.array_equal(found.held, held)


def noisy(rows, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, 30))
    return inputs, (inputs[:, :3].sum(axis=1) + rng.normal(size=rows) > 0).astype(int)


def test_models_of_other_targets_are_told_apart_before_columns_are_missed():
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.array(["x", "y", "z"])[Y]})
    quick = {"epochs": 2, "members": 1, "hidden": (4,)}
    one = chainrule.TabularClassifier(**quick).fit(table[["a", "b"]], table["kind"])
    two = chainrule.TabularRegressor(**quick).fit(table[["a"]], table["b"])
    with pytest.raises(DataError, match="predict other things, kind .*'x', 'y', 'z'. and b .num"):
        chainrule.compare(one, two, table.drop(columns="b"))


def test_words_say_whether_more_rows_help():
    few = chainrule.learning_curve(
        MLPClassifier((32,), max_iter=60, random_state=0), *noisy(300), cv=10, sizes=[0.25, 1.0]
    )
    assert "so it overfits" in few.words and "More rows would likely help: from 67" in few.words
    many = chainrule.learning_curve(
        LogisticRegression(), *noisy(6_000), sizes=[0.5, 1.0], scoring="roc_auc"
    )
    assert "so it neither over- nor" in many.words and "More rows would hardly help" in many.words
    assert "rows roc_auc on rows held out" in many.words and repr(many).startswith(
        "roc_auc, mean of 5 fits\n"
    )
    assert many.to_record()["sizes"] == [2400, 4800]
    assert list(many.to_frame().columns)[:2] == ["rows", "learned"]
    assert many.plot().get_ylabel() == "roc_auc"


def test_seeds_add_fits():
    model = MLPClassifier((4,), max_iter=3)
    found = chainrule.learning_curve(model, X, Y, sizes=[0.5, 1.0], cv=3, seeds=(0, 1))
    assert found.held.shape == (2, 6)
    alone = chainrule.learning_curve(model, X, Y, sizes=[1.0], cv=3, seeds=(1,))
    assert found.held[1, 1::2].tolist() == alone.held[0].tolist()


@pytest.mark.parametrize("sizes", [[], [0.0], [1.5], [1000], [[0.1]], ["half"], [-3]])
def test_sizes_that_cannot_be_are_refused(sizes):
    with pytest.raises(SettingError, match="sizes must be shares above 0 and up to 1, or numbers"):
        chainrule.learning_curve(LogisticRegression(), X, Y, sizes=sizes)
    with pytest.raises(SettingError, match="one score, not several"):
        chainrule.learning_curve(
            LogisticRegression(max_iter=500), X, Y, scoring=["accuracy", "f1_macro"]
        )


SETTINGS = TableSettings(
    task="classification", epochs=4, members=2, hidden=(8,), learning_rate=0.01
)


def table():
    columns = {f"x{k}": X[:, k] for k in range(4)}
    return as_table({**columns, "kind": WORDS[Y].tolist()})


def of_columns(**more):
    return as_table({**{name: one.values for name, one in table().columns.items()}, **more})


def scored_alone(whole, settings, learned, held, target="kind"):
    """The accuracy of a fit of its own on some rows, on others."""
    model = fit_table(plan_table(whole.take(learned), target, settings, test_share=0.0))
    held = whole.take(held)
    return (model.predict(held).values == held.columns[target].values).mean()


def test_a_fold_scores_as_a_fit_on_the_others():
    whole, settings = table(), replace(SETTINGS, task="auto", seed=7)
    found = cross_validated(whole, "kind", settings, 3)
    assert found.folds == 3 and found.rows == 150 and len(found.scores["accuracy"]) == 3
    parts = folds_of(whole, infer_schema(whole, "kind"), seed=7, count=3).parts
    expected = [scored_alone(whole, settings, *part) for part in parts]
    assert found.scores["accuracy"] == pytest.approx(expected)
    middle, least, largest = found.summary()["accuracy"]
    assert least <= middle <= largest
    again = cross_validated(whole, "kind", settings, 3, threads=1)
    assert again == found
    record = found.to_record()
    assert "1 row that repeats another kept with it, the classes in the same" in record["how"]
    assert "spread is not an interval" in record["cannot_tell"]


def test_folds_of_an_order_in_time_go_forward():
    day = random.permutation(3, 0, 0, 150)
    whole, settings = of_columns(day=day.astype(float)), replace(SETTINGS, time="day")
    found = cross_validated(whole, "kind", settings, 2)
    order = np.argsort(day)
    parts = [(order[:50], order[50:100]), (order[:100], order[100:])]
    expected = [
        scored_alone(whole, settings, np.sort(learned), np.sort(held)) for learned, held in parts
    ]
    assert found.scores["accuracy"] == pytest.approx(expected)
    assert found.how.startswith("forward by 'day'") and "first 50 rows" in found.how
    curve = learning_curve_of_table(whole, "kind", settings, "accuracy", (0.8, 1.0), 2)
    assert curve.sizes.tolist() == [60, 75]
    latest = [np.sort(order[15:75]), np.sort(order[52:112])]
    held = [np.sort(order[75:112]), np.sort(order[112:])]
    expected = [scored_alone(whole, settings, *part) for part in zip(latest, held, strict=True)]
    assert curve.held[0].tolist() == pytest.approx(expected)
    assert "the latest ones by 'day' before those held out" in curve.cannot_tell


def test_a_curve_of_a_table_ends_with_the_scores_of_its_folds():
    whole = of_columns(other=np.arange(150) % 4)  # so that no row repeats another
    curve = learning_curve_of_table(whole, "kind", SETTINGS, "log_loss", (0.5, 1.0), 3)
    folds = cross_validated(whole, "kind", SETTINGS, 3)
    assert curve.score == "-log_loss" and curve.sizes.tolist() == [50, 100]
    assert (-curve.held[-1]).tolist() == pytest.approx(folds.scores["log_loss"])


@pytest.mark.parametrize("group", [None, "group"])
@pytest.mark.parametrize("count", [30, 60])
def test_fewer_rows_stand_for_all_classes_and_groups(group, count):
    number = np.arange(150) // 5  # in the order of the file, as the classes are
    whole = of_columns(group=[f"g{one}" for one in number])
    schema = infer_schema(whole, "kind", group=group)
    for fold, (more, _) in enumerate(folds_of(whole, schema, seed=0, count=3).parts):
        ranked = _ranked(whole, schema, more, 0, fold)
        assert sorted(ranked) == more.tolist()
        some = ranked[:count]
        shares = np.bincount(Y[more], minlength=3) / len(more)
        assert np.abs(np.bincount(Y[some], minlength=3) - count * shares).max() <= 1.5
        assert len(set(number[some])) >= 0.6 * len(set(number[more]))
        middles = [more[Y[more] == code].mean() for code in range(3)]
        drawn = [some[Y[some] == code].mean() for code in range(3)]
        assert np.allclose(drawn, middles, atol=12)


def test_what_more_groups_would_do_is_not_said():
    whole = of_columns(group=[f"g{row % 7}" for row in range(150)])
    settings = replace(SETTINGS, group="group")
    curve = learning_curve_of_table(whole, "kind", settings, "accuracy", (1.0,), 3)
    assert "not what more groups would" in curve.cannot_tell
    assert curve.to_record()["cannot_tell"] == curve.cannot_tell


def test_a_label_of_one_row_is_told_and_leaves_the_scores_that_all_folds_have():
    kind = np.where(np.arange(150) == 70, "maybe", np.where(Y > 0, "yes", "no")).tolist()
    whole = of_columns(kind=kind, other=np.arange(150) % 4)
    found = cross_validated(whole, "kind", SETTINGS, 3)
    assert found.unseen == found.to_record()["unseen"] == 1
    assert "precision" not in found.scores and len(found.scores["accuracy"]) == 3


def test_folds_that_cannot_be_trained_say_so():
    day = np.arange(150.0)
    settings = replace(SETTINGS, time="day")
    with pytest.raises(DataError, match="folds: with 37 rows to learn from: .*one value only"):
        cross_validated(of_columns(day=day), "kind", settings, 3)
    with pytest.raises(SettingError, match="folds: 4 folds of 3 groups of 'g' cannot be; ask for"):
        cross_validated(
            of_columns(g=np.arange(150) % 3), "kind", replace(SETTINGS, group="g"), 4
        )  # fmt: skip
