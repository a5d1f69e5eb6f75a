"""Where rows stand in what operations give, against which numbers change with a row."""

import itertools

import numpy as np
import pytest

from chainrule import ops
from chainrule.graph import (
    FIRST,
    MIXED,
    OPERATIONS,
    UNKNOWN,
    RowPlace,
    Rows,
    constant,
    input_node,
    operation,
    reachable,
    row_place,
)

ROWS = Rows()
TABLE = np.arange(1.0, 13.0).reshape(3, 4)


def near(x):
    """Whole numbers from 0 to 2 that follow x."""
    return ops.argmax(x)


CASES = [
    ((ROWS, 2), lambda x: ops.tanh(x) * np.array([1.0, 2.0]), FIRST),
    ((ROWS, 1), lambda x: x + np.ones((3, 1, 2)), RowPlace(1)),
    ((ROWS,), lambda x: x.reshape((-1, 1)) - x.reshape((1, -1)), MIXED),
    ((ROWS, 3), lambda x: ops.transpose(x), RowPlace(1)),
    ((ROWS, 3), lambda x: ops.transpose(x) + x.sum(axis=1), RowPlace(1)),
    ((ROWS, 2), lambda x: ops.cast(x, dtype="float32"), FIRST),
    ((ROWS, 2), lambda x: ops.broadcast_to(x.sum(axis=1), shape=(3, x.shape[0])), RowPlace(1)),
    ((ROWS, 2), lambda x: x.reshape((-1,)), RowPlace(0, 2)),
    ((ROWS, 2), lambda x: x.reshape((1, -1)).reshape((-1, 2)), FIRST),
    ((ROWS, 4), lambda x: x.reshape((-1, 2)), RowPlace(0, 2)),
    ((2, ROWS), lambda x: x.reshape((-1,)), RowPlace(0)),
    ((2, ROWS), lambda x: x.reshape((-1,)).reshape((2, -1)), RowPlace(1)),
    ((2, ROWS), lambda x: x.reshape((-1, 2)), MIXED),
    ((ROWS, 2), lambda x: ops.flip(x.reshape((1, -1)), axis=1), MIXED),
    ((ROWS, 2), lambda x: ops.flip(x, axis=0), MIXED),
    ((ROWS, 2), lambda x: ops.flip(x, axis=1), FIRST),
    ((ROWS, 3, 2), lambda x: x.sum(axis=1), FIRST),
    ((3, ROWS, 2), lambda x: x.max(axis=0), FIRST),
    ((3, ROWS, 2), lambda x: x.min(axis=(0, 2), keepdims=True), RowPlace(1)),
    ((ROWS, 2), lambda x: x.sum(axis=0), MIXED),
    ((ROWS, 2), lambda x: x.max(), MIXED),
    ((ROWS, 2), lambda x: x - x.min(axis=0), MIXED),
    ((ROWS, 2), lambda x: ops.softmax(x), FIRST),
    ((ROWS, 2), lambda x: ops.softmax(x, axis=0), MIXED),
    ((ROWS, 2), lambda x: ops.log_softmax(ops.transpose(x)), MIXED),
    ((ROWS, 2), lambda x: ops.log_softmax(ops.transpose(x), axis=0), RowPlace(1)),
    ((ROWS, 2), lambda x: ops.concatenate(x, 2.0 * x), FIRST),
    ((ROWS, 3), lambda x: ops.narrow(x, axis=1, start=1, stop=3), FIRST),
    ((ROWS, 3), lambda x: ops.widen(x, axis=1, start=1, length=5), FIRST),
    ((ROWS, 3), lambda x: x @ TABLE, FIRST),
    ((ROWS, 5, 3), lambda x: x @ TABLE, FIRST),
    ((4, ROWS), lambda x: TABLE @ x, RowPlace(1)),
    ((ROWS, 4, 2), lambda x: TABLE @ x, FIRST),
    ((ROWS, 2), lambda x: x @ ops.transpose(x), MIXED),
    ((ROWS, 2), lambda x: x @ (ops.transpose(x) @ x), MIXED),
    ((ROWS, 2, 3), lambda x: x @ ops.transpose(x, axes=(0, 2, 1)), FIRST),
    ((3, ROWS), lambda x: ops.gather(x, np.array([2, 0])), RowPlace(1)),
    ((3, ROWS), lambda x: ops.gather(x, np.array([[2, 0]])), RowPlace(2)),
    ((ROWS, 3), lambda x: ops.gather(x, np.array([1, 0])), MIXED),
    ((ROWS, 3), lambda x: ops.gather(TABLE, near(x)), FIRST),
    ((ROWS, 3), lambda x: ops.gather(ops.transpose(x), near(x)), MIXED),
    ((2, ROWS), lambda x: ops.scatter_add(x, np.array([2, 0]), length=3), RowPlace(1)),
    ((ROWS, 3), lambda x: ops.scatter_add(x, near(x), length=3), MIXED),
    ((ROWS, 3), lambda x: ops.one_hot(near(x), depth=3), FIRST),
    ((ROWS, 3), near, FIRST),
    ((3, ROWS), near, MIXED),
    ((ROWS, 3), lambda x: ops.softmax_cross_entropy(x, x), FIRST),
    ((3, ROWS), lambda x: ops.softmax_cross_entropy(x, x), MIXED),
    (
        (ROWS, 3),
        lambda x: OPERATIONS["softmax_cross_entropy_slope"](x, x, x.sum(axis=1)),
        FIRST,
    ),
    (
        (3, ROWS),
        lambda x: OPERATIONS["softmax_cross_entropy_slope"](x, x, x.sum(axis=1)),
        MIXED,
    ),
    (
        (ROWS, 3, 4),
        lambda x: OPERATIONS["sample_bilinear"](x, 0.1 * x.reshape((-1, 2, 3, 2))),
        FIRST,
    ),
    (
        (ROWS, 2, 3, 4),
        lambda x: OPERATIONS["spread_bilinear"](x.sum(axis=1), 0.1 * x, height=3, width=4),
        FIRST,
    ),
]  # fmt: skip
"""The shape of what is given, what is made of it, and where rows stand there."""

MOST = 4


def places(made, given):
    """Where rows stand in the last of the nodes that lead from one to another."""
    found = {}
    for node in reachable([made]):
        below = [found[one.number] for one in node.operands]
        found[node.number] = given if node.role == "input" else row_place(node, below)
    return found[made.number]


def changes(shape, function):
    """For each row which numbers of the result change with it."""
    axis, full = shape.index(ROWS), tuple(MOST if one == ROWS else one for one in shape)
    x = np.random.default_rng(4).uniform(-1.0, 1.0, full)
    before = np.asarray(function(constant(x)).value, np.float64)
    for row in range(MOST):
        found = np.zeros(before.shape, bool)
        for turn in itertools.product((-2.0, 0.3, 2.0), repeat=2):
            moved = x.copy()
            index = [slice(None)] * len(full)
            index[axis] = row
            moved[tuple(index)] += np.resize(turn, moved[tuple(index)].shape)
            found |= np.asarray(function(constant(moved)).value) != before
        yield row, found


def stays(shape, function, place):
    """Whether numbers change with their own row alone, where rows stand so."""
    for row, changed in changes(shape, function):
        entries = np.indices(changed.shape)[place.axis] // place.inner % MOST
        if np.any(changed & (entries != row)):
            return False
    return True


@pytest.mark.parametrize(("shape", "function", "place"), CASES)
def test_rows_stand_where_numbers_change_with_them(shape, function, place):
    made = function(input_node("x", shape, np.float64))
    assert places(made, RowPlace(shape.index(ROWS))) == place
    if place != MIXED:
        assert stays(shape, function, place)
    else:
        axes = range(len(made.shape))
        assert not any(stays(shape, function, RowPlace(axis)) for axis in axes)


def test_every_operation_that_is_not_element_by_element_is_looked_at():
    made = [function(input_node("x", shape, np.float64)) for shape, function, _ in CASES]
    seen = {node.operation.name for node in reachable(made) if node.operation is not None}
    drawn = {"dropout_mask", "random_normal", "random_uniform", "count"}
    wanted = {name for name, one in OPERATIONS.items() if not one.elementwise}
    assert wanted - drawn <= seen


def test_what_has_no_rows_is_the_same_for_all():
    x = input_node("x", (3, 2), np.float64)
    assert places(ops.softmax(x, axis=0).sum(axis=0), None) is None


def own(meaning, rule):
    made = operation(meaning, shape=lambda *shapes: shapes[0])
    made.gradient(rule)
    return made


def twice_apart(x):
    return 2.0 * x


def scaled_apart(x, w):
    return x * w


def turned_round(x):
    return x[::-1]


def shares_of_rows(x):
    return np.exp(x) / np.exp(x).sum(axis=0)


def sine_apart(x):
    return np.sin(x)


TWICE = own(twice_apart, lambda g, y, x: 2.0 * g)
SCALED = own(scaled_apart, lambda g, y, x, w: (g * w, g * x))
TURNED = own(turned_round, lambda g, y, x: ops.flip(g, axis=0))
SHARES = own(shares_of_rows, lambda g, y, x: y * (g - (g * y).sum(axis=0)))
SINE = own(sine_apart, lambda g, y, x: g * SINE(x + np.pi / 2))
OWN = [
    (lambda x: TWICE(x), FIRST),
    (lambda x: SCALED(x, np.array([2.0, 3.0])), FIRST),
    (lambda x: SCALED(x, x), FIRST),
    (lambda x: SCALED(x, x.sum(axis=0)), MIXED),
    (lambda x: TURNED(x), MIXED),
    (lambda x: SHARES(x), MIXED),
    (lambda x: SINE(x), UNKNOWN),
    (lambda x: SINE(x) + x, UNKNOWN),
    (lambda x: SINE(x) + x.sum(axis=0), MIXED),
]


@pytest.mark.parametrize(("function", "place"), OWN)
def test_an_operation_of_ones_own_keeps_rows_where_its_gradient_rule_does(function, place):
    assert places(function(input_node("x", (ROWS, 2), np.float64)), FIRST) == place
    if place == FIRST:
        assert stays((ROWS, 2), function, FIRST)
