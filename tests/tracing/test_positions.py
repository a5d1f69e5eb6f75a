"""Layers whose weights are used at each position of rows with further axes."""

import re

import numpy as np
import pytest
from tests.tracing.networks import NETWORKS, batch, model, step_of


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
        moved = f"batch_normalization/moving_mean[{unit + 1}]"
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
