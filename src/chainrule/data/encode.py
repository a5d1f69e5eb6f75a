"""Tables to arrays: what the training rows show, kept as plain records, applied to any table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.encodings import (
    ENCODINGS,
    CategoryEncoding,
    Encoding,
    NumberEncoding,
    PresenceEncoding,
    fit_column,
    numbers_of,
)
from chainrule.data.scaling import Scale
from chainrule.data.schema import Schema
from chainrule.data.table import Table
from chainrule.errors import DataError, SettingError, listing, nearest

__all__ = ["Encoded", "Encoder", "check_inputs"]

SCALINGS = ("robust", "standard")
MOST_PARTS = 4096  # of all numbers of a table: more cost more time than they bring
FEWEST_BINS = 8


@dataclass(frozen=True, eq=False)
class Encoded:
    """What a network is given of a table's rows.

    numbers
        Scaled numbers, columns of 0 and 1: float32 (rows, width).
    categories
        Codes for embeddings: int32 (rows, columns).
    positions
        Where each number that is spread lies among the parts of its range: float32 (rows, columns).
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int32]
    positions: NDArray[np.float32]


@dataclass(frozen=True)
class Encoder:
    """One encoding a column, fitted on training rows, and the names of what they make.

    Numbers are scaled and bent to stay small (`scaling`: "robust" by median and quartiles, or
    "standard" by mean and deviation); a missing number is 0 and has an indicator where training
    rows had missing ones. Categories of up to 12 values become a column each, those with more a
    code for an embedding: 0 for what training rows did not show or showed once, 1 and up for the
    values, the last for missing where training rows had missing ones. Dates become a few numbers.
    With `bins` it also says where each number lies in its range, cut into parts of about equally
    many training rows: 2.5 is the middle of the third part.
    A row is encoded the same alone and in any table, whatever other columns the table has.
    """

    encodings: tuple[Encoding, ...]
    scaling: str = "robust"

    @classmethod
    def fit(
        cls,
        table: Table,
        schema: Schema,
        rows: NDArray[Any] | None = None,
        *,
        scaling: str = "robust",
        bins: int = 0,
    ) -> Encoder:
        """The encoder of the inputs of a schema, from the rows given (all where None).

        `bins` is how many parts the range of a number is cut into at most, 0 for none: fewer where
        the numbers together would make more than 4,096 parts, none where they are more than 512.

        Raises DataError where a column holds what cannot be encoded, or no input is left.

        >>> from chainrule.data import as_table, infer_schema
        >>> table = as_table({"x": [1.0, 2.5, 3.0], "y": ["a", "b", "a"]})
        >>> Encoder.fit(table, infer_schema(table, "y")).number_names
        ('x',)
        """
        if scaling not in SCALINGS:
            message = (
                f"scaling must be one of {listing(SCALINGS)}, got {scaling!r}; "
                f"{nearest(str(scaling), SCALINGS)}"
            )
            raise SettingError(message)
        encodings: list[Encoding] = []
        most = min(bins, _most_bins(schema))
        for column in schema.columns:
            if column.uses:
                values = table.column(column.name)
                values = values if rows is None else values.take(rows)
                encodings += fit_column(column, values, scaling, most)
        if not any(encoding.width or encoding.cardinality for encoding in encodings):
            message = (
                f"{table.source}: no column is left to learn from ({_left_out(schema)}); give "
                "columns that vary, or set the kind of one."
            )
            raise DataError(message)
        return cls(tuple(encodings), scaling)

    def encode(self, table: Table) -> Encoded:
        """The arrays of a table; columns that the encoder does not know are not looked at.

        Raises DataError where a column is missing or holds what cannot be encoded.
        """
        self._refuse_missing(table)
        numbers = np.zeros((table.rows, self.width), dtype=np.float32)
        categories = np.zeros((table.rows, len(self.cardinalities)), dtype=np.int32)
        positions = np.zeros((table.rows, len(self.spread)), dtype=np.float32)
        first = place = 0
        for encoding in self.encodings:
            column = table.columns[encoding.name]
            if encoding.width:
                encoding.fill(column, numbers[:, first : first + encoding.width])
                first += encoding.width
            if encoding.cardinality:
                categories[:, place] = encoding.codes(column)
                place += 1
        for place, number in enumerate(self.spread):
            positions[:, place] = number.positions(table.columns[number.name])
        return Encoded(numbers, categories, positions)

    def unmet(self, table: Table) -> tuple[CategoryEncoding, ...]:
        """Of a table of one row: the encodings of categories whose value they do not know."""
        numbers = {one.name for one in self.encodings if isinstance(one, NumberEncoding)}
        categories = (one for one in self.encodings if isinstance(one, CategoryEncoding))
        return tuple(
            one for one in categories
            if one.name not in numbers and one.codes(table.columns[one.name])[0] == 0
        )  # fmt: skip

    @property
    def width(self) -> int:
        """How many columns of numbers there are."""
        return sum(encoding.width for encoding in self.encodings)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """For each column of categories how many codes it has."""
        return tuple(encoding.cardinality for encoding in self.encodings if encoding.cardinality)

    @property
    def spread(self) -> tuple[NumberEncoding, ...]:
        """The numbers whose range is cut into parts."""
        numbers = (one for one in self.encodings if isinstance(one, NumberEncoding))
        return tuple(number for number in numbers if number.edges)

    @property
    def scales(self) -> dict[str, Scale]:
        """How each column of numbers or booleans is scaled."""
        numbers = (one for one in self.encodings if isinstance(one, NumberEncoding))
        return {number.name: number.scale for number in numbers}

    @property
    def presences(self) -> tuple[str, ...]:
        """The columns of which only is said whether they have a value: 1, or -1 where missing."""
        return tuple(one.name for one in self.encodings if isinstance(one, PresenceEncoding))

    @property
    def bins(self) -> int:
        """The most parts that the range of a number is cut into."""
        return max((len(number.edges) - 1 for number in self.spread), default=0)

    @property
    def number_names(self) -> tuple[str, ...]:
        """A name for each column of numbers: "age", "age missing", "sex = male"."""
        return tuple(name for encoding in self.encodings for name in encoding.number_names)

    @property
    def category_names(self) -> tuple[str, ...]:
        """The source column of each column of categories."""
        return tuple(encoding.name for encoding in self.encodings if encoding.cardinality)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source column of each column of numbers."""
        return tuple(encoding.name for encoding in self.encodings for _ in range(encoding.width))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have to be encoded."""
        return tuple(dict.fromkeys(encoding.name for encoding in self.encodings))

    def to_record(self) -> dict[str, Any]:
        """Plain values for a JSON header."""
        return {
            "scaling": self.scaling,
            "columns": [encoding.to_record() for encoding in self.encodings],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Encoder:
        """The encoder that `to_record` wrote."""
        encodings: Sequence[Mapping[str, Any]] = record["columns"]
        return cls(
            tuple(ENCODINGS[columns["kind"]].from_record(columns) for columns in encodings),
            record["scaling"],
        )

    def _refuse_missing(self, table: Table) -> None:
        missing = [name for name in self.columns if name not in table.columns]
        if not missing:
            return
        shown = listing(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        plural = "s" if missing[1:] else ""
        others = [name for name in table.names if name not in self.columns]
        hint = nearest(missing[0], others)
        if not hint.startswith("did you mean"):
            hint = "give a table with the columns of the training data."
        message = f"{table.source}: column{plural} {shown} not found; {hint}"
        raise DataError(message)


def _most_bins(schema: Schema) -> int:
    """Parts that each number may have so that all together stay within bounds; 0 for too few."""
    numbers = sum(column.kind == "number" and "value" in column.uses for column in schema.columns)
    shared = MOST_PARTS // max(1, numbers)
    return shared if shared >= FEWEST_BINS else 0


def _left_out(schema: Schema) -> str:
    reasons = [
        f"{column.name!r}: {column.reason}"
        for column in schema.columns
        if column.role in ("left out", "ignored")
    ]
    return "; ".join(reasons[:5]) or "the table has no other column"


def check_inputs(table: Table, schema: Schema) -> None:
    """Raise DataError for the first number of an input that cannot be used, with its row.

    Encoders see some rows of a table only, and would count in these.
    """
    for name in schema.inputs:
        kind = schema.column(name).kind
        if kind in ("number", "boolean") and name in table.names:
            numbers_of(table.columns[name], name, kind == "boolean")
