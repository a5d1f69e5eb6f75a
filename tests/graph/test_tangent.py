"""Forward mode: numbers of the course, modes that agree, and what `jvp` refuses."""

import math

import numpy as np
import pytest
from tests.engine.networks import ENGINES
from tests.graph.cases import normal, positive

import chainrule as cr
from chainrule import engine, graph
from chainrule.engine import Graph
from chainrule.errors import GradientError, InputTypeError, SettingError, ShapeError
from chainrule.graph import Rows, input_node, ops


def test_the_first_example_of_the_course():
    x, y, z = map(cr.variable, (-2.0, 5.0, -4.0))
    f = (x + y) * z
    ways = np.eye(3).tolist()
    assert [cr.jvp(f, [x, y, z], way).value for way in ways] == [-4.0, -4.0, 3.0]
    assert cr.jvp(f, x, 2.0).value == -8.0
    assert cr.jvp(f, (x, z), (1.0, 10.0)).value == 26.0


def test_one_walk_gives_all_of_a_result():
    x, way = cr.variable(normal(4)), normal(4, key=1)
    w = normal(3, 4)
    found = cr.jvp(ops.tanh(cr.constant(w) @ x), x, way)
    expected = (1 - np.tanh(w @ x.value) ** 2) * (w @ way)
    np.testing.assert_allclose(found.value, expected, rtol=1e-13)


def test_uses_add_up_and_a_node_on_the_way_may_move_by_itself():
    x = cr.variable(3.0)
    square = x * x
    y = square * x + x
    assert cr.jvp(y, x, 1.0).value == 28.0
    assert cr.jvp(y, square, 1.0).value == 3.0
    # as the sum of both gradients: the square moves with x and by itself
    assert cr.jvp(y, [x, square], [1.0, 10.0]).value == 58.0
    assert cr.jvp(y, [x, x], [1.0, 1.0]).value == 56.0
    assert cr.jvp(x, x, 5.0).value == 5.0
    assert cr.jvp(y, [], []).value == 0.0


def test_what_does_not_move_has_a_tangent_of_zeros():
    x, other = cr.variable([1.0, 2.0]), cr.variable(np.ones((2, 3), np.float32))
    still = cr.jvp(other * 2, x, [1.0, 1.0])
    assert (still.shape, still.dtype) == ((2, 3), np.float32)
    assert not still.value.any()
    for flat in (ops.sign(x), ops.stop_gradient(x), ops.cast(x, dtype="int32"), ops.argmax(x)):
        assert not np.any(cr.jvp(flat, x, [1.0, 1.0]).value)
    assert cr.jvp(ops.cast(x, dtype="int32") * x, x, [1.0, 1.0]).value.tolist() == [1.0, 2.0]
    assert cr.jvp(ops.masked(x, [0, 1]), x, [3.0, 4.0]).value.tolist() == [0.0, 4.0]


def test_positions_do_not_move():
    table, at = cr.variable(normal(4, 2)), np.array([3, 0, 3])
    way = normal(4, 2, key=1)
    found = cr.jvp(ops.gather(table, at) ** 2, table, way)
    np.testing.assert_allclose(found.value, 2 * table.value[at] * way[at], rtol=1e-15)


def test_tangents_are_broadcast_as_their_operands_are():
    x, row, scalar = cr.variable(normal(5, 1)), cr.variable(normal(3)), cr.variable(2.0)
    by_x, by_row = normal(5, 1, key=1), normal(3, key=1)
    found = cr.jvp((x + row) * scalar, [x, row, scalar], [by_x, by_row, 0.5])
    expected = (by_x + by_row) * 2.0 + 0.5 * (x.value + row.value)
    np.testing.assert_allclose(found.value, expected, rtol=1e-14)


def test_types_are_those_of_the_nodes():
    w, x = cr.variable(np.ones(3, np.float32)), cr.variable(np.arange(3.0))
    assert cr.jvp(w * 2.0, w, np.ones(3)).dtype == np.float32
    assert cr.jvp(w * 2.0, w, cr.variable(np.ones(3))).dtype == np.float32
    assert cr.jvp(w * x, [w, x], [np.ones(3), np.ones(3, np.float32)]).dtype == np.float64
    assert cr.jvp(w, w, [1, 2, 3]).value.tolist() == [1.0, 2.0, 3.0]


WAY = [0.1, -2.0, 3.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "given",
    [WAY, tuple(WAY), np.array(WAY), np.array(WAY, np.float32), cr.constant(WAY), [1, -2, 3],
     np.array([1, -2, 3]), cr.variable([1.0, -2.0, 3.0])],
)  # fmt: skip
def test_a_tangent_has_the_type_of_its_node_however_it_is_given(given, dtype):
    way = np.asarray(given.value if isinstance(given, graph.Node) else given, "float64")
    plain = way.astype(dtype)
    x, other = cr.variable(np.ones(3, dtype)), {"float32": "float64", "float64": "float32"}[dtype]
    for y, expected in ((x, plain), (x * 2, 2 * plain), (ops.cast(x, dtype=other), plain)):
        found = cr.jvp(y, x, given)
        assert found.dtype == y.dtype
        assert found.value.tolist() == expected.astype(y.dtype).tolist()
    whole = ops.cast(x, dtype="int32")  # its tangent is of the type that its gradient has
    assert cr.jvp(whole, whole, given).value.tolist() == way.tolist()


@pytest.mark.parametrize("name", ENGINES)
def test_a_float64_tangent_of_a_float32_parameter_is_compiled_as_float32(name):
    kernel = graph.parameter("kernel", (3,), "float32")
    x = input_node("x", (Rows(), 3), "float32")
    results = {"own": cr.jvp(kernel, kernel, np.array(WAY)) * x,
               "times": cr.jvp(kernel * x, kernel, np.array(WAY))}  # fmt: skip
    rows = np.array([[1.0, 2.0, 3.0], [0.5, 0.25, 7.0]], np.float32)
    program = engine.compile(Graph((x,), (kernel,), results), name)
    for found in program.run({"x": rows}, np.ones(3, np.float32)).results.values():
        assert found.dtype == np.float32
        assert found.tolist() == (np.array(WAY, np.float32) * rows).tolist()


def network(w1, b1, w2, b2, x):
    a = ops.softplus(ops.tanh(x @ w1 + b1))
    z = a @ w2 + b2
    return ops.mean(ops.softmax_cross_entropy(z, np.eye(2)[[0, 1, 1, 0]])) + ops.norm(w1, p=3)


def weights():
    return [normal(3, 5), 0.1 * normal(5), normal(5, 2), 0.1 * normal(2)]


def test_second_derivatives_of_a_network_agree_in_every_mode_and_with_differences():
    x, leaves = normal(4, 3, key=3), [cr.variable(w) for w in weights()]
    v, w = ([normal(*leaf.shape, key=key) for leaf in leaves] for key in (1, 2))
    loss = network(*leaves, x)
    slopes, forward = cr.grad(loss, leaves), cr.jvp(loss, leaves, v)
    along = sum(((slope * way).sum() for slope, way in zip(slopes, v, strict=True)), cr.constant(0))
    assert forward.value == pytest.approx(along.value, rel=1e-13)
    products = {
        "forward over reverse": [cr.jvp(slope, leaves, v) for slope in slopes],
        "reverse over forward": cr.grad(forward, leaves),
        "reverse over reverse": cr.grad(along, leaves),
    }
    step = 1e-4

    def slopes_at(distance):
        moved = [cr.variable(leaf.value + distance * way)
                 for leaf, way in zip(leaves, v, strict=True)]  # fmt: skip
        return [slope.value for slope in cr.grad(network(*moved, x), moved)]

    measured = [(up - down) / (2 * step)
                for up, down in zip(slopes_at(step), slopes_at(-step), strict=True)]  # fmt: skip
    for product in products.values():
        for found, expected, difference in zip(
            product, products["reverse over reverse"], measured, strict=True
        ):
            np.testing.assert_allclose(found.value, expected.value, rtol=1e-10, atol=1e-13)
            np.testing.assert_allclose(found.value, difference, rtol=1e-5, atol=1e-7)
    twice = cr.jvp(forward, leaves, w).value
    dots = [
        (p.value * way).sum() for p, way in zip(products["reverse over forward"], w, strict=True)
    ]
    assert twice == pytest.approx(sum(dots), rel=1e-11)


def test_derivatives_of_any_order():
    x = cr.variable(0.5)
    y = ops.exp(2 * x)
    for order in range(5):
        assert y.value == pytest.approx(2**order * math.e, rel=1e-14)
        y = cr.jvp(y, x, 1.0)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_compiled_tangent_is_that_computed_at_once(name, dtype):
    rows, w, bias = normal(6, 3).astype(dtype), positive(3, 2).astype(dtype), np.ones(2, dtype)
    ways = normal(6, 3, key=1).astype(dtype), normal(3, 2, key=2).astype(dtype)

    def tangent(x, kernel, way):
        y = ops.log_softmax(ops.elu(x @ kernel + bias)) * ops.mean(x)
        return cr.jvp(y, [x, kernel], [way, ways[1]])

    x, way = (input_node(name, (Rows(), 3), dtype) for name in ("x", "way"))
    kernel = graph.parameter("kernel", (3, 2), dtype)
    program = engine.compile(Graph((x, way), (kernel,), {"t": tangent(x, kernel, way)}), name)
    found = program.run({"x": rows, "way": ways[0]}, w.ravel()).results["t"]
    expected = tangent(cr.variable(rows), cr.variable(w), ways[0])
    assert found.dtype == expected.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found, expected.value, rtol=100 * eps, atol=100 * eps)


def test_a_long_chain_is_walked_without_recursion():
    x = cr.variable(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    assert cr.jvp(y, x, 3.0).value == 3.0
    symbol = input_node("x", (Rows(),), "float32")
    y = symbol
    for _ in range(10_000):
        y = -y
    assert cr.jvp(y, symbol, symbol).shape == (Rows(),)


def cube():
    @cr.operation
    def cube_of(x):
        return x**3

    return cube_of


def test_operations_of_ones_own_go_forward_by_their_rule():
    own = cube()
    own.gradient(lambda g, y, x: g * 3 * x * x)
    x = cr.variable([1.0, 2.0])
    assert cr.jvp(own(x), x, [1.0, 10.0]).value.tolist() == [3.0, 120.0]
    assert cr.jvp(cr.jvp(own(x), x, [1.0, 1.0]), x, [1.0, 1.0]).value.tolist() == [6.0, 12.0]
    # a rule that is written in an operation of one's own needs that one's rule
    inner = cube()
    inner.gradient(lambda g, y, x: own(x) * g)
    assert cr.jvp(inner(x), x, [1.0, 1.0]).value.tolist() == [1.0, 8.0]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (None, "cube_of: it has no gradient rule; add one with @cube_of.gradient"),
        (lambda g, y, x: g * g * x, "cube_of: its gradient rule is not linear in the upstream"),
        (lambda g, y, x: ops.exp(g), "cube_of: .* not linear"),
        (lambda g, y, x: (g, g), "cube_of: its gradient rule gives 2 gradients for 1 operands"),
        (lambda g, y, x: 3.0, "cube_of: its gradient rule gives float, needs a node or None"),
        (lambda g, y, x: g.reshape(2, 1), "cube_of: its gradient rule gives shape"),
    ],
)
def test_a_wrong_rule_is_a_sentence(rule, words):
    own, x = cube(), cr.variable([1.0, 2.0])
    if rule is not None:
        own.gradient(rule)
    with pytest.raises(GradientError, match=words):
        cr.jvp(own(x) * x, x, [1.0, 1.0])


@pytest.mark.parametrize(
    ("wrt", "tangents", "error", "words"),
    [
        ("x", [1.0, 2.0, 3.0], ShapeError, r"tangent of shape \(3,\) for a node of shape \(2,\)"),
        ("x", 1.0, ShapeError, r"tangent of shape \(\) for a node of shape \(2,\)"),
        ("x", [[1.0, 2.0]], ShapeError, r"shape \(1, 2\) for a node of shape \(2,\)"),
        ("x", cr.variable([1.0]), ShapeError, r"shape \(1,\) for a node of shape \(2,\)"),
        ("xs", [[1.0, 2.0], [1.0, 2.0]], SettingError, "1 nodes need as many tangents, got 2"),
        ("xs", [], SettingError, "1 nodes need as many tangents, got 0"),
        ("xs", 1.0, InputTypeError, "1 nodes need a list of 1 tangents, got float"),
        ("xs", cr.variable([1.0]), InputTypeError, "a list of 1 tangents, got Node"),
        ("x", "a", InputTypeError, "jvp: needs numbers, got str"),
        (3.0, 1.0, InputTypeError, "jvp: needs nodes, got float"),
        ([3.0], [1.0], InputTypeError, "jvp: needs nodes, got float"),
    ],
)
def test_wrong_calls_are_sentences(wrt, tangents, error, words):
    x = cr.variable([1.0, 2.0])
    with pytest.raises(error, match=words):
        cr.jvp(x * x, {"x": x, "xs": [x]}.get(wrt, wrt) if isinstance(wrt, str) else wrt, tangents)
    with pytest.raises(InputTypeError, match="jvp: needs nodes, got int"):
        cr.jvp(1, x, [1.0, 1.0])
