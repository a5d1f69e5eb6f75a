"""Gradients of whole networks, by the engine that trains, against central differences."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.engine import engine_info
from chainrule.errors import GradientError, SettingError
from chainrule.layers import (
    ACTIVATIONS,
    BatchNormalization,
    Dense,
    Dropout,
    Input,
    Layer,
    Parameter,
)
from chainrule.losses import LOSSES, find_loss

RNG = np.random.default_rng(3)
X = RNG.normal(size=(17, 4))
SHARES = RNG.dirichlet(np.ones(3), 17)
TARGETS = {
    "numbers": RNG.normal(size=(17, 3)),
    "probabilities": SHARES,
    "counts": RNG.poisson(2.0, (17, 3)).astype(float),
    "labels": RNG.integers(0, 3, 17),
}
ENGINES = ("numpy", "native") if engine_info()["native"] else ("numpy",)


def built(hidden, last, loss, engine, dtype="float64", **settings):
    layers = [Input((4,)), Dense(5, hidden, kernel_regularizer="l2"), Dense(3, last)]
    model = chainrule.Sequential(layers, seed=2, dtype=dtype)
    model.compile("adam", loss, engine=engine, **settings)
    return model


def last_of(loss):
    """An output that the loss can be taken of: probabilities, or numbers above 0."""
    kind = find_loss(loss).target_kind
    return {"labels": "softmax", "probabilities": "softmax", "counts": "sigmoid"}.get(kind)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("hidden", sorted(ACTIVATIONS))
def test_every_activation_in_a_network(engine, hidden):
    if hidden in ("softmax", "log_softmax"):
        model = built("tanh", hidden, "mse", engine)
    else:
        model = built(hidden, None, "mse", engine)
    assert model.check_gradient(X, TARGETS["numbers"]) <= 1e-6


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_every_loss_in_a_network(engine, name, reduction):
    kind = type(find_loss(name))
    last = "sigmoid" if name == "binary_crossentropy" else last_of(name)
    model = built("tanh", last, kind(reduction=reduction), engine)
    weights = np.linspace(0, 2, 17)
    assert model.check_gradient(X, TARGETS[kind.target_kind], weights) <= 1e-6


@pytest.mark.parametrize("engine", ENGINES)
def test_masks_of_the_next_step_and_what_adapts_are_in_it(engine):
    layers = [Dropout(0.3), Dense(8, "tanh"), BatchNormalization(), Dropout(0.5), Dense(3)]
    model = chainrule.Sequential([Input((4,)), *layers], seed=2)
    model.compile("sgd", "mse", engine=engine)
    model.fit(X, TARGETS["numbers"], epochs=2, verbose=0)
    before, steps = model.get_weights(), model.optimizer.iterations
    assert model.check_gradient(X, TARGETS["numbers"]) <= 1e-6
    assert model.optimizer.iterations == steps
    for old, new in zip(before, model.get_weights(), strict=True):
        assert (old == new).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_its_masks_are_those_that_the_next_step_draws(engine):
    """A row has one number, made 2 or 0. The loss is (|0 * it| + |1 * it|) / 2: 1 or 0.

    Where the number is kept, the weight 0 stands on a kink, which the check refuses: its slopes
    on both sides differ, and the gradient, 0, is neither of them nor their mean.
    """
    layers = [Input((1,)), Dropout(0.5), Dense(2, "leaky_relu", use_bias=False)]
    model = chainrule.Sequential(layers, seed=7)
    model.compile(chainrule.optimizers.SGD(1e-30), "mae", engine=engine)
    model.set_weights([np.array([[0.0, 1.0]])])
    row, target = np.ones((1, 1)), np.zeros((1, 2))
    kept, on_kink = [], []
    for _ in range(12):
        try:
            model.check_gradient(row, target)
            on_kink.append(0.0)
        except GradientError:
            on_kink.append(1.0)
        kept.append(model.train_on_batch(row, target))
    assert set(kept) == {0.0, 1.0}
    assert on_kink == kept


def squared_wrongly():
    """An operation of which the rule is off by a thousandth."""

    @chainrule.operation
    def nearly_square(x):
        return x * x

    @nearly_square.gradient
    def _(g, y, x):
        return g * 2.002 * x

    return nearly_square


def test_a_wrong_rule_is_found_with_the_weight_it_spoils():
    model = built(squared_wrongly(), None, "mse", "numpy")
    with pytest.raises(GradientError, match=r"dense/kernel\[\d, \d\]: the gradient rule gives"):
        model.check_gradient(X, TARGETS["numbers"])
    assert 1e-4 < model.check_gradient(X, TARGETS["numbers"], rtol=0.1) < 1e-2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kink_is_told_from_a_wrong_rule(engine):
    model = built("relu", None, "mse", engine)
    model.layers[0].set_weights([np.zeros((4, 5)), np.zeros(5)])
    before = model.get_weights()
    with pytest.raises(GradientError, match=r"dense/kernel\[\d, \d\]: the function has a kink"):
        model.check_gradient(X, TARGETS["numbers"])
    for old, new in zip(before, model.get_weights(), strict=True):
        assert (old == new).all()


@dataclass(frozen=True)
class Shift(Layer):
    """x + rule(shift)"""

    rule: Any

    def parameters(self, shape):
        yield Parameter("shift", shape, "ones")

    def apply(self, x, *parameters):
        return x + self.rule(parameters[0])


def test_every_parameter_is_looked_at_that_is_trained():
    for trainable in (True, False):
        shift = Shift(squared_wrongly(), name="last", trainable=trainable)
        model = chainrule.Sequential([Input((4,)), Dense(3, "tanh"), Dense(3), shift], seed=2)
        model.compile("sgd", "mse", engine="numpy")
        if trainable:
            with pytest.raises(GradientError, match=r"last/shift\[\d\]: the gradient rule gives"):
                model.check_gradient(X, TARGETS["numbers"])
        else:
            assert model.check_gradient(X, TARGETS["numbers"]) <= 1e-6


def test_of_large_parameters_some_numbers_are_looked_at():
    model = chainrule.Sequential([Input((200,)), Dense(200), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    wide = RNG.normal(size=(3, 200))
    assert model.check_gradient(wide, np.ones(3), most=5) <= 1e-6


@pytest.mark.parametrize(
    "settings, words", [({"rtol": 0}, "rtol .* above 0, got 0"), ({"most": 0}, "most .* got 0")]
)
def test_bad_settings_get_a_sentence(settings, words):
    with pytest.raises(SettingError, match=words):
        built("tanh", None, "mse", "numpy").check_gradient(X, TARGETS["numbers"], **settings)


def test_one_row_at_a_time_adds_up_to_the_matrix_form():
    """Delta := Delta + a delta, D = Delta / m, equals the gradient of the batch."""
    for engine, loss in itertools.product(ENGINES, ("squared_error", "categorical_crossentropy")):
        last = None if loss == "squared_error" else "softmax"
        target = "numbers" if last is None else "probabilities"
        model = chainrule.Sequential(
            [Input((4,)), Dense(6, "sigmoid"), Dense(5, "tanh"), Dense(3, last)],
            seed=4, dtype="float64",
        )  # fmt: skip
        model.compile("sgd", loss, engine=engine)
        whole = model.trainer.gradient(X, TARGETS[target])[1]
        rows = [
            model.trainer.gradient(X[i : i + 1], TARGETS[target][i : i + 1])[1] for i in range(17)
        ]
        np.testing.assert_allclose(np.sum(rows, axis=0) / 17, whole, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("hidden", ["relu", "leaky_relu", "elu", "selu", "relu6"])
def test_kinks_of_many_rows_are_no_faults(engine, hidden):
    wide, targets = RNG.normal(size=(300, 6)), RNG.normal(size=(300, 1))
    for seed in range(2):
        layers = [Input((6,)), Dense(16, hidden), Dense(16, hidden), Dense(1)]
        model = chainrule.Sequential(layers, seed=seed)
        model.compile("sgd", "mse", engine=engine)
        assert model.check_gradient(wide, targets, most=30) <= 1e-6


def test_a_wrong_rule_is_found_among_kinks_too():
    @chainrule.operation
    def nearly_relu(x):
        return np.maximum(x, 0.0)

    @nearly_relu.gradient
    def _(g, y, x):
        return g * chainrule.ops.greater(y, 0.0) * 1.001

    layers = [Input((6,)), Dense(16, nearly_relu), Dense(16, "relu"), Dense(1)]
    model = chainrule.Sequential(layers, seed=1)
    model.compile("sgd", "mse", engine="numpy")
    with pytest.raises(GradientError, match="dense/"):
        model.check_gradient(RNG.normal(size=(300, 6)), RNG.normal(size=(300, 1)), most=30)
