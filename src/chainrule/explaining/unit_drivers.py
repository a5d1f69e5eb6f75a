"""The columns that drive a hidden unit: by how much it changes with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Column, Table
from chainrule.explaining.explanation import together
from chainrule.explaining.unit_network import UnitOfTable

__all__ = ["Driver", "drivers_of", "spoken"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_VALUES = 20
DATES = (0.1, 0.3, 0.5, 0.7, 0.9)
DRAWN_VALUES = 2
NOTEWORTHY = 0.5
"""Of the strongest column's strength: columns that belong to what a unit stands for."""
IN_ORDER = 0.5
"""Of the strength of dates and numbers: a smaller slope is no direction."""


@dataclass(frozen=True)
class Driver:
    """A column that moves a unit.

    kind
        Of the column.
    strength
        By how much it typically moves the unit: 0 or more.
    slope
        Of numbers and dates the move with a standard deviation of the column; None for others, and
        where values do not move it in their order.
    values
        The move by value, the highest first; empty where a slope says it all.
    telling
        The value that excites the unit most in all rows together: a rare one counts little.
    """

    column: str
    kind: str
    strength: float
    slope: float | None
    values: tuple[tuple[str, float], ...] = ()
    telling: str = ""

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "column": self.column,
            "kind": self.kind,
            "value": self.strength if self.slope is None else self.slope,
            "strength": self.strength,
            "slope": self.slope,
            "values": [{"value": name, "change": change} for name, change in self.values],
        }

    def bars(self) -> list[tuple[str, float]]:
        """What a picture shows of it: the slope, or the values that raise and lower most."""
        if self.slope is not None:
            return [(self.column, self.slope)]
        few = len(self.values) <= DRAWN_VALUES
        ends = self.values if few else (self.values[0], self.values[-1])
        return [(f"{self.column} = {name}", change) for name, change in ends]

    def phrase(self) -> str:
        """What of the column excites the unit."""
        if self.slope is None:
            relation = "about" if self.kind == "datetime" else "="
            return f"{self.column} {relation} {self.telling}" if self.telling else self.column
        words = ("late", "early") if self.kind == "datetime" else ("high", "low")
        return f"{words[self.slope < 0]} {self.column}"


def spoken(drivers: Sequence[Driver], most: int) -> str:
    """A name for a unit: the columns that drive it nearly as much as the first one.

    >>> area = Driver("area", "number", 1.0, 1.0)
    >>> spoken([area, Driver("rooms", "number", 0.8, -0.8)], 3)
    'high area together with low rooms'
    """
    least = NOTEWORTHY * drivers[0].strength
    found = [one.phrase() for one in drivers[:most] if one.strength >= least]
    return " together with ".join([found[0], *([together(found[1:])] if found[1:] else [])])


def drivers_of(unit: UnitOfTable, table: Table) -> tuple[Driver, ...]:
    """The columns of the model by how strongly they drive a unit, over the rows of a table."""
    model = unit.model
    encoder = model.encoder
    smooth = {one.name for one in encoder.encodings if _is_smooth(one)}
    smooth -= {one.name for one in encoder.encodings if not _is_smooth(one)}
    found = []
    for name in table.names:
        kind = model.schema.column(name).kind
        if name in encoder.presences:
            found.append(_by_presence(unit, table, name, kind))
        elif name in smooth:
            found.append(_by_moving(unit, table, name))
        else:
            found.append(_by_values(unit, table, name, kind))
    order = np.argsort([-one.strength for one in found], kind="stable")
    return tuple(found[place] for place in order)


def _is_smooth(encoding: Any) -> bool:
    """Whether a column becomes numbers that follow it continuously."""
    return hasattr(encoding, "scale") and not encoding.boolean


def _by_moving(unit: UnitOfTable, table: Table, name: str) -> Driver:
    """The mean change of the activation when a number is a deviation larger.

    Half of it to both sides, within the values that the rows have.
    """
    column = table.columns[name]
    known = ~column.missing
    if column.kind != "number":
        return _by_values(unit, table, name, "number")
    values = column.values[known]
    deviation = float(np.std(values)) if known.any() else 0.0
    if deviation == 0.0:
        return Driver(name, "number", 0.0, 0.0)
    ends = []
    for step in (deviation / 2, -deviation / 2):
        moved = np.clip(column.values + step, values.min(), values.max())
        made = table.with_column(name, Column("number", moved, column.missing))
        ends.append(unit.activity(made)[known].mean())
    slope = float(ends[0] - ends[1]) * float(known.mean())
    return Driver(name, "number", abs(slope), slope)


def _by_presence(unit: UnitOfTable, table: Table, name: str, kind: str) -> Driver:
    """What `_by_values` says of a column of which is used only whether it has a value."""
    missing = table.columns[name].missing
    counts = [float((~missing).sum()), float(missing.sum())]
    rows = [int(np.argmin(missing)), int(np.argmax(missing))]
    having = [place for place in range(2) if counts[place]]
    changes, strength = _changes(
        unit, table, name, [rows[one] for one in having], np.array([counts[one] for one in having])
    )
    found = [(("present", "missing")[one], float(changes[at])) for at, one in enumerate(having)]
    values = tuple(sorted(found, key=lambda one: -one[1]))
    return Driver(name, kind, strength, None, values, values[0][0])


def _changes(
    unit: UnitOfTable, table: Table, name: str, rows: list[int], weights: Array
) -> tuple[Array, float]:
    """The mean activation when all rows have the value of one, less the mean over values; its size.

    rows, weights
        Whose values, and how much each counts.
    """
    column, means = table.columns[name], []
    for row in rows:
        everywhere = column.take(np.full(table.rows, row))
        means.append(float(unit.activity(table.with_column(name, everywhere)).mean()))
    changes = np.array(means) - np.average(means, weights=weights)
    return changes, float(np.sqrt(np.average(changes**2, weights=weights)))


def _by_values(unit: UnitOfTable, table: Table, name: str, kind: str) -> Driver:
    """The mean activation when all rows have a value, less the mean over the values."""
    column = table.columns[name]
    rows, weights = _representatives(column, kind)
    changes, strength = _changes(unit, table, name, rows, weights)
    kept = column.take(np.array(rows))
    names = [
        "missing" if kept.missing[place] else _trimmed(kept.take(np.array([place])).keys[0])
        for place in range(len(rows))
    ]
    slope = None
    if kind in ("number", "datetime"):
        slope = _slope(column, rows, changes, weights)
    if slope is not None and abs(slope) < IN_ORDER * strength:
        slope = None
    order = np.argsort(-changes, kind="stable")
    values = tuple((names[place], float(changes[place])) for place in order)
    telling = names[int(np.argmax(changes * weights))]
    return Driver(name, kind, strength, slope, values, telling)


def _trimmed(text: str) -> str:
    return text.removesuffix(".000000").removesuffix("T00:00:00")


def _representatives(column: Column, kind: str) -> tuple[list[int], Array]:
    """A row for each value (of dates for each quantile, else the most frequent), and their shares.

    A missing value is one too.
    """
    known = np.flatnonzero(~column.missing)
    codes = column.codes
    if kind == "datetime" and column.kind == "datetime" and len(known):
        ordered = known[np.argsort(column.values[known], kind="stable")]
        rows = [int(ordered[int(share * (len(ordered) - 1))]) for share in DATES]
        counts = [len(known) / len(rows)] * len(rows)
    else:
        times = np.bincount(codes[known], minlength=column.distinct)
        levels = np.argsort(-times, kind="stable")[:MOST_VALUES]
        rows = [int(np.flatnonzero(codes == level)[0]) for level in levels]
        counts = [float(times[level]) for level in levels]
    if column.missing.any():
        rows.append(int(np.flatnonzero(column.missing)[0]))
        counts.append(float(column.missing.sum()))
    return rows, np.array(counts)


def _slope(column: Column, rows: list[int], changes: Array, weights: Array) -> float | None:
    """The regression of changes on values, times the deviation of the values."""
    known = ~column.missing[rows]
    values = column.values[rows][known]
    if column.kind == "datetime":
        values = values.astype("datetime64[us]").astype(np.int64)
    elif column.kind == "text":
        return None
    numbers, shares = values.astype(np.float64), weights[known]
    centered = numbers - np.average(numbers, weights=shares)
    deviation = float(np.sqrt(np.average(centered**2, weights=shares)))
    if deviation == 0.0:
        return 0.0
    return float(np.average(centered * changes[known], weights=shares)) / deviation
