"""Titanic, California housing and Adult, as `chainrule train` trains them, on rows it never saw.

Titanic: 5 times 5 folds over all rows (PassengerId left out), mean log loss and accuracy, beside
the linear baseline on the same rows. The others: the given split, seeds 0 to 4, median.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.machine import describe
from chainrule import random
from chainrule.data import Table, read_table
from chainrule.estimators import TablePlan, TableSettings, plan_table, tabular_estimator
from chainrule.reporting import (
    Design,
    judge_classification,
    judge_regression,
    linear_classification,
    linear_regression,
)


def design(plan: TablePlan, table: Table) -> Design:
    """Rows as the baselines take them."""
    encoded = plan.encoded(table)
    return Design(encoded.numbers, plan.truth(table), encoded.categories)


def scores(train: Table, test: Table, target: str, **settings: object) -> dict[str, float]:
    """Metrics of the network and of the linear model on the test rows, and seconds of the fit."""
    plan = plan_table(train, target, TableSettings(**settings), test=test)
    start = time.perf_counter()
    model = tabular_estimator(plan).fit_plan(plan).model_
    seconds = time.perf_counter() - start
    predictions, truth = model.predict(test), plan.truth(test)
    parts = design(plan, plan.train_table), design(plan, test)
    if predictions.probabilities is None:
        found = judge_regression(truth, predictions.values, resamples=0)
        linear = linear_regression(*parts, resamples=0)
    else:
        found = judge_classification(
            truth, predictions.probabilities, predictions.classes, resamples=0
        )
        linear = linear_classification(*parts, predictions.classes, resamples=0)
    return {
        **found.metrics,
        **{f"linear {name}": value for name, value in linear.judgment.metrics.items()},
        "seconds": seconds,
    }


def show(name: str, rows: list[dict[str, float]], metrics: list[str], middle: str) -> None:
    """Mean or median with the spread, a line a metric."""
    take = statistics.mean if middle == "mean" else statistics.median
    for metric in [*metrics, *(f"linear {metric}" for metric in metrics), "seconds"]:
        values = [row[metric] for row in rows]
        print(
            f"{name:20} {metric:18} {middle} {take(values):.4f} "
            f"({min(values):.4f} to {max(values):.4f})",
            flush=True,
        )


def folds(folder: Path, seed: int) -> Iterator[tuple[Table, Table, str]]:
    """Five parts of Titanic, stratified by class: each the test once, beside the other four."""
    table = read_table(str(folder / "titanic" / "data.csv"))
    survived = table.column("Survived").values
    order = random.permutation(seed, 9, 0, table.rows)
    order = order[np.argsort(survived[order], kind="stable")]
    for fold in range(5):
        test = np.sort(order[fold::5])
        train = np.setdiff1d(np.arange(table.rows), test)
        yield table.take(train), table.take(test), "Survived"


def given_split(folder: Path, name: str) -> tuple[Table, Table, str]:
    """The training and test part of a dataset, and the column to predict."""
    target = json.loads((folder / name / "meta.json").read_text())["target"]
    rows = folder / name / "split.json"
    if rows.exists():
        table = read_table(str(next((folder / name).glob("data.*"))))
        index = np.array(json.loads(rows.read_text())["test_index"])
        return table.take(np.setdiff1d(np.arange(table.rows), index)), table.take(index), target
    train, test = (
        read_table(str(next((folder / name).glob(f"{part}.*")))) for part in ("train", "test")
    )
    return train, test, target


def titanic(folder: Path) -> None:
    """Five times five folds, drawn with seeds 0 to 4."""
    rows = [
        scores(*parts, seed=seed, ignore=("PassengerId",))
        for seed in range(5)
        for parts in folds(folder, seed)
    ]
    show("titanic 5x5", rows, ["log_loss", "accuracy"], "mean")


def split_as_given(folder: Path, name: str, metrics: list[str]) -> None:
    """The split of the dataset, seeds 0 to 4."""
    parts = given_split(folder, name)
    show(name, [scores(*parts, seed=seed) for seed in range(5)], metrics, "median")


def main() -> None:
    """Run the sets named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=["titanic", "california-housing", "adult"])
    options = parser.parse_args()
    print(describe())
    folder = Path(os.environ["CHAINRULE_DATA"])
    for name in options.sets:
        if name == "titanic":
            titanic(folder)
        else:
            regression = name == "california-housing"
            split_as_given(folder, name, ["r2", "rmse"] if regression else ["accuracy", "log_loss"])


if __name__ == "__main__":
    main()
