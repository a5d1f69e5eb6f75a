"""A number for each column of each row, and what is the same for all that have such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.explaining.explanation import (
    Explanation,
    few_rows,
    plain,
    together,
    with_intervals,
)
from chainrule.explaining.outputs import MOST_CLASSES, place_among
from chainrule.reporting import LEVEL, drawn
from chainrule.settings import check_seed
from chainrule.text import plural

__all__ = ["ColumnValues", "MeanAttribution", "measure", "numbers_of_cells"]

Array = np.ndarray[Any, np.dtype[Any]]

RESAMPLES = 500
FEWEST_ROWS = 10
"""From which on an interval says something."""


@dataclass(frozen=True, eq=False, repr=False)
class ColumnValues(Explanation):
    """A number for each column of each row.

    method
        What it comes of.
    values
        (rows, columns); (rows, columns, classes) where several classes are explained.
    prediction
        The model's answers: (rows,) or (rows, classes).
    columns, cells
        The columns in the order of the table, and by column the rows' own values.
    outputs, scale
        The classes or the target explained, and what answers are told in.
    """

    method: str
    values: Array
    prediction: Array
    columns: tuple[str, ...]
    cells: Mapping[str, Array]
    outputs: tuple[Any, ...]
    scale: str
    cannot_tell: tuple[str, ...]
    library: str

    @property
    def rows(self) -> int:
        """How many rows were explained."""
        return len(self.values)

    def importance(self, label: Any = None, *, seed: int = 0) -> MeanAttribution:
        """The mean size of what each column adds, the largest first, with 95 % intervals.

        label
            The class, where several are explained; the mean over all of them where None.

        Intervals are percentile bootstraps over rows; none where there are fewer than 10.
        """
        check_seed("importance", seed)
        sizes = np.abs(self._three(self.values))
        several = label is None and len(self.outputs) > 1
        sizes = sizes.mean(axis=2) if several else sizes[:, :, self._place(label, 0)]
        means = sizes.mean(axis=0)
        order = np.argsort(-means, kind="stable")
        ends: list[tuple[float, float] | None] = [None] * len(order)
        if self.rows >= FEWEST_ROWS:
            times = drawn(seed, 0, RESAMPLES, self.rows)
            resampled = np.einsum("ir,rc->ic", times, sizes) / self.rows
            low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
            ends = [(float(low[one]), float(high[one])) for one in order]
        output = self._together() if several else self.outputs[self._place(label, 0)]
        return MeanAttribution(
            self.method, output, self.scale, tuple(self.columns[one] for one in order),
            tuple(means[order].tolist()), tuple(ends), self.rows,
            (*few_rows(self.rows), *self.cannot_tell), self.library,
        )  # fmt: skip

    def plot(self, label: Any = None, ax: Any = None) -> Any:
        """The mean sizes as bars with their intervals, the largest on top."""
        return self.importance(label).plot(ax)

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": self.method,
            "scale": self.scale,
            "outputs": [plain(one) for one in self.outputs],
            "base": None,
            "prediction": self.prediction.tolist(),
            "columns": [
                {
                    "column": name,
                    "value": self.values[:, place].tolist(),
                    "cell": [plain(one) for one in self.cells[name]],
                }
                for place, name in enumerate(self.columns)
            ],
            "cannot_tell": list(self.cannot_tell),
        }

    def _together(self) -> str:
        """The outputs in words."""
        if len(self.outputs) > MOST_CLASSES:
            return f"{len(self.outputs):,} classes"
        return together([str(plain(one)) for one in self.outputs])

    def _three(self, values: Array) -> Array:
        """Values or predictions with an axis of outputs."""
        return values if self.values.ndim == 3 else values[..., np.newaxis]

    def _place(self, label: Any, otherwise: int) -> int:
        if label is None:
            return otherwise if len(self.outputs) > 1 else 0
        return place_among(self.outputs, label, f"label: {label!r} is not explained here")

    def _title(self) -> str:
        return repr(self.importance()).splitlines()[0]

    def _columns(self) -> dict[str, list[Any]]:
        values = self._three(self.values)
        rows, outputs = self.rows, len(self.outputs)
        found: dict[str, list[Any]] = {"row": np.repeat(np.arange(rows), outputs).tolist()}
        if outputs > 1:
            found["output"] = [plain(one) for one in self.outputs] * rows
        for place, name in enumerate(self.columns):
            found[name if name not in found else f"{name} "] = values[:, place].ravel().tolist()
        return found

    def __repr__(self) -> str:
        return repr(self.importance())


@dataclass(frozen=True, repr=False)
class MeanAttribution(Explanation):
    """The mean size of what each column adds to answers.

    columns, values, intervals
        The columns, the largest first; their means, and 95 % intervals, None of few rows.
    """

    method: str
    output: Any
    scale: str
    columns: tuple[str, ...]
    values: tuple[float, ...]
    intervals: tuple[tuple[float, float] | None, ...]
    rows: int
    cannot_tell: tuple[str, ...]
    library: str

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        lines = zip(self.columns, self.values, self.intervals, strict=True)
        return {
            "method": f"mean |{self.method}|",
            "output": plain(self.output),
            "scale": self.scale,
            "base": None,
            "prediction": None,
            "rows": self.rows,
            "columns": [
                {"column": name, "value": value, "interval": None if ends is None else list(ends)}
                for name, value, ends in lines
            ],
            "cannot_tell": list(self.cannot_tell),
        }

    def plot(self, ax: Any = None) -> Any:
        """Bars with their intervals, the largest on top."""
        from chainrule import drawing

        told = measure(self.output, self.scale)
        slopes = self.method == "saliency"
        label = f"mean size of {'the slope of' if slopes else 'what it adds to'} {told}"
        return drawing.plot_importance(self.columns, self.values, self.intervals, label, ax)

    def _title(self) -> str:
        told = measure(self.output, self.scale)
        slopes = self.method == "saliency"
        what = f"the slopes of {told}" if slopes else f"what columns add to {told}"
        return f"Mean size of {what}, over {plural(self.rows, 'row')} ({self.method})"

    def _columns(self) -> dict[str, list[Any]]:
        return with_intervals(self.columns, self.values, self.intervals)


def measure(output: Any, scale: str) -> str:
    """What an answer is, in words."""
    return str(output) if scale == "number" else f"{scale} of {plain(output)}"


def numbers_of_cells(cells: Array) -> Array | None:
    """Cells that are numbers or dates as numbers, NaN where missing; None of categories."""
    known = [one for one in cells if one is not None]
    if any(isinstance(one, str) for one in known):
        return None
    if any(hasattr(one, "isoformat") or isinstance(one, np.datetime64) for one in known):
        dates = np.array([one if one is not None else "NaT" for one in cells], "datetime64[us]")
        return np.where(np.isnat(dates), np.nan, dates.astype(np.int64).astype(np.float64))
    return np.array([np.nan if one is None else float(one) for one in cells])
