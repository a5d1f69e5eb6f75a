"""What a search gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.text import Block, blocks_html, plural
from chainrule.tuning.draws import FIRST_BY_CHANCE, LAG
from chainrule.tuning.search import Search, best_of, is_lower_better
from chainrule.tuning.space import Space
from chainrule.tuning.trials import Trial

__all__ = [
    "Tuning",
    "best_table",
    "best_words",
    "score_name",
    "search_record",
    "spelled_settings",
]

LOSS = "validation loss"
SHOWN = 5
BY_CHANCE = FIRST_BY_CHANCE + LAG - 1
"""So many places come before the first one that the sampler draws from what trials have shown."""
CANNOT_TELL = (
    "The best score is the best of many on the same rows, so it flatters: rows that no choice has "
    "seen judge the settings. Trials that are close are no different beyond chance."
)


def score_name(metric: str | None) -> str:
    """What a score is called."""
    return metric or LOSS


@dataclass(frozen=True, eq=False, repr=False)
class Tuning:
    """The trials of a search, and the best settings trained.

    best_estimator
        The estimator with the best settings, fitted on all rows as `fit` does.
    trials
        All that were begun, in order (`Trial`).
    metric
        The score that compared them; the validation loss where None.
    space, method, folds, seed
        As they were asked for.
    seconds
        That the search took, without the last fit.
    interrupted
        Whether Ctrl-C ended it.
    """

    best_estimator: Any
    trials: tuple[Trial, ...]
    metric: str | None
    space: Space
    method: str
    folds: int | None
    seed: int
    seconds: float
    interrupted: bool = False
    library: str = ""

    cannot_tell = CANNOT_TELL

    @property
    def best_trial(self) -> Trial:
        """The trial with the best score."""
        found = best_of(self.trials, self.metric)
        assert found is not None  # noqa: S101  (else there had been no result)
        return found

    @property
    def best_params(self) -> dict[str, Any]:
        """Its settings, as `set_params` takes them."""
        return dict(self.best_trial.settings)

    @property
    def best_score(self) -> float:
        """Its score, in the unit of the metric."""
        return float(self.best_trial.score or 0.0)

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        return search_record(self, self.seconds)

    def to_frame(self) -> Any:
        """A row a trial, a column a setting: a frame as X was, else of pandas where it is there.

        Without pandas a dict of columns.
        """
        from chainrule.data import frame_of

        columns = _columns(self.trials)
        library = self.library
        if not library:
            try:
                import pandas  # noqa: F401
            except ImportError:
                return columns
            library = "pandas"
        return frame_of(columns, library)

    def plot(self, axes: Any = None) -> list[Any]:
        """The score by trial with the best so far, and against each setting that was searched.

        axes
            As many matplotlib axes; those of a new figure when None.
        """
        from chainrule.drawing import plot_search

        return list(plot_search(self.to_record(), axes=axes))

    def __repr__(self) -> str:
        return self._block().to_text()

    def _repr_html_(self) -> str:
        return blocks_html([self._block()])

    def _block(self) -> Block:
        name = score_name(self.metric)
        header, lines = best_table(self)
        trials = plural(len(self.trials), "trial")
        failed = sum(one.state == "failed" for one in self.trials)
        told = f"{plural(failed, 'trial')} failed.\n" * bool(failed) + self.cannot_tell
        return Block(
            f"{trials} ({self.method}), the best by {name}", header, lines, (0, 1), told=told
        )


def search_record(found: Search | Tuning, seconds: float) -> dict[str, Any]:
    """A search as plain values: what a report and a picture are made of."""
    best = best_of(found.trials, found.metric)
    return {
        "method": found.method,
        "by_chance": BY_CHANCE if found.method == "bayesian" else None,
        "score": score_name(found.metric),
        "lower_is_better": is_lower_better(found.metric),
        "space": found.space.to_record(),
        "folds": found.folds,
        "seed": found.seed,
        "seconds": round(seconds, 3),
        "interrupted": found.interrupted,
        "best": None if best is None else best.number,
        "trials": [one.to_record() for one in found.trials],
    }


def best_table(found: Search | Tuning) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Names of columns and the cells of the best trials, the very best first."""
    lines = [
        (str(one.number), f"{one.score:.5g}", f"{one.epoch} of {one.epochs}",
         spelled_settings(one.settings))
        for one in ranked(found.trials, found.metric)[:SHOWN]
    ]  # fmt: skip
    return ("trial", score_name(found.metric), "best epoch", "settings"), list(lines)


def best_words(found: Search | Tuning, best: Trial) -> str:
    """What a search that is over has found, when its best settings are to be trained."""
    return (
        f"searched {plural(len(found.trials), 'trial')}; training the best, trial {best.number} "
        f"after {plural(best.epochs, 'epoch')}: {score_name(found.metric)} "
        f"{best.score:.5g} ({spelled_settings(best.settings)})"
    )


def spelled_settings(settings: Mapping[str, Any]) -> str:
    """Settings on a line.

    >>> spelled_settings({"learning_rate": 0.00123456, "hidden": (64, 32)})
    'learning_rate=0.00123, hidden=64,32'
    """
    return ", ".join(f"{name}={_spelled(value)}" for name, value in settings.items())


def _spelled(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ranked(trials: Sequence[Trial], metric: str | None) -> list[Trial]:
    """Those with a score, the best first."""
    sign = 1.0 if is_lower_better(metric) else -1.0
    scored = [one for one in trials if one.score is not None]
    return sorted(scored, key=lambda one: (sign * (one.score or 0.0), one.number))


def _columns(trials: Sequence[Trial]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for one in trials for name in one.settings))
    columns: dict[str, Any] = {
        "trial": np.array([one.number for one in trials]),
        "score": np.array([math.nan if one.score is None else one.score for one in trials]),
        "state": np.array([one.state for one in trials], dtype=object),
        "epoch": np.array([one.epoch for one in trials]),
        "epochs": np.array([one.epochs for one in trials]),
        "seconds": np.array([one.seconds for one in trials]),
    }
    for name in names:
        values = [one.settings.get(name) for one in trials]
        if any(isinstance(one, tuple | str) for one in values):
            listed = [_spelled(one) for one in values]
            columns[name] = np.array(listed, dtype=object)
        else:
            columns[name] = np.array(values)
    return columns
