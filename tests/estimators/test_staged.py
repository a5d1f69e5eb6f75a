"""A network trained in stages is, to the bit, the one that was never stopped."""

import numpy as np
import pytest
from tests.estimators import tables

from chainrule.data import Encoder
from chainrule.engine import threads_at_most
from chainrule.errors import DataError, TrainingError
from chainrule.estimators import StagedFit, StagedRows, TableSettings, plan_table
from chainrule.training import read_checkpoint, write_checkpoint

SETTINGS = {"members": 1, "hidden": (16,), "dropout": 0.2, "learning_rate": 0.01, "patience": 50}


def rows_of(only=tables.XOR, **settings):
    plan = plan_table(tables.table(only=only), only[-1], TableSettings(**SETTINGS | settings))
    return StagedRows(plan, plan.members[0], plan.chosen.bins)


def weights(fit):
    return fit.state()["course"]["trainer"]


def assert_same(fit, other):
    assert fit.scores == other.scores
    assert weights(fit)["parameters"].tobytes() == weights(other)["parameters"].tobytes()
    assert weights(fit)["iterations"] == weights(other)["iterations"]
    for name, slot in weights(fit)["slots"].items():
        assert slot.tobytes() == weights(other)["slots"][name].tobytes()


def accuracy(truth, answers, weights):
    return float((answers.argmax(axis=1) == truth).mean())


@pytest.mark.parametrize("score", [None, accuracy])
@pytest.mark.parametrize("only", [tables.XOR, tables.PRICE])
def test_stages_end_as_one_training_does(only, score, tmp_path):
    if only == tables.PRICE and score:
        score = lambda truth, answers, weights: -float(np.abs(truth - answers).mean())  # noqa: E731
    rows = rows_of(only)
    straight = StagedFit(rows, rows.plan.chosen, score)
    straight.train_to(27)
    staged = StagedFit(rows, rows.plan.chosen, score)
    for epochs in (3, 9):
        staged.train_to(epochs)
        assert staged.epochs == epochs
    write_checkpoint(tmp_path / "kept", staged.state())
    with threads_at_most(2):
        staged.train_to(27)
    loaded = StagedFit(rows, rows.plan.chosen, score, read_checkpoint(tmp_path / "kept"))
    loaded.train_to(27)
    assert_same(staged, straight)
    assert_same(loaded, straight)
    assert straight.epochs == len(set(straight.scores)) or score is accuracy


def test_a_state_from_within_a_stage_is_gone_on_from(tmp_path):
    rows = rows_of()
    states = []
    whole = StagedFit(rows, rows.plan.chosen)
    whole.train_to(12, pause=lambda now: states.append(now()))
    assert len(states) >= 11
    for state in (states[0], states[-1]):
        write_checkpoint(tmp_path / "kept", state)
        other = StagedFit(rows, rows.plan.chosen, state=read_checkpoint(tmp_path / "kept"))
        assert other.epochs < 12
        other.train_to(12)
        assert_same(other, whole)


def test_patience_ends_it_for_good():
    rows = rows_of(patience=2, learning_rate=0.2)
    told = []
    fit = StagedFit(rows, rows.plan.chosen)
    fit.train_to(200, watch=lambda epoch, score: told.append((epoch, score)))
    assert fit.over
    assert fit.epochs == fit.best_epoch + 2 < 200
    assert fit.best_score == max(fit.scores) == fit.scores[fit.best_epoch - 1]
    assert told == list(enumerate(fit.scores, 1))
    fit.train_to(400)
    assert len(told) == fit.epochs


def test_an_epoch_under_way_is_given_up_when_it_is_late():
    rows = rows_of()
    fit = StagedFit(rows, rows.plan.chosen)
    fit.train_to(50, is_late=lambda: fit.epochs >= 3)
    assert (fit.epochs, fit.over) == (4, False)  # small epochs are one piece


def test_nothing_of_the_rows_to_watch_is_learned():
    plan = plan_table(tables.table(only=tables.PRICE), "price", TableSettings(**SETTINGS))
    member = plan.members[0]
    rows = StagedRows(plan, member, 4)
    learned = plan.pool.take(member.train)
    oracle = Encoder.fit(learned, plan.schema, scaling="standard", bins=4)
    assert rows.plan.encoder.to_record() == oracle.to_record()
    prices = learned.column("price").values
    assert rows.plan.codecs[0].mean == pytest.approx(prices.mean())
    assert rows.watched.rows == len(member.validation)


def test_a_loss_that_is_not_finite_is_told():
    rows = rows_of(tables.PRICE, learning_rate=1e30)
    with pytest.raises(TrainingError, match="the loss is"):
        StagedFit(rows, rows.plan.chosen).train_to(20)


def test_too_few_rows_to_watch_are_refused():
    plan = plan_table(tables.table(rows=5, only=tables.PRICE), "price", TableSettings(**SETTINGS))
    with pytest.raises(DataError, match="too few rows to watch"):
        StagedRows(plan, plan.members[0], 0)
