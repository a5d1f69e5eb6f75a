"""The checks of `checks.py` fail where an operation is wrong."""

import numpy as np
import pytest
from tests.graph import checks
from tests.graph.cases import CASES
from tests.graph.sizes import of_size

from chainrule.graph import OPERATIONS, constant

FLAT = {"argmax", "count", "dropout_mask", "equal", "greater", "one_hot", "random_normal",
        "random_uniform", "sign", "stop_gradient"}  # fmt: skip
SLOPES = [
    (name, position)
    for name in sorted(set(OPERATIONS) - FLAT)
    for position in range(len(CASES[name][0].operands))
    if position not in OPERATIONS[name].integers
    and not all(position in case.fixed for case in CASES[name])
]
CURVED = (
    "multiply", "divide", "power", "exp", "log", "sqrt", "tanh", "sigmoid", "softmax",
    "log_softmax", "matmul", "squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy",
    "softmax_cross_entropy_slope", "expm1", "log1p", "erf", "sin", "cos", "elu", "softplus",
)  # fmt: skip


def fails(check, name):
    """Whether the check fails for a case of the operation; any case will do."""
    for case in CASES[name]:
        try:
            check(OPERATIONS[name], case)
        except AssertionError:
            return True
    return False


def scaled(rule, position, factor):
    def planted(g, y, *operands, **attributes):
        given = rule(g, y, *operands, **attributes)
        parts = list(given) if isinstance(given, tuple) else [given]
        part = parts[position]
        if part is not None:
            parts[position] = lambda: (part() if callable(part) else part) * factor
        return tuple(parts)

    return planted


def test_every_operation_that_is_not_flat_is_tried():
    assert {name for name, _ in SLOPES} | FLAT == set(OPERATIONS)


@pytest.mark.parametrize(("name", "position"), SLOPES)
@pytest.mark.parametrize("factor", [1.001, 0.999])
def test_a_rule_off_by_a_thousandth_is_caught(monkeypatch, name, position, factor):
    operation = OPERATIONS[name]
    assert not fails(checks.check_gradient, name)
    monkeypatch.setattr(
        operation, "gradient_rule", scaled(operation.gradient_rule, position, factor)
    )
    assert fails(checks.check_gradient, name)
    assert fails(checks.check_tangent, name)


@pytest.mark.parametrize("name", ["equal", "greater", "sign"])
def test_a_flat_operation_with_a_slope_is_caught(monkeypatch, name):
    monkeypatch.setattr(
        OPERATIONS[name], "gradient_rule", lambda g, y, *operands: tuple(g for _ in operands)
    )
    assert fails(checks.check_gradient, name)


@pytest.mark.parametrize("name", CURVED)
def test_a_rule_that_forgets_what_it_is_made_of_is_caught(monkeypatch, name):
    """Right once, wrong when it is differentiated again: its factors are constants."""
    operation, rule = OPERATIONS[name], OPERATIONS[name].gradient_rule

    def planted(g, y, *operands, **attributes):
        still = [constant(node.array) for node in (y, *operands)]
        return rule(g, *still, **attributes)

    monkeypatch.setattr(operation, "gradient_rule", planted)
    assert not fails(checks.check_gradient, name)
    assert fails(checks.check_second_order, name)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_wrong_value_is_caught(monkeypatch, name):
    operation, meaning = OPERATIONS[name], OPERATIONS[name].meaning

    def planted(*operands, **attributes):
        result = np.asarray(meaning(*operands, **attributes))
        return np.asarray(result * 1.000001 if result.dtype.kind == "f" else result + 1)

    assert not fails(checks.check_value, name)
    monkeypatch.setattr(operation, "meaning", planted)
    assert fails(checks.check_value, name)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_value_wrong_in_the_last_element_alone_is_caught(monkeypatch, name):
    operation, meaning = OPERATIONS[name], OPERATIONS[name].meaning

    def planted(*operands, **attributes):
        result = np.array(meaning(*operands, **attributes), order="C")
        result.reshape(-1)[-1:] += 1
        return result

    monkeypatch.setattr(operation, "meaning", planted)
    with pytest.raises(AssertionError):
        checks.check_value(operation, of_size(name, 31))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.parametrize(
    "wrong", [lambda shape: (*shape, 1), lambda shape: shape[-1:] or (2,), lambda _: (17,)]
)
def test_a_wrong_shape_is_caught(monkeypatch, name, wrong):
    """By the operation itself, as soon as there is a value."""
    operation, rule = OPERATIONS[name], OPERATIONS[name].shape_rule
    monkeypatch.setattr(
        operation, "shape_rule", lambda *shapes, **given: wrong(rule(*shapes, **given))
    )
    with pytest.raises(ValueError, match=f"{name}: its shape rule says .*, its result is"):
        for case in CASES[name]:
            checks.call(operation, case)


def test_rows_counted_wrong_are_caught(monkeypatch):
    operation, rule = OPERATIONS["concatenate"], OPERATIONS["concatenate"].shape_rule

    def planted(*shapes, axis):
        shape = rule(*shapes, axis=axis)
        return tuple(5 if not isinstance(size, int) else size for size in shape)

    monkeypatch.setattr(operation, "shape_rule", planted)
    assert fails(checks.check_shape, "concatenate")


def test_an_operand_written_over_is_caught(monkeypatch):
    operation, meaning = OPERATIONS["tanh"], OPERATIONS["tanh"].meaning

    def planted(x):
        result = meaning(x)
        np.multiply(x, 1.5, out=x)
        return result

    assert not fails(checks.check_operands, "tanh")
    monkeypatch.setattr(operation, "meaning", planted)
    assert fails(checks.check_operands, "tanh")


def test_a_rule_of_the_wrong_type_is_caught(monkeypatch):
    operation = OPERATIONS["multiply"]
    monkeypatch.setattr(operation, "gradient_rule", lambda g, y, a, b: (g * a, g * b))
    assert fails(checks.check_gradient, "multiply")
