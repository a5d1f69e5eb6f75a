"""A table's settings judged by training anew: on folds, and on ever more rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Labels, Schema, Table, folds_of, rows_with_target
from chainrule.errors import DataError, TrainingError
from chainrule.estimators import (
    TableModel,
    TableSettings,
    fit_table,
    plan_table,
    positive_code,
    schema_of_table,
)
from chainrule.judging.learning import SIZES, LearningCurve, row_counts
from chainrule.reporting import (
    LOWER_IS_BETTER,
    Design,
    naive_classification,
    naive_regression,
    score_classification,
    score_regression,
)
from chainrule.training import fit_many

__all__ = ["FoldScores", "cross_validated", "learning_curve_of_table"]

Array = np.ndarray[Any, np.dtype[Any]]
STREAM = 5


CANNOT_TELL = (
    "Folds learn from mostly the same rows, so their spread is not an interval for new rows; where "
    "the settings were searched for on these rows, the scores flatter."
)


@dataclass(frozen=True)
class FoldScores:
    """Scores on parts of a table held out in turn, each by networks that did not learn from it.

    rows
        How many rows there were to learn from and to hold out.
    scores
        By name an entry a fold; None where a score is not defined.
    how
        How the folds were made, in words.
    unseen
        How many rows held out are not scored, as networks of their fold learned from no row of
        their label.
    """

    folds: int
    rows: int
    scores: Mapping[str, tuple[float | None, ...]]
    how: str
    unseen: int = 0
    cannot_tell: str = CANNOT_TELL

    def summary(self) -> dict[str, tuple[float, float, float] | None]:
        """Of each score the median, the least and the largest over the folds."""
        found: dict[str, tuple[float, float, float] | None] = {}
        for name, values in self.scores.items():
            known = [one for one in values if one is not None]
            found[name] = (float(np.median(known)), min(known), max(known)) if known else None
        return found

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "folds": self.folds,
            "rows": self.rows,
            "scores": {name: list(values) for name, values in self.scores.items()},
            "how": self.how,
            "unseen": self.unseen,
            "cannot_tell": self.cannot_tell,
        }


def cross_validated(
    table: Table, target: str, settings: TableSettings, folds: int = 5, threads: int | None = None
) -> FoldScores:
    """Train with the same settings on all but one of so many folds, each held out once.

    Folds are those of `chainrule.data.folds_of`, drawn by the seed of the settings: classes keep
    their shares, duplicates and groups stay together, and with a time column each fold learns from
    the rows before it. They are trained one a core.

    Raises `SettingError` for fewer than 2 folds, and for more than there are rows, groups or times.
    """
    schema = schema_of_table(table, target, settings)
    found = folds_of(table, schema, seed=settings.seed, count=folds)
    settings = replace(settings, task=str(schema.task))
    jobs = [_Job(table, target, settings, learned, held) for learned, held in found.parts]
    trained = _trained(jobs, threads)
    scored = [one["held"] for one in trained]
    names = [name for name in scored[0] if all(name in one for one in scored)]
    return FoldScores(
        folds,
        len(rows_with_target(table, schema)),
        {name: tuple(one[name] for one in scored) for name in names},
        found.reason,
        sum(one["unseen"] for one in trained),
    )


def learning_curve_of_table(
    table: Table, target: str, settings: TableSettings, metric: str,
    sizes: Sequence[float] = SIZES, folds: int = 5, threads: int | None = None,
) -> LearningCurve:  # fmt: skip
    """`chainrule.learning_curve` of a table's settings; of losses the scores are their negatives.

    Rows to learn from are drawn by the seed of the settings, those of a size among those of larger
    ones, classes in about the shares of all. With a time column they are the latest ones before the
    fold, and the first half of the rows comes before all folds, so that there are enough.

    sizes
        Shares of the rows of a fold's training part. Those that are too small to be learned from,
        as they have one class only, are left out.

    Raises as `cross_validated`, and DataError where no size can be learned from.
    """
    schema = schema_of_table(table, target, settings)
    found = folds_of(table, schema, seed=settings.seed, count=folds, before=0.5)
    settings = replace(settings, task=str(schema.task))
    counts = row_counts(sizes, min(len(learned) for learned, _ in found.parts))
    parts = [
        (_ranked(table, schema, learned, settings.seed, fold), held)
        for fold, (learned, held) in enumerate(found.parts)
    ]
    jobs = [
        _Job(table, target, settings, learned[:count], held)
        for count in counts
        for learned, held in parts
    ]
    tried = _tried(jobs, threads)
    by_size = [tried[first : first + folds] for first in range(0, len(tried), folds)]
    failed = [_failure(found) for found in by_size]
    kept = [place for place, error in enumerate(failed) if error is None]
    if not kept:
        raise next(error for error in failed if error is not None)
    sign, name = (-1.0, f"-{metric}") if metric in LOWER_IS_BETTER else (1.0, metric)

    def scores(part: str) -> Array:
        values = [[one[part].get(metric) for one in by_size[place]] for place in kept]
        return sign * np.array(values, dtype=np.float64)

    return LearningCurve(
        np.array(counts)[kept], scores("learned"), scores("held"), name,
        naive=float(scores("naive")[-1].mean()), left_out=_left_out(counts, failed),
        cannot_tell=LearningCurve.cannot_tell + _untold(schema),
    )  # fmt: skip


def _failure(found: Sequence[Any]) -> DataError | None:
    """Why a size cannot be learned from, if so; raises what is no matter of its rows."""
    why: DataError | None = None
    for one in found:
        if isinstance(one, DataError):
            why = why or one
        elif isinstance(one, Exception):
            raise one
    return why


def _left_out(counts: Sequence[int], failed: Sequence[DataError | None]) -> str:
    sizes = [f"{count:,}" for count, error in zip(counts, failed, strict=True) if error is not None]
    if not sizes:
        return ""
    why = str(next(error for error in failed if error is not None)).removeprefix("folds: ")
    return (
        f"Left out, as not every fold can learn from them: {', '.join(sizes)} rows "
        f"({why.rstrip('.')})."
    )


def _ranked(table: Table, schema: Schema, rows: Array, seed: int, fold: int) -> Array:
    """Rows to learn from in an order of which any first ones stand for all: the latest, or drawn.

    Of classes any first ones have about the shares of all.
    """
    if schema.named("time") is not None:
        return rows[::-1]
    drawn = rows[random.permutation(seed, STREAM, fold, len(rows))]
    if schema.task != "classification":
        return drawn
    codes = table.column(str(schema.target)).codes[drawn]
    places = np.empty(len(drawn))
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        places[own] = (np.arange(len(own)) + 0.5) / len(own)
    return drawn[np.argsort(places, kind="stable")]


def _untold(schema: Schema) -> str:
    """What a curve cannot tell where rows have groups or an order in time."""
    time, group = schema.named("time"), schema.named("group")
    if time is not None:
        return (
            f" Fewer rows are the latest ones by {time!r} before those held out, so it says what a "
            "longer past would do."
        )
    if group is not None:
        return (
            f" Fewer rows are drawn from all groups of {group!r}, so it says what more rows of "
            "each group would do, not what more groups would."
        )
    return ""


def _trained(jobs: Sequence[_Job], threads: int | None) -> list[dict[str, Any]]:
    found = _tried(jobs, threads)
    for one in found:
        if isinstance(one, Exception):
            raise one
    return found


def _tried(jobs: Sequence[_Job], threads: int | None) -> list[Any]:
    """What each job found, or the error that it ended with."""
    try:
        return fit_many([(job, None, None) for job in jobs], threads)
    except TrainingError as failed:
        return list(failed.results)


@dataclass(frozen=True, eq=False)
class _Job:
    """Settings to train with on some rows, and to score on others."""

    table: Table
    target: str
    settings: TableSettings
    train: Array
    test: Array

    def fit(self, X: None, y: None) -> dict[str, Any]:
        """Scores on the rows learned from and on those held out, and how many cannot have one.

        "naive" are those of a constant answer on the rows held out.
        """
        learned, held = (self.table.take(np.sort(rows)) for rows in (self.train, self.test))
        try:
            model = fit_table(plan_table(learned, self.target, self.settings, test_share=0.0))
            scores = {
                "learned": _scores(model, learned), "held": _scores(model, held),
                "naive": _naive_scores(model, learned, held),
            }  # fmt: skip
        except DataError as error:
            message = f"folds: with {learned.rows:,} rows to learn from: {error}"
            raise DataError(message) from None
        unseen = int((model.truth(held) < 0).sum()) if isinstance(model.labels, Labels) else 0
        return {**scores, "unseen": unseen}


def _scores(model: TableModel, table: Table) -> dict[str, float | None]:
    codec, found = model.labels, model.predict(table)
    truth, weights = model.truth(table), model.weights(table)
    if not isinstance(codec, Labels) or found.probabilities is None:
        return score_regression(truth, found.values, weights)
    positive = positive_code(codec, model.settings.positive)
    return score_classification(
        truth, found.probabilities, codec.classes, weights, positive=positive
    )


def _naive_scores(model: TableModel, learned: Table, held: Table) -> dict[str, float | None]:
    train, test = (
        Design(np.zeros((table.rows, 1)), model.truth(table), weights=model.weights(table))
        for table in (learned, held)
    )
    if not isinstance(model.labels, Labels):
        return dict(naive_regression(train, test, resamples=0).judgment.metrics)
    positive = positive_code(model.labels, model.settings.positive)
    found = naive_classification(train, test, model.labels.classes, positive=positive, resamples=0)
    return dict(found.judgment.metrics)
