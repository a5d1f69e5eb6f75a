"""The update of a step: every optimizer, schedule and clip against NumPy, constraints, resuming."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from tests.training.oracle import gradients, trained

import chainrule
from chainrule import constraints, optimizers, random
from chainrule.errors import SettingError
from chainrule.graph import ops
from chainrule.layers import Constraint, Dense, Input
from chainrule.optimizers import schedules

RNG = np.random.default_rng(5)
X, T = RNG.normal(size=(48, 3)), 4 * RNG.normal(size=(48, 2))
START = [RNG.normal(size=(3, 5)), 0.1 * RNG.normal(size=5), RNG.normal(size=(5, 2)), np.zeros(2)]

RULES = ["SGD", "RMSprop", "Adagrad", "Adam", "AdamW", "Nadam"]
RATES = {
    "number": (0.02, lambda t: 0.02),
    "decay": (schedules.ExponentialDecay(0.02, 5, 0.7), lambda t: 0.02 * 0.7 ** (t / 5)),
    "cosine": (
        schedules.CosineDecay(0.001, 15, warmup_target=0.03, warmup_steps=4),
        lambda t: 0.001 + 0.029 * t / 4 if t < 4
        else 0.015 * (1 + math.cos(math.pi * min(t - 4, 15) / 15)),
    ),
    "own": (lambda t: 0.05 / (t + 1), lambda t: 0.05 / (t + 1)),
}  # fmt: skip
CLIPS = [(None, 0), ("clipnorm", 1.0), ("clipvalue", 0.1), ("global_clipnorm", 1.5)]
PRECISION = {"float32": 2e-5, "float64": 1e-11}

ENGINES = ["native", "numpy"] if random.has_native() else ["numpy"]
each_engine = pytest.mark.parametrize("engine", ENGINES)
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def network(optimizer, dtype="float64", engine="auto", kernel=None, bias=None, **settings):
    layers = [Input((3,)), Dense(5, "tanh", kernel_constraint=kernel, bias_constraint=bias),
              Dense(2, **settings)]  # fmt: skip
    model = chainrule.Sequential(layers, seed=1, dtype=dtype)
    model.set_weights(START)
    model.compile(optimizer, "mse", engine=engine)
    return model


def rule_of(name, rate, clip=None, most=0.0):
    settings = {"momentum": 0.9} if name == "SGD" else {}
    settings |= {clip: most} if clip else {}
    return getattr(optimizers, name)(rate, **settings)


def assert_near(model, want, dtype):
    for found, array in zip(model.get_weights(), want, strict=True):
        np.testing.assert_allclose(found, array, rtol=PRECISION[dtype], atol=PRECISION[dtype])


@each_engine
@each_type
@pytest.mark.parametrize("name", RULES)
def test_every_rule_schedule_and_clip_trains_as_numpy_does(name, dtype, engine):
    for rate, function in RATES.values():
        for clip, most in CLIPS:
            model = network(rule_of(name, rate, clip, most), dtype, engine)
            model.fit(X, T, batch_size=16, epochs=7, shuffle=False)
            want = trained(name, START, X, T, 16, 21, function, (clip, most))
            assert_near(model, want, dtype)


@each_engine
@each_type
@pytest.mark.parametrize("clip", CLIPS[1:], ids=str)
def test_clipping_what_is_not_too_large_changes_no_bit(clip, dtype, engine):
    """Where nothing is too large, no bit changes; with clipping something must."""
    name, _ = clip
    plain, huge, tight = (
        network(optimizers.Adam(0.01, **settings), dtype, engine)
        for settings in ({}, {name: 1e6}, {name: 1e-3})
    )
    for model in (plain, huge, tight):
        model.fit(X, T, batch_size=16, epochs=3)
    assert (plain.trainer.parameters.flat == huge.trainer.parameters.flat).all()
    assert (plain.trainer.parameters.flat != tight.trainer.parameters.flat).any()


def test_norms_are_clipped_parameter_by_parameter():
    slopes = gradients(START, X, T)
    norms = [float(np.sqrt((g**2).sum())) for g in slopes]
    most = sorted(norms)[1] * 1.01  # two are below, two above
    model = network(optimizers.SGD(1.0, clipnorm=most))
    model.train_on_batch(X, T)
    for found, before, slope, norm in zip(model.get_weights(), START, slopes, norms, strict=True):
        step = np.sqrt(((found - before) ** 2).sum())
        assert step == pytest.approx(min(norm, most), rel=1e-12)
        np.testing.assert_allclose(before - found, slope * min(1, most / norm), rtol=1e-9)


def test_a_gradient_of_0_is_clipped_to_0():
    for clip in ("clipnorm", "clipvalue", "global_clipnorm"):
        model = network(optimizers.SGD(1.0, **{clip: 1.0}))
        model.fit(X, model.predict(X), batch_size=48)
        for found, before in zip(model.get_weights(), START, strict=True):
            np.testing.assert_allclose(found, before, atol=1e-15)


def test_frozen_layers_are_no_part_of_the_norm():
    model = network(optimizers.SGD(1.0, global_clipnorm=0.5))
    model.layers[0].trainable = False
    model.train_on_batch(X, T)
    moved = [a - b for a, b in zip(model.get_weights(), START, strict=True)]
    assert not moved[0].any()
    assert not moved[1].any()
    assert math.sqrt(sum((m**2).sum() for m in moved)) == pytest.approx(0.5)


def after_seam(**settings):
    tape = network(optimizers.SGD(0.1), **settings).trainer.task.program("step").tape
    return [one.name for one in tape.instructions[tape.seam :]]


def test_what_is_not_asked_for_costs_nothing():
    assert after_seam() == ["fused"]
    assert after_seam(kernel_regularizer="l2") == ["fused"]
    assert "concatenate" in after_seam(kernel="non_neg")


def bounded(weights):
    """What the constraints below ask for, in NumPy."""
    w, b, v, _ = weights
    norm = np.sqrt((w**2).sum(axis=0))
    w *= np.minimum(norm, 0.8) / (norm + 1e-7)
    b[...] = np.maximum(b, 0)
    v /= np.sqrt((v**2).sum(axis=1, keepdims=True)) + 1e-7


@each_engine
@each_type
@pytest.mark.parametrize("name", RULES)
def test_constraints_hold_after_each_step(name, dtype, engine):
    model = network(
        rule_of(name, 0.02), dtype, engine, constraints.max_norm(0.8), "non_neg",
        kernel_constraint=constraints.unit_norm(axis=1),
    )  # fmt: skip
    model.fit(X, T, batch_size=16, epochs=7, shuffle=False)
    want = trained(name, START, X, T, 16, 21, lambda t: 0.02, constrain=bounded)
    assert_near(model, want, dtype)
    assert np.sqrt((model.layers[0].kernel ** 2).sum(axis=0)).max() <= 0.8 * (1 + 1e-6)
    assert (model.layers[0].bias >= 0).all()
    np.testing.assert_allclose((model.layers[1].kernel ** 2).sum(axis=1), 1, atol=1e-5)


def test_a_constraint_leaves_other_parameters_alone():
    plain, one = network(optimizers.Adam(0.01)), network(optimizers.Adam(0.01), bias="non_neg")
    for model in (plain, one):
        model.fit(X, T, batch_size=48)
    found, want = one.get_weights(), plain.get_weights()
    want[1] = np.maximum(want[1], 0)
    assert all((a == b).all() for a, b in zip(found, want, strict=True))


@dataclass(frozen=True)
class Box(Constraint):
    most: float

    def __call__(self, parameter):
        return ops.maximum(ops.minimum(parameter, self.most), -self.most)


@each_engine
def test_a_constraint_of_ones_own(engine):
    model = network(optimizers.SGD(0.5), engine=engine, kernel=Box(0.1), bias=Box(0.2))
    model.fit(X, T, epochs=2)
    assert np.abs(model.layers[0].kernel).max() == 0.1
    assert np.abs(model.layers[0].bias).max() <= 0.2


def test_an_own_optimizer_can_be_clipped_and_scheduled():
    @dataclass(frozen=True)
    class Signs(optimizers.Optimizer):
        learning_rate: optimizers.Rate = 0.1

        def update(self, weight, gradient, line, *slots):
            return (weight - line[0] * gradient,)

    model = network(Signs(schedules.LinearDecay(0.5, 4), clipvalue=0.1))
    want = START
    for step in range(3):
        model.train_on_batch(X, T)
        slopes = gradients(want, X, T)
        rate = 0.5 * (1 - step / 4)
        want = [w - rate * np.clip(g, -0.1, 0.1) for w, g in zip(want, slopes, strict=True)]
    assert_near(model, want, "float64")


SAVED = {
    "adam": optimizers.Adam(schedules.CosineDecay(0.01, 20), clipnorm=1.0),
    "nadam": optimizers.Nadam(schedules.OneCycle(0.02, 24), global_clipnorm=2.0),
    "sgd": optimizers.SGD(schedules.PiecewiseConstantDecay([7, 9], [0.1, 0.05, 0.01]), 0.9),
    "rmsprop": optimizers.RMSprop(schedules.PolynomialDecay(0.01, 20, power=1.5), clipvalue=0.2),
    "adamw": optimizers.AdamW(schedules.ExponentialDecay(0.01, 5, 0.7)),
    "adagrad": optimizers.Adagrad(schedules.InverseTimeDecay(0.1, 5, 0.7)),
}


@each_engine
@each_type
@pytest.mark.parametrize("rule", SAVED.values(), ids=list(SAVED))
def test_a_model_saved_within_a_schedule_goes_on_to_the_same_bits(rule, dtype, engine, tmp_path):
    def made():
        return network(rule, dtype, engine, constraints.max_norm(2), kernel_constraint="unit_norm",
                       kernel_regularizer=chainrule.regularizers.lp(2, 0.1))  # fmt: skip

    whole, first = made(), made()
    for model in (whole, first):
        model.fit(X, T, batch_size=16, epochs=3)
        for _ in range(2):
            model.train_on_batch(X, T)
    whole.fit(X, T, batch_size=16, epochs=7, initial_epoch=3)
    first.save(tmp_path / "model.safetensors")
    other = chainrule.load_model(tmp_path / "model.safetensors")
    assert other.optimizer.description == rule
    assert other.optimizer.learning_rate == rule.learning_rate(11)
    assert other.layers[0].kernel_constraint == constraints.max_norm(2)
    other.fit(X, T, batch_size=16, epochs=7, initial_epoch=3)
    assert (other.trainer.parameters.flat == whole.trainer.parameters.flat).all()
    assert other.optimizer.iterations == 23


def test_a_schedule_goes_the_same_way_however_steps_are_cut():
    """One call an epoch, a call a step, and several epochs a call."""
    models = [network(optimizers.Adam(schedules.CosineDecay(0.01, 20))) for _ in range(3)]
    models[0].fit(X, T, batch_size=16, epochs=7)
    batches = chainrule.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    models[1].fit(X, T, batch_size=16, epochs=7, callbacks=[batches])
    epochs = chainrule.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    models[2].fit(X, T, batch_size=16, epochs=7, callbacks=[epochs])
    flats = [model.trainer.parameters.flat for model in models]
    assert (flats[0] == flats[1]).all()
    assert (flats[0] == flats[2]).all()


def test_the_rate_of_a_schedule_can_be_read_and_not_set():
    model = network(optimizers.Adam(schedules.LinearDecay(0.1, 6)))
    assert model.optimizer.learning_rate == 0.1
    model.fit(X, T, batch_size=16)
    assert model.optimizer.learning_rate == 0.05
    assert model.optimizer.scheduled
    with pytest.raises(SettingError, match="learning_rate is a schedule and cannot be set"):
        model.optimizer.learning_rate = 0.1
    model.optimizer.learning_rate = schedules.LinearDecay(0.3, 6)
    assert model.optimizer.learning_rate == pytest.approx(0.15)
    plain = network(optimizers.Adam(0.1))
    assert not plain.optimizer.scheduled
    plain.optimizer.learning_rate = schedules.LinearDecay(0.3, 6)
    assert plain.optimizer.learning_rate == 0.3


def test_a_rate_that_is_none_stops_with_a_sentence():
    model = network(optimizers.SGD(lambda step: 0.1 - step))
    model.train_on_batch(X, T)
    with pytest.raises(SettingError, match=r"the schedule <lambda> gives -0.9 for step 1; it must"):
        model.fit(X, T)
