"""What a report shows of single rows: what each column adds to an answer, as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.reporting.chart import Axis, Mark, Pen
from chainrule.reporting.sentences import spelled_score
from chainrule.text import plural, spell_cell

__all__ = ["digits_of", "row_pictures", "told"]

MOST_DIGITS = 8
LONGEST = 40
"""Letters of a cell."""

Record = Mapping[str, Any]


def digits_of(values: Sequence[float]) -> int:
    """Decimals that show three digits of the largest value."""
    largest = max(map(abs, values), default=0.0)
    return max(0, 2 - math.floor(math.log10(largest))) if largest else 2


def told(value: float, digits: int, sign: str = "") -> str:
    """With so many decimals, and with a power of ten where they are more than 8.

    >>> told(1234.5, 0), told(0.25, 2, "+"), told(1.5e-9, 11)
    ('1,234', '+0.25', '1.5e-09')
    """
    return f"{value:{sign}.3g}" if digits > MOST_DIGITS else f"{value:{sign}z,.{digits}f}"


def row_pictures(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """A list of columns for each row, with bars on one scale for all."""
    values = [one["value"] for row in rows for one in (*row["columns"], row["others"])]
    if not values:
        return []
    pen = Pen(Axis.of([0.0, *values], room=0.02), Axis(0.0, 1.0))
    digits = digits_of(values)
    return [_picture(row, pen, digits) for row in rows]


def _picture(row: Record, pen: Pen, digits: int) -> dict[str, Any]:
    """A row with what stands out in it, and a line for each column."""
    why, is_number = " and ".join(row["why"]), row["scale"] == "number"
    of = "" if is_number else f"{row['scale']} of "
    size = max(abs(row["prediction"]), abs(row["base"]))
    answer, base = (spelled_score(row[name], size) for name in ("prediction", "base"))
    truth = spelled_score(row["truth"], size) if is_number else spell_cell(row["truth"])
    others = row["others"]
    lines = [(one["column"], _cell(one["cell"]), one["value"]) for one in row["columns"]]
    if others["count"]:
        lines.append((plural(others["count"], "other column"), "", others["value"]))
    return {
        "title": f"{why[:1].upper()}{why[1:]}: row {row['row']:,}",
        "measured": f"{of}{row['output']}: {answer}, base {base}, truth {truth}",
        "lines": [
            {
                "column": column, "cell": cell, "adds": told(value, digits, "+"),
                "marks": _marks(pen, value),
            }
            for column, cell, value in lines
        ],
    }  # fmt: skip


def _cell(value: Any) -> str:
    text = spell_cell(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _marks(pen: Pen, value: float) -> tuple[Mark, ...]:
    """A bar from 0, of another color to each side."""
    low, high = sorted((0.0, value))
    style = "c1 shade3" if value >= 0 else "c2 shade3"
    return (
        pen.boxes([low], [high], [0.2], [0.8], style), pen.posts([0.0], [0.0], [1.0], "guide"),
    )  # fmt: skip
