"""chainrule: what a user writes, with the engine it takes by itself."""

from collections.abc import Callable

import numpy as np

import chainrule
from benchmarks.cases import Case

Calls = dict[str, Callable[[], None]]


def model(sizes: tuple[int, ...], seed: int = 0) -> chainrule.Sequential:
    """A compiled model."""
    layers = chainrule.layers
    hidden = [layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    made = chainrule.Sequential(
        [layers.Input((sizes[0],)), *hidden, layers.Dense(sizes[-1], activation="softmax")],
        seed=seed,
    )
    made.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return made


def training(case: Case) -> Calls:
    X, y = case.data()
    network = model(case.sizes)
    return {"fit": lambda: network.fit(X, y, batch_size=case.batch, epochs=case.epochs, verbose=0)}


def many(case: Case, networks: int) -> Calls:
    X, y = case.data()
    settings = {"batch_size": case.batch, "epochs": case.epochs}
    jobs = [(model(case.sizes, seed), X, y, settings) for seed in range(networks)]
    return {"fit_many": lambda: chainrule.fit_many(jobs) and None}


def prediction(sizes: tuple[int, ...], rows: int) -> Calls:
    network = model(sizes)
    X = np.random.default_rng(0).standard_normal((rows, sizes[0]), dtype=np.float32)
    return {"predict": lambda: network.predict(X, verbose=0)}
