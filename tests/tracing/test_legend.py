"""The legend of a text: the signs that equations have, and no others."""

import re

import pytest
from tests.tracing.networks import NETWORKS, batch, model, step_of
from tests.tracing.test_text import legend_of

from chainrule import layers

SIGNS = {
    r"\bs\(\d+\)": "; s: a row's share in the loss",
    r"\bweight\(\d+\)": "; weight: how much a row counts",
    r"γ\d*\[": "; γ[j]: what a normalization multiplies unit j by",
    r"β\d*\[": "; β[j]: what a normalization adds to unit j",
    r"\bhat_": "; hat_h: h less its mean μ",
    r"\bmask_": "; mask: 0 where a unit is left out",
    r"δ_": "; δ_h: the derivative of the row's own loss",
    "~": "; h~: h after a layer",
}
"""Signs that are no names of readers, and how the legend tells them."""


def signs_told(trace):
    """The signs that equations of an account have, and those that its legend tells."""
    lines = trace.to_text(300).splitlines()
    start = next(place for place, line in enumerate(lines) if "Forward" in line)
    head, body = " ".join(" ".join(lines[:start]).split()), "\n".join(lines[start:])
    used = {sign for sign in SIGNS if re.search(sign, body)}
    return used, {sign for sign, told in SIGNS.items() if told in head}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_legend_tells_the_signs_that_equations_have_and_no_others(name):
    used, told = signs_told(step_of(name))
    assert told == used


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("how", ["sample_weight", "class_weight"])
def test_the_legend_tells_weights_of_rows(rows, how):
    made = model(2, layers.Dense(1, "sigmoid"), loss="binary_crossentropy")
    X, y = batch(rows, 2, 1, "binary")
    given = {0: 2.0, 1: 3.0} if how == "class_weight" else [2.0, 1.0, 3.0][:rows]
    trace = made.trace(X, y, **{how: given})
    used, told = signs_told(trace)
    assert told == used >= {r"\bs\(\d+\)", r"\bweight\(\d+\)"}
    counted = "1 row with a weight" if rows == 1 else "3 rows with weights"
    assert f"; {counted}" in legend_of(trace)
    assert r"\(s\text{: a row's share in the loss}\)" in trace.to_latex()
    assert "weight" not in legend_of(made.trace(X, y)).replace("weights", "")


def test_the_legend_tells_the_numbers_of_normalizations():
    for kind in (layers.BatchNormalization, layers.LayerNormalization):
        for center, scale in ((True, False), (False, True), (True, True)):
            stack = layers.Dense(2), kind(center=center, scale=scale), layers.Dense(1)
            trace = model(2, *stack).trace(*batch(3, 2, 1))
            used, told = signs_told(trace)
            assert told == used
            assert (r"γ\d*\[" in used, r"β\d*\[" in used) == (scale, center)
    assert r"\(\beta_j\text{: what a normalization adds to unit }j\)" in trace.to_latex()
