"""What operations refuse, and in which words; `test_operations.py` has what all refuse alike."""

import numpy as np
import pytest

from chainrule.errors import (
    ChainruleError,
    DataError,
    InputTypeError,
    SettingError,
    ShapeError,
)
from chainrule.graph import OPERATIONS, Rows, gradients, input_node, ops, variable

ONES = np.ones((2, 3))
REFUSED = [
    ("matmul", (np.ones(3), ONES), {}, ShapeError, "two axes or more on each side"),
    ("matmul", (ONES, ONES), {}, ShapeError, "3 columns on the left, 2 rows on the right"),
    ("matmul", (np.ones((2, 2, 3)), np.ones((4, 3, 2))), {}, ShapeError, "do not broadcast"),
    ("sum", (ONES,), {"axis": 2}, ShapeError, "axis 2 is not among the 2 axes"),
    ("sum", (ONES,), {"axis": (0, -2)}, ShapeError, "names an axis twice"),
    ("sum", (ONES,), {"axis": 0.5}, InputTypeError, "an axis must be a whole number, got 0.5"),
    ("sum", (ONES,), {"axis": "rows"}, InputTypeError, "an axis must be a whole number"),
    ("sum", (1.0,), {"axis": 0}, ShapeError, "a scalar has no axis 0"),
    ("max", (np.ones((0, 3)),), {"axis": 0}, ShapeError, "no elements along axis"),
    ("max", ([],), {}, ShapeError, "no elements along axis"),
    ("min", (np.ones((3, 0)),), {"axis": 1}, ShapeError, "no elements along axis"),
    ("max", (ONES,), {"axis": 3}, ShapeError, "axis 3 is not among"),
    ("sample_bilinear", (ONES, ONES), {}, ShapeError, r"needs pictures \(rows, height, width\) or"),
    (
        "sample_bilinear",
        (np.ones((2, 3, 3)), np.ones((2, 3, 3, 2))),
        {},
        ShapeError,
        r"needs coordinates \(2, 2, height, width\), .*, got shape \(2, 3, 3, 2\)",
    ),
    ("sample_bilinear", (np.ones((2, 3, 3)), np.ones((1, 2, 3, 3))), {}, ShapeError, "coordinates"),
    (
        "spread_bilinear",
        (np.ones((2, 3, 3)), np.ones((2, 2, 3, 4))),
        {"height": 2, "width": 2},
        ShapeError,
        "do not fit coordinates",
    ),
    (
        "spread_bilinear",
        (np.ones((2, 3, 3)), np.ones((2, 2, 3, 3))),
        {"height": -1, "width": 2},
        SettingError,
        "sizes must be 0 or more, got -1 and 2",
    ),
    ("flip", (ONES,), {"axis": 2}, ShapeError, "axis 2 is not among the 2 axes"),
    ("random_uniform", ([1, 2], 0), {"shape": 3}, ShapeError, "seed and step must be numbers"),
    (
        "random_normal",
        (1, 0),
        {"shape": 3, "dtype": "int32"},
        SettingError,
        "'float32' or 'float64'",
    ),
    ("softmax", (2.0,), {}, ShapeError, "a scalar has no axis -1"),
    ("softmax", (ONES,), {"axis": 5}, ShapeError, "axis 5 is not among"),
    ("log_softmax", (ONES,), {"axis": -3}, ShapeError, "axis -3 is not among"),
    ("softmax", (np.ones((3, 0)),), {}, ShapeError, "no elements along axis"),
    ("log_softmax", (np.ones((0, 3)),), {"axis": 0}, ShapeError, "no elements along axis"),
    ("argmax", (2.0,), {}, ShapeError, "a scalar has no axis -1"),
    ("argmax", (np.ones((3, 0)),), {}, ShapeError, "no elements along axis"),
    ("softmax_cross_entropy", (np.ones((3, 0)), np.ones((3, 0))), {}, ShapeError, "no elements"),
    ("broadcast_to", (ONES,), {"shape": (2, 4)}, ShapeError, "do not broadcast"),
    ("broadcast_to", (ONES,), {"shape": (3,)}, ShapeError, r"has sizes that \(3,\) has not"),
    ("broadcast_to", (1.0,), {"shape": -2}, ShapeError, "sizes must be 0 or more"),
    ("broadcast_to", (1.0,), {"shape": 2.5}, InputTypeError, "whole numbers, got 2.5"),
    ("count", (), {"shape": (2, -1)}, ShapeError, "sizes must be 0 or more"),
    ("count", (), {"shape": 2, "dtype": "text"}, InputTypeError, "a type of numbers such as"),
    ("cast", (ONES,), {"dtype": "float23"}, InputTypeError, "got 'float23'"),
    ("cast", (ONES,), {"dtype": object}, InputTypeError, "a type of numbers such as"),
    ("reshape", (ONES,), {"shape": (4,)}, ShapeError, "must be the same"),
    ("reshape", (ONES,), {"shape": (-1, -1)}, ShapeError, "must be the same"),
    ("reshape", (ONES,), {"shape": (-1, 4)}, ShapeError, "must be the same"),
    ("reshape", (ONES,), {"shape": (-2, -3)}, ShapeError, "sizes must be -1 or more"),
    ("reshape", (ONES,), {"shape": (2.0, 3)}, InputTypeError, "whole numbers, got 2.0"),
    ("reshape", (np.ones((0, 3)),), {"shape": (0, -1)}, ShapeError, "must be the same"),
    ("transpose", (ONES,), {"axes": (0,)}, ShapeError, "must name each of the 2 axes once"),
    ("transpose", (ONES,), {"axes": (0, 0)}, ShapeError, "names an axis twice"),
    ("transpose", (ONES,), {"axes": (0, 2)}, ShapeError, "axis 2 is not among"),
    ("gather", (2.0, [0]), {}, ShapeError, "a scalar has no rows to take"),
    ("gather", (ONES, [0, 2]), {}, DataError, "from 0 to below 2, got 2"),
    ("gather", (ONES, [0, -1, 1]), {}, DataError, "from 0 to below 2, got -1"),
    ("gather", (np.ones((0, 2)), [0]), {}, DataError, "from 0 to below 0, got 0"),
    ("gather", (ONES, [0.0, 1.0]), {}, InputTypeError, "needs whole numbers, got float64"),
    ("gather", (ONES, [True, False]), {}, InputTypeError, "needs whole numbers, got bool"),
    ("gather", (ONES, variable([0.0])), {}, InputTypeError, "needs whole numbers"),
    ("scatter_add", (ONES, [0, 5]), {"length": 3}, DataError, "from 0 to below 3, got 5"),
    ("scatter_add", (ONES, [0, -1]), {"length": 3}, DataError, "got -1"),
    ("scatter_add", (ONES, [0, 1, 2]), {"length": 3}, ShapeError, "must begin with that of"),
    ("scatter_add", (ONES, [0, 1]), {"length": -3}, ShapeError, "sizes must be 0 or more"),
    ("one_hot", ([0, 1],), {"depth": -1}, ShapeError, "sizes must be 0 or more"),
    ("one_hot", ([0.5],), {"depth": 2}, InputTypeError, "needs whole numbers"),
    ("concatenate", (), {}, InputTypeError, "got no array"),
    ("concatenate", (2.0, 3.0), {}, ShapeError, "a scalar has no axis -1"),
    ("concatenate", (ONES, np.ones((3, 3))), {}, ShapeError, "differ beside axis 1"),
    ("concatenate", (ONES, np.ones(3)), {}, ShapeError, "differ beside axis 1"),
    ("concatenate", (ONES,), {"axis": 2}, ShapeError, "axis 2 is not among"),
    ("narrow", (ONES,), {"axis": 1, "start": 1, "stop": 4}, ShapeError, "not within axis 1"),
    ("narrow", (ONES,), {"axis": 1, "start": -1, "stop": 1}, ShapeError, "not within axis 1"),
    ("narrow", (ONES,), {"axis": 1, "start": 2, "stop": 1}, ShapeError, "not within axis 1"),
    ("narrow", (ONES,), {"axis": 2, "start": 0, "stop": 1}, ShapeError, "axis 2 is not among"),
    ("widen", (ONES,), {"axis": 1, "start": 1, "length": 3}, ShapeError, "does not fit into 3"),
    ("widen", (ONES,), {"axis": 1, "start": -1, "length": 9}, ShapeError, "does not fit into"),
    ("softmax_cross_entropy", (ONES, [0, 1]), {}, ShapeError, "must have one shape"),
    ("softmax_cross_entropy", (1.0, 1.0), {}, ShapeError, "must have one shape"),
    ("dropout_mask", (1, 0), {"shape": 3, "rate": 1.0}, SettingError, "below 1, got 1.0"),
    ("dropout_mask", (1, 0), {"shape": 3, "rate": -0.1}, SettingError, "got -0.1"),
    ("dropout_mask", (1, 0), {"shape": 3, "rate": float("nan")}, SettingError, "got nan"),
    ("dropout_mask", ([1, 2], 0), {"shape": 3, "rate": 0.5}, ShapeError, "must be numbers"),
    ("dropout_mask", (1.5, 0), {"shape": 3, "rate": 0.5}, InputTypeError, "whole numbers"),
    ("dropout_mask", (1, 0), {"shape": -3, "rate": 0.5}, ShapeError, "0 or more"),
]


@pytest.mark.parametrize(("name", "operands", "attributes", "error", "words"), REFUSED)
def test_inputs_are_refused_in_a_sentence(name, operands, attributes, error, words):
    with pytest.raises(error, match=f"^{name}: .*{words}.*[.]$") as caught:
        OPERATIONS[name](*operands, **attributes)
    assert isinstance(caught.value, ChainruleError)
    assert "\n" not in str(caught.value)


def test_shapes_of_rows_are_refused_as_they_are_read():
    x = input_node("x", (Rows(), 3), "float64")
    with pytest.raises(ShapeError, match=r"add: shapes \(rows, 3\) and \(4,\) do not broadcast"):
        x + np.ones(4)
    with pytest.raises(ShapeError, match=r"shapes \(rows, 3\) and \(2, 3\) do not broadcast"):
        x * np.ones((2, 3))
    with pytest.raises(ShapeError, match=r"reshape: \(rows, 3\) does not fit into \(6,\)"):
        x.reshape(6)
    with pytest.raises(ShapeError, match="3 columns on the left, 4 rows on the right"):
        x @ np.ones((4, 2))
    with pytest.raises(ShapeError, match="narrow: 0 to 2 is not within axis 0"):
        ops.narrow(x, axis=0, start=0, stop=2)
    with pytest.raises(ShapeError, match="mixes rows with fixed sizes"):
        ops.concatenate(x, np.ones((2, 3)), axis=0)


def test_concatenation_of_rows_has_a_shape_and_no_gradient():
    x = input_node("x", (Rows(), 3), "float64")
    both = ops.concatenate(x, x, axis=0)
    assert both.shape == (Rows(2), 3)
    with pytest.raises(SettingError, match="along rows it has no gradient"):
        gradients(both.sum(), [x])


def test_means_of_nothing_are_refused():
    for shape, axis in (((0, 3), 0), ((3, 0), None), ((0,), (0,))):
        with pytest.raises(ShapeError, match=r"mean: shape .* has no elements along axis"):
            ops.mean(np.ones(shape), axis=axis)
    with pytest.raises(ShapeError, match="mean: .* has no elements"):
        ops.mean(input_node("x", (Rows(), 0), "float64"))
    with pytest.raises(ShapeError, match="mean: axis 2 is not among the 2 axes"):
        ops.mean(ONES, axis=2)
