"""Ctrl-C: a real process, a real signal; parameters stand between two steps."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from chainrule import random
from chainrule.layers import Dense, Stack
from chainrule.training import Trainer
from chainrule.training.interruption import uninterrupted

SCRIPT = """
import sys, json
import numpy as np
from chainrule import random
from chainrule.layers import Dense, Stack
from chainrule.training import Callback, Trainer

X = random.normal(1, 0, 0, 40_000).reshape(2000, 20)
Y = X[:, :1]

def make():
    layers = [Dense(50, "tanh"), Dense(1)]
    return Trainer(Stack(layers, (20,)), "mse", "adam", dtype="float64", seed=3)

class Says(Callback):
    ended = 0
    def on_train_begin(self, logs=None):
        print("begun", flush=True)
    def on_train_end(self, logs=None):
        Says.ended += 1

one = make()
try:
    one.fit(X, Y, batch_size=10, epochs=100_000, callbacks=[Says()])
except KeyboardInterrupt:
    interrupted = True
else:
    interrupted = False
steps = one.iterations

# the same steps without a signal
other, left, epoch = make(), steps, 0
while left:
    order = random.permutation(3, 0, epoch, 2000)
    data = other.data(X, Y)
    rows = order[: 10 * min(left, 200)]
    other.step(data, rows, 10)
    left -= min(left, 200)
    epoch += 1
same = bool((one.parameters.flat == other.parameters.flat).all())
slots = all((a == b).all() for a, b in zip(one.optimizer.slots, other.optimizer.slots))
one.fit(X, Y, batch_size=10, epochs=1)
counted = one.epochs - 1 == steps // 200
print(json.dumps(
    [interrupted, Says.ended, steps, same, bool(slots), counted, one.iterations - steps]))
"""


def test_ctrl_c_stops_between_steps_and_is_passed_on():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "begun\n"
        threading.Event().wait(1.0)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    interrupted, ended, steps, same, slots, counted, more = json.loads(out)
    assert process.returncode == 0
    assert interrupted
    assert ended == 1
    assert steps > 0
    assert same
    assert slots
    assert counted
    assert more == 200


def test_the_signal_waits_for_the_end_of_the_block():
    finished = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        finished.append(True)
    assert finished == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_step_that_was_made_is_counted_though_ctrl_c_came(monkeypatch):
    X = random.normal(1, 0, 0, 40).reshape(20, 2)
    one, other = (Trainer(Stack([Dense(1)], (2,)), "mse", "adam", seed=3) for _ in range(2))
    run = one.task.run

    def interrupted(*arguments, **settings):
        ran = run(*arguments, **settings)
        os.kill(os.getpid(), signal.SIGINT)
        return ran

    monkeypatch.setattr(one.task, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.train_on_batch(X, X[:, 0])
    other.train_on_batch(X, X[:, 0])
    assert one.iterations == other.iterations == 1
    assert (one.parameters.flat == other.parameters.flat).all()


def test_an_error_does_not_swallow_the_signal():
    def fail():
        os.kill(os.getpid(), signal.SIGINT)
        raise LookupError

    with pytest.raises(KeyboardInterrupt) as raised, uninterrupted():
        fail()
    assert isinstance(raised.value.__context__, LookupError)
    with pytest.raises(LookupError), uninterrupted():
        raise LookupError


def test_a_second_signal_does_not_wait():
    finished = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        finished.append(True)
    assert not finished


def test_handlers_of_ones_own_are_left_alone():
    came = []
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            assert came == [True]
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_left_alone():
    ran = []

    def work():
        with uninterrupted():
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [True]
