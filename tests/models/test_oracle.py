"""Training agrees with a network in plain NumPy that shares no code with the package."""

import itertools

import numpy as np
import pytest
from tests.models import oracle

import chainrule
from chainrule import random

ROWS, EPOCHS, BATCH, SEED = 83, 150, 16, 3  # five full batches and one of three rows
RATES = {"sgd": 0.05, "momentum": 0.02, "adam": 0.005}
OUTPUTS = {
    "squared_error": "linear",
    "mean_squared_error": "linear",
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
}


def data(loss):
    rng = np.random.default_rng(11)
    X = rng.normal(size=(ROWS, 5))
    scores = np.tanh(X @ rng.normal(size=(5, 3))) + 0.3 * rng.normal(size=(ROWS, 3))
    if loss == "binary_crossentropy":
        return X, (scores > 0).astype(float)
    if loss == "categorical_crossentropy":
        return X, np.eye(3)[scores.argmax(axis=1)]
    return X, scores


def network(activation, loss, l2):
    penalty = chainrule.regularizers.l2(l2) if l2 else None
    layers = chainrule.layers
    return chainrule.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(7, activation=activation, kernel_regularizer=penalty),
            layers.Dense(4, activation=activation, kernel_regularizer=penalty),
            layers.Dense(3, activation=OUTPUTS[loss], kernel_regularizer=penalty),
        ],
        seed=SEED,
        dtype="float64",
    )


def optimizer(rule):
    if rule == "adam":
        return chainrule.optimizers.Adam(RATES[rule])
    return chainrule.optimizers.SGD(RATES[rule], momentum=0.9 if rule == "momentum" else 0.0)


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize(
    "activation, loss, rule", list(itertools.product(oracle.PHI, oracle.OUTPUT, RATES))
)
def test_training_equals_plain_numpy(activation, loss, rule, l2):
    X, T = data(loss)
    model = network(activation, loss, l2)
    model.compile(optimizer=optimizer(rule), loss=loss, engine="numpy")
    start = model.get_weights()
    orders = [random.permutation(SEED, 0, epoch, ROWS) for epoch in range(EPOCHS)]
    losses, weights = oracle.train(
        start, X, T, orders, activation, loss, rule, RATES[rule], l2, BATCH
    )
    history = model.fit(X, T, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-9, atol=1e-9)
    for mine, its in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-9)


def test_the_oracle_itself_descends_its_loss():
    X, T = data("categorical_crossentropy")
    model = network("tanh", "categorical_crossentropy", 0.01)
    weights = model.get_weights()
    orders = [np.arange(ROWS)]
    args = (X, T, orders, "tanh", "categorical_crossentropy", "sgd")
    rate, h = 1e-3, 1e-6
    before, after = oracle.train(weights, *args, rate, 0.01, ROWS)
    direction = [(old - new) / rate for old, new in zip(weights, after, strict=True)]
    rng = np.random.default_rng(0)
    moves = [rng.normal(size=w.shape) for w in weights]
    ends = [
        oracle.train(
            [w + s * h * v for w, v in zip(weights, moves, strict=True)], *args, rate, 0.01, ROWS
        )[0][0]  # fmt: skip
        for s in (1, -1)
    ]
    slope = sum((g * v).sum() for g, v in zip(direction, moves, strict=True))
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)
