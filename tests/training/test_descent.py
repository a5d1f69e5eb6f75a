"""Descent as the course writes it: batches, momentum's order, decay, penalties and their slopes."""

import math

import numpy as np
import pytest
from tests.training.oracle import gradients

import chainrule
from chainrule import losses, optimizers, random, regularizers
from chainrule.layers import Dense, Input

RNG = np.random.default_rng(8)
X, T = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 2))
START = [RNG.normal(size=(3, 4)), RNG.normal(size=4), RNG.normal(size=(4, 2)), RNG.normal(size=2)]
RATE = 0.1

ENGINES = ["native", "numpy"] if random.has_native() else ["numpy"]
each_engine = pytest.mark.parametrize("engine", ENGINES)


def network(optimizer, engine="auto", loss="mse", dtype="float64", **settings):
    model = chainrule.Sequential(
        [Input((3,)), Dense(4, "tanh", **settings), Dense(2, **settings)], seed=1, dtype=dtype
    )
    model.set_weights(START)
    model.compile(optimizer, loss, engine=engine)
    return model


def assert_near(model, want, precision=1e-11):
    for found, array in zip(model.get_weights(), want, strict=True):
        np.testing.assert_allclose(found, array, rtol=precision, atol=precision)


@each_engine
@pytest.mark.parametrize("batch", [30, 1, 8], ids=["batch", "stochastic", "mini-batch"])
@pytest.mark.parametrize("dtype, precision", [("float32", 2e-5), ("float64", 1e-11)])
def test_descent_by_all_rows_by_one_and_by_some(batch, dtype, precision, engine):
    model = network(optimizers.SGD(RATE), engine, dtype=dtype)
    model.fit(X, T, batch_size=batch, epochs=3, shuffle=False)
    want = START
    for at in [*range(0, 30, batch)] * 3:
        slopes = gradients(want, X[at : at + batch], T[at : at + batch])
        want = [w - RATE * g for w, g in zip(want, slopes, strict=True)]
    assert_near(model, want, precision)
    assert model.optimizer.iterations == 3 * math.ceil(30 / batch)


def test_a_thousand_rows_by_hundreds_are_ten_iterations():
    model = network(optimizers.SGD(1e-3))
    history = model.fit(np.resize(X, (1000, 3)), np.resize(T, (1000, 2)), batch_size=100, epochs=2)
    assert model.optimizer.iterations == 20
    assert len(history.steps["loss"]) == 20
    assert len(history.history["loss"]) == 2


def descended(rule, steps=6):
    want, speed = START, [np.zeros_like(w) for w in START]
    for _ in range(steps):
        want, speed = rule(want, speed)
    return want


def speed_first(weights, speed):
    """v <- g v + rate * grad; w <- w - v"""
    slopes = gradients(weights, X, T)
    speed = [0.9 * v + RATE * g for v, g in zip(speed, slopes, strict=True)]
    return [w - v for w, v in zip(weights, speed, strict=True)], speed


def speed_last(weights, speed):
    """Printed the other way round."""
    slopes = gradients(weights, X, T)
    moved = [w - v for w, v in zip(weights, speed, strict=True)]
    return moved, [0.9 * v + RATE * g for v, g in zip(speed, slopes, strict=True)]


@each_engine
def test_momentum_is_updated_before_the_weights(engine):
    model = network(optimizers.SGD(RATE, momentum=0.9), engine)
    model.fit(X, T, batch_size=30, epochs=6)
    assert_near(model, descended(speed_first))
    # the other way round the first step goes nowhere: the path lags by one
    assert all((a == b).all() for a, b in zip(descended(speed_last, 1), START, strict=True))
    assert max(
        np.abs(a - b).max() for a, b in zip(model.get_weights(), descended(speed_last), strict=True)
    ) > 1e-2  # fmt: skip


@each_engine
def test_nesterov_looks_ahead(engine):
    """The slope is that at the point to which momentum alone would go (Nesterov, 1983)."""
    model = network(optimizers.SGD(RATE, momentum=0.9, nesterov=True), engine)
    model.fit(X, T, batch_size=30, epochs=6)
    # the same path, written for the point without the look ahead
    point, speed = START, [np.zeros_like(w) for w in START]
    for _ in range(6):
        ahead = [w + 0.9 * v for w, v in zip(point, speed, strict=True)]
        slopes = gradients(ahead, X, T)
        speed = [0.9 * v - RATE * g for v, g in zip(speed, slopes, strict=True)]
        point = [w + v for w, v in zip(point, speed, strict=True)]
    assert_near(model, [w + 0.9 * v for w, v in zip(point, speed, strict=True)])


@each_engine
def test_the_penalty_of_squares_is_weight_decay(engine):
    """L' = L + lambda sum W^2 is W <- W - rate (dL/dW + 2 lambda W)."""
    strength = 0.03
    l2 = regularizers.l2(strength)
    model = network(optimizers.SGD(RATE), engine, kernel_regularizer=l2, bias_regularizer=l2)
    model.fit(X, T, batch_size=30, epochs=6)
    want = START
    for _ in range(6):
        slopes = gradients(want, X, T)
        want = [w - RATE * (g + 2 * strength * w) for w, g in zip(want, slopes, strict=True)]
    assert_near(model, want)


PENALTIES = {
    "l1": (regularizers.l1(0.05), lambda w: 0.05 * np.abs(w).sum()),
    "l2": (regularizers.l2(0.05), lambda w: 0.05 * (w**2).sum()),
    "l1_l2": (regularizers.l1_l2(0.05, 0.02), lambda w: 0.05 * abs(w).sum() + 0.02 * (w**2).sum()),
    "norm": (regularizers.lp(2, 0.05), lambda w: 0.05 * np.sqrt((w**2).sum())),
    "lp": (regularizers.lp(3, 0.05), lambda w: 0.05 * (abs(w) ** 3).sum() ** (1 / 3)),
}


@each_engine
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("name", PENALTIES)
def test_the_gradient_used_is_that_of_the_loss_reported(name, reduction, engine):
    penalty, in_numpy = PENALTIES[name]
    loss = losses.MeanSquaredError(reduction=reduction)
    model = network(optimizers.SGD(RATE), engine, loss, kernel_regularizer=penalty)
    rows = 30 if reduction == "sum_over_batch_size" else 1
    errors = ((np.tanh(X @ START[0] + START[1]) @ START[2] + START[3] - T) ** 2).mean(axis=1)
    reported = errors.sum() / rows + in_numpy(START[0]) + in_numpy(START[2])
    found, slope = model.trainer.gradient(X, T)
    assert found == pytest.approx(reported, rel=1e-12)
    assert model.evaluate(X, T, batch_size=30) == pytest.approx(reported, rel=1e-12)
    # central differences of what evaluate reports
    flat, step = model.trainer.parameters.flat, 1e-6
    for place in range(0, len(flat), 3):
        kept = flat[place]
        sides = []
        for side in (kept + step, kept - step):
            flat[place] = side
            sides.append(model.evaluate(X, T, batch_size=30))
        flat[place] = kept
        assert slope[place] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-5, abs=1e-7)
    # and it is the one that moves the weights
    before = flat.copy()
    model.fit(X, T, batch_size=30)
    np.testing.assert_allclose(before - flat, RATE * slope, rtol=1e-9, atol=1e-12)
