"""Frames and series to plain arrays, and arrays to a frame of the same library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FRAMES", "arrays_of_frame", "frame_of", "series_array"]

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


def series_array(series: Any) -> NDArray[Any]:
    """The values of a series in NumPy's type for them; objects where text or gaps (None) are."""
    import narwhals as nw

    native: Any = nw.from_native(series, series_only=True)
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
