"""Callbacks that raise: the error is the user's own, and what was trained is kept."""

import traceback

import numpy as np
import pytest

import chainrule
from chainrule.callbacks import BackupAndRestore, Callback, EarlyStopping, LambdaCallback
from chainrule.errors import SettingError, TrainingError
from chainrule.layers import Dense, Input

X = np.linspace(-1.0, 1.0, 20)[:, None]


def network(seed=0):
    model = chainrule.Sequential([Input((1,)), Dense(1)], seed=seed)
    model.compile("sgd", "mse")
    return model


class Breaks(Callback):
    """Divides by zero in one hook of the third epoch."""

    def __init__(self, hook):
        setattr(self, hook, self.breaks)

    def breaks(self, place=0, logs=None):
        if self.course.epoch == 2:
            self.seen = 1 / 0


@pytest.mark.parametrize(
    "hook, steps",
    [
        ("on_epoch_begin", 10), ("on_train_batch_begin", 10), ("on_train_batch_end", 11),
        ("on_train_steps", 15), ("on_epoch_end", 15),
    ],
)  # fmt: skip
def test_the_traceback_ends_in_the_users_line_and_the_run_is_kept(hook, steps):
    model = network()
    with pytest.raises(ZeroDivisionError) as raised:
        model.fit(X, 3 * X, batch_size=4, epochs=9, verbose=0, callbacks=[Breaks(hook)])
    assert str(raised.value) == "division by zero"
    last = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert (last.name, last.line) == ("breaks", "self.seen = 1 / 0")
    assert raised.value.__notes__ == [
        f"Raised by the callback Breaks in {hook}, epoch 3; the model keeps its weights after "
        f"{steps} steps, and its history what happened so far."
    ]
    plain = network()
    plain.fit(X, 3 * X, batch_size=4, epochs=2, verbose=0)
    assert model.history.history["loss"][:2] == plain.history.history["loss"]
    assert len(model.history.steps["loss"]) == model.optimizer.iterations == steps
    assert np.isfinite(model.predict(X)).all()
    model.fit(X, 3 * X, epochs=1, verbose=0)


def test_functions_and_the_start_are_named_too():
    def refuses(logs):
        raise LookupError

    with pytest.raises(LookupError) as raised:
        network().fit(X, X, verbose=0, callbacks=[LambdaCallback(on_train_begin=refuses)])
    (note,) = raised.value.__notes__
    assert note.startswith("Raised by the callback LambdaCallback in on_train_begin, epoch 1; ")


@pytest.mark.parametrize("first", [True, False])
def test_an_error_at_the_end_loses_no_checkpoint(tmp_path, first):
    def backup():
        return BackupAndRestore(tmp_path, save_freq="epoch")

    def plots(logs):
        raise LookupError

    model, breaks = network(), LambdaCallback(on_train_end=plots)
    callbacks = [breaks, backup()] if first else [backup(), breaks]
    with pytest.raises(LookupError) as raised:
        model.fit(X, 3 * X, epochs=5, verbose=0, callbacks=callbacks)
    (note,) = raised.value.__notes__
    assert note.startswith(
        "Raised by the callback LambdaCallback in on_train_end; the model keeps its weights after 5"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    again = network()
    again.fit(X, 3 * X, epochs=5, verbose=0, callbacks=[backup()])
    assert again.optimizer.iterations == 5
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert not list(tmp_path.iterdir())


def test_errors_of_chainrule_say_all_by_themselves():
    with pytest.raises(SettingError) as raised:
        network().fit(X, X, verbose=0, callbacks=[EarlyStopping("val_los")])
    assert not hasattr(raised.value, "__notes__")


def test_ctrl_c_in_a_callback_gets_no_note():
    def stops(epoch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        network().fit(X, X, verbose=0, callbacks=[LambdaCallback(on_epoch_end=stops)])
    assert not hasattr(raised.value, "__notes__")


def test_fit_many_names_the_callback_of_the_job_that_failed():
    jobs = [
        (network(seed), X, X, {"epochs": 4, "callbacks": [Breaks("on_epoch_end")] if seed else []})
        for seed in (0, 1)
    ]
    with pytest.raises(TrainingError) as raised:
        chainrule.fit_many(jobs)
    assert (
        "jobs[1]: ZeroDivisionError: division by zero (Raised by the callback Breaks in "
        "on_epoch_end, epoch 3; the model keeps its weights after 3 steps" in str(raised.value)
    )
    assert raised.value.results[0].epoch == [0, 1, 2, 3]
    last = traceback.extract_tb(raised.value.__cause__.__traceback__)[-1]
    assert last.name == "breaks"


def test_an_estimator_passes_it_on_as_it_is():
    learner = chainrule.MLPRegressor(
        hidden_layer_sizes=(2,), max_iter=5, callbacks=[Breaks("on_epoch_end")]
    )
    with pytest.raises(ZeroDivisionError) as raised:
        learner.fit(X, X.ravel())
    assert raised.value.__notes__[0].startswith("Raised by the callback Breaks in on_epoch_end")
