"""Where rows are too few to judge by: all of them, or those of the rarest class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEW_ROWS", "few_rows", "grouped_rows", "is_too_few", "too_few_rows"]

FEW_ROWS = 30
FEW_GROUPS = 20
TOO_FEW = 10
OF_ALL_ROWS = ("accuracy",)
"""Scores of classes to which each row adds the same, however rare its class."""

Floats = NDArray[np.float64]


def few_rows(judgment: Mapping[str, Any]) -> str:
    """What to say of scores of so few rows that they hardly say anything; "" of others.

    judgment
        The record of a `Judgment`.

    >>> few_rows({"rows": 12})
    '12 rows are few to judge by: other rows may give quite other scores.'
    >>> few_rows({"rows": 99, "labels": ["no", "yes"], "confusion": [[95, 0], [1, 3]]})
    "4 rows of 'yes' are too few to judge by: other rows may give quite other scores."
    """
    rows, rarest = judgment["rows"], _rarest_of(judgment)
    if rows < FEW_ROWS:
        what = "1 row is too few" if rows == 1 else f"{rows} rows are few"
    elif rarest[1] < TOO_FEW:
        label, count = rarest
        what = f"{_rows(count, label)} {'is' if count == 1 else 'are'} too few"
    else:
        return ""
    return f"{what} to judge by: other rows may give quite other scores."


def grouped_rows(groups: int | None) -> str:
    """What to say of intervals for which so many whole groups were drawn; "" where rows were.

    >>> grouped_rows(40)
    'Intervals: 40 whole groups were drawn again, not single rows, for rows of a group are alike.'
    >>> grouped_rows(8).partition(": ")[2]
    '8 whole groups were drawn again, not single rows; of so few they are rough, mostly too narrow.'
    """
    if groups is None:
        return ""
    if groups == 1:
        return "There are no intervals: all rows are of 1 group, and say nothing of other groups."
    few = groups < FEW_GROUPS
    why = (
        "; of so few they are rough, mostly too narrow"
        if few
        else ", for rows of a group are alike"
    )
    return f"Intervals: {groups:,} whole groups were drawn again, not single rows{why}."


def is_too_few(judgment: Mapping[str, Any], score: str) -> bool:
    """Whether rows are too few to compare by a score, as far as a `Judgment`'s record tells."""
    of_all_rows = score in OF_ALL_ROWS
    count = judgment["rows"] if of_all_rows else min(judgment["rows"], _rarest_of(judgment)[1])
    return bool(count < TOO_FEW)


def too_few_rows(truth: NDArray[Any], weights: Floats, labels: Sequence[Any], score: str) -> str:
    """What there is too little of to compare by a score, in words; "" where there is enough.

    Rows of unequal weight count for as many equal ones as say as much (Kish, 1965).

    truth, weights
        Of the rows that are scored: codes of `labels`, or numbers where there are none.

    >>> truth = np.array([0] * 50 + [1] * 3)
    >>> too_few_rows(truth, np.ones(53), ["no", "yes"], "roc_auc")
    "3 test rows of 'yes'"
    """
    if not labels or score in OF_ALL_ROWS:
        count, label = _alike(weights), None
    else:
        codes = np.unique(truth)
        counts = [_alike(weights[truth == code]) for code in codes]
        label, count = _rarest([labels[code] for code in codes], counts)
    if count >= TOO_FEW:
        return ""
    return _rows(max(1, int(count)), label, "test row")


def _alike(weights: Floats) -> float:
    """How many rows of equal weight say as much as these."""
    shares = weights / weights.max()
    return float(shares.sum() ** 2 / (shares**2).sum())


def _rarest_of(judgment: Mapping[str, Any]) -> tuple[Any, float]:
    """The rarest class and its rows; all rows where its rows are not known."""
    confusion = judgment.get("confusion")
    if not confusion or judgment.get("weighted"):
        return None, judgment["rows"]
    return _rarest(judgment["labels"], [sum(row) for row in confusion])


def _rarest(labels: Sequence[Any], counts: Sequence[float]) -> tuple[Any, float]:
    """The class with fewest rows, of those that have any."""
    return min(
        ((label, count) for label, count in zip(labels, counts, strict=True) if count > 0),
        key=lambda one: one[1],
    )


def _rows(count: float, label: Any, name: str = "row") -> str:
    of = "" if label is None else f" of {label!r}"
    return f"{count:g} {name}{'s' * (count != 1)}{of}"
