"""Models as files: what comes back predicts and trains on to the same bits."""

import numpy as np
import pytest

import chainrule
from chainrule import random
from chainrule.errors import (
    ExistingFileError,
    InputTypeError,
    MissingFileError,
    ModelFileError,
    SettingError,
)
from chainrule.files import load_model_file, save_model
from chainrule.layers import Activation, Dense, Dropout, Flatten, HeNormal, Input
from chainrule.optimizers import SGD, Adam, AdamW, RMSprop

X = random.normal(1, 0, 0, 240).reshape(40, 2, 3)
Y = np.arange(40) % 3


def model(optimizer="adam", dtype="float32", loss="sparse_categorical_crossentropy"):
    made = chainrule.Sequential(
        [
            Input((2, 3)),
            Flatten(),
            Dropout(0.3),
            Dense(5, "relu", kernel_initializer=HeNormal(), kernel_regularizer="l2"),
            Dense(4, use_bias=False, trainable=False),
            Activation("tanh"),
            Dense(3, "softmax", name="output"),
        ],
        seed=2**60,
        dtype=dtype,
        name="small",
    )
    made.compile(optimizer, loss, metrics=["accuracy", "sparse_categorical_crossentropy"])
    return made


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1), SGD(0.1, momentum=0.9), RMSprop(), Adam(0.01, amsgrad=True), AdamW()],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_goes_on_to_the_same_bits(optimizer, dtype, tmp_path):
    whole, kept = model(optimizer, dtype), model(optimizer, dtype)
    for one in (whole, kept):
        one.fit(X, Y, epochs=2, batch_size=7)
    kept.save(tmp_path / "m.safetensors")
    loaded = chainrule.load_model(tmp_path / "m.safetensors")
    assert (loaded.predict(X) == whole.predict(X)).all()
    assert loaded.evaluate(X, Y) == whole.evaluate(X, Y)
    assert loaded.optimizer.iterations == whole.optimizer.iterations
    more = [one.fit(X, Y, epochs=4, initial_epoch=2, batch_size=7) for one in (whole, loaded)]
    assert more[0].history == more[1].history
    assert (whole.trainer.parameters.flat == loaded.trainer.parameters.flat).all()


def test_everything_about_a_model_comes_back(tmp_path):
    one = model()
    one.save(str(tmp_path / "m.safetensors"))
    other = chainrule.load_model(str(tmp_path / "m.safetensors"))
    assert (other.name, other.seed, other.dtype) == ("small", 2**60, "float32")
    texts = []
    for each in (one, other):
        each.summary(print_fn=texts.append)
    assert texts[0] == texts[1]
    assert [layer.name for layer in other.layers][-1] == "output"
    assert not other.get_layer("dense_1").trainable


def test_saving_twice_gives_the_same_bytes(tmp_path):
    one = model()
    one.save(tmp_path / "a")
    chainrule.load_model(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"a,b\n1,2\n3,4\n", b"x", b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_no_model_is_not_overwritten(content, tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(ExistingFileError, match="no model; it is left. Give another name"):
        model().save(path)
    assert path.read_bytes() == content
    path.write_bytes(b"")
    model().save(path)
    model().save(path)
    assert chainrule.load_model(path).predict(X).shape == model().predict(X).shape


@pytest.mark.parametrize("ending", ["h5", "hdf5", "keras", "pt", "H5"])
def test_names_of_files_of_other_kinds_are_refused(ending, tmp_path):
    with pytest.raises(SettingError, match=f"safetensors, .*[.]{ending} .* it a.safetensors"):
        model().save(tmp_path / f"a.{ending}")
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_not_compiled_is_kept_too(tmp_path):
    one = chainrule.Sequential([Input(2), Dense(1)], seed=1)
    one.save(tmp_path / "m")
    other = chainrule.load_model(tmp_path / "m")
    assert (other.predict([[1, 2]]) == one.predict([[1, 2]])).all()
    with pytest.raises(SettingError, match="compile"):
        other.fit([[1, 2]], [1])


def test_code_of_ones_own_is_refused_and_nothing_written(tmp_path):
    def own(y_true, y_pred):
        return (y_true - y_pred) ** 2

    input_only = [Input(2), Dense(1)]
    named = chainrule.Sequential([Input(2), Dense(1, lambda z: z)])
    lossy, watched = (chainrule.Sequential(input_only) for _ in range(2))
    lossy.compile(loss=own)
    watched.compile(loss="mse", metrics=[own])
    for one, words in [
        (named, "layer 'dense': a model file cannot keep activation='<lambda>'"),
        (lossy, "loss 'own'"),
        (watched, "metric 'own'"),
    ]:
        with pytest.raises(InputTypeError, match=words):
            one.save(tmp_path / "m")
        assert not (tmp_path / "m").exists()
    with pytest.raises(SettingError, match="no input shape yet"):
        chainrule.Sequential([Dense(1)]).save(tmp_path / "m")


def test_files_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(MissingFileError):
        chainrule.load_model(tmp_path / "none")
    save_model(tmp_path / "other", {"kind": "Tabular"}, {})
    with pytest.raises(ModelFileError, match="other: the file holds a Tabular, not a Sequential"):
        chainrule.load_model(tmp_path / "other")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record, arrays: record.pop("layers"),
        lambda record, arrays: record["layers"][2].update({"class": "Quux"}),
        lambda record, arrays: record["layers"][2]["settings"].update(units=-1),
        lambda record, arrays: record["layers"][2]["settings"].update(units=6),
        lambda record, arrays: record["compiled"]["optimizer"].update({"class": "quux"}),
        lambda record, arrays: record["compiled"].update(metrics=["quux"]),
        lambda record, arrays: record.update(shape="wide"),
        lambda record, arrays: record.update(epochs="many"),
        lambda record, arrays: record.update(layers=3),
        lambda record, arrays: record.update(compiled=[]),
        lambda record, arrays: record["layers"][2]["settings"].update(units=10**15),
        lambda record, arrays: arrays.pop("parameters/dense/kernel"),
        lambda record, arrays: arrays.pop("slots/momentum/dense/kernel"),
    ],
)
def test_a_record_that_makes_no_model_is_a_sentence(spoil, tmp_path):
    model().save(tmp_path / "m")
    record, arrays = load_model_file(tmp_path / "m")
    spoil(record, arrays)
    save_model(tmp_path / "spoilt", record, arrays)
    with pytest.raises(ModelFileError, match="spoilt: the model cannot be made again"):
        chainrule.load_model(tmp_path / "spoilt")
