"""Gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.optimizers.optimizer import Optimizer, flushed
from chainrule.optimizers.schedule import Rate

__all__ = ["SGD"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """w <- w - rate * g; with momentum v <- momentum * v - rate * g, w <- w + v (Polyak, 1964).

    momentum
        From 0 to 1.
    nesterov
        w <- w + momentum * v - rate * g with the new v (Nesterov, 1983).

    >>> import numpy as np
    >>> rule = SGD(0.5)
    >>> rule.update(np.array([1.0]), np.array([0.2]), rule.line(1))
    (array([0.9]),)
    """

    learning_rate: Rate = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("momentum", "from 0 to 1", lambda x: 0 <= x <= 1)
        self._check_flag("nesterov")

    @property
    def slots(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def update(self, weight: Any, gradient: Any, line: Any, *slots: Any) -> tuple[Any, ...]:
        (rate,) = line
        if not slots:
            return (weight - gradient * rate,)
        velocity = flushed(self.momentum * slots[0] - gradient * rate)
        if self.nesterov:
            return weight + self.momentum * velocity - gradient * rate, velocity
        return weight + velocity, velocity
