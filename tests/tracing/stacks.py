"""Networks of every kind with rows for them, to be traced."""

import numpy as np

import chainrule as cr
from chainrule import layers, losses, optimizers

DENSE = layers.Dense
STACKS = {
    "plain": lambda: [DENSE(4, "tanh"), DENSE(3, "sigmoid")],
    "no bias": lambda: [DENSE(4, "softsign", use_bias=False), DENSE(3)],
    "penalties": lambda: [
        DENSE(4, "elu", kernel_regularizer="l2", bias_regularizer="l1"),
        DENSE(3, kernel_regularizer=cr.regularizers.l1_l2(0.1, 0.2), activity_regularizer="l2"),
    ],
    "dropout": lambda: [layers.Dropout(0.4), DENSE(6, "relu"), layers.Dropout(0.5), DENSE(3)],
    "batch norm": lambda: [DENSE(5), layers.BatchNormalization(), layers.Activation("silu"),
                           DENSE(3)],
    "layer norm": lambda: [DENSE(4), layers.LayerNormalization(), layers.PReLU(), DENSE(3)],
    "composed": lambda: [DENSE(4, "mish"), DENSE(4, "gelu"), layers.LeakyReLU(), DENSE(3, "selu")],
    "noise": lambda: [layers.GaussianNoise(0.3), DENSE(4, "hard_sigmoid"), DENSE(3)],
    "mixed": lambda: [layers.Mixup(0.4), DENSE(4, "tanh"), DENSE(3)],
    "frozen": lambda: [DENSE(4, "tanh", trainable=False), DENSE(3, bias_trainable=False)],
    "constraint": lambda: [DENSE(4, kernel_constraint=cr.constraints.max_norm(0.5)), DENSE(3)],
}  # fmt: skip
ENDINGS = {
    "mse": (None, losses.MeanSquaredError(), "numbers"),
    "textbook": ("sigmoid", losses.SquaredError(), "shares"),
    "sum": (None, losses.Huber(reduction="sum"), "numbers"),
    "mae": (None, losses.MeanAbsoluteError(), "numbers"),
    "bce": ("sigmoid", losses.BinaryCrossentropy(), "shares"),
    "cce": ("softmax", losses.CategoricalCrossentropy(), "one hot"),
    "sparse": ("softmax", losses.SparseCategoricalCrossentropy(), "labels"),
    "poisson": ("exponential", losses.Poisson(), "counts"),
}
RULES = {
    "sgd": optimizers.SGD(0.5),
    "momentum": optimizers.SGD(0.1, momentum=0.9),
    "nesterov": optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": optimizers.Adam(0.01),
    "adamw": optimizers.AdamW(0.01),
    "rmsprop": optimizers.RMSprop(0.01),
    "adagrad": optimizers.Adagrad(0.1),
    "nadam": optimizers.Nadam(0.01),
    "clipped": optimizers.SGD(0.5, global_clipnorm=0.1),
    "decaying": optimizers.SGD(optimizers.schedules.ExponentialDecay(0.5, 3, 0.5)),
}
CASES = [
    *((stack, "mse", "sgd") for stack in STACKS),
    *(("plain", ending, "momentum") for ending in ENDINGS),
    *(("dropout", "bce", rule) for rule in RULES),
    ("penalties", "sparse", "adam"),
    ("batch norm", "cce", "rmsprop"),
]


def network(stack, ending, rule, dtype="float64", engine="auto"):
    """A compiled model of three inputs, three outputs."""
    activation, loss, _ = ENDINGS[ending]
    members = [*STACKS[stack](), DENSE(3, activation, name="last")]
    model = cr.Sequential([layers.Input((3,)), *members], seed=5, dtype=dtype)
    model.compile(RULES[rule], loss, engine=engine)
    return model


def rows(ending, count=4, dtype="float64"):
    """Inputs and targets."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(count, 3)).astype(dtype)
    y = {
        "numbers": rng.normal(size=(count, 3)),
        "shares": rng.random((count, 3)),
        "one hot": np.eye(3)[np.arange(count) % 3],
        "labels": np.arange(count) % 3,
        "counts": rng.integers(0, 5, (count, 3)).astype(float),
    }[ENDINGS[ending][2]]
    return X, y
