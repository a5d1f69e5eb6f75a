"""Losses divided by the sum of weights, and penalties that the rows of a batch share."""

import numpy as np
import pytest

from chainrule import random
from chainrule.errors import SettingError
from chainrule.layers import L2, Dense, Mixup, PerRow, Stack
from chainrule.losses import MeanSquaredError
from chainrule.optimizers import SGD
from chainrule.training import Data, LambdaCallback, Plan, Trainer

X = random.normal(1, 0, 0, 60).reshape(20, 3)
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 1.0
WEIGHTS = np.abs(random.normal(2, 0, 0, 20)) + 0.1


def trainer(engine, reduction, penalty=None, rate=0.1):
    stack = Stack([Dense(1, kernel_regularizer=penalty)], (3,))
    loss = MeanSquaredError(reduction=reduction)
    return Trainer(stack, loss, SGD(rate), dtype="float64", seed=3, engine=engine)


def written_out(one, rows, weights, strength, by_weight):
    """Loss and the weights after a step, in NumPy."""
    kernel, bias = one.get_weights()
    errors = X[rows] @ kernel + bias - Y[rows]
    total = weights.sum() if by_weight else len(rows)
    loss = (weights * errors[:, 0] ** 2).sum() / total + strength * (kernel**2).sum() / total
    slope = 2 * weights[:, None] * errors / total
    moved = kernel - 0.1 * (X[rows].T @ slope + 2 * strength * kernel / total)
    return loss, moved, bias - 0.1 * slope.sum(axis=0)


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_divides_loss_and_shared_penalty_by_rows_or_weights(engine, reduction, weighted):
    one = trainer(engine, reduction, PerRow(L2(0.7)))
    rows = np.arange(8)
    weights = WEIGHTS[rows] if weighted else np.ones(8)
    by_weight = weighted and reduction == "mean_with_sample_weight"
    wanted = written_out(one, rows, weights, 0.7, by_weight)
    found = one.train_on_batch(X[rows], Y[rows], WEIGHTS[rows] if weighted else None)
    assert found["loss"] == pytest.approx(wanted[0], rel=1e-12)
    for weight, value in zip(one.get_weights(), wanted[1:], strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_evaluation_divides_by_all_weights_and_leaves_shared_penalties_out(engine):
    one = trainer(engine, "mean_with_sample_weight", PerRow("l2"))
    kernel, bias = one.get_weights()
    errors = (X @ kernel + bias - Y)[:, 0]
    found = one.evaluate(X, Y, WEIGHTS, batch_size=6)["loss"]
    assert found == pytest.approx(np.average(errors**2, weights=WEIGHTS), rel=1e-12)
    assert one.evaluate(X, Y)["loss"] == pytest.approx((errors**2).mean(), rel=1e-12)


def test_weights_of_mixed_rows_are_not_divided_by():
    stack = Stack([Mixup(0.3), Dense(1)], (3,))
    losses = [
        Trainer(stack, MeanSquaredError(reduction=reduction), "sgd", dtype="float64", seed=3)
        .fit(X, Y, epochs=2).history["loss"]
        for reduction in ("sum_over_batch_size", "mean_with_sample_weight")
    ]  # fmt: skip
    assert losses[0] == losses[1]
    one = Trainer(stack, MeanSquaredError(reduction="mean_with_sample_weight"), "sgd")
    with pytest.raises(SettingError, match="does not go with mixed rows"):
        one.fit(X, Y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("epochs_at_once", [False, True])
def test_rows_come_in_the_order_that_a_plan_gives(epochs_at_once):
    orders = [np.arange(20)[::-1], np.roll(np.arange(20), 7), np.arange(20)]
    asked = []

    class Popped:
        def next(self, epochs):
            asked.append(epochs)
            return np.concatenate([orders.pop() for _ in range(epochs)])

        def state(self):
            return {}

    one, other = (trainer("native", "sum_over_batch_size") for _ in range(2))
    wanted = list(orders)[::-1]
    data = one.data(X, Y)
    one.piece = 1000
    told = LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    one.fit_data(data, None, Plan(6, 3, order=Popped()), [] if epochs_at_once else [told])
    assert asked == ([3] if epochs_at_once else [1, 1, 1])
    for order in wanted:
        other.step(data, order, 6)
    np.testing.assert_array_equal(one.parameters.flat, other.parameters.flat)


def test_a_sparse_matrix_is_trained_on_and_predicted_block_by_block(monkeypatch):
    from scipy.sparse import csr_array

    from chainrule.training import intake

    monkeypatch.setattr(intake, "MOST_DENSE", 200)  # 6 rows of 4 numbers
    sparse, dense = (trainer("native", "mean_with_sample_weight") for _ in range(2))
    rows = dense.data(X, Y)
    data = Data({**rows.arrays, "input/input": csr_array(X)}, 20, sparse=True)
    found = sparse.fit_data(data, data, Plan(4, 3)).history
    assert found == dense.fit_data(rows, rows, Plan(4, 3)).history
    np.testing.assert_array_equal(sparse.predict_data(data), dense.predict_data(rows))
    weighted = data.weighted(WEIGHTS)
    assert sparse.evaluate_data(weighted) == dense.evaluate_data(rows.weighted(WEIGHTS))
