"""Graph to tape: sources, constants, layout, and graphs that are refused."""

import numpy as np
import pytest
from tests.engine.networks import as_update

from chainrule import graph as g
from chainrule.engine import Graph, Update, lower
from chainrule.errors import EngineError, ShapeError
from chainrule.graph import Rows, ops


def column(name="x", width=3, dtype="float64"):
    return g.input_node(name, (Rows(), width), dtype)


def line(loss_of=lambda x, w: ops.mean((x @ w) ** 2), **given):
    x, w = column(), g.parameter("w", (3, 1), "float64")
    fields = {"inputs": (x,), "parameters": (w,), "results": {}, "loss": loss_of(x, w)} | given
    return Graph(**fields)


def test_a_node_with_a_value_is_a_constant_whatever_made_it():
    x = column()
    scale = ops.exp(g.variable([0.0, 1.0, 2.0])) + 1.0
    tape = lower(Graph((x,), (), {"y": x * scale}))
    assert [instruction.name for instruction in tape.instructions] == ["multiply"]
    (constant,) = [s.constant for s in tape.sources if s.kind == "constant"]
    np.testing.assert_array_equal(constant, np.exp([0.0, 1.0, 2.0]) + 1.0)


def test_constants_are_copies_of_one_layout():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    node = g.constant(array)
    tape = lower(Graph((), (), {"y": node.sum()}))
    assert not tape.instructions  # a sum of values is a value
    x = g.input_node("x", (Rows(), 2), "float64")
    tape = lower(Graph((x,), (), {"y": x @ node}))
    (constant,) = [s.constant for s in tape.sources if s.kind == "constant"]
    assert constant.flags.c_contiguous
    node.array[0, 0] = 99.0
    assert constant[0, 0] == 0.0


def test_results_share_nodes_and_keep_their_order():
    x = column()
    shared = ops.tanh(x)
    tape = lower(Graph((x,), (), {"b": ops.exp(shared), "a": shared, "again": shared, "x": x}))
    assert [instruction.name for instruction in tape.instructions] == ["tanh", "exp"]
    assert list(tape.results) == ["b", "a", "again", "x"]
    assert tape.results["a"] == tape.results["again"] != tape.results["b"]
    assert tape.results["x"] == tape.sources[0].index


def test_parameters_lie_in_their_order_without_gaps():
    first, second = g.parameter("first", (2, 3), "float32"), g.parameter("second", (), "float32")
    state = g.parameter("state", (4,), "float32", trainable=False)
    tape = lower(Graph((), (first, second, state), {}, (first.sum() * second + state.sum())))
    places = [(s.name, s.start, s.stop, s.trainable) for s in tape.segments]
    assert places == [("first", 0, 6, True), ("second", 6, 7, True), ("state", 7, 11, False)]
    assert tape.trainable == 7
    assert len(tape.gradients) == 2


def test_a_deep_chain_is_walked_without_recursion():
    x = w = g.parameter("w", (), "float64")
    for _ in range(20_000):
        x = x + 1.0
    assert len(lower(Graph((), (w,), {}, x)).instructions) == 20_000


def seen(role):
    state = g.parameter("s", (3,), "float64", trainable=False)
    w = g.parameter("w", (3,), "float64")
    other = g.parameter("other", (3,), "float32")
    x, y = column(), column()
    scalar = g.input_node("temperature", (), "float64")
    loss = w.sum()
    value = g.variable([1.0, 2.0, 3.0])
    return {
        "unknown leaf": Graph((), (w,), {}, (w * x).sum()),
        "state first": Graph((), (state, w), {}, loss),
        "twice": Graph((), (w, w), {}, loss),
        "two types": Graph((), (w, other), {}, loss),
        "a variable": Graph((), (value,), {}, loss),
        "an input among them": Graph((), (w, x), {}, loss),
        "a parameter as input": Graph((w,), (), {}, loss),
        "one name": Graph((x, y), (w,), {}, loss),
        "a scalar": Graph((scalar,), (w,), {}, loss),
        "no rows": Graph((g.input_node("x", (4, 2), "float64"),), (w,), {}, loss),
    }[role]


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("unknown leaf", "'x'.*not among the inputs and parameters"),
        ("state first", "trainable ones must come first"),
        ("twice", "given twice"),
        ("two types", "one type, got .*float32.*float64"),
        ("a variable", "is no parameter"),
        ("an input among them", "'x'.*is no parameter"),
        ("a parameter as input", "'w'.*is no input"),
        ("one name", "'x' is given twice"),
        ("a scalar", "'seed' or 'step', got 'temperature'"),
        ("no rows", "first axis .* must be rows"),
    ],
)
def test_graphs_that_do_not_fit_are_refused(role, words):
    with pytest.raises(EngineError, match=words):
        lower(seen(role))


def test_a_loss_that_is_no_scalar_is_refused():
    with pytest.raises(ShapeError, match=r"loss: needs a scalar, got shape \(rows, 1\)"):
        lower(line(lambda x, w: x @ w))


def test_the_update_reads_flat_arrays_and_constants_only():
    update = as_update("sgd", 3, "float64")
    tape = lower(line(update=update))
    assert tape.seam == len(tape.instructions) - 2
    x = g.input_node("x", (3,), "float64")
    with pytest.raises(EngineError, match="not among what an update may read"):
        lower(line(update=as_update("sgd", 3, "float64").__class__(
            update.weight, update.gradient, (), update.scalars, update.new_weight * x, ()
        )))  # fmt: skip


def test_a_node_that_loss_and_update_share_is_written_on_both_sides():
    x, w = column(), g.parameter("w", (3, 1), "float64")
    half = ops.exp(ops.count(shape=(Rows(),), dtype="float64") * 0.0) * 0.5
    flat, gradient = (g.input_node(name, (3,), "float64") for name in ("weight", "gradient"))
    update = Update(flat, gradient, (), (), flat - gradient * half, ())
    tape = lower(Graph((x,), (w,), {}, (x @ w).sum() * half, update))
    assert [i.name for i in tape.instructions[: tape.seam]].count("exp") == 1
    assert [i.name for i in tape.instructions[tape.seam :]].count("exp") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight": (4,)}, r"must have shape \(3,\)"),
        ({"slots": 1}, "1 slots and 0 new slots"),
        ({"scalars": (2,)}, r"must have shape \(\)"),
        ({"loss": None}, "give the graph a loss"),
        ({"new_weight": "float32"}, "float32"),
    ],
)
def test_updates_that_do_not_fit_are_refused(change, words):
    weight = g.input_node("weight", change.get("weight", (3,)), "float64")
    gradient = g.input_node("gradient", (3,), "float64")
    slots = (gradient,) * change.get("slots", 0)
    scalars = (g.input_node("rate", change["scalars"], "float64"),) if "scalars" in change else ()
    new_weight = ops.cast(weight, dtype=change["new_weight"]) if "new_weight" in change else weight
    update = Update(weight, gradient, slots, scalars, new_weight, ())
    given = {"update": update} | ({"loss": None} if "loss" in change else {})
    with pytest.raises(EngineError, match=words):
        lower(line(**given))
