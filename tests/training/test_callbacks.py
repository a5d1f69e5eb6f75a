"""Hooks: their order, what they are given, how they stop; early stopping; progress."""

import io
import math

import numpy as np
import pytest

from chainrule import random
from chainrule.callbacks import EarlyStopping as FaceEarlyStopping
from chainrule.errors import InputTypeError, SettingError
from chainrule.layers import Dense, Stack
from chainrule.training import Callback, EarlyStopping, LambdaCallback, Trainer

X = random.normal(1, 0, 0, 60).reshape(20, 3)
Y = X.sum(axis=1)


def trainer():
    return Trainer(Stack([Dense(1)], (3,)), "mse", "sgd", dtype="float64", seed=2)


class Recorder(Callback):
    def __init__(self):
        self.calls = []

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name.startswith("on_"):
            self.calls.append(name)
        return found


class EveryHook(Callback):
    def __init__(self):
        self.seen = []

    def on_train_begin(self, logs=None):
        self.seen.append(("train begin",))

    def on_train_end(self, logs=None):
        self.seen.append(("train end", sorted(logs)))

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(("epoch begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("epoch end", epoch, sorted(logs)))

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(("batch begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(("batch end", batch, sorted(logs)))


def test_hooks_come_in_keras_order():
    every = EveryHook()
    one = trainer()
    one.fit(X, Y, batch_size=10, epochs=2, validation_split=0.25, callbacks=[every])
    batches = [("batch begin", 0), ("batch end", 0, ["loss"]),
               ("batch begin", 1), ("batch end", 1, ["loss"])]  # fmt: skip
    ends = ["loss", "val_loss"]
    assert every.seen == [
        ("train begin",),
        ("epoch begin", 0), *batches, ("epoch end", 0, ends),
        ("epoch begin", 1), *batches, ("epoch end", 1, ends),
        ("train end", ends),
    ]  # fmt: skip
    assert every.model is one
    assert every.params == {"epochs": 2, "steps": 2, "verbose": 0}


def test_batch_logs_are_means_so_far():
    seen = []
    callback = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    history = trainer().fit(X, Y, batch_size=8, callbacks=callback)
    steps = history.steps["loss"]
    want = [steps[0], (8 * steps[0] + 8 * steps[1]) / 16, history.history["loss"][0]]
    np.testing.assert_allclose(seen, want, rtol=1e-14)


def test_a_callback_without_batch_hooks_is_not_asked_a_batch():
    recorder = Recorder()
    trainer().fit(X, Y, batch_size=1, epochs=1, callbacks=[recorder])
    assert not [name for name in recorder.calls if "batch" in name]
    assert recorder.calls.count("on_epoch_end") == 1


def test_logs_changed_by_a_callback_are_recorded():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["extra"] = float(epoch)

    history = trainer().fit(X, Y, epochs=3, callbacks=[Adds()])
    assert history.history["extra"] == [0, 1, 2]


@pytest.mark.parametrize(
    "hook, steps",
    [
        ({"on_epoch_end": lambda epoch, logs: epoch == 1}, 10),
        ({"on_train_batch_end": lambda batch, logs: batch == 2}, 3),
    ],
)
def test_returning_true_stops(hook, steps):
    one = trainer()
    history = one.fit(X, Y, batch_size=4, epochs=9, callbacks=[LambdaCallback(**hook)])
    assert one.iterations == steps
    assert len(history.epoch) == math.ceil(steps / 5)
    assert one.fit(X, Y, batch_size=4, epochs=1).epoch == [0], "the wish does not outlive the fit"


def test_stop_training_stops():
    class Stops(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    assert trainer().fit(X, Y, epochs=9, callbacks=[Stops()]).epoch == [0, 1, 2]


def test_an_error_in_a_callback_is_passed_on_and_told():
    told = []

    class Fails(Callback):
        def on_epoch_end(self, epoch, logs=None):
            message = "mine"
            raise LookupError(message)

        def on_train_error(self, error):
            told.append(error)

        def on_train_end(self, logs=None):
            told.append("end")

    with pytest.raises(LookupError) as raised:
        trainer().fit(X, Y, callbacks=[Fails()])
    assert told == [raised.value]


def test_batches_have_kerass_other_names():
    seen = []

    class Own(Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(batch)

        def on_batch_end(self, batch, logs=None):
            return batch == 1

    history = trainer().fit(X, Y, batch_size=4, epochs=3, callbacks=[Own()])
    assert seen == [0, 1]
    assert history.epoch == [0]


def test_a_hook_that_nobody_calls_is_told():
    class Own(Callback):
        on_epoch_number = 3

        def on_epoch_finish(self, epoch, logs=None):
            raise AssertionError

    with pytest.warns(UserWarning, match=r"Own.on_epoch_finish is never called.*'on_epoch_end'"):
        trainer().fit(X, Y, callbacks=[Own()])


def test_lambda_callbacks_refuse_what_is_no_hook():
    with pytest.raises(SettingError, match="'on_epoch' is no hook; known: 'on_train_begin'"):
        LambdaCallback(on_epoch=print)
    with pytest.raises(InputTypeError, match="on_epoch_end must be a function, got 3"):
        LambdaCallback(on_epoch_end=3)
    assert LambdaCallback(on_epoch_end=None).on_epoch_end(0) is None


class Script(Callback):
    """Puts given numbers in the place of val_loss, and a number of its own into the weights."""

    def __init__(self, values, name="val_loss"):
        self.values, self.name = values, name

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.model.parameters.flat[:] = epoch


def scripted(values, name="val_loss", **settings):
    one, stopping = trainer(), EarlyStopping(monitor=name, **settings)
    history = one.fit(
        X, Y, epochs=len(values), batch_size=20, callbacks=[Script(values, name), stopping]
    )
    return one, stopping, len(history.epoch)


# values of the number watched, settings, epochs run, best epoch; counted by hand
SCRIPTS = [
    ([3, 2, 1, 1.5, 0.5], {}, 4, 2),
    ([3, 2, 1, 1.5, 0.5, 4, 4], {"patience": 2}, 7, 4),
    ([3, 2, 1, 1.5, 1.2, 0.5], {"patience": 2}, 5, 2),
    ([3, 3, 3], {}, 2, 0),
    ([3, 2.95, 2.9, 2.0], {"min_delta": 0.1, "patience": 3}, 4, 3),
    ([3, 2.95, 2.9, 2.0], {"min_delta": 0.1, "patience": 2}, 3, 0),
    ([3, 2.5, 2.2, 1.0], {"baseline": 2.0, "patience": 2}, 4, 3),  # improving is enough
    ([3, 3.5, 1.0, 1.0], {"baseline": 2.0, "patience": 2}, 2, 0),
    ([3, 1.5, 1.2, 1.0], {"baseline": 2.0, "patience": 2}, 4, 3),
    ([1, 2, 3, 4, 5], {"start_from_epoch": 2}, 4, 2),
    ([math.nan, math.nan, 1], {"patience": 1}, 2, 0),
]


@pytest.mark.parametrize("values, settings, epochs, best", SCRIPTS)
def test_early_stopping_is_kerass(values, settings, epochs, best):
    _, stopping, ran = scripted(values, **settings)
    assert (ran, stopping.best_epoch) == (epochs, best)
    assert stopping.stopped_epoch == (ran - 1 if ran < len(values) else stopping.stopped_epoch)
    # turned around, the larger is the better
    _, stopping, ran = scripted([-v for v in values], mode="max", **{
        name: -value if name == "baseline" else value for name, value in settings.items()
    })  # fmt: skip
    assert (ran, stopping.best_epoch) == (epochs, best)


def test_auto_knows_what_is_better():
    assert scripted([0.1, 0.2, 0.3], "val_accuracy")[2] == 3
    assert scripted([0.1, 0.2, 0.3], "val_mae")[2] == 2
    assert scripted([0.1, 0.2, 0.3], "val_accuracy", mode="min")[2] == 2


def test_the_best_weights_come_back():
    one, stopping, _ = scripted([3, 2, 1, 1.5, 0.9, 4], patience=3, restore_best_weights=True)
    assert stopping.best_epoch == 4
    assert (one.parameters.flat == 4).all()
    one, *_ = scripted([3, 2, 1, 1.5], restore_best_weights=True)
    assert (one.parameters.flat == 2).all()
    one, *_ = scripted([3, 2, 1, 1.5])
    assert (one.parameters.flat == 3).all()


def test_it_may_be_used_again():
    stopping = EarlyStopping()
    for _ in range(2):
        history = trainer().fit(X, Y, epochs=3, callbacks=[Script([1, 2, 3]), stopping])
        assert len(history.epoch) == 2
    assert FaceEarlyStopping is EarlyStopping


def test_an_unknown_monitor_lists_what_there_is():
    with pytest.raises(SettingError, match=r"no 'val_loss' .* 'loss' \(give validation_data"):
        trainer().fit(X, Y, callbacks=[EarlyStopping()])
    with pytest.raises(SettingError, match="no 'acc' to monitor; there is 'loss'.$"):
        trainer().fit(X, Y, callbacks=[EarlyStopping("acc")])


@pytest.mark.parametrize(
    "settings", [{"mode": "best"}, {"patience": -1}, {"patience": 1.5}, {"start_from_epoch": -1}]
)
def test_bad_settings_of_early_stopping_get_a_sentence(settings):
    with pytest.raises(SettingError, match=f"EarlyStopping: {next(iter(settings))} must be"):
        EarlyStopping(**settings)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("verbose, lines", [("auto", 0), (0, 0), (1, 2), (2, 2)])
def test_progress_in_a_pipe_is_lines_or_nothing(verbose, lines, capsys):
    trainer().fit(X, Y, epochs=2, verbose=verbose, validation_split=0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == lines
    if lines:
        assert err.startswith("epoch 1/2  ")
        assert " loss " in err
        assert " val_loss " in err


@pytest.mark.parametrize("verbose", ["auto", 1])
def test_progress_on_a_terminal_is_a_bar(verbose, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    trainer().fit(X, Y, epochs=3, verbose=verbose)
    assert "epoch 3/3" in terminal.getvalue()
    assert "loss" in terminal.getvalue()


def test_an_error_leaves_the_terminal_as_it_was(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    def fail(epoch, logs):
        raise LookupError

    with pytest.raises(LookupError):
        trainer().fit(X, Y, verbose=1, callbacks=[LambdaCallback(on_epoch_end=fail)])
    shown = terminal.getvalue()
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0
    assert shown.rpartition("failed after")[2].count("\n") == 2  # to the end of what is shown


@pytest.mark.parametrize(
    "settings, error, words",
    [
        ({"monitor": 3}, InputTypeError, "monitor must be a name"),
        ({"min_delta": "a"}, SettingError, "min_delta must be a number that is finite, got 'a'"),
        ({"baseline": math.nan}, SettingError, "baseline must be a number .* got nan"),
        ({"patience": -1}, SettingError, "patience must be a whole number of 0 or more, got -1"),
        ({"restore_best_weights": 1}, InputTypeError, "restore_best_weights must be True or False"),
    ],
)
def test_settings_of_early_stopping_that_are_not_allowed(settings, error, words):
    with pytest.raises(error, match=f"EarlyStopping: {words}"):
        EarlyStopping(**settings)
