"""Dates to a few numbers: when, and which month, day, weekday and hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.convert import as_moments
from chainrule.data.scaling import Scale
from chainrule.data.table import Column

__all__ = ["DateEncoding"]

HALF_ROOT_3 = 0.8660254037844386
SINES = np.array([0.0, 0.5, HALF_ROOT_3, 1.0, HALF_ROOT_3, 0.5])
MONTH_SINES = np.concatenate([SINES, -SINES])
DAY_MICROSECONDS = 86_400_000_000


@dataclass(frozen=True)
class DateEncoding:
    """A date as days since 1970 and those of its parts that vary in training rows.

    The month is a point on a circle (sine and cosine); all are scaled as numbers are.
    """

    name: str
    form: str
    parts: tuple[str, ...]
    scales: tuple[Scale, ...]
    indicator: bool
    cardinality: ClassVar[int] = 0

    @classmethod
    def fit(cls, name: str, column: Column, scaling: str) -> DateEncoding:
        """The encoding of the dates of training rows."""
        column = as_moments(column, name)
        known = _parts(column.values[~column.missing])
        parts = tuple(
            part
            for part, values in known.items()
            if part == "days" or (len(values) > 0 and values.min() < values.max())
        )
        scales = tuple(Scale.fit(known[part], scaling) for part in parts)
        return cls(name, column.form, parts, scales, bool(column.missing.any()))

    @property
    def width(self) -> int:
        """One column a part, and one for the indicator."""
        return len(self.parts) + self.indicator

    @property
    def number_names(self) -> tuple[str, ...]:
        """As in "NAME days", "NAME weekday" and "NAME missing"."""
        names = tuple(f"{self.name} {part}" for part in self.parts)
        return (*names, f"{self.name} missing") if self.indicator else names

    def fill(self, column: Column, out: NDArray[np.float32]) -> None:
        """The scaled parts, 0 where the date is missing."""
        column = as_moments(column, self.name, self.form)
        start = np.datetime64("1970-01-01", "us")
        parts = _parts(np.where(column.missing, start, column.values))
        for place, (part, scale) in enumerate(zip(self.parts, self.scales, strict=True)):
            out[:, place] = scale.apply(parts[part], column.missing)
        if self.indicator:
            out[:, -1] = column.missing

    def codes(self, column: Column) -> NDArray[np.int32]:
        """No codes: zeros."""
        return np.zeros(len(column.values), dtype=np.int32)

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": "date",
            "name": self.name,
            "form": self.form,
            "parts": list(self.parts),
            "scales": [scale.to_record() for scale in self.scales],
            "indicator": self.indicator,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> DateEncoding:
        """The encoding that `to_record` wrote."""
        scales = tuple(Scale(**scale) for scale in record["scales"])
        return cls(
            record["name"], record["form"], tuple(record["parts"]), scales, record["indicator"]
        )


def _parts(moments: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    moments = moments.astype("datetime64[us]")
    days = moments.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    month = months.astype(np.int64) % 12
    hours = (moments - days).astype(np.int64) // 3_600_000_000
    parts = {
        "days": moments.astype(np.int64) / DAY_MICROSECONDS,
        "year": months.astype(np.int64) // 12,
        "month sine": MONTH_SINES[month],
        "month cosine": MONTH_SINES[(month + 3) % 12],
        "day": (days - months).astype(np.int64) + 1,
        "weekday": (days.astype(np.int64) + 3) % 7,
        "hour": hours,
    }
    return {part: np.asarray(values, dtype=np.float64) for part, values in parts.items()}
