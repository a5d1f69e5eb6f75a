"""Trials in an Optuna study: a file of the run folder, or a database by its address."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from chainrule.errors import (
    ChainruleError,
    MissingFileError,
    SettingError,
    WriteError,
    listing,
)
from chainrule.tuning.border import distributions, load_optuna, quiet
from chainrule.tuning.space import Space
from chainrule.tuning.trials import Trial

__all__ = ["StoredTrials", "absolute_storage", "check_storage", "check_study"]

KEEPING = "keeping trials (out or storage)"
"""What needs Optuna, where it may be that no storage was given."""
FACTS = "chainrule"
"""The attribute of a study that says what was searched."""
SPOKEN = {
    "fingerprint": "another table", "target": "another target", "space": "another space",
    "method": "another method", "metric": "another metric", "seed": "another seed",
    "settings": "other settings", "folds": "another number of folds",
    "validation": "other rows to watch", "brackets": "other brackets",
}  # fmt: skip
LONG = ("fingerprint", "validation", "space", "settings", "brackets")
WORDS = re.compile(r"\s+")
FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!:memory:|file:)([^?]+)(.*)", re.DOTALL)
"""An address of a file: what stands before its path, and what after it."""


def check_storage(address: str) -> None:
    """Raise SettingError where a storage cannot be reached, or not be used."""
    _opened(load_optuna("storage"), address)


def check_study(address: Any, name: str) -> None:
    """Raise MissingFileError where a study to go on with is gone; nothing is made in its place."""
    optuna, place = load_optuna(KEEPING), _without_password(address)
    file = _file_of(address)
    remedy = "put it back to go on, or begin a new search without resume."
    if file is not None and not file.is_file():
        message = f"storage: {file} is gone, which had the trials of this search; {remedy}"
        raise MissingFileError(message)
    storage = _opened(optuna, address)
    with _reached(optuna, place):
        names = [one.study_name for one in storage.get_all_studies()]
    if name not in names:
        message = f"storage: the study {name!r} is no longer in {place}; {remedy}"
        raise MissingFileError(message)


def absolute_storage(address: str) -> str:
    """An address that names the same database from any folder.

    >>> absolute_storage("sqlite:////data/trials.db"), absolute_storage("sqlite:///:memory:")
    ('sqlite:////data/trials.db', 'sqlite:///:memory:')
    """
    found = FILE.fullmatch(address)
    return address if found is None else f"{found[1]}{Path(found[2]).absolute()}{found[3]}"


def _file_of(address: Any) -> Path | None:
    """The file of a database; None where a server has it, or memory."""
    found = FILE.fullmatch(address) if isinstance(address, str) else None
    return None if found is None else Path(found[2])


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
        optuna = self._optuna = load_optuna(KEEPING)
        self._place = _without_password(storage)
        self._distributions = distributions(optuna, space)
        opened = _opened(optuna, storage)
        direction = "minimize" if lower_is_better else "maximize"
        now = json.loads(json.dumps(dict(facts)))
        with _reached(optuna, self._place):
            self._study = optuna.create_study(
                storage=opened, study_name=name, load_if_exists=True, direction=direction
            )
            kept = self._study.user_attrs.get(FACTS)
            if not resume and kept not in (None, now) and not self._rows():
                # a search that failed before its first trial has left it
                optuna.delete_study(storage=opened, study_name=name)
                self._study = optuna.create_study(
                    storage=opened, study_name=name, direction=direction
                )
                kept = None
            if kept is not None or self._rows():
                self._check(name, kept, now, resume)
            if kept != now:
                self._study.set_user_attr(FACTS, now)

    def _check(self, name: str, kept: Any, now: Mapping[str, Any], resume: bool) -> None:
        where = f"storage: the study {name!r} in {self._place}"
        if not isinstance(kept, Mapping):
            message = f"{where} is not one of chainrule; give this search another name."
            raise SettingError(message)
        for fact in {**kept, **now}:
            if fact != "trials" and kept.get(fact) != now.get(fact):
                what = SPOKEN.get(fact, f"another {fact}")
                told = "" if fact in LONG else (
                    f" ({kept.get(fact)!r}, not {now.get(fact)!r})")  # fmt: skip
                message = (
                    f"{where} is of {what}{told}; make it as it was to go on, or give this search "
                    "another name."
                )
                raise SettingError(message)
        _check_count(where, kept, now)
        count = len(self._rows())
        if count and not resume:
            message = (
                f"{where} has {count} trials already; resume it to go on, or give this search "
                "another name."
            )
            raise SettingError(message)

    def _rows(self) -> Sequence[Any]:
        found: Sequence[Any] = self._study.get_trials(deepcopy=False)
        return found

    def trials(self) -> list[Trial]:
        """Those that are done, in order."""
        with _reached(self._optuna, self._place):
            found = self._rows()
        trials = []
        for one in found:
            scores = [score for _, score in sorted(one.intermediate_values.items())]
            record = {"place": dict(one.params), "number": one.number, "scores": scores}
            trials.append(Trial.from_record({**one.user_attrs, **record}))
        return trials

    def add(self, trial: Trial) -> None:
        """Write a trial: the next one; raises `WriteError` where that cannot be done."""
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
        try:
            with _reached(self._optuna, self._place):
                self._study.add_trial(frozen)
        except SettingError as error:
            raise WriteError(str(error)) from error


def _opened(optuna: Any, address: str) -> Any:
    """A storage by its address."""
    place = _without_password(address)
    if not isinstance(address, str | optuna.storages.BaseStorage):
        message = f"storage: must be an address as sqlite:///study.sqlite3, got {address!r}."
        raise SettingError(message)
    try:
        with _reached(optuna, place):
            return optuna.storages.get_storage(address)
    except ImportError as error:
        message = (
            f"storage: {place} needs a driver that is not there ({_reason(error)}); install it "
            "with pip."
        )
    except (ValueError, RuntimeError) as error:  # an address, or a database, that Optuna refuses
        if isinstance(error, ChainruleError):
            raise
        message = f"storage: {place} cannot be used ({_reason(error)}); give another address."
    raise SettingError(message)


@contextmanager
def _reached(optuna: Any, place: str) -> Iterator[None]:
    """What goes wrong with a storage, as one sentence."""
    failures = optuna.exceptions.OptunaError, import_module("sqlalchemy.exc").SQLAlchemyError
    try:
        with quiet(optuna):
            yield
    except (*failures, OSError) as error:
        remedy = (
            "check the address, as sqlite:///study.sqlite3 or postgresql://user@host/name, and "
            "that its server runs"
            if _file_of(place) is None
            else "check that its folder is there and can be written, and that its disk is not full"
        )
        message = f"storage: {place} cannot be reached ({_reason(error)}); {remedy}."
        raise SettingError(message) from error


def _check_count(where: str, kept: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise SettingError where another number of trials would make others of those before: of
    Hyperband, whose last bracket is cut where they end.
    """
    if kept.get("trials") == now.get("trials"):
        return
    before, count = int(kept["trials"]), int(now["trials"])
    ends = list(itertools.accumulate(now["brackets"]))
    whole = any((before - end) % ends[-1] == 0 for end in ends)
    if whole and before < count:
        return
    message = (
        f"{where} shares out {before} trials among hyperband's brackets, and {count} would give "
        f"other brackets; go on with {before}, or begin a new search (one of {listing(ends)} "
        "trials can go on to more)."
    )
    raise SettingError(message)


def _reason(error: Exception) -> str:
    """The first line of what a database says, without the program's own references."""
    cause = getattr(error, "orig", None) or error.__cause__ or error
    cause = getattr(cause, "orig", None) or cause
    lines = str(cause).strip().splitlines() or [type(error).__name__]
    return WORDS.sub(" ", lines[0]).rstrip(".")[:160]


def _without_password(storage: str) -> str:
    return re.sub(r"(://[^:/@]*):.*@", r"\1:...@", str(storage))


def _finite(record: Any) -> Any:
    """Plain values of a record as JSON has them: None for what is no number."""
    if isinstance(record, Mapping):
        return {name: _finite(one) for name, one in record.items()}
    if isinstance(record, list | tuple):
        return [_finite(one) for one in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record
