"""Derivatives as graph: worked examples with their numbers, and what `grad` refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as some
from tests.graph.cases import normal

import chainrule as cr
from chainrule.errors import GradientError, InputTypeError, SettingError, ShapeError
from chainrule.graph import Rows, input_node, ops


def values(nodes):
    return [node.value for node in nodes]


def test_the_first_example_of_the_course():
    x, y, z = map(cr.variable, (-2.0, 5.0, -4.0))
    q = x + y
    f = q * z
    assert (q.value, f.value) == (3.0, -12.0)
    assert values(cr.grad(f, [q, z, x, y])) == [-4.0, 3.0, -4.0, -4.0]


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_one_one_one_network_has_its_closed_formulas(y):
    x, w1, b1, w2, b2 = (cr.variable(value) for value in (0.7, 0.3, -0.2, -1.1, 0.4))
    a1 = ops.sigmoid(x * w1 + b1)
    z2 = a1 * w2 + b2
    p = ops.sigmoid(z2)
    parts = -(y * ops.log(p) + (1 - y) * ops.log(1 - p))
    fused = ops.sigmoid_cross_entropy(z2, y)
    first = 1 / (1 + math.exp(-(0.7 * 0.3 - 0.2)))
    share = 1 / (1 + math.exp(-(first * -1.1 + 0.4)))
    delta = share - y
    below = delta * -1.1 * first * (1 - first)
    for loss in (parts, fused):
        assert loss.value == pytest.approx(-math.log(share if y else 1 - share), rel=1e-14)
        found = values(cr.grad(loss, [w2, b2, w1, b1]))
        assert found == pytest.approx([delta * first, delta, below * 0.7, below], rel=1e-13)


def test_one_function_used_three_times():
    w = cr.variable(0.4)
    x = ops.tanh(w)
    y = ops.tanh(x)
    z = ops.tanh(y)
    slope = 1.0
    at = 0.4
    for _ in range(3):
        at = math.tanh(at)
        slope *= 1 - at * at
    assert cr.grad(z, w).value == pytest.approx(slope, rel=1e-14)


def test_uses_add_up():
    x = cr.variable(3.0)
    left, right = x * x, x + 1.0
    assert cr.grad(left * right + x, x).value == 2 * 3 * 4 + 9 + 1
    assert cr.grad(x + x, x).value == 2.0
    assert cr.grad(x * x * x, x).value == 27.0
    assert cr.grad(x, x).value == 1.0


def test_what_is_not_reached_has_a_gradient_of_zeros():
    x, other = cr.variable([1.0, 2.0]), cr.variable(np.ones((2, 3), np.float32))
    by_x, by_other = cr.grad((x * x).sum(), [x, other])
    np.testing.assert_array_equal(by_x.value, [2.0, 4.0])
    np.testing.assert_array_equal(by_other.value, np.zeros((2, 3)))
    assert by_other.dtype == np.float32
    assert cr.grad(cr.constant(1.0), x).shape == (2,)
    data = input_node("x", (Rows(), 3), "float32")
    assert cr.grad(cr.variable(1.0) * 2, data).shape == (Rows(), 3)


def test_with_respect_to_a_node_on_the_way_and_what_is_below_it():
    x = cr.variable(2.0)
    square = x * x
    y = ops.exp(square) + square
    by_square, by_x = cr.grad(y, [square, x])
    assert by_square.value == pytest.approx(math.exp(4) + 1, rel=1e-15)
    assert by_x.value == pytest.approx(4 * (math.exp(4) + 1), rel=1e-15)
    assert values(cr.grad(y, [x, x])) == [by_x.value] * 2
    assert cr.grad(y, []) == []
    assert len(cr.grad(y, (x, square))) == 2


def test_derivatives_are_differentiated_again():
    x = cr.variable(0.5)
    y, order = ops.exp(2 * x), 0
    for order in range(5):
        assert y.value == pytest.approx(2**order * math.e, rel=1e-14)
        y = cr.grad(y, x)
    assert order == 4
    x = cr.variable(-2.0)
    orders = [x**3]
    for _ in range(5):
        orders.append(cr.grad(orders[-1], x))
    assert values(orders) == [-8.0, 12.0, -12.0, 6.0, 0.0, 0.0]


@pytest.mark.parametrize("point", [0.0, 1.5, -2.0])
@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4.0])
def test_whole_powers_have_every_derivative_everywhere(point, exponent):
    """At 0 too, where 0 * 0^-1 would not be a number."""
    x = cr.variable(point)
    for power in (x**exponent, ops.power(x, exponent), ops.power(x, cr.variable(exponent))):
        y = power
        for order in range(6):
            falling = math.prod(exponent - i for i in range(order))
            left = exponent - order
            assert y.value == (falling * point**left if falling else 0.0)
            y = cr.grad(y, x)


def test_a_power_of_zero_has_no_slope_in_its_exponent():
    for exponent in (0.0, 0.5, 2.0):
        assert cr.grad(ops.power(0.0, e := cr.variable(exponent)), e).value == 0.0


def test_kinks_have_the_slopes_their_docstrings_state():
    zero = cr.variable([0.0, -0.0])
    for operation, expected in ((ops.relu, 0.0), (ops.abs, 0.0), (ops.sign, 0.0), (ops.flush, 0.0)):
        np.testing.assert_array_equal(cr.grad(operation(zero).sum(), zero).value, [expected] * 2)
    a, b = cr.variable([1.0, 2.0, 3.0]), cr.variable([1.0, 5.0, 0.0])
    for operation, by_a in ((ops.maximum, [0.5, 0.0, 1.0]), (ops.minimum, [0.5, 1.0, 0.0])):
        found = values(cr.grad(operation(a, b).sum(), [a, b]))
        np.testing.assert_array_equal(found, [by_a, 1 - np.array(by_a)])
    assert cr.grad(ops.maximum(a, a).sum(), a).value.tolist() == [1.0] * 3
    equal = ops.absolute_error(a, a.value)
    assert cr.grad(equal.sum(), a).value.tolist() == [0.0] * 3


def test_several_largest_share_the_gradient_evenly():
    x = cr.variable([[1.0, 3.0], [3.0, 3.0]])
    np.testing.assert_array_equal(cr.grad(ops.max(x), x).value, np.array([[0, 1], [1, 1]]) / 3)
    by_row = cr.grad((ops.max(x, axis=1) * [1.0, 10.0]).sum(), x)
    np.testing.assert_array_equal(by_row.value, [[0.0, 1.0], [5.0, 5.0]])
    lowest = cr.grad(ops.min(-x, axis=0, keepdims=True).sum(), x)
    np.testing.assert_array_equal(lowest.value, [[0.0, -0.5], [-1.0, -0.5]])


def test_broadcast_operands_get_the_sum_of_their_uses():
    x = cr.variable(normal(5, 1))
    row, scalar = cr.variable(normal(3)), cr.variable(2.0)
    by_x, by_row, by_scalar = cr.grad(((x + row) * scalar).sum(), [x, row, scalar])
    np.testing.assert_array_equal(by_x.value, np.full((5, 1), 6.0))
    np.testing.assert_array_equal(by_row.value, np.full(3, 10.0))
    assert by_scalar.value == pytest.approx(3 * x.value.sum() + 5 * row.value.sum())


def test_gradients_have_the_type_of_what_they_are_taken_by():
    w = cr.variable(np.ones(3, np.float32))
    x = cr.variable(np.arange(3.0))
    by_w, by_x = cr.grad((w * x * 0.5).sum(), [w, x])
    assert (by_w.dtype, by_x.dtype) == (np.float32, np.float64)
    assert cr.grad((w * 2.0).mean(), w).dtype == np.float32


def test_casts_to_whole_numbers_are_flat_and_to_floats_straight():
    x = cr.variable([1.5, -2.5])
    whole = ops.cast(x, dtype="int32")
    assert cr.grad((whole * 2.0).sum(), x).value.tolist() == [0.0, 0.0]
    assert cr.grad((ops.cast(x, dtype="float32") * 3).sum(), x).value.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("shape", [(1,), (2,), (1, 1), (0,)])
def test_only_scalars_are_differentiated(shape):
    x = cr.variable(np.ones(shape))
    with pytest.raises(ShapeError, match=r"grad: needs a scalar, got shape .*; take .sum\(\)"):
        cr.grad(x * 2, x)


def test_what_is_no_node_is_refused():
    x = cr.variable(1.0)
    for y, wrt, word in ((2.0, x, "float"), (x, 3, "int"), (x, [x, "x"], "str"), (x, None, "None")):
        with pytest.raises(InputTypeError, match=f"grad: needs nodes, got {word}.*cr.variable"):
            cr.grad(y, wrt)


def test_fused_cross_entropies_equal_their_parts():
    z, t = normal(4, 3), np.eye(3)[[0, 2, 1, 0]]
    x = cr.variable(z)
    fused = ops.softmax_cross_entropy(x, t)
    parts = -(ops.log(ops.softmax(x)) * t).sum(axis=-1)
    stable = -(ops.log_softmax(x) * t).sum(axis=-1)
    for other in (parts, stable):
        np.testing.assert_allclose(fused.value, other.value, rtol=1e-13)
        slopes = values([cr.grad(loss.sum(), x) for loss in (fused, other)])
        np.testing.assert_allclose(*slopes, rtol=1e-12)
    p = ops.sigmoid(x)
    fused = ops.sigmoid_cross_entropy(x, t)
    parts = -(t * ops.log(p) + (1 - t) * ops.log(1 - p))
    np.testing.assert_allclose(fused.value, parts.value, rtol=1e-13)
    slopes = values([cr.grad(loss.sum(), x) for loss in (fused, parts)])
    np.testing.assert_allclose(*slopes, rtol=1e-12)


def test_output_deltas_are_output_minus_target():
    x, t = cr.variable(normal(4, 3)), np.eye(3)[[0, 2, 1, 0]]
    softmax = cr.grad(ops.softmax_cross_entropy(x, t).sum(), x)
    np.testing.assert_allclose(softmax.value, ops.softmax(x).value - t, rtol=1e-13, atol=1e-15)
    o = ops.sigmoid(x)
    sigmoid = cr.grad(ops.sigmoid_cross_entropy(x, t).sum(), x)
    np.testing.assert_allclose(sigmoid.value, o.value - t, rtol=1e-13, atol=1e-15)
    squared = cr.grad((0.5 * ops.squared_error(o, t)).sum(), x)
    np.testing.assert_allclose(squared.value, (o.value - t) * o.value * (1 - o.value), rtol=1e-13)


@pytest.mark.parametrize("far", [1e4, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certain_and_wrong_is_finite(far, dtype):
    z = cr.variable(np.array([[far, -far], [-far, far]], dtype))
    loss = ops.softmax_cross_entropy(z, np.eye(2, dtype=dtype)[[1, 0]])
    np.testing.assert_array_equal(loss.value, np.full(2, 2 * far, dtype))
    np.testing.assert_array_equal(cr.grad(loss.sum(), z).value, [[1, -1], [-1, 1]])
    loss = ops.sigmoid_cross_entropy(z, np.array([[0, 1], [1, 0]], dtype))
    np.testing.assert_array_equal(loss.value, np.full((2, 2), far, dtype))
    np.testing.assert_array_equal(cr.grad(loss.sum(), z).value, [[1, -1], [-1, 1]])
    assert loss.dtype == dtype


BOUNDED = (ops.tanh, ops.sigmoid, lambda x: ops.exp(ops.tanh(x)), lambda x: ops.sqrt(x * x + 1.0))
COMBINED = (
    ops.add,
    ops.subtract,
    ops.multiply,
    ops.squared_error,
    lambda a, b: a / (1.5 + b * b),
    lambda a, b: ops.log(2.0 + ops.sigmoid(a)) * b,
)
SHAPED = (
    lambda x: x.sum(axis=0, keepdims=True),
    lambda x: x.mean(axis=1, keepdims=True),
    ops.softmax,
    lambda x: ops.log_softmax(x, axis=0),
    lambda x: x.T @ x,
    lambda x: ops.narrow(ops.concatenate(x, x), axis=1, start=1, stop=3),
)
STEPS = some.lists(
    some.tuples(some.integers(0, 5), some.integers(0, 20), some.integers(0, 20)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60)
@given(STEPS, some.integers(0, 1000))
def test_random_expressions_agree_with_their_slopes(steps, key):
    """Nodes are used again and again, of shapes that broadcast, and never wander far."""

    def expression(*leaves):
        nodes = list(leaves)
        for kind, left, right in steps:
            a, b = nodes[left % len(nodes)], nodes[right % len(nodes)]
            if kind % 3 == 0:
                nodes.append(BOUNDED[left % len(BOUNDED)](a))
            elif kind % 3 == 1:
                nodes.append(ops.tanh(COMBINED[right % len(COMBINED)](a, b)))
            else:
                nodes.append(ops.tanh(SHAPED[(left + right) % len(SHAPED)](a)))
                if nodes[-1].shape[-1:] != (2,) or nodes[-1].shape[0] not in (1, 2):
                    nodes[-1] = nodes[-1].sum(axis=0, keepdims=True).mean() * nodes[0]
        return nodes[-1]

    cr.check_gradient(expression, normal(2, 2, key=key), normal(1, 2, key=key), rtol=1e-6)


def test_symbolic_gradients_have_the_shapes_of_parameters():
    x = input_node("x", (Rows(), 3), "float32")
    t = input_node("t", (Rows(), 2), "float32")
    w = cr.graph.parameter("kernel", (3, 2), "float32")
    b = cr.graph.parameter("bias", (2,), "float32")
    loss = ops.softmax_cross_entropy(x @ w + b, t).mean()
    found = cr.grad(loss, [w, b, x])
    assert [(node.shape, node.dtype) for node in found] == [
        ((3, 2), np.float32), ((2,), np.float32), ((Rows(), 3), np.float32),
    ]  # fmt: skip


def test_check_gradient_gives_the_error_it_found():
    error = cr.check_gradient(lambda x, y: ops.tanh(x @ y), normal(2, 3), normal(3, 2))
    assert 0 < error < 1e-8
    assert cr.check_gradient(lambda x: x * 2.0, np.zeros((0, 3))) == 0.0
    assert cr.check_gradient(lambda x: cr.constant(1.0), 2.0) == 0.0
    assert cr.check_gradient(lambda x: ops.softmax(x).sum(), [1.0, 2.0]) < 1e-6
    assert cr.check_gradient(lambda x: x * 1e-12, 3.0) < 1e-9


def test_check_gradient_names_argument_and_element():
    @cr.operation
    def fourth_is_wrong(x):
        return x * x

    @fourth_is_wrong.gradient
    def _(g, y, x):
        return g * x * [2.0, 2.0, 2.0, 2.002]

    with pytest.raises(GradientError, match=r"argument 2, element 3: .* \(relative error 0.001, "):
        cr.check_gradient(lambda a, b: a * fourth_is_wrong(b), 2.0, [1.0, 2.0, 3.0, 4.0])
    loose = cr.check_gradient(fourth_is_wrong, [1.0, 2.0, 3.0, 4.0], rtol=0.01)
    assert loose == pytest.approx(1e-3, rel=1e-2)


def test_check_gradient_sees_a_small_element_beside_a_large_one():
    @cr.operation
    def first_is_wrong(x):
        return x * x

    @first_is_wrong.gradient
    def _(g, y, x):
        return g * x * [2.002, 2.0]

    with pytest.raises(GradientError, match=r"element 0: .* \(relative error 0.001, "):
        cr.check_gradient(first_is_wrong, [0.02, 4.0])


@pytest.mark.parametrize(
    ("function", "at", "slopes"),
    [
        (ops.relu, [1.0, 0.0], "element 1: .* kink there, with slope .* before and 1 after"),
        (ops.relu, [1e-3], "kink there, with slope 1.5 before and 1 after"),
        (lambda x: abs(x - 1) * 3, [1.0005], "kink there"),
        (ops.leaky_relu, [0.0], "slope 0.2 before and 1 after"),
    ],
)
def test_check_gradient_tells_a_kink_from_a_wrong_rule(function, at, slopes):
    with pytest.raises(GradientError, match=slopes):
        cr.check_gradient(lambda x: function(x).sum(), at)


def test_check_gradient_blames_a_rule_that_no_kink_explains():
    @cr.operation
    def wrong_at_its_kink(x):
        return np.maximum(x, 0.0)

    @wrong_at_its_kink.gradient
    def _(g, y, x):
        return g * 7.0

    for at in (0.0, 2.0):
        with pytest.raises(GradientError, match="the gradient rule gives 7, central"):
            cr.check_gradient(wrong_at_its_kink, at)


def test_check_gradient_says_where_there_is_nothing_to_check():
    sentence = "check_gradient: the function is nan at these arrays; give others"
    with np.errstate(invalid="ignore"), pytest.raises(GradientError, match=sentence):
        cr.check_gradient(ops.log, [2.0, -1.0, 3.0])
    with np.errstate(invalid="ignore"), pytest.raises(GradientError, match="element 1: .* nan"):
        cr.check_gradient(ops.sqrt, [2.0, 1e-4, 3.0])


def test_check_gradient_refuses_what_it_cannot_check():
    with pytest.raises(SettingError, match="needs an array or more"):
        cr.check_gradient(ops.tanh)
    with pytest.raises(InputTypeError, match="check_gradient: the function gives float, needs a"):
        cr.check_gradient(lambda x: 2.0, 1.0)
    with pytest.raises(InputTypeError, match="needs numbers, got str"):
        cr.check_gradient(ops.tanh, "a")
    with pytest.raises(SettingError, match="check_gradient: rtol must be a number above 0"):
        cr.check_gradient(ops.tanh, 1.0, rtol=-1)


def test_the_gradient_of_shared_weights_is_one_product_over_all_rows():
    x = input_node("x", (Rows(), 8, 3), "float32")
    w = cr.graph.parameter("kernel", (3, 2), "float32")
    by_w = cr.grad((x @ w).sum(), w)
    assert by_w.operation is cr.graph.OPERATIONS["matmul"]
    assert [node.shape for node in by_w.operands] == [(3, Rows(8)), (Rows(8), 2)]
