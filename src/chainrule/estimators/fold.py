"""One fit of a cross-validation: a clone that learns some rows and is scored on others."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

import numpy as np

from chainrule.errors import SettingError

__all__ = ["Fold", "Outcome", "Params", "Task"]

Array = np.ndarray[Any, np.dtype[Any]]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Task:
    """What all fits have in common."""

    scorer: Callable[..., Any]
    fit_params: Params
    score_params: Params
    with_train: bool
    with_estimator: bool
    error_score: Any
    config: Params
    is_told: bool
    stopped: threading.Event = field(default_factory=threading.Event)


@dataclass
class Outcome:
    """What one fit gave; scores by name, or a single one."""

    fit_time: float = 0.0
    score_time: float = 0.0
    test: Any = None
    train: Any = None
    estimator: Any = None
    failure: Exception | None = None
    unscored: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Fold:
    """A clone to fit and to score, as a job of `fit_many`.

    states
        The random states that the clone is given.
    """

    estimator: Any
    number: int
    states: Params
    train: Array
    test: Array
    task: Task

    @property
    def seed(self) -> Any:
        """The one value of all random states."""
        return next(iter(self.states.values()))

    def fit(self, X: Any, y: Any) -> Outcome | None:
        """Fit and score; nothing once another one has raised."""
        from sklearn import config_context

        if self.task.stopped.is_set():
            return None
        try:
            with config_context(**self.task.config):  # it is a thread's own
                outcome = self._outcome(X, y)
        except BaseException:
            self.task.stopped.set()
            raise
        if self.task.is_told:
            self._say(outcome)
        return outcome

    def _outcome(self, X: Any, y: Any) -> Outcome:
        from sklearn.base import clone

        task = self.task
        estimator = clone(self.estimator).set_params(**self.states)
        outcome = Outcome(estimator=estimator if task.with_estimator else None)
        fit_params = _of_rows(task.fit_params, X, self.train)
        start = time.perf_counter()
        learned = _rows(estimator, X, y, self.train, self.train)
        held = _rows(estimator, X, y, self.test, self.train)
        try:
            estimator.fit(*learned, **fit_params)
        except Exception as error:  # the caller chose what becomes of it
            if task.error_score == "raise":
                raise
            outcome.failure = error
        outcome.fit_time = time.perf_counter() - start
        if outcome.failure is not None:
            outcome.test = outcome.train = task.error_score
            return outcome
        start = time.perf_counter()
        score_params = _of_rows(task.score_params, X, self.test)
        outcome.test = self._scores(estimator, held, score_params, outcome)
        outcome.score_time = time.perf_counter() - start
        if task.with_train:
            score_params = _of_rows(task.score_params, X, self.train)
            outcome.train = self._scores(estimator, learned, score_params, outcome)
        return outcome

    def _scores(
        self, estimator: Any, rows: tuple[Any, ...], params: Params, outcome: Outcome
    ) -> Any:
        """A number, or numbers by name; what cannot be computed is noted, and `error_score`."""
        worst = self.task.error_score
        try:
            found = self.task.scorer(estimator, *rows, **params)
        except Exception as error:
            if worst == "raise":
                raise
            outcome.unscored.append(f"{type(error).__name__}: {error}")
            return worst
        if not isinstance(found, Mapping):
            return _number(found, self.task.scorer)
        failed = [name for name, one in found.items() if isinstance(one, str)]
        for name in failed:  # the text of an error
            outcome.unscored.append(f"{name}: {found[name].strip().splitlines()[-1]}")
        return {
            name: worst if name in failed else _number(one, name) for name, one in found.items()
        }

    def _say(self, outcome: Outcome) -> None:
        scores = outcome.test if isinstance(outcome.test, Mapping) else {"score": outcome.test}
        shown = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
        seed = f", seed {self.seed}" if self.states else ""
        seconds = f"{outcome.fit_time + outcome.score_time:.1f} s"
        sys.stdout.write(f"fold {self.number}{seed}: {shown} ({seconds})\n")


def _rows(estimator: Any, X: Any, y: Any, rows: Array, learned: Array) -> tuple[Any, ...]:
    """X and y (where there is one) of some rows; of distances, columns are the rows learned."""
    from sklearn.utils import _safe_indexing, get_tags

    if get_tags(estimator).input_tags.pairwise:
        part = X[np.ix_(rows, learned)]
    else:
        part = _safe_indexing(X, rows)
    return (part,) if y is None else (part, _safe_indexing(y, rows))


def _of_rows(params: Params, X: Any, rows: Array) -> Params:
    """Params with an entry a row cut to some rows; others as they are."""
    from sklearn.utils import _safe_indexing, indexable

    count = _length(X)
    return {
        name: _safe_indexing(indexable(value)[0], rows) if _length(value) == count else value
        for name, value in params.items()
    }


def _length(value: Any) -> int | None:
    """How many rows there are, if any."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    has_rows = hasattr(value, "__len__") and not isinstance(value, str | bytes | Mapping)
    return len(value) if has_rows else None


def _number(value: Any, scorer: Any) -> Any:
    """A score as a plain number."""
    if getattr(value, "size", 0) == 1:
        value = value.item()
    if not isinstance(value, Number):
        message = (
            "cross_validate: scoring must give a number, or a dict of numbers by name, got "
            f"{value!r} from {scorer!r}."
        )
        raise SettingError(message)
    return value
