"""Training: epochs, histories, weights, validation, going on, several inputs."""

import copy
import pickle
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from chainrule import graph, random
from chainrule.errors import (
    DataError,
    InputTypeError,
    SettingError,
    ShapeError,
    TrainingError,
)
from chainrule.graph import ops
from chainrule.layers import Dense, Dropout, NetworkInput, Parameter, Stack
from chainrule.losses import find_loss
from chainrule.optimizers import SGD, Adam, Optimizer
from chainrule.training import Callback, LambdaCallback, Trainer
from chainrule.training.graphs import Variant

X = random.normal(1, 0, 0, 90).reshape(30, 3)
Y = np.tanh(X @ np.array([[1.0], [-2.0], [0.5]]))


def trainer(loss="mse", optimizer="adam", layers=None, metrics=(), seed=4, **settings):
    stack = Stack(layers or [Dense(4, "tanh"), Dense(1)], (3,))
    return Trainer(stack, loss, optimizer, metrics, dtype="float64", seed=seed, **settings)


def losses(one, **settings):
    return one.fit(X, Y, **settings).history["loss"]


def test_iterations_are_rows_by_batch_size():
    one = trainer()
    history = one.fit(X, Y, batch_size=7, epochs=3)
    assert one.iterations == 3 * 5
    assert history.steps["loss"].shape == (15,)
    assert history.epoch == [0, 1, 2]
    assert (one.parameters.flat != trainer().parameters.flat).all()


def test_an_epoch_loss_is_the_mean_of_its_steps_by_rows():
    history = trainer(metrics=["mae"]).fit(X, Y, batch_size=7, epochs=2)
    rows = np.array([7, 7, 7, 7, 2])
    for name in ("loss", "mae"):
        means = (history.steps[name].reshape(2, 5) * rows).sum(axis=1) / 30
        np.testing.assert_allclose(history.history[name], means, rtol=1e-14)


def test_shuffles_are_those_of_seed_and_epoch():
    """One step a row with a rate so small that each step's loss is that of its row."""
    one = trainer(optimizer=SGD(1e-12))
    rows = (one.predict(X)[:, 0] - Y[:, 0]) ** 2
    history = one.fit(X, Y, batch_size=1, epochs=2)
    order = np.concatenate([random.permutation(4, 0, epoch, 30) for epoch in (0, 1)])
    np.testing.assert_allclose(history.steps["loss"], rows[order], rtol=1e-6)
    plain = one.fit(X, Y, batch_size=1, shuffle=False)
    np.testing.assert_allclose(plain.steps["loss"], rows, rtol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", SGD(0.1, momentum=0.9), "rmsprop"])
def test_two_fits_are_one_longer_fit(optimizer):
    layers = [Dropout(0.3), Dense(4, "tanh"), Dense(1)]
    whole, halves = (trainer(optimizer=optimizer, layers=layers) for _ in range(2))
    together = losses(whole, epochs=4, batch_size=7)
    apart = losses(halves, epochs=2, batch_size=7)
    apart += losses(halves, epochs=4, initial_epoch=2, batch_size=7)
    assert together == apart
    assert (whole.parameters.flat == halves.parameters.flat).all()


def test_batches_asked_for_one_by_one_change_nothing():
    layers = [Dropout(0.3), Dense(4, "tanh"), Dense(1)]
    one, other = (trainer(layers=layers) for _ in range(2))
    seen = []
    callback = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    history = one.fit(X, Y, batch_size=7, epochs=2)
    watched = other.fit(X, Y, batch_size=7, epochs=2, callbacks=[callback])
    assert seen == [0, 1, 2, 3, 4] * 2
    assert (history.steps["loss"] == watched.steps["loss"]).all()
    assert (one.parameters.flat == other.parameters.flat).all()


def test_the_seed_decides_everything():
    layers = [Dropout(0.3), Dense(4), Dense(1)]
    first, same, other = (trainer(layers=layers, seed=seed) for seed in (1, 1, 2))
    assert losses(first, epochs=2) == losses(same, epochs=2)
    assert losses(other) != losses(trainer(layers=layers, seed=1))


def test_evaluate_has_dropout_off_and_penalties_on():
    layers = [Dropout(0.5), Dense(1, kernel_regularizer="l2", bias_regularizer="l1")]
    one = trainer(layers=layers, metrics=["mae"])
    one.fit(X, Y, epochs=3)
    kernel, bias = one.get_weights()
    error = X @ kernel + bias - Y
    penalty = 0.01 * (kernel**2).sum() + 0.01 * np.abs(bias).sum()
    scores = one.evaluate(X, Y)
    assert scores["loss"] == pytest.approx((error**2).mean() + penalty, rel=1e-12)
    assert scores["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-12)
    assert list(scores) == ["loss", "mae"]


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_frozen_parameters_have_no_penalty_and_stay(engine):
    """As Keras: only their layer's activity is counted, which other parameters may move."""
    one = trainer(engine=engine, layers=[
        Dense(2, trainable=False, kernel_regularizer="l2", bias_regularizer="l1",
              bias_initializer="ones", activity_regularizer="l1"),
        Dense(1, kernel_regularizer="l2", bias_regularizer="l1", bias_initializer="ones",
              bias_trainable=False),
    ])  # fmt: skip
    before = one.get_weights()
    hidden = X @ before[0] + 1
    expected = ((hidden @ before[2] + 1 - Y) ** 2).mean()
    expected += 0.01 * np.abs(hidden).sum() / 30 + 0.01 * (before[2] ** 2).sum()
    assert one.evaluate(X, Y)["loss"] == pytest.approx(expected, rel=1e-12)
    assert one.gradient(X, Y)[0] == pytest.approx(expected, rel=1e-12)
    first = one.fit(X, Y, batch_size=30, epochs=2).history["loss"][0]
    assert first == pytest.approx(expected, rel=1e-12)
    after = one.get_weights()
    assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [
        True, True, False, True,
    ]  # fmt: skip


def test_a_network_without_parameters_can_be_fitted():
    one = Trainer(Stack([Dropout(0.0)], (1,)), "mse", "adam", seed=0)
    assert one.fit(Y, Y, epochs=2).history["loss"] == [0, 0]


def test_whole_weights_are_repeated_rows():
    """One full-batch step: weights over rows equal the rows repeated, up to the divisor."""
    weights = np.arange(30) % 3
    one, other = (trainer(optimizer=SGD(0.1)) for _ in range(2))
    again = trainer(optimizer=SGD(0.1 * weights.sum() / 30))
    one.fit(X, Y, sample_weight=weights, batch_size=1000)
    again.fit(np.repeat(X, weights, 0), np.repeat(Y, weights, 0), batch_size=1000)
    np.testing.assert_allclose(one.parameters.flat, again.parameters.flat, rtol=1e-12)
    other.fit(X, Y, sample_weight=np.ones((30, 1)), batch_size=1000)
    plain = trainer(optimizer=SGD(0.1))
    plain.fit(X, Y, batch_size=1000)
    np.testing.assert_allclose(other.parameters.flat, plain.parameters.flat, rtol=1e-14)


@pytest.mark.parametrize(
    "loss, units, y",
    [
        ("sparse_categorical_crossentropy", 3, np.arange(30) % 3),
        ("categorical_crossentropy", 3, np.eye(3)[np.arange(30) % 3]),
        ("binary_crossentropy", 1, np.arange(30) % 2),
    ],
)
def test_class_weights_are_sample_weights(loss, units, y):
    layers = [Dense(units, "sigmoid" if units == 1 else "softmax")]
    labels = y.argmax(axis=1) if y.ndim == 2 else y
    one, other = (trainer(loss, layers=layers) for _ in range(2))
    one.fit(X, y, class_weight={1: 3.0}, epochs=2)
    other.fit(X, y, sample_weight=np.where(labels == 1, 3.0, 1.0), epochs=2)
    assert (one.parameters.flat == other.parameters.flat).all()


def test_the_split_is_the_last_rows_before_shuffling():
    one, other, plain = (trainer(metrics=["mae"]) for _ in range(3))
    split = one.fit(X, Y, validation_split=0.25, epochs=3).history
    given = other.fit(X[:22], Y[:22], validation_data=(X[22:], Y[22:]), epochs=3).history
    assert split == given
    assert list(split) == ["loss", "mae", "val_loss", "val_mae"]
    assert plain.fit(X[:22], Y[:22], epochs=3).history["loss"] == split["loss"]
    want = other.evaluate(X[22:], Y[22:])
    assert split["val_loss"][-1] == want["loss"]


def test_validation_may_be_weighted():
    one = trainer(optimizer=SGD(1e-15))
    weights = np.linspace(0, 2, 30)
    history = one.fit(X, Y, validation_data=(X, Y, weights)).history
    rows = (one.predict(X)[:, 0] - Y[:, 0]) ** 2
    assert history["val_loss"][0] == pytest.approx((weights * rows).sum() / 30, rel=1e-10)


def test_the_sum_depends_on_the_batch():
    loss = find_loss("squared_error").__class__(reduction="sum")
    one = trainer(loss)
    total = 0.5 * ((one.predict(X) - Y) ** 2).sum()
    assert one.evaluate(X, Y, batch_size=30)["loss"] == pytest.approx(total)
    assert one.evaluate(X, Y, batch_size=15)["loss"] == pytest.approx(total / 2, rel=0.3)


def test_gradient_is_that_of_the_loss():
    one = trainer()
    loss, flat = one.gradient(X, Y)
    assert loss == pytest.approx(one.evaluate(X, Y)["loss"], rel=1e-14)
    h, which = 1e-6, 5
    ends = []
    for sign in (1, -1):
        one.parameters.flat[which] += sign * h
        ends.append(one.evaluate(X, Y)["loss"])
        one.parameters.flat[which] -= sign * h
    assert flat[which] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5)


def test_train_on_batch_is_one_step():
    one, other = (trainer() for _ in range(2))
    before = one.evaluate(X, Y)["loss"]
    assert one.train_on_batch(X, Y)["loss"] == pytest.approx(before, rel=1e-14)
    other.fit(X, Y, batch_size=30, shuffle=False)
    assert (one.parameters.flat == other.parameters.flat).all()
    assert one.iterations == 1


def test_the_learning_rate_may_be_set_between_epochs():
    rates = [0.1, 0.01, 0.0001]

    class Schedule(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = rates[epoch]

    one, other = (trainer(optimizer=SGD(0.5, momentum=0.9)) for _ in range(2))
    one.fit(X, Y, epochs=3, callbacks=[Schedule()])
    for epoch, rate in enumerate(rates):
        other.optimizer.learning_rate = rate
        other.fit(X, Y, epochs=epoch + 1, initial_epoch=epoch)
    assert (one.parameters.flat == other.parameters.flat).all()
    assert one.optimizer.learning_rate == 0.0001
    assert one.optimizer.momentum == 0.9
    with pytest.raises(
        SettingError, match="learning_rate must be a number above 0 or a schedule, got -1"
    ):
        one.optimizer.learning_rate = -1
    with pytest.raises(SettingError, match="only learning_rate can be set, not 'momentum'"):
        one.optimizer.momentum = 0.5


@dataclass(frozen=True)
class Listed(Optimizer):
    """As many rates as there are steps, which may change until they are made."""

    learning_rate: float = 0.1
    rates: list[float] = field(default_factory=list)

    def line(self, step):
        return (self.rates[step - 1],)

    def update(self, weight, gradient, line):
        return (weight - line[0] * gradient,)


def test_a_rule_is_asked_for_the_steps_that_are_made_alone():
    rule = Listed(rates=[0.1, 0.2, 0.3])
    one = trainer(optimizer=rule)
    one.train_on_batch(X, Y)
    rule.rates[1] = 0.0
    before = one.parameters.flat.copy()
    one.train_on_batch(X, Y)
    assert (one.parameters.flat == before).all()
    one.fit(X, Y, batch_size=30, callbacks=[LambdaCallback(on_train_batch_end=lambda *_: None)])
    assert (one.parameters.flat != before).any()
    with pytest.raises(IndexError):
        one.train_on_batch(X, Y)


def test_validation_data_that_does_not_fit_is_named():
    for given in ((X[:, :1], Y), (X, Y[:3]), (X * np.nan, Y), (None, Y)):
        with pytest.raises((ShapeError, DataError, InputTypeError), match=r"^validation_data: "):
            trainer().fit(X, Y, validation_data=given)


def test_a_target_too_large_for_the_type_is_told_without_a_warning(recwarn):
    narrow = Trainer(Stack([Dense(1)], (3,)), "mse", "sgd", seed=4)
    with pytest.raises(DataError, match="target inf in row 1"):
        narrow.fit(np.ones((2, 3)), np.array([1.0, 1e300]))
    assert not recwarn.list


def test_a_loss_that_is_not_finite_stops_before_its_step():
    one = trainer(optimizer=SGD(1e160))
    with pytest.raises(TrainingError) as raised:
        one.fit(X, Y, epochs=5, batch_size=10)
    words = str(raised.value)
    order = random.permutation(4, 0, 0, 30)
    step = one.iterations
    assert f"epoch 1, step {step + 1} (rows {order[step * 10]}, " in words
    assert "the parameters are as they were before that step" in words
    assert "begin anew with a learning_rate well below 1e+160" in words
    replay = trainer(optimizer=SGD(1e160))
    for batch in range(step):
        rows = order[10 * batch : 10 * (batch + 1)]
        replay.train_on_batch(X[rows], Y[rows])
    assert (replay.parameters.flat == one.parameters.flat).all()
    assert step >= 1


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_a_loss_that_is_not_finite_before_any_step_is_not_the_rates_fault(engine):
    one = Trainer(Stack([Dense(1)], (3,)), "mse", SGD(0.01), dtype="float64", seed=4, engine=engine)
    with pytest.raises(TrainingError) as raised:
        one.fit(1e200 * X, Y)
    assert one.iterations == 0
    assert str(raised.value).endswith(
        "; no step was made yet, so it is that of the first weights: look at these rows, the scale "
        "of the inputs, and the loss function."
    )
    one.fit(X, Y)
    with pytest.raises(TrainingError, match="learning_rate well below 0.01"):
        one.fit(1e200 * X, Y)


def test_bytes_are_gathered_as_bytes_and_cast():
    pictures = (np.arange(120) * 37 % 256).reshape(30, 2, 2).astype(np.uint8)
    from chainrule.layers import Flatten

    one, other = (
        Trainer(Stack([Flatten(), Dense(1)], (2, 2)), "mse", Adam(0.1), seed=1) for _ in range(2)
    )
    data = one.data(pictures, Y)
    assert data.arrays["input/input"] is pictures
    bytes_, floats = one.fit(pictures, Y), other.fit(pictures.astype(float), Y)
    assert bytes_.history == floats.history
    assert (one.predict(pictures) == other.predict(pictures.astype(np.float32))).all()


class Branches:
    """Two inputs, one of them codes; two outputs."""

    inputs = (NetworkInput("numbers", (3,)), NetworkInput("codes", (2,), "int32"))
    output_names = ("value", "class")

    def parameters(self):
        return (
            Parameter("table/values", (5, 2), "random_normal"),
            Parameter("value/kernel", (7, 1)),
            Parameter("class/kernel", (7, 3)),
        )

    def outputs(self, inputs, parameters, draws):
        table, value, classes = parameters
        found = ops.gather(table, inputs["codes"])
        codes = found.reshape((found.shape[0], 4))
        joined = ops.concatenate(inputs["numbers"], codes, axis=1)
        if draws is not None:
            joined = joined * draws.mask(joined.shape, 0.1)
        return joined @ value, ops.softmax(joined @ classes)


class Places:
    """Two places a row, each with one of three classes; and a number a row."""

    inputs = (NetworkInput("input", (3,)),)
    output_names = ("class", "number")

    def parameters(self):
        return (Parameter("classes/kernel", (3, 6)), Parameter("number/kernel", (3,)))

    def outputs(self, inputs, parameters, draws):
        x = inputs["input"]
        scores = (x @ parameters[0]).reshape((x.shape[0], 2, 3))
        return ops.softmax(scores), (x * parameters[1]).sum(axis=1)


def test_a_label_for_each_of_several_places_and_a_number_a_row():
    one = Trainer(
        Places(), ["sparse_categorical_crossentropy", "mse"], Adam(0.05), dtype="float64", seed=1
    )
    labels = np.stack([X[:, 0] > 0, X[:, 1] > X[:, 0]], axis=1).astype(np.int64)
    y = {"class": labels, "number": X @ np.array([1.0, 2.0, 3.0])}
    history = one.fit(X, y, epochs=200)
    assert history.history["loss"][-1] < 0.1 * history.history["loss"][0]
    predicted = one.predict(X)
    assert (np.argmax(predicted["class"], axis=-1) == labels).mean() > 0.9
    with pytest.raises(ShapeError, match=r"y has shape \(30,\), but the last layer \('class'\)"):
        one.fit(X, y | {"class": labels[:, 0].copy()})


def test_several_inputs_and_outputs():
    codes = (np.arange(60) * 7 % 5).reshape(30, 2)
    x = {"numbers": X, "codes": codes}
    y = {"value": Y, "class": np.arange(30) % 3}
    one = Trainer(
        Branches(), ["mse", "sparse_categorical_crossentropy"], Adam(0.05),
        {"class": ["accuracy"]}, dtype="float64", seed=1,
    )  # fmt: skip
    before = one.parameters.copy()
    history = one.fit(x, y, epochs=20, validation_split=0.2).history
    assert list(history)[:4] == ["loss", "value_loss", "class_loss", "class_accuracy"]
    assert history["loss"][-1] < history["loss"][0]
    parts = np.array(history["value_loss"]) + np.array(history["class_loss"])
    np.testing.assert_allclose(history["loss"], parts, rtol=1e-12)
    assert (one.parameters["table/values"] != before["table/values"]).all()
    predictions = one.predict(x)
    assert {name: array.shape for name, array in predictions.items()} == {
        "value": (30, 1), "class": (30, 3),
    }  # fmt: skip
    with pytest.raises(InputTypeError, match="dict of arrays by name: 'numbers', 'codes'"):
        one.predict(X)
    with pytest.raises(DataError, match="'codes' is missing"):
        one.predict({"numbers": X})
    with pytest.raises(ShapeError, match="different numbers of rows"):
        one.predict({"numbers": X, "codes": codes[:4]})


def test_float32_and_float64_agree_to_rounding():
    narrow = Trainer(Stack([Dense(4, "tanh"), Dense(1)], (3,)), "mse", "adam", seed=4)
    wide = trainer()
    np.testing.assert_allclose(losses(narrow, epochs=3), losses(wide, epochs=3), rtol=1e-5)
    assert narrow.predict(X).dtype == np.float32


def test_an_optimizer_of_ones_own_trains():
    @dataclass(frozen=True)
    class Sign(Optimizer):
        learning_rate: float = 0.01

        def update(self, weight, gradient, line, *slots):
            return (weight - line[0] * gradient / abs(gradient) if not isinstance(
                gradient, graph.Node) else weight - line[0] * ops.sign(gradient),)  # fmt: skip

    one = trainer(optimizer=Sign())
    before = one.parameters.flat.copy()
    one.fit(X, Y, batch_size=30)
    np.testing.assert_allclose(np.abs(one.parameters.flat - before), 0.01, rtol=1e-9)


def test_the_first_fit_says_that_the_native_module_is_missing(monkeypatch, caplog):
    from chainrule.training.trainer import _tell_of_native_module

    monkeypatch.setattr(random, "has_native", lambda: False)
    monkeypatch.setattr(random, "native_status", lambda: "The native module is not installed.")
    _tell_of_native_module.cache_clear()
    one = Trainer(Stack([Dense(1)], (2,)), "mse", seed=1)
    for _ in range(2):
        one.fit(np.eye(2), np.ones(2))
    assert caplog.messages == ["The native module is not installed."]


def program(one, kind="step"):
    return one.task.program(kind, one.data(X, Y).variant)


def test_models_of_one_description_share_programs():
    first, second = trainer(seed=1), trainer(seed=2)
    assert all(program(first, kind) is program(second, kind) for kind in ("step", "predict"))
    assert first.predict(X).tolist() != second.predict(X).tolist()


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "mae"}, {"optimizer": SGD()}, {"optimizer": Adam(beta_1=0.8)},
        {"metrics": ["mae"]}, {"layers": [Dense(4, "relu"), Dense(1)]},
        {"layers": [Dense(4, "tanh"), Dense(1, kernel_regularizer="l2")]},
        {"layers": [Dense(4, "tanh", trainable=False), Dense(1)]},
    ],
    ids=str,
)  # fmt: skip
def test_models_of_other_descriptions_do_not(settings):
    assert program(trainer()) is not program(trainer(**settings))
    weighted = trainer().data(X, Y, np.ones(30)).variant
    assert program(trainer()) is not trainer().task.program("step", weighted)


@pytest.mark.skipif(not random.has_native(), reason="chainrule has no native module here")
@pytest.mark.parametrize(
    "wanted", [["native", "numpy", "auto", "native"], ["numpy", "native", "numpy", "auto"]]
)
def test_kept_programs_are_those_of_the_engine_that_is_asked_for(wanted):
    units = 5 + wanted.index("native")  # programs that no other test has made
    for engine in wanted:
        made = trainer(layers=[Dense(units, "tanh"), Dense(1)], engine=engine)
        assert program(made).engine == ("numpy" if engine == "numpy" else "native")


@pytest.mark.parametrize("engine", ["native", "numpy"] if random.has_native() else ["numpy"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_goes_on_as_the_trainer_does_and_apart_from_it(copied, engine):
    one = trainer(engine=engine)
    one.train_on_batch(X, Y)
    other = copied(one)
    one.train_on_batch(X, Y)
    assert (other.parameters.flat != one.parameters.flat).any()
    other.train_on_batch(X, Y)
    assert (other.parameters.flat == one.parameters.flat).all()
    assert other.evaluate(X, Y) == one.evaluate(X, Y)


def test_code_of_ones_own_is_asked_each_time():
    scale = [1.0]
    loss = lambda y_true, y_pred: scale[0] * (y_true - y_pred) ** 2  # noqa: E731
    before = trainer(loss).evaluate(X, Y)["loss"]
    scale[0] = 2.0
    assert trainer(loss).evaluate(X, Y)["loss"] == 2 * before


def test_probabilities_taken_for_logits_are_told_of_each_time():
    loss = find_loss("binary_crossentropy")
    for _ in range(2):
        one = trainer(replace(loss, from_logits=True), layers=[Dense(1, "sigmoid")])
        with pytest.warns(UserWarning, match="from_logits"):
            one.evaluate(X, Y > 0)


def unaligned(array):
    """The same numbers at an address that is no multiple of their size."""
    moved = np.frombuffer(b"." + array.tobytes(), np.uint8)[1:].view(array.dtype)
    assert not moved.flags.aligned
    return moved.reshape(array.shape)


@pytest.mark.parametrize("engine", ["native", "numpy"])
def test_data_may_lie_at_any_address(engine):
    if engine == "native" and not random.has_native():
        pytest.skip("chainrule was installed without its native module")
    weights = np.linspace(0.5, 2.0, 30)
    plain, moved = trainer(engine=engine), trainer(engine=engine)
    expected = plain.fit(X, Y, sample_weight=weights)
    found = moved.fit(unaligned(X), unaligned(Y), sample_weight=unaligned(weights))
    assert found.history == expected.history
    assert moved.predict(unaligned(X)).tobytes() == plain.predict(X).tobytes()
    labels = trainer("sparse_categorical_crossentropy", layers=[Dense(3, "softmax")])
    labels.train_on_batch(unaligned(X), unaligned(np.arange(30) % 3))


def test_a_batch_may_be_as_large_as_one_likes():
    whole = trainer().fit(X, Y, batch_size=30, epochs=2).history
    for size in (31, 2**63, 10**30):
        one = trainer()
        assert one.fit(X, Y, batch_size=size, epochs=2).history == whole
        assert one.predict(X, batch_size=size).tobytes() == one.predict(X).tobytes()


def test_batches_that_are_not_trained_on_are_small_where_rows_are_large():
    narrow = Trainer(Stack([Dense(4, "relu"), Dense(1)], (3,)), "mse")
    wide = Trainer(Stack([Dense(8192, "relu"), Dense(1)], (3,)), "mse")
    for kind in ("predict", "evaluate"):
        assert narrow.task.rows_at_once(kind, Variant()) == 1024
        rows = wide.task.rows_at_once(kind, Variant())
        # at least the hidden layer's product and its activation
        assert 8 <= rows <= (1 << 22) // (2 * 4 * 8192)
