"""What a model says of rows whose truth is known, whichever way model and rows were given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.data import Column, Labels, Table, as_table, column_of, groups_of
from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError, listing, nearest
from chainrule.estimators import (
    Held,
    TableModel,
    check_fitted,
    load_table_model,
    positive_code,
)
from chainrule.files import RunFolder
from chainrule.judging.learned import learned_note
from chainrule.reporting import JudgedRows, Judgment, judge_classification, judge_regression
from chainrule.settings import check_weights

__all__ = ["Answered", "answered", "check_metric", "judged"]

Array = np.ndarray[Any, np.dtype[Any]]

METRICS = {
    "classification": ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "f1_macro"),
    "binary": ("precision", "recall", "f1", "average_precision"),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
}


@dataclass(frozen=True, eq=False)
class Answered:
    """Rows with truth and answers.

    table, rows
        The columns of the rows that have a target, and where these stand in what was given.
    truth
        Class codes, -1 for a label that training has not seen; or numbers.
    answers
        Probabilities (rows, classes), or predicted numbers (rows,).
    labels, positive
        The classes by code, none of numbers; the code of the positive one of two.
    used
        The columns that the model reads.
    held
        Rows that the model was not fitted on, with its answers; None where it has none.
    metric
        The score that training was to make best, if any.
    metrics
        What `metrics.json` of a run says; empty of other models.
    tested
        The test rows of its training, where the run has kept them.
    left_out
        How many rows were given without a target.
    learned_from
        That the run has learned from these rows, in a sentence; "" where that is not seen.
    group, groups
        The column of groups that training had, if any; the group of each row, where the rows have
        that column.
    """

    target: str
    table: Table
    rows: Array
    truth: Array
    answers: Array
    weights: Array | None
    labels: tuple[Any, ...] = ()
    positive: int = 1
    used: tuple[str, ...] = ()
    held: Held | None = None
    metric: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    tested: JudgedRows | None = None
    left_out: int = 0
    learned_from: str = ""
    group: str | None = None
    groups: Array | None = None

    @property
    def task(self) -> str:
        """Classification or regression."""
        return "classification" if self.answers.ndim > 1 else "regression"

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.labels) == 2

    @property
    def counted(self) -> Answered:
        """The rows that are scored: of known labels, and of weights above 0."""
        kept = np.ones(len(self.truth), dtype=bool)
        if self.task == "classification":
            kept &= self.truth >= 0
        if self.weights is not None:
            kept &= self.weights > 0
        index = np.flatnonzero(kept)
        weights = None if self.weights is None else self.weights[index]
        groups = None if self.groups is None else self.groups[index]
        return replace(
            self, table=self.table.take(index), rows=self.rows[index], truth=self.truth[index],
            answers=self.answers[index], weights=weights, groups=groups,
        )  # fmt: skip


def answered(what: str, model: Any, X: Any, y: Any, sample_weight: Any = None) -> Answered:
    """The rows of X with what a model says of them.

    what
        The function that asks, for errors.
    model
        A run folder or its model file, a `TableModel`, or a fitted estimator of scikit-learn's
        kind.
    y
        The truth; None where X has it in the column of the target.

    Raises `DataError`, `InputTypeError`, `SettingError` or `ShapeError` with one sentence.
    """
    folder: RunFolder | None = None
    if isinstance(model, str | os.PathLike):
        folder = RunFolder.open(model)
        model = load_table_model(folder.model_path)
    else:
        check_fitted(what, model)
    inner = getattr(model, "model_", None)
    if y is None and isinstance(inner, TableModel):
        model = inner
    if isinstance(model, TableModel):
        found = _by_model(what, model, as_table(X), y)
    else:
        found = _by_estimator(what, model, X, y)
    if folder is not None:
        metrics = folder.read_metrics() if folder.metrics_path.is_file() else {}
        learned = learned_note(folder, model, as_table(X), found.table)
        tested = JudgedRows.load(folder.judged_path) if folder.judged_path.is_file() else None
        found = replace(found, metrics=metrics, tested=tested, learned_from=learned)
    if sample_weight is None:
        return found
    weights = check_weights(what, sample_weight, len(found.truth) + found.left_out)
    return replace(found, weights=weights[found.rows])


def _by_model(what: str, model: TableModel, table: Table, y: Any) -> Answered:
    codec = model.labels
    if y is None and codec.name not in table.names:
        message = (
            f"{what}: y is missing, and X has no column {codec.name!r}; give the truth of each row "
            "as y, or in X by that name."
        )
        raise DataError(message)
    if y is not None:
        column = column_of(y, codec.name)
        _check_length(len(column.values), table.rows)
        table = replace(table, columns={**table.columns, codec.name: column})
    rows = _known(table.column(codec.name).missing, codec.name)
    known = table.take(rows)
    predictions = model.predict(known)
    answers = predictions.values if predictions.probabilities is None else predictions.probabilities
    return Answered(
        codec.name, known, rows, model.truth(known), answers, model.weights(known),
        tuple(codec.classes) if isinstance(codec, Labels) else (),
        positive_code(codec, model.settings.positive), model.encoder.columns, model.validation,
        model.settings.metric, left_out=table.rows - len(rows),
        group=model.schema.named("group"), groups=groups_of(known, model.schema),
    )  # fmt: skip


def _by_estimator(what: str, model: Any, X: Any, y: Any) -> Answered:
    from sklearn.base import is_classifier, is_regressor

    is_one = not isinstance(model, type) and hasattr(model, "__sklearn_tags__")
    classes = is_one and is_classifier(model)
    if not is_one or not (classes or is_regressor(model)):
        message = (
            f"{what}: model must be a run folder, a TableModel or a fitted classifier or "
            f"regressor, got {type(model).__name__}."
        )
        raise InputTypeError(message)
    if classes and not hasattr(model, "predict_proba"):
        message = (
            f"{what}: {type(model).__name__} gives no probabilities (predict_proba), which scores "
            "of classes are computed from; take an estimator that does."
        )
        raise InputTypeError(message)
    if y is None:
        message = f"{what}: y is missing; give the truth of each row."
        raise InputTypeError(message)
    _refuse_several(what, model)
    table = as_table(X)
    truth, missing, target = _truth_of(model, y, classes)
    while target in table.names:
        target = f"y.{target}"
    _check_length(len(truth), table.rows)
    rows = _known(missing, target)
    answers = np.asarray(model.predict_proba(X) if classes else model.predict(X))[rows]
    known = table.take(rows)
    inner = getattr(model, "model_", None)
    own = inner if isinstance(inner, TableModel) else None
    return Answered(
        target, known, rows, truth[rows], answers, None,
        tuple(np.asarray(model.classes_).tolist()) if classes else (),
        1 if own is None else positive_code(own.labels, own.settings.positive),
        tuple(table.names) if own is None else own.encoder.columns,
        None if own is None else own.validation,
        None if own is None else own.settings.metric, left_out=table.rows - len(rows),
        group=None if own is None else own.schema.named("group"),
        groups=None if own is None else groups_of(known, own.schema),
    )  # fmt: skip


def _refuse_several(what: str, model: Any) -> None:
    outputs = getattr(model, "n_outputs_", 1)
    if getattr(model, "model_", None) is not None and outputs != 1:
        message = f"{what}: the model has {outputs} targets; this is for one: fit one for each."
        raise SettingError(message)


def _truth_of(model: Any, y: Any, classes: bool) -> tuple[Array, Array, str]:
    """Class codes or numbers, where they are missing, and what the target is called."""
    name = getattr(y, "name", None)
    target = name if isinstance(name, str) and name else "y"
    column = column_of(y, target)
    missing = column.missing
    if not classes:
        values = column.values
        if column.kind not in ("number", "boolean"):
            message = f"y: must be numbers, as the model predicts, got a column of {column.kind}."
            raise DataError(message)
        return np.asarray(values, np.float64), missing, target
    codes = {label: code for code, label in enumerate(np.asarray(model.classes_).tolist())}
    spelled = {str(label): code for label, code in codes.items()}
    given = _plain(column)
    found = [codes.get(one, spelled.get(str(one), -1)) for one in given]
    truth = np.array(found, dtype=np.int64)
    if not (truth[~missing] >= 0).any() and not missing.all():
        shown = listing(list(dict.fromkeys(str(one) for one in given))[:5])
        known = listing(list(spelled)[:10])
        message = f"y: holds no label of training, only {shown}; known: {known}."
        raise DataError(message)
    return truth, missing, target


def _plain(column: Column) -> list[Any]:
    keys = (*column.keys, "")
    if column.kind in ("number", "boolean"):
        return [float(one) for one in column.values.tolist()]
    return [keys[code] for code in column.codes.tolist()]


def _known(missing: Array, target: str) -> Array:
    rows: Array = np.flatnonzero(~missing)
    if not len(rows):
        message = f"the target {target!r} is missing in every row; give rows with it."
        raise DataError(message)
    return rows


def _check_length(given: int, rows: int) -> None:
    if given != rows:
        message = f"y has {given:,} values, X has {rows:,} rows; give one a row."
        raise ShapeError(message)


def check_metric(what: str, metric: str | None, found: Answered) -> str:
    """The metric asked for, else that of the training, else the task's first.

    Raises `SettingError` for one that is not of the task.
    """
    allowed: tuple[str, ...] = METRICS[found.task]
    if found.is_binary:
        allowed = (*allowed, *METRICS["binary"])
    if metric is None:
        return found.metric or ("roc_auc" if found.task == "classification" else "rmse")
    if metric not in allowed:
        kind = f"a {found.task}" + (f" of {len(found.labels)} classes" if found.labels else "")
        message = (
            f"{what}: metric: {metric!r} is not a score of {kind}; "
            f"{nearest(str(metric), allowed, listed=True)}"
        )
        raise SettingError(message)
    return metric


def judged(found: Answered, seed: int) -> Judgment:
    """All scores with their intervals."""
    if found.task == "regression":
        return judge_regression(
            found.truth, found.answers, found.weights, seed=seed, groups=found.groups
        )
    return judge_classification(
        found.truth, found.answers, found.labels, found.weights, positive=found.positive, seed=seed,
        groups=found.groups,
    )  # fmt: skip
