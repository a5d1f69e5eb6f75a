"""Every regularizer: penalty and gradient. Every constraint: what it makes of weights."""

import numpy as np
import pytest
from tests.peers.compare import Lacks, Row, both, hold
from tests.peers.libraries import keras, torch

import chainrule as cr
from chainrule.layers import CONSTRAINTS, REGULARIZERS

R = keras.regularizers
WEIGHT = np.random.default_rng(3).normal(size=(6, 5))


def of(name, its, torchs, **settings):
    return Row(name, lambda: getattr(cr.regularizers, name)(**settings), its, torchs, settings)


def norm(p, strength):
    return lambda w: strength * torch.linalg.vector_norm(w, p)


NO_NORM = Lacks("no penalty that is a norm itself", ("keras.regularizers.Lp",))
ROWS = [
    of("L1", R.L1(), lambda w: 0.01 * w.abs().sum()),
    of("L1", R.L1(0.3), lambda w: 0.3 * w.abs().sum(), l1=0.3),
    of("L2", R.L2(), lambda w: 0.01 * (w * w).sum()),
    of("L2", R.L2(0.3), lambda w: 0.3 * (w * w).sum(), l2=0.3),
    of("L1L2", R.L1L2(0.3, 0.2), lambda w: 0.3 * w.abs().sum() + 0.2 * (w * w).sum(),
       l1=0.3, l2=0.2),
    *(of("Lp", NO_NORM, norm(p, 0.3), p=p, strength=0.3) for p in (1, 1.5, 2, 3)),
]  # fmt: skip


@pytest.mark.parametrize("row, peer, theirs", both(ROWS))
def test_penalty_and_gradient(row, peer, theirs, compared):
    hold(compared, row.label, peer, theirs, lambda w: row.make()(w), [WEIGHT])


def test_every_regularizer_has_a_row():
    assert {row.name for row in ROWS} == {one.__name__ for one in REGULARIZERS.values()}


def held(name, torchs, *arguments):
    def make(library):
        return getattr(library.constraints, name)(*arguments)

    return pytest.param(make, torchs, id=f"{name}{arguments}")


HELD = [
    held("MaxNorm", lambda w: torch.renorm(w, 2, 1, 2.0)),
    held("MaxNorm", lambda w: torch.renorm(w, 2, 1, 1.5), 1.5),
    held("MaxNorm", lambda w: torch.renorm(w, 2, 0, 1.5), 1.5, 1),
    held("MaxNorm", lambda w: torch.renorm(w[None], 2, 0, 1.5)[0], 1.5, (0, 1)),
    held("NonNeg", lambda w: torch.clamp(w, min=0.0)),
    held("UnitNorm", lambda w: torch.nn.functional.normalize(w, dim=0)),
    held("UnitNorm", lambda w: torch.nn.functional.normalize(w, dim=1), 1),
]


@pytest.mark.parametrize("peer", ["Keras", "PyTorch"])
@pytest.mark.parametrize("make, torchs", HELD)
def test_a_constraint(make, torchs, peer, compared):
    mine = make(cr)
    compared(peer, repr(mine))
    found = mine(cr.variable(WEIGHT)).value
    its = (make(keras) if peer == "Keras" else torchs)(torch.tensor(WEIGHT)).numpy()
    np.testing.assert_allclose(found, its, rtol=1e-6)


def test_every_constraint_has_a_row():
    made = {type(case.values[0](cr)) for case in HELD}
    assert made == set(CONSTRAINTS.values())
