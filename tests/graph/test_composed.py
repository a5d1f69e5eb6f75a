"""What is composed of operations: clip, greater_equal, norm, where."""

import math

import numpy as np
import pytest
from tests.engine.networks import ENGINES
from tests.graph.cases import normal

import chainrule as cr
from chainrule import engine, graph
from chainrule.engine import Graph
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import Rows, ops

INF, NAN = math.inf, math.nan


def test_masked_is_exactly_0_where_the_mask_is():
    x = cr.variable([INF, NAN, -INF, 3.0, -0.0])
    y = ops.masked(x, [0, 0.0, False, 2, 0])
    assert y.value.tolist() == [0.0, 0.0, 0.0, 3.0, 0.0]
    assert not np.signbit(y.value).any()
    assert cr.grad(y.sum(), x).value.tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]
    mask = cr.variable([1.0, 0.0])
    assert cr.grad(ops.masked([1.0, 2.0], mask).sum(), mask).value.tolist() == [0.0, 0.0]
    assert ops.masked(1.0, NAN).value == 1.0


def test_the_slope_of_expm1_has_its_digits_far_below_0():
    x = cr.variable([-40.0, -1.0])
    slopes = cr.grad(ops.expm1(x).sum(), x).value
    np.testing.assert_allclose(slopes, [math.exp(-40.0), math.exp(-1.0)], rtol=1e-15)


def test_a_gradient_that_is_no_number_is_masked_too():
    x = cr.variable([0.0, 4.0])
    safe = ops.masked(ops.sqrt(x + ops.equal(x, 0.0)), x)
    assert cr.grad(safe.sum(), x).value.tolist() == [0.0, 0.25]


def test_stop_gradient_is_a_constant():
    x = cr.variable([2.0, 3.0])
    y = ops.stop_gradient(x * x) * x
    assert y.value.tolist() == [8.0, 27.0]
    assert cr.grad(y.sum(), x).value.tolist() == [4.0, 9.0]
    assert cr.grad(ops.stop_gradient(x).sum(), x).value.tolist() == [0.0, 0.0]


def test_slopes_at_kinks():
    zero = cr.variable([0.0, -0.0])
    for y, slope in (
        (ops.leaky_relu(zero), 0.2), (ops.leaky_relu(zero, negative_slope=0.7), 0.7),
        (ops.elu(zero), 1.0), (ops.elu(zero, alpha=0.25), 0.25), (ops.softplus(zero), 0.5),
    ):  # fmt: skip
        assert cr.grad(y.sum(), zero).value.tolist() == [slope] * 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_where_is_numpys(dtype):
    a, b = normal(3, 2).astype(dtype), normal(2, key=1).astype(dtype)
    for condition in (
        np.array([[True, False], [False, False], [True, True]]),
        np.array([[0.5, 0.0], [-2.0, NAN], [INF, -0.0]]),
        np.array([[1, 0], [0, 3], [-1, 0]]),
        np.array([[1], [0], [2]], np.float32),
        True,
        0.0,
    ):
        found = ops.where(condition, a, b)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found.value, np.where(condition, a, b))
        node = ops.where(cr.variable(condition), a, b)
        np.testing.assert_array_equal(node.value, found.value)
    assert ops.where([1, 0], 2, 3).value.tolist() == [2.0, 3.0]
    assert ops.where([1, 0], a[0], 3.0).dtype == dtype


def test_wheres_gradient_goes_to_what_was_chosen():
    condition, a, b = map(cr.variable, ([1.0, 0.0], [INF, NAN], [NAN, 2.0]))
    y = ops.where(condition, a, b)
    assert y.value.tolist() == [INF, 2.0]
    found = [slope.value.tolist() for slope in cr.grad(y.sum(), [condition, a, b])]
    assert found == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_clip_is_numpys_and_flat_beyond_its_bounds():
    x = cr.variable([-2.0, 0.0, 0.3, 1.0, 5.0, INF, -INF, NAN])
    y = ops.clip(x, 0.0, 1.0)
    np.testing.assert_array_equal(y.value, np.clip(x.value, 0.0, 1.0))
    slopes = cr.grad(ops.clip(x, 0.0, 1.0).sum(), x).value
    assert slopes[:7].tolist() == [0.0, 0.5, 1.0, 0.5, 0.0, 0.0, 0.0]
    low, high = cr.variable([-1.0, 0.0]), cr.variable(2.0)
    both = ops.clip([[-3.0, 1.0], [4.0, 5.0]], low, high)
    assert both.value.tolist() == [[-1.0, 1.0], [2.0, 2.0]]
    by_low, by_high = cr.grad(both.sum(), [low, high])
    assert (by_low.value.tolist(), by_high.value) == ([1.0, 0.0], 2.0)
    assert ops.clip(np.ones(2, np.float32), 0, 0.5).dtype == np.float32


def test_greater_equal_is_numpys_and_flat():
    x = cr.variable([1.0, 2.0, 3.0, NAN, INF])
    found = ops.greater_equal(x, 2.0)
    np.testing.assert_array_equal(found.value, (x.value >= 2.0).astype(float))
    assert ops.greater_equal([1, 2], [2, 2]).value.tolist() == [0.0, 1.0]
    assert not cr.grad(found.sum(), x).value.any()


POWERS = [1, 1.5, 2, 2.0, 3, 7.5, np.float32(2.0), INF]


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_is_the_formula(p, axis, keepdims):
    x = normal(4, 3)
    found = ops.norm(x, p=p, axis=axis, keepdims=keepdims).value
    size = np.abs(x)
    expected = (
        size.max(axis=axis, keepdims=keepdims) if p == INF
        else (size ** float(p)).sum(axis=axis, keepdims=keepdims) ** (1 / float(p))
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert np.shape(found) == np.shape(expected)
    assert cr.check_gradient(lambda x: ops.norm(x, p=p, axis=axis, keepdims=keepdims), x) < 1e-6


@pytest.mark.parametrize("p", POWERS)
def test_norms_slope_at_0_is_0_and_never_nan(p):
    zero = cr.variable(np.zeros((2, 3)))
    for y in (ops.norm(zero, p=p), ops.norm(zero, p=p, axis=1).sum()):
        assert y.value == 0.0
        slope = cr.grad(y, zero)
        np.testing.assert_array_equal(slope.value, np.zeros((2, 3)))
        again = cr.grad((slope * slope).sum(), zero)
        np.testing.assert_array_equal(again.value, np.zeros((2, 3)))
    some = cr.variable([[0.0, 0.0], [3.0, 0.0]])
    slope = cr.grad(ops.norm(some, p=p, axis=1).sum(), some)
    assert slope.value.tolist() == [[0.0, 0.0], [1.0, 0.0]]
    assert np.isfinite(cr.grad((slope * slope).sum(), some).value).all()


def test_norm_neither_overflows_nor_vanishes():
    for dtype, large, small in (("float64", 1e300, 1e-300), ("float32", 1e38, 1e-38)):
        for p in (1.5, 2, 3, 40):
            for scale in (large, small):
                x = np.array([0.5 * scale, -0.25 * scale], dtype)
                expected = scale * (0.5**p + 0.25**p) ** (1 / p)
                assert ops.norm(x, p=p).value == pytest.approx(expected, rel=1e-6)
    for p in (1, 1.5, 2, INF):
        assert ops.norm([1.0, -INF], p=p).value == INF
        assert math.isnan(ops.norm([1.0, NAN], p=p).value)


def test_norms_second_derivative_agrees_with_the_formula():
    """(I - u u^T) / |x| with u = x / |x|"""
    x = cr.variable([1.0, -2.0, 2.0])
    way = np.array([0.3, 0.1, -0.7])
    u = x.value / 3.0
    expected = (way - u * (u @ way)) / 3.0
    np.testing.assert_allclose(cr.jvp(cr.grad(ops.norm(x), x), x, way).value, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_they_are_what_they_are_at_once(name, dtype):
    def all_of(x):
        chosen = ops.where(ops.greater_equal(x, 0.25), ops.log(ops.clip(x, 0.1, 1.5)), x * x)
        length = ops.norm(x, axis=1, keepdims=True) + ops.norm(chosen, p=3, axis=1, keepdims=True)
        return chosen / length + ops.norm(x, p=INF, axis=1, keepdims=True)

    rows = np.concatenate([normal(5, 3), np.full((1, 3), 0.25)]).astype(dtype)
    data = graph.input_node("x", (Rows(), 3), dtype)
    y = all_of(data)
    (slope,) = graph.gradients(y.sum(), [data])
    program = engine.compile(Graph((data,), (), {"y": y, "slope": slope}), name)
    found = program.run({"x": rows}, np.zeros(0, dtype)).results
    leaf = cr.variable(rows)
    expected = all_of(leaf)
    eps = 50 * np.finfo(dtype).eps
    assert found["y"].dtype == expected.dtype == dtype
    np.testing.assert_allclose(found["y"], expected.value, rtol=eps, atol=eps)
    by_leaf = cr.grad(expected.sum(), leaf).value
    np.testing.assert_allclose(found["slope"], by_leaf, rtol=eps, atol=eps)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ops.norm([1.0], p=0.5), SettingError, "norm: p must be .* 1 to infinity, got 0.5"),
        (lambda: ops.norm([1.0], p=NAN), SettingError, "norm: p must be .*, got nan"),
        (lambda: ops.norm([1.0], p="2"), SettingError, "norm: p must be .*, got '2'"),
        (lambda: ops.norm([1.0], p=True), SettingError, "norm: p must be .*, got True"),
        (lambda: ops.norm([1.0], axis=1), ShapeError, "norm: axis 1 is not among the 1 axes"),
        (lambda: ops.norm(np.ones((0, 2))), ShapeError, "norm: shape .* has no elements"),
        (lambda: ops.norm("a"), InputTypeError, "norm: needs numbers, got str"),
        (lambda: ops.clip([1.0], 2.0, 1.0), SettingError, "clip: low must not be above high"),
        (lambda: ops.clip("a", 0, 1), InputTypeError, "clip: needs numbers, got str"),
        (lambda: ops.clip(1, [0, 0], [1, 1, 1]), ShapeError, "clip: shapes .* do not broadcast"),
        (lambda: ops.where("a", 0, 1), InputTypeError, "where: needs numbers, got str"),
        (lambda: ops.where(1, None, 1), InputTypeError, "where: needs numbers, got NoneType"),
        (lambda: ops.where([1, 0], [1.0, 2.0, 3.0], 1), ShapeError, "do not broadcast"),
        (lambda: ops.greater_equal(1, {}), InputTypeError, "greater_equal: needs numbers, got di"),
    ],
)
def test_wrong_calls_are_sentences(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert str(caught.value).endswith(".")
