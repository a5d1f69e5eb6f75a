"""A training step of the NumPy engine beside scikit-learn's MLPClassifier, through `fit`.

The cases of the project that scikit-learn can run too: ReLU, softmax cross-entropy, Adam 1e-3,
float32, shuffle timed on both sides. Both engines take turns in one process; the figure is the
median of the ratios.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import chainrule
from benchmarks.machine import describe

CASES = {
    "tiny": ([2, 4, 4, 2], 32, 1000, 10),
    "tab30": ([30, 64, 64, 2], 32, 5000, 4),
    "tab100": ([100, 256, 128, 64, 10], 256, 50_000, 1),
    "mnist32": ([784, 300, 100, 10], 32, 10_000, 1),
    "mnist128": ([784, 300, 100, 10], 128, 20_000, 1),
}


def ours(sizes: list[int], batch: int, epochs: int) -> Callable[[np.ndarray, np.ndarray], None]:
    """A fit of chainrule on the NumPy engine."""
    layers = chainrule.layers
    hidden = [layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    model = chainrule.Sequential(
        [layers.Input((sizes[0],)), *hidden, layers.Dense(sizes[-1], activation="softmax")], seed=0
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", engine="numpy")
    return lambda X, y: model.fit(X, y, batch_size=batch, epochs=epochs, verbose=0)


def theirs(sizes: list[int], batch: int, epochs: int) -> Callable[[np.ndarray, np.ndarray], None]:
    """A fit of scikit-learn, without penalty and without a stop before the last epoch."""

    def fit(X: np.ndarray, y: np.ndarray) -> None:
        MLPClassifier(
            sizes[1:-1], batch_size=batch, max_iter=epochs, alpha=0.0, n_iter_no_change=10**6
        ).fit(X, y)

    return fit


def measure(name: str, repeats: int) -> None:
    """Print microseconds a step of both, and the ratio."""
    sizes, batch, rows, epochs = CASES[name]
    generator = np.random.default_rng(0)
    X = generator.normal(size=(rows, sizes[0])).astype(np.float32)
    y = generator.integers(0, sizes[-1], rows)
    steps = epochs * -(-rows // batch)
    runs = {"chainrule": ours(sizes, batch, epochs), "scikit-learn": theirs(sizes, batch, epochs)}
    seconds: dict[str, list[float]] = {key: [] for key in runs}
    for fit in runs.values():
        fit(X, y)
    for _ in range(repeats):
        for key, fit in runs.items():
            start = time.perf_counter()
            fit(X, y)
            seconds[key].append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(seconds["scikit-learn"], seconds["chainrule"], strict=True)]
    mine, its = (statistics.median(seconds[key]) / steps * 1e6 for key in runs)
    print(
        f"{name:10} {mine:10.0f} {its:13.0f} {statistics.median(ratios):8.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


def main() -> None:
    """Run the cases named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(describe())
    print(f"{'case':10} {'us a step':>10} {'scikit-learn':>13} {'ratio':>8} (spread)")
    for name in options.cases:
        measure(name, options.repeats)


if __name__ == "__main__":
    main()
