"""The rows that the networks of a trial learn from and are watched on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.data import split
from chainrule.estimators import Member, TablePlan

__all__ = ["members_of_folds"]


def members_of_folds(plan: TablePlan, folds: int | None) -> Iterator[Member]:
    """The rows of each fold; those of the first network where there are none.

    Folds keep what the split keeps: shares of classes, groups and duplicates in one part; with a
    time column a fold is watched on the rows after those that it learns from.
    """
    if folds is None:
        yield plan.members[0]
        return
    everything = rest = np.arange(plan.pool.rows)
    for left in range(folds, 0, -1):
        parts = split(
            plan.pool.take(rest), plan.schema, seed=plan.settings.seed, test=0.0,
            validation=1 / left if left > 1 else 0.0,
        )  # fmt: skip
        watched = rest[parts.validation] if left > 1 else rest
        before = plan.schema.named("time") is not None
        learned = rest[parts.train] if before else np.setdiff1d(everything, watched)
        if before and left == 1:
            return
        yield Member(learned, watched)
        rest = np.setdiff1d(rest, watched)
