"""What an explanation asks: a model's answers to rows, and to rows made of columns of others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Column, Labels, Table, as_numbers, as_table, column_of
from chainrule.errors import (
    DataError,
    InputTypeError,
    SettingError,
    listing,
    nearest,
)
from chainrule.estimators import TableModel, check_fitted, load_table_model
from chainrule.explaining.explanation import checked_row
from chainrule.explaining.form import form_of
from chainrule.explaining.pool import FramePool, Pool, TablePool
from chainrule.explaining.scale import on_scale, scale_of
from chainrule.files import RunFolder

__all__ = ["Subject", "subject_of"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """A model with rows: what it answers to them, and to rows whose cells are put together anew.

    columns
        The user's columns that the model uses, in the order of the table: a category is one, a
        date is one, and whether a value is missing belongs to its column.
    left_out
        Why training left out each other column.
    outputs
        The labels of classes, or the target's name; "output 0", "output 1" ... where a model gives
        several numbers.
    target
        What is predicted; "" where the model does not say.
    is_classification
        Whether answers are probabilities of classes.

    >>> from chainrule import TabularClassifier
    >>> X = {"size": [1.0, 2.0, 3.0, 4.0] * 15, "town": ["a", "b", "b", "a"] * 15}
    >>> model = TabularClassifier(epochs=2, members=1).fit(X, ["no", "yes", "yes", "no"] * 15)
    >>> subject = subject_of(model, X)
    >>> subject.columns, subject.outputs, subject.answers().shape
    (('size', 'town'), ('no', 'yes'), (60, 2))
    >>> subject.with_value("town", "a").take([0, 1]).values("town").tolist()
    ['a', 'a']
    """

    pool: Pool
    choice: Array
    columns: tuple[str, ...]
    outputs: tuple[Any, ...]
    target: str
    is_classification: bool
    kinds: Mapping[str, str]
    left_out: Mapping[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.choice)

    def place(self, column: Any) -> int:
        """The position of a column; raises `DataError` for one that the model does not use."""
        if column in self.columns:
            return self.columns.index(column)
        if isinstance(column, str) and column in self.left_out:
            reason = self.left_out[column]
            known = ", ".join(map(repr, self.columns[:5])) + " ..." * (len(self.columns) > 5)
            message = (
                f"column {column!r} cannot be explained: the model does not use it ({reason}); "
                f"choose one that it uses: {known}."
            )
            raise DataError(message)
        message = f"there is no column {column!r}; {nearest(str(column), self.columns)}"
        raise DataError(message)

    def kind(self, column: str) -> str:
        """What a column is: number, category, boolean, datetime or identifier."""
        self.place(column)
        return self.kinds[column]

    def tells_presence(self, column: str) -> bool:
        """Whether all that the model uses of a column is if it has a value."""
        self.place(column)
        model = getattr(self.pool, "model", None)
        return model is not None and column in model.encoder.presences

    def was_missing(self, column: str) -> bool:
        """Whether the model has learned from rows in which a column was missing, and tells them."""
        self.place(column)
        model = getattr(self.pool, "model", None)
        encodings = () if model is None else model.encoder.encodings
        return any(one.name == column and getattr(one, "indicator", False) for one in encodings)

    def cells(self, column: str) -> Column:
        """A column of the rows, as a table has it."""
        place = self.place(column)
        return self.pool.table.column(column).take(self.choice[:, place])

    def values(self, column: str) -> Array:
        """The rows' own values of a column, to show; None where one is missing."""
        cells = self.cells(column)
        values = cells.values.astype(object)
        if cells.kind == "boolean":
            values = np.array([bool(one) for one in values], dtype=object)
        values[cells.missing] = None
        return values

    def scale(self, scale: str | None = None) -> str:
        """The scale that is meant: None is "probability" for classes, "number" for numbers."""
        return scale_of(scale, classes=self.is_classification)

    def answers(self, scale: str | None = None) -> Array:
        """What the model answers to each row, float64 (rows, outputs).

        scale
            "probability"; "logit", the log-odds of each class against all others; of a target of
            numbers "number", in its unit.
        """
        scale = self.scale(scale)
        if not self.rows:
            return np.zeros((0, len(self.outputs)))
        return on_scale(self.pool.answers(self.choice), scale)

    def check_row(self, row: int) -> int:
        """The number of a row, counted from 0; raises `MissingPlaceError` where there is none."""
        return checked_row(row, self.rows)

    def take(self, rows: Any) -> Subject:
        """Some of the rows, by number or mask, in the order given."""
        return replace(self, choice=self.choice[np.asarray(rows)])

    def recombined(self, choice: Any) -> Subject:
        """Rows made of cells of these: cell (i, j) is that of row choice[i, j] in column j.

        `choice` is an array of row numbers (made, columns).
        """
        made = np.take_along_axis(self.choice, np.asarray(choice, dtype=np.int64), axis=0)
        return replace(self, choice=made)

    def joined(self, other: Subject) -> Subject:
        """The rows of this subject and then those of another one of the same model."""
        if self.pool is other.pool:
            return replace(self, choice=np.concatenate([self.choice, other.choice]))
        pool = self.pool.joined(other.pool)
        choice = np.concatenate([self.choice, other.choice + self.pool.table.rows])
        return replace(self, pool=pool, choice=choice)

    def with_value(self, column: str, value: Any) -> Subject:
        """The rows with one value in a column of all of them; None for a missing one."""
        place = self.place(column)
        cell = _like(self.pool.table.column(column), value, column)
        choice = self.choice.copy()
        choice[:, place] = self.pool.table.rows
        return replace(self, pool=self.pool.with_value(column, cell), choice=choice)

    def __repr__(self) -> str:
        what = "classes" if self.is_classification else "a number"
        return (
            f"<Subject: {self.rows:,} rows, {len(self.columns)} columns, "
            f"{self.target or 'target'} ({what})>"
        )


def _like(known: Column, value: Any, name: str) -> Column:
    """A column of one value, of the kind of a known one where that is another."""
    column = column_of([value], name)
    if column.missing[0]:
        empty = {"text": np.array([""], object), "datetime": np.array(["NaT"], "datetime64[us]")}
        return Column(known.kind, empty.get(known.kind, np.array([np.nan])), column.missing)
    if known.kind == "text" != column.kind:
        return Column("text", np.array(column.keys, dtype=object), column.missing)
    return as_numbers(column, name) if known.kind == "number" else column


def subject_of(model: Any, X: Any) -> Subject:
    """A model with rows, to be explained.

    model
        A run folder (its path), a `TableModel`, a fitted estimator of ours, or any fitted estimator
        with the methods of scikit-learn's.
    X
        Rows: a frame, a dict of columns, an array, or a table; a target in it is not looked at.

    Raises `DataError` where columns are missing or nothing can be explained, `InputTypeError` for
    what is no model or no table.
    """
    if isinstance(model, str | os.PathLike):
        model = load_table_model(RunFolder.open(model).model_path)
    check_fitted("explaining", model)
    if isinstance(model, TableModel):
        return _of_table(model, as_table(X))
    found = getattr(model, "model_", None)
    if isinstance(found, TableModel):
        return _of_table(found, _rows_of(model, X))
    if isinstance(X, Table):
        message = (
            f"X is a table of chainrule.data, which {type(model).__name__} does not take; give a "
            "frame or an array."
        )
        raise InputTypeError(message)
    return _of_estimator(model, X)


def _rows_of(model: Any, X: Any) -> Table:
    """The rows as an estimator of ours takes them; raises one sentence for what it refuses."""
    try:
        table: Table = model.table_of(X)
    except DataError:
        given = as_table(X)
        lacking = [name for name in model.model_.encoder.columns if name not in given.names]
        if not lacking:
            raise
        message = f"X has no column {listing(lacking[:5])}; give all that the model was trained on."
        raise DataError(message) from None
    return table


def _of_table(model: TableModel, table: Table) -> Subject:
    """The subject of networks of a table."""
    if len(model.codecs) > 1:
        names = ", ".join(repr(one.name) for one in model.codecs)
        message = (
            f"the model has {len(model.codecs)} targets, {names}, and explanations are of one; "
            "train a model for each."
        )
        raise SettingError(message)
    codec = model.labels
    columns = model.encoder.columns
    pool = TablePool(model, _ordered(table, columns))
    return Subject(
        pool,
        _whole(table.rows, len(columns)),
        columns,
        codec.classes if isinstance(codec, Labels) else (codec.name,),
        codec.name,
        isinstance(codec, Labels),
        {name: model.schema.column(name).kind for name in columns},
        {one.name: one.reason for one in model.schema.columns if one.name not in columns},
    )


def _ordered(table: Table, columns: tuple[str, ...]) -> Table:
    """The table with the columns of a model alone, in its order, as far as they are there."""
    kept = {name: table.columns[name] for name in columns if name in table.columns}
    return replace(table, columns=kept)


def _of_estimator(model: Any, X: Any) -> Subject:
    """The subject of any estimator: its columns are those of X."""
    form, table = form_of(X), as_table(X)
    if not table.rows:
        message = "X has no row; give rows to explain."
        raise DataError(message)
    predict, classes = _answering(model)
    columns = table.names
    kinds = {"text": "category"}
    pool = FramePool(predict, form, form.columns(X), table)
    width = 1 if classes else pool.answers(np.zeros((1, len(columns)), dtype=np.int64)).shape[1]
    numbers = ("prediction",) if width == 1 else tuple(f"output {one}" for one in range(width))
    return Subject(
        pool,
        _whole(table.rows, len(columns)),
        columns,
        classes or numbers,
        "",
        bool(classes),
        {name: kinds.get(one.kind, one.kind) for name, one in table.columns.items()},
        {},
    )


def _answering(model: Any) -> tuple[Any, tuple[Any, ...]]:
    """What gives the answers of an estimator, and its classes; none of a regressor."""
    if isinstance(getattr(model, "classes_", None), list):
        message = (
            f"{type(model).__name__} has {len(model.classes_)} targets, and explanations are of "
            "one; fit a model for each."
        )
        raise SettingError(message)
    if callable(getattr(model, "predict_proba", None)):
        return model.predict_proba, tuple(np.asarray(model.classes_).tolist())
    if hasattr(model, "classes_"):
        message = (
            f"{type(model).__name__} has classes but no predict_proba; give a model that has, such "
            "as sklearn.calibration.CalibratedClassifierCV around it."
        )
        raise InputTypeError(message)
    if callable(getattr(model, "predict", None)):
        return model.predict, ()
    message = (
        "the model must be a run folder, a TableModel or a fitted estimator with predict, got "
        f"{type(model).__name__}."
    )
    raise InputTypeError(message)


def _whole(rows: int, columns: int) -> Array:
    """Every row made of its own cells."""
    return np.repeat(np.arange(rows)[:, np.newaxis], columns, axis=1)
