"""Every layer: shapes, first values, a batch equals its rows, records and back."""

import copy
import importlib.util
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from chainrule import engine, graph, random
from chainrule.engine import Graph
from chainrule.errors import (
    InputTypeError,
    MissingNameError,
    ModelFileError,
    SettingError,
    ShapeError,
)
from chainrule.graph import Rows, ops
from chainrule.layers import (
    ACTIVATIONS,
    LAYERS,
    Activation,
    Dense,
    Draws,
    Dropout,
    Flatten,
    HeNormal,
    Input,
    InputLayer,
    Layer,
    Parameter,
    Stack,
    find_activation,
    layer_from_record,
    layer_names,
    layer_record,
)

_spec = importlib.util.spec_from_file_location("cases", Path(__file__).with_name("cases.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)
every_layer = pytest.mark.parametrize("name, layer, row, result", cases.EVERY)


def values(layer, x, training=False, seed=3, step=0):
    """What a layer gives for an array, run by the engine, with parameters drawn from a seed."""
    data = graph.input_node("x", (Rows(), *x.shape[1:]), x.dtype)
    table = list(layer.parameters(x.shape[1:]))
    kind = "float64" if x.dtype.kind == "i" else x.dtype
    nodes = [graph.parameter(one.name, one.shape, kind, one.trainable) for one in table]
    flat = np.concatenate(
        [
            np.zeros(0),
            *(one.initializer.values(one.shape, 1, i).ravel() for i, one in enumerate(table)),
        ]  # fmt: skip
    ).astype(kind)
    draws = Draws(kind)
    trained = layer.apply_training(data, *nodes, draws=draws)
    y = trained if training else layer.apply(data, *nodes)
    program = engine.compile(Graph((data, draws.seed, draws.step), tuple(nodes), {"y": y}), "numpy")
    return program.run({"x": x}, flat, seed=seed, step=step).results["y"]


def numbers(*shape):
    return random.normal(11, 0, 0, int(np.prod(shape))).reshape(shape)


def data_for(layer, *shape):
    """Numbers, or codes where the layer takes them."""
    if layer.codes is None:
        return numbers(*shape)
    return (np.arange(int(np.prod(shape))) % layer.codes).astype(np.int32).reshape(shape)


def test_every_layer_has_cases():
    assert set(cases.CASES) == set(LAYERS)


@every_layer
def test_shapes_are_those_of_the_graph(name, layer, row, result):
    assert values(layer, data_for(layer, 5, *row)).shape == (5, *result)


@every_layer
def test_a_batch_predicts_what_its_rows_predict_alone(name, layer, row, result):
    x = data_for(layer, 5, *row)
    alone = np.concatenate([values(layer, x[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(values(layer, x), alone, rtol=1e-13, atol=1e-15)


@every_layer
def test_a_record_gives_the_same_layer(name, layer, row, result):
    record = layer_record(layer, "some_name")
    again = layer_from_record(record)
    assert type(again) is LAYERS[name]
    assert layer_record(again, "some_name") == record
    x = data_for(layer, 3, *row)
    assert (values(again, x) == values(layer, x)).all()


@every_layer
def test_layers_are_frozen(name, layer, row, result):
    with pytest.raises(FrozenInstanceError):
        layer.trainable = False


def test_dense_is_the_formula():
    x, kernel, bias = numbers(4, 3), numbers(3, 2), numbers(2)
    nodes = [graph.constant(array) for array in (x, kernel, bias)]
    got = Dense(2, "sigmoid").apply(*nodes).value
    want = np.array(
        [[1 / (1 + np.exp(-(sum(x[i, k] * kernel[k, j] for k in range(3)) + bias[j])))
          for j in range(2)] for i in range(4)]
    )  # fmt: skip
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_dropout_scales_what_it_keeps_and_rests_in_prediction():
    x = np.ones((200, 500))
    trained = values(Dropout(0.2), x, training=True)
    assert set(np.unique(trained)) == {0.0, 1.25}
    assert (trained == 0).mean() == pytest.approx(0.2, abs=0.01)
    assert trained.mean() == pytest.approx(1.0, abs=0.01)
    assert (values(Dropout(0.2), x) == x).all()
    assert (values(Dropout(0), x, training=True) == x).all()


def test_dropout_draws_of_seed_and_step_and_a_seed_of_its_own():
    x = np.ones((20, 30))
    first = values(Dropout(0.5), x, True, seed=1, step=4)
    assert (first == random.dropout_mask(1, 0, 4, (20, 30), 0.5, "float64")).all()
    assert (first != values(Dropout(0.5), x, True, seed=1, step=5)).any()
    assert (first != values(Dropout(0.5), x, True, seed=2, step=4)).any()
    own = [values(Dropout(0.5, seed=8), x, True, seed=seed, step=4) for seed in (1, 2)]
    assert (own[0] == own[1]).all()
    assert (own[0] == random.dropout_mask(8, 0, 4, (20, 30), 0.5, "float64")).all()


def test_each_mask_of_a_network_is_a_stream_of_its_own():
    draws = Draws("float32")
    masks = [draws.mask((Rows(), 3), 0.5) for _ in range(3)]
    assert [mask.attributes["stream"] for mask in masks] == [0, 1, 2]


def test_input_takes_a_number_a_list_or_a_tuple():
    assert [Input(given).shape for given in (3, [28, 28], (3,), ())] == [(3,), (28, 28), (3,), ()]
    assert InputLayer(shape=[28, 28]) == Input((28, 28))
    with pytest.raises(SettingError, match="each size of shape .* got -1"):
        Input((-1,))
    with pytest.raises(InputTypeError, match="got 'ab'"):
        Input("ab")


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS} & {*ops.__all__}))
def test_activations_by_name_are_the_operations(name):
    x = graph.variable(numbers(3, 4))
    assert (find_activation(name)(x).value == getattr(ops, name)(x).value).all()


def test_an_activation_of_ones_own_is_a_function_on_nodes():
    squared = Dense(2, lambda z: z * z)
    nodes = map(graph.constant, (numbers(3, 2), np.eye(2), np.zeros(2)))
    np.testing.assert_allclose(squared.apply(*nodes).value, numbers(3, 2) ** 2, rtol=1e-15)
    with pytest.raises(ShapeError, match="activation .*lambda.* of the shape"):
        Activation(lambda z: z.sum()).apply(graph.constant([[1.0]]))


def test_names_are_those_of_keras():
    layers = [Dense(1), Dropout(0.1), Dense(1), Dense(1, name="dense_2"), Dense(1)]
    assert layer_names(layers) == ("dense", "dropout", "dense_1", "dense_2", "dense_3")
    with pytest.raises(SettingError, match="two have the name 'a'"):
        layer_names([Dense(1, name="a"), Flatten(name="a")])


@dataclass(frozen=True)
class Scale(Layer):
    start: float = 1.0

    def parameters(self, shape):
        yield Parameter("scale", shape, "ones")

    def apply(self, x, scale):
        return x * scale * self.start


def test_a_layer_of_ones_own_is_one_among_others():
    network = Stack([Flatten(), Scale(2.0), Dense(1)], (2, 2))
    assert [one.name for one in network.parameters()] == [
        "scale/scale", "dense/kernel", "dense/bias",
    ]  # fmt: skip
    x = numbers(3, 4)
    assert (values(Scale(2.0), x) == 2 * x).all()
    with pytest.raises(InputTypeError, match="layer 'mine': a model file cannot keep Scale"):
        layer_record(Scale(), "mine")


def test_code_of_ones_own_is_not_kept_in_files():
    with pytest.raises(InputTypeError, match="layer 'd': .* activation='<lambda>'.*your own"):
        layer_record(Dense(1, lambda z: z), "d")
    kept = layer_record(Dense(1, ops.relu, kernel_initializer=HeNormal), "d")["settings"]
    assert kept["activation"] == "relu"
    assert kept["kernel_initializer"] == {"class": "HeNormal", "settings": {"seed": None}}


@pytest.mark.parametrize(
    "record",
    [
        {"class": "Quux", "settings": {}},
        {"class": "Dense", "settings": {"unit": 3}},
        {"class": "Dense", "settings": {"units": -3}},
        {"class": "Dense", "settings": {"units": 1, "kernel_initializer": {"class": "os.system"}}},
        {},
    ],
)
def test_an_unknown_record_is_a_sentence(record):
    with pytest.raises(ModelFileError, match="layer that this version does not know"):
        layer_from_record(record)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: Dense(-3), SettingError, "Dense: units must be .* 1 or more, got -3"),
        (lambda: Dense(2.5), SettingError, "units .* got 2.5"),
        (lambda: Dense(True), SettingError, "units .* got True"),
        (lambda: Dense(3, "rleu"), SettingError, "'rleu' is not known; did you mean 'relu'"),
        (lambda: Dense(3, 7), InputTypeError, "needs a name or a function, got int"),
        (lambda: Dense(3, use_bias=1), InputTypeError, "use_bias must be True or False, got 1"),
        (lambda: Dense(3, kernel_initializer="x"), SettingError, "initializer: 'x' is not known"),
        (lambda: Dense(3, kernel_regularizer="l3"), SettingError, "regularizer: 'l3'"),
        (lambda: Dense(3, name="a/b"), SettingError, "name must be text without '/', got 'a/b'"),
        (lambda: Dense(3, trainable="no"), InputTypeError, "trainable .* got 'no'"),
        (lambda: Dropout(1.5), SettingError, "Dropout: rate must be .* below 1, got 1.5"),
        (lambda: Dropout(1.0), SettingError, "rate"),
        (lambda: Dropout(-0.1), SettingError, "rate"),
        (lambda: Dropout(float("nan")), SettingError, "rate"),
        (lambda: Dropout(0.5, seed=1.5), SettingError, "seed"),
        (lambda: Activation("quux"), SettingError, "activation: 'quux'"),
        (lambda: Layer().apply(None), InputTypeError, "has no apply"),
        (lambda: Stack([], (3,)), SettingError, "there are none"),
        (lambda: Stack([Dense(2)], ()), ShapeError, "put Flatten"),
        (lambda: Stack([Dense(2), Input(3)], (3,)), SettingError, "only be the first layer"),
        (
            lambda: Stack([Dense(3), *[Dense(3)] * 2], (3,)),
            SettingError,
            r"one Dense object stands at 1 and 2, .* share weights; .* \[Dense\(...\) for ",
        ),
        (
            lambda: Dense(3).kernel,
            MissingNameError,
            "no 'kernel', only .*units, .*; weights live",
        ),
        (lambda: Dense(3).get_weights(), MissingNameError, "weights live in a model"),
        (lambda: Dense(3).unit, MissingNameError, "has no 'unit', only .*units, "),
    ],
)
def test_bad_settings_get_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_objects_without_parameters_may_stand_at_several_places():
    dropout = Dropout(0.5)
    assert Stack([Dense(3), dropout, Dense(2), dropout], (3,)).names[3] == "dropout_1"


def test_one_object_is_refused_where_the_same_network_was_built_of_two():
    assert len(Stack([Dense(3), Dense(3)], (3,)).parameters()) == 4
    with pytest.raises(SettingError, match="one Dense object"):
        Stack([Dense(3)] * 2, (3,))


def test_layers_are_copied_and_compared_as_before():
    layer = Dense(3, "tanh", name="hidden")
    for other in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other == layer and other is not layer
    assert replace(layer, units=4).units == 4
    assert not hasattr(layer, "kernel") and not hasattr(layer, "_private")
