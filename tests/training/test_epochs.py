"""Epochs that run together in one call: nobody can tell, from results, hooks, errors or Ctrl-C."""

import os
import signal
import threading
from fractions import Fraction

import numpy as np
import pytest

from chainrule import random
from chainrule.engine import Steps
from chainrule.errors import TrainingError
from chainrule.layers import Dense, Dropout, Stack
from chainrule.optimizers import SGD
from chainrule.training import Callback, EarlyStopping, History, LambdaCallback, Trainer, loop
from chainrule.training.callback import Callbacks
from chainrule.training.interruption import stoppable
from chainrule.training.loop import Plan
from chainrule.training.measures import means

X = random.normal(1, 0, 0, 90).reshape(30, 3)
Y = np.tanh(X @ np.array([[1.0], [-2.0], [0.5]]))
STEPS = 5  # an epoch, with 7 rows a batch and 2 in the last

ENGINES = ["native", "numpy"]


class Piecewise(Trainer):
    """With pieces of a number of steps that time does not change; notes the rows of each call."""

    piece = property(lambda self: self.steps_a_piece, lambda self, piece: None)

    def step(self, data, order, batch_size, epoch_rows=None):
        self.calls.append(len(order))
        return super().step(data, order, batch_size, epoch_rows)


def trainer(piece=1000, kind=Piecewise, optimizer="adam", **settings):
    stack = Stack([Dropout(0.3), Dense(4, "tanh"), Dense(1)], (3,))
    one = kind(stack, "mse", optimizer, ["mae"], dtype="float64", seed=4, **settings)
    one.steps_a_piece, one.calls = piece, []
    return one


def fitted(one, epochs, *callbacks, initial_epoch=0, shuffle=True):
    """The history, also where training ends with an error, and the error."""
    history = History()
    told = Callbacks([*callbacks, history], one, {})
    plan = Plan(7, epochs, initial_epoch, shuffle)
    try:
        loop.train(one, one.data(X, Y), None, plan, told, history)
    except (TrainingError, KeyboardInterrupt) as error:
        return history, error
    return history, None


def told(one, history):
    """All that can be seen of a training, to the bit."""
    return (
        one.parameters.flat.tobytes(), [slot.tobytes() for slot in one.optimizer.slots],
        one.iterations, one.epochs, history.epoch, history.history,
        {name: values.tobytes() for name, values in history.steps.items()},
    )  # fmt: skip


def watching():
    return LambdaCallback(on_epoch_end=lambda epoch, logs: None)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("piece, calls", [(3, [21, 9] * 7), (12, [60, 60, 60, 30]), (1000, [210])])
def test_epochs_together_are_epochs_one_by_one(engine, shuffle, piece, calls):
    together, alone = trainer(piece, engine=engine), trainer(engine=engine)
    seen = told(together, fitted(together, 7, shuffle=shuffle)[0])
    assert seen == told(alone, fitted(alone, 7, watching(), shuffle=shuffle)[0])
    assert together.calls == calls
    assert alone.calls == [30] * 7
    assert together.iterations == 7 * STEPS


def test_a_second_fit_goes_on_where_the_first_ended():
    whole, parts = trainer(), trainer()
    history, _ = fitted(whole, 6)
    first, _ = fitted(parts, 2)
    second, _ = fitted(parts, 6, initial_epoch=2)
    assert first.history["loss"] + second.history["loss"] == history.history["loss"]
    assert second.epoch == [2, 3, 4, 5]
    assert parts.parameters.flat.tobytes() == whole.parameters.flat.tobytes()


def test_the_order_of_epochs_together_stays_small(monkeypatch):
    one = trainer()
    monkeypatch.setattr(loop, "MOST_ORDERED", 70)
    fitted(one, 5)
    monkeypatch.setattr(loop, "MOST_ORDERED", 7)
    fitted(one, 2)
    assert one.calls == [60, 60, 30, 30, 30]


@pytest.mark.parametrize(
    "looking",
    [
        watching,
        lambda: LambdaCallback(on_epoch_begin=lambda epoch, logs: None),
        lambda: LambdaCallback(on_train_steps=lambda done, logs: None),
        lambda: EarlyStopping("loss", patience=9),
        History,
    ],
)
def test_who_looks_in_between_is_let_in(looking):
    one = trainer()
    fitted(one, 3, looking())
    assert one.calls == [30] * 3


def test_validation_comes_after_each_epoch():
    one = trainer()
    history = one.fit(X, Y, batch_size=7, epochs=3, validation_data=(X, Y))
    assert len(history.history["val_loss"]) == 3
    assert one.calls == [30] * 3


def test_who_looks_at_begin_and_end_alone_is_told_the_same():
    seen = []
    ends = LambdaCallback(
        on_train_begin=lambda logs: seen.append(dict(logs)),
        on_train_end=lambda logs: seen.append(dict(logs)),
    )
    together, alone = trainer(), trainer()
    history, _ = fitted(together, 4, ends)
    fitted(alone, 4, watching(), ends)
    assert together.calls == [120]
    assert seen[:2] == seen[2:] == [{}, {n: values[-1] for n, values in history.history.items()}]


def test_a_hook_that_is_set_when_training_begins_is_called():
    class Late(Callback):
        def on_train_begin(self, logs=None):
            self.seen = []
            self.on_epoch_end = lambda epoch, logs: self.seen.append(epoch)

    late = Late()
    fitted(trainer(), 3, late)
    assert late.seen == [0, 1, 2]


def test_a_wish_to_stop_is_heard_after_the_call():
    class Stopped(Piecewise):
        def step(self, *given):
            self.stop_training = True
            return super().step(*given)

    one = trainer(12, Stopped)
    assert fitted(one, 9)[0].epoch == [0, 1]
    asked = LambdaCallback(on_train_begin=lambda logs: True)
    one = trainer(12)
    assert fitted(one, 9, asked)[0].epoch == [0]


def exact_mean(values, rows):
    """The sum without rounding, then rounded once."""
    exact = sum(Fraction(value * count) for value, count in zip(values, rows, strict=True))
    return float(exact) / sum(rows)


@pytest.mark.parametrize("piece", [2, 3, 1000])
def test_means_of_epochs_are_exact_sums_however_epochs_are_cut(piece):
    one = trainer(piece)
    history, _ = fitted(one, 20)
    for name, values in history.steps.items():
        expected = [exact_mean(epoch, [7, 7, 7, 7, 2]) for epoch in values.reshape(20, 5).tolist()]
        assert history.history[name] == expected


def test_means_of_evaluate_are_exact_sums():
    one = trainer()
    runs = [Steps({"loss": np.array(values)}, np.array(rows))
            for values, rows in [([1e16, 1.0], [1, 1]), ([-1e16], [1])]]  # fmt: skip
    assert means(runs, {}) == {"loss": 1.0 / 3}
    many = np.tile(X, (90, 1))
    targets = np.tile(Y, (90, 1))
    parts = [one.evaluate(many[start : start + 1024], targets[start : start + 1024])
             for start in (0, 1024, 2048)]  # fmt: skip
    expected = exact_mean([part["loss"] for part in parts], [1024, 1024, 652])
    assert one.evaluate(many, targets)["loss"] == expected


@pytest.mark.parametrize(
    "values, mean",
    [([1e308, 1e308], np.inf), ([np.inf, 1.0], np.inf), ([np.inf, -np.inf], np.nan),
     ([np.nan, 1.0], np.nan)],
)  # fmt: skip
def test_means_of_what_has_none(values, mean):
    run = Steps({"loss": np.array(values)}, np.array([2, 2]))
    np.testing.assert_equal(means([run], {}), {"loss": mean})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_loss_that_is_not_finite_ends_the_epoch_that_it_is_in(engine, shuffle):
    """Descent that grows the weights by about 1e14 a step until their squares overflow."""

    def diverging():
        one = Piecewise(Stack([Dense(1)], (3,)), "mse", SGD(1e14), dtype="float64", seed=4,
                        engine=engine)  # fmt: skip
        one.steps_a_piece, one.calls = 1000, []
        return one

    together, alone = diverging(), diverging()
    history, error = fitted(together, 9, shuffle=shuffle)
    watched, expected = fitted(alone, 9, watching(), shuffle=shuffle)
    assert together.calls == [270]
    assert alone.calls == [30] * 3
    assert "epoch 3, step " in str(expected)
    assert str(error) == str(expected)
    assert told(together, history) == told(alone, watched)
    assert together.epochs == len(history.epoch) == 2
    assert 2 * STEPS <= together.iterations == len(history.steps["loss"]) < 3 * STEPS


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("by", ["signal", "event"])
def test_ctrl_c_leaves_whole_epochs_behind_it(engine, by):
    """A signal while the second call runs, or in other threads the event of `fit_many`."""
    stop = threading.Event()

    class Interrupted(Piecewise):
        def step(self, *given):
            ran = super().step(*given)
            if len(self.calls) == 2:
                os.kill(os.getpid(), signal.SIGINT) if by == "signal" else stop.set()
            return ran

    ended = []
    ends = LambdaCallback(on_train_end=lambda logs: ended.append(logs))
    one, whole = trainer(12, Interrupted, engine=engine), trainer(engine=engine)
    with stoppable(stop):
        first, error = fitted(one, 9, ends)
    assert isinstance(error, KeyboardInterrupt)
    assert one.calls == [60, 60]
    assert one.epochs == len(first.epoch) == 4
    assert one.iterations == len(first.steps["loss"]) == 4 * STEPS
    assert ended == [{name: values[-1] for name, values in first.history.items()}]
    second, error = fitted(one, 9, initial_epoch=4)
    history, _ = fitted(whole, 9)
    assert error is None
    assert first.history["loss"] + second.history["loss"] == history.history["loss"]
    assert one.parameters.flat.tobytes() == whole.parameters.flat.tobytes()


def test_a_history_shows_the_numbers_of_its_last_epoch():
    one = Trainer(Stack([Dense(1)], (3,)), "mse", "sgd", ["mae"], seed=4)
    x, y = np.ones((8, 3)), np.ones(8)
    history = one.fit(x, y, epochs=20, validation_data=(x, y))
    last = {name: values[-1] for name, values in history.history.items()}
    assert set(last) == {"loss", "mae", "val_loss", "val_mae"}
    shown = ", ".join(f"{name} {value:.3g}" for name, value in last.items())
    assert repr(history) == f"<History of 20 epochs: {shown}>"
    assert repr(one.fit(x, y)).startswith("<History of 1 epoch: loss ")
    assert repr(History()) == "<History of 0 epochs>"
