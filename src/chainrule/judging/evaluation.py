"""All that can be said of a model by rows whose truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import FRAMES, frame_of
from chainrule.errors import SettingError
from chainrule.judging.answered import Answered, answered, check_metric, judged
from chainrule.judging.classes import confusion_of, most_confused, most_frequent
from chainrule.judging.notes import notes_of
from chainrule.judging.slices import Slice, check_columns, slices_of
from chainrule.judging.sureness import calibration_words, sureness
from chainrule.judging.text import evaluation_blocks
from chainrule.judging.thresholds import Threshold, check_costs, check_threshold, thresholds_of
from chainrule.judging.worst import worst_rows
from chainrule.reporting import (
    Judgment,
    calibration,
    fitting_of_run,
    precision_recall_points,
    roc_points,
)
from chainrule.settings import check_count, check_seed
from chainrule.text import blocks_html

__all__ = ["Evaluation", "evaluate"]

Array = np.ndarray[Any, np.dtype[Any]]
MOST_CURVES = 6
MOST_IN_MATRIX = 12
CANNOT_TELL = (
    "Intervals say how much scores depend on which rows were judged, not on which network the "
    "training happened to find; and nothing here is known of rows that come from elsewhere."
)


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A model judged by rows whose truth is known.

    judgment
        All scores with 95 % intervals; the confusion matrix, or a summary of residuals.
    sureness
        Brier score and expected calibration error, each with "score" and "interval"; empty of
        numbers. The error has no interval but "chance", which it stays below in 95 of 100 draws
        where all probabilities are right.
    thresholds, thresholds_told
        Of two classes what calling a row positive from some probability on comes to, and how those
        that were chosen were chosen.
    slices, slices_told
        Scores by value of a column, those worse than the rest beyond noise first; what must be said
        of them, such as why they are compared by another score than `metric`.
    worst
        The rows with the largest losses, worst first: "row", "truth", "prediction", for classes
        "probability" (of the truth), for numbers "residual" (truth - prediction), "loss", and the
        row's own "columns".
    fitting, verdict
        Over- and underfitting in words, or why it cannot be told; and what "the model" does in a
        few words, as "overfits strongly", "" where it cannot be told.
    notes
        What must be known to read the scores rightly, such as rows left out.
    rows
        Where the rows scored stand in what was given.
    truth, answers, weights
        Of these rows: class codes or numbers; probabilities or predicted numbers.
    """

    target: str
    metric: str
    judgment: Judgment
    sureness: Mapping[str, Mapping[str, Any]]
    thresholds: tuple[Threshold, ...]
    thresholds_told: str
    slices: tuple[Slice, ...]
    slices_told: str
    worst: tuple[dict[str, Any], ...]
    fitting: str
    verdict: str
    notes: tuple[str, ...]
    rows: Array
    truth: Array
    answers: Array
    weights: Array | None
    labels: tuple[Any, ...]
    positive: int
    frame: str = ""
    cannot_tell: str = CANNOT_TELL

    @property
    def scores(self) -> dict[str, float | None]:
        """Every score by name."""
        sure = {name: one["score"] for name, one in self.sureness.items()}
        return {**self.judgment.metrics, **sure}

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """The 95 % interval of every score by name; None where it has none."""
        sure = {name: one["interval"] for name, one in self.sureness.items()}
        return {**self.judgment.intervals, **sure}

    @property
    def sureness_told(self) -> str:
        """Whether the calibration error is more than chance makes; "" of numbers."""
        return calibration_words(self.sureness) if self.sureness else ""

    @property
    def residuals(self) -> Array:
        """Truth - prediction of each row; raises SettingError for classes."""
        if self.labels:
            message = f"residuals: the target {self.target!r} is a class; take .answers."
            raise SettingError(message)
        return np.asarray(self.truth - self.answers)

    def to_record(self) -> dict[str, Any]:
        """Plain values, ready for JSON: all but the answers row by row."""
        return {
            **self.judgment.to_record(),
            "target": self.target,
            "metric": self.metric,
            "sureness": {
                name: {**one, "interval": one["interval"] and list(one["interval"])}
                for name, one in self.sureness.items()
            },
            "sureness_told": self.sureness_told,
            "thresholds": [one.to_record() for one in self.thresholds],
            "thresholds_told": self.thresholds_told,
            "slices": [one.to_record() for one in self.slices],
            "slices_told": self.slices_told,
            "worst": [dict(one) for one in self.worst],
            "fitting": self.fitting,
            "verdict": self.verdict,
            "notes": list(self.notes),
            "cannot_tell": self.cannot_tell,
        }

    def to_frame(self) -> Any:
        """The scores as a frame with a row each: of the library that X was, else pandas."""
        names = list(self.scores)
        values = [np.nan if self.scores[one] is None else self.scores[one] for one in names]
        reach = [self.intervals.get(one) or (np.nan, np.nan) for one in names]
        called = np.empty(len(names), dtype=object)
        called[:] = names
        columns = {
            "score": called, "value": np.array(values, dtype=np.float64),
            "low": np.array([one[0] for one in reach]), "high": np.array([one[1] for one in reach]),
        }  # fmt: skip
        return frame_of(columns, self.frame or "pandas")

    def plot(self, axes: Any = None) -> Any:
        """ROC, precision and recall, calibration and confusion; of numbers residuals.

        Of more than 6 classes the curves are of the most frequent ones, of more than 12 the matrix
        is of those most confused.

        axes
            matplotlib axes to draw on, four or two; those of a new figure when None.
        """
        from chainrule.drawing import plot_judgment, plot_residuals

        if not self.labels:
            return plot_residuals(self.truth, self.answers, self.target, axes=axes)
        truth, predicted, classes = self.truth, self.answers.argmax(axis=1), len(self.labels)
        weights = np.ones(len(truth)) if self.weights is None else self.weights
        curves = self._curves(most_frequent(truth, weights, classes, MOST_CURVES))
        shown = most_confused(truth, predicted, weights, classes, MOST_IN_MATRIX)
        return plot_judgment(
            {name: one["roc"] for name, one in curves.items()},
            {name: one["precision_recall"] for name, one in curves.items()},
            self.calibration(), confusion_of(shown, truth, predicted, weights),
            [self.labels[code] for code in shown], axes=axes, of=classes if classes > 2 else 0,
        )  # fmt: skip

    def curves(self) -> dict[str, dict[str, tuple[Array, Array]]]:
        """By class "roc" (shares of false alarms and found) and "precision_recall" (shares found
        and right); of two classes those of the positive one.
        """
        return self._curves(range(len(self.labels)))

    def _curves(self, codes: Iterable[int]) -> dict[str, dict[str, tuple[Array, Array]]]:
        found = {}
        for code in [self.positive] if len(self.labels) == 2 else codes:
            positive, score = self.truth == code, self.answers[:, code].astype(np.float64)
            found[str(self.labels[code])] = {
                "roc": roc_points(positive, score, self.weights),
                "precision_recall": precision_recall_points(positive, score, self.weights),
            }
        return found

    def calibration(self) -> tuple[Array, Array, Array, Array]:
        """Of ten groups of rows by probability the mean, the share that came true, and between
        what ends that share lies with 95 %: of the positive class of two, else of the predicted
        one.
        """
        if len(self.labels) == 2:
            came, sure = self.truth == self.positive, self.answers[:, self.positive]
        else:
            came, sure = self.answers.argmax(axis=1) == self.truth, self.answers.max(axis=1)
        found = calibration(came, sure.astype(np.float64), self.weights)
        return found.predicted, found.observed, found.low, found.high

    def __repr__(self) -> str:
        return "\n\n".join(one.to_text() for one in evaluation_blocks(self))

    def _repr_html_(self) -> str:
        return blocks_html(evaluation_blocks(self))


def evaluate(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    metric: str | None = None,
    threshold: float | None = None,
    costs: Mapping[str, float] | None = None,
    by: Any = (),
    worst: int = 10,
    seed: int = 0,
) -> Evaluation:
    """Judge a model by rows whose truth is known: print it, `.plot()` it, look into it.

    model
        A fitted `TabularClassifier` or `TabularRegressor`, a run folder or its model file, or any
        fitted estimator of scikit-learn's kind with `predict_proba` or of numbers.
    X, y
        Rows and their truth; y may be left out where X has the target among its columns and the
        model is of a table. Rows without a truth are left out.
    sample_weight
        What each row counts, 0 or more; by default the weight column of training, where X has it.
    metric
        The score that slices are made by, and that is told first; that of the training by default.
    threshold
        A probability from which on a row is called positive, to be judged beside 0.5 and that of
        the best F1.
    costs
        What the two mistakes cost, as `{"false_positive": 1, "false_negative": 5}`: then what each
        threshold costs per 1,000 rows is told, and the cheapest one.
    by
        Columns to score by value, or "all" for those that the model reads.
    worst
        How many of the rows with the largest losses to list.
    seed
        Of the resamples behind the intervals.

    Thresholds are chosen on rows that the networks were watched on, which the model file keeps, and
    judged on the rows given.

    Where training had groups and X has their column, intervals are of whole groups drawn again.

    Raises `DataError`, `InputTypeError`, `SettingError` or `ShapeError` with one sentence.

    >>> import chainrule
    >>> X = {"size": list(range(60)), "town": ["Bergen", "Oslo", None] * 20}
    >>> y = [3.0 * size for size in X["size"]]
    >>> model = chainrule.TabularRegressor(epochs=5, members=2).fit(X, y)
    >>> found = chainrule.evaluate(model, X, y, worst=1)
    >>> found.judgment.rows, list(found.scores), len(found.worst)
    (60, ['rmse', 'mae', 'r2', 'median_absolute_error'], 1)
    """
    costs = check_costs(costs)
    check_count("evaluate", "worst", worst, least=0)
    check_seed("evaluate", seed)
    whole = answered("evaluate", model, X, y, sample_weight)
    metric = check_metric("evaluate", metric, whole)
    check_threshold(whole, threshold, costs)
    names = check_columns(whole, by)
    judgment = judged(whole, seed).numbered(whole.rows)
    found = whole.counted
    classes = found.task == "classification"
    thresholds: tuple[Threshold, ...] = ()
    told = ""
    if found.is_binary:
        thresholds, told = thresholds_of(found, threshold, costs, seed)
    slices, slices_told = slices_of(found, names, metric, seed)
    verdict, fitting = _fitting(whole, judgment)
    return Evaluation(
        target=found.target, metric=metric, judgment=judgment,
        sureness=sureness(found, seed) if classes else {},
        thresholds=thresholds, thresholds_told=told,
        slices=slices, slices_told=slices_told,
        worst=tuple(worst_rows(found, worst)), fitting=fitting, verdict=verdict,
        notes=tuple(notes_of(whole, judgment)), rows=found.rows, truth=found.truth,
        answers=found.answers, weights=found.weights, labels=found.labels,
        positive=found.positive, frame=_library(X),
    )  # fmt: skip


def _fitting(found: Answered, judgment: Judgment) -> tuple[str, str]:
    """The verdict, and it in words or why there is none."""
    if found.learned_from:
        why = "the rows may be among those that it learned from"
    elif not (found.metrics.get("learned") or {}).get("scores"):
        why = "how it scores on rows that it learned from was not kept (run folders keep it)"
    else:
        verdict, told = fitting_of_run(found.metrics, found.tested, judgment.to_record())
        if told:
            return verdict, told
        why = f"{'roc_auc' if found.labels else 'r2'} is not defined on these rows"
    return "", f"Whether the model over- or underfits cannot be told: {why}."


def _library(X: Any) -> str:
    name = type(X).__module__.partition(".")[0]
    return name if name in FRAMES else ""
