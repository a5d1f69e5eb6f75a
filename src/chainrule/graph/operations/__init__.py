"""Every operation by name: `chainrule.ops`.

>>> import chainrule as cr
>>> cr.ops.softmax([1000.0, 0.0, -1000.0]).value
array([1., 0., 0.])
"""

from chainrule.errors import missing_from
from chainrule.graph.operations.activation import (
    elu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from chainrule.graph.operations.composed import clip, greater_equal, norm, where
from chainrule.graph.operations.elementwise import (
    absolute,
    add,
    cast,
    cos,
    divide,
    equal,
    erf,
    exp,
    expm1,
    flush,
    greater,
    log,
    log1p,
    masked,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    sign,
    sin,
    sqrt,
    stop_gradient,
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
from chainrule.graph.operations.random import dropout_mask, random_normal, random_uniform
from chainrule.graph.operations.reduction import (
    argmax,
    broadcast_to,
    count,
    max_ as max,  # noqa: A004
    mean,
    min_ as min,  # noqa: A004
    sum_ as sum,  # noqa: A004
)
from chainrule.graph.operations.sampling import flip, sample_bilinear, spread_bilinear
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
    "abs", "absolute_error", "add", "argmax", "broadcast_to", "cast", "clip", "concatenate", "cos",
    "count", "divide", "dropout_mask", "elu", "equal", "erf", "exp", "expm1", "flip", "flush",
    "gather", "greater", "greater_equal", "leaky_relu", "log", "log1p", "log_softmax", "masked",
    "matmul", "max", "maximum", "mean", "min", "minimum", "multiply", "narrow", "negative", "norm",
    "one_hot", "power", "random_normal", "random_uniform", "relu", "reshape", "sample_bilinear",
    "scatter_add", "sigmoid", "sigmoid_cross_entropy", "sign", "sin", "softmax",
    "softmax_cross_entropy", "softmax_cross_entropy_slope", "softplus", "spread_bilinear", "sqrt",
    "squared_error", "stop_gradient", "subtract", "sum", "tanh", "transpose", "where", "widen",
]  # fmt: skip

__getattr__ = missing_from("ops", __all__)
