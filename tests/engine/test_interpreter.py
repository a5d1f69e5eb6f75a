"""Memory: views, shared values, and updates that write where they read."""

import numpy as np
import pytest
from tests.engine.networks import as_update

from chainrule import graph as g
from chainrule.engine import Graph, Update, calls, compile  # noqa: A004
from chainrule.engine.overwrite import overwritten
from chainrule.graph import Rows, ops

W = np.array([0.5, -1.5, 2.0])


def inputs(*names):
    return tuple(g.input_node(name, (3,), "float64") for name in names)


def stepped(engine, rule, slots=1, passes=None, steps=3):
    """Weights and slots after some steps of `rule(weight, gradient, *slots)` on sum(w^2)."""
    w = g.parameter("w", (3,), "float64")
    weight, gradient, *old = inputs("weight", "gradient", *(f"s{i}" for i in range(slots)))
    new_weight, *new = rule(weight, gradient, *old)
    update = Update(weight, gradient, tuple(old), (), new_weight, tuple(new))
    program = compile(Graph((), (w,), {}, (w * w).sum(), update), engine, passes)
    parameters, arrays = W.copy(), [np.arange(3.0) + i for i in range(slots)]
    for _ in range(steps):
        program.run({}, parameters, slots=arrays)
    return program, parameters, arrays


def on_arrays(rule, slots=1, steps=3):
    """The same with plain arrays; the rules below use operators only."""
    parameters, arrays = W.copy(), [np.arange(3.0) + i for i in range(slots)]
    for _ in range(steps):
        parameters, *arrays = rule(parameters, 2 * parameters, *arrays)
    return parameters, arrays


RULES = {
    "old slot read after the new": (lambda w, g, v: (v + g, w - 0.1 * (v * 0.9 + g) - v)[::-1], 1),
    "slots exchanged": (lambda w, g, a, b: (w - g * 0.1, b, a), 2),
    "slots handed on": (lambda w, g, a, b, c: (w - a, g, a, b), 3),
    "slot becomes weight": (lambda w, g, a: (a, w), 1),
    "slot becomes old weight": (lambda w, g, a: (w - 0.1 * g, w), 1),
    "slot becomes new weight": (lambda w, g, a: (w - 0.1 * g, w - 0.1 * g), 1),
    "slot unchanged": (lambda w, g, a: (w - 0.1 * a, a), 1),
    "slot is the gradient": (lambda w, g, a: (w - 0.1 * a, g), 1),
    "slot on its own": (lambda w, g, a: (w - 0.1 * g, a * 2.0), 1),
    "two slots become one value": (lambda w, g, a, b: (w - 0.1 * g, a + b, a + b), 2),
    "old weight read last": (lambda w, g, a: (w - 0.1 * g, a + w), 1),
    "nothing moves": (lambda w, g: (w * 1.0,), 0),
    "one operation": (lambda w, g: (w - g,), 0),
    "a sum in between": (lambda w, g, a: (w - 0.1 * (a + g) / (a + g).sum() - 0.01 * a, a + g), 1),
    "a sum of the old after the new": (lambda w, g, a: (w - 0.1 * g, a + w.sum()), 1),
    "an old slot turned round": (
        lambda w, g, a: (w - 0.1 * g + a.reshape((1, 3)).reshape((3,)), a + g), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("passes", [None, (), ("fuse",), ("fuse", "reuse"), ("fold", "share")])
def test_updates_give_what_arrays_give(engine, name, passes):
    rule, slots = RULES[name]
    _, parameters, arrays = stepped(engine, rule, slots, passes)
    expected, expected_arrays = on_arrays(rule, slots)
    np.testing.assert_allclose(parameters, expected, rtol=1e-13)
    for array, expected_array in zip(arrays, expected_arrays, strict=True):
        np.testing.assert_allclose(array, expected_array, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("slot on its own", 2),
        ("one operation", 1),
        ("old slot read after the new", 1),
        ("slots exchanged", 1),
        ("old weight read last", 1),
    ],
)
def test_new_values_are_written_over_the_old_where_that_is_safe(name, count):
    rule, slots = RULES[name]
    program, _, _ = stepped("numpy", rule, slots)
    assert len(overwritten(program.tape)) == count


@pytest.mark.parametrize("passes", [None, ()])
def test_fused_updates_of_many_blocks(monkeypatch, passes):
    monkeypatch.setattr(calls, "_BLOCK", 8)
    size = 50
    w = g.parameter("w", (size,), "float64")
    graph = Graph((), (w,), {}, (w * w * w).sum(), as_update("late", size, "float64"))
    random = np.random.default_rng(0)
    parameters, one, other = (random.normal(size=size) for _ in range(3))
    w0, a, b = parameters.copy(), one.copy(), other.copy()
    compile(graph, "numpy", passes).run({}, parameters, slots=[one, other], lines=np.ones((1, 1)))
    gradient = 3 * w0 * w0
    new_b = b * 0.5 + (a + gradient)
    np.testing.assert_allclose(one, a + gradient, rtol=1e-13)
    np.testing.assert_allclose(other, new_b, rtol=1e-13)
    np.testing.assert_allclose(parameters, w0 - (a + b + new_b), rtol=1e-12)


def gradient_of(engine, loss, *parameters, values, inputs=(), data=None):
    results = {"also": loss}
    return compile(Graph(inputs, parameters, results, loss), engine).gradient(data or {}, values)


def p(name, *shape):
    return g.parameter(name, shape, "float64")


def test_gradients_that_are_constants_views_or_parameters(engine):
    a, b, c, d = p("a", 2), p("b", 2), p("c", 2, 2), p("d")
    loss = a.sum() + (b * a).sum() * 0.0 + (c.T.reshape(4) * np.arange(4.0)).sum()
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    results, gradient = gradient_of(engine, loss, a, b, c, d, values=values)
    np.testing.assert_array_equal(gradient, [1, 1, 0, 0, 0, 2, 1, 3, 0])
    assert results["loss"] == results["also"]


def test_one_gradient_for_two_parameters_and_one_parameter_used_twice(engine):
    a, b = p("a", 3), p("b", 3)
    total = ops.exp(a + b)
    values = np.array([0.1, 0.2, 0.3, 1.0, 2.0, 3.0])
    _, gradient = gradient_of(engine, total.sum(), a, b, values=values)
    expected = np.exp(values[:3] + values[3:])
    np.testing.assert_allclose(gradient, np.concatenate([expected, expected]), rtol=1e-15)
    _, gradient = gradient_of(engine, (a * a * b + a).sum(), a, b, values=values)
    np.testing.assert_allclose(
        gradient, np.concatenate([2 * values[:3] * values[3:] + 1, values[:3] ** 2]), rtol=1e-15
    )


def test_a_parameter_that_is_the_loss_and_a_loss_that_is_a_number(engine):
    w = p("w")
    _, gradient = gradient_of(engine, w, w, values=np.array([3.0]))
    assert gradient.tolist() == [1.0]
    _, gradient = gradient_of(engine, g.constant(2.0) * 3.0, w, values=np.array([3.0]))
    assert gradient.tolist() == [0.0]


def test_a_gradient_that_is_another_ones_operand_or_a_result(engine):
    w, v = p("w", 2), p("v", 2)
    loss = (w * v).sum()
    slope = g.grad(loss, w)
    values = np.array([1.0, 2.0, 3.0, 4.0])
    program = compile(Graph((), (w, v), {"norm": (slope * slope).sum()}, loss), engine)
    results, gradient = program.gradient({}, values)
    assert results["norm"] == 25.0
    np.testing.assert_array_equal(gradient, [3.0, 4.0, 1.0, 2.0])


def test_a_gradient_of_a_gradient(engine):
    w = p("w", 3)
    slope = g.grad((w**3).sum(), w)
    _, gradient = gradient_of(engine, (slope * slope).sum(), w, values=W)
    np.testing.assert_allclose(gradient, 36 * W**3, rtol=1e-14)


def test_results_that_are_inputs_parameters_views_and_constants(engine):
    x, w = g.input_node("x", (Rows(), 2), "float64"), p("w", 3)
    results = {
        "input": x, "view": x.reshape((-1, 2, 1)), "same": x * 1.0, "number": g.constant(4.0),
        "entry": ops.narrow(w, axis=0, start=1, stop=2).sum(),
        "turned": ops.transpose(x.reshape((-1, 2, 1)), axes=(0, 2, 1)),
        "spread": ops.broadcast_to(w, shape=(Rows(), 3)),
    }  # fmt: skip
    data = np.arange(10.0).reshape(5, 2)
    for passes in (None, ()):
        steps = compile(Graph((x,), (w,), results), engine, passes).run(
            {"x": data}, W, batch_size=2
        )
        np.testing.assert_array_equal(steps.results["input"], data)
        np.testing.assert_array_equal(steps.results["same"], data)
        np.testing.assert_array_equal(steps.results["view"], data[:, :, None])
        np.testing.assert_array_equal(steps.results["turned"], data[:, None, :])
        np.testing.assert_array_equal(steps.results["spread"], np.tile(W, (5, 1)))
        np.testing.assert_array_equal(steps.results["number"], [4.0] * 3)
        np.testing.assert_array_equal(steps.results["entry"], [-1.5] * 3)


def test_results_are_those_of_before_the_update(engine):
    w = p("w", 3)
    update = as_update("sgd", 3, "float64")
    graph = Graph((), (w,), {"sum": w.sum(), "square": (w * w).sum()}, w.sum(), update)
    parameters = W.copy()
    steps = compile(graph, engine).run({}, parameters, lines=np.ones((1, 1)))
    assert steps.results["sum"] == [1.0]
    np.testing.assert_array_equal(parameters, W - 1.0)


def test_rows_gathered_from_rows(engine):
    """A table with an entry a row, of which the batch takes its own entries again."""
    x, at = g.input_node("x", (Rows(), 2), "float64"), g.input_node("at", (Rows(),), "int32")
    w = p("w", 2)
    taken = ops.gather(x * w, at)
    data = {"x": np.arange(8.0).reshape(4, 2), "at": np.array([3, 3, 0, 1], np.int32)}
    _, gradient = gradient_of(
        engine, (taken * taken).sum(), w, values=np.array([1.0, 2.0]), inputs=(x, at), data=data
    )
    chosen = data["x"][data["at"]]
    np.testing.assert_allclose(gradient, (2 * chosen**2).sum(axis=0) * [1.0, 2.0])


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_view_that_must_be_copied(engine, rows):
    x = g.input_node("x", (Rows(), 2, 3), "float64")
    turned = ops.transpose(x, axes=(2, 0, 1))
    flat = ops.exp(turned.reshape((-1,)).reshape((3, Rows(), 2)))
    graph = Graph((x,), (), {"y": ops.transpose(flat, axes=(1, 2, 0))})
    data = np.random.default_rng(0).normal(size=(2 * rows, 2, 3))
    for passes in (None, (), ("reuse",)):
        results = compile(graph, engine, passes).run({"x": data}, np.zeros(0), batch_size=rows)
        np.testing.assert_allclose(results.results["y"], np.exp(data), rtol=1e-15)
