"""Circles, logistic regression and a sine, beside scikit-learn."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_circles
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tests.engine.networks import ENGINES

from chainrule import examples
from chainrule.errors import SettingError


def test_the_circles_are_those_of_scikit_learn_and_so_is_their_split():
    data = examples.circles(epochs=1).arrays
    X, y = make_circles(200, factor=0.5, noise=0.08, random_state=1)
    assert data["X"].tobytes() == X.tobytes()
    assert data["y"].tolist() == y.tolist()
    parts = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
    scaler = StandardScaler().fit(parts[0])
    np.testing.assert_allclose(data["X_train"], scaler.transform(parts[0]), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(data["X_test"], scaler.transform(parts[1]), rtol=1e-12, atol=1e-14)
    assert data["y_train"].tolist() == parts[2].tolist()
    assert data["y_test"].tolist() == parts[3].tolist()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_small_network_parts_the_circles(engine):
    found = [examples.circles(seed=seed, engine=engine)["test accuracy"] for seed in range(3)]
    assert np.median(found) == 1.0


def test_scores_of_the_circles_are_those_of_the_model():
    example = examples.circles(epochs=3)
    data = example.arrays
    right = (example.model.predict(data["X_test"])[:, 0] > 0.5) == data["y_test"]
    assert example["test accuracy"] == pytest.approx(right.mean())
    assert len(data["steps"]) == 3 * 5
    assert example["first loss"] == data["steps"][0]


def test_the_rate_on_the_circles_falls_by_five_percent_an_epoch():
    rule = examples.circles(epochs=1).model.optimizer.description
    lines = rule.lines(1, 20)[:, 0]  # 140 rows in batches of 32 are 5 steps
    np.testing.assert_allclose(lines, np.repeat(0.3 * 0.95 ** np.arange(4), 5), rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_hidden_layer_is_logistic_regression(engine):
    example = examples.logistic_regression(engine)
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
    scaler = StandardScaler().fit(X)
    theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(scaler.transform(X), y)
    kernel, bias = example.model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], theirs.coef_[0], rtol=0, atol=1e-3)
    np.testing.assert_allclose(bias, theirs.intercept_, rtol=0, atol=1e-3)
    assert example["largest difference"] < 1e-3
    accuracy = theirs.score(scaler.transform(X_test), y_test)
    assert example["test accuracy"] == pytest.approx(accuracy)


@pytest.mark.parametrize("engine, seed", [(ENGINES[0], 0), (ENGINES[-1], 0), (ENGINES[-1], 1)])
def test_the_error_on_a_sine_falls_as_units_are_added(engine, seed):
    units = (3, 10, 30, 100)
    example = examples.universal_approximation(units, seed, engine)
    errors = [example[f"{width} units"] for width in units]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.3
    assert errors[-1] < 0.01
    x = example.arrays["X"]
    off = example.models["100 units"].predict(x) - np.sin(2 * np.pi * x)
    assert errors[-1] == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-4)


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"n": 5}, "circles: n must be a whole number of 20 or more, got 5"),
        ({"factor": 1.5}, "circles: factor must be a number from 0 to below 1"),
        ({"noise": -1}, "circles: noise must be a number of 0 or more"),
        ({"hidden": 8}, "circles: hidden must be one whole number or more in a list, got 8"),
        ({"hidden": [0]}, "circles: hidden must be a whole number of 1 or more, got 0"),
    ],
)
def test_wrong_circles_get_a_sentence(settings, sentence):
    with pytest.raises(SettingError, match=sentence):
        examples.circles(**settings)


def test_wrong_widths_get_a_sentence():
    with pytest.raises(SettingError, match="universal_approximation: units must be"):
        examples.universal_approximation(units=[])
