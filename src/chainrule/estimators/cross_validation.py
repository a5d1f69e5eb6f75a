"""Scores on parts held out in turn, folds and seeds trained at once in one process."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError, TrainingError, nearest
from chainrule.estimators.fold import Fold, Outcome, Params, Task
from chainrule.estimators.model import one_blas_thread
from chainrule.settings import check_count, check_counts
from chainrule.training import fit_many

__all__ = ["cross_validate"]

Array = np.ndarray[Any, np.dtype[Any]]


def cross_validate(
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    verbose: int = 0,
    params: Params | None = None,
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = np.nan,
    seeds: Sequence[int] | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Scores of an estimator on parts held out in turn, trained one a core.

    What `sklearn.model_selection.cross_validate` gives, to the bit: a dict with an entry a fold in
    `fit_time` and `score_time` (seconds), `test_score` or `test_NAME`, and where they are asked
    for `train_score`, `estimator` and `indices`. The folds are trained by `chainrule.fit_many`,
    so X and y stay where they are and nothing is copied to another process. BLAS is kept to one
    thread meanwhile, so that scores are the same for any number of threads.

    estimator
        Any estimator of scikit-learn's kind, pipelines too; each fold fits a clone.
    X, y, groups, scoring, cv, params, error_score, return_...
        As scikit-learn: `cv` is 5 parts (of equal class shares for a classifier), a number or a
        splitter; `params` go to `fit`, those with an entry a row cut to the fold's rows.
    verbose
        Above 0, a line on standard output as each fit is done.
    seeds
        Every fold is trained once with each of them as `random_state`, that of a pipeline's steps
        too. All arrays then have an entry a fold and seed, folds outside: of `fold` and `seed`
        where it belongs. `scores.reshape(folds, len(seeds)).std(axis=1)` is the spread over seeds.
    threads
        How many are trained at once; as many as there are cores to use when None.

    A fit that fails gives its fold `error_score` and a `FitFailedWarning`; "raise" raises its
    error and starts no other. Raises `SettingError` where all fail, and for an estimator without
    `random_state` where `seeds` are given.

    >>> import chainrule
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = load_iris(return_X_y=True)
    >>> found = chainrule.cross_validate(LogisticRegression(max_iter=200), X, y, cv=3)
    >>> found["test_score"].round(2).tolist()
    [0.98, 0.96, 0.98]
    """
    from sklearn import get_config
    from sklearn.base import is_classifier
    from sklearn.metrics import check_scoring
    from sklearn.model_selection import check_cv
    from sklearn.utils import indexable

    _check(estimator, error_score, threads)
    _check_scoring_names(scoring)
    X, y = indexable(X, y)
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    raises = isinstance(error_score, str)
    scorer = check_scoring(estimator, scoring=scoring, raise_exc=raises)
    routed = _routed(estimator, splitter, scorer, groups, dict(params or {}))
    splits = list(splitter.split(X, y, **routed["split"]))
    if not splits:
        message = f"cross_validate: cv must give at least one split, got none from {cv!r}."
        raise SettingError(message)
    task = Task(
        scorer, routed["fit"], routed["score"], return_train_score, return_estimator, error_score,
        get_config(), bool(verbose),
    )  # fmt: skip
    folds = _folds(estimator, splits, seeds, task)
    try:
        with one_blas_thread():
            outcomes = fit_many([(fold, X, y) for fold in folds], threads)
    except TrainingError as failed:
        raise next(one for one in failed.results if isinstance(one, Exception)) from None
    _tell(outcomes, error_score)
    found = _gathered(outcomes, task)
    if return_indices:
        found["indices"] = {
            part: tuple(getattr(fold, part) for fold in folds) for part in ("train", "test")
        }
    if seeds is not None:
        found["fold"], found["seed"] = np.array([(fold.number, fold.seed) for fold in folds]).T
    return found


def _check(estimator: Any, error_score: Any, threads: int | None) -> None:
    has_all = all(callable(getattr(estimator, name, None)) for name in ("fit", "get_params"))
    if isinstance(estimator, type) or not has_all:
        what = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
        what = f"the class {what}" if isinstance(estimator, type) else what
        message = (
            "cross_validate: estimator must be an estimator with fit and get_params, such as "
            f"MLPClassifier(), got {what}."
        )
        raise InputTypeError(message)
    if error_score != "raise" and not isinstance(error_score, Real):
        message = f"cross_validate: error_score must be 'raise' or a number, got {error_score!r}."
        raise SettingError(message)
    if threads is not None:
        check_count("cross_validate", "threads", threads)


def _check_scoring_names(scoring: Any) -> None:
    from sklearn.metrics import get_scorer_names

    given = scoring.values() if isinstance(scoring, Mapping) else scoring
    known = get_scorer_names()
    for name in given if isinstance(given, Iterable) and not isinstance(given, str) else [given]:
        if isinstance(name, str) and name not in known:
            message = f"cross_validate: scoring: {name!r} is not known; {nearest(name, known)}"
            raise SettingError(message)


def _routed(
    estimator: Any, splitter: Any, scorer: Any, groups: Any, params: Params
) -> dict[str, Params]:
    """What goes to the splitter, to `fit` and to the scorer."""
    from sklearn import get_config
    from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

    if not get_config()["enable_metadata_routing"]:
        return {"split": {"groups": groups}, "fit": params, "score": {}}
    if groups is not None:
        message = (
            "cross_validate: groups cannot be given where metadata routing is enabled; give "
            'params={"groups": groups}.'
        )
        raise SettingError(message)
    router = MetadataRouter(owner="cross_validate")
    for name, taker, callee in (
        ("splitter", splitter, "split"),
        ("estimator", estimator, "fit"),
        ("scorer", scorer, "score"),
    ):
        router.add(method_mapping=MethodMapping().add(caller="fit", callee=callee), **{name: taker})
    found = process_routing(router, "fit", **params)
    return {
        "split": found.splitter.split, "fit": found.estimator.fit, "score": found.scorer.score
    }  # fmt: skip


def _folds(
    estimator: Any, splits: Sequence[tuple[Array, Array]], seeds: Any, task: Task
) -> list[Fold]:
    """What is fitted for each fold and seed, folds outside."""
    drawn: list[Params] = [{}]
    if seeds is not None:
        named = [
            name
            for name in estimator.get_params(deep=True)
            if name == "random_state" or name.endswith("__random_state")
        ]
        given = check_counts("cross_validate", "seeds", seeds, least=0)
        if not named or max(given) >= 2**32:
            problem = "must be below 2**32"
            if not named:
                problem = f"{type(estimator).__name__} has no random_state to set; leave them out"
            message = f"cross_validate: seeds: {problem}, got {given}."
            raise SettingError(message)
        drawn = [dict.fromkeys(named, seed) for seed in given]
    return [
        Fold(estimator, number, states, train, test, task)
        for number, (train, test) in enumerate(splits)
        for states in drawn
    ]


def _tell(outcomes: Sequence[Outcome], error_score: Any) -> None:
    """Warn of fits and scores that failed; an error where no fit came to its end."""
    from sklearn.exceptions import FitFailedWarning

    remedy = 'error_score="raise" shows where'
    failures = [one.failure for one in outcomes if one.failure is not None]
    if failures:
        first, count = failures[0], len(outcomes)
        told = f"{type(first).__name__}: {first}"
        if len(failures) == count:
            message = f"cross_validate: all {count} fits failed; {remedy}. {told}"
            raise SettingError(message) from first
        message = (
            f"cross_validate: {len(failures)} of {count} fits failed, their scores are "
            f"{error_score}; {remedy}. {told}"
        )
        warnings.warn(message, FitFailedWarning, stacklevel=3)
    for told in dict.fromkeys(text for one in outcomes for text in one.unscored):
        message = f"cross_validate: scoring failed, the score is {error_score}; {remedy}. {told}"
        warnings.warn(message, UserWarning, stacklevel=3)


def _gathered(outcomes: Sequence[Outcome], task: Task) -> dict[str, Any]:
    """Arrays by name, an entry a fit."""
    found: dict[str, Any] = {
        name: np.array([getattr(one, name) for one in outcomes])
        for name in ("fit_time", "score_time")
    }
    if task.with_estimator:
        found["estimator"] = [one.estimator for one in outcomes]
    for part in ("test", "train") if task.with_train else ("test",):
        scores = [getattr(one, part) for one in outcomes]
        names = next((list(one) for one in scores if isinstance(one, Mapping)), None)
        if names is None:
            found[f"{part}_score"] = np.asarray(scores)
            continue
        for name in names:
            given = [one[name] if isinstance(one, Mapping) else one for one in scores]
            found[f"{part}_{name}"] = np.asarray(given)
    return found
