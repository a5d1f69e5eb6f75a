"""Optimizers that scale each weight's step by the size of its gradients; Keras's formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.optimizers.optimizer import Array, Optimizer, flushed, larger
from chainrule.optimizers.schedule import Rate

__all__ = ["Adagrad", "Adam", "AdamW", "RMSprop"]

STEPS = 256
"""Corrections are computed for this many steps at once."""


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """v <- rho v + (1 - rho) g^2; w <- w - rate * g / sqrt(v + epsilon) (Tieleman, Hinton, 2012).

    rho
        From 0 to below 1.
    momentum
        m <- momentum * m + step; w <- w - m, where it is above 0.
    epsilon
        Above 0, under the root.
    centered
        Divides by the deviation of g: v - (mean of g)^2 in place of v.
    """

    learning_rate: Rate = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("rho", "from 0 to below 1", lambda x: 0 <= x < 1)
        self._check("momentum", "from 0 to 1", lambda x: 0 <= x <= 1)
        self._check("epsilon", "above 0", lambda x: x > 0)
        self._check_flag("centered")

    @property
    def slots(self) -> tuple[str, ...]:
        mean = ("mean",) if self.centered else ()
        return ("velocity", *mean, *(("momentum",) if self.momentum else ()))

    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        (rate,) = line
        old = dict(zip(self.slots, slots, strict=True))
        new = {
            "velocity": flushed(self.rho * old["velocity"] + (1.0 - self.rho) * gradient * gradient)
        }
        spread = new["velocity"]
        if self.centered:
            new["mean"] = flushed(self.rho * old["mean"] + (1.0 - self.rho) * gradient)
            # rounding may take the difference below 0, where a root has no value
            spread = larger(spread - new["mean"] * new["mean"], 0.0)
        step = rate * gradient / (spread + self.epsilon) ** 0.5
        if self.momentum:
            step = new["momentum"] = flushed(self.momentum * old["momentum"] + step)
        return (weight - step, *new.values())


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """v <- v + g^2; w <- w - rate * g / sqrt(v + epsilon) (Duchi et al., 2011).

    initial_accumulator_value
        What v is before the first step, 0 or more.
    epsilon
        Above 0, under the root.
    """

    learning_rate: Rate = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("initial_accumulator_value", "of 0 or more", lambda x: x >= 0)
        self._check("epsilon", "above 0", lambda x: x > 0)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("accumulator",)

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value

    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        (rate,) = line
        accumulator = flushed(slots[0] + gradient * gradient)
        step = rate * gradient / (accumulator + self.epsilon) ** 0.5
        return weight - step, accumulator


def _correction(beta_1: float, beta_2: float, step: int) -> float:
    return math.sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)


@lru_cache
def _corrections(beta_1: float, beta_2: float, block: int) -> Array:
    """The corrections of a block of steps, shape (STEPS, 1): powers cost more than small steps."""
    powers_1, powers_2 = (_powers(beta, block * STEPS + 1) for beta in (beta_1, beta_2))
    return (np.sqrt(1.0 - powers_2) / (1.0 - powers_1)).reshape(STEPS, 1)


def _powers(beta: float, first: int) -> Array:
    """The powers of a block of steps: Python's own, to which NumPy's are equal only nearly."""
    if beta**first < 2.0**-54:
        return np.zeros(STEPS)  # 1 - power is 1 either way
    return np.array([beta**step for step in range(first, first + STEPS)])


class _Moments(Optimizer):
    """The rule of Adam, whatever the order of its settings."""

    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", "from 0 to below 1", lambda x: 0 <= x < 1)
        self._check("beta_2", "from 0 to below 1", lambda x: 0 <= x < 1)
        self._check("epsilon", "above 0", lambda x: x > 0)
        self._check_flag("amsgrad")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("momentum", "velocity", *(("largest",) if self.amsgrad else ()))

    @property
    def scalars(self) -> tuple[str, ...]:
        return ("alpha",)

    def line(self, step: int) -> tuple[float, ...]:
        return (self.rate(step) * _correction(self.beta_1, self.beta_2, step),)

    def lines(self, first: int, count: int) -> Array:
        block, start = divmod(first - 1, STEPS)
        blocks = range(block, block + math.ceil((start + count) / STEPS))
        kept = [_corrections(self.beta_1, self.beta_2, block) for block in blocks]
        numbers = kept[0] if len(kept) == 1 else np.concatenate(kept)
        alphas: Array = self._rates(first, count) * numbers[start : start + count]
        return alphas

    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        alpha, momentum, velocity = line[0], slots[0], slots[1]
        momentum = flushed(momentum + (gradient - momentum) * (1.0 - self.beta_1))
        velocity = flushed(velocity + (gradient * gradient - velocity) * (1.0 - self.beta_2))
        largest = (larger(slots[2], velocity),) if self.amsgrad else ()
        divisor = (largest[0] if largest else velocity) ** 0.5 + self.epsilon
        return (weight - momentum * alpha / divisor, momentum, velocity, *largest)


@dataclass(frozen=True)
class Adam(_Moments):
    """m <- m + (1 - beta_1)(g - m), v <- v + (1 - beta_2)(g^2 - v),
    w <- w - alpha * m / (sqrt(v) + epsilon) with alpha = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)
    (Kingma and Ba, 2015).

    beta_1, beta_2
        From 0 to below 1.
    epsilon
        Above 0.
    amsgrad
        Divides by the root of the largest v so far (Reddi et al., 2018).

    >>> Adam(0.001).line(1)[0] == 0.001 * ((1 - 0.999) ** 0.5 / (1 - 0.9))
    True
    """

    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False


@dataclass(frozen=True)
class AdamW(_Moments):
    """Adam, with w <- w - rate * weight_decay * w before each step (Loshchilov and Hutter, 2019).

    weight_decay
        0 or more; all weights decay, biases too (Keras).
    """

    learning_rate: Rate = 0.001
    weight_decay: float = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("weight_decay", "of 0 or more", lambda x: x >= 0)

    @property
    def scalars(self) -> tuple[str, ...]:
        return ("alpha", "decay")

    def line(self, step: int) -> tuple[float, ...]:
        return (*super().line(step), self.rate(step) * self.weight_decay)

    def lines(self, first: int, count: int) -> Array:
        decay = np.full((count, 1), self._rates(first, count) * self.weight_decay)
        return np.concatenate([super().lines(first, count), decay], axis=1)

    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        return super().update(weight - weight * line[1], gradient, line, *slots)
