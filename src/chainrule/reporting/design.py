"""Rows as a network sees them, as the matrix that a linear model is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, InputTypeError, ShapeError
from chainrule.random import permutation
from chainrule.reporting.answers import checked_weights, finite_numbers

__all__ = ["Design", "DesignMatrix", "TrainingRows", "training_classes", "training_numbers"]

DRAW_STREAM = 2
WIDEST_DENSE = 300
FEWEST_ROWS = 2_000
WORK = 240_000_000
SPARSE_COST = 4

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """Rows as the network sees them: what a baseline is fitted on, or scored on.

    Args:
        numbers: (rows, width) finite numbers, standardized.
        truth: (rows,) class codes (-1: a label not seen in training) or true numbers.
        categories: (rows, columns) category codes from 0, each column its own; None for none.
        weights: row weights, 0 or more; None for all alike.
        called: what the sentence on a baseline calls these rows.
        groups: the group of each row, as numbers; None for none.
    """

    numbers: ArrayLike
    truth: ArrayLike
    categories: ArrayLike | None = None
    weights: ArrayLike | None = None
    called: str = "training rows"
    groups: ArrayLike | None = None

    @property
    def rows(self) -> int:
        """How many rows.

        >>> Design(np.zeros((3, 2)), [0, 1, 0]).rows
        3
        """
        return len(np.asarray(self.truth))


@dataclass(frozen=True)
class TrainingRows:
    """Rows to fit on: where they stand, their truth, their weights (mean 1)."""

    index: Integers
    truth: NDArray[Any]
    weights: Floats

    def draw(self, most: int, seed: int) -> TrainingRows:
        """At most so many of them, in order."""
        if len(self.index) <= most:
            return self
        picked = np.sort(permutation(seed, DRAW_STREAM, 0, len(self.index))[:most])
        return TrainingRows(self.index[picked], self.truth[picked], self.weights[picked])


class DesignMatrix:
    """Numbers and one-hot categories side by side: dense where narrow, else sparse.

    A category code that the fitted rows do not have is encoded as all zeros.
    """

    def __init__(self, design: Design, index: Integers) -> None:
        self.width = _numbers(design).shape[1]
        categories = _categories(design)[index]
        self.known = [np.unique(column[column >= 0]) for column in categories.T]
        self.hot = sum(len(known) for known in self.known)
        self.is_dense = self.width + self.hot <= WIDEST_DENSE

    def row_limit(self, outputs: int) -> int:
        """How many rows a linear model of so many outputs is fitted on in reasonable time."""
        columns = self.width + (self.hot if self.is_dense else SPARSE_COST * len(self.known))
        cost = max(1, columns * outputs * (1 if self.is_dense else SPARSE_COST))
        return max(FEWEST_ROWS, int(WORK // cost))

    def encode(self, design: Design, index: Integers) -> Any:
        """The matrix of these rows, float64: an array or a CSR matrix."""
        from scipy import sparse

        numbers = _numbers(design)
        if numbers.shape[1] != self.width:
            message = f"{numbers.shape[1]} numbers a row, fitted on {self.width}. Encode alike."
            raise ShapeError(message)
        table = numbers[index].astype(np.float64)
        if not np.isfinite(table).all():
            row, column = np.argwhere(~np.isfinite(table))[0]
            message = (
                f"numbers: row {index[row]}, column {column} is {table[row, column]}. "
                "Encode missing and infinite numbers first."
            )
            raise DataError(message)
        hot = self._one_hot(_categories(design)[index])
        if self.width + self.hot == 0:
            return np.zeros((len(index), 1))  # scikit-learn wants a column
        if self.is_dense:
            return np.hstack([table, hot.toarray()])
        return sparse.hstack([sparse.csr_matrix(table), hot], format="csr")

    def _one_hot(self, categories: Integers) -> Any:
        from scipy import sparse

        if categories.shape[1] != len(self.known):
            message = f"{categories.shape[1]} categories a row, fitted on {len(self.known)}."
            raise ShapeError(message)
        rows, columns, first = [], [], 0
        for codes, known in zip(categories.T, self.known, strict=True):
            place = np.searchsorted(known, codes)
            seen = np.flatnonzero(place < len(known))
            seen = seen[known[place[seen]] == codes[seen]]
            rows.append(seen)
            columns.append(place[seen] + first)
            first += len(known)
        row = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
        column = np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)
        return sparse.csr_matrix(
            (np.ones(len(row)), (row, column)), shape=(len(categories), self.hot)
        )


def training_classes(train: Design, classes: int) -> TrainingRows:
    """The rows of a known class and a weight above 0.

    Raises:
        InputTypeError: truth that is not codes.
        DataError: a code beyond the classes, or no row to fit on.
    """
    codes = np.asarray(train.truth)
    if codes.dtype.kind not in "iu":
        message = f"training labels must be whole-number codes, got {codes.dtype}. Encode them."
        raise InputTypeError(message)
    if codes.size and codes.max() >= classes:
        message = f"training labels: code {codes.max()}, but there are {classes} classes."
        raise DataError(message)
    return _training_rows(train, codes.astype(np.int64), codes >= 0)


def training_numbers(train: Design) -> TrainingRows:
    """The rows of a weight above 0.

    Raises:
        DataError: a true number that is not finite, or no row to fit on.
    """
    target = finite_numbers(train.truth, "training targets")
    return _training_rows(train, target, np.ones(len(target), dtype=np.bool_))


def _training_rows(train: Design, truth: NDArray[Any], known: NDArray[np.bool_]) -> TrainingRows:
    _numbers(train)
    _categories(train)
    weights = checked_weights(train.weights, len(truth))
    index = np.flatnonzero(known & (weights > 0))
    if not len(index):
        message = f"no training row to fit on: {len(truth)} rows, none known and of weight above 0."
        raise DataError(message)
    share = weights[index] / weights[index].max()
    return TrainingRows(index, truth[index], share / share.mean())


def _numbers(design: Design) -> NDArray[Any]:
    return _table(design.numbers, "numbers", "fiub", design.rows)


def _categories(design: Design) -> NDArray[Any]:
    if design.categories is None:
        return np.empty((design.rows, 0), dtype=np.int64)
    return _table(design.categories, "categories", "iu", design.rows)


def _table(values: ArrayLike, name: str, kinds: str, rows: int) -> NDArray[Any]:
    table = np.asarray(values)
    if table.ndim != 2 or len(table) != rows:
        message = f"{name} must have shape ({rows}, columns), got {table.shape}."
        raise ShapeError(message)
    if table.dtype.kind not in kinds:
        message = f"{name} cannot be {table.dtype}. Encode the table first."
        raise InputTypeError(message)
    return table
