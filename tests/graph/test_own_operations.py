"""Operations of one's own: with and without rules, and with wrong ones."""

import copy
import pickle

import numpy as np
import pytest
from tests.graph.cases import normal

import chainrule as cr
from chainrule.errors import GradientError, InputTypeError, SettingError, ShapeError
from chainrule.graph import OPERATIONS, OWN_OPERATIONS, Rows, input_node, ops
from chainrule.graph.operation import find

ROWS = input_node("x", (Rows(), 3), "float32")


@pytest.fixture(autouse=True)
def _leave_the_registry_as_it_was():
    before = dict(OWN_OPERATIONS)
    yield
    OWN_OPERATIONS.clear()
    OWN_OPERATIONS.update(before)


def cube_operation():
    @cr.operation
    def cube(x):
        """x^3."""
        return x**3

    @cube.gradient
    def _(g, y, x):
        return g * 3 * x * x

    return cube


def test_an_operation_with_a_rule_is_like_ours():
    cube = cube_operation()
    x = cr.variable(normal(2, 3))
    np.testing.assert_array_equal(cube(x).value, x.value**3)
    assert cr.check_gradient(cube, normal(2, 3)) < 1e-8
    point = cr.variable(2.0)
    slope = cr.grad(cube(point), point)
    assert (slope.value, cr.grad(slope, point).value) == (12.0, 12.0)
    assert (cube.name, cube.__name__, cube.__doc__) == ("cube", "cube", "x^3.")
    assert repr(cube) == "<operation cube>"
    assert cube(np.ones(2, np.float32)).dtype == np.float32
    assert cube([1, 2]).dtype == np.float64


def test_it_is_found_by_name_among_ones_own():
    cube = cube_operation()
    assert OWN_OPERATIONS["cube"] is cube
    assert "cube" not in OPERATIONS
    assert find("cube") is cube
    assert find("tanh") is ops.tanh
    with pytest.raises(SettingError, match="operation 'tanhh' is not known; did you mean 'tanh'"):
        find("tanhh")


def test_without_a_rule_it_computes_and_says_how_to_add_one():
    @cr.operation
    def cube(x):
        return x**3

    x = cr.variable(2.0)
    y = cube(x) * 2
    assert y.value == 16.0
    with pytest.raises(GradientError, match="cube: it has no gradient rule; add .* @cube.gradient"):
        cr.grad(y, x)
    other = cr.variable(1.0)
    assert cr.grad(y + other, other).value == 1.0


def test_shapes_without_a_rule_are_tried_and_follow_the_rows():
    @cr.operation
    def by_row(x, w):
        return (x @ w).sum(axis=1)

    @cr.operation
    def twice(x):
        return np.concatenate([x, x])

    @cr.operation
    def total(x):
        return x.sum()

    assert by_row(ROWS, np.ones((3, 2))).shape == (Rows(),)
    assert twice(ROWS).shape == (Rows(2), 3)
    assert twice(twice(ROWS)).shape == (Rows(4), 3)
    assert total(ROWS).shape == ()
    assert total(ROWS).dtype == np.float32
    assert by_row(np.ones((4, 3)), np.ones((3, 2))).value.tolist() == [6.0] * 4


def test_shapes_that_are_no_multiple_of_the_rows_ask_for_a_rule():
    @cr.operation
    def differences(x):
        return np.diff(x, axis=0)

    @cr.operation
    def pairs(x):
        return x @ x.T if len(x) == 7 else x

    for own in (differences, pairs):
        with pytest.raises(ShapeError, match=rf"{own.name}: .*give operation\(shape=...\) a rule"):
            own(ROWS)
    assert differences(np.ones((4, 3))).shape == (3, 3)

    @cr.operation
    def gram(x):
        return x @ x.T

    assert gram(ROWS).shape == (Rows(), Rows())


def test_a_shape_rule_is_asked_and_held_against_the_result():
    @cr.operation(shape=lambda shape, *, times: [shape[0], shape[1] * times])
    def repeated(x, *, times):
        return np.tile(x, (1, times))

    assert repeated(ROWS, times=2).shape == (Rows(), 6)
    assert repeated(np.ones((2, 3)), times=2).shape == (2, 6)

    @cr.operation(shape=lambda shape: shape)
    def wrong(x):
        return x.sum(axis=0)

    sentence = r"wrong: its shape rule says \(2, 3\), its result is \(3,\)"
    with pytest.raises(ShapeError, match=sentence):
        wrong(np.ones((2, 3)))


def test_attributes_and_their_defaults_reach_the_rule():
    @cr.operation
    def scaled(x, *, factor=2.0):
        return x * factor

    @scaled.gradient
    def _(g, y, x, *, factor):
        return g * factor

    x = cr.variable(3.0)
    assert (scaled(x).value, cr.grad(scaled(x), x).value) == (6.0, 2.0)
    assert cr.grad(scaled(x, factor=5.0), x).value == 5.0
    assert cr.check_gradient(lambda x: scaled(x, factor=-1.5), normal(3)) < 1e-9


@pytest.mark.parametrize(
    ("operands", "attributes", "words"),
    [
        ((), {}, "missing a required argument: 'x'"),
        ((1.0,), {}, "missing a required argument: 'y'"),
        ((1.0, 2.0, 3.0), {}, "too many positional arguments"),
        ((1.0, 2.0), {"facto": 1}, "unexpected keyword argument 'facto'"),
    ],
)
def test_wrong_calls_show_the_right_one(operands, attributes, words):
    @cr.operation
    def blend(x, y, *, factor=0.5):
        return x * factor + y * (1 - factor)

    call = r"; call it as blend\(x, y, /, \*, factor=0.5\)\.$"
    with pytest.raises(InputTypeError, match=f"^blend: .*{words}.*{call}"):
        blend(*operands, **attributes)


def own(rule):
    @cr.operation
    def planted(a, b):
        return a * b

    planted.gradient(rule)
    return planted


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda g, y, a, b: g * b, "gives 1 gradients for 2 operands; give one"),
        (lambda g, y, a, b: (g, g, g), "gives 3 gradients for 2 operands"),
        (lambda g, y, a, b: (g.sum(), g * a), r"gives shape \(\) for an operand of shape \(3,\)"),
        (lambda g, y, a, b: (g.reshape(1, 3), g), None),
        (lambda g, y, a, b: (ops.concatenate(g, g), g), r"gives shape \(6,\) for an operand of"),
        (lambda g, y, a, b: (b.value, g), "gives ndarray, needs a node or None"),
        (lambda g, y, a, b: (0.0, g), "gives float, needs a node or None"),
        (lambda g, y, a, b: (lambda: 1, g), "gives int, needs a node or None"),
        (lambda g, y, a, b: "ab", "gives 1 gradients for 2 operands"),
    ],
)
def test_wrong_rules_are_told(rule, words):
    planted = own(rule)
    a, b = cr.variable(np.ones(3)), cr.variable(np.ones(3))
    if words is None:
        assert cr.grad(planted(a, b).sum(), a).shape == (3,)
        return
    with pytest.raises(GradientError, match=f"^planted: its gradient rule {words}.*[.]$"):
        cr.grad(planted(a, b).sum(), [a, b])


def test_rules_may_give_a_list_functions_and_none():
    planted = own(lambda g, y, a, b: [lambda: g * b, None])
    a, b = cr.variable([2.0]), cr.variable([3.0])
    by_a, by_b = cr.grad(planted(a, b).sum(), [a, b])
    assert (by_a.value.tolist(), by_b.value.tolist()) == ([3.0], [0.0])


def test_a_rule_is_not_run_for_what_is_not_asked():
    def never():
        raise AssertionError

    planted = own(lambda g, y, a, b: (lambda: g * b, never))
    a = cr.variable(2.0)
    assert cr.grad(planted(a, cr.variable(3.0)), a).value == 3.0


def test_check_gradient_catches_a_rule_off_by_a_thousandth():
    planted = own(lambda g, y, a, b: (g * b, g * a * 1.001))
    with pytest.raises(GradientError, match="argument 2, element 0: .*relative error 0.001"):
        cr.check_gradient(planted, normal(3), normal(3, key=1))
    dropped = own(lambda g, y, a, b: (g * b, None))
    with pytest.raises(GradientError, match="argument 2"):
        cr.check_gradient(dropped, normal(3), normal(3, key=1))


def test_broadcasting_is_summed_back_for_ones_own_rules_too():
    planted = own(lambda g, y, a, b: (g * b, g * a))
    assert cr.check_gradient(planted, normal(4, 3), normal(3)) < 1e-8
    assert cr.check_gradient(planted, normal(1, 3), normal(4, 1)) < 1e-8
    assert cr.check_gradient(planted, 2.0, normal(4, 1)) < 1e-8


def test_results_that_are_no_numbers_are_refused():
    @cr.operation
    def nothing(x):
        return None

    @cr.operation
    def compare(x):
        return x > 0

    with pytest.raises(InputTypeError, match="nothing: its function must give numbers, got type"):
        nothing(1.0)
    assert compare([1.0, -1.0]).dtype == np.float64


def test_names_of_ours_and_what_is_no_function_are_refused():
    with pytest.raises(SettingError, match="'tanh' is an operation of chainrule; rename yours"):
        cr.operation(np.tanh)
    with pytest.raises(InputTypeError, match="operation: needs a function on arrays, got 3"):
        cr.operation(3)
    assert "tanh" not in OWN_OPERATIONS


def test_a_function_of_numpy_becomes_an_operation():
    sinh = cr.operation(np.sinh)
    sinh.gradient(lambda g, y, x: g * ops.sqrt(1 + y * y))
    assert cr.check_gradient(sinh, normal(3)) < 1e-8
    running = cr.operation(np.cumsum)
    assert running([1.0, 2.0, 3.0], axis=0).value.tolist() == [1.0, 3.0, 6.0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_of_an_operation_of_ours_is_itself(copied):
    assert copied(ops.softmax) is ops.softmax
    assert copied(cr.layers.Dense(3, ops.softmax)) == cr.layers.Dense(3, ops.softmax)


def test_an_unknown_operation_names_the_nearest():
    for name, words in (("mul", "'multiply'"), ("take", "known: 'abs'"), ("stack", "known: 'abs'")):
        with pytest.raises(AttributeError, match=f"ops: '{name}' is not known; .*{words}"):
            getattr(ops, name)
    with pytest.raises(AttributeError, match="ops: 'tahn' is not known; did you mean 'tanh'"):
        ops.tahn
