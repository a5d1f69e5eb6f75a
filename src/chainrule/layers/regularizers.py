"""Penalties on parameters, added to the loss: Keras's meaning of l1 and l2."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from chainrule.graph import Node, ops
from chainrule.settings import check_number, find_object

__all__ = [
    "L1", "L1L2", "L2", "REGULARIZERS", "InTraining", "Lp", "PerRow", "Regularizer",
    "find_regularizer",
]  # fmt: skip


@dataclass(frozen=True)
class Regularizer(ABC):
    """A function from a parameter's node to a scalar node that is added to the loss."""

    @abstractmethod
    def __call__(self, parameter: Node) -> Node:
        """The penalty of a parameter."""


def _check(owner: str, **strengths: Any) -> None:
    for name, value in strengths.items():
        check_number(owner, name, value, "of 0 or more", lambda strength: strength >= 0)


@dataclass(frozen=True)
class L1(Regularizer):
    """l1 * sum |w|

    >>> from chainrule.graph import variable
    >>> L1(0.5)(variable([1.0, -2.0])).value
    1.5
    """

    l1: float = 0.01

    def __post_init__(self) -> None:
        _check("l1", l1=self.l1)

    def __call__(self, parameter: Node) -> Node:
        size: Node = ops.abs(parameter)
        return float(self.l1) * size.sum()


@dataclass(frozen=True)
class L2(Regularizer):
    """l2 * sum w^2

    >>> from chainrule.graph import variable
    >>> L2(0.5)(variable([1.0, -2.0])).value
    2.5
    """

    l2: float = 0.01

    def __post_init__(self) -> None:
        _check("l2", l2=self.l2)

    def __call__(self, parameter: Node) -> Node:
        return float(self.l2) * (parameter * parameter).sum()


@dataclass(frozen=True)
class L1L2(Regularizer):
    """l1 * sum |w| + l2 * sum w^2"""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        _check("l1_l2", l1=self.l1, l2=self.l2)

    def __call__(self, parameter: Node) -> Node:
        return L1(self.l1)(parameter) + L2(self.l2)(parameter)


@dataclass(frozen=True)
class Lp(Regularizer):
    """strength * (sum |w|^p)^(1/p): the norm itself, where Keras's l2 is its square.

    p
        1 or more: 1 is the sum of absolute values, 2 the length.
    strength
        0 or more.

    The slope where all are 0 is taken as 0.

    >>> from chainrule.graph import variable
    >>> Lp(2, 0.5)(variable([3.0, -4.0])).value
    2.5
    """

    p: float = 2.0
    strength: float = 0.01

    def __post_init__(self) -> None:
        check_number("lp", "p", self.p, "of 1 or more", lambda p: p >= 1)
        _check("lp", strength=self.strength)

    def __call__(self, parameter: Node) -> Node:
        return float(self.strength) * ops.norm(parameter, p=float(self.p))


@dataclass(frozen=True)
class InTraining(Regularizer):
    """A penalty that is part of the loss in training, and left out where rows are evaluated.

    regularizer
        Name or object of the penalty.
    """

    regularizer: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "regularizer", find_regularizer(self.regularizer))

    def __call__(self, parameter: Node) -> Node:
        whole: Node = self.regularizer(parameter)
        return whole


@dataclass(frozen=True)
class PerRow(InTraining):
    """A penalty that the rows of a batch share: training divides it by their number, or by the sum
    of their weights where the loss is divided by that; scikit-learn's meaning of alpha.
    """


REGULARIZERS: dict[str, type[Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2, "lp": Lp}
"""What a regularizer's name stands for."""


def find_regularizer(given: Any) -> Regularizer | None:
    """The regularizer that a name, a class or an object stands for; None stays None.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_regularizer("l2")
    L2(l2=0.01)
    """
    if given is None:
        return None
    found: Regularizer = find_object("regularizer", given, REGULARIZERS, Regularizer)
    return found
