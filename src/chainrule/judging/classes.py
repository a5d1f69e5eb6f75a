"""Which of many classes a picture shows, and how they are confused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["confusion_of", "most_confused", "most_frequent"]

Array = np.ndarray[Any, np.dtype[Any]]


def most_frequent(truth: Array, weights: Array, classes: int, most: int) -> list[int]:
    """The codes of the classes with most rows, in the order of codes; of few classes all.

    >>> most_frequent(np.array([0, 1, 1, 2, 2]), np.ones(5), 3, most=2)
    [1, 2]
    """
    return _largest(np.bincount(truth, weights, minlength=classes), most)


def most_confused(
    truth: Array, predicted: Array, weights: Array, classes: int, most: int
) -> list[int]:
    """The codes of the classes with most mistakes, taken for others or others for them; of few
    classes all.

    >>> most_confused(np.array([0, 1, 2, 2]), np.array([0, 2, 1, 2]), np.ones(4), 3, most=2)
    [1, 2]
    """
    wrong = weights * (truth != predicted)
    missed = np.bincount(truth, wrong, minlength=classes)
    return _largest(missed + np.bincount(predicted, wrong, minlength=classes), most)


def confusion_of(codes: Sequence[int], truth: Array, predicted: Array, weights: Array) -> Array:
    """Weights of rows by true (down) and predicted (across) class, of these classes.

    >>> confusion_of([0, 2], np.array([0, 1, 2]), np.array([0, 2, 0]), np.ones(3)).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    kept = np.isin(truth, codes) & np.isin(predicted, codes)
    down, across = (np.searchsorted(codes, one[kept]) for one in (truth, predicted))
    count = len(codes)
    cells = np.bincount(down * count + across, weights[kept], minlength=count * count)
    return np.asarray(cells.reshape(count, count))


def _largest(counts: Array, most: int) -> list[int]:
    return [int(one) for one in np.sort(np.argsort(-counts, kind="stable")[:most])]
