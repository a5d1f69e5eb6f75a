"""What a schedule is: a learning rate for each step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.settings import check_number

__all__ = ["Floats", "Formula", "LearningRateSchedule", "Rate", "rate_of", "rates_of"]

Floats = NDArray[np.float64]
Rate = float | Callable[[int], float]
"""A learning rate: a number, or a schedule or function of the step."""

BLOCK = 256
"""So many rates are computed at once where one is asked for."""


@dataclass(frozen=True)
class LearningRateSchedule(ABC):
    """A learning rate for each step; give it to an optimizer in place of a number.

    One of one's own is a frozen dataclass with `__call__`; what it gives must be 0 or more. Only
    chainrule's own can be written to model files.
    """

    @abstractmethod
    def __call__(self, step: int) -> float:
        """The rate of a step, counted from 0."""


class Formula(LearningRateSchedule):
    """A schedule whose rates are computed for many steps at once, and have the same bits so."""

    def __call__(self, step: int) -> float:
        number, place = divmod(int(step), BLOCK)
        return float(_block(self, number)[place])

    @abstractmethod
    def rates(self, steps: Floats) -> Floats:
        """The rates of steps that are whole numbers of 0 or more."""

    def _check(self, above_0: str = "", of_0_or_more: str = "") -> None:
        """Keep settings as floats; raise `SettingError` where one is out of range."""
        owner = type(self).__name__
        for name in above_0.split():
            value = check_number(owner, name, getattr(self, name), "above 0", lambda x: x > 0)
            object.__setattr__(self, name, value)
        for name in of_0_or_more.split():
            value = check_number(owner, name, getattr(self, name), "of 0 or more", lambda x: x >= 0)
            object.__setattr__(self, name, value)


@lru_cache
def _block(schedule: Formula, number: int) -> Floats:
    return schedule.rates(np.arange(number * BLOCK, (number + 1) * BLOCK, dtype=np.float64))


def rate_of(schedule: Callable[[int], float], step: int) -> float:
    """The rate of a step, counted from 0.

    Raises `SettingError` where the schedule gives what is no rate.
    """
    given: Any = schedule(step)
    try:
        rate = float(given)
    except (TypeError, ValueError):
        _refuse(schedule, step, given)
    if not 0.0 <= rate < math.inf:
        _refuse(schedule, step, rate)
    return rate


def rates_of(schedule: Callable[[int], float], first: int, count: int) -> Floats:
    """The rates of steps in a row, the first counted from 0; `SettingError` as `rate_of`."""
    if not isinstance(schedule, Formula) or type(schedule).__call__ is not Formula.__call__:
        return np.array([rate_of(schedule, step) for step in range(first, first + count)])
    rates = schedule.rates(np.arange(first, first + count, dtype=np.float64))
    wrong = np.flatnonzero(~((rates >= 0) & np.isfinite(rates)))
    if wrong.size:
        _refuse(schedule, first + int(wrong[0]), float(rates[wrong[0]]))
    return rates


def _refuse(schedule: Callable[[int], float], step: int, given: Any) -> NoReturn:
    name = getattr(schedule, "__name__", type(schedule).__name__)
    message = (
        f"learning_rate: the schedule {name} gives {given!r} for step {step}; it must give a "
        "number of 0 or more."
    )
    raise SettingError(message) from None
