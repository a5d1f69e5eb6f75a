"""The networks of a table are trained one a core, with the same result on any number of cores."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from tests.estimators import tables

from chainrule import random
from chainrule.data import as_table
from chainrule.engine import threads_at_most
from chainrule.errors import TrainingError
from chainrule.estimators import Keeper, TableSettings, fit_table, plan_table
from chainrule.estimators.fit import prepared

QUICK = {"epochs": 6, "members": 3, "hidden": (16,), "learning_rate": 0.01}


def planned(**settings):
    return plan_table(tables.table(only=tables.XOR), "same", TableSettings(**QUICK | settings))


def weights(model):
    return [member.parameters.flat.tobytes() for member in model.members]


@pytest.mark.parametrize("score", [None, lambda truth, answers, weights: float(answers[0, 0])])
def test_threads_change_neither_weights_nor_history(score):
    found = []
    for threads in (1, 2, 3):
        with threads_at_most(threads):
            found.append(fit_table(planned(), score=score))
    for other in found[1:]:
        assert weights(other) == weights(found[0])
        assert other.history == found[0].history
        assert other.validation.answers.tobytes() == found[0].validation.answers.tobytes()
    assert [row["member"] for row in found[0].history] == [0] * 6 + [1] * 6 + [2] * 6


def test_two_networks_are_trained_at_the_same_time():
    both = threading.Barrier(2, timeout=60)

    def meet(truth, answers, weights):
        both.wait()
        return 0.0

    with threads_at_most(2):
        assert fit_table(planned(members=2, epochs=2), score=meet).epochs == 4


def test_the_watcher_is_told_by_one_network_at_a_time():
    busy, shares = threading.Lock(), []

    def watch(progress):
        assert busy.acquire(blocking=False)
        assert progress.member in progress.running
        shares.append(progress.share)
        time.sleep(0.005)  # long enough for another network to come
        busy.release()

    with threads_at_most(3):
        fit_table(planned(), watch=watch)
    assert len(shares) == 18
    assert 0 < min(shares) <= max(shares) == 1.0
    assert shares.index(1.0) == 17


def test_what_was_stopped_shows_how_much_is_left(tmp_path):
    path, plan = tmp_path / "checkpoint.safetensors", planned(members=1, epochs=1000, patience=1000)
    shares = []

    def until_kept(progress):
        time.sleep(0.01)
        if path.exists():
            raise LookupError

    def first(progress):
        time.sleep(0.01)  # each epoch takes at least as long
        shares.append(progress.share)
        if len(shares) == 2:
            raise LookupError

    for watch in (until_kept, first):
        with pytest.raises(LookupError):
            fit_table(plan, watch=watch, keeper=Keeper(path, {}))
    assert len(Keeper(path, {}).history) < 200
    assert 0 < shares[1] < 0.75


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_loss_that_is_not_finite_gives_the_sentence_of_the_first_network(threads):
    plan = plan_table(
        tables.table(only=tables.PRICE), "price", TableSettings(**QUICK | {"learning_rate": 1e30})
    )
    with threads_at_most(1), pytest.raises(TrainingError) as alone:
        fit_table(plan)
    with threads_at_most(threads), pytest.raises(TrainingError, match="^the loss is ") as error:
        fit_table(plan)
    assert str(error.value) == str(alone.value)


def test_an_error_of_the_watcher_goes_on_to_the_caller():
    def watch(progress):
        message = "no space left"
        raise OSError(message)

    with threads_at_most(2), pytest.raises(OSError, match="^no space left$"):
        fit_table(planned(), watch=watch)


@pytest.mark.parametrize("threads, kept", [(1, 1), (2, 2)])
def test_ctrl_c_keeps_every_network_that_has_done_an_epoch(threads, kept):
    met, sent = set(), []

    def watch(progress):
        met.add(progress.member)
        if len(met) == kept and progress.epoch >= 2 and not sent:
            sent.append(os.kill(os.getpid(), signal.SIGINT))

    with threads_at_most(threads):
        model = fit_table(planned(epochs=100_000, patience=100_000), watch=watch)
    assert model.interrupted
    assert len(model.members) == kept
    assert {row["member"] for row in model.history} == set(range(kept))
    assert np.isfinite(model.predict(tables.table(only=tables.XOR)).probabilities).all()


def test_the_weights_that_ctrl_c_keeps_are_the_best_so_far():
    def watch(progress):
        if progress.epoch == 4:  # once
            os.kill(os.getpid(), signal.SIGINT)

    settings = {"members": 1, "patience": 100_000}
    scores = scores_in_turn([0.0, 5.0, *[1.0] * 100_000])
    stopped = fit_table(planned(**settings, epochs=100_000), watch=watch, score=scores)
    second = fit_table(planned(**settings, epochs=2), score=scores_in_turn([0.0, 1.0]))
    first = fit_table(planned(**settings, epochs=2), score=scores_in_turn([1.0, 0.0]))
    assert stopped.interrupted
    assert weights(stopped) == weights(second) != weights(first)


def scores_in_turn(values):
    waiting = iter(values)
    return lambda truth, answers, weights: next(waiting)


def test_ctrl_c_before_an_epoch_is_done_goes_on_to_the_caller():
    column = np.linspace(0, 1, 4000)
    plan = plan_table(
        as_table({"x": column, "y": column**2}), "y",
        TableSettings(hidden=(2048, 2048), batch_size=1, members=2),
    )  # fmt: skip
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    with threads_at_most(2), pytest.raises(KeyboardInterrupt):
        fit_table(plan)


@pytest.mark.parametrize(
    "threads, due", [(1, [1, 2, 3, 4]), (2, [2, 2, 4, 4]), (3, [2, 2, 2, 4]), (8, [4, 4, 4, 4])]
)
def test_networks_of_one_time_share_the_limit(threads, due):
    with threads_at_most(threads):
        run = prepared(planned(members=4, time_limit=4.0))
    assert [run.due(member) for member in range(4)] == due


def test_every_network_of_one_time_does_an_epoch_however_short_the_time():
    with threads_at_most(2):
        model = fit_table(planned(members=4, time_limit=1e-9))
    assert [row["epoch"] for row in model.history] == [1] * len(model.members)
    assert len(model.members) >= 1


def test_a_model_carries_no_trace_of_its_training_rows():
    model = fit_table(planned())
    for member in model.members:
        assert member.history is None
        assert member.row_numbers is None
    assert len(model.history) == 18


OVERLAPPING = """
import threading
import numpy as np
from threadpoolctl import threadpool_info
from chainrule.data import as_table
from chainrule.estimators import Keeper, TableSettings, fit_table, plan_table

def blas():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

table = as_table({"x": [float(i % 7) for i in range(60)], "y": ["a", "b", "a"] * 20})
begun = [threading.Event(), threading.Event()]
over = threading.Event()

def fit(number, waits):
    def score(truth, answers, weights):
        begun[number].set()
        assert waits.wait(60)
        return 0.0
    fit_table(plan_table(table, "y", TableSettings(epochs=1, members=1)), score=score)
    if number == 0:
        over.set()

before = blas()
threads = [threading.Thread(target=fit, args=one) for one in ((0, begun[1]), (1, over))]
threads[0].start()
assert begun[0].wait(60)
threads[1].start()
[one.join() for one in threads]
print(before, blas(), sep="; ")
"""


@pytest.mark.skipif(not random.has_native(), reason="the NumPy engine computes with BLAS")
def test_fits_in_a_user_s_threads_leave_blas_its_threads():
    done = subprocess.run(
        [sys.executable, "-c", OVERLAPPING], capture_output=True, text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.strip().split("; ")
    assert before == after
