"""Every loss against slow plain formulas, its gradients, and its least."""

import math

import numpy as np
import pytest

from chainrule import graph, losses, random
from chainrule.errors import InputTypeError, ModelFileError, SettingError, ShapeError
from chainrule.graph import check_gradient, constant, grad, ops, variable
from chainrule.losses import LOSSES, find_loss, loss_from_record, loss_record

ROWS, OUTPUTS = 5, 3


def numbers(stream, *shape):
    return random.normal(2, stream, 0, math.prod(shape)).reshape(shape)


def shares(stream):
    e = np.exp(numbers(stream, ROWS, OUTPUTS))
    return e / e.sum(axis=1, keepdims=True)


def clip(p):
    return min(max(p, 1e-7), 1 - 1e-7)


# for each loss: its formula for one row, number by number; targets; predictions
FORMULAS = {
    "mean_squared_error": (
        lambda t, p: sum((b - a) ** 2 for a, b in zip(t, p, strict=True)) / len(t),
        numbers(0, ROWS, OUTPUTS), numbers(1, ROWS, OUTPUTS),
    ),
    "mean_absolute_error": (
        lambda t, p: sum(abs(b - a) for a, b in zip(t, p, strict=True)) / len(t),
        numbers(0, ROWS, OUTPUTS), numbers(1, ROWS, OUTPUTS),
    ),
    "squared_error": (
        lambda t, p: sum((b - a) ** 2 for a, b in zip(t, p, strict=True)) / 2,
        numbers(0, ROWS, OUTPUTS), numbers(1, ROWS, OUTPUTS),
    ),
    "huber": (
        lambda t, p: sum(
            (b - a) ** 2 / 2 if abs(b - a) <= 1 else abs(b - a) - 0.5
            for a, b in zip(t, p, strict=True)
        ) / len(t),
        2 * numbers(0, ROWS, OUTPUTS), numbers(1, ROWS, OUTPUTS),
    ),
    "quantile": (
        lambda t, p: sum(abs(b - a) / 2 for a, b in zip(t, p, strict=True)) / len(t),
        numbers(0, ROWS, OUTPUTS), numbers(1, ROWS, OUTPUTS),
    ),
    "poisson": (
        lambda t, p: sum(b - a * math.log(b + 1e-7) for a, b in zip(t, p, strict=True)) / len(t),
        np.abs(numbers(0, ROWS, OUTPUTS)).round(), np.abs(numbers(1, ROWS, OUTPUTS)) + 0.1,
    ),
    "binary_crossentropy": (
        lambda t, p: -sum(
            a * math.log(b) + (1 - a) * math.log(1 - b) for a, b in zip(t, p, strict=True)
        ) / len(t),
        np.eye(OUTPUTS)[[0, 1, 2, 1, 0]], 1 / (1 + np.exp(-numbers(1, ROWS, OUTPUTS))),
    ),
    "categorical_crossentropy": (
        lambda t, p: -sum(a * math.log(b) for a, b in zip(t, p, strict=True)),
        shares(0), shares(1),
    ),
    "sparse_categorical_crossentropy": (
        lambda t, p: -math.log(p[t]), np.array([0, 2, 1, 1, 0]), shares(1),
    ),
}  # fmt: skip
FORMULAS |= {"mse": FORMULAS["mean_squared_error"], "mae": FORMULAS["mean_absolute_error"]}
every_loss = pytest.mark.parametrize("name", LOSSES)


def test_every_loss_has_a_formula_and_a_function():
    assert set(FORMULAS) == set(LOSSES)
    for name in set(LOSSES) - {"mse", "mae"}:
        assert find_loss(getattr(losses, name)) == LOSSES[name]()


@every_loss
def test_rows_mean_and_sum_are_the_formula(name):
    formula, target, prediction = FORMULAS[name]
    rows = np.array([formula(t, p) for t, p in zip(target, prediction, strict=True)])
    loss = find_loss(name)
    np.testing.assert_allclose(loss.rows(target, prediction).value, rows, rtol=1e-12)
    assert loss(target, prediction).value == pytest.approx(rows.mean(), rel=1e-12)
    total = LOSSES[name](reduction="sum")
    assert total(target, prediction).value == pytest.approx(rows.sum(), rel=1e-12)


@every_loss
def test_weights_are_divided_by_the_number_of_rows(name):
    formula, target, prediction = FORMULAS[name]
    weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    rows = np.array([formula(t, p) for t, p in zip(target, prediction, strict=True)])
    got = find_loss(name)(target, prediction, sample_weight=weights).value
    assert got == pytest.approx((weights * rows).sum() / ROWS, rel=1e-12)


@every_loss
def test_gradients_agree_with_slopes(name):
    _, target, prediction = FORMULAS[name]
    loss = find_loss(name)
    assert check_gradient(lambda p: loss(target, p), prediction, rtol=1e-5) < 1e-5


@every_loss
def test_the_least_is_where_the_prediction_is_right(name):
    """Descending from elsewhere ends at the target (its share of rows, mean or median)."""
    _, target, prediction = FORMULAS[name]
    loss = find_loss(name)
    p = prediction.copy()
    start = loss(target, p).value
    for step in range(600):
        x = variable(p)
        rate = 3 / (1 + step / 10)
        p = p - rate * grad(loss(target, x), x).value
        if "crossentropy" in name or name == "poisson":
            p = np.clip(p, 1e-3, None if name == "poisson" else 1 - 1e-3)
    right = np.eye(OUTPUTS)[target] if target.ndim == 1 else target
    if "categorical" in name:
        p = p / p.sum(axis=1, keepdims=True)
    assert loss(target, p).value < start
    np.testing.assert_allclose(p, right, atol=0.05)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_quantile_is_least_at_the_quantile(q):
    target = np.sort(numbers(4, 2001))
    loss = losses.Quantile(q)
    candidates = np.quantile(target, np.linspace(0.01, 0.99, 99))
    values = [loss(target, np.full(2001, c)).value for c in candidates]
    assert candidates[np.argmin(values)] == pytest.approx(np.quantile(target, q), abs=0.03)


def test_huber_changes_at_delta():
    got = losses.huber([0.0, 0.0, 0.0], [0.5, 2.0, -3.0], delta=2.0).value
    np.testing.assert_allclose(got, [0.125, 2.0, 2 * (3 - 1)])


PAIRS = [
    ("binary_crossentropy", ops.sigmoid, np.array([[1.0], [0.0], [1.0], [0.3]])),
    ("categorical_crossentropy", ops.softmax, np.eye(4)),
    ("categorical_crossentropy", ops.log_softmax, np.eye(4)),
    ("sparse_categorical_crossentropy", ops.softmax, np.arange(4)),
    ("sparse_categorical_crossentropy", ops.log_softmax, np.arange(4)),
]


@pytest.mark.parametrize("name, link, target", PAIRS)
def test_a_known_activation_hands_on_its_operand(name, link, target):
    """Certain and wrong by a thousand: the loss is finite and its gradient is o - t."""
    loss = find_loss(name)
    z = variable(1000 * numbers(6, 4, 1 if link is ops.sigmoid else 4))
    hot = np.eye(4)[target] if target.ndim == 1 else target
    value = loss(target, link(z))
    assert np.isfinite(value.value)
    output = ops.sigmoid(z).value if link is ops.sigmoid else ops.softmax(z).value
    np.testing.assert_allclose(grad(value, z).value, (output - hot) / 4, atol=1e-15)
    # the same number from the logits, and what no link hides is the plain formula
    assert LOSSES[name](from_logits=True)(target, z).value == value.value


@pytest.mark.parametrize("name, link, target", PAIRS)
def test_the_pair_is_the_sum_of_its_parts(name, link, target):
    loss = find_loss(name)
    z = variable(numbers(7, 4, 1 if link is ops.sigmoid else 4))
    probabilities = ops.sigmoid(z) if link is ops.sigmoid else ops.softmax(z)
    hidden = probabilities * 1.0  # no longer known as the activation's
    apart, together = loss(target, hidden), loss(target, link(z))
    assert apart.value == pytest.approx(together.value, rel=1e-12)
    np.testing.assert_allclose(grad(apart, z).value, grad(together, z).value, rtol=1e-9)


@pytest.mark.parametrize("name", [name for name in LOSSES if "crossentropy" in name])
def test_certain_and_wrong_is_finite(name):
    target = np.array([1]) if name.startswith("sparse") else np.array([[0.0, 1.0]])
    for dtype in ("float32", "float64"):
        value = find_loss(name)(target, constant(np.array([[1.0, 0.0]], dtype))).value
        assert value == pytest.approx(-math.log(1e-7), rel=0.05)


def draws(name, dtype):
    """Predictions of all sizes that a loss takes, certain ones among them."""
    z = random.normal(3, 0, 0, 600).reshape(200, 3) * np.geomspace(0.01, 1e3, 200)[:, None]
    link = {"binary_crossentropy": ops.sigmoid, "poisson": ops.exp}.get(name)
    if "categorical" in name:
        link = ops.softmax
    if name == "poisson":
        z = np.clip(z, -20, 20)
    z = constant(z.astype(dtype))
    return z if link is None else link(z)


def right_targets(name):
    labels = np.arange(200) % 3
    return labels if name.startswith("sparse") else np.eye(3)[labels]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_loss
def test_losses_are_finite_and_but_for_poisson_not_below_zero(name, dtype):
    predictions, target = draws(name, dtype), right_targets(name)
    for given in (predictions, predictions.value):  # from the logits where they are known, or not
        rows = find_loss(name).rows(target, given).value
        assert rows.dtype == dtype
        assert np.isfinite(rows).all()
        assert name == "poisson" or (rows >= 0).all()
    assert name != "poisson" or find_loss(name)([[10.0]], [[10.0]]).value == pytest.approx(
        10 - 10 * math.log(10)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@every_loss
def test_what_is_certain_and_right_has_no_loss(name, dtype):
    if name == "poisson":
        return  # it leaves out a term of the target alone
    target = np.eye(3, dtype=dtype)
    value = find_loss(name)([0, 1, 2] if name.startswith("sparse") else target, target).value
    assert value == pytest.approx(0, abs=3e-7)


# the loss of targets 0.01, 0.99 at outputs 0.75136507, 0.77292847, by hand in decimals
PRINTED = {
    "squared_error": 0.29837111, "mean_squared_error": 0.29837111, "mse": 0.29837111,
    "mean_absolute_error": 0.47921830, "mae": 0.47921830, "huber": 0.14918556,
    "quantile": 0.23960915,
}  # fmt: skip


@pytest.mark.parametrize("name, expected", PRINTED.items())
def test_printed_values(name, expected):
    outputs, targets = [[0.75136507, 0.77292847]] * 2, [[0.01, 0.99]] * 2
    assert find_loss(name)(targets, outputs).value == pytest.approx(expected, abs=1e-8)
    assert LOSSES[name](reduction="sum")(targets, outputs).value == pytest.approx(
        2 * expected, abs=2e-8
    )


def test_probabilities_are_divided_by_their_sum():
    got = losses.categorical_crossentropy([[0.0, 1.0]], [[2.0, 6.0]]).value
    assert got[0] == pytest.approx(-math.log(0.75))


def test_logits_of_an_activation_are_warned_of():
    z = variable([[0.5, 1.0]])
    with pytest.warns(
        UserWarning, match="from_logits=True, but the predictions are already"
    ) as caught:
        losses.CategoricalCrossentropy(from_logits=True)([[0.0, 1.0]], ops.softmax(z))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["mse", "binary_crossentropy", "huber"])
def test_one_column_is_no_column(name):
    loss = find_loss(name)
    flat, column = np.array([0.0, 1.0, 1.0]), np.array([[0.2], [0.7], [0.4]])
    want = loss(flat[:, None], column).value
    assert loss(flat, column).value == want
    assert loss(flat[:, None], column[:, 0]).value == want
    assert loss(flat, column[:, 0]).value == want


def test_labels_may_stand_in_a_column():
    p = shares(1)
    labels = np.array([0, 2, 1, 1, 0])
    loss = find_loss("sparse_categorical_crossentropy")
    assert loss(labels[:, None], p).value == loss(labels, p).value


def test_shapes_that_do_not_fit_are_both_named():
    with pytest.raises(ShapeError, match=r"\(5,\) do not fit predictions of shape \(5, 3\)"):
        find_loss("mse")(np.zeros(5), np.zeros((5, 3)))


def test_a_loss_of_ones_own_is_a_function_on_nodes():
    def fourth_power(y_true, y_pred):
        return (y_true - y_pred) ** 2 * (y_true - y_pred) ** 2

    loss = find_loss(fourth_power)
    assert loss([[1.0], [2.0]], [[0.0], [0.0]]).value == pytest.approx(8.5)
    with pytest.raises(InputTypeError, match="loss 'fourth_power': a model file cannot keep"):
        loss_record(loss)
    with pytest.raises(ShapeError, match="<lambda>: .* one number for all .* leave out .mean()"):
        find_loss(lambda t, p: (t - p).sum())([[1.0]], [[2.0]])
    with pytest.raises(ShapeError, match="<lambda>: it must give a node"):
        find_loss(lambda t, p: 3.0)([[1.0]], [[2.0]])
    with pytest.raises(InputTypeError, match="use chainrule.ops.mean"):
        find_loss(lambda t, p: np.mean((t - p) ** 2, axis=-1))([[1.0]], [[2.0]])


@every_loss
def test_a_record_gives_the_same_loss(name):
    loss = LOSSES[name](reduction="sum")
    assert loss_from_record(loss_record(loss)) == loss


def test_bad_settings_get_a_sentence():
    for make, words in [
        (lambda: losses.Huber(0), "huber: delta must be a number above 0, got 0"),
        (lambda: losses.Quantile(1.5), "quantile: q must be a number between 0 and 1, got 1.5"),
        (lambda: losses.MeanSquaredError(reduction="mean"), "reduction must be .* got 'mean'"),
        (lambda: find_loss("msee"), "loss: 'msee' is not known; did you mean 'mse'"),
    ]:
        with pytest.raises(SettingError, match=words):
            make()
    with pytest.raises(InputTypeError, match="known names: mean_squared_error"):
        find_loss(3)
    with pytest.raises(InputTypeError, match="from_logits must be True or False"):
        losses.BinaryCrossentropy(from_logits="yes")
    with pytest.raises(ModelFileError, match="loss this version does not know"):
        loss_from_record({"class": "Quux", "settings": {}})


def test_the_name_of_a_class_is_a_name_too():
    assert find_loss("MeanSquaredError") == find_loss(losses.MeanSquaredError) == find_loss("mse")
    assert isinstance(find_loss("mse").rows([1.0], [2.0]), graph.Node)
