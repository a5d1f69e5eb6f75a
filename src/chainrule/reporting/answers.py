"""Truth and predictions as they come, checked and freed of rows that cannot be scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, InputTypeError, ShapeError

__all__ = [
    "ClassAnswers",
    "NumberAnswers",
    "class_answers",
    "groups_of_rows",
    "number_answers",
    "plain_labels",
]

SUM_TOLERANCE = 1e-3
UNSEEN = -1


@dataclass(frozen=True)
class ClassAnswers:
    """True and predicted class codes, probabilities and weights of the rows that count.

    `rows` is where they stood.
    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.floating[Any]]
    predicted: NDArray[np.int64]
    weights: NDArray[np.float64]
    unseen: int
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class NumberAnswers:
    """True and predicted numbers and weights of the rows that count, and where they stood."""

    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]
    weights: NDArray[np.float64]
    rows: NDArray[np.int64]


def class_answers(
    truth: ArrayLike,
    probabilities: ArrayLike,
    classes: int,
    weights: ArrayLike | None,
    predicted: ArrayLike | None,
) -> ClassAnswers:
    """Checks the arrays; leaves out rows of unseen labels (code -1) and of weight 0.

    Raises:
        ShapeError: arrays that do not fit each other.
        DataError: codes, probabilities or weights that cannot be, or no row to score.
    """
    codes = _codes(truth, "true labels", classes, lowest=UNSEEN)
    table = _probabilities(probabilities, len(codes), classes)
    guesses = table.argmax(axis=1) if predicted is None else predicted
    guessed = _codes(guesses, "predicted labels", classes, lowest=0)
    if len(guessed) != len(codes):
        message = f"{len(codes)} true labels, {len(guessed)} predicted ones. Give one a row."
        raise ShapeError(message)
    weight = checked_weights(weights, len(codes))
    known = codes != UNSEEN
    kept = np.flatnonzero(known & (weight > 0))
    if not len(kept):
        message = (
            f"no row to score: {len(codes)} rows, {int((~known).sum())} of them with labels not "
            "seen in training, the others of weight 0. Give rows with known labels."
        )
        raise DataError(message)
    unseen = int(len(codes) - known.sum())
    return ClassAnswers(codes[kept], table[kept], guessed[kept], weight[kept], unseen, kept)


def number_answers(
    truth: ArrayLike, prediction: ArrayLike, weights: ArrayLike | None
) -> NumberAnswers:
    """Checks the arrays; leaves out rows of weight 0.

    Raises:
        ShapeError: arrays that do not fit each other.
        DataError: values that are not finite numbers, or no row to score.
    """
    target = finite_numbers(truth, "true values")
    guess = finite_numbers(prediction, "predictions")
    if len(target) != len(guess):
        message = f"{len(target)} true values, {len(guess)} predictions. Give one a row."
        raise ShapeError(message)
    weight = checked_weights(weights, len(target))
    rows = np.flatnonzero(weight > 0)
    if not len(rows):
        message = f"no row to score: {len(target)} rows, none with a weight above 0. Give rows."
        raise DataError(message)
    return NumberAnswers(target[rows], guess[rows], weight[rows], rows)


def groups_of_rows(
    groups: ArrayLike | None, answers: ClassAnswers | NumberAnswers
) -> NDArray[Any] | None:
    """The groups of the rows that count, of those of all rows as they came; None where none are."""
    return None if groups is None else np.asarray(groups)[answers.rows]


def finite_numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """One finite float64 a row."""
    array = np.asarray(values)
    if array.ndim != 1:
        message = f"{name} must be one a row, got an array of shape {array.shape}."
        raise ShapeError(message)
    if array.dtype.kind not in "fiub":
        message = f"{name} must be numbers, got {array.dtype}."
        raise InputTypeError(message)
    numbers = array.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        message = (
            f"{name}: {len(wrong)} of {len(numbers)} are not finite (first: row {wrong[0]}, "
            f"{numbers[wrong[0]]}). Leave these rows out, or train again."
        )
        raise DataError(message)
    return numbers


def checked_weights(weights: ArrayLike | None, rows: int) -> NDArray[np.float64]:
    """Row weights, all 1 where none are given."""
    if weights is None:
        return np.ones(rows)
    numbers = finite_numbers(weights, "weights")
    if len(numbers) != rows:
        message = f"{len(numbers)} weights for {rows} rows. Give one a row."
        raise ShapeError(message)
    if (numbers < 0).any():
        row = int(np.flatnonzero(numbers < 0)[0])
        message = f"weights must be 0 or more, row {row} has {numbers[row]}. Correct it."
        raise DataError(message)
    return numbers


def plain_labels(labels: Any) -> tuple[Any, ...]:
    """Labels as Python values, so that they can stand in a record."""
    return tuple(label.item() if isinstance(label, np.generic) else label for label in labels)


def _codes(values: ArrayLike, name: str, classes: int, lowest: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1:
        message = f"{name} must be one code a row, got an array of shape {array.shape}."
        raise ShapeError(message)
    if array.dtype.kind not in "iu" and len(array):
        message = f"{name} must be whole-number codes, got {array.dtype}. Encode them first."
        raise InputTypeError(message)
    codes = array.astype(np.int64)
    wrong = np.flatnonzero((codes < lowest) | (codes >= classes))
    if len(wrong):
        message = (
            f"{name}: row {wrong[0]} has code {codes[wrong[0]]}, "
            f"allowed are {lowest} to {classes - 1}. Encode them with the model's labels."
        )
        raise DataError(message)
    return codes


def _probabilities(values: ArrayLike, rows: int, classes: int) -> NDArray[np.floating[Any]]:
    """A table (rows, classes), float32 or float64 as given."""
    table = np.asarray(values)
    if table.shape != (rows, classes):
        message = f"probabilities must have shape {(rows, classes)}, got {table.shape}."
        raise ShapeError(message)
    if table.dtype.kind not in "fiub":
        message = f"probabilities must be numbers, got {table.dtype}."
        raise InputTypeError(message)
    if table.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        table = table.astype(np.float64)
    sums = table.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        good = (table >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        message = (
            f"probabilities: {int((~good).sum())} of {rows} rows are not shares that add up to 1 "
            f"(first: row {row}, sum {sums[row]:.6g}, least {table[row].min():.6g}). Check them."
        )
        raise DataError(message)
    return table
