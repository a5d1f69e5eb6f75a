"""Schedules: learning rates that change by step; Keras's names, arguments and formulas.

Every schedule is a function of the step alone, counted from 0 as in Keras. One of one's own is a
function of the step, or, where a name and settings are wanted, a frozen dataclass with `__call__`:

>>> from dataclasses import dataclass
>>> from chainrule.optimizers import SGD
>>> from chainrule.optimizers.schedules import LearningRateSchedule
>>> @dataclass(frozen=True)
... class Harmonic(LearningRateSchedule):
...     first: float
...
...     def __call__(self, step):
...         return self.first / (step + 1)
>>> SGD(Harmonic(0.5)).rate(2), SGD(lambda step: 0.5 / (step + 1)).rate(2)
(0.25, 0.25)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError
from chainrule.optimizers.elementary import half_cosine, power
from chainrule.optimizers.schedule import Floats, Formula, LearningRateSchedule
from chainrule.settings import check_flag, check_number

__all__ = [
    "SCHEDULES", "CosineDecay", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
    "LinearDecay", "OneCycle", "PiecewiseConstantDecay", "PolynomialDecay",
    "schedule_from_record", "schedule_record",
]  # fmt: skip


@dataclass(frozen=True)
class ExponentialDecay(Formula):
    """initial_learning_rate * decay_rate^(step / decay_steps)

    initial_learning_rate, decay_steps, decay_rate
        Above 0.
    staircase
        Whether step / decay_steps is rounded down.

    >>> schedule = ExponentialDecay(0.5, decay_steps=10, decay_rate=0.25)
    >>> [round(schedule(step), 12) for step in (0, 5, 10, 20)]
    [0.5, 0.25, 0.125, 0.03125]
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        self._check("initial_learning_rate decay_steps decay_rate")
        check_flag(type(self).__name__, "staircase", self.staircase)

    def rates(self, steps: Floats) -> Floats:
        passed = steps / self.decay_steps
        passed = np.floor(passed) if self.staircase else passed
        return self.initial_learning_rate * power(self.decay_rate, passed)


@dataclass(frozen=True)
class InverseTimeDecay(Formula):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)

    initial_learning_rate, decay_steps
        Above 0.
    decay_rate
        0 or more.
    staircase
        Whether step / decay_steps is rounded down.

    >>> InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)(10)
    0.25
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        self._check("initial_learning_rate decay_steps", "decay_rate")
        check_flag(type(self).__name__, "staircase", self.staircase)

    def rates(self, steps: Floats) -> Floats:
        passed = steps / self.decay_steps
        passed = np.floor(passed) if self.staircase else passed
        return self.initial_learning_rate / (1.0 + self.decay_rate * passed)


@dataclass(frozen=True)
class PiecewiseConstantDecay(Formula):
    """values[0] up to step boundaries[0], values[1] up to boundaries[1], ..., then the last.

    boundaries
        Steps that rise.
    values
        Rates of 0 or more, one more than boundaries.

    >>> schedule = PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.1])
    >>> schedule(100), schedule(101), schedule(999)
    (1.0, 0.5, 0.1)
    """

    boundaries: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name, allowed, least in (
            ("boundaries", "that is finite", -math.inf), ("values", "of 0 or more", 0.0)
        ):  # fmt: skip
            given: Any = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                message = f"{owner}: {name} must be a list of numbers, got {given!r}."
                raise InputTypeError(message)
            numbers = [check_number(owner, name, one, allowed, least.__le__) for one in given]
            object.__setattr__(self, name, tuple(numbers))
        if len(self.values) != len(self.boundaries) + 1:
            message = (
                f"{owner}: there must be one value more than boundaries, got {len(self.values)} "
                f"values and {len(self.boundaries)} boundaries."
            )
            raise SettingError(message)
        if any(a >= b for a, b in zip(self.boundaries, self.boundaries[1:], strict=False)):
            message = f"{owner}: boundaries must rise, got {list(self.boundaries)}."
            raise SettingError(message)

    def rates(self, steps: Floats) -> Floats:
        return np.array(self.values)[np.searchsorted(self.boundaries, steps)]


@dataclass(frozen=True)
class PolynomialDecay(Formula):
    """(initial - end) * (1 - step / decay_steps)^power + end, and the end after `decay_steps`.

    initial_learning_rate, decay_steps, power
        Above 0.
    end_learning_rate
        0 or more.
    cycle
        Whether, after `decay_steps`, their next multiple that is not passed takes their place.

    >>> schedule = PolynomialDecay(0.5, decay_steps=100, end_learning_rate=0.25)
    >>> schedule(0), schedule(50), schedule(1000)
    (0.5, 0.375, 0.25)
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self) -> None:
        self._check("initial_learning_rate decay_steps power", "end_learning_rate")
        check_flag(type(self).__name__, "cycle", self.cycle)

    def rates(self, steps: Floats) -> Floats:
        if self.cycle:
            whole = self.decay_steps * np.maximum(1.0, np.ceil(steps / self.decay_steps))
            passed = np.minimum(steps / whole, 1.0)
        else:
            passed = np.minimum(steps, self.decay_steps) / self.decay_steps
        height = self.initial_learning_rate - self.end_learning_rate
        return height * power(1.0 - passed, self.power) + self.end_learning_rate


@dataclass(frozen=True)
class CosineDecay(Formula):
    """top * ((1 - alpha) * (1 + cos(pi * s / decay_steps)) / 2 + alpha), and top * alpha after
    `decay_steps` (Loshchilov and Hutter, 2017); before it, where there is a `warmup_target`, a
    straight line from the initial rate to it (Goyal et al., 2017).

    initial_learning_rate
        What it begins with: 0 or more with a warm-up, else above 0.
    decay_steps
        Steps of the decay, above 0; s counts them from the end of the warm-up.
    alpha
        What is left at the end, as a share of the top: 0 or more.
    warmup_target
        The top, reached after the warm-up; without it the initial rate is the top.
    warmup_steps
        Steps of the warm-up, 0 or more.

    >>> schedule = CosineDecay(0.0, 100, warmup_target=0.5, warmup_steps=10)
    >>> schedule(0), schedule(5), schedule(10), schedule(110)
    (0.0, 0.25, 0.5, 0.0)
    """

    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: float = 0

    def __post_init__(self) -> None:
        if self.warmup_target is None:
            self._check("initial_learning_rate decay_steps", "alpha warmup_steps")
        else:
            self._check("decay_steps warmup_target", "initial_learning_rate alpha warmup_steps")

    def rates(self, steps: Floats) -> Floats:
        if self.warmup_target is None:
            return self._decay(self.initial_learning_rate, steps)
        after = self._decay(self.warmup_target, np.maximum(steps - self.warmup_steps, 0.0))
        if not self.warmup_steps:
            return after
        rise = self.warmup_target - self.initial_learning_rate
        before = rise * (steps / self.warmup_steps) + self.initial_learning_rate
        return np.where(steps < self.warmup_steps, before, after)

    def _decay(self, top: float, steps: Floats) -> Floats:
        passed = np.minimum(steps, self.decay_steps) / self.decay_steps
        return top * ((1.0 - self.alpha) * half_cosine(passed) + self.alpha)


@dataclass(frozen=True)
class LinearDecay(Formula):
    """A straight line from the initial rate at step 0 to the end's at `decay_steps`; then that.

    initial_learning_rate, decay_steps
        Above 0.
    end_learning_rate
        0 or more.

    >>> schedule = LinearDecay(0.5, decay_steps=100)
    >>> schedule(0), schedule(50), schedule(1000)
    (0.5, 0.25, 0.0)
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0

    def __post_init__(self) -> None:
        self._check("initial_learning_rate decay_steps", "end_learning_rate")

    def rates(self, steps: Floats) -> Floats:
        left = 1.0 - np.minimum(steps, self.decay_steps) / self.decay_steps
        return (self.initial_learning_rate - self.end_learning_rate) * left + self.end_learning_rate


@dataclass(frozen=True)
class OneCycle(Formula):
    """One rise and one fall, each half a cosine (Smith and Topin, 2018): with
    h(x) = (1 - cos(pi x)) / 2 and r = rise_share * total_steps

    start + (max - start) * h(step / r)                        up to step r,
    max + (end - max) * h((step - r) / (total_steps - r))      up to total_steps, then end,

    where start = max / start_divisor and end = start / end_divisor.

    max_learning_rate
        The top, above 0.
    total_steps
        Steps of the whole cycle, above 0: epochs times ceil(rows / batch_size).
    rise_share
        The share of the steps in which the rate rises: from 0 to below 1.
    start_divisor, end_divisor
        Above 0.

    >>> schedule = OneCycle(0.5, total_steps=100)
    >>> schedule(0), schedule(30), round(schedule(65), 6), schedule(100)
    (0.02, 0.5, 0.250001, 2e-06)
    """

    max_learning_rate: float
    total_steps: float
    rise_share: float = 0.3
    start_divisor: float = 25.0
    end_divisor: float = 1e4

    def __post_init__(self) -> None:
        self._check("max_learning_rate total_steps start_divisor end_divisor")
        owner, allowed = type(self).__name__, "from 0 to below 1"
        share = check_number(owner, "rise_share", self.rise_share, allowed, lambda x: 0 <= x < 1)
        object.__setattr__(self, "rise_share", share)

    def rates(self, steps: Floats) -> Floats:
        top, start = self.max_learning_rate, self.max_learning_rate / self.start_divisor
        end, turn = start / self.end_divisor, self.rise_share * self.total_steps
        fallen = (np.clip(steps, turn, self.total_steps) - turn) / (self.total_steps - turn)
        falls = (top - end) * half_cosine(fallen) + end
        if not turn:
            return falls
        rises = start + (top - start) * (1.0 - half_cosine(np.minimum(steps, turn) / turn))
        return np.where(steps < turn, rises, falls)


SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    one.__name__: one
    for one in (
        ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay, CosineDecay,
        LinearDecay, OneCycle,
    )
}  # fmt: skip
"""What a schedule's name stands for."""


def schedule_record(schedule: Any) -> dict[str, Any]:
    """A schedule as plain values; raises `InputTypeError` for one of one's own."""
    name = type(schedule).__name__
    if SCHEDULES.get(name) is not type(schedule):
        shown = getattr(schedule, "__name__", name)
        message = (
            f"learning_rate: a model file cannot keep the schedule {shown}, which is code of your "
            "own; compile the model with a number or a schedule of chainrule before it is saved."
        )
        raise InputTypeError(message)
    settings = {one.name: getattr(schedule, one.name) for one in fields(schedule)}
    plain = {key: list(x) if isinstance(x, tuple) else x for key, x in settings.items()}
    return {"class": name, "settings": plain}


def schedule_from_record(record: Mapping[str, Any]) -> LearningRateSchedule:
    """The schedule that `schedule_record` described."""
    return SCHEDULES[record["class"]](**record["settings"])
