"""Where trials come from: a grid, chance, or what earlier trials have shown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol
from zlib import crc32

from chainrule import random
from chainrule.tuning.border import distributions, load_optuna, quiet
from chainrule.tuning.space import Space

__all__ = ["LAG", "Bayes", "Brackets", "Chance", "Draws", "Grid"]

LAG = 8
"""A trial is drawn from what those have shown that came so many before it, whatever the threads."""
FIRST_BY_CHANCE = 10

Place = dict[str, Any]


class Draws(Protocol):
    """Gives the places of trials.

    lag
        Trial n needs the scores of trials up to n - lag; None where it needs none.
    count
        How many places there are; None for any number.
    """

    lag: int | None
    count: int | None

    def place(self, number: int) -> Place:
        """The place of a trial; asked in order, each once."""
        ...

    def tell(self, number: int, score: float) -> None:
        """The score of a trial, higher is better, nan where it failed; told in order."""
        ...


class Grid:
    """Every place of a space."""

    lag: int | None = None

    def __init__(self, space: Space) -> None:
        self._places = space.grid()
        self.count: int | None = len(self._places)

    def place(self, number: int) -> Place:
        return self._places[number]

    def tell(self, number: int, score: float) -> None:
        """Nothing hangs on it."""


class Chance:
    """Places by chance: each setting of a trial hangs on seed, number and its own name alone."""

    lag: int | None = None
    count: int | None = None

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed

    def place(self, number: int) -> Place:
        return self._space.at({name: self._drawn(name, number) for name in self._space.dimensions})

    def _drawn(self, name: str, number: int) -> float:
        drawn = random.uniform(self._seed, crc32(name.encode()), number, 1, random.DRAWS)
        return float(drawn[0])

    def tell(self, number: int, score: float) -> None:
        """Nothing hangs on it."""


class Bayes:
    """Places that Optuna's TPE sampler suggests, of all settings together.

    It is given a new seed for each trial, so that a suggestion hangs on the scores before it and
    on nothing else.
    """

    lag: int | None = LAG
    count: int | None = None

    def __init__(self, space: Space, seed: int) -> None:
        optuna = load_optuna("the method bayesian")
        self._optuna = optuna
        self._seed = seed
        self._distributions = distributions(optuna, space)
        with quiet(optuna):
            self._study = optuna.create_study(direction="maximize")
        self._asked: dict[int, Any] = {}
        self._worst = math.nan

    def place(self, number: int) -> Place:
        with quiet(self._optuna):
            self._study.sampler = _sampler(self._optuna, self._seed, number)
            trial = self._study.ask(self._distributions)
        self._asked[number] = trial
        return dict(trial.params)

    def tell(self, number: int, score: float) -> None:
        """One that failed counts as the worst so far."""
        trial = self._asked.pop(number)
        if math.isfinite(score):
            self._worst = score if math.isnan(self._worst) else min(score, self._worst)
        else:
            score = self._worst
        failed = self._optuna.trial.TrialState.FAIL
        if math.isnan(score):
            self._study.tell(trial, state=failed)
        else:
            self._study.tell(trial, score)


class Brackets(Chance):
    """Places for the brackets of Hyperband: by chance in the first one, then two in three as
    Optuna's TPE sampler suggests from what the brackets before have shown (Falkner, Klein and
    Hutter 2018, "BOHB: robust and efficient hyperparameter optimization at scale").
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._optuna = load_optuna("the method hyperband")
        self._distributions = distributions(self._optuna, space)
        self._study: Any = None

    def learn(self, shown: Iterable[tuple[Place, int, float]], most: int) -> None:
        """Take what all trials before a bracket have shown: places, epochs and scores.

        most
            The epochs of a trial that was not given up; those that got far say more.
        """
        optuna, states = self._optuna, self._optuna.trial.TrialState
        with quiet(optuna):
            self._study = optuna.create_study(direction="maximize")
            for place, epochs, score in shown:
                self._study.add_trial(
                    optuna.trial.create_trial(
                        state=states.COMPLETE if epochs == most else states.PRUNED,
                        value=score,
                        params=place,
                        distributions=self._distributions,
                        intermediate_values={epochs: score},
                    )  # fmt: skip
                )

    def place(self, number: int) -> Place:
        if self._study is None or number % 3 == 2:
            return super().place(number)
        with quiet(self._optuna):
            self._study.sampler = _sampler(self._optuna, self._seed, number)
            return dict(self._study.ask(self._distributions).params)


def _sampler(optuna: Any, seed: int, number: int) -> Any:
    """A sampler for one trial."""
    words = random.words(seed, 1, number, 1, random.DRAWS)
    return optuna.samplers.TPESampler(
        seed=int(words[0]), multivariate=True, constant_liar=True, n_startup_trials=FIRST_BY_CHANCE
    )
