"""How a model's answer goes with the values of one column: partial dependence and ICE curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from chainrule import random
from chainrule.explaining.dependent import dependent_groups
from chainrule.explaining.explanation import Explanation, few_rows, library_of, together
from chainrule.explaining.grid import Grid, grid_of
from chainrule.explaining.outputs import (
    MOST_CLASSES,
    chosen_outputs,
    likeliest_first,
    output_name,
)
from chainrule.explaining.subject import Subject, subject_of
from chainrule.reporting import LEVEL
from chainrule.settings import check_count, check_seed
from chainrule.text import plural

__all__ = ["Curve", "Dependence", "dependence_of", "partial_dependence"]

Array = np.ndarray[Any, np.dtype[Any]]

CURVES = 50
APART = 0.25
"""Of what a column moves: more than that differing from row to row is said."""

NOTED = 0.01
"""Of rows that go the other way: fewer are not worth a word."""


@dataclass(frozen=True)
class Curve:
    """One output by the value of a column.

    means, intervals
        The mean answer over the rows with each value, and its 95 % interval; of one row both ends
        are the answer, for one does not tell how others differ.
    ice
        The answer of single rows, each by value.
    apart
        The share of what the column moves, as a sum of squares, that differs from row to row.
    against
        The share of rows whose curve ends on the other side of its start than the mean does; None
        where values have no order.
    """

    output: Any
    means: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    ice: tuple[tuple[float, ...], ...]
    apart: float
    against: float | None

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "output": self.output, "means": list(self.means),
            "intervals": [list(one) for one in self.intervals],
            "ice": [list(one) for one in self.ice],
            "apart": self.apart, "against": self.against,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class Dependence(Explanation):
    """How a model's answer goes with the values of one column.

    column, kind
        Which one, and what it is.
    grid, labels
        Its values as plain ones (dates as ISO text) and as people read them; "(others)" stands for
        all values that are less frequent, "present" for any of a column of which the model uses no
        more.
    counts
        Rows by value; empty for numbers and dates.
    missing
        Of numbers and dates the rows without one, whose place is the last of the grid, where rows
        or training had some; else None.
    marks
        Some values of rows, evenly drawn, of numbers and dates.
    curves
        An entry for each output; of more than 4 classes, where none is named, those with the
        highest mean probability first.
    ice_rows
        The rows of the single curves, counted from 0.
    findings
        Sentences on where rows differ, and where they are few.
    """

    column: str
    kind: str
    scale: str
    grid: tuple[Any, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int | None
    marks: tuple[Any, ...]
    curves: tuple[Curve, ...]
    ice_rows: tuple[int, ...]
    rows: int
    target: str
    findings: tuple[str, ...]
    cannot_tell: tuple[str, ...]
    library: str

    @property
    def is_ordered(self) -> bool:
        """Whether the values are numbers or dates."""
        return self.kind in ("number", "datetime") and not self.counts

    @property
    def spread(self) -> float:
        """By how much the mean answer moves over the values, at most over outputs.

        A missing number or date is one of them where rows have it.
        """
        places = len(self.grid) - (self.missing == 0)
        return max(float(np.ptp(one.means[:places])) for one in self.curves)

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": "pdp",
            "column": self.column,
            "kind": self.kind,
            "scale": self.scale,
            "target": self.target,
            "grid": list(self.grid),
            "labels": list(self.labels),
            "counts": list(self.counts),
            "missing": self.missing,
            "marks": list(self.marks),
            "rows": self.rows,
            "ice_rows": list(self.ice_rows),
            "curves": [one.to_record() for one in self.curves],
            "spread": self.spread,
            "findings": list(self.findings),
            "cannot_tell": list(self.cannot_tell),
        }

    def plot(self, ax: Any = None, *, ice: bool = True, centered: bool = False) -> Any:
        """The mean answer by value, over the curves of single rows.

        ice
            Whether these are drawn, where there is one output.
        centered
            Each curve less its start, so that differences of shape are seen.
        """
        from chainrule import drawing

        return drawing.plot_dependence(self.to_record(), ax, ice=ice, centered=centered)

    def _title(self) -> str:
        what = self.target or "the answer"
        return f"Mean {self.scale} of {what} by {self.column}, over {plural(self.rows, 'row')}"

    def _columns(self) -> dict[str, list[Any]]:
        return self._lines(self.curves)

    def _lines(self, curves: tuple[Curve, ...]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {"value": [], "output": [], "mean": [], "low": [], "high": []}
        for curve in curves:
            ends = zip(self.labels, curve.means, curve.intervals, strict=True)
            for label, mean, pair in ends:
                low, high = pair if self.rows > 1 else (None, None)
                line = {"value": label, "output": curve.output, "mean": mean, "low": low,
                        "high": high}  # fmt: skip
                for name, cell in line.items():
                    found[name].append(cell)
        return found

    def _shown_columns(self) -> dict[str, list[Any]]:
        return self._lines(self.curves[:MOST_CLASSES])

    def __repr__(self) -> str:
        left = len(self.curves) - MOST_CLASSES
        more = f"{left:,} more: see to_frame(), or name one with classes=."
        return "\n".join([super().__repr__(), *self.findings, *([more] if left > 0 else [])])


def partial_dependence(
    model: Any, X: Any, column: str, *, points: int = 20, rows: int = 1000, classes: Any = None,
    ice: bool = True, scale: str | None = None, seed: int = 0,
) -> Dependence:  # fmt: skip
    """How a model's answer goes with the values of one column, others as they are.

    model, X
        A fitted estimator, a run folder or a `TableModel`, and rows.
    column
        Of numbers and dates the grid is quantiles of the rows from 2 % to 98 %, or all values where
        they are few, and a missing one where rows or training had such; of others the 20 most
        frequent values, then all others together.
    points
        Values of the grid at most.
    rows
        Rows that answers are averaged over at most, drawn by the seed.
    classes
        Those shown; None for the positive one of two, or all.
    ice
        Whether single rows are kept too: 50 at most (Goldstein and others, 2015).
    scale
        "probability" or "logit" of classes.

    The mean answer over the rows, each with the value put in (Friedman, 2001), and its 95 % normal
    interval, for other rows would give another mean.

    Raises `DataError` for a column that is not there or that the model does not use.

    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[float(i), float(i % 3)] for i in range(30)])
    >>> found = partial_dependence(LinearRegression().fit(X, 2 * X[:, 0]), X, "x1")
    >>> found.grid, round(found.spread, 6)
    ((0, 1, 2), 0.0)
    """
    check_count("partial_dependence", "points", points, 2)
    check_count("partial_dependence", "rows", rows)
    check_seed("partial_dependence", seed)
    subject = subject_of(model, X)
    return dependence_of(
        subject, column, points=points, rows=rows, classes=classes, ice=ice, scale=scale, seed=seed,
        library=library_of(X),
    )  # fmt: skip


def dependence_of(
    subject: Subject, column: str, *, points: int, rows: int, classes: Any, ice: bool,
    scale: str | None, seed: int, library: str, only: int | None = None,
) -> Dependence:  # fmt: skip
    """What `partial_dependence` gives, of a subject; `only` a row instead of their mean."""
    scale = subject.scale(scale)
    outputs = chosen_outputs(subject, classes)
    grid = grid_of(subject, column, points)
    chosen = np.arange(subject.rows)
    if only is not None:
        chosen = chosen[[subject.check_row(only)]]
    elif subject.rows > rows:
        chosen = random.permutation(seed, 0, 0, subject.rows)[:rows]
    part = subject.take(chosen)
    outputs = outputs if classes is not None else likeliest_first(part, outputs)
    made = [one.answers(scale)[:, outputs] for one in grid.subjects(part, subject, seed)]
    answers = np.stack(made, axis=1)  # (rows, values, outputs)
    single = min(CURVES, len(chosen)) if ice else 0
    curves = tuple(
        _curve(output_name(subject, output), answers[:, :, place], single, grid)
        for place, output in enumerate(outputs)
    )
    return Dependence(
        column, grid.kind, scale, tuple(grid.plain), tuple(grid.labels), grid.counts, grid.missing,
        grid.marks, curves, tuple(chosen[:single].tolist()), len(chosen), subject.target,
        (*_findings(column, curves), *grid.thin, *_ordered(subject, classes, curves)),
        (*(few_rows(len(chosen)) if only is None else ()),
         *_cannot_tell(subject, column, seed, ice=ice or only is not None)),
        library,
    )  # fmt: skip


def _curve(output: Any, answers: Array, single: int, grid: Grid) -> Curve:
    """The mean over rows (rows, values), and how rows differ from it."""
    means = answers.mean(axis=0)
    half = np.zeros(len(means))
    if len(answers) > 1:
        point = NormalDist().inv_cdf((1 + LEVEL) / 2)
        half = point * answers.std(axis=0, ddof=1) / np.sqrt(len(answers))
    known = answers[:, : grid.known]
    moves = known - known.mean(axis=1, keepdims=True)
    whole, shared = float(np.mean(moves**2)), float(np.mean(moves.mean(axis=0) ** 2))
    apart = max(0.0, 1 - shared / whole) if whole > 1e-18 else 0.0
    against = None
    if grid.is_ordered and not grid.counts:
        ends = known[:, -1] - known[:, 0]
        against = float(np.mean(ends * ends.mean() < 0))
    return Curve(
        output, tuple(means.tolist()),
        tuple(zip((means - half).tolist(), (means + half).tolist(), strict=True)),
        tuple(map(tuple, answers[:single].tolist())), apart, against,
    )  # fmt: skip


def _findings(column: str, curves: tuple[Curve, ...]) -> Iterator[str]:
    """What single rows say against the mean, for the output that has most of it, of those shown."""
    worst = max(curves[:MOST_CLASSES], key=lambda one: one.apart)
    if worst.apart <= APART:
        return
    of = f" in {worst.output!r}" if len(curves) > 1 else ""
    against = worst.against
    some = against is not None and against >= NOTED
    turned = f"; in {against:.0%} of rows it goes the other way" if some else ""
    yield (
        f"Rows differ: {worst.apart:.0%} of what {column!r} moves{of} depends on the other "
        f"columns{turned}."
    )


def _ordered(subject: Subject, classes: Any, curves: tuple[Curve, ...]) -> Iterator[str]:
    """That some classes come first, where nobody has named any."""
    if subject.is_classification and classes is None and len(curves) > MOST_CLASSES:
        yield f"Of {len(curves):,} classes the most probable ones are shown first."


def _cannot_tell(subject: Subject, column: str, seed: int, *, ice: bool) -> Iterator[str]:
    partners = [
        name for group in dependent_groups(subject, seed) if column in group for name in group
        if name != column
    ]  # fmt: skip
    if partners:
        yield (
            f"What rows that do occur would get: {column!r} goes with "
            f"{together([repr(one) for one in partners])}, and values are put into rows that they "
            "may never meet in."
        )
    single = "" if ice else ", nor what single rows do where they differ from the mean"
    yield f"What would follow from changing the column in the world{single}."
