"""One trial: its settings, its networks, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import ModelFileError, TrainingError
from chainrule.estimators import StagedFit, StagedRows, TableSettings
from chainrule.training import Clock, read_checkpoint, write_checkpoint

__all__ = ["Trial", "TrialFit"]


@dataclass(frozen=True)
class Trial:
    """What came of a trial.

    settings
        Those that were drawn, by the names of the settings table.
    place
        The same as the method has them: `layers` and `units`, a number below the range for 0.
    state
        "complete" (trained to its end), "pruned" (given up at a rung), "stopped" (by the time
        limit) or "failed" (a loss that is not finite).
    score
        At the best epoch, in the unit of the metric; the mean over folds; None where it failed.
    epoch, epochs
        The best epoch, from 1, of folds their mean; how many were made.
    scores
        By epoch, the mean of the folds that have got so far.
    rungs
        Pairs of epochs and the best score until then, stage by stage.
    bracket
        Of Hyperband which one, counted from 0.
    message
        Why it failed.
    """

    number: int
    settings: Mapping[str, Any]
    place: Mapping[str, Any]
    state: str
    score: float | None
    epoch: int
    epochs: int
    scores: tuple[float, ...]
    rungs: tuple[tuple[int, float], ...]
    seconds: float
    bracket: int | None = None
    message: str = ""

    def to_record(self) -> dict[str, Any]:
        """Plain values."""
        found = asdict(self)
        found["settings"] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.settings.items()
        }
        found["scores"] = list(self.scores)
        found["rungs"] = [list(one) for one in self.rungs]
        return found

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Trial:
        """What `to_record` gave."""
        settings = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in record["settings"].items()
        }
        scores = tuple(math.nan if one is None else one for one in record["scores"])
        rungs = tuple(
            (epochs, math.nan if score is None else score) for epochs, score in record["rungs"]
        )
        return cls(**{**record, "settings": settings, "scores": scores, "rungs": rungs})

    def score_at(self, epochs: int) -> float | None:
        """What the best score was when a stage of so many epochs ended; None where none did."""
        return next((score for to, score in self.rungs if to == epochs), None)


class TrialFit:
    """The networks of a trial, one a fold, in training.

    sign
        What a score is multiplied by so that higher is better.
    file
        Where their state is kept between stages and at times within one; in memory where None.
    """

    def __init__(
        self, trial: Trial, settings: TableSettings, parts: Sequence[StagedRows], score: Any,
        sign: float, file: Path | None,
    ) -> None:  # fmt: skip
        self.trial = trial
        self._settings = settings
        self._parts = parts
        self._score = score
        self._sign = sign
        self._file = file
        self._fits: list[StagedFit] | None = None
        self._clock = Clock()

    def train_to(
        self, epochs: int, watch: Callable[[int, int, float], None], is_late: Callable[[], bool]
    ) -> Trial:
        """Train all folds until so many epochs are done; what came of it so far.

        watch
            Told the trial, the epochs done, and the score.

        A loss that is not finite ends the trial: its message says why.
        """
        began = time.monotonic()
        fits = self._awake()
        if self.trial.score_at(epochs) is not None:  # it was done before all was stopped
            return self.trial
        before, message = self.trial.seconds, ""

        def tell(done: int, score: float) -> None:
            watch(self.trial.number, done, self._sign * score)

        for place, fit in enumerate(fits):
            try:
                fit.train_to(
                    epochs, watch=tell, is_late=is_late,
                    pause=self._pause(place, fits, lambda: before + time.monotonic() - began),
                )  # fmt: skip
            except TrainingError as error:
                message = str(error)
                break
        late = not message and any(not fit.over and fit.epochs < epochs for fit in fits)
        seconds = before + time.monotonic() - began
        self.trial = self._result(fits, epochs, seconds, message, late)
        return self.trial

    def rest(self) -> None:
        """Keep the state in the file where there is one, and no longer in memory."""
        if self._file is not None and self._fits is not None:
            self._write([fit.state() for fit in self._fits], self.trial)
            self._fits = None

    def end(self) -> None:
        """Forget the state."""
        self._fits = None
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _awake(self) -> list[StagedFit]:
        """The networks as they were left."""
        if self._fits is None:
            states = self._read() if self._file is not None and self._file.exists() else None
            self._fits = [
                StagedFit(part, self._settings, self._score, None if states is None else states[n])
                for n, part in enumerate(self._parts)
            ]
        return self._fits

    def _read(self) -> Any:
        """The states of the file; None where it is damaged or of other settings."""
        try:
            found = read_checkpoint(self._file or "")
            kept = Trial.from_record(found["trial"])
        except (ModelFileError, KeyError, TypeError):
            return None
        if dict(kept.settings) != dict(self.trial.settings) or len(found["fits"]) != len(
            self._parts
        ):
            return None
        self.trial = kept
        return found["fits"]

    def _pause(
        self, place: int, fits: Sequence[StagedFit], seconds: Callable[[], float]
    ) -> Callable[[Callable[[], Any]], None] | None:
        if self._file is None:
            return None

        def pause(now: Callable[[], Any]) -> None:
            if self._clock.is_due():
                began = time.perf_counter()
                states = [now() if n == place else fit.state() for n, fit in enumerate(fits)]
                self._write(states, replace(self.trial, seconds=seconds()))
                self._clock.written(time.perf_counter() - began)

        return pause

    def _write(self, states: Sequence[Any], trial: Trial) -> None:
        if self._file is not None:
            write_checkpoint(self._file, {"trial": trial.to_record(), "fits": list(states)})

    def _result(
        self, fits: Sequence[StagedFit], epochs: int, seconds: float, message: str, late: bool
    ) -> Trial:
        scores = tuple(self._sign * one for one in _means([fit.scores for fit in fits]))
        best = float(np.mean([fit.best_score for fit in fits]))
        failed = bool(message) or math.isnan(best)
        state = "failed" if failed else "stopped" if late else "complete"
        rungs = self.trial.rungs
        if not late:
            rungs = (*rungs, (epochs, math.nan if failed else self._sign * best))
        return replace(
            self.trial, state=state, score=None if failed else self._sign * best,
            epoch=round(float(np.mean([fit.best_epoch for fit in fits]))),
            epochs=max(fit.epochs for fit in fits), scores=scores,
            rungs=rungs, seconds=seconds, message=message,
        )  # fmt: skip


def _means(scores: Sequence[Sequence[float]]) -> list[float]:
    """The mean by epoch of the folds that have got so far."""
    longest = max(map(len, scores), default=0)
    return [
        float(np.mean([one[epoch] for one in scores if epoch < len(one)]))
        for epoch in range(longest)
    ]
