"""How one column becomes numbers or codes: one plain record for each way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.data.convert import as_booleans, as_numbers
from chainrule.data.dates import DateEncoding
from chainrule.data.quantiles import positions, quantile_edges
from chainrule.data.rules import ColumnSchema
from chainrule.data.scaling import Scale, refuse_infinite
from chainrule.data.table import Column

__all__ = [
    "ENCODINGS", "CategoryEncoding", "Encoding", "NumberEncoding", "PresenceEncoding",
    "fit_column", "numbers_of",
]  # fmt: skip

ONE_HOT_AT_MOST = 12
RARE_FROM_ROWS = 50


class Encoding(Protocol):
    """What every encoding of a column offers."""

    @property
    def name(self) -> str:
        """The source column."""

    @property
    def width(self) -> int:
        """How many columns of numbers it fills."""

    @property
    def cardinality(self) -> int:
        """How many codes it has, 0 where it makes none."""

    @property
    def number_names(self) -> tuple[str, ...]:
        """A name for each of its columns of numbers."""

    def fill(self, column: Column, out: NDArray[np.float32]) -> None:
        """Write its columns of numbers into zeros."""

    def codes(self, column: Column) -> NDArray[np.int32]:
        """The codes of its column of categories."""

    def to_record(self) -> dict[str, Any]:
        """Plain values."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Encoding:
        """The encoding that `to_record` wrote."""


class NumbersOnly:
    """What encodings without codes share."""

    cardinality: ClassVar[int] = 0

    def codes(self, column: Column) -> NDArray[np.int32]:
        """No codes: zeros."""
        return np.zeros(len(column.values), dtype=np.int32)


@dataclass(frozen=True)
class NumberEncoding(NumbersOnly):
    """A number or a boolean, scaled; an indicator where it was missing in training rows.

    `edges` cut its range into parts of about as many training rows each, where it is spread.
    """

    name: str
    scale: Scale
    boolean: bool
    indicator: bool
    edges: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        """One column, and one for the indicator."""
        return 1 + self.indicator

    @property
    def number_names(self) -> tuple[str, ...]:
        """The column's name, and "NAME missing"."""
        return (self.name, f"{self.name} missing") if self.indicator else (self.name,)

    def fill(self, column: Column, out: NDArray[np.float32]) -> None:
        """The scaled numbers, 0 where missing."""
        numbers = numbers_of(column, self.name, self.boolean)
        out[:, 0] = self.scale.apply(numbers.values, numbers.missing)
        if self.indicator:
            out[:, 1] = numbers.missing

    def positions(self, column: Column) -> NDArray[np.float64]:
        """The part, and how far into it: 2.5 is the middle of the third.

        A missing number is at 0 where it has an indicator, else where the scaled numbers are 0.
        """
        numbers = numbers_of(column, self.name, self.boolean)
        absent = self.edges[0] if self.indicator else self.scale.center
        return positions(np.where(numbers.missing, absent, numbers.values), np.array(self.edges))

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": "number",
            "name": self.name,
            "scale": self.scale.to_record(),
            "boolean": self.boolean,
            "indicator": self.indicator,
            "edges": list(self.edges),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> NumberEncoding:
        """The encoding that `to_record` wrote."""
        scale, edges = Scale(**record["scale"]), tuple(record["edges"])
        return cls(record["name"], scale, record["boolean"], record["indicator"], edges)


def numbers_of(column: Column, name: str, boolean: bool) -> Column:
    """A column as finite numbers; raises DataError with the first row that is none."""
    numbers = as_booleans(column, name) if boolean else as_numbers(column, name)
    refuse_infinite(numbers.values, name)
    return numbers


@dataclass(frozen=True)
class CategoryEncoding:
    """A category: a column of 0 and 1 for each value where they are few, else a code.

    `other` says whether values seen once were put together, `indicator` whether training rows
    had missing values; each is then one more column, or for codes the values 0 and the last.
    """

    name: str
    levels: tuple[str, ...]
    one_hot: bool
    other: bool
    indicator: bool

    @property
    def width(self) -> int:
        """One column a value, for what is put together, and for missing; none for codes."""
        return len(self.number_names)

    @property
    def cardinality(self) -> int:
        """One code a value, one for what is not known, one for missing; 0 for columns."""
        return 0 if self.one_hot else len(self.levels) + 1 + self.indicator

    @property
    def number_names(self) -> tuple[str, ...]:
        """As in "NAME = VALUE" for each value, "NAME = other" and "NAME missing"."""
        if not self.one_hot:
            return ()
        names = [f"{self.name} = {level}" for level in self.levels]
        names += [f"{self.name} = other"] if self.other else []
        names += [f"{self.name} missing"] if self.indicator else []
        return tuple(names)

    def codes(self, column: Column) -> NDArray[np.int32]:
        """0 where the value is not known, 1 and up by value, the last where it is missing."""
        positions = {level: index + 1 for index, level in enumerate(self.levels)}
        known = [positions.get(key, 0) for key in column.keys]
        last = len(self.levels) + 1 if self.indicator else 0
        return np.array([*known, last], dtype=np.int32)[column.codes]

    def fill(self, column: Column, out: NDArray[np.float32]) -> None:
        """A 1 in the column of the value; zeros where it is not known and nothing stands for it."""
        codes = self.codes(column)
        places = codes - 1
        last = len(self.levels)
        if self.other:
            places[codes == 0] = last
        if self.indicator:
            places[column.missing] = last + self.other
        elif self.other:
            places[column.missing] = -1
        rows = np.flatnonzero(places >= 0)
        out[rows, places[rows]] = 1.0

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": "category",
            "name": self.name,
            "levels": list(self.levels),
            "one_hot": self.one_hot,
            "other": self.other,
            "indicator": self.indicator,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CategoryEncoding:
        """The encoding that `to_record` wrote."""
        return cls(
            record["name"],
            tuple(record["levels"]),
            record["one_hot"],
            record["other"],
            record["indicator"],
        )


@dataclass(frozen=True)
class PresenceEncoding(NumbersOnly):
    """Whether there is a value, of a column that is left out otherwise: -1 or 1."""

    name: str

    @property
    def width(self) -> int:
        """One column."""
        return 1

    @property
    def number_names(self) -> tuple[str, ...]:
        """As in "NAME present"."""
        return (f"{self.name} present",)

    def fill(self, column: Column, out: NDArray[np.float32]) -> None:
        """1 where there is a value, -1 where it is missing."""
        out[:, 0] = np.where(column.missing, -1.0, 1.0)

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": "presence", "name": self.name}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PresenceEncoding:
        """The encoding that `to_record` wrote."""
        return cls(record["name"])


ENCODINGS: dict[str, type[Encoding]] = {
    "number": NumberEncoding,
    "category": CategoryEncoding,
    "date": DateEncoding,
    "presence": PresenceEncoding,
}


def fit_column(schema: ColumnSchema, column: Column, scaling: str, bins: int) -> list[Encoding]:
    """The encodings of one column, from its training rows; `bins` parts of a number at most."""
    if "value" not in schema.uses:
        return [PresenceEncoding(schema.name)]
    if schema.kind == "datetime":
        return [DateEncoding.fit(schema.name, column, scaling)]
    if schema.kind == "category":
        return [_fit_category(schema.name, column)]
    boolean = schema.kind == "boolean"
    numbers = numbers_of(column, schema.name, boolean)
    known = numbers.values[~numbers.missing]
    scale = Scale.fit(known, "standard" if boolean else scaling)
    indicator = bool(numbers.missing.any())
    edges = () if boolean or not bins else quantile_edges(known, bins)
    encodings: list[Encoding] = [NumberEncoding(schema.name, scale, boolean, indicator, edges)]
    if "levels" in schema.uses:
        counts = np.bincount(column.codes[~column.missing], minlength=column.distinct)
        kept = _kept(column.keys, counts, len(column.values))
        encodings.append(CategoryEncoding(schema.name, kept, True, False, False))
    return encodings


def _kept(keys: tuple[str, ...], counts: NDArray[Any], rows: int) -> tuple[str, ...]:
    """The values that are told apart: all in small tables, else those that occur twice or more."""
    least = 2 if rows >= RARE_FROM_ROWS else 1
    return tuple(key for key, count in zip(keys, counts, strict=True) if count >= least)


def _fit_category(name: str, column: Column) -> CategoryEncoding:
    counts = np.bincount(column.codes[~column.missing], minlength=column.distinct)
    kept = _kept(column.keys, counts, len(column.values))
    return CategoryEncoding(
        name,
        kept,
        one_hot=len(kept) <= ONE_HOT_AT_MOST,
        other=len(kept) < column.distinct,
        indicator=bool(column.missing.any()),
    )
