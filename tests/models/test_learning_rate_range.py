"""The learning-rate range test: what it sees, what it suggests, and that it changes nothing."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

import chainrule
from chainrule import Sequential, learning_rate_range_test
from chainrule.errors import InputTypeError, SettingError, TrainingError
from chainrule.layers import BatchNormalization, Dense, Dropout
from chainrule.optimizers import SGD, Adam

OWNER = "learning_rate_range_test"
RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3))
Y = X @ [[1.0], [-2.0], [0.5]] + 0.1 * RNG.normal(size=(60, 1))


def linear(optimizer="sgd", engine="auto", dtype="float64"):
    model = Sequential([Dense(1)], seed=2, dtype=dtype)
    model.compile(optimizer, "mse", engine=engine)
    return model


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_losses_are_those_of_gradient_descent_written_out(engine):
    model = linear(engine=engine)
    model.fit(X, Y, epochs=0)
    kernel, bias = (one.copy() for one in model.get_weights())
    found = learning_rate_range_test(model, X, Y, 1e-3, 8.0, steps=40, batch_size=60)
    expected = []
    for k in range(40):
        error = X @ kernel + bias - Y
        expected.append(np.mean(error**2))
        rate = 1e-3 * 8000 ** (k / 39)
        kernel = kernel - rate * 2 * X.T @ error / 60
        bias = bias - rate * 2 * error.mean(axis=0)
    means = [np.average(expected[: k + 1], weights=0.9 ** np.arange(k, -1, -1)) for k in range(40)]
    count = len(found.losses)
    assert count == next(k for k in range(40) if means[k] > 4 * min(means[: k + 1]))
    np.testing.assert_allclose(found.losses, expected[:count], rtol=1e-9)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-3, 8.0, 40)[:count], rtol=1e-12)


def test_the_running_mean_ends_at_four_times_its_least_and_suggests_a_tenth():
    found = learning_rate_range_test(linear(), X, Y, 1e-3, 10.0, steps=80, batch_size=60)
    for k in (0, 1, 7, len(found.losses) - 1):
        weights = 0.9 ** np.arange(k, -1, -1)
        mean = np.average(found.losses[: k + 1], weights=weights)
        assert found.smoothed[k] == pytest.approx(mean, rel=1e-12)
    assert found.smoothed[-1] <= 4 * found.smoothed.min()
    least = found.rates[np.argmin(found.smoothed)]
    assert found.suggestion == pytest.approx(least / 10)
    assert found.reason == f"A tenth of {least:.3g}, the rate at which the smoothed loss was least."
    assert len(found.rates) == len(found.losses) == len(found.smoothed) < 80


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_model_stays_as_it_is_to_the_bit(engine, dtype):
    def trained():
        layers = [Dense(4, "relu"), BatchNormalization(), Dropout(0.2), Dense(1)]
        model = Sequential(layers, seed=3, dtype=dtype)
        model.compile(Adam(0.01), "mse", engine=engine)
        model.fit(X, Y, epochs=2, verbose=0)
        return model

    plain, tried = trained(), trained()
    history = tried.history
    learning_rate_range_test(tried, X, Y, steps=30)
    assert tried.history is history
    assert tried.optimizer.learning_rate == 0.01
    for model in (plain, tried):
        model.fit(X, Y, epochs=2, verbose=0)
    assert tried.optimizer.iterations == plain.optimizer.iterations == 8
    for a, b in zip(plain.get_weights(), tried.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_without_a_shape_stays_without_one():
    model = linear()
    learning_rate_range_test(model, X, Y, steps=10)
    assert not model.built


def test_a_schedule_of_the_optimizer_is_set_aside():
    schedule = chainrule.optimizers.schedules.LinearDecay(0.1, decay_steps=5)
    found = learning_rate_range_test(linear(SGD(schedule)), X, Y, steps=40)
    plain = learning_rate_range_test(linear(), X, Y, steps=40)
    np.testing.assert_array_equal(found.losses, plain.losses)


def digits(optimizer):
    data = load_digits()
    model = Sequential([Dense(64, "relu"), Dense(10, "softmax")], seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model, data.data / 16, data.target


def last_loss(build, optimizer):
    model, inputs, targets = build(optimizer)
    try:
        return model.fit(inputs, targets, epochs=3, verbose=0).history["loss"][-1]
    except TrainingError:
        return np.inf


@pytest.mark.parametrize("rule", [SGD, lambda rate=0.1: SGD(rate, momentum=0.9), Adam])
def test_the_suggestion_trains_digits_better_than_rates_far_from_it(rule):
    rate = learning_rate_range_test(*digits(rule())).suggestion
    found, low, high = (last_loss(digits, rule(factor * rate)) for factor in (1, 0.01, 100))
    assert found < 0.8
    assert found < low
    assert found < high


@pytest.mark.parametrize("rule", [SGD, Adam])
def test_the_suggestion_trains_house_prices_better_than_rates_far_from_it(rule, datasets):
    path = datasets / "california-housing" / "train.csv"
    header = path.read_text().partition("\n")[0].split(",")
    numbers = [k for k, name in enumerate(header) if name != "ocean_proximity"]
    table = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=numbers)
    table = table[~np.isnan(table).any(axis=1)][:4000]
    target = [header[k] for k in numbers].index("median_house_value")
    prices = table[:, target] / 1e5
    inputs = np.delete(table, target, axis=1)
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)

    def houses(optimizer):
        model = Sequential([Dense(64, "relu"), Dense(64, "relu"), Dense(1)], seed=0)
        model.compile(optimizer, "mse")
        return model, inputs, prices

    rate = learning_rate_range_test(*houses(rule())).suggestion
    found, low, high = (last_loss(houses, rule(factor * rate)) for factor in (1, 0.01, 100))
    assert found < 0.6 < prices.var()
    assert found < low
    assert found < high


def test_a_loss_that_never_falls_suggests_nothing():
    model = Sequential([Dense(1, kernel_initializer="zeros")], seed=0)
    model.compile("sgd", "mse")
    found = learning_rate_range_test(model, X, 0 * Y, steps=20)
    assert found.suggestion is None
    assert found.reason.startswith("The loss did not fall between the rates 1e-07 and 10, not by")


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_chance_of_batches_suggests_nothing(engine, dtype):
    """Rates far too low, and inputs that say nothing; 200 batches differ by some percent."""
    data = load_digits()
    for inputs, rates in ((data.data / 16, (1e-9, 1e-6)), (0 * data.data, (1e-7, 10.0))):
        for seed in range(3):
            layers = [Dense(64, "relu"), Dense(10, "softmax")]
            model = Sequential(layers, seed=seed, dtype=dtype)
            model.compile("sgd", "sparse_categorical_crossentropy", engine=engine)
            found = learning_rate_range_test(model, inputs, data.target, *rates)
            assert found.suggestion is None
            assert "inputs say anything of the target" in found.reason
            assert ("raise highest" in found.reason) == (len(found.losses) == 200)


@pytest.mark.parametrize("layers", [[], [Dropout(0.5), BatchNormalization()]])
@pytest.mark.parametrize("rule", [SGD, Adam])
def test_batches_that_happen_to_be_easy_suggest_nothing(layers, rule):
    """Rates so low that no weight moves; the targets' squares, and so batches, differ widely."""
    for seed in range(5):
        drawn = np.random.default_rng(seed)
        x, y = drawn.normal(size=(1000, 8)), drawn.normal(size=1000)
        model = Sequential([Dense(16, "relu"), *layers, Dense(1)], seed=seed)
        model.compile(rule(), "mse")
        found = learning_rate_range_test(model, x, y, 1e-8, 1e-6)
        assert found.suggestion is None
        assert found.reason.startswith("The loss did not fall between the rates 1e-08 and 1e-06")


def test_a_suggestion_below_every_rate_tried_is_none_and_asks_for_lower_ones():
    found = learning_rate_range_test(linear(), X, Y, 0.5, 8.0, steps=40, batch_size=60)
    least = found.rates[np.argmin(found.smoothed)]
    assert 0.5 < least < 5.0
    assert found.suggestion is None
    tenth, lowest = re.fullmatch(
        r"A tenth of (\S+), the rate at which the smoothed loss was least, is below every rate "
        r"tried: begin with a smaller lowest, such as (\S+)\.", found.reason,
    ).groups()  # fmt: skip
    assert float(tenth) == pytest.approx(least, rel=0.01)
    again = learning_rate_range_test(linear(), X, Y, float(lowest), 8.0, batch_size=60)
    assert float(lowest) < again.suggestion < least


def test_a_fall_of_five_percent_below_the_first_weights_is_one():
    """Losses of batches of all rows are those of one straight line: their fall is known."""
    for highest, falls in ((6e-4, False), (6e-3, True)):
        found = learning_rate_range_test(linear(), X, Y, 1e-5, highest, steps=100, batch_size=60)
        assert (found.smoothed.min() <= 0.95 * found.losses[0]) == falls
        assert (found.suggestion is not None) == falls


def test_a_loss_that_falls_to_the_end_asks_for_higher_rates():
    found = learning_rate_range_test(linear(), X, Y, 1e-4, 0.05, steps=50, batch_size=60)
    assert found.suggestion == pytest.approx(0.005)
    assert "a larger highest may find a larger one" in found.reason


def test_losses_below_0_do_not_end_it():
    model = Sequential([Dense(1, kernel_initializer="zeros")], seed=0)
    model.compile("sgd", lambda y, p: (p - y) ** 2 - 5.0)
    found = learning_rate_range_test(model, X, Y, 1e-6, 1e-3, steps=30)
    assert len(found.losses) == 30
    assert found.losses.max() < 5


def test_a_loss_that_is_not_finite_ends_it_or_is_an_error_at_the_start():
    found = learning_rate_range_test(linear(), X, Y, 1e-3, 1e30, steps=20, batch_size=60)
    assert np.isfinite(found.losses).all()
    with pytest.raises(TrainingError, match="the loss is inf in epoch"):
        learning_rate_range_test(linear(), 1e200 * X, Y, steps=20)


@pytest.mark.parametrize(
    "arguments, error, what",
    [
        ({"lowest": 0}, SettingError, "lowest must be a number above 0, got 0"),
        (
            {"highest": 1e-9},
            SettingError,
            "highest must be a number above lowest, 1e-07, got 1e-09",
        ),
        ({"highest": "a"}, SettingError, "highest must be a number"),
        ({"steps": 9}, SettingError, "steps must be a whole number of 10 or more, got 9"),
        ({"batch_size": 0}, SettingError, "batch_size must be"),
        ({"model": 3}, InputTypeError, "model must be a Sequential, got int"),
        ({"model": Sequential([Dense(1)])}, SettingError, f"^{OWNER}: the model is not compiled"),
    ],
)
def test_bad_input_is_said_in_a_sentence(arguments, error, what):
    with pytest.raises(error, match=what):
        learning_rate_range_test(**{"model": linear(), "X": X, "y": Y, **arguments})
