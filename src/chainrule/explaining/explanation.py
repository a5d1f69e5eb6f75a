"""What explanations have in common: a frame, a record of plain values, a text."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.data import FRAMES, frame_of
from chainrule.errors import MissingPlaceError
from chainrule.reporting import FEW_ROWS
from chainrule.text import aligned, plural

__all__ = [
    "Explanation", "checked_row", "columns_text", "few_rows", "library_of", "plain", "shown",
    "spelled", "together", "with_intervals",
]  # fmt: skip

ENDS = ("low", "high")
"""Columns of intervals, which few rows have none of."""
SMALL = 1e-6
"""Below it numbers are told with a power of ten."""


class Explanation:
    """A result that gives itself as a frame and as text.

    library
        Of what frames are made: that of the rows explained.
    cannot_tell
        What the method does not say, in sentences.
    """

    library: str
    cannot_tell: tuple[str, ...]

    def to_frame(self) -> Any:
        """A line for each part, as a frame of the library that the rows came in, else of pandas.

        Where neither is there: a dict of lists.
        """
        columns: Mapping[str, Any] = {
            name: _of_one_kind(values) for name, values in self._columns().items()
        }
        return frame_of(columns, self.library) if self.library else columns

    def _title(self) -> str:
        """What stands above the text."""
        raise NotImplementedError

    def _columns(self) -> dict[str, list[Any]]:
        """The parts, column by column."""
        raise NotImplementedError

    def _shown_columns(self) -> dict[str, list[Any]]:
        """What of the parts is told as text."""
        return self._columns()

    def __repr__(self) -> str:
        lines = [self._title(), columns_text(self._shown_columns())]
        lines += [f"Cannot tell: {one}" for one in self.cannot_tell]
        return "\n".join(lines)


def _of_one_kind(values: list[Any]) -> list[Any]:
    """Cells of several columns as text, where some are numbers and some are not."""
    kinds = {type(one) for one in values if one is not None}
    if kinds <= {int, float} or len(kinds) < 2:
        return values
    return [None if one is None else shown(one) for one in values]


def library_of(X: Any) -> str:
    """The library of frames that goes with rows; "" where there is none."""
    name = type(X).__module__.partition(".")[0]
    if name in FRAMES:
        return name
    return "pandas" if importlib.util.find_spec("pandas") else ""


def shown(value: Any) -> str:
    """A cell as people read it.

    >>> shown(3.0), shown(None), shown(True), shown(0.123456789)
    ('3', 'missing', 'true', '0.123457')
    """
    value = plain(value)
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """A cell as Python's own value: whole numbers without a point, dates as ISO text.

    >>> plain(np.float64(2.0)), plain(np.datetime64("2024-05-06T00:00:00.000000"))
    (2, '2024-05-06')
    """
    if isinstance(value, np.datetime64) or hasattr(value, "isoformat"):
        if not isinstance(value, np.datetime64):
            value = value.isoformat()
        text = str(value)
        return None if text == "NaT" else text.removesuffix(".000000").removesuffix("T00:00:00")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value


def columns_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """Lists as a table with aligned columns, numbers to the right.

    >>> print(columns_text({"column": ["a", "bc"], "value": [1.5, 22.25]}))
      column  value
      a         1.5
      bc       22.2
    """
    cells = [
        [name, *("-" * len(values) if name in ENDS and set(values) == {None} else _cells(values))]
        for name, values in columns.items()
    ]
    right = [
        place for place, values in enumerate(columns.values())
        if all(one is None or isinstance(one, int | float) for one in values)
    ]  # fmt: skip
    header, *rows = zip(*cells, strict=True)
    return aligned(header, rows, right=right, whole=range(len(header)))


def with_intervals(
    columns: Sequence[str], values: Sequence[float], intervals: Sequence[tuple[float, float] | None]
) -> dict[str, list[Any]]:
    """A number for each column, with the ends of its interval, as the columns of a frame."""
    ends = [one or (None, None) for one in intervals]
    return {
        "column": list(columns),
        "value": list(values),
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
    }


def _cells(values: Sequence[Any]) -> list[str]:
    """Numbers of a list with as many decimals as show three digits of the largest."""
    floats = [abs(one) for one in values if isinstance(one, float)]
    if not floats or not all(one is None or isinstance(one, int | float) for one in values):
        return list(map(shown, values))
    largest = max(floats)
    if 0 < largest < SMALL:
        return ["-" if one is None else f"{one:.3g}" for one in values]
    digits = max(0, 2 - math.floor(math.log10(largest))) if largest else 2
    return ["-" if one is None else f"{one:z,.{digits}f}" for one in values]


def spelled(value: float) -> str:
    """A number in a sentence: four digits, without a power of ten where it is of a usual size.

    >>> spelled(15234.5), spelled(0.123456), spelled(2.5e12)
    ('15,234', '0.1235', '2.5e+12')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"


def few_rows(rows: int) -> tuple[str, ...]:
    """What to say of an explanation that rests on few rows; nothing of others.

    >>> few_rows(3), few_rows(30)
    (('What other rows would show: 3 rows are few to look at.',), ())
    """
    if rows >= FEW_ROWS:
        return ()
    what = "1 row is" if rows == 1 else f"{rows} rows are"
    return (f"What other rows would show: {what} few to look at.",)


def checked_row(row: Any, rows: int) -> int:
    """The number of a row, counted from 0; raises `MissingPlaceError` where there is none."""
    whole = isinstance(row, int | np.integer) and not isinstance(row, bool)
    if whole and 0 <= row < rows:
        return int(row)
    are = "is" if rows == 1 else "are"
    told = row if whole else repr(row)
    message = f"there is no row {told}; there {are} {plural(rows, 'row')}, counted from 0."
    raise MissingPlaceError(message)


def together(texts: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> together(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)
