"""Targets at the border: brought into the shape and type of a loss, and checked once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, ShapeError
from chainrule.losses.loss import Loss

__all__ = ["as_targets", "check_labels", "extremes"]

Array = np.ndarray[Any, np.dtype[Any]]


def as_targets(
    loss: Loss, y: Any, output: tuple[int, ...], dtype: Any, layer: str = "the last layer"
) -> Array:
    """Targets as a loss wants them: floats in the shape of the output, or int32 labels.

    loss
        Says what targets are: numbers, probabilities, counts or labels.
    y
        Array, list or frame with a first axis of rows.
    output
        The shape of one row of predictions.
    dtype
        The network's type.

    Raises `ShapeError` where the shape does not fit, `DataError` where a value does not (naming
    value and row), `InputTypeError` for text.

    >>> from chainrule.losses import find_loss
    >>> as_targets(find_loss("mse"), [1, 2], (1,), "float32").shape
    (2, 1)
    """
    given = _numbers(y)
    wanted = loss.target_shape(output)
    if given.shape[1:] != wanted:
        given = _shaped(given, wanted, loss, output, layer)
    if loss.target_kind == "labels":
        return check_labels(given, output[-1], layer)
    with np.errstate(over="ignore"):  # what is too large is told with its row
        array = given.astype(dtype, "C")
    _check_values(loss, array)
    return array


def _numbers(y: Any) -> Array:
    if hasattr(y, "toarray"):
        y = y.toarray()
    if isinstance(y, np.ma.MaskedArray) and np.ma.is_masked(y):
        message = "y has masked numbers; fill them in (y.filled(0.0)) or leave their rows out."
        raise DataError(message)
    if isinstance(y, Iterator | Set | Mapping) or callable(y):
        message = f"y is a {type(y).__name__}; gather its targets into one array first."
        raise InputTypeError(message)
    try:
        given = np.asarray(y)
    except ValueError as error:
        message = "y: its rows are of different lengths; give each the same."
        raise ShapeError(message) from error
    if given.dtype.kind == "O":
        try:
            given = given.astype(np.float64)
        except (TypeError, ValueError):
            row = next(
                (i for i, value in enumerate(np.atleast_1d(given)) if not np.isscalar(value)
                 or isinstance(value, str)), 0)  # fmt: skip
            shown = given[row] if given.ndim else given
            message = (
                f"y: targets must be numbers, got {shown!r} in row {row}; number the classes "
                "from 0 (numpy.unique(y, return_inverse=True) does)."
            )
            raise InputTypeError(message) from None
    if given.dtype.kind not in "fiub":
        shown = given.flat[0].item() if given.size else ""
        message = (
            f"y: targets must be numbers, got {shown!r} in row 0; number the "
            "classes from 0 (numpy.unique(y, return_inverse=True) does)."
        )
        raise InputTypeError(message)
    if given.ndim == 0:
        message = f"y: needs an entry for each row, got the single number {given}."
        raise ShapeError(message)
    return given


def _shaped(
    given: Array, wanted: tuple[int, ...], loss: Loss, output: tuple[int, ...], layer: str
) -> Array:
    rows = len(given)
    if given.shape[1:] == (*wanted, 1) or (*given.shape[1:], 1) == wanted:
        return given.reshape((rows, *wanted))
    if loss.target_kind == "labels" and given.shape[1:] == output:
        message = (
            f"y has shape {given.shape}, one number for each class, but {loss.name} needs labels, "
            f"shape {(rows, *wanted)}; give y.argmax(axis=-1), or use categorical_crossentropy."
        )
        raise ShapeError(message)
    remedy = f"give targets of shape {(rows, *wanted)}"
    if loss.target_kind == "labels":
        remedy += ", or use categorical_crossentropy for one-hot targets"
    elif loss.target_kind == "probabilities" and given.ndim == 1:
        remedy += ", or use sparse_categorical_crossentropy for labels"
    message = (
        f"y has shape {given.shape}, but {layer} gives {(rows, *output)} and {loss.name} "
        f"needs an entry for each; {remedy}."
    )
    raise ShapeError(message)


def extremes(array: Array) -> tuple[Any, Any]:
    """The smallest and the largest number; both are nan where any is, and 0 where there is none.

    >>> extremes(np.array([3, 1, 2]))
    (1, 3)
    """
    if not array.size:
        return 0, 0
    # one pass each without memory, and on a batch without the start-up of min() and max()
    return array.item(array.argmin()), array.item(array.argmax())


def _first(bad: Array) -> int:
    """The first row in which anything is bad."""
    return int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))


def check_labels(labels: Any, units: int, layer: str = "the last layer") -> Array:
    """Labels as int32, each a whole number from 0 to `units` - 1.

    Raises `DataError` naming the first label that is not, with its row.
    """
    given = np.asarray(labels)
    if given.dtype.kind == "f":
        whole = np.isfinite(given) & (given == np.floor(given))
        if not whole.all():
            row = _first(~whole)
            message = (
                f"label {given.reshape(len(given), -1)[row][0]} in row {row} is not a whole "
                "number; number the classes from 0."
            )
            raise DataError(message)
    least, most = extremes(given)
    if least < 0 or most >= units:
        bad = (given < 0) | (given >= units)
        row = _first(bad)
        label = int(given.reshape(len(given), -1)[row][bad.reshape(len(bad), -1)[row]][0])
        one = "1 unit (label 0); use binary_crossentropy, or a unit a class"
        many = (
            f"{units} units (labels 0 to {units - 1}); number the classes from 0, a unit for each"
        )
        message = f"label {label} in row {row}, but {layer} has {one if units == 1 else many}."
        raise DataError(message)
    return given.astype(np.int32, "C")


def _check_values(loss: Loss, array: Array) -> None:
    least, most = extremes(array)
    if not (math.isfinite(least) and math.isfinite(most)):
        bad, allowed = ~np.isfinite(array), "finite numbers"
    elif loss.target_kind == "probabilities" and not 0 <= least <= most <= 1:
        bad, allowed = (array < 0) | (array > 1), "targets from 0 to 1"
    elif loss.target_kind == "counts" and least < 0:
        bad, allowed = array < 0, "targets of 0 or more"
    else:
        return
    row = _first(bad)
    value = array.reshape(len(array), -1)[row][bad.reshape(len(bad), -1)[row]][0]
    message = f"y: target {value} in row {row}, but {loss.name} needs {allowed}."
    raise DataError(message)
