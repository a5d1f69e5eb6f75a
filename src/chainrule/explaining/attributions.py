"""What each column adds to each answer, so that all of it adds up to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import EngineError, MissingPlaceError, SettingError, listing, nearest
from chainrule.explaining.explanation import Explanation, plain, shown
from chainrule.reporting import LEVEL, drawn

__all__ = ["Attributions", "MeanAttribution", "RowAttribution", "measure", "numbers_of_cells"]

Array = np.ndarray[Any, np.dtype[Any]]

RESAMPLES = 500
FEWEST_ROWS = 10
"""From which on an interval says something."""


@dataclass(frozen=True, eq=False, repr=False)
class Attributions(Explanation):
    """What each column adds to the answer to each row: base + sum over columns = prediction.

    method
        "shap" or "integrated gradients".
    values
        (rows, columns); (rows, columns, classes) where several classes are explained.
    base
        What the sums begin with: a number, or one a class.
    prediction
        The model's answers: (rows,) or (rows, classes).
    error
        Of each value the standard deviation that comes of sampling, or more: orders are balanced,
        which it does not take into account; 0 where values are exact.
    columns, cells
        The columns in the order of the table, and by column the rows' own values.
    outputs, scale
        The classes or the target explained, and what answers are told in.
    """

    method: str
    values: Array
    base: Any
    prediction: Array
    error: Array
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

    def row(self, row: int, label: Any = None) -> RowAttribution:
        """What each column adds to one row's answer, the strongest first.

        label
            The class, where several are explained; the most probable one where None.

        Raises `MissingPlaceError` for a row that is not there, `SettingError` for an unknown class.
        """
        if not 0 <= row < self.rows:
            message = f"there is no row {row}; there are {self.rows:,} rows, counted from 0."
            raise MissingPlaceError(message)
        place = self._place(label, int(np.argmax(self._three(self.prediction)[row])))
        values = self._three(self.values)[row, :, place]
        order = np.argsort(-np.abs(values), kind="stable")
        columns = tuple(self.columns[one] for one in order)
        return RowAttribution(
            self.method, int(row), self.outputs[place], self.scale, columns,
            tuple(values[order].tolist()), tuple(plain(self.cells[one][row]) for one in columns),
            float(np.atleast_1d(self.base)[place]),
            float(self._three(self.prediction)[row, place]),
            self.cannot_tell, self.library,
        )  # fmt: skip

    def importance(self, label: Any = None, *, seed: int = 0) -> MeanAttribution:
        """The mean size of what each column adds, the largest first, with 95 % intervals.

        label
            The class, where several are explained; the mean over all of them where None.

        Intervals are percentile bootstraps over rows; none where there are fewer than 10.
        """
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
        output = "all classes" if several else self.outputs[self._place(label, 0)]
        return MeanAttribution(
            self.method, output, self.scale, tuple(self.columns[one] for one in order),
            tuple(means[order].tolist()), tuple(ends), self.rows, self.cannot_tell, self.library,
        )  # fmt: skip

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": self.method,
            "scale": self.scale,
            "outputs": [plain(one) for one in self.outputs],
            "base": np.asarray(self.base).tolist(),
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

    def to_shap(self) -> Any:
        """A `shap.Explanation`, which the plots of the library `shap` draw.

        Its `data` are numbers, codes for categories; `display_data` are the rows' own values.
        Raises `SettingError` where shap is not installed.
        """
        from chainrule.explaining.shap_bridge import as_shap

        return as_shap(self)

    def plot(self, label: Any = None, ax: Any = None) -> Any:
        """Every row's values, a line of points a column, the most important column on top.

        The fuller a point, the higher the row's value of the column; of a category and where a
        value is missing all look the same. `row(n).plot()` draws one row.
        """
        from chainrule import drawing

        place = self._place(label, int(self._three(self.prediction).mean(axis=0).argmax()))
        values = self._three(self.values)[:, :, place]
        cells = [numbers_of_cells(self.cells[name]) for name in self.columns]
        told = measure(self.outputs[place], self.scale)
        return drawing.plot_attributions(self.columns, values, cells, told, ax)

    def check(self, tolerance: float = 1e-4) -> None:
        """Raise `EngineError` where a row's values do not add up to its prediction.

        tolerance
            In the unit of the scale; of predictions above 1 a share of the largest.
        """
        gap = np.abs(self.values.sum(axis=1) + self.base - self.prediction)
        allowed = tolerance * max(1.0, float(np.abs(self.prediction).max(initial=0.0)))
        if gap.max(initial=0.0) > allowed:
            message = (
                f"{self.method}: values add up to {gap.max():.3g} more or less than the prediction "
                f"(row {int(gap.reshape(self.rows, -1).max(axis=1).argmax())}, counted from 0; "
                f"{allowed:.3g} is allowed); please report this."
            )
            raise EngineError(message)

    def _three(self, values: Array) -> Array:
        """Values or predictions with an axis of outputs."""
        return values if np.ndim(self.base) else values[..., np.newaxis]

    def _place(self, label: Any, otherwise: int) -> int:
        if label is None:
            return otherwise if len(self.outputs) > 1 else 0
        known = [str(one) for one in self.outputs]
        if str(label) not in known:
            hint = nearest(str(label), known)
            hint = hint if hint.startswith("did") else f"known: {listing(known[:10])}."
            message = f"label: {label!r} is not explained here; {hint}"
            raise SettingError(message)
        return known.index(str(label))

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
class RowAttribution(Explanation):
    """What each column adds to the answer to one row.

    columns, values, cells
        The columns, the strongest first; what each adds; the row's own cells.
    base, prediction
        What the sum begins with, and what it comes to: the model's answer.
    """

    method: str
    row: int
    output: Any
    scale: str
    columns: tuple[str, ...]
    values: tuple[float, ...]
    cells: tuple[Any, ...]
    base: float
    prediction: float
    cannot_tell: tuple[str, ...]
    library: str

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        lines = zip(self.columns, self.values, self.cells, strict=True)
        return {
            "method": self.method,
            "row": self.row,
            "output": plain(self.output),
            "scale": self.scale,
            "base": self.base,
            "prediction": self.prediction,
            "columns": [
                {"column": name, "value": value, "cell": cell} for name, value, cell in lines
            ],
            "cannot_tell": list(self.cannot_tell),
        }

    def plot(self, ax: Any = None) -> Any:
        """A waterfall: from the base, column by column, to the prediction."""
        from chainrule import drawing

        names = [
            f"{name} = {shown(cell)}" for name, cell in zip(self.columns, self.cells, strict=True)
        ]
        told = measure(self.output, self.scale)
        return drawing.plot_waterfall(
            names, self.values, self.base, told, ax, title=f"Row {self.row:,}"
        )

    def _title(self) -> str:
        told = measure(self.output, self.scale)
        return (
            f"Row {self.row:,}: {told} {self.prediction:.4g}, base {self.base:.4g} ({self.method})"
        )

    def _columns(self) -> dict[str, list[Any]]:
        return {
            "column": list(self.columns),
            "cell": list(self.cells),
            "value": list(self.values),
        }


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

        label = f"mean size of what it adds to {measure(self.output, self.scale)}"
        return drawing.plot_importance(self.columns, self.values, self.intervals, label, ax)

    def _title(self) -> str:
        told = measure(self.output, self.scale)
        return f"Mean size of what columns add to {told}, over {self.rows:,} rows ({self.method})"

    def _columns(self) -> dict[str, list[Any]]:
        ends = [one or (None, None) for one in self.intervals]
        return {
            "column": list(self.columns),
            "value": list(self.values),
            "low": [low for low, _ in ends],
            "high": [high for _, high in ends],
        }


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
