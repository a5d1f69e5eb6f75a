"""Files, globs of them, standard input and SQL to a table, by DuckDB."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from chainrule.data.database import Workspace, quoted_name, quoted_text, reason, workspace
from chainrule.data.delimited import Dialect, find_dialect, readable_copy
from chainrule.data.table import Column, Table, build_table
from chainrule.data.typing import (
    Cell,
    fetch,
    missing_note,
    plain_columns,
    text_value,
    type_columns,
)
from chainrule.errors import DataError, MissingFileError, listing, nearest

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_table"]

NUMBER_TYPES = re.compile(
    r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM)"
)
DATE_TYPES = re.compile(r"(DATE|TIMESTAMP.*)")
TEXT_TYPES = re.compile(r"(VARCHAR|ENUM\(.*\)|UUID|TIME( .*)?)", re.DOTALL)
EXACT_WHOLE, LARGEST_WHOLE = 2**53, 2**64
QUERY = re.compile(r"\s*(SELECT|WITH|FROM)\s", re.IGNORECASE)


def read_table(source: str, *, stdin: BinaryIO | None = None) -> Table:
    """The table in a file, a glob of files, standard input ("-", CSV) or a SQL query over files.

    CSV with any delimiter, quote, decimal comma, in UTF-8, UTF-16 or Windows-1252; Parquet; JSON
    lines. Rows keep the order of the file, files of a glob the order of their names. In CSV a
    column is numbers where every value is one, dates where every value is one, else text; other
    sources keep their types. `Table.notes` says what was decided on the way.

    Raises MissingFileError where there is no such file, and DataError for what cannot be read.

    >>> read_table("SELECT 1 AS x, 'a' AS label").columns["x"].values
    array([1.])
    """
    source = str(source)
    if not source.strip():
        message = f"{source!r} is no table; name a file, a glob, '-' or a query."
        raise MissingFileError(message)
    if source == "-":
        return _read_stream(sys.stdin.buffer if stdin is None else stdin)
    if QUERY.match(source) and not Path(source[:200]).is_file():
        return _read_query(source)
    if Path(source).exists() and not (Path(source).is_file() or Path(source).is_dir()):
        with Path(source).open("rb") as stream:
            return _read_stream(stream, source)
    paths = _paths(source)
    kinds = {_file_kind(path) for path in paths}
    if len(kinds) > 1:
        message = f"{source}: files of different kinds ({', '.join(sorted(kinds))}); give one kind."
        raise DataError(message)
    kind = kinds.pop()
    with workspace() as place:
        paths = [_plain_name(path, place) for path in paths]
        if kind == "CSV":
            return _read_delimited(place, paths, source)
        return _read_typed(place, paths, source, kind)


def _paths(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        message = f"{source!r} is a folder; give a file in it, or a glob such as '{source}/*.csv'."
        raise DataError(message)
    if path.is_file():
        return [path]
    if any(mark in source for mark in "*?["):
        root = Path(path.anchor or ".")
        pattern = str(path.relative_to(path.anchor))
        found = sorted(str(name) for name in root.glob(pattern) if name.is_file())
        if found:
            return [Path(name) for name in found]
        message = f"no file matches {source!r}; check the folder and the pattern."
        raise MissingFileError(message)
    hint = "check the path."
    if path.parent.is_dir():
        near = nearest(path.name, sorted(entry.name for entry in path.parent.iterdir()))
        hint = near if near.startswith("did you") else hint
    elif source != path.name:
        hint = f"there is no folder {str(path.parent)!r}."
    message = f"{source!r} does not exist; {hint}"
    raise MissingFileError(message)


def _plain_name(path: Path, place: Workspace) -> Path:
    """The file, or a copy where DuckDB would take its name for a pattern."""
    if not any(mark in str(path) for mark in "*?["):
        return path
    copy = place.folder / f"copy-{len(list(place.folder.iterdir()))}{path.suffix}"
    shutil.copy(path, copy)
    return copy


def _file_kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(256)
    except PermissionError:
        message = f"'{path}' cannot be read: permission denied; change its permissions."
        raise DataError(message) from None
    name = path.name.removesuffix(".gz")
    if start.startswith(b"PAR1") or name.endswith((".parquet", ".pq")):
        return "Parquet"
    if name.endswith((".jsonl", ".ndjson", ".json")) or re.match(rb"\s*\{\s*\"", start):
        return "JSON"
    return "CSV"


def _read_stream(stream: BinaryIO, label: str = "standard input") -> Table:
    with workspace() as place:
        path = place.folder / "standard-input"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file)
        return _read_delimited(place, [path], label)


def _read_delimited(place: Workspace, paths: Sequence[Path], source: str) -> Table:
    notes: list[str] = []
    dialects: list[Dialect] = []
    for path in paths:
        label = source if len(paths) == 1 else str(path)
        copy, note = readable_copy(path, place.folder, label)
        dialect = find_dialect(copy, label)
        if dialects and set(dialect.names) != set(dialects[0].names):
            raise DataError(_disagreement(paths[0], dialects[0].names, path, dialect.names))
        dialects.append(dialect)
        order = [dialect.names.index(name) for name in dialects[0].names]
        _load(place.connection, copy, dialect, order, label)
        if note:
            notes.append(note)
    names = dialects[0].names
    if not dialects[0].has_header:
        notes.append(f"no header found: the columns are named {names[0]} to {names[-1]}")
    columns = [f"c{index}" for index in range(len(names))]
    _refuse_no_rows(place.connection, source)
    plain = plain_columns(place.connection, "cells", columns)
    rest = [name for name in columns if name not in plain]
    spelled, found = missing_note(place.connection, "cells", rest)
    cleaned = [f"{text_value(name) if name in spelled else name} AS {name}" for name in columns]
    place.connection.execute(f"CREATE VIEW clean AS SELECT {', '.join(cleaned)} FROM cells")
    comma = dialects[0].delimiter != ","
    typed = {**plain, **type_columns(place.connection, "clean", rest, comma)}
    cells = [typed[name] for name in columns]
    fetched = fetch(place.connection, "clean", cells)
    notes += found + _form_notes(names, cells)
    by_name = dict(zip(names, fetched, strict=True))
    return build_table(by_name, source, [*notes, *_rounded_notes(by_name)])


def _rounded_notes(columns: Mapping[str, Column]) -> list[str]:
    """What to say of whole numbers of 64 bits that float64 cannot hold."""
    notes = []
    for name, column in columns.items():
        if column.kind != "number":
            continue
        known = column.values[np.isfinite(column.values)]
        largest = np.abs(known).max(initial=0.0)
        if EXACT_WHOLE < largest < LARGEST_WHOLE and (known == np.floor(known)).all():
            notes.append(
                f"column {name!r} has whole numbers beyond {EXACT_WHOLE:,}, of which the first 15 "
                f"digits count; if they are identifiers, leave it out (--ignore {name!r})"
            )
    return notes


def _form_notes(names: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    notes = []
    for name, cell in zip(names, cells, strict=True):
        if cell.form and cell.form != "ISO":
            what = "dates" if cell.kind == "datetime" else "numbers"
            note = f"column {name!r} read as {what} written with {cell.form}"
            if cell.form.startswith("%m") and "b" not in cell.form.lower():
                note += " (where month and day can be told apart no other way, month first)"
            notes.append(note)
    return notes


def _disagreement(
    first: Path, first_names: Sequence[str], other: Path, other_names: Sequence[str]
) -> str:
    lacking = [name for name in first_names if name not in other_names]
    extra = [name for name in other_names if name not in first_names]
    parts = []
    if lacking:
        parts.append(f"lacks {listing(lacking[:5])}")
    if extra:
        parts.append(f"has also {listing(extra[:5])}")
    return (
        f"'{other}' does not have the columns of '{first}': it {' and '.join(parts)}; "
        "give files with the same columns."
    )


def _load(
    connection: DuckDBPyConnection, path: Path, dialect: Dialect, order: list[int], label: str
) -> None:
    import duckdb

    types = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(dialect.names)))
    # blanks and lines of the preamble count as rows for DuckDB's skip, so the header is skipped too
    reader = (
        f"read_csv({quoted_text(str(path))}, auto_detect = false, "
        f"delim = {quoted_text(dialect.delimiter)}, quote = {quoted_text(dialect.quote)}, "
        f"escape = {quoted_text(dialect.escape)}, header = {str(dialect.has_header).lower()}, "
        f"skip = {dialect.skipped}, columns = {{{types}}}, nullstr = '')"
    )
    parts = [
        f"nullif(trim(c{position}, ' \t'), '') AS c{index}" for index, position in enumerate(order)
    ]
    exists = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'cells'"
    ).fetchone()
    verb = "INSERT INTO cells" if exists and exists[0] else "CREATE TABLE cells AS"
    try:
        connection.execute(f"{verb} SELECT {', '.join(parts)} FROM {reader}")
    except duckdb.Error as error:
        raise DataError(_row_sentence(error, label)) from None


def _row_sentence(error: Exception, label: str) -> str:
    text = str(error)
    line = re.search(r"on Line: (\d+)", text)
    place = f"{label}, line {line.group(1)}" if line else label
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if counts:
        expected, found = counts.groups()
        return (
            f"{place}: {found} value{'s' * (found != '1')} where the header has {expected} "
            f"column{'s' * (expected != '1')}; "
            "correct the line, or quote values that hold the delimiter."
        )
    if "unterminated quote" in text:
        return (
            f"{place}: a quote is opened and never closed; close it, or double it inside a value."
        )
    return f"{place}: cannot be read as CSV: {reason(error)}"


def _refuse_no_rows(connection: DuckDBPyConnection, source: str) -> None:
    row = connection.execute("SELECT count(*) FROM cells").fetchone()
    if not row or row[0] == 0:
        message = f"{source}: there are no rows; give a table with at least one."
        raise DataError(message)


@contextmanager
def _readable(label: str, kind: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        message = f"{label}: cannot be read as {kind}: {reason(error)}"
        raise DataError(message) from None


def _read_typed(place: Workspace, paths: Sequence[Path], source: str, kind: str) -> Table:
    connection = place.connection
    options = "" if kind == "Parquet" else ", sample_size = -1, map_inference_threshold = -1"
    reader = "read_parquet" if kind == "Parquet" else "read_json_auto"
    first: list[str] = []
    for path in paths:
        label = source if len(paths) == 1 else str(path)
        if path.stat().st_size == 0:
            message = f"{label}: the file is empty; give a table with rows."
            raise DataError(message)
        with _readable(label, kind):
            described = connection.execute(
                f"DESCRIBE SELECT * FROM {reader}({quoted_text(str(path))}{options})"
            ).fetchall()
        names = [str(row[0]) for row in described]
        first = first or names
        if set(names) != set(first):
            raise DataError(_disagreement(paths[0], first, path, names))
    files = ", ".join(quoted_text(str(path)) for path in paths)
    with _readable(source, kind):
        connection.execute(
            f"CREATE TABLE cells AS SELECT * FROM {reader}([{files}]{options}, "
            "union_by_name = true)"
        )
        return _typed_table(connection, source)


def _read_query(query: str) -> Table:
    import duckdb

    with workspace(threads=1) as place:
        try:
            statements = place.connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type.name != "SELECT":
                message = "query: only one SELECT is allowed; write SELECT ... FROM 'file'."
                raise DataError(message)
            place.connection.execute(f"CREATE TABLE cells AS {statements[0].query.rstrip(' ;')}")
        except duckdb.Error as error:
            message = f"query: {reason(error).rstrip('.')}; correct the query."
            raise DataError(message) from None
        return _typed_table(place.connection, "query")


def _typed_table(connection: DuckDBPyConnection, source: str) -> Table:
    _refuse_no_rows(connection, source)
    described = connection.execute("DESCRIBE cells").fetchall()
    names = [str(row[0]) for row in described]
    texts = [name for name, row in zip(names, described, strict=True) if row[1] == "VARCHAR"]
    spelled, notes = missing_note(connection, "cells", texts)
    cells = [
        _typed_cell(name, str(row[1]), source, name in spelled)
        for name, row in zip(names, described, strict=True)
    ]
    columns = fetch(connection, "cells", cells)
    by_name = dict(zip(names, columns, strict=True))
    return build_table(by_name, source, [*notes, *_rounded_notes(by_name)])


def _typed_cell(name: str, kind: str, source: str, spelled: bool) -> Cell:
    value = quoted_name(name)
    if kind == "BOOLEAN":
        return Cell("boolean", value)
    if NUMBER_TYPES.fullmatch(kind) or kind == '"NULL"':
        return Cell("number", value)
    if DATE_TYPES.fullmatch(kind):
        return Cell("datetime", value)
    if kind == "VARCHAR":
        return Cell("text", text_value(value) if spelled else value)
    if TEXT_TYPES.fullmatch(kind):
        return Cell("text", value)
    if kind == "JSON":
        return Cell("text", f"({value} ->> '$')")
    message = (
        f"{source}: column {name!r} holds values of type {kind[:60]}, which are not single "
        "numbers, texts or dates; take parts of them with a query, or leave the column out."
    )
    raise DataError(message)
