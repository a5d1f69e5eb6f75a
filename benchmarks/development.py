"""The development tables, as `chainrule train` trains them, beside a linear model and the peers.

    python -m benchmarks.development [SET ...] [--seeds 0 1] [--results FILE] [--held-out]
                                     [--set SETTING=VALUE ...]

The given test rows, seeds 0 to 4: median, least and largest. A line is written to the file of
results for each set and seed as it is done, and those that stand in the file already are not
trained again; at the end a table for each metric is made of them. Choices are made with
`--held-out`, which scores a fifth of the training rows, another for each seed, in place of the
test rows.

The linear model is scikit-learn's (logistic regression with C=1, ridge with alpha=1) on the same
rows and columns, categories one-hot. "ahead by" is how much better our median is than the linear
one, beside the standard error of that difference over the test rows (bootstrap, rows drawn in
pairs); a minus sign is behind, and "!" more than a standard error behind. The peers' figures are
in peers.csv: their default settings on the same split, mean of up to three seeds; the tree is the
best of three libraries. "?" stands where a network of the peers is ahead of their linear model
and ours is not.
"""

import argparse
import csv
import json
import os
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import plain
from benchmarks.machine import describe
from benchmarks.tables import given_split
from chainrule import random
from chainrule.data import Table
from chainrule.estimators import TablePlan, TableSettings, plan_table, tabular_estimator
from chainrule.reporting import score_classification, score_regression

PEERS = Path(__file__).with_name("peers.csv")
SMALLER_IS_BETTER = ("log_loss", "rmse")
RESAMPLES = 200
HELD_OUT_STREAM = 10

Record = dict[str, Any]


def peers() -> dict[str, list[dict[str, str]]]:
    """The rows of peers.csv by metric."""
    found: dict[str, list[dict[str, str]]] = {}
    with PEERS.open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["metric"], []).append(row)
    return found


def parts(name: str, seed: int, held_out: bool) -> tuple[Table, Table, str, tuple[str, ...]]:
    """Rows to learn from and to score, the target, and the columns to leave out."""
    folder = Path(os.environ["CHAINRULE_DATA"])
    train, test, target = given_split(folder, name)
    if held_out:
        order = random.permutation(seed, HELD_OUT_STREAM, 0, train.rows)
        fifth = train.rows // 5
        train, test = train.take(np.sort(order[fifth:])), train.take(np.sort(order[:fifth]))
    meta = json.loads((folder / name / "meta.json").read_text())
    return train, test, target, tuple(meta.get("ignore_columns", ()))


def linear_answers(plan: TablePlan, test: Table) -> np.ndarray:
    """What scikit-learn's linear model says of the test rows."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import OneHotEncoder

    tables = [plan.encoded(rows) for rows in (plan.train_table, test)]
    X, X_test = (encoded.numbers.astype(float) for encoded in tables)
    if tables[0].categories.shape[1]:  # of many values; the others are among the numbers
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        hot = encoder.fit_transform(tables[0].categories)
        X, X_test = (
            np.hstack([X, hot]),
            np.hstack([X_test, encoder.transform(tables[1].categories)]),
        )
    truth = plan.truth(plan.train_table)
    if not plan.is_classification:
        middle, scale = truth.mean(), np.abs(truth).max()
        return Ridge().fit(X, (truth - middle) / scale).predict(X_test) * scale + middle
    model = LogisticRegression(max_iter=200).fit(X, truth)
    answers = np.zeros((len(X_test), len(plan.labels.classes)))
    answers[:, model.classes_] = model.predict_proba(X_test)
    return answers


def scored(plan: TablePlan, truth: np.ndarray, answers: np.ndarray) -> dict[str, float]:
    """The metrics that the peers have, of answers to some rows."""
    if plan.is_classification:
        found = score_classification(truth, answers, plan.labels.classes)
        return {name: float(found[name] or 0) for name in ("accuracy", "roc_auc", "log_loss")}
    found = score_regression(truth, answers)
    return {name: float(found[name] or 0) for name in ("rmse", "r2")}


def errors(
    plan: TablePlan, truth: np.ndarray, ours: np.ndarray, linear: np.ndarray
) -> dict[str, float]:
    """The standard error of the difference of each metric: rows drawn again, in pairs."""
    generator = np.random.default_rng(0)
    differences: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        rows = generator.integers(0, len(truth), len(truth))
        one, other = (scored(plan, truth[rows], answers[rows]) for answers in (ours, linear))
        for name, value in one.items():
            differences.setdefault(name, []).append(value - other[name])
    return {name: statistics.stdev(values) for name, values in differences.items()}


def measured(name: str, seed: int, held_out: bool, settings: dict[str, Any]) -> Record:
    """Train on a set with a seed, and score."""
    train, test, target, ignore = parts(name, seed, held_out)
    start = time.perf_counter()
    plan = plan_table(train, target, TableSettings(seed=seed, ignore=ignore, **settings), test=test)
    model = tabular_estimator(plan).fit_plan(plan).model_
    seconds = time.perf_counter() - start
    truth, ours = plan.truth(test), model.answers(plan.encoded(test))
    linear = linear_answers(plan, test)
    return {
        "set": name,
        "seed": seed,
        "held_out": held_out,
        "settings": settings,
        "ours": scored(plan, truth, ours),
        "linear": scored(plan, truth, linear),
        "error": errors(plan, truth, ours, linear),
        "seconds": seconds,
    }


def written(value: float) -> str:
    """With as many digits as say something."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"


def line(records: list[Record], metric: str, peer: dict[str, str]) -> str:
    """A row of the table of a metric."""
    ours = [record["ours"][metric] for record in records]
    middle = statistics.median(ours)
    linear = statistics.median(record["linear"][metric] for record in records)
    error = statistics.median(record["error"][metric] for record in records)
    sign = -1 if metric in SMALLER_IS_BETTER else 1
    ahead = sign * (middle - linear)
    networks = [float(peer[name]) for name in ("sklearn_mlp", "realmlp_td") if peer[name]]
    is_expected = any(sign * (network - float(peer["linear"])) > 0 for network in networks)
    mark = "!" if ahead < -error else "?" if is_expected and ahead <= 0 else ""
    figures = [
        written(float(peer[name])) if peer[name] else ""
        for name in ("linear", "sklearn_mlp", "realmlp_td", "best_tree")
    ]
    return " | ".join(
        [
            f"| {records[0]['set']}",
            written(middle),
            f"{written(min(ours))} to {written(max(ours))}",
            written(linear),
            f"{written(ahead)} ± {written(error)} {mark}".rstrip(),
            *figures[:3],
            f"{figures[3]} ({peer['tree']}) |",
        ]
    )


def show(records: list[Record], names: Iterable[str]) -> None:
    """A table for each metric, as Markdown, and the seconds."""
    by_name = {name: [one for one in records if one["set"] == name] for name in names}
    for metric, rows in peers().items():
        known = [row for row in rows if by_name.get(row["set"])]
        if not known:
            continue
        print(
            f"\n{metric}\n\n| set | ours | least to largest | linear | ahead by | peers: linear "
            "| sklearn MLP | RealMLP-TD | best tree |\n|---|---|---|---|---|---|---|---|---|"
        )
        for row in known:
            print(line(by_name[row["set"]], metric, row))
    print("\n| set | seeds | seconds a fit |\n|---|---|---|")
    for name, found in by_name.items():
        if found:
            seconds = statistics.median(one["seconds"] for one in found)
            print(f"| {name} | {len(found)} | {seconds:.1f} |")


def main() -> None:
    """Train what is not in the file of results yet, and show all."""
    known = sorted({row["set"] for rows in peers().values() for row in rows})
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(known))
    parser.add_argument("--seeds", type=int, nargs="*", default=list(range(5)))
    parser.add_argument("--results", type=Path, default=Path("development.jsonl"), metavar="FILE")
    parser.add_argument("--held-out", action="store_true", help="score training rows held out")
    parser.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE")
    options = parser.parse_args()
    if unknown := set(options.sets) - set(known):
        parser.error(f"no set {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    settings = {
        name: plain(value) for name, _, value in (one.partition("=") for one in options.set)
    }
    names, what = options.sets or known, {"held_out": options.held_out, "settings": settings}
    print(describe("scikit-learn"), flush=True)
    options.results.touch()
    records = [json.loads(text) for text in options.results.read_text().splitlines()]
    records = [one for one in records if {name: one[name] for name in what} == what]
    done = {(one["set"], one["seed"]) for one in records}
    for name in names:
        for seed in options.seeds:
            if (name, seed) not in done:
                records.append(measured(name, seed, **what))
                text = json.dumps(records[-1])
                with options.results.open("a") as file:
                    file.write(f"{text}\n")
                print(text, flush=True)
    show([one for one in records if one["seed"] in options.seeds], names)


if __name__ == "__main__":
    main()
