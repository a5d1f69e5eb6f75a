"""Rows that no answering network learned from, with what the networks say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule import random
from chainrule.errors import DataError

__all__ = ["MOST_HELD", "Held", "check_held", "held_arrays", "held_from", "narrowing_of"]

MOST_HELD = 20_000
"""Rows that a model file keeps at most."""

MOST_NUMBERS = 2_000_000
FEWEST_OF_MANY = 1_000
FEWEST_WITH_SEVERAL = 30
STREAM = 2

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Held:
    """Rows that the networks did not learn from, with what the networks say of them.

    truth
        Class codes, or numbers in the target's unit.
    answers
        Probabilities (rows, classes), or predicted numbers (rows,).
    rows
        Where they stand among the rows to learn from and to watch (`TablePlan.pool`), or in the
        table that was given to watch.
    narrowing
        How far predicted numbers of all networks are off, as a share of how far those of the
        networks that answer here are (`narrowing_of`).
    """

    truth: Array
    answers: Array
    weights: Array | None = None
    rows: Array | None = None
    narrowing: float = 1.0

    def drawn(self, seed: int) -> Held:
        """At most 20,000 of the rows, evenly drawn, in their order: those of a model file.

        Of more than 100 classes they are fewer, so that there are 2 million probabilities at most,
        but 1,000 rows.
        """
        classes = 1 if self.answers.ndim == 1 else self.answers.shape[1]
        most = min(MOST_HELD, max(FEWEST_OF_MANY, MOST_NUMBERS // classes))
        if len(self.truth) <= most:
            return self
        index = np.sort(random.permutation(seed, STREAM, 0, len(self.truth))[:most])
        return replace(
            self,
            truth=self.truth[index],
            answers=self.answers[index],
            weights=None if self.weights is None else self.weights[index],
            rows=None if self.rows is None else self.rows[index],
        )


def narrowing_of(residuals: Array, spreads: Array, counts: Array, networks: int) -> float:
    """How far the mean of all networks is off, as a share of how far that of a few is.

    The squared error of a mean of k networks is a + b/k on average, b the variance among networks,
    which disagree by it where several answer for a row. From that follow a and the error of the
    mean of all. 1 where fewer than 30 rows have two answers and more.

    residuals
        Of the mean of the networks that answer for each row.
    spreads
        The variance among their answers, by n - 1; of no meaning for one network.
    counts
        How many answer for each row.
    """
    several = counts > 1
    errors = float((residuals**2).mean())
    if several.sum() < FEWEST_WITH_SEVERAL or not errors > 0:
        return 1.0
    variance = float(spreads[several].mean())
    own, together = variance * float((1 / counts).mean()), variance / networks
    return float(np.sqrt(max(errors - own, 0.0) + together) / np.sqrt(max(errors, own)))


def check_held(held: Sequence[Held], what: str) -> None:
    """Raise DataError where a model has no held rows to do with what it is asked."""
    if not held:
        message = (
            f"{what}: the model has no rows that its networks were watched on, by which this is "
            "measured: an older version saved it, or there were too few rows to hold any back; "
            "train again, with more rows or a validation table."
        )
        raise DataError(message)


def held_arrays(held: Sequence[Held]) -> dict[str, Array]:
    """What a model file keeps of held rows, by name."""
    arrays: dict[str, Array] = {}
    for number, one in enumerate(held):
        truth = one.truth.astype(np.int64 if one.answers.ndim > 1 else np.float64)
        arrays[f"held/{number}/truth"] = truth
        arrays[f"held/{number}/answers"] = one.answers.astype(np.float64)
        arrays[f"held/{number}/narrowing"] = np.array([one.narrowing])
        if number == 0 and one.weights is not None:
            arrays["held/weights"] = one.weights.astype(np.float64)
        if number == 0 and one.rows is not None:
            arrays["held/rows"] = one.rows.astype(np.int64)
    return arrays


def held_from(arrays: Mapping[str, Array], targets: int) -> tuple[Held, ...]:
    """The held rows of a model file; none where an older version wrote it."""
    if "held/0/truth" not in arrays:
        return ()
    return tuple(
        Held(
            arrays[f"held/{number}/truth"],
            arrays[f"held/{number}/answers"],
            arrays.get("held/weights"),
            arrays.get("held/rows"),
            float(arrays[f"held/{number}/narrowing"][0]),
        )
        for number in range(targets)
    )
