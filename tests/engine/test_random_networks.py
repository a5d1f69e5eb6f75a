"""Random networks: both engines beside evaluation node by node, and every subset of passes."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from tests.engine.networks import (
    ACTIVATIONS,
    ENGINES,
    OPTIMIZERS,
    Plan,
    as_graph,
    as_trial,
    by_nodes,
    on_engine,
)  # fmt: skip

from chainrule.engine import PASSES, compile, lower, verify  # noqa: A004

BRANCHES = ("plain", "embed", "split", "members", "axes", "centered", "twice")
LOSSES = ("squared", "classes", "weighted", "binary")
engines = pytest.mark.parametrize("engine", ENGINES)
SUBSETS = [
    subset for length in range(len(PASSES) + 1) for subset in combinations(PASSES, length)
]  # fmt: skip

layers = st.tuples(st.integers(1, 4), st.sampled_from(list(ACTIVATIONS)), st.sampled_from(BRANCHES))
plans = st.builds(
    Plan,
    columns=st.integers(1, 4),
    layers=st.lists(layers, max_size=3).map(tuple),
    loss=st.sampled_from(LOSSES),
    outputs=st.integers(1, 3),
    rate=st.sampled_from([0.0, 0.4]),
    dtype=st.sampled_from(["float32", "float64"]),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
)


def same_bits(left, right):
    """Whether two runs left the same bits everywhere."""
    left_steps, left_parameters, left_slots = left
    right_steps, right_parameters, right_slots = right
    pairs = [(left_parameters, right_parameters), *zip(left_slots, right_slots, strict=True)]
    assert left_steps.results.keys() == right_steps.results.keys()
    pairs += [(array, right_steps.results[name]) for name, array in left_steps.results.items()]
    assert left_steps.stopped == right_steps.stopped
    return all(one.tobytes() == other.tobytes() for one, other in pairs)


@engines
@settings(max_examples=120)
@given(plans, st.integers(1, 9), st.integers(1, 5), st.integers(0, 99), st.sampled_from(SUBSETS))
def test_programs_compute_what_nodes_compute(engine, plan, rows, batch_size, seed, subset):
    graph = as_graph(plan)
    program = compile(graph, engine)
    trial = as_trial(plan, graph, rows, batch_size, seed=seed)
    steps, parameters, slots = trial.run(program)
    assume(steps.stopped is None)  # nodes go on where a run that diverges stops
    scalars, predictions, gradients, parameters_of_nodes, slots_of_nodes = by_nodes(
        plan, graph, trial
    )
    # a kink or the division by a small slot may widen rounding: relative to the array's largest
    precision = 2e-3 if plan.dtype == "float32" else 1e-9

    def close(array, expected):
        expected = np.asarray(expected)
        scale = max(1.0, abs(expected).max(initial=0.0))
        np.testing.assert_allclose(array, expected, rtol=precision, atol=precision * scale)

    close(np.stack([steps.results[n] for n in ("loss", "largest", "norm")], 1), scalars)
    close(steps.results["prediction"], predictions)
    close(parameters, parameters_of_nodes)
    for slot, slot_of_nodes in zip(slots, slots_of_nodes, strict=True):
        close(slot, slot_of_nodes)
    np.testing.assert_array_equal(steps.results["first"], trial.arrays["x"][trial.order])
    assert steps.rows.sum() == len(trial.order)
    others = [compile(graph, engine, subset)]
    if engine == "native":
        others.append(on_engine(program.tape, "native", "plain"))
    assert all(same_bits(trial.run(other), (steps, parameters, slots)) for other in others)


@engines
@settings(max_examples=60)
@given(plans, st.integers(1, 9), st.integers(0, 99))
def test_gradient_is_that_of_nodes(engine, plan, rows, seed):
    graph = as_graph(plan)
    trial = as_trial(plan, graph, rows, rows, visits=rows, seed=seed)
    trial.order = np.arange(rows)
    before = trial.parameters.copy()
    results, gradient = compile(graph, engine).gradient(
        trial.arrays, trial.parameters, seed=trial.seed, step=trial.step
    )
    scalars, predictions, gradients, _, _ = by_nodes(plan, graph, trial)
    precision = 1e-4 if plan.dtype == "float32" else 1e-10
    scale = max(1.0, abs(gradients[0]).max(initial=0.0))
    np.testing.assert_allclose(gradient, gradients[0], rtol=precision, atol=precision * scale)
    np.testing.assert_allclose(results["loss"], scalars[0, 0], rtol=precision, atol=precision)
    np.testing.assert_allclose(
        results["prediction"], predictions, rtol=precision, atol=precision * scale
    )
    assert before.tobytes() == trial.parameters.tobytes()


def every_subset(tape):
    """The tape after each subset of the passes, without and with each one in turn."""
    made = [((), tape)]
    for name, change in PASSES.items():
        made += [((*subset, name), change(tape)) for subset, tape in made]
    return made


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_subset_of_passes_gives_the_same_bits(optimizer, dtype):
    plan = Plan(
        columns=4,
        layers=((5, "relu", "embed"), (3, "tanh", "members"), (4, "leaky", "centered")),
        loss="classes",
        outputs=3,
        rate=0.25,
        dtype=dtype,
        optimizer=optimizer,
    )
    graph = as_graph(plan)
    trial = as_trial(plan, graph, rows=13, batch_size=5)
    tapes = every_subset(lower(graph))
    assert len(tapes) == 2 ** len(PASSES) >= 32
    for engine in ENGINES:
        expected = None
        for subset, tape in tapes:
            verify(tape)
            found = trial.run(on_engine(tape, engine))
            expected = expected or found
            assert same_bits(found, expected), (engine, subset)
