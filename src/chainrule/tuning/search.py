"""A search: trials drawn, trained several at a time, kept, and compared."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from chainrule.errors import SettingError
from chainrule.estimators import (
    StagedRows,
    TablePlan,
    TableSettings,
    chosen_score,
    chosen_settings,
)
from chainrule.reporting import LOWER_IS_BETTER
from chainrule.training import Workers, jobs_at_once
from chainrule.tuning.checks import check_search
from chainrule.tuning.draws import Bayes, Brackets, Chance, Draws, Grid
from chainrule.tuning.folds import members_of_folds
from chainrule.tuning.schedules import Flat, Hyperband, Schedule, Stage
from chainrule.tuning.space import Space
from chainrule.tuning.study import StoredTrials
from chainrule.tuning.trials import Trial, TrialFit

__all__ = ["Search", "SearchProgress", "best_of", "is_lower_better"]

USUAL_TRIALS = 50
MOST_AT_ONCE = 64


@dataclass(frozen=True)
class SearchProgress:
    """How far a search is.

    done, planned
        Trials that ended, and how many there will be; None where that is not known.
    running
        By number of a trial that is trained now: its epochs and its last score.
    best, last
        The best trial so far, which may go on, and the one that ended last.
    share
        Of the time that all is expected to take; None where there is no end.
    """

    done: int
    planned: int | None
    running: Mapping[int, tuple[int, float]]
    best: Trial | None
    last: Trial | None
    seconds: float
    share: float | None


Watch = Callable[[SearchProgress], None]


def is_lower_better(metric: str | None) -> bool:
    """Whether lower scores are better; of the validation loss (None) they are."""
    return metric is None or metric in LOWER_IS_BETTER


def best_of(trials: Sequence[Trial], metric: str | None) -> Trial | None:
    """The trial with the best score, the first of equal ones; None where all failed."""
    sign = -1.0 if is_lower_better(metric) else 1.0
    scored = [one for one in trials if one.score is not None]
    return max(scored, key=lambda one: (sign * (one.score or 0.0), -one.number), default=None)


class _Started(NamedTuple):
    stage: Stage
    future: Future[Any]


@dataclass
class Search:
    """Trials of a plan.

    plan
        Its rows, schema and settings; its rows of the test are not looked at.
    count
        How many trials at most; None for what the method does by itself.
    time_limit
        Seconds after which no trial goes on; without a count the trials of random and bayesian
        search go on until then.
    folds
        How many folds a trial is trained on; one network on the plan's own rows where None.
    threads
        How many networks are trained at once; the result does not depend on it.
    stored
        Where trials that are done are kept, and what is gone on from.
    folder
        Where the networks of trials under way are kept.
    """

    plan: TablePlan
    space: Space
    method: str
    count: int | None = None
    time_limit: float | None = None
    folds: int | None = None
    seed: int = 0
    threads: int | None = None
    stored: StoredTrials | None = None
    folder: Path | None = None
    watch: Watch | None = None
    trials: list[Trial] = field(default_factory=list)
    interrupted: bool = False

    def __post_init__(self) -> None:
        check_search(
            self.method, self.count, self.time_limit, self.folds, self.plan, self.space
        )  # fmt: skip
        self.metric = self.plan.settings.metric
        self._sign = -1.0 if is_lower_better(self.metric) else 1.0
        self._score = chosen_score(self.plan)
        self._base = replace(self.plan.settings, members=1)
        self._usual = self._chosen({})
        self._draws = _draws(self.method, self.space, self.seed)
        self._schedule = _schedule(
            self.method, self._draws, self.count, self._usual.epochs, self.time_limit is not None
        )
        self._at_once = jobs_at_once(MOST_AT_ONCE, self.threads)
        self._members = members_of_folds(self.plan, self.folds)
        self._parts: dict[int, list[StagedRows]] = {}
        self._fits: dict[int, TrialFit] = {}
        self._ended: dict[int, Trial] = {}
        kept = [] if self.stored is None else self.stored.trials()
        self._known = {one.number: one for one in kept}
        self._told = self._learned = 0
        self._bracket = -1
        self._running: dict[int, tuple[int, float]] = {}
        self._best: Trial | None = None
        self._last: Trial | None = None
        self._heard: dict[int, int] = {}
        self._done = len(kept)
        self._epochs_done = sum(one.epochs for one in kept) * len(self._members)
        self._lock = threading.RLock()
        self._before = sum(one.seconds for one in kept) / self._at_once
        self._began = time.monotonic()
        if self.planned is not None and self.planned < self.found:
            message = (
                f"tune: trials: there are {self.found} already, and {self.planned} would be fewer; "
                "give more to go on, or begin a new search."
            )
            raise SettingError(message)

    @property
    def planned(self) -> int | None:
        """How many trials there will be, where that is known."""
        return self._schedule.trials

    @property
    def found(self) -> int:
        """How many trials were done before it was stopped, or ended with fewer."""
        return len(self._known)

    @property
    def is_over(self) -> bool:
        """Whether nothing was left to do when it began."""
        return self.is_late() if self.planned is None else self.planned == self.found

    def halves(self) -> int:
        """How many trials were under way when it was stopped, and go on from where they stood."""
        return 0 if self.folder is None else len(list(self.folder.glob("*.safetensors")))

    def seconds(self) -> float:
        """Since it began, those before it was stopped included."""
        return self._before + time.monotonic() - self._began

    def run(self) -> list[Trial]:
        """Make all trials; after Ctrl-C those that are done are kept."""
        self._began = time.monotonic()
        try:
            with Workers(self._at_once) as workers:
                self._make(workers)
        except KeyboardInterrupt:
            self.interrupted = True
        started = [one.trial for one in self._fits.values() if one.trial.epochs]
        left = {one.number: replace(one, state="stopped") for one in started} | self._ended
        self.trials += [left[number] for number in sorted(left)]
        return self.trials

    def _make(self, workers: Workers) -> None:
        """Start what can be trained, and take what is done, until there is nothing left."""
        started: list[_Started] = []
        while True:
            while len(started) < self._at_once and not self.is_late():
                stage = self._schedule.next()
                if stage is None:
                    break
                started += self._begin(workers, stage)
            if not started:
                return
            pending = workers.wait([one.future for one in started])
            for one in started:
                if one.future not in pending:
                    self._take(one.stage, one.future.result())
            started = [one for one in started if one.future in pending]

    def is_late(self) -> bool:
        """Whether the time limit has passed; one epoch is made in any case."""
        if self.time_limit is None or not self._epochs_done:
            return False
        return self.seconds() >= self.time_limit

    def _begin(self, workers: Workers, stage: Stage) -> list[_Started]:
        """Let a worker train a stage; none where its trial was done before all was stopped."""
        number = stage.trial
        if number not in self._fits:
            self._fits[number] = self._fit(stage)
        fit = self._fits[number]
        if number in self._known:
            self._take(stage, fit.trial)
            return []
        with self._lock:
            self._running[number] = fit.trial.epochs, math.nan
        job = partial(fit.train_to, stage.epochs, self._hear, self.is_late)
        return [_Started(stage, workers.start(job))]

    def _fit(self, stage: Stage) -> TrialFit:
        """A new trial, drawn when the scores of those that it hangs on are told."""
        number, draws = stage.trial, self._draws
        while draws.lag is not None and self._learned <= number - draws.lag:
            draws.tell(self._learned, self._signed(self.trials[self._learned]))
            self._learned += 1
        if isinstance(draws, Brackets) and stage.bracket is not None:
            self._open(draws, stage.bracket)
        place = draws.place(number)
        settings = self.space.settings(place, self._usual.hidden or ())
        trial = Trial(number, settings, place, "running", None, 0, 0, (), (), 0.0, stage.bracket)
        known = self._known.get(number)
        if known is not None and dict(known.place) != place:
            message = (
                f"storage: trial {number} of the study has {dict(known.place)!r}, and would have "
                f"{place!r} now: it was made by another version; begin a search of another name."
            )
            raise SettingError(message)
        chosen = self._chosen(settings)
        file = None if self.folder is None else self.folder / f"{number}.safetensors"
        parts = () if known is not None else self._parts_of(chosen.bins or 0)
        return TrialFit(known or trial, chosen, parts, self._score, self._sign, file)

    def _open(self, draws: Brackets, bracket: int) -> None:
        """Let the trials of a bracket be drawn from what those before have shown."""
        if bracket <= self._bracket:
            return
        self._bracket, most = bracket, self._usual.epochs
        if bracket == 0:
            return
        under_way = [one.trial for one in self._fits.values()]
        known = {one.number: one for one in [*under_way, *self._ended.values(), *self.trials]}
        shown = []
        for one in sorted(known.values(), key=lambda one: one.number):
            # the last rung of the bracket just before may be done or not
            rungs = [rung for rung in one.rungs if rung[0] < most or one.bracket != bracket - 1]
            if rungs and math.isfinite(rungs[-1][1]):
                shown.append((dict(one.place), rungs[-1][0], self._sign * rungs[-1][1]))
        draws.learn(shown, most)

    def _parts_of(self, bins: int) -> list[StagedRows]:
        """The rows of each fold, encoded once."""
        if bins not in self._parts:
            self._parts[bins] = [StagedRows(self.plan, one, bins) for one in self._members]
        return self._parts[bins]

    def _chosen(self, settings: Mapping[str, Any]) -> TableSettings:
        return chosen_settings(replace(self._base, **settings), self.plan.schema, self.plan.pool)

    def _signed(self, trial: Trial) -> float:
        return math.nan if trial.score is None else self._sign * trial.score

    def _hear(self, number: int, epochs: int, score: float) -> None:
        """An epoch of a trial, told by its thread."""
        with self._lock:
            self._running[number] = epochs, score
            self._heard[number] = self._heard.get(number, 0) + 1
            self._epochs_done += 1
            self._say()

    def _take(self, stage: Stage, result: Any) -> None:
        """What came of a stage; trials that end with it are stored in the order of numbers."""
        if isinstance(result, BaseException):
            raise result
        with self._lock:
            self._running.pop(stage.trial, None)
            if stage.trial not in self._known:  # one gone on from was not heard of
                made = result.epochs * len(self._members)
                self._epochs_done += max(0, made - self._heard.get(stage.trial, 0))
                self._heard[stage.trial] = made
            self._best = best_of([one for one in (self._best, result) if one], self.metric)
        if result.state == "stopped" and stage.trial not in self._known:
            self._fits[stage.trial].rest()
            return
        reached = result.score_at(stage.epochs)
        score = math.nan if reached is None or result.score is None else self._sign * reached
        ended = self._schedule.take(stage, score)
        if not any(number == stage.trial for number, _ in ended) and stage.trial not in self._known:
            self._fits[stage.trial].rest()
        for number, state in ended:
            self._end(number, state)
        self._store()

    def _end(self, number: int, state: str) -> None:
        """A trial is over."""
        trial = self._fits[number].trial
        known = number in self._known
        if not known and trial.state != "failed":
            trial = replace(trial, state=state)
        with self._lock:
            self._ended[number] = self._last = trial
            if not known:  # those found are counted from the beginning
                self._done += 1
                self._say()

    def _store(self) -> None:
        """Write those that ended, as far as all before them have."""
        while self._told in self._ended:
            trial = self._ended.pop(self._told)
            if self.stored is not None and trial.number not in self._known:
                self.stored.add(trial)
            self._fits.pop(trial.number).end()
            self.trials.append(trial)
            self._told += 1

    def _say(self) -> None:
        """Tell the watcher; within the lock, for threads tell of their epochs too."""
        if self.watch is None:
            return
        self.watch(
            SearchProgress(
                self._done, self.planned, dict(self._running), self._best, self._last,
                self.seconds(), self._share(),
            )
        )  # fmt: skip

    def _share(self) -> float | None:
        """Of the time that all is expected to take the part that is over."""
        shares = []
        if self.time_limit is not None:
            shares.append(self.seconds() / self.time_limit)
        planned = self._schedule.planned
        if planned and self.method == "hyperband":
            shares.append(self._epochs_done / (planned * len(self._members)))
        elif self.planned and self._done:
            under_way = sum(epochs for epochs, _ in self._running.values())
            mean = max(1.0, (self._epochs_done - under_way) / self._done)
            shares.append(self._epochs_done / (mean * self.planned))
        return min(1.0, max(shares)) if shares else None


def _schedule(
    method: str, draws: Draws, count: int | None, epochs: int, is_endless: bool
) -> Schedule:
    if method == "hyperband":
        return Hyperband(epochs, count)
    if draws.count is not None:
        count = draws.count if count is None else min(count, draws.count)
    elif count is None and not is_endless:
        count = USUAL_TRIALS
    return Flat(count, epochs, draws.lag)


def _draws(method: str, space: Space, seed: int) -> Draws:
    if method == "grid":
        return Grid(space)
    kinds: dict[str, type[Any]] = {"random": Chance, "bayesian": Bayes, "hyperband": Brackets}
    found: Draws = kinds[method](space, seed)
    return found
