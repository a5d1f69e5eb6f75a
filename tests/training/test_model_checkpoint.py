"""Models saved while they are trained."""

from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.callbacks import (
    BackupAndRestore,
    Callback,
    LearningRateScheduler,
    ModelCheckpoint,
)
from chainrule.errors import (
    ExistingFileError,
    InputTypeError,
    SettingError,
    WriteError,
)

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 3))
Y = X @ [[1.0], [-2.0], [0.5]] + 0.1 * RNG.normal(size=(40, 1))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def network(engine="native", dtype="float32", metrics=(), seed=1):
    layers = [chainrule.layers.Dense(4, activation="tanh"), chainrule.layers.Dense(1)]
    model = chainrule.Sequential(layers, seed=seed, dtype=dtype)
    model.compile(chainrule.optimizers.Adam(0.05), "mse", metrics=list(metrics), engine=engine)
    return model


class Weights(Callback):
    """Keeps the weights after each epoch."""

    def on_train_begin(self, logs=None):
        self.kept = []

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.model.get_weights())


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_epoch_is_saved_and_its_training_goes_on_to_the_same_bits(engine, dtype):
    model, weights = network(engine, dtype), Weights()
    keep = ModelCheckpoint("kept/{epoch:02d}-{val_loss:.2f}.safetensors")
    history = model.fit(
        X, Y, epochs=4, validation_split=0.2, callbacks=[weights, keep], verbose=0
    ).history
    names = [f"{k + 1:02d}-{value:.2f}.safetensors" for k, value in enumerate(history["val_loss"])]
    assert sorted(path.name for path in Path("kept").iterdir()) == names
    assert keep.saved == f"kept/{names[-1]}"
    for name, kept in zip(names, weights.kept, strict=True):
        assert same(chainrule.load_model(f"kept/{name}").get_weights(), kept)
    half = chainrule.load_model(f"kept/{names[1]}")
    half.fit(X, Y, epochs=4, initial_epoch=2, validation_split=0.2, verbose=0)
    assert same(half.get_weights(), model.get_weights())


def test_saving_changes_nothing():
    plain, saved = network(), network()
    plain.fit(X, Y, epochs=3, batch_size=8, verbose=0)
    keep = ModelCheckpoint("m.safetensors", save_freq=2)
    saved.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[keep])
    assert same(plain.get_weights(), saved.get_weights())
    assert plain.history.history == saved.history.history


def worse_later(epoch):
    return 0.05 if epoch < 3 else 2.0


@pytest.mark.parametrize(
    "monitor, metrics, best", [("val_loss", (), np.argmin), ("r2_score", ("r2_score",), np.argmax)]
)
def test_only_the_best_is_kept(monitor, metrics, best):
    model, weights = network(metrics=metrics), Weights()
    keep = ModelCheckpoint("best.safetensors", monitor, save_best_only=True)
    history = model.fit(
        X, Y, epochs=6, batch_size=8, validation_split=0.2, verbose=0,
        callbacks=[LearningRateScheduler(worse_later), weights, keep],
    ).history  # fmt: skip
    place = int(best(history[monitor]))
    assert 0 < place < 5
    assert keep.best == history[monitor][place]
    assert same(chainrule.load_model("best.safetensors").get_weights(), weights.kept[place])


def test_the_first_file_must_beat_the_threshold_and_later_fits_the_best_so_far():
    model = network()
    out_of_reach = ModelCheckpoint(
        "a.safetensors", "loss", save_best_only=True, initial_value_threshold=1e-9
    )
    keep = ModelCheckpoint("b.safetensors", "loss", save_best_only=True)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[out_of_reach, keep])
    assert not Path("a.safetensors").exists()
    before = Path("b.safetensors").read_bytes()
    model.optimizer.learning_rate = 5.0
    model.fit(X, Y, epochs=2, batch_size=8, verbose=0, callbacks=[keep])
    assert min(model.history.history["loss"]) > keep.best
    assert Path("b.safetensors").read_bytes() == before


def saved_steps(callbacks=()):
    keep = ModelCheckpoint("{epoch}-{batch}.safetensors", save_freq=5)
    network().fit(X, Y, epochs=5, batch_size=10, verbose=0, callbacks=[keep, *callbacks])
    found = {path.name: chainrule.load_model(path) for path in Path().glob("*.safetensors")}
    return {
        name: (model.optimizer.iterations, model.get_weights()) for name, model in found.items()
    }


class EveryBatch(Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def test_batches_are_counted_across_epochs_in_pieces_or_one_by_one():
    steps = saved_steps()
    assert {name: made for name, (made, _) in steps.items()} == {
        "2-1.safetensors": 5, "3-2.safetensors": 10, "4-3.safetensors": 15, "5-4.safetensors": 20,
    }  # fmt: skip
    single = saved_steps([EveryBatch()])
    assert steps.keys() == single.keys()
    assert all(same(steps[name][1], single[name][1]) for name in steps)


def test_the_best_of_batches_is_kept():
    keep = ModelCheckpoint("{loss:.6f}.safetensors", "loss", save_best_only=True, save_freq=1)
    network().fit(X, Y, epochs=2, batch_size=10, verbose=0, callbacks=[keep])
    losses = [float(path.stem) for path in Path().glob("*.safetensors")]
    assert keep.best == pytest.approx(min(losses), abs=1e-6)
    assert Path(keep.saved).stem == f"{keep.best:.6f}"


def test_what_it_remembers_lets_another_go_on():
    first = ModelCheckpoint("a.safetensors", "loss", save_best_only=True, save_freq=3)
    network().fit(X, Y, epochs=1, batch_size=10, verbose=0, callbacks=[first])
    second = ModelCheckpoint("b{epoch}-{batch}.safetensors", "loss", save_freq=3)
    second.restore(first.state())
    assert (second.best, second.saved) == (first.best, "a.safetensors")
    second.on_epoch_begin(1)
    assert second.pause_after(0) == 2  # one of three batches was seen
    model = network()
    model.fit(X, Y, epochs=1, batch_size=10, verbose=0, callbacks=[second])
    assert second.saved == "b1-2.safetensors"


@pytest.mark.parametrize(
    "settings, error, what",
    [
        ({"filepath": "m.keras"}, SettingError, "must end in .safetensors, .* got 'm.keras'"),
        ({"filepath": 3}, InputTypeError, "filepath must be a path, got 3"),
        ({"filepath": b"m.safetensors"}, InputTypeError, "filepath must be a text"),
        ({"filepath": "{epoch.safetensors"}, SettingError, "is no pattern"),
        ({"save_weights_only": True}, SettingError, r"load_model\(path\).get_weights\(\) gives"),
        ({"save_freq": "epochs"}, SettingError, "'epoch' or a number of batches, got 'epochs'"),
        ({"save_freq": 0}, SettingError, "save_freq must be a whole number of 1 or more, got 0"),
        ({"save_freq": True}, SettingError, "save_freq must be a whole number"),
        ({"mode": "best"}, SettingError, "mode must be 'auto', 'min' or 'max', got 'best'"),
        ({"initial_value_threshold": "a"}, SettingError, "initial_value_threshold must be"),
        ({"save_best_only": 1}, InputTypeError, "save_best_only"),
    ],
)
def test_bad_settings_are_said_in_a_sentence(settings, error, what):
    with pytest.raises(error, match=what):
        ModelCheckpoint(**{"filepath": "m.safetensors", **settings})


@pytest.mark.parametrize(
    "keep, what",
    [
        (
            ModelCheckpoint("m.safetensors", save_best_only=True),
            "there is no 'val_loss' to monitor; there is 'loss'",
        ),
        (
            ModelCheckpoint("{val_loss}.safetensors"),
            "has the name 'val_loss'; there is 'epoch', 'loss'",
        ),
        (ModelCheckpoint("{}.safetensors"), "has the name"),
        (ModelCheckpoint("{loss:d}.safetensors"), "cannot be written"),
    ],
)
def test_names_that_are_no_numbers_are_said_when_it_saves(keep, what):
    model = network()
    with pytest.raises(SettingError, match=what):
        model.fit(X, Y, verbose=0, callbacks=[keep])
    assert not list(Path().iterdir())


def test_without_the_monitor_it_is_not_looked_at():
    network().fit(X, Y, verbose=0, callbacks=[ModelCheckpoint("m.safetensors")])
    assert Path("m.safetensors").is_file()


@pytest.mark.parametrize(
    "path, error", [("file/m.safetensors", WriteError), ("m.safetensors", ExistingFileError)]
)
def test_where_it_cannot_write_the_model_keeps_its_weights(path, error):
    Path("file").write_text("a")
    Path("m.safetensors").write_text("notes of mine")
    model, plain = network(), network()
    with pytest.raises(error, match=path):
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[ModelCheckpoint(path)])
    assert Path("m.safetensors").read_text() == "notes of mine"
    plain.fit(X, Y, verbose=0)
    assert same(model.get_weights(), plain.get_weights())
    model.fit(X, Y, verbose=0)


def test_what_has_no_save_is_refused_at_the_start():
    keep = ModelCheckpoint("m.safetensors")
    learner = chainrule.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, callbacks=[keep])
    with pytest.raises(InputTypeError, match="has no save; give the callback to"):
        learner.fit(X, Y.ravel())


class Killed(BaseException):
    """What ends a training between two steps."""


class Kill(Callback):
    """Ends training when so many steps are made."""

    def __init__(self, after):
        self.after = after

    def pause_after(self, iterations):
        return self.after - iterations if iterations < self.after else None

    def on_train_pause(self):
        if self.model.optimizer.iterations == self.after:
            raise Killed


@pytest.mark.parametrize("kills", [(4,), (13, 25), (20,)])
@pytest.mark.parametrize("save_freq", ["epoch", 7])
def test_after_a_kill_the_same_files_come_as_without_one(kills, save_freq):
    def files(folder, kills=()):
        for kill in (*kills, None):
            keep = ModelCheckpoint(
                f"{folder}/{{epoch}}-{{loss:.5f}}.safetensors", "loss", save_best_only=True,
                save_freq=save_freq,
            )  # fmt: skip
            backup = BackupAndRestore(f"backup-{folder}", save_freq=3)
            callbacks = [keep, backup, *([Kill(kill)] if kill else [])]
            try:
                network().fit(X, Y, epochs=6, batch_size=8, verbose=0, callbacks=callbacks)
            except Killed:
                continue
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}, keep.best

    whole, best = files("whole")
    again, best_again = files("again", kills)
    assert len(whole) > 2
    assert again == whole
    assert best_again == best
