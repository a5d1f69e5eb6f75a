"""Data at the border: arrays, lists and frames become arrays that programs take, checked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NoReturn

import numpy as np

from chainrule.engine import as_numbers, contiguous, is_ready
from chainrule.errors import (
    DataError,
    InputTypeError,
    SettingError,
    ShapeError,
    listing,
    row_and_column,
)
from chainrule.layers import NetworkInput
from chainrule.losses import Loss

__all__ = ["as_rows", "as_weights", "by_name", "shape_of_row", "weights_of_classes"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_CLASSES = 20
"""Numbers of more different values than this are not taken for classes."""


def by_name(what: str, given: Any, names: Sequence[str]) -> Mapping[str, Any]:
    """What is given for each name; for one name without a dict too. Raises where one is missing."""
    if len(names) == 1 and (type(given) is np.ndarray or not isinstance(given, Mapping)):
        return {names[0]: given}
    if not isinstance(given, Mapping):
        message = f"{what} must be a dict of arrays by name: {listing(names)}."
        raise InputTypeError(message)
    missing = [name for name in names if name not in given]
    if missing:
        message = f"{what}: {missing[0]!r} is missing; give arrays for {listing(names)}."
        raise DataError(message)
    return given


def shape_of_row(X: Any) -> tuple[int, ...]:
    """The shape of one row of data; rows of single numbers have (1,)."""
    try:
        shape = np.shape(X)
    except ValueError as error:
        message = "X: its rows are of different lengths; give each the same."
        raise ShapeError(message) from error
    if not shape:
        message = f"X must be an array with a first axis of rows, got {type(X).__name__}."
        raise InputTypeError(message)
    return shape[1:] or (1,)


def as_rows(value: Any, wanted: NetworkInput, dtype: Any, name: str = "X") -> Array:
    """One input of a network as an array: uint8 as it is, other numbers in the network's type.

    Raises `ShapeError` naming both shapes, `DataError` naming the first row that is not finite,
    `InputTypeError` for what is not numbers.
    """
    if wanted.dtype == "float":
        if is_ready(value, dtype, wanted.shape):
            return value  # type: ignore[no-any-return]
        fits = type(value) is np.ndarray and value.shape[1:] == wanted.shape
        if fits and value.dtype != np.uint8:
            copy = as_numbers(value, dtype, wanted.shape)
            if copy is not None:
                return copy
    array = _numbers(value, name)
    if array.ndim == 1 and wanted.shape == (1,):
        array = array.reshape(-1, 1)
    if array.ndim == 0 or array.shape[1:] != wanted.shape:
        if array.ndim and array.shape == wanted.shape:
            message = (
                f"{name} has shape {array.shape}, which is one row of what the network takes; give "
                f"an axis of rows too, X[None] of shape {(1, *array.shape)}."
            )
            raise ShapeError(message)
        fit = "rows of one number" if wanted.shape == () else f"rows of shape {wanted.shape}"
        message = (
            f"{name} has shape {array.shape}, but the network takes {fit}; "
            f"give shape {('rows', *wanted.shape)}.".replace("'rows'", "rows")
        )
        raise ShapeError(message)
    if len(array) == 0:
        message = f"{name} is empty (shape {array.shape}); give at least one row."
        raise DataError(message)
    if wanted.dtype != "float":
        return _codes(array, wanted, name)
    if array.dtype == np.uint8:
        return array
    ready = contiguous(array if array.dtype == dtype else _converted(array, dtype))
    if not is_ready(ready, dtype, wanted.shape):
        _refuse_infinite(array, ready, name)
    return ready


def _codes(array: Array, wanted: NetworkInput, name: str) -> Array:
    """Whole numbers, each below the number of codes where that is known."""
    with np.errstate(invalid="ignore"):  # what is no code is told below
        codes = array.astype(wanted.dtype)
    bad = codes != array
    allowed = "whole numbers"
    if wanted.codes is not None:
        bad |= (codes < 0) | (codes >= wanted.codes)
        allowed += f" from 0 to {wanted.codes - 1}"
    if bad.any():
        place = np.unravel_index(int(np.argmax(bad)), bad.shape)
        where = row_and_column(place)
        message = f"{name} must hold {allowed}, got {array[place]} in {where}."
        raise DataError(message)
    return codes


def _converted(array: Array, dtype: Any) -> Array:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype)


def _numbers(value: Any, name: str) -> Array:
    if type(value) is np.ndarray and value.dtype.kind in "fiub":
        return value  # most data comes so
    if value is None:
        message = f"{name} is missing; give an array with a first axis of rows."
        raise InputTypeError(message)
    if hasattr(value, "toarray"):
        message = f"{name} is a sparse matrix; give a dense array ({name}.toarray())."
        raise InputTypeError(message)
    if isinstance(value, Iterator) or callable(value):
        message = f"{name} is a {type(value).__name__}; gather its batches into one array first."
        raise InputTypeError(message)
    if isinstance(value, Set | Mapping):
        message = f"{name} is a {type(value).__name__}; give one array, an entry a row."
        raise InputTypeError(message)
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        message = f"{name} has masked numbers; fill them in ({name}.filled(0.0)) or leave rows out."
        raise DataError(message)
    try:
        array = np.asarray(value)
    except ValueError as error:
        message = f"{name}: its rows are of different lengths; give each the same."
        raise ShapeError(message) from error
    if array.dtype.kind == "O" and array.ndim:
        array = _from_objects(array, name)
    if array.dtype.kind not in "fiub":
        shown = array.flat[0].item() if array.size else value
        message = (
            f"{name} must hold numbers, got {shown!r} (type {array.dtype.name}); encode text and "
            "dates as numbers first."
        )
        raise InputTypeError(message)
    return array


def _from_objects(array: Array, name: str) -> Array:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        pass
    found = next(
        ((place, value) for place, value in np.ndenumerate(array) if not _is_number(value)), None
    )
    if found is None:
        return array
    place, value = found
    message = (
        f"{name} must hold numbers, got {value!r} in {row_and_column(place)}; encode text and "
        "dates as numbers first."
    )
    raise InputTypeError(message)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _refuse_infinite(given: Array, ready: Array, name: str) -> NoReturn:
    bad = ~np.isfinite(ready)
    place = np.unravel_index(int(np.argmax(bad)), bad.shape)
    value = given[place]
    much = "" if not np.isfinite(value) else f" (too large for {ready.dtype})"
    message = (
        f"{name} is {value}{much} in {row_and_column(place)}; "
        f"{int(bad.sum())} of {bad.size} numbers are not finite: fill them in or leave the "
        "rows out."
    )
    raise DataError(message)


def as_weights(value: Any, rows: int, dtype: Any) -> Array:
    """Weights of rows, shape (rows,): finite, 0 or more.

    Raises `ShapeError` or `DataError`, naming the first row that is not.
    """
    copy = as_numbers(value, dtype, (), 0.0)
    if copy is not None and len(copy) == rows:
        return copy
    array = _numbers(value, "sample_weight")
    if array.shape == (rows, 1):
        array = array.reshape(rows)
    if array.shape != (rows,):
        message = f"sample_weight has shape {array.shape}; give a number a row, shape ({rows},)."
        raise ShapeError(message)
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        message = f"sample_weight is {array[row]} in row {row}; weights must be 0 or more."
        raise DataError(message)
    return contiguous(np.asarray(array, dtype))


def weights_of_classes(
    class_weight: Mapping[Any, Any], loss: Loss, targets: Array, output: tuple[int, ...], dtype: Any
) -> Array:
    """The weight of each row by its class; classes that are not named weigh 1 (Keras).

    Raises `SettingError` for a class that does not exist or a weight that is not 0 or more.
    """
    if not isinstance(class_weight, Mapping):
        message = (
            "class_weight must be a dict of class to weight, such as {0: 1.0, 1: 5.0}, "
            f"got {type(class_weight).__name__}."
        )
        raise InputTypeError(message)
    labels, known = _classes(loss, targets, output)
    if len(known) > MOST_CLASSES and loss.target_kind != "labels":
        message = (
            f"class_weight: the targets have {len(known)} different values, so they are no "
            "classes; use sample_weight."
        )
        raise SettingError(message)
    weights = np.ones(len(labels), dtype)
    for label, weight in class_weight.items():
        if label not in known:
            shown = listing(sorted(known)[:20])
            message = f"class_weight: class {label!r} is not known; the classes are {shown}."
            raise SettingError(message)
        if not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
            message = f"class_weight: the weight of class {label!r} must be 0 or more: {weight!r}."
            raise SettingError(message)
        weights[labels == label] = weight
    return weights


def _classes(loss: Loss, targets: Array, output: Sequence[int]) -> tuple[Array, set[Any]]:
    """The class of each row, and all classes there can be."""
    if loss.target_kind == "labels" and targets.ndim == 1:
        return targets, set(range(output[-1]))
    flat = targets.reshape(len(targets), -1)
    if flat.shape[1] == 1:
        known = {0, 1} if loss.target_kind == "probabilities" else set(flat[:, 0].tolist())
        return flat[:, 0], known
    if loss.target_kind == "probabilities" and targets.ndim == 2:
        return np.argmax(flat, axis=1), set(range(flat.shape[1]))
    message = f"class_weight: targets of shape {targets.shape} have no classes; use sample_weight."
    raise SettingError(message)
