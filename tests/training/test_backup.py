"""A training that was stopped goes on to the bits of one that never was."""

import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import chainrule
from chainrule.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ReduceLROnPlateau,
    StopWhen,
)
from chainrule.errors import BusyError, DataError, InputTypeError, ModelFileError, SettingError
from chainrule.files import load_model_file
from chainrule.layers import BatchNormalization, Dense, Dropout, Input
from chainrule.optimizers import Adam
from chainrule.optimizers.schedules import ExponentialDecay
from chainrule.training import read_checkpoint, write_checkpoint

EPOCHS = 12


class Killed(BaseException):
    """What ends a training between two steps."""


class Kill(Callback):
    """Ends training when the optimizer has made so many steps; it remembers nothing."""

    def __init__(self, after, count):
        self.after = after
        self.count = count

    def pause_after(self, iterations):
        return self.after - iterations if iterations < self.after else None

    def on_train_pause(self):
        if self.model.optimizer.iterations == self.after:
            self.count.append(self.after)
            raise Killed


def data(rows=300):
    draw = np.random.default_rng(3)
    X = draw.normal(size=(rows, 6)).astype(np.float32)
    return X, (X[:, 0] * X[:, 1] + 0.5 * draw.normal(size=rows) > 0).astype(np.float32)


def model_of(engine="auto", seed=7, optimizer="adam", units=16):
    layers = [
        Input((6,)), Dense(units, "relu"), BatchNormalization(), Dropout(0.3), Dense(8, "tanh"),
        Dense(1, "sigmoid"),
    ]  # fmt: skip
    model = chainrule.Sequential(layers, seed=seed)
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy", "auc"], engine=engine)
    return model


def followers(folder):
    return [
        EarlyStopping("val_loss", patience=6, restore_best_weights=True),
        ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
        CSVLogger(folder / "log.csv"),
        StopWhen(weight_change=1e-9),
    ]


def outcome(model, history, folder):
    X, _ = data()
    log = folder / "log.csv"
    return {
        "weights": [array.tobytes() for array in model.get_weights()],
        "history": {name: list(values) for name, values in history.history.items()},
        "steps": {name: array.tobytes() for name, array in history.steps.items()},
        "epochs": history.epoch,
        "predictions": model.predict(X).tobytes(),
        "rate": model.optimizer.learning_rate,
        "log": log.read_text() if log.exists() else None,
    }


def fitted(folder, *, engine="auto", kills=(), threads=None, callbacks=followers, **settings):
    """A training, begun again after each kill with objects that know nothing of it."""
    folder.mkdir()
    X, y = data()
    settings = {"epochs": EPOCHS, "batch_size": 32, "validation_split": 0.2} | settings
    count: list[int] = []
    for after in (*kills, None):
        model = model_of(engine)
        backup = BackupAndRestore(folder / "backup", save_freq=1)
        members = [*callbacks(folder), backup] if kills else callbacks(folder)
        if after is None:
            history = model.fit(X, y, verbose=0, callbacks=members, **settings)
            break
        with pytest.raises(Killed):
            model.fit(X, y, verbose=0, callbacks=[*members, Kill(after, count)], **settings)
    assert count == list(kills)
    return outcome(model, history, folder)


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_a_training_stopped_at_any_step_ends_as_if_it_never_was(tmp_path, engine):
    whole = fitted(tmp_path / "whole", engine=engine)
    assert len(whole["epochs"]) > 3
    steps = 8
    stopped = (1, 5, steps, steps + 1, 2 * steps, 3 * steps - 1)
    assert fitted(tmp_path / "stopped", engine=engine, kills=stopped) == whole


def test_every_single_step_can_be_the_last(tmp_path):
    whole = fitted(tmp_path / "whole", epochs=2)
    for step in range(1, 16):
        assert fitted(tmp_path / f"at {step}", kills=(step,), epochs=2) == whole


class Batches(Callback):
    """Wants every batch, and keeps what it is told."""

    def __init__(self):
        self.told = []

    def on_train_batch_end(self, batch, logs=None):
        self.told.append((batch, dict(logs)))

    def state(self):
        return {"told": [[batch, logs] for batch, logs in self.told]}

    def restore(self, state):
        self.told = [(batch, logs) for batch, logs in state["told"]]


def test_a_callback_of_ones_own_goes_on_with_what_it_remembers(tmp_path):
    kept = []

    def callbacks(folder):
        kept.append(Batches())
        return [kept[-1]]

    fitted(tmp_path / "whole", callbacks=callbacks, epochs=3)
    whole = kept[-1].told
    fitted(tmp_path / "stopped", callbacks=callbacks, epochs=3, kills=(3, 8, 20))
    assert kept[-1].told == whole
    assert len(whole) == 24


def test_many_short_epochs_a_call_are_cut_nowhere_else(tmp_path):
    def scheduled(folder):
        return []

    settings = {"validation_split": 0.0, "batch_size": 100, "epochs": 400}
    whole = fitted(tmp_path / "whole", callbacks=scheduled, **settings)
    stopped = fitted(tmp_path / "stopped", callbacks=scheduled, kills=(1, 500, 502), **settings)
    assert stopped == whole


def test_a_scheduled_rate_is_that_of_the_step(tmp_path):
    def halving(folder):
        return [LearningRateScheduler(lambda epoch, rate: rate * 0.9)]

    whole = fitted(tmp_path / "whole", callbacks=halving, epochs=4)
    assert fitted(tmp_path / "stopped", callbacks=halving, epochs=4, kills=(5, 8, 21)) == whole
    assert whole["history"]["learning_rate"][3] == pytest.approx(1e-3 * 0.9**4)


def test_the_drop_ins_go_on_too(tmp_path):
    X, y = data()
    settings = {"hidden_layer_sizes": (8,), "max_iter": 6, "tol": 0.0, "random_state": 2}
    whole = chainrule.MLPClassifier(**settings)
    with pytest.warns(match="Maximum iterations"):
        whole.fit(X, y)
    for after in (1, 2, 5):
        killed = chainrule.MLPClassifier(
            **settings, callbacks=[BackupAndRestore(tmp_path, save_freq=1), Kill(after, [])]
        )
        with pytest.raises(Killed):
            killed.fit(X, y)
    again = chainrule.MLPClassifier(**settings, callbacks=[BackupAndRestore(tmp_path, save_freq=1)])
    with pytest.warns(match="Maximum iterations"):
        again.fit(X, y)
    for one, other in zip(again.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.loss_curve_ == whole.loss_curve_
    assert again.n_iter_ == whole.n_iter_


def test_the_drop_ins_go_on_without_a_seed(tmp_path):
    X, y = data(1000)  # five batches an epoch
    settings = {"hidden_layer_sizes": (8,), "max_iter": 6, "tol": 0.0}

    def backup():
        return BackupAndRestore(tmp_path, save_freq=1)

    whole = chainrule.MLPClassifier(**settings, random_state=np.random.RandomState(5))
    with pytest.warns(match="Maximum iterations"):
        whole.fit(X, y)
    for after, random_state in ((7, np.random.RandomState(5)), (10, None), (14, None)):
        killed = chainrule.MLPClassifier(
            **settings, random_state=random_state, callbacks=[backup(), Kill(after, [])]
        )
        with pytest.raises(Killed):
            killed.fit(X, y)
    again = chainrule.MLPClassifier(**settings, callbacks=[backup()])
    with pytest.warns(match="Maximum iterations"):
        again.fit(X, y)
    for one, other in zip(again.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.loss_curve_ == whole.loss_curve_


def test_a_drop_in_that_shuffles_does_not_go_on_with_one_that_does_not(tmp_path):
    X, y = data()

    def fit(shuffle, *callbacks):
        chainrule.MLPClassifier(
            (8,), max_iter=6, random_state=2, shuffle=shuffle,
            callbacks=[BackupAndRestore(tmp_path, save_freq=1), *callbacks],
        ).fit(X, y)  # fmt: skip

    with pytest.raises(Killed):
        fit(False, Kill(3, []))
    with pytest.raises(SettingError, match="shuffle: False in the checkpoint, True now"):
        fit(True)


def test_a_drawn_seed_is_that_of_the_checkpoint(tmp_path):
    X, y = data()
    first = model_of(seed=None)
    kill = Kill(11, [])
    with pytest.raises(Killed):
        first.fit(X, y, epochs=3, callbacks=[BackupAndRestore(tmp_path, 1), kill])
    second = model_of(seed=None)
    assert second.seed != first.seed
    second.fit(X, y, epochs=3, callbacks=[BackupAndRestore(tmp_path, 1)])
    whole = model_of(seed=first.seed)
    whole.fit(X, y, epochs=3)
    assert second.seed == first.seed
    for one, other in zip(second.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def stopped(folder, after=11, **settings):
    X, y = data()
    with pytest.raises(Killed):
        model_of().fit(
            X, y, epochs=3, callbacks=[BackupAndRestore(folder, 1), Kill(after, [])], **settings
        )


def going_on(folder, X=None, y=None, model=None, callbacks=(), **settings):
    given = data()
    backup = BackupAndRestore(folder, 1)
    return (model or model_of()).fit(
        given[0] if X is None else X, given[1] if y is None else y,
        **{"epochs": 3, "callbacks": [backup, *callbacks]} | settings,
    )  # fmt: skip


def test_the_checkpoint_of_another_training_is_refused_with_what_differs(tmp_path):
    stopped(tmp_path)
    for changed, said in (
        ({"model": model_of(units=32)}, r"layer 'dense': units: 16 in the checkpoint, 32 now"),
        ({"model": model_of(optimizer="sgd")}, "optimizer: Adam in the checkpoint, SGD now"),
        (
            {"model": model_of(optimizer=Adam(0.01))},
            r"optimizer: learning_rate: 0.001 in the checkpoint, 0.01 now",
        ),
        (
            {"model": model_of(optimizer=Adam(ExponentialDecay(0.001, 9, 0.5)))},
            r"learning_rate: 0.001 in the checkpoint, ExponentialDecay now",
        ),
        ({"batch_size": 16}, "batch_size: 32 in the checkpoint, 16 now"),
        ({"shuffle": False}, "shuffle: True in the checkpoint, False now"),
        ({"callbacks": [EarlyStopping("loss")]}, "callbacks: .* now"),
        ({"validation_split": 0.5}, "rows: 300 in the checkpoint, 150 now"),
    ):
        with pytest.raises(SettingError, match=said) as caught:
            going_on(tmp_path, **changed)
        assert "\n" not in str(caught.value)
    assert len(going_on(tmp_path).epoch) == 3


class Words(Callback):
    """Adds to the numbers of an epoch what is no float."""

    def on_epoch_end(self, epoch, logs=None):
        logs["count"] = epoch
        logs["word"] = "even" if epoch % 2 == 0 else None


def test_a_history_of_any_values_comes_back(tmp_path):
    def words(folder):
        return [Words()]

    whole = fitted(tmp_path / "whole", callbacks=words, epochs=4)
    assert fitted(tmp_path / "stopped", callbacks=words, epochs=4, kills=(9, 21)) == whole
    assert whole["history"]["count"] == [0, 1, 2, 3]
    assert whole["history"]["word"] == ["even", None, "even", None]


def test_numbers_of_epochs_are_kept_as_arrays(tmp_path):
    stopped(tmp_path)
    _, arrays = load_model_file(tmp_path / "checkpoint.safetensors")
    names = [name for name in arrays if "/history/" in name or name.endswith("/epoch")]
    assert len(names) == 4  # loss, accuracy, auc


def test_no_value_of_a_checkpoint_hides_another(tmp_path):
    place = tmp_path / "checkpoint.safetensors"
    write_checkpoint(place, {"a": {"b": np.ones(2)}, "a/b": np.zeros(3)})
    found = read_checkpoint(place)
    np.testing.assert_array_equal(found["a"]["b"], np.ones(2))
    np.testing.assert_array_equal(found["a/b"], np.zeros(3))
    with pytest.raises(InputTypeError, match="rename the key"):
        write_checkpoint(place, {"own": {"$array": "a"}})


def test_data_that_changed_are_named_with_their_column(tmp_path):
    stopped(tmp_path)
    X, y = data()
    X[17, 4] = np.nextafter(X[17, 4], np.inf)
    with pytest.raises(DataError, match=r"X is not what it was .* \(column 4\)"):
        going_on(tmp_path, X=X)
    with pytest.raises(DataError, match="y is not what it was"):
        going_on(tmp_path, y=1 - y)
    swapped = data()[0][[1, 0, *range(2, 300)]]
    with pytest.raises(DataError, match=r"X is not .* \(columns 0, 1, 2, \.\.\.\)"):
        going_on(tmp_path, X=swapped)
    with pytest.raises(DataError, match="sample_weight was not given when"):
        going_on(tmp_path, sample_weight=np.ones(300))
    with pytest.raises(DataError, match="validation_data: X was not given when"):
        going_on(tmp_path, validation_data=(data()[0], y))
    assert len(going_on(tmp_path).epoch) == 3


def test_a_rate_that_was_changed_in_training_is_no_other_training(tmp_path):
    def halving():
        return LearningRateScheduler(lambda epoch, rate: rate / 2)

    with pytest.raises(Killed):
        model_of().fit(
            *data(), epochs=3, callbacks=[BackupAndRestore(tmp_path, 7), halving(), Kill(21, [])]
        )
    history = going_on(tmp_path, callbacks=[halving()])
    assert history.history["learning_rate"][-1] == pytest.approx(1e-3 / 8)


@pytest.mark.parametrize("columns", [6, 5000])
def test_sparse_data_that_changed_are_named(tmp_path, columns):
    sparse = pytest.importorskip("scipy.sparse")
    draw = np.random.default_rng(5)
    X = sparse.random_array((60, columns), density=0.2, format="csr", rng=draw)
    y = np.arange(60) % 2

    def fit(X, *callbacks):
        backup = BackupAndRestore(tmp_path, 1)
        settings = {"hidden_layer_sizes": (3,), "batch_size": 20, "max_iter": 5, "tol": 0.0}
        learner = chainrule.MLPClassifier(
            **settings, random_state=1, callbacks=[backup, *callbacks]
        )
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            learner.fit(X, y)

    with pytest.raises(Killed):
        fit(X, Kill(4, []))
    for place in (7, X.nnz - 1):
        other = X.copy()
        other.data[place] += 1
        where = rf" \(column {X.indices[place]}\)" if columns == 6 else ""
        with pytest.raises(DataError, match=f"X is not what it was when .* written{where};"):
            fit(other)
    fit(X)
    fit(sparse.csr_array((60, columns)))


def test_fewer_epochs_than_are_made_are_refused(tmp_path):
    stopped(tmp_path, after=21)
    with pytest.raises(SettingError, match="epochs is 2, and the checkpoint is of epoch 3 already"):
        going_on(tmp_path, epochs=2)
    history = going_on(tmp_path, epochs=4)
    assert history.history == model_of().fit(*data(), epochs=4).history


def test_what_cannot_be_kept_is_said(tmp_path):
    class Odd(Callback):
        def state(self):
            return {"seen": {1, 2}}

    said = r"BackupAndRestore: what a callback remembers .*callbacks\[0\]\.seen is a .*set"
    with pytest.raises(InputTypeError, match=said):
        going_on(tmp_path, callbacks=[Odd()])


def test_a_value_that_is_called_state_is_no_state(tmp_path):
    class Counts(Callback):
        def __init__(self):
            self.state = {}

        def on_epoch_end(self, epoch, logs=None):
            self.state[epoch] = logs["loss"]

    counts = Counts()
    going_on(tmp_path, callbacks=[counts])
    assert list(counts.state) == [0, 1, 2]


def test_a_damaged_checkpoint_is_never_taken_for_a_good_one(tmp_path):
    stopped(tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    good = path.read_bytes()
    for at in range(0, len(good), len(good) // 40):
        path.write_bytes(good[:at])
        with pytest.raises(ModelFileError, match="remove it to begin anew"):
            going_on(tmp_path)
        flipped = bytearray(good)
        flipped[at] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(ModelFileError):
            going_on(tmp_path)
    path.write_bytes(good)
    assert len(going_on(tmp_path).epoch) == 3


def test_the_checkpoint_before_is_taken_where_the_last_is_damaged(tmp_path):
    X, y = data()
    backup = BackupAndRestore(tmp_path, 1, double_checkpoint=True)
    with pytest.raises(Killed):
        model_of().fit(X, y, epochs=3, callbacks=[backup, Kill(11, [])])
    before = read_checkpoint(tmp_path / "before.safetensors")
    assert before["course"]["trainer"]["iterations"] == 10
    (tmp_path / "checkpoint.safetensors").write_bytes(b"torn")
    history = model_of().fit(X, y, epochs=3, callbacks=[BackupAndRestore(tmp_path, 1)])
    whole = model_of().fit(X, y, epochs=3)
    assert history.history == whole.history
    assert not list(tmp_path.iterdir())


def test_a_model_in_the_place_of_a_checkpoint_is_refused(tmp_path):
    model_of().save(tmp_path / "checkpoint.safetensors")
    with pytest.raises(ModelFileError, match="holds no checkpoint but 'Sequential'"):
        going_on(tmp_path)


def test_what_is_done_leaves_no_checkpoint(tmp_path):
    going_on(tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())
    X, y = data()
    backup = BackupAndRestore(tmp_path, "epoch", delete_checkpoint=False)
    model_of().fit(X, y, epochs=3, callbacks=[backup])
    kept = read_checkpoint(tmp_path / "checkpoint.safetensors")
    assert (kept["course"]["epoch"], kept["course"]["done"]) == (3, 0)
    more = model_of().fit(X, y, epochs=5, callbacks=[backup])
    assert more.history == model_of().fit(X, y, epochs=5).history


def test_a_checkpoint_that_cannot_be_written_does_not_end_training(tmp_path, caplog):
    folder = tmp_path / "lost"

    class Lose(Callback):
        def on_train_pause(self):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            folder.write_text("a file in its place")

        def pause_after(self, iterations):
            return 5 - iterations if iterations < 5 else None

    class Once(Lose):
        lost = False

        def on_train_pause(self):
            if not self.lost and self.model.optimizer.iterations == 5:
                self.lost = True
                super().on_train_pause()

    with caplog.at_level(logging.WARNING, "chainrule"):
        history = going_on(folder, callbacks=[Once()])
    assert history.history == model_of().fit(*data(), epochs=3).history
    assert "cannot be written" in caplog.text
    assert "Training goes on" in caplog.text


def test_one_process_trains_with_a_folder_at_a_time(tmp_path):
    class Second(Callback):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(BusyError, match="this process trains here now"):
                going_on(tmp_path)

    going_on(tmp_path, callbacks=[Second()])
    going_on(tmp_path)


PROGRAM = """
import sys
import chainrule
from tests.training.test_backup import data, followers, model_of, outcome, BackupAndRestore, Path
import pickle
folder = Path(sys.argv[1])
X, y = data()
model = model_of()
callbacks = [*followers(folder), BackupAndRestore(folder / "backup", save_freq=int(sys.argv[2]))]
history = model.fit(X, y, verbose=0, epochs=60, batch_size=4, validation_split=0.2,
                    callbacks=callbacks[2:])
(folder / "outcome").write_bytes(pickle.dumps(outcome(model, history, folder)))
"""


def started(folder, threads, save_freq=1):
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"CHAINRULE_NUM_THREADS": str(threads), "PYTHONPATH": path}
    words = [sys.executable, "-c", PROGRAM, folder, str(save_freq)]
    with open(folder / "said", "ab") as said:
        return subprocess.Popen(words, env=environment, stderr=said)


def test_processes_that_are_killed_lose_nothing(tmp_path):
    import pickle

    (tmp_path / "whole").mkdir()
    child = started(tmp_path / "whole", 1, 10**9)
    assert child.wait() == 0, (child.args[3] / "said").read_text()
    folder = tmp_path / "killed"
    folder.mkdir()
    draw = np.random.default_rng(0)
    kills = within = 0
    while kills < 8:
        child = started(folder, threads=1 + kills % 2)
        while not (folder / "backup").exists() and child.poll() is None:
            time.sleep(0.005)
        end = time.monotonic() + draw.uniform(0.5, 1.0)
        while time.monotonic() < end and child.poll() is None:
            time.sleep(0.001)
        # the second half is killed while a checkpoint is being written
        while kills >= 4 and not list((folder / "backup").glob("*.part")):
            if child.poll() is not None:
                break
        if child.poll() is not None:
            break
        child.send_signal(signal.SIGKILL)
        child.wait()
        kills += 1
        within += bool(list((folder / "backup").glob("*.part")))
    assert kills > 4
    if child.poll() != 0:
        child = started(folder, 2, 10**9)
        assert child.wait() == 0, (child.args[3] / "said").read_text()
    one, other = ((tmp_path / name / "outcome").read_bytes() for name in ("whole", "killed"))
    assert pickle.loads(one) == pickle.loads(other)
    assert within > 0


def test_a_seed_that_was_given_must_be_the_same(tmp_path):
    stopped(tmp_path)
    with pytest.raises(SettingError, match="seed: 7 in the checkpoint, 8 now"):
        going_on(tmp_path, model=model_of(seed=8))
    with pytest.raises(SettingError, match="engine: 'native' in the checkpoint, 'numpy' now"):
        going_on(tmp_path, model=model_of("numpy"))
    assert len(going_on(tmp_path).epoch) == 3


def test_each_fit_of_a_program_needs_a_folder_of_its_own(tmp_path):
    model = model_of()
    model.fit(*data(), epochs=2)
    with pytest.raises(Killed):
        model.fit(*data(), epochs=3, callbacks=[BackupAndRestore(tmp_path, 1), Kill(25, [])])
    said = r"each fit needs a folder of its own\): 2 in the checkpoint, 0 now"
    with pytest.raises(SettingError, match=said):
        going_on(tmp_path)


@pytest.mark.parametrize("error", [Killed, KeyboardInterrupt, RuntimeError])
def test_the_same_fit_of_a_model_that_was_stopped_goes_on(tmp_path, error):
    whole = model_of()
    expected = outcome(whole, whole.fit(*data(), epochs=5), tmp_path)
    model = model_of()

    def fit(*others):
        backup = BackupAndRestore(tmp_path / "backup", "epoch")
        return model.fit(*data(), epochs=5, callbacks=[*others, backup])

    class Fails(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise error

    for _ in range(2):
        with pytest.raises(error):
            fit(Fails())
    assert outcome(model, fit(), tmp_path) == expected


def test_a_model_that_was_trained_meanwhile_does_not_go_on(tmp_path):
    model = model_of()
    with pytest.raises(Killed):
        going_on(tmp_path, model=model, callbacks=[Kill(15, [])])
    model.fit(*data(), epochs=1)
    for _ in range(2):  # to have been refused makes no difference
        with pytest.raises(SettingError, match="each fit needs a folder of its own"):
            going_on(tmp_path, model=model)


@pytest.mark.parametrize("left", [None, "ep", "epoch;loss"])
@pytest.mark.parametrize("append", [False, True])
def test_a_log_that_is_gone_is_written_anew(tmp_path, left, append):
    def fit(*others):
        log = CSVLogger(tmp_path / "log.csv", append=append)
        backup = BackupAndRestore(tmp_path / "backup", "epoch")
        model_of().fit(*data(), epochs=5, callbacks=[log, *others, backup])

    fit()
    expected = (tmp_path / "log.csv").read_text()
    (tmp_path / "log.csv").unlink()
    with pytest.raises(Killed):
        fit(Kill(35, []))
    (tmp_path / "log.csv").unlink()
    if left is not None and not append:
        (tmp_path / "log.csv").write_text(left)
    fit()
    assert (tmp_path / "log.csv").read_text() == expected


def test_a_damaged_checkpoint_never_takes_the_place_of_the_one_before(tmp_path):
    backup = BackupAndRestore(tmp_path, 1, double_checkpoint=True)
    with pytest.raises(Killed):
        model_of().fit(*data(), epochs=3, callbacks=[backup, Kill(11, [])])
    good = (tmp_path / "before.safetensors").read_bytes()
    (tmp_path / "checkpoint.safetensors").write_bytes(b"torn")
    again = BackupAndRestore(tmp_path, 1, double_checkpoint=True)
    with pytest.raises(Killed):
        model_of().fit(*data(), epochs=3, callbacks=[again, Kill(11, [])])
    assert (tmp_path / "before.safetensors").read_bytes() == good
    assert read_checkpoint(tmp_path / "checkpoint.safetensors")["course"]["done"] == 1


def test_an_object_follows_one_fit_at_a_time(tmp_path):
    shared = BackupAndRestore(tmp_path / "a", 1)

    class Nested(Callback):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(SettingError, match="this BackupAndRestore follows a fit"):
                model_of().fit(*data(), epochs=1, callbacks=[shared])

    model_of().fit(*data(), epochs=2, callbacks=[shared, Nested()])
    model_of().fit(*data(), epochs=2, callbacks=[shared])
