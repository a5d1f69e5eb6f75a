"""Whole networks, trained and scored as users do: every optimizer, every way to give rows."""

import numpy as np
import pytest

import chainrule
from chainrule.optimizers import OPTIMIZERS
from tests.peers.libraries import keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
TASKS = {
    "binary": (1, "sigmoid", "binary_crossentropy", "accuracy", RNG.integers(0, 2, 50)),
    "sparse": (3, "softmax", "sparse_categorical_crossentropy", "accuracy", np.arange(50) % 3),
    "one-hot": (3, "softmax", "categorical_crossentropy", "accuracy", np.eye(3)[np.arange(50) % 3]),
    "number": (1, None, "mean_squared_error", "mae", RNG.normal(size=50)),
}
SETTINGS = {
    "plain": {},
    "split": {"validation_split": 0.3},
    "data": {"validation_data": (X[:20], np.linspace(0, 2, 20))},
    "rows": {"sample_weight": np.linspace(0, 2, 50), "validation_split": 0.3},
    "classes": {"class_weight": {0: 0.5, 1: 2.0}, "validation_split": 0.3},
}


def built(library, task, penalty, **settings):
    units, last, loss, metric, _ = TASKS[task]
    layers, strength = library.layers, library.regularizers.L2(0.01) if penalty else None
    model = library.Sequential(
        [
            library.Input((3,)),
            layers.Dense(6, activation="tanh", kernel_regularizer=strength),
            layers.Dense(units, activation=last),
        ],
        **settings,
    )
    model.compile(library.optimizers.Adam(learning_rate=0.02), loss, metrics=[metric])
    return model


@pytest.mark.parametrize("penalty", [False, True])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("task", TASKS)
def test_training_and_evaluation(task, settings, penalty):
    if (task, settings) == ("number", "classes"):
        pytest.skip("numbers have no classes")
    y, given = TASKS[task][-1], dict(SETTINGS[settings])
    if "validation_data" in given:
        rows, weights = given["validation_data"]
        given["validation_data"] = (rows, y[:20], weights)
    mine = built(chainrule, task, penalty, dtype="float64", seed=1)
    its = built(keras, task, penalty)
    its.set_weights(mine.get_weights())
    given |= {"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0}
    history = its.fit(X, y, **given).history
    found = mine.fit(X, y, **given).history
    assert found.keys() == history.keys()
    for name, values in history.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-6, err_msg=name)
    for a, b in zip(mine.get_weights(), its.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=3e-7)
    for weights in (None, np.linspace(0, 3, 50)):
        scores = its.evaluate(X, y, sample_weight=weights, verbose=0, return_dict=True)
        assert mine.evaluate(X, y, sample_weight=weights, return_dict=True) == pytest.approx(
            scores, rel=2e-6
        )
