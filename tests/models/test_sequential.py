"""Sequential, as Keras's users type it."""

import copy
import warnings

import numpy as np
import pandas
import pytest
from tests.pages import Page

import chainrule as keras
from chainrule import random
from chainrule.errors import (
    DataError,
    EngineError,
    InputTypeError,
    MissingNameError,
    SettingError,
    ShapeError,
    TrainingError,
)
from chainrule.graph import ops
from chainrule.layers import LAYERS, Dense, Dropout, Flatten, Input
from chainrule.training import LambdaCallback

PICTURES = (np.arange(60 * 784) * 7919 % 256).reshape(60, 28, 28).astype(np.uint8)
DIGITS = np.arange(60) % 10
X = random.normal(1, 0, 0, 80).reshape(40, 2)
XOR = (X[:, 0] * X[:, 1] > 0).astype(int)


def xor(dtype="float64", seed=1, **settings):
    model = keras.Sequential(
        [Input((2,)), Dense(8, "tanh"), Dense(1, "sigmoid")], seed=seed, dtype=dtype
    )
    model.compile(**({"optimizer": "adam", "loss": "binary_crossentropy"} | settings))
    return model


def test_the_network_of_the_contract_runs_as_written():
    X, y = PICTURES, DIGITS
    model = keras.Sequential(
        [
            keras.layers.InputLayer(shape=[28, 28]),
            keras.layers.Flatten(),
            keras.layers.Dropout(rate=0.2),
            keras.layers.Dense(300, activation="relu"),
            keras.layers.Dropout(rate=0.2),
            keras.layers.Dense(100, activation="relu"),
            keras.layers.Dropout(rate=0.2),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        engine="auto",
    )
    history = model.fit(
        X, y, batch_size=32, epochs=1, validation_split=0.0, validation_data=None, callbacks=None,
        shuffle=True, sample_weight=None, class_weight=None, initial_epoch=0, verbose="auto",
    )  # fmt: skip
    assert list(history.history) == ["loss", "accuracy"]
    assert history.steps["loss"].shape == (2,)
    assert list(model.evaluate(X, y, return_dict=True)) == ["loss", "accuracy"]
    assert len(model.evaluate(X, y)) == 2
    assert model.predict(X).shape == model.predict_on_batch(X).shape == (60, 10)
    np.testing.assert_allclose(model.predict(X).sum(axis=1), 1, rtol=1e-5)
    loss, accuracy = model.train_on_batch(X, y)
    assert loss > 0
    assert accuracy * 60 == round(accuracy * 60)
    assert [w.shape for w in model.get_weights()] == [
        (784, 300), (300,), (300, 100), (100,), (100, 10), (10,),
    ]  # fmt: skip
    model.set_weights(model.get_weights())
    assert model.count_params() == 266_610
    assert [layer.name for layer in model.layers] == [
        "flatten", "dropout", "dense", "dropout_1", "dense_1", "dropout_2", "dense_2",
    ]  # fmt: skip
    assert model.layers[2].kernel.shape == (784, 300)
    assert model.get_layer("dense").bias.shape == (300,)


@pytest.mark.parametrize("widths, count", [((3, 4, 2), 26), ((3, 4, 4, 1), 41), ((3, 3, 3, 1), 28)])
def test_parameters_are_counted_as_in_the_course(widths, count):
    model = keras.Sequential([Input(widths[0]), *(Dense(width) for width in widths[1:])])
    assert model.count_params() == count
    shown = []
    model.summary(print_fn=shown.append)
    assert f"Total parameters: {count}" in shown[0]


def test_the_summary_is_a_table(capsys):
    keras.Sequential([Input((2, 3)), Flatten(), Dense(4, trainable=False)], name="small").summary()
    assert capsys.readouterr().out.splitlines() == [
        'Model "small"',
        "-" * 43,
        "Layer (type)       Output shape  Parameters",
        "-" * 43,
        "flatten (Flatten)  (None, 6)              0",
        "dense (Dense)      (None, 4)             28",
        "-" * 43,
        "Total parameters: 28 (112 bytes)",
        "Trainable: 0",
        "Not trainable: 28",
    ]


def test_a_notebook_shows_the_summary_as_a_table():
    layers = [Input((4, 4)), Flatten(), Dense(2, name="a<b"), Dense(1, trainable=False)]
    model = keras.Sequential(layers, name="<script>")
    page = Page(model._repr_html_())
    assert page.rows == [
        ["Layer (type)", "Output shape", "Parameters"],
        ["flatten (Flatten)", "(None, 16)", "0"],
        ["a<b (Dense)", "(None, 2)", "34"],
        ["dense (Dense)", "(None, 1)", "3"],
    ]
    assert page.texts[0] == 'Model "<script>"'
    assert page.texts[-3:] == [
        "Total parameters: 37 (148 bytes)", "Trainable: 34", "Not trainable: 3",
    ]  # fmt: skip
    assert not page.attributes("script")
    assert keras.Sequential([Dense(1)])._repr_html_() is None


def test_a_model_is_shown_in_one_line():
    assert repr(xor()) == "<Sequential 'sequential': dense (24), dense_1 (9); 33 parameters>"
    late = keras.Sequential([Dense(3)], name="late")
    assert repr(late) == "<Sequential 'late': dense; no input shape yet>"
    assert repr(keras.Sequential()) == "<Sequential 'sequential': no layers; no input shape yet>"


def test_xor_is_learned():
    model = xor(metrics=["accuracy"], optimizer=keras.optimizers.Adam(0.05))
    model.fit(X, XOR, epochs=150)
    assert model.evaluate(X, XOR, return_dict=True)["accuracy"] == 1


def test_linear_layers_are_one_linear_layer():
    model = keras.Sequential([Input((2,)), Dense(8), Dense(1)], seed=0, dtype="float64")
    model.compile("adam", "mse")
    corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    model.fit(corners, [0, 1, 1, 0], epochs=600, batch_size=4)
    np.testing.assert_allclose(model.predict(corners), 0.5, atol=0.1)


def test_the_shape_may_come_from_the_data():
    models = [
        keras.Sequential([*start, Dense(3, "relu"), Dense(1)], seed=5)
        for start in ([Input((2,))], [])
    ]
    for model in models:
        model.compile("sgd", "mse")
    first, second = (model.fit(X, XOR, epochs=2).history["loss"] for model in models)
    assert first == second
    with pytest.raises(ShapeError, match=r"X has shape \(40, 1\), .* rows of shape \(2,\)"):
        models[1].predict(X[:, :1])
    one_column = keras.Sequential([Dense(1)])
    assert one_column.predict([1.0, 2.0, 3.0]).shape == (3, 1)


def test_layers_added_later_keep_the_values_before():
    model = keras.Sequential(seed=3)
    for layer in (Input((2,)), Dense(3), Dense(1)):
        model.add(layer)
    whole = keras.Sequential([Input((2,)), Dense(3), Dense(1)], seed=3)
    for mine, its in zip(model.get_weights(), whole.get_weights(), strict=True):
        assert (mine == its).all()
    model.layers[0].kernel = np.ones((2, 3))
    model.add(Dense(4))
    assert (model.layers[0].kernel == 1).all()
    assert model.predict(X).shape == (40, 4)


def test_a_layer_that_is_refused_is_not_added():
    model = keras.Sequential([Input((2,)), Dense(3, name="a")], seed=1)
    for wrong in (Dense(2, name="a"), Input((2,)), "dense"):
        with pytest.raises((SettingError, InputTypeError)):
            model.add(wrong)
    model.add(Dense(2))
    assert [layer.name for layer in model.layers] == ["a", "dense"]


def test_one_layer_at_two_places_would_share_weights_and_is_refused():
    shared = Dense(2)
    model = keras.Sequential([Input((2,)), shared])
    for wrong in (
        lambda: keras.Sequential([Input((2,)), shared, Dense(2), shared]),
        lambda: keras.Sequential([shared] * 3),
        lambda: model.add(shared),
    ):
        with pytest.raises(SettingError, match="one Dense object .* a Dense of its own"):
            wrong()
    assert len(model.layers) == 1
    assert len(keras.Sequential([Input((2,)), Dense(2), Dense(2)]).get_weights()) == 4


def test_layers_of_a_model_are_no_descriptions():
    model = xor(dtype="float32")
    with pytest.raises(InputTypeError, match=r"'dense' .* layer.description.*set_weights\("):
        keras.Sequential([Input((2,)), *model.layers[:1]])
    part = keras.Sequential([Input((2,)), *(layer.description for layer in model.layers[:1])])
    part.layers[0].set_weights(model.layers[0].get_weights())
    assert (part.layers[0].kernel == model.layers[0].kernel).all()


def test_history_is_there_where_training_ends_with_an_error():
    X, y = np.ones((40, 2)), np.ones(40)

    class Pressed(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    model = keras.Sequential([Input((2,)), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    model.fit(X, y)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, epochs=9, callbacks=[Pressed()])
    assert model.history.epoch in ([0, 1], [0, 1, 2])
    model.optimizer.learning_rate = 1e12
    with pytest.raises(TrainingError):
        model.fit(X, y, epochs=50, batch_size=40)
    assert 0 < len(model.history.epoch) == len(model.history.steps["loss"]) < 50


def test_a_seed_is_drawn_and_recorded():
    models = [keras.Sequential([Input(2), Dense(3)]) for _ in range(2)]
    assert models[0].seed != models[1].seed
    again = keras.Sequential([Input(2), Dense(3)], seed=models[0].seed)
    assert (again.layers[0].kernel == models[0].layers[0].kernel).all()


def test_bound_layers_are_descriptions_with_views():
    model = xor()
    layer = model.layers[0]
    assert (layer.units, layer.activation, layer.name) == (8, "tanh", "dense")
    assert layer.trainable
    assert layer.output_shape == (None, 8)
    layer.kernel[0, 0] = 7
    assert model.get_weights()[0][0, 0] == 7
    layer.bias = np.arange(8)
    assert (model.get_layer(index=0).bias == np.arange(8)).all()
    copies = layer.get_weights()
    copies[0][:] = 0
    assert layer.kernel[0, 0] == 7
    layer.set_weights([np.ones((2, 8)), np.zeros(8)])
    assert (layer.kernel == 1).all()
    assert layer.count_params() == 24
    assert {"kernel", "bias", "units", "trainable"} <= set(dir(layer))
    for change, error, words in [
        (lambda: setattr(layer, "bias", np.ones(3)), ShapeError, r"dense/bias has shape \(8,\)"),
        (lambda: setattr(layer, "units", 3), InputTypeError, "'units' cannot be set"),
        (lambda: layer.quux, AttributeError, "'dense' has no 'quux'; it has 'kernel', 'bias'"),
        (lambda: layer.set_weights([1]), ShapeError, "1 arrays are given for 2 parameters"),
        (lambda: model.get_layer("dens"), SettingError, "did you mean 'dense'"),
        (lambda: model.get_layer(index=9), SettingError, "index 9 is not among the 2 layers"),
        (lambda: keras.Sequential([Dense(1)]).layers[0].kernel, AttributeError, "no input shape"),
    ]:
        with pytest.raises(error, match=words):
            change()


def test_freezing_a_layer_takes_effect_at_once():
    model = xor()
    model.fit(X, XOR, epochs=2)
    before = model.get_weights()
    model.layers[0].trainable = False
    for mine, its in zip(model.get_weights(), before, strict=True):
        assert (mine == its).all()
    steps = model.optimizer.iterations
    model.fit(X, XOR, epochs=1)
    assert model.optimizer.iterations == steps + 2
    assert (model.get_weights()[0] == before[0]).all()
    assert (model.get_weights()[2] != before[2]).any()
    model.layers[0].trainable = True
    model.fit(X, XOR, epochs=1)
    assert (model.get_weights()[0] != before[0]).any()


def test_freezing_keeps_the_state_of_the_others():
    """A layer frozen and freed between fits is as if nothing had been, but for its own state."""
    one, other = xor(optimizer="adam"), xor(optimizer="adam")
    for model in (one, other):
        model.fit(X, XOR, epochs=2)
    one.layers[1].trainable = False
    one.layers[1].trainable = True
    names = [name for name in one.optimizer.arrays(one.trainer.parameters) if "dense/" in name]
    mine, its = (m.optimizer.arrays(m.trainer.parameters) for m in (one, other))
    assert names
    assert all((mine[name] == its[name]).all() for name in names)


def test_compiling_again_starts_the_optimizer_anew():
    model = xor()
    model.fit(X, XOR)
    kernel = model.layers[0].kernel.copy()
    model.compile("sgd", "binary_crossentropy")
    assert model.optimizer.iterations == 0
    assert (model.layers[0].kernel == kernel).all()


@pytest.mark.parametrize("data", [X.tolist(), pandas.DataFrame(X), X.astype("float32"), X[::1]])
def test_data_may_be_lists_and_frames(data):
    one, other = xor("float32"), xor("float32")
    history = one.fit(data, pandas.Series(XOR), epochs=2).history
    assert history == other.fit(X, XOR.tolist(), epochs=2).history
    assert (one.predict(data) == other.predict(X)).all()


def test_a_row_predicts_alone_as_among_others():
    model = xor()
    alone = np.concatenate([model.predict(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(model.predict(X), alone, rtol=1e-13)
    np.testing.assert_allclose(model.predict(X, batch_size=7), alone, rtol=1e-13)


def test_an_own_loss_metric_and_activation_are_functions_on_nodes():
    model = keras.Sequential(
        [Input((2,)), Dense(4, lambda z: ops.tanh(z) * z), Dense(1)], seed=1, dtype="float64"
    )

    def fourth(y_true, y_pred):
        return (y_true - y_pred) ** 2 * (y_true - y_pred) ** 2

    model.compile(keras.optimizers.SGD(0.01), fourth, metrics=[fourth])
    history = model.fit(X, XOR, epochs=5).history
    assert history["fourth"] == pytest.approx(history["loss"], rel=1e-12)
    assert history["loss"][-1] < history["loss"][0]


def test_a_callback_sees_the_model():
    seen = []

    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model, len(self.model.get_weights())))

    model = xor()
    model.fit(X, XOR, callbacks=[Looks()])
    assert seen == [(model, 4)]


def test_early_stopping_restores_through_the_model():
    stopping = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model = xor(optimizer=keras.optimizers.SGD(1.0))
    history = model.fit(X, XOR, epochs=300, validation_split=0.3, callbacks=[stopping]).history
    best = int(np.argmin(history["val_loss"]))
    assert len(history["loss"]) == best + 4
    assert model.evaluate(X[28:], XOR[28:]) == history["val_loss"][best]


def test_a_sum_and_a_mean_differ_by_the_batch():
    """SGD on the sum over a full batch is SGD on the mean with a rate times the rows."""
    one = xor(loss=keras.losses.BinaryCrossentropy(reduction="sum"),
              optimizer=keras.optimizers.SGD(0.01))  # fmt: skip
    other = xor(optimizer=keras.optimizers.SGD(0.4))
    for model in (one, other):
        model.fit(X, XOR, batch_size=40, epochs=3)
    np.testing.assert_allclose(one.get_weights()[0], other.get_weights()[0], rtol=1e-12)


def test_every_layer_of_the_table_is_a_public_name():
    assert all(hasattr(keras.layers, name) for name in LAYERS)
    assert keras.layers.Input([3]) == keras.layers.InputLayer(shape=3)


def test_warnings_are_few():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        xor().fit(X, XOR, epochs=2)
    assert not caught


BAD = [
    (lambda: keras.Sequential(dtype="float16"), SettingError, "dtype must be .* got 'float16'"),
    (lambda: keras.Sequential(seed=-1), SettingError, "seed must be .* got -1"),
    (lambda: keras.Sequential(seed=1.5), SettingError, "seed must be"),
    (lambda: keras.Sequential(Dense(3)), InputTypeError, "needs a list of layers, got Dense"),
    (lambda: keras.Sequential([3]), InputTypeError, "needs layers, got 3"),
    (lambda: keras.Sequential([Flatten]), InputTypeError, r"Flatten is a class; .*Flatten\(\)"),
    (lambda: keras.Sequential([Dense(1), Input(3)]), SettingError, "only be the first"),
    (lambda: keras.Sequential([Dense(1, name="a"), Dense(1, name="a")]), SettingError, "name 'a'"),
    (lambda: keras.Sequential([Dense(-1)]), SettingError, "units must be"),
    (lambda: keras.Sequential([Dropout(1.5)]), SettingError, "rate must be .* got 1.5"),
    (lambda: keras.Sequential([Dense(1)]).get_weights(), SettingError, "no input shape yet"),
    (lambda: keras.Sequential([Dense(1)]).count_params(), SettingError, "no input shape yet"),
    (lambda: keras.Sequential().predict(X), SettingError, "has no layers"),
    (lambda: keras.Sequential([Dense(1)]).predict(3), InputTypeError, "first axis of rows"),
    (lambda: keras.Sequential([Dense(1)]).fit(X, XOR), SettingError, "fit: .* call compile"),
    (lambda: keras.Sequential([Dense(1)]).evaluate(X, XOR), SettingError, "evaluate: "),
    (lambda: keras.Sequential([Dense(1)]).optimizer, SettingError, "not compiled"),
    (lambda: xor(optimizer="adan"), SettingError, "optimizer: 'adan'.*did you mean 'adam"),
    (lambda: xor(loss="cross_entropy"), SettingError, "loss: 'cross_entropy' is not known"),
    (lambda: xor(loss=None), SettingError, "compile: loss is missing"),
    (lambda: xor(metrics=["acuracy"]), SettingError, "did you mean 'accuracy'"),
    (lambda: xor(metrics="accuracy"), InputTypeError, "metrics must be a list"),
    (lambda: xor(engine="gpu"), SettingError, "engine: 'gpu' is not known"),
    (lambda: xor().fit(X), InputTypeError, "y is missing"),
    (lambda: xor().fit(X, XOR[:5]), ShapeError, "X has 40 rows, y has 5"),
    (lambda: xor().fit(X, XOR + 1), DataError, "target 2.0 in row .* from 0 to 1"),
    (lambda: xor().fit(X[:0], XOR[:0]), DataError, "X is empty"),
    (lambda: xor().predict(X * np.nan), DataError, "X is nan in row 0, column 0; 80 of 80"),
    (lambda: xor().predict(X[:, :1]), ShapeError, r"\(40, 1\).*\(2,\)"),
    (lambda: xor().fit(X, XOR, batch_size=0), SettingError, "batch_size"),
    (lambda: xor().fit(X, XOR, validation_split=1.2), SettingError, "validation_split"),
    (lambda: xor().fit(X, XOR, class_weight={2: 1.0}), SettingError, "class 2 is not known"),
    (lambda: xor().weights, MissingNameError, r"no 'weights'; use get_weights\(\)"),
    (lambda: xor().pop(), MissingNameError, "no 'pop'; use a new Sequential"),
    (lambda: xor().save_weights("w"), MissingNameError, r"no 'save_weights'; use save\("),
    (lambda: xor().predct(X), MissingNameError, "no 'predct'; did you mean 'predict'"),
    (lambda: xor()(X), InputTypeError, r"predict\(X\)"),
    (lambda: xor().set_weights([1, 2]), ShapeError, "2 arrays are given for 4 parameters"),
    (lambda: xor().set_weights([np.ones((8, 2)), *xor().get_weights()[1:]]), ShapeError,
     r"dense/kernel has shape \(2, 8\), the array given has \(8, 2\)"),
]  # fmt: skip


@pytest.mark.parametrize("make, error, words", BAD)
def test_bad_input_gets_a_sentence(make, error, words):
    with pytest.raises(error, match=words) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_labels_are_checked_against_the_last_layer():
    model = keras.Sequential([Flatten(), Dense(10, "softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    words = r"label 10 in row 3, but the last layer .* has 10 units \(labels 0 to 9\)"
    with pytest.raises(DataError, match=words):
        model.fit(PICTURES[:4], [0, 1, 2, 10])


def test_layers_that_do_not_fit_are_named():
    from dataclasses import dataclass

    from chainrule.layers import Layer

    @dataclass(frozen=True)
    class Halves(Layer):
        def apply(self, x, *parameters):
            return x.reshape((x.shape[0], 2, -1))

    assert keras.Sequential([Input(4), Halves()]).layers[0].output_shape == (None, 2, 2)
    with pytest.raises(ShapeError, match=r"layer 'halves' given rows of shape \(3,\): reshape"):
        keras.Sequential([Input(3), Halves()])


def test_an_engine_that_is_not_there_is_refused_at_compile():
    if keras.engine_info()["engine"] == "numpy":
        with pytest.raises(EngineError, match="native"):
            xor(engine="native")


def test_the_input_has_keras_place_too():
    assert keras.Sequential([keras.Input(shape=(3,)), Dense(4)]).count_params() == 16


def test_parameters_before_the_input_is_known_are_refused_with_the_remedy():
    layer = keras.Sequential([Dense(3)]).layers[0]
    with pytest.raises(AttributeError, match="'dense' has no 'kernel': .* begin with layers.Input"):
        layer.kernel
    assert not hasattr(layer, "kernel")


def test_a_batch_that_is_missing_is_refused():
    with pytest.raises(InputTypeError, match="X is missing"):
        xor().predict_on_batch(None)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model.layers[0], "trainable", False),
        lambda model: model.add(Dense(1)),
    ],
)
@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_end", "on_train_batch_end"])
def test_layers_cannot_change_while_they_are_trained(change, hook):
    model = keras.Sequential([Input((2,)), Dense(3), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    X = np.arange(20.0).reshape(10, 2) / 20
    stop = LambdaCallback(**{hook: lambda *_: change(model)})
    with pytest.raises(SettingError, match="(add|trainable): fit is training this model"):
        model.fit(X, X[:, 0], epochs=3, verbose=0, callbacks=[stop])
    change(model)
    count = model.count_params()
    before = [weights.copy() for weights in model.get_weights()]
    history = model.fit(X, X[:, 0], epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    assert model.count_params() == count
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_copy_made_while_a_model_is_trained_may_change():
    model = keras.Sequential([Input((2,)), Dense(3), Dense(1)], seed=1)
    model.compile("sgd", "mse")
    X = np.arange(20.0).reshape(10, 2) / 20
    copies = []
    take = LambdaCallback(on_epoch_end=lambda *_: copies.append(copy.deepcopy(model)))
    model.fit(X, X[:, 0], epochs=2, verbose=0, callbacks=[take])
    for one in copies:
        one.layers[0].trainable = False
        one.fit(X, X[:, 0], verbose=0)
