"""Networks of many kinds with a batch each, and expressions, to be traced."""

import numpy as np

import chainrule as cr
from chainrule import examples, layers, losses, optimizers, regularizers
from chainrule.estimators.network import Head, TableNetwork
from chainrule.tracing import trace_steps
from chainrule.tracing.notation import as_notation
from chainrule.training import Trainer

MAZUR = {
    "weights": "w{n}", "biases": "b{layer}", "digits": 8, "loss": "E",
    "units": [["i1", "i2"], ["h1", "h2"], ["o1", "o2"]],
}  # fmt: skip
HAN = {
    "weights": "w{from}{to}", "biases": "b{to}", "digits": 5, "errors": True,
    "units": [["1", "2", "3"], ["4", "5"], ["6"]],
}  # fmt: skip


def mazur(**how):
    """Worked example A in its author's names."""
    example = examples.mazur()
    return example.model.trace(example.arrays["X"], example.arrays["y"], **(MAZUR | how))


def han(**how):
    """Worked example B in its authors' names, with errors in place of deltas."""
    example = examples.han()
    return example.model.trace(example.arrays["X"], example.arrays["y"], **(HAN | how))


def model(inputs, *stack, loss="mse", optimizer="sgd", dtype="float64", seed=3):
    """A compiled network."""
    made = cr.Sequential([layers.Input(_axes(inputs)), *stack], seed=seed, dtype=dtype)
    made.compile(optimizer, loss)
    return made


def _axes(inputs):
    """The shape of a row: of so many numbers, or with further axes."""
    return (inputs,) if isinstance(inputs, int) else inputs


def batch(rows, inputs, outputs, kind="numbers", seed=0):
    """Rows and targets."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, *_axes(inputs)))
    shape = (rows, *_axes(outputs))
    if kind == "labels":
        return X, rng.integers(0, shape[-1], shape[:-1])
    if kind == "one-hot":
        return X, np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if kind == "binary":
        return X, rng.integers(0, 2, shape).astype(float)
    if kind == "shares":
        y = rng.random(shape)
        return X, y / y.sum(axis=-1, keepdims=True)
    if kind == "codes":
        return rng.integers(0, 5, (rows, inputs)), rng.normal(size=shape)
    if kind == "counts":
        return X, rng.poisson(2.0, shape).astype(float)
    return X, rng.normal(size=shape)


Dense, Dropout = layers.Dense, layers.Dropout

NETWORKS = {
    "squared error": (
        [Dense(2, "sigmoid"), Dense(2)],
        {"loss": "squared_error"},
        (1, 2, 2),
    ),
    "mse, two outputs": (
        [Dense(4, "tanh"), Dense(2)],
        {},
        (3, 3, 2),
    ),
    "mae": (
        [Dense(4, "relu"), Dense(2)],
        {"loss": "mae"},
        (2, 3, 2),
    ),
    "huber": (
        [Dense(2, "tanh"), Dense(2)],
        {"loss": losses.Huber(0.4)},
        (3, 3, 2),
    ),
    "quantile": (
        [Dense(2, "gelu"), Dense(1)],
        {"loss": losses.Quantile(0.9)},
        (3, 3, 1),
    ),
    "poisson": (
        [Dense(2, "tanh"), Dense(1, "exponential")],
        {"loss": "poisson"},
        (3, 3, 1, "counts"),
    ),
    "binary": (
        [Dense(2, "softplus"), Dense(1, "sigmoid")],
        {"loss": "binary_crossentropy"},
        (3, 3, 1, "binary"),
    ),
    "three binary": (
        [Dense(2, "elu"), Dense(3, "sigmoid")],
        {"loss": "binary_crossentropy"},
        (2, 3, 3, "binary"),
    ),
    "binary from logits": (
        [Dense(2, "tanh"), Dense(1)],
        {"loss": losses.BinaryCrossentropy(from_logits=True)},
        (2, 3, 1, "binary"),
    ),
    "binary of relu": (
        [Dense(2, "tanh"), Dense(1, "hard_sigmoid")],
        {"loss": "binary_crossentropy"},
        (2, 3, 1, "binary"),
    ),
    "classes": (
        [Dense(4, "relu"), Dense(3, "softmax")],
        {"loss": "categorical_crossentropy"},
        (3, 3, 3, "one-hot"),
    ),
    "shares": (
        [Dense(3, "softmax")],
        {"loss": "categorical_crossentropy"},
        (2, 3, 3, "shares"),
    ),
    "labels": (
        [Dense(4, "tanh"), Dense(3, "softmax")],
        {"loss": "sparse_categorical_crossentropy"},
        (3, 3, 3, "labels"),
    ),
    "labels from logits": (
        [Dense(3)],
        {"loss": losses.SparseCategoricalCrossentropy(from_logits=True)},
        (2, 3, 3, "labels"),
    ),
    "activation layer": (
        [Dense(2), layers.Activation("tanh"), Dense(3), layers.Activation("softmax")],
        {"loss": "categorical_crossentropy"},
        (2, 3, 3, "one-hot"),
    ),
    "softmax with mse": (
        [Dense(2, "tanh"), Dense(3, "softmax")],
        {"loss": "mse"},
        (2, 3, 3, "one-hot"),
    ),
    "hidden softmax": (
        [Dense(3, "softmax"), Dense(1)],
        {},
        (2, 3, 1),
    ),
    "dropout": (
        [Dropout(0.3), Dense(4, "relu"), Dropout(0.5), Dense(1)],
        {},
        (3, 3, 1),
    ),
    "dropout around a norm": (
        [Dense(4), Dropout(0.5), layers.BatchNormalization(), Dropout(0.2), Dense(1)],
        {},
        (3, 3, 1),
    ),
    "shared penalty": (
        [
            Dense(4, "tanh", kernel_regularizer=layers.PerRow("l2"), activity_regularizer="l2"),
            layers.LayerNormalization(gamma_regularizer="l2"),
            Dense(1),
        ],
        {"loss": losses.MeanSquaredError(reduction="mean_with_sample_weight")},
        (3, 3, 1),
    ),
    "batch norm": (
        [Dense(3), layers.BatchNormalization(), layers.Activation("relu"), Dense(2)],
        {},
        (4, 3, 2),
    ),
    "layer norm": (
        [Dense(3, "tanh"), layers.LayerNormalization(), Dense(2)],
        {},
        (3, 3, 2),
    ),
    "standardized": (
        [layers.Normalization(mean=[1.0, 0.2, 3.0], variance=[2.0, 0.0, 1.0]), Dense(1)],
        {},
        (2, 3, 1),
    ),
    "group norm": (
        [Dense(4), layers.GroupNormalization(2), layers.PReLU(), Dense(2)],
        {},
        (2, 3, 2),
    ),
    "two norms": (
        [
            layers.BatchNormalization(),
            Dense(3, "tanh"),
            layers.LayerNormalization(scale=False),
            Dense(3),
            layers.BatchNormalization(center=False, epsilon=1e-5),
            Dense(2, "softmax"),
        ],
        {"loss": "categorical_crossentropy"},
        (4, 2, 2, "one-hot"),
    ),
    "held norm": (
        [Dense(3), layers.BatchNormalization(trainable=False), layers.Activation("tanh"), Dense(2)],
        {},
        (3, 3, 2),
    ),
    "norm of one row": (
        [Dense(3), layers.BatchNormalization(), Dense(3), layers.LayerNormalization(), Dense(1)],
        {},
        (1, 2, 1),
    ),
    "prelu": (
        [Dense(3), layers.PReLU(), Dense(2)],
        {},
        (3, 3, 2),
    ),
    "penalties": (
        [
            Dense(3, "tanh", kernel_regularizer="l2", activity_regularizer="l1"),
            Dense(2, bias_regularizer="l1_l2"),
        ],
        {},
        (3, 3, 2),
    ),
    "penalties by size": (
        [
            Dense(3, "tanh", kernel_regularizer=regularizers.Lp(3.0, 0.1)),
            Dense(
                2,
                kernel_regularizer=regularizers.Lp(2.0, 0.2),
                bias_regularizer=regularizers.Lp(1.0, 0.2),
            ),
        ],
        {},
        (3, 3, 2),
    ),
    "penalties on activities": (
        [
            Dense(3, "tanh"),
            Dense(2, "sigmoid", activity_regularizer="l1_l2"),
            layers.PReLU(activity_regularizer=regularizers.Lp(2.0, 0.1)),
            Dense(2),
        ],
        {},
        (2, 3, 2),
    ),
    "no bias, held": (
        [
            Dense(3, "tanh", use_bias=False),
            Dense(2, trainable=False),
            Dense(1, bias_trainable=False),
        ],
        {},
        (3, 3, 1),
    ),
    "sum": (
        [Dense(2, "tanh"), Dense(1)],
        {"loss": losses.MeanSquaredError(reduction="sum")},
        (3, 3, 1),
    ),
    "clipped": (
        [Dense(2, "tanh"), Dense(1)],
        {"optimizer": optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.01)},
        (3, 3, 1),
    ),
    "adam": (
        [Dense(2, "silu"), Dense(1)],
        {"optimizer": optimizers.Adam(0.01, amsgrad=True)},
        (3, 3, 1),
    ),
    "adamw": (
        [Dense(2, "mish"), Dense(1)],
        {"optimizer": "adamw"},
        (3, 3, 1),
    ),
    "nadam": (
        [Dense(2, "selu"), Dense(1)],
        {"optimizer": "nadam"},
        (3, 3, 1),
    ),
    "rmsprop": (
        [Dense(2, "softsign"), Dense(1)],
        {"optimizer": optimizers.RMSprop(0.01, momentum=0.5, centered=True)},
        (3, 3, 1),
    ),
    "adagrad": (
        [Dense(2, "leaky_relu"), Dense(1)],
        {"optimizer": "adagrad"},
        (3, 3, 1),
    ),
    "constraint": (
        [Dense(2, "tanh", kernel_constraint="non_neg"), Dense(1, kernel_constraint="max_norm")],
        {"optimizer": optimizers.SGD(0.5)},
        (3, 3, 1),
    ),
    "large": (
        [Dense(30, "relu"), Dense(20, "sigmoid"), Dense(10, "softmax")],
        {"loss": "sparse_categorical_crossentropy", "optimizer": "adam"},
        (20, 40, 10, "labels"),
    ),
    "mixed rows": (
        [layers.Mixup(0.4), Dense(2, "tanh"), Dense(3, "softmax")],
        {"loss": "categorical_crossentropy"},
        (3, 3, 3, "one-hot"),
    ),
    "mixed rows inside": (
        [Dense(2, "tanh"), layers.Mixup(0.4), Dense(2, "tanh"), Dense(1)],
        {},
        (3, 3, 1),
    ),
    "mixed rows of many": (
        [Dense(2, "tanh"), layers.Mixup(0.4), Dense(2, "softmax")],
        {"loss": "sparse_categorical_crossentropy"},
        (14, 3, 2, "labels"),
    ),
    "mixed rows at positions": (
        [layers.Mixup(0.4), Dense(3, "softmax")],
        {"loss": "categorical_crossentropy"},
        (3, (2, 3), (2, 3), "one-hot"),
    ),
    "noise": (
        [layers.GaussianNoise(0.5), Dense(2, "tanh"), Dense(1)],
        {},
        (3, 3, 1),
    ),
    "penalty of rows": (
        [Dense(2, "tanh", kernel_regularizer=layers.PerRow("l2")), Dense(1)],
        {},
        (3, 3, 1),
    ),
    "codes": (
        [layers.Embedding(5, 2), layers.Flatten(), Dense(2, "tanh"), Dense(1)],
        {},
        (3, 3, 1, "codes"),
    ),
    "units of three axes": (
        [layers.Embedding(5, 2), Dense(2, "tanh"), Dense(2), layers.Flatten(), Dense(1)],
        {},
        (3, 3, 1, "codes"),
    ),
    "rows with positions": (
        [Dense(2), layers.Flatten(), Dense(1)],
        {},
        (1, (2, 2), 1),
    ),
    "activation at positions": (
        [Dense(3, "tanh", activity_regularizer="l2"), layers.Flatten(), Dense(2, "sigmoid")],
        {"loss": "binary_crossentropy"},
        (2, (2, 2), 2, "binary"),
    ),
    "shares at positions": (
        [
            Dense(2, "relu", kernel_regularizer="l2"),
            Dense(2, "softmax", use_bias=False),
            layers.Flatten(),
            Dense(3, "softmax"),
        ],
        {"loss": "categorical_crossentropy", "optimizer": "adam"},
        (2, (2, 1, 3), 3, "one-hot"),
    ),
    "many positions": (
        [Dense(2, "tanh"), Dense(1), layers.Flatten(), Dense(1)],
        {},
        (2, (15, 3), 1),
    ),
    "codes at many positions": (
        [layers.Embedding(5, 2), Dense(3, "tanh"), Dense(2), layers.Flatten(), Dense(1)],
        {},
        (2, 12, 1, "codes"),
    ),
    "layer norm at positions": (
        [
            Dense(3, "tanh"),
            layers.LayerNormalization(gamma_initializer=layers.RandomUniform(0.5, 1.5)),
            layers.Flatten(),
            Dense(2),
        ],
        {},
        (2, (2, 1, 3), 2),
    ),
    "batch norm at positions": (
        [
            layers.BatchNormalization(),
            Dense(2),
            layers.BatchNormalization(scale=False),
            layers.Activation("tanh"),
            layers.Flatten(),
            Dense(1),
        ],
        {},
        (3, (2, 2), 1),
    ),
    "group norm at positions": (
        [
            Dense(4),
            layers.GroupNormalization(2, center=False),
            layers.GroupNormalization(1),
            layers.Flatten(),
            Dense(1),
        ],
        {},
        (2, (3, 2), 1),
    ),
    "held norm at positions": (
        [Dense(2), layers.BatchNormalization(trainable=False), layers.Flatten(), Dense(1)],
        {},
        (2, (2, 2), 1),
    ),
    "norm at many positions": (
        [
            Dense(3, "tanh"),
            layers.LayerNormalization(),
            layers.BatchNormalization(),
            Dense(2),
            layers.Flatten(),
            Dense(1),
        ],
        {},
        (14, (15, 3), 1),
    ),
    "thirteen rows": (
        [Dense(2, "tanh"), Dense(1)],
        {},
        (13, 3, 1),
    ),
    "own loss": (
        [Dense(2, "tanh"), Dense(1)],
        {"loss": lambda t, p: cr.ops.abs(t - p) ** 3},
        (2, 2, 1),
    ),
    "mse at positions": (
        [Dense(2, "tanh"), Dense(2)],
        {},
        (2, (2, 3), (2, 2)),
    ),
    "squared error at positions": (
        [Dense(1), layers.Flatten()],
        {"loss": "squared_error"},
        (3, (2, 3), 2),
    ),
    "binary at positions": (
        [Dense(2, "tanh"), Dense(1, "sigmoid")],
        {"loss": "binary_crossentropy"},
        (2, (3, 2), (3, 1), "binary"),
    ),
    "binary from logits at positions": (
        [Dense(1), layers.Flatten()],
        {"loss": losses.BinaryCrossentropy(from_logits=True)},
        (2, (2, 3), 2, "binary"),
    ),
    "binary of numbers at positions": (
        [Dense(1, "sigmoid"), layers.Flatten()],
        {"loss": "binary_crossentropy"},
        (2, (2, 3), 2, "binary"),
    ),
    "classes at positions": (
        [Dense(2, "tanh"), Dense(3), layers.Activation("softmax")],
        {"loss": "categorical_crossentropy"},
        (2, (2, 3), (2, 3), "one-hot"),
    ),
    "shares at positions of outputs": (
        [Dense(3, "softmax")],
        {"loss": "categorical_crossentropy"},
        (2, (2, 1, 3), (2, 1, 3), "shares"),
    ),
    "labels at positions": (
        [Dense(3, "softmax")],
        {"loss": "sparse_categorical_crossentropy"},
        (3, (2, 3), (2, 3), "labels"),
    ),
    "labels from logits at positions": (
        [Dense(2, "tanh"), Dense(3)],
        {"loss": losses.SparseCategoricalCrossentropy(from_logits=True)},
        (2, (2, 3), (2, 3), "labels"),
    ),
    "classes by logarithms at positions": (
        [Dense(3, "log_softmax")],
        {"loss": "categorical_crossentropy"},
        (1, (2, 3), (2, 3), "one-hot"),
    ),
    "classes of exponentials at positions": (
        [Dense(3, "exponential")],
        {"loss": "categorical_crossentropy"},
        (2, (2, 2), (2, 3), "one-hot"),
    ),
    "softmax with mse at positions": (
        [Dense(2), layers.Activation("softmax")],
        {},
        (2, (2, 3), (2, 2)),
    ),
    "mae at positions": (
        [Dense(1)],
        {"loss": "mae"},
        (2, (2, 2), (2, 1)),
    ),
    "huber at many positions": (
        [Dense(2)],
        {"loss": losses.Huber(0.4)},
        (2, (15, 3), (15, 2)),
    ),
    "labels at many positions": (
        [Dense(3, "softmax")],
        {"loss": "sparse_categorical_crossentropy"},
        (2, (15, 3), (15, 3), "labels"),
    ),
    "quantile at positions": (
        [Dense(1), layers.LayerNormalization()],
        {"loss": losses.Quantile(0.9)},
        (2, (2, 2), (2, 1)),
    ),
    "poisson at positions": (
        [Dense(1, "exponential")],
        {"loss": "poisson"},
        (2, (2, 2), (2, 1), "counts"),
    ),
}
"""Name: the layers, the settings of `model`, and the batch."""


def step_of(name, dtype="float64", **how):
    """The trace of a network of the table."""
    stack, settings, given = NETWORKS[name]
    return model(given[1], *stack, **settings, dtype=dtype).trace(*batch(*given), **how)


def table_step(
    heads, spread, dropout, *, numbers=2, bins=4, rows=5, dtype="float64", widths=(4, 3),
    design=None, **how,
):  # fmt: skip
    """The trace of a table's network, whose numbers lie below, in and above their ranges."""
    rng = np.random.default_rng(0)
    given = tuple(Head(3 if one else 1, one) for one in heads)
    bins = bins if spread else 0
    network = TableNetwork(numbers, (3,), widths, given, dropout, spread, bins, **design or {})
    trainer = Trainer(network, dtype=dtype, seed=1)
    rules = [
        losses.SparseCategoricalCrossentropy() if one else losses.MeanSquaredError()
        for one in heads
    ]
    trainer.compile(rules, optimizers.SGD(0.1))
    x = {"numbers": rng.normal(size=(rows, numbers)), "categories": rng.integers(0, 3, (rows, 1))}
    if spread:
        x["positions"] = rng.random((rows, spread)) * (bins + 1) - 0.5
    y = [rng.integers(0, 3, rows) if one else rng.normal(size=(rows, 1)) for one in heads]
    named = dict(zip(network.output_names, y, strict=True))
    notation = as_notation(how.pop("notation", "rows"), how)
    return trace_steps(
        trainer, trainer.data(x, named if len(y) > 1 else y[0]), notation=notation,
        inputs={"positions": ["age position", "size position"][:spread]},
    )  # fmt: skip


def expressions():
    """Expressions by name, with the names of their nodes."""
    for name, result in (("xyz", "f"), ("one_one_one", "J"), ("chain", "z")):
        nodes = getattr(examples, name)().nodes
        yield name, nodes[result], nodes
    x, y = cr.variable(0.7, "x"), cr.variable(1.3, "y")
    ops = cr.ops
    yield "uses", x * y + x * x - ops.exp(x) / y + ops.log(y) ** 2 - ops.sqrt(x * y), {}
    yield "functions", ops.sin(x) * ops.cos(y) + ops.softplus(x - y) + ops.relu(x) - ops.abs(-y), {}
    W, v = cr.variable([[1.0, 2.0], [3.0, -4.0]], "W"), cr.variable([0.5, -1.0], "v")
    h = ops.tanh(v @ W)
    yield "arrays", (h * h).sum() + h.mean(), {"h": h}
    X = cr.variable(np.arange(12.0).reshape(3, 4) - 4.5, "X")
    yield "norm", ops.norm(X) + (X @ X.T).mean() + ops.softmax(X, axis=0).max(), {}
    yield "zeros", ops.norm(cr.variable(np.zeros((3, 4)), "X")), {}
    logits = cr.variable([[0.2, -1.0, 0.4]], "z")
    pair = ops.softmax_cross_entropy(logits, cr.constant([[0.0, 1.0, 0.0]]))
    yield "softmax pair", 2.0 * pair.sum(), {}
    certain = cr.variable(60.0, "z")
    yield "certain", ops.sigmoid_cross_entropy(certain, cr.constant(0.0)), {}
    bends = ops.maximum(x, y) * ops.abs(x - y) + ops.minimum(x, 2.0) + ops.leaky_relu(x - y)
    bends = bends + ops.elu(x - y, alpha=1.5) + ops.expm1(x)
    yield "bends", bends + x**y + ops.absolute_error(x, y) * ops.relu(x), {}
    A, B = cr.variable([[1.0, 2.0], [3.0, 4.0]], "A"), cr.variable([[5.0], [6.0]], "B")
    yield "matrices", ops.tanh((A @ A) @ B / 50).sum() + (B.T @ A @ B).sum() / 100, {}
    yield "turned", ops.sin(A.T @ B).sum() + (B * B.reshape((2,))).sum() / 9, {}
    C, u = cr.variable([[1.0, 2.0, -1.0], [3.0, 4.0, 0.5]], "C"), cr.variable([1.0, -1.0, 2.0], "u")
    e = ops.sigmoid(C @ u + v) - cr.constant([1.0, 0.0])
    yield "matrix and vector", e @ e / 2.0, {"e": e}
    yield "vectors", (u @ u) * (v @ C @ u) + (u / 2) @ C.reshape((3, 2)) @ v, {}
    own = cr.variable([2.0], "own")
    yield "vectors in other shapes", (
        (own @ own) * (B.reshape((2,)) @ v) + ops.sin(cr.constant(np.ones((2, 2, 3))) @ u).sum()
        + ops.sin(v @ cr.variable(np.arange(12.0).reshape(2, 2, 3), "T")).sum()
    ), {}  # fmt: skip
    share, odds = ops.softmax(u), ops.log_softmax(cr.variable([0.3, 2.0, -1.0, 0.5], "o"))
    yield "softmaxes", (
        (share * u * cr.constant([0.0, 1.0, -2.0])).sum() + (odds * odds).sum() * share.max()
        + 3.0 * ops.softmax_cross_entropy(u * share, cr.constant([0.0, 1.0, 0.0]))
    ), {"share": share}  # fmt: skip
    yield "soft target", ops.sigmoid_cross_entropy(x, y / 2) * y, {}
    yield "variable alone", x, {}
