"""One network of a table trained in stages: each goes on exactly where the last one ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.data import Encoder, Labels, Numbers
from chainrule.errors import DataError
from chainrule.estimators.choices import Member
from chainrule.estimators.fit import network_of
from chainrule.estimators.model import decoded, member_answers
from chainrule.estimators.plan import TablePlan
from chainrule.estimators.rows import class_factors, rows_of, weights_of
from chainrule.estimators.run import Score
from chainrule.estimators.settings import TableSettings
from chainrule.estimators.stepping import trainer_of
from chainrule.training import Callback, Plan, Trainer

__all__ = ["StagedFit", "StagedRows"]

State = Mapping[str, Any]
Pause = Callable[[Callable[[], State]], None]
"""Told at every pause of a training, with what gives its state then."""


class StagedRows:
    """Rows to learn from and to watch, encoded once for all networks that are trained on them.

    plan
        Whose pool the rows are taken from; encoder and scales are fitted anew, on the rows to
        learn from alone.
    member
        The rows; those of the plan's own table to watch go before the ones named here.
    bins
        As the setting.

    Raises `DataError` where there is no row to watch.
    """

    def __init__(self, plan: TablePlan, member: Member, bins: int) -> None:
        learned = plan.pool.take(member.train)
        encoder = Encoder.fit(learned, plan.schema, scaling="standard", bins=bins)
        codecs = tuple(
            one if isinstance(one, Labels) else Numbers.fit(learned.column(one.name), one.name)
            for one in plan.codecs
        )
        self.plan = replace(plan, encoder=encoder, codecs=codecs, members=(member,))
        network = network_of(self.plan)
        rows = rows_of(self.plan, network, learned)
        watched = plan.validation_table or plan.pool.take(member.validation)
        if not watched.rows:
            message = (
                f"{plan.pool.source}: there are too few rows to watch some, by which settings "
                "could be compared; give more rows."
            )
            raise DataError(message)
        self.held = rows_of(self.plan, network, watched)
        factors = class_factors(rows, plan)
        trainer = trainer_of(network, plan.chosen, 0)
        self.data = trainer.data(rows.inputs, rows.asked(network), weights_of(rows, factors))
        held = self.held
        self.watched = trainer.data(held.inputs, held.asked(network), weights_of(held, factors))

    def trainer(self, settings: TableSettings) -> Trainer:
        """What trains a network with these settings, not begun."""
        network = network_of(replace(self.plan, chosen=settings))
        return trainer_of(network, settings, 0)


class StagedFit:
    """Trains a network to some epochs, and later on from there, to the bits of one never stopped.

    rows
        What it learns from and is watched on.
    settings
        With every value filled in; `epochs` and `members` are not looked at.
    score
        `(truth, answers, weights) -> number`, higher is better; less the validation loss where
        None.
    state
        What `state` gave: it goes on from there.

    scores
        By epoch, higher is better.
    over
        Whether `patience` has ended it for good.
    """

    def __init__(
        self, rows: StagedRows, settings: TableSettings, score: Score | None = None,
        state: State | None = None,
    ) -> None:  # fmt: skip
        self.rows = rows
        self.settings = settings
        self.score = score
        self.scores: list[float] = [] if state is None else list(map(float, state["scores"]))
        self.over: bool = False if state is None else state["over"]
        self._course: State | None = None if state is None else state["course"]

    @property
    def epochs(self) -> int:
        """How many are done."""
        return len(self.scores)

    @property
    def best_epoch(self) -> int:
        """The first epoch with the best score, counted from 1; 0 where none has one."""
        finite = [score for score in self.scores if not math.isnan(score)]
        return self.scores.index(max(finite)) + 1 if finite else 0

    @property
    def best_score(self) -> float:
        """The score of that epoch, nan where there is none."""
        return self.scores[self.best_epoch - 1] if self.best_epoch else math.nan

    def state(self) -> State:
        """All that it needs to go on, as plain values and arrays."""
        return {"scores": np.array(self.scores), "over": self.over, "course": self._course}

    def train_to(
        self,
        epochs: int,
        *,
        watch: Callable[[int, float], None] | None = None,
        pause: Pause | None = None,
        is_late: Callable[[], bool] | None = None,
    ) -> None:
        """Train until so many epochs are done in all, or until `patience` ends it.

        watch
            Told the epochs done and the score, after each.
        pause
            Told when a state could be had, every fraction of a second.
        is_late
            Asked every fraction of a second: where it is True the epoch under way is given up.

        Raises `TrainingError` where the loss is not finite.
        """
        if self.over or self.epochs >= epochs:
            return
        stage = _Stage(self, epochs, watch, pause, is_late)
        plan = Plan(self.settings.batch_size or 1, epochs)
        rows = self.rows
        watched = rows.watched if self.score is None else None
        trainer = rows.trainer(self.settings)
        trainer.row_numbers = rows.plan.pool_rows[rows.plan.members[0].train]
        trainer.fit_data(rows.data, watched, plan, [stage])

    def _judged(self, trainer: Trainer, logs: Mapping[str, float]) -> float:
        if self.score is None:
            return -logs["val_loss"]
        held, codec = self.rows.held, self.rows.plan.codecs[0]
        outputs = member_answers(trainer, held.inputs)[0]
        return self.score(held.truths[0], decoded(codec, outputs), held.weights)


class _Stage(Callback):
    """Follows one stage: scores, patience, and the state that the next one goes on from."""

    def __init__(
        self, owner: StagedFit, epochs: int, watch: Callable[[int, float], None] | None,
        pause: Pause | None, is_late: Callable[[], bool] | None,
    ) -> None:  # fmt: skip
        self._owner = owner
        self._epochs = epochs
        self._watch = watch
        self._pause = pause
        self._is_late = is_late
        self._cut = False

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._owner._course is not None and self.course is not None:
            self.course.go_on_from(self._owner._course)
            self._owner._course = None

    def on_train_steps(self, done: int, logs: dict[str, float] | None = None) -> None:
        if self.course is not None and self._is_late is not None and self._is_late():
            self._cut = done < self.course.steps
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._cut:
            return
        owner = self._owner
        score = owner._judged(self.model, logs or {})
        owner.scores.append(score)
        if owner.epochs - owner.best_epoch >= owner.settings.patience and owner.epochs > 1:
            owner.over = self.model.stop_training = True
        if self._watch is not None:
            self._watch(owner.epochs, score)

    def on_train_pause(self) -> None:
        if self.course is None:
            return
        if self.course.epoch == self._epochs:
            self._owner._course = self.course.state()
        elif self._pause is not None:
            self._pause(self._now)

    def _now(self) -> State:
        course = None if self.course is None else self.course.state()
        return {**self._owner.state(), "course": course}
