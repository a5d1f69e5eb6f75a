"""What units compute: softmax, numbers of parameters, and linear layers that collapse to one."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np

from chainrule.drawing import plot_bars, plot_network
from chainrule.examples.boolean import INPUTS, XOR
from chainrule.examples.example import Example, Quantity, numbers, titled
from chainrule.graph import ops
from chainrule.layers import Dense, Input, RandomNormal
from chainrule.models import Sequential
from chainrule.optimizers import SGD

__all__ = ["linear_collapse", "parameter_counts", "softmax_examples"]

SCORES = (
    (1.47, -0.39, 0.22), (5.0, 6.0, 4.0), (0.90, 0.80, 1.10), (-2.0, 2.0, -3.0),
    (1000.0, 0.0, -1000.0),
)  # fmt: skip
SIZES = ((3, 4, 2), (3, 4, 4, 1), (3, 3, 3, 1))


def softmax_examples(scores: Sequence[Sequence[float]] = SCORES) -> Example:
    """Softmax of some scores, e^z / sum(e^z): shares that add up to 1.

    scores
        Lists of numbers; any size is finite.

    >>> from chainrule import examples
    >>> print(examples.softmax_examples([(5.0, 6.0, 4.0)]))
    Softmax
    Scores become shares that add up to 1; only their differences matter, so that the largest can
    be taken off first and nothing overflows.
    <BLANKLINE>
    5, 6, 4  0.24  0.67  0.09
    """
    rows = [
        Quantity(", ".join(f"{one:g}" for one in given), numbers(ops.softmax(given)))
        for given in scores
    ]
    return Example(
        "Softmax",
        "Scores become shares that add up to 1; only their differences matter, so that the largest "
        "can be taken off first and nothing overflows.",
        tuple(rows), digits=2, picture=lambda ax: _shares(rows, ax),
    )  # fmt: skip


def _shares(rows: Sequence[Quantity], ax: Any) -> Any:
    """The shares of each list of scores as bars beside each other."""
    most = max(len(one.value) for one in rows)
    kinds = {
        f"score {place + 1}": [one.value[place] if place < len(one.value) else nan for one in rows]
        for place in range(most)
    }
    ax = plot_bars(kinds, [one.name.replace(", ", "\n") for one in rows], ax)
    ax.set(xlabel="scores", ylabel="share")
    return titled(ax, "Softmax: shares of scores")


def parameter_counts(sizes: Sequence[Sequence[int]] = SIZES) -> Example:
    """How many parameters networks of Dense layers have; an N-layer one does not count its input.

    sizes
        For each network the numbers of inputs and of the units of each layer.

    >>> from chainrule import examples
    >>> examples.parameter_counts()["3-4-2"]
    26
    """
    models, rows = {}, []
    for inputs, *units in sizes:
        name = "-".join(map(str, (inputs, *units)))
        models[name] = Sequential([Input((inputs,)), *map(Dense, units)], seed=0)
        pairs = zip((inputs, *units), units, strict=False)
        sums = " + ".join(f"({before} + 1) {after}" for before, after in pairs)
        count = models[name].count_params()
        rows.append(Quantity(name, count, f"{sums}, a {len(units)}-layer network"))
    return Example(
        "Numbers of parameters",
        "A unit has a weight for each of its inputs and one bias.",
        tuple(rows),
        models=models,
        picture=lambda ax: titled(
            plot_network(models[rows[0].name], ax=ax),
            f"{rows[0].name}: {rows[0].value:,} parameters",
        ),
    )


def linear_collapse(seed: int = 0, engine: str = "auto") -> Example:
    """A chain of linear layers is one linear layer, and cannot learn XOR.

    seed, engine
        As `Sequential` takes them.

    >>> from chainrule import examples
    >>> examples.linear_collapse()["largest difference"] < 1e-12
    True
    """
    layers = [Dense(units, bias_initializer=RandomNormal(stddev=1.0)) for units in (5, 3, 2)]
    model = Sequential([Input((4,)), *layers], seed=seed, dtype="float64")
    X = np.random.default_rng(seed).normal(size=(100, 4))
    kernel, bias = np.eye(4), np.zeros(4)
    for layer in model.layers:
        kernel, bias = kernel @ layer.kernel, bias @ layer.kernel + layer.bias
    chain, one = model.predict(X), X @ kernel + bias
    xor = Sequential([Input((2,)), Dense(4), Dense(4), Dense(1)], seed=seed, dtype="float64")
    xor.compile(SGD(0.1), "mse", engine=engine)
    xor.fit(INPUTS, XOR, batch_size=4, epochs=2000, verbose=0)
    predicted = xor.predict(INPUTS)
    rows = (
        Quantity("chain, first row", numbers(chain[0]), "((x W1 + b1) W2 + b2) W3 + b3"),
        Quantity("one layer, first row", numbers(one[0]), "x (W1 W2 W3) + b"),
        Quantity("largest difference", float(abs(chain - one).max()), "of 100 rows"),
        Quantity("on XOR", numbers(predicted), "2-4-4-1 of linear layers, after 2,000 steps"),
        Quantity("loss on XOR", float(xor.evaluate(INPUTS, XOR)), "1/4 is that of 1/2 everywhere"),
        Quantity("accuracy on XOR", float(np.mean((predicted > 0.5) == (XOR == 1)))),
    )
    return Example(
        "Linear layers collapse",
        "Without an activation between them, layers are one layer: the product of their matrices.",
        rows, models={"chain": model, "xor": xor}, arrays={"X": X, "kernel": kernel, "bias": bias},
        picture=lambda ax: _both(chain[:8, 0], one[:8, 0], ax),
    )  # fmt: skip


def _both(chain: Any, one: Any, ax: Any) -> Any:
    """The first output of some rows, by the chain of layers and by the one that it is."""
    ax = plot_bars({"chain of layers": chain, "one layer": one}, ax=ax)
    ax.set(xlabel="row", ylabel="first output")
    return titled(ax, "Linear layers are one layer")
