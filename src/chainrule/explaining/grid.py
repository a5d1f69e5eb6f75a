"""The values of a column at which a model's answers are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule import random
from chainrule.explaining.explanation import plain, shown
from chainrule.explaining.subject import Subject

__all__ = ["Grid", "grid_of"]

Array = np.ndarray[Any, np.dtype[Any]]

ENDS = (0.02, 0.98)
"""Between which shares of the rows quantiles are taken."""
MOST_VALUES = 20
MARKS = 100
FEW = 0.05
WIDE = 0.25
RARE = 10
OTHERS = "(others)"
PRESENT = "present"
SOME: dict[str, Any] = {"text": PRESENT, "datetime": np.datetime64(0, "us")}
"""A value of each kind of column, where rows have none; of others it is a number."""
STREAM = 3


@dataclass(frozen=True, eq=False)
class Grid:
    """Values of a column in order: of numbers and dates quantiles, else the most frequent first.

    values
        As the rows hold them; None for a missing one.
    others
        The rows with values that are less frequent; the last place of the grid is theirs where
        there are some.
    counts
        Rows by value; of quantiles none.
    marks
        Some values evenly drawn from the rows, where the grid is ordered.
    missing
        Of quantiles the rows without a value, whose place is the last one; None where there is no
        such place.
    is_presence
        Whether the values are "present" and "missing", for the model uses no more of the column.
    """

    column: str
    kind: str
    values: tuple[Any, ...]
    others: Array
    counts: tuple[int, ...]
    marks: tuple[Any, ...]
    thin: tuple[str, ...]
    missing: int | None = None
    is_presence: bool = False

    @property
    def known(self) -> int:
        """How many places there are, less that of missing values after quantiles."""
        return len(self.labels) - (self.missing is not None)

    @property
    def is_ordered(self) -> bool:
        """Whether it is one of numbers or dates."""
        return self.kind in ("number", "datetime") and not self.is_presence

    @property
    def labels(self) -> list[str]:
        """The places in words."""
        more = [OTHERS] if len(self.others) else []
        if self.is_presence:
            return [PRESENT if one is not None else shown(None) for one in self.values]
        return [shown(one) for one in self.values] + more

    @property
    def plain(self) -> list[Any]:
        """The places as plain values."""
        more = [OTHERS] if len(self.others) else []
        if self.is_presence:
            return [None if one is None else PRESENT for one in self.values]
        return [plain(one) for one in self.values] + more

    def subjects(self, part: Subject, whole: Subject, seed: int) -> Iterator[Subject]:
        """The rows of a part of a subject with each place's value in the column."""
        for value in self.values:
            yield part.with_value(self.column, value)
        if len(self.others):
            place = part.place(self.column)
            words = random.words(seed, STREAM, place, part.rows, purpose=random.DRAWS)
            many = np.uint64(len(self.others))
            drawn = self.others[(words.astype(np.uint64) * many >> np.uint64(32)).astype(np.int64)]
            both = part.joined(whole.take(drawn))
            choice = np.repeat(np.arange(part.rows)[:, np.newaxis], len(part.columns), axis=1)
            choice[:, place] += part.rows
            yield both.recombined(choice)


def grid_of(subject: Subject, column: str, points: int) -> Grid:
    """The grid of a column of a subject's rows; raises `DataError` for one that is not used."""
    kind, cells = subject.kind(column), subject.cells(column)
    known = ~cells.missing
    if subject.tells_presence(column):
        return _presence(subject, column, kind)
    if kind in ("number", "datetime") and cells.kind in ("number", "datetime") and known.any():
        return _ordered(subject, column, kind, points)
    codes = np.where(known, cells.codes, cells.distinct)
    counts = np.bincount(codes, minlength=cells.distinct + 1)
    levels = [level for level in np.argsort(-counts, kind="stable") if counts[level]]
    values = subject.values(column)
    first = {level: int(np.flatnonzero(codes == level)[0]) for level in levels[:MOST_VALUES]}
    kept = tuple(values[row] for row in first.values())
    others = np.flatnonzero(~np.isin(codes, list(first)))
    shown_counts = [int(counts[level]) for level in first]
    more = [len(others)] if len(others) else []
    thin = tuple(_rare([shown(one) for one in kept], shown_counts))
    return Grid(column, kind, kept, others, tuple(shown_counts + more), (), thin)


def _presence(subject: Subject, column: str, kind: str) -> Grid:
    """A value, whichever it is, and none, the more frequent one first."""
    cells = subject.cells(column)
    rows = np.flatnonzero(~cells.missing)
    any_value: Any = subject.values(column)[rows[0]] if len(rows) else SOME.get(cells.kind, 0.0)
    pairs = [(any_value, len(rows)), (None, subject.rows - len(rows))]
    pairs.sort(key=lambda one: -one[1])
    values, counts = zip(*pairs, strict=True)
    none = np.zeros(0, dtype=np.int64)
    made = Grid(column, kind, values, none, counts, (), (), is_presence=True)
    return replace(made, thin=tuple(_rare(made.labels, counts)))


def _rare(labels: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    """Which values few rows have."""
    rare = [one for one, count in zip(labels, counts, strict=True) if count < RARE]
    if rare:
        names = ", ".join(map(repr, rare[:5])) + (" ..." if rare[5:] else "")
        yield f"Fewer than {RARE} rows have {names}: what is shown there rests on few."


def _ordered(subject: Subject, column: str, kind: str, points: int) -> Grid:
    """Quantiles of numbers or dates, all values where they are few; and missing ones."""
    cells = subject.cells(column)
    known = np.sort(cells.values[~cells.missing])
    found = np.unique(known)
    if len(found) > points:
        shares = np.linspace(*ENDS, points)
        found = np.unique(known[np.round(shares * (len(known) - 1)).astype(np.int64)])
    marks = known[np.unique(np.linspace(0, len(known) - 1, MARKS).astype(np.int64))]
    values: tuple[Any, ...] = tuple(found) if kind == "datetime" else tuple(map(float, found))
    missing, thin = None, list(_thin(known, found))
    if cells.missing.any() or subject.was_missing(column):
        values, missing = (*values, None), int(cells.missing.sum())
        thin += _rare([shown(None)], [missing])
    none = np.zeros(0, dtype=np.int64)
    made = tuple(map(plain, marks))
    return Grid(column, kind, values, none, (), made, tuple(thin), missing)


def _thin(known: Array, found: Array) -> Iterator[str]:
    """Where much of the range holds few rows; neighbors have nothing between them."""
    if len(found) < 3:
        return
    range_, step = found[-1] - found[0], np.diff(np.unique(known)).min()
    for low, high in zip(found[:-1], found[1:], strict=True):
        inside = int(((known > low) & (known < high)).sum())
        is_wide = (high - low) / range_ > WIDE and high - low > 1.001 * step
        if is_wide and inside < FEW * len(known):
            yield (
                f"Between {shown(low)} and {shown(high)} lie {inside:,} of {len(known):,} rows: "
                "the curve there is a guess."
            )
