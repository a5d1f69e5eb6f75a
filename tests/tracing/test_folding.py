"""What of a step is shown: rows by their number, weights by theirs."""

import re

import pytest
from tests.tracing.networks import batch, model

from chainrule import layers


def told(rows, *stack, inputs=3, outputs=1):
    return model(inputs, *stack).trace(*batch(rows, inputs, outputs)).to_text(200)


@pytest.mark.parametrize("rows, shown", [(4, 4), (12, 4), (13, 1), (200, 1)])
def test_all_weights_of_a_small_network_are_shown_of_any_number_of_rows(rows, shown):
    text = told(rows, layers.Dense(2, "tanh"), layers.Dense(1))
    gradients = re.findall(r"^dL/d([Wb]\d\[[\d,]+\])", text, re.MULTILINE)
    assert len(set(gradients)) == 11
    assert len(re.findall(r"^L\(\d+\)", text, re.MULTILINE)) == shown


def test_rows_of_a_large_network_are_shown_by_their_number():
    for rows, shown in ((2, 2), (12, 2), (13, 1)):
        text = told(rows, layers.Dense(30, "tanh"), layers.Dense(1))
        assert len(re.findall(r"^Backward, row", text, re.MULTILINE)) == shown
        assert len(set(re.findall(r"^dL/d(W1\S+)", text, re.MULTILINE))) == 2


def test_the_loss_adds_the_rows_that_are_told():
    line = next(one for one in told(6, layers.Dense(1)).splitlines() if one.startswith("L  "))
    assert len(re.findall(r"L\(\d\)", line)) == 4 and "[2 more]" in line


@pytest.mark.parametrize("rows, said", [(5, "; 1 is left out."), (6, "; 2 are left out.")])
def test_one_row_that_is_left_out_is_told_as_one(rows, said):
    assert said in told(rows, layers.Dense(1))


def test_one_weight_that_is_left_out_is_told_as_one():
    text = told(1, layers.Dense(5), inputs=5, outputs=5)
    assert "dense/kernel: 1 more of 25 with smaller gradients is left out." in text
    text = told(1, layers.Dense(2), layers.Dense(30), layers.Dense(1))
    assert "dense/bias: 1 more of 2 is left out." in text
