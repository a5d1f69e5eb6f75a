"""Every regularizer: penalty and gradient. Every constraint: what it makes of weights."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.layers import REGULARIZERS
from tests.peers.compare import Lacks, Row, both, hold
from tests.peers.libraries import keras, torch

R = keras.regularizers
WEIGHT = np.random.default_rng(3).normal(size=(6, 5))


def of(name, its, torchs, **settings):
    return Row(name, lambda: getattr(cr.regularizers, name)(**settings), its, torchs, settings)


def norm(p, strength):
    return lambda w: strength * torch.linalg.vector_norm(w, p)


NO_NORM = Lacks("no penalty that is a norm itself", ("keras.regularizers.LP", "keras.regularizers.lp"))
ROWS = [
    of("L1", R.L1(), lambda w: 0.01 * w.abs().sum()),
    of("L1", R.L1(0.3), lambda w: 0.3 * w.abs().sum(), l1=0.3),
    of("L2", R.L2(), lambda w: 0.01 * (w * w).sum()),
    of("L2", R.L2(0.3), lambda w: 0.3 * (w * w).sum(), l2=0.3),
    of("L1L2", R.L1L2(0.3, 0.2), lambda w: 0.3 * w.abs().sum() + 0.2 * (w * w).sum(),
       l1=0.3, l2=0.2),
    *(of("LP", NO_NORM, norm(p, 0.3), p=p, strength=0.3) for p in (1, 1.5, 2, 3)),
]  # fmt: skip


@pytest.mark.parametrize("row, peer, theirs", both(ROWS))
def test_penalty_and_gradient(row, peer, theirs, compared):
    hold(compared, row.label, peer, theirs, lambda w: row.make()(w), [WEIGHT])


def test_every_regularizer_has_a_row():
    assert {row.name for row in ROWS} == {one.__name__ for one in REGULARIZERS.values()}
