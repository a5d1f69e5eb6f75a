"""Every built-in optimizer's update: compiled, and what arrays give."""

from importlib import import_module

import numpy as np
import pytest
from tests.engine.networks import on_engine

from chainrule import graph as g
from chainrule.engine import Graph, compile  # noqa: A004
from chainrule.graph import ops
from chainrule.layers import Parameter, Parameters
from chainrule.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop

native = pytest.importorskip("chainrule._native")
update_of = import_module("chainrule.training.update").update_of
SETS = native.instruction_sets()
RULES = [
    SGD(0.1), SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9, nesterov=True),
    RMSprop(0.01), RMSprop(0.01, momentum=0.9), RMSprop(0.01, centered=True),
    RMSprop(0.01, momentum=0.9, centered=True), RMSprop(0.01, momentum=0.5),
    RMSprop(0.01, momentum=0.5, centered=True), Adagrad(0.1), Adam(0.01),
    Adam(0.01, amsgrad=True), AdamW(0.01), AdamW(0.01, amsgrad=True), Nadam(0.01),
    Nadam(0.01, beta_1=0.5),
]  # fmt: skip
each_rule = pytest.mark.parametrize("rule", RULES, ids=repr)
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def descent(rule, count, dtype):
    """Steps of an optimizer on sum(w^2 * scales), of which some slopes are tiny."""
    w = g.parameter("w", (count,), dtype)
    scales = np.resize(np.array([1.0, 1e-3, 1e-20, 0.0, 30.0], dtype), count)
    update = update_of(rule, Parameters([Parameter("w", (count,))], dtype))
    return Graph((), (w,), {}, ops.sum(w * w * scales), update), scales


def prepared(rule, count, dtype):
    random = np.random.default_rng(count)
    weights = random.normal(size=count).astype(dtype)
    slots = [np.full(count, rule.initial(name), dtype) for name in rule.slots]
    return weights, slots


@each_rule
@each_type
def test_every_update_is_one_compiled_run(rule, dtype):
    graph, _ = descent(rule, 50, dtype)
    program = compile(graph, "native")
    after = program.tape.instructions[program.tape.seam :]
    assert [instruction.name for instruction in after if not instruction.is_view] == ["fused"]
    for instructions in SETS:
        executor = on_engine(program.tape, "native", instructions).executor
        signature, is_compiled = executor.runs(1)[-1]
        assert is_compiled, signature


@each_type
@pytest.mark.parametrize("clip", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_a_rule_stays_a_compiled_run_where_gradients_are_clipped(clip, dtype):
    shapes = [Parameter("w", (6, 5)), Parameter("b", (5,))]
    parameters = Parameters(shapes, dtype)
    nodes = tuple(g.parameter(one.name, one.shape, dtype) for one in shapes)
    loss = ops.sum(nodes[0] * nodes[0]) + ops.sum(nodes[1])
    update = update_of(Adam(0.01, **{clip: 1.0}), parameters)
    program = compile(Graph((), nodes, {}, loss, update), "native")
    for instructions in SETS:
        executor = on_engine(program.tape, "native", instructions).executor
        signature, is_compiled = executor.runs(1)[-1]
        assert is_compiled, signature


@each_type
@pytest.mark.parametrize("rule", [
    SGD(0.1, clipnorm=0.7), Adam(0.1, clipvalue=0.2), Nadam(0.1, global_clipnorm=0.7),
], ids=repr)  # fmt: skip
def test_passes_and_sets_change_no_bit_of_clipped_and_constrained_updates(rule, dtype):
    shapes = [
        Parameter("w", (6, 5), constraint="max_norm"), Parameter("b", (5,)),
        Parameter("v", (5, 3), constraint="unit_norm"), Parameter("c", (3,), constraint="non_neg"),
    ]  # fmt: skip
    parameters = Parameters(shapes, dtype)
    nodes = tuple(g.parameter(one.name, one.shape, dtype) for one in shapes)
    loss = ops.sum((nodes[0] @ nodes[2] + nodes[3]) ** 2.0) + ops.sum(ops.exp(nodes[1]))
    graph = Graph((), nodes, {}, loss, update_of(rule, parameters))
    for engine, sets in (("native", SETS), ("numpy", [None])):
        left = set()
        for passes in (None, (), ("fuse",), ("delay", "fuse"), ("share", "drop", "reuse")):
            for instructions in sets:
                program = compile(graph, "numpy", passes)
                if instructions is not None:
                    program = on_engine(program.tape, engine, instructions)
                weights, slots = prepared(rule, parameters.count, dtype)
                weights *= 3
                for step in range(1, 5):
                    program.run({}, weights, slots=slots, lines=rule.lines(step, 1))
                left.add((weights.tobytes(), *(slot.tobytes() for slot in slots)))
        assert len(left) == 1, engine


@each_rule
@each_type
def test_compiled_updates_give_the_bits_of_single_operations_and_what_arrays_give(rule, dtype):
    for count in (0, 1, 7, 8, 9, 15, 16, 17, 31, 1000, 2065):
        graph, scales = descent(rule, count, dtype)
        left = []
        for passes in (None, ()):
            for instructions in SETS:
                program = on_engine(compile(graph, "numpy", passes).tape, "native", instructions)
                weights, slots = prepared(rule, count, dtype)
                for step in range(1, 5):
                    program.run({}, weights, slots=slots, lines=rule.lines(step, 1))
                left.append([weights.tobytes(), *(slot.tobytes() for slot in slots)])
        assert all(one == left[0] for one in left), count
        expected, expected_slots = prepared(rule, count, dtype)
        for step in range(1, 5):
            line = [np.asarray(number, dtype) for number in rule.line(step)]
            gradient = 2 * expected * scales
            expected, *expected_slots = rule.update(expected, gradient, line, *expected_slots)
        precision = 4096 * np.finfo(dtype).eps
        for found, array in zip([weights, *slots], [expected, *expected_slots], strict=True):
            np.testing.assert_allclose(found, array, rtol=precision, atol=precision * 1e-3)


@pytest.mark.parametrize("threshold", [0.0, 1e-30, 1e-6, 2.0])
def test_what_is_flushed_is_flushed_by_its_own_threshold(threshold):
    """Adam's run but for the thresholds, which compiled runs have built in."""

    class Other(Adam):
        pass

    def flush(x):
        return ops.flush(x, threshold=threshold) if isinstance(x, g.Node) else (
            np.where(abs(x) >= threshold, x, 0 * x))  # fmt: skip

    adaptive = import_module("chainrule.optimizers.adaptive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptive, "flushed", flush)
        graph, scales = descent(Other(0.01), 40, "float32")
        weights, slots = prepared(Other(0.01), 40, "float32")
        compile(graph, "native").run({}, weights, slots=slots, lines=Other(0.01).lines(1, 1))
        start, zeros = prepared(Other(0.01), 40, "float32")
        line = [np.float32(number) for number in Other(0.01).line(1)]
        expected, *others = Other(0.01).update(start, 2 * start * scales, line, *zeros)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    for found, other in zip(slots, others, strict=True):
        np.testing.assert_array_equal(found == 0, other == 0)
