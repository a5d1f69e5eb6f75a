"""By how much a model's score gets worse when a column's values are exchanged among rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.explaining.dependent import dependent_sentences
from chainrule.explaining.explanation import (
    Explanation,
    few_rows,
    library_of,
    spelled,
    with_intervals,
)
from chainrule.explaining.scored import Scored, scored_rows
from chainrule.explaining.subject import Subject, subject_of
from chainrule.reporting import LEVEL, OneScore, drawn
from chainrule.settings import check_count, check_seed
from chainrule.text import plural

__all__ = ["Importance", "permutation_importance", "permuted"]

Array = np.ndarray[Any, np.dtype[Any]]

FEWEST_RESAMPLES, MOST_RESAMPLES = 100, 500
WORK = 100_000_000
"""Rows times resamples times exchanges of all columns."""
BLOCK = 20
"""Resamples that are scored at once."""
FEWEST_ROWS = 10
"""From which on an interval says something."""
CANNOT_TELL = (
    "What would follow from changing a column in the world: it says what this model goes by, and "
    "nothing of columns that others stand in for."
)


@dataclass(frozen=True, repr=False)
class Importance(Explanation):
    """How much worse a score gets without the help of each column.

    metric, score
        What is measured, and its value on the rows as they are.
    columns
        The most important first.
    values, intervals
        The mean loss of score over repeats (above 0 where the column helps, whichever way the score
        goes), and its 95 % interval; None where rows are too few for one.
    each
        The loss of score in each repeat, column by column.
    rows
        How many were scored.
    """

    metric: str
    score: float
    columns: tuple[str, ...]
    values: tuple[float, ...]
    intervals: tuple[tuple[float, float] | None, ...]
    each: tuple[tuple[float, ...], ...]
    rows: int
    cannot_tell: tuple[str, ...]
    library: str

    def to_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "method": "permutation",
            "scale": self.metric,
            "base": self.score,
            "prediction": None,
            "rows": self.rows,
            "repeats": len(self.each[0]),
            "columns": [
                {
                    "column": name, "value": value,
                    "interval": None if interval is None else list(interval),
                }
                for name, value, interval in zip(
                    self.columns, self.values, self.intervals, strict=True
                )
            ],
            "cannot_tell": list(self.cannot_tell),
        }  # fmt: skip

    def plot(self, ax: Any = None) -> Any:
        """Bars with their intervals, the most important column on top."""
        from chainrule import drawing

        label = f"loss of {self.metric} when exchanged"
        return drawing.plot_importance(self.columns, self.values, self.intervals, label, ax)

    def _title(self) -> str:
        return (
            f"Loss of {self.metric} ({spelled(self.score)} on {plural(self.rows, 'row')}) when a "
            "column's values are exchanged among rows"
        )

    def _columns(self) -> dict[str, list[Any]]:
        return with_intervals(self.columns, self.values, self.intervals)


def permutation_importance(
    model: Any, X: Any, y: Any, *, metric: str | None = None, repeats: int = 10,
    sample_weight: Any = None, seed: int = 0,
) -> Importance:  # fmt: skip
    """By how much a score gets worse when a column's values are exchanged among rows.

    model
        A fitted estimator, a run folder, or a `TableModel`.
    X, y
        Rows and their targets; best ones that training has not seen.
    metric
        A score of `chainrule evaluate`; None for the one that the model was trained for, else
        "roc_auc" of classes and "rmse" of numbers.
    repeats
        How many exchanges of each column: repeat r of column j is the Philox permutation
        `chainrule.random.permutation(seed, j, r, rows)` of its cells.

    The value is the mean over repeats of the score of the rows as they are, less that with the
    column exchanged; its sign turned where lower is better (Breiman, 2001; Fisher, Rudin and
    Dominici, 2019). Intervals are percentile bootstraps of both: in each resample rows are drawn
    again with replacement, the same ones for all columns, and repeats too.

    Raises `SettingError` for a metric that does not fit, `DataError` or `ShapeError` for rows that
    do not.

    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.array([[float(i), float(i % 3)] for i in range(30)])
    >>> found = permutation_importance(LinearRegression().fit(X, 2 * X[:, 0]), X, 2 * X[:, 0])
    >>> found.columns, found.metric
    (('x0', 'x1'), 'rmse')
    """
    check_count("permutation_importance", "repeats", repeats)
    check_seed("permutation_importance", seed)
    subject = subject_of(model, X)
    scored = scored_rows(subject, y, metric, sample_weight)
    return importance_of(scored, repeats, seed, library_of(X))


def importance_of(
    scored: Scored, repeats: int, seed: int, library: str, most: int | None = None
) -> Importance:
    """The importance of each column for the score of some rows.

    most
        How many columns, the most important ones, have an interval; all of them where None.
    """
    subject, columns = scored.subject, len(scored.subject.columns)
    resampled = _Resampled(scored, min(columns, most or columns), repeats, seed)
    each = np.zeros((columns, repeats))
    intervals: list[tuple[float, float] | None] = [None] * columns
    at_once = most is None or columns <= most
    for place in range(columns):
        scores = _exchanged(scored, place, repeats, seed)
        lost = [scored.value - float(one(scored.weights[np.newaxis])[0]) for one in scores]
        each[place] = scored.sign * np.array(lost) + 0.0  # no -0.0
        if at_once:
            intervals[place] = resampled.interval(scores)
    means = each.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    for place in [] if at_once else order[:most]:
        intervals[place] = resampled.interval(_exchanged(scored, place, repeats, seed))
    names = tuple(subject.columns[place] for place in order)
    return Importance(
        scored.metric, scored.value, names,
        tuple(means[order].tolist()),
        tuple(intervals[place] for place in order),
        tuple(map(tuple, each[order].tolist())),
        subject.rows,
        _cannot_tell(subject, seed),
        library,
    )  # fmt: skip


def _cannot_tell(subject: Subject, seed: int) -> tuple[str, ...]:
    told = (*_grouped(subject), *few_rows(subject.rows), *dependent_sentences(subject, seed))
    return (CANNOT_TELL, *told)


def _grouped(subject: Subject) -> Iterator[str]:
    """What intervals cannot tell where the model was trained with groups."""
    model = getattr(subject.pool, "model", None)
    group = None if model is None else model.schema.named("group")
    if group is not None:
        yield (
            f"How much other groups would change it: rows of one {group!r} are taken as "
            "independent, so intervals are too narrow where they are alike."
        )


def permuted(subject: Subject, place: int, order: Array) -> Subject:
    """The rows with the cells of one column in another order."""
    rows = np.arange(subject.rows)
    choice = np.repeat(rows[:, np.newaxis], len(subject.columns), axis=1)
    choice[:, place] = order
    return subject.recombined(choice)


def _exchanged(scored: Scored, place: int, repeats: int, seed: int) -> list[OneScore]:
    """The score with a column exchanged, for weightings of the rows, by repeat."""
    rows = scored.subject.rows
    orders = (random.permutation(seed, place, repeat, rows) for repeat in range(repeats))
    return [scored.score(permuted(scored.subject, place, one).answers()) for one in orders]


class _Resampled:
    """Intervals over resamples of rows and of repeats, the same ones for each column."""

    def __init__(self, scored: Scored, columns: int, repeats: int, seed: int) -> None:
        self.scored, self.seed = scored, seed
        self.rows = len(scored.truth)
        wanted = WORK // (self.rows * columns * repeats)
        self.count = min(MOST_RESAMPLES, max(FEWEST_RESAMPLES, wanted))
        self.times = _drawn_repeats(seed, self.count, repeats)
        usual = scored.score(scored.subject.answers())
        self.usual = np.concatenate([usual(one) for one in self._weightings()])

    def interval(self, scores: list[OneScore]) -> tuple[float, float] | None:
        """The interval of the mean loss of score over repeats; None of too few rows."""
        if self.rows < FEWEST_ROWS:
            return None
        blocks = [np.stack([one(part) for one in scores], axis=1) for part in self._weightings()]
        lost = self.scored.sign * (self.usual[:, np.newaxis] - np.concatenate(blocks))
        return _interval((lost * self.times).sum(axis=1) / len(scores))

    def _weightings(self) -> Iterator[Array]:
        """Blocks of resamples: how often each row was drawn, times its weight."""
        for first in range(0, self.count, BLOCK):
            count = min(BLOCK, self.count - first)
            yield drawn(self.seed, first, count, self.rows) * self.scored.weights


def _drawn_repeats(seed: int, resamples: int, repeats: int) -> Array:
    """How often each repeat is in each resample."""
    stream = 2
    words = random.words(seed, stream, 0, resamples * repeats, purpose=random.DRAWS)
    chosen = (words.astype(np.uint64) * np.uint64(repeats) >> np.uint64(32)).astype(np.int64)
    chosen = chosen.reshape(resamples, repeats)
    return np.stack([np.bincount(one, minlength=repeats) for one in chosen])


def _interval(found: Array) -> tuple[float, float] | None:
    defined = found[~np.isnan(found)]
    if 2 * len(defined) < len(found):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low) + 0.0, float(high) + 0.0
