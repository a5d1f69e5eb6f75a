"""Training the networks of a planned table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Labels, Table
from chainrule.estimators.model import (
    Held,
    TableModel,
    decoded,
    member_answers,
    network_inputs,
    one_blas_thread,
)
from chainrule.estimators.network import TableNetwork
from chainrule.estimators.plan import Array, Member, TablePlan, member_seed
from chainrule.estimators.settings import TableSettings
from chainrule.losses import MeanSquaredError, SparseCategoricalCrossentropy
from chainrule.optimizers import AdamW
from chainrule.training import Callback, EarlyStopping, Trainer

__all__ = ["TableProgress", "fit_table"]

Score = Callable[[Array, Array, Array | None], float]


@dataclass(frozen=True)
class TableProgress:
    """How far training is, after an epoch.

    member, members
        Which network, from 0, of how many.
    epoch, epochs
        Epochs done of this network, and how many at most.
    share
        Of all that is expected to be done, from 0 to 1; it falls back where an epoch improves.
    """

    member: int
    members: int
    epoch: int
    epochs: int
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


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows as a network takes them, with what is asked of it."""

    inputs: dict[str, Array]
    target: Array
    truth: Array
    weights: Array | None

    def take(self, index: Array) -> _Rows:
        weights = None if self.weights is None else self.weights[index]
        inputs = {name: array[index] for name, array in self.inputs.items()}
        return _Rows(inputs, self.target[index], self.truth[index], weights)

    def __len__(self) -> int:
        return len(self.target)


def fit_table(
    plan: TablePlan,
    *,
    watch: Callable[[TableProgress], None] | None = None,
    score: Score | None = None,
) -> TableModel:
    """Train what was planned.

    watch
        Told after each epoch.
    score
        `(truth, answers, weights) -> number`, higher is better: chooses the best epoch in place
        of the validation loss.

    Ctrl-C ends training and keeps the best weights so far (`interrupted` is True then); before
    the first epoch is done, `KeyboardInterrupt` goes on to the caller. Raises `TrainingError`
    where the loss is not finite.

    >>> from chainrule.data import as_table
    >>> from chainrule.estimators import TableSettings, fit_table, plan_table
    >>> table = as_table({"x": [float(i % 7) for i in range(60)], "y": ["a", "b", "a"] * 20})
    >>> model = fit_table(plan_table(table, "y", TableSettings(epochs=2, members=1)))
    >>> model.predict(table).probabilities.shape
    (60, 2)
    """
    network = _network(plan)
    pool = _rows(plan, network, plan.pool)
    given = None
    if plan.validation_table is not None:
        given = _rows(plan, network, plan.validation_table)
    run = _Run(plan, network, watch, score)
    with one_blas_thread():
        for number, member in enumerate(plan.members):
            held = pool.take(member.validation) if given is None else given
            run.train(number, pool.take(member.train), held)
            if run.interrupted or run.is_late():
                break
    return TableModel(
        schema=plan.schema,
        settings=plan.settings,
        chosen=plan.chosen,
        encoder=plan.encoder,
        labels=plan.labels,
        network=network,
        members=run.trainers,
        history=run.history,
        validation=_held(plan, run.trainers, pool, given),
        seconds=run.seconds(),
        interrupted=run.interrupted,
    )


def _network(plan: TablePlan) -> TableNetwork:
    classes = len(plan.labels.classes) if isinstance(plan.labels, Labels) else 1
    return TableNetwork.of(
        plan.encoder,
        hidden=plan.chosen.hidden or (),
        units=classes,
        is_classification=plan.is_classification,
        dropout=plan.chosen.dropout or 0.0,
    )


def _rows(plan: TablePlan, network: TableNetwork, table: Table) -> _Rows:
    inputs = network_inputs(network, plan.encoded(table))
    column = table.column(str(plan.schema.target))
    if isinstance(plan.labels, Labels):
        target: Array = plan.labels.encode(column)
        return _Rows(inputs, target, target, plan.weights(table))
    scaled = plan.labels.encode(column)
    return _Rows(inputs, scaled.astype(np.float32), plan.truth(table), plan.weights(table))


class _Run:
    """The networks of a table, one after the other, against one clock."""

    def __init__(
        self,
        plan: TablePlan,
        network: TableNetwork,
        watch: Callable[[TableProgress], None] | None,
        score: Score | None,
    ) -> None:
        self.plan = plan
        self.settings: TableSettings = plan.chosen
        self.network = network
        self.watch = watch
        self.score = score
        self.trainers: list[Trainer] = []
        self.history: list[dict[str, Any]] = []
        self.interrupted = False
        self._start = time.monotonic()

    def seconds(self) -> float:
        """Since training began."""
        return time.monotonic() - self._start

    def is_late(self) -> bool:
        """Whether the time limit has passed."""
        limit = self.settings.time_limit
        return limit is not None and self.seconds() >= limit

    def due(self, member: int) -> float:
        """When a network must be done: an even share of the time that there is."""
        limit = self.settings.time_limit
        return math.inf if limit is None else limit * (member + 1) / len(self.plan.members)

    def train(self, number: int, rows: _Rows, held: _Rows) -> None:
        """Train one network and keep it; after Ctrl-C, if it has done an epoch."""
        settings = self.settings
        trainer = Trainer(
            self.network,
            SparseCategoricalCrossentropy() if self.plan.is_classification else MeanSquaredError(),
            _optimizer(settings),
            seed=member_seed(settings.seed, number),
        )
        callbacks: list[Callback] = [_Watch(self, number, trainer, held)]
        factors = _class_factors(rows, settings)
        validation = None
        if len(held):
            weights = _row_weights(held, factors)
            validation = (held.inputs, held.target, *(() if weights is None else (weights,)))
            monitor, mode = ("val_loss", "min") if self.score is None else ("val_score", "max")
            callbacks.append(
                EarlyStopping(
                    monitor, patience=settings.patience, mode=mode, restore_best_weights=True
                )
            )
        try:
            trainer.fit(
                rows.inputs,
                rows.target,
                batch_size=settings.batch_size,
                epochs=settings.epochs,
                callbacks=callbacks,
                validation_data=validation,
                sample_weight=_row_weights(rows, factors),
            )
        except KeyboardInterrupt:
            self.interrupted = True
            if trainer.epochs == 0 and not self.trainers:
                raise
        if trainer.epochs:
            self.trainers.append(trainer)


def _optimizer(settings: TableSettings) -> AdamW:
    chosen: Any = settings  # a plan's settings have every value filled in
    return AdamW(chosen.learning_rate, weight_decay=chosen.weight_decay)


class _Watch(Callback):
    """Records each epoch of one network, tells the watcher, and looks at the clock."""

    def __init__(self, run: _Run, member: int, trainer: Trainer, held: _Rows) -> None:
        self._run = run
        self._member = member
        self._trainer = trainer
        self._held = held
        self._best, self._best_epoch = math.inf, 0

    def on_train_steps(self, done: int, logs: dict[str, float] | None = None) -> None:
        """Within the first epoch the clock is not looked at: one is always made."""
        if self._trainer.epochs and self._run.seconds() >= self._run.due(self._member):
            self._trainer.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        run = self._run
        score = self._score()
        if score is not None:
            logs["val_score"] = score
        members, epochs = len(run.plan.members), run.settings.epochs
        seconds = run.seconds()
        share = self._share(epoch + 1, logs)
        if run.settings.time_limit:
            share = min(1.0, max(share, seconds / run.settings.time_limit))
        progress = TableProgress(
            self._member, members, epoch + 1, epochs, logs["loss"], logs.get("val_loss", math.nan),
            score, seconds, share,
        )  # fmt: skip
        run.history.append(progress.to_record())
        if run.watch is not None:
            run.watch(progress)
        if seconds >= run.due(self._member):
            self._trainer.stop_training = True

    def _share(self, done: int, logs: dict[str, float]) -> float:
        """Of all epochs the share that is done, if none improves from here on.

        The networks to come are taken to need as many as this one and those before it.
        """
        run = self._run
        value = -logs.get("val_score", -logs.get("val_loss", -math.inf))
        if value < self._best or "val_loss" not in logs:
            self._best, self._best_epoch = value, done
        expected = max(done, min(run.settings.epochs, self._best_epoch + run.settings.patience))
        before = len(run.history) + 1 - done
        ahead = len(run.plan.members) - self._member - 1
        total = (before + expected) * (1 + ahead / (self._member + 1))
        return (before + done) / total

    def _score(self) -> float | None:
        run, held = self._run, self._held
        if run.score is None or not len(held):
            return None
        answers = decoded(run.plan.labels, member_answers(self._trainer, held.inputs))
        return run.score(held.truth, answers, held.weights)


def _class_factors(rows: _Rows, settings: TableSettings) -> Array | None:
    """What the weight of each class is multiplied by, so that all count alike; None for nothing."""
    if settings.class_weight != "balanced":
        return None
    base = np.ones(len(rows)) if rows.weights is None else rows.weights
    totals = np.bincount(rows.target, weights=base)
    present = int((totals > 0).sum())
    factors = np.ones(max(int(rows.target.max()) + 1, len(totals)))
    factors[totals > 0] = base.sum() / (present * totals[totals > 0])
    return factors


def _row_weights(rows: _Rows, factors: Array | None) -> Array | None:
    """Weights with mean 1, so that the step size keeps its meaning; None for all alike."""
    weights = rows.weights
    if factors is not None:
        known = rows.target < len(factors)
        factor = np.where(known, factors[np.where(known, rows.target, 0)], 1.0)
        weights = factor if weights is None else weights * factor
    if weights is None:
        return None
    mean = float(weights.mean())
    return weights / mean if mean > 0 else weights


def _held(
    plan: TablePlan, trainers: list[Trainer], pool: _Rows, given: _Rows | None
) -> Held | None:
    """What networks say of the rows that they were watched on: the mean over those networks."""
    if given is not None:
        total = sum(member_answers(trainer, given.inputs) for trainer in trainers)
        answers = decoded(plan.labels, np.asarray(total) / len(trainers))
        return Held(given.truth, answers, given.weights)
    rows = np.zeros(len(pool))
    sums: Array | None = None
    members: list[Member] = list(plan.members[: len(trainers)])
    for trainer, member in zip(trainers, members, strict=True):
        if len(member.validation):
            outputs = member_answers(trainer, pool.take(member.validation).inputs)
            if sums is None:
                sums = np.zeros((len(pool), outputs.shape[1]))
            sums[member.validation] += outputs
            rows[member.validation] += 1
    if sums is None:
        return None
    index = np.flatnonzero(rows)
    part = pool.take(index)
    answers = decoded(plan.labels, sums[index] / rows[index, None])
    return Held(part.truth, answers, part.weights)
