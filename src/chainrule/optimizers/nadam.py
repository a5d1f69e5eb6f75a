"""Adam with Nesterov's momentum; Keras's formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.optimizers.optimizer import Array, Optimizer, flushed
from chainrule.optimizers.schedule import Rate

__all__ = ["Nadam"]

STEPS = 256
"""Factors are computed for this many steps at once."""

WARMING = 1024
"""From this step on 1 - 0.96^t / 2 is 1 in float64, and the product of all u a power of beta_1."""


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat, 2016): with u_t = beta_1 (1 - 0.96^t / 2) and P_t the
    product of u_1 to u_t,

    m <- m + (1 - beta_1)(g - m), v <- v + (1 - beta_2)(g^2 - v),
    w <- w - rate * (u_(t+1) m / (1 - P_(t+1)) + (1 - u_t) g / (1 - P_t)) / (s + epsilon)
    with s = sqrt(v / (1 - beta_2^t)).

    beta_1, beta_2
        From 0 to below 1.
    epsilon
        Above 0.

    >>> import numpy as np
    >>> rule = Nadam(0.1)
    >>> weight, *slots = rule.update(np.ones(1), np.ones(1) * 2, rule.line(1), *np.zeros((2, 1)))
    >>> weight.round(9), rule.slots
    (array([0.89372122]), ('momentum', 'velocity'))
    """

    learning_rate: Rate = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta_1", "from 0 to below 1", lambda x: 0 <= x < 1)
        self._check("beta_2", "from 0 to below 1", lambda x: 0 <= x < 1)
        self._check("epsilon", "above 0", lambda x: x > 0)

    @property
    def slots(self) -> tuple[str, ...]:
        return ("momentum", "velocity")

    @property
    def scalars(self) -> tuple[str, ...]:
        return ("momentum_rate", "gradient_rate", "correction")

    def line(self, step: int) -> tuple[float, ...]:
        block, place = divmod(step - 1, STEPS)
        of_momentum, of_gradient, correction = _factors(self.beta_1, self.beta_2, block)[place]
        rate = self.rate(step)
        return rate * float(of_momentum), rate * float(of_gradient), float(correction)

    def lines(self, first: int, count: int) -> Array:
        block, start = divmod(first - 1, STEPS)
        blocks = range(block, block + math.ceil((start + count) / STEPS))
        kept = [_factors(self.beta_1, self.beta_2, block) for block in blocks]
        numbers = np.concatenate([np.empty((0, 3)), *kept])[start : start + count]
        numbers[:, :2] *= self._rates(first, count)
        return numbers

    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        of_momentum, of_gradient, correction = line
        momentum, velocity = slots
        momentum = flushed(momentum + (gradient - momentum) * (1.0 - self.beta_1))
        velocity = flushed(velocity + (gradient * gradient - velocity) * (1.0 - self.beta_2))
        step = momentum * of_momentum + gradient * of_gradient
        divisor = (velocity / correction) ** 0.5 + self.epsilon
        return weight - step / divisor, momentum, velocity


@lru_cache
def _products(beta_1: float) -> Array:
    """P_t for t up to WARMING."""
    return np.cumprod([1.0, *(_momentum(beta_1, t) for t in range(1, WARMING + 1))])


def _momentum(beta_1: float, t: int) -> float:
    """u_t"""
    return beta_1 * (1.0 - 0.5 * 0.96**t)


def _product(beta_1: float, t: int) -> float:
    """P_t, which depends on t alone and so is the same after any interruption."""
    if t <= WARMING:
        return float(_products(beta_1)[t])
    return float(_products(beta_1)[WARMING]) * beta_1 ** (t - WARMING)


@lru_cache(1024)
def _factors(beta_1: float, beta_2: float, block: int) -> Array:
    """u_(t+1) / (1 - P_(t+1)), (1 - u_t) / (1 - P_t) and 1 - beta_2^t for a block of steps."""
    first = block * STEPS + 1
    if first > WARMING and max(beta_2**first, _product(beta_1, first)) < 2.0**-54:
        return np.tile([beta_1, 1.0 - beta_1, 1.0], (STEPS, 1))  # 1 - product is 1 either way
    momentum = np.array([_momentum(beta_1, t) for t in range(first, first + STEPS + 1)])
    product = np.array([_product(beta_1, t) for t in range(first, first + STEPS + 1)])
    power = np.array([beta_2**t for t in range(first, first + STEPS)])
    of_momentum = momentum[1:] / (1.0 - product[1:])
    of_gradient = (1.0 - momentum[:-1]) / (1.0 - product[:-1])
    return np.stack([of_momentum, of_gradient, 1.0 - power], axis=1)
