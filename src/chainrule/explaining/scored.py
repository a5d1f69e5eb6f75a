"""Rows with their truth, and by which score a model's answers to them are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Table, column_of
from chainrule.errors import DataError, SettingError, ShapeError, nearest, warn
from chainrule.estimators import positive_code
from chainrule.explaining.pool import TablePool
from chainrule.explaining.subject import Subject
from chainrule.reporting import (
    LOWER_IS_BETTER,
    OneScore,
    main_score,
    score_classification,
    score_of_classes,
    score_of_numbers,
    score_regression,
)

__all__ = ["Scored", "scored_rows"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Scored:
    """Rows of a subject whose truth is known.

    truth
        Class codes in the order of the subject's outputs, or numbers.
    weights
        Of the rows, the largest 1.
    metric, value
        A score of `chainrule evaluate`, and what the model reaches on the rows.
    positive
        The code of the positive class, where there are two.
    """

    subject: Subject
    truth: Array
    weights: Array
    metric: str
    value: float
    positive: int

    @property
    def sign(self) -> float:
        """1 where higher is better, else -1."""
        return -1.0 if self.metric in LOWER_IS_BETTER else 1.0

    def score(self, answers: Array) -> OneScore:
        """The metric of answers to these rows, for weightings of them."""
        if self.subject.is_classification:
            classes = len(self.subject.outputs)
            return score_of_classes(self.metric, self.truth, answers, classes, self.positive)
        return score_of_numbers(self.metric, self.truth, answers[:, 0])


def scored_rows(subject: Subject, y: Any, metric: str | None, sample_weight: Any) -> Scored:
    """A subject's rows with their truth; those without one, or of weight 0, are left out.

    Raises `ShapeError` where y has another length, `DataError` where no row can be scored,
    `SettingError` for a metric that does not fit the task.
    """
    truth, known = _truth(subject, y)
    weights = _weights(sample_weight, subject.rows)
    kept = np.flatnonzero(known & (weights > 0))
    if not len(kept):
        message = "y has no target that the model knows in a row of weight; give rows that have."
        raise DataError(message)
    left = int(subject.rows - known.sum())
    if left:
        warn(f"y is missing, or a label unknown to the model, in {left:,} rows: they are left out.")
    part, truth = subject.take(kept), truth[kept]
    weights = weights[kept] / weights[kept].max()
    model = getattr(subject.pool, "model", None)
    trained = None if model is None else model.settings
    positive = 1 if model is None else positive_code(model.labels, model.settings.positive)
    scores = _scores(part, truth, weights, positive)
    wanted = metric
    if wanted is None:
        asked = None if trained is None else trained.metric
        wanted = main_score("classification" if part.is_classification else "regression", asked)
    if wanted not in scores:
        task = "classification" if part.is_classification else "regression"
        hint = nearest(str(wanted), scores, listed=True)
        message = f"metric: {wanted!r} is not a score of this {task}; {hint}"
        raise SettingError(message)
    value = scores[wanted]
    if value is None:
        message = (
            f"metric: {wanted!r} is not defined for these rows (only one class, or one row); give "
            "others, or another metric."
        )
        raise DataError(message)
    return Scored(part, truth, weights, wanted, value, positive)


def _scores(subject: Subject, truth: Array, weights: Array, positive: int) -> dict[str, Any]:
    answers = subject.answers()
    if not subject.is_classification:
        return score_regression(truth, answers[:, 0], weights)
    return score_classification(truth, answers, subject.outputs, weights, positive=positive)


def _truth(subject: Subject, y: Any) -> tuple[Array, Array]:
    """The truth of each row, and where it is known."""
    column = column_of(y, subject.target or "y")
    if len(column.values) != subject.rows:
        message = f"y has {len(column.values)} values, X has {subject.rows} rows; give one a row."
        raise ShapeError(message)
    if isinstance(subject.pool, TablePool):
        model = subject.pool.model
        table = Table({model.labels.name: column}, len(column.values), "y")
        truth = model.truth(table.take(~column.missing))
    elif subject.is_classification:
        codes = {str(label): code for code, label in enumerate(subject.outputs)}
        given = np.asarray(y, dtype=object)[~column.missing]
        truth = np.array([codes.get(str(one), -1) for one in given], dtype=np.int64)
    else:
        truth = column.values[~column.missing].astype(np.float64)
    whole = np.zeros(len(column.values), dtype=truth.dtype)
    whole[~column.missing] = truth
    known = ~column.missing
    if subject.is_classification:
        known[known] = truth >= 0
    return whole, known


def _weights(given: Any, rows: int) -> Array:
    if given is None:
        return np.ones(rows)
    column = column_of(given, "sample_weight")
    if len(column.values) != rows:
        message = (
            f"sample_weight has {len(column.values)} values, X has {rows} rows; give one a row."
        )
        raise ShapeError(message)
    is_text = column.kind not in ("number", "boolean")
    weights = np.full(rows, np.nan) if is_text else column.values.astype(np.float64)
    if not np.isfinite(weights).all() or (weights < 0).any():
        message = "sample_weight must be finite numbers of 0 or more; correct it."
        raise DataError(message)
    return weights
