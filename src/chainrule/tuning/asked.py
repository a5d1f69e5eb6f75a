"""What a search is asked for, checked as far as it can be before a table is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.errors import SettingError, nearest
from chainrule.estimators import METRICS
from chainrule.settings import check_seed
from chainrule.tuning.checks import check_epochs, check_method, check_numbers
from chainrule.tuning.space import Space
from chainrule.tuning.study import check_storage

__all__ = ["STUDY", "Asked"]

STUDY = "chainrule"


@dataclass(frozen=True)
class Asked:
    """How to search, how long, and where trials are kept; each as `chainrule.tune` has it.

    >>> Asked("random", trials=0).check()
    Traceback (most recent call last):
    ...
    chainrule.errors.SettingError: tune: trials must be a whole number of 1 or more, got 0.
    """

    method: str = "bayesian"
    trials: int | None = None
    time_limit: float | None = None
    folds: int | None = None
    storage: str | None = None
    study: str = STUDY
    seed: int = 0
    threads: int | None = None

    def check(
        self, metric: str | None = None, space: Space | None = None, task: str = "auto"
    ) -> None:
        """Raise SettingError for what is wrong with any table."""
        check_method(self.method)
        check_numbers(self.trials, self.time_limit, self.folds)
        check_seed("tune", self.seed)
        if metric is not None:
            _check_metric(metric, task)
        if space is not None:
            check_epochs(self.method, space)
            if self.method == "grid":
                space.grid()
        if self.storage is not None:
            check_storage(self.storage)


def _check_metric(metric: Any, task: str) -> None:
    tasks = [task] if task in METRICS else list(METRICS)
    known = [name for one in tasks for name in METRICS[one]]
    if metric not in known:
        what = " or ".join(tasks)
        message = f"metric: {metric!r} is not a score of {what}; {nearest(str(metric), known)}"
        raise SettingError(message)
