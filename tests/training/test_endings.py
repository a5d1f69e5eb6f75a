"""A loss that does not go with the last activation is told, with what does; others are not."""

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.graph import ops
from chainrule.layers import ACTIVATIONS, Activation, Dense, Flatten, Input, find_activation
from chainrule.losses import LOSSES
from chainrule.training.endings import RANGES

X = np.linspace(-1, 1, 30).reshape(10, 3)
LABELS = np.arange(10) % 3


def model(activation, units, loss, *more):
    made = cr.Sequential([Input(3), Dense(units, activation, name="last"), *more], seed=1)
    made.compile("sgd", loss)
    return made


B, C, S = (f"{name}crossentropy" for name in ("binary_", "categorical_", "sparse_categorical_"))
TOLD = [
    ("linear", 1, B, "probabilities from 0 to 1; use activation='sigmoid', or from_logits=True"),
    ("relu", 1, B, "ends in relu, but the loss BinaryCrossentropy .* use activation='sigmoid'"),
    ("tanh", 3, B, "use activation='sigmoid'"),
    ("log_softmax", 3, B, "use activation='sigmoid'"),
    ("softmax", 3, B, "yes or no, each by itself; use categorical_crossentropy"),
    ("linear", 3, C, "ends in linear, .* use activation='softmax', or from_logits=True"),
    (None, 3, S, "' ends in linear, but the loss SparseCategoricalCrossentropy"),
    ("relu", 3, S, "use activation='softmax'"),
    ("tanh", 3, C, "use activation='softmax'"),
    ("sigmoid", 3, C, "shares of classes that sum to 1; use activation='softmax'"),
    (ops.sigmoid, 3, S, "ends in sigmoid"),
    ("sigmoid", 1, C, "shares of several classes; use binary_crossentropy with a sigmoid"),
    ("sigmoid", 1, S, "use binary_crossentropy with a sigmoid"),
    ("linear", 1, "poisson", "means of counts, above 0; use activation='exponential' or 'softp"),
    ("tanh", 1, "poisson", "use activation='exponential' or 'softplus'"),
]


@pytest.mark.parametrize("activation, units, loss, words", TOLD)
def test_a_loss_that_does_not_fit_is_told_when_it_is_compiled(activation, units, loss, words):
    with pytest.warns(UserWarning, match=words) as caught:
        model(activation, units, loss)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=words):
        model("relu", units, loss, Activation(activation or "linear"))
    late = cr.Sequential([Dense(units, activation)])
    late.compile("sgd", loss)  # its shape is not known yet
    with pytest.warns(UserWarning, match=words.replace("last", "dense")):
        late.predict(X)


def own(z):
    return z * 1.0


QUIET = [
    ("sigmoid", 1, B), ("sigmoid", 3, B), ("softmax", 2, B), ("softmax", 3, C), ("softmax", 3, S),
    ("log_softmax", 3, C), ("log_softmax", 3, S), ("sigmoid", 1, "mse"), ("softmax", 3, "mse"),
    ("tanh", 1, "huber"), ("relu", 1, "poisson"), ("sigmoid", 1, "poisson"), (own, 3, S),
    (own, 1, B), (own, 1, "poisson"), ("linear", 3, "mae"), ("linear", 3, lambda t, p: p - t),
    ("linear", 3, cr.losses.CategoricalCrossentropy(from_logits=True)),
    ("linear", 3, cr.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ("relu", 1, cr.losses.BinaryCrossentropy(from_logits=True)),
]  # fmt: skip


@pytest.mark.parametrize("activation, units, loss", QUIET)
def test_what_is_useful_is_not_told(activation, units, loss):
    model(activation, units, loss)


@pytest.mark.parametrize("loss", ["mse", B, C, S])
@pytest.mark.parametrize("activation, always", [("softmax", 1), ("log_softmax", 0)])
def test_a_softmax_over_one_unit_is_refused(activation, always, loss):
    words = f"layer 'last': {activation} over one unit is always {always}, .* use a sigmoid"
    with pytest.raises(SettingError, match=words):
        model(activation, 1, loss)
    model("sigmoid", 1, "mse", Flatten())


REACH = [
    ("sigmoid", 1, "mse", [0, 1, 1.5, 3], r"target 1.5 in row 2, but layer 'last' .* 0 to 1;"),
    ("sigmoid", 1, "huber", [0, 1, 0, -2], "target -2 in row 3, .* use activation='linear'"),
    ("tanh", 1, "mae", [0, -1, 1, 7], "ends in tanh and gives numbers from -1 to 1"),
    ("softmax", 2, "squared_error", [[0, 1], [0, 1], [1, 0], [2, 0]], "target 2 in row 3"),
    ("relu", 1, cr.losses.Quantile(0.9), [0, 1, -1, 7], "target -1 in row 2, .* of 0 or more"),
    ("sigmoid", 1, "poisson", [0, 1, 2, 7], "target 2 in row 2"),
]


@pytest.mark.parametrize("activation, units, loss, y, words", REACH)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_that_the_output_cannot_reach_are_told(activation, units, loss, y, words, dtype):
    made = cr.Sequential([Input(3), Dense(units, activation, name="last")], dtype=dtype)
    made.compile("sgd", loss)
    with pytest.warns(UserWarning, match=words) as caught:
        made.fit(X[:4], y)
    assert caught[0].filename == __file__
    made.fit(X[:4], np.clip(y, 0, 1) + (1e-12 if dtype == "float64" else 0))
    made.train_on_batch(X[:4], y)  # only a fit looks


def test_targets_of_a_linear_output_may_be_anything():
    model("linear", 1, "mse").fit(X, 1000.0 * LABELS)
    model(own, 1, "mse").fit(X, 1000.0 * LABELS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_ranges_are_those_of_the_activations(name):
    least, most = RANGES[name]
    x = np.stack([np.linspace(-60, 60, 100_001), np.zeros(100_001)], axis=1)
    y = find_activation(name)(cr.constant(x)).value[:, 0]
    assert y.min() >= least
    assert y.max() <= most
    for bound, reached in [(least, y.min()), (most, y.max())]:
        if math.isfinite(bound):
            assert bound == pytest.approx(reached, abs=0.02)
        else:
            assert abs(reached) > 9


def test_every_loss_by_name_is_asked_for_what_it_takes():
    """Each has an activation that is quiet with it, and a linear output is told of four."""
    told = []
    for name in LOSSES:
        fitting = {B: "sigmoid", C: "softmax", S: "softmax", "poisson": "relu"}.get(name, "linear")
        model(fitting, 3, name)
        if fitting != "linear":
            with pytest.warns(UserWarning, match="takes its outputs for"):
                model("linear", 3, name)
            told.append(name)
    assert sorted(told) == sorted([B, C, S, "poisson"])


@pytest.mark.parametrize("engine", ["native", "numpy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss, activation", [(B, "sigmoid"), (C, "softmax"), (S, "softmax")])
def test_certain_and_wrong_has_a_finite_loss_and_a_slope(engine, dtype, loss, activation):
    """Outputs of exactly 0 and 1 where it is the other way round: the loss is the logits' 2e4."""
    made = cr.Sequential([Input(2), Dense(2, activation, use_bias=False)], dtype=dtype)
    made.compile(cr.optimizers.SGD(1.0), loss, engine=engine)
    made.set_weights([np.eye(2) * 2e4])
    x, y = np.array([[1.0, -1.0]]), [1] if loss == S else [[0.0, 1.0]]
    assert made.predict(x).tolist() == [[1.0, 0.0]]
    first = made.train_on_batch(x, y)
    assert first == (2e4 if loss == B else 4e4)
    assert made.train_on_batch(x, y) < first


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_a_sum_is_the_mean_times_the_rows(engine):
    found = []
    for reduction in ("sum_over_batch_size", "sum"):
        made = cr.Sequential([Input(3), Dense(2)], seed=1, dtype="float64")
        made.compile("sgd", cr.losses.MeanSquaredError(reduction=reduction), engine=engine)
        y = np.stack([LABELS, -LABELS], axis=1)
        loss, gradient = made.trainer.gradient(X, y)
        assert made.evaluate(X, y, batch_size=10) == pytest.approx(loss, rel=1e-14)
        found.append((loss, *gradient))
    np.testing.assert_allclose(found[1], 10 * np.array(found[0]), rtol=1e-12)
