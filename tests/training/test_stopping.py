"""Rules by which training stops, and what is said of it; epochs as lines of a file."""

import csv
import logging
import math

import numpy as np
import pytest

import chainrule
from chainrule import optimizers, random
from chainrule.callbacks import Callback, CSVLogger, LambdaCallback, StopWhen, TerminateOnNaN
from chainrule.errors import InputTypeError, SettingError, TrainingError, WriteError
from chainrule.layers import Dense, Dropout, Stack
from chainrule.training import Trainer

X = random.normal(1, 0, 0, 60).reshape(20, 3)
Y = X.sum(axis=1)
BITS = (Y > 0).astype(float)


def trainer(rate=0.1, loss="mse", metrics=(), activation=None):
    network = Stack([Dense(1, activation)], (3,))
    return Trainer(network, loss, optimizers.SGD(rate), metrics, dtype="float64", seed=2)


def changes_of(one, epochs, batch_size):
    """The largest change of a weight in each epoch, by training epoch by epoch."""
    changes = []
    for epoch in range(epochs):
        before = one.parameters.flat.copy()
        one.fit(X, Y, epochs=epoch + 1, initial_epoch=epoch, batch_size=batch_size)
        changes.append(float(np.abs(one.parameters.flat - before).max()))
    return changes


@pytest.mark.parametrize("batch_size", [5, 20])
def test_small_changes_of_the_weights_stop(batch_size):
    changes = changes_of(trainer(), 40, batch_size)
    least = changes[24] * (1 + 1e-9)
    first = next(epoch for epoch, change in enumerate(changes) if change < least)
    one, stop = trainer(), StopWhen(weight_change=least)
    history = one.fit(X, Y, epochs=100, batch_size=batch_size, callbacks=[stop])
    assert len(history.epoch) == first + 1
    assert stop.reason == (
        f"in epoch {first + 1} no weight changed by more than {changes[first]:.3g}, which is below "
        f"weight_change={least:g}."
    )


def test_few_wrong_rows_stop():
    def made():
        return trainer(0.5, "binary_crossentropy", ["accuracy"], "sigmoid")

    shares = [1 - value for value in made().fit(X, BITS, epochs=60).history["accuracy"]]
    least = sorted(set(shares))[1]
    first = next(epoch for epoch, share in enumerate(shares) if share < least)
    stop = StopWhen(error_share=least)
    assert len(made().fit(X, BITS, epochs=60, callbacks=[stop]).epoch) == first + 1
    assert f"misclassified rows of training was {shares[first]:.3g}" in stop.reason
    # the very share is not below it
    again = StopWhen(error_share=shares[0])
    assert len(made().fit(X, BITS, epochs=1, callbacks=[again]).epoch) == 1
    assert again.reason is None


def test_the_rows_of_validation_count_where_there_are_any():
    wrong = X[:4], 1 - BITS[:4]
    one = trainer(0.5, "binary_crossentropy", ["accuracy"], "sigmoid")
    stop = StopWhen(error_share=0.5)
    history = one.fit(X, BITS, epochs=30, validation_data=wrong, callbacks=[stop])
    assert len(history.epoch) == 30
    assert history.history["accuracy"][-1] > 0.8
    assert stop.reason is None
    history = one.fit(X, BITS, epochs=30, validation_data=(X, BITS), callbacks=[stop])
    assert len(history.epoch) == 1
    assert "rows of validation" in stop.reason


def test_of_several_outputs_the_one_with_the_most_wrong_rows_counts():
    stop = StopWhen(error_share=0.2)
    assert not stop.on_epoch_end(0, {"a_accuracy": 0.9, "b_accuracy": 0.5})
    assert stop.on_epoch_end(1, {"a_accuracy": 0.9, "b_accuracy": 0.875})
    assert "was 0.125, which" in stop.reason


def test_time_stops_within_an_epoch():
    one, stop = trainer(), StopWhen(seconds=1e-9)
    history = one.fit(X, Y, epochs=10**6, batch_size=1, callbacks=[stop])
    assert one.iterations <= 20
    assert len(history.epoch) == 1
    assert stop.reason.endswith("seconds have passed, and seconds=1e-09.")


def test_the_reason_is_that_of_the_first_rule_and_of_this_fit():
    stop = StopWhen(weight_change=1e9, seconds=1e-9)
    trainer().fit(X, Y, epochs=5, callbacks=[stop])
    assert "seconds have passed" in stop.reason
    stop = StopWhen(weight_change=1e9, seconds=1e9)
    trainer().fit(X, Y, epochs=5, callbacks=[stop])
    assert stop.reason.startswith("in epoch 1 no weight")
    trainer().fit(X, Y, epochs=0, callbacks=[stop])
    assert stop.reason is None


@pytest.mark.parametrize(
    "make, words",
    [
        (StopWhen, "give at least one of weight_change, error_share and seconds"),
        (lambda: StopWhen(weight_change=0), "weight_change must be a number above 0, got 0"),
        (lambda: StopWhen(error_share=-0.1), "error_share must be a number above 0, got -0.1"),
        (lambda: StopWhen(seconds="long"), "seconds must be a number above 0, got 'long'"),
        (
            lambda: StopWhen(error_share=0.1),
            r"needs an accuracy, there is 'loss'; compile .*metrics",
        ),
    ],
)
def test_what_cannot_be_is_said(make, words):
    with pytest.raises(SettingError, match=f"StopWhen: .*{words}"):
        trainer().fit(X, Y, callbacks=[make()])


def exploding(batch_size, callbacks, rate=1e200, **settings):
    one = trainer(rate)
    history = one.fit(X, Y, epochs=5, batch_size=batch_size, callbacks=callbacks, **settings)
    return one, history


@pytest.mark.parametrize(
    "more", [[], [LambdaCallback(on_train_batch_end=lambda batch, logs: None)]]
)
@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_a_loss_that_is_no_number_ends_training(batch_size, more, caplog):
    stop = TerminateOnNaN()
    ended = []
    told = LambdaCallback(on_train_end=ended.append)
    with caplog.at_level(logging.WARNING, "chainrule"):
        one, history = exploding(batch_size, [stop, told, *more])
    assert not math.isfinite(history.history["loss"][-1])
    assert len(ended) == 1
    assert isinstance(stop.error, TrainingError)
    assert f"TerminateOnNaN: {stop.error}" in caplog.text
    assert len(history.steps["loss"]) == one.iterations
    # the step was not made: the weights are those before it
    other = trainer(1e200)
    with pytest.raises(TrainingError) as raised:
        other.fit(X, Y, epochs=5, batch_size=batch_size)
    assert (one.parameters.flat == other.parameters.flat).all()
    assert str(raised.value) == str(stop.error)


def test_the_error_is_raised_where_it_is_wanted():
    with pytest.raises(TrainingError):
        exploding(7, [TerminateOnNaN(raise_error=True)])
    with pytest.raises(InputTypeError, match="raise_error must be True or False"):
        TerminateOnNaN(1)


def test_a_callbacks_own_training_error_is_passed_on():
    def fail(epoch, logs):
        message = "mine"
        raise TrainingError(message)

    with pytest.raises(TrainingError, match="mine"):
        trainer().fit(X, Y, callbacks=[TerminateOnNaN(), LambdaCallback(on_epoch_end=fail)])


def test_training_that_goes_well_is_left_alone():
    stop = TerminateOnNaN()
    one, other = trainer(), trainer()
    one.fit(X, Y, epochs=3, callbacks=[stop])
    other.fit(X, Y, epochs=3)
    assert stop.error is None
    assert (one.parameters.flat == other.parameters.flat).all()


def lines_of(path, **dialect):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, **dialect))


def test_epochs_are_lines_of_a_file(tmp_path):
    path = tmp_path / "log.csv"
    history = trainer().fit(X, Y, epochs=3, validation_split=0.2, callbacks=[CSVLogger(path)])
    header, *lines = lines_of(path)
    assert header == ["epoch", "loss", "val_loss"]
    want = zip(history.epoch, history.history["loss"], history.history["val_loss"], strict=True)
    assert [tuple(map(float, line)) for line in lines] == list(want)


def test_a_file_can_be_gone_on_with(tmp_path):
    path = tmp_path / "log.csv"
    one, log = trainer(), CSVLogger(str(path), separator=";", append=True)
    one.fit(X, Y, epochs=2, callbacks=[log])
    one.fit(X, Y, epochs=3, initial_epoch=2, validation_split=0.2, callbacks=[log])
    header, *lines = lines_of(path, delimiter=";")
    assert header == ["epoch", "loss", "val_loss"]
    assert [line[0] for line in lines] == ["0", "1", "2"]
    assert [line[2] == "NA" for line in lines] == [True, True, False]
    one.fit(X, Y, epochs=1, callbacks=[log])  # epochs that are counted from 0 again
    assert [line[0] for line in lines_of(path, delimiter=";")] == ["epoch", "0", "1", "2", "0"]
    one.fit(X, Y, epochs=1, callbacks=[CSVLogger(path)])
    assert len(lines_of(path)) == 2


def test_a_file_can_be_read_while_training_goes_on(tmp_path):
    path = tmp_path / "log.csv"
    lines = []
    reads = LambdaCallback(on_epoch_end=lambda epoch, logs: lines.append(len(lines_of(path))))
    trainer().fit(X, Y, epochs=2, callbacks=[CSVLogger(path), reads])
    assert lines == [2, 3]


def test_a_file_is_whole_and_closed_after_an_error(tmp_path):
    path = tmp_path / "log.csv"

    class Fails(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise LookupError

    log = CSVLogger(path)
    with pytest.raises(LookupError):
        trainer().fit(X, Y, epochs=3, callbacks=[log, Fails()])
    assert [line[0] for line in lines_of(path)] == ["epoch", "0", "1"]
    path.unlink()
    log.on_epoch_end(2, {"loss": 1.0})
    assert not path.exists()


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda path: CSVLogger(path), WriteError, "cannot be written"),
        (lambda path: CSVLogger(path / "none" / "log.csv"), WriteError, "cannot be written"),
        (lambda path: CSVLogger(3.5), InputTypeError, "filename must be a path, got 3.5"),
        (lambda path: CSVLogger("a", separator=";;"), SettingError, "separator must be one char"),
        (lambda path: CSVLogger("a", append="yes"), InputTypeError, "append must be True or False"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, make, error, words):
    with pytest.raises(error, match=f"CSVLogger: .*{words}"):
        trainer().fit(X, Y, callbacks=[make(tmp_path)])


def test_rules_look_at_the_weights_that_are_trained():
    layers = [Dense(4, "relu", trainable=False), Dropout(0.2), Dense(1)]
    model = chainrule.Sequential(layers, seed=3)
    model.compile(optimizers.SGD(1e-5), "mse")
    stop = StopWhen(weight_change=1e-2)
    assert len(model.fit(X, Y, epochs=9, callbacks=stop).epoch) == 1
    assert model.stop_training
    # weights that are not trained are not looked at
    model.layers[2].trainable = False
    model.layers[0].trainable = True
    sets = LambdaCallback(on_epoch_begin=lambda epoch, logs: None)
    wild = LambdaCallback(on_train_steps=lambda done, logs: model.layers[2].set_weights(
        [np.full((4, 1), done), [0.0]]))  # fmt: skip
    stop = StopWhen(weight_change=0.9)
    assert len(model.fit(X, Y, epochs=9, callbacks=[sets, stop, wild]).epoch) == 1
