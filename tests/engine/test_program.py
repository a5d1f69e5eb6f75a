"""Programs over data: row order, batches, inputs that do not fit, the stop, and threads."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.networks import Plan, as_graph, as_trial

from chainrule import graph as g, random
from chainrule.engine import Graph, Update, compile  # noqa: A004
from chainrule.errors import DataError, EngineError, SettingError, ShapeError
from chainrule.graph import Rows, ops

NOTHING = np.zeros(0)


def gathered(engine, dtype="float64", tail=()):
    """A program that gives back its input, and the sum of each batch."""
    x = g.input_node("x", (Rows(), *tail), dtype)
    number = ops.cast(x, dtype="float64")
    results = {"x": x, "sum": number.sum(), "rows": number.mean() * 0 + 1}
    return compile(Graph((x,), (), results), engine)


def line(loss_of=lambda error: ops.mean(error**2), dtype="float64", state=()):
    """A step of gradient descent with a counter of steps in its slot: w -= rate * dloss/dw."""
    x, y = g.input_node("x", (Rows(), 2), dtype), g.input_node("y", (Rows(),), dtype)
    w = g.parameter("w", (2,), dtype)
    shift = g.parameter("shift", state, dtype, trainable=False)
    weight, gradient, steps = (g.input_node(n, (2,), dtype) for n in ("weight", "gradient", "n"))
    rate = g.input_node("rate", (), dtype)
    update = Update(
        weight, gradient, (steps,), (rate,), weight - rate * gradient, (steps + 1.0,)
    )  # fmt: skip
    return Graph((x, y), (w, shift), {}, loss_of(x @ w + shift.sum() - y), update)


DATA = {"x": np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5], [2.0, 2.0], [-1.0, 4.0]]),
        "y": np.array([1.0, 0.0, 2.0, -1.0, 3.0])}  # fmt: skip


def test_rows_come_in_the_order_that_is_asked_for(engine):
    data = np.arange(20.0)
    order = np.array([3, 3, 19, 0, 7, 11, 2])
    steps = gathered(engine).run({"x": data}, NOTHING, order=order, batch_size=3)
    np.testing.assert_array_equal(steps.results["x"], data[order])
    np.testing.assert_array_equal(steps.results["sum"], [25.0, 18.0, 2.0])
    np.testing.assert_array_equal(steps.rows, [3, 3, 1])
    assert steps.stopped is None


def test_without_an_order_rows_come_as_they_are(engine):
    data = np.arange(10.0)
    steps = gathered(engine).run({"x": data}, NOTHING, batch_size=4)
    np.testing.assert_array_equal(steps.results["x"], data)
    np.testing.assert_array_equal(steps.rows, [4, 4, 2])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
@pytest.mark.parametrize("tail", [(), (3,), (2, 2)])
def test_inputs_of_each_type_and_any_number_of_axes(engine, dtype, tail):
    data = np.random.default_rng(0).integers(0, 200, (9, *tail)).astype(dtype)
    order = np.array([8, 0, 4, 4])
    steps = gathered(engine, dtype, tail).run({"x": data}, NOTHING, order=order, batch_size=3)
    assert steps.results["x"].dtype == dtype
    np.testing.assert_array_equal(steps.results["x"], data[order])


@pytest.mark.parametrize("made", [np.asfortranarray, lambda x: x[:, ::-1], lambda x: x[::2]])
def test_data_may_lie_in_memory_in_any_way(engine, made):
    data = made(np.random.default_rng(0).normal(size=(10, 4)))
    order = np.array([3, 1])
    for given in (order, order.astype(np.uint16), None):
        steps = gathered(engine, tail=(4,)).run({"x": data}, NOTHING, order=given, batch_size=2)
        np.testing.assert_array_equal(
            steps.results["x"], data[order] if given is not None else data
        )


def test_batches_begin_anew_with_each_epoch(engine):
    data = np.arange(5.0)
    order = np.array([4, 0, 1, 2, 3, 1, 1, 4, 3, 2])
    steps = gathered(engine).run({"x": data}, NOTHING, order=order, batch_size=2, epoch_rows=5)
    np.testing.assert_array_equal(steps.results["x"], data[order])
    np.testing.assert_array_equal(steps.results["sum"], [4.0, 3.0, 3.0, 2.0, 7.0, 2.0])
    np.testing.assert_array_equal(steps.rows, [2, 2, 1, 2, 2, 1])
    for size, rows in ((5, [5, 5]), (9, [5, 5]), (1, [1] * 10)):
        run = gathered(engine).run({"x": data}, NOTHING, order=order, batch_size=size, epoch_rows=5)
        np.testing.assert_array_equal(run.rows, rows)
    run = gathered(engine).run({"x": data}, NOTHING, batch_size=2, epoch_rows=1)
    np.testing.assert_array_equal(run.results["sum"], data)


def test_no_rows_are_no_batches(engine):
    for given in ({"order": np.zeros(0, np.int64)}, {}):
        data = DATA if given else {name: array[:0] for name, array in DATA.items()}
        weights = np.array([1.0, 2.0, 3.0])
        steps = compile(line(), engine).run(
            data, weights, slots=[np.zeros(2)], lines=np.zeros((0, 1)), **given
        )
        assert steps.results["loss"].shape == (0,)
        assert steps.rows.shape == (0,)
        assert steps.stopped is None
        np.testing.assert_array_equal(weights, [1.0, 2.0, 3.0])


def test_an_order_without_data_counts_rows(engine):
    w = g.parameter("w", (3,), "float64")
    program = compile(Graph((), (w,), {"sum": w.sum()}), engine)
    weights = np.array([1.0, 2.0, 4.0])
    for order, rows in ((None, [1]), (np.array([9, -1, 7]), [2, 1]), (np.zeros(0, "i8"), [])):
        steps = program.run({}, weights, order=order, batch_size=2)
        assert steps.rows.tolist() == rows
        assert steps.results["sum"].tolist() == [7.0] * len(rows)


def unaligned(array):
    memory = np.empty(array.nbytes + 1, np.uint8)
    made = memory[1:].view(array.dtype).reshape(array.shape)
    made[...] = array
    assert not made.flags.aligned
    return made


def test_what_is_not_aligned_is_copied_or_refused(engine):
    program, weights, slots = compile(line(), engine), np.zeros(3), (np.zeros(2),)
    order, lines = np.array([3, 0, 1]), np.full((2, 1), 0.1)
    program.run(DATA, weights, order=order, batch_size=2, slots=slots, lines=lines)
    again, others = np.zeros(3), (np.zeros(2),)
    program.run(
        DATA, again, order=unaligned(order), batch_size=2, slots=others, lines=unaligned(lines)
    )
    np.testing.assert_array_equal(weights, again)
    for given in ({"parameters": unaligned(np.zeros(3))}, {"slots": (unaligned(np.zeros(2)),)}):
        with pytest.raises(EngineError, match="contiguous and aligned in memory; give a copy"):
            wrong(engine, **given)


def test_lines_and_parameters_that_nothing_reads_are_refused(engine):
    program = gathered(engine)
    with pytest.raises(ShapeError, match=r"lines must have shape \(1, 0\)"):
        program.run({"x": np.zeros(3)}, NOTHING, lines=np.ones((7, 7)))
    with pytest.raises(ShapeError, match=r"parameters must have shape \(0,\), got \(3,\)"):
        program.run({"x": np.zeros(3)}, np.zeros(3))


def wrong(engine, **given):
    arguments = {
        "arrays": DATA, "parameters": np.zeros(3), "slots": [np.zeros(2)],
        "lines": np.zeros((3, 1)), "batch_size": 2,
    } | given  # fmt: skip
    return compile(line(), engine).run(**arguments)


def frozen(size):
    array = np.zeros(size)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"arrays": {"x": DATA["x"]}}, EngineError, "input 'y' is missing"),
        ({"arrays": DATA | {"y": DATA["y"].astype("f4")}}, EngineError,
         "'y' must be float64, got float32"),
        ({"arrays": DATA | {"x": DATA["x"][:, :1]}}, ShapeError,
         r"'x' must have shape \(rows, 2\), got \(5, 1\)"),
        ({"arrays": DATA | {"y": np.float64(1.0)}}, ShapeError, r"got \(\)"),
        ({"arrays": DATA | {"y": DATA["y"][:3]}}, ShapeError, "'x': 5, 'y': 3"),
        ({"parameters": np.zeros(4)}, ShapeError, r"parameters must have shape \(3,\), got \(4,\)"),
        ({"parameters": np.zeros(3, "f4")}, EngineError, "parameters must be float64, got float32"),
        ({"parameters": np.zeros(6)[::2]}, EngineError, "must be contiguous and aligned"),
        ({"parameters": frozen(3)}, EngineError, "parameters are read-only"),
        ({"slots": []}, EngineError, "1 slots, got 0 arrays"),
        ({"slots": [np.zeros(3)]}, ShapeError, r"slot 0 must have shape \(2,\)"),
        ({"slots": [np.zeros(2, "f4")]}, EngineError, "slot 0 must be float64"),
        ({"slots": [frozen(2)]}, EngineError, "slot 0 is read-only"),
        ({"lines": None}, EngineError, "reads 1 scalars a step; give lines"),
        ({"lines": np.zeros((2, 1))}, ShapeError, r"shape \(3, 1\) .*got \(2, 1\)"),
        ({"lines": np.zeros((3, 2))}, ShapeError, r"got \(3, 2\)"),
        ({"lines": np.zeros((1, 3))}, ShapeError, r"shape \(3, 1\) .*got \(1, 3\)"),
        ({"lines": np.zeros(3)}, ShapeError, r"shape \(3, 1\) .*got \(3,\)"),
        ({"parameters": np.zeros((3, 1))}, ShapeError, r"must have shape \(3,\), got \(3, 1\)"),
        ({"parameters": [0.0, 0.0, 0.0]}, EngineError, "must be a NumPy array, got list"),
        ({"slots": (np.zeros((2, 1)),)}, ShapeError, r"slot 0 must have shape \(2,\), got \(2, 1"),
        ({"batch_size": 2.5}, SettingError, "batch_size must be a whole number, got 2.5"),
        ({"batch_size": "3"}, SettingError, "batch_size must be a whole number, got '3'"),
        ({"epoch_rows": "x"}, SettingError, "epoch_rows must be a whole number, got 'x'"),
        ({"seed": 1.5}, SettingError, "seed must be a whole number, got 1.5"),
        ({"step": None}, SettingError, "step must be a whole number, got None"),
        ({"batch_size": 0}, SettingError, "batch_size must be 1 or more, got 0"),
        ({"batch_size": -1}, SettingError, "batch_size must be 1 or more, got -1"),
        ({"epoch_rows": 0}, SettingError, "epoch_rows must be 1 or more .* got 0"),
        ({"epoch_rows": -5}, SettingError, "epoch_rows must be 1 or more .* got -5"),
        ({"epoch_rows": 2}, SettingError, "epoch_rows must .* divide 5 rows, got 2"),
        ({"epoch_rows": 10}, SettingError, "epoch_rows must .* divide 5 rows, got 10"),
        ({"epoch_rows": 1}, ShapeError, r"lines must have shape \(5, 1\) .*got \(3, 1\)"),
        ({"seed": -1}, SettingError, r"seed must be from 0 to 2\*\*64 - 1, got -1"),
        ({"seed": 2**64}, SettingError, "seed must .* got 18446744073709551616"),
        ({"step": -3}, SettingError, r"step must be from 0 to 2\*\*64 - 1, got -3"),
        ({"order": np.array([0, 5])}, DataError, "row 5, the data has rows 0 to 4"),
        ({"order": np.array([0, -1])}, DataError, "row -1"),
        ({"order": np.array([0.0, 1.0])}, ShapeError, "whole numbers, got float64"),
        ({"order": np.array([[0, 1]])}, ShapeError, r"of shape \(1, 2\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_sentence(engine, given, error, words):
    with pytest.raises(error, match=words):
        wrong(engine, **given)


def by_hand(weights, slot, order, batch_size, lines, last=None):
    """The same descent in plain NumPy."""
    losses = []
    for number, start in enumerate(range(0, len(order), batch_size)):
        chosen = order[start : start + batch_size]
        error = DATA["x"][chosen] @ weights[:2] + weights[2] - DATA["y"][chosen]
        losses.append(np.mean(error**2))
        gradient = 2 * DATA["x"][chosen].T @ error / len(chosen)
        weights[:2] -= lines[number, 0] * gradient
        slot += 1
    return losses


def test_steps_change_parameters_and_slots_in_place_and_leave_the_state(engine):
    order = np.array([4, 0, 1, 2, 3, 3, 1])
    lines = np.array([[0.1], [0.01], [0.05]])
    weights, slot = np.array([0.3, -0.2, 0.7]), np.array([10.0, 20.0])
    expected_weights, expected_slot = weights.copy(), slot.copy()
    losses = by_hand(expected_weights, expected_slot, order, 3, lines)
    steps = compile(line(), engine).run(
        DATA, weights, order=order, batch_size=3, slots=[slot], lines=lines
    )  # fmt: skip
    np.testing.assert_allclose(steps.results["loss"], losses, rtol=1e-13)
    np.testing.assert_allclose(weights, expected_weights, rtol=1e-12)
    np.testing.assert_array_equal(slot, [13.0, 23.0])
    assert weights[2] == 0.7


def test_one_run_of_many_batches_is_many_runs_of_one(engine):
    plan = Plan(rate=0.3, loss="classes")
    graph = as_graph(plan)
    program, trial = compile(graph, engine), as_trial(plan, graph, rows=11, batch_size=4)
    whole, parameters, slots = trial.run(program)
    again, again_slots = trial.parameters.copy(), [slot.copy() for slot in trial.slots]
    for batch, start in enumerate(range(0, len(trial.order), 4)):
        steps = program.run(
            trial.arrays, again, order=trial.order[start : start + 4], batch_size=4,
            slots=again_slots, lines=trial.lines[batch : batch + 1], seed=trial.seed,
            step=trial.step + batch,
        )  # fmt: skip
        assert steps.results["loss"] == whole.results["loss"][batch]
    assert again.tobytes() == parameters.tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(slots, again_slots, strict=True))


@pytest.mark.parametrize("batch_size", [1, 2, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_a_loss_that_is_not_finite_stops_before_its_update(engine, batch_size, bad):
    data = {"x": DATA["x"].copy(), "y": DATA["y"]}
    data["x"][3, 0] = bad
    order, stop = np.array([0, 1, 2, 4, 3, 0, 1]), 4 // batch_size
    lines = np.full((-(-7 // batch_size), 1), 0.01)
    weights, slot = np.array([0.3, -0.2, 0.7]), np.zeros(2)
    expected = np.array([0.3, -0.2, 0.7]), np.zeros(2)
    compile(line(), engine).run(
        data, expected[0], order=order[: stop * batch_size], batch_size=batch_size,
        slots=[expected[1]], lines=lines[:stop],
    )  # fmt: skip
    steps = compile(line(), engine).run(
        data, weights, order=order, batch_size=batch_size, slots=[slot], lines=lines
    )
    assert steps.stopped == stop
    assert steps.results["loss"].shape == steps.rows.shape == (stop + 1,)
    assert np.isfinite(steps.results["loss"][:-1]).all()
    assert not np.isfinite(steps.results["loss"][-1])
    assert weights.tobytes() == expected[0].tobytes()
    assert slot.tobytes() == expected[1].tobytes()


def test_epochs_in_one_run_are_runs_of_one_epoch(engine):
    plan = Plan(rate=0.3, loss="classes")
    graph = as_graph(plan)
    program, trial = compile(graph, engine), as_trial(plan, graph, rows=11, batch_size=4)
    order = np.array([*range(11), *range(10, -1, -1), *[3] * 11])
    lines = np.repeat(trial.lines[:1], 9, axis=0) / np.arange(1, 10)[:, None]
    given = {"batch_size": 4, "seed": trial.seed}
    together, slots = trial.parameters.copy(), [slot.copy() for slot in trial.slots]
    whole = program.run(trial.arrays, together, order=order, epoch_rows=11, slots=slots,
                        lines=lines, step=5, **given)  # fmt: skip
    again, again_slots = trial.parameters.copy(), [slot.copy() for slot in trial.slots]
    for epoch in range(3):
        steps = slice(3 * epoch, 3 * epoch + 3)
        run = program.run(
            trial.arrays, again, order=order[11 * epoch : 11 * epoch + 11], slots=again_slots,
            lines=lines[steps], step=5 + 3 * epoch, **given,
        )  # fmt: skip
        assert run.results["loss"].tobytes() == whole.results["loss"][steps].tobytes()
        np.testing.assert_array_equal(whole.rows[steps], [4, 4, 3])
    assert again.tobytes() == together.tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(slots, again_slots, strict=True))


@pytest.mark.parametrize(
    "order, stopped",
    [([0, 1, 3, 4, 0, 2], 3), ([0, 1, 3, 2, 4, 0], 2), ([0, 1, 2, 3, 4, 0], 1)],
)
def test_a_run_may_stop_in_any_epoch(engine, order, stopped):
    x = g.input_node("x", (Rows(),), "float64")
    program = compile(Graph((x,), (), {"double": x * 2.0}, x.sum()), engine)
    data = np.array([1.0, 2.0, np.inf, 4.0, 5.0])
    steps = program.run({"x": data}, NOTHING, order=np.array(order), batch_size=2, epoch_rows=3)
    assert steps.stopped == steps.made == stopped
    sizes = [2, 1, 2, 1][: stopped + 1]
    np.testing.assert_array_equal(steps.rows, sizes)
    np.testing.assert_array_equal(steps.results["double"], 2 * data[order][: sum(sizes)])


def test_rows_of_a_stopped_run_end_with_the_batch_that_stopped_it(engine):
    x = g.input_node("x", (Rows(),), "float64")
    program = compile(Graph((x,), (), {"double": x * 2.0}, x.sum()), engine)
    steps = program.run({"x": np.array([1.0, 2.0, np.inf, 4.0, 5.0])}, NOTHING, batch_size=2)
    assert steps.stopped == 1
    np.testing.assert_array_equal(steps.results["double"], [2.0, 4.0, np.inf, 8.0])


def masks(engine, **attributes):
    x = g.input_node("x", (Rows(), 3), "float32")
    seed, step = (g.input_node(name, (), "uint64") for name in ("seed", "step"))
    mask = ops.dropout_mask(seed, step, shape=x.shape, dtype="float32", **attributes)
    return compile(Graph((x, seed, step), (), {"y": x * mask, "step": ops.cast(
        step, dtype="float64")}), engine)  # fmt: skip


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_masks_are_those_of_seed_step_and_stream(engine, seed):
    steps = masks(engine, rate=0.4, stream=9).run(
        {"x": np.ones((10, 3), "f4")}, NOTHING, batch_size=4, seed=seed, step=2**33
    )
    expected = [
        random.dropout_mask(seed, 9, 2**33 + batch, (rows, 3), 0.4, np.dtype("f4"))
        for batch, rows in enumerate((4, 4, 2))
    ]
    np.testing.assert_array_equal(steps.results["y"], np.concatenate(expected))
    np.testing.assert_array_equal(steps.results["step"], 2.0**33 + np.arange(3))


def test_gradient_changes_nothing_and_is_the_derivative(engine):
    program = compile(line(), engine)
    weights = np.array([0.3, -0.2, 0.7])
    results, gradient = program.gradient(DATA, weights)
    w = g.variable(weights[:2])
    error = g.constant(DATA["x"]) @ w + 0.7 - DATA["y"]
    loss = ops.mean(error**2)
    np.testing.assert_allclose(gradient, g.grad(loss, w).value, rtol=1e-13)
    np.testing.assert_allclose(results["loss"], loss.value, rtol=1e-13)
    np.testing.assert_array_equal(weights, [0.3, -0.2, 0.7])
    # without an update the flat array may be read-only
    read_only = frozen(3)
    _, gradient = compile(replace(line(), update=None), engine).gradient(DATA, read_only)
    np.testing.assert_allclose(gradient, -2 / 5 * DATA["x"].T @ DATA["y"], rtol=1e-13)


def test_a_gradient_needs_a_loss_and_rows(engine):
    with pytest.raises(EngineError, match="it has no loss"):
        gathered(engine).gradient({"x": np.ones(2)}, NOTHING)
    nothing = {name: array[:0] for name, array in DATA.items()}
    with pytest.raises(DataError, match="over no rows"):
        compile(line(), engine).gradient(nothing, np.zeros(3))


def test_results_with_two_axes_of_rows_are_refused(engine):
    x = g.input_node("x", (Rows(), 2), "float64")
    with pytest.raises(EngineError, match="result 'xx' must be a scalar or have an entry a row"):
        compile(Graph((x,), (), {"xx": x @ x.T}), engine).run({"x": np.ones((3, 2))}, NOTHING)


def test_results_of_another_length_are_refused(engine):
    x = g.input_node("x", (Rows(), 2), "float64")
    graph = Graph((x,), (), {"total": x.sum(axis=0)})
    with pytest.raises(EngineError, match="'total' must be a scalar or have an entry a row"):
        compile(graph, engine).run({"x": np.ones((3, 2))}, NOTHING)


def test_threads_share_a_program(engine):
    plan = Plan(columns=4, layers=((16, "tanh", "plain"), (8, "relu", "axes")), rate=0.2)
    graph = as_graph(plan)
    program = compile(graph, engine)
    trials = [as_trial(plan, graph, rows=40, batch_size=7, visits=300, seed=s) for s in range(4)]
    alone = [trial.run(program) for trial in trials]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda trial: trial.run(program), trials * 2))
    for (_, parameters, slots), (_, other, other_slots) in zip(alone * 2, together, strict=True):
        assert parameters.tobytes() == other.tobytes()
        assert [s.tobytes() for s in slots] == [s.tobytes() for s in other_slots]


def test_a_run_leaves_its_inputs_alone(engine):
    plan = Plan(loss="classes")
    graph = as_graph(plan)
    trial = as_trial(plan, graph)
    before = {name: array.copy() for name, array in trial.arrays.items()}
    trial.run(compile(graph, engine))
    for name, array in trial.arrays.items():
        assert array.tobytes() == before[name].tobytes()
