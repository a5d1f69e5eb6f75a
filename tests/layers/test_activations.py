"""Activations: value and derivative against formulas written out, ranges, files, training."""

import math
import re

import numpy as np
import pytest
from tests.engine.networks import ENGINES
from tests.layers.formulas import FORMULAS, bent_gelu, elu, leaky, smht

import chainrule as cr
from chainrule import activations, engine, graph, layers
from chainrule.engine import Graph
from chainrule.errors import InputTypeError, SettingError
from chainrule.graph import Rows, ops
from chainrule.kept import description_key
from chainrule.layers import ACTIVATIONS, find_activation

every_engine = pytest.mark.parametrize("name", ENGINES)
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


WITH_SETTINGS = [
    (activations.leaky_relu(negative_slope=0.5), *leaky(0.5)),
    (activations.leaky_relu(0), *leaky(0)),
    (activations.leaky_relu(3.0), *leaky(3.0)),
    (activations.elu(alpha=2.5), *elu(2.5)),
    (activations.gelu(approximate=True), lambda x: bent_gelu(x)[0], lambda x: bent_gelu(x)[1]),
    *((activations.smht(*s), *smht(*s)) for s in [
        (1, 1, 1, 1), (0.5, 1.0, 1.5, 2.0), (1.0, 0.25, 1.0, 0.5), (2, 1, 2, 1), (1, 1, 2, 2),
    ]),
]  # fmt: skip
CASES = [
    *(pytest.param(name, *formulas[:2], id=name) for name, formulas in FORMULAS.items()),
    *(pytest.param(*one, id=str(one[0])) for one in WITH_SETTINGS),
]
POINTS = [-2.3, -1.0, -0.3, 1e-6, 0.4, 1.0, 2.7, 0.0, 3.0, -3.0, 6.0, 40.0, -40.0, 1e4, -1e4]


def on_engine(activation, x, name):
    """Value and derivative of an activation, number by number, on an engine."""
    data = graph.input_node("x", (Rows(), *x.shape[1:]), x.dtype)
    y = find_activation(activation)(data)
    (slope,) = graph.gradients(y.sum(), [data])
    program = engine.compile(Graph((data,), (), {"y": y, "slope": slope}), name)
    results = program.run({"x": x}, np.zeros(0, x.dtype)).results
    return results["y"], results["slope"]


def points(activation, dtype):
    chosen = [x for x in POINTS if activation != "exponential" or x < 1e4]
    return np.array(chosen, dtype)[:, np.newaxis]


def test_every_activation_has_a_formula():
    assert set(FORMULAS) | {"softmax", "log_softmax"} == set(ACTIVATIONS)


def shown(activation):
    """A name that is the same in every process."""
    return getattr(activation, "__name__", str(activation))


@every_engine
@each_type
@pytest.mark.parametrize(("activation", "value", "slope"), CASES)
def test_value_and_derivative_are_the_formulas(activation, value, slope, name, dtype):
    x = points(activation, dtype)
    found = on_engine(activation, x, name)
    rounding = np.finfo(dtype).eps
    for array, formula in zip(found, (value, slope), strict=True):
        assert array.dtype == dtype
        expected = [[float(formula(float(number)))] for number in x[:, 0]]
        np.testing.assert_allclose(array, expected, rtol=16 * rounding, atol=8 * rounding)


@each_type
@pytest.mark.parametrize(("activation", "value", "slope"), CASES)
def test_values_at_once_are_those_of_the_engine(activation, value, slope, dtype):
    x = points(activation, dtype)
    leaf = cr.variable(x)
    y = find_activation(activation)(leaf)
    told = on_engine(activation, x, "numpy")
    np.testing.assert_array_equal(y.value, told[0])
    np.testing.assert_array_equal(cr.grad(y.sum(), leaf).value, told[1])


@every_engine
@each_type
@pytest.mark.parametrize("activation", FORMULAS)
def test_values_lie_in_the_range(activation, name, dtype):
    lowest, highest = FORMULAS[activation][2]
    x = np.linspace(-60, 60, 4801, dtype=dtype)[:, np.newaxis]
    y, _ = on_engine(activation, x, name)
    rounding = 4 * np.finfo(dtype).eps
    assert lowest - rounding <= y.min()
    assert y.max() <= highest + rounding
    for bound in (lowest, highest):
        if math.isfinite(bound):  # reached, or nearly (softsign goes slowly)
            assert abs(y - bound).min() < (2e-2 if activation == "softsign" else 1e-3)


@every_engine
@pytest.mark.parametrize("activation", FORMULAS)
def test_what_is_no_number_stays_none(activation, name):
    y, _ = on_engine(activation, np.array([[np.nan], [1.0]]), name)
    # a step asks whether x >= 0, which is not so of nan
    assert y[0, 0] == 0 if activation == "binary_step" else np.isnan(y[0, 0])
    assert np.isfinite(y[1, 0])


@each_type
@pytest.mark.parametrize("activation", ["elu", "selu", "softplus", "exponential"])
def test_slopes_far_below_0_keep_their_digits(activation, dtype):
    """alpha e^x is told as e^x, not as y + alpha, of which nothing is left there."""
    x = cr.variable(np.array([-14.0, -30.0, -40.0], dtype))
    slopes = cr.grad(find_activation(activation)(x).sum(), x).value
    expected = [float(FORMULAS[activation][1](number)) for number in x.value.tolist()]
    np.testing.assert_allclose(slopes, expected, rtol=8 * np.finfo(dtype).eps)


def test_gelus_derivative_at_1():
    x = cr.variable(1.0)
    assert round(cr.grad(activations.gelu()(x), x).value, 6) == 1.083315


def test_smht_with_all_1_is_tanh_near_0_too():
    x = cr.variable(np.array([1e-12, -1e-9, 0.3, 5.0, -1e4]))
    np.testing.assert_allclose(
        activations.smht()(x).value, np.tanh(x.value), rtol=1e-15, atol=1e-300
    )


@every_engine
@each_type
@pytest.mark.parametrize(
    ("logits", "printed"),
    [
        ((1.47, -0.39, 0.22), (0.69, 0.11, 0.20)),
        ((5, 6, 4), (0.24, 0.67, 0.09)),
        ((0.90, 0.80, 1.10), (0.32, 0.29, 0.39)),
        ((-2, 2, -3), (0.02, 0.98, 0.01)),
        ((1000, 0, -1000), (1, 0, 0)),
    ],
)
def test_softmax_gives_the_shares_of_the_course(logits, printed, name, dtype):
    y, _ = on_engine("softmax", np.array([logits], dtype), name)
    assert y[0].round(2).tolist() == pytest.approx(printed, abs=1e-7)
    low, _ = on_engine("log_softmax", np.array([logits], dtype), name)
    assert np.isfinite(low).all()
    np.testing.assert_allclose(np.exp(low), y, rtol=1e-5, atol=1e-30)


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"binary_step"}))
def test_gradients_are_the_slopes_measured(activation):
    """In a composition, away from kinks, to 1e-6."""
    function = find_activation(activation)
    weights = np.array([[0.7, -0.4, 0.25], [0.3, 0.9, -1.1]])
    error = cr.check_gradient(
        lambda x, w: ops.tanh(function(x @ w) * 0.7), [[1.2, -0.8], [0.35, 2.1]], weights
    )
    assert error < 1e-6


ALL = sorted(ACTIVATIONS)
OBJECTS = [*(one[0] for one in WITH_SETTINGS), activations.leaky_relu, activations.silu,
           activations.tanh, activations.linear]  # fmt: skip
X = np.random.default_rng(4).normal(size=(48, 3))
Y = (np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:]) * 0.5


def model(activation, engine_name="auto", dtype="float64"):
    made = cr.Sequential(
        [layers.Input(3), layers.Dense(6, activation), layers.Activation(activation),
         layers.Dense(1)], seed=3, dtype=dtype,
    )  # fmt: skip
    made.compile(cr.optimizers.Adam(0.02), "mse", engine=engine_name)
    return made


@pytest.mark.parametrize("activation", [*ALL, *OBJECTS], ids=shown)
def test_every_activation_trains_on_every_engine(activation):
    histories = []
    for name in ENGINES:
        history = model(activation, name).fit(X, Y, epochs=30, batch_size=16, verbose=0).history
        histories.append(history["loss"])
        assert history["loss"][-1] < 0.97 * history["loss"][0]
    np.testing.assert_allclose(histories[0], histories[-1], rtol=1e-7)


@pytest.mark.parametrize("layer", [layers.LeakyReLU(), layers.PReLU(), layers.PReLU("ones")])
@each_type
def test_rectifiers_that_are_layers_train_on_every_engine(layer, dtype):
    histories = []
    for name in ENGINES:
        made = cr.Sequential(
            [layers.Input(3), layers.Dense(6), layer, layers.Dense(1)], seed=3, dtype=dtype
        )
        made.compile(cr.optimizers.Adam(0.02), "mse", engine=name)
        histories.append(made.fit(X, Y, epochs=30, batch_size=16, verbose=0).history["loss"])
        assert histories[-1][-1] < 0.8 * histories[-1][0]
        if isinstance(layer, layers.PReLU):
            slopes = made.layers[1].get_weights()[0]
            assert slopes.shape == (6,)
            assert len(np.unique(slopes)) == 6
    np.testing.assert_allclose(
        histories[0], histories[-1], rtol=1e-7 if dtype == "float64" else 1e-4
    )


def test_prelu_is_the_formula_with_its_slopes():
    x, alpha = np.array([[-2.0, 3.0, 0.0], [1.0, -1.0, -4.0]]), np.array([0.1, 0.5, -2.0])
    leaf, slopes = cr.variable(x), cr.variable(alpha)
    y = layers.PReLU().apply(leaf, slopes)
    np.testing.assert_allclose(y.value, np.where(x > 0, x, alpha * x), rtol=1e-15)
    by_x, by_alpha = cr.grad(y.sum(), [leaf, slopes])
    np.testing.assert_array_equal(by_x.value, [[0.1, 1.0, 0.0], [1.0, 0.5, -2.0]])
    np.testing.assert_array_equal(by_alpha.value, [-2.0, -1.0, -4.0])


@pytest.mark.parametrize("activation", [*ALL, *OBJECTS], ids=shown)
def test_a_model_comes_back_from_its_file_and_goes_on_to_the_same_bits(activation, tmp_path):
    whole, kept = model(activation), model(activation)
    for one in (whole, kept):
        one.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    kept.save(tmp_path / "m.safetensors")
    loaded = cr.load_model(tmp_path / "m.safetensors")
    for one in (whole, loaded):
        one.fit(X, Y, epochs=4, initial_epoch=2, batch_size=16, verbose=0)
    assert (loaded.predict(X) == whole.predict(X)).all()
    if isinstance(activation, layers.AdjustableActivation):
        assert loaded.layers[0].activation == activation


@pytest.mark.parametrize("activation", [*ALL, *OBJECTS], ids=shown)
def test_models_of_the_same_activation_share_a_program(activation):
    first, second = model(activation), model(activation)
    keys = [description_key(one.trainer.task.network) for one in (first, second)]
    assert keys[0] is not None
    assert keys[0] == keys[1]
    assert first.trainer.task.program("step") is second.trainer.task.program("step")


def test_models_of_other_settings_have_programs_of_their_own():
    steps = [
        model(activation).trainer.task.program("step")
        for activation in (activations.leaky_relu(0.1), activations.leaky_relu(0.2),
                           activations.elu(0.1), activations.silu, activations.mish)
    ]  # fmt: skip
    assert len({id(step) for step in steps}) == 5


@pytest.mark.parametrize(
    ("loss", "given", "pair"),
    [
        ("binary_crossentropy", activations.sigmoid, "sigmoid_cross_entropy"),
        ("categorical_crossentropy", activations.softmax, "softmax_cross_entropy"),
    ],
)
def test_a_loss_knows_its_activation_given_as_an_object(loss, given, pair):
    x = cr.variable([[800.0, -800.0], [-900.0, 900.0]])
    y = find_activation(given)(x)
    result = getattr(cr.losses, loss)([[0.0, 1.0], [1.0, 0.0]], y).sum()
    assert pair in {node.operation.name for node in graph.reachable([result]) if node.operation}
    assert np.isfinite(result.value)
    assert np.isfinite(cr.grad(result, x).value).all()


def test_an_activation_is_given_by_name_as_a_class_or_as_an_object():
    x = cr.variable([-2.0, 3.0])
    for given in ("leaky_relu", activations.leaky_relu, activations.leaky_relu(0.2)):
        dense = layers.Dense(2, activation=given)
        kernel, bias = cr.variable(np.eye(2)), cr.variable(np.zeros(2))
        assert dense.apply(x.reshape(1, 2), kernel, bias).value.tolist() == [[-0.4, 3.0]]
    assert activations.get("leaky_relu") == activations.leaky_relu()
    assert activations.get(None) is activations.linear
    for name in ACTIVATIONS:
        assert getattr(activations, name) is ACTIVATIONS[name]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: layers.Dense(1, "gleu"), SettingError, "'gleu' is not known; did you mean 'gelu'"),
        (lambda: layers.Activation("lekay_relu"), SettingError, "did you mean 'leaky_relu'"),
        (lambda: activations.get("quux"), SettingError, "'quux' is not known; .*softmax"),
        (lambda: activations.get(3), InputTypeError, "needs a name or a function, got int"),
        (lambda: activations.leaky_relu(-0.1), SettingError,
         "leaky_relu: negative_slope must be a number of 0 or more, got -0.1"),
        (lambda: activations.leaky_relu(math.nan), SettingError, "negative_slope .* got nan"),
        (lambda: activations.elu("a"), SettingError, "elu: alpha must be a number .* got 'a'"),
        (lambda: activations.gelu(1), InputTypeError, "approximate must be True or False, got 1"),
        (lambda: activations.smht(b=math.inf), SettingError, "smht: b must be a number .* got inf"),
        (lambda: ops.leaky_relu(1.0, negative_slope=-1), SettingError,
         "leaky_relu: negative_slope must be a number of 0 or more, got -1"),
        (lambda: ops.elu(1.0, alpha=None), SettingError, "elu: alpha must be .* got None"),
        (lambda: layers.LeakyReLU(-1), SettingError, "LeakyReLU: negative_slope .* got -1"),
        (lambda: layers.PReLU("quux"), SettingError, "initializer: 'quux' is not known"),
        (lambda: layers.PReLU(alpha_regularizer="l9"), SettingError, "regularizer: 'l9'"),
    ],
)  # fmt: skip
def test_wrong_settings_are_sentences(make, error, words):
    with pytest.raises(error, match=words) as caught:
        make()
    assert re.fullmatch(r"[^\n]+[.?]", str(caught.value))
