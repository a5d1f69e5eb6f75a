"""How good predictions are on rows that were never seen, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import SettingError
from chainrule.reporting.answers import (
    ClassAnswers,
    class_answers,
    groups_of_rows,
    number_answers,
    plain_labels,
)
from chainrule.reporting.bootstrap import LEVEL, intervals, resamples_for
from chainrule.reporting.residuals import ResidualSummary, summarize_residuals
from chainrule.reporting.scores import Scorer, classification_scorer, regression_scorer

__all__ = [
    "Judgment",
    "judge_classification",
    "judge_regression",
    "score_classification",
    "score_regression",
]

MOST_CLASSES_SHOWN = 200
MOST_RANKED = 5_000_000


@dataclass(frozen=True)
class Judgment:
    """Scores of predictions with 95 % intervals, as a plain record.

    Args:
        task: "classification" or "regression".
        rows: rows scored (weight above 0, label known).
        unseen: rows left out because their label was not in training.
        weighted: whether row weights were given.
        metrics: score by name; None where it is not defined for these rows.
        intervals: 95 % interval by name; None where there is none.
        resamples: how many times the rows were drawn again for the intervals.
        labels: the classes, in the order of their codes; empty for regression.
        positive: the positive class of a binary task, else None.
        confusion: rows (or their weights) by true (down) and predicted (across) class; None for
            regression and beyond 200 classes.
        residuals: how predictions of numbers miss; None for classification.
        groups: how many groups were drawn whole for the intervals; None where rows were drawn.
    """

    task: str
    rows: int
    unseen: int
    weighted: bool
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    resamples: int
    labels: tuple[Any, ...] = ()
    positive: Any = None
    confusion: tuple[tuple[float, ...], ...] | None = None
    residuals: ResidualSummary | None = None
    groups: int | None = None

    def numbered(self, rows: Any) -> Judgment:
        """With the numbers that the rows judged have elsewhere, such as in a larger table."""
        found = self.residuals
        if found is None:
            return self
        largest = tuple((int(rows[row]), truth, guess) for row, truth, guess in found.largest)
        return replace(self, residuals=replace(found, largest=largest))

    def to_record(self) -> dict[str, Any]:
        """Plain values, ready for JSON.

        >>> judge_regression([1.0, 2.0], [1.0, 3.0]).to_record()["metrics"]["mae"]
        0.5
        """
        record: dict[str, Any] = {
            "task": self.task,
            "rows": self.rows,
            "unseen": self.unseen,
            "weighted": self.weighted,
            "metrics": dict(self.metrics),
            "intervals": {k: None if v is None else list(v) for k, v in self.intervals.items()},
            "level": LEVEL,
            "resamples": self.resamples,
            "groups": self.groups,
        }
        if self.residuals is not None:
            record["residuals"] = self.residuals.to_record()
        else:
            record["labels"] = list(self.labels)
            record["positive"] = self.positive
            record["confusion"] = self.confusion and [list(row) for row in self.confusion]
        return record


def score_classification(
    truth: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[Any],
    weights: ArrayLike | None = None,
    *,
    predicted: ArrayLike | None = None,
    positive: int = 1,
) -> dict[str, float | None]:
    """The scores of `judge_classification`, without intervals.

    >>> score_classification([0, 1], [[0.9, 0.1], [0.8, 0.2]], ["no", "yes"])["accuracy"]
    0.5
    """
    _check_positive(positive, len(labels))
    answers = class_answers(truth, probabilities, len(labels), weights, predicted)
    return _points(classification_scorer(answers, len(labels), positive), answers.weights)


def score_regression(
    truth: ArrayLike, prediction: ArrayLike, weights: ArrayLike | None = None
) -> dict[str, float | None]:
    """The scores of `judge_regression`, without intervals.

    >>> score_regression([1.0, 2.0], [1.0, 3.0])["mae"]
    0.5
    """
    answers = number_answers(truth, prediction, weights)
    return _points(regression_scorer(answers), answers.weights)


def judge_classification(
    truth: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[Any],
    weights: ArrayLike | None = None,
    *,
    predicted: ArrayLike | None = None,
    positive: int = 1,
    seed: int = 0,
    resamples: int | None = None,
    groups: ArrayLike | None = None,
) -> Judgment:
    """Scores of predicted classes, by scikit-learn's definitions, with 95 % intervals.

    `accuracy`; `balanced_accuracy` (mean recall of the classes present); `roc_auc` (binary: of
    the positive class; else one class against the rest, mean over the classes present);
    `log_loss` (probabilities clipped at the spacing of their type); `f1_macro` (classes present
    or predicted); for two classes also `precision`, `recall`, `f1` and `average_precision` of the
    positive class. Classes that no row has are no mistake; what is not defined is None.

    Intervals: percentile bootstrap. Rows are drawn with replacement, their weights with them,
    `resamples` times (by default 1,000 for few rows, down to 100 for many), each time all scores
    are computed, and the 2.5 % and 97.5 % points are kept; with `groups` whole groups are drawn in
    the place of rows, for rows of a group are alike. They say how much the scores depend on
    which rows were held out, not how they would differ had the network been trained again. Above
    5 million rows times classes, with more than two classes, `roc_auc` has no interval.

    Args:
        truth: class codes (rows,); -1 for a label not seen in training: left out and counted.
        probabilities: (rows, classes), each row adding up to 1.
        labels: the classes' own labels, in the order of codes.
        weights: row weights, 0 or more.
        predicted: predicted codes (rows,), where they are not the most probable class.
        positive: the code of the positive class of a binary task.
        seed: of the resamples.
        resamples: how many; 0 for no intervals.
        groups: the group of each row (rows,), as numbers.

    Raises:
        ShapeError: arrays that do not fit each other.
        DataError: codes, probabilities or weights that cannot be, or no row to score.
        SettingError: a positive code that is not a class, or a negative number of resamples.

    >>> judgment = judge_classification([0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]], "ab")
    >>> judgment.metrics["roc_auc"], judgment.confusion
    (1.0, ((1, 0), (1, 1)))
    """
    classes = len(labels)
    _check_positive(positive, classes)
    answers = class_answers(truth, probabilities, classes, weights, predicted)
    metrics = _points(classification_scorer(answers, classes, positive), answers.weights)
    rows = len(answers.truth)
    ranked = classes <= 2 or rows * classes <= MOST_RANKED
    number = _resamples(resamples, rows, classes if ranked and classes > 2 else 1)
    scorer = classification_scorer(answers, classes, positive, with_auc=ranked)
    plain = plain_labels(labels)
    drawn = groups_of_rows(groups, answers)
    return Judgment(
        task="classification",
        rows=rows,
        unseen=answers.unseen,
        weighted=weights is not None,
        metrics=metrics,
        intervals=_intervals(scorer, answers.weights, number, seed, drawn),
        resamples=number,
        labels=plain,
        positive=plain[positive] if classes == 2 else None,
        confusion=_confusion(answers, classes, weighted=weights is not None),
        groups=_count(drawn),
    )


def judge_regression(
    truth: ArrayLike,
    prediction: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    seed: int = 0,
    resamples: int | None = None,
    groups: ArrayLike | None = None,
) -> Judgment:
    """Scores of predicted numbers, by scikit-learn's definitions, with 95 % intervals.

    `rmse`, `mae`, `median_absolute_error` (all in the target's unit) and `r2` (None where the truth
    is one number everywhere, of which scikit-learn says 0 or 1). Intervals as
    `judge_classification`.

    Args:
        truth: true values (rows,).
        prediction: predicted values (rows,).
        weights: row weights, 0 or more.
        seed: of the resamples.
        resamples: how many; 0 for no intervals.
        groups: the group of each row (rows,), as numbers.

    Raises:
        ShapeError: arrays that do not fit each other.
        DataError: values that are not finite, or no row to score.
        SettingError: a negative number of resamples.

    >>> judge_regression([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]).metrics["median_absolute_error"]
    0.0
    """
    answers = number_answers(truth, prediction, weights)
    scorer = regression_scorer(answers)
    number = _resamples(resamples, len(answers.truth), 1)
    drawn = groups_of_rows(groups, answers)
    return Judgment(
        task="regression",
        rows=len(answers.truth),
        unseen=0,
        weighted=weights is not None,
        metrics=_points(scorer, answers.weights),
        intervals=_intervals(scorer, answers.weights, number, seed, drawn),
        resamples=number,
        residuals=summarize_residuals(answers),
        groups=_count(drawn),
    )


def _check_positive(positive: int, classes: int) -> None:
    if classes == 2 and positive not in (0, 1):
        message = f"positive must be the code 0 or 1 of a class, got {positive!r}."
        raise SettingError(message)


def _resamples(resamples: int | None, rows: int, rankings: int) -> int:
    if resamples is None:
        return resamples_for(rows, rankings)
    if resamples < 0:
        message = f"resamples must be 0 or more, got {resamples}."
        raise SettingError(message)
    return resamples


def _points(scorer: Scorer, weights: NDArray[np.float64]) -> dict[str, float | None]:
    scores = scorer((weights / weights.max())[np.newaxis])
    values = {name: float(score[0]) for name, score in scores.items()}
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _intervals(
    scorer: Scorer,
    weights: NDArray[np.float64],
    resamples: int,
    seed: int,
    groups: NDArray[Any] | None,
) -> dict[str, tuple[float, float] | None]:
    if not resamples:
        return {}
    return intervals(scorer, weights / weights.max(), resamples, seed, groups)


def _count(groups: NDArray[Any] | None) -> int | None:
    return None if groups is None else len(np.unique(groups))


def _confusion(
    answers: ClassAnswers, classes: int, *, weighted: bool
) -> tuple[tuple[float, ...], ...] | None:
    if classes > MOST_CLASSES_SHOWN:
        return None
    cells = answers.truth * classes + answers.predicted
    weights = answers.weights if weighted else None
    counts = np.bincount(cells, weights, minlength=classes * classes)
    return tuple(tuple(row) for row in counts.reshape(classes, classes).tolist())
