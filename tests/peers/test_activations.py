"""Every activation: value and slope on a grid, far out, and at its kinks."""

import numpy as np
import pytest
from tests.peers.compare import Lacks, Row, both, hold, measured, measured_theirs
from tests.peers.libraries import keras, torch

import chainrule as cr
from chainrule.layers import ACTIVATIONS, find_activation

K, F = keras.activations, torch.nn.functional
NEAR = np.linspace(-8.03, 9.01, 64).reshape(16, 4)
FAR = np.array([[-1e4, -301.0, -40.5, 35.25], [310.0, 1e4, -22.0, 21.0]])


def named(name, its, torchs, **settings):
    def make():
        return getattr(cr.activations, name)(**settings) if settings else find_activation(name)

    return Row(name, make, its, torchs, settings)


def step(x):
    return torch.heaviside(x.detach(), torch.ones((), dtype=x.dtype)) + 0.0 * x


NO_SMHT = "no Soboleva modified tanh"
ROWS = [
    named("linear", K.linear, torch.nn.Identity()),
    named("binary_step", lambda x: keras.ops.heaviside(x.detach(), 1.0) + 0.0 * x, step),
    named("sigmoid", K.sigmoid, torch.sigmoid),
    named("hard_sigmoid", K.hard_sigmoid, F.hardsigmoid),
    named("tanh", K.tanh, torch.tanh),
    named("smht", K.tanh, torch.tanh),
    named(
        "smht", Lacks(NO_SMHT, ("keras.activations.smht",)), Lacks(NO_SMHT),
        a=1.0, b=0.5, c=1.2, d=0.8,
    ),
    named("softsign", K.softsign, F.softsign),
    named("relu", K.relu, torch.relu),
    named("relu6", K.relu6, F.relu6),
    named("leaky_relu", K.leaky_relu, lambda x: F.leaky_relu(x, 0.2)),
    named(
        "leaky_relu", lambda x: K.leaky_relu(x, 0.05), lambda x: F.leaky_relu(x, 0.05),
        negative_slope=0.05,
    ),
    named("elu", K.elu, F.elu),
    named("elu", lambda x: K.elu(x, 0.5), lambda x: F.elu(x, 0.5), alpha=0.5),
    named("selu", K.selu, F.selu),
    named("gelu", K.gelu, F.gelu),
    named(
        "gelu", lambda x: K.gelu(x, approximate=True), lambda x: F.gelu(x, approximate="tanh"),
        approximate=True,
    ),
    named("silu", K.silu, F.silu),
    named("swish", K.swish, F.silu),
    named("mish", K.mish, F.mish),
    named("softplus", K.softplus, F.softplus),
    named("exponential", K.exponential, torch.exp),
    named("softmax", K.softmax, lambda x: torch.softmax(x, -1)),
    named("log_softmax", K.log_softmax, lambda x: torch.log_softmax(x, -1)),
]  # fmt: skip


@pytest.mark.parametrize("row, peer, theirs", both(ROWS))
def test_value_and_slope(row, peer, theirs, compared):
    hold(compared, row.label, peer, theirs, lambda x: row.make()(x), [NEAR])


@pytest.mark.parametrize(
    "row, peer, theirs", both(row for row in ROWS if row.name != "exponential")
)
def test_value_and_slope_far_out(row, peer, theirs, compared):
    hold(compared, f"{row.label} far out", peer, theirs, lambda x: row.make()(x), [FAR])


KINKS = [
    ("relu", 0.0), ("relu6", 0.0), ("relu6", 6.0), ("leaky_relu", 0.0), ("hard_sigmoid", -3.0),
    ("hard_sigmoid", 3.0), ("elu", 0.0), ("selu", 0.0), ("softsign", 0.0), ("binary_step", 0.0),
]  # fmt: skip


@pytest.mark.parametrize("peer", ["Keras", "PyTorch"])
@pytest.mark.parametrize("name, point", KINKS)
def test_slope_at_a_kink(name, point, peer, compared):
    row = next(row for row in ROWS if row.name == name)
    theirs = row.keras if peer == "Keras" else row.torch
    label = f"slope of {name} at {point:g}"
    if isinstance(theirs, Lacks):
        compared(peer, label, "lacks", theirs.reason)
        return
    at = [np.array([point])]
    (value, slope), (its_value, its_slope) = measured(row.make(), at), measured_theirs(theirs, at)
    np.testing.assert_allclose(value, its_value, rtol=1e-12)
    weight = measured(find_activation("linear"), at)[1].item()
    found = round(slope.item() / weight, 9), round(its_slope.item() / weight, 9)
    compared(peer, label)
    assert found[0] == found[1]


def test_every_activation_has_a_row():
    assert {row.name for row in ROWS} == set(ACTIVATIONS)
