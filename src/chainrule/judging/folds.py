"""A table's settings judged by training anew: on folds, and on ever more rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Column, Labels, Table
from chainrule.errors import SettingError, TrainingError
from chainrule.estimators import (
    TableModel,
    TableSettings,
    fit_table,
    plan_table,
    positive_code,
)
from chainrule.judging.learning import SIZES, LearningCurve, row_counts
from chainrule.reporting import LOWER_IS_BETTER, score_classification, score_regression
from chainrule.settings import check_count
from chainrule.training import fit_many

__all__ = ["FoldScores", "cross_validated", "learning_curve_of_table"]

Array = np.ndarray[Any, np.dtype[Any]]
STREAM = 5


@dataclass(frozen=True)
class FoldScores:
    """Scores on parts of a table held out in turn, each by networks that did not learn from it.

    scores
        By name an entry a fold; None where a score is not defined.
    """

    folds: int
    rows: int
    scores: Mapping[str, tuple[float | None, ...]]

    def summary(self) -> dict[str, tuple[float, float, float] | None]:
        """Of each score the median, the least and the largest over the folds."""
        found: dict[str, tuple[float, float, float] | None] = {}
        for name, values in self.scores.items():
            known = [one for one in values if one is not None]
            found[name] = (float(np.median(known)), min(known), max(known)) if known else None
        return found

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        scores = {name: list(values) for name, values in self.scores.items()}
        return {"folds": self.folds, "rows": self.rows, "scores": scores}


def cross_validated(
    table: Table, target: str, settings: TableSettings, folds: int = 5, threads: int | None = None
) -> FoldScores:
    """Train with the same settings on all but one of so many parts, each part left out once.

    Parts have equal shares of the classes, or whole groups where the settings name a group column;
    they are drawn by the seed of the settings, and trained one a core.

    Raises `SettingError` for fewer than 2 folds, for more than there are rows, and for settings
    with an order in time, of which parts drawn at random know the future.
    """
    known = table.take(np.flatnonzero(~table.column(target).missing))
    jobs = [
        _Job(known, target, settings, train, test)
        for train, test in _parts(known, target, settings, folds)
    ]
    scored = [one["held"] for one in _trained(jobs, threads)]
    return FoldScores(
        folds, known.rows, {name: tuple(one[name] for one in scored) for name in scored[0]}
    )


def learning_curve_of_table(
    table: Table, target: str, settings: TableSettings, metric: str,
    sizes: Sequence[float] = SIZES, folds: int = 5, threads: int | None = None,
) -> LearningCurve:  # fmt: skip
    """`chainrule.learning_curve` of a table's settings; of losses the scores are their negatives.

    sizes
        Shares of the rows of a fold's training part.

    Raises as `cross_validated`.
    """
    known = table.take(np.flatnonzero(~table.column(target).missing))
    parts = _parts(known, target, settings, folds)
    most = min(len(train) for train, _ in parts)
    counts = row_counts(sizes, most)
    if settings.group is None:
        parts = [
            (train[_mixed(known.column(target), train, settings, fold)], test)
            for fold, (train, test) in enumerate(parts)
        ]
    jobs = [
        _Job(known, target, settings, np.sort(train[:count]), test)
        for count in counts
        for train, test in parts
    ]
    scored = _trained(jobs, threads)
    sign, name = (-1.0, f"-{metric}") if metric in LOWER_IS_BETTER else (1.0, metric)
    learned, held = (
        np.array([np.nan if (one[part][metric]) is None else sign * one[part][metric]
                  for one in scored]).reshape(len(counts), folds)
        for part in ("learned", "held")
    )  # fmt: skip
    return LearningCurve(np.array(counts), learned, held, name)


def _mixed(column: Column, train: Array, settings: TableSettings, fold: int) -> Array:
    """Random order; of classes one in which any first rows have about the shares of all."""
    order = random.permutation(settings.seed, STREAM, fold, len(train))
    if settings.task != "classification":
        return order
    codes = column.codes[train[order]]
    places = np.empty(len(order))
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        places[own] = (np.arange(len(own)) + 0.5) / len(own)
    return order[np.argsort(places, kind="stable")]


def _parts(
    table: Table, target: str, settings: TableSettings, folds: int
) -> list[tuple[Array, Array]]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    check_count("folds", "their number", folds, least=2)
    if settings.time is not None:
        message = (
            f"folds: the run orders rows by {settings.time!r}, and parts drawn at random would "
            "know the future; judge by later rows instead."
        )
        raise SettingError(message)
    if folds > table.rows:
        message = f"folds: {folds} parts of {table.rows:,} rows cannot be; ask for fewer."
        raise SettingError(message)
    order = random.permutation(settings.seed, STREAM, 2**20, table.rows)
    column = table.column(target)
    if settings.group is not None:
        groups = table.column(settings.group).codes[order]
        known = len(np.unique(groups))
        if folds > known:
            message = (
                f"folds: {folds} parts of {known:,} groups of {settings.group!r} cannot be; ask "
                "for fewer."
            )
            raise SettingError(message)
        found = GroupKFold(folds).split(order, groups=groups)
    elif settings.task == "classification" and np.bincount(column.codes).min() >= folds:
        found = StratifiedKFold(folds).split(order, column.codes[order])
    else:
        found = KFold(folds).split(order)
    return [(np.sort(order[train]), np.sort(order[test])) for train, test in found]


def _trained(jobs: Sequence[_Job], threads: int | None) -> list[dict[str, Any]]:
    try:
        return fit_many([(job, None, None) for job in jobs], threads)
    except TrainingError as failed:
        raise next(one for one in failed.results if isinstance(one, Exception)) from None


@dataclass(frozen=True, eq=False)
class _Job:
    """Settings to train with on some rows, and to score on others."""

    table: Table
    target: str
    settings: TableSettings
    train: Array
    test: Array

    def fit(self, X: None, y: None) -> dict[str, Any]:
        """Scores on the rows learned from and on those held out."""
        learned, held = (self.table.take(rows) for rows in (self.train, self.test))
        model = fit_table(plan_table(learned, self.target, self.settings, test_share=0.0))
        return {"learned": _scores(model, learned), "held": _scores(model, held)}


def _scores(model: TableModel, table: Table) -> dict[str, float | None]:
    codec, found = model.labels, model.predict(table)
    truth, weights = model.truth(table), model.weights(table)
    if not isinstance(codec, Labels) or found.probabilities is None:
        return score_regression(truth, found.values, weights)
    positive = positive_code(codec, model.settings.positive)
    return score_classification(
        truth, found.probabilities, codec.classes, weights, positive=positive
    )
