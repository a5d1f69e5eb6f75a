"""A few of every layer, each with the shape of a row that it is given and gives."""

from chainrule.layers import Activation, Dense, Dropout, Flatten, InputLayer

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
    "Activation": [(Activation("relu"), (3, 2), (3, 2)), (Activation("softmax"), (4,), (4,))],
    "Dropout": [(Dropout(0.5), (3,), (3,)), (Dropout(0.2, seed=4), (2, 2), (2, 2))],
}
EVERY = [(name, *case) for name, cases in CASES.items() for case in cases]
