"""Callbacks that change the rate: Keras's meaning, by numbers counted by hand."""

import math

import numpy as np
import pytest

import chainrule
from chainrule import optimizers, random
from chainrule.callbacks import Callback, LearningRateScheduler, ReduceLROnPlateau
from chainrule.errors import InputTypeError, SettingError
from chainrule.layers import Dense, Stack
from chainrule.losses import METRICS
from chainrule.training import Trainer

X = random.normal(1, 0, 0, 60).reshape(20, 3)
Y = X.sum(axis=1)


def trainer(rate=0.01):
    return Trainer(Stack([Dense(1)], (3,)), "mse", optimizers.SGD(rate), dtype="float64", seed=2)


class Script(Callback):
    """Puts given numbers in the place of the loss."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["loss"] = self.values[epoch]


VALUES = [3, 2, 1.5, 1.5, 1.5, 1.4999, 1.0, 1.2, 1.3, 1.4, 1.5, 1.0, 1.1, 1.2, 0.5, 0.6, 0.7, 0.8]
# settings, and the rate after each epoch that Keras 3 gave for these values
PLATEAUS = [
    ({"patience": 2}, [1e-2] * 4 + [1e-3] * 4 + [1e-4] * 2 + [1e-5] * 2 + [1e-6] * 4 + [1e-7] * 2),
    ({"patience": 2, "cooldown": 2},
     [1e-2] * 4 + [1e-3] * 4 + [1e-4] * 3 + [1e-5] * 5 + [1e-6] * 2),
    ({"patience": 1, "min_lr": 0.003}, [1e-2] * 3 + [0.003] * 15),
    ({"patience": 2, "min_delta": 0.2, "factor": 0.5},
     [0.01] * 4 + [0.005] * 4 + [0.0025] * 2 + [0.00125] * 2 + [0.000625] * 4 + [0.0003125] * 2),
]  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_what_is_better_larger_is_known_of_every_metric(name):
    losses = {"rmse", "root_mean_squared_error"}
    plateau = ReduceLROnPlateau(f"val_{name}", min_delta=0)
    assert plateau._improves(0.6, 0.5) == (name not in losses)
    assert plateau._improves(0.4, 0.5) == (name in losses)
    assert not plateau._improves(0.5, 0.5)


@pytest.mark.parametrize("settings, rates", PLATEAUS)
def test_plateaus_are_kerass(settings, rates):
    one = trainer()
    plateau = ReduceLROnPlateau("loss", **settings)
    after = []

    class Reads(Callback):
        def on_epoch_end(self, epoch, logs=None):
            after.append(self.model.optimizer.learning_rate)

    callbacks = [Script(VALUES), plateau, Reads()]
    history = one.fit(X, Y, epochs=len(VALUES), callbacks=callbacks)
    np.testing.assert_allclose(after, rates, rtol=1e-6)
    # what is recorded is the rate with which the epoch was trained
    assert history.history["learning_rate"] == [0.01, *after[:-1]]
    # turned around, the larger is the better; and it may be used again
    one = trainer()
    plateau = ReduceLROnPlateau("loss", mode="max", **settings)
    for _ in range(2):
        one.optimizer.learning_rate = 0.01
        one.fit(X, Y, epochs=18, callbacks=[Script([-v for v in VALUES]), plateau])
        assert one.optimizer.learning_rate == pytest.approx(rates[-1])


def test_nan_is_no_improvement():
    one = trainer()
    plateau = ReduceLROnPlateau("loss", patience=2)
    one.fit(X, Y, epochs=3, callbacks=[Script([math.nan] * 3), plateau])
    assert one.optimizer.learning_rate == pytest.approx(0.001)


def test_a_rate_is_never_reduced_to_0():
    one = trainer(1e-300)
    plateau = ReduceLROnPlateau("loss", patience=0, factor=1e-10)
    one.fit(X, Y, epochs=5, callbacks=[Script([1] * 5), plateau])
    assert 0 < one.optimizer.learning_rate <= 1e-310


@pytest.mark.parametrize("by_rate", [False, True])
def test_a_function_of_the_epoch_sets_the_rate(by_rate):
    one, other = trainer(0.1), trainer(0.1)
    function = (lambda epoch, rate: rate * 0.95) if by_rate else (lambda epoch: 0.1 * 0.95**epoch)
    history = one.fit(X, Y, epochs=4, callbacks=[LearningRateScheduler(function)])
    for epoch in range(4):
        other.optimizer.learning_rate = function(epoch, other.optimizer.learning_rate) if (
            by_rate) else function(epoch)  # fmt: skip
        other.fit(X, Y, epochs=epoch + 1, initial_epoch=epoch)
    assert (one.parameters.flat == other.parameters.flat).all()
    first = 0.095 if by_rate else 0.1
    want = [first * 0.95**epoch for epoch in range(4)]
    np.testing.assert_allclose(history.history["learning_rate"], want)


def test_a_function_with_defaults_and_a_method_are_taken_too():
    class Plan:
        def rate(self, epoch, rate, factor=0.5):
            return np.float32(rate * factor)

    one = trainer(0.5)
    one.fit(X, Y, epochs=2, callbacks=[LearningRateScheduler(Plan().rate)])
    assert one.optimizer.learning_rate == 0.125


def test_reduced_rates_are_saved(tmp_path):
    model = chainrule.Sequential([Dense(1)], seed=1)
    model.compile(optimizers.Adam(0.5), "mse")
    model.fit(X, Y, epochs=2, callbacks=[LearningRateScheduler(lambda epoch: 0.25 / (epoch + 1))])
    model.save(tmp_path / "m.safetensors")
    assert chainrule.load_model(tmp_path / "m.safetensors").optimizer.learning_rate == 0.125


SCHEDULED = optimizers.schedules.LinearDecay(0.1, 10)


@pytest.mark.parametrize(
    "rate, make, error, words",
    [
        (SCHEDULED, lambda: ReduceLROnPlateau("loss"), SettingError, "ReduceLROnPlateau: the opt"),
        (
            SCHEDULED,
            lambda: LearningRateScheduler(lambda e: 1.0),
            SettingError,
            "is a schedule alr",
        ),
        (
            0.1,
            ReduceLROnPlateau,
            SettingError,
            r"no 'val_loss' to monitor; .*'loss', 'learning_rat",
        ),
        (
            0.1,
            lambda: LearningRateScheduler(lambda e: None),
            SettingError,
            "for epoch 0 must be a n",
        ),
        (0.1, lambda: LearningRateScheduler(lambda e: -1), SettingError, "above 0, got -1"),
        (0.1, lambda: LearningRateScheduler(0.1), InputTypeError, "a function of the epoch, or of"),
        (0.1, lambda: LearningRateScheduler(lambda: 1), InputTypeError, "it must take the epoch"),
        (0.1, lambda: ReduceLROnPlateau(factor=1.0), SettingError, "factor must be .* below 1"),
        (0.1, lambda: ReduceLROnPlateau(patience=-1), SettingError, "patience must be a whole"),
        (0.1, lambda: ReduceLROnPlateau(cooldown=0.5), SettingError, "cooldown must be a whole"),
        (0.1, lambda: ReduceLROnPlateau(min_lr=-1), SettingError, "min_lr must be a number of 0"),
        (
            0.1,
            lambda: ReduceLROnPlateau(mode="up"),
            SettingError,
            "ReduceLROnPlateau: mode must be",
        ),
        (0.1, lambda: ReduceLROnPlateau(3), InputTypeError, "ReduceLROnPlateau: monitor must be a"),
    ],
)
def test_what_cannot_be_is_said(rate, make, error, words):
    with pytest.raises(error, match=words):
        trainer(rate).fit(X, Y, callbacks=[make()])
