"""What share of test rows lies in the intervals of `predict_interval`, by table and of all rows.

Default models of the training rows of each table, one a seed; the test rows are seen by nothing
else. A line a model, then medians and ranges over the seeds.
"""

from __future__ import annotations

import argparse
import os
import statistics
from pathlib import Path

import numpy as np

from benchmarks.machine import describe
from benchmarks.tables import given_split
from chainrule.estimators import TableSettings, fit_table, plan_table

TABLES = ("california-housing", "diamonds", "abalone")


def covered(name: str, seed: int, coverage: float) -> tuple[int, int]:
    """How many of the test rows lie in their intervals, and how many there are."""
    train, test, target = given_split(Path(os.environ["CHAINRULE_DATA"]), name)
    model = fit_table(plan_table(train, target, TableSettings(seed=seed), test=test))
    (intervals,) = model.intervals(coverage)
    low, high = intervals.around(model.predict(test).values).T
    truth = model.truth(test)
    inside = int(np.sum((low <= truth) & (truth <= high)))
    print(
        f"{name:20} seed {seed}  {inside:,} of {len(truth):,} rows: {inside / len(truth):.4f}",
        flush=True,
    )
    return inside, len(truth)


def main() -> None:
    """Train, ask for intervals, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--coverage", type=float, default=0.9)
    options = parser.parse_args()
    print(describe())
    found = {
        name: [covered(name, seed, options.coverage) for seed in range(options.seeds)]
        for name in options.tables
    }
    for name, counts in found.items():
        _tell(name, [inside / rows for inside, rows in counts])
    pooled = [
        sum(inside for inside, _ in each) / sum(rows for _, rows in each)
        for each in zip(*found.values(), strict=True)
    ]
    _tell("all rows", pooled)


def _tell(name: str, shares: list[float]) -> None:
    middle = statistics.median(shares)
    print(f"{name:20} median {middle:.4f} ({min(shares):.4f} to {max(shares):.4f})")


if __name__ == "__main__":
    main()
