"""Where a loss that is not finite was born: the operation, its layer, the row."""

import re

import numpy as np
import pytest

from chainrule import random
from chainrule.callbacks import TerminateOnNaN
from chainrule.errors import TrainingError
from chainrule.estimators import MLPRegressor, TabularRegressor
from chainrule.graph import ops
from chainrule.layers import BatchNormalization, Constant, Dense, Dropout, Stack
from chainrule.optimizers import SGD
from chainrule.training import Trainer

X = random.normal(3, 0, 0, 80).reshape(20, 4)
Y = np.abs(X.sum(axis=1))
ENGINES = pytest.mark.parametrize("engine", ["numpy", "native"])
TYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def trainer(layers, loss="mse", rate=0.01, *, engine="auto", dtype="float32"):
    return Trainer(Stack(layers, (4,)), loss, SGD(rate), engine=engine, dtype=dtype, seed=5)


def failure(trainer, x=X, y=Y, **settings):
    with pytest.raises(TrainingError) as error:
        trainer.fit(x, y, batch_size=5, epochs=30, **settings)
    return error.value


@ENGINES
@TYPES
def test_logarithm_of_zero_in_a_loss_of_ones_own(engine, dtype):
    """The one row of zeros gives log 0; the rate of 0 keeps it so."""
    x = X.copy()
    x[13] = 0.0
    one = trainer(
        [Dense(1, use_bias=False)], lambda y, p: ops.log(ops.abs(p)).sum(axis=1), 1e-9,
        engine=engine, dtype=dtype,
    )  # fmt: skip
    error = failure(one, x)
    found = error.not_finite
    assert (found.operation, found.layer, found.row, found.loss) == ("log", None, 13, -np.inf)
    assert 13 in found.rows and len(found.rows) == 5
    assert "born in the loss, where log of 0 is -inf (row 13)" in str(error)


@ENGINES
def test_overflow_of_an_exponential_in_a_hidden_layer(engine):
    """float32 ends at e^88.7."""
    layers = [
        Dense(3, "tanh"),
        Dense(2, "exponential", kernel_initializer="zeros", bias_initializer=Constant(89.0)),
        Dense(1),
    ]
    error = failure(trainer(layers, engine=engine))
    assert (error.not_finite.operation, error.not_finite.layer) == ("exp", "dense_1")
    assert "born in layer 'dense_1', where exp of 89 is inf (row" in str(error)
    first = random.permutation(5, 0, 0, 20)[:5].tolist()
    assert error.not_finite.row == first[0] and list(error.not_finite.rows) == first


@ENGINES
def test_zero_divided_by_zero(engine):
    error = failure(
        trainer([Dense(1)], lambda y, p: ((p - p) / (y - y)).sum(axis=1), engine=engine)
    )
    assert "born in the loss, where divide of 0 and 0 is nan" in str(error)


@ENGINES
def test_huge_weights_overflow_in_the_product_of_the_next_layer(engine):
    one = trainer([Dense(4, "relu"), Dense(3, "relu"), Dense(1)], engine=engine)
    one.set_weights([np.full_like(w, 1e25) for w in one.get_weights()])
    error = failure(one)
    assert (error.not_finite.operation, error.not_finite.layer) == ("matmul", "dense_1")
    assert re.search(r"where matmul of numbers as large as \S+e\+25 and 1e\+25 is inf", str(error))


@ENGINES
def test_a_parameter_that_holds_nan_is_named(engine):
    one = trainer([Dense(4, "relu"), BatchNormalization(), Dense(1)], engine=engine)
    one.parameters["dense_1/kernel"][2, 0] = np.nan
    error = failure(one)
    found = error.not_finite
    assert (found.operation, found.layer, found.row) == (None, "dense_1", None)
    assert "born in the parameter 'dense_1/kernel', which holds nan" in str(error)


@ENGINES
def test_a_far_too_high_rate_with_dropout_and_weights(engine):
    """What is found out again has the step's own masks: else the loss would be another."""
    layers = [Dense(30, "relu"), Dropout(0.5), Dense(30, "relu"), Dropout(0.5), Dense(1)]
    one = trainer(layers, rate=50.0, engine=engine)
    error = failure(one, sample_weight=np.arange(1.0, 21.0))
    assert error.not_finite.step == one.iterations + 1 > 1
    assert error.not_finite.born


def test_the_masks_are_those_of_the_step():
    """A unit whose number overflows is left out in all steps before the one that fails."""
    layers = [Dense(8, "exponential", kernel_initializer="zeros"), Dropout(0.9), Dense(1)]
    one = trainer(layers, rate=1e-30)
    unit = int(np.argmin(random.dropout_mask(5, 0, 0, (1, 8), 0.9, "float32")))
    one.parameters["dense/bias"][unit] = 88.0  # e^88 is finite, ten times it in the mask is not
    error = failure(one, x=X[:1], y=Y[:1])
    found = error.not_finite
    assert (found.operation, found.layer, found.row) == ("multiply", "dropout", 0)
    assert found.step > 1
    kept = [
        random.dropout_mask(5, 0, step, (1, 8), 0.9, "float32")[0, unit] > 0
        for step in range(found.step)
    ]
    assert kept == [False] * (found.step - 1) + [True]


def test_what_does_no_harm_is_not_named():
    """1 / (1 + e^1000) is 0, and finite; the loss fails elsewhere."""

    def loss(y, p):
        harmless = 1.0 / (1.0 + ops.exp(p * 0.0 + 1000.0))
        return (harmless + (p - p) / (p - p)).sum(axis=1)

    assert failure(trainer([Dense(1)], loss)).not_finite.operation == "divide"


def test_callbacks_may_read_it_where_training_ends_without_an_error():
    one = trainer([Dense(30, "relu"), Dense(1)], rate=100.0)
    stop = TerminateOnNaN()
    one.fit(X, Y, batch_size=5, epochs=30, callbacks=[stop])
    assert stop.error.not_finite.step == one.iterations + 1
    assert stop.error.not_finite.born in str(stop.error)


def test_one_batch():
    one = trainer([Dense(1)], lambda y, p: ops.log(p * 0.0).sum(axis=1))
    with pytest.raises(TrainingError, match=r"train_on_batch, step 1 .* log of 0 is -inf \(row 0"):
        one.train_on_batch(X, Y)


def test_a_sparse_matrix():
    sparse = pytest.importorskip("scipy.sparse")
    one = MLPRegressor(
        hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=1e20, max_iter=20, random_state=1
    )
    with pytest.raises(TrainingError, match="born in the loss, where squared_error of "):
        one.fit(sparse.csr_array(X), Y)


def test_rows_of_a_table_are_those_of_the_table():
    """The network of a table is no stack of layers: its own are named too."""
    X = {"x": np.arange(40.0) % 7, "c": list("abcd") * 10}
    one = TabularRegressor(learning_rate=1e30, members=1, epochs=50)
    with pytest.raises(TrainingError, match="born in (layer 'dense_|the loss|the parameter)"):
        one.fit(X, np.arange(40.0) ** 2)
