"""The results that a first course names, with its set-ups: is each of them reached?

    python -m benchmarks.figures [ROW ...] [--held-out] [--set SETTING=VALUE ...]

A line for each figure: the task, its set-up, what is wanted, the median over the seeds with the
least and the largest, and the median of the seconds a seed. Seeds are 0 to 4, of the circles 0 to
19, all taken; figures are of the test rows after the last epoch, not the best of several epochs.

Where a set-up leaves something open, it was chosen by the text it comes from, or on training rows
held out (`--held-out`: the last 10,000 rows of MNIST, the last 946 of the digits; `--set` tries
another value), never on test rows:

circles-4-4, circles-8-8
    sigmoid output, binary cross-entropy; standardized by the training part; the deviation of the
    drawn weights is sqrt(2 / inputs) in every layer, the last one too. In 8-8 the layers' own
    `he_normal`.
mnist-300-100
    Dropout before each of the three layers, Adam's own settings. Batch 128 (held out, median of
    seeds 0 and 1: batch 32 98.37, 64 98.29, 128 98.38).
mnist-sigmoid
    M. Nielsen's book, chapter 3: 10 sigmoid outputs, cross-entropy summed over them, rate 0.1,
    lambda 5 over the rows that are trained on, batch 10, 60 epochs; weights of deviation
    1 / sqrt(inputs), biases of deviation 1. Our loss is the mean of the ten outputs: rate times 10,
    penalty divided by 10. All 60,000 rows, as in the other lines of MNIST; the book trains on the
    first 50,000 (`--set rows=50000`), and its own 98.04 is of the last 10,000 (`--held-out`).
mnist-512-512
    Keras's example mnist_mlp: dropout after each hidden layer, RMSprop(0.001), batch 128.
digits, digits-4
    Hidden ReLU, for the 4s 64 sigmoid units; Adam's own settings, batch 32. 100 epochs (held out:
    20 97.15, 50 97.36, 100 97.46). For the 4s 300 epochs, and dropout of 0.5 before the hidden
    layer. The test's pictures are by other writers, so each fifth of the training rows, as they
    stand, was held out once, not rows by chance (accuracy and recall; without dropout 99.41 and
    95.3 of seeds 0 to 2, L2 of 1e-4 to 1e-3 98.99 to 99.24; dropout 0.2 99.58 and 97.0 of seeds 0
    to 4, 0.35 99.58 and 97.0, 0.5 99.65 and 97.3; 16 units with 0.35 99.55 and 96.3).
digits-moved
    The same, each picture shifted by up to 0.06 of its side and turned by up to 10 degrees anew,
    200 epochs: the best of 27 set-ups (shifts 0.03, 0.06, 0.1, rotations 5, 10, 15, epochs 100,
    200, 400) over five parts of the training rows, each held out once: 98.85; of the others that
    were run to the end 97.85 to 98.75.
california-housing, titanic, adult
    `chainrule train` without a setting (PassengerId left out), and scikit-learn's histogram
    gradient boosting with its own settings on the same rows: numbers as they are, text of up to
    255 values as categories, other text left out. Titanic: mean over five folds, drawn by seed.
    Held out: a fifth of the training rows of each seed. How numbers are spread was chosen on such
    fifths of 14 development sets, seeds 0 to 2 of most: no spreading; 48, 128 or 256 parts; edges
    at quantiles of rows, or with values of many rows counted as one part; all parts into the first
    layer, or 8 or 16 units for each number, of ReLU or linear; 1,024, 2,048 or 4,096 parts in all;
    weight decay 0.01, 0.1, 0.3; dropout of 0.1 before the first layer; 4 or 8 networks.
"""

import argparse
import contextlib
import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.machine import describe
from benchmarks.tables import folds, given_split, scores
from chainrule import random
from chainrule.data import Table

Figures = dict[str, float]
Dense, Dropout, Input = cr.layers.Dense, cr.layers.Dropout, cr.layers.Input
HELD_OUT = {"mnist": 10_000, "digits32": 946}
MOST_LEVELS = 255


@dataclass(frozen=True)
class Row:
    """One result: how it is got for a seed, and what is wanted of it."""

    task: str
    setup: str
    wanted: dict[str, str]
    figures: Callable[..., Figures]
    seeds: range = range(5)


@cache
def pictures(name: str, held_out: bool) -> tuple[np.ndarray, ...]:
    """Pictures of numbers from 0 to 1 and labels, for training and for the figure."""
    with np.load(Path(os.environ["CHAINRULE_DATA"]) / name / f"{name}.npz") as arrays:
        x, y, x_test, y_test = (arrays[part] for part in ("x_train", "y_train", "x_test", "y_test"))
    x, x_test = (part.astype(np.float32) / np.float32(255) for part in (x, x_test))
    if held_out:
        count = HELD_OUT[name]
        return x[:-count], y[:-count], x[-count:], y[-count:]
    return x, y, x_test, y_test


def trained(
    layers: list[Any],
    optimizer: Any,
    loss: str,
    seed: int,
    x: Any,
    y: Any,
    expansion: tuple[Any, ...] = (),
    **fit: Any,
) -> cr.Sequential:
    """A network of pictures, trained by the native engine; layers go from their numbers on."""
    model = cr.Sequential([Input(x.shape[1:]), *expansion, cr.layers.Flatten(), *layers], seed=seed)
    model.compile(optimizer, loss, engine="native")
    model.fit(x, y, verbose=0, **fit)
    return model


def share_right(model: cr.Sequential, x: np.ndarray, y: np.ndarray) -> float:
    """Accuracy in percent."""
    return 100.0 * float((model.predict(x).argmax(axis=1) == y).mean())


@cache
def circles() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import make_circles
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = make_circles(200, factor=0.5, noise=0.08, random_state=1)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    scaler = StandardScaler().fit(x)
    return scaler.transform(x), y, scaler.transform(x_test), y_test


def drawn_weights(sizes: list[int]) -> list[np.ndarray]:
    """He's normal weights by NumPy's generator, layer by layer, and biases of 0."""
    rng = np.random.default_rng(42)
    weights = []
    for inputs, units in zip(sizes, sizes[1:], strict=False):
        weights += [rng.normal(0, np.sqrt(2 / inputs), (inputs, units)), np.zeros(units)]
    return weights


def two_circles(seed: int, held_out: bool, hidden: int = 4, given: bool = True) -> Figures:
    x, y, x_test, y_test = circles()
    batch_size = 32
    layers = [Dense(hidden, "relu", kernel_initializer="he_normal") for _ in range(2)]
    layers.append(Dense(1, "sigmoid", kernel_initializer="he_normal"))
    model = cr.Sequential([Input((2,)), *layers], seed=seed, dtype="float64")
    rate = cr.optimizers.schedules.ExponentialDecay(
        0.3, decay_steps=math.ceil(len(x) / batch_size), decay_rate=0.95, staircase=True
    )
    model.compile(cr.optimizers.SGD(rate), "binary_crossentropy", engine="native")
    if given:
        model.set_weights(drawn_weights([2, hidden, hidden, 1]))
    model.fit(x, y, batch_size=batch_size, epochs=150, verbose=0)
    return {
        name: float(((model.predict(rows).ravel() > 0.5) == labels).mean())
        for name, rows, labels in (("train", x, y), ("test", x_test, y_test))
    }


def mnist_dropout(seed: int, held_out: bool, batch_size: int = 128, epochs: int = 20) -> Figures:
    x, y, x_test, y_test = pictures("mnist", held_out)
    layers = [
        Dropout(0.2), Dense(300, "relu"), Dropout(0.2), Dense(100, "relu"), Dropout(0.2),
        Dense(10, "softmax"),
    ]  # fmt: skip
    model = trained(
        layers, "adam", "sparse_categorical_crossentropy", seed, x, y,
        batch_size=batch_size, epochs=epochs,
    )  # fmt: skip
    return {"test accuracy": share_right(model, x_test, y_test)}


def mnist_sigmoid(
    seed: int,
    held_out: bool,
    rate: float = 0.1,
    strength: float = 5.0,
    epochs: int = 60,
    rows: int = 60_000,
) -> Figures:
    x, y, x_test, y_test = pictures("mnist", held_out)
    x, y = x[:rows], y[:rows]
    penalty = cr.regularizers.L2(strength / (2 * len(x)) / 10)

    def layer(inputs: int, units: int) -> Any:
        return Dense(
            units, "sigmoid", kernel_regularizer=penalty,
            kernel_initializer=cr.initializers.RandomNormal(stddev=inputs**-0.5),
            bias_initializer=cr.initializers.RandomNormal(stddev=1.0),
        )  # fmt: skip

    model = trained(
        [layer(784, 100), layer(100, 10)], cr.optimizers.SGD(10 * rate), "binary_crossentropy",
        seed, x, np.eye(10, dtype=np.float32)[y], batch_size=10, epochs=epochs,
    )  # fmt: skip
    return {"test accuracy": share_right(model, x_test, y_test)}


def mnist_wide(seed: int, held_out: bool, optimizer: str = "rmsprop", epochs: int = 20) -> Figures:
    x, y, x_test, y_test = pictures("mnist", held_out)
    layers = [
        Dense(512, "relu"), Dropout(0.2), Dense(512, "relu"), Dropout(0.2), Dense(10, "softmax"),
    ]  # fmt: skip
    model = trained(
        layers, optimizer, "sparse_categorical_crossentropy", seed, x, y,
        batch_size=128, epochs=epochs,
    )  # fmt: skip
    return {"test accuracy": share_right(model, x_test, y_test)}


def digits(seed: int, held_out: bool, epochs: int = 100) -> Figures:
    x, y, x_test, y_test = pictures("digits32", held_out)
    model = trained(
        [Dense(64, "relu"), Dense(10, "softmax")], "adam", "sparse_categorical_crossentropy",
        seed, x, y, batch_size=32, epochs=epochs,
    )  # fmt: skip
    return {"test accuracy": share_right(model, x_test, y_test)}


def digits_moved(
    seed: int, held_out: bool, shift: float = 0.06, rotation: float = 10.0, epochs: int = 200
) -> Figures:
    x, y, x_test, y_test = pictures("digits32", held_out)
    model = trained(
        [Dense(64, "relu"), Dense(10, "softmax")], "adam", "sparse_categorical_crossentropy",
        seed, x, y, (cr.layers.RandomDistortion(shift=shift, rotation=rotation),),
        batch_size=32, epochs=epochs,
    )  # fmt: skip
    return {"test accuracy": share_right(model, x_test, y_test)}


def digits_four(
    seed: int, held_out: bool, units: int = 64, dropout: float = 0.5, epochs: int = 300
) -> Figures:
    x, y, *test = pictures("digits32", held_out=False)
    blocks = np.array_split(np.arange(len(x)), 5) if held_out else [np.arange(0)]
    said, four = [], []
    for block in blocks:
        learned = np.setdiff1d(np.arange(len(x)), block)
        model = trained(
            [Dropout(dropout), Dense(units, "sigmoid"), Dense(1, "sigmoid")], "adam",
            "binary_crossentropy", seed, x[learned], y[learned] == 4, batch_size=32, epochs=epochs,
        )  # fmt: skip
        x_scored, y_scored = (x[block], y[block]) if held_out else test
        said.append(model.predict(x_scored).ravel() > 0.5)
        four.append(y_scored == 4)
    right, found = np.concatenate(said) == np.concatenate(four), np.concatenate(four)
    return {
        "test accuracy": 100.0 * float(right.mean()),
        "recall of the 4s": 100.0 * float(right[found].mean()),
    }


def boosted(train: Table, test: Table, target: str, seed: int, ignore: tuple[str, ...]) -> Figures:
    """Scikit-learn's gradient-boosted trees with its own settings."""
    from sklearn import ensemble, metrics

    x, x_test, text = tree_columns(train, test, {target, *ignore})
    truth, truth_test = train.column(target).values, test.column(target).values
    is_class = target != "median_house_value"
    kind = "Classifier" if is_class else "Regressor"
    trees = getattr(ensemble, f"HistGradientBoosting{kind}")(
        categorical_features=text, random_state=seed
    ).fit(x, truth)
    if is_class:
        shares = trees.predict_proba(x_test)
        return {
            "accuracy": float((trees.predict(x_test) == truth_test).mean()),
            "log_loss": float(metrics.log_loss(truth_test, shares, labels=trees.classes_)),
        }
    predicted = trees.predict(x_test)
    return {
        "r2": float(metrics.r2_score(truth_test, predicted)),
        "rmse": float(metrics.root_mean_squared_error(truth_test, predicted)),
    }


def tree_columns(
    train: Table, test: Table, left_out: set[str]
) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    """Numbers as they are; text as codes, -1 where it is missing or not seen in training."""
    columns, columns_test, text = [], [], []
    for name in train.names:
        column, other = train.column(name), test.column(name)
        is_text = column.kind == "text"
        if name in left_out or (is_text and column.distinct > MOST_LEVELS):
            continue
        if is_text:
            place = {key: float(code) for code, key in enumerate(column.keys)}
            codes = [place.get(key, -1.0) for key in (*other.keys, "")]
            columns.append(column.codes.astype(float))
            columns_test.append(np.where(other.missing, -1.0, np.array(codes)[other.codes]))
        else:
            columns.append(np.asarray(column.values, float))
            columns_test.append(np.asarray(other.values, float))
        text.append(is_text)
    return np.column_stack(columns), np.column_stack(columns_test), text


def table(
    seed: int, held_out: bool, name: str, metrics: tuple[str, ...], **settings: object
) -> Figures:
    folder = Path(os.environ["CHAINRULE_DATA"])
    ignore: tuple[str, ...] = ("PassengerId",) if name == "titanic" else ()
    parts = folds(folder, seed) if name == "titanic" else [given_split(folder, name)]
    found = []
    for train, test, target in parts:
        if held_out:
            order = random.permutation(seed, 10, 0, train.rows)
            fifth = train.rows // 5
            train, test = train.take(np.sort(order[fifth:])), train.take(np.sort(order[:fifth]))
        ours = scores(train, test, target, seed=seed, ignore=ignore, **settings)
        trees = boosted(train, test, target, seed, ignore)
        found.append(
            {metric: ours[metric] for metric in metrics}
            | {f"{metric}, trees": trees[metric] for metric in metrics}
        )
    return {metric: statistics.mean(one[metric] for one in found) for metric in found[0]}


def table_row(name: str, setup: str, *metrics: str) -> Row:
    return Row(
        name, f"chainrule train, {setup}", dict.fromkeys(metrics, "as the trees"),
        partial(table, name=name, metrics=metrics),
    )  # fmt: skip


MEDIAN_OF_20 = range(20)
ACCURACY = "test accuracy"
ROWS = {
    "circles-4-4": Row(
        "two circles", "2-4-4-1, weights of default_rng(42), 20 shuffles",
        {"train": "0.943", "test": "0.917"}, two_circles, MEDIAN_OF_20,
    ),
    "circles-8-8": Row(
        "two circles", "2-8-8-1, He", {"test": "1.00"},
        partial(two_circles, hidden=8, given=False), MEDIAN_OF_20,
    ),
    "mnist-300-100": Row(
        "MNIST", "784-300-100-10, dropout 0.2, Adam, 20 epochs", {ACCURACY: "98.3"}, mnist_dropout
    ),
    "mnist-sigmoid": Row(
        "MNIST", "100 sigmoid units, cross-entropy, L2", {ACCURACY: "97.9 to 98.0"}, mnist_sigmoid
    ),
    "mnist-512-512": Row(
        "MNIST", "512-512, dropout 0.2, 20 epochs", {ACCURACY: "98.40"}, mnist_wide
    ),
    "digits": Row("digits 32x32", "1024-64-10 softmax", {ACCURACY: "95.5"}, digits),
    "digits-moved": Row(
        "digits 32x32", "1024-64-10 softmax, shifts and rotations", {ACCURACY: "97.4"}, digits_moved
    ),
    "digits-4": Row(
        "digits 32x32", "4 against the rest, one hidden sigmoid layer",
        {ACCURACY: "99.4", "recall of the 4s": "96"}, digits_four,
    ),
    "california-housing": table_row("california-housing", "given split", "r2", "rmse"),
    "titanic": table_row("titanic", "five folds a seed", "accuracy", "log_loss"),
    "adult": table_row("adult", "given split", "accuracy", "log_loss"),
}  # fmt: skip


def show(row: Row, found: list[Figures], seconds: list[float]) -> None:
    """A line for each figure."""
    for metric in found[0]:
        values = [one[metric] for one in found]
        digits = max(0, 4 - len(str(int(max(values)))))
        middle, least, largest = (
            f"{take(values):.{digits}f}" for take in (statistics.median, min, max)
        )
        print(
            f"{row.task:20} {row.setup:50} {metric:18} {row.wanted.get(metric, ''):>14} "
            f"{middle:>8} {least + ' to ' + largest:>20} {statistics.median(seconds):7.1f}",
            flush=True,
        )


def plain(value: str) -> int | float | str:
    """A setting as it is meant: a number where it is one."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(value)
    return value


def main() -> None:
    """Run the rows named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--held-out", action="store_true", help="score training rows held out")
    parser.add_argument("--set", action="append", default=[], metavar="SETTING=VALUE")
    parser.add_argument("--seeds", type=int, nargs="*", help="in place of all")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    settings = {
        name: plain(value) for name, _, value in (one.partition("=") for one in options.set)
    }
    print(describe("scikit-learn"))
    print(
        f"{'task':20} {'set-up':50} {'figure':18} {'wanted':>14} {'median':>8} "
        f"{'least to largest':>20} {'seconds':>7}"
    )
    for name in options.rows or ROWS:
        found, seconds = [], []
        for seed in options.seeds or ROWS[name].seeds:
            start = time.perf_counter()
            found.append(ROWS[name].figures(seed, options.held_out, **settings))
            seconds.append(time.perf_counter() - start)
        show(ROWS[name], found, seconds)


if __name__ == "__main__":
    main()
