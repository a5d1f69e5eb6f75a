"""What a program is given, checked once before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from operator import index
from typing import Any

import numpy as np

from chainrule.engine.native import native_module
from chainrule.engine.tape import Array, Tape
from chainrule.engine.threads import thread_count
from chainrule.errors import DataError, EngineError, SettingError, ShapeError
from chainrule.graph import Rows

__all__ = [
    "as_numbers",
    "check_batch_size",
    "check_draws",
    "check_epoch_rows",
    "check_lines",
    "check_parameters",
    "check_results",
    "check_slots",
    "checked_arrays",
    "checked_order",
    "contiguous",
    "is_ready",
]

WORTH_THREADS = 1 << 19
"""Numbers that are looked through by more threads than one."""


def checked_arrays(tape: Tape, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of the inputs by name, contiguous; raises where one is missing or does not fit."""
    checked: dict[str, Array] = {}
    for source in tape.sources:
        if source.kind != "rows":
            continue
        value = tape.values[source.index]
        if source.name not in arrays:
            message = f"program: input {source.name!r} is missing; give it in arrays."
            raise EngineError(message)
        array = arrays[source.name]
        if array.dtype != value.dtype:
            message = (
                f"program: input {source.name!r} must be {value.dtype}, got {array.dtype}; "
                "convert it."
            )
            raise EngineError(message)
        if array.ndim == 0 or array.shape[1:] != value.shape[1:]:
            message = (
                f"program: input {source.name!r} must have shape {value.shape}, got {array.shape}."
            )
            raise ShapeError(message)
        checked[source.name] = contiguous(array)  # or each take would copy it
    lengths = {name: len(array) for name, array in checked.items()}
    if len(set(lengths.values())) > 1:
        message = f"program: inputs have different numbers of rows: {lengths}; give equal ones."
        raise ShapeError(message)
    return checked


def checked_order(order: Array, rows: int | None) -> Array:
    """Row numbers, each among the rows of the data."""
    numbers = np.asarray(order)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        message = (
            f"program: order must be one row of whole numbers, got {numbers.dtype} of shape "
            f"{numbers.shape}."
        )
        raise ShapeError(message)
    if numbers.size and rows is not None and not 0 <= numbers.min() <= numbers.max() < rows:
        wrong = numbers[(numbers < 0) | (numbers >= rows)]
        message = (
            f"program: order names row {wrong[0]}, the data has rows 0 to {rows - 1}; "
            "give numbers of rows."
        )
        raise DataError(message)
    return numbers


def check_parameters(tape: Tape, parameters: Array) -> None:
    """Raise where the flat array is not what the segments and types say."""
    count = tape.segments[-1].stop if tape.segments else 0
    types = [tape.values[s.index].dtype for s in tape.sources if s.kind == "parameter"]
    _check_flat("parameters", parameters, count, types[0] if types else None)
    if tape.updates and not parameters.flags.writeable:
        message = "program: parameters are read-only; an update writes them, give a copy."
        raise EngineError(message)


def check_slots(tape: Tape, slots: Sequence[Array]) -> None:
    """Raise where the optimizer's arrays are not one for each slot, as long as the weights."""
    declared = [tape.values[s.index] for s in tape.sources if s.kind == "slot"]
    if len(slots) != len(declared):
        message = f"program: the update has {len(declared)} slots, got {len(slots)} arrays."
        raise EngineError(message)
    for number, (slot, value) in enumerate(zip(slots, declared, strict=True)):
        _check_flat(f"slot {number}", slot, tape.trainable, value.dtype)
        if not slot.flags.writeable:
            message = f"program: slot {number} is read-only; an update writes it, give a copy."
            raise EngineError(message)


def _check_flat(what: str, array: Array, count: int, dtype: np.dtype[Any] | None) -> None:
    if type(array) is not np.ndarray:
        message = f"program: {what} must be a NumPy array, got {type(array).__name__}."
        raise EngineError(message)
    if array.shape != (count,):
        message = f"program: {what} must have shape ({count},), got {array.shape}."
        raise ShapeError(message)
    if dtype is not None and array.dtype != dtype:
        message = f"program: {what} must be {dtype}, got {array.dtype}; convert it."
        raise EngineError(message)
    if not (array.flags.c_contiguous and array.flags.aligned):
        message = f"program: {what} must be contiguous and aligned in memory; give a copy."
        raise EngineError(message)


def check_lines(tape: Tape, lines: Array | None, batches: int) -> None:
    """Raise where the update's scalars are not one line a batch."""
    scalars = sum(source.kind == "line" for source in tape.sources)
    if lines is None and scalars and batches:
        message = f"program: the update reads {scalars} scalars a step; give lines."
        raise EngineError(message)
    if lines is not None and lines.shape != (batches, scalars):
        message = (
            f"program: lines must have shape {(batches, scalars)} (batches, scalars), "
            f"got {lines.shape}."
        )
        raise ShapeError(message)


def is_ready(value: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    """Whether a value is an array as programs read it: aligned, C-contiguous, of a row or more, and
    without a number that is nan or infinite.

    dtype
        float32 or float64.
    shape
        That of one row.

    >>> is_ready(np.array([1.0, np.inf]), np.dtype("float64"), ())
    False
    """
    if type(value) is not np.ndarray:
        return False
    module = native_module()
    if module is None:
        fits = value.dtype == dtype and value.ndim == 1 + len(shape) and value.shape[1:] == shape
        laid_out = fits and len(value) > 0 and contiguous(value) is value
        return laid_out and bool(np.isfinite(value).all())
    threads = thread_count() if value.size > WORTH_THREADS else 1
    ready: bool = module.is_ready(value, dtype.char, shape, threads)
    return ready


def as_numbers(
    value: Any, dtype: Any, shape: tuple[int, ...], least: float = -inf, most: float = inf
) -> Array | None:
    """A copy as programs read it, rows of `shape`, where each number is finite and from `least` to
    `most`.

    None where a value is not an array of one row or more with a last axis of size 1 more or less,
    contiguous, of a common type (whole for a whole `dtype`), and where there is no native module:
    what is not may be made so, or refused.

    >>> as_numbers([0, 1], "int32", ()) is None
    True
    """
    module = native_module()
    if module is None or type(value) is not np.ndarray or value.size == 0 or not value.ndim:
        return None
    given = value.shape
    made = (given[0], *shape)
    if given != made and (*given, 1) != made and given != (*made, 1):
        return None
    copy = np.empty(made, dtype)
    return copy if module.copy_numbers(value, copy, least, most) else None


def contiguous(array: Array) -> Array:
    """An array as programs read it, one number after the other; itself where it is so."""
    flags = array.flags
    return array if flags.c_contiguous and flags.aligned else np.require(array, None, ["C", "A"])


def check_results(tape: Tape) -> None:
    """Raise where a result is neither a number nor has an entry a row."""
    for name, number in tape.results.items():
        shape = tape.values[number].shape
        rows = [place for place, size in enumerate(shape) if isinstance(size, Rows)]
        if shape and (rows != [0] or shape[0] != Rows()):
            message = f"result {name!r} must be a scalar or have an entry a row: {shape}."
            raise EngineError(message)


def _whole(what: str, value: int) -> int:
    try:
        return index(value)
    except TypeError:
        message = f"program: {what} must be a whole number, got {value!r}."
        raise SettingError(message) from None


def check_batch_size(batch_size: int) -> None:
    """Raise where a batch would have no rows."""
    if _whole("batch_size", batch_size) < 1:
        message = f"program: batch_size must be 1 or more, got {batch_size}."
        raise SettingError(message)


def check_draws(seed: int, step: int) -> None:
    """Raise where what random operations draw from is no whole number of 64 bits."""
    for what, value in (("seed", seed), ("step", step)):
        if not 0 <= _whole(what, value) < 2**64:
            message = f"program: {what} must be from 0 to 2**64 - 1, got {value}."
            raise SettingError(message)


def check_epoch_rows(epoch_rows: int, rows: int) -> None:
    """Raise where the rows of a run are not a whole number of epochs."""
    if _whole("epoch_rows", epoch_rows) < 1 or rows % epoch_rows:
        message = f"program: epoch_rows must be 1 or more and divide {rows} rows, got {epoch_rows}."
        raise SettingError(message)
