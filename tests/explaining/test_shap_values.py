"""SHAP values against their definition, against the library shap, and against planted truths."""

import itertools
import json
import warnings

import numpy as np
import pandas
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from tests.explaining import fitted

from chainrule.layers import Dense, Input

with warnings.catch_warnings():  # of what shap calls when it is loaded
    warnings.simplefilter("ignore")
    import shap

from chainrule import Sequential, TabularClassifier, TabularRegressor
from chainrule.engine import threads_at_most
from chainrule.errors import DataError, InputTypeError, MissingPlaceError, SettingError
from chainrule.explaining import (
    hidden_unit,
    integrated_gradients,
    local_surrogate,
    partial_dependence,
    permutation_importance,
    shap_values,
    subject_of,
)
from chainrule.explaining.game import AnyGame, TableGame


class Function:
    """A black box of three outputs or one."""

    def __init__(self, function):
        self.predict = function


def by_definition(function, X, background):
    """The mean over all orders of columns of what each adds when its turn comes."""
    rows, columns = X.shape
    total = np.zeros((rows, columns))
    orders = list(itertools.permutations(range(columns)))
    for row in range(rows):
        for order in orders:
            made = background.copy()
            before = function(made).mean()
            for column in order:
                made[:, column] = X[row, column]
                after = function(made).mean()
                total[row, column] += after - before
                before = after
    return total / len(orders)


def mixed(X):
    """Interactions of up to four columns."""
    return X[:, 0] * X[:, 1] + np.tanh(X[:, 1] * X[:, 2] * X[:, 3]) + 2 * X[:, 3] ** 2


RNG = np.random.default_rng(0)
X4, B4 = RNG.normal(size=(5, 4)), RNG.normal(size=(7, 4)).round(1)
X4[0, 2] = B4[3, 2]  # a cell that is as in the background


def test_exact_values_are_those_of_the_definition():
    found = shap_values(Function(mixed), X4, B4, error=0)
    np.testing.assert_allclose(found.values, by_definition(mixed, X4, B4), atol=1e-12)
    assert found.base == pytest.approx(mixed(B4).mean())
    assert not found.error.any()


def test_an_order_and_its_reverse_are_exact_for_interactions_of_two():
    def pairs(X):
        return X[:, 0] * X[:, 1] - 3 * X[:, 2] * X[:, 3] + X[:, 1] ** 2

    found = shap_values(Function(pairs), X4, B4, rounds=1, seed=3)
    np.testing.assert_allclose(found.values, by_definition(pairs, X4, B4), atol=1e-12)


def test_sampled_values_come_near_and_say_how_near():
    def six(X):
        return np.tanh(X.prod(axis=1)) + np.abs(X[:, 0] + X[:, 1] * X[:, 2] - X[:, 5])

    X, background = RNG.normal(size=(6, 6)), RNG.normal(size=(40, 6))
    exact = shap_values(Function(six), X, background, error=0).values
    far, near = [], []
    for seed in range(4):
        once = shap_values(Function(six), X, background, rounds=1, seed=seed)
        often = shap_values(Function(six), X, background, rounds=16, error=1e-6, seed=seed)
        far.append(np.sqrt(np.mean((once.values - exact) ** 2)))
        near.append(np.sqrt(np.mean((often.values - exact) ** 2)))
        assert np.abs(often.values - exact).max() < 5 * often.error.max()
        assert 0.7 < np.sqrt(np.mean(often.error**2)) / near[-1] < 3.5
    assert np.mean(near) < 0.5 * np.mean(far)


def test_an_error_that_is_not_reached_is_said():
    def six(X):
        return np.tanh(X.prod(axis=1)) + np.abs(X[:, 0] + X[:, 1] * X[:, 2] - X[:, 5])

    X, background = RNG.normal(size=(6, 6)), RNG.normal(size=(40, 6))
    reached = shap_values(Function(six), X, background, error=1.0)
    assert "sampling error" not in repr(reached)
    missed = shap_values(Function(six), X, background, error=1e-4, rounds=2)
    asked = 1e-4 * six(background).std()
    told = (
        f"Cannot tell: Single values to {asked:.4g}, the sampling error asked for: the largest is "
        f"{missed.error.max():.4g} (a standard deviation) after rounds=2; more come nearer."
    )
    assert told in repr(missed) and told in repr(missed.row(0))


def test_one_network_is_explained_as_closely_as_many():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 8))
    model = TabularRegressor(epochs=40, members=1).fit(X, 3 * np.sin(2 * X.prod(axis=1)) + X[:, 0])
    exact = shap_values(model, X[:10], error=0)
    spread = subject_of(model, model.model_.background).answers().std()
    off = [
        np.abs(shap_values(model, X[:10], rounds=1, seed=seed).values - exact.values).max()
        for seed in range(3)
    ]
    assert np.median(off) < 0.007 * spread


@pytest.mark.parametrize("kind", ["two", "three"])
@pytest.mark.parametrize("scale", ["probability", "logit"])
def test_values_are_those_of_the_library_shap(kind, scale):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 4))
    y = X[:, 0] * X[:, 1] + X[:, 2] > 0 if kind == "two" else rng.integers(0, 3, 200)
    model = TabularClassifier(epochs=8, members=2, hidden=(16,)).fit(X, y)
    background = X[:30]
    explainer = shap.explainers.Exact(
        lambda rows: model.predict_proba(rows),
        shap.maskers.Independent(background, max_samples=30),
        link=shap.links.logit if scale == "logit" else shap.links.identity,
    )
    if scale == "probability":
        expected = explainer(X[:6])
        found = shap_values(model, X[:6], background, scale=scale, error=0, classes=model.classes_)
        np.testing.assert_allclose(found.values, expected.values, atol=2e-6)
        np.testing.assert_allclose(found.base, expected.base_values[0], atol=1e-6)
    else:  # shap takes the link of the mean answer; ours is the mean of the link

        def logit(rows):
            found = model.predict_proba(rows)
            return np.log(found / (1 - found))

        masker = shap.maskers.Independent(background, max_samples=30)
        expected = shap.explainers.Exact(logit, masker)(X[:6])
        found = shap_values(model, X[:6], background, scale=scale, error=0, classes=model.classes_)
        np.testing.assert_allclose(found.values, expected.values, atol=2e-4)


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize("model", [fitted.classifier, fitted.three_classes])
def test_values_add_up(model, scale):
    found = shap_values(model(), fitted.columns(15, seed=9), scale=scale, error=0.02, rounds=2)
    answers = subject_of(model(), fitted.columns(15, seed=9)).answers(scale)
    answers = answers[:, 1] if len(found.outputs) == 1 else answers
    np.testing.assert_allclose(found.prediction, answers)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, answers, atol=1e-5)


def test_sums_of_terms_are_rows_put_together():
    model = fitted.classifier()
    subject = subject_of(model, fitted.columns(4, seed=8))
    background = subject_of(model.model_, model.model_.background).take(range(6))
    masks = RNG.random((50, len(subject.columns))) < 0.5
    others = RNG.integers(0, 6, 50)
    slow = AnyGame(subject, background, "logit", [0, 1])
    fast = TableGame(subject, background, "logit", [0, 1])
    order = np.arange(0, 50, 3)
    np.testing.assert_allclose(
        fast.values(0, fast.prepared(0, masks, others), 2, order),
        slow.values(0, slow.prepared(0, masks, others), 2, order),
        atol=1e-4,
    )


def test_numbers_are_explained_in_their_unit():
    given = fitted.columns(40, seed=2)
    found = shap_values(fitted.regressor(), given)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base, fitted.regressor().predict(given), rtol=1e-5
    )
    assert found.importance().columns[:2] == ("strong", "slope")
    strong = found.values[:, found.columns.index("strong")]
    assert spearmanr(strong, given["strong"]).statistic > 0.98
    slope = found.values[:, found.columns.index("slope")]
    assert spearmanr(slope, given["slope"]).statistic > 0.9


def test_what_decides_is_first_and_what_does_nothing_is_last():
    found = shap_values(fitted.classifier(), fitted.columns(60, seed=4))
    assert found.importance().columns[0] == "strong"

    def three(X):
        return 5 * X[:, 0] + X[:, 1] + 0 * X[:, 2]

    found = shap_values(Function(three), RNG.normal(size=(20, 3)), RNG.normal(size=(9, 3)))
    assert found.importance().columns == ("x0", "x1", "x2")
    assert not found.values[:, 2].any()


def test_columns_that_do_the_same_get_the_same():
    def product(X):
        return X[:, 0] * X[:, 1] * X[:, 2]

    X = np.repeat(RNG.normal(size=(4, 1)), 3, axis=1)
    found = shap_values(Function(product), X, np.ones((1, 3)), error=0)
    np.testing.assert_allclose(found.values, found.values[:, :1] * np.ones(3), atol=1e-12)


@pytest.mark.parametrize("units", [1, 2, 3])
def test_a_network_of_layers_is_explained_output_by_output(units):
    model = Sequential([Input((4,)), Dense(8, "tanh"), Dense(units)], seed=0)
    found = shap_values(model, X4, B4, error=0)
    assert found.outputs == (("prediction",) if units == 1 else tuple(
        f"output {one}" for one in range(units)))  # fmt: skip
    total = found.values.sum(axis=1) + found.base
    np.testing.assert_allclose(total.reshape(5, units), model.predict(X4), atol=1e-5)
    slopes = integrated_gradients(model, X4, np.zeros(4))
    assert slopes.values.shape == found.values.shape


def test_values_depend_on_data_and_seed_alone():
    model, given = fitted.classifier(), fitted.columns(30, seed=6)
    found = shap_values(model, given, rounds=2)
    with threads_at_most(1):
        alone = shap_values(model, given, rounds=2)
    np.testing.assert_array_equal(found.values, alone.values)
    few = {name: column[7:11] for name, column in given.items()}
    np.testing.assert_array_equal(found.values[7:11], shap_values(model, few, rounds=2).values)
    other = shap_values(model, given, rounds=2, seed=1)
    assert 0 < np.abs(found.values - other.values).max() < 0.1


def test_a_calibrated_model_adds_up_too():
    given = fitted.columns()
    model = TabularClassifier(epochs=3, members=2, hidden=(8,), calibration="temperature")
    model.fit(given, fitted.label(given))
    assert model.model_.temperatures[0] != 1.0
    few = fitted.columns(8, seed=1)
    found = shap_values(model, few, rounds=1)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base, model.predict_proba(few)[:, 1], atol=1e-5
    )


@pytest.fixture(scope="module")
def several():
    return shap_values(fitted.three_classes(), pandas.DataFrame(fitted.columns(25)), rounds=1)


@pytest.fixture(scope="module")
def single():
    return shap_values(fitted.classifier(), pandas.DataFrame(fitted.columns(25)), rounds=1)


def test_results_are_frames_records_and_text(single, several):
    frame = several.to_frame()
    assert frame.shape == (75, 2 + len(several.columns))
    assert single.to_frame().shape == (25, 1 + len(single.columns))
    for one in (single, several, several.row(3), several.row(3, 0), several.importance()):
        assert json.loads(json.dumps(one.to_record()))["method"].strip("mean |") == "shap"
        assert "Cannot tell" in repr(one)
    row = single.row(2)
    assert row.prediction == pytest.approx(row.base + sum(row.values))
    assert abs(row.values[0]) == max(map(abs, row.values))
    assert row.cells[row.columns.index("town")] == fitted.columns(25)["town"][2]
    means = single.importance()
    np.testing.assert_allclose(means.values[0], np.abs(single.values).mean(axis=0).max())
    assert all(low <= value <= high for value, (low, high) in zip(
        means.values, means.intervals, strict=True))  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # those of shap and what it calls
def test_plots_of_the_library_shap_draw_our_values(single, several):
    from matplotlib import pyplot

    made = single.to_shap()
    assert made.values.shape == made.data.shape == (25, len(single.columns))
    shap.plots.bar(made, show=False)
    shap.plots.beeswarm(made, show=False)
    shap.plots.waterfall(made[3], show=False)
    shap.plots.scatter(made[:, "strong"], show=False)
    shap.plots.scatter(made[:, "town"], show=False)
    shap.plots.bar(several.to_shap()[..., 1], show=False)
    shap.plots.waterfall(several.to_shap()[2, :, 0], show=False)
    pyplot.close("all")


def test_pictures_are_drawn(single, several):
    from matplotlib import pyplot

    ax = single.row(1).plot()
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert ends[-1] == pytest.approx(single.prediction[1])
    assert several.plot(2).get_xlabel().startswith("added to probability of 2")
    assert several.importance(1).plot().get_yticklabels()
    pyplot.close("all")


LINE = LogisticRegression().fit(X4, [0, 1, 0, 1, 1])


@pytest.mark.parametrize(
    "ask, error, words",
    [
        (lambda: shap_values(LINE, X4), SettingError, "background: the model keeps no rows"),
        (lambda: shap_values(LINE, X4, np.zeros((1001, 4))), SettingError, "1 to 1,000 rows"),
        (lambda: shap_values(LINE, X4, B4, error=-1), SettingError, "error must be a number of 0"),
        (lambda: shap_values(LINE, X4, B4, rounds=0), SettingError, "rounds must be a whole"),
        (lambda: shap_values(LINE, X4, B4, classes=7), SettingError, "knows no class 7"),
        (lambda: shap_values(LINE, X4, B4, scale="number"), SettingError, "does not fit"),
        (lambda: shap_values(LINE, X4, B4).row(5), MissingPlaceError, "no row 5; there are 5 rows"),
        (lambda: shap_values(LINE, X4, B4).row(0, "2"), SettingError, "'2' is not explained"),
        (lambda: shap_values(fitted.classifier(), {"a": [1.0]}), DataError, "X has no column"),
        (
            lambda: shap_values(Function(lambda X: X[:, 0]), np.ones((1, 17)), B4[:, [0] * 17],
                                error=0),
            SettingError, "which 17 columns have too many",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_said(ask, error, words):
    with pytest.raises(error, match=words):
        ask()


def test_without_shap_the_remedy_is_said(single, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "shap", None)
    with pytest.raises(SettingError, match=r"pip install 'chainrule\[explain\]'"):
        single.to_shap()


def test_of_a_pipeline_the_kept_rows_are_said_not_to_be_those_of_X():
    given = fitted.columns(80)
    frame = pandas.DataFrame({name: given[name] for name in ("strong", "slope", "noise")})
    last = TabularRegressor(epochs=2, members=1)
    model = Pipeline([("scaled", StandardScaler()), ("model", last)])
    model.fit(frame, fitted.price(given))
    with pytest.raises(SettingError, match="as the steps before it made them, not as X has them; "):
        shap_values(model, frame[:3])
    found = shap_values(model, frame[:3], frame[:20])
    assert found.importance().columns[0] == "strong"


def test_large_numbers_are_spelled_out():
    from matplotlib import pyplot

    class Price:
        def predict(self, X):
            return 12_345.6 + 1000 * X[:, 0]

    found = shap_values(Price(), np.array([[4.07, 1.0]]), np.zeros((2, 2)))
    assert repr(found.row(0)).startswith("Row 0: prediction 16,416, base 12,346 (shap)")
    ax = found.row(0).plot()
    assert "+4,070" in [one.get_text() for one in ax.texts]
    assert ax.get_title() == "Row 0: 16,416, base 12,346"
    pyplot.close("all")


@pytest.mark.parametrize(
    "ask, error, words",
    [
        (lambda m, X: shap_values(m, X, seed="a"), SettingError, "seed must be a whole number"),
        (lambda m, X: shap_values(m, X).row("x"), MissingPlaceError, "there is no row 'x'; there"),
        (lambda m, X: shap_values(m, X).row(2.5), MissingPlaceError, "there is no row 2.5; there"),
        (lambda m, X: shap_values(m, X).row(True), MissingPlaceError, "there is no row True; "),
        (lambda m, X: shap_values(m, X).importance(seed=-1), SettingError, "seed must be a whole"),
        (lambda m, X: shap_values(m, X, 3), InputTypeError, "background: a table must be"),
        (lambda m, X: shap_values(m, {"strong": [1.0]}), DataError, "X has no column 'slope', 'no"),
        (lambda m, X: local_surrogate(m, X, None), MissingPlaceError, "there is no row None; "),
        (lambda m, X: local_surrogate(m, X, 0, seed=None), SettingError, "seed must be a whole"),
        (lambda m, X: partial_dependence(m, X, ["a"]), DataError, "there is no column ['a']"),
        (lambda m, X: partial_dependence(m, X, "strong", seed=-1), SettingError, "seed must be a"),
        (lambda m, X: permutation_importance(m, X, ["no", "yes"], sample_weight=["a", "b"]),
         DataError, "sample_weight must be finite numbers"),
        (lambda m, X: permutation_importance(m, X, ["no", "yes"], seed="a"), SettingError, "seed"),
        (lambda m, X: hidden_unit(m, X, "dense_0.0", seed="a"), SettingError, "seed must be a"),
    ],
)  # fmt: skip
def test_what_is_no_row_seed_or_table_is_one_sentence(ask, error, words):
    with pytest.raises(error) as caught:
        ask(fitted.classifier(), fitted.columns(2))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_small_numbers_are_told_and_absent_intervals_are_dashes():
    rng = np.random.default_rng(1)
    X = pandas.DataFrame({"a": rng.normal(size=5), "b": rng.normal(size=5)})

    def small(rows):
        return 1e-9 * np.asarray(rows)[:, 0]

    found = shap_values(Function(small), X, X)
    line = repr(found).splitlines()[2].split()
    assert line[0] == "a" and line[1].endswith("e-10") and line[2:] == ["-", "-"]
    one = shap_values(Function(small), X[:1], X)
    assert "over 1 row (shap)" in repr(one)


def test_shap_is_given_numbers_as_numbers(single):
    shown = single.to_shap().display_data
    places = {name: place for place, name in enumerate(single.columns)}
    assert all(isinstance(one, float) for one in shown[:, places["strong"]])
    assert np.isnan(float(shown[0, places["gaps"]]))
    assert isinstance(shown[0, places["town"]], str) and isinstance(shown[0, places["day"]], str)
