"""Training on expanded data: reproducible, resumable, the same on any thread count and engine."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule import random
from chainrule.engine import threads_at_most
from chainrule.errors import SettingError
from chainrule.layers import (
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Input,
    Mixup,
    RandomDistortion,
    Stack,
)
from chainrule.losses import find_loss
from chainrule.optimizers import SGD
from chainrule.training import Trainer

pytest.importorskip("chainrule._native")

ROWS = 37
X = random.uniform(1, 0, 0, ROWS * 9 * 8).reshape(ROWS, 9, 8)
Y = np.arange(ROWS) % 3
TABLE = random.normal(2, 0, 0, ROWS * 4).reshape(ROWS, 4)
WEIGHT = 0.5 + random.uniform(3, 0, 0, ROWS)
FULL = RandomDistortion(shift=0.1, rotation=20, scale=0.1, elastic=0.05, smoothness=0.2)

each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_engine = pytest.mark.parametrize("engine", ["native", "numpy"])


def model(engine="native", dtype="float64", seed=5, layers=None):
    first = layers or [FULL, Mixup(0.4), Flatten(), GaussianNoise(0.1), Dropout(0.2)]
    one = chainrule.Sequential(
        [Input((9, 8)), *first, Dense(6, "tanh"), Dense(3, "softmax")], seed=seed, dtype=dtype
    )
    one.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", engine=engine)
    return one


def trained(one, epochs=3, **settings):
    one.fit(X, Y, epochs=epochs, batch_size=8, sample_weight=WEIGHT, **settings)
    return one.trainer.parameters.flat.copy()


@each_type
@each_engine
def test_the_same_seed_trains_to_the_same_bits_and_another_does_not(engine, dtype):
    first, again, other = (trained(model(engine, dtype, seed)) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


@each_type
def test_engines_agree_to_rounding(dtype):
    native, numpy = (trained(model(engine, dtype)) for engine in ("native", "numpy"))
    np.testing.assert_allclose(native, numpy, atol=1e-12 if dtype == "float64" else 2e-4)


@each_type
def test_any_number_of_threads_trains_to_the_same_bits(dtype):
    found = []
    wide = np.tile(X, (12, 4, 4))
    for threads in (1, 2, 3):
        one = chainrule.Sequential(
            [
                Input(wide.shape[1:]),
                FULL,
                Mixup(),
                Flatten(),
                GaussianNoise(0.1),
                Dense(300, "relu"),
                Dense(3, "softmax"),
            ],
            seed=5,
            dtype=dtype,
        )
        one.compile("adam", "sparse_categorical_crossentropy", engine="native")
        with threads_at_most(threads):
            one.fit(wide, np.tile(Y, 12), epochs=2, batch_size=128)
        found.append(one.trainer.parameters.flat.copy())
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


@each_type
@each_engine
def test_stopped_saved_and_loaded_training_goes_on_to_the_same_bits(engine, dtype, tmp_path):
    whole = trained(model(engine, dtype), epochs=4)
    part = model(engine, dtype)
    trained(part, epochs=2)
    part.save(tmp_path / "m.safetensors")
    loaded = chainrule.load_model(tmp_path / "m.safetensors")
    first, second = loaded.trainer.task.network.layers[:2]
    assert first == replace(FULL, name="random_distortion")
    assert second == Mixup(0.4, name="mixup")
    assert (trained(loaded, epochs=4, initial_epoch=2) == whole).all()


@each_engine
def test_nothing_moves_in_prediction_and_evaluation(engine):
    one = model(engine)
    plain = model(engine, layers=[Flatten()])
    plain.set_weights(one.get_weights())
    assert (one.predict(X) == plain.predict(X)).all()
    assert one.evaluate(X, Y, sample_weight=WEIGHT) == plain.evaluate(X, Y, sample_weight=WEIGHT)


def cross_entropy(one, x, y):
    return -np.log(one.predict(x)[np.arange(len(y)), y])


def still(layers, rows, **settings):
    """A model whose weights stay, the losses of its steps, and the rows of each step in order."""
    one = chainrule.Sequential(
        [Input(rows.shape[1:]), *layers, Flatten(), Dense(3, "softmax")], seed=5, dtype="float64"
    )
    one.compile(SGD(1e-13), "sparse_categorical_crossentropy")
    history = one.fit(rows, Y, epochs=2, batch_size=8, **settings)
    orders = (random.permutation(5, 0, epoch, ROWS) for epoch in (0, 1))
    batches = [order[start : start + 8] for order in orders for start in range(0, ROWS, 8)]
    return one, history.steps["loss"], batches


@pytest.mark.parametrize(
    "layer, rows",
    [(FULL, X), (GaussianNoise(0.3), TABLE), (RandomDistortion(shift=0.2, seed=8), X)],
    ids=["all", "noise", "own seed"],
)
def test_each_step_of_each_epoch_sees_what_sample_shows(layer, rows):
    one, losses, batches = still([layer], rows)
    for step, (loss, batch) in enumerate(zip(losses, batches, strict=True)):
        seen = layer.sample(rows[batch], seed=5, step=step)
        assert loss == pytest.approx(cross_entropy(one, seen, Y[batch]).mean(), rel=1e-9)
        assert loss != pytest.approx(cross_entropy(one, rows[batch], Y[batch]).mean(), rel=1e-6)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_the_loss_of_mixed_rows_is_that_of_both_targets_in_their_shares(weight):
    one, losses, batches = still([Mixup(1.0)], TABLE, sample_weight=weight)
    weight = np.ones(ROWS) if weight is None else weight
    for step, (loss, batch) in enumerate(zip(losses, batches, strict=True)):
        share = Mixup(1.0).sample(np.eye(len(batch)), seed=5, step=step).diagonal().copy()
        if len(batch) % 2:  # a row in the middle is its own partner
            share[len(batch) // 2] = 0.5
        x = share[:, None] * TABLE[batch] + (1 - share)[:, None] * TABLE[batch][::-1]
        own = weight[batch] * cross_entropy(one, x, Y[batch])
        other = weight[batch][::-1] * cross_entropy(one, x, Y[batch][::-1])
        assert loss == pytest.approx((share * own + (1 - share) * other).mean(), rel=1e-9)


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
@each_engine
def test_any_loss_may_be_mixed(loss, engine):
    """Of a network that only hands on, the squared error of numbers is known."""
    one = Trainer(
        Stack([Mixup(1.0)], (1,)), [loss], "sgd", ["mae"], dtype="float64", seed=3, engine=engine
    )
    x, y = TABLE[:10, :1], TABLE[:10, 1:2]
    history = one.fit(x, y, batch_size=10, shuffle=False)
    share = Mixup(1.0).sample(np.eye(10), seed=3).diagonal()[:, None]
    mixed = share * x + (1 - share) * x[::-1]
    rows = [np.asarray(find_loss(loss).rows(t, mixed).value) for t in (y, y[::-1])]
    expected = (share[:, 0] * rows[0] + (1 - share[:, 0]) * rows[1]).mean()
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-12)
    # metrics compare with the row's own target
    assert history.history["mae"][0] == pytest.approx(abs(mixed - y).mean(), rel=1e-12)


def test_a_second_mixup_is_refused_before_training_begins():
    one = chainrule.Sequential([Input((4,)), Mixup(), Mixup(), Dense(3, "softmax")])
    one.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(SettingError, match=r"^Mixup: the network has two, .*; take one out\.$"):
        one.fit(TABLE, Y)


@each_engine
def test_pictures_of_bytes_train_as_their_numbers_do(engine):
    gray = (X * 255).astype(np.uint8)
    found = []
    for rows in (gray, gray.astype(np.float32)):
        one = model(engine, "float32", layers=[FULL, Flatten()])
        one.fit(rows, Y, epochs=2, batch_size=8)
        found.append(one.trainer.parameters.flat.copy())
    assert (found[0] == found[1]).all()


@each_engine
def test_what_stands_before_a_distortion_learns_through_it(engine):
    """The gradient against slopes: the picture that is bent is one that a layer makes."""
    one = Trainer(
        Stack([Dense(8, "tanh"), FULL, Flatten(), Dense(3, "softmax")], (9, 8)),
        "sparse_categorical_crossentropy", SGD(1e-6), dtype="float64", seed=4, engine=engine,
    )  # fmt: skip
    before = one.parameters.flat.copy()
    loss = one.fit(X, Y, batch_size=ROWS, shuffle=False).history["loss"][0]
    slope = (before - one.parameters.flat) / 1e-6
    direction = random.normal(6, 0, 0, before.size)
    step = 1e-5
    values = []
    for sign in (1, -1):
        other = Trainer(
            one.task.network, "sparse_categorical_crossentropy", SGD(1e-13), dtype="float64",
            seed=4, engine=engine,
        )  # fmt: skip
        other.parameters.flat[...] = before + sign * step * direction
        values.append(other.fit(X, Y, batch_size=ROWS, shuffle=False).history["loss"][0])
    assert np.isfinite(loss)
    assert slope @ direction == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)
