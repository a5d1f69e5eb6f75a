"""What a trained network must beat: always the same answer, and a linear model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.reporting.answers import plain_labels
from chainrule.reporting.design import (
    Design,
    DesignMatrix,
    TrainingRows,
    training_classes,
    training_numbers,
)
from chainrule.reporting.judge import Judgment, judge_classification, judge_regression

__all__ = [
    "Baseline",
    "linear_classification",
    "linear_regression",
    "naive_classification",
    "naive_regression",
]

MOST_ROWS = 50_000
MOST_ITERATIONS = 200
BLOCK_ROWS = 20_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """A simple model's scores on the rows that the network is scored on.

    Args:
        name: "naive" or "linear".
        description: one sentence: what it is and what it was fitted on.
        fitted_rows: the training rows used.
        converged: False where fitting was stopped before it settled.
        judgment: its scores.
        answers: of the rows scored: probabilities (rows, classes) in the order of the labels, or
            numbers (rows,).
    """

    name: str
    description: str
    fitted_rows: int
    converged: bool
    judgment: Judgment
    answers: Floats = field(repr=False, compare=False)

    def to_record(self) -> dict[str, Any]:
        """Plain values, ready for JSON.

        >>> rows = Design(np.zeros((3, 1)), [1.0, 2.0, 6.0])
        >>> naive_regression(rows, rows).to_record()["description"]
        'Always the mean of the training rows, 3.'
        """
        return {
            "name": self.name,
            "description": self.description,
            "fitted_rows": self.fitted_rows,
            "converged": self.converged,
            **self.judgment.to_record(),
        }


def naive_classification(
    train: Design,
    test: Design,
    labels: Sequence[Any],
    *,
    positive: int = 1,
    seed: int = 0,
    resamples: int | None = None,
) -> Baseline:
    """Answers every row with the (weighted) class shares of the training rows.

    Args:
        train: the training rows, truth as codes.
        test: the rows to score.
        labels: the classes' labels, in the order of codes.
        positive: the code of the positive class of a binary task.
        seed: of the intervals.
        resamples: as `judge_classification`.

    Raises:
        ShapeError: arrays that do not fit each other.
        DataError: no training row, or rows that cannot be scored.

    >>> rows = Design(np.zeros((4, 1)), [0, 1, 1, 1])
    >>> naive_classification(rows, rows, ["no", "yes"]).judgment.metrics["accuracy"]
    0.75
    """
    training = training_classes(train, len(labels))
    shares = _shares(training, len(labels))
    probabilities = np.tile(shares, (test.rows, 1))
    judgment = judge_classification(
        test.truth,
        probabilities,
        labels,
        test.weights,
        positive=positive,
        seed=seed,
        resamples=resamples,
        groups=test.groups,
    )
    common = plain_labels(labels)[int(shares.argmax())]
    sentence = f"Always the class shares of the training rows, so always {common!r}."
    return Baseline("naive", sentence, len(training.index), True, judgment, probabilities)


def naive_regression(
    train: Design, test: Design, *, seed: int = 0, resamples: int | None = None
) -> Baseline:
    """Answers every row with the (weighted) mean of the training rows.

    Arguments and errors as `naive_classification`, truth as numbers.
    """
    training = training_numbers(train)
    mean = _mean(training)
    prediction = np.full(test.rows, mean)
    judgment = judge_regression(
        test.truth, prediction, test.weights, seed=seed, resamples=resamples, groups=test.groups
    )
    sentence = f"Always the mean of the training rows, {mean:.6g}."
    return Baseline("naive", sentence, len(training.index), True, judgment, prediction)


def linear_classification(
    train: Design,
    test: Design,
    labels: Sequence[Any],
    *,
    positive: int = 1,
    seed: int = 0,
    resamples: int | None = None,
    most_rows: int = MOST_ROWS,
) -> Baseline:
    """Logistic regression (scikit-learn's, C=1, lbfgs, at most 200 iterations).

    Categories are one-hot encoded. So that it ends in reasonable time it is fitted on at most
    `most_rows` training rows, fewer where there are many columns and classes, drawn with `seed`;
    the description says how many. One processor core is used, so the numbers do not depend on
    how many there are. Weights are divided by their mean. Where the rows are all of one class,
    the class shares answer.

    Arguments and errors as `naive_classification`.

    >>> rows = Design([[-1.0], [-2.0], [1.0], [2.0]], [0, 0, 1, 1])
    >>> linear_classification(rows, rows, ["no", "yes"]).judgment.metrics["accuracy"]
    1.0
    """
    training = training_classes(train, len(labels))
    fitted, probabilities, converged = _logistic(
        train, test, training, len(labels), most_rows, seed
    )
    judgment = judge_classification(
        test.truth,
        probabilities,
        labels,
        test.weights,
        positive=positive,
        seed=seed,
        resamples=resamples,
    )
    sentence = _sentence(
        "Logistic regression (C=1)", fitted, len(training.index), train.called, converged
    )
    if not fitted:
        fitted = len(training.index)
        sentence = "The class shares: the rows to fit on are all of one class, nothing to separate."
    return Baseline("linear", sentence, fitted, converged, judgment, probabilities)


def linear_regression(
    train: Design,
    test: Design,
    *,
    seed: int = 0,
    resamples: int | None = None,
    most_rows: int = MOST_ROWS,
) -> Baseline:
    """Ridge regression (scikit-learn's, alpha=1); rows and cores as `linear_classification`.

    Arguments and errors as `naive_classification`, truth as numbers.
    """
    from sklearn.linear_model import Ridge

    training = training_numbers(train)
    matrix = DesignMatrix(train, training.index)
    chosen = training.draw(min(most_rows, matrix.row_limit(1)), seed)
    mean, scale = _mean(training), float(np.abs(training.truth).max()) or 1.0
    model = Ridge(alpha=1.0)
    target = chosen.truth / scale - mean / scale
    _fit(model, matrix.encode(train, chosen.index), target, chosen.weights)
    prediction = np.zeros(test.rows)
    for block in _blocks(test.rows):
        prediction[block] = model.predict(matrix.encode(test, block)) * scale + mean
    judgment = judge_regression(
        test.truth, prediction, test.weights, seed=seed, resamples=resamples, groups=test.groups
    )
    fitted, rows = len(chosen.index), len(training.index)
    sentence = _sentence("Ridge regression (alpha=1)", fitted, rows, train.called, converged=True)
    return Baseline("linear", sentence, fitted, True, judgment, prediction)


def _logistic(
    train: Design, test: Design, training: TrainingRows, classes: int, most_rows: int, seed: int
) -> tuple[int, Floats, bool]:
    """How many rows were fitted on, the probabilities of the test rows, whether it settled.

    Rows of a single class cannot be fitted on: then 0, and the class shares.
    """
    from sklearn.linear_model import LogisticRegression

    matrix = DesignMatrix(train, training.index)
    outputs = classes if classes > 2 else 1
    chosen = training.draw(min(most_rows, matrix.row_limit(outputs)), seed)
    if len(np.unique(chosen.truth)) < 2:
        return 0, np.tile(_shares(training, classes), (test.rows, 1)), True
    model = LogisticRegression(C=1.0, max_iter=MOST_ITERATIONS)
    _fit(model, matrix.encode(train, chosen.index), chosen.truth, chosen.weights)
    probabilities = np.zeros((test.rows, classes))
    for block in _blocks(test.rows):
        table = model.predict_proba(matrix.encode(test, block))
        probabilities[np.ix_(block, model.classes_)] = table
    return len(chosen.index), probabilities, int(model.n_iter_.max()) < MOST_ITERATIONS


def _fit(model: Any, matrix: Any, target: NDArray[Any], weights: Floats) -> None:
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # said in the record instead
        # The user chose classification, so many classes are no news.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        model.fit(matrix, target, sample_weight=weights)


def _shares(training: TrainingRows, classes: int) -> Floats:
    sums = np.bincount(training.truth, training.weights, minlength=classes)
    shares: Floats = sums / training.weights.sum()
    return shares


def _mean(training: TrainingRows) -> float:
    """The weighted mean, without overflow."""
    return float((training.truth * (training.weights / training.weights.sum())).sum())


def _blocks(rows: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, rows, BLOCK_ROWS):
        yield np.arange(first, min(first + BLOCK_ROWS, rows))


def _sentence(kind: str, fitted: int, rows: int, called: str, converged: bool) -> str:
    drawn = f"all {rows:,} {called}"
    if fitted < rows:
        drawn = f"{fitted:,} drawn from {rows:,} {called}"
    settled = "" if converged else f"; stopped after {MOST_ITERATIONS} iterations"
    return f"{kind}, fitted on {drawn}{settled}."
