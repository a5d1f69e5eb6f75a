"""The order of stages: Hyperband's brackets, and that it does not hang on who is done first."""

import math

import numpy as np
import pytest

from chainrule.tuning.schedules import Flat, Hyperband, Stage, brackets_of


def test_brackets_are_those_of_the_paper():
    # Li et al. 2018, table 1: R = 81, eta = 3
    found = [(list(one.trials), list(one.epochs)) for one in brackets_of(81, cuts=4)]
    assert found == [
        ([81, 27, 9, 3, 1], [1, 3, 9, 27, 81]),
        ([34, 11, 3, 1], [3, 9, 27, 81]),
        ([15, 5, 1], [9, 27, 81]),
        ([8, 2], [27, 81]),
        ([5], [81]),
    ]
    assert brackets_of(81, cuts=4)[0].cost == 81 + 27 * 2 + 9 * 6 + 3 * 18 + 1 * 54
    assert [one.epochs[-1] for one in brackets_of(200)] == [200] * 4
    assert brackets_of(81)[0] == ((27, 9, 3, 1), (3, 9, 27, 81))
    assert brackets_of(1) == (((1,), (1,)),)


def run(schedule, score, order, most=10_000):
    """Play a schedule with several stages under way, ended in an order drawn by chance."""
    random = np.random.default_rng(order)
    running, stages, ended = [], [], {}
    for _ in range(most):
        while len(running) < 4 and (stage := schedule.next()) is not None:
            running.append(stage)
        if not running:
            return stages, ended
        stage = running.pop(random.integers(len(running)))
        stages.append(stage)
        ended |= dict(schedule.take(stage, score(stage.trial, stage.epochs)))
    return stages, ended


def test_hyperband_keeps_the_best_third_of_each_rung_in_any_order():
    def score(trial, epochs):
        return math.nan if trial % 10 == 3 else (trial * 37 % 101) + 0.001 * epochs

    played = [run(Hyperband(27), score, order) for order in range(5)]
    stages, ended = played[0]
    for other, same in played[1:]:
        assert sorted(other) == sorted(stages)
        assert same == ended
    assert sum(Hyperband(27)._brackets[n].trials[0] for n in range(4)) == len(ended) == 49
    for number, bracket in enumerate(brackets_of(27)):
        first = sum(one.trials[0] for one in brackets_of(27)[:number])
        alive = list(range(first, first + bracket.trials[0]))
        for rung, epochs in enumerate(bracket.epochs):
            assert sorted(alive) == sorted(
                one.trial for one in stages if one.bracket == number and one.epochs == epochs
            )
            if rung + 1 < len(bracket.trials):
                ranked = sorted(
                    (one for one in alive if one % 10 != 3), key=lambda one: -score(one, epochs)
                )
                alive = ranked[: bracket.trials[rung + 1]]
        assert {ended[one] for one in alive} == {"complete"}


@pytest.mark.parametrize("count", [1, 5, 30, 49, 60])
def test_hyperband_has_as_many_trials_as_asked_for(count):
    schedule = Hyperband(27, count)
    planned = schedule.planned
    stages, ended = run(schedule, lambda trial, epochs: trial, 0)
    assert sorted(ended) == list(range(count))
    reached = dict.fromkeys(range(count), 0)
    cost = 0
    for stage in sorted(stages, key=lambda one: one.epochs):
        cost += stage.epochs - reached[stage.trial]
        reached[stage.trial] = stage.epochs
    assert cost == planned


def test_a_rung_where_all_failed_ends_its_bracket():
    stages, ended = run(Hyperband(9, 9), lambda trial, epochs: math.nan, 0)
    assert len(stages) == 9
    assert set(ended.values()) == {"pruned"}


def test_a_trial_waits_for_those_that_it_learns_from():
    schedule = Flat(6, 10, lag=2)
    first, second = schedule.next(), schedule.next()
    assert (first, second, schedule.next()) == (Stage(0, 10), Stage(1, 10), None)
    schedule.take(second, 0.0)
    assert schedule.next() is None  # it is the first that is waited for
    schedule.take(first, 0.0)
    assert [schedule.next(), schedule.next(), schedule.next()] == [Stage(2, 10), Stage(3, 10), None]
    free = Flat(3, 10, lag=None)
    assert [free.next() for _ in range(4)] == [Stage(0, 10), Stage(1, 10), Stage(2, 10), None]


def test_without_a_count_there_is_no_end():
    stages, _ = run(Flat(None, 3, None), lambda trial, epochs: trial, 0, most=200)
    assert len(stages) == 200
    assert Flat(None, 3, None).planned is None


def test_a_bracket_begins_when_the_one_before_is_at_its_last_rung():
    schedule = Hyperband(9)
    open_stages = [schedule.next() for _ in range(9)]
    assert schedule.next() is None
    for rung in ((1, 3), (3, 9)):
        for stage in open_stages:
            assert stage.epochs == rung[0]
            assert not any(state == "complete" for _, state in schedule.take(stage, stage.trial))
        count = 3 if rung[1] == 3 else 1
        open_stages = [schedule.next() for _ in range(count)]
        assert {stage.epochs for stage in open_stages} == {rung[1]}
    second = [schedule.next() for _ in range(5)]  # beside the last rung of the first
    assert {(stage.bracket, stage.epochs) for stage in second} == {(1, 3)}
    for stage in second:
        schedule.take(stage, 0.0)
    last = schedule.next()
    assert (last.bracket, last.epochs) == (1, 9)
    assert schedule.next() is None  # two are under way
    assert schedule.take(open_stages[0], 0.0) == [(open_stages[0].trial, "complete")]
    assert schedule.next().bracket == 2


def test_a_bracket_waits_for_all_but_the_last_one():
    schedule, running, late = Hyperband(27, 100), [], None
    while (stage := schedule.next()) is not None or running:
        if stage is not None:
            running.append(stage)
            if late is None and stage.bracket == 0 and stage.epochs == 27:
                late = running.pop()
            continue
        one = running.pop(0)
        schedule.take(one, float(one.trial))
    assert {one.number for one in schedule._runs} == {0}
    schedule.take(late, 0.0)
    assert schedule.next().bracket == 2
