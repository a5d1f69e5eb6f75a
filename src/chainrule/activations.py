"""Activations: `chainrule.activations.relu`, `chainrule.activations.leaky_relu(0.1)`.

Those without settings are functions on nodes; those with settings are called twice: once for the
object, once on a node.

>>> import chainrule as cr
>>> cr.activations.leaky_relu(negative_slope=0.1)
LeakyReluActivation(negative_slope=0.1)
>>> cr.activations.softsign(cr.variable([-1.0, 3.0])).value
array([-0.5 ,  0.75])
"""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.layers import (
    ACTIVATIONS,
    AdjustableActivation,
    EluActivation,
    GeluActivation,
    LeakyReluActivation,
    SmhtActivation,
    find_activation,
)

linear = ACTIVATIONS["linear"]
binary_step = ACTIVATIONS["binary_step"]
sigmoid = ACTIVATIONS["sigmoid"]
hard_sigmoid = ACTIVATIONS["hard_sigmoid"]
tanh = ACTIVATIONS["tanh"]
smht = SmhtActivation
softsign = ACTIVATIONS["softsign"]
relu = ACTIVATIONS["relu"]
relu6 = ACTIVATIONS["relu6"]
leaky_relu = LeakyReluActivation
elu = EluActivation
selu = ACTIVATIONS["selu"]
gelu = GeluActivation
silu = swish = ACTIVATIONS["silu"]
mish = ACTIVATIONS["mish"]
softplus = ACTIVATIONS["softplus"]
exponential = ACTIVATIONS["exponential"]
softmax = ACTIVATIONS["softmax"]
log_softmax = ACTIVATIONS["log_softmax"]
get = find_activation

__all__ = [
    "AdjustableActivation", "EluActivation", "GeluActivation", "LeakyReluActivation",
    "SmhtActivation", "binary_step", "elu", "exponential", "gelu", "get", "hard_sigmoid",
    "leaky_relu", "linear", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "smht", "softmax", "softplus", "softsign", "swish", "tanh",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("activations", __all__)
