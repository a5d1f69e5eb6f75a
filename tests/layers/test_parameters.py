"""One flat array, named views, lists in layer order; penalties."""

import numpy as np
import pytest

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError
from chainrule.graph import check_gradient, variable
from chainrule.layers import (
    L1,
    L1L2,
    L2,
    REGULARIZERS,
    Dense,
    Parameter,
    Parameters,
    Stack,
    find_initializer,
    find_regularizer,
)


def network():
    return Stack([Dense(4, trainable=False), Dense(2, bias_trainable=False)], (3,))


def test_trainable_numbers_lie_first_and_lists_are_in_layer_order():
    parameters = Parameters(network().parameters(), "float32")
    assert parameters.names == ("dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias")
    assert [segment.name for segment in parameters.segments] == [
        "dense_1/kernel", "dense/kernel", "dense/bias", "dense_1/bias",
    ]  # fmt: skip
    assert (parameters.count, parameters.trainable_count) == (26, 8)
    parameters["dense_1/kernel"][...] = 7
    assert (parameters.flat[:8] == 7).all()
    assert not parameters.flat[8:].any()
    assert [array.shape for array in parameters.get()] == [(3, 4), (4,), (4, 2), (2,)]


def test_first_values_do_not_depend_on_what_is_trainable():
    frozen = Parameters(network().parameters())
    free = Parameters(Stack([Dense(4), Dense(2)], (3,)).parameters())
    for one in (frozen, free):
        one.initialize(5)
    for mine, other in zip(frozen.get(), free.get(), strict=True):
        assert (mine == other).all()
    want = find_initializer("glorot_uniform").values((4, 2), 5, 2)
    assert (free["dense_1/kernel"] == want).all()


def test_float32_values_are_the_float64_ones_rounded():
    table = Stack([Dense(4)], (3,)).parameters()
    narrow, wide = Parameters(table, "float32"), Parameters(table, "float64")
    narrow.initialize(1)
    wide.initialize(1)
    assert (narrow.flat == wide.flat.astype(np.float32)).all()


def test_get_gives_copies_and_set_takes_values():
    parameters = Parameters([Parameter("a", (2,)), Parameter("b", (1,))])
    copy = parameters.copy()
    [a, b] = parameters.get()
    a[:] = 1
    assert not parameters.flat.any()
    parameters.set([a, [5]])
    assert parameters.flat.tolist() == [1, 1, 5]
    assert not copy.flat.any()


def test_a_wrong_list_changes_nothing():
    parameters = Parameters([Parameter("a", (2,)), Parameter("b", (1,))])
    for arrays, error, words in [
        ([[1, 1]], ShapeError, r"1 arrays are given for 2 parameters \(a \(2,\), b \(1,\)\)"),
        ([[1, 1], [1, 2]], ShapeError, r"b has shape \(1,\), the array given has \(2,\)"),
        ([[1, 1], ["x"]], InputTypeError, "b needs an array of numbers"),
        ("ab", InputTypeError, "list of arrays, got str"),
        (3, InputTypeError, "list of arrays, got int"),
    ]:
        with pytest.raises(error, match=words):
            parameters.set(arrays)
        assert not parameters.flat.any()
    with pytest.raises(DataError, match="'c' is not known; known: 'a', 'b'"):
        parameters["c"]


def test_penalties_are_those_of_keras():
    w = variable([[1.0, -2.0], [0.0, 3.0]])
    assert L1(0.1)(w).value == pytest.approx(0.6)
    assert L2(0.1)(w).value == pytest.approx(1.4)
    assert L1L2(0.1, 0.2)(w).value == pytest.approx(0.6 + 2.8)
    assert (L1().l1, L2().l2, L1L2()) == (0.01, 0.01, L1L2(0.0, 0.0))
    for name in REGULARIZERS:
        assert check_gradient(find_regularizer(name), [0.5, -2.0]) < 1e-6


def test_bad_penalties_get_a_sentence():
    with pytest.raises(SettingError, match="l2 must be a number of 0 or more, got -1"):
        L2(-1)
    with pytest.raises(SettingError, match="'l22' is not known; did you mean 'l2'"):
        find_regularizer("l22")
    with pytest.raises(InputTypeError, match="known names: l1, l2, l1_l2"):
        find_regularizer(0.1)
