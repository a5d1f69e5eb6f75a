"""What curves say: made by hand, each beside one that must not say it."""

import numpy as np
import pytest

from chainrule import random
from chainrule.reporting.curve_findings import Curves, findings_of_curves

NOISE = random.normal(7, 0, 0, 1000)


def findings(
    steps=(), history=(), *, first=1.0, last=0.5, moved=0.5, kept=None, of_epoch=16, before=False
):
    curves = Curves(
        np.asarray(steps, np.float32), dict(history), 1, first, last, moved, kept, len(steps), 0.01,
        of_epoch, before,
    )  # fmt: skip
    return findings_of_curves(curves)


def kinds(*arguments, **settings):
    return [(one.severity, one.kind) for one in findings(*arguments, **settings)]


def watched(training, validation, **settings):
    return kinds(history={"loss": training, "val_loss": validation}, **settings)


FALLING = np.geomspace(1.0, 0.1, 20).tolist()
TURNING = [*np.linspace(1.0, 0.5, 10), *np.linspace(0.52, 0.8, 10)]


def test_overfitting_is_a_validation_that_rises_while_training_falls():
    assert watched(FALLING, TURNING) == [("warning", "overfitting")]
    assert watched(FALLING, TURNING, kept=10) == [("note", "overfitting")]
    both = [*FALLING[:10], *[FALLING[9]] * 10]
    assert watched(both, TURNING) == []  # it has not fallen since
    assert watched(FALLING, FALLING) == []
    barely = [*np.linspace(1.0, 0.5, 10), *[0.54] * 10]
    assert watched(FALLING, barely) == []
    late = [*np.linspace(1.0, 0.5, 18), 0.7, 0.7]
    assert watched(FALLING, late) == []
    assert watched(FALLING[:5], [0.5, 0.4, 0.6, 0.7, 0.8]) == []
    assert watched(FALLING, [*TURNING[:-1], np.nan]) == []


@pytest.mark.parametrize(
    "kept, severity, sentence, remedy",
    [
        (None, "warning", ": rows are learned by heart.", "Try EarlyStopping(restore_best_weights"),
        (10, "note", " The weights of epoch 10 were kept, where it was 0.5.", "Try Dropout, a"),
        (11, "note", " The weights of epoch 11 were kept, where it was 0.52.", "Try Dropout, a"),
        (20, "warning", " The weights of epoch 20 were kept, where it was 0.8.",
         "Try EarlyStopping that watches val_loss, "),
    ],
)  # fmt: skip
def test_overfitting_is_a_note_only_where_weights_of_a_good_epoch_were_kept(
    kept, severity, sentence, remedy
):
    [one] = findings(history={"loss": FALLING, "val_loss": TURNING}, kept=kept)
    assert one.severity == severity
    assert one.sentence.endswith(sentence)
    assert one.remedy.startswith(remedy)


@pytest.mark.parametrize("best, expected", [(1, True), (2, True), (3, False)])
def test_a_validation_that_is_best_at_once_may_be_of_ordered_rows(best, expected):
    rising = [*np.linspace(1.0, 0.9, best), *np.linspace(1.0, 2.0, 20 - best)]
    [one] = findings(history={"loss": FALLING, "val_loss": rising})
    assert f"since epoch {best} " in one.sentence
    assert ("If the rows have an order, shuffle them" in one.remedy) == expected


def test_a_loss_that_has_doubled():
    rising = np.linspace(1.0, 4.0, 40)
    assert kinds(rising, last=4.0) == [("severe", "learning rate too high")]
    assert kinds(rising, last=1.9) == []  # the same rows have not doubled
    assert kinds(np.full(40, 1.0), last=4.0) == []  # the steps do not show it
    assert kinds(rising[:9], last=4.0) == []
    assert kinds(rising - 5.0, first=-5.0, last=-1.0) == []  # a loss may be negative
    assert kinds(rising, last=np.nan) == []
    assert kinds(rising, last=4.0, before=True) == [("severe", "learning rate too high")]


@pytest.mark.parametrize("size, expected", [(0.3, True), (0.01, False)])
def test_a_loss_that_goes_up_and_down(size, expected):
    losses = 0.7 + size * np.abs(NOISE[:40])
    found = kinds(history={"loss": losses})
    assert found == ([("warning", "learning rate too high")] if expected else [])
    assert kinds(history={"loss": losses}, before=True) == []  # it may have settled already
    assert kinds(history={"loss": losses}, of_epoch=4) == []  # by chance of dropout


def test_noise_of_labels_by_chance_is_no_rate_too_high():
    """Nothing can be learned: the loss stays, and moves by what an epoch's chance moves it."""
    assert kinds(history={"loss": 0.6931 + 0.004 * NOISE[:60]}, first=0.694) == []


def test_a_loss_that_falls_as_at_the_beginning():
    steps, slow = np.linspace(1.0, 0.95, 400), ("warning", "learning rate too low")
    assert kinds(steps, moved=0.01) == [slow]
    assert kinds(steps + 0.01 * NOISE[:400], moved=0.01) == [slow]
    assert kinds(steps, moved=0.2) == []
    assert kinds(steps, moved=0.01, before=True) == []
    by_chance = steps + 0.1 * random.normal(5, 0, 0, 400)  # its quarters fall, as others do not
    assert kinds(by_chance, moved=0.01) == []
    assert kinds(np.linspace(1.0, 0.5, 400), moved=0.01) == []  # it has fallen by half
    assert kinds(0.9 + 0.1 * np.exp(-np.arange(400) / 60), moved=0.01) == []  # it has settled
    assert kinds(steps[:39], moved=0.01) == []
    by_epoch = {"loss": np.linspace(1.0, 0.95, 20)}
    assert kinds(steps + 0.3 * NOISE[:400], by_epoch, moved=0.01) == [slow]
