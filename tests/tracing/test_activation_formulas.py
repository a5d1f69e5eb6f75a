import numpy as np
import pytest
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import check, disagreement, equations

from chainrule import activations, layers
from chainrule.layers import ACTIVATIONS
from chainrule.tracing.formula import Number, Sum

SET = {
    "leaky_relu(0.1)": activations.leaky_relu(0.1),
    "elu(0.7)": activations.elu(0.7),
    "gelu(approximate)": activations.gelu(approximate=True),
    "smht(1.5, 0.5, 2, 1)": activations.smht(1.5, 0.5, 2.0, 1.0),
}
EVERY = dict.fromkeys(ACTIVATIONS) | SET
POINTS = [-3.5, -3.0, -1.25, -0.3, 0.0, 0.4, 1.7, 3.0, 6.0, 7.5]
"""Kinks of all activations are among them."""


def hidden(name, dtype="float64"):
    """A network with an activation of units, and another as a layer of its own."""
    given = EVERY[name] or name
    made = model(
        3, layers.Dense(3, given), layers.Dense(3), layers.Activation(given), layers.Dense(2),
        dtype=dtype,
    )  # fmt: skip
    return made.trace(*batch(3, 3, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EVERY)
def test_every_activation_has_formulas_that_come_to_the_engines_numbers(name, dtype):
    trace = hidden(name, dtype)
    check(trace, dtype)
    bare = [
        (title, one.symbol.name, one.note) for title, one in equations(trace)
        if not one.forms and "loss of the same rows" not in one.note
    ]  # fmt: skip
    assert not bare


@pytest.mark.parametrize("name", [one for one in EVERY if "softmax" not in one])
def test_formulas_are_right_at_the_kinks(name):
    first = layers.Dense(1, EVERY[name] or name, kernel_initializer="ones")
    made = model(1, first, layers.Dense(1))
    for point in POINTS:
        check(made.trace([[point]], [[0.0]]), "float64")


@pytest.mark.parametrize("name", [name for name in EVERY if name != "linear"])
def test_a_wrong_formula_is_found(name):
    found = [
        one for title, one in equations(hidden(name))
        if one.forms and title.startswith(("Forward", "Backward"))
        and (one.symbol.name.startswith("h1_") and not one.symbol.head)
    ]  # fmt: skip
    assert found
    for one in found:
        wrong = Sum((one.forms[-1], Number(1e-6)))
        assert disagreement(one, one.forms[-1], "float64") <= 1
        assert disagreement(one, wrong, "float64") > 1


def test_outputs_that_are_logarithms_of_shares_have_the_delta_of_the_shares():
    made = model(3, layers.Dense(3, "log_softmax"), loss="categorical_crossentropy")
    X, t = batch(2, 3, 3, "one-hot")
    trace = made.trace(X, t)
    check(trace, "float64")
    assert trace.delta[0] == pytest.approx(np.exp(trace.a[0]) - t)
    assert "= p1(1) - t1(1) = " in trace.to_text()


def test_learned_slopes_stand_in_the_formula():
    stack = [layers.Dense(2), layers.PReLU("ones"), layers.Dense(1)]
    trace = model(2, *stack).trace(*batch(3, 2, 1))
    check(trace, "float64")
    assert "max(h1(1), 0) + alpha_p_re_lu[1]·min(h1(1), 0)" in trace.to_text(200)
    assert "[h1(1) > 0] + alpha_p_re_lu[1]·[-h1(1) > 0]" in trace.to_text(200)


def test_a_rectifiers_layer_has_its_own_slope():
    trace = model(2, layers.Dense(2), layers.LeakyReLU(0.15), layers.Dense(1)).trace(
        *batch(3, 2, 1)
    )
    check(trace, "float64")
    assert "max(h1(1), 0) + 0.15·min(h1(1), 0)" in trace.to_text(200)
