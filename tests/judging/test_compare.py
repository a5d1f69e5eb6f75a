"""Two models on the same rows, and one on ever more rows, against scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, learning_curve

import chainrule
from chainrule import MLPClassifier, random
from chainrule.data import as_table
from chainrule.errors import DataError, SettingError
from chainrule.estimators import TableSettings, fit_table, plan_table
from chainrule.judging import cross_validated, learning_curve_of_table

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


def test_words_say_whether_more_rows_help():
    few = chainrule.learning_curve(
        MLPClassifier((32,), max_iter=60, random_state=0), *noisy(300), cv=10, sizes=[0.25, 1.0]
    )
    assert "so it overfits" in few.words and "More rows would likely help: from 67" in few.words
    many = chainrule.learning_curve(
        LogisticRegression(), *noisy(6_000), sizes=[0.5, 1.0], scoring="roc_auc"
    )
    assert "so it hardly overfits" in many.words and "More rows would hardly help" in many.words
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


def test_folds_hold_each_row_out_once_and_score_as_a_fit_on_the_others():
    whole = table()
    found = cross_validated(whole, "kind", SETTINGS, 3)
    assert found.folds == 3 and found.rows == 150 and len(found.scores["accuracy"]) == 3
    order = random.permutation(0, 5, 2**20, 150)
    train, test = next(iter(StratifiedKFold(3).split(order, Y[order])))
    train, test = np.sort(order[train]), np.sort(order[test])
    model = fit_table(plan_table(whole.take(train), "kind", SETTINGS, test_share=0.0))
    right = model.predict(whole.take(test)).values == WORDS[Y[test]]
    assert found.scores["accuracy"][0] == pytest.approx(right.mean())
    middle, least, largest = found.summary()["accuracy"]
    assert least <= middle <= largest
    again = cross_validated(whole, "kind", SETTINGS, 3, threads=1)
    assert again == found


def test_groups_stay_in_one_fold_and_an_order_in_time_is_refused():
    whole = table()
    grouped = as_table({**{n: c.values for n, c in whole.columns.items()},
                        "group": [f"g{k % 7}" for k in range(150)]})  # fmt: skip
    from dataclasses import replace

    from chainrule.judging.folds import _parts

    settings = replace(SETTINGS, group="group")
    for train, test in _parts(grouped, "kind", settings, 3):
        assert not set(train % 7) & set(test % 7)
    with pytest.raises(SettingError, match="orders rows by 'x0', and parts drawn at random would"):
        cross_validated(whole, "kind", replace(SETTINGS, time="x0"), 3)
    for folds, part in ((1, "folds: their number must be"), (151, "151 parts of 150 rows")):
        with pytest.raises(SettingError, match=part):
            cross_validated(whole, "kind", SETTINGS, folds)


def test_a_curve_of_a_table_ends_with_the_scores_of_its_folds():
    curve = learning_curve_of_table(table(), "kind", SETTINGS, "log_loss", (0.5, 1.0), 3)
    folds = cross_validated(table(), "kind", SETTINGS, 3)
    assert curve.score == "-log_loss" and curve.sizes.tolist() == [50, 100]
    assert (-curve.held[-1]).tolist() == pytest.approx(folds.scores["log_loss"])


def test_more_folds_than_groups_are_refused():
    table = as_table({
        "x": np.arange(12.0), "y": 0.5 * np.arange(12), "g": np.arange(12) % 3,
    })  # fmt: skip
    settings = TableSettings(epochs=1, members=1, hidden=(2,), group="g", task="regression")
    with pytest.raises(SettingError, match="folds: 4 parts of 3 groups of 'g' cannot be"):
        cross_validated(table, "y", settings, 4)
