"""The same numbers as Keras, where it is installed (optional: `pip install torch keras`).

Keras rounds some means to float32 inside, so losses and training are held to 1e-6.
"""

import itertools
import os
import warnings

import numpy as np
import pytest

import chainrule

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import torch

pytestmark = pytest.mark.filterwarnings("default")

RNG = np.random.default_rng(0)
ROWS = 7
TARGETS, LOGITS = RNG.normal(size=(ROWS, 4)), RNG.normal(0, 3, (ROWS, 4))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
CERTAIN = np.array([[0.0, 1.0, 0.5, 1e-9]] * ROWS)
BITS = RNG.integers(0, 2, (ROWS, 4)).astype(float)
LABELS = RNG.integers(0, 4, ROWS)
ONE_HOT = np.eye(4)[LABELS]
COUNTS = RNG.poisson(2, (ROWS, 4)).astype(float)
WEIGHTS = {"none": None, "some": RNG.uniform(0, 2, ROWS), "zero": np.zeros(ROWS)}

LOSSES = [
    ("MeanSquaredError", {}, TARGETS, LOGITS),
    ("MeanAbsoluteError", {}, TARGETS, LOGITS),
    ("Huber", {"delta": 1.0}, TARGETS, LOGITS),
    ("Huber", {"delta": 0.3}, TARGETS, LOGITS),
    ("Poisson", {}, COUNTS, np.abs(LOGITS)),
    *[("BinaryCrossentropy", {}, BITS, p) for p in (SHARES, CERTAIN)],
    ("BinaryCrossentropy", {"from_logits": True}, BITS, LOGITS),
]
for name, target in (
    ("CategoricalCrossentropy", ONE_HOT), ("SparseCategoricalCrossentropy", LABELS)
):  # fmt: skip
    LOSSES += [(name, {}, target, p) for p in (SHARES, BITS * 0.4 + 0.2, CERTAIN)]
    LOSSES += [(name, {"from_logits": True}, target, LOGITS)]


@pytest.fixture(autouse=True)
def _float64():
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("name, settings, target, prediction", LOSSES)
def test_losses(name, settings, target, prediction, reduction, weights):
    settings = settings | {"reduction": reduction}
    its = getattr(keras.losses, name)(**settings)
    mine = getattr(chainrule.losses, name)(**settings)
    weight = WEIGHTS[weights]
    given = None if weight is None else torch.tensor(weight)
    found = float(its(torch.tensor(target), torch.tensor(prediction), sample_weight=given))
    assert mine(target, prediction, sample_weight=weight).value == pytest.approx(found, rel=1e-6)


def every_rule():
    for name in ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad"):
        yield name, {}
    for momentum, nesterov in itertools.product((0.0, 0.9), (False, True)):
        yield "SGD", {"learning_rate": 0.05, "momentum": momentum, "nesterov": nesterov}
    for rho, momentum, epsilon, centered in itertools.product(
        (0.9, 0.5), (0.0, 0.8), (1e-7, 1e-2), (False, True)
    ):
        given = {"rho": rho, "momentum": momentum, "epsilon": epsilon, "centered": centered}
        yield "RMSprop", {"learning_rate": 0.02} | given
    for beta_1, beta_2, epsilon, amsgrad in itertools.product(
        (0.9, 0.5), (0.999, 0.7), (1e-7, 1e-2), (False, True)
    ):
        given = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "amsgrad": amsgrad}
        yield "Adam", {"learning_rate": 0.02} | given
        yield "AdamW", {"learning_rate": 0.02, "weight_decay": 0.01} | given
    for epsilon, start in itertools.product((1e-7, 0.1), (0.0, 0.1, 1.0)):
        yield "Adagrad", {"epsilon": epsilon, "initial_accumulator_value": start}


@pytest.mark.parametrize("name, settings", list(every_rule()))
def test_ten_steps_of_an_optimizer(name, settings):
    weight, gradients = RNG.normal(size=5), RNG.normal(size=(10, 5))
    gradients[3] = 0.0
    variable = keras.Variable(weight, dtype="float64")
    its = getattr(keras.optimizers, name)(**settings)
    its.build([variable])
    mine = getattr(chainrule.optimizers, name)(**settings)
    slots = [np.full(5, mine.initial(slot)) for slot in mine.slots]
    for step, gradient in enumerate(gradients, 1):
        its.apply([torch.tensor(gradient)])
        weight, *slots = mine.update(weight, gradient, mine.line(step), *slots)
        np.testing.assert_allclose(weight, variable.numpy(), rtol=1e-9, atol=1e-12)


class Model:
    """What early stopping needs of a model: the weights are the epoch's number."""

    stop_training = False
    weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def stopped(rule, sequence, monitor):
    model = Model()
    rule.set_model(model)
    rule.on_train_begin()
    epochs = 0
    for epoch, value in enumerate(sequence):
        epochs, model.weights = epoch + 1, epoch
        rule.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            break
    rule.on_train_end()
    return epochs, rule.stopped_epoch, rule.best_epoch, model.weights


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping(seed):
    rng = np.random.default_rng(seed)
    sequence = np.round(rng.normal(size=12).cumsum() * 0.1 + 1, 2).tolist()
    monitor = ("val_loss", "val_accuracy")[seed % 2]
    settings = {
        "monitor": monitor,
        "mode": ("min", "max")[seed % 2],
        "min_delta": float(rng.choice([0, 0.05])),
        "patience": int(rng.integers(0, 5)),
        "restore_best_weights": bool(rng.integers(2)),
        "start_from_epoch": int(rng.choice([0, 0, 3])),
        "baseline": [None, None, 0.9, 0.2][int(rng.integers(4))],
    }
    mine = stopped(chainrule.callbacks.EarlyStopping(**settings), sequence, monitor)
    assert mine == stopped(keras.callbacks.EarlyStopping(**settings), sequence, monitor)


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


@pytest.mark.parametrize(
    "name",
    ["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal",
     "RandomNormal", "RandomUniform", "TruncatedNormal"],
)  # fmt: skip
def test_first_values_are_spread_alike(name):
    its = getattr(keras.initializers, name)(seed=1)((200, 300), dtype="float64").numpy()
    mine = getattr(chainrule.initializers, name)().values((200, 300), 1, 0)
    assert mine.std() == pytest.approx(its.std(), rel=0.02)
    assert abs(mine.mean()) < 0.02 * its.std()
    if name != "RandomNormal":
        assert np.abs(mine).max() == pytest.approx(np.abs(its).max(), rel=0.02)
