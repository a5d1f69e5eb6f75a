"""Every loss: value and gradient by the predictions, both reductions, with weights of rows."""

import numpy as np
import pytest
from tests.peers.compare import Differs, Lacks, Row, hold
from tests.peers.libraries import keras, torch

import chainrule as cr
from chainrule.losses import LOSSES

F = torch.nn.functional
RNG = np.random.default_rng(0)
COUNT = 7
TARGETS, LOGITS = RNG.normal(size=(COUNT, 4)), RNG.normal(0, 3, (COUNT, 4))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
CERTAIN = np.array([[0.0, 1.0, 0.5, 1e-9]] * COUNT)
BITS = RNG.integers(0, 2, (COUNT, 4)).astype(float)
LABELS = RNG.integers(0, 4, COUNT)
ONE_HOT = np.eye(4)[LABELS]
COUNTS = RNG.poisson(2, (COUNT, 4)).astype(float)
WEIGHTS = {"none": None, "some": RNG.uniform(0, 2, COUNT), "zero": np.zeros(COUNT)}
NOT_SHARES = BITS * 0.4 + 0.2


def of(name, torchs, target, prediction, what="", its=None, **settings):
    """A row: PyTorch's function gets (prediction, target) and gives the mean over the rows."""

    def make(**more):
        return getattr(cr.losses, name)(**settings, **more)

    row = Row(name, make, its or (name, 1.0), torchs, settings)
    return pytest.param(row, target, prediction, what, id=f"{row.label} {what}")


def clipped(p):
    return torch.clamp(p, 1e-7, 1 - 1e-7)


def of_shares(p, t):
    return F.cross_entropy(torch.log(p), t)


LOG_IS_CUT = "PyTorch cuts the logarithm at -100, ours and Keras keep p 1e-7 away from 0 and 1"
INFINITE = Lacks("of probabilities that are 0 its cross-entropy is infinite")
NO_PINBALL = "no pinball loss"


CASES = [
    of("MeanSquaredError", F.mse_loss, TARGETS, LOGITS),
    of("MeanAbsoluteError", F.l1_loss, TARGETS, LOGITS),
    of("Huber", F.huber_loss, TARGETS, LOGITS),
    of("Huber", lambda p, t: F.huber_loss(p, t, delta=0.3), TARGETS, LOGITS, delta=0.3),
    of(
        "SquaredError", lambda p, t: F.mse_loss(p, t, reduction="sum") / 2 / COUNT, TARGETS, LOGITS,
        "beside two times the mean square of four outputs",
        its=("MeanSquaredError", 2.0),
    ),
    of(
        "Quantile", lambda p, t: 0.5 * F.l1_loss(p, t), TARGETS, LOGITS,
        "beside half the absolute error",
        its=("MeanAbsoluteError", 0.5),
    ),
    of(
        "Quantile", Lacks(NO_PINBALL, ("torch.nn.QuantileLoss",)), TARGETS, LOGITS,
        its=Lacks(NO_PINBALL, ("keras.losses.Quantile",)), q=0.9,
    ),
    of(
        "Poisson", lambda p, t: F.poisson_nll_loss(p, t, log_input=False, eps=1e-7),
        COUNTS, np.abs(LOGITS),
    ),
    of("BinaryCrossentropy", F.binary_cross_entropy, BITS, SHARES),
    of(
        "BinaryCrossentropy",
        Differs(
            F.binary_cross_entropy, lambda p, t: F.binary_cross_entropy(clipped(p), t), LOG_IS_CUT
        ),
        BITS, CERTAIN, "certain",
    ),
    of(
        "BinaryCrossentropy", F.binary_cross_entropy_with_logits, BITS, LOGITS, "logits",
        from_logits=True,
    ),
    of("CategoricalCrossentropy", of_shares, ONE_HOT, SHARES),
    of("CategoricalCrossentropy", of_shares, ONE_HOT, NOT_SHARES, "of any sum"),
    of("CategoricalCrossentropy", INFINITE, ONE_HOT, CERTAIN, "certain"),
    of("CategoricalCrossentropy", F.cross_entropy, ONE_HOT, LOGITS, "logits", from_logits=True),
    of("CategoricalCrossentropy", F.cross_entropy, SHARES, LOGITS, "shares", from_logits=True),
    of("SparseCategoricalCrossentropy", of_shares, LABELS, SHARES),
    of("SparseCategoricalCrossentropy", of_shares, LABELS, NOT_SHARES, "of any sum"),
    of("SparseCategoricalCrossentropy", INFINITE, LABELS, CERTAIN, "certain"),
    of(
        "SparseCategoricalCrossentropy", F.cross_entropy, LABELS, LOGITS, "logits",
        from_logits=True,
    ),
]  # fmt: skip


def of_keras(row, reduction, target, weight):
    """Keras's loss as a function of the predictions alone."""
    if isinstance(row.keras, Lacks):
        return row.keras
    name, scale = row.keras
    its = getattr(keras.losses, name)(reduction=reduction, **row.settings)
    target = torch.tensor(target)
    weight = None if weight is None else torch.tensor(weight)
    return lambda p: scale * its(target, p, sample_weight=weight)


def of_torch(row, reduction, target):
    """PyTorch's: its mean, times the rows for a sum."""
    rows = COUNT if reduction == "sum" else 1.0
    target = torch.tensor(target)

    def of(function):
        return lambda p: rows * function(p, target)

    match row.torch:
        case Lacks():
            return row.torch
        case Differs():
            return Differs(of(row.torch.theirs), of(row.torch.ours), row.torch.reason)
    return of(row.torch)


# PyTorch's losses take no weights of rows
@pytest.mark.parametrize(
    "peer, weights", [*(("Keras", one) for one in WEIGHTS), ("PyTorch", "none")]
)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
@pytest.mark.parametrize("row, target, prediction, what", CASES)
def test_value_and_gradient(peer, row, target, prediction, what, reduction, weights, compared):
    weight = WEIGHTS[weights]
    mine = row.make(reduction=reduction)
    theirs = (
        of_keras(row, reduction, target, weight)
        if peer == "Keras"
        else of_torch(row, reduction, target)
    )
    label = " ".join(filter(None, (row.label, what, reduction, f"weights={weights}")))
    hold(
        compared, label, peer, theirs, lambda p: mine(target, p, sample_weight=weight), [prediction]
    )


@pytest.mark.parametrize("name", sorted(set(LOSSES)))
def test_a_name_stands_for_what_it_stands_for_in_keras(name, compared):
    mine = LOSSES[name].__name__
    if not hasattr(keras.losses, mine):
        compared("Keras", f"loss named {name}", "lacks", "no such loss")
        return
    compared("Keras", f"loss named {name}")
    given = np.array([[0.2, 0.8]])
    target = np.array([1]) if mine.startswith("Sparse") else np.array([[0.0, 1.0]])
    its = keras.losses.get(name)(torch.tensor(target), torch.tensor(given))
    assert LOSSES[name]()(target, given).value == pytest.approx(float(its.mean()), rel=1e-6)


def test_every_loss_has_a_row():
    assert {case.values[0].name for case in CASES} == {one.__name__ for one in LOSSES.values()}
