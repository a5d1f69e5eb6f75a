"""Where weights start: zeros that keep units the same, and gradients that vanish by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.drawing import gradient_norms, plot_decision_boundary, plot_gradient_norms
from chainrule.examples.example import Example, Quantity, numbers, titled
from chainrule.layers import Dense, Input, RandomNormal
from chainrule.models import Sequential
from chainrule.optimizers import SGD
from chainrule.settings import check_count, check_counts

__all__ = ["symmetric_zeros", "vanishing"]

LAYERS = 10
COLUMNS = 20


def _rows(columns: int, rows: int = 200) -> tuple[Any, Any]:
    """Standard normal rows, and whether the product of their first two numbers is above 0."""
    X = np.random.default_rng(0).normal(size=(rows, columns))
    return X, (X[:, :1] * X[:, 1:2] > 0).astype(float)


def symmetric_zeros(steps: int = 500, seed: int = 0, engine: str = "auto") -> Example:
    """Weights that start at zero keep the hidden units of a layer identical for ever.

    steps
        How long a 2-4-1 network with sigmoid units is trained.
    seed, engine
        As `Sequential` takes them.

    >>> from chainrule import examples
    >>> example = examples.symmetric_zeros(steps=50)
    >>> example["zeros, difference"], example["glorot_uniform, difference"] > 0
    (0.0, True)
    """
    check_count("symmetric_zeros", "steps", steps)
    X, y = _rows(2)
    models, rows = {}, []
    for start in ("zeros", "glorot_uniform"):
        layers = [
            Dense(4, "sigmoid", kernel_initializer=start),
            Dense(1, "sigmoid", kernel_initializer=start),
        ]
        model = Sequential([Input((2,)), *layers], seed=seed, dtype="float64")
        model.compile(SGD(1.0, momentum=0.9), "binary_crossentropy", engine=engine)
        model.fit(X, y, batch_size=len(X), epochs=steps, verbose=0)
        into = model.layers[0].kernel
        different = len({tuple(column) for column in into.T})
        rows += [
            Quantity(f"{start}, weights from x1", numbers(into[0]), f"after {steps:,} steps"),
            Quantity(f"{start}, difference", float(np.ptp(into, axis=1).max()), "between units"),
            Quantity(f"{start}, different units", different, "of 4"),
            Quantity(f"{start}, loss", float(model.evaluate(X, y))),
        ]
        models[start] = model
    return Example(
        "Zeros keep hidden units identical, random values break the symmetry",
        "Units that start the same get the same gradient at every step, so they stay one unit.",
        tuple(rows), digits=4, models=models, arrays={"X": X, "y": y},
        picture=lambda ax: titled(
            plot_decision_boundary(models["zeros"], X, y, ax=ax), "From zeros: four units are one"
        ),
    )  # fmt: skip


def vanishing(widths: Sequence[int] = (10, 100, 300), seeds: Sequence[int] = range(5)) -> Example:
    """How large gradients are in ten hidden layers before training starts, by layer.

    widths
        Units of each hidden layer.
    seeds
        Starts, of whose norms the median by layer is taken.

    The norm is that of the loss's derivative with respect to the biases of a layer: its delta,
    averaged over 200 rows. The sigmoid's derivative is at most 1/4, which shrinks it by about a
    quarter a layer where the weights are of Glorot's size; with N(0, 1) it depends on the width.

    >>> from chainrule import examples
    >>> examples.vanishing(widths=[10], seeds=[0])["sigmoid, Glorot, 10 units"] < 1e-4
    True
    """
    widths = check_counts("vanishing", "widths", widths)
    seeds = check_counts("vanishing", "seeds", seeds, least=0)
    X, y = _rows(COLUMNS)
    starts = {
        "sigmoid, Glorot": ("sigmoid", "glorot_uniform"),
        "sigmoid, N(0, 1)": ("sigmoid", RandomNormal(stddev=1.0)),
        "ReLU, He": ("relu", "he_normal"),
        "ReLU, N(0, 1)": ("relu", RandomNormal(stddev=1.0)),
    }
    norms, rows = {}, []
    for name, (activation, start) in starts.items():
        for width in widths:
            drawn = [_norms(X, y, width, activation, start, seed) for seed in seeds]
            median = norms[f"{name}, {width} units"] = numbers(np.median(drawn, axis=0))
            ratio = median[0] / median[-1]
            span = max(median) / min(median)
            rows.append(Quantity(f"{name}, {width} units", ratio, "first / last hidden layer"))
            rows.append(Quantity(f"{name}, {width} units, span", span, "largest / smallest"))
    shown = {name: norms[f"{name}, {widths[0]} units"] for name in starts}
    return Example(
        "Vanishing and exploding gradients",
        "Ten hidden layers before the first step: the norm of the gradient in the first hidden "
        "layer, as a multiple of that in the last.",
        tuple(rows), arrays={"X": X, "y": y, "norms": norms},
        picture=lambda ax: titled(
            plot_gradient_norms(shown, ax=ax), f"Gradients by hidden layer of {widths[0]} units"
        ),
    )  # fmt: skip


def _norms(X: Any, y: Any, width: int, activation: str, start: Any, seed: int) -> list[float]:
    """The gradient's norm by hidden layer, of a network at its start."""
    hidden = [Dense(width, activation, kernel_initializer=start) for _ in range(LAYERS)]
    output = Dense(1, "sigmoid", kernel_initializer=start)
    model = Sequential([Input((COLUMNS,)), *hidden, output], seed=seed, dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    return list(gradient_norms(model, X, y, parameter="bias").values())[:-1]
