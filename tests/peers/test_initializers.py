"""Variance, mean and bounds of every initializer; drawn numbers are each library's own."""

import numpy as np
import pytest
from tests.peers.compare import Row, both
from tests.peers.libraries import keras, torch

import chainrule as cr
from chainrule.layers import INITIALIZERS

STARTS, INIT = keras.initializers, torch.nn.init
SHAPE = (400, 300)
BOUNDED = ("Uniform", "GlorotNormal", "HeNormal", "LecunNormal", "TruncatedNormal")


def of(name, its, torchs, **settings):
    return Row(name, lambda: getattr(cr.initializers, name)(**settings), its, torchs, settings)


def drawn(function, *arguments, **settings):
    """PyTorch fills a weight of (units, inputs)."""

    def draw():
        torch.manual_seed(1)
        weight = torch.empty(SHAPE[::-1], dtype=torch.float64)
        function(weight, *arguments, **settings)
        return weight.numpy().T

    return draw


def truncated(std):
    return drawn(INIT.trunc_normal_, 0.0, std, -2 * std, 2 * std)


def kerass(name, **settings):
    return lambda: np.asarray(getattr(STARTS, name)(**settings)(SHAPE, dtype="float64").numpy())


ROWS = [
    of("Zeros", kerass("Zeros"), drawn(INIT.zeros_)),
    of("Ones", kerass("Ones"), drawn(INIT.ones_)),
    of("Constant", kerass("Constant", value=0.25), drawn(INIT.constant_, 0.25), value=0.25),
    of("RandomNormal", kerass("RandomNormal", seed=1), drawn(INIT.normal_, 0.0, 0.05)),
    of("RandomNormal", kerass("RandomNormal", mean=1.0, stddev=2.0, seed=1),
       drawn(INIT.normal_, 1.0, 2.0), mean=1.0, stddev=2.0),
    of("RandomUniform", kerass("RandomUniform", seed=1), drawn(INIT.uniform_, -0.05, 0.05)),
    of("RandomUniform", kerass("RandomUniform", minval=0.0, maxval=2.0, seed=1),
       drawn(INIT.uniform_, 0.0, 2.0), minval=0.0, maxval=2.0),
    of("TruncatedNormal", kerass("TruncatedNormal", seed=1), truncated(0.05)),
    of("GlorotUniform", kerass("GlorotUniform", seed=1), drawn(INIT.xavier_uniform_)),
    of("GlorotNormal", kerass("GlorotNormal", seed=1), drawn(INIT.xavier_normal_)),
    of("HeUniform", kerass("HeUniform", seed=1),
       drawn(INIT.kaiming_uniform_, nonlinearity="relu")),
    of("HeNormal", kerass("HeNormal", seed=1), drawn(INIT.kaiming_normal_, nonlinearity="relu")),
    of("LecunUniform", kerass("LecunUniform", seed=1),
       drawn(INIT.kaiming_uniform_, nonlinearity="linear")),
    of("LecunNormal", kerass("LecunNormal", seed=1),
       drawn(INIT.kaiming_normal_, nonlinearity="linear")),
    of("Orthogonal", kerass("Orthogonal", seed=1), drawn(INIT.orthogonal_)),
    of("Orthogonal", kerass("Orthogonal", gain=0.5, seed=1), drawn(INIT.orthogonal_, 0.5),
       gain=0.5),
]  # fmt: skip


def reach(drawn):
    """How far numbers lie from the mean, but for one in ten thousand.

    Keras on PyTorch leaves a number uncut where four draws in a row lie beyond two deviations.
    """
    return np.quantile(np.abs(drawn - drawn.mean()), 0.9999)


NOT_CUT = "PyTorch's normal is not cut at two deviations; its variance is the same"


@pytest.mark.parametrize("row, peer, theirs", both(ROWS))
def test_variance_mean_and_bounds(row, peer, theirs, compared):
    compared(peer, row.label)
    mine, its = row.make().values(SHAPE, 1, 0), theirs()
    spread = its.std()
    assert mine.std() == pytest.approx(spread, rel=0.01, abs=1e-15)
    assert abs(mine.mean() - its.mean()) <= 0.02 * spread
    uncut = peer == "PyTorch" and row.name.endswith("Normal") and row.name != "TruncatedNormal"
    if row.name.endswith(BOUNDED) and not uncut:
        assert reach(mine) == pytest.approx(reach(its), rel=0.02)


@pytest.mark.parametrize("name", ["GlorotNormal", "HeNormal", "LecunNormal"])
def test_our_normal_is_cut_and_pytorchs_is_not(name, compared):
    row = next(row for row in ROWS if row.name == name)
    compared("PyTorch", f"bounds of {name}", "differs", NOT_CUT)
    mine, its = row.make().values(SHAPE, 1, 0), row.torch()
    assert np.abs(mine).max() < 2.3 * mine.std() < 3.5 * its.std() < np.abs(its).max()


@pytest.mark.parametrize("shape", [(40, 25), (25, 40), (6, 5, 7)])
@pytest.mark.parametrize("peer", ["Keras", "PyTorch"])
def test_an_orthogonal_matrix_is_one(peer, shape, compared):
    compared(peer, f"Orthogonal, product with itself {shape}")
    mine = cr.initializers.Orthogonal(gain=2.0).values(shape, 1, 0).reshape(-1, shape[-1])
    if peer == "Keras":
        its = STARTS.Orthogonal(gain=2.0, seed=1)(shape, dtype="float64").numpy()
        its = its.reshape(-1, shape[-1])
    else:
        its = torch.empty(mine.shape, dtype=torch.float64)
        its = INIT.orthogonal_(its, 2.0).numpy()
    small = mine.T @ mine if len(mine) >= shape[-1] else mine @ mine.T
    its_small = its.T @ its if len(its) >= shape[-1] else its @ its.T
    np.testing.assert_allclose(small, its_small, atol=1e-6)


@pytest.mark.parametrize("shape", [(7,), (30, 20), (3, 30, 20)])
@pytest.mark.parametrize("name", ["GlorotUniform", "HeUniform", "LecunUniform"])
def test_inputs_and_outputs_are_counted_as_keras_counts(name, shape, compared):
    compared("Keras", f"{name} of shape {shape}")
    many = 4000 // np.prod(shape) + 1
    mine = np.array([getattr(cr.initializers, name)().values(shape, 1, s) for s in range(many)])
    its = [getattr(STARTS, name)(seed=s)(shape, dtype="float64").numpy() for s in range(many)]
    assert np.abs(mine).max() == pytest.approx(np.abs(np.array(its)).max(), rel=0.02)


def test_every_initializer_has_a_row():
    assert {row.name for row in ROWS} == {one.__name__ for one in INITIALIZERS.values()}
