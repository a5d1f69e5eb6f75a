"""A table in memory: columns of numbers, text, booleans or dates, each with its missing cells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.data.spelling import canonical, spell_number
from chainrule.errors import DataError, nearest

__all__ = ["Column", "Table", "column_fingerprints", "fingerprint"]

ColumnKind = Literal["number", "text", "boolean", "datetime"]


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its values, and which of them are missing.

    `kind` is "number" (float64), "text" (object array of str), "boolean" (float64, 0 or 1) or
    "datetime" (datetime64[us]). Missing cells hold NaN, "" or NaT. `form` is how dates were
    written in the file ("%d/%m/%Y"), empty where that is not known.

    >>> Column("number", np.array([1.0, np.nan]), np.array([False, True])).keys
    ('1',)
    """

    kind: ColumnKind
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    form: str = ""

    def take(self, rows: NDArray[Any]) -> Column:
        """The column at some rows, in the order given."""
        return replace(self, values=self.values[rows], missing=self.missing[rows])

    @property
    def codes(self) -> NDArray[np.int64]:
        """For each row the position of its value in `keys`, -1 where it is missing."""
        return self._levels[0]

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The different values as people spell them, sorted: 3, 3.0 and "3" are one key."""
        levels = self._levels[1]
        if self.kind == "text":
            return tuple(levels)
        if self.kind == "boolean":
            return tuple("true" if level else "false" for level in levels.tolist())
        if self.kind == "datetime":
            return tuple(str(level) for level in levels)
        return tuple(spell_number(level) for level in levels.tolist())

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(self._levels[1])

    @cached_property
    def _levels(self) -> tuple[NDArray[np.int64], Any]:
        codes = np.full(len(self.values), -1, dtype=np.int64)
        known = np.flatnonzero(~self.missing)
        if self.kind == "text":
            codes[known], keys = _text_levels(self.values[known])
            return codes, keys
        levels, codes[known] = np.unique(self.values[known], return_inverse=True)
        return codes, levels


def _text_levels(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    met: dict[str, int] = {}
    codes: NDArray[np.int64] = np.fromiter(
        (met.setdefault(value, len(met)) for value in values), dtype=np.int64, count=len(values)
    )
    spelled = [canonical(value) for value in met]
    keys = tuple(sorted(set(spelled)))
    position = {key: index for index, key in enumerate(keys)}
    order = np.array([position[key] for key in spelled], dtype=np.int64)
    return (order[codes] if len(codes) else codes), keys


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of the same length with the place they came from and what was noted on the way.

    >>> table = Table({"x": Column("number", np.arange(3.0), np.zeros(3, bool))}, 3, "example")
    >>> table.names, table.take(np.array([2])).columns["x"].values.tolist()
    (('x',), [2.0])
    """

    columns: dict[str, Column]
    rows: int
    source: str
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; raises DataError with the nearest name where there is none."""
        if name not in self.columns:
            message = f"{self.source}: no column {name!r}; {nearest(name, self.columns)}"
            raise DataError(message)
        return self.columns[name]

    def take(self, rows: NDArray[Any]) -> Table:
        """The table at some rows (positions or a mask), in the order given."""
        rows = np.asarray(rows)
        count = int(rows.sum()) if rows.dtype == bool else len(rows)
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return replace(self, columns=columns, rows=count)

    def without(self, names: Iterable[str]) -> Table:
        """The table less some columns; raises DataError where one is not there."""
        names = list(names)
        for name in names:
            self.column(name)
        columns = {name: self.columns[name] for name in self.columns if name not in names}
        return replace(self, columns=columns)

    def with_column(self, name: str, column: Column) -> Table:
        """The table with one column added or replaced."""
        if len(column.values) != self.rows:
            message = (
                f"column {name!r}: {len(column.values)} values for a table of {self.rows} rows; "
                "give one value a row."
            )
            raise DataError(message)
        return replace(self, columns={**self.columns, name: column})


def build_table(columns: Mapping[str, Column], source: str, notes: Iterable[str] = ()) -> Table:
    """A table of columns, refused with a sentence where it has no column or lengths differ."""
    lengths = {name: len(column.values) for name, column in columns.items()}
    if not lengths:
        message = f"{source}: no columns; a table needs at least one."
        raise DataError(message)
    first, rows = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != rows:
            message = (
                f"{source}: column {name!r} has {length} values, column {first!r} has {rows}; "
                "give columns of one length."
            )
            raise DataError(message)
    return Table(dict(columns), rows, source, tuple(notes))


def fingerprint(table: Table) -> str:
    """A SHA-256 of what a table holds (names, kinds, cells, order), wherever it was read from.

    >>> table = Table({"x": Column("number", np.arange(3.0), np.zeros(3, bool))}, 3, "a.csv")
    >>> fingerprint(table) == fingerprint(Table(table.columns, 3, "b.parquet"))
    True
    """
    digest = hashlib.sha256()
    for name, column in table.columns.items():
        _add(digest, name, column, table.rows)
    return digest.hexdigest()


def column_fingerprints(table: Table) -> dict[str, str]:
    """The fingerprint of each column by itself, by name."""
    found = {}
    for name, column in table.columns.items():
        digest = hashlib.sha256()
        _add(digest, name, column, table.rows)
        found[name] = digest.hexdigest()
    return found


def _add(digest: hashlib._Hash, name: str, column: Column, rows: int) -> None:
    digest.update(f"{name}\0{column.kind}\0{rows}\0".encode("utf-8", "surrogatepass"))
    digest.update(np.packbits(column.missing).tobytes())
    if column.kind == "text":
        lengths = np.fromiter(map(len, column.values), dtype="<i8", count=rows)
        digest.update(lengths.tobytes())
        digest.update("".join(column.values).encode("utf-8", "surrogatepass"))
    elif column.kind == "datetime":
        known = np.where(column.missing, 0, column.values.astype("datetime64[us]").view("<i8"))
        digest.update(known.astype("<i8").tobytes())
    else:
        known = np.where(column.missing, 0.0, column.values) + 0.0
        digest.update(known.astype("<f8").tobytes())
