"""Scores of an estimator's predictions, target by target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data import Column, Labels, Numbers, as_numbers, refuse_infinite
from chainrule.errors import DataError, ShapeError, listing
from chainrule.estimators.given import known_rows, target_columns, weights_column
from chainrule.estimators.model import Predictions
from chainrule.estimators.targets import Target, known_kind, matched, targets_of

if TYPE_CHECKING:
    from chainrule.estimators.tabular import TabularEstimator

__all__ = ["score_each"]

Array = np.ndarray[Any, np.dtype[Any]]


def score_each(owner: TabularEstimator, X: Any, y: Any, sample_weight: Any) -> list[float]:
    """Accuracy of each target of classes, R2 of each of numbers.

    Rows that lack a target are left out, with a warning.
    """
    found = owner._predictions(X)
    targets, frame = targets_of(y, owner)
    if len(targets) != len(found):
        message = f"y has {len(targets)} columns, the model has {len(found)} targets."
        raise ShapeError(message)
    targets = matched(targets, frame, owner._layout.targets, "y")
    codecs, rows = owner.model_.codecs, len(found[0].values)
    tasks = ["classification" if isinstance(one, Labels) else "regression" for one in codecs]
    names = [codec.name for codec in codecs]
    columns = target_columns(targets, names, tasks, rows)
    weights = None if sample_weight is None else weights_column(sample_weight, rows).values
    known = known_rows(columns.values(), rows, "y")
    kept = None if weights is None else weights[known]
    return [
        _score(codec, target, columns[codec.name], one, known, kept)
        for codec, target, one in zip(codecs, targets, found, strict=True)
    ]


def _score(
    codec: Labels | Numbers,
    target: Target,
    column: Column,
    found: Predictions,
    known: Array,
    weights: Array | None,
) -> float:
    from sklearn.metrics import accuracy_score, r2_score

    values = found.values[known]
    if isinstance(codec, Labels):
        truth = known_kind(target.values[known], codec.name)
        _refuse_other_kind(truth, codec)
        return float(accuracy_score(truth, values, sample_weight=weights))
    numbers = as_numbers(column, codec.name).values
    refuse_infinite(numbers, codec.name)
    return float(r2_score(numbers[known], values, sample_weight=weights))


def _refuse_other_kind(truth: Array, labels: Labels) -> None:
    is_text, was_text = truth.dtype.kind in "OU", isinstance(labels.classes[0], str)
    if is_text == was_text:
        return
    shown = listing(labels.classes[:10]) + (" ..." if labels.classes[10:] else "")
    message = (
        f"column {labels.name!r}: y has {'texts' if is_text else 'numbers'} as labels, in training "
        f"they were {shown}; give labels of that type."
    )
    raise DataError(message)
