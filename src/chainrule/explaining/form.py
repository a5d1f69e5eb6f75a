"""The forms that rows have for an estimator, taken apart into columns and built again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from chainrule.errors import InputTypeError

__all__ = ["Form", "form_of"]

Array = np.ndarray[Any, np.dtype[Any]]


class Form(Protocol):
    """How rows are kept: columns of one kind of their own, and rows built of these."""

    def columns(self, X: Any) -> list[Any]:
        """The columns of rows in this form."""

    def taken(self, column: Any, rows: Array) -> Any:
        """A column at some rows."""

    def chained(self, one: Any, other: Any) -> Any:
        """A column and another one after it."""

    def of_cell(self, column: Any, cell: Any) -> Any:
        """A column like this one with one cell; None for a missing one."""

    def built(self, columns: Sequence[Any]) -> Any:
        """Rows in this form."""


class ArrayForm:
    """An array (rows, columns)."""

    def columns(self, X: Any) -> list[Any]:
        return list(X.T)

    def taken(self, column: Any, rows: Array) -> Any:
        return column[rows]

    def chained(self, one: Any, other: Any) -> Any:
        return np.concatenate([one, other])

    def of_cell(self, column: Any, cell: Any) -> Any:
        if cell is None and column.dtype.kind == "f":
            cell = np.nan
        return np.array([cell], dtype=column.dtype)

    def built(self, columns: Sequence[Any]) -> Any:
        return np.stack(columns, axis=1)


class DictForm(ArrayForm):
    """A dict of columns."""

    def __init__(self, names: Sequence[Any]) -> None:
        self.names = names

    def columns(self, X: Any) -> list[Any]:
        return [np.asarray(X[name]) for name in self.names]

    def built(self, columns: Sequence[Any]) -> Any:
        return dict(zip(self.names, columns, strict=True))


class PandasForm(ArrayForm):
    """A frame of pandas; each column keeps its type."""

    def __init__(self, labels: Any) -> None:
        self.labels = labels

    def columns(self, X: Any) -> list[Any]:
        return [X.iloc[:, place].array for place in range(X.shape[1])]

    def taken(self, column: Any, rows: Array) -> Any:
        return column.take(rows)

    def chained(self, one: Any, other: Any) -> Any:
        import pandas

        return pandas.concat([pandas.Series(one), pandas.Series(other)], ignore_index=True).array

    def of_cell(self, column: Any, cell: Any) -> Any:
        import pandas

        return pandas.array([cell], dtype=column.dtype)

    def built(self, columns: Sequence[Any]) -> Any:
        import pandas

        frame = pandas.DataFrame(dict(enumerate(columns)))
        frame.columns = self.labels
        return frame


class PolarsForm:
    """A frame of polars."""

    def columns(self, X: Any) -> list[Any]:
        return list(X.get_columns())

    def taken(self, column: Any, rows: Array) -> Any:
        return column.gather(rows)

    def chained(self, one: Any, other: Any) -> Any:
        return one.clone().append(other)

    def of_cell(self, column: Any, cell: Any) -> Any:
        return type(column)(column.name, [cell], dtype=column.dtype)

    def built(self, columns: Sequence[Any]) -> Any:
        import polars

        return polars.DataFrame(columns)


def form_of(X: Any) -> Form:
    """The form of rows; raises `InputTypeError` for what is no table of them."""
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return ArrayForm()
    if isinstance(X, Mapping):
        return DictForm(list(X))
    library = type(X).__module__.partition(".")[0]
    if library == "pandas" and hasattr(X, "columns"):
        return PandasForm(X.columns)
    if library == "polars" and hasattr(X, "get_columns"):
        return PolarsForm()
    message = (
        "X must be a frame of pandas or polars, a dict of columns or an array (rows, columns), got "
        f"{type(X).__name__}; convert it to one of these."
    )
    raise InputTypeError(message)
