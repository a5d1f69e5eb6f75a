"""Epochs, batches and iterations are counted as in the course, wherever they are shown."""

import io
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import random
from chainrule.errors import TrainingError
from chainrule.optimizers import SGD
from chainrule.training import Callback, LambdaCallback

X = random.normal(1, 0, 0, 3000).reshape(1000, 3)
Y = np.tanh(X @ np.array([[1.0], [-2.0], [0.5]]))

ENGINES = ["native", "numpy"]


def model(optimizer="sgd", engine="auto"):
    made = cr.Sequential([cr.layers.Input(3), cr.layers.Dense(1)], seed=1)
    made.compile(optimizer, "mse", ["mae", "precision"], engine)
    return made


class Counts(Callback):
    """Notes all that it is told of counts."""

    def __init__(self, stop=None):
        self.stop, self.epochs, self.begun, self.ended, self.after = stop, [], [], [], []

    def on_train_begin(self, logs=None):
        self.told = dict(self.params)

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append(batch)
        self.after.append(self.model.optimizer.iterations)
        return self.after[-1] == self.stop


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize(
    "rows, batch_size, steps", [(1000, 100, 10), (1000, 300, 4), (999, 100, 10), (1000, 5000, 1)]
)
def test_an_epoch_has_rows_by_batch_size_iterations(engine, watched, rows, batch_size, steps):
    """1,000 rows at batch 100 are 10 iterations an epoch; what is left is a batch of its own."""
    one, counts = model(engine=engine), Counts()
    history = one.fit(X[:rows], Y[:rows], batch_size=batch_size, epochs=3,
                      callbacks=[counts] if watched else None)  # fmt: skip
    assert one.optimizer.iterations == 3 * steps
    assert {name: len(values) for name, values in history.steps.items()} == {
        "loss": 3 * steps, "mae": 3 * steps, "precision": 3 * steps,
    }  # fmt: skip
    assert history.epoch == [0, 1, 2]
    assert all(len(values) == 3 for values in history.history.values())
    if watched:
        assert counts.told == {"epochs": 3, "steps": steps, "verbose": "auto"}
        assert counts.epochs == [0, 1, 2]
        assert counts.begun == counts.ended == list(range(steps)) * 3
        assert counts.after == list(range(1, 3 * steps + 1))


def test_a_step_of_an_iteration_is_that_of_its_rows():
    """With steps too small to matter, in the order of the data: the last batch has 50 rows."""
    one = model(SGD(1e-12))
    history = one.fit(X[:250], Y[:250], batch_size=100, shuffle=False)
    squares = (one.predict(X[:250]) - Y[:250]) ** 2
    expected = [squares[:100].mean(), squares[100:200].mean(), squares[200:].mean()]
    np.testing.assert_allclose(history.steps["loss"], expected, rtol=1e-5)


def test_a_second_fit_counts_its_epochs_and_goes_on_with_iterations():
    one, counts = model(), Counts()
    one.fit(X, Y, batch_size=100, epochs=2)
    history = one.fit(X, Y, batch_size=300, epochs=3, callbacks=counts)
    assert counts.after == list(range(21, 33))
    assert (history.epoch, counts.epochs) == ([0, 1, 2], [0, 1, 2])
    assert len(history.steps["loss"]) == 12
    assert one.trainer.epochs == 5
    one.train_on_batch(X[:10], Y[:10])
    assert one.optimizer.iterations == 33


def test_epochs_go_from_the_initial_one():
    one, counts = model(), Counts()
    history = one.fit(X, Y, batch_size=100, epochs=5, initial_epoch=3, callbacks=counts)
    assert history.epoch == counts.epochs == [3, 4]
    assert counts.told["epochs"] == 5
    assert len(history.steps["loss"]) == one.optimizer.iterations == 20
    assert model().fit(X, Y, epochs=2, initial_epoch=2).epoch == []


def test_validation_makes_no_steps():
    one, counts = model(), Counts()
    history = one.fit(X, Y, batch_size=100, epochs=2, validation_split=0.25, callbacks=counts)
    assert counts.told["steps"] == 8
    assert one.optimizer.iterations == len(history.steps["loss"]) == 16
    one.evaluate(X, Y)
    one.predict(X)
    assert one.optimizer.iterations == 16


def test_a_stop_in_the_middle_of_an_epoch_counts_what_was_made():
    one = model()
    history = one.fit(X, Y, batch_size=100, epochs=4, callbacks=Counts(stop=14))
    assert one.optimizer.iterations == len(history.steps["loss"]) == 14
    assert history.epoch == [0, 1]
    assert history.history["loss"][1] == pytest.approx(history.steps["loss"][10:].mean())
    one.fit(X, Y, batch_size=100)
    assert one.optimizer.iterations == 24


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("watched", [True, False])
def test_an_error_counts_the_steps_before_it(engine, watched):
    one = model(SGD(1e12), engine)
    with pytest.raises(TrainingError) as raised:
        one.fit(X, Y, batch_size=300, epochs=50, callbacks=[Counts()] if watched else None)
    epoch, step = (
        int(n) for n in re.search(r"epoch (\d+), step (\d+)", str(raised.value)).groups()
    )
    made = (epoch - 1) * 4 + step - 1
    assert 0 < made == one.optimizer.iterations == len(one.history.steps["loss"])
    assert len(one.history.epoch) == epoch - 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


def places(text):
    """Each epoch and step that was shown, in order, each once."""
    return list(dict.fromkeys(re.findall(r"epoch (\d+/\d+)  step (\d+/\d+)", text)))


@pytest.mark.parametrize("verbose", [1, 2])
def test_progress_shows_epochs_and_steps(verbose, monkeypatch):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    settings = {"batch_size": 300, "verbose": verbose}
    one = model()
    one.fit(X, Y, epochs=2, **settings)
    assert places(shown.getvalue())[-1] == ("2/2", "4/4")
    one.fit(X, Y, epochs=5, initial_epoch=4, **settings)
    assert places(shown.getvalue())[-1] == ("5/5", "4/4")
    one.fit(X, Y, epochs=9, callbacks=LambdaCallback(on_train_batch_end=lambda b, _: b == 2),
            **settings)  # fmt: skip
    assert places(shown.getvalue())[-1] == ("1/9", "3/4")
    if verbose == 2:
        assert len(shown.getvalue().splitlines()) == 4
