"""From cells of text in DuckDB to typed columns: every value of a column decides, none is guessed.

A column is numbers where every value that is not missing is one, written in one form; else dates
where every value fits one form; else text, as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.database import quoted_name, quoted_text
from chainrule.data.spelling import (
    DATE_FORMS,
    DECIMAL_COMMA,
    MISSING_SPELLINGS,
    PLAIN,
    THOUSANDS,
    DateForm,
    NumberForm,
)
from chainrule.data.table import Column

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Cell", "fetch", "missing_note", "plain_columns", "text_value", "type_columns"]

SPELLED = ", ".join(quoted_text(spelling) for spelling in MISSING_SPELLINGS)
SAMPLE_VALUES = 300
VALUE = "value"


@dataclass(frozen=True)
class Cell:
    """How one column is taken out of the database: its kind, the SQL of its value, its form."""

    kind: str
    value: str
    form: str = ""


def text_value(expression: str) -> str:
    """The SQL of a text without blanks around it, NULL where it spells a missing value."""
    trimmed = f"trim({expression}, ' \t\r\n')"
    return f"CASE WHEN {trimmed} IN ({SPELLED}) THEN NULL ELSE {trimmed} END"


def plain_columns(
    connection: DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> dict[str, Cell]:
    """The cells of the columns that hold plain numbers and empty cells only."""
    if not columns:
        return {}
    counts = _counts(connection, relation, _fits(VALUE, PLAIN), columns)
    return {
        name: Cell("number", f"TRY_CAST({_number(name, PLAIN)} AS DOUBLE)")
        for name, (known, fitting) in zip(columns, counts, strict=True)
        if known == fitting
    }


def type_columns(
    connection: DuckDBPyConnection, relation: str, columns: Sequence[str], decimal_comma: bool
) -> dict[str, Cell]:
    """The cells of columns of text that hold NULL where they are missing.

    `decimal_comma` says whether 1,234 is a little more than one (files cut at something else
    than commas) or a thousand and more.
    """
    forms = (PLAIN, DECIMAL_COMMA, THOUSANDS) if decimal_comma else (PLAIN, THOUSANDS)
    cells = plain_columns(connection, relation, columns)
    for name in columns:
        if name not in cells:
            cells[name] = _by_sample(connection, relation, name, forms, decimal_comma)
    return cells


def _by_sample(
    connection: DuckDBPyConnection,
    relation: str,
    name: str,
    forms: Sequence[NumberForm],
    decimal_comma: bool,
) -> Cell:
    """Forms that a few values fit are put to all of them; the first that all fit is taken."""
    column = quoted_name(name)
    found = connection.execute(
        f"SELECT DISTINCT {column} FROM (SELECT {column} FROM {relation} "
        f"WHERE {column} IS NOT NULL LIMIT {SAMPLE_VALUES})"
    ).fetchall()
    sample = [row[0] for row in found]
    if not decimal_comma and any("," in value for value in sample):
        forms = (*forms, DECIMAL_COMMA)
    for form in forms:
        if all(form.parse(value) is not None for value in sample):
            ((known, fitting),) = _counts(connection, relation, _fits(VALUE, form), [name])
            if known == fitting:
                value = f"TRY_CAST({_number(name, form)} AS DOUBLE)"
                return Cell("number", value, "" if form is PLAIN else form.name)
    fitting_dates = []
    for date in DATE_FORMS.values():
        if all(date.parse(value) is not None for value in sample):
            fits = f"{_moment(VALUE, date)} IS NOT NULL"
            ((known, fitting),) = _counts(connection, relation, fits, [name])
            if known == fitting:
                fitting_dates.append(date)
    if fitting_dates:
        return Cell("datetime", _moment(name, fitting_dates[0]), fitting_dates[0].name)
    return Cell("text", column)


def _counts(
    connection: DuckDBPyConnection, relation: str, test: str, columns: Sequence[str]
) -> list[tuple[int, int]]:
    """For each column how many values it has, and how many pass the test of `"value"`.

    Columns are put below one another: one test costs far less than one a column where there are
    thousands.
    """
    listed = ", ".join(map(quoted_name, columns))
    rows = connection.execute(
        f'SELECT "name", count(*), count(*) FILTER ({test}) FROM (UNPIVOT (SELECT {listed} '
        f'FROM {relation}) ON COLUMNS(*) INTO NAME "name" VALUE "value") GROUP BY "name"'
    ).fetchall()
    found = {name: (int(known), int(passing)) for name, known, passing in rows}
    return [found.get(name, (0, 0)) for name in columns]


def _fits(name: str, form: NumberForm) -> str:
    return f"regexp_full_match({quoted_name(name)}, {quoted_text(form.pattern)})"


def _number(name: str, form: NumberForm) -> str:
    value = quoted_name(name)
    for mark in form.dropped:
        value = f"replace({value}, {quoted_text(mark)}, '')"
    if form.decimal != ".":
        value = f"replace({value}, {quoted_text(form.decimal)}, '.')"
    if form is PLAIN:
        value = f"replace({value}, '∞', 'inf')"
    return value


def _moment(name: str, form: DateForm) -> str:
    column = quoted_name(name)
    cast = (
        f"try_strptime({column}, {quoted_text(form.format)})"
        if form.format
        else f"TRY_CAST({column} AS TIMESTAMPTZ)::TIMESTAMP"
    )
    fits = f"regexp_full_match({column}, {quoted_text(form.pattern)})"
    return f"CASE WHEN {fits} THEN {cast} END"


def fetch(connection: DuckDBPyConnection, relation: str, cells: Sequence[Cell]) -> list[Column]:
    """The columns, in the order of the rows."""
    casts = {"number": "DOUBLE", "boolean": "DOUBLE", "datetime": "TIMESTAMP", "text": "VARCHAR"}
    parts = [
        f"CAST({cell.value} AS {casts[cell.kind]}) AS v{index}" for index, cell in enumerate(cells)
    ]
    arrays = connection.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchnumpy()
    return [_column(arrays.pop(f"v{index}"), cell) for index, cell in enumerate(cells)]


def _column(array: Any, cell: Cell) -> Column:
    missing: NDArray[np.bool_] = np.array(np.ma.getmaskarray(array), dtype=bool)
    values: NDArray[Any] = np.ma.getdata(array)
    if cell.kind == "text":
        values = np.array(values, dtype=object)
        values[missing] = ""
        return Column("text", values, missing)
    if cell.kind == "datetime":
        values = values.astype("datetime64[us]")
        missing |= np.isnat(values)
        values[missing] = np.datetime64("NaT", "us")
        return Column("datetime", values, missing, cell.form)
    values = np.array(values, dtype=np.float64)
    missing |= np.isnan(values)
    values[missing] = np.nan
    return Column("boolean" if cell.kind == "boolean" else "number", values, missing)


def missing_note(
    connection: DuckDBPyConnection, relation: str, columns: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The columns in which a missing value is spelled (not empty), and a note on each spelling."""
    if not columns:
        return [], []
    test = f"trim({quoted_name(VALUE)}, ' \t') IN ({SPELLED})"
    counts = _counts(connection, relation, test, columns)
    spelled = [name for name, (_, found) in zip(columns, counts, strict=True) if found]
    places: dict[str, int] = {}
    for name in spelled:
        trimmed = f"trim({quoted_name(name)}, ' \t')"
        rows = connection.execute(
            f"SELECT DISTINCT {trimmed} FROM {relation} WHERE {trimmed} IN ({SPELLED})"
        ).fetchall()
        for (spelling,) in rows:
            if spelling:
                places[spelling] = places.get(spelling, 0) + 1
    notes = [
        f"{spelling!r} read as missing in {count} column{'s' if count > 1 else ''}"
        for spelling, count in sorted(places.items())
    ]
    return spelled, notes
