"""Callbacks on the same sequences: when training ends, how rates fall, what a file says."""

import csv

import numpy as np
import pytest
from tests.peers.libraries import keras

import chainrule

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 5)), 3 * RNG.normal(size=(64, 1))


class Model:
    """What early stopping needs of a model: the weights are the epoch's number."""

    stop_training = False
    weights = 0

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def stopped(rule, sequence, monitor):
    model = Model()
    rule.set_model(model)
    rule.on_train_begin()
    epochs = 0
    for epoch, value in enumerate(sequence):
        epochs, model.weights = epoch + 1, epoch
        rule.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            break
    rule.on_train_end()
    return epochs, rule.stopped_epoch, rule.best_epoch, model.weights


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping(seed, compared):
    compared("Keras", f"EarlyStopping {seed}")
    rng = np.random.default_rng(seed)
    sequence = np.round(rng.normal(size=12).cumsum() * 0.1 + 1, 2).tolist()
    monitor = ("val_loss", "val_accuracy")[seed % 2]
    settings = {
        "monitor": monitor,
        "mode": ("min", "max")[seed % 2],
        "min_delta": float(rng.choice([0, 0.05])),
        "patience": int(rng.integers(0, 5)),
        "restore_best_weights": bool(rng.integers(2)),
        "start_from_epoch": int(rng.choice([0, 0, 3])),
        "baseline": [None, None, 0.9, 0.2][int(rng.integers(4))],
    }
    mine = stopped(chainrule.callbacks.EarlyStopping(**settings), sequence, monitor)
    assert mine == stopped(keras.callbacks.EarlyStopping(**settings), sequence, monitor)


def built(library):
    layers = library.layers
    extra = {"dtype": "float64"} if library is chainrule else {}
    model = library.Sequential([layers.Input((5,)), layers.Dense(1)], **extra)
    model.set_weights([np.linspace(-1, 1, 5)[:, None], np.zeros(1)])
    model.compile("sgd", "mse")
    return model


class Owner:
    """What a callback of rates needs of a model."""

    def __init__(self, optimizer):
        self.optimizer = optimizer


@pytest.mark.parametrize("seed", range(20))
def test_plateaus(seed, compared):
    compared("Keras", f"ReduceLROnPlateau {seed}")
    random = np.random.default_rng(seed)
    settings = {
        "patience": int(random.integers(0, 4)), "cooldown": int(random.integers(0, 3)),
        "factor": 0.5, "min_lr": 1e-3, "min_delta": float(random.choice([0, 0.1])),
    }  # fmt: skip
    model = chainrule.Sequential([chainrule.layers.Input((5,)), chainrule.layers.Dense(1)])
    model.compile(chainrule.optimizers.SGD(0.01), "mse")
    pairs = [
        (chainrule.callbacks.ReduceLROnPlateau("loss", **settings), Owner(model.optimizer)),
        (keras.callbacks.ReduceLROnPlateau("loss", **settings), Owner(keras.optimizers.SGD(0.01))),
    ]
    for callback, owner in pairs:
        callback.set_model(owner)
        callback.on_train_begin()
    for epoch, loss in enumerate(random.integers(0, 20, 40) / 10 - np.arange(40) / 30):
        for callback, _ in pairs:
            callback.on_epoch_end(epoch, {"loss": float(loss)})
        rates = [float(owner.optimizer.learning_rate) for _, owner in pairs]
        assert rates[0] == pytest.approx(rates[1], rel=1e-6)


@pytest.mark.parametrize("split", [0.0, 0.25])
def test_csv_files_look_alike(split, tmp_path, compared):
    compared("Keras", f"CSVLogger, validation_split={split}")
    lines = []
    for library in (keras, chainrule):
        path = str(tmp_path / f"{library.__name__}.csv")
        model = built(library)
        for append in (False, True):
            log = library.callbacks.CSVLogger(path, append=append)
            model.fit(X, Y, epochs=2, shuffle=False, validation_split=split, verbose=0,
                      callbacks=[log])  # fmt: skip
        with open(path, encoding="utf-8", newline="") as file:
            lines.append(list(csv.reader(file)))
    its, mine = lines
    assert its[0] == mine[0]
    assert len(its) == len(mine)
    for a, b in zip(its[1:], mine[1:], strict=True):
        assert [x for x in a if x == "NA"] == [x for x in b if x == "NA"]
        np.testing.assert_allclose(
            [float(x) for x in a if x != "NA"], [float(x) for x in b if x != "NA"], rtol=1e-6
        )


def checkpoints(library, folder, pattern, settings, epochs):
    """The names of the files that are written."""
    ending = ".keras" if library is keras else ".safetensors"
    model = built(library)
    for part in (X, 2 * X):  # a later fit goes on with the best of the one before
        keep = library.callbacks.ModelCheckpoint(str(folder / pattern) + ending, **settings)
        for _ in range(2):
            model.fit(part, Y, epochs=epochs, batch_size=16, shuffle=False, verbose=0,
                      validation_split=0.25, callbacks=[keep])  # fmt: skip
    return sorted(path.stem for path in folder.iterdir())


@pytest.mark.parametrize(
    "pattern, settings",
    [
        ("{epoch:02d}-{val_loss:.3f}", {}),
        ("{epoch}-{loss:.3f}", {"save_best_only": True}),
        ("{epoch}-{val_loss:.3f}", {"save_best_only": True, "mode": "max"}),
        ("{epoch}", {"save_best_only": True, "initial_value_threshold": 9.0}),
        ("{epoch}-{batch}", {"save_freq": 2}),
        ("{epoch}-{batch}", {"save_freq": 4}),
        ("{epoch}-{batch:03d}-{loss:.2f}", {"save_freq": 7}),
    ],
)
def test_checkpoints_have_the_same_names(pattern, settings, tmp_path, compared):
    compared("Keras", f"ModelCheckpoint {pattern} {settings}")
    found = []
    for library in (keras, chainrule):
        folder = tmp_path / library.__name__
        folder.mkdir()
        found.append(checkpoints(library, folder, pattern, settings, 4))
    assert found[0] == found[1]
    assert found[0]
