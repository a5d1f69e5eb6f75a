"""SHAP values of adult: how long 1,000 rows take, and how far 20 rows are from exact values.

A default model of the training table explains the first rows of the test table against the 100
rows that it keeps. Exact values come of asking the model, by its predictions alone, about every
coalition of the columns in which a row and a row of the background differ; nothing of how values
are sampled is used for them. A line a seed: seconds, seconds of processor time, the largest and the
root mean square distance from the exact values, and the largest sampling error that was said.
Medians come last.
"""

import argparse
import math
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe
from chainrule.data import read_table
from chainrule.estimators import TableModel, TableSettings, fit_table, plan_table
from chainrule.explaining import Subject, shap_values, subject_of


def exact(subject: Subject, background: Subject) -> Any:
    """Shapley values of the last output, by all coalitions."""
    joined, columns = subject.joined(background), len(subject.columns)
    codes = np.stack([joined.cells(name).codes for name in subject.columns], axis=1)
    found = np.zeros((subject.rows, columns))
    for row in range(subject.rows):
        for other in range(subject.rows, joined.rows):
            players = np.flatnonzero(codes[row] != codes[other])
            count = len(players)
            inside = np.arange(2**count)[:, np.newaxis] >> np.arange(count) & 1
            choice = np.full((2**count, columns), other)
            choice[:, players] = np.where(inside, row, other)
            values = joined.recombined(choice).answers()[:, -1]
            for place, player in enumerate(players):
                without = np.flatnonzero(inside[:, place] == 0)
                sizes = inside[without].sum(axis=1)
                weights = [1 / (count * math.comb(count - 1, size)) for size in range(count)]
                gain = values[without | 1 << place] - values[without]
                found[row, player] += (np.array(weights)[sizes] * gain).sum() / background.rows
    return found


def measure(model: TableModel, rows: Any, truth: Any, seed: int) -> list[float]:
    """The figures of one seed, printed too."""
    start, processor = time.perf_counter(), time.process_time()
    found = shap_values(model, rows, seed=seed)
    figures = [time.perf_counter() - start, time.process_time() - processor]
    far = found.values[: len(truth)] - truth
    figures += [np.abs(far).max(), np.sqrt(np.mean(far**2)), found.error.max()]
    told = "{:8.2f} s {:8.2f} s of processor  largest {:.5f}  root mean square {:.5f}  said {:.5f}"
    print(f"seed {seed}  {told.format(*figures)}", flush=True)
    return figures


def main() -> None:
    """Train, enumerate, explain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--exact-rows", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    folder = Path(os.environ["CHAINRULE_DATA"]) / "adult"
    print(describe())
    model = fit_table(plan_table(read_table(str(folder / "train.parquet")), "income",
                                 TableSettings()))  # fmt: skip
    table = read_table(str(folder / "test.parquet")).take(np.arange(options.rows))
    few = table.take(np.arange(options.exact_rows))
    truth = exact(subject_of(model, few), subject_of(model, model.background))
    found = [measure(model, table, truth, seed) for seed in range(options.seeds)]
    medians = [statistics.median(column) for column in zip(*found, strict=True)]
    print("medians ", " ".join(f"{one:.5g}" for one in medians))


if __name__ == "__main__":
    main()
