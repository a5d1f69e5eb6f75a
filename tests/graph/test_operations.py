"""One test for every operation: value, shape, type, slope, curvature, refusals."""

import re

import numpy as np
import pytest
from tests.graph import checks
from tests.graph.cases import CASES, every_case
from tests.graph.oracles import ORACLES
from tests.graph.sizes import SIZES, large, of_size

from chainrule import graph
from chainrule.errors import ChainruleError, InputTypeError
from chainrule.graph import OPERATIONS, variable

NAMES = sorted(OPERATIONS)


def identified(pairs):
    return [pytest.param(operation, case, id=f"{operation.name}-{case}")
            for operation, case in pairs]  # fmt: skip


every = pytest.mark.parametrize(("operation", "case"), identified(every_case()))


def test_every_operation_has_cases_and_a_second_formula():
    assert set(OPERATIONS) == set(CASES) == set(ORACLES)


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_has_a_gradient_rule_and_a_line_of_its_own(name):
    operation = OPERATIONS[name]
    assert operation.gradient_rule is not None
    first, *_ = (operation.__doc__ or "").splitlines()
    assert 10 < len(first) <= 100
    assert "NumPy" not in (operation.__doc__ or "") or "by NumPy's rules" in first


@every
def test_value_agrees_with_a_second_formula(operation, case):
    checks.check_value(operation, case)


@every
def test_shape_and_type_are_told_beforehand(operation, case):
    checks.check_shape(operation, case)


@every
def test_gradient_agrees_with_slope(operation, case):
    checks.check_gradient(operation, case)


@every
def test_gradient_of_the_gradient_agrees_with_its_slope(operation, case):
    checks.check_second_order(operation, case)


@every
def test_forward_mode_agrees_with_reverse_mode_and_slope(operation, case):
    checks.check_tangent(operation, case)


@every
def test_second_derivatives_agree_in_whatever_mode_they_are_taken(operation, case):
    checks.check_second_orders(operation, case)


@every
def test_tangents_of_symbolic_rows_have_the_shape_of_the_result(operation, case):
    checks.check_tangent_shapes(operation, case)


@every
def test_gradients_of_symbolic_rows_have_the_shape_of_their_operands(operation, case):
    checks.check_gradient_shapes(operation, case)


@every
def test_operands_stay_as_they_are(operation, case):
    checks.check_operands(operation, case)


@every
def test_float32_stays_float32(operation, case):
    operands = [
        operand if position in operation.integers else np.asarray(operand, np.float32)
        for position, operand in enumerate(case.operands)
    ]
    double = checks.call(operation, case)
    y = checks.call(operation, case, operands)
    told = "dtype" in double.attributes or operation.name == "argmax"
    assert y.dtype == (double.dtype if told else np.float32)
    points = [
        None if point is None else point.astype(np.float32)
        for point in checks.floats(operation, case)
    ]
    leaves, nodes = checks.with_variables(operation, case, points)
    result = checks.call(operation, case, leaves).sum()
    for node, slope in zip(nodes, graph.gradients(result, nodes), strict=True):
        assert slope.dtype == np.float32
        assert slope.shape == node.shape
    np.testing.assert_allclose(y.array, double.array, rtol=2e-5, atol=2e-6)


@every
def test_strided_operands_give_the_same(operation, case):
    y = checks.call(operation, case)
    plain = [np.asarray(node.array) for node in y.operands]
    gaps = [np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x for x in plain]
    other_order = [np.asfortranarray(x) if x.ndim else x for x in plain]
    backwards = [x[::-1].copy()[::-1] if x.ndim else x for x in plain]
    for operands in (gaps, other_order, backwards):
        found = operation.meaning(*operands, **y.attributes)
        np.testing.assert_allclose(found, y.array, rtol=1e-15, atol=1e-15)
        again = checks.call(operation, case, operands)
        np.testing.assert_allclose(again.array, y.array, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
def test_any_size_is_right(name, size):
    operation, case = OPERATIONS[name], of_size(name, size)
    checks.check_value(operation, case)
    checks.check_shape(operation, case)
    if size <= 9:
        checks.check_gradient(operation, case)


@pytest.mark.parametrize("name", NAMES)
def test_large_numbers_are_finite_and_right(name):
    for case in large(name):
        operation = OPERATIONS[name]
        y = checks.call(operation, case)
        assert np.isfinite(y.array).all()
        checks.check_value(operation, case)
        operands, nodes = checks.with_variables(operation, case)
        for slope in graph.gradients(checks.call(operation, case, operands).sum(), nodes):
            assert np.isfinite(slope.array).all()


def test_large_numbers_are_tried_with_every_operation_that_computes():
    without = {name for name in OPERATIONS if not large(name)}
    assert without == {"count", "dropout_mask", "one_hot", "random_normal", "random_uniform"}


def refused(error, call):
    with pytest.raises(error) as caught:
        call()
    sentence = str(caught.value)
    assert isinstance(caught.value, ChainruleError)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_call_is_a_sentence_that_shows_the_right_one(name):
    operation, case = OPERATIONS[name], CASES[name][0]
    form = re.escape(f"call it as {name}(")
    unknown = refused(InputTypeError, lambda: checks.call(operation, case, quux=1))
    assert re.search(f"^{name}: .*'quux'.*{form}", unknown)
    if name != "concatenate":
        more = refused(InputTypeError, lambda: operation(*case.operands, 1.0, **case.attributes))
        assert re.search(f"^{name}: too many positional arguments; {form}", more)
    if case.operands and name != "concatenate":
        fewer = refused(InputTypeError, lambda: operation(**case.attributes))
        assert re.search(f"^{name}: missing a required argument.*{form}", fewer)


@pytest.mark.parametrize("name", [name for name in NAMES if CASES[name][0].operands])
def test_what_is_no_number_is_refused_by_the_operations_name(name):
    operation, case = OPERATIONS[name], CASES[name][0]
    rest = case.operands[1:]
    for wrong, word in (("a", "str"), (None, "NoneType"), ([1j], "complex"), ({}, "dict")):
        sentence = refused(InputTypeError, lambda x=wrong: operation(x, *rest, **case.attributes))
        assert sentence.startswith(f"{name}: needs numbers, got ")
        assert word in sentence
    ragged = refused(ValueError, lambda: operation([[1], [1, 2]], *rest, **case.attributes))
    assert ragged.startswith(f"{name}: rows of unequal length")
    nodes = refused(InputTypeError, lambda: operation([variable(1)], *rest, **case.attributes))
    assert nodes.startswith(f"{name}: got a list of nodes")


ELEMENTWISE = sorted(
    name for name, operation in OPERATIONS.items()
    if operation.elementwise and len(CASES[name][0].operands) == 2
)  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize(("left", "right"), [((3,), (4,)), ((2, 3), (2,)), ((0,), (3,))])
def test_shapes_that_do_not_broadcast_are_refused_by_the_operations_name(name, left, right):
    sentence = refused(ValueError, lambda: OPERATIONS[name](np.ones(left), np.ones(right)))
    assert sentence.startswith(f"{name}: shapes {left} and {right} do not broadcast")
