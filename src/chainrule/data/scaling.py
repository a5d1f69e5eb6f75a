"""Numbers brought to a common size, element by element, with nothing but + - * / and roots."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError

__all__ = ["Scale", "refuse_infinite"]

BEND = 3.0
CLIP = 10.0


@dataclass(frozen=True)
class Scale:
    """z = (x - center) / spread, then bent or clipped.

    "robust": the center is the median, the spread the distance of the quartiles (half the range
    where they coincide), and z / sqrt(1 + (z / 3)^2) keeps far values within 3, in order.
    "standard": mean and deviation, and z is clipped at 10.
    """

    center: float
    spread: float
    scaling: str

    @classmethod
    def fit(cls, values: NDArray[Any], scaling: str) -> Scale:
        """The scale of values of which none is missing; it does not depend on their order.

        >>> Scale.fit(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "robust")
        Scale(center=3.0, spread=2.0, scaling='robust')
        """
        if len(values) == 0:
            return cls(0.0, 1.0, scaling)
        values = np.sort(np.asarray(values, dtype=np.float64))
        if scaling == "standard":
            center, spread = mean_and_deviation(values)
        else:
            low, center, high = (float(q) for q in np.quantile(values, (0.25, 0.5, 0.75)))
            spread = high - low
            if not spread > 0:
                spread = float(values[-1] / 2 - values[0] / 2)
        if not (spread > 0 and math.isfinite(spread)):
            spread = 1.0
        return cls(center, spread, scaling)

    def apply(self, values: NDArray[Any], missing: NDArray[np.bool_]) -> NDArray[Any]:
        """The scaled values, 0 where they are missing."""
        with np.errstate(over="ignore"):
            z = (values - self.center) / self.spread
            if self.scaling == "standard":
                z = np.clip(z, -CLIP, CLIP)
            else:
                z = np.clip(z, -1e100, 1e100)
                z = z / np.sqrt(1.0 + (z / BEND) * (z / BEND))
        return np.where(missing, 0.0, z)

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def mean_and_deviation(values: NDArray[Any]) -> tuple[float, float]:
    """Mean and deviation with exactly rounded sums: no order of rows or of lanes changes them.

    >>> mean_and_deviation(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    size = float(np.abs(values).max()) or 1.0
    scaled = values / size
    mean = math.fsum(scaled) / len(values)
    centered = scaled - mean
    deviation = math.sqrt(math.fsum(centered * centered) / len(values))
    if deviation < 1e-12 * max(1.0, abs(mean)):
        deviation = 0.0
    return mean * size, deviation * size


def refuse_infinite(values: NDArray[Any], name: str) -> None:
    """Raise DataError with the first row whose number is infinite."""
    wrong = np.isinf(values)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        message = (
            f"column {name!r}: {values[row]} in row {row} (counted from 0) is not a finite "
            f"number ({int(wrong.sum())} such values); correct it, or leave it empty."
        )
        raise DataError(message)
