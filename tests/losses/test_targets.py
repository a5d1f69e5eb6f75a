"""Targets at the border: shapes, types, and what is refused."""

import numpy as np
import pandas
import pytest

from chainrule.errors import DataError, InputTypeError, ShapeError
from chainrule.losses import as_targets, extremes, find_loss

SPARSE = find_loss("sparse_categorical_crossentropy")
CLASSES = find_loss("categorical_crossentropy")
BINARY = find_loss("binary_crossentropy")
MSE = find_loss("mse")


@pytest.mark.parametrize(
    "y",
    [
        [0, 2, 1], np.array([0, 2, 1], np.uint8), np.array([0.0, 2.0, 1.0]),
        np.array([[0], [2], [1]]), pandas.Series([0, 2, 1]), pandas.DataFrame({"y": [0, 2, 1]}),
        np.array([0, 2, 1], object),
    ],
)  # fmt: skip
def test_labels_come_in_many_forms(y):
    labels = as_targets(SPARSE, y, (3,), "float32")
    assert labels.dtype == np.int32
    assert labels.tolist() == [0, 2, 1]


@pytest.mark.parametrize("y", [[True, False], [1, 0], [[1.0], [0.0]], np.array([1, 0], np.int8)])
def test_numbers_take_the_shape_of_the_output(y):
    targets = as_targets(BINARY, y, (1,), "float32")
    assert targets.dtype == np.float32
    assert targets.tolist() == [[1.0], [0.0]]
    assert as_targets(MSE, y, (), "float64").tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "loss, y, output, error, words",
    [
        (SPARSE, [0, 1, 2, 10], (10,), DataError,
         r"label 10 in row 3, but the last layer has 10 units \(labels 0 to 9\)"),
        (SPARSE, [0, -1], (10,), DataError, "label -1 in row 1"),
        (SPARSE, [0, 1], (1,), DataError, r"1 unit \(label 0\); use binary_crossentropy"),
        (SPARSE, [0.0, 1.5], (3,), DataError, "label 1.5 in row 1 is not a whole number"),
        (SPARSE, [0.0, np.nan], (3,), DataError, "label nan in row 1 is not a whole number"),
        (SPARSE, np.ma.array([0, 1], mask=[False, True]), (3,), DataError, "y has masked numbers"),
        (SPARSE, ["a", "b"], (3,), InputTypeError, "'a' in row 0.*numpy.unique"),
        (SPARSE, np.array([0, "b"], object), (3,), InputTypeError, "'b' in row 1"),
        (SPARSE, np.eye(3), (3,), ShapeError,
         r"\(3, 3\).* labels, shape \(3,\); give y.argmax.*use categorical_crossentropy"),
        (SPARSE, np.ones((3, 2)), (3,), ShapeError, r"\(3, 2\).*\(3, 3\).*use categorical_"),
        (CLASSES, [0, 1], (3,), ShapeError, r"\(2,\).*\(2, 3\).*use sparse_categorical"),
        (CLASSES, [[0, 2]], (2,), DataError, "target 2.0 in row 0.*from 0 to 1"),
        (BINARY, [1, -1], (1,), DataError, "target -1.0 in row 1.*from 0 to 1"),
        (MSE, [1.0, np.inf], (1,), DataError, "target inf in row 1.*finite"),
        (MSE, [[1.0, 2.0]], (3,), ShapeError, r"\(1, 2\).*\(1, 3\)"),
        (MSE, 3.0, (1,), ShapeError, "single number 3.0"),
        (find_loss("poisson"), [1, -2], (1,), DataError, "target -2.0 in row 1.*0 or more"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(loss, y, output, error, words):
    with pytest.raises(error, match=words):
        as_targets(loss, y, output, "float64")


def test_extremes_tell_of_numbers_that_are_none():
    assert extremes(np.array([[2, 7], [-1, 3]])) == (-1, 7)
    assert extremes(np.empty((0, 3))) == (0, 0)
    assert extremes(np.array([0.0, -np.inf, np.inf])) == (-np.inf, np.inf)
    assert all(np.isnan(extremes(np.array([0.0, np.nan, np.inf], "float32"))))
