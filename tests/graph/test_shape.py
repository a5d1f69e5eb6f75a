"""Sizes in rows: arithmetic, broadcasting, reshaping."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as some
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from chainrule.errors import InputTypeError, ShapeError
from chainrule.graph import Rows, bind, broadcast, input_node, ops, parameter, segments
from chainrule.graph.shape import as_shape, normal_axes, reshaped

SIZES = some.one_of(some.integers(0, 4), some.integers(1, 3).map(Rows))
SHAPES = some.lists(SIZES, max_size=4).map(tuple)


def test_rows_are_printed_and_compared_as_sizes():
    assert [str(Rows()), str(Rows(3))] == ["rows", "3*rows"]
    assert Rows() == Rows(1) != Rows(2)
    assert Rows() != 1
    assert {Rows(), Rows(1)} == {Rows()}
    assert bind((Rows(2), 5, Rows()), rows=4) == (8, 5, 4)
    assert bind((Rows(2), 5), rows=0) == (0, 5)


@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=4, min_side=0))
def test_broadcasting_is_numpys(drawn):
    shapes = drawn.input_shapes
    assert broadcast("add", *shapes) == np.broadcast_shapes(*shapes) == drawn.result_shape


@given(some.lists(some.lists(some.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=3))
def test_what_numpy_does_not_broadcast_is_refused(shapes):
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ShapeError, match="add: shapes .* do not broadcast"):
            broadcast("add", *shapes)
    else:
        assert broadcast("add", *shapes) == expected


@given(SHAPES, SHAPES)
def test_broadcasting_of_rows_holds_for_any_number_of_them(left, right):
    try:
        wide = broadcast("add", left, right)
    except ShapeError:
        return
    for rows in (2, 3, 5):
        assert bind(wide, rows) == np.broadcast_shapes(bind(left, rows), bind(right, rows))


def test_broadcasting_of_nothing_is_a_scalar():
    assert broadcast("add") == ()


@given(SHAPES, some.integers(0, 3))
def test_reshaping_solves_the_free_size_for_any_number_of_rows(shape, at):
    if sum(isinstance(size, Rows) for size in shape) > 1:
        return
    if any(size == 0 for size in shape):
        return
    at = min(at, len(shape))
    numbers = [size for size in shape if not isinstance(size, Rows)]
    new = (*numbers[:at], -1, *numbers[at:])
    full = reshaped(shape, new)
    for rows in (1, 2, 7):
        assert bind(full, rows) == np.empty(bind(shape, rows)).reshape(new).shape


def test_reshaping_with_rows_by_hand():
    assert reshaped((Rows(), 4, 6), (-1, 6)) == (Rows(4), 6)
    assert reshaped((Rows(), 4, 6), (Rows(), -1)) == (Rows(), 24)
    assert reshaped((Rows(4), 6), (Rows(), 4, 6)) == (Rows(), 4, 6)
    assert reshaped((Rows(4), 6), (Rows(2), -1)) == (Rows(2), 12)
    assert reshaped((3, Rows(), 5), (-1, 5)) == (Rows(3), 5)
    assert reshaped((Rows(), 1), (-1,)) == (Rows(),)
    assert reshaped((Rows(), 0), (-1, 3)) == (Rows(0), 3)
    for new in ((Rows(), 5), (Rows(5), -1), (24,), (Rows(), Rows()), (-1, -1), (-1, 0)):
        with pytest.raises(ShapeError, match="reshape: .*must be the same"):
            reshaped((Rows(), 4, 6), new)


def test_an_ensemble_becomes_more_rows_of_one_product():
    x = input_node("x", (Rows(), 8, 3), "float32")
    weights = parameter("kernel", (3, 2), "float32")
    y = (x.reshape(-1, 3) @ weights).reshape(-1, 8, 2)
    assert y.shape == (Rows(), 8, 2)
    assert y.mean(axis=1).shape == (Rows(), 2)
    assert y.mean().shape == ()


@given(some.integers(1, 4), some.data())
def test_axes_are_sorted_and_count_from_zero(axes, data):
    chosen = data.draw(some.lists(some.integers(0, axes - 1), unique=True))
    signed = [data.draw(some.sampled_from([axis, axis - axes])) for axis in chosen]
    assert normal_axes("sum", signed, axes) == tuple(sorted(chosen))
    assert normal_axes("sum", None, axes) == tuple(range(axes))


def test_sizes_are_whole_and_large_enough():
    assert as_shape("reshape", np.int64(3)) == (3,)
    assert as_shape("reshape", [Rows(), np.int32(2)]) == (Rows(), 2)
    with pytest.raises(InputTypeError, match="reshape: sizes must be whole numbers, got 2.0"):
        as_shape("reshape", (2.0,))
    with pytest.raises(ShapeError, match="reshape: sizes must be 0 or more, got"):
        as_shape("reshape", (-1,))


def test_means_over_rows_count_them_when_a_program_runs():
    x = input_node("x", (Rows(), 3), "float32")
    for axis, shape in ((None, ()), (0, (3,)), ((0, 1), ()), (-2, (3,))):
        y = ops.mean(x, axis=axis)
        assert (y.shape, y.dtype, y.operation.name) == (shape, np.float32, "divide")
        counted = y.operands[1]
        assert counted.operation.name == "count"
        axes = normal_axes("mean", axis, 2)
        assert counted.attributes["shape"] == tuple(x.shape[i] for i in axes)
        assert (counted.shape, counted.dtype) == ((), np.float32)
    assert ops.mean(x, axis=1).operands[1].value == 3.0
    assert ops.mean(x, axis=0, keepdims=True).shape == (1, 3)


def test_segments_lie_one_after_the_other():
    nodes = [
        parameter("kernel", (3, 2), "float32"),
        parameter("bias", (2,), "float32"),
        parameter("scale", (), "float32"),
        parameter("empty", (0, 4), "float32"),
        parameter("mean", (2,), "float32", trainable=False),
    ]
    table = segments(nodes)
    assert [segment.name for segment in table] == ["kernel", "bias", "scale", "empty", "mean"]
    assert [(segment.start, segment.stop) for segment in table] == [
        (0, 6), (6, 8), (8, 9), (9, 9), (9, 11),
    ]  # fmt: skip
    assert [segment.trainable for segment in table] == [True] * 4 + [False]
    assert all(s.stop - s.start == math.prod(s.shape) for s in table)
