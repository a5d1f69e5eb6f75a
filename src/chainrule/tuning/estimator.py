"""`chainrule.tune`: the best settings of an estimator for a table."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.data import FRAMES, fingerprint
from chainrule.errors import (
    ChainruleError,
    InputTypeError,
    MissingFileError,
    SettingError,
    TrainingError,
    warn,
)
from chainrule.files import FolderLock, RunFolder, make_folder, strict_json, write_text_atomic
from chainrule.training import say_line
from chainrule.tuning.asked import STUDY, Asked
from chainrule.tuning.checks import check_search
from chainrule.tuning.defaults import default_space
from chainrule.tuning.result import Tuning, best_words, score_name
from chainrule.tuning.schedules import brackets_of
from chainrule.tuning.search import Search, best_of, is_lower_better
from chainrule.tuning.space import Space, space_of
from chainrule.tuning.study import StoredTrials, check_study
from chainrule.tuning.view import WIDTH, SearchView

if TYPE_CHECKING:
    from chainrule.estimators import TablePlan
    from chainrule.tuning.trials import Trial

__all__ = [
    "best_trial", "check_found", "clear_search", "found_words", "open_search", "search_facts",
    "states_folder", "study_address", "tune",
]  # fmt: skip

STUDY_FILE, STATES = "study.sqlite3", "trials"


def tune(
    estimator: Any, X: Any, y: Any, *, method: str = "bayesian", space: Any = None,
    trials: int | None = None, time_limit: float | None = None, metric: str | None = None,
    folds: int | None = None, storage: str | None = None, study_name: str = STUDY,
    out: str | os.PathLike[str] | None = None, resume: bool = False, seed: int = 0,
    threads: int | None = None, sample_weight: Any = None, eval_set: Any = None,
    groups: Any = None, verbose: int = 0,
) -> Tuning:  # fmt: skip
    """Search for the settings with which an estimator does best on rows that it has not learned.

    estimator
        A `TabularClassifier` or `TabularRegressor`, not fitted: settings that the space does not
        name stay as they are.
    X, y, sample_weight, eval_set, groups
        As `fit` takes them.
    method
        "grid" (every place), "random", "bayesian" (Optuna's TPE sampler learns from earlier
        trials) or "hyperband" (many begin, the better ones go on from where they stopped).
    space
        What is searched: for each setting a list of values, a pair (low, high), or a
        `chainrule.tuning.Range`; `layers` and `units` together say `hidden`. By default what
        matters for a table of this size.
    trials
        How many at most; by default 50, every place of a grid, a round of Hyperband's brackets.
    time_limit
        Seconds that the search may take at most, without the last fit; where trials is not given,
        random and bayesian search go on until then.
    metric
        The score that compares trials; by default the estimator's, else the validation loss.
    folds
        A trial is trained on so many folds, and has their mean score; by default it has one
        network, watched on one part of the rows.
    storage, study_name
        The address of a database for the trials, an Optuna study; with `out` by default
        study.sqlite3 there.
    out
        A folder for the study, for networks under way and for the best model.
    resume
        Go on with the search in `out` or `storage`, as if it had never been stopped; one that is
        done goes on to more trials.
    threads
        How many networks are trained at once; as many as cores when None. The trials do not
        depend on it.
    verbose
        1 shows how it goes.

    Each trial trains one network with the same seed on the same rows. The best settings are
    trained as `fit` does, with as many networks as the estimator says. After Ctrl-C the best
    settings so far are trained, with a warning; where nothing is done yet `KeyboardInterrupt` goes
    on to the caller.

    Raises `SettingError` for a space, a metric or a storage that cannot be used, `TrainingError`
    where every trial failed, and what `fit` raises.

    >>> import chainrule
    >>> X = {"a": [float(row % 7) for row in range(60)], "b": ["u", "v", "w"] * 20}
    >>> y = ["yes", "no", "yes"] * 20
    >>> found = chainrule.tune(
    ...     chainrule.TabularClassifier(epochs=3, members=1), X, y, method="grid",
    ...     space={"learning_rate": [1e-3, 1e-2], "units": [8, 16]})
    >>> len(found.trials), sorted(found.best_params)
    (4, ['hidden', 'learning_rate'])
    """
    from sklearn.base import clone

    base = _checked(estimator)
    if metric is not None:
        base.set_params(metric=metric)
    asked = Asked(method, trials, time_limit, folds, storage, study_name, seed, threads)
    searched = None if space is None else space_of(space)
    if resume and out is None and storage is None:
        message = "tune: resume needs the search to go on with; name its out or its storage."
        raise SettingError(message)
    if resume:
        check_found(asked, None if out is None else RunFolder(Path(out)))
    asked.check(base.metric, searched)
    given = (sample_weight, eval_set, groups)
    plan = base.plan(X, y, *given)
    with _place(out, resume) as place:
        place.search = search = open_search(
            plan, searched or default_space(plan, method), asked, place.folder, resume
        )
        _run(search, verbose)
        best = best_trial(search)
        if verbose:
            say_line(textwrap.fill(best_words(search, best), WIDTH, subsequent_indent="  "))
        if search.interrupted:
            warn("Search interrupted by user: the best settings so far are trained.")
        fitted = clone(base).set_params(**best.settings).fit(X, y, *given)
        found = _found(search, fitted, X)
        if place.folder is not None:
            write_text_atomic(place.folder.search_path, strict_json(found.to_record()) + "\n")
            fitted.save(place.folder.model_path)
    return found


def check_found(asked: Asked, folder: RunFolder | None) -> None:
    """Raise MissingFileError where the study of a search to go on with is gone.

    One that was killed before its study was made has none yet.
    """
    if folder is None:
        check_study(asked.storage, asked.study)
    elif (folder.path / STATES).is_dir() or folder.search_path.is_file():
        check_study(asked.storage or study_address(folder), asked.study)


def open_search(
    plan: TablePlan, space: Space, asked: Asked, folder: RunFolder | None, resume: bool
) -> Search:
    """A search with its study, not run; with what is in the study where it is gone on with."""
    storage, stored = asked.storage, None
    if folder is not None:
        storage = storage or study_address(folder)
    check_search(asked.method, asked.trials, asked.time_limit, asked.folds, plan, space)
    if storage is not None:
        facts = search_facts(plan, space, asked.method, asked.trials, asked.folds, asked.seed)
        stored = StoredTrials(
            storage, asked.study, space, facts,
            lower_is_better=is_lower_better(plan.settings.metric), resume=resume,
        )  # fmt: skip
    return Search(
        plan, space, asked.method, asked.trials, asked.time_limit, asked.folds, asked.seed,
        asked.threads, stored, None if folder is None else states_folder(folder),
    )  # fmt: skip


def _run(search: Search, verbose: int) -> None:
    if not verbose:
        search.run()
        return
    if search.found or search.halves():
        say_line(found_words(search))
    with SearchView(score_name(search.metric)) as view:
        search.watch = view
        search.run()


def found_words(search: Search) -> str:
    """What a search goes on from.

    >>> from types import SimpleNamespace
    >>> found_words(SimpleNamespace(found=12, halves=lambda: 1))
    '12 trials and 1 half-trained network found, going on'
    """
    halves = search.halves()
    trials = f"{search.found:,} trial{'s' * (search.found != 1)}"
    networks = f" and {halves:,} half-trained network{'s' * (halves != 1)}" if halves else ""
    return f"{trials}{networks} found, going on"


def _found(search: Search, fitted: Any, X: Any) -> Tuning:
    return Tuning(
        fitted, tuple(search.trials), search.metric, search.space, search.method, search.folds,
        search.seed, search.seconds(), search.interrupted, _library(X),
    )  # fmt: skip


def best_trial(search: Search) -> Trial:
    """The best trial of a search that is over; raises where there is none."""
    best = best_of(search.trials, search.metric)
    if best is not None:
        return best
    if search.interrupted:
        raise KeyboardInterrupt
    failed = [one for one in search.trials if one.message]
    message = (
        f"tune: all {len(search.trials)} trials failed; the first one: {failed[0].message}"
        if failed
        else "tune: no trial has a score; give more rows to watch, or another metric."
    )
    raise TrainingError(message)


def search_facts(
    plan: TablePlan, space: Space, method: str, count: int | None, folds: int | None, seed: int
) -> dict[str, Any]:
    """What a study keeps of its search: with other facts it would be another one.

    How many trials there are may change; of Hyperband where they end with a bracket, for the last
    one is cut else.
    """
    watched = plan.validation_table
    brackets = [one.trials[0] for one in brackets_of(plan.chosen.epochs)]
    halving = {"brackets": brackets, "trials": count or sum(brackets)}
    return {
        "fingerprint": fingerprint(plan.pool),
        "validation": None if watched is None else fingerprint(watched),
        "target": list(plan.schema.target_names),
        "metric": score_name(plan.settings.metric),
        "method": method,
        "space": space.to_record(),
        "folds": folds,
        "seed": seed,
        "settings": plan.settings.to_record(),
        **(halving if method == "hyperband" else {}),
    }


def study_address(folder: RunFolder) -> str:
    """Where the study of a run folder is."""
    return f"sqlite:///{folder.path.absolute() / STUDY_FILE}"


def states_folder(folder: RunFolder) -> Path:
    """Where the networks of trials under way are kept; made where it is not there."""
    place = folder.path / STATES
    make_folder(place)
    return place


def clear_search(folder: RunFolder) -> None:
    """Remove what was made for a search before its first trial was done."""
    for path in (folder.search_config_path, folder.search_path, folder.path / STUDY_FILE):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder.path / STATES, ignore_errors=True)


@dataclass
class _Place:
    """The folder of a search, where it has one, and what is searched in it."""

    folder: RunFolder | None = None
    search: Search | None = None


@contextmanager
def _place(out: str | os.PathLike[str] | None, resume: bool) -> Iterator[_Place]:
    """A new folder, or that of a search to go on with, held by this process.

    A new one is gone again where a mistake ended the search before its first trial was done.
    """
    if out is None:
        yield _Place()
        return
    folder = RunFolder(Path(out)) if resume else RunFolder.create(out)
    if resume and not folder.path.is_dir():
        message = f"{out}: there is no search to go on with; leave out resume to begin one."
        raise MissingFileError(message)
    place = _Place(folder)
    try:
        with FolderLock(folder.path):
            try:
                yield place
            except ChainruleError:
                if not resume and (place.search is None or not place.search.trials):
                    clear_search(folder)
                raise
    finally:
        if folder.is_blank:  # nothing was begun
            folder.path.rmdir()


def _checked(estimator: Any) -> Any:
    """A copy of an estimator of tables, not fitted."""
    from sklearn.base import clone

    from chainrule.estimators import TabularEstimator

    if not isinstance(estimator, TabularEstimator):
        message = (
            "tune: needs a TabularClassifier or TabularRegressor, got "
            f"{type(estimator).__name__}; search others with GridSearchCV or RandomizedSearchCV of "
            "scikit-learn, or with Optuna's own API."
        )
        raise InputTypeError(message)
    return clone(estimator)


def _library(X: Any) -> str:
    """The library of a frame; "" where it is none."""
    library = type(X).__module__.partition(".")[0]
    return library if library in FRAMES else ""
