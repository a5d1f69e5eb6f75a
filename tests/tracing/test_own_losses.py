"""Losses of a reader's own as equations: their operations, and each row's own loss as a result."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from tests.tracing.networks import batch, model, step_of
from tests.tracing.test_equations import bare, check
from tests.tracing.test_positions import lines

import chainrule as cr
from chainrule import layers
from chainrule.losses import Loss
from chainrule.tracing.view import View

ops = cr.ops
SHARES = np.array([1.0, 2.0, 0.5])


@dataclass(frozen=True)
class Sided(Loss):
    """Errors above count by a share, all softly."""

    share: float = 0.3

    def rows(self, y_true, y_pred):
        error = y_pred - y_true
        return (ops.maximum(error, 0.0) * self.share + ops.softplus(error)).sum(axis=1)


def softplus(x):
    return np.log1p(np.exp(x))


def shares(x):
    return np.exp(x) / np.exp(x).sum()


LOSSES = {
    "cubed": (lambda t, o: ops.abs(t - o) ** 3, lambda t, o: (np.abs(t - o) ** 3).mean()),
    "sided": (Sided(), lambda t, o: (0.3 * np.maximum(o - t, 0) + softplus(o - t)).sum()),
    "least": (
        lambda t, o: ops.minimum(ops.absolute_error(o, t), 0.5),
        lambda t, o: np.minimum(np.abs(o - t), 0.5).mean(),
    ),
    "log cosh": (
        lambda t, o: ops.log(0.5 * (ops.exp(o - t) + ops.exp(t - o))),
        lambda t, o: np.log(np.cosh(o - t)).mean(),
    ),
    "shares": (lambda t, o: SHARES * (t - o) ** 2, lambda t, o: (SHARES * (t - o) ** 2).mean()),
    "length": (
        lambda t, o: ops.sqrt(((t - o) ** 2).sum(axis=1) + 1e-3),
        lambda t, o: np.sqrt(((t - o) ** 2).sum() + 1e-3),
    ),
    "tilted": (
        lambda t, o: ops.leaky_relu(t - o, negative_slope=0.25),
        lambda t, o: np.where(t > o, t - o, (t - o) / 4).mean(),
    ),
    "held": (
        lambda t, o: ops.stop_gradient(ops.exp(t)) * ops.sign(t) * (t - o) ** 2,
        lambda t, o: (np.exp(t) * np.sign(t) * (t - o) ** 2).mean(),
    ),
    "classes": (
        lambda t, o: -(t * ops.log_softmax(o)).sum(axis=1),
        lambda t, o: -(t * (o - np.log(np.exp(o).sum()))).sum(),
    ),
    "focal": (
        lambda t, o: -(t * (1 - ops.softmax(o)) ** 2 * ops.log_softmax(o)).sum(axis=1),
        lambda t, o: -(t * (1 - shares(o)) ** 2 * np.log(shares(o))).sum(),
    ),
    "relative": (
        lambda t, o: (t - o) / ((t * t).sum(axis=1, keepdims=True) + 1.0) * o,
        lambda t, o: ((t - o) / ((t * t).sum() + 1) * o).mean(),
    ),
}
"""A loss, and what it is of one row by NumPy."""


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_a_row_has_its_own_loss_and_derivatives_by_named_operations(name, rows):
    loss, own = LOSSES[name]
    made = model(2, layers.Dense(2, "tanh"), layers.Dense(3), loss=loss)
    trace = made.trace(*batch(rows, 2, 3))
    assert check(trace, "float64") > 50 and not list(bare(trace))
    told, (targets,) = lines(trace), trace.targets.values()
    assert re.search(r"q\d", told["L(1)" if rows > 1 else "L"])
    for row in range(rows):
        t, o, at = targets[row].astype(np.float64), trace.a[-1][row], f"({row + 1})" * (rows > 1)
        assert float(told[f"L{at}"].rpartition("= ")[2]) == pytest.approx(own(t, o), abs=1e-6)
        for k in range(3):
            step = 1e-6 * np.eye(3)[k]
            slope = (own(t, o + step) - own(t, o - step)) / 2e-6
            shown = told[f"dL{at}/do{k + 1}{at}"]
            assert float(shown.rpartition("= ")[2]) == pytest.approx(slope, abs=2e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_errors_of_a_loss_of_ones_own(name):
    made = model(2, layers.Dense(3), loss=LOSSES[name][0])
    trace = made.trace(*batch(2, 2, 3), errors=True)
    assert check(trace, "float64") > 30 and not list(bare(trace))
    assert "--" not in trace.to_text()


def test_operations_of_a_loss_are_told_in_their_order():
    text = re.sub(" +", " ", step_of("own loss").to_text(200))
    assert "q1, q2 ...: what operations of the loss give, in their order" in text
    for line in (
        "q1(1) = t(1) - o(1) = ", "q2(1) = |q1(1)| = ", "L(1) = q2(1)^3 = ",
        "dL(1)/dq2(1) = 3·q2(1)^2 = ", "dL(1)/dq1(1) = dL(1)/dq2(1)·sign(q1(1)) = ",
        "dL(1)/do(1) = -dL(1)/dq1(1) = ",
    ):  # fmt: skip
        assert f"\n{line}" in text


def test_no_operation_is_left_out_that_gives_the_numbers_that_it_is_given():
    loss = lambda t, o: ops.maximum((o - t) / t + 9.0, 0.0)  # noqa: E731
    trace = model(1, layers.Dense(1), loss=loss).trace([[0.5], [0.25]], [[1.0], [1.0]])
    told = lines(trace)
    assert told["q2(1)"].startswith("q1(1)/t(1) = ") and told["L(2)"].startswith("max(q3(2), 0) = ")
    assert told["dL(2)/dq3(2)"].startswith("[q3(2) > 0] = ")


def test_where_hands_derivatives_back_to_what_was_taken():
    loss = lambda t, o: ops.where(ops.greater(o, t), (o - t) ** 2, ops.abs(o - t))  # noqa: E731
    trace = model(2, layers.Dense(3), loss=loss).trace(*batch(2, 2, 3))
    told = lines(trace)
    assert check(trace, "float64") > 50
    assert {name for _, name, _ in bare(trace)} == {"q6_1", "q6_2", "q6_3"}  # by equal
    assert told["q1_2(1)"].startswith("[o2(1) - t2(1) > 0] = ")
    assert told["dL(1)/dq3_2(1)"].startswith("dL(1)/dq8_2(1)·q7_2(1) = ")
    assert "dL(1)/dq1_2(1)" not in told and "dL(1)/dq7_2(1)" not in told


def test_a_cross_entropy_of_ones_own_is_told_backward_too():
    loss = lambda t, o: 2.0 * ops.sigmoid_cross_entropy(o, t)  # noqa: E731
    trace = model(2, layers.Dense(3), loss=loss).trace(*batch(2, 2, 3))
    assert check(trace, "float64") > 30 and not list(bare(trace))
    assert lines(trace)["dL(1)/do2(1)"].startswith("dL(1)/dq1_2(1)·(sigmoid(o2(1)) - t2(1)) = ")


def test_of_many_uses_those_of_numbers_that_are_told_are_shown():
    loss = lambda t, o: o / ops.exp(o).sum(axis=1, keepdims=True) * t  # noqa: E731
    trace = model(2, layers.Dense(40), loss=loss).trace(*batch(1, 2, 40))
    first, second = (one + 1 for one in View(trace).shown_units[-1])
    found = lines(trace)["dL/dq2"]
    assert found.startswith(
        f"dL/dq3_{first}·(-o{first}/q2^2) + dL/dq3_{second}·(-o{second}/q2^2) + [38 more] = "
    )
    assert check(trace, "float64") > 20


def test_operations_have_a_letter_that_units_have_not():
    made = model(1, layers.Dense(1), loss=LOSSES["cubed"][0])
    text = made.trace([[1.0]], [[0.0]], units=[["q1"], ["o"]]).to_text()
    assert "v1 = t - o" in re.sub(" +", " ", text)
    for how in ({"loss": "q1"}, {"weights": "q{n}"}, {"biases": "q{to}"}):
        assert "v1 = t - o" in re.sub(" +", " ", made.trace([[1.0]], [[0.0]], **how).to_text())


def test_operations_without_a_formula_are_named():
    made = model(2, layers.Dense(3), loss=lambda t, o: ops.abs(t - o).max(axis=1))
    trace = made.trace(*batch(2, 2, 3))
    assert "(by max)" in trace.to_text() and check(trace, "float64") > 20
    made = model(2, layers.Dense(3), loss=lambda t, o: (o - o.mean(axis=0, keepdims=True)) ** 2)
    assert "through the operations of the loss" in made.trace(*batch(2, 2, 3)).to_text()


def test_a_loss_that_turns_its_numbers_round_mixes_no_rows():
    loss = lambda t, o: (t - o) ** 2 + 0.1 * (o - ops.flip(o, axis=-1)) ** 2  # noqa: E731
    made = model(2, layers.Dense(2), loss=loss)
    trace = made.trace(*batch(2, 2, 2), sample_weight=[1.0, 3.0])
    assert lines(trace)["L"].startswith("s(1)·L(1) + s(2)·L(2) = ")
    assert check(trace, "float64") > 5


@pytest.mark.parametrize("rows", [1, 3])
def test_a_loss_without_targets_of_mixed_rows_has_no_false_sum(rows):
    made = model(1, layers.Mixup(0.4), layers.Dense(1), loss=lambda t, o: o**2 + ops.abs(o))
    assert check(made.trace(*batch(rows, 1, 1)), "float64") > 5


def test_a_negative_factor_stands_in_brackets():
    trace = model(1, layers.Dense(2), loss=lambda t, o: (t - o) ** -2).trace(*batch(1, 1, 2))
    assert "·(-2·q1_1^(-3))" in re.sub(" +", " ", trace.to_text(200)).replace(" ", "")
    assert not re.search(r"·-|\\cdot -", trace.to_text(200) + trace.to_latex())


def test_shares_of_many_outputs_are_folded():
    loss = lambda t, o: -(t * ops.log_softmax(o)).sum(axis=1)  # noqa: E731
    trace = model(2, layers.Dense(40), loss=loss).trace(*batch(1, 2, 40))
    assert check(trace, "float64") > 20 and "[38 more]" in trace.to_text()


def test_a_loss_of_ones_own_at_positions():
    made = model((2, 3), layers.Dense(2), loss=LOSSES["cubed"][0])
    trace = made.trace(*batch(2, (2, 3), (2, 2)))
    assert check(trace, "float64") > 50 and not list(bare(trace))
    assert "q1_3(1) = t[2,1](1) - dense[2,1](1) = " in re.sub(" +", " ", trace.to_text(200))
    loss = lambda t, o: ops.sqrt(((t - o) ** 2).sum(axis=2) + 0.1)  # noqa: E731
    trace = model((2, 3), layers.Dense(2), loss=loss).trace(*batch(2, (2, 3), (2, 2)))
    assert check(trace, "float64") > 50 and not list(bare(trace))
    told = lines(trace)
    assert told["q3_2(1)"].startswith("q2_3(1) + q2_4(1) = ")
    assert told["dL(1)/dq2_3(1)"].startswith("dL(1)/dq3_2(1) = ")


def test_a_loss_that_is_no_number_is_told_to_where_it_was_born():
    made = model(2, layers.Dense(2), loss=lambda t, o: ops.log(o - t))
    trace = made.trace(*batch(2, 2, 2))
    told = lines(trace)
    born = [name for name in told if name.startswith("q2_") and told[name].endswith("= nan")]
    assert born and all(told[one].startswith(f"log(q1{one[2:]}) = log(-") for one in born)


def test_a_loss_that_mixes_rows_lists_its_operations():
    made = model(2, layers.Dense(2), loss=lambda t, o: (o - o.mean(axis=0, keepdims=True) - t) ** 2)
    text = made.trace(*batch(2, 2, 2)).to_text(200)
    assert "loss/q1, all rows: sum = " in text and "the loss mixes the rows: δ is the der" in text
    assert "δ_h: the derivative of the row's own loss" not in text
