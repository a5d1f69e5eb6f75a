"""In which order trials are trained, and how far."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = ["ETA", "Bracket", "Flat", "Hyperband", "Schedule", "Stage", "brackets_of"]

ETA = 3
MOST_CUTS = 3
"""How often a trial is looked at before its end, at most: with a look after 1 of 81 epochs the best
score of random search was reached later, if at all (benchmarks/tuning.py).
"""


class Stage(NamedTuple):
    """A trial that is to be trained until so many epochs are done in all."""

    trial: int
    epochs: int
    bracket: int | None = None


class Schedule(Protocol):
    """Gives stages and takes their scores, in any order of time with the same stages."""

    def next(self) -> Stage | None:
        """What can be trained now; None where that hangs on stages under way, or all is done."""
        ...

    def take(self, stage: Stage, score: float) -> list[tuple[int, str]]:
        """Take the score of a stage, higher is better; trials that end, and how."""
        ...

    @property
    def trials(self) -> int | None:
        """How many there will be; None where there is no end."""
        ...

    @property
    def planned(self) -> int | None:
        """Epochs of all stages if none ends early; None where there is no end."""
        ...


class Flat:
    """Each trial to the end, one after the other.

    count
        How many trials; None for no end.
    epochs
        Of each trial, at most.
    lag
        Trial n waits for all up to n - lag; None where it need not wait.
    """

    def __init__(self, count: int | None, epochs: int, lag: int | None) -> None:
        self._count = count
        self._epochs = epochs
        self._lag = lag
        self._next = 0
        self._done: set[int] = set()
        self._first = 0
        """The first trial that is not done."""

    @property
    def trials(self) -> int | None:
        return self._count

    @property
    def planned(self) -> int | None:
        return None if self._count is None else self._count * self._epochs

    def next(self) -> Stage | None:
        if self._next == self._count:
            return None
        if self._lag is not None and self._next - self._lag >= self._first:
            return None
        self._next += 1
        return Stage(self._next - 1, self._epochs)

    def take(self, stage: Stage, score: float) -> list[tuple[int, str]]:
        self._done.add(stage.trial)
        while self._first in self._done:
            self._done.remove(self._first)
            self._first += 1
        return [(stage.trial, "complete")]


class Bracket(NamedTuple):
    """Successive halving: how many trials are trained to how many epochs, rung by rung."""

    trials: tuple[int, ...]
    epochs: tuple[int, ...]

    @property
    def cost(self) -> int:
        """The epochs of all, where each goes on from the rung before."""
        before = (0, *self.epochs)
        steps = zip(self.trials, before, self.epochs, strict=False)
        return sum(count * (to - since) for count, since, to in steps)


def brackets_of(epochs: int, eta: int = ETA, cuts: int = MOST_CUTS) -> tuple[Bracket, ...]:
    """Those of Hyperband (Li et al. 2018, "Hyperband: a novel bandit-based approach to
    hyperparameter optimization"), the one that gives up most first.

    epochs
        The most that a trial has.
    cuts
        After how many rungs trials are given up in the first bracket, at most.

    >>> [bracket.trials for bracket in brackets_of(27)]
    [(27, 9, 3, 1), (12, 4, 1), (6, 2), (4,)]
    >>> brackets_of(27)[1].epochs
    (3, 9, 27)
    """
    most = 0
    while eta ** (most + 1) <= epochs and most < cuts:
        most += 1
    found = []
    for rungs in range(most, -1, -1):
        first = math.ceil((most + 1) / (rungs + 1) * eta**rungs)
        trials = tuple(max(1, first // eta**rung) for rung in range(rungs + 1))
        to = tuple(max(1, round(epochs / eta ** (rungs - rung))) for rung in range(rungs + 1))
        found.append(Bracket(trials, to))
    return tuple(found)


@dataclass
class _Run:
    """A bracket under way: the trials of its rung, those not given out yet, and the scores."""

    number: int
    epochs: tuple[int, ...]
    keep: tuple[int, ...]
    trials: list[int]
    waiting: list[int]
    rung: int = 0
    scores: dict[int, float] = field(default_factory=dict)


class Hyperband:
    """The brackets of Hyperband one after the other, again and again.

    epochs
        The most that a trial has.
    count
        After how many trials there are no more: the last bracket begins with those left. One round
        of all brackets where None.

    While the last rung of a bracket is trained, the next one begins; the one before it is over
    then, so that what is known at its beginning does not hang on which network is done first.
    """

    def __init__(self, epochs: int, count: int | None = None) -> None:
        self._brackets = brackets_of(epochs)
        round_of_all = sum(one.trials[0] for one in self._brackets)
        self._count = round_of_all if count is None else count
        self._begun = 0
        self._trials = 0
        self._runs: list[_Run] = []

    @property
    def trials(self) -> int:
        return self._count

    @property
    def planned(self) -> int:
        return sum(one.cost for one in self._shares(self._count))

    def _shares(self, count: int) -> Iterator[Bracket]:
        """The brackets of so many trials, the last one cut."""
        place = 0
        while count > 0:
            bracket = self._brackets[place % len(self._brackets)]
            yield _cut(bracket, count)
            count -= bracket.trials[0]
            place += 1

    def next(self) -> Stage | None:
        for run in self._runs:
            if run.waiting:
                return Stage(run.waiting.pop(0), run.epochs[run.rung], run.number)
        left = self._count - self._trials
        under_way = [
            run for run in self._runs
            if run.rung < len(run.epochs) - 1 or run.number < self._begun - 1
        ]  # fmt: skip
        if left <= 0 or under_way:
            return None
        bracket = _cut(self._brackets[self._begun % len(self._brackets)], left)
        trials = list(range(self._trials, self._trials + bracket.trials[0]))
        self._runs.append(_Run(self._begun, bracket.epochs, bracket.trials, trials, list(trials)))
        self._begun += 1
        self._trials += len(trials)
        return self.next()

    def take(self, stage: Stage, score: float) -> list[tuple[int, str]]:
        run = next(one for one in self._runs if one.number == stage.bracket)
        run.scores[stage.trial] = -math.inf if math.isnan(score) else score
        if len(run.scores) < len(run.trials):
            return []
        run.rung += 1
        if run.rung == len(run.epochs):
            self._runs.remove(run)
            return [(trial, "complete") for trial in run.trials]
        ranked = sorted(run.trials, key=lambda trial: (-run.scores[trial], trial))
        kept = {one for one in ranked[: run.keep[run.rung]] if run.scores[one] > -math.inf}
        ended = [(trial, "pruned") for trial in run.trials if trial not in kept]
        run.trials = [trial for trial in run.trials if trial in kept]
        run.waiting, run.scores = list(run.trials), {}
        if not run.trials:
            self._runs.remove(run)
        return ended


def _cut(bracket: Bracket, most: int) -> Bracket:
    """A bracket that begins with so many trials at most."""
    if bracket.trials[0] <= most:
        return bracket
    trials = [most]
    while len(trials) < len(bracket.trials):
        trials.append(max(1, trials[-1] // ETA))
    return Bracket(tuple(trials), bracket.epochs)
