"""What is paid beside the steps: building a model, a call of fit, one batch, one row.

The median over repeats, in microseconds. The share of the engine is the time of the same calls of
`Program.run`, made again alone with the same arrays; the rest is Python around it.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np

import chainrule
from benchmarks.machine import describe
from chainrule.engine import Program
from chainrule.training.graphs import Variant

FRESH = "from benchmarks.small_costs import seconds, ready; print(seconds(lambda: ready(0)))"


def model(sizes: list[int], seed: int, engine: str = "auto") -> chainrule.Sequential:
    """ReLU, softmax cross-entropy, Adam: the networks of the project's cases."""
    layers = chainrule.layers
    hidden = [layers.Dense(units, activation="relu") for units in sizes[1:-1]]
    made = chainrule.Sequential(
        [layers.Input((sizes[0],)), *hidden, layers.Dense(sizes[-1], activation="softmax")],
        seed=seed,
    )
    made.compile(optimizer="adam", loss="sparse_categorical_crossentropy", engine=engine)
    return made


def ready(seed: int, engine: str = "auto") -> None:
    """Build and compile 30-64-64-2, up to the program of its step."""
    model([30, 64, 64, 2], seed, engine).trainer.task.program("step", Variant())


def data(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Random normal inputs and labels of two classes."""
    generator = np.random.default_rng(0)
    return generator.normal(size=(rows, columns)).astype(np.float32), generator.integers(0, 2, rows)


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def runs_of(call: Callable[[], object]) -> Callable[[], None]:
    """The runs of programs that a call makes, as a call of their own."""
    made: list[tuple[Program, tuple[Any, ...], dict[str, Any]]] = []
    run = Program.run

    def remember(program: Program, *arguments: Any, **settings: Any) -> Any:
        made.append((program, arguments, settings))
        return run(program, *arguments, **settings)

    with patch.object(Program, "run", remember):
        call()

    def again() -> None:
        for program, arguments, settings in made:
            program.run(*arguments, **settings)

    return again


def show(name: str, call: Callable[[], object], repeats: int, calls: int = 1) -> None:
    """A line of the table: all of a call, and the engine's share, taking turns."""
    for _ in range(3):
        call()
    alone = runs_of(call)
    whole, share = [], []
    for _ in range(repeats):
        whole.append(seconds(lambda: [call() for _ in range(calls)]) / calls)
        share.append(seconds(lambda: [alone() for _ in range(calls)]) / calls)
    line(name, whole, share)


def line(name: str, whole: list[float], share: list[float]) -> None:
    """Medians in microseconds: all, the engine's share, the rest."""
    rest = [a - b for a, b in zip(whole, share, strict=True)]
    figures = (statistics.median(values) * 1e6 for values in (whole, share, rest))
    print(f"{name:34}" + "".join(f"{figure:10.1f}" for figure in figures), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    repeats, engine = options.repeats, options.engine
    print(describe())
    print(f"{'microseconds':34}{'all':>10}{'engine':>10}{'rest':>10}")
    fresh = [float(subprocess.check_output([sys.executable, "-c", FRESH])) for _ in range(5)]
    line("build and compile, first", fresh, [0.0] * len(fresh))
    ready(0, engine)
    again = [seconds(lambda seed=seed: ready(seed, engine)) for seed in range(1, repeats + 1)]
    line("build and compile, again", again, [0.0] * repeats)
    tiny, table = model([2, 4, 4, 2], 0, engine), model([30, 64, 64, 2], 0, engine)
    X, y = data(1000, 2)
    show("fit, 1 epoch of 1000 x 2", lambda: tiny.fit(X, y, verbose=0), repeats)
    many, classes = data(5000, 30)
    show(
        "fit, 20 epochs of 5000 x 30",
        lambda: table.fit(many, classes, epochs=20, verbose=0),
        max(3, repeats // 50),
    )
    batch, labels, row = many[:32].copy(), classes[:32].copy(), many[:1].copy()
    show("train_on_batch, 32 x 30", lambda: table.train_on_batch(batch, labels), repeats, 20)
    show("predict_on_batch, 1 x 30", lambda: table.predict_on_batch(row), repeats, 20)


if __name__ == "__main__":
    main()
