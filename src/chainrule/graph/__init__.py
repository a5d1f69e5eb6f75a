"""The computational graph: operations, nodes, and their derivatives as more graph."""

from chainrule.graph import operations as ops
from chainrule.graph.gradient import (
    STEPS,
    check_gradient,
    grad,
    gradients,
    handed_to_each,
    largest_error,
    measured_slope,
    reachable,
)
from chainrule.graph.node import Node, constant, input_node, make, parameter, variable
from chainrule.graph.operation import OPERATIONS, OWN_OPERATIONS, Operation, operation
from chainrule.graph.row_place import FIRST, MIXED, UNKNOWN, RowPlace, row_place
from chainrule.graph.segments import Segment, segments
from chainrule.graph.settling import SETTLED, Slopes, settled_slope
from chainrule.graph.shape import Rows, Shape, Size, bind, broadcast
from chainrule.graph.tangent import jvp

__all__ = [
    "FIRST",
    "MIXED",
    "OPERATIONS",
    "OWN_OPERATIONS",
    "SETTLED",
    "STEPS",
    "UNKNOWN",
    "Node",
    "Operation",
    "RowPlace",
    "Rows",
    "Segment",
    "Shape",
    "Size",
    "Slopes",
    "bind",
    "broadcast",
    "check_gradient",
    "constant",
    "grad",
    "gradients",
    "handed_to_each",
    "input_node",
    "jvp",
    "largest_error",
    "make",
    "measured_slope",
    "operation",
    "ops",
    "parameter",
    "reachable",
    "row_place",
    "segments",
    "settled_slope",
    "variable",
]
