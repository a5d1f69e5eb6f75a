"""Normalization and embedding: formulas written out in NumPy, state, and what is refused."""

import numpy as np
import pytest

import chainrule
from chainrule import engine, graph
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Draws,
    Embedding,
    Flatten,
    GroupNormalization,
    Input,
    LayerNormalization,
    Normalization,
    PReLU,
    Stack,
)

RNG = np.random.default_rng(7)
X = RNG.normal(3.0, 2.0, (23, 6))
Y = RNG.normal(size=(23, 2))
ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(
        name == "native" and not engine.engine_info()["native"], reason="no native module"))
    for name in ("numpy", "native")
]  # fmt: skip
on_both = pytest.mark.parametrize("where", ENGINES)
in_both = pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 2e-5)])


def built(layers, where="auto", dtype="float64", rate=0.1, shape=(6,), seed=1):
    model = chainrule.Sequential([Input(shape), *layers], seed=seed, dtype=dtype)
    model.compile(chainrule.optimizers.SGD(rate), "mse", engine=where)
    return model


def filled(model):
    """The model with weights of which none is 0 or 1, variances above 0."""
    model.set_weights([0.5 + RNG.uniform(size=w.shape) for w in model.get_weights()])
    return model


@on_both
@in_both
def test_batch_normalization_uses_the_batch_in_training_and_moving_numbers_in_prediction(
    where, dtype, rtol
):
    model = filled(built([BatchNormalization(0.9, 0.01)], where, dtype, rate=1e-30))
    gamma, beta, mean, variance = (w.astype(np.float64) for w in model.get_weights())
    target = np.zeros_like(X)
    for start in (0, 10, 20):  # a last batch of three rows
        batch = X[start : start + 10]
        normal = (batch - batch.mean(0)) / np.sqrt(batch.var(0) + 0.01)
        wanted = ((gamma * normal + beta) ** 2).mean()
        got = model.train_on_batch(batch, target[start : start + 10], return_dict=True)["loss"]
        assert got == pytest.approx(wanted, rel=rtol)
        mean = 0.9 * mean + 0.1 * batch.mean(0)
        variance = 0.9 * variance + 0.1 * batch.var(0)
    np.testing.assert_allclose(model.layers[0].moving_mean, mean, rtol=rtol)
    np.testing.assert_allclose(model.layers[0].moving_variance, variance, rtol=rtol)
    predicted = gamma * (X - mean) / np.sqrt(variance + 0.01) + beta
    np.testing.assert_allclose(model.predict(X, verbose=0), predicted, rtol=100 * rtol, atol=rtol)


@on_both
def test_batch_normalization_over_more_axes_and_of_one_row(where):
    model = filled(built([BatchNormalization(0.5), Flatten()], where, shape=(3, 2), rate=1e-30))
    gamma, beta, mean, _ = model.get_weights()
    x = X.reshape(23, 3, 2)
    normal = (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-3)
    wanted = ((gamma * normal + beta) ** 2).mean()
    assert model.train_on_batch(x, np.zeros((23, 6))) == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(model.layers[0].moving_mean, (mean + x.mean((0, 1))) / 2, rtol=1e-12)
    single = filled(built([BatchNormalization(0.5)], where, rate=1e-30))
    gamma, beta, mean, variance = single.get_weights()
    single.train_on_batch(X[:1], np.zeros((1, 6)))
    np.testing.assert_allclose(single.layers[0].moving_mean, (mean + X[0]) / 2, rtol=1e-12)
    np.testing.assert_allclose(single.layers[0].moving_variance, variance / 2, rtol=1e-12)


@on_both
def test_frozen_batch_normalization_uses_and_keeps_its_moving_numbers(where):
    model = filled(built([BatchNormalization(0.5, trainable=False), Dense(2)], where))
    gamma, beta, mean, variance = before = model.get_weights()[:4]
    kernel, bias = model.get_weights()[4:]
    normal = (X - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    wanted = ((normal @ kernel + bias - Y) ** 2).mean()
    assert model.train_on_batch(X, Y) == pytest.approx(wanted, rel=1e-12)
    for old, new in zip(before, model.get_weights(), strict=False):
        assert (old == new).all()
    model.layers[0].trainable = True
    model.train_on_batch(X, Y)
    assert (model.layers[0].moving_mean != mean).all()


@on_both
@in_both
def test_layer_normalization_is_the_formula(where, dtype, rtol):
    model = filled(built([LayerNormalization(0.01)], where, dtype))
    gamma, beta = model.get_weights()
    wanted = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 0.01) * gamma + beta
    np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=100 * rtol, atol=rtol)


@on_both
@in_both
@pytest.mark.parametrize("groups", [1, 2, 3, 6, -1])
def test_group_normalization_is_the_formula(where, dtype, rtol, groups):
    model = filled(built([GroupNormalization(groups)], where, dtype, shape=(4, 6)))
    gamma, beta = model.get_weights()
    x = RNG.normal(1.0, 3.0, (9, 4, 6))
    size = 1 if groups == -1 else 6 // groups
    wanted = np.empty_like(x)
    for first in range(0, 6, size):
        part = x[:, :, first : first + size]
        left = part - part.mean((1, 2), keepdims=True)
        wanted[:, :, first : first + size] = left / np.sqrt(part.var((1, 2), keepdims=True) + 1e-3)
    wanted = wanted * gamma + beta
    np.testing.assert_allclose(model.predict(x, verbose=0), wanted, rtol=100 * rtol, atol=rtol)


EVERY = {
    "batch": [Dense(4, "tanh"), BatchNormalization(), Dense(2)],
    "frozen": [Dense(4, "tanh"), BatchNormalization(trainable=False), Dense(2)],
    "layer": [Dense(4, "tanh"), LayerNormalization(), Dense(2)],
    "group": [Dense(4, "tanh"), GroupNormalization(2), Dense(2)],
    "fixed": [Normalization(mean=[0.5] * 6, variance=[4.0] * 6), Dense(3, "tanh"), Dense(2)],
    "activity": [Dense(4, "tanh", activity_regularizer="l1_l2"), Dense(2)],
    "bare": [BatchNormalization(center=False, scale=False), Dense(2, activity_regularizer="l2")],
}


@on_both
@pytest.mark.parametrize("name", EVERY)
def test_gradients_agree_with_central_differences(where, name):
    model = filled(built(EVERY[name], where))
    assert model.check_gradient((X - 3.0) / 8.0, Y) < 1e-6


@on_both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EVERY)
def test_saved_and_fitted_on_gives_the_same_bits(where, name, dtype, tmp_path):
    model, other = (built(EVERY[name], where, dtype) for _ in range(2))
    model.fit(X, Y, epochs=4, batch_size=5, verbose=0)
    other.fit(X, Y, epochs=2, batch_size=5, verbose=0)
    other.save(tmp_path / "m.safetensors")
    other = chainrule.load_model(tmp_path / "m.safetensors")
    other.fit(X, Y, epochs=2, batch_size=5, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


@on_both
def test_a_loss_that_is_not_finite_leaves_the_moving_numbers_alone(where):
    model = built([BatchNormalization(), Dense(2)], where, "float32")
    before = model.get_weights()
    with pytest.raises(chainrule.TrainingError):
        model.train_on_batch(X, np.full((23, 2), 3e38, np.float32))
    for old, new in zip(before, model.get_weights(), strict=True):
        assert (old == new).all()


def test_both_engines_train_alike():
    weights = []
    for where in ("numpy", "auto"):
        model = built([Dense(8, "relu"), BatchNormalization(), Dense(2)], where)
        model.fit(X, Y, epochs=5, batch_size=8, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_parameters_are_counted_and_ordered_as_in_keras():
    model = built([Dense(4), BatchNormalization(), LayerNormalization(), GroupNormalization(2)])
    assert model.count_params() == 28 + 16 + 8 + 8
    shapes = [w.shape for w in model.layers[1].get_weights()]
    assert shapes == [(4,)] * 4
    gamma, beta, mean, variance = model.layers[1].get_weights()
    assert [gamma[0], beta[0], mean[0], variance[0]] == [1, 0, 0, 1]


def test_only_what_no_gradient_moves_is_given_new_values():
    draws = Draws("float64")
    state, learned = (
        graph.parameter("p", (2,), "float64", trainable) for trainable in (False, True)
    )
    draws.assign(state, 0.5 * state)
    for other in (learned, graph.constant(1.0)):
        with pytest.raises(InputTypeError, match="assign: needs a parameter with trainable=False"):
            draws.assign(other, other)
    assert list(draws.states) == ["p"]


@on_both
def test_activity_penalties_are_means_over_rows(where):
    model = filled(built([Dense(3, activity_regularizer=chainrule.regularizers.L2(0.3)), Dense(2)],
                         where))  # fmt: skip
    kernel, bias, out, shift = model.get_weights()
    hidden = X @ kernel + bias
    error = ((hidden @ out + shift - Y) ** 2).mean()
    wanted = error + 0.3 * (hidden**2).sum() / 23
    assert model.evaluate(X, Y, verbose=0, batch_size=23) == pytest.approx(wanted, rel=1e-12)
    assert model.train_on_batch(X, Y) == pytest.approx(wanted, rel=1e-12)


def test_normalization_adapts_before_and_after_it_is_in_a_model():
    layer = Normalization()
    layer.adapt(X)
    wanted = (X - X.mean(0)) / X.std(0)
    for model in (built([layer]), built([Normalization()])):
        model.layers[0].adapt(X)
        np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=1e-12, atol=1e-13)
    with pytest.raises(SettingError, match="part of a model already.*layers"):
        layer.adapt(X)
    whole = Normalization(axis=None)
    whole.adapt(X.reshape(23, 2, 3))
    np.testing.assert_allclose([*whole.mean, *whole.variance], [X.mean(), X.var()], rtol=1e-12)
    flat = Normalization()
    flat.adapt(X[:, 0])
    np.testing.assert_allclose(flat.mean, [X[:, 0].mean()], rtol=1e-12)
    assert (built([Normalization()]).predict(X, verbose=0) == X).all()


def test_normalization_of_a_constant_column_stays_finite():
    layer = Normalization()
    layer.adapt(np.ones((5, 6)))
    assert (built([layer]).predict(np.ones((2, 6)), verbose=0) == 0).all()


@on_both
@in_both
def test_embedding_looks_codes_up_and_learns_the_rows_it_sees(where, dtype, rtol):
    codes = np.array([[0, 2], [2, 2], [3, 0]])
    model = filled(built([Embedding(5, 3), Flatten(), Dense(1)], where, dtype, shape=(2,)))
    table, kernel, bias = (w.astype(np.float64) for w in model.get_weights())
    hidden = table[codes].reshape(3, 6)
    out = hidden @ kernel + bias
    np.testing.assert_allclose(model.predict(codes, verbose=0), out, rtol=rtol)
    delta = 2 * (out - 1.0) / 3
    slope = np.zeros_like(table)
    np.add.at(slope, codes, (delta @ kernel.T).reshape(3, 2, 3))
    model.train_on_batch(codes, np.ones((3, 1)))
    np.testing.assert_allclose(
        model.get_weights()[0], table - 0.1 * slope, rtol=10 * rtol, atol=rtol
    )
    for unseen in (1, 4):
        assert (model.get_weights()[0][unseen] == table[unseen]).all()


def test_embedding_is_saved_and_takes_bytes_and_whole_floats(tmp_path):
    model = built([Embedding(5, 3), Flatten(), Dense(1)], shape=(2,))
    codes = np.array([[0, 2], [4, 1]])
    want = model.predict(codes, verbose=0)
    for given in (codes.astype(np.uint8), codes.astype(float), codes.tolist()):
        assert (model.predict(given, verbose=0) == want).all()
    model.save(tmp_path / "m.safetensors")
    again = chainrule.load_model(tmp_path / "m.safetensors")
    assert (again.predict(codes, verbose=0) == want).all()


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: GroupNormalization(0), SettingError, "groups must be .* 1 or more, got 0"),
        (lambda: Stack([GroupNormalization(4)], (10,)), SettingError,
         "groups=4 does not divide the 10 features .* groups=5"),
        (lambda: Stack([GroupNormalization()], (6,)), SettingError, "groups=32 .* groups=6"),
        (lambda: BatchNormalization(1.5), SettingError, "momentum .* got 1.5"),
        (lambda: BatchNormalization(epsilon=0), SettingError, "epsilon .* above 0, got 0"),
        (lambda: LayerNormalization(scale="x"), InputTypeError, "scale .* got 'x'"),
        (lambda: LayerNormalization(gamma_initializer="x"), SettingError, "'x' is not known"),
        (lambda: Stack([LayerNormalization()], ()), ShapeError, "no axis of features"),
        (lambda: Normalization(axis=0), SettingError, "axis must be -1 or None, got 0"),
        (lambda: Normalization(mean=1.0), SettingError, "mean and variance together"),
        (lambda: Normalization(mean=0.0, variance=-1.0), SettingError, "variance .* got -1.0"),
        (lambda: Stack([Normalization(mean=[1.0], variance=[1.0])], (2,)), ShapeError,
         "shown 1 features, its input has 2"),
        (lambda: Normalization().adapt([[1.0, 2.0], [np.nan, 1.0]]), DataError,
         "X is nan in row 1, column 0"),
        (lambda: Normalization().adapt("text"), InputTypeError, "array of numbers, got str"),
        (lambda: Normalization().adapt(np.zeros((0, 2))), ShapeError, "needs rows"),
        (lambda: built([Dense(2)]).layers[0].adapt(X), InputTypeError, "only Normalization"),
        (lambda: Embedding(0, 2), SettingError, "input_dim .* got 0"),
        (lambda: Stack([Activation("relu"), Embedding(3, 2)], (2,)), InputTypeError,
         "must be the first layer"),
        (lambda: Dense(2, activity_regularizer="l3"), SettingError, "regularizer: 'l3'"),
    ],
)  # fmt: skip
def test_bad_settings_get_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    "codes, words",
    [
        ([[0, 5]], "whole numbers from 0 to 4, got 5 in row 0, column 1"),
        ([[0, 1], [-1, 0]], "got -1 in row 1, column 0"),
        ([[0.5, 1]], "got 0.5 in row 0, column 0"),
        ([[np.nan, 1]], "got nan in row 0, column 0"),
    ],
)
def test_codes_out_of_range_are_named(codes, words):
    with pytest.raises(DataError, match=words):
        built([Embedding(5, 3), Flatten(), Dense(1)], shape=(2,)).predict(codes)


@on_both
def test_what_layers_learn_keeps_to_its_constraint(where):
    layers = [
        Embedding(5, 3, embeddings_constraint="unit_norm"),
        Flatten(),
        PReLU(alpha_constraint="non_neg"),
        BatchNormalization(gamma_constraint="non_neg", beta_constraint="non_neg"),
        Dense(2),
    ]
    model = built(layers, where, shape=(2,), rate=5.0)
    codes = RNG.integers(0, 5, (23, 2))
    for _ in range(5):
        model.train_on_batch(codes, 50 * Y)
    table = model.layers[0].embeddings
    np.testing.assert_allclose((table**2).sum(axis=0), 1, rtol=1e-5)
    held = [model.layers[2].alpha, model.layers[3].gamma, model.layers[3].beta]
    assert all((array >= 0).all() for array in held)
    assert any((array == 0).any() for array in held)
