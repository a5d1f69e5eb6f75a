"""Backpropagation worked out: two networks of textbooks, and rows one by one or as a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.drawing import plot_network, plot_running_sums
from chainrule.examples.example import Example, Quantity, numbers, titled
from chainrule.examples.unrolled import unrolled
from chainrule.layers import Dense, Input
from chainrule.models import Sequential
from chainrule.optimizers import SGD
from chainrule.settings import check_count
from chainrule.tracing import Notation

__all__ = ["han", "matrix_form", "mazur"]


def _network(
    weights: Sequence[Any], rate: float, bias_trainable: bool, engine: str, dtype: str
) -> Sequential:
    """Two layers of sigmoid units with given weights, squared error, gradient descent."""
    layers = [Dense(len(bias), "sigmoid", bias_trainable=bias_trainable) for bias in weights[1::2]]
    model = Sequential([Input((len(weights[0]),)), *layers], seed=0, dtype=dtype)
    model.compile(SGD(rate), "squared_error", engine=engine)
    model.set_weights([np.array(one) for one in weights])
    return model


def mazur(steps: int = 1, engine: str = "auto", dtype: str = "float64") -> Example:
    """Two inputs, two hidden and two output units, all sigmoid; one step of gradient descent.

    steps
        After how many steps the last rows of the table are; 10,000 are usual.
    engine, dtype
        As `Sequential` takes them.

    Weights w1, w2 lead into h1, w3, w4 into h2, w5, w6 into o1, w7, w8 into o2. Both layers share
    one bias a layer, which is held fixed (M. Mazur, A Step by Step Backpropagation Example, 2015).

    >>> from chainrule import examples
    >>> round(examples.mazur()["loss after one step"], 8)
    0.29102777
    """
    check_count("mazur", "steps", steps)
    weights = (
        [[0.15, 0.25], [0.20, 0.30]], [0.35, 0.35], [[0.40, 0.50], [0.45, 0.55]], [0.60, 0.60],
    )  # fmt: skip
    X, y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    before, after = (_network(weights, 0.5, False, engine, dtype) for _ in range(2))
    graph = unrolled(before, X, y)
    hidden, output = graph.deltas()
    after.fit(X, y, verbose=0)
    w1, _, w5, _ = after.get_weights()
    rows = [
        Quantity("h1, h2", numbers(graph.a[0]), "sigmoid(x W1 + b1)"),
        Quantity("o1, o2", numbers(before.predict(X)), "sigmoid(h W2 + b2)"),
        Quantity("loss", float(before.evaluate(X, y)), "1/2 sum (o - t)^2"),
        Quantity("delta at o1, o2", numbers(output), "(o - t) o (1 - o)"),
        Quantity("delta at h1, h2", numbers(hidden), "(delta W2^T) h (1 - h)"),
        Quantity("w5..w8 after one step", numbers(w5.T), "w - 0.5 dE/dw"),
        Quantity("w1..w4 after one step", numbers(w1.T), "w - 0.5 dE/dw"),
        Quantity("loss after one step", float(after.evaluate(X, y))),
    ]
    models = {"before": before, "after one step": after}
    if steps > 1:
        last = models[f"after {steps:,} steps"] = _network(weights, 0.5, False, engine, dtype)
        last.fit(X, y, epochs=steps, verbose=0)
        rows += [
            Quantity(f"loss after {steps:,} steps", float(last.evaluate(X, y))),
            Quantity(f"o1, o2 after {steps:,} steps", numbers(last.predict(X))),
        ]
    notation = Notation(
        units=[["i1", "i2"], ["h1", "h2"], ["o1", "o2"]], weights="w{n}", biases="b{layer}",
        loss="E", digits=8,
    )  # fmt: skip
    return Example(
        "Worked example A: a 2-2-2 network with squared error",
        "Inputs 0.05 and 0.10, targets 0.01 and 0.99, learning rate 0.5; the biases 0.35 and 0.60 "
        "are shared by the units of a layer and held fixed.",
        tuple(rows), digits=8, models=models, arrays={"X": X, "y": y},
        notation=notation,
        picture=lambda ax: plot_network(before.trace(X, y, notation=notation), ax=ax),
    )  # fmt: skip


def han(engine: str = "auto", dtype: str = "float64") -> Example:
    """Three inputs, hidden units 4 and 5, output unit 6, all sigmoid; one row, one step.

    engine, dtype
        As `Sequential` takes them.

    Errors are -delta, so that the update is w <- w + rate * error * o; biases are updated too
    (J. Han, M. Kamber, J. Pei, Data Mining, chapter 9).

    >>> from chainrule import examples
    >>> print(examples.han().to_text(digits=3))
    Worked example B: a 3-2-1 network, one row at a time
    Inputs 1, 0, 1, target 1, learning rate 0.9; the errors are those of 1/2 (t - o)^2, with the
    sign that weights move by.
    <BLANKLINE>
    net inputs 4, 5, 6            -0.700   0.100  -0.105                          x W + b
    outputs 4, 5, 6                0.332   0.525   0.474                          1 / (1 + e^-net)
    loss                           0.138                                          1/2 (t - o)^2
    errors 6, 5, 4                 0.131  -0.007  -0.009                          -delta
    w46, w56                      -0.261  -0.138                                  w + 0.9 error o
    w14, w15, w24, w25, w34, w35   0.192  -0.306   0.400   0.100  -0.508   0.194  w + 0.9 error o
    biases 6, 5, 4                 0.218   0.194  -0.408                          b + 0.9 error
    loss after the step            0.117
    """
    weights = (
        [[0.2, -0.3], [0.4, 0.1], [-0.5, 0.2]], [-0.4, 0.2], [[-0.3], [-0.2]], [0.1],
    )  # fmt: skip
    X, y = np.array([[1.0, 0.0, 1.0]]), np.array([[1.0]])
    before, after = (_network(weights, 0.9, True, engine, dtype) for _ in range(2))
    graph = unrolled(before, X, y)
    (error4, error5), (error6,) = (numbers(-delta) for delta in graph.deltas())
    after.fit(X, y, verbose=0)
    w1, b1, w2, b2 = after.get_weights()
    rows = (
        Quantity("net inputs 4, 5, 6", numbers(graph.z[0]) + numbers(graph.z[1]), "x W + b"),
        Quantity(
            "outputs 4, 5, 6", numbers(graph.a[0]) + numbers(before.predict(X)), "1 / (1 + e^-net)"
        ),
        Quantity("loss", float(before.evaluate(X, y)), "1/2 (t - o)^2"),
        Quantity("errors 6, 5, 4", (error6, error5, error4), "-delta"),
        Quantity("w46, w56", numbers(w2), "w + 0.9 error o"),
        Quantity("w14, w15, w24, w25, w34, w35", numbers(w1), "w + 0.9 error o"),
        Quantity("biases 6, 5, 4", numbers(b2) + numbers(b1[::-1]), "b + 0.9 error"),
        Quantity("loss after the step", float(after.evaluate(X, y))),
    )
    notation = Notation(
        units=[["1", "2", "3"], ["4", "5"], ["6"]], weights="w{from}{to}", biases="theta{to}",
        loss="E", errors=True, digits=5,
    )  # fmt: skip
    return Example(
        "Worked example B: a 3-2-1 network, one row at a time",
        "Inputs 1, 0, 1, target 1, learning rate 0.9; the errors are those of 1/2 (t - o)^2, with "
        "the sign that weights move by.",
        rows, digits=5, models={"before": before, "after one step": after},
        arrays={"X": X, "y": y}, notation=notation,
        picture=lambda ax: plot_network(before.trace(X, y, notation=notation), ax=ax),
    )  # fmt: skip


def matrix_form(
    rows: int = 8, seed: int = 0, engine: str = "auto", dtype: str = "float64"
) -> Example:
    """The gradient of a batch, row by row and as products of matrices.

    rows, seed
        How many random rows; what they and the weights of the 3-4-4-1 network are drawn from.
    engine, dtype
        As `Sequential` takes them.

    Row by row it is Delta <- Delta + a delta, then D = Delta / m; as matrices it is
    dW = a^T delta / m. Both are the engine's gradient.

    >>> from chainrule import examples
    >>> max(examples.matrix_form()["largest difference"]) < 1e-12
    True
    """
    check_count("matrix_form", "rows", rows)
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(rows, 3)), rng.integers(0, 2, size=(rows, 1)).astype(float)
    layers = [Dense(4, "tanh"), Dense(4, "sigmoid"), Dense(1, "sigmoid")]
    model = Sequential([Input((3,)), *layers], seed=seed, dtype=dtype)
    model.compile("sgd", "binary_crossentropy", engine=engine)
    _, flat = model.trainer.gradient(X, y)
    by_row, parts = [np.zeros_like(layer.kernel) for layer in model.layers], []
    for row in range(rows):
        alone = unrolled(model, X[row : row + 1], y[row : row + 1])
        inputs = [X[row : row + 1], *(a.value for a in alone.a)]
        for total, a, delta in zip(by_row, inputs, alone.deltas(), strict=False):
            total += a.T @ delta.value
        parts.append(a.T @ delta.value / rows)  # of the last layer
    graph = unrolled(model, X, y)
    inputs = [X, *(a.value for a in graph.a)]
    table, apart = [], []
    for layer, total, a, delta in zip(model.layers, by_row, inputs, graph.deltas(), strict=False):
        matrix = a.T @ delta.value / rows
        engines = model.trainer.parameters.view(flat, f"{layer.name}/kernel")
        table.append(Quantity(f"{layer.name}: dW[0]", numbers(matrix[0]), "a^T delta / m"))
        table.append(Quantity(f"{layer.name}: D[0]", numbers(total[0] / rows), "row by row"))
        apart.append(float(max(abs(matrix - total / rows).max(), abs(matrix - engines).max())))
    table.append(Quantity("largest difference", tuple(apart), "of both and the engine, by layer"))
    return Example(
        "Backpropagation row by row and in matrix form",
        f"{rows} rows through a 3-4-4-1 network with cross-entropy: adding a delta row by row and "
        "dividing by the number of rows is the product of two matrices.",
        tuple(table), models={"model": model}, arrays={"X": X, "y": y},
        picture=lambda ax: _sums(np.stack(parts)[:, :, 0], matrix[:, 0], ax),
    )  # fmt: skip


def _sums(parts: Any, result: Any, ax: Any) -> Any:
    """The gradient of the last layer's weights, added row by row."""
    names = [f"w{index + 1}" for index in range(len(result))]
    ax = plot_running_sums(parts, result, names, ax)
    ax.set(xlabel="rows added", ylabel="sum of a delta / m")
    return titled(ax, "Row by row to the product")
