"""What cannot be trained on: one sentence each, and the parameters stay as they were."""

import numpy as np
import pytest

from chainrule import random
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.graph import ops
from chainrule.layers import Dense, NetworkInput, Parameter, Stack
from chainrule.training import Callback, Trainer

X = random.normal(1, 0, 0, 90).reshape(30, 3)
Y = np.tanh(X @ np.array([[1.0], [-2.0], [0.5]]))


ENGINES = ["numpy", "native"] if random.has_native() else ["numpy"]


def with_value(value):
    changed = X.copy()
    changed[7, 2] = value
    return changed


def trainer():
    stack = Stack([Dense(4, "tanh"), Dense(1)], (3,))
    return Trainer(stack, "mse", "adam", dtype="float64", seed=4)


class Heads:
    """Two outputs."""

    inputs = (NetworkInput("numbers", (3,)),)
    output_names = ("value", "class")

    def parameters(self):
        return (Parameter("value/kernel", (3, 1)), Parameter("class/kernel", (3, 2)))

    def outputs(self, inputs, parameters, draws):
        return tuple(inputs["numbers"] @ kernel for kernel in parameters)


class Mixed:
    """Two inputs of numbers, one of codes; two outputs."""

    inputs = (
        NetworkInput("left", (2,)), NetworkInput("right", (3,)),
        NetworkInput("codes", (1,), "int32"),
    )  # fmt: skip
    output_names = ("value", "class")

    def parameters(self):
        return (
            Parameter("table/values", (4, 2)), Parameter("value/kernel", (7, 1)),
            Parameter("class/kernel", (7, 3)),
        )  # fmt: skip

    def outputs(self, inputs, parameters, draws):
        found = ops.gather(parameters[0], inputs["codes"])
        codes = found.reshape((found.shape[0], 2))
        joined = ops.concatenate(inputs["left"], inputs["right"], codes, axis=1)
        return joined @ parameters[1], ops.softmax(joined @ parameters[2])


def mixed(engine="auto"):
    losses = ["mse", "sparse_categorical_crossentropy"]
    return Trainer(Mixed(), losses, "adam", dtype="float64", seed=4, engine=engine)


GIVEN = {"left": X[:, :2].copy(), "right": X, "codes": (np.arange(30) % 4).reshape(30, 1)}
WANTED = {"value": Y, "class": np.arange(30) % 3}
BAD_MIXED = [
    ({"right": X[:7]}, {}, ShapeError, "different numbers of rows: 7 in 'right', 30 in others"),
    ({"right": with_value(np.nan)}, {}, DataError, "input 'right' is nan in row 7, column 2"),
    ({"left": X}, {}, ShapeError, r"input 'left' has shape \(30, 3\).* rows of shape \(2,\)"),
    ({}, {"value": Y[:5]}, ShapeError, "X has 30 rows, y has 5"),
    ({}, {"class": np.arange(5) % 3}, ShapeError, "X has 30 rows, y has 5"),
    ({}, {"class": np.arange(30) % 4}, DataError, r"label 3 in row 3, .*\('class'\) has 3 units"),
    ({}, {"class": -(np.arange(30) % 3)}, DataError, "label -1 in row 1"),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("x, y, error, words", BAD_MIXED)
def test_bad_data_of_several_inputs_and_outputs_is_named(x, y, error, words, engine):
    one = mixed(engine)
    one.train_on_batch(GIVEN, WANTED)
    for call in (one.train_on_batch, one.fit, one.evaluate):
        with pytest.raises(error, match=words):
            call(GIVEN | x, WANTED | y)


def test_classes_of_several_outputs_have_no_weights():
    with pytest.raises(SettingError, match="class_weight needs a network with one output"):
        mixed().fit(GIVEN, WANTED, class_weight={0: 1.0})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("label", [2, -1, 2**32, 2**32 + 1, 2**62])
def test_a_label_that_is_no_class_is_refused_in_any_batch(label, engine):
    network = Stack([Dense(2, "softmax")], (3,))
    one = Trainer(network, "sparse_categorical_crossentropy", seed=4, engine=engine)
    labels = np.arange(30) % 2
    one.train_on_batch(X, labels)
    labels[11] = label
    before = one.parameters.flat.copy()
    with pytest.raises(DataError, match=f"label {label} in row 11, .* has 2 units"):
        one.train_on_batch(X, labels)
    assert (one.parameters.flat == before).all()


@pytest.mark.parametrize("shape", [(30,), (30, 1)])
@pytest.mark.parametrize("kind", ["float64", "float32", "int64", ">f8"])
@pytest.mark.parametrize(
    "loss, bad", [("binary_crossentropy", 2), ("binary_crossentropy", -1), ("poisson", -1)]
)
def test_a_target_beyond_what_a_loss_takes_is_refused_however_it_comes(loss, bad, kind, shape):
    one = Trainer(Stack([Dense(1, "sigmoid")], (3,)), loss, seed=4)
    targets = (np.arange(30) % 2).astype(kind).reshape(shape)
    one.train_on_batch(X, targets)
    targets[17] = bad
    with pytest.raises(DataError, match=f"y: target {bad}.0 in row 17"):
        one.train_on_batch(X, targets)


@pytest.mark.parametrize("kind", ["float64", "float32", "int64", "bool", ">f8", "float16"])
def test_numbers_of_any_type_train_the_same(kind):
    rows, targets = np.round(X * 3), np.round(X[:, 0] * 3)
    if kind == "bool":
        rows, targets = rows > 0, targets > 0
    losses = []
    for given in (kind, "float32"):
        one = Trainer(Stack([Dense(1)], (3,)), "mse", seed=4)
        for _ in range(3):
            losses.append(one.train_on_batch(rows.astype(given), targets.astype(given)))
    assert losses[:3] == losses[3:]


@pytest.mark.parametrize("engine", ENGINES)
def test_codes_that_come_as_other_numbers_are_the_same_codes(engine):
    losses = {
        kind: mixed(engine).train_on_batch(GIVEN | {"codes": GIVEN["codes"].astype(kind)}, WANTED)
        for kind in ("int64", "int32", "uint8", "float32", "float64")
    }
    assert all(one == losses["int64"] for one in losses.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_bytes_in_several_inputs_and_with_weights_are_the_same_numbers(engine):
    right = (np.arange(90) * 37 % 256).reshape(30, 3).astype(np.uint8)
    weights = np.arange(30) / 30
    for left in (right[:, :2].copy(), GIVEN["left"]):
        given = {"left": left, "right": right, "codes": GIVEN["codes"]}
        floats = given | {"left": left.astype(float), "right": right.astype(float)}
        for settings in ({}, {"sample_weight": weights}):
            made = mixed(engine).train_on_batch(given, WANTED, **settings)
            assert made == mixed(engine).train_on_batch(floats, WANTED, **settings)


@pytest.mark.parametrize(
    "shape, error", [((2.5,), SettingError), (0, SettingError), ("3", InputTypeError)]
)
def test_an_input_has_a_shape_of_whole_numbers(shape, error):
    with pytest.raises(error, match="input 'left'"):
        NetworkInput("left", shape)
    assert NetworkInput("left", [np.int64(2), 3]).shape == (2, 3)


BAD_FITS = [
    ({"batch_size": 0}, SettingError, "batch_size must be a whole number of 1 or more, got 0"),
    ({"batch_size": 2.5}, SettingError, "batch_size .* got 2.5"),
    ({"epochs": -1}, SettingError, "epochs must be .* got -1"),
    ({"epochs": True}, SettingError, "epochs"),
    ({"initial_epoch": "a"}, SettingError, "initial_epoch"),
    ({"validation_split": 1.2}, SettingError, "validation_split must be .* below 1, got 1.2"),
    ({"validation_split": 0.99}, SettingError, "of 30 rows 0 are left to train on"),
    ({"validation_data": X}, InputTypeError, r"must be \(X, y\)"),
    ({"validation_data": iter([X])}, InputTypeError, r"must be \(X, y\).* got list_iterator"),
    ({"validation_data": (X, Y[:3])}, ShapeError, "X has 30 rows, y has 3"),
    ({"verbose": 3}, SettingError, "verbose must be 'auto', 0, 1 or 2, got 3"),
    ({"shuffle": 1}, InputTypeError, "shuffle must be True or False, got 1"),
    ({"sample_weight": np.ones(4)}, ShapeError, r"sample_weight has shape \(4,\).*\(30,\)"),
    ({"sample_weight": np.full(30, -1.0)}, DataError, "sample_weight is -1.0 in row 0"),
    ({"sample_weight": {"dense": Y}}, InputTypeError, "sample_weight is a dict; give one array"),
    ({"sample_weight": iter(Y)}, InputTypeError, "sample_weight is a .*; gather its"),
    ({"sample_weight": [[1], [1, 2]]}, ShapeError, "sample_weight: its rows are of different"),
    ({"validation_data": (X, [[1], [1, 2]])}, ShapeError, "validation_data: y: its rows are of"),
    ({"class_weight": {0: 1}, "sample_weight": np.ones(30)}, SettingError, "cannot both"),
    ({"class_weight": [1, 2]}, InputTypeError, "class_weight must be a dict"),
    ({"class_weight": {77: 1.0}}, SettingError, "30 different values, so they are no classes"),
    ({"callbacks": [print]}, InputTypeError, "needs Callback objects"),
    ({"callbacks": [Callback]}, InputTypeError, "give an object of it"),
]


@pytest.mark.parametrize("settings, error, words", BAD_FITS)
def test_bad_settings_of_fit_get_a_sentence(settings, error, words):
    one = trainer()
    before = one.parameters.flat.copy()
    with pytest.raises(error, match=words):
        one.fit(X, Y, **settings)
    assert (one.parameters.flat == before).all()


BAD_DATA = [
    (iter([X]), None, InputTypeError, "X is a list_iterator; gather its batches into one array"),
    (np.ma.masked_greater(X, 1), Y, DataError, "X has masked numbers"),
    (with_value(np.nan), Y, DataError, "X is nan in row 7, column 2; 1 of 90 numbers"),
    (with_value(np.inf), Y, DataError, "X is inf in row 7, column 2"),
    (X[:0], Y[:0], DataError, r"X is empty \(shape \(0, 3\)\)"),
    (X[0], Y, ShapeError, r"X has shape \(3,\), .* one row .* X\[None\] of shape \(1, 3\)"),
    (X[:, :2], Y, ShapeError, r"X has shape \(30, 2\), .* rows of shape \(3,\)"),
    (X[0], Y[0], ShapeError, r"X has shape \(3,\)"),
    (5.0, Y, ShapeError, r"X has shape \(\)"),
    ([[1, 2, 3], [1, 2]], Y, ShapeError, "different lengths"),
    (X[:5], Y, ShapeError, "X has 5 rows, y has 30"),
    (np.full((30, 3), "a"), Y, InputTypeError, "X must hold numbers, got 'a'"),
    ([[1, "red", 3]], [1.0], InputTypeError, "X must hold numbers"),
    (np.array([[1, "red", 3]], object), [1.0], InputTypeError, "'red' in row 0, column 1"),
    (None, Y, InputTypeError, "X is missing"),
    (X, None, InputTypeError, "y is missing"),
    (X, np.full(30, np.nan), DataError, "y: target nan in row 0"),
    (X, [[1.0], [1.0, 2.0]] * 15, ShapeError, "y: its rows are of different lengths"),
    (X, (one for one in Y), InputTypeError, "y is a generator; gather its targets into one array"),
    (X, map(float, Y[:, 0]), InputTypeError, "y is a map; gather its targets"),
    (X, lambda: Y, InputTypeError, "y is a function; gather its targets"),
    (X, {1.0, 2.0}, InputTypeError, "y is a set; gather its targets"),
    (X, {"wrong": Y}, DataError, "y: 'dense_1' is missing"),
]


@pytest.mark.parametrize("x, y, error, words", BAD_DATA)
def test_bad_data_gets_a_sentence(x, y, error, words):
    with pytest.raises(error, match=words):
        trainer().fit(x, y)


def test_numbers_too_large_for_the_type_are_refused():
    one = Trainer(Stack([Dense(1)], (3,)), "mse", seed=1)
    with pytest.raises(DataError, match=r"X is 1e\+300 \(too large for float32\) in row 7"):
        one.fit(with_value(1e300), Y)
    large = np.full((30, 3), 3e38)  # finite, though their sum is not
    assert np.isfinite(one.predict(large * 0 + 1)).all()
    assert one.data(large, Y).rows == 30


def test_bad_settings_of_a_trainer_get_a_sentence():
    network = Stack([Dense(1)], (3,))
    for make, error, words in [
        (lambda: Trainer(network, "mse", dtype="int32"), SettingError, "dtype must be"),
        (lambda: Trainer(network, "mse", engine="gpu"), SettingError, "'gpu' is not known"),
        (lambda: Trainer(network).fit(X, Y), SettingError, r"call compile\(optimizer"),
        (lambda: Trainer(network).iterations, SettingError, "compile"),
        (lambda: Trainer(network, "mse", metrics=["mae", "mae"]).fit(X, Y), SettingError,
         "two results are named 'mae'"),
        (lambda: Trainer(Heads(), "mse"), SettingError, "one for each output"),
        (lambda: Trainer(network, ["mse", "mae"]), SettingError, "loss: give one for each output"),
        (lambda: Trainer(network, []), SettingError, "loss: give one for each output: 'dense'"),
        (lambda: Trainer(network, {"out": "mse"}), SettingError, "loss: there is no output 'out'"),
        (lambda: Trainer(network, "mse", metrics={"dens": ["mae"]}), SettingError,
         "metrics: there is no output 'dens'; did you mean 'dense'"),
    ]:  # fmt: skip
        with pytest.raises(error, match=words):
            make()


def test_a_class_that_no_label_can_be_is_refused():
    one = Trainer(Stack([Dense(2, "softmax")], (3,)), "sparse_categorical_crossentropy", seed=4)
    with pytest.raises(SettingError, match="class 2 is not known; the classes are 0, 1"):
        one.fit(X, np.arange(30) % 2, class_weight={2: 1.0})


def test_a_share_may_be_a_number_of_numpy():
    history = trainer().fit(X, Y, validation_split=np.float32(0.5))
    assert "val_loss" in history.history
