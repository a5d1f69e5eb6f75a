"""Where lines of text end, names in brackets, and states that are set to 0."""

import re

import numpy as np
import pytest
from tests.tracing.networks import batch, han, model, step_of, table_step

import chainrule as cr
from chainrule import layers

STARTS = re.compile(r" +(= |\+ |- |·|/|\()")
"""How a line goes on: with an operator, or a note."""


def long_names():
    """A step whose names have spaces and signs, too long for two in a line."""
    made = model(2, layers.Dense(3, "softmax"), layers.Dense(2, "sigmoid"), loss="mse")
    return made.trace(
        *batch(2, 2, 2), loss="my own loss",
        units=[
            ["pay - before tax", "age at entry"], ["first hidden unit", "h - 2", "h (3"],
            ["out (one", "second output"],
        ],
    )  # fmt: skip


@pytest.mark.parametrize("width", [60, 80])
def test_lines_go_on_with_an_operator(width):
    traces = [step_of(name) for name in ("squared error", "softmax with mse at positions")]
    for trace in (long_names(), han(), *traces):
        _, text = trace.to_text(width).split("\nForward", 1)
        lines = text.splitlines()[1:]
        for before, line in zip(lines, lines[1:], strict=False):
            if line.startswith("   ") and not before.endswith(","):
                assert STARTS.match(line), (before, line)


def test_a_loss_and_columns_with_spaces_stand_in_brackets():
    text = " ".join(long_names().to_text().split()).replace(" ·", "·")
    assert "[my own loss](1) = 1/2·((" in text and "[my own loss]' = " in text
    assert "[my own loss] = 1/2·([my own loss](1) + [my own loss](2))" in text
    assert "d[my own loss](1)/d[second output](1)" in text
    assert "rate·d[my own loss]/dW1[1,1]" in text
    assert "my own loss" not in text.replace("[my own loss]", "")


def test_names_are_whole_in_a_line():
    for width in range(60, 90):
        told = long_names().to_text(width).splitlines()
        for name in ("[pay - before tax]", "[first hidden unit]", "[second output]"):
            word = name.strip("[]").split()[0]
            assert all(line.count(f"[{word} ") == line.count(name) for line in told), width


def test_layers_of_a_table_are_told_by_their_kind():
    text = table_step((3,), 2, 0.0).to_text(200)
    assert "layers: embedding_0 (Embedding), spread (Spread, relu), dense_0 (Dense, relu)" in text


@pytest.mark.parametrize("rule", [cr.optimizers.SGD(0.1, momentum=0.9), cr.optimizers.Adam(0.1)])
@pytest.mark.parametrize("tiny", [1e-33, 1e-3])
def test_a_state_that_is_set_to_0_is_said_to_be(rule, tiny):
    made = model(2, layers.Dense(1), optimizer=rule)
    text = made.trace(np.array([[tiny, 1.0]]), np.zeros((1, 1))).to_text(1000)
    kept = {"SGD": ["momentum"], "Adam": ["momentum", "velocity"]}[type(rule).__name__]
    for name in kept if tiny < 1e-30 else ():
        assert re.search(rf"^{name}_W1\[1,1\]' += .+ = 0  \(set to 0, as all that is nearer to 0 "
                         rf"than 1e-30\)$", text, re.MULTILINE)  # fmt: skip
    assert text.count("(set to 0") == (len(kept) if tiny < 1e-30 else 0)
