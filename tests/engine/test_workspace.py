"""Memory that is kept between runs: the same bits, never another's parameters.

The NumPy engine keeps it in a workspace, the native engine for itself.
"""

import threading

import numpy as np
import pytest

from chainrule import random
from chainrule.engine import workspace as rooms
from chainrule.layers import Dense, Dropout, Stack
from chainrule.training import Trainer

X = random.normal(1, 0, 0, 90).reshape(30, 3)
Y = X.sum(axis=1)


def trainer(engine="numpy"):
    network = Stack([Dense(4, "tanh"), Dropout(0.3), Dense(1)], (3,))
    return Trainer(network, "mse", "adam", seed=4, engine=engine)


def idle(trainer, kind):
    [found] = [space for key, (_, space) in trainer.task.programs.items() if key[0] == kind]
    return found._idle


def forget(trainer):
    trainer.task.programs.clear()


def test_kept_memory_changes_no_bit(engine):
    kept, fresh = trainer(engine), trainer(engine)
    for rows in (30, 7, 30, 12, 7, 5, 4, 3):
        kept.train_on_batch(X[:rows], Y[:rows])
        forget(fresh)
        fresh.train_on_batch(X[:rows], Y[:rows])
        assert (kept.predict(X[:rows]) == fresh.predict(X[:rows])).all()
    assert (kept.parameters.flat == fresh.parameters.flat).all()


def test_a_run_takes_the_memory_of_the_last_one():
    one = trainer()
    one.train_on_batch(X, Y)
    [first] = idle(one, "step")
    one.train_on_batch(X, Y)
    assert idle(one, "step") == [first]


def test_few_are_kept_and_no_large_ones(monkeypatch):
    one = trainer()
    for rows in range(1, 20):
        one.predict(X[:rows])
    assert len(idle(one, "predict")) == rooms.MOST_IDLE
    forget(one)
    monkeypatch.setattr(rooms, "MOST_BYTES", 100)
    one.predict(X)
    assert not idle(one, "predict")


def test_memory_bound_to_arrays_of_the_past_is_let_go():
    one = trainer()
    space, program = rooms.Workspace(), one.task.program("predict", one.data(X, Y).variant)
    data = {"input/input": X.astype(np.float32)}
    flat = one.parameters.flat
    before = program.run(data, flat, workspace=space).results["dense_1"]
    after = program.run(data, flat * 2, workspace=space).results["dense_1"]
    assert not np.array_equal(before, after)
    assert len(space._idle) == 1
    assert (program.run(data, flat, workspace=space).results["dense_1"] == before).all()


def test_changed_parameters_are_seen(engine):
    one = trainer(engine)
    one.predict(X)
    one.set_weights([array * 0 for array in one.get_weights()])
    assert (one.predict(X) == 0).all()


def test_a_stop_at_a_loss_that_is_not_finite_leaves_memory_that_works(engine):
    one, other = trainer(engine), trainer(engine)
    bad = one.data(X, Y)
    bad.arrays["target/dense_1"][0] = np.inf
    assert one.step(bad, np.arange(30), 30).stopped == 0
    one.train_on_batch(X, Y)
    other.train_on_batch(X, Y)
    assert (one.parameters.flat == other.parameters.flat).all()


@pytest.mark.timeout(60)
def test_threads_share_a_workspace(engine):
    one, wrong = trainer(engine), []
    wanted = [one.predict(X[:rows]) for rows in range(1, 7)]

    def work():
        for _ in range(30):
            for rows, expected in enumerate(wanted, 1):
                if not np.array_equal(one.predict(X[:rows]), expected):
                    wrong.append(rows)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
