"""Long calls of the native engine: other threads go on, Ctrl-C waits for its steps."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.engine.networks import Plan, as_graph, as_trial, on_engine
from tests.engine.test_random_networks import same_bits

import chainrule as cr
from chainrule import graph as g
from chainrule.engine import Graph, compile, threads_at_most  # noqa: A004
from chainrule.errors import DataError, EngineError
from chainrule.graph import Rows, ops

native = pytest.importorskip("chainrule._native")
PLAN = Plan(columns=30, layers=((64, "tanh", "plain"), (64, "relu", "plain")), rate=0.1)


def long_run(seconds=0.4):
    """A program and a trial of one call that takes about as long."""
    graph = as_graph(PLAN)
    program = compile(graph, "native")
    trial = as_trial(PLAN, graph, rows=64, batch_size=32, visits=640)
    began = time.perf_counter()
    trial.run(program)
    times = max(1, int(seconds / (time.perf_counter() - began)))
    return program, replace(
        trial, order=np.tile(trial.order, times), lines=np.tile(trial.lines, (times, 1)) / times
    )


LIVES_ON = """
import ctypes
import numpy as np
import chainrule as cr
model = cr.Sequential([cr.layers.Input((3,)), cr.layers.Dense(1)], seed=1)
model.compile("adam", "mse")
model.fit(np.eye(3), np.ones(3), verbose=0)
ctypes.pythonapi.Py_IncRef(ctypes.py_object(model))
"""


def test_a_model_that_lives_to_the_end_of_the_process_is_not_told_of():
    """As where a traceback that nobody takes away holds one."""
    run = subprocess.run(
        [sys.executable, "-c", LIVES_ON], capture_output=True, text=True, timeout=60
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_other_threads_go_on_while_a_call_runs():
    program, trial = long_run()
    seen, done = [], threading.Event()

    def look():
        while not done.is_set():
            seen.append(time.perf_counter())
            time.sleep(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    began = time.perf_counter()
    trial.run(program)
    ended = time.perf_counter()
    done.set()
    watcher.join()
    quarter = (ended - began) / 4
    assert sum(began + quarter < moment < ended - quarter for moment in seen) > 5


def test_ctrl_c_is_raised_after_the_call_and_no_step_is_half_made():
    program, trial = long_run()
    expected = trial.run(program)
    parameters, slots = trial.parameters.copy(), [slot.copy() for slot in trial.slots]

    def press():
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    with pytest.raises(KeyboardInterrupt):
        pressing.start()
        program.run(
            trial.arrays, parameters, order=trial.order, batch_size=trial.batch_size, slots=slots,
            lines=trial.lines, seed=trial.seed, step=trial.step,
        )  # fmt: skip
        time.sleep(5)
    pressing.join()
    assert parameters.tobytes() == expected[1].tobytes()
    assert [one.tobytes() for one in slots] == [one.tobytes() for one in expected[2]]
    assert same_bits(trial.run(program), expected)


def test_ctrl_c_ends_a_long_run_without_updates():
    x, w = g.input_node("x", (Rows(), 256), "float32"), g.parameter("w", (256, 256), "float32")
    program = compile(Graph((x,), (w,), {"sum": ops.tanh(ops.tanh(x @ w) @ w).sum()}), "native")
    data, weights = np.ones((1000, 256), "f4"), np.ones(256 * 256, "f4")
    order = np.arange(100_000) % 1000
    began = time.perf_counter()
    program.run({"x": data}, weights, order=order, batch_size=1000)
    times = int(20 / (time.perf_counter() - began)) + 1
    order = np.tile(order, times)
    began = time.perf_counter()
    pressing = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        pressing.start()
        program.run({"x": data}, weights, order=order, batch_size=1000)
    assert time.perf_counter() - began < 12  # of 20 or more
    pressing.join()
    assert program.run({"x": data}, weights).rows.tolist() == [1000]


def test_threads_share_a_program_whose_steps_are_shared_by_threads():
    plan = replace(PLAN, columns=200, layers=((300, "tanh", "plain"),))
    graph = as_graph(plan)
    program = compile(graph, "native")
    assert program.executor.work(100) > 5e6
    trials = [as_trial(plan, graph, rows=100, batch_size=100 - s, seed=s) for s in range(3)]
    with threads_at_most(1):
        alone = [trial.run(program) for trial in trials]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda trial: trial.run(program), trials * 4))
    assert all(same_bits(one, other) for one, other in zip(alone * 4, together, strict=True))


def test_threads_that_see_a_number_of_rows_for_the_first_time_at_once():
    graph = as_graph(PLAN)
    tape, trial = compile(graph, "native").tape, as_trial(PLAN, graph, rows=40)
    trials = [trial.in_batches(size) for size in (7, 8, 9, 40)]
    expected = [trial.run(on_engine(tape, "native")) for trial in trials]
    fresh = on_engine(tape, "native")
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda trial: trial.run(fresh), trials * 8))
    assert all(same_bits(one, other) for one, other in zip(together, expected * 8, strict=True))


def test_memory_of_many_numbers_of_rows_is_let_go():
    graph = as_graph(PLAN)
    program, trial = compile(graph, "native"), as_trial(PLAN, graph, rows=60)
    before = trial.run(program)
    for size in range(1, 50):
        trial.in_batches(size).run(program)
    assert same_bits(trial.run(program), before)
    small, large = (program.executor.arena_bytes(rows) for rows in (10, 1000))
    assert small < large < 1000 * small


def wide(units=1000, optimizer="adam"):
    """100-units-units-10, compiled."""
    layers = cr.layers
    model = cr.Sequential(
        [layers.Input((100,)), *(layers.Dense(units, "relu") for _ in range(2)),
         layers.Dense(10, "softmax")], seed=1,
    )  # fmt: skip
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


FEW = np.linspace(-1.0, 1.0, 3200, dtype=np.float32).reshape(32, 100)
LABELS = np.arange(32) % 10


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
def test_memory_of_a_step_is_that_of_its_activations_and_gradients(optimizer):
    model = wide(optimizer=optimizer)
    activations = 32 * (100 + 1000 + 1000 + 10) * 4
    executor = model.trainer.task.program("step").executor
    assert executor.arena_bytes(32) < 4 * model.count_params() + 3 * activations


def test_a_call_takes_the_memory_of_the_last_one():
    resource = pytest.importorskip("resource")
    faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt  # noqa: E731
    model = wide()
    for _ in range(3):
        model.train_on_batch(FEW, LABELS)
    before = faults()
    for _ in range(20):
        model.train_on_batch(FEW, LABELS)
    assert faults() - before < 20 * 100  # of some 1200 pages


MANY_WIDTHS = """
import gc
from tests.engine.test_native import FEW, LABELS, wide

def taken():  # memory of its own that the process has, whether the system keeps it in memory or not
    with open("/proc/self/statm") as file:
        return int(file.read().split()[5]) * 4096

def use(units):
    model = wide(units)
    model.fit(FEW, LABELS, verbose=0, validation_split=0.25)
    model.predict(FEW)

for units in range(500, 600, 20):
    use(units)
before = taken()
for units in range(600, 800, 5):
    use(units)
    gc.collect()
print(taken() - before)
"""


def test_memory_of_models_that_are_gone_is_let_go():
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not say how much memory a process has")
    run = subprocess.run(
        [sys.executable, "-c", MANY_WIDTHS], capture_output=True, text=True, timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 40e6  # of 40 models with 2 to 3 MB of gradients


def test_whole_numbers_of_numpy_and_batches_as_large_as_can_be():
    graph = as_graph(PLAN)
    program, trial = compile(graph, "native"), as_trial(PLAN, graph, rows=9, batch_size=18)
    expected = trial.run(program)
    for size in (np.int64(18), np.int32(18), 19, 2**31, 2**63 - 1):
        assert same_bits(replace(trial, batch_size=size).run(program), expected)
    given = replace(trial, seed=np.uint64(trial.seed), step=np.int32(trial.step))
    assert same_bits(given.run(program), expected)


def test_bad_data_in_the_midst_of_a_run_leaves_a_program_that_works():
    x = g.input_node("x", (Rows(),), "int32")
    table = g.parameter("table", (5, 2), "float32")
    graph = Graph((x,), (table,), {"y": ops.gather(table, x)})
    program = compile(graph, "native")
    values, at = np.arange(10.0, dtype="f4"), np.array([4, 0, 3, 1], "i4")
    for wrong in (5, -1, 2**31 - 1, -(2**31)):
        bad = np.array([*at, wrong, 0], "i4")
        sentence = f"gather: positions must be from 0 to below 5, got {wrong}"
        with pytest.raises(DataError, match=sentence):
            program.run({"x": bad}, values, batch_size=2)
        found = program.run({"x": at}, values, batch_size=2).results["y"]
        np.testing.assert_array_equal(found, values.reshape(5, 2)[at])


def test_what_is_refused_says_what_to_do():
    x = g.input_node("x", (Rows(), 2), "int16")
    graph = Graph((x,), (), {"y": ops.cast(x, dtype="float32")})
    sentence = "the native engine has no numbers of type 'int16'; use engine=\"numpy\"."
    with pytest.raises(EngineError, match=sentence):
        compile(graph, "native")
    data = np.array([[1, -2]], np.int16)
    assert compile(graph).run({"x": data}, np.zeros(0)).results["y"].tolist() == [[1.0, -2.0]]
