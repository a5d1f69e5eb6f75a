"""Targets to codes or scaled numbers, and predictions back to what the user wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.convert import as_numbers
from chainrule.data.frames import column_of
from chainrule.data.scaling import mean_and_deviation, refuse_infinite
from chainrule.data.spelling import canonical, spell_number
from chainrule.data.table import Column
from chainrule.errors import DataError, listing

__all__ = ["Labels", "Numbers"]

Label = int | float | str | bool


@dataclass(frozen=True)
class Labels:
    """The classes of a target in order, and codes for them: 0 to classes - 1.

    Labels keep their type (int, float, str, bool) and spelling; whole numbers of a table are
    ints. `dtype` is NumPy's name of the type that `decode` gives.
    """

    classes: tuple[Label, ...]
    dtype: str = "object"
    name: str = "target"

    @classmethod
    def fit(cls, values: Any, name: str = "target") -> Labels:
        """The labels that a column or a sequence holds, sorted; missing ones are not labels.

        Raises DataError where there is none.

        >>> labels = Labels.fit(["no", "yes", "no"])
        >>> labels.classes, labels.encode(["yes", "no"]).tolist(), labels.decode([1]).tolist()
        (('no', 'yes'), [1, 0], ['yes'])
        """
        column = column_of(values, name)
        known = column.values[~column.missing]
        if len(known) == 0:
            message = f"column {name!r}: the target is missing in every row; give rows with labels."
            raise DataError(message)
        if column.kind == "datetime":
            message = f"column {name!r}: dates cannot be classes; give text or whole numbers."
            raise DataError(message)
        if column.kind == "text":
            width = isinstance(values, np.ndarray) and values.dtype.kind == "U"
            return cls(tuple(sorted(set(known))), "str" if width else "object", name)
        refuse_infinite(column.values, name)
        levels = np.unique(known)
        if column.kind == "boolean":
            return cls(tuple(bool(level) for level in levels), "bool", name)
        given = values.dtype if isinstance(values, np.ndarray) else None
        if given is not None and given.kind in "iuf":
            return cls(tuple(levels.astype(given).tolist()), given.name, name)
        if (levels == np.floor(levels)).all() and not _has_floats(values):
            return cls(tuple(int(level) for level in levels), "int64", name)
        return cls(tuple(float(level) for level in levels), "float64", name)

    def encode(self, values: Any, *, unseen: int | None = None) -> NDArray[np.int32]:
        """The class codes of labels, however they are spelled (3, 3.0 and "3" are one).

        Labels that are not known take the code `unseen` where one is given. Raises DataError for
        labels that are missing, or not known without such a code, with the first row.
        """
        column = column_of(values, self.name)
        _refuse_missing(column, self.name)
        if column.kind == "text":
            texts = {text: self._code(text) for text in set(column.values)}
            codes = np.fromiter(
                (texts[text] for text in column.values), np.int32, count=len(column.values)
            )
        else:
            known = np.array([self._code(key) for key in column.keys], dtype=np.int32)
            codes = known[column.codes] if len(known) else np.zeros(0, dtype=np.int32)
        if (codes < 0).any():
            if unseen is None:
                raise DataError(self._unknown(column, codes < 0))
            codes[codes < 0] = unseen
        return codes

    def decode(self, codes: Any) -> NDArray[Any]:
        """The labels of class codes."""
        labels: NDArray[Any] = self._array[np.asarray(codes)]
        return labels

    def to_record(self) -> dict[str, Any]:
        """Plain values for a JSON header."""
        return {"classes": list(self.classes), "dtype": self.dtype, "name": self.name}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Labels:
        """The labels that `to_record` wrote."""
        return cls(tuple(record["classes"]), record["dtype"], record["name"])

    @cached_property
    def _array(self) -> NDArray[Any]:
        return np.array(self.classes, dtype=None if self.dtype == "str" else self.dtype)

    @cached_property
    def _positions(self) -> dict[str, int]:
        spelled = {canonical(str(label)): code for code, label in enumerate(self.classes)}
        exact = {str(label): code for code, label in enumerate(self.classes)}
        counted = {
            spell_number(float(label)): code
            for code, label in enumerate(self.classes)
            if not isinstance(label, str | bool)
        }
        return {**spelled, **counted, **exact}

    def _code(self, text: str) -> int:
        code = self._positions.get(text)
        return self._positions.get(canonical(text), -1) if code is None else code

    def _unknown(self, column: Column, wrong: NDArray[np.bool_]) -> str:
        row = int(np.flatnonzero(wrong)[0])
        value = column.values[row]
        shown = listing(self.classes[:10]) + (" ..." if self.classes[10:] else "")
        return (
            f"column {self.name!r}: {int(wrong.sum())} labels were not met in training (first: "
            f"row {row}, counted from 0: {str(value)!r}); known: {shown}."
        )


def _refuse_missing(column: Column, name: str) -> None:
    if column.missing.any():
        row = int(np.flatnonzero(column.missing)[0])
        message = (
            f"column {name!r}: {int(column.missing.sum())} targets are missing (first: row {row}, "
            "counted from 0); leave these rows out."
        )
        raise DataError(message)


def _has_floats(values: Any) -> bool:
    """Whether whole numbers were given as floats on purpose; a table does not tell."""
    return isinstance(values, list | tuple) and any(isinstance(value, float) for value in values)


@dataclass(frozen=True)
class Numbers:
    """A target of numbers brought to mean 0 and deviation 1, and back."""

    mean: float
    deviation: float
    name: str = "target"

    @classmethod
    def fit(cls, values: Any, name: str = "target") -> Numbers:
        """Mean and deviation of a column or a sequence; missing values are not counted.

        Raises DataError where there is no value, or one is infinite or no number.

        >>> numbers = Numbers.fit([1.0, 3.0])
        >>> numbers.encode([1.0, 5.0]).tolist(), numbers.decode([3.0]).tolist()
        ([-1.0, 3.0], [5.0])
        """
        column = as_numbers(column_of(values, name), name)
        refuse_infinite(column.values, name)
        known = column.values[~column.missing]
        if len(known) == 0:
            message = f"column {name!r}: the target is missing in every row; give rows with one."
            raise DataError(message)
        mean, deviation = mean_and_deviation(known)
        return cls(mean, deviation if deviation > 0 and math.isfinite(deviation) else 1.0, name)

    def encode(self, values: Any) -> NDArray[np.float64]:
        """(value - mean) / deviation; raises DataError where one is missing or infinite."""
        column = as_numbers(column_of(values, self.name), self.name)
        refuse_infinite(column.values, self.name)
        _refuse_missing(column, self.name)
        return np.asarray((column.values - self.mean) / self.deviation, dtype=np.float64)

    def decode(self, values: Any) -> NDArray[np.float64]:
        """mean + deviation * value, in float64."""
        return self.mean + self.deviation * np.asarray(values, dtype=np.float64)

    def to_record(self) -> dict[str, Any]:
        """Plain values for a JSON header."""
        return {"mean": self.mean, "deviation": self.deviation, "name": self.name}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Numbers:
        """The codec that `to_record` wrote."""
        return cls(record["mean"], record["deviation"], record["name"])
