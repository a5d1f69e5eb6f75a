"""Constraints and norms: Keras's formulas in NumPy, kinks, records, sentences."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule
from chainrule import constraints, graph, regularizers
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import grad, ops, variable
from chainrule.layers import CONSTRAINTS, Constraint, Dense, layer_from_record, layer_record

W = np.random.default_rng(2).normal(0, 2, (6, 4))


def norms(axis):
    return np.sqrt((W**2).sum(axis=axis, keepdims=True))


FORMULAS = [
    (constraints.max_norm(), W * np.minimum(norms(0), 2) / (norms(0) + 1e-7)),
    (constraints.max_norm(0.5, 1), W * np.minimum(norms(1), 0.5) / (norms(1) + 1e-7)),
    (constraints.max_norm(3, [0, 1]), W * np.minimum(norms((0, 1)), 3) / (norms((0, 1)) + 1e-7)),
    (constraints.non_neg(), np.where(W > 0, W, 0)),
    (constraints.unit_norm(), W / (norms(0) + 1e-7)),
    (constraints.unit_norm(axis=1), W / (norms(1) + 1e-7)),
    (constraints.unit_norm(axis=np.array([-1, 0])), W / (norms((0, 1)) + 1e-7)),
    (constraints.max_norm(0.5, np.int64(-1)), W * np.minimum(norms(1), 0.5) / (norms(1) + 1e-7)),
    (constraints.max_norm(0.5, ()), W * np.minimum(norms(()), 0.5) / (norms(()) + 1e-7)),
]


@pytest.mark.parametrize("constraint, want", FORMULAS, ids=range(len(FORMULAS)))
def test_constraints_are_kerass(constraint, want):
    np.testing.assert_allclose(constraint(variable(W)).value, want, rtol=1e-13)
    record = json.loads(json.dumps(layer_record(Dense(3, kernel_constraint=constraint), "dense")))
    found = layer_from_record(record).kernel_constraint
    assert (found, hash(found)) == (constraint, hash(constraint))


def test_every_constraint_is_tried():
    assert {type(one) for one, _ in FORMULAS} == set(CONSTRAINTS.values())


def test_weights_within_the_norm_stay_nearly_as_they_are():
    small = W / 100
    found = constraints.max_norm(2)(variable(small)).value
    np.testing.assert_allclose(found, small, rtol=1e-5)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: constraints.max_norm(-1), SettingError, "max_norm: max_value must be a number"),
        (lambda: constraints.max_norm(axis="x"), SettingError, "max_norm: axis must be a whole"),
        (lambda: constraints.unit_norm(axis=1.5), SettingError, "unit_norm: axis must be a whole"),
        (lambda: constraints.max_norm(axis=True), SettingError, "max_norm: axis .*, got True"),
        (lambda: constraints.max_norm(axis=[0, True]), SettingError, r"axis .*, got \[0, True\]"),
        (lambda: constraints.unit_norm(axis=False), SettingError, "unit_norm: axis .*, got False"),
        (lambda: constraints.unit_norm(axis=np.True_), SettingError, "unit_norm: axis .*, got np"),
        (lambda: Dense(2, kernel_constraint="max_nrm"), SettingError, "did you mean 'max_norm'"),
        (lambda: Dense(2, bias_constraint=3), InputTypeError, "constraint: needs a name"),
        (lambda: regularizers.lp(0.5), SettingError, "lp: p must be a number of 1 or more"),
        (
            lambda: regularizers.lp(2, -1),
            SettingError,
            "lp: strength must be a number of 0 or more",
        ),
    ],
)
def test_bad_settings_get_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


@dataclass(frozen=True)
class Flat(Constraint):
    def __call__(self, parameter):
        return parameter.sum()


def test_what_a_constraint_gives_must_fit():
    x = np.zeros((4, 3))
    for constraint, words in (
        (Flat(), r"Flat of 'dense/kernel': it must give a node of the shape \(3, 2\)"),
        (constraints.max_norm(axis=5), "MaxNorm of 'dense/kernel': "),
    ):
        model = chainrule.Sequential([Dense(2, kernel_constraint=constraint)])
        model.compile("sgd", "mse")
        with pytest.raises(ShapeError, match=words):
            model.fit(x, np.zeros((4, 2)))


def test_one_of_ones_own_is_not_written_to_files():
    with pytest.raises(InputTypeError, match="cannot keep kernel_constraint="):
        layer_record(Dense(2, kernel_constraint=Flat()), "dense")


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 7.0])
def test_lp_is_the_norm_and_its_slope(p):
    w = variable(W)
    penalty = regularizers.lp(p, 0.3)(w)
    norm = (np.abs(W) ** p).sum() ** (1 / p)
    assert penalty.value == pytest.approx(0.3 * norm, rel=1e-13)
    slope = 0.3 * np.sign(W) * np.abs(W) ** (p - 1) / norm ** (p - 1)
    np.testing.assert_allclose(grad(penalty, w).value, slope, rtol=1e-12)
    graph.check_gradient(lambda x: regularizers.lp(p, 0.3)(x), W)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
def test_the_slope_of_a_norm_at_0_is_0(p):
    zero = variable(np.zeros(3))
    penalty = regularizers.lp(p, 0.3)(zero)
    assert penalty.value == 0
    assert grad(penalty, zero).value.tolist() == [0, 0, 0]


def test_lp_and_lq_make_the_penalty_of_the_course():
    """alpha * l1 + beta * l2, where l2 is the norm and not its square."""
    w = variable([3.0, -4.0])
    total = regularizers.lp(1, 0.1)(w) + regularizers.lp(2, 0.2)(w)
    assert total.value == pytest.approx(0.1 * 7 + 0.2 * 5)
    assert regularizers.l2(0.2)(w).value == pytest.approx(0.2 * 25)
    record = layer_record(Dense(3, kernel_regularizer=regularizers.lp(3, 0.1)), "dense")
    assert layer_from_record(record).kernel_regularizer == regularizers.lp(3, 0.1)
    assert ops.sum(w * w).value == 25
