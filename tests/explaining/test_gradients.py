"""Integrated gradients and saliency against formulas, differences, and the answers themselves."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression
from tests.explaining import fitted

from chainrule import MLPClassifier, MLPRegressor, Sequential, TabularRegressor
from chainrule.errors import EngineError, InputTypeError, SettingError, ShapeError
from chainrule.explaining import integrated_gradients, saliency, shap_values, subject_of
from chainrule.layers import BatchNormalization, Dense, Flatten, Input

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
LINE = LinearRegression().fit(X, X[:, 0])


def test_a_straight_model_is_its_weights():
    model = Sequential([Input((3,)), Dense(1)], seed=1)
    weights = model.layers[0].kernel[:, 0]
    found = integrated_gradients(model, X, baseline=[1.0, 0.0, -1.0])
    np.testing.assert_allclose(found.values, (X - [1.0, 0.0, -1.0]) * weights, rtol=1e-5)
    np.testing.assert_allclose(saliency(model, X).values, np.tile(weights, (12, 1)), rtol=1e-5)


def test_a_smooth_model_is_integrated_as_by_many_steps():
    model = Sequential([Input((3,)), Dense(5, "tanh"), Dense(1, "sigmoid")], seed=1)
    kernel, bias, last, end = (one.astype(float) for one in model.get_weights())

    def slope(points):
        hidden = np.tanh(points @ kernel + bias)
        answer = 1 / (1 + np.exp(-(hidden @ last + end)))
        return answer * (1 - answer) * ((1 - hidden**2) * last[:, 0]) @ kernel.T

    shares = (np.arange(20_000) + 0.5) / 20_000
    expected = [row * slope(shares[:, None] * row).mean(axis=0) for row in X]
    found = integrated_gradients(model, X, tolerance=1e-6)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_kinks_do_not_keep_values_from_adding_up(activation):
    model = Sequential(
        [Input((3, 2)), Flatten(), Dense(64, activation), BatchNormalization(),
         Dense(64, activation), Dense(4, "softmax")], seed=2)  # fmt: skip
    rows = 3 * RNG.normal(size=(5, 3, 2))
    found = integrated_gradients(model, rows, tolerance=1e-5)
    assert found.values.shape == (5, 6, 4)
    change = model.predict(rows) - model.predict(np.zeros((1, 3, 2)))
    np.testing.assert_allclose(found.values.sum(axis=1), change, atol=2e-5)
    np.testing.assert_allclose(found.values.sum(axis=2), 0, atol=1e-4)  # probabilities sum to 1


@pytest.mark.parametrize("scale", ["probability", "logit"])
@pytest.mark.parametrize("model", [fitted.classifier, fitted.three_classes])
def test_tables_add_up(model, scale):
    given = fitted.columns(6, seed=9)
    found = integrated_gradients(model(), given, scale=scale, tolerance=1e-4)
    answers = subject_of(model(), given).answers(scale)
    answers = answers[:, 1] if len(found.outputs) == 1 else answers
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, answers, atol=3e-4)


def test_a_tables_way_may_begin_at_a_row():
    given = fitted.columns(6, seed=9)
    start = {name: column[:1] for name, column in fitted.columns(5, seed=3).items()}
    found = integrated_gradients(fitted.regressor(), given, start)
    assert found.base == pytest.approx(fitted.regressor().predict(start)[0], rel=1e-6)
    same = integrated_gradients(fitted.regressor(), start, start)
    assert not same.values.any()


def test_planted_effects_are_found():
    given = fitted.columns(40, seed=2)
    found = integrated_gradients(fitted.regressor(), given)
    assert found.importance().columns[:2] == ("strong", "slope")
    strong = found.values[:, found.columns.index("strong")]
    assert spearmanr(strong, given["strong"]).statistic > 0.98
    shap = shap_values(fitted.regressor(), given)
    strong_shap = shap.values[:, shap.columns.index("strong")]
    assert np.corrcoef(strong, strong_shap)[0, 1] > 0.98
    slopes = saliency(fitted.regressor(), given)
    assert slopes.importance().columns[0] == "strong"
    of_strong = slopes.values[:, slopes.columns.index("strong")]
    assert np.mean(of_strong > 0) > 0.8
    assert 3 < np.median(of_strong) < 15  # 9 a unit, planted


def test_saliency_is_the_slope_of_the_prediction():
    given = fitted.columns(30, seed=7)
    model = TabularRegressor(epochs=25, members=2, hidden=(24, 12), bins=0)
    model.fit(fitted.columns(), fitted.price(fitted.columns()))
    deviation = model.model_.encoder.scales["strong"].spread
    step = 0.01 * deviation
    up = model.predict({**given, "strong": given["strong"] + step})
    down = model.predict({**given, "strong": given["strong"] - step})
    found = saliency(model, given)
    expected = (up - down) / 0.02
    of_strong = found.values[:, found.columns.index("strong")]
    assert np.median(np.abs(of_strong - expected)) < 0.05 * np.abs(expected).mean()
    assert (found.values[:, found.columns.index("town")] >= 0).all()
    assert repr(found).startswith("Mean size of the slopes of target, over 30 rows")
    assert found.plot().get_xlabel() == "mean size of the slope of target"


def test_steep_parts_of_a_skewed_number_are_not_taken_for_all_of_it():
    rng = np.random.default_rng(0)
    strong, fare = rng.normal(size=400), np.exp(2 * rng.normal(size=400))
    given = {"strong": strong, "fare": fare}
    y = 3 * strong + 0.3 * rng.normal(size=400)
    model = TabularRegressor(epochs=15, members=2, hidden=(24,)).fit(given, y)
    found = saliency(model, given).importance()
    means = dict(zip(found.columns, found.values, strict=True))
    assert means["fare"] < 0.3 * means["strong"]


def test_a_calibrated_answer_is_followed():
    from chainrule import TabularClassifier

    given = fitted.columns()
    model = TabularClassifier(epochs=3, members=2, hidden=(8,), calibration="temperature")
    model.fit(given, fitted.label(given))
    few = fitted.columns(4, seed=1)
    found = integrated_gradients(model, few, tolerance=1e-4)
    answers = model.predict_proba(few)[:, 1]
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, answers, atol=3e-4)


def test_drop_ins_are_followed():
    y = (X[:, 0] > 0).astype(int)
    two = MLPClassifier(hidden_layer_sizes=(6,), random_state=0).partial_fit(X, y, classes=[0, 1])
    found = integrated_gradients(two, X)
    assert found.outputs == (1,)
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base, two.predict_proba(X)[:, 1], atol=2e-3
    )
    number = MLPRegressor(hidden_layer_sizes=(6,), random_state=0).partial_fit(X, X[:, 0])
    found = integrated_gradients(number, X)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, number.predict(X), atol=2e-3)


@pytest.mark.parametrize(
    "ask, error, words",
    [
        (lambda: integrated_gradients(LINE, X), InputTypeError, "has no slopes"),
        (
            lambda: integrated_gradients(fitted.classifier(), fitted.columns(2), tolerance=0),
            SettingError, "tolerance must be a number above 0",
        ),
        (
            lambda: integrated_gradients(
                fitted.classifier(), fitted.columns(2), tolerance=1e-9, most=100),
            SettingError, r"row \d .* off after .* a larger most than 100",
        ),
        (
            lambda: integrated_gradients(Sequential([Input((3,)), Dense(1)]), X, baseline=[1.0]),
            ShapeError, "must be one row of 3 numbers",
        ),
        (
            lambda: integrated_gradients(Sequential([Input((3,)), Dense(1)]), X[:, :2]),
            ShapeError, "X must have rows of 3 numbers",
        ),
        (
            lambda: saliency(Sequential([Input((3,)), Dense(1)]), X, classes=4),
            SettingError, "there is no output 4",
        ),
        (
            lambda: integrated_gradients(
                fitted.classifier(), fitted.columns(2), fitted.columns(2)),
            ShapeError, "must be one row, got 2",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_said(ask, error, words):
    with pytest.raises(error, match=words):
        ask()


def test_values_that_do_not_add_up_are_refused():
    found = integrated_gradients(Sequential([Input((3,)), Dense(1)], seed=0), X)
    found.values[2] += 1.0
    with pytest.raises(EngineError, match=r"add up to .* more or less .*row 2"):
        found.check()


def test_progress_is_told_to_the_last_row():
    told = []
    given = fitted.columns(20, seed=1)
    found = integrated_gradients(
        fitted.regressor(), given, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(8, 20), (16, 20), (20, 20)]
    alone = integrated_gradients(fitted.regressor(), given)
    np.testing.assert_array_equal(found.values, alone.values)
