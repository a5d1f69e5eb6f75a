"""Every operation by name: `chainrule.ops`.

>>> import chainrule as cr
>>> cr.ops.softmax([1000.0, 0.0, -1000.0]).value
array([1., 0., 0.])
"""

from typing import Any

from chainrule.errors import MissingNameError, nearest
from chainrule.graph.operations.activation import log_softmax, relu, sigmoid, softmax, tanh
from chainrule.graph.operations.elementwise import (
    absolute,
    add,
    cast,
    divide,
    equal,
    exp,
    flush,
    greater,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    sign,
    sqrt,
    subtract,
)
from chainrule.graph.operations.linear import matmul
from chainrule.graph.operations.loss import (
    absolute_error,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    softmax_cross_entropy_slope,
    squared_error,
)
from chainrule.graph.operations.random import dropout_mask
from chainrule.graph.operations.reduction import (
    argmax,
    broadcast_to,
    count,
    max_ as max,  # noqa: A004
    mean,
    min_ as min,  # noqa: A004
    sum_ as sum,  # noqa: A004
)
from chainrule.graph.operations.shaping import (
    concatenate,
    gather,
    narrow,
    one_hot,
    reshape,
    scatter_add,
    transpose,
    widen,
)

abs = absolute  # noqa: A001

__all__ = [
    "abs", "absolute_error", "add", "argmax", "broadcast_to", "cast", "concatenate", "count",
    "divide", "dropout_mask", "equal", "exp", "flush", "gather", "greater", "log", "log_softmax",
    "matmul", "max", "maximum", "mean", "min", "minimum", "multiply", "narrow", "negative",
    "one_hot", "power", "relu", "reshape", "scatter_add", "sigmoid", "sigmoid_cross_entropy",
    "sign", "softmax", "softmax_cross_entropy",
    "softmax_cross_entropy_slope", "sqrt", "squared_error", "subtract", "sum",
    "tanh", "transpose", "widen",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    message = f"ops: {name!r} is not known; {nearest(name, __all__)}"
    raise MissingNameError(message)
