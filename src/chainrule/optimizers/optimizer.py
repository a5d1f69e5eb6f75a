"""What an optimizer is: state that starts somewhere, and a rule that moves the weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError
from chainrule.graph import Node, ops
from chainrule.optimizers.schedule import Rate, rate_of, rates_of
from chainrule.settings import check_flag, check_number

__all__ = ["Optimizer", "flushed", "larger"]

Array = np.ndarray[Any, np.dtype[Any]]

SMALLEST = 1e-30
"""State of a smaller absolute value is set to 0: sums that fade must not become denormal."""


def flushed(x: Any) -> Any:
    """x, or 0 where |x| < 1e-30; of a node a node, of an array an array."""
    return ops.flush(x) if isinstance(x, Node) else ops.flush.meaning(x, threshold=SMALLEST)


def larger(x: Any, y: Any) -> Any:
    """The larger of two, element by element; of nodes a node, of arrays an array."""
    return ops.maximum(x, y) if isinstance(x, Node) else np.maximum(x, y)


@dataclass(frozen=True)
class Optimizer(ABC):
    """A description of how weights move; state and step count live with what is trained.

    learning_rate
        A number above 0; a schedule of `chainrule.optimizers.schedules`; or a function that gives
        the rate of a step, counted from 0.
    clipnorm
        Where given, a parameter's gradient of a larger norm is scaled down to this one.
    clipvalue
        Where given, each number of a gradient is cut to lie between -clipvalue and clipvalue.
    global_clipnorm
        Where given, the gradients of all parameters are scaled together, so that the norm of all
        numbers is at most this. Only one of the three may be given; above 0.

    `line(step)` gives, in float64, what changes by step but not by weight (`rate(step)` is the
    learning rate); `update` is the rule, written in operators, so that it runs on arrays (try it)
    and on nodes (compiled) alike. `slots` names the arrays that it keeps, each with a number for
    each weight.
    """

    learning_rate: Rate
    clipnorm: float | None = field(default=None, kw_only=True)
    clipvalue: float | None = field(default=None, kw_only=True)
    global_clipnorm: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not callable(self.learning_rate):
            self._check("learning_rate", "above 0 or a schedule", lambda rate: rate > 0)
        elif isinstance(self.learning_rate, type):
            name = self.learning_rate.__name__
            message = (
                f"{type(self).__name__}: learning_rate is the class {name}; give an object of it."
            )
            raise InputTypeError(message)
        clips = ("clipnorm", "clipvalue", "global_clipnorm")
        given = [name for name in clips if getattr(self, name) is not None]
        for name in given:
            self._check(name, "above 0", lambda most: most > 0)
        if len(given) > 1:
            message = (
                f"{type(self).__name__}: only one of clipnorm, clipvalue and global_clipnorm may "
                f"be given, got {' and '.join(given)}."
            )
            raise SettingError(message)

    @property
    def slots(self) -> tuple[str, ...]:
        """What its state is called; empty where it keeps none."""
        return ()

    def initial(self, slot: str) -> float:
        """What a slot holds before the first step."""
        return 0.0

    @property
    def scalars(self) -> tuple[str, ...]:
        """What the numbers of a line are called."""
        return ("learning_rate",)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1."""
        rate = self.learning_rate
        return rate_of(rate, step - 1) if callable(rate) else rate

    def line(self, step: int) -> tuple[float, ...]:
        """The numbers of a step, counted from 1."""
        return (self.rate(step),)

    def lines(self, first: int, count: int) -> Array:
        """What `line` gives for steps in a row, in float64, shape (count, scalars)."""
        if type(self).line is Optimizer.line:
            return np.full((count, 1), self._rates(first, count))
        numbers = [self.line(step) for step in range(first, first + count)]
        return np.array(numbers, np.float64).reshape(count, len(self.scalars))

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        line, lines = (
            next(place for place, kind in enumerate(cls.__mro__) if name in vars(kind))
            for name in ("line", "lines")
        )
        if line < lines:  # a line of one's own is asked step by step
            cls.lines = Optimizer.lines  # type: ignore[method-assign]

    def _rates(self, first: int, count: int) -> Any:
        """The rates of steps in a row as a column; one number where they do not differ."""
        rate = self.learning_rate
        return rates_of(rate, first - 1, count)[:, None] if callable(rate) else rate

    @abstractmethod
    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        """The new weight and the new slots.

        weight, gradient, slots
            Arrays, or nodes.
        line
            What `line(step)` gave: numbers, or scalar nodes.
        """

    def _check(self, setting: str, allowed: str, holds: Callable[[float], bool]) -> None:
        """Keep a setting as a float; raise unless it is a finite number and `holds`."""
        owner, value = type(self).__name__, getattr(self, setting)
        object.__setattr__(self, setting, check_number(owner, setting, value, allowed, holds))

    def _check_flag(self, setting: str) -> None:
        check_flag(type(self).__name__, setting, getattr(self, setting))
