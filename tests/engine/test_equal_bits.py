"""The same bits for every number of threads, instruction set, batch, and split of a run."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tests.engine.networks import Plan, Trial, as_graph, as_trial, as_update, on_engine
from tests.engine.test_random_networks import plans, same_bits

from chainrule import graph as g
from chainrule.engine import Graph, compile  # noqa: A004
from chainrule.errors import DataError
from chainrule.graph import Rows, ops

native = pytest.importorskip("chainrule._native")
SETS = native.instruction_sets()
# Rows and widths that no vector, tile or chunk divides; steps long enough for threads.
DEEP = Plan(
    columns=67,
    layers=((193, "relu", "embed"), (101, "tanh", "centered"), (35, "softmax", "split")),
    loss="classes",
    outputs=5,
    rate=0.2,
)
WIDE = Plan(
    columns=515, layers=((131, "sigmoid", "plain"),), loss="weighted", outputs=37,
    optimizer="reduced",
)  # fmt: skip
CURVED = Plan(
    columns=131,
    layers=((120, "elu", "plain"), (99, "gelu", "twice"), (70, "bent", "plain"),
            (35, "chosen", "split")),
    loss="binary",
    outputs=5,
)  # fmt: skip
PLANS = {"deep": DEEP, "wide": WIDE, "curved": CURVED}
each_plan = pytest.mark.parametrize("name", PLANS)
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture
def threads(monkeypatch):
    """Sets how many threads a run may use."""

    def at(count):
        monkeypatch.setattr("chainrule.engine.executor.thread_count", lambda: count)

    at(1)
    return at


def prepared(name, dtype):
    plan = replace(PLANS[name], dtype=dtype)
    graph = as_graph(plan)
    program = compile(graph, "native")
    assert program.executor.work(130) > 5e6, "too small for threads"
    return program, as_trial(plan, graph, rows=150, batch_size=130, visits=390)


@each_plan
@each_type
def test_threads_and_instruction_sets_change_no_bit(threads, name, dtype):
    program, trial = prepared(name, dtype)
    expected = trial.run(program)
    assert expected[0].stopped is None
    for instructions in SETS:
        on_set = on_engine(program.tape, "native", instructions)
        for count in (1, 2, 3, 4):
            threads(count)
            assert same_bits(trial.run(on_set), expected), (instructions, count)


def of_everything(dtype):
    """Every kind of step that threads share, on arrays that are cut into several pieces."""
    x = g.input_node("x", (Rows(), 700), dtype)
    labels = g.input_node("labels", (Rows(),), "int32")
    seed, step = (g.input_node(name, (), "uint64") for name in ("seed", "step"))
    w = g.parameter("w", (700, 40), dtype)
    row = g.parameter("row", (700,), dtype)
    mask = ops.dropout_mask(seed, step, shape=x.shape, rate=0.3, stream=2, dtype=dtype)
    y = ops.tanh(x * row - x.sum(axis=1, keepdims=True)) * mask + ops.maximum(x, x.sum(axis=0))
    table = ops.scatter_add(y, labels, length=9)
    entropy = ops.softmax_cross_entropy(y, ops.one_hot(labels, depth=700, dtype=dtype))
    results = {
        "runs": y,
        "sums": x + y.sum(axis=0) + ops.transpose(y).sum(axis=1),
        "extremes": x + ops.max(y, axis=0) - ops.min(y, axis=1, keepdims=True),
        "shares": ops.softmax(y) + ops.log_softmax(y) + ops.softmax(y, axis=0),
        "scattered": ops.gather(table, labels),
        "product": ops.sigmoid(y @ w),
        "mask": mask,
        "entropy": entropy,
        "order": x,
    }
    loss = entropy.sum() + ops.squared_error(y @ w, 0.5).sum() * 1e-3
    update = as_update("amsgrad", 700 * 41, dtype)
    graph = Graph((x, labels, seed, step), (w, row), results, loss, update)
    random = np.random.default_rng(3)
    parameters = 0.05 * random.normal(size=700 * 41).astype(dtype)
    return graph, Trial(
        {"x": random.normal(size=(450, 700)).astype(dtype),
         "labels": random.integers(0, 9, 450).astype(np.int32)},
        parameters, [np.zeros_like(parameters) for _ in range(3)], np.full((2, 1), 1e-4),
        random.integers(0, 450, 799), 400,
    )  # fmt: skip


@each_type
def test_every_way_to_share_work_changes_no_bit(threads, dtype):
    graph, trial = of_everything(dtype)
    program = compile(graph, "native")
    assert program.executor.work(399) > 5e6
    expected = trial.run(program)
    for instructions in SETS:
        on_set = on_engine(program.tape, "native", instructions)
        for count in (2, 3, 4):
            threads(count)
            assert same_bits(trial.run(on_set), expected), (instructions, count)
    told, *_ = trial.run(compile(graph, "numpy"))
    for name, array in told.results.items():
        scale = 1e-4 if dtype == "float32" else 1e-12
        found = expected[0].results[name]
        np.testing.assert_allclose(found, array, rtol=scale, atol=scale * abs(array).max())


THREADS_OF_PROCESS = """
import os
from tests.engine.test_equal_bits import PLANS, as_graph, as_trial, compile, replace

def threads():
    return len(os.listdir("/proc/self/task"))

plan = PLANS["deep"]
graph = as_graph(plan)
program, found = compile(graph, "native"), [threads()]
for batch_size in (10, 130):
    as_trial(plan, graph, rows=150, batch_size=batch_size).run(program)
    found.append(threads() - found[0])
print(found[1:])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says how many threads there are")
@pytest.mark.parametrize("count", [1, 2, 4])
def test_large_steps_have_the_threads_that_are_asked_for_and_small_ones_none(count):
    # how these threads share the work is a test of the pool, in C++
    environment = os.environ | {"CHAINRULE_NUM_THREADS": str(count), "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    run = subprocess.run(
        [sys.executable, "-c", THREADS_OF_PROCESS],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == str([0, count - 1])


def predicting(plan):
    """A program that predicts, and its data and parameters."""
    graph = as_graph(plan)
    only = Graph(
        tuple(node for node in graph.inputs if node.name in ("x", "codes")),
        graph.parameters,
        {"prediction": graph.results["prediction"]},
    )
    trial = as_trial(plan, graph, rows=150)
    data = {name: trial.arrays[name] for name in ("x", "codes") if name in trial.arrays}
    return compile(only, "native"), data, trial.parameters


@each_type
@pytest.mark.parametrize("activation", ["relu", "softmax", "gauss"])
def test_a_row_alone_is_the_row_in_any_batch(threads, activation, dtype):
    program, data, parameters = predicting(Plan(
        columns=515,
        layers=((193, activation, "embed"), (67, "tanh", "members"), (16, "sigmoid", "split")),
        loss="classes", outputs=5, dtype=dtype,
    ))  # fmt: skip
    expected = program.run(data, parameters, batch_size=1).results["prediction"]
    assert len(np.unique(expected[:, 0])) > 100
    order = np.random.default_rng(0).permutation(150)
    for batch_size in (2, 7, 16, 31, 64, 149, 150, 10**6):
        threads(1 + batch_size % 3)
        found = program.run(data, parameters, batch_size=batch_size).results["prediction"]
        assert found.tobytes() == expected.tobytes(), batch_size
        found = program.run(data, parameters, order=order, batch_size=batch_size)
        assert found.results["prediction"].tobytes() == expected[order].tobytes(), batch_size


@settings(max_examples=60)
@given(
    plans.filter(lambda plan: all(branch != "centered" for _, _, branch in plan.layers)),
    st.integers(1, 40), st.integers(1, 45), st.integers(1, 45),
)  # fmt: skip
def test_predictions_do_not_depend_on_the_batch(plan, rows, one, other):
    program, data, parameters = predicting(replace(plan, rate=0.0))
    data = {name: array[:rows] for name, array in data.items()}
    left = program.run(data, parameters, batch_size=one).results["prediction"]
    right = program.run(data, parameters, batch_size=other).results["prediction"]
    assert left.tobytes() == right.tobytes()


@each_plan
def test_one_call_is_many_calls_and_memory_that_was_used_changes_nothing(name):
    program, trial = prepared(name, "float32")
    expected = trial.run(program)
    fresh = on_engine(program.tape, "native")
    for rows in (1, 9, 64, 130):  # other numbers of rows before, so that memory is not as new
        trial.in_batches(rows).run(fresh)
    parameters, slots = trial.parameters.copy(), [slot.copy() for slot in trial.slots]
    for step in range(3):
        fresh.run(
            trial.arrays, parameters, order=trial.order[130 * step : 130 * step + 130],
            batch_size=130, slots=slots, lines=trial.lines[step : step + 1], seed=trial.seed,
            step=trial.step + step,
        )  # fmt: skip
    assert parameters.tobytes() == expected[1].tobytes()
    assert [slot.tobytes() for slot in slots] == [slot.tobytes() for slot in expected[2]]


def apart(rows=600, width=300):
    """A program without an update, whose batches threads take whole, and its data."""
    x = g.input_node("x", (Rows(), width), "float32")
    codes = g.input_node("codes", (Rows(),), "int32")
    w = g.parameter("w", (width, width), "float32")
    table = g.parameter("table", (7, width), "float32")
    y = ops.tanh(x @ w) + ops.gather(table, codes)
    program = compile(Graph((x, codes), (w, table), {"y": y}, ops.sum(y * x)), "native")
    random = np.random.default_rng(1)
    arrays = {
        "x": random.normal(size=(rows, width)).astype(np.float32),
        "codes": random.integers(0, 7, rows).astype(np.int32),
    }
    return program, arrays, random.normal(size=width * (width + 7)).astype(np.float32)


def test_batches_taken_whole_by_threads_end_where_one_after_the_other_would(threads):
    program, arrays, parameters = apart()
    expected = program.run(arrays, parameters, batch_size=16)
    assert expected.stopped is None
    for bad in ([599], [208, 215, 400, 590], [0]):
        damaged = {name: array.copy() for name, array in arrays.items()}
        damaged["x"][bad] = np.inf
        for count in (1, 2, 3, 4):
            threads(count)
            found = program.run(damaged, parameters, batch_size=16)
            assert found.stopped == bad[0] // 16
            assert found.rows.sum() == min((bad[0] // 16 + 1) * 16, 600)
            before = bad[0] // 16 * 16
            assert found.results["y"][:before].tobytes() == expected.results["y"][:before].tobytes()


def test_an_error_in_a_thread_is_that_of_the_first_batch(threads):
    program, arrays, parameters = apart()
    arrays["codes"][[300, 333, 599]] = [9, 8, 7]
    for count in (1, 2, 3, 4):
        threads(count)
        with pytest.raises(DataError, match="got 9"):
            program.run(arrays, parameters, batch_size=16)
    arrays["codes"][[300, 333, 599]] = 0
    program.run(arrays, parameters, batch_size=16)
