"""Regularizers: `chainrule.regularizers.l2(0.01)`; the classes have Keras's names."""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.layers import L1, L1L2, L2, Lp, Regularizer, find_regularizer

l1 = L1
l2 = L2
l1_l2 = L1L2
lp = Lp
get = find_regularizer

__all__ = ["L1", "L1L2", "L2", "Lp", "Regularizer", "get", "l1", "l1_l2", "l2", "lp"]

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("regularizers", __all__)
