"""Whether a calibration error is more than chance makes: seldom where probabilities are right."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import chainrule
from chainrule.data import Table
from chainrule.judging.answered import Answered
from chainrule.judging.sureness import calibration_words, sureness

TRIES = 300


def answered(chances, truth, weights=None, groups=None):
    rows = len(truth)
    labels = tuple(range(chances.shape[1]))
    return Answered(
        "y", Table({}, rows, "t"), np.arange(rows), truth, chances, weights, labels, groups=groups
    )


def is_beyond(found, seed=0):
    error = sureness(found, seed)["expected_calibration_error"]
    return error["score"] > error["chance"]


def of_two(chance):
    return np.stack([1 - chance, chance], axis=1)


def assert_is_5_percent(alarms):
    # of 300 tries with 5 %: mean 15, deviation 3.8
    assert 4 <= sum(alarms) <= 27


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(0.05, 1.0), (2.0, 2.0)])
def test_right_probabilities_of_two_classes_are_within_chance(weighted, shape):
    rng = np.random.default_rng(1)
    alarms = []
    for seed in range(TRIES):
        chance = rng.beta(*shape, 200)
        weights = rng.uniform(0.2, 3, 200) if weighted else None
        truth = (rng.random(200) < chance).astype(np.int64)
        alarms.append(is_beyond(answered(of_two(chance), truth, weights), seed))
    assert_is_5_percent(alarms)


def test_right_probabilities_of_three_classes_are_within_chance():
    rng = np.random.default_rng(2)
    alarms = []
    for seed in range(TRIES):
        chances = rng.dirichlet([1.0, 2.0, 0.5], 200)
        truth = (rng.random((200, 1)) > chances.cumsum(axis=1)).sum(axis=1)
        alarms.append(is_beyond(answered(chances, np.minimum(truth, 2)), seed))
    assert_is_5_percent(alarms)


def test_groups_that_come_true_together_are_within_chance():
    rng = np.random.default_rng(3)
    alarms, as_rows = [], []
    groups = np.repeat(np.arange(40), 10)
    for seed in range(TRIES):
        chance = rng.beta(2, 2, 400)
        # one draw a group, so all of its rows come true together; each with its own probability
        truth = (rng.random(40)[groups] < chance).astype(np.int64)
        alarms.append(is_beyond(answered(of_two(chance), truth, groups=groups), seed))
        as_rows.append(is_beyond(answered(of_two(chance), truth), seed))
    assert_is_5_percent(alarms)
    assert sum(as_rows) > 60  # as if independent


def test_overconfident_probabilities_are_beyond_chance():
    rng = np.random.default_rng(4)
    chance = rng.beta(2, 2, 600)
    truth = (rng.random(600) < chance).astype(np.int64)
    odds = (chance / (1 - chance)) ** 3
    found = sureness(answered(of_two(odds / (1 + odds)), truth), 0)
    error = found["expected_calibration_error"]
    assert error["score"] > 2 * error["chance"] and error["interval"] is None
    assert "is above what chance makes of right probabilities" in calibration_words(found)


def test_numbers_say_nothing_of_probabilities_and_classes_do(left):
    model, X, y = left
    found = chainrule.evaluate(LogisticRegression().fit(X[["noise"]], y), X[["noise"]], y)
    assert "is within what chance makes" in found.sureness_told
    record = found.to_record()
    assert record["sureness_told"] == found.sureness_told
    assert record["sureness"]["expected_calibration_error"]["chance"] > 0
