"""A few of every layer, each with the shape of a row that it is given and gives."""

from chainrule import activations
from chainrule.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GroupNormalization,
    InputLayer,
    LayerNormalization,
    LeakyReLU,
    Mixup,
    Normalization,
    PReLU,
    RandomDistortion,
)

CASES = {
    "InputLayer": [(InputLayer((3,)), (3,), (3,))],
    "Flatten": [(Flatten(), (2, 3), (6,)), (Flatten(), (4,), (4,)), (Flatten(), (), (1,))],
    "Dense": [
        (Dense(2, "tanh"), (3,), (2,)),
        (Dense(1, use_bias=False), (4,), (1,)),
        (Dense(5, "softmax", kernel_initializer="he_normal"), (2, 3), (2, 5)),
        (
            Dense(2, kernel_regularizer="l2", bias_regularizer="l1", bias_trainable=False),
            (3,),
            (2,),
        ),
    ],
    "BatchNormalization": [
        (BatchNormalization(), (3,), (3,)),
        (BatchNormalization(0.5, 0.1, center=False, scale=False), (2, 4), (2, 4)),
    ],
    "LayerNormalization": [
        (LayerNormalization(), (3,), (3,)),
        (LayerNormalization(0.1, gamma_initializer="he_normal"), (2, 4), (2, 4)),
    ],
    "GroupNormalization": [
        (GroupNormalization(2), (4,), (4,)),
        (GroupNormalization(-1, scale=False), (3, 4), (3, 4)),
    ],
    "Normalization": [
        (Normalization(), (3,), (3,)),
        (Normalization(mean=[1.0, 2.0], variance=[4.0, 0.0]), (2,), (2,)),
        (Normalization(axis=None, mean=3.0, variance=0.25), (2, 3), (2, 3)),
    ],
    "Embedding": [(Embedding(7, 2), (3,), (3, 2)), (Embedding(4, 1), (), (1,))],
    "Activation": [
        (Activation("relu"), (3, 2), (3, 2)),
        (Activation("softmax"), (4,), (4,)),
        (Activation("gelu"), (4,), (4,)),
        (Activation(activations.leaky_relu), (4,), (4,)),
        (Activation(activations.smht(0.5, 1.0, 1.5, 2.0)), (4,), (4,)),
        (Activation(activations.mish), (2, 2), (2, 2)),
    ],
    "LeakyReLU": [(LeakyReLU(), (3,), (3,)), (LeakyReLU(0.0), (2, 2), (2, 2))],
    "PReLU": [
        (PReLU(), (3,), (3,)),
        (PReLU("random_normal", alpha_regularizer="l2"), (2, 3), (2, 3)),
        (PReLU(), (), ()),
    ],
    "Dropout": [(Dropout(0.5), (3,), (3,)), (Dropout(0.2, seed=4), (2, 2), (2, 2))],
    "GaussianNoise": [(GaussianNoise(0.1), (3,), (3,)), (GaussianNoise(0.0, seed=2), (), ())],
    "Mixup": [(Mixup(), (3,), (3,)), (Mixup(0.5, seed=2), (2, 2), (2, 2))],
    "RandomDistortion": [
        (RandomDistortion(shift=0.1, rotation=20), (4, 5), (4, 5)),
        (RandomDistortion(scale=0.2, elastic=0.1, smoothness=0.3, seed=2), (4, 5, 3), (4, 5, 3)),
        (RandomDistortion(), (4, 5), (4, 5)),
    ],
}
EVERY = [(name, *case) for name, cases in CASES.items() for case in cases]
