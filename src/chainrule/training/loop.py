"""The training loop: epochs, their steps, and telling callbacks."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule import random
from chainrule.engine import Steps
from chainrule.errors import TrainingError
from chainrule.training.arrays import Array, Data
from chainrule.training.callback import Callbacks, Logs
from chainrule.training.history import History

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["Plan", "means", "run_epoch", "run_steps", "train"]

PIECE_SECONDS = 0.2
FIRST_PIECE = 8


@dataclass(frozen=True)
class Plan:
    """How long training goes on, and in which order rows come."""

    batch_size: int = 32
    epochs: int = 1
    initial_epoch: int = 0
    shuffle: bool = True


def train(
    trainer: Trainer, data: Data, validation: Data | None, plan: Plan, told: Callbacks,
    history: History,
) -> None:  # fmt: skip
    """Train epoch by epoch until the plan is done or a callback stops it."""
    logs: Logs = {}
    try:
        told.tell("on_train_begin", {})
        for epoch in range(plan.initial_epoch, plan.epochs):
            told.tell("on_epoch_begin", epoch, {})
            logs = run_epoch(trainer, data, plan, told, history, epoch)
            if validation is not None:
                scores = trainer.evaluate_data(validation, plan.batch_size)
                logs |= {f"val_{name}": value for name, value in scores.items()}
            told.tell("on_epoch_end", epoch, logs)
            if told.stopping:
                break
    except KeyboardInterrupt:
        told.tell("on_train_end", logs)
        raise
    except BaseException as error:
        told.tell("on_train_error", error)
        raise
    told.tell("on_train_end", logs)


def run_epoch(
    trainer: Trainer, data: Data, plan: Plan, told: Callbacks, history: History, epoch: int
) -> Logs:
    """All steps of an epoch: batch by batch where a callback wants that, else in pieces."""
    if plan.shuffle:
        order = random.permutation(trainer.seed, 0, trainer.epochs, data.rows)
    else:
        order = np.arange(data.rows)
    steps = math.ceil(data.rows / plan.batch_size)
    totals, rows, done, logs = dict[str, float](), 0, 0, Logs()
    while done < steps:
        count = 1 if told.wants_batches else min(trainer.piece, steps - done)
        if told.wants_batches:
            told.tell("on_train_batch_begin", done, {})
        part = order[done * plan.batch_size : (done + count) * plan.batch_size]
        began = time.perf_counter()
        ran = run_steps(trainer, data, part, plan.batch_size, f"epoch {epoch + 1}", history, done)
        if not told.wants_batches:
            pace = count / max(time.perf_counter() - began, 1e-6)
            trainer.piece = max(FIRST_PIECE, min(int(pace * PIECE_SECONDS), 4 * count + 1))
        weights = ran.rows.astype(np.float64)
        for name, values in ran.results.items():
            totals[name] = totals.get(name, 0.0) + float(np.dot(values, weights))
        rows, done = rows + len(part), done + count
        logs = {name: total / rows for name, total in totals.items()}
        told.tell("on_train_steps", done, logs)
        if told.wants_batches:
            told.tell("on_train_batch_end", done - 1, logs)
        if told.stopping:
            break
    trainer.epochs += 1
    return logs


def run_steps(
    trainer: Trainer, data: Data, order: Array | None, batch_size: int, when: str,
    history: History | None = None, done: int = 0,
) -> Steps:  # fmt: skip
    """Steps over rows in order; raises `TrainingError` at a loss that is not finite.

    order
        As they come when None.
    when, done
        What the sentence calls the epoch, and how many steps of it were made before.
    """
    ran = trainer.step(data, order, batch_size)
    if history is not None:
        history.add_steps(ran.results, len(ran.rows) if ran.stopped is None else ran.stopped)
    if ran.stopped is None:
        return ran
    order = np.arange(data.rows) if order is None else order
    rows = order[ran.stopped * batch_size : (ran.stopped + 1) * batch_size]
    shown = ", ".join(str(int(row)) for row in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    rate = trainer.optimizer.learning_rate
    message = (
        f"the loss is {ran.results['loss'][ran.stopped]} in {when}, step "
        f"{done + ran.stopped + 1} (rows {shown}{more}); the parameters are as they were before "
        f"that step: use a learning_rate below {rate:g}, scale the inputs, or look at these rows."
    )
    raise TrainingError(message)


def means(ran: Steps) -> Logs:
    """The means over batches of a run, weighted by their rows."""
    rows = int(ran.rows.sum())
    return {name: float(np.dot(values, ran.rows)) / rows for name, values in ran.results.items()}
