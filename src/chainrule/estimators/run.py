"""The networks of a table in training: one a core, against one clock."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.errors import TrainingError
from chainrule.estimators.keeping import Keeper
from chainrule.estimators.model import decoded, member_answers
from chainrule.estimators.network import TableNetwork
from chainrule.estimators.plan import Array, TablePlan
from chainrule.estimators.remedies import remedy_of
from chainrule.estimators.rows import Rows, class_factors, weights_of
from chainrule.estimators.settings import TableSettings
from chainrule.estimators.stepping import trainer_of
from chainrule.reporting import Doctor, thinned
from chainrule.training import Callback, EarlyStopping, fit_many, jobs_at_once

__all__ = ["Run", "Score", "TableProgress", "Watch"]

MOST_POINTS = 500
MOST_POINTS_IN_ALL = 2000

Score = Callable[[Array, Array, Array | None], float]
"""What chooses the best epoch of one target, from truth, answers and weights."""


@dataclass(frozen=True)
class TableProgress:
    """How far training is, after an epoch.

    member, members
        Which network, from 0, of how many.
    running
        The networks that are trained now.
    epoch, epochs
        Epochs done of this network, and how many at most.
    rows
        The rows that this network is trained on in an epoch.
    share
        Of the time that all is expected to take, from 0 to 1; it falls back where an epoch
        improves.
    """

    member: int
    members: int
    running: tuple[int, ...]
    epoch: int
    epochs: int
    rows: int
    loss: float
    validation_loss: float
    score: float | None
    seconds: float
    share: float

    def to_record(self) -> dict[str, Any]:
        """The epoch's row of the history."""
        row: dict[str, Any] = {"member": self.member, "epoch": self.epoch, "loss": self.loss}
        if not math.isnan(self.validation_loss):
            row["validation_loss"] = self.validation_loss
        if self.score is not None:
            row["score"] = self.score
        return row


Watch = Callable[[TableProgress], None]


class Run:
    """The networks of a plan, trained one a core.

    pool, given
        The rows that networks learn from and are watched on; rows to watch all of them on instead.

    Weights, history and what is kept do not depend on how many are trained at once.
    """

    def __init__(
        self,
        plan: TablePlan,
        network: TableNetwork,
        pool: Rows,
        given: Rows | None,
        watch: Watch | None,
        score: Score | None,
        keeper: Keeper | None = None,
    ) -> None:
        self.plan = plan
        self.settings: TableSettings = plan.chosen
        self.network = network
        self.pool = pool
        self.given = given
        self.watch = watch
        self.score = score
        self.keeper = keeper
        self.interrupted = False
        self.lock = threading.RLock()
        self.members = [_Member(self, number) for number in range(len(plan.members))]
        self.failed = len(self.members)
        self._at_once = jobs_at_once(len(self.members))
        self._start = time.monotonic() - (0.0 if keeper is None else keeper.seconds)

    def train(self) -> None:
        """Train all; after Ctrl-C those are kept that have done an epoch."""
        try:
            fit_many([(member, self.pool, self.given) for member in self.members])
        except KeyboardInterrupt:
            self.interrupted = True
            if not self.kept:
                raise
        except TrainingError as error:
            raise next(one for one in error.results if isinstance(one, Exception)) from None

    @property
    def kept(self) -> tuple[int, ...]:
        """The numbers of the networks that have done an epoch."""
        return tuple(one.number for one in self.members if one.trainer.epochs)

    @property
    def running(self) -> tuple[int, ...]:
        """The numbers of the networks that are trained now."""
        return tuple(o.number for o in self.members if o.began is not None and o.ended is None)

    @property
    def history(self) -> list[dict[str, Any]]:
        """A row for each epoch, network by network."""
        return [row for member in self.members for row in member.history]

    @property
    def doctor(self) -> dict[str, Any]:
        """What the Doctor found in each network, and how the gradients of the first one went."""
        findings = [
            {"network": number, **finding.to_record(), "remedy": remedy_of(finding)}
            for number in self.kept
            for finding in self.members[number].doctor.findings
        ]
        seen = self.members[0].doctor.statistics
        gradients = {name: seen[name] for name in ("layers", "steps", "norms")}
        return {"findings": findings, "gradients": gradients}

    def seconds(self) -> float:
        """Since training began."""
        return time.monotonic() - self._start

    def is_late(self) -> bool:
        """Whether the time limit has passed."""
        limit = self.settings.time_limit
        return limit is not None and self.seconds() >= limit

    def due(self, member: int) -> float:
        """When a network must be done: those trained at once share the time evenly with others."""
        limit = self.settings.time_limit
        turns = math.ceil(len(self.members) / self._at_once)
        return math.inf if limit is None else limit * (member // self._at_once + 1) / turns

    def share(self) -> float:
        """Of the time that all is expected to take the part that is over, if nothing improves.

        Networks to come are taken to need as many epochs as those that have begun.
        """
        seconds, now = self.seconds(), time.monotonic()
        begun = [one for one in self.members if one.began is not None]
        done = sum(len(one.history) - one.before for one in begun)
        pace = sum((one.ended or now) - (one.began or now) for one in begun) / max(1, done)
        mean = sum(one.expected for one in begun) / len(begun)
        cores = [0.0] * self._at_once
        rests = [one.expected - len(one.history) for one in begun if one.ended is None]
        for rest in [*rests, *[mean] * (len(self.members) - len(begun))]:
            place = cores.index(min(cores))
            cores[place] += rest * pace
        share = seconds / (seconds + max(cores)) if seconds else 0.0
        limit = self.settings.time_limit
        return share if limit is None else min(1.0, max(share, seconds / limit))

    def tell(self, member: _Member, logs: dict[str, float], score: float | None) -> None:
        """Record an epoch and tell the watcher, one network at a time."""
        with self.lock:
            progress = TableProgress(
                member.number, len(self.members), self.running, len(member.history) + 1,
                self.settings.epochs, member.rows, logs["loss"],
                logs.get("val_loss", math.nan), score, self.seconds(), 0.0,
            )  # fmt: skip
            member.history.append(progress.to_record())
            if self.watch is not None:
                self.watch(replace(progress, share=self.share()))


class _Member:
    """One network of a run: a job of `fit_many`."""

    def __init__(self, run: Run, number: int) -> None:
        self._run = run
        self.number = number
        self.history: list[dict[str, Any]] = []
        self.before = 0
        """Epochs that were made before all was stopped."""
        self.steps: dict[str, Any] = {}
        self.began: float | None = None
        self.ended: float | None = None
        self.expected = run.settings.epochs
        self.doctor = Doctor(verbose=0)
        self.rows = len(run.plan.members[number].train)
        self.trainer = trainer_of(run.network, run.settings, number)

    def fit(self, pool: Rows, given: Rows | None) -> None:
        """Train it, if the time is not over; the first network is trained in any case."""
        keeper = self._run.keeper
        kept = None if keeper is None else keeper.state_of(self.number)
        if kept is not None and kept["done"]:
            self._take(kept)
            return
        if self.number and self._run.is_late():
            return
        self.began = time.monotonic()
        try:
            if kept is not None:
                self.history = list(kept["history"])
                self.before = len(self.history)
            try:
                self._fit(pool, given, None if kept is None else kept["course"])
            finally:
                self._keep_steps()
            if keeper is not None:
                keeper.end(self.number, self._outcome())
        except Exception:
            with self._run.lock:
                self._run.failed = min(self.number, self._run.failed)
            raise
        finally:
            self.ended = time.monotonic()
            # the model has a history of its own; copies and pickles need not carry these
            self.trainer.history = self.trainer.row_numbers = None

    def _keep_steps(self) -> None:
        """The loss of each step, thinned to what a picture can show."""
        if self.trainer.history is not None:
            most = min(MOST_POINTS, MOST_POINTS_IN_ALL // len(self._run.plan.members))
            self.steps = thinned(self.trainer.history.steps.get("loss", ()), most)

    def _outcome(self) -> dict[str, Any]:
        """All that is left of its training."""
        return {
            "done": True, "history": self.history, "epochs": self.trainer.epochs,
            "steps": self.steps, "doctor": self.doctor.state(),
            "parameters": self.trainer.parameters.flat.copy(),
        }  # fmt: skip

    def _take(self, outcome: Mapping[str, Any]) -> None:
        """Be what it was when its training was done, before all was stopped."""
        self.history, self.trainer.epochs = outcome["history"], outcome["epochs"]
        self.steps = outcome["steps"]
        self.doctor.restore(outcome["doctor"])
        self.trainer.parameters.flat[...] = outcome["parameters"]
        self.began = self.ended = time.monotonic()
        self.expected = self.before = len(self.history)

    def _fit(self, pool: Rows, given: Rows | None, kept: Mapping[str, Any] | None) -> None:
        run, settings = self._run, self._run.settings
        parts = run.plan.members[self.number]
        rows = pool.take(parts.train)
        held = pool.take(parts.validation) if given is None else given
        factors = class_factors(rows, run.plan)
        callbacks: list[Callback] = [_Epochs(run, self, held)]
        validation = None
        if len(held):
            weights = weights_of(held, factors)
            validation = (
                held.inputs,
                held.asked(run.network),
                *(() if weights is None else (weights,)),
            )
            monitor, mode = ("val_loss", "min") if run.score is None else ("val_score", "max")
            callbacks.append(
                EarlyStopping(
                    monitor, patience=settings.patience, mode=mode, restore_best_weights=True
                )
            )
        if run.keeper is not None:
            callbacks.append(_Kept(run, run.keeper, self, kept))
        callbacks.append(self.doctor)  # last: it looks at the weights that are kept
        self.trainer.row_numbers = run.plan.pool_rows[parts.train]
        self.trainer.fit(
            rows.inputs,
            rows.asked(run.network),
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            callbacks=callbacks,
            validation_data=validation,
            sample_weight=weights_of(rows, factors),
        )


class _Epochs(Callback):
    """Tells of each epoch of one network, and looks at the clock and at the others."""

    def __init__(self, run: Run, member: _Member, held: Rows) -> None:
        self._run = run
        self._member = member
        self._held = held
        self._best, self._best_epoch = math.inf, 0

    def on_train_steps(self, done: int, logs: dict[str, float] | None = None) -> None:
        """Within the first epoch the clock is not looked at: one is always made."""
        member, run = self._member, self._run
        late = member.trainer.epochs and run.seconds() >= run.due(member.number)
        # what is found out last does not depend on threads: those before the failed one go on
        if late or run.failed < member.number:
            member.trainer.stop_training = True

    def state(self) -> dict[str, Any]:
        return {"best": self._best, "best_epoch": self._best_epoch}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._best, self._best_epoch = state["best"], state["best_epoch"]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        score = self._score()
        if score is not None:
            logs["val_score"] = score
        self._member.expected = self._expected(epoch + 1, logs)
        self._run.tell(self._member, logs, score)
        if self._run.seconds() >= self._run.due(self._member.number):
            self._member.trainer.stop_training = True

    def _expected(self, done: int, logs: dict[str, float]) -> int:
        """The epochs of this network in all, if none improves from here on."""
        settings = self._run.settings
        value = -logs.get("val_score", -logs.get("val_loss", -math.inf))
        if value < self._best or "val_loss" not in logs:
            self._best, self._best_epoch = value, done
        return max(done, min(settings.epochs, self._best_epoch + settings.patience))

    def _score(self) -> float | None:
        run, held = self._run, self._held
        if run.score is None or not len(held):
            return None
        outputs = member_answers(self._member.trainer, held.inputs)
        answers = [decoded(*pair) for pair in zip(run.plan.codecs, outputs, strict=True)]
        return run.score(held.truths[0], answers[0], held.weights)


class _Kept(Callback):
    """Goes on from the state of a network before all was stopped, and gives new ones."""

    def __init__(
        self, run: Run, keeper: Keeper, member: _Member, kept: Mapping[str, Any] | None
    ) -> None:
        self._run = run
        self._keeper = keeper
        self._member = member
        self._kept = kept

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._kept is not None and self.course is not None:
            self.course.go_on_from(self._kept)

    def on_train_pause(self) -> None:
        member, run = self._member, self._run
        if self.course is None or not self._keeper.is_wanted(member.number):
            return
        state = {"done": False, "history": list(member.history), "course": self.course.state()}
        self._keeper.give(member.number, state, run.running, run.seconds())
