"""The same numbers as Keras: Nadam, schedules, clipping, constraints, callbacks of rates, CSV.

Keras rounds some means to float32 inside, so training is held to 1e-6.
"""

import csv
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
X, Y = RNG.normal(size=(64, 5)), 3 * RNG.normal(size=(64, 1))
START = [RNG.normal(size=(5, 7)), 0.1 * RNG.normal(size=7), RNG.normal(size=(7, 1)), np.zeros(1)]


@pytest.fixture(autouse=True)
def _float64():
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.mark.parametrize(
    "settings", [{}, {"learning_rate": 0.02, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2}]
)
def test_forty_steps_of_nadam(settings):
    weight = RNG.normal(size=5)
    variable = keras.Variable(weight, dtype="float64")
    its, mine = keras.optimizers.Nadam(**settings), chainrule.optimizers.Nadam(**settings)
    its.build([variable])
    slots = [np.zeros(5), np.zeros(5)]
    for step in range(1, 41):
        gradient = RNG.normal(size=5)
        its.apply([torch.tensor(gradient)])
        weight, *slots = mine.update(weight, gradient, mine.line(step), *slots)
        np.testing.assert_allclose(weight, variable.numpy(), rtol=1e-9, atol=1e-12)


SCHEDULES = [
    *[
        (name, (0.1, 10, 0.9), {"staircase": staircase})
        for name in ("ExponentialDecay", "InverseTimeDecay") for staircase in (False, True)
    ],
    ("PiecewiseConstantDecay", ([3, 10, 20], [0.1, 0.05, 0.02, 0.01]), {}),
    ("PolynomialDecay", (0.1, 30), {}),
    ("PolynomialDecay", (0.1, 30, 0.01, 2.5), {}),
    ("PolynomialDecay", (0.1, 7, 0.01, 0.5), {"cycle": True}),
    ("CosineDecay", (0.1, 30), {"alpha": 0.1}),
    ("CosineDecay", (0.01, 30), {"alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 7}),
    ("CosineDecay", (0.01, 30), {"warmup_target": 0.2}),
]  # fmt: skip


@pytest.mark.parametrize("name, given, settings", SCHEDULES)
def test_schedules(name, given, settings):
    its = getattr(keras.optimizers.schedules, name)(*given, **settings)
    mine = getattr(chainrule.optimizers.schedules, name)(*given, **settings)
    for step in range(60):
        assert mine(step) == pytest.approx(float(its(step)), rel=1e-12, abs=1e-16)


def built(library, optimizer, settings):
    rate = library.optimizers.schedules.CosineDecay(0.01, 30, warmup_target=0.05, warmup_steps=4)
    kept = library.constraints
    layers = library.layers
    extra = {"dtype": "float64"} if library is chainrule else {}
    model = library.Sequential([
        layers.Input((5,)),
        layers.Dense(7, "tanh", kernel_constraint=kept.MaxNorm(1.5), bias_constraint=kept.NonNeg()),
        layers.Dense(1, kernel_constraint=kept.UnitNorm()),
    ], **extra)  # fmt: skip
    model.set_weights(START)
    model.compile(getattr(library.optimizers, optimizer)(rate, **settings), "mse")
    return model


@pytest.mark.parametrize(
    "clip", [{}, {"clipnorm": 0.5}, {"clipvalue": 0.05}, {"global_clipnorm": 0.5}], ids=str
)
@pytest.mark.parametrize(
    "name, settings",
    [("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True}), ("RMSprop", {}), ("Adagrad", {}),
     ("Adam", {}), ("AdamW", {"weight_decay": 0.1}), ("Nadam", {})],
)  # fmt: skip
def test_training_with_a_schedule_clipped_and_constrained(name, settings, clip):
    its, mine = (built(library, name, settings | clip) for library in (keras, chainrule))
    for model in (its, mine):
        model.fit(X, Y, batch_size=16, epochs=6, shuffle=False, verbose=0)
    for found, want in zip(mine.get_weights(), its.get_weights(), strict=True):
        np.testing.assert_allclose(found, want, atol=2e-6)


class Model:
    """What a callback of rates needs of a model."""

    def __init__(self, optimizer):
        self.optimizer = optimizer


@pytest.mark.parametrize("seed", range(20))
def test_plateaus(seed):
    random = np.random.default_rng(seed)
    settings = {
        "patience": int(random.integers(0, 4)), "cooldown": int(random.integers(0, 3)),
        "factor": 0.5, "min_lr": 1e-3, "min_delta": float(random.choice([0, 0.1])),
    }  # fmt: skip
    model = chainrule.Sequential([chainrule.layers.Input((5,)), chainrule.layers.Dense(1)])
    model.compile(chainrule.optimizers.SGD(0.01), "mse")
    pairs = [
        (chainrule.callbacks.ReduceLROnPlateau("loss", **settings), Model(model.optimizer)),
        (keras.callbacks.ReduceLROnPlateau("loss", **settings), Model(keras.optimizers.SGD(0.01))),
    ]
    for callback, owner in pairs:
        callback.set_model(owner)
        callback.on_train_begin()
    for epoch, loss in enumerate(random.integers(0, 20, 40) / 10 - np.arange(40) / 30):
        for callback, _ in pairs:
            callback.on_epoch_end(epoch, {"loss": float(loss)})
        rates = [float(owner.optimizer.learning_rate) for _, owner in pairs]
        assert rates[0] == pytest.approx(rates[1], rel=1e-6)


@pytest.mark.parametrize("split", [0.0, 0.25])
def test_csv_files_look_alike(split, tmp_path):
    lines = []
    for library in (keras, chainrule):
        path = str(tmp_path / f"{library.__name__}.csv")
        model = built(library, "SGD", {})
        for append in (False, True):
            log = library.callbacks.CSVLogger(path, append=append)
            model.fit(X, Y, epochs=2, shuffle=False, validation_split=split, verbose=0,
                      callbacks=[log])  # fmt: skip
        with open(path, encoding="utf-8", newline="") as file:
            lines.append(list(csv.reader(file)))
    its, mine = lines
    assert its[0] == mine[0]
    assert len(its) == len(mine)
    for a, b in zip(its[1:], mine[1:], strict=True):
        assert [x for x in a if x == "NA"] == [x for x in b if x == "NA"]
        np.testing.assert_allclose(
            [float(x) for x in a if x != "NA"], [float(x) for x in b if x != "NA"], rtol=1e-4
        )
