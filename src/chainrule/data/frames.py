"""Frames, dicts of columns and arrays in memory to a table."""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.exchange import array_of, series_of
from chainrule.data.spelling import MISSING_SPELLINGS, spell_number
from chainrule.data.table import Column, Table, build_table
from chainrule.errors import DataError, InputTypeError

__all__ = ["as_table", "column_of"]

SPELLINGS = frozenset(MISSING_SPELLINGS)
MICROSECOND = np.timedelta64(1, "us")


def as_table(frame: Any) -> Table:
    """The table in a pandas, polars or pyarrow frame, a dict of columns, or a 2-D array.

    Columns of an array are named "x0", "x1" ... Columns keep their kind: text stays text. In
    text the usual spellings of a missing value ("?", "NA", empty ...) are missing.

    Raises InputTypeError for what is no table, DataError for columns that cannot be used.

    >>> as_table({"x": [1, 2, None], "name": ["a", "?", "c"]}).columns["name"].missing
    array([False,  True, False])
    """
    if isinstance(frame, Table):
        return frame
    if isinstance(frame, np.ndarray):
        return _from_array(frame)
    if isinstance(frame, Mapping):
        columns = {str(name): column_of(values, str(name)) for name, values in frame.items()}
        return build_table(columns, "table")
    return _from_frame(frame)


def _from_array(array: NDArray[Any]) -> Table:
    if array.dtype.names:
        columns = {name: column_of(array[name], name) for name in array.dtype.names}
        return build_table(columns, "array")
    if array.ndim != 2:
        message = (
            f"a table needs an array with 2 axes (rows, columns), got shape {array.shape}; "
            "reshape it, for one column with .reshape(-1, 1)."
        )
        raise DataError(message)
    columns = {f"x{i}": column_of(array[:, i], f"x{i}") for i in range(array.shape[1])}
    return build_table(columns, "array")


def _from_frame(frame: Any) -> Table:
    import narwhals as nw

    if type(frame).__module__.startswith("pandas") and hasattr(frame, "columns"):
        _refuse_twins([str(label) for label in frame.columns])
    try:
        native: Any = nw.from_native(frame)
    except (TypeError, ValueError):
        message = (
            "a table must be a pandas, polars or pyarrow frame, a dict of columns or a 2-D "
            f"NumPy array, got {type(frame).__name__}; convert it to one of these."
        )
        raise InputTypeError(message) from None
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    names = [str(name) for name in native.columns]
    _refuse_twins(names)
    columns = {
        name: _from_series(series, name, nw)
        for name, series in zip(names, native.iter_columns(), strict=True)
    }
    return build_table(columns, "frame")


def _refuse_twins(names: list[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            message = f"frame: {count} columns are named {name!r}; give each a name of its own."
            raise DataError(message)


def _from_series(series: Any, name: str, nw: Any) -> Column:
    kind = series.dtype
    if kind.is_nested() or kind == nw.Binary:
        message = (
            f"column {name!r} holds values of type {kind}, which are not single numbers, texts "
            "or dates; take parts of it, or leave it out."
        )
        raise DataError(message)
    missing = series.is_null().to_numpy().astype(bool)
    if kind == nw.Boolean:
        return _boolean(series.to_list(), missing)
    if kind.is_numeric() and kind != nw.Decimal:
        values = series.cast(nw.Float64).to_numpy().astype(np.float64)
        return _number(values, missing)
    if kind in (nw.Datetime, nw.Date):
        if getattr(kind, "time_zone", None):
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return _moments(series.cast(nw.Datetime("us")).to_numpy(), missing)
    if kind == nw.Duration:
        return _number(series.cast(nw.Duration("us")).to_numpy() / MICROSECOND / 1e6, missing)
    if kind in (nw.String, nw.Categorical, nw.Enum):
        return _text(series.to_list(), missing)
    return column_of(series.to_list(), name)


def column_of(values: Any, name: str = "values") -> Column:
    """One column from a sequence or a 1-D array of numbers, texts, booleans or dates.

    >>> column_of(["a", None]).kind, column_of([True, False]).kind, column_of([1, 2.5]).kind
    ('text', 'boolean', 'number')
    """
    if isinstance(values, Column):
        return values
    known = hasattr(values, "to_numpy") or hasattr(values, "column_names")
    if known and not isinstance(values, np.ndarray):
        import narwhals as nw

        series = series_of(values, name)
        if series is not None:
            return _from_series(series, name, nw)
        values = np.asarray(values)
    array = values if isinstance(values, np.ndarray) else array_of(values, name)
    if array.ndim != 1:
        message = (
            f"column {name!r}: one value a row is needed, got shape {array.shape}; "
            "give an array with one axis."
        )
        raise DataError(message)
    absent = np.zeros(len(array), dtype=bool)
    match array.dtype.kind:
        case "b" | "i" | "u" | "f":
            column = _number(array.astype(np.float64), absent)
            if array.dtype.kind == "b":
                return Column("boolean", column.values, column.missing)
            return column
        case "M":
            return _moments(array, absent)
        case "m":
            return _number(array / MICROSECOND / 1e6, np.isnat(array))
        case "U" | "T":
            return _text(array.tolist(), absent)
        case "O":
            return _from_objects(array, name)
    message = f"column {name!r}: values of type {array.dtype} cannot be used; give numbers or text."
    raise DataError(message)


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip() in SPELLINGS
    if isinstance(value, float | np.floating):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType") or (
        isinstance(value, np.datetime64) and bool(np.isnat(value))
    )


def _from_objects(array: NDArray[Any], name: str) -> Column:
    missing = np.fromiter(map(_is_missing, array), dtype=bool, count=len(array))
    types = {type(value) for value in array[~missing]}
    if types and all(issubclass(kind, bool | np.bool_) for kind in types):
        return _boolean(array.tolist(), missing)
    number_like = (numbers.Real, decimal.Decimal, np.bool_)
    if all(issubclass(kind, number_like) for kind in types):
        values = np.full(len(array), np.nan)
        values[~missing] = [float(value) for value in array[~missing]]
        return _number(values, missing)
    if all(issubclass(kind, datetime.date | np.datetime64) for kind in types):
        moments = np.full(len(array), np.datetime64("NaT", "us"), dtype="datetime64[us]")
        moments[~missing] = [_naive(value) for value in array[~missing]]
        return _moments(moments, missing)
    for kind in types:
        if issubclass(kind, list | dict | tuple | set | np.ndarray | bytes):
            message = (
                f"column {name!r} holds a {kind.__name__}, which is not a single number, text or "
                "date; take parts of it, or leave it out."
            )
            raise DataError(message)
    return _text([_spelled(value) for value in array], missing)


def _naive(value: Any) -> np.datetime64:
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(value, "us")


def _spelled(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, numbers.Real):
        return spell_number(float(value))
    return value


def _number(values: NDArray[Any], missing: NDArray[np.bool_]) -> Column:
    values = np.array(values, dtype=np.float64)
    missing = missing | np.isnan(values)
    values[missing] = np.nan
    return Column("number", values, missing)


def _boolean(values: list[Any], missing: NDArray[np.bool_]) -> Column:
    pairs = zip(values, missing, strict=True)
    array = np.array([np.nan if absent else float(value) for value, absent in pairs], np.float64)
    return Column("boolean", array, missing | np.isnan(array))


def _moments(values: NDArray[Any], missing: NDArray[np.bool_]) -> Column:
    array = np.array(values.astype("datetime64[us]"))
    missing = missing | np.isnat(array)
    array[missing] = np.datetime64("NaT", "us")
    return Column("datetime", array, missing)


def _text(values: list[Any], missing: NDArray[np.bool_]) -> Column:
    texts = ["" if value is None else str(value).strip() for value in values]
    spelled = np.fromiter((text in SPELLINGS for text in texts), dtype=bool, count=len(texts))
    missing = missing | spelled
    array = np.array(texts, dtype=object)
    array[missing] = ""
    return Column("text", array, missing)
