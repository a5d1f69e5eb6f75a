"""A straight line that stands for a model around one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.errors import DataError
from chainrule.explaining.attributions import RowAttribution
from chainrule.explaining.column_values import measure
from chainrule.explaining.explanation import few_rows, library_of, plain, spelled
from chainrule.explaining.outputs import one_output, output_name
from chainrule.explaining.subject import Subject, subject_of
from chainrule.settings import check_count, check_seed

__all__ = ["Surrogate", "local_surrogate"]

Array = np.ndarray[Any, np.dtype[Any]]

WIDTH = 0.5
"""Of the kernel, in shares of columns replaced."""
RIDGE = 1.0
GOOD = 0.5
"""A fit below this explains little."""
BACKGROUND = 1000
PERMUTED, COUNTED, TAKEN = 4, 5, 6
"""Streams of random numbers."""
CANNOT_TELL = (
    "What the model does further away, nor what columns do only together: it adds up one number "
    "for each column."
)


@dataclass(frozen=True, repr=False)
class Surrogate(RowAttribution):
    """A sum, one number a column, that answers nearly as a model does around one row.

    columns, values, cells
        The columns, the strongest first; what each adds by being as in the row, and not as in the
        background on average; and the row's own cells.
    base
        What the sum begins with: its answer to the background, on average.
    prediction, fitted
        The model's answer to the row, and the sum's.
    quality
        The weighted R2 of the sum over the rows made around the row: 1 is perfect.
    samples
        How many rows were made.
    """

    fitted: float
    quality: float
    samples: int

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        own = {"fitted": self.fitted, "quality": self.quality, "samples": self.samples}
        return super().to_record() | own

    def plot(self, ax: Any = None) -> Any:
        """What each column adds, as bars to both sides of 0."""
        from chainrule import drawing

        title = f"Around row {self.row:,} (R2 {self.quality:.2f})"
        told = measure(self.output, self.scale)
        return drawing.plot_contributions(self._names(), self.values, told, ax, title=title)

    def _title(self) -> str:
        return (
            f"Around row {self.row:,}: {measure(self.output, self.scale)} "
            f"{spelled(self.prediction)}, by the sum {spelled(self.fitted)} (weighted R2 "
            f"{self.quality:.2f}, base {spelled(self.base)})"
        )


def local_surrogate(
    model: Any, X: Any, row: int, *, samples: int = 2000, label: Any = None,
    scale: str | None = None, background: Any = None, seed: int = 0,
) -> Surrogate:  # fmt: skip
    """A straight line that stands for a model around one row, and how well it does.

    model, X, row
        A fitted estimator, a run folder or a `TableModel`; rows, and which of them, from 0.
    samples
        How many rows are made around it: each with a number of columns (drawn evenly) replaced by
        those of another row.
    label
        The class; None for the positive one of two, of several the most probable.
    scale
        "probability" or "logit" of classes.
    background
        Rows that cells are taken from; X where None, at most 1,000 of them.

    After LIME (Ribeiro, Singh and Guestrin, 2016): the answers to the rows made are regressed on
    what became of each column, with weights exp(-(share replaced / 0.5)^2) and a ridge penalty of
    1. A number or a date counts as its difference from the row's in standard deviations of the
    background (the mean where it is missing), any other column as 1 where it has the row's value
    (as the row has one or none, where the model uses no more of it). A column's value is its
    coefficient times the distance of the row from the background's mean.

    Raises `MissingPlaceError` for a row that is not there, `SettingError` for an unknown class.

    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[float(i), float(i % 3)] for i in range(30)])
    >>> found = local_surrogate(LinearRegression().fit(X, 2 * X[:, 0]), X, 29)
    >>> found.columns[0], found.quality > 0.5
    ('x0', True)
    """
    check_count("local_surrogate", "samples", samples, 10)
    check_seed("local_surrogate", seed)
    subject = subject_of(model, X)
    place = subject.check_row(row)
    others = subject if background is None else subject_of(model, background)
    return surrogate_of(
        subject.take([place]), others, place, samples=samples, label=label, scale=scale, seed=seed,
        library=library_of(X),
    )  # fmt: skip


def surrogate_of(
    one: Subject, others: Subject, row: int, *, samples: int, label: Any, scale: str | None,
    seed: int, library: str,
) -> Surrogate:  # fmt: skip
    """What `local_surrogate` gives, of a subject of one row and those that cells are taken from."""
    scale = one.scale(scale)
    if others.rows < 2:
        message = "the background needs 2 rows or more to take other values from; give more."
        raise DataError(message)
    if others.rows > BACKGROUND:
        chosen = np.sort(random.permutation(seed, TAKEN, 1, others.rows)[:BACKGROUND])
        others = others.take(chosen)
    kept, choice = _made(len(one.columns), others.rows, samples, seed)
    both = one.joined(others)
    answers = both.recombined(choice).answers(scale)
    own = one.answers(scale)[0]
    output = one_output(one, label, own)
    distance = 1 - kept.mean(axis=1)
    weights = np.exp(-((distance / WIDTH) ** 2))
    features = _features(both)
    made = np.take_along_axis(features, choice, axis=0)
    intercept, slopes, quality = _fit(made, answers[:, output], weights)
    usual = features[1:].mean(axis=0)
    base, values = intercept + float((slopes * usual).sum()), slopes * (features[0] - usual)
    order = np.argsort(-np.abs(values), kind="stable")
    cells = [plain(one.values(name)[0]) for name in one.columns]
    low = f" Its R2 is {quality:.2f}: the sum stands badly for the model here, so trust it little."
    return Surrogate(
        "lime", row, output_name(one, output), scale,
        tuple(one.columns[place] for place in order),
        tuple(values[order].tolist()),
        tuple(cells[place] for place in order),
        base, float(own[output]),
        (CANNOT_TELL + (low if quality < GOOD else ""), *few_rows(others.rows)), library,
        base + float(values.sum()), quality, samples,
    )  # fmt: skip


def _made(columns: int, rows: int, samples: int, seed: int) -> tuple[Array, Array]:
    """For each row made which columns are kept (1), and whose cells it has: 0 is the row itself."""
    counts = 1 + _drawn(seed, COUNTED, samples, columns)
    counts[0] = 0
    order = random.permutations(seed, PERMUTED, 0, samples, columns).reshape(samples, columns)
    ranks = np.argsort(order, axis=1, kind="stable")
    kept = (ranks >= counts[:, np.newaxis]).astype(np.float64)
    donors = 1 + _drawn(seed, TAKEN, samples, rows)
    choice = np.where(kept == 1, 0, donors[:, np.newaxis])
    return kept, choice


def _features(both: Subject) -> Array:
    """What becomes of each column in other rows than the first one."""
    found = np.zeros((both.rows, len(both.columns)))
    for place, name in enumerate(both.columns):
        cells = both.cells(name)
        known = ~cells.missing
        if both.tells_presence(name):
            found[:, place] = known == known[0]
            continue
        if cells.kind not in ("number", "datetime") or not known[0]:
            found[:, place] = cells.codes == cells.codes[0]
            continue
        numbers = cells.values.astype(np.int64 if cells.kind == "datetime" else np.float64)
        away = np.where(known, numbers - numbers[0], 0).astype(np.float64)
        others = away[1:][known[1:]]
        deviation = float(others.std()) if len(others) else 0.0
        if deviation > 0:
            away[~known] = others.mean()
            found[:, place] = away / deviation
    return found


def _drawn(seed: int, stream: int, count: int, below: int) -> Array:
    """Whole numbers from 0 to below a bound."""
    words = random.words(seed, stream, 0, count, purpose=random.DRAWS)
    return (words.astype(np.uint64) * np.uint64(below) >> np.uint64(32)).astype(np.int64)


def _fit(features: Array, answers: Array, weights: Array) -> tuple[float, Array, float]:
    """Intercept, coefficients and weighted R2 of a ridge regression."""
    total = weights.sum()
    middle = np.einsum("i,ij->j", weights, features) / total
    mean = float((weights * answers).sum() / total)
    x, y = features - middle, answers - mean
    # einsum sums in NumPy's own order, whatever the number of BLAS's threads
    gram = np.einsum("i,ij,ik->jk", weights, x, x) + RIDGE * np.eye(x.shape[1])
    values = _solved(gram, np.einsum("i,ij,i->j", weights, x, y))
    rest = y - np.einsum("ij,j->i", x, values)
    whole = float((weights * y**2).sum())
    quality = 1 - float((weights * rest**2).sum()) / whole if whole > 1e-18 else 1.0
    return mean - float((middle * values).sum()), values, quality


def _solved(matrix: Array, right: Array) -> Array:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        return np.asarray(np.linalg.solve(matrix, right))
