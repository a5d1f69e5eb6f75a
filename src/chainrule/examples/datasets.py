"""Real and drawn data: two circles, logistic regression, and a sine approximated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.drawing import plot_approximation, plot_bars, plot_decision_boundary
from chainrule.examples.example import Example, Quantity, numbers, titled
from chainrule.layers import L2, Dense, Input
from chainrule.models import Sequential
from chainrule.optimizers import SGD, Adam, schedules
from chainrule.settings import check_count, check_counts, check_number

__all__ = ["circles", "logistic_regression", "universal_approximation"]


def _split(X: Any, y: Any) -> dict[str, Any]:
    """Training and test rows, inputs standardized by the training rows alone."""
    from sklearn.model_selection import train_test_split

    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, random_state=0, stratify=y
    )
    mean, deviation = X_train.mean(axis=0), X_train.std(axis=0)
    return {
        "X": X, "y": y, "X_train": (X_train - mean) / deviation, "y_train": y_train,
        "X_test": (X_test - mean) / deviation, "y_test": y_test, "mean": mean,
        "deviation": deviation,
    }  # fmt: skip


def circles(
    n: int = 200, factor: float = 0.5, noise: float = 0.08, hidden: Sequence[int] = (8, 8),
    epochs: int = 150, seed: int = 0, engine: str = "auto",
) -> Example:  # fmt: skip
    """Two circles, one in the other, parted by a small network of ReLU units.

    n, factor, noise
        Points; the inner radius; the noise's deviation: as scikit-learn's `make_circles` takes
        them, with random_state 1.
    hidden, epochs, seed, engine
        Units of the hidden layers, and how it is trained: SGD at 0.3 that falls by 5% an epoch,
        batches of 32.

    30% of the points are the test; the inputs are standardized by the other 70%.

    >>> from chainrule import examples
    >>> examples.circles()["test accuracy"] > 0.95
    True
    """
    from sklearn.datasets import make_circles

    check_count("circles", "n", n, least=20)
    check_number("circles", "factor", factor, "from 0 to below 1", lambda x: 0 <= x < 1)
    check_number("circles", "noise", noise, "of 0 or more", lambda x: x >= 0)
    hidden = check_counts("circles", "hidden", hidden)
    data = _split(*make_circles(n, factor=factor, noise=noise, random_state=1))
    layers = [Dense(units, "relu", kernel_initializer="he_normal") for units in hidden]
    model = Sequential([Input((2,)), *layers, Dense(1, "sigmoid")], seed=seed)
    steps = math.ceil(len(data["X_train"]) / 32)
    rate = schedules.ExponentialDecay(0.3, steps, 0.95, staircase=True)
    model.compile(SGD(rate), "binary_crossentropy", metrics=["accuracy"], engine=engine)
    history = model.fit(data["X_train"], data["y_train"], batch_size=32, epochs=epochs, verbose=0)
    train = model.evaluate(data["X_train"], data["y_train"], return_dict=True)
    test = model.evaluate(data["X_test"], data["y_test"], return_dict=True)
    name = "-".join(map(str, (2, *hidden, 1)))
    rows = (
        Quantity("training rows", len(data["X_train"])),
        Quantity("test rows", len(data["X_test"])),
        Quantity("network", name, f"{model.count_params()} parameters"),
        Quantity("first loss", float(history.steps["loss"][0])),
        Quantity("training loss", float(train["loss"]), f"after {epochs} epochs"),
        Quantity("training accuracy", float(train["accuracy"])),
        Quantity("test accuracy", float(test["accuracy"])),
    )
    return Example(
        "Two circles",
        "No line parts a circle from the one around it; a network with two small hidden layers "
        "bends one around.",
        rows, digits=4, models={"model": model}, arrays=data | {"steps": history.steps["loss"]},
        picture=lambda ax: titled(
            plot_decision_boundary(model, data["X_test"], data["y_test"], ax=ax),
            "Two circles: the test points",
        ),
    )  # fmt: skip


def logistic_regression(engine: str = "auto") -> Example:
    """One sigmoid unit is logistic regression: the coefficients are scikit-learn's.

    engine
        As `Sequential.compile` takes it.

    The data is scikit-learn's breast cancer table, standardized. scikit-learn adds 1/2 sum w^2 to
    the sum of the losses of m rows, so that the penalty on their mean is 1/(2m) sum w^2.

    >>> from chainrule import examples
    >>> examples.logistic_regression()["largest difference"] < 1e-3
    True
    """
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression

    data = _split(*load_breast_cancer(return_X_y=True))
    X, y, m = data["X_train"], data["y_train"], len(data["X_train"])
    penalty = L2(0.5 / m)
    unit = Dense(1, "sigmoid", kernel_regularizer=penalty)
    model = Sequential([Input((X.shape[1],)), unit], seed=0, dtype="float64")
    model.compile(SGD(0.3, momentum=0.99, nesterov=True), "binary_crossentropy", engine=engine)
    model.fit(X, y, batch_size=m, epochs=4000, verbose=0)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X, y)
    kernel, bias = model.get_weights()
    ours = np.append(kernel[:, 0], bias)
    coefficients = np.append(theirs.coef_[0], theirs.intercept_)
    right = (model.predict(data["X_test"])[:, 0] > 0.5) == data["y_test"]
    rows = (
        Quantity("rows, columns", X.shape, "the training part"),
        Quantity("first coefficients", numbers(ours[:4]), "of the network"),
        Quantity("scikit-learn's", numbers(coefficients[:4])),
        Quantity("intercept", float(ours[-1]), "of the network"),
        Quantity("scikit-learn's intercept", float(coefficients[-1])),
        Quantity(
            "largest difference", float(abs(ours - coefficients).max()), "of all coefficients"
        ),
        Quantity("test accuracy", float(right.mean())),
    )
    return Example(
        "Logistic regression is a network without a hidden layer",
        "A sigmoid unit, trained by gradient descent with the penalty matched, ends where "
        "scikit-learn's LogisticRegression ends.",
        rows, models={"model": model},
        arrays=data | {"coefficients": ours, "theirs": coefficients},
        picture=lambda ax: _coefficients(ours, coefficients, ax),
    )  # fmt: skip


def _coefficients(ours: Any, theirs: Any, ax: Any) -> Any:
    """Coefficients side by side, the intercept last."""
    ax = plot_bars({"the network": ours, "scikit-learn": theirs}, ax=ax)
    ax.set(xlabel="coefficient, the intercept last", ylabel="value")
    return titled(ax, "A unit is logistic regression")


def universal_approximation(
    units: Sequence[int] = (3, 10, 30, 100), seed: int = 0, engine: str = "auto"
) -> Example:
    """sin(2 pi x) by one hidden layer of ReLU units: the error falls as units are added.

    units
        Widths of the hidden layer that are tried.
    seed, engine
        As `Sequential` takes them.

    The kinks of the units start spread over [0, 1]; everything is trained, with Adam at a rate
    that is halved every 500 of 4,000 steps.

    >>> from chainrule import examples
    >>> example = examples.universal_approximation(units=(3, 30))
    >>> example["30 units"] < example["3 units"]
    True
    """
    units = check_counts("universal_approximation", "units", units)
    x = np.linspace(0.0, 1.0, 201)[:, None]
    y = np.sin(2 * np.pi * x)
    models, rows = {}, []
    for width in units:
        name = f"{width} units"
        models[name] = _approximation(x, y, width, seed, engine)
        error = float(np.sqrt(models[name].evaluate(x, y)))
        rows.append(Quantity(name, error, f"{models[name].count_params()} parameters"))
    return Example(
        "One hidden layer approximates sin(2 pi x)",
        "The root mean squared error on [0, 1] falls as units are added: each adds a kink.",
        tuple(rows), models=models, arrays={"X": x, "y": y},
        picture=lambda ax: plot_approximation(models, x, y, ax=ax),
    )  # fmt: skip


def _approximation(x: Any, y: Any, width: int, seed: int, engine: str) -> Sequential:
    hidden = Dense(width, "relu", kernel_initializer="he_normal")
    model = Sequential([Input((1,)), hidden, Dense(1)], seed=seed)
    rate = schedules.ExponentialDecay(0.01, 500, 0.5, staircase=True)
    model.compile(Adam(rate), "mse", engine=engine)
    first = model.layers[0]
    first.bias = -first.kernel[0] * np.arange(width) / width
    model.fit(x, y, batch_size=len(x), epochs=4000, verbose=0)
    return model
