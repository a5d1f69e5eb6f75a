"""Whether a search can be made of what was asked for."""

from __future__ import annotations

from chainrule.errors import SettingError, nearest
from chainrule.estimators import TablePlan
from chainrule.settings import check_count, check_number
from chainrule.tuning.folds import members_of_folds
from chainrule.tuning.space import Space

__all__ = ["METHODS", "check_epochs", "check_method", "check_numbers", "check_search"]

METHODS = ("grid", "random", "bayesian", "hyperband")


def check_method(method: object) -> None:
    """Raise SettingError for a method that is not known."""
    if method not in METHODS:
        message = f"method: {method!r} is not known; {nearest(str(method), METHODS, listed=True)}"
        raise SettingError(message)


def check_numbers(count: int | None, time_limit: float | None, folds: int | None) -> None:
    """Raise SettingError for numbers that no search has, whatever its table."""
    if count is not None:
        check_count("tune", "trials", count)
    if time_limit is not None:
        check_number("tune", "time_limit", time_limit, "of seconds above 0", lambda x: x > 0)
    if folds is not None:
        check_count("tune", "folds", folds, 2)


def check_epochs(method: str, space: Space) -> None:
    """Raise SettingError where two would decide on epochs."""
    if method == "hyperband" and "epochs" in space.dimensions:
        message = (
            "space: epochs: hyperband shares out the epochs itself, up to the setting epochs; "
            "leave it out of the space."
        )
        raise SettingError(message)


def check_search(
    method: str, count: int | None, time_limit: float | None, folds: int | None, plan: TablePlan,
    space: Space,
) -> None:  # fmt: skip
    """Raise SettingError for what no search can be made of."""
    check_method(method)
    check_numbers(count, time_limit, folds)
    if folds is not None:
        if plan.validation_table is not None:
            message = "tune: folds are made of the rows to learn from; leave out the rows to watch."
            raise SettingError(message)
        members_of_folds(plan, folds)
    check_epochs(method, space)
