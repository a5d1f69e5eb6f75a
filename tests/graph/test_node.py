"""Nodes: values at once, symbols until a program runs, and what lies between."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, strategies as some

import chainrule as cr
from chainrule.errors import InputTypeError, ShapeError
from chainrule.graph import Rows, gradients, input_node, make, ops, parameter, reachable


def test_nodes_with_values_compute_at_once():
    x = cr.variable([1.0, 2.0])
    y = x * x + 1
    np.testing.assert_array_equal(y.value, [2.0, 5.0])
    assert y.operation.name == "add"
    assert y.operands[0].operands == (x, x)


def test_a_scalar_has_a_float_for_a_value_and_an_array_an_array():
    assert type(cr.variable(3).value) is float
    assert type((cr.variable(3) * 2).value) is float
    assert isinstance(cr.variable([3]).value, np.ndarray)
    assert float(cr.variable(np.float32(0.5))) == 0.5


def test_a_symbolic_node_says_that_it_has_no_value():
    x = input_node("x", (Rows(), 3), "float32")
    sentence = r"<input 'x' \(rows, 3\)> is symbolic .* only while a program runs; build it of"
    with pytest.raises(InputTypeError, match=sentence):
        x.value
    with pytest.raises(InputTypeError, match=r"<sum \(\)> is symbolic"):
        float((x * 2.0).sum())
    with pytest.raises(InputTypeError, match="is symbolic"):
        cr.variable(x)


def test_a_node_with_a_value_met_in_a_symbolic_graph_is_a_constant_of_it():
    x = input_node("x", (Rows(), 2), "float64")
    scale = cr.variable([2.0, 3.0]) * 10
    y = x * scale
    assert y.array is None
    assert y.shape == (Rows(), 2)
    np.testing.assert_array_equal(y.operands[1].value, [20.0, 30.0])
    slope, by_scale = gradients(y.sum(), [x, scale])
    assert (slope.shape, by_scale.shape) == ((Rows(), 2), (2,))
    assert slope.array is None


def test_both_kinds_in_one_graph_give_the_gradient_of_the_valued_part_at_once():
    w = cr.variable(3.0)
    penalty = w * w
    x = input_node("x", (), "float64")
    by_w, by_x = gradients(x * penalty, [penalty, x])
    assert by_x.value == 9.0
    assert by_w.array is None


def test_repr_shows_what_a_node_is():
    assert repr(cr.variable(2.0, "w")) == "<variable 'w' () 2.>"
    assert repr(cr.constant([1.0, 2.0]) * 2) == "<multiply (2,) [2. 4.]>"
    assert repr(parameter("kernel", (2, 3), "float32")) == "<parameter 'kernel' (2, 3)>"
    assert repr(parameter("mean", (2,), "float32", trainable=False)) == "<state 'mean' (2,)>"
    assert len(repr(cr.variable(np.zeros(10_000)))) < 100


def test_a_node_has_no_truth_value_and_compares_by_identity():
    x, y = cr.variable(1.0), cr.variable(1.0)
    with pytest.raises(InputTypeError, match="no truth value; compare node.value"):
        bool(x)
    assert x != y
    assert len({x, y}) == 2


@pytest.mark.parametrize("array", [np.array([1.0, 2.0]), np.array([[1.0], [2.0]])])
def test_an_array_on_the_left_gives_a_node(array):
    x = cr.variable([3.0, 4.0])
    for found, expected in (
        (array + x, array + x.value),
        (array - x, array - x.value),
        (array * x, array * x.value),
        (array / x, array / x.value),
        (array**x, array**x.value),
        (np.float64(2.0) * x, 2.0 * x.value),
        (np.int64(2) - x, 2 - x.value),
    ):
        assert isinstance(found, cr.Node)
        np.testing.assert_array_equal(found.value, expected)
    product = np.ones((3, 2)) @ x
    assert isinstance(product, cr.Node)
    np.testing.assert_array_equal(product.value, [7.0] * 3)
    assert (array == x, array != x, np.float64(2.0) == x) == (False, True, False)


def test_an_array_on_the_left_of_a_symbolic_node_keeps_its_type():
    x = parameter("x", (2,), "float32")
    for found in (FLOAT32 + x, np.float32(2) * x, np.eye(2, dtype=np.float32) @ x, 2.0 - x):
        assert (found.array, found.dtype, found.shape) == (None, np.float32, (2,))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (np.tanh, "numpy.tanh takes arrays, got a node .* use chainrule.ops.tanh"),
        (lambda x: np.add(x, 1), "chainrule.ops.add"),
        (lambda x: np.maximum(0, x), "chainrule.ops.maximum"),
        (lambda x: np.maximum(FLOAT64, x), "chainrule.ops.maximum"),
        (lambda x: FLOAT64.__gt__(x), r"ops.greater"),
        (lambda x: np.copy(FLOAT64).__iadd__(x), "chainrule.ops.add"),
        (np.add.reduce, "chainrule.ops.add"),
        (np.mean, "chainrule.ops.mean"),
        (np.sum, "chainrule.ops.sum"),
        (lambda x: np.where(x, 1, 0), "chainrule.ops.where"),
        (lambda x: np.concatenate([x, x]), "chainrule.ops.concatenate"),
        (np.square, r"use node \*\* 2"),
        (np.tan, "use what chainrule.ops has in its place"),
        (lambda x: x > 0, r"use chainrule.ops.greater\(a, b\)"),
        (lambda x: x < 0, r"ops.greater\(b, a\)"),
        (lambda x: x >= 0, r"ops.greater_equal\(a, b\)"),
        (lambda x: x <= 0, r"ops.greater_equal\(b, a\)"),
        (lambda x: x[0], "use chainrule.ops.narrow or gather"),
        (lambda x: cr.check_gradient(np.tanh, [1.0]), "chainrule.ops.tanh"),
    ],
)
def test_what_takes_arrays_alone_names_the_operation(call, words):
    for x in (cr.variable([3.0, 4.0]), parameter("x", (2,), "float64")):
        with pytest.raises(InputTypeError, match=words):
            call(x)


def test_a_node_is_no_sequence():
    x = cr.variable([3.0, 4.0])
    with pytest.raises(TypeError):
        list(x)
    assert np.shape(x) == (2,)
    assert cr.grad(x.sum(), x).value.tolist() == [1.0, 1.0]


def test_numbers_on_the_left():
    x = cr.variable(4.0)
    assert [(1 + x).value, (1 - x).value, (2 * x).value, (2 / x).value, (2**x).value] == [
        5.0, -3.0, 8.0, 0.5, 16.0,
    ]  # fmt: skip
    assert (-x).value == -4.0
    assert [(x**2).value, (x**0.5).value, (x**-1).value, (x**3).value] == [16.0, 2.0, 0.25, 64.0]
    assert (x**2).operation.name == "multiply"
    assert (x**0.5).operation.name == "sqrt"


FLOAT32 = np.ones(2, np.float32)
FLOAT64 = np.ones(2)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (FLOAT32, 2, "float32"),
        (FLOAT32, 2.5, "float32"),
        (FLOAT32, [2.5, 1], "float32"),
        (FLOAT32, True, "float32"),
        (FLOAT32, np.arange(2), "float32"),
        (FLOAT32, np.float32(2), "float32"),
        (FLOAT32, np.float64(2), "float64"),
        (FLOAT32, FLOAT64, "float64"),
        (FLOAT64, 2, "float64"),
        (FLOAT64, np.float32(2), "float64"),
        (np.ones(2, np.float16), 0.1, "float32"),
        (np.ones(2, np.longdouble), 0.1, "float64"),
        (np.ones(2, ">f8"), 0.1, "float64"),
        (np.arange(2), 2, "float64"),
        (np.array([True, False]), np.uint8(2), "float64"),
        (2, 3.0, "float64"),
        (np.float32(2), 3.0, "float32"),
    ],
)
def test_types_follow_the_arrays_and_python_numbers_are_weak(left, right, expected):
    for operands in ((left, right), (right, left)):
        y = ops.add(*operands)
        assert y.dtype == y.array.dtype == np.dtype(expected)
        assert y.dtype.isnative
        np.testing.assert_array_equal(y.value, np.add(*(np.asarray(x, expected) for x in operands)))
        if getattr(operands[0], "dtype", np.dtype(int)).kind == "f":
            assert (cr.constant(operands[0]) + operands[1]).dtype == np.dtype(expected)


def test_leaves_are_float32_or_float64():
    for value, expected in (
        (1, "float64"),
        (True, "float64"),
        (np.arange(3), "float64"),
        (np.float32(1), "float32"),
        (np.ones(2, np.float16), "float32"),
        (np.ones(2, np.longdouble), "float64"),
        (cr.variable(np.float32(1)), "float32"),
        (cr.variable(np.ones(2, np.float32)) * 2, "float32"),
    ):
        for leaf in (cr.variable(value), cr.constant(value)):
            assert leaf.dtype == leaf.array.dtype == np.dtype(expected)


def test_whole_numbers_become_floats_where_they_are_computed_with():
    x = cr.variable(np.array([[0.5, 2.0], [3.0, 1.0]], np.float32))
    positions = ops.argmax(x)
    assert (positions.dtype, list(positions.value)) == (np.int32, [1, 0])
    np.testing.assert_allclose(ops.tanh(positions).value, np.tanh([1.0, 0.0]))
    hits = ops.equal(positions, [1, 1])
    assert hits.mean().value == 0.5
    assert positions.mean().value == 0.5
    assert (positions / 2).dtype == np.float64
    assert (positions * cr.constant(FLOAT32)).dtype == np.float32
    codes = input_node("codes", (Rows(), 3), "int32")
    column = ops.narrow(codes, axis=1, start=1, stop=2).reshape(-1)
    assert column.dtype == np.int32
    assert ops.gather(np.ones((5, 4)), column).shape == (Rows(), 4)
    assert (codes @ np.ones((3, 2))).dtype == np.float64
    np.testing.assert_array_equal((positions @ [[0.5], [0.25]]).value, [0.5])


def test_later_changes_of_the_callers_array_do_not_reach_the_graph():
    given = np.array([1.0, 2.0])
    x, c = cr.variable(given), cr.constant(given)
    y = x * given
    given[:] = 100.0
    np.testing.assert_array_equal(x.value, [1.0, 2.0])
    np.testing.assert_array_equal(c.value, [1.0, 2.0])
    np.testing.assert_array_equal(cr.grad(y.sum(), x).value, [1.0, 2.0])


@pytest.mark.parametrize("axes", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (1, 3), (3, 2), (3, 3)])
def test_matrix_products_are_numpys_for_vectors_too(axes):
    shapes = {1: (2,), 2: (2, 2), 3: (3, 2, 2)}
    a, b = (np.random.default_rng(n).normal(size=shapes[n]) for n in axes)
    found = cr.variable(a) @ cr.variable(b)
    np.testing.assert_allclose(found.value, a @ b, rtol=1e-14)
    cr.check_gradient(lambda x, y: x @ y, a, b)


def test_matrix_products_refuse_scalars():
    for call in (lambda x: x @ 2.0, lambda x: 2.0 @ x):
        with pytest.raises(ShapeError, match=r"a scalar has no rows or columns; use \* instead"):
            call(cr.variable([1.0]))


def test_methods_are_the_operations():
    x = cr.variable(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(x.T.value, x.value.T)
    np.testing.assert_array_equal(x.sum(axis=0).value, [3.0, 5.0, 7.0])
    np.testing.assert_array_equal(x.sum(1, keepdims=True).value, [[3.0], [12.0]])
    np.testing.assert_array_equal(x.mean(axis=1).value, [1.0, 4.0])
    assert (x.max().value, x.min().value) == (5.0, 0.0)
    np.testing.assert_array_equal(x.max(axis=1, keepdims=True).value, [[2.0], [5.0]])
    np.testing.assert_array_equal(x.min(axis=0).value, [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(abs(x - 2).value, [[2.0, 1.0, 0.0], [1.0, 2.0, 3.0]])
    for shape in ((3, 2), ((3, 2),), ([3, -1],), (-1, 2)):
        assert x.reshape(*shape).shape == (3, 2)
    assert x.reshape(-1).shape == (6,)


@pytest.mark.parametrize("value", ["a", None, [[1], [2, 3]], 1j, [object()], {"a": 1}])
def test_leaves_refuse_what_is_no_array_of_numbers(value):
    for leaf in (cr.variable, cr.constant):
        with pytest.raises((InputTypeError, ShapeError), match=f"^{leaf.__name__}: .*[.]$"):
            leaf(value)
    with pytest.raises((InputTypeError, ShapeError), match="^add: .*[.]$"):
        cr.variable(1.0) + value


def test_a_long_chain_is_walked_without_recursion_and_freed():
    class Watched(cr.Node):
        __slots__ = ("__weakref__",)

    x = Watched(None, (), {}, (), np.dtype(float), np.ones(()))
    y = x
    for _ in range(100_000):
        y = -y
    assert y.value == 1.0
    assert len(reachable([y])) == 100_001
    slope = cr.grad(y, x)
    assert slope.value == 1.0
    alive = weakref.ref(x)
    del x, y, slope
    gc.collect()
    assert alive() is None


def test_a_long_symbolic_chain_is_walked_too():
    x = input_node("x", (Rows(),), "float32")
    y = x
    for _ in range(30_000):
        y = -y
    (slope,) = gradients(y.sum(), [x])
    assert slope.shape == (Rows(),)


def test_a_node_is_reached_once_and_after_its_operands():
    x = cr.variable(2.0)
    y = x
    for _ in range(60):
        y = y + y  # as a tree it would have 2^60 nodes
    order = reachable([y, x, y])
    assert len(order) == 61
    place = {node: position for position, node in enumerate(order)}
    assert all(place[o] < place[node] for node in order for o in node.operands)
    assert cr.grad(y, x).value == 2.0**60


@given(some.lists(some.floats(-1e6, 1e6), min_size=1, max_size=5))
def test_make_keeps_numbers(numbers):
    node = make(numbers, np.dtype(np.float64), "test")
    np.testing.assert_array_equal(node.value, numbers)
    assert make(node, None, "test") is node


def test_a_value_cannot_be_written_over():
    x = cr.variable([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 5.0
    assert cr.grad((x * x).sum(), x).value.tolist() == [2.0, 4.0]
