"""The Doctor: each finding on a network built to have it, and none on the same network mended."""

import logging
import re

import numpy as np
import pytest

import chainrule
from chainrule import random
from chainrule.callbacks import (
    BackupAndRestore,
    EarlyStopping,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from chainrule.errors import InputTypeError, SettingError, TrainingError
from chainrule.layers import (
    Activation,
    BatchNormalization,
    Constant,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    RandomNormal,
)
from chainrule.losses import BinaryCrossentropy
from chainrule.optimizers import SGD, Adam
from chainrule.reporting import Finding
from chainrule.training import Callback

X = random.normal(1, 0, 0, 4000).reshape(500, 8)
Y = np.sin(X.sum(axis=1))
NOTHING = ("warning", "nothing learned", None)
ENGINES = pytest.mark.parametrize("engine", ["numpy", "native"])


def model(layers, optimizer="sgd", loss="mse", *, columns=8, seed=1, engine="auto", **settings):
    made = chainrule.Sequential([Input((columns,)), *layers], seed=seed, **settings)
    made.compile(optimizer, loss, engine=engine)
    return made


def looked(layers, optimizer="sgd", loss="mse", x=X, y=Y, *, epochs=8, engine="auto", **settings):
    """The Doctor of a training."""
    doctor = chainrule.Doctor(verbose=0)
    model(layers, optimizer, loss, columns=x.shape[1], engine=engine).fit(
        x, y, epochs=epochs, verbose=0, callbacks=[doctor], **settings
    )
    return doctor


def found(doctor):
    """All but that nothing was learned: of Y, a sine that is hard, few steps learn nothing."""
    return [one for one in found_at_all(doctor) if one != NOTHING]


def found_at_all(doctor):
    return [(one.severity, one.kind, one.layer) for one in doctor.findings]


def stack(count, units, activation, **settings):
    return [*(Dense(units, activation, **settings) for _ in range(count)), Dense(1)]


@ENGINES
def test_gradients_vanish_through_ten_sigmoid_layers_and_not_through_relu(engine):
    doctor = looked(stack(10, 30, "sigmoid"), engine=engine)
    assert found(doctor) == [("severe", "vanishing gradient", "dense")]
    norms = dict(zip(doctor.statistics["layers"], doctor.statistics["norms"][0], strict=True))
    assert norms["dense"] < 1e-4 * norms["dense_9"]
    assert "layer 'dense_9'" in doctor.findings[0].sentence
    assert found(looked(stack(10, 30, "relu", kernel_initializer="he_normal"))) == []


def test_gradients_are_the_slopes_of_the_loss_along_each_layers_result():
    """The factor in the sentence, from the textbook's delta: times W^T, times a (1 - a)."""
    rows, made = X[:30], model(stack(6, 12, "sigmoid"), dtype="float64")
    doctor = chainrule.Doctor(verbose=0)
    weights = made.get_weights()
    kernels, biases = weights[::2], weights[1::2]
    a = [rows]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        a.append(1 / (1 + np.exp(-(a[-1] @ kernel + bias))))
    slope = 2 * (a[-1] @ kernels[-1] + biases[-1] - Y[:30, None]) / 30 @ kernels[-1].T
    norms = [np.linalg.norm(slope)]
    for kernel, made_of in zip(kernels[-2:0:-1], a[:1:-1], strict=True):
        slope = (slope * made_of * (1 - made_of)) @ kernel.T
        norms.append(np.linalg.norm(slope))
    made.fit(rows, Y[:30], epochs=1, verbose=0, callbacks=[doctor])
    assert 1e3 < norms[0] / norms[-1] < 1e4
    assert found(doctor) == [("warning", "vanishing gradient", "dense")]
    assert f"from {norms[0]:.2g} at" in doctor.findings[0].sentence
    assert f"to {norms[-1]:.2g} at" in doctor.findings[0].sentence
    assert f"factor of {norms[0] / norms[-1]:.2g}:" in doctor.findings[0].sentence


def test_gradients_explode_with_large_weights():
    layers = stack(6, 100, "relu", kernel_initializer=RandomNormal(stddev=1.0))
    assert found(looked(layers, Adam())) == [("severe", "exploding gradient", "dense")]
    assert found(looked(stack(6, 100, "relu"), Adam())) == []


def test_a_step_lets_no_gradient_through():
    doctor = looked(stack(2, 30, "binary_step"))
    assert found(doctor) == [("severe", "vanishing gradient", "dense")]


@ENGINES
def test_equal_first_values_keep_units_identical(engine):
    """Where the last layer's first values differ, those of the layer before it come apart.

    Of a network of one unit a layer there is nothing to say.
    """
    one, two = (("severe", "symmetric units", layer) for layer in ("dense", "dense_1"))
    for values, activation in (("zeros", "tanh"), (Constant(0.1), "sigmoid"), ("ones", "relu")):
        layers = stack(2, 6, activation, kernel_initializer=values)
        assert found(looked(layers, SGD(1e-4), epochs=1, engine=engine)) == [one]
        layers[-1] = Dense(1, kernel_initializer=values)
        assert found(looked(layers, SGD(1e-4), epochs=1, engine=engine)) == [one, two]
    assert found(looked(stack(2, 6, "tanh"), engine=engine)) == []
    assert found(looked(stack(2, 1, "tanh", kernel_initializer="ones"), engine=engine)) == []


def test_units_that_dropout_tells_apart_are_not_symmetric():
    """Before the first step nothing tells them apart: all gradients are 0 but that of the end."""
    zeros = {"kernel_initializer": "zeros"}
    layers = [Dense(6, "sigmoid", **zeros), Dropout(0.5), Dense(1, **zeros)]
    assert found(looked(layers)) == []
    assert found(looked([layers[0], layers[2]])) == [("severe", "symmetric units", "dense")]


def test_units_of_equal_weights_whose_gradients_differ_are_not_symmetric():
    """Set in the middle of training: the weights that lead out of them tell them apart."""
    made, doctor = model([Dense(6, "tanh"), Dense(1)]), chainrule.Doctor(verbose=0)
    made.fit(X, Y, epochs=1, verbose=0)
    made.layers[0].kernel[...] = 0.1
    made.layers[0].bias[...] = 0.0
    made.fit(X, Y, epochs=1, verbose=0, callbacks=[doctor])
    assert found(doctor) == []


def test_two_outputs_may_be_the_same():
    """Of equal targets, with an activation that is a layer of its own."""
    layers = [Dense(6, "tanh"), Dense(2, kernel_initializer="zeros"), Activation("tanh")]
    assert found(looked(layers, Adam(0.01), y=np.column_stack([Y, Y]))) == []


def test_units_that_were_cut_away_or_are_frozen_are_not_symmetric():
    class Cut(Callback):
        def on_train_begin(self, logs=None):
            self.model.layers[0].kernel[:, :5] = 0.0
            self.model.layers[0].bias[:5] = 0.0
            self.model.layers[1].kernel[:5] = 0.0

    doctor = chainrule.Doctor(verbose=0)
    made = model([Dense(8, "tanh"), Dense(1)], SGD(1e-30))
    made.fit(X, Y, epochs=1, verbose=0, callbacks=[Cut(), doctor])
    assert found(doctor) == []
    frozen = [Dense(6, "tanh", kernel_initializer="ones", trainable=False), Dense(1)]
    assert found(looked(frozen)) == []


def test_a_copied_half_of_a_layer_is_symmetric():
    made, doctor = model([Dense(8, "tanh"), Dense(1)]), chainrule.Doctor(verbose=0)
    kernel, bias, last, end = made.get_weights()
    kernel[:, 4:], last[4:] = kernel[:, :4], last[:4]
    made.set_weights([kernel, bias, last, end])
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[doctor])
    assert found(doctor) == [("severe", "symmetric units", "dense")]
    assert doctor.findings[0].sentence.startswith("8 of the 8 units of layer 'dense' have the same")


@ENGINES
@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_units_that_are_never_above_zero_are_dead(activation, engine):
    layers = [Dense(50, activation, bias_initializer=Constant(-20.0)), Dense(1)]
    doctor = looked(layers, engine=engine)
    assert found(doctor) == [("severe", "dead units", "dense")]
    assert (
        "50 of the 50 units of layer 'dense' are 0 for each of 500" in doctor.findings[0].sentence
    )
    assert found(looked([Dense(50, activation), Dense(1)], engine=engine)) == []
    leaky = [Dense(50, "leaky_relu", bias_initializer=Constant(-20.0)), Dense(1)]
    assert found(looked(leaky, SGD(1e-4), engine=engine)) == []


@ENGINES
@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_a_last_layer_is_dead_where_all_its_units_are(activation, engine):
    """Its gradient is 0, and so are those of all layers; a unit may be 0 as its targets are."""
    low, y = Constant(-10.0), np.abs(Y)
    dead = [("severe", "dead units", "dense_1")]
    layers = [Dense(64, "relu"), Dense(1, activation, bias_initializer=low)]
    doctor = looked(layers, Adam(), y=y, engine=engine)
    assert found(doctor) == dead
    assert "all units of the last layer, 'dense_1', are 0 for each of 500" in str(doctor)
    assert set(doctor.statistics["norms"][0]) == {0.0}
    apart = [*layers[:1], Dense(1, bias_initializer=low), Activation(activation)]
    found_apart = found(looked(apart, Adam(), y=y, engine=engine))
    assert found_apart == [("severe", "dead units", "activation")]
    live = [Dense(64, "relu"), Dense(1, activation, bias_initializer=Constant(0.5))]
    assert found(looked(live, Adam(), y=y, engine=engine)) == []
    few = np.column_stack([y, *[0 * y] * 9])
    live[1] = Dense(10, activation, bias_initializer=Constant([0.5, *[-10.0] * 9]))
    assert found(looked(live, Adam(), y=few, engine=engine)) == []


def test_units_are_dead_only_where_many_rows_show_it():
    """Each unit is above 0 for one row in a hundred: 32 rows do not show that, 1,024 do."""
    x = np.eye(100)[np.arange(2000) % 100]
    layers = [Dense(100, "relu", kernel_initializer="zeros", use_bias=False), Dense(1)]
    made, doctor = model(layers, SGD(1e-9), columns=100), chainrule.Doctor(verbose=0)
    made.layers[0].set_weights([np.eye(100) * 2.0 - 1.0])
    made.fit(x, x[:, 0], epochs=1, verbose=0, callbacks=[doctor])
    assert found(doctor) == []


def test_after_batch_normalization_the_activations_layer_is_looked_at():
    dead = Constant(-20.0)
    layers = [Dense(30), BatchNormalization(beta_initializer=dead), Activation("relu"), Dense(1)]
    assert found(looked(layers)) == [("severe", "dead units", "activation")]
    assert found(looked([Dense(30), BatchNormalization(), Activation("relu"), Dense(1)])) == []


@ENGINES
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "hard_sigmoid", "softsign", "smht"])
def test_units_at_the_ends_of_their_range_are_saturated(activation, engine):
    steep = RandomNormal(stddev=1e4)
    doctor = looked(
        [Dense(50, activation, kernel_initializer=steep), Dense(1)], SGD(1e-3), engine=engine
    )
    assert found(doctor) == [("severe", "saturated units", "dense")]
    assert found(looked([Dense(50, activation), Dense(1)], engine=engine)) == []


def test_a_last_layer_may_be_certain():
    """Its sigmoid is at its ends where the classes are known, and it has identical units at 0."""
    y = (X[:, 0] > 0).astype(float)
    layers = [Dense(20, "relu"), Dense(1, "sigmoid", kernel_initializer=RandomNormal(stddev=99.0))]
    assert ("saturated units", "dense_1") not in [
        one[1:] for one in found(looked(layers, loss="binary_crossentropy", y=y))
    ]
    pictures = [Flatten(), Dense(4, "relu"), Dense(3), Activation("softmax")]
    labels = (X[:, 0] > 0) * 1
    assert found(looked(pictures, loss="sparse_categorical_crossentropy", y=labels)) == []


@ENGINES
def test_a_loss_that_is_not_finite(engine):
    doctor = chainrule.Doctor(verbose=0)
    with pytest.raises(TrainingError) as error:
        model([Dense(20, "relu"), Dense(1)], SGD(10.0), engine=engine).fit(
            X, Y, epochs=5, verbose=0, callbacks=[doctor]
        )
    born = error.value.not_finite
    last = doctor.findings[-1]
    assert (last.severity, last.kind, last.step) == ("severe", "loss not finite", born.step)
    assert (last.layer, last.operation, last.rows) == (born.layer, born.operation, born.rows)
    assert born.born in last.sentence and "below 10," in last.remedy
    assert last.to_record()["rows"] == list(born.rows)
    quiet = looked([Dense(20, "relu"), Dense(1)], SGD(0.01), engine=engine)
    assert found(quiet) == []


@ENGINES
@pytest.mark.parametrize("callbacks", [[], [TerminateOnNaN()]])
def test_a_loss_that_is_not_finite_before_any_step_is_not_the_rates_fault(engine, callbacks):
    doctor, made = chainrule.Doctor(verbose=0), model([Dense(1)], SGD(0.01), engine=engine)
    settings = {"epochs": 2, "verbose": 0, "callbacks": [*callbacks, doctor]}
    if callbacks:
        made.fit(1e30 * X, Y, **settings)
    else:
        with pytest.raises(TrainingError, match="no step was made yet, so it is that of the first"):
            made.fit(1e30 * X, Y, **settings)
    [one] = [one for one in doctor.findings if one.kind == "loss not finite"]
    assert one.step == 1 and "No step was made yet" in one.sentence
    assert one.remedy == "Look at these rows, the scale of the inputs, and the loss function."


def test_a_loss_that_is_not_finite_and_ends_training_without_an_error():
    doctor = chainrule.Doctor(verbose=0)
    made = model([Dense(20, "relu"), Dense(1)], SGD(10.0))
    made.fit(X, Y, epochs=5, verbose=0, callbacks=[TerminateOnNaN(), doctor])
    assert ("severe", "loss not finite", "dense_1") in found(doctor)


def test_a_rate_too_high_and_one_too_low():
    labels = (Y > 0).astype(float)
    layers = [Dense(20, "tanh"), Dense(1, "sigmoid")]
    kinds = {
        rate: found(looked(layers, SGD(rate), "binary_crossentropy", y=labels, epochs=20))
        for rate in (1e-4, 0.3, 10.0)
    }
    assert kinds == {
        1e-4: [("warning", "learning rate too low", None)],
        0.3: [],
        10.0: [("severe", "learning rate too high", None)],
    }


@ENGINES
def test_a_fall_too_small_for_three_digits_is_shown_with_more(engine):
    """Every row is one batch: the loss falls at each step, by 1e-7 of itself and less."""
    made, doctor = model([Dense(1)], SGD(1e-7), dtype="float64", engine=engine), chainrule.Doctor()
    start = np.concatenate([one.ravel() for one in made.get_weights()])
    losses = made.fit(X, Y, batch_size=500, epochs=50, verbose=0, callbacks=[doctor]).history[
        "loss"
    ]
    [low] = [one for one in doctor.findings if one.kind == "learning rate too low"]
    first, last, moved = re.search(
        r"fallen from (\S+) to (\S+), at .* moved by (\S+)% of", low.sentence
    ).groups()
    quarters = np.array_split(losses, 4)
    assert float(first) > float(last)
    assert float(first) == pytest.approx(quarters[0].mean(), rel=1e-4)
    assert float(last) == pytest.approx(quarters[-1].mean(), rel=1e-4)
    end = np.concatenate([one.ravel() for one in made.get_weights()])
    expected = 100 * np.linalg.norm(end - start) / np.linalg.norm(start)
    assert float(moved) == pytest.approx(expected, rel=0.06) and expected > 0


@ENGINES
def test_a_network_that_learns_nothing_is_told_so(engine):
    """Steps far too small; targets of their raw size; sigmoids that give the same for all rows."""
    y = np.tanh(X.sum(axis=1) / 3)
    raw = 3e6 + 1e6 * y
    cases = [
        looked(stack(1, 20, "tanh"), SGD(1e-9), y=y, engine=engine),
        looked(stack(1, 20, "relu"), Adam(), y=raw, engine=engine),
        looked(stack(4, 20, "sigmoid"), SGD(0.05), y=y, engine=engine),
    ]
    assert [found_at_all(one) for one in cases] == [[NOTHING]] * 3
    mended = [
        looked(stack(1, 20, "tanh"), SGD(0.1), y=y, engine=engine),
        looked(stack(1, 20, "relu"), Adam(), y=(raw - raw.mean()) / raw.std(), engine=engine),
        looked(stack(1, 20, "sigmoid"), SGD(0.1), y=y, engine=engine),
    ]
    assert [found_at_all(one) for one in mended] == [[], [], []]
    assert looked(stack(1, 20, "tanh"), SGD(1e-9), epochs=3).findings == [], "48 steps are few"


def test_what_to_try_where_nothing_is_learned_suits_targets_and_course():
    """A loss that falls may need more epochs; classes, and what a sigmoid gives, have no mean 0."""
    rare = (X.sum(axis=1) > np.sort(X.sum(axis=1))[-7]).astype(float)
    sigmoid = [Dense(20, "relu"), Dense(1, "sigmoid")]
    cases = [
        looked(sigmoid, SGD(0.01), "binary_crossentropy", y=rare, epochs=20),
        looked([Dense(20, "tanh"), Dense(1)], SGD(1e-9)),
        looked(sigmoid, SGD(1e-9), y=rare),
        looked([Dense(20), Dense(1)], SGD(1e-9), BinaryCrossentropy(from_logits=True), y=rare),
    ]
    texts = [
        next(one.remedy for one in doctor.findings if one.kind == "nothing learned")
        for doctor in cases
    ]
    begun = [text.partition(" of mean 0")[0] for text in texts]
    assert begun == [
        "Try more epochs (the loss still falls), inputs",
        "Try inputs and targets",
        "Try inputs",
        "Try inputs",
    ]


@ENGINES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "loss, targets, end, constant",
    [
        ("mse", np.column_stack([Y, 3 * Y]), Dense(2), (Y.var() + (3 * Y).var()) / 2),
        ("squared_error", np.column_stack([Y, 3 * Y]), Dense(2), (Y.var() + (3 * Y).var()) / 2),
        ("binary_crossentropy", np.arange(500) % 4 == 0, Dense(1, "sigmoid"), 0.5623351446),
        ("sparse_categorical_crossentropy", np.arange(500) % 4 // 2 + np.arange(500) % 2,
         Dense(3, "softmax"), 1.0397207708),
        ("categorical_crossentropy", np.eye(3)[np.arange(500) % 4 // 2 + np.arange(500) % 2],
         Dense(3, "softmax"), 1.0397207708),
    ],
)  # fmt: skip
def test_the_best_constant_answer(loss, targets, end, constant, dtype, engine):
    """Its loss written out: variances, and the entropy of shares of 1/4 and 3/4; 1/4, 1/2, 1/4."""
    made, doctor = model([end], SGD(1e-9), loss, engine=engine, dtype=dtype), chainrule.Doctor()
    made.fit(0 * X, targets * 1.0 if loss != "sparse_categorical_crossentropy" else targets,
             epochs=4, verbose=0, callbacks=[doctor])  # fmt: skip
    [one] = [one for one in doctor.findings if one.kind == "nothing learned"]
    numbers = re.fullmatch(
        r"after 64 steps the loss is (\S+), and that of .*, the best there is, (\S+): .*",
        one.sentence,
    ).groups()
    reached = made.evaluate(0 * X, targets, verbose=0)
    assert [float(number) for number in numbers] == pytest.approx([reached, constant], rel=5e-3)


def test_nothing_is_said_of_learning_where_the_loss_of_an_answer_is_not_known():
    """A penalty, weights, another loss, a sum, targets that are all the same; a severe cause."""

    def kinds(layers=None, loss="mse", y=Y, **settings):
        doctor = looked(layers or [Dense(1)], SGD(1e-9), loss, y=y, epochs=4, **settings)
        return [one.kind for one in doctor.findings]

    assert "nothing learned" in kinds()
    assert "nothing learned" not in kinds([Dense(1, kernel_regularizer="l2")])
    assert "nothing learned" not in kinds([Dense(1, activity_regularizer="l2")])
    assert "nothing learned" not in kinds(sample_weight=np.ones(500))
    assert "nothing learned" not in kinds(loss="mae")
    assert "nothing learned" not in kinds(loss=chainrule.losses.MeanSquaredError(reduction="sum"))
    assert "nothing learned" not in kinds(y=0 * Y + 3)
    assert kinds(stack(10, 30, "sigmoid")) == ["vanishing gradient"]


def test_dropout_that_makes_the_loss_of_training_worse_is_no_sign_of_learning_nothing():
    layers = [Dense(20, "relu"), Dropout(0.9), Dense(1)]
    doctor = chainrule.Doctor(verbose=0)
    y, made = X[:, 0], model(layers, Adam(0.003))
    history = made.fit(X, y, epochs=8, verbose=0, callbacks=[doctor]).history
    assert history["loss"][-1] > y.var() > 1.2 * made.evaluate(X, y, verbose=0)
    assert NOTHING not in found_at_all(doctor)


def test_a_rate_at_which_the_loss_goes_up_and_down():
    labels = (Y > 0).astype(float)
    layers = [Dense(20, "relu"), Dense(1, "sigmoid")]
    wrong = looked(layers, SGD(10.0), "binary_crossentropy", y=labels, epochs=20)
    assert ("warning", "learning rate too high", None) in found(wrong)
    right = looked(layers, SGD(0.3), "binary_crossentropy", y=labels, epochs=20)
    assert found(right) == []


TANH = [Dense(20, "tanh"), Dense(1, "sigmoid")]
LABELS = (Y > 0).astype(float)


def lowered(epoch):
    """A rate that is next to 0 in the last of 20 epochs."""
    return 1e-6 if epoch >= 19 else 10.0


class Lowered(Callback):
    """Lowers the rate and records it nowhere."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 1e-6 if epoch > 5 else 10.0


@pytest.mark.parametrize(
    "optimizer, callbacks",
    [
        (SGD(lambda step: lowered(step // 16)), []),
        (SGD(3.0), [LearningRateScheduler(lowered)]),
        (SGD(10.0), [ReduceLROnPlateau("loss", 1e-7, patience=1, min_delta=1e9)]),
        (SGD(10.0), [Lowered()]),
    ],
)
def test_the_rate_that_is_too_high_is_the_largest_of_the_training(optimizer, callbacks):
    doctor = chainrule.Doctor(verbose=0)
    model(TANH, optimizer, "binary_crossentropy").fit(
        X, LABELS, epochs=20, verbose=0, callbacks=[*callbacks, doctor]
    )
    [one] = [one for one in doctor.findings if one.kind == "learning rate too high"]
    assert "at a learning rate of 10:" in one.sentence
    assert one.remedy.startswith("Try a learning rate of 1 or less.")


def test_the_rate_of_a_schedule_that_ends_at_0_is_that_of_steps_before():
    rate = SGD(lambda step: 1e-4 if step < 319 else 0.0)
    [one] = looked(TANH, rate, "binary_crossentropy", y=LABELS, epochs=20).findings[:1]
    assert one.kind == "learning rate too low"
    assert one.remedy == "Try a learning rate of 0.001, or more epochs."


def test_a_network_that_was_trained_before_may_hardly_learn_more():
    """Its loss falls slowly from a thousandth on: ten times the rate would diverge."""
    y, made = np.tanh(X.sum(axis=1) / 3), model(stack(1, 20, "tanh"), SGD(0.05))
    made.fit(X, y, epochs=310, verbose=0)
    doctor = chainrule.Doctor(verbose=0)
    made.fit(X, y, epochs=20, verbose=0, callbacks=[doctor])
    assert doctor.statistics["steps"][0] == 4960
    assert doctor.findings == []


def test_overfitting_says_since_when():
    x, y = X[:60], X[:60, 0] + X[60:120, 0]
    doctor = looked(stack(1, 100, "relu"), Adam(0.01), x=x, y=y, epochs=100, validation_split=0.5)
    assert found(doctor) == [("warning", "overfitting", None)]
    losses = history_of_overfitting(x, y)
    best = int(np.argmin(losses["val_loss"]))
    assert f"since epoch {best + 1} the loss of validation" in doctor.findings[0].sentence
    assert f"from {losses['val_loss'][best]:.3g} to" in doctor.findings[0].sentence
    clean = looked(stack(1, 4, "relu"), x=X, y=X[:, 0], epochs=20, validation_split=0.5)
    assert found(clean) == []


def history_of_overfitting(x, y):
    made = model(stack(1, 100, "relu"), Adam(0.01))
    return made.fit(x, y, epochs=100, verbose=0, validation_split=0.5).history


def test_overfitting_is_a_note_where_the_best_weights_come_back():
    x, y = X[:60], X[:60, 0] + X[60:120, 0]
    doctor = chainrule.Doctor(verbose=0)
    stop = EarlyStopping(patience=60, restore_best_weights=True)
    model(stack(1, 100, "relu"), Adam(0.01)).fit(
        x, y, epochs=100, verbose=0, validation_split=0.5, callbacks=[stop, doctor]
    )
    assert found(doctor) == [("note", "overfitting", None)]
    assert f"The weights of epoch {stop.best_epoch + 1} were kept" in doctor.findings[0].sentence
    assert "EarlyStopping" not in doctor.findings[0].remedy


def test_overfitting_is_a_warning_where_other_weights_come_back():
    """Those of the least loss of training are those learned by heart."""
    x, y = X[:60], X[:60, 0] + X[60:120, 0]
    doctor = chainrule.Doctor(verbose=0)
    stop = EarlyStopping("loss", patience=60, restore_best_weights=True)
    model(stack(1, 100, "relu"), Adam(0.01)).fit(
        x, y, epochs=100, initial_epoch=10, verbose=0, validation_split=0.5,
        callbacks=[EarlyStopping(patience=60, restore_best_weights=True), stop, doctor],
    )  # fmt: skip
    [one] = doctor.findings
    assert (one.severity, one.kind) == ("warning", "overfitting")
    assert f"The weights of epoch {stop.best_epoch + 1} were kept" in one.sentence
    assert one.remedy.startswith("Try EarlyStopping that watches val_loss, ")


@ENGINES
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_training_is_the_same_to_the_bit_without_it(engine, validation):
    layers = [Dense(16, "relu"), Dropout(0.3), BatchNormalization(), Dense(8, "tanh"), Dense(1)]
    results = []
    for callbacks in ([], [chainrule.Doctor(verbose=0)], [chainrule.Doctor(3, verbose=0)]):
        made = model(layers, Adam(), engine=engine)
        history = made.fit(
            X, Y, epochs=6, verbose=0, validation_split=validation, callbacks=callbacks
        )
        results.append((made.get_weights(), history.history, history.steps["loss"]))
    for weights, history, steps in results[1:]:
        assert all(map(np.array_equal, weights, results[0][0]))
        assert history == results[0][1]
        assert np.array_equal(steps, results[0][2])


def test_it_looks_at_chosen_steps():
    """125 steps an epoch; pauses come where it wants them, within epochs and between."""

    def steps(given, epochs, **settings):
        doctor = chainrule.Doctor(given, verbose=0)
        made = model([Dense(2, "tanh"), Dense(1)])
        made.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=[doctor], **settings)
        return doctor.statistics["steps"]

    assert steps(None, 20) == [0, 2500]
    assert steps(None, 40) == [0, 5000]
    assert steps(None, 170) == [0, 5000, 10_000, 20_000, 21_250]
    assert steps(100, 2) == [0, 100, 200, 250]
    assert steps([250, 7], 3, validation_split=0.2) == [0, 7, 250, 300]
    assert steps((), 1) == [0, 125]


def test_a_second_fit_counts_on():
    doctor, made = chainrule.Doctor(verbose=0), model([Dense(2, "tanh"), Dense(1)])
    for expected in ([0, 16], [16, 32]):
        made.fit(X, Y, epochs=1, verbose=0, callbacks=[doctor])
        assert doctor.statistics["steps"] == expected


def test_what_it_finds_does_not_depend_on_threads_or_pieces():
    def statistics(piece):
        made, doctor = model(stack(4, 30, "sigmoid")), chainrule.Doctor(verbose=0)
        made.trainer.piece = piece
        made.fit(X, Y, epochs=20, verbose=0, callbacks=[doctor])
        return doctor.statistics, doctor.findings

    assert statistics(8) == statistics(100_000)


class Killed(Exception):
    pass


class Kill(Callback):
    def pause_after(self, iterations):
        return max(1, 137 - iterations)

    def on_train_pause(self):
        if self.course.trainer.iterations >= 137:
            raise Killed


def test_training_that_goes_on_knows_the_rate_it_began_with(tmp_path):
    """Also where it goes on when the rate was lowered already."""
    for last in ([Kill()], []):
        made, doctor = model(TANH, SGD(10.0), "binary_crossentropy"), chainrule.Doctor(verbose=0)
        backup = BackupAndRestore(tmp_path / "kept", save_freq=50)
        settings = {"epochs": 20, "verbose": 0, "callbacks": [doctor, backup, Lowered(), *last]}
        if last:
            with pytest.raises(Killed):
                made.fit(X, LABELS, **settings)
        else:
            made.fit(X, LABELS, **settings)
        assert made.optimizer.learning_rate == 1e-6
    assert doctor.statistics["steps"] == [0, 320]
    [one] = [one for one in doctor.findings if one.kind == "learning rate too high"]
    assert "at a learning rate of 10:" in one.sentence


@pytest.mark.parametrize("used", [False, True])
def test_training_that_is_stopped_before_its_first_look_is_left_as_it_is(used):
    class Stopped(Callback):
        def on_train_begin(self, logs=None):
            raise KeyboardInterrupt

    made, doctor = model([Dense(1)]), chainrule.Doctor(verbose=0)
    if used:
        made.fit(X, Y, verbose=0, callbacks=[doctor])
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, verbose=0, callbacks=[Stopped(), doctor])
    assert doctor.statistics["steps"] == ([0, 16] if used else [])


@pytest.mark.parametrize("doctor_first", [True, False])
def test_training_that_was_killed_goes_on_with_what_was_found(doctor_first, tmp_path):
    """Also where it is kept at step 100 before the look at step 100."""
    layers = stack(6, 12, "sigmoid")
    whole = chainrule.Doctor(verbose=0)
    model(layers).fit(X, Y, epochs=20, verbose=0, callbacks=[whole])
    path, doctors = tmp_path / "kept", []
    for last in ([Kill()], []):
        doctors.append(chainrule.Doctor(verbose=0))
        backup = BackupAndRestore(path, save_freq=50)
        watching = [doctors[-1], backup]
        callbacks = [*(watching if doctor_first else watching[::-1]), *last]
        made = model(layers)
        if last:
            with pytest.raises(Killed):
                made.fit(X, Y, epochs=20, verbose=0, callbacks=callbacks)
        else:
            made.fit(X, Y, epochs=20, verbose=0, callbacks=callbacks)
    assert whole.findings == doctors[1].findings and whole.findings
    assert whole.statistics == doctors[1].statistics


def test_state_holds_plain_values():
    doctor = looked(stack(10, 30, "sigmoid"))
    other = chainrule.Doctor()
    other.restore(doctor.state())
    assert other.findings == doctor.findings
    assert other.statistics == doctor.statistics
    assert all(isinstance(one, dict) for one in doctor.state()["findings"])


def test_severe_findings_are_told_once(caplog):
    with caplog.at_level(logging.WARNING, "chainrule"):
        made = model(stack(10, 30, "sigmoid"))
        made.fit(X, Y, epochs=8, verbose=0, callbacks=[chainrule.Doctor()])
    told = [one.getMessage() for one in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("Doctor, after step 0: the gradient falls from ")


def test_it_prints_as_text():
    doctor = chainrule.Doctor(verbose=0)
    assert str(doctor) == "Doctor: has not looked at a training yet."
    assert str(looked(stack(1, 4, "tanh"), y=X[:, 0])) == (
        "Doctor: found nothing of what it knows (2 looks from step 0 to step 128)."
    )
    first, second = str(looked(stack(2, 6, "tanh", kernel_initializer="zeros"))).splitlines()[:2]
    assert first == "Doctor: 2 looks from step 0 to step 128"
    assert repr(doctor) == str(doctor)
    assert second.startswith("- severe, symmetric units: 6 of the 6 units of layer 'dense' have")


def test_findings_are_merged():
    """One finding a kind and layer: first and last step, and the words of the worst."""
    doctor = looked(stack(10, 30, "sigmoid"))
    [one] = doctor.findings
    assert (one.step, one.last_step) == (0, 128)
    assert Finding.from_record(one.to_record()) == one


def test_other_networks():
    """Codes, several axes, one layer, and none that learns."""
    codes = np.arange(200).reshape(100, 2) % 7
    made = chainrule.Sequential([Input((2,)), Embedding(7, 3), Flatten(), Dense(1)], seed=1)
    made.compile("sgd", "mse")
    doctor = chainrule.Doctor(verbose=0)
    made.fit(codes, codes[:, 0], epochs=3, verbose=0, callbacks=[doctor])
    assert found(doctor) == []
    assert doctor.statistics["layers"] == ["embedding", "dense"]
    deep = chainrule.Sequential(
        [Input((4, 2)), Dense(3, "relu", bias_initializer=Constant(-99.0)), Flatten(), Dense(1)],
        seed=1,
    )
    deep.compile("sgd", "mse")
    deep.fit(X.reshape(500, 4, 2), Y, epochs=2, verbose=0, callbacks=[doctor])
    assert found(doctor) == [("severe", "dead units", "dense")]
    assert found(looked([Dense(1)])) == []
    assert found(looked([Dropout(0.0), Dense(8, "relu"), Dense(1)])) == []


def test_the_drop_ins():
    doctor = chainrule.Doctor(verbose=0)
    one = chainrule.MLPRegressor(
        hidden_layer_sizes=(20,) * 8, activation="logistic", max_iter=5, random_state=0,
        callbacks=[doctor], tol=0.0, n_iter_no_change=99,
    )  # fmt: skip
    with pytest.warns(match="Maximum iterations"):
        one.fit(X, Y)
    assert ("severe", "vanishing gradient", "coefs_0") in found(doctor)


def test_every_number_of_it_is_that_of_the_trainers_gradient():
    doctor = chainrule.Doctor(verbose=0)
    made = model(stack(2, 5, "tanh"), dtype="float64")
    _, gradient = made.trainer.gradient(X[:32], Y[:32])
    made.fit(X[:32], Y[:32], epochs=1, verbose=0, callbacks=[doctor])
    view = made.trainer.parameters.view
    expected = [
        np.hypot(
            *(np.linalg.norm(view(gradient, f"{layer}/{part}")) for part in ("kernel", "bias"))
        )
        for layer in ("dense", "dense_1", "dense_2")
    ]
    assert doctor.statistics["norms"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "all", [10, 0], [10, "x"]])
def test_other_steps_are_refused(steps):
    with pytest.raises((SettingError, InputTypeError), match="Doctor: steps"):
        chainrule.Doctor(steps)


def test_it_is_offered_where_callbacks_are():
    assert chainrule.Doctor is chainrule.callbacks.Doctor
