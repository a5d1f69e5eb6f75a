"""Rows whose cells can be put together anew, and what a model answers to what is made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, Self

import numpy as np

from chainrule.data import Column, Encoded, Table
from chainrule.estimators import TableModel
from chainrule.explaining.form import Form

__all__ = ["FramePool", "Pool", "TablePool", "joined_tables"]

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK = 65_536
"""Rows that are put together at once."""


class Pool(Protocol):
    """Rows of a model's columns. What is asked of it is a choice (made, columns) of row numbers:
    cell (i, j) of what is made is cell (choice[i, j], j) of the pool.
    """

    table: Table
    """The rows' own values."""

    def joined(self, other: Self) -> Self:
        """The rows of both, one after the other."""

    def with_value(self, column: str, value: Column) -> Self:
        """The rows, and after them the first one with another value in one column."""

    def answers(self, choice: Array) -> Array:
        """What the model answers: probabilities (made, classes), or numbers (made, 1)."""


class TablePool:
    """Rows as the networks of a table are given them.

    The encodings of columns are independent, so that cells are put together after encoding.
    """

    def __init__(self, model: TableModel, table: Table, encoded: Encoded | None = None) -> None:
        self.model = model
        self.table = table
        self.encoded = model.encoder.encode(table) if encoded is None else encoded
        self.sources = sources_of(model)

    def joined(self, other: TablePool) -> TablePool:
        parts = {
            name: np.concatenate([getattr(self.encoded, name), getattr(other.encoded, name)])
            for name in self.sources
        }
        return TablePool(self.model, joined_tables(self.table, other.table), Encoded(**parts))

    def with_value(self, column: str, value: Column) -> TablePool:
        row = self.table.take(np.array([0])).with_column(column, value)
        return self.joined(TablePool(self.model, row))

    def recombined(self, choice: Array) -> Encoded:
        """Rows of cells of these, encoded."""
        parts = {
            name: np.take_along_axis(getattr(self.encoded, name), choice[:, columns], axis=0)
            for name, columns in self.sources.items()
        }
        return Encoded(**parts)

    def answers(self, choice: Array) -> Array:
        parts = [choice[start : start + BLOCK] for start in range(0, len(choice), BLOCK)]
        answers = np.concatenate([self.model.answers(self.recombined(part)) for part in parts])
        return answers if answers.ndim == 2 else answers[:, np.newaxis]


def sources_of(model: TableModel) -> dict[str, Array]:
    """For each column of each encoded array the number of the table's column that it is made of."""
    encoder = model.encoder
    place = {name: number for number, name in enumerate(encoder.columns)}
    spread = [number.name for number in encoder.spread]
    named = {
        "numbers": encoder.sources,
        "categories": encoder.category_names,
        "positions": spread,
    }
    return {
        part: np.array([place[name] for name in names], dtype=np.int64)
        for part, names in named.items()
    }


class FramePool:
    """Rows in the form that an estimator takes: a frame of pandas or polars, a dict, an array."""

    def __init__(self, predict: Any, form: Form, columns: list[Any], table: Table) -> None:
        self.predict = predict
        self.form = form
        self.columns = columns
        self.table = table

    def joined(self, other: FramePool) -> FramePool:
        columns = [
            self.form.chained(one, another)
            for one, another in zip(self.columns, other.columns, strict=True)
        ]
        joined = joined_tables(self.table, other.table)
        return FramePool(self.predict, self.form, columns, joined)

    def with_value(self, column: str, value: Column) -> FramePool:
        first = np.array([0])
        row = self.table.take(first).with_column(column, value)
        columns = [self.form.taken(one, first) for one in self.columns]
        place = self.table.names.index(column)
        cell = None if value.missing[0] else value.values[0]
        columns[place] = self.form.of_cell(columns[place], cell)
        return self.joined(FramePool(self.predict, self.form, columns, row))

    def answers(self, choice: Array) -> Array:
        found = []
        for start in range(0, len(choice), BLOCK):
            part = choice[start : start + BLOCK]
            columns = [self.form.taken(one, part[:, i]) for i, one in enumerate(self.columns)]
            found.append(np.asarray(self.predict(self.form.built(columns)), dtype=np.float64))
        answers = np.concatenate(found)
        return answers.reshape(len(answers), -1)


def joined_tables(one: Table, other: Table) -> Table:
    """The rows of both tables, of the columns of the first."""
    columns = {
        name: _joined(column, other.column(name)) for name, column in one.columns.items()
        if name in other.columns
    }  # fmt: skip
    return replace(one, columns=columns, rows=one.rows + other.rows)


def _joined(one: Column, other: Column) -> Column:
    if one.kind != other.kind:
        one, other = _as_text(one), _as_text(other)
    return replace(
        one,
        values=np.concatenate([one.values, other.values]),
        missing=np.concatenate([one.missing, other.missing]),
    )


def _as_text(column: Column) -> Column:
    if column.kind == "text":
        return column
    values = np.array([*column.keys, ""], dtype=object)[column.codes]
    return Column("text", values, column.missing)
