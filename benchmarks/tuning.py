"""What a search costs, and what Hyperband saves: seconds of searches, medians over seeds.

`python -m benchmarks.tuning trials` times 100 trials of 100 epochs. `python -m benchmarks.tuning
hyperband TABLE... --seeds N --kept FILE` runs random search and Hyperband over one space, each with
draws of its own, and says after which share of random search's time Hyperband has its best score.
What is done stands in FILE, so that it can be run in pieces; `--seconds S` ends it after so long.
Hyperband has as many rounds as end within random search's time; inf stands for never.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from chainrule import TabularClassifier
from chainrule.data import read_table
from chainrule.estimators import TableSettings, plan_table
from chainrule.tuning import Range, Search, SearchProgress, default_space, space_of

TABLES = {
    "adult": ("adult/train.parquet", "income", None),
    "covertype": ("covertype/train.parquet", "Cover_Type", 20_000),
    "letter": ("letter/train.parquet", "class", None),
}
SMALL = {
    "layers": (1, 2),
    "units": Range(16, 128, log=True),
    "batch_size": [128, 256, 512],
}
"""What is narrower than in the space of a search that is given none, to end within minutes."""
EPOCHS, PATIENCE, RANDOM_TRIALS, MANY_TRIALS = 81, 20, 50, 10_000
"""The patience and the number of trials are those that are usual."""
OTHER_DRAWS = 1_000
"""What is added to a seed, that Hyperband has none of the places of random search."""


def trials() -> None:
    """100 trials of 100 epochs of a 64-64 network on 5,000 rows and 30 columns, batches of 32."""
    random = np.random.default_rng(0)
    X = random.normal(size=(5_000, 30))
    y = (X @ random.normal(size=30) + random.normal(size=5_000) > 0).astype(int)
    estimator = TabularClassifier(
        model="mlp", hidden=(64, 64), epochs=100, patience=100, batch_size=32, members=1
    )
    plan = estimator.plan(X, y)
    space = space_of({"learning_rate": Range(1e-4, 1e-2, log=True), "dropout": (0.0, 0.5)})
    for method in ("random", "bayesian"):
        began, cpu = time.perf_counter(), time.process_time()
        search = Search(plan, space, method, 100)
        search.run()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        epochs = sum(one.epochs for one in search.trials)
        print(
            f"{method}: {len(search.trials)} trials, {epochs:,} epochs of {plan.rows['train']:,} "
            f"rows: {seconds:.1f} s, {cpu:.1f} s of processors"
        )


@dataclass
class Course:
    """When a search had which best score: seconds, seconds of processors, score."""

    points: list[tuple[float, float, float]] = field(default_factory=list)
    best: float = float("inf")
    began: float = field(default_factory=time.process_time)
    goal: float = -float("inf")
    limit: float = float("inf")

    def watch(self, progress: SearchProgress) -> None:
        """Note a new best score of any epoch, also of a trial under way.

        It ends at the goal, and after the limit in seconds of processors.
        """
        if self.best <= self.goal or time.process_time() - self.began > self.limit:
            raise KeyboardInterrupt
        for _, score in progress.running.values():
            if score < self.best:
                self.best = score
                self.points.append((progress.seconds, time.process_time() - self.began, score))

    def time_to(self, score: float) -> tuple[float, float]:
        """The seconds, and those of processors, after which a score was reached."""
        found = (one[:2] for one in self.points if one[2] <= score)
        return next(found, (float("inf"), float("inf")))


def searched(
    plan: Any, method: str, count: int, seed: int, goal: float, limit: float
) -> dict[str, Any]:
    """One search until it has a score or a time is over: its course, seconds and best score."""
    course = Course(goal=goal, limit=limit)
    space = space_of({**default_space(plan, "random").dimensions, **SMALL})
    search = Search(plan, space, method, count, seed=seed, watch=course.watch)
    search.run()
    return {
        "seconds": search.seconds(), "processors": time.process_time() - course.began,
        "points": course.points, "score": course.best, "trials": len(search.trials),
        "epochs": sum(one.epochs for one in search.trials),
    }  # fmt: skip


def planned(name: str, seed: int) -> Any:
    """The plan of a table: the rows of the seed where it has more than are taken."""
    path, target, rows = TABLES[name]
    table = read_table(str(Path(os.environ["CHAINRULE_DATA"]) / path))
    if rows is not None and table.rows > rows:
        chosen = np.sort(np.random.default_rng(seed).permutation(table.rows)[:rows])
        table = table.take(chosen)
    settings = TableSettings(epochs=EPOCHS, patience=PATIENCE, members=1, seed=seed, bins=0)
    return plan_table(table, target, settings, test_share=0.2)


def hyperband(names: list[str], seeds: int, kept: Path, limit: float) -> None:
    """Random search and Hyperband on each table and seed that is not kept yet."""
    began = time.monotonic()
    found = json.loads(kept.read_text()) if kept.exists() else {}
    for seed in range(seeds):
        for name in names:
            for method in ("random", "hyperband"):
                key = f"{name} {seed} {method}"
                if key in found or time.monotonic() - began > limit:
                    continue
                if method == "random":
                    asked = (RANDOM_TRIALS, seed, -float("inf"), float("inf"))
                else:
                    other = found[f"{name} {seed} random"]
                    asked = (MANY_TRIALS, seed + OTHER_DRAWS, other["score"], other["processors"])
                found[key] = searched(planned(name, seed), method, *asked)
                kept.write_text(json.dumps(found))
                one = found[key]
                print(f"{key}: {one['score']:.4f} in {one['seconds']:.0f} s", flush=True)
    report(names, seeds, found)


def report(names: list[str], seeds: int, found: dict[str, Any]) -> None:
    """After which share of random search's time Hyperband has its best score."""
    for name in names:
        shares, of_processors = [], []
        for seed in range(seeds):
            random = found.get(f"{name} {seed} random")
            other = found.get(f"{name} {seed} hyperband")
            if not random or not other:
                continue
            seconds, processors = Course(other["points"]).time_to(random["score"])
            shares.append(seconds / random["seconds"])
            of_processors.append(processors / random["processors"])
        if shares:
            print(
                f"{name}: Hyperband has random search's best score after "
                f"{statistics.median(shares):.2f} of its seconds, "
                f"{statistics.median(of_processors):.2f} of its seconds of processors (medians of "
                f"{len(shares)} seeds); each: "
                f"{', '.join(f'{one:.2f}' for one in sorted(of_processors))}"
            )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["trials", "hyperband"])
    parser.add_argument("tables", nargs="*", default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--kept", type=Path, default=Path("tuning-benchmark.json"))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    print(describe("optuna"))
    if options.what == "trials":
        trials()
    else:
        hyperband(options.tables or list(TABLES), options.seeds, options.kept, options.seconds)


if __name__ == "__main__":
    main()
