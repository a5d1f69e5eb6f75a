"""Layers: frozen descriptions of what a network does; and the networks made of them."""

from typing import TYPE_CHECKING

from chainrule.errors import missing_from
from chainrule.layers.activations import (
    ACTIVATIONS,
    AdjustableActivation,
    EluActivation,
    GeluActivation,
    LeakyReluActivation,
    SmhtActivation,
    activation_name,
    find_activation,
)
from chainrule.layers.constraints import (
    CONSTRAINTS,
    Constraint,
    MaxNorm,
    NonNeg,
    UnitNorm,
    find_constraint,
)
from chainrule.layers.core import Activation, Dense, Dropout, Flatten
from chainrule.layers.embedding import Embedding
from chainrule.layers.expansion import GaussianNoise, Mixup, RandomDistortion
from chainrule.layers.initializers import (
    INITIALIZERS,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    Zeros,
    find_initializer,
)
from chainrule.layers.input import Input, InputLayer, row_shape
from chainrule.layers.layer import Draws, Layer, Parameter, check_layer, layer_names
from chainrule.layers.network import Layered, Network, NetworkInput, Stack
from chainrule.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    Normalization,
)
from chainrule.layers.parameters import Parameters
from chainrule.layers.record import LAYERS, is_own, layer_from_record, layer_record
from chainrule.layers.regularizers import (
    L1,
    L1L2,
    L2,
    REGULARIZERS,
    InTraining,
    Lp,
    PerRow,
    Regularizer,
    find_regularizer,
)
from chainrule.layers.slopes import LeakyReLU, PReLU

__all__ = [
    "ACTIVATIONS", "CONSTRAINTS", "INITIALIZERS", "L1", "L1L2", "L2", "LAYERS", "REGULARIZERS",
    "Activation", "AdjustableActivation", "BatchNormalization", "Constant", "Constraint", "Dense",
    "Draws", "Dropout", "EluActivation", "Embedding", "Flatten", "GaussianNoise", "GeluActivation",
    "GlorotNormal", "GlorotUniform", "GroupNormalization", "HeNormal", "HeUniform", "InTraining",
    "Initializer", "Input", "InputLayer", "Layer", "LayerNormalization", "Layered", "LeakyReLU",
    "LeakyReluActivation", "LecunNormal", "LecunUniform", "Lp", "MaxNorm", "Mixup", "Network",
    "NetworkInput", "NonNeg", "Normalization", "Ones", "Orthogonal", "PReLU", "Parameter",
    "Parameters", "PerRow", "RandomDistortion", "RandomNormal", "RandomUniform", "Regularizer",
    "SmhtActivation", "Stack", "TruncatedNormal", "UnitNorm", "Zeros", "activation_name",
    "check_layer", "find_activation", "find_constraint", "find_initializer", "find_regularizer",
    "is_own", "layer_from_record", "layer_names", "layer_record", "row_shape",
]  # fmt: skip

if not TYPE_CHECKING:  # a type checker knows what is there
    __getattr__ = missing_from("layers", [*LAYERS, "Input", "Layer", "Parameter"])
