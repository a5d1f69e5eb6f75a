"""Frames and series to plain arrays, and arrays to a frame of the same library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, InputTypeError

__all__ = ["FRAMES", "array_of", "arrays_of_frame", "frame_of", "series_array", "series_of"]

FRAMES = ("pandas", "polars", "pyarrow")


def arrays_of_frame(frame: Any) -> list[NDArray[Any]]:
    """The columns of a frame, each as `series_array` gives it.

    >>> import pandas
    >>> [array.tolist() for array in arrays_of_frame(pandas.DataFrame({"a": [1], "b": ["x"]}))]
    [[1], ['x']]
    """
    import narwhals as nw

    native: Any = nw.from_native(frame, eager_only=True)
    return [series_array(series) for series in native.iter_columns()]


def series_of(values: Any, name: str) -> Any:
    """A series of narwhals of what pandas, polars or pyarrow have for one column; None for others.

    That is a series, an index, a Categorical or another array of theirs, a frame of one column.
    Raises DataError for a frame of several.
    """
    import narwhals as nw

    library = type(values).__module__.partition(".")[0]
    if library == "pandas" and not hasattr(values, "columns"):
        import pandas

        if isinstance(values, pandas.MultiIndex):
            return None
        values = pandas.Series(values)
    elif library == "pyarrow" and not hasattr(values, "columns") and not hasattr(values, "chunks"):
        import pyarrow

        values = pyarrow.chunked_array([values])
    try:
        native: Any = nw.from_native(values, eager_only=True, allow_series=True)
    except TypeError:
        return None
    if not isinstance(native, nw.DataFrame):
        return native
    if len(native.columns) != 1:
        message = (
            f"{name}: one column is needed, got a frame of {len(native.columns)}; take one of them."
        )
        raise DataError(message)
    return native[:, 0]


def array_of(values: Any, name: str) -> NDArray[Any]:
    """A sequence as an array of objects; raises InputTypeError for a single value."""
    listed = hasattr(values, "__iter__") and not isinstance(values, str | bytes)
    if not listed:
        message = (
            f"column {name!r}: one value a row is needed, got {values!r}; give a list of them."
        )
        raise InputTypeError(message)
    collected = list(values)
    array = np.empty(len(collected), dtype=object)
    array[:] = collected
    return array


def series_array(series: Any, name: str = "y") -> NDArray[Any]:
    """The values of a series in NumPy's type for them; objects where text or gaps (None) are."""
    import narwhals as nw

    native = series if isinstance(series, nw.Series) else series_of(series, name)
    if native is None:
        return np.asarray(series)
    if native.dtype in (nw.String, nw.Categorical, nw.Enum) or native.null_count():
        listed = native.to_list()
        array = np.empty(len(listed), dtype=object)
        array[:] = listed
        return array
    return np.asarray(native.to_numpy())


def frame_of(columns: Mapping[Any, NDArray[Any]], library: str, index: Any = None) -> Any:
    """A frame of pandas (with an index, where one is given), polars or pyarrow.

    Columns of pandas may have any labels.

    >>> frame_of({"a": np.array([1, 2])}, "polars").columns
    ['a']
    """
    import narwhals as nw

    backend: Any = library
    named = {str(label): array for label, array in columns.items()}
    native: Any = nw.from_dict(named, backend=backend).to_native()
    if library == "pandas":
        import pandas

        native.columns = pandas.Index(list(columns))
        if index is not None:
            native.index = index
    return native
