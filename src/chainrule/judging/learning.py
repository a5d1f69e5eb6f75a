"""Scores by the number of rows learned from: would more rows help?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import FRAMES, frame_of
from chainrule.errors import SettingError
from chainrule.estimators import cross_validate
from chainrule.reporting import fit_of
from chainrule.text import Block, blocks_html, plural, score_digits, spell_score

__all__ = ["SIZES", "LearningCurve", "learning_curve", "row_counts"]

Array = np.ndarray[Any, np.dtype[Any]]
SIZES = (0.1, 0.325, 0.55, 0.775, 1.0)
STREAM = 3
WORTH = 0.05
LEAST_WORTH = 0.001
BEST_IS_ONE = (
    "accuracy", "average_precision", "balanced_accuracy", "d2_", "explained_variance", "f1",
    "jaccard", "matthews_corrcoef", "precision", "r2", "recall", "roc_auc", "top_k_accuracy",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve:
    """Scores of networks that learned from ever more rows.

    sizes
        How many rows were learned from.
    learned, held
        Of each size the scores on the rows learned from and on those held out, an entry a fold (and
        seed): shape (sizes, fits). Higher is better.
    score
        What the scores are; with "-" or "neg_" before it where they are negatives of losses.
    naive
        The score of a constant answer on the rows held out: the shares of the classes, or the mean,
        of all rows learned from; nan where there is none.
    left_out
        Which sizes are missing and why, in a sentence; "" where none is.
    tells_fitting
        Whether `words` say if it over- or underfits; not where that is said of the model itself.
    """

    sizes: Array
    learned: Array
    held: Array
    score: str
    frame: str = ""
    naive: float = np.nan
    left_out: str = ""
    tells_fitting: bool = True
    cannot_tell: str = (
        "All rows are of one table, so the curve says what more rows like these would do, not what "
        "others would; its last points rest on rows that the folds share, so they vary less than "
        "they would with tables of their own."
    )

    @property
    def words(self) -> str:
        """Whether more rows would help, and whether it over- or underfits, in a sentence.

        More rows would help where the score on rows held out rose between the last two sizes by
        more than twice its standard error over the fits, a little where by less than a twentieth of
        what is left to gain (or of what is gained over a constant answer, where that is less); they
        would hardly help where it rose by less than that, twice the error included; else that is
        not known. Less than a thousandth of the way from a constant answer to a faultless one is
        hardly any help.

        Over- and underfitting are told at the largest size by `verdict`.
        """
        learned, held = float(self.learned[-1].mean()), float(self.held[-1].mean())
        name, sign = self._named
        digits = score_digits(held)
        if not np.isfinite(learned - held):
            return f"With {self.sizes[-1]:,} rows {name} is not defined in all fits."
        verdict = self.verdict
        now = f"{spell_score(sign * learned, digits)} on rows learned from"
        out = spell_score(sign * held, digits)
        rise, error = self._rise
        if not np.isfinite(rise):
            there = f"With {self.sizes[-1]:,} rows {name} is {now}"
            return f"{there} and {out} on rows held out{verdict and f': it {verdict}'}."
        way = "rises" if sign * rise > 0 else "falls"
        sizes = f"from {self.sizes[-2]:,} to {self.sizes[-1]:,} rows"
        return (
            f"{self._advice(rise, error)}: {sizes} {name} on rows held out {way} by "
            f"{abs(rise):.3g} (standard error {error:.2g}) to {out}; "
            f"it is {now}{verdict and f', so it {verdict}'}."
        )

    @property
    def verdict(self) -> str:
        """What it does at the largest size by the rule of `chainrule.evaluate`, in a few words.

        The noise is twice the standard error of the difference over the fits; "" where there is no
        score of a constant answer, or `tells_fitting` is not set.
        """
        gap, error = _mean_and_error(self.learned[-1] - self.held[-1])
        held = float(self.held[-1].mean())
        found = fit_of(held + gap, held, 2 * error, naive=self.naive, perfect=self._perfect)
        return "" if found is None or not self.tells_fitting else found.verdict

    @property
    def _named(self) -> tuple[str, float]:
        """The score as people know it, and -1 where the values are its negatives."""
        name = self.score.removeprefix("-").removeprefix("neg_")
        return name, 1.0 if name == self.score else -1.0

    @property
    def _perfect(self) -> float:
        """The score of a faultless answer; nan of one that is not known."""
        if self._named[1] < 0:
            return 0.0
        return 1.0 if self.score.startswith(BEST_IS_ONE) else np.nan

    @property
    def _rise(self) -> tuple[float, float]:
        """Between the last two sizes the mean over the fits, and its standard error."""
        if len(self.sizes) == 1:
            return np.nan, np.nan
        return _mean_and_error(self.held[-1] - self.held[-2])

    @property
    def _worth(self) -> float:
        """The rise from which on more rows are worth it."""
        held = float(self.held[-1].mean())
        known = [one for one in (self._perfect - held, held - self.naive) if np.isfinite(one)]
        least = np.nan_to_num(LEAST_WORTH * (self._perfect - self.naive))
        return max(WORTH * min(known, default=abs(held)), float(least), 0.0)

    def _advice(self, rise: float, error: float) -> str:
        if rise + 2 * error <= self._worth:
            return "More rows would hardly help"
        if rise > 2 * error:
            return f"More rows would likely help{'' if rise >= self._worth else ' a little'}"
        return "More rows may or may not help, which is lost in the noise"

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "score": self.score,
            "sizes": self.sizes.tolist(),
            "learned": self.learned.tolist(),
            "held": self.held.tolist(),
            "naive": float(self.naive) if np.isfinite(self.naive) else None,
            "left_out": self.left_out,
            "verdict": self.verdict,
            "words": self.words,
            "cannot_tell": self.cannot_tell,
        }

    def to_frame(self) -> Any:
        """A row a size, with mean and deviation over the fits, as a frame."""
        columns = {"rows": self.sizes}
        for name, scores in (("learned", self.learned), ("held", self.held)):
            columns[name] = scores.mean(axis=1)
            columns[f"{name}_deviation"] = scores.std(axis=1)
        return frame_of(columns, self.frame or "pandas")

    def plot(self, ax: Any = None) -> Any:
        """Both scores by the number of rows, with their deviation over the fits."""
        from chainrule.drawing import plot_learning_curve

        return plot_learning_curve(self.sizes, self.learned, self.held, self.score, ax=ax)

    def __repr__(self) -> str:
        return self._block().to_text()

    def _repr_html_(self) -> str:
        return blocks_html([self._block()])

    def _block(self) -> Block:
        name, sign = self._named
        scores = [("rows learned from", self.learned), ("held out", self.held)]
        digits = score_digits(float(np.nan_to_num(np.abs(self.held)).max()))
        lines = [
            (f"{size:,}", *(spell_score(sign * one[place].mean(), digits) for _, one in scores))
            for place, size in enumerate(self.sizes.tolist())
        ]
        header = ("rows", *(one for one, _ in scores))
        title = f"{name}, mean of {plural(self.held.shape[1], 'fit')}"
        untold = f"cannot tell: {self.cannot_tell}"
        told = "\n".join(filter(None, [self.words, self.left_out, untold]))
        return Block(title, header, lines, (0, 1, 2), told=told)


def learning_curve(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    sizes: Sequence[float] = SIZES,
    cv: Any = 5,
    seeds: Sequence[int] | None = None,
    scoring: Any = None,
    groups: Any = None,
    shuffle: bool = True,
    seed: int = 0,
    threads: int | None = None,
) -> LearningCurve:
    """Train on ever more rows and score each time, on them and on rows held out, one a core.

    What `sklearn.model_selection.learning_curve` gives, to the bit, where `shuffle` is False.

    estimator
        Any estimator of scikit-learn's kind, not fitted; clones of it are.
    sizes
        Shares of the rows of a fold's training part, above 0 and up to 1; or numbers of rows.
    cv, seeds, scoring, groups, threads
        As `chainrule.cross_validate`; one score.
    shuffle
        Whether rows of a training part are taken in random order, by `seed`; else the first ones.

    Raises `SettingError` for sizes that cannot be, and what `chainrule.cross_validate` raises.

    >>> import chainrule
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> found = chainrule.learning_curve(LogisticRegression(max_iter=500), X, y, sizes=(0.2, 1.0))
    >>> found.sizes.tolist(), found.held.shape, found.held.mean(axis=1).round(2).tolist()
    ([24, 120], (2, 5), [0.89, 0.97])
    """
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv

    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    splits = [(np.asarray(a), np.asarray(b)) for a, b in splitter.split(X, y, groups)]
    counts = row_counts(sizes, min(len(train) for train, _ in splits))
    if shuffle:
        splits = [
            (train[random.permutation(seed, STREAM, fold, len(train))], test)
            for fold, (train, test) in enumerate(splits)
        ]
    parts = [(train[:count], test) for train, test in splits for count in counts]
    found = cross_validate(
        estimator, X, y, scoring=scoring, cv=parts, seeds=seeds, threads=threads,
        return_train_score=True,
    )  # fmt: skip
    if "test_score" not in found:
        message = "learning_curve: scoring must be one score, not several by name."
        raise SettingError(message)
    naive = _naive_score(estimator, y, scoring, splits)
    learned, held = (_by_size(found[f"{part}_score"], len(counts), len(splits))
                     for part in ("train", "test"))  # fmt: skip
    name = scoring if isinstance(scoring, str) else _own_score(estimator, scoring)
    library = type(X).__module__.partition(".")[0]
    return LearningCurve(
        np.array(counts), learned, held, name, library if library in FRAMES else "", naive
    )


def _own_score(estimator: Any, scoring: Any) -> str:
    """What a score is called that no name was given for."""
    from sklearn.base import is_classifier, is_regressor

    if scoring is None and is_classifier(estimator):
        return "accuracy"
    if scoring is None and is_regressor(estimator):
        return "r2"
    return getattr(scoring, "__name__", "score")


def _naive_score(estimator: Any, y: Any, scoring: Any, splits: Any) -> float:
    """The mean score of a constant answer; nan where it has none."""
    from sklearn.base import is_classifier, is_regressor
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.model_selection import cross_val_score

    if y is None or not (is_classifier(estimator) or is_regressor(estimator)):
        return np.nan
    constant = DummyClassifier() if is_classifier(estimator) else DummyRegressor()
    truth = np.asarray(y)
    columns = np.zeros((len(truth), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scores that are not defined of it
        scores = cross_val_score(constant, columns, truth, scoring=scoring, cv=splits)
    return float(scores.mean())


def row_counts(sizes: Any, most: int) -> list[int]:
    """Numbers of rows, rising, each once."""
    given = np.atleast_1d(np.asarray(sizes))
    shares = given.dtype.kind == "f" and given.size > 0 and bool((given <= 1).all())
    whole = given.dtype.kind in "iu"
    right = given.ndim == 1 and given.size > 0 and (shares or whole) and bool((given > 0).all())
    if not right or (whole and int(given.max()) > most):
        message = (
            "learning_curve: sizes must be shares above 0 and up to 1, or numbers of rows from 1 "
            f"to {most:,}, those of a training part, got {sizes!r}."
        )
        raise SettingError(message)
    counts = np.clip((given * most).astype(int), 1, most) if shares else given
    return [int(one) for one in np.unique(counts)]


def _by_size(scores: Array, sizes: int, folds: int) -> Array:
    """From fits by fold, size and seed to shape (sizes, folds * seeds)."""
    parted = np.asarray(scores).reshape(folds, sizes, -1)
    return parted.transpose(1, 0, 2).reshape(sizes, -1)


def _mean_and_error(differences: Array) -> tuple[float, float]:
    """The mean, and its standard error over the fits."""
    count = len(differences)
    spread = float(differences.std(ddof=1)) if count > 1 else 0.0
    return float(differences.mean()), spread / float(np.sqrt(count))
