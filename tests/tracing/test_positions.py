"""Layers whose weights are used at each position of rows with further axes."""

import re

import numpy as np
import pytest
from tests.tracing.networks import NETWORKS, batch, model, step_of
from tests.tracing.test_equations import check

import chainrule as cr
from chainrule import layers


def lines(trace):
    """What is told of each name, on one line."""
    found = (one.partition(" = ") for one in trace.to_text(1000).splitlines())
    return {name.strip(): told for name, _, told in found if told}


def test_sums_and_gradients_of_positions_are_told_with_formula_and_numbers():
    trace = step_of("rows with positions")
    told = lines(trace)
    assert told["z_dense[2,1]"].startswith(
        "x3·W_dense[1,1] + x4·W_dense[2,1] + b_dense[1] = 0.640423·"
    )
    assert told["dense[2,1]"].startswith("z_dense[2,1] = ")
    assert told["dL/ddense[2,1]"].startswith("δ_o·W1[3,1] = ")
    assert told["dL/dW_dense[2,1]"].startswith("x2·δ_dense[1,1] + x4·δ_dense[2,1] = ")
    assert told["dL/db_dense[2]"].startswith("δ_dense[1,2] + δ_dense[2,2] = ")
    assert "(through" not in trace.to_text()


@pytest.mark.parametrize("kind", ["softmax", "log_softmax"])
@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_shares_have_a_formula_though_sums_are_large(kind, scale):
    made = model((2, 3), layers.Dense(3, kind), layers.Dense(2))
    X, y = batch(2, (2, 3), (2, 2))
    trace = made.trace(X * scale, y, digits=9)
    z = trace.layers[0].numbers.z
    assert scale == 1 or np.abs(z).max() > 100
    told = lines(trace)
    for row, p, j in np.ndindex(2, 2, 3):
        formula, *_, value = told[f"dense[{p + 1},{j + 1}]({row + 1})"].split(" = ")
        names = [f"z_dense[{p + 1},{k}]({row + 1})" for k in (1, 2, 3)]
        share = np.exp(z[row, p, j]) / np.exp(z[row, p]).sum()
        assert all(formula.count(f"e^{name}") in (1, 2) for name in names)
        assert formula.startswith(("e^" if kind == "softmax" else "") + names[j])
        wanted = share if kind == "softmax" else np.log(share)
        assert float(value) == pytest.approx(wanted, rel=1e-3, abs=1e-8)


def test_gradients_of_positions_come_to_the_engines():
    trace = step_of("activation at positions")
    told = lines(trace)
    for index in np.ndindex(2, 3):
        shown = told["dL/dW_dense[{},{}]".format(*(one + 1 for one in index))]
        value = float(shown.rpartition("= ")[2])
        assert value == pytest.approx(trace.grad_kernel[0][index], abs=1e-6)
        assert len(re.findall(r"·\(?-?δ|·d", shown)) in (2, 4)


def test_the_sizes_in_the_title_are_those_of_the_numbers():
    text = step_of("rows with positions").to_text()
    assert text.startswith("One training step of a 4-4-1 network\n")
    assert "dense[p,j]: unit j of dense at position p of a row" in text
    assert "dense[p,q,j]" in step_of("shares at positions").to_text()


@pytest.mark.parametrize("form, weight, bias", [
    ("columns", "W_dense[1,2]", "b_dense[1]"), ("theta", "Θ_dense[1,2]", "Θ_dense[1,0]"),
])  # fmt: skip
def test_weights_at_positions_stand_as_the_notation_says(form, weight, bias):
    told = lines(step_of("rows with positions", notation=form))
    assert f"{weight}·x2" in told["z_dense[1,1]"] and bias in told["z_dense[1,1]"]
    assert told[f"dL/d{weight}"].startswith("δ_dense[1,1]·x2 + δ_dense[2,1]·x4 = ")


def test_of_many_positions_those_are_told_that_a_sum_is_made_of():
    stack, settings, (rows, inputs, outputs) = NETWORKS["many positions"]
    trace = model(inputs, *stack, **settings).trace(*batch(rows, inputs, outputs))
    told = lines(trace)
    first = {re.match(r"z_dense\[(\d+),", name)[1] for name in told if name.startswith("z_dense[")}
    then = {re.match(r"z_dense_1\[(\d+),", name)[1] for name in told if "z_dense_1[" in name[:10]}
    assert first == then and 0 < len(first) < 15


def test_normalizations_of_positions_are_told_with_their_own_means():
    trace = step_of("layer norm at positions")
    x, told = trace.a["dense"], lines(trace)  # rows with two axes of positions
    for row, p in np.ndindex(2, 2):
        shown = told[f"μ[{p + 1},1]({row + 1})"]
        name = f"dense[{p + 1},1,{{}}]({row + 1})"
        assert shown.startswith(f"1/3·({' + '.join(name.format(k) for k in (1, 2, 3))}) = ")
        assert float(shown.rpartition("= ")[2]) == pytest.approx(x[row, p, 0].mean(), abs=1e-6)
        shown = float(told[f"σ²[{p + 1},1]({row + 1})"].rpartition("= ")[2])
        assert shown == pytest.approx(x[row, p, 0].var(), abs=1e-6)
    text = " ".join(trace.to_text().split())
    assert "μ[p,q], σ²[p,q]: mean and variance in layer_normalization of all units at pos" in text
    trace = step_of("batch norm at positions")
    (x,), told = trace.inputs.values(), lines(trace)
    for unit in range(2):
        shown = told[f"μ1[{unit + 1}]"]
        given = (f"x{p + unit + 1}({row})" for row in (1, 2, 3) for p in (0, 2))
        assert shown.startswith(f"1/6·({' + '.join(given)}) = ")
        assert float(shown.rpartition("= ")[2]) == pytest.approx(x[..., unit].mean(), abs=1e-6)
        shown = float(told[f"σ²1[{unit + 1}]"].rpartition("= ")[2])
        assert shown == pytest.approx(x[..., unit].var(), abs=1e-6)
        moved = f"moving_mean_batch_normalization[{unit + 1}]"
        assert told[f"{moved}'"].startswith(f"0.99·{moved} + 0.01·μ1[{unit + 1}] = ")
    text = " ".join(trace.to_text().split())
    assert "μ2[j], σ²2[j]: mean and variance in batch_normalization_1 of unit j over all" in text
    trace = step_of("group norm at positions")
    x, told = trace.a["dense"].reshape(2, 3, 2, 2), lines(trace)
    for row, group in np.ndindex(2, 2):
        shown = float(told[f"μ1_{group + 1}({row + 1})"].rpartition("= ")[2])
        assert shown == pytest.approx(x[row, :, group].mean(), abs=1e-6)
    assert "μ2(1)" in told


@pytest.mark.parametrize(
    "name, paths",
    [
        ("layer norm at positions", ["layer_normalization/gamma", "layer_normalization/beta"]),
        ("batch norm at positions", ["batch_normalization/gamma", "batch_normalization_1/beta"]),
        ("group norm at positions", ["group_normalization/gamma", "group_normalization_1/beta"]),
    ],
)
def test_gamma_and_beta_are_used_at_each_position(name, paths):
    trace = step_of(name)
    told, positions = lines(trace), {"group norm at positions": 3}.get(name, 2)
    for place, path in enumerate(paths, start=1):
        letter = {"gamma": "γ", "beta": "β"}[path.rpartition("/")[2]]
        number = "" if name.startswith("layer") else place
        for index in range(2):
            shown = told[f"dL/d{letter}{number}[{index + 1}]"]
            slope = trace.central_difference(path, (index,))
            assert float(shown.rpartition("= ")[2]) == pytest.approx(slope, abs=2e-6)
            terms = shown.partition(" = ")[0].count("dL(") + shown.partition(" = ")[0].count("dΣL")
            assert terms == trace.rows * positions


def test_of_many_positions_a_mean_says_what_the_others_come_to():
    text = " ".join(step_of("norm at many positions").to_text(1000).split())
    assert re.search(r"μ2\[\d\] = 1/210·\(.*?\[209 more\]\)", text)


def of_two(z, t):
    p = 1 / (1 + np.exp(-z))
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def of_classes(z, t):
    return -(t * (z - np.log(np.exp(z).sum(axis=-1, keepdims=True)))).sum(axis=-1).mean()


def of_squares(z, t):
    return ((z - t) ** 2).mean()


LOSSES = {
    "mse at positions": (
        of_squares,
        "1/4·((dense_1[1,1](1) - t[1,1](1))^2 + (dense_1[1,2](1) - t[1,2](1))^2 + (dense_1[2,1](1)",
    ),
    "squared error at positions": (
        lambda z, t: ((z[:, 0] - t) ** 2).sum() / 2,
        "1/2·((dense[1,1](1) - t1(1))^2 + (dense[2,1](1) - t2(1))^2) = ",
    ),
    "binary at positions": (
        of_two,
        "1/3·(-log(1 - dense_1[1,1](1)) - log(dense_1[2,1](1)) - log(dense_1[3,1](1))) = ",
    ),
    "binary from logits at positions": (
        lambda z, t: of_two(z[:, 0], t),
        "1/2·(-log(1 - p1(1)) - log(p2(1))) = ",
    ),
    "binary of numbers at positions": (
        lambda z, t: of_two(z[:, 0], t),
        "1/2·(-log(1 - dense[1,1](1)) - log(dense[2,1](1))) = ",
    ),
    "shares at positions of outputs": (
        of_classes,
        "1/2·(-(t[1,1,1](1)·log(dense[1,1,1](1)) + t[1,1,2](1)·log(dense[1,1,2](1)) + t[1,1,3](1)",
    ),
    "labels at positions": (
        lambda z, t: of_classes(z, np.eye(3)[t]),
        "1/2·(-log(dense[1,1](1)) - log(dense[2,1](1))) = ",
    ),
    "labels from logits at positions": (
        lambda z, t: of_classes(z, np.eye(3)[t]),
        "1/2·(-log(p[1,2](1)) - log(p[2,3](1))) = ",
    ),
    "classes of exponentials at positions": (
        of_classes,
        "1/2·(-log(dense[1,2](1)/(dense[1,1](1) + dense[1,2](1) + dense[1,3](1))) - log(dense[2,",
    ),
}
"""A row's own loss of the last sums and targets, and how its formula begins."""
PAIRS = ("binary at", "binary from", "shares", "labels")


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_positions_are_formulas_of_the_row(name):
    trace, (loss, formula) = step_of(name), LOSSES[name]
    (targets,), told, text = trace.targets.values(), lines(trace), trace.to_text(1000)
    layer = [one for one in trace.layers if one.numbers.z is not None][-1]
    assert told["L(1)"].startswith(formula)
    both = [text.count("as training computes both together"), text.count("(by its parts)")]
    assert both == [layer.numbers.z.size if name.startswith(PAIRS) else 0] * 2
    for row in range(trace.rows):
        z, t = layer.numbers.z[row].astype(np.float64), targets[row]
        shown = float(told[f"L({row + 1})"].rpartition("= ")[2])
        assert shown == pytest.approx(loss(z, t), abs=1e-6)
        for index in np.ndindex(z.shape):
            step = np.zeros(z.shape)
            step[index] = 1e-5
            slope = (loss(z + step, t) - loss(z - step, t)) / 2e-5
            unit = ",".join(str(one + 1) for one in index)
            shown = told[f"δ_{layer.name}[{unit}]({row + 1})"].partition("  (")[0]
            assert float(shown.rpartition("= ")[2]) == pytest.approx(slope, abs=1e-6)


def test_targets_of_positions_are_given_with_their_row():
    text = " ".join(step_of("labels at positions").to_text(1000).split())
    assert (
        "input6(1) = 0.361595, t[1,1](1) = 1, t[1,2](1) = 0, t[1,3](1) = 0, t[2,1](1) = 1," in text
    )
    said = "t[p,j]: the target of output j at position p of a row, 1 where the label, which counts"
    assert said in text
    assert "t[p,j]: the target of output j at position p of a row z = " in " ".join(
        step_of("mse at positions").to_text(1000).split()
    )


def test_slopes_of_links_at_positions_are_by_their_own_sums():
    told = lines(step_of("binary at positions"))
    name = "ddense_1[2,1](1)/dz_dense_1[2,1](1)"
    assert told[name].startswith("dense_1[2,1](1)·(1 - dense_1[2,1](1)) = ")
    told = lines(step_of("labels from logits at positions"))
    assert told["dp[2,3](1)/dz_dense_1[2,1](1)"].startswith("-p[2,3](1)·p[2,1](1) = ")
    assert told["p[2,1](1)"].startswith("e^dense_1[2,1](1)/(e^dense_1[2,1](1) + e^dense_1[2,2](1)")


def test_of_many_outputs_at_positions_a_loss_has_those_that_are_shown():
    for name in ("huber at many positions", "labels at many positions"):
        text = step_of(name).to_text(1000)
        (formula,) = re.findall(r"\nL\(1\) += (.*?) = ", text)
        for position in set(re.findall(r"dense\[(\d+),", formula)):
            assert f"\nz_dense[{position}," in text
        assert re.search(r"\[\d+ more\]", formula)


def test_a_softmax_along_positions_is_told_by_its_operation():
    along = layers.Activation(lambda x: cr.ops.softmax(x, axis=1))
    trace = model((2, 3), layers.Dense(2), along).trace(*batch(2, (2, 3), (2, 2)))
    assert "through 1 operation" in trace.to_text() and check(trace, "float64") > 20
