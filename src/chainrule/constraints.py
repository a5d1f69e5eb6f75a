"""Constraints: `chainrule.constraints.max_norm(3)`; the classes have Keras's names."""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.layers import Constraint, MaxNorm, NonNeg, UnitNorm, find_constraint

max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
get = find_constraint

__all__ = ["Constraint", "MaxNorm", "NonNeg", "UnitNorm", "get", "max_norm", "non_neg", "unit_norm"]

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("constraints", __all__)
