"""Predicted rows as CSV, JSON, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import DataError, ExistingFileError, SettingError, listing

if TYPE_CHECKING:
    from chainrule.data import Column

__all__ = [
    "check_format",
    "csv_text",
    "json_text",
    "refuse_existing",
    "result_column",
    "write_rows",
]

FORMATS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")


def check_format(path: str) -> None:
    """Raise SettingError where the file's ending is of a kind that cannot be written."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        what = f"files that end in {ending!r} cannot be written" if ending else "it has no ending"
        message = f"--out: {path}: {what}; end it in one of {listing(FORMATS)}."
        raise SettingError(message)


def refuse_existing(out: str) -> None:
    """Raise where a file of this name exists, or its folder does not."""
    if Path(out).exists():
        message = f"{out}: exists already, nothing was changed. Name a new file with --out."
        raise ExistingFileError(message)
    if not Path(out).absolute().parent.is_dir():
        message = f"{out}: the folder {Path(out).parent} does not exist. Create it first."
        raise DataError(message)


def write_rows(path: str, columns: Mapping[str, Column]) -> None:
    """Write the rows, whole or not at all, in the format that the file's ending names."""
    from chainrule.data import parquet_bytes
    from chainrule.files import write_bytes_atomic, write_text_atomic

    ending = Path(path).suffix.lower()
    if ending in (".parquet", ".pq"):
        write_bytes_atomic(path, parquet_bytes(columns))
    elif ending == ".json":
        write_text_atomic(path, json_text(columns))
    elif ending in (".jsonl", ".ndjson"):
        write_text_atomic(path, "".join(line + "\n" for line in _json_lines(columns)))
    else:
        write_text_atomic(path, csv_text(columns, "\t" if ending == ".tsv" else ","))


def result_column(values: Any) -> Column:
    """Predicted values as a column: numbers, text or booleans, none of them missing."""
    from chainrule.data import Column

    values = np.asarray(values)
    present = np.zeros(len(values), dtype=bool)
    if values.dtype.kind == "b":
        return Column("boolean", values.astype(np.float64), present)
    if values.dtype.kind == "f" and values.itemsize < 8:
        # By way of the shortest spelling, so that a float32 0.1 is written 0.1.
        return Column("number", values.astype(str).astype(np.float64), present)
    if values.dtype.kind in "fiu":
        return Column("number", values.astype(np.float64), present)
    return Column("text", values.astype(object), present)


def csv_text(columns: Mapping[str, Column], delimiter: str = ",") -> str:
    r"""The rows as CSV with a header; an empty cell where a value is missing.

    >>> csv_text({"prediction": result_column([1.5, 2.0]), "sure": result_column([True, False])})
    'prediction,sure\n1.5,true\n2,false\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*map(_spelled, columns.values()), strict=True))
    return text.getvalue()


def json_text(columns: Mapping[str, Column]) -> str:
    r"""The rows as a JSON list of objects, one a line.

    >>> json_text({"prediction": result_column(["a", "b"])})
    '[\n{"prediction": "a"},\n{"prediction": "b"}\n]\n'
    """
    return "[\n" + ",\n".join(_json_lines(columns)) + "\n]\n"


def _json_lines(columns: Mapping[str, Column]) -> list[str]:
    from chainrule.data import plain_cells
    from chainrule.files import strict_json

    plain = [plain_cells(column) for column in columns.values()]
    return [strict_json(dict(zip(columns, row, strict=True))) for row in zip(*plain, strict=True)]


def _spelled(column: Column) -> list[Any]:
    """The cells as CSV spells them."""
    from chainrule.data import plain_cells

    return [
        "" if value is None else str(value).lower() if isinstance(value, bool) else value
        for value in plain_cells(column)
    ]
