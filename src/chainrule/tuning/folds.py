"""The rows that the networks of a trial learn from and are watched on."""

from __future__ import annotations

import numpy as np

from chainrule.data import folds_of
from chainrule.estimators import Member, TablePlan

__all__ = ["members_of_folds"]


def members_of_folds(plan: TablePlan, count: int | None) -> tuple[Member, ...]:
    """The rows of each fold; those of the first network where there are none."""
    if count is None:
        return plan.members[:1]
    found = folds_of(plan.pool, plan.schema, seed=plan.settings.seed, count=count)
    return tuple(Member(np.sort(learned), held) for learned, held in found.parts)
