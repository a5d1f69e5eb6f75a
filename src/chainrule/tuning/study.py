"""Trials in an Optuna study: a file of the run folder, or a database by its address."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from chainrule.errors import ChainruleError, SettingError
from chainrule.tuning.border import distributions, load_optuna, quiet
from chainrule.tuning.space import Space
from chainrule.tuning.trials import Trial

__all__ = ["StoredTrials"]

FACTS = "chainrule"
"""The attribute of a study that says what was searched."""
SPOKEN = {
    "fingerprint": "another table", "target": "another target", "space": "another space",
    "method": "another method", "metric": "another metric", "seed": "another seed",
    "settings": "other settings", "trials": "another number of trials",
    "folds": "another number of folds", "validation": "other rows to watch",
}  # fmt: skip
LONG = ("fingerprint", "validation", "space", "settings")
WORDS = re.compile(r"\s+")


class StoredTrials:
    """The trials of a search that are done, in order, in an Optuna study of their own.

    storage
        An address as Optuna's storages have it ("sqlite:///study.sqlite3", "postgresql://...").
    name
        Of the study.
    facts
        Plain values that say what is searched; a study with others is refused.
    resume
        Whether a study with trials is gone on with.

    A trial is written when it and all before it are done, in one piece, so that what was killed
    leaves no half trial. Raises `SettingError` for a storage that cannot be reached, and for a
    study of something else.
    """

    def __init__(
        self, storage: str, name: str, space: Space, facts: Mapping[str, Any], *,
        lower_is_better: bool, resume: bool,
    ) -> None:  # fmt: skip
        optuna = self._optuna = load_optuna("storage")
        self._place = _without_password(storage)
        self._distributions = distributions(optuna, space)
        with self._reached():
            self._study = optuna.create_study(
                storage=storage, study_name=name, load_if_exists=True,
                direction="minimize" if lower_is_better else "maximize",
            )  # fmt: skip
            kept = self._study.user_attrs.get(FACTS)
            if kept is None and not self._study.get_trials(deepcopy=False):
                self._study.set_user_attr(FACTS, dict(facts))
                return
        self._check(name, kept, facts, resume)

    def _check(self, name: str, kept: Any, facts: Mapping[str, Any], resume: bool) -> None:
        where = f"storage: the study {name!r} in {self._place}"
        if not isinstance(kept, Mapping):
            message = f"{where} is not one of chainrule; give this search another name."
            raise SettingError(message)
        now = json.loads(json.dumps(dict(facts)))
        for fact in {**kept, **now}:
            if kept.get(fact) != now.get(fact):
                what = SPOKEN.get(fact, f"another {fact}")
                told = "" if fact in LONG else (
                    f" ({kept.get(fact)!r}, not {now.get(fact)!r})")  # fmt: skip
                message = (
                    f"{where} is of {what}{told}; make it as it was to go on, or give this search "
                    "another name."
                )
                raise SettingError(message)
        if self.trials() and not resume:
            message = (
                f"{where} has {len(self.trials())} trials already; resume it to go on, or give "
                "this search another name."
            )
            raise SettingError(message)

    def trials(self) -> list[Trial]:
        """Those that are done, in order."""
        with self._reached():
            found = self._study.get_trials(deepcopy=False)
        trials = []
        for one in found:
            scores = [score for _, score in sorted(one.intermediate_values.items())]
            record = {"place": dict(one.params), "number": one.number, "scores": scores}
            trials.append(Trial.from_record({**one.user_attrs, **record}))
        return trials

    def add(self, trial: Trial) -> None:
        """Write a trial: the next one."""
        states = self._optuna.trial.TrialState
        kinds = {"complete": states.COMPLETE, "failed": states.FAIL}
        record = trial.to_record()
        scores = record.pop("scores")
        del record["place"], record["number"]
        now = datetime.now()
        state = kinds.get(trial.state, states.PRUNED)
        frozen = self._optuna.trial.create_trial(
            state=state, value=None if state == states.FAIL else trial.score,
            params=dict(trial.place), distributions=self._distributions, user_attrs=_finite(record),
            intermediate_values=dict(enumerate(scores, 1)),
        )  # fmt: skip
        frozen.datetime_start = now - timedelta(seconds=trial.seconds)
        frozen.datetime_complete = now
        with self._reached():
            self._study.add_trial(frozen)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What goes wrong with a storage, as one sentence."""
        try:
            with quiet(self._optuna):
                yield
        except ChainruleError:
            raise
        except Exception as error:  # each kind of database has errors of its own
            reason = _reason(error)
            message = (
                f"storage: {self._place} cannot be reached ({reason}); check the address, as "
                "sqlite:///study.sqlite3, and that its driver is installed."
            )
            raise SettingError(message) from error


def _reason(error: Exception) -> str:
    """The first line of what a database says, without the program's own references."""
    cause = getattr(error, "orig", None) or error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause
    lines = str(cause).strip().splitlines() or [type(error).__name__]
    return WORDS.sub(" ", lines[0]).rstrip(".")[:160]


def _without_password(storage: str) -> str:
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:...@", str(storage))


def _finite(record: Any) -> Any:
    """Plain values of a record as JSON has them: None for what is no number."""
    if isinstance(record, Mapping):
        return {name: _finite(one) for name, one in record.items()}
    if isinstance(record, list | tuple):
        return [_finite(one) for one in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record
