"""Trainings by a schedule, with gradients clipped and weights constrained."""

import numpy as np
import pytest
from tests.peers.libraries import keras

import chainrule

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 5)), 3 * RNG.normal(size=(64, 1))
START = [RNG.normal(size=(5, 7)), 0.1 * RNG.normal(size=7), RNG.normal(size=(7, 1)), np.zeros(1)]


def built(library, optimizer, settings, engine):
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
    more = {"engine": engine} if library is chainrule else {}
    model.compile(getattr(library.optimizers, optimizer)(rate, **settings), "mse", **more)
    return model


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize(
    "clip", [{}, {"clipnorm": 0.5}, {"clipvalue": 0.05}, {"global_clipnorm": 0.5}], ids=str
)
@pytest.mark.parametrize(
    "name, settings",
    [("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True}), ("RMSprop", {}), ("Adagrad", {}),
     ("Adam", {}), ("AdamW", {"weight_decay": 0.1}), ("Nadam", {})],
)  # fmt: skip
def test_training_with_a_schedule_clipped_and_constrained(name, settings, clip, engine, compared):
    compared("Keras", f"training: {name}({settings | clip}) by schedule, constrained, {engine}")
    its, mine = (built(library, name, settings | clip, engine) for library in (keras, chainrule))
    for model in (its, mine):
        model.fit(X, Y, batch_size=16, epochs=6, shuffle=False, verbose=0)
    for found, want in zip(mine.get_weights(), its.get_weights(), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-9)
