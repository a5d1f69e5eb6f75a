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
