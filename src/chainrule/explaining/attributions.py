"""What each column adds to each answer, so that all of it adds up to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import EngineError
from chainrule.explaining.column_values import ColumnValues, measure, numbers_of_cells
from chainrule.explaining.explanation import Explanation, checked_row, plain, shown, spelled

__all__ = ["Attributions", "RowAttribution"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False, repr=False)
class Attributions(ColumnValues):
    """What each column adds to the answer to each row: base + sum over columns = prediction.

    base
        What the sums begin with: a number, or one a class.
    error
        Of each value the standard deviation that comes of sampling, or more: orders are balanced,
        which it does not take into account; 0 where values are exact.

    Of its other parts `method` is "shap" or "integrated gradients"; `values` and `prediction` have
    an axis of classes more where several are explained.
    """

    base: Any
    error: Array

    def row(self, row: int, label: Any = None) -> RowAttribution:
        """What each column adds to one row's answer, the strongest first.

        label
            The class, where several are explained; the most probable one where None.

        Raises `MissingPlaceError` for a row that is not there, `SettingError` for an unknown class.
        """
        row = checked_row(row, self.rows)
        place = self._place(label, int(np.argmax(self._three(self.prediction)[row])))
        values = self._three(self.values)[row, :, place]
        order = np.argsort(-np.abs(values), kind="stable")
        columns = tuple(self.columns[one] for one in order)
        return RowAttribution(
            self.method, row, self.outputs[place], self.scale, columns,
            tuple(values[order].tolist()), tuple(plain(self.cells[one][row]) for one in columns),
            float(np.atleast_1d(self.base)[place]),
            float(self._three(self.prediction)[row, place]),
            self.cannot_tell, self.library,
        )  # fmt: skip

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**super().to_record(), "base": np.asarray(self.base).tolist()}

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

        told = measure(self.output, self.scale)
        return drawing.plot_waterfall(
            self._names(), self.values, self.base, told, ax, title=f"Row {self.row:,}"
        )

    def _names(self) -> list[str]:
        """The columns with the row's cells."""
        cells = zip(self.columns, self.cells, strict=True)
        return [f"{name} = {shown(cell)}" for name, cell in cells]

    def _title(self) -> str:
        told = measure(self.output, self.scale)
        return (
            f"Row {self.row:,}: {told} {spelled(self.prediction)}, base {spelled(self.base)} "
            f"({self.method})"
        )

    def _columns(self) -> dict[str, list[Any]]:
        return {
            "column": list(self.columns),
            "cell": list(self.cells),
            "value": list(self.values),
        }
