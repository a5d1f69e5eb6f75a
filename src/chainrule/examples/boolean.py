"""XOR and XNOR: what one line cannot part, a hidden layer or fixed basis functions can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.drawing import plot_decision_boundary
from chainrule.examples.example import Example, Quantity, numbers, titled
from chainrule.graph import Node, ops
from chainrule.layers import Dense, Input, Layer
from chainrule.models import Sequential
from chainrule.optimizers import SGD
from chainrule.settings import check_counts

__all__ = ["INPUTS", "XNOR", "XOR", "fixed_basis", "perceptron_failure", "xnor", "xor"]

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([[0.0], [1.0], [1.0], [0.0]])
XNOR = 1.0 - XOR
NEAR = 0.1
"""A network has learned a function when all its outputs are this near to the targets."""


def xor(seeds: Sequence[int] = range(5), engine: str = "auto") -> Example:
    """XOR by two ReLU units with given weights, and learned from random ones.

    seeds
        Which starts are tried.
    engine
        As `Sequential.compile` takes it.

    The given weights are h = relu(x1 + x2, x1 + x2 - 1), o = h1 - 2 h2.

    >>> from chainrule import examples
    >>> examples.xor(seeds=[1])["0, 1"]
    (1.0, 0.0, 1.0)
    """
    return _boolean("XOR: do two inputs differ?", XOR, [1.0, -2.0], 0.0, seeds, engine)


def xnor(seeds: Sequence[int] = range(5), engine: str = "auto") -> Example:
    """XNOR by two ReLU units with given weights, and learned from random ones.

    seeds
        Which starts are tried.
    engine
        As `Sequential.compile` takes it.

    The given weights are h = relu(x1 + x2, x1 + x2 - 1), o = 1 - h1 + 2 h2.

    >>> from chainrule import examples
    >>> examples.xnor(seeds=[1])["1, 1"]
    (2.0, 1.0, 1.0)
    """
    return _boolean(
        "XNOR: do two inputs have the same value?", XNOR, [-1.0, 2.0], 1.0, seeds, engine
    )


def _boolean(
    title: str, y: Any, output: list[float], bias: float, seeds: Sequence[int], engine: str
) -> Example:
    seeds = check_counts("xor and xnor", "seeds", seeds, least=0)
    given = Sequential([Input((2,)), Dense(2, "relu"), Dense(1)], seed=0, dtype="float64")
    given.compile("sgd", "mse", engine=engine)
    hidden = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0])
    given.set_weights([*hidden, np.array(output)[:, None], np.array([bias])])
    after_hidden = np.maximum(INPUTS @ hidden[0] + hidden[1], 0.0)
    models, rows = {"given": given}, []
    for x, h, o in zip(INPUTS, after_hidden, given.predict(INPUTS), strict=True):
        rows.append(Quantity(f"{x[0]:g}, {x[1]:g}", numbers(h) + numbers(o), "h1, h2, o as given"))
    for units in (2, 4):
        for activation in ("sigmoid", "relu"):
            name = f"2-{units}-1, {activation}"
            trained = [_trained(y, units, activation, seed, engine) for seed in seeds]
            errors = [float(abs(model.predict(INPUTS) - y).max()) for model in trained]
            solved = sum(error < NEAR for error in errors)
            how = f"of {len(errors)} starts learn it"
            rows.append(Quantity(f"{name}, learned", solved, how))
            rows.append(Quantity(f"{name}, errors", tuple(errors), "largest |o - t|, by start"))
            models |= {f"{name}, seed {s}": one for s, one in zip(seeds, trained, strict=True)}
    return Example(
        title,
        "No line parts the two classes. Two ReLU units with the right weights do it exactly; from "
        "random weights two units often stay in a local minimum, four seldom do.",
        tuple(rows), digits=4, models=models, arrays={"X": INPUTS, "y": y},
        traced="its weights are given, and solve it",
        picture=lambda ax: titled(
            plot_decision_boundary(given, INPUTS, y, ax=ax),
            f"{title.partition(':')[0]} by two ReLU units",
        ),
    )  # fmt: skip


def _trained(y: Any, units: int, activation: str, seed: int, engine: str) -> Sequential:
    start = "he_normal" if activation == "relu" else "glorot_uniform"
    hidden = Dense(units, activation, kernel_initializer=start)
    model = Sequential([Input((2,)), hidden, Dense(1, "sigmoid")], seed=seed)
    model.compile(SGD(1.0, momentum=0.9), "binary_crossentropy", engine=engine)
    model.fit(INPUTS, y, batch_size=4, epochs=2000, verbose=0)
    return model


def perceptron_failure(seed: int = 0, engine: str = "auto") -> Example:
    """One sigmoid unit and no hidden layer on XOR: the loss stays at log 2.

    seed, engine
        As `Sequential` takes them.

    >>> from chainrule import examples
    >>> round(examples.perceptron_failure()["loss"], 4)
    0.6931
    """
    model = Sequential([Input((2,)), Dense(1, "sigmoid")], seed=seed, dtype="float64")
    model.compile(SGD(1.0), "binary_crossentropy", engine=engine)
    model.fit(INPUTS, XOR, batch_size=4, epochs=2000, verbose=0)
    predicted = model.predict(INPUTS)
    rows = (
        Quantity("outputs", numbers(predicted), "after 2,000 steps"),
        Quantity("loss", float(model.evaluate(INPUTS, XOR))),
        Quantity("log 2", float(np.log(2.0)), "the loss of 1/2 everywhere"),
        Quantity("accuracy", float(np.mean((predicted > 0.5) == (XOR == 1))), "never above 3/4"),
    )
    return Example(
        "A perceptron cannot learn XOR",
        "Its boundary is one line, and no line has (0, 0) and (1, 1) on one side and (0, 1) and "
        "(1, 0) on the other.",
        rows, models={"perceptron": model}, arrays={"X": INPUTS, "y": XOR},
        picture=lambda ax: titled(
            plot_decision_boundary(model, INPUTS, XOR, ax=ax), "A perceptron on XOR: 1/2 everywhere"
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class Polynomial(Layer):
    """x1, x2 and x1 x2 of each row (x1, x2)."""

    def apply(self, x: Node, *parameters: Node) -> Node:
        first = ops.narrow(x, axis=1, start=0, stop=1)
        second = ops.narrow(x, axis=1, start=1, stop=2)
        together: Node = ops.concatenate(x, first * second, axis=1)
        return together


@dataclass(frozen=True)
class Gaussian(Layer):
    """e^-|x - c|^2 of each row, for each center c."""

    centers: tuple[tuple[float, ...], ...]

    def apply(self, x: Node, *parameters: Node) -> Node:
        columns: Iterator[Node] = (
            ops.exp(-((x - np.array(center)) ** 2).sum(axis=1, keepdims=True))
            for center in self.centers
        )
        together: Node = ops.concatenate(*columns, axis=1)
        return together


def fixed_basis(seed: int = 0, engine: str = "auto") -> Example:
    """A linear unit on fixed basis functions learns XOR: on polynomials, and on two Gaussians.

    seed, engine
        As `Sequential` takes them.

    A hidden layer learns its basis functions instead.

    >>> from chainrule import examples
    >>> examples.fixed_basis()["polynomial, loss"] < 1e-6
    True
    """
    bases = {"polynomial": Polynomial(), "Gaussian": Gaussian(((0.0, 0.0), (1.0, 1.0)))}
    functions = {
        "polynomial": "o = w1 x1 + w2 x2 + w3 x1 x2 + b",
        "Gaussian": "o = w1 e^-|x - (0, 0)|^2 + w2 e^-|x - (1, 1)|^2 + b",
    }
    models, rows = {}, []
    for name, basis in bases.items():
        model = Sequential([Input((2,)), basis, Dense(1)], seed=seed, dtype="float64")
        model.compile(SGD(0.2, momentum=0.9), "mse", engine=engine)
        model.fit(INPUTS, XOR, batch_size=4, epochs=2000, verbose=0)
        kernel, bias = model.get_weights()
        rows += [
            Quantity(f"{name}, weights", numbers(kernel) + numbers(bias), functions[name]),
            Quantity(f"{name}, outputs", numbers(model.predict(INPUTS))),
            Quantity(f"{name}, loss", float(model.evaluate(INPUTS, XOR)), "after 2,000 steps"),
        ]
        models[name] = model
    return Example(
        "A linear unit on fixed basis functions learns XOR",
        "The inputs are replaced by functions of them that are chosen beforehand; one linear unit "
        "is enough then. A hidden layer learns such functions.",
        tuple(rows), digits=4, models=models, arrays={"X": INPUTS, "y": XOR},
        picture=lambda ax: titled(
            plot_decision_boundary(models["Gaussian"], INPUTS, XOR, ax=ax), "XOR on two Gaussians"
        ),
    )  # fmt: skip
