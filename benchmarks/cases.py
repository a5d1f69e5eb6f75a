"""The trainings that are measured: sizes, data, what they cost, what is wanted of them."""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """Dense layers with ReLU, softmax cross-entropy, Adam 1e-3, float32, shuffled every epoch.

    epochs
        How many of them one call of fit trains.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    rows: int
    epochs: int

    @property
    def steps(self) -> int:
        """Updates of one call; the last batch of an epoch holds the rows that are left."""
        return self.epochs * -(-self.rows // self.batch)

    @property
    def parameters(self) -> int:
        """Numbers that are trained."""
        return sum((before + 1) * after for before, after in self._pairs())

    @property
    def flops(self) -> float:
        """Multiplications and additions of a step's products, on average over an epoch.

        Forward, gradient of the weights, and gradient of the inputs but in the first layer.
        """
        products = [before * after for before, after in self._pairs()]
        return 2 * (3 * sum(products) - products[0]) * self.rows * self.epochs / self.steps

    @property
    def activations(self) -> int:
        """Numbers of a batch: its inputs and what every layer makes of them."""
        return self.batch * sum(self.sizes)

    def data(self) -> tuple[Array, Array]:
        """Random normal inputs in float32, and random classes."""
        generator = np.random.default_rng(0)
        X = generator.standard_normal((self.rows, self.sizes[0]), dtype=np.float32)
        return X, generator.integers(0, self.sizes[-1], self.rows)

    def weights(self, seed: int) -> list[tuple[Array, Array]]:
        """First kernels and biases, for the peers that do not draw their own."""
        generator = np.random.default_rng(seed)
        return [
            (
                generator.normal(0, (2 / before) ** 0.5, (before, after)).astype(np.float32),
                np.zeros(after, np.float32),
            )
            for before, after in self._pairs()
        ]

    def _pairs(self) -> list[tuple[int, int]]:
        return list(zip(self.sizes, self.sizes[1:], strict=False))


CASES = {
    case.name: case
    for case in (
        Case("tiny", (2, 4, 4, 2), 32, 1000, 50),
        Case("tab30", (30, 64, 64, 2), 32, 5000, 20),
        Case("tab100", (100, 256, 128, 64, 10), 256, 50_000, 1),
        Case("mnist32", (784, 300, 100, 10), 32, 10_000, 1),
        Case("mnist128", (784, 300, 100, 10), 128, 20_000, 1),
        Case("wide", (784, 2048, 2048, 10), 256, 4096, 1),
    )
}

# Independent networks on the same rows, each with first weights and shuffles of its own.
MANY = Case("many", (30, 64, 64, 2), 32, 5000, 4)
NETWORKS = 16

# How many times faster than JAX, PyTorch and scikit-learn the project wants to be.
TARGETS = {
    "tiny": (5, 140, 90),
    "tab30": (2.8, 22, 15),
    "tab100": (1.9, 2.8, 3.5),
    "mnist32": (2.1, 3.5, 6),
    "mnist128": (1.3, 1.7, 2.2),
    "wide": (1.15, 1.2, 1.6),
    "many": (4.5, 20, 20),
}
