"""CSV files before they are typed: bytes to UTF-8, the delimiter and the quote, the header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chainrule.data.spelling import MISSING_SPELLINGS, NUMBER_FORMS
from chainrule.errors import DataError

__all__ = ["Dialect", "find_dialect", "readable_copy"]

SAMPLE_CHARACTERS = 1 << 18
SAMPLE_ROWS = 1000
BLOCK_BYTES = 1 << 22
MARKS = {
    b"PK\x03\x04": "an Excel workbook or a zip archive; save it as CSV",
    b"PAR1": "a Parquet file; name it .parquet",
    b"%PDF": "a PDF; give a table",
    b"\x89PNG": "a picture; give a table",
    b"SQLite format 3": "a SQLite database; export the table as CSV",
    b"ARROW1": "an Arrow file; save it as Parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
}


@dataclass(frozen=True)
class Dialect:
    """How a file is cut into cells: marks, lines before the header, and the names of columns."""

    delimiter: str
    quote: str
    escape: str
    skipped: int
    has_header: bool
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def readable_copy(path: Path, folder: Path, label: str) -> tuple[Path, str]:
    """The file itself where it is UTF-8 with newlines, else a decoded copy; and a note.

    UTF-16 is told by its mark or its zeros, gzip by its first bytes; what is not UTF-8 is read as
    Windows-1252. Raises DataError for empty files and for what is no text at all.
    """
    with path.open("rb") as file:
        start = file.read(1 << 14)
    if start[:2] == b"\x1f\x8b":
        path = _unpacked(path, folder, label)
        with path.open("rb") as file:
            start = file.read(1 << 14)
    if not start.strip(b"\xef\xbb\xbf \r\n\t"):
        message = f"{label}: the file is empty; give a table with a header and rows."
        raise DataError(message)
    for mark, what in MARKS.items():
        if start.startswith(mark):
            message = f"{label}: not a CSV file: it is {what}."
            raise DataError(message)
    encoding = _encoding(path, start, label)
    if encoding == "utf-8" and not _has_lone_returns(start):
        return path, ""
    copy = folder / f"decoded-{len(list(folder.iterdir()))}.csv"
    try:
        with (
            path.open(encoding=encoding, newline=None) as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            shutil.copyfileobj(source, target, BLOCK_BYTES)
    except UnicodeDecodeError as error:
        message = (
            f"{label}: byte {error.object[error.start]:#04x} cannot be read as "
            f"{NAMES_OF_ENCODINGS.get(encoding, encoding)} (nor the file as UTF-8); "
            "save the file as UTF-8."
        )
        raise DataError(message) from None
    note = "" if encoding.startswith("utf-8") else f"read as {NAMES_OF_ENCODINGS[encoding]}"
    return copy, note


NAMES_OF_ENCODINGS = {
    "cp1252": "Windows-1252",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}


def _unpacked(path: Path, folder: Path, label: str) -> Path:
    copy = folder / f"unpacked-{len(list(folder.iterdir()))}.csv"
    try:
        with gzip.open(path) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, BLOCK_BYTES)
    except (OSError, EOFError):
        message = f"{label}: the gzip file is damaged or cut short; fetch it again."
        raise DataError(message) from None
    return copy


def _has_lone_returns(start: bytes) -> bool:
    return b"\r" in start and b"\n" not in start


def _encoding(path: Path, start: bytes, label: str) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if b"\0" in start:
        half = max(len(start) // 4, 1)
        if start[1::2].count(0) > half and start[::2].count(0) == 0:
            return "utf-16-le"
        if start[::2].count(0) > half and start[1::2].count(0) == 0:
            return "utf-16-be"
        message = f"{label}: not a CSV file: it holds zero bytes; give text, Parquet or JSON lines."
        raise DataError(message)
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def find_dialect(path: Path, label: str) -> Dialect:
    """Delimiter, quote and header of a UTF-8 file, told from its first rows.

    The delimiter is the one that cuts most rows into as many cells as the first. The first row
    is the header, unless a number stands in it over a column of numbers.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read(SAMPLE_CHARACTERS)
        whole = file.read(1) == ""
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    text, skipped, delimiter = _without_preamble(text)
    quote = _find_quote(text)
    escape = "\\" if f"\\{quote}" in text else quote
    if not delimiter:
        delimiter = _find_delimiter(text, quote, escape)
    rows = _cut(text, delimiter, quote, escape)
    if not rows:
        message = f"{label}: the file is empty; give a table with a header and rows."
        raise DataError(message)
    has_header = _is_header(rows)
    names = _names(rows[0] if has_header else [""] * len(rows[0]), label)
    body = tuple(map(tuple, rows[1:] if has_header else rows))
    return Dialect(delimiter, quote, escape, skipped, has_header, names, body)


def _without_preamble(text: str) -> tuple[str, int, str]:
    """Text after Excel's `sep=;` line, blank lines and `#` remarks; lines skipped; delimiter."""
    skipped = 0
    delimiter = ""
    lines = text.splitlines(keepends=True)
    while lines:
        line = lines[0].strip("\r\n")
        remark = line.startswith("#") and not re.search("[,;\t|]", line)
        told = re.fullmatch(r"sep=(.)", line)
        if not (remark or told or not line.strip()) or len(lines) == 1:
            break
        delimiter = told.group(1) if told else delimiter
        lines.pop(0)
        skipped += 1
    return "".join(lines), skipped, delimiter


def _find_quote(text: str) -> str:
    if '"' in text:
        return '"'
    single = len(re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n]|$)", text, flags=re.MULTILINE))
    return "'" if single * 2 > text.count("'") / 2 and single > 0 else '"'


def _cut(text: str, delimiter: str, quote: str, escape: str) -> list[list[str]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape,
    )
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > SAMPLE_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _find_delimiter(text: str, quote: str, escape: str) -> str:
    best, best_score = ",", (0.0, 0)
    for delimiter in ",;\t|":
        counts = [len(row) for row in _cut(text, delimiter, quote, escape)]
        if not counts or counts[0] < 2:
            continue
        score = (round(Counter(counts)[counts[0]] / len(counts), 1), counts[0])
        if score > best_score:
            best, best_score = delimiter, score
    if best_score[1] == 0:
        for delimiter in " :^~\x01":
            counts = [len(row) for row in _cut(text, delimiter, quote, escape)]
            if len(counts) > 1 and counts[0] > 1 and len(set(counts)) == 1:
                return delimiter
    return best


def _is_number(text: str) -> bool:
    return any(form.parse(text.strip()) is not None for form in NUMBER_FORMS.values())


def _is_header(rows: list[list[str]]) -> bool:
    against = False
    for position, cell in enumerate(rows[0]):
        below = [
            row[position].strip()
            for row in rows[1:]
            if position < len(row) and row[position].strip() not in MISSING_SPELLINGS
        ]
        if not below or not all(map(_is_number, below)):
            continue
        if _is_number(cell):
            against = True
        elif cell.strip() not in MISSING_SPELLINGS:
            return True
    return not against or _counts_columns(rows[0])


def _counts_columns(cells: list[str]) -> bool:
    """Whether the numbers in a row are names: years, or columns counted from 0 or 1."""
    numbers = [int(cell) for cell in cells if re.fullmatch(r"[0-9]{1,5}", cell.strip())]
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    if len(numbers) < 2 or steps != {1}:
        return False
    years = numbers[0] >= 1900 and numbers[-1] <= 2100
    return years or (len(numbers) > 3 and numbers[0] in (0, 1))


def _names(cells: list[str], label: str) -> tuple[str, ...]:
    names = [cell.strip() or f"column{index}" for index, cell in enumerate(cells)]
    for name, count in Counter(names).items():
        if count > 1:
            places = [index + 1 for index, other in enumerate(names) if other == name]
            message = (
                f"{label}: {count} columns are named {name!r} (columns "
                f"{', '.join(map(str, places))}); give each a name of its own."
            )
            raise DataError(message)
    return tuple(names)
