"""Constraints: what a parameter is made to keep after each update; Keras's formulas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.graph import Node, ops
from chainrule.settings import check_number, find_object

__all__ = ["CONSTRAINTS", "Constraint", "MaxNorm", "NonNeg", "UnitNorm", "find_constraint"]

EPSILON = 1e-7
"""Added to a norm before it divides (Keras)."""


@dataclass(frozen=True)
class Constraint(ABC):
    """A function from a parameter's node to one of the same shape that takes its place.

    One of one's own is a frozen dataclass with `__call__`, written in operations; starting values
    are not touched.

    >>> from dataclasses import dataclass
    >>> from chainrule.graph import ops, variable
    >>> @dataclass(frozen=True)
    ... class Bounded(Constraint):
    ...     most: float = 1.0
    ...
    ...     def __call__(self, parameter):
    ...         return ops.minimum(parameter, self.most)
    >>> Bounded()(variable([0.5, 2.0])).value
    array([0.5, 1. ])
    """

    @abstractmethod
    def __call__(self, parameter: Node) -> Node:
        """What the parameter becomes."""


def _norm(parameter: Node, axis: int | tuple[int, ...]) -> Node:
    norm: Node = ops.norm(parameter, axis=axis, keepdims=True)
    return norm


def _checked_axis(owner: str, axis: Any) -> int | tuple[int, ...]:
    several = isinstance(axis, Iterable) and not isinstance(axis, str)
    listed = tuple(axis) if several else (axis,)
    if not all(isinstance(one, int | np.integer) and not isinstance(one, bool) for one in listed):
        message = f"{owner}: axis must be a whole number or a list of these, got {axis!r}."
        raise SettingError(message)
    return tuple(map(int, listed)) if several else int(axis)


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """w * min(norm, max_value) / (norm + 1e-7), the norm taken along an axis: with axis 0 that of
    the weights into each unit of a dense layer (Srebro and Shraibman, 2005).

    max_value
        0 or more.
    axis
        One axis, or several.

    >>> from chainrule.graph import variable
    >>> MaxNorm(2.0)(variable([[3.0, 0.3], [4.0, 0.4]])).value.round(6)
    array([[1.2, 0.3],
           [1.6, 0.4]])
    """

    max_value: float = 2
    axis: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        check_number("max_norm", "max_value", self.max_value, "of 0 or more", lambda x: x >= 0)
        object.__setattr__(self, "axis", _checked_axis("max_norm", self.axis))

    def __call__(self, parameter: Node) -> Node:
        norm = _norm(parameter, self.axis)
        return parameter * (ops.minimum(norm, float(self.max_value)) / (norm + EPSILON))


@dataclass(frozen=True)
class NonNeg(Constraint):
    """max(w, 0)

    >>> from chainrule.graph import variable
    >>> NonNeg()(variable([-1.0, 2.0])).value
    array([0., 2.])
    """

    def __call__(self, parameter: Node) -> Node:
        kept: Node = ops.maximum(parameter, 0.0)
        return kept


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """w / (norm + 1e-7), the norm taken along an axis.

    axis
        One axis, or several.

    >>> from chainrule.graph import variable
    >>> UnitNorm()(variable([[3.0], [4.0]])).value.round(6).tolist()
    [[0.6], [0.8]]
    """

    axis: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", _checked_axis("unit_norm", self.axis))

    def __call__(self, parameter: Node) -> Node:
        return parameter / (_norm(parameter, self.axis) + EPSILON)


CONSTRAINTS: dict[str, type[Constraint]] = {
    "max_norm": MaxNorm,
    "non_neg": NonNeg,
    "unit_norm": UnitNorm,
}
"""What a constraint's name stands for."""


def find_constraint(given: Any) -> Constraint | None:
    """The constraint that a name, a class or an object stands for; None stays None.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_constraint("max_norm")
    MaxNorm(max_value=2, axis=0)
    """
    if given is None:
        return None
    found: Constraint = find_object("constraint", given, CONSTRAINTS, Constraint)
    return found
