"""What symbols stand for: within one account each has one value."""

import re

import numpy as np
import pytest
from tests.tracing.networks import (
    NETWORKS,
    batch,
    expressions,
    model,
    step_of,
    table_step,
)
from tests.tracing.test_equations import check, equations

import chainrule as cr
from chainrule import layers, losses
from chainrule.estimators.network import Head, TableNetwork
from chainrule.tracing import trace_steps
from chainrule.tracing.formula import Symbol, parts_of
from chainrule.tracing.text import symbol_text
from chainrule.training import Trainer


def sums_of_uses():
    """Expressions whose variables are used beside what is made of them."""
    x, y, t = cr.variable(2.0, "x"), cr.variable(3.0, "y"), cr.constant(0.0)
    yield "product and term", x * y + x
    yield "square and term", x * x + x
    yield "sums without a name", (x + y) + (x + (x + y * x))
    yield "difference", x - x
    W = cr.variable([[1.0, 2.0], [3.0, -4.0]], "W")
    yield "matrices", (W @ W).sum() + cr.ops.softmax(W, axis=0).max() * W.sum()
    pair = cr.ops.sigmoid_cross_entropy
    yield "two pairs", pair(x, t) + pair(y, t) * x
    yield "pair with p", pair(x, t) + cr.variable(0.3, "p") * x


def named_values(trace):
    """Each symbol of an account by its name, with its value."""
    for _, entry in equations(trace):
        for one in (part for form in (entry.symbol, *entry.forms) for part in parts_of(form)):
            if isinstance(one, Symbol):
                yield symbol_text(one), np.asarray(one.value, np.float64).reshape(-1)


@pytest.mark.parametrize(
    "result, nodes",
    [(result, nodes) for _, result, nodes in expressions()] + [(r, {}) for _, r in sums_of_uses()],
)
def test_a_symbol_of_an_expression_has_one_value(result, nodes):
    found = {}
    for name, value in named_values(cr.trace(result, nodes)):
        known = found.setdefault(name, value)
        np.testing.assert_allclose(value, known, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", [*NETWORKS, "table", "table of two targets"])
def test_a_symbol_of_a_step_has_one_value(name):
    heads = (True, False) if name == "table of two targets" else (False,)
    trace = table_step(heads, 2, 0.5) if name.startswith("table") else step_of(name)
    found = {}
    for symbol, value in named_values(trace):
        known = found.setdefault(symbol, value)
        np.testing.assert_allclose(value, known, rtol=1e-6, atol=1e-12, err_msg=symbol)


@pytest.mark.parametrize("name, result", list(sums_of_uses()))
def test_each_right_hand_side_of_sums_of_uses(name, result):
    assert check(cr.trace(result), "float64") >= 3


def test_local_and_whole_derivatives_have_their_own_letters():
    x, y = cr.variable(2.0, "x"), cr.variable(3.0, "y")
    text = cr.trace(x * y + x).to_text()
    for line in (
        "∂v4/∂x  = 1",
        "dv4/dx  = dv4/dv3·∂v3/∂x + ∂v4/∂x = 1·3 + 1 = 4",
        "dv4/dx = ∂v4/∂v3·∂v3/∂x + ∂v4/∂x = y + 1 = 3 + 1 = 4",
    ):
        assert line in text.splitlines()
    text = cr.trace(x * x + x).to_text()
    assert "∂v2/∂x  = 2·x = 2·2 = 4" in text
    assert "dv3/dx = ∂v3/∂v2·∂v2/∂x + ∂v3/∂x = 2·x + 1" in text


def test_an_expression_of_constants_shows_its_value():
    assert "\nv1 = 2" in cr.trace(cr.constant(2.0)).to_text()
    assert "v3 = v1·v2 = 2·3 = 6" in cr.trace(cr.constant(2.0) * cr.constant(3.0)).to_text()


def test_derivatives_of_a_row_are_of_its_own_loss():
    text = step_of("binary").to_text(200)
    assert re.search(r"δ_o\(1\) += o\(1\) - t\(1\) = ", text)
    assert "= dL(1)/do(1)·do(1)/dz_o(1) = " in text
    alone = model(2, layers.Dense(1, kernel_regularizer="l2")).trace([[1.0, 2.0]], [3.0])
    assert "dL(1)/do = 2·(o - t) = " in alone.to_text(200)
    assert "dL/do " in model(2, layers.Dense(1)).trace([[1.0, 2.0]], [3.0]).to_text(200)


def test_before_rows_mix_derivatives_are_of_the_sum_of_all_losses():
    trace = step_of("batch norm")
    text = trace.to_text(200)
    said = "before it, δ is the derivative of ΣL, the sum of all rows' own losses, by z"
    assert f"batch_normalization mixes the rows: {said}" in text
    errors = step_of("batch norm", errors=True).to_text(200)
    assert "before it, Err is minus the derivative of ΣL" in errors
    assert re.search(r"δ_h1\(1\) += dΣL/dh1\(1\) = ", text)
    assert "dL(1)/dh1~(1)" in text
    assert "ΣL" not in step_of("layer norm").to_text(200)
    own = trace.trainer.parameters
    kernel, row, unit = own["dense/kernel"], 0, 0
    z, h = trace.layers[0].numbers.z, 1e-6
    assert kernel.shape == (3, 3)
    assert z.shape == (4, 3)
    moved = [_sum_of_losses(trace, row, unit, sign * h) for sign in (1, -1)]
    assert trace.delta["dense"][row, unit] == pytest.approx((moved[0] - moved[1]) / (2 * h), 1e-6)


def _sum_of_losses(trace, row, unit, offset):
    """The sum of all rows' squared errors with one sum of the first layer moved."""
    z = trace.layers[0].numbers.z.copy()
    z[row, unit] += offset
    own = trace.trainer.parameters
    scaled = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-3)
    given = own["batch_normalization/gamma"] * scaled + own["batch_normalization/beta"]
    o = np.maximum(given, 0) @ own["dense_1/kernel"] + own["dense_1/bias"]
    (targets,) = trace.targets.values()
    return ((o - targets) ** 2).mean(axis=1).sum()


@pytest.mark.parametrize(
    "last, activation, loss, kind",
    [
        (1, "sigmoid", "binary_crossentropy", "binary"),
        (3, "softmax", "categorical_crossentropy", "one-hot"),
        (3, "softmax", "sparse_categorical_crossentropy", "labels"),
        (3, "log_softmax", "categorical_crossentropy", "one-hot"),
    ],
)
def test_a_pair_with_a_layer_of_its_own_is_shown_both_ways(last, activation, loss, kind):
    given = [layers.Dense(2, "tanh"), layers.Dense(last), layers.Activation(activation)]
    trace = model(2, *given, loss=loss).trace(*batch(3, 2, last, kind))
    assert check(trace, "float64") > 20
    found = [one for title, one in equations(trace) if title == "Backward, row 1"]
    together = [one for one in found if "together" in one.note]
    parts = [one for one in found if "by its parts" in one.note]
    assert len(together) == len(parts) == last
    assert all(one.forms for one in (*together, *parts))
    forward = {
        symbol_text(one.symbol) for title, one in equations(trace) if title == "Forward, row 1"
    }
    assert ("o~(1)" if last == 1 else "o1~(1)") in forward


def test_what_the_loss_makes_of_outputs_has_an_equation():
    made = model(2, layers.Dense(3, "log_softmax"), loss="categorical_crossentropy")
    trace = made.trace(*batch(1, 2, 3, "one-hot"))
    assert "p1 = e^o1 = " in trace.to_text()
    assert "δ_o1      = p1 - t1 = " in trace.to_text()
    loss = losses.BinaryCrossentropy(from_logits=True)
    text = model(2, layers.Dense(1), loss=loss).trace(*batch(1, 2, 1, "binary")).to_text()
    assert "p = sigmoid(o) = " in text


def test_the_slope_of_a_mean_of_two_has_no_factor():
    text = model(2, layers.Dense(2)).trace(*batch(1, 2, 2)).to_text()
    assert "dL/do1 = o1 - t1 = " in text


@pytest.mark.parametrize(
    "penalty, shown",
    [
        ("l1", "dpenalty/dW1[1,1] = 0.01·sign(W1[1,1]) = "),
        ("l2", "dpenalty/dW1[1,1] = 2·0.01·W1[1,1] = "),
        (cr.regularizers.l1_l2(0.1, 0.2), "= 0.1·sign(W1[1,1]) + 2·0.2·W1[1,1] = "),
        (layers.PerRow("l2"), "= 1/3·2·0.01·W1[1,1] = "),
    ],
)
@pytest.mark.parametrize("errors", [False, True])
def test_penalties_have_formulas(penalty, shown, errors):
    given = [layers.Dense(1, kernel_regularizer=penalty, activity_regularizer="l2")]
    made = model(2, *given, layers.Dense(1))
    trace = made.trace(*batch(3, 2, 1), errors=errors, sample_weight=None)
    assert check(trace, "float64") > 20
    assert shown in trace.to_text(300)
    assert "penalty of dense/kernel" in trace.to_text(300)
    weighted = made.trace(*batch(3, 2, 1), errors=errors, sample_weight=[1.0, 2.0, 0.5])
    assert check(weighted, "float64") > 20


@pytest.mark.parametrize(
    "setting, shown",
    [
        ({"clipvalue": 0.02}, "g_b1[1]     = clip(dL/db1[1], -0.02, 0.02) = "),
        ({"clipnorm": 0.02}, "g_b1[1]     = dL/db1[1]·(0.02/norm_[dense/bias]) = "),
        ({"global_clipnorm": 0.02}, "g_b1[1]     = dL/db1[1]·(0.02/norm) = "),
    ],
)
def test_clipping_has_formulas(setting, shown):
    made = model(2, layers.Dense(1), optimizer=cr.optimizers.SGD(0.1, **setting))
    trace = made.trace(*batch(3, 2, 1))
    assert check(trace, "float64") > 10
    words = re.escape(shown).replace(r"\ \ \ \ \ ", " +")
    assert re.search(words, trace.to_text(300))


def test_a_gradient_that_is_no_number_is_clipped_only_where_the_optimizer_clips():
    for setting in ({}, {"clipvalue": 1.0}):
        made = model(1, layers.Dense(1), optimizer=cr.optimizers.SGD(0.1, **setting))
        made.set_weights([np.array([[np.nan]]), np.zeros(1)])
        assert "clipping" not in made.trace([[1.0]], [[0.0]]).to_text()


def test_rows_of_an_embedding_count_from_0_as_codes_do():
    text = step_of("codes").to_text(200)
    assert "= embeddings_embedding[0,1] = " in text or "= embeddings_embedding[0,2] = " in text
    assert "embeddings_embedding[5," not in text
    assert "embeddings_embedding[4,0]" not in text


def test_steps_that_end_early_say_so():
    made = model(1, layers.Dense(1), optimizer=cr.optimizers.SGD(1e120))
    for steps in (9, 500):
        text = made.trace([[3.0]], [[1.0]], steps=steps).to_text()
        assert "The loss is not finite (inf): no further step was made." in text
        assert "Losses of 2 steps ─" in text
    made.set_weights([np.array([[1e100]]), np.zeros(1)])
    assert "Losses of 1 step ─" in made.trace([[3.0]], [[1.0]], steps=9).to_text()
    calm = model(1, layers.Dense(1)).trace([[3.0]], [[1.0]], steps=9).to_text()
    assert "Losses of 9 steps ─" in calm
    assert "no further step" not in calm


def test_names_with_spaces_or_signs_stand_in_brackets():
    made = model(2, layers.Dense(1, "tanh"), layers.Dense(1))
    units = [["city = x", "age"], ["left = yes"], ["o"]]
    text = " ".join(made.trace([[1.0, 2.0]], [0.0], units=units).to_text(200).split())
    assert "z_[left = yes] = [city = x]·W1[1,1] + age·W1[2,1] + b1[1] = " in text
    assert "dL/d[left = yes] = δ_o·W2[1,1] = " in text


def test_columns_that_are_put_together_are_given_by_their_names():
    network = TableNetwork(2, (3,), (4,), (Head(1, False),))
    trainer = Trainer(network, dtype="float64", seed=1)
    trainer.compile([cr.losses.MeanSquaredError()], cr.optimizers.SGD(0.1))
    given = {"numbers": np.array([[1.0, 2.0]]), "categories": np.array([[1]])}
    data = trainer.data(given, np.array([[0.5]]))
    names = ["a", "b", "city_1", "city_2", "city_3"]
    text = trace_steps(trainer, data, columns=names).to_text(200)
    assert "~" not in text
    assert "given: a = 1, b = 2, t = 0.5" in text
    assert "city_1 = table_embedding_0[1,1] = " in text
    assert "dL/dcity_1 = δ_h1·W1[3,1] + δ_h2·W1[3,2] + " in text
    assert " = a·W1[1,1] + b·W1[2,1] + city_1·W1[3,1]" in text


def test_rows_are_mixed_with_their_partner_in_its_share():
    trace = step_of("mixed rows")
    shares = next(one.value for one in trace.layers[0].nodes if one.operation == "reshape")[:, 0]
    (x,) = trace.inputs.values()
    text = trace.to_text(200)
    assert "mixed with row 3: mix(1) = " in text and "mixed with itself: mix(2) = " in text
    for row in range(3):
        for unit in range(3):
            own, other = f"x{unit + 1}({row + 1})", f"x{unit + 1}({3 - row})"
            share = f"mix({row + 1})"
            formula = re.escape(f"{share}·{own} + (1 - {share})·{other} = ")
            (shown,) = re.findall(rf"x{unit + 1}~\({row + 1}\) += {formula}.* = (\S+)\n", text)
            mixed = shares[row] * x[row, unit] + (1 - shares[row]) * x[2 - row, unit]
            assert float(shown) == pytest.approx(mixed, abs=1e-6)
    assert "(through" not in text


def test_derivatives_reach_a_row_through_itself_and_its_partner():
    text = step_of("mixed rows inside").to_text(200)
    formula = "dΣL/dh1_1(1) = mix(1)·dL(1)/dh1_1~(1) + (1 - mix(3))·dL(3)/dh1_1~(3) = "
    assert formula in re.sub(" +", " ", text)
    text = step_of("mixed rows of many").to_text(200)
    assert re.search(
        r"mixed with row 7: mix\(8\) = \S+, h1\(7\) = .*, t0\(7\) = 1, t1\(7\) = 0\n", text
    )
    assert re.search(r"mixed with row 7: mix\(7\) = \S+, dL\(7\)/dh1~\(7\) = ", text)
