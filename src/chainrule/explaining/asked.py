"""Networks whose slopes are asked for, with their rows as points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data import Column, Numbers, as_table
from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.explaining.outputs import chosen_outputs
from chainrule.explaining.pool import TablePool
from chainrule.explaining.shap_values import background_of_subject
from chainrule.explaining.slopes import Slopes, TableSlopes, TrainerSlopes
from chainrule.explaining.subject import Subject, subject_of
from chainrule.models import Sequential

__all__ = ["Asked", "asked_of"]

Array = np.ndarray[Any, np.dtype[Any]]

STEP = 0.5
"""Of a number's standard deviation, to both sides, by which its encoding is moved."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A network with rows.

    points, prediction
        The rows as points (rows, width), and the answers to them (rows, outputs).
    outputs, labels
        Positions of the outputs that are explained, and what they are called.
    unit
        What a tolerance is a share of.
    subject
        Of a table's networks.
    """

    slopes: Slopes
    points: Array
    prediction: Array
    columns: tuple[str, ...]
    cells: dict[str, Array]
    outputs: tuple[int, ...]
    labels: tuple[Any, ...]
    scale: str
    unit: float
    subject: Subject | None = None

    def start(self, model: Any, baseline: Any) -> Array:
        """The point that ways begin at."""
        if self.subject is None or not isinstance(self.slopes, TableSlopes):
            if baseline is None:
                return np.zeros(self.points.shape[1])
            given = np.asarray(baseline, dtype=np.float64).ravel()
            if given.shape != self.points.shape[1:]:
                message = (
                    f"baseline: must be one row of {self.points.shape[1]} numbers, got shape "
                    f"{np.shape(baseline)}."
                )
                raise ShapeError(message)
            return given
        others = background_of_subject(self.subject, model, baseline)
        if baseline is not None and others.rows != 1:
            message = f"baseline: must be one row, got {others.rows}; choose one."
            raise ShapeError(message)
        mean: Array = self.slopes.points(others).mean(axis=0)
        return mean

    def local(self, output: int, model: Any) -> Array:
        """How fast an answer changes with each column: (rows, columns)."""
        slope = self.slopes.slopes(self.points, output)
        if self.subject is None or not isinstance(self.slopes, TableSlopes):
            return slope
        others = self.slopes.points(background_of_subject(self.subject, model, None))
        found = np.empty((len(slope), len(self.columns)))
        scales = self.slopes.model.encoder.scales
        for place, name in enumerate(self.columns):
            own = self.slopes.sources == place
            if name in scales and self.subject.kind(name) == "number":
                moved = self._moved(name, scales[name].spread)
                found[:, place] = (slope[:, own] * moved[:, own]).sum(axis=1)
            else:
                away = slope[:, own] @ others[:, own].T
                here = (slope[:, own] * self.points[:, own]).sum(axis=1)
                found[:, place] = np.sqrt(((away - here[:, np.newaxis]) ** 2).mean(axis=1))
        return found

    def _moved(self, name: str, deviation: float) -> Array:
        """How points move with a number, by its standard deviation."""
        if self.subject is None or not isinstance(self.slopes, TableSlopes):
            raise TypeError
        pool: Any = self.subject.pool
        cells = pool.table.column(name)
        ends = []
        for sign in (1.0, -1.0):
            numbers = Column("number", cells.values + sign * STEP * deviation, cells.missing)
            made = TablePool(pool.model, pool.table.with_column(name, numbers))
            ends.append(self.slopes.points(replace(self.subject, pool=made)))
        moved: Array = (ends[0] - ends[1]) / (2 * STEP)
        return moved


def asked_of(model: Any, X: Any, scale: str | None, classes: Any) -> Asked:
    """What is asked of a model; raises `InputTypeError` for one that has no slopes."""
    from chainrule.estimators import MLPClassifier, MLPRegressor  # they load scikit-learn

    if isinstance(model, Sequential):
        slopes = TrainerSlopes(model.trainer)
        return _of_network(slopes, X, scale, classes, None)
    if isinstance(model, MLPClassifier | MLPRegressor):
        slopes = TrainerSlopes(model.trainer)
        return _of_network(slopes, X, scale, classes, getattr(model, "classes_", None))
    subject = subject_of(model, X)
    if not isinstance(subject.pool, TablePool):
        message = (
            f"{type(model).__name__} has no slopes to follow; give a model of a table, a "
            "Sequential or an MLP of ours, or use shap_values."
        )
        raise InputTypeError(message)
    scale = subject.scale(scale)
    inner = TableSlopes(subject.pool.model, scale)
    outputs = chosen_outputs(subject, classes)
    codec = subject.pool.model.labels
    return Asked(
        inner, inner.points(subject), subject.answers(scale), subject.columns,
        {name: subject.values(name) for name in subject.columns}, outputs,
        tuple(subject.outputs[one] for one in outputs), scale,
        codec.deviation if isinstance(codec, Numbers) else 1.0, subject,
    )  # fmt: skip


def _of_network(
    slopes: TrainerSlopes, X: Any, scale: str | None, classes: Any, labels: Any
) -> Asked:
    if scale not in (None, "number", "probability"):
        message = f"scale: {scale!r} is not for this network, whose outputs are told as they are."
        raise SettingError(message)
    named = hasattr(X, "columns")
    table = as_table(X) if named else None
    array = np.asarray(X, dtype=np.float64)
    points = array.reshape(len(array), -1) if array.ndim > 1 else array.reshape(1, -1)
    if points.shape[1] != len(slopes.sources):
        message = (
            f"X must have rows of {len(slopes.sources)} numbers, got shape {array.shape}; give "
            "rows as predict takes them."
        )
        raise ShapeError(message)
    prediction = slopes.answers(points)
    columns = table.names if table else tuple(f"x{one}" for one in range(points.shape[1]))
    known = list(range(prediction.shape[1])) if labels is None else list(labels)
    binary = labels is not None and prediction.shape[1] == 1
    known = known[1:] if binary else known
    outputs = _chosen(known, classes)
    cells = {name: points[:, place].astype(object) for place, name in enumerate(columns)}
    scale = "number" if labels is None else "probability"
    return Asked(
        slopes, points, prediction, columns, cells, outputs,
        tuple(f"output {known[one]}" if labels is None else known[one] for one in outputs), scale,
        max(1.0, float(np.abs(prediction).max())),
    )  # fmt: skip


def _chosen(known: list[Any], classes: Any) -> tuple[int, ...]:
    if classes is None:
        return tuple(range(len(known)))
    listed = np.atleast_1d(classes).tolist()
    for one in listed:
        if one not in known:
            message = f"classes: there is no output {one!r}; known: {known[:10]}."
            raise SettingError(message)
    return tuple(known.index(one) for one in listed)
