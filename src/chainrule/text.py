"""Tables and numbers as text, tables also as HTML: aligned, with the digits that say something."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = [
    "Block",
    "aligned",
    "blocks_html",
    "plural",
    "printable",
    "score_digits",
    "shortened",
    "spell_cell",
    "spell_interval",
    "spell_score",
]

NARROWEST_LAST = 24
LONGEST_CELL = 32
SHORTEST_CELL = 8
WIDEST = 10**6


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
    width: int | None = None,
    indent: str = "  ",
) -> str:
    """Rows in aligned columns; the last column is wrapped where the width ends.

    Args:
        header: names of the columns.
        rows: their cells; a cell of more than 32 letters (fewer where the width is small) is cut in
            the middle, for names often differ at their ends; the last column's is not.
        right: the columns that are aligned to the right, as numbers are; no cell of them is cut.
        whole: other columns of which no cell is cut.
        width: letters a line; None for as many as it takes.
        indent: what each line begins with.

    >>> print(aligned(("name", "n"), [("a", "1"), ("bc", "22")], right=(1,), indent=""))
    name   n
    a      1
    bc    22
    """
    last = len(header) - 1
    room = (width or WIDEST) - len(indent)
    cut, widths = _cut_to_fit([header, *rows], room, {*whole, *right, last})
    before = len(indent) + sum(size + 2 for size in widths[:last])
    room = max(NARROWEST_LAST, room + len(indent) - before)
    lines = []
    for row in cut:
        cells = [_padded(row[place], widths[place], place in right) for place in range(last)]
        pieces = textwrap.wrap(row[last], room) if last not in right else [row[last]]
        pieces = pieces or [""]
        final = _padded(pieces[0], widths[last], True) if last in right else pieces[0]
        lines.append((indent + "  ".join([*cells, final])).rstrip())
        lines += [" " * before + piece for piece in pieces[1:]]
    return "\n".join(lines)


@dataclass(frozen=True)
class Block:
    """A table.

    title, told
        What is said above and below it; "" for nothing.
    header, lines
        Names of the columns and cells; no table where there are no names.
    numbers
        The columns that are aligned to the right.
    whole
        Those of which no cell is cut where the width is small.
    """

    title: str
    header: Sequence[str] = ()
    lines: Sequence[Sequence[str]] = ()
    numbers: Sequence[int] = ()
    whole: Sequence[int] = ()
    told: str = ""

    def to_text(self, width: int | None = None) -> str:
        """Aligned; `width` letters a line of the table, None for as many as it takes."""
        table = ""
        if self.header:
            table = aligned(
                self.header, self.lines, right=self.numbers, whole=self.whole, width=width
            )
        return "\n".join(filter(None, [self.title, table, self.told]))

    def to_html(self) -> str:
        """As HTML, with nothing cut."""
        title, told = (escape(one).replace("\n", "<br>") for one in (self.title, self.told))
        below = f"<p>{told}</p>" if told else ""
        if not self.header:
            return f"<p>{title}</p>{below}"
        head = "".join(f'<th scope="col">{escape(one)}</th>' for one in self.header)
        body = "".join(
            f'<tr><th scope="row">{escape(line[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in line[1:])
            + "</tr>"
            for line in self.lines
        )
        return (
            f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{below}"
        )


def blocks_html(blocks: Iterable[Block]) -> str:
    """What a notebook shows."""
    return f"<div>{''.join(block.to_html() for block in blocks)}</div>"


def plural(count: int, name: str) -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def score_digits(value: float | None) -> int:
    """Decimals after which a score of this size says no more.

    >>> score_digits(0.8), score_digits(123.4), score_digits(5123.4)
    (4, 2, 0)
    """
    size = abs(value or 0.0)
    return 4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 0


def spell_score(value: float | None, digits: int) -> str:
    """A score for people; a dash where it is not defined.

    >>> spell_score(0.87654, 4), spell_score(12345.6, 0), spell_score(-0.0, 2), spell_score(None, 4)
    ('0.8765', '12,346', '0.00', '-')
    """
    if value is None:
        return "-"
    if value and (abs(value) >= 1e12 or abs(value) < 0.0005):
        return f"{value:.3g}"
    return f"{value:z,.{digits}f}"


def spell_interval(interval: tuple[float, float] | None, digits: int) -> str:
    """From what to what; a dash where it is not defined.

    >>> spell_interval((0.81, 0.92), 2)
    '0.81 to 0.92'
    """
    if interval is None:
        return "-"
    return f"{spell_score(interval[0], digits)} to {spell_score(interval[1], digits)}"


def spell_cell(value: object) -> str:
    """A cell of a table for people.

    >>> spell_cell(None), spell_cell(True), spell_cell(1234.5678), spell_cell("Ulm")
    ('missing', 'true', '1,234.57', 'Ulm')
    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _cut_to_fit(
    rows: Sequence[Sequence[str]], room: int, whole: set[int]
) -> tuple[list[list[str]], list[int]]:
    """The cells, long ones of columns not kept whole cut until the last has room; the widths."""
    limit = LONGEST_CELL
    while True:
        cut = [
            [
                printable(cell) if place in whole else shortened(cell, limit)
                for place, cell in enumerate(row)
            ]
            for row in rows
        ]
        widths = [max(map(_width, column)) for column in zip(*cut, strict=True)]
        least = min(widths[-1], NARROWEST_LAST) + sum(size + 2 for size in widths[:-1])
        if least <= room or limit <= SHORTEST_CELL:
            return cut, widths
        limit -= 1


def printable(text: str) -> str:
    """The text without control characters, which a file's names could smuggle to a terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter == "\n" or unicodedata.category(letter) != "Cc" else repr(letter)[1:-1]
        for letter in text
    )


def shortened(cell: str, limit: int) -> str:
    """A cell on one line, cut in the middle where it is longer: names often differ at their ends.

    >>> shortened("insurance-2024", 11)
    'insu...2024'
    """
    cell = printable(cell).replace("\n", "\\n")
    if _width(cell) <= limit:
        return cell
    before = (limit - 3) // 2
    after = _fitting(cell[::-1], limit - 3 - before)[::-1]
    return f"{_fitting(cell, before)}...{after}"


def _fitting(text: str, width: int) -> str:
    """The longest beginning that takes so many columns at most."""
    return next(text[:count] for count in range(width, -1, -1) if _width(text[:count]) <= width)


def _width(text: str) -> int:
    """Columns that a text takes: wide letters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _padded(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks
