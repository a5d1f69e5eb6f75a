"""The training loop: epochs, their steps, and telling callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from chainrule import random
from chainrule.engine import Steps, thread_count
from chainrule.errors import TrainingError
from chainrule.settings import check_count, check_flag
from chainrule.training.arrays import Array
from chainrule.training.callback import Callbacks, Logs
from chainrule.training.history import History
from chainrule.training.intake import Data
from chainrule.training.interruption import uninterrupted
from chainrule.training.measures import Running, values_of_epochs

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["Plan", "batch_size_of", "check_finite", "in_training", "plan_of", "train"]

in_training: WeakSet[Trainer] = WeakSet()
"""Trainers that `train` trains now; a copy that a callback makes of one is none of them."""

PIECE_SECONDS = 0.2
FIRST_PIECE = 8
MOST_ORDERED = 1 << 18
"""Rows that epochs of one call may have together: the memory for their order stays small."""


@dataclass(frozen=True)
class Plan:
    """How long training goes on, and in which order rows come.

    order
        Gives the rows of the next epochs, of so many, one after the other, in place of the
        trainer's own shuffle.
    """

    batch_size: int = 32
    epochs: int = 1
    initial_epoch: int = 0
    shuffle: bool = True
    order: Callable[[int], Array] | None = None


def batch_size_of(owner: str, value: Any) -> int:
    """The batch size that is given, 32 where it is None."""
    return 32 if value is None else check_count(owner, "batch_size", value)


def plan_of(batch_size: Any, epochs: Any, initial_epoch: Any, shuffle: Any) -> Plan:
    """The plan that the settings of `fit` stand for, checked."""
    return Plan(
        batch_size_of("fit", batch_size), check_count("fit", "epochs", epochs, 0),
        check_count("fit", "initial_epoch", initial_epoch, 0),
        check_flag("fit", "shuffle", shuffle),
    )  # fmt: skip


def train(
    trainer: Trainer, data: Data, validation: Data | None, plan: Plan, told: Callbacks,
    history: History,
) -> None:  # fmt: skip
    """Train epoch by epoch until the plan is done or a callback stops it."""
    outermost = trainer not in in_training
    in_training.add(trainer)
    try:
        _train(trainer, data, validation, plan, told, history)
    finally:
        if outermost:
            in_training.discard(trainer)


def _train(
    trainer: Trainer, data: Data, validation: Data | None, plan: Plan, told: Callbacks,
    history: History,
) -> None:  # fmt: skip
    logs: Logs = {}
    try:
        told.tell("on_train_begin", {})
        watched = validation is not None or told.watches_epochs(but=history)
        epoch = plan.initial_epoch
        while epoch < plan.epochs:
            count = 0 if watched or told.stopping else _epochs_a_call(trainer, data, plan, epoch)
            if count > 0:
                with uninterrupted():
                    logs = _run_epochs(trainer, data, plan, history, epoch, count)
                epoch += count
            else:
                told.tell("on_epoch_begin", epoch, {})
                logs = _run_epoch(trainer, data, plan, told, history, epoch)
                if validation is not None:
                    scores = trainer.evaluate_data(validation, plan.batch_size)
                    logs |= {f"val_{name}": value for name, value in scores.items()}
                told.tell("on_epoch_end", epoch, logs)
                epoch += 1
            if told.stopping:
                break
    except KeyboardInterrupt:
        told.tell("on_train_end", logs)
        raise
    except BaseException as error:
        told.tell("on_train_error", error)
        raise
    told.tell("on_train_end", logs)


def _epochs_a_call(trainer: Trainer, data: Data, plan: Plan, epoch: int) -> int:
    """How many whole epochs make a piece; 0 where one is longer."""
    most = max(1, MOST_ORDERED // data.rows)
    piece = min(trainer.piece, data.steps_at_once(plan.batch_size))
    return min(piece // _steps(data, plan), most, plan.epochs - epoch)


def _run_epochs(
    trainer: Trainer, data: Data, plan: Plan, history: History, epoch: int, count: int
) -> Logs:
    """Epochs in one call of the engine, which nobody but history is told of."""
    order = _order(trainer, data, plan, count)
    began = time.perf_counter()
    ran = trainer.step(data, order, plan.batch_size, data.rows)
    _adapt_piece(trainer, ran.made, began)
    history.add_steps(ran, trainer.task.wholes)
    steps = _steps(data, plan)
    done, more = divmod(ran.made, steps)
    found = values_of_epochs(ran, steps, data.rows, trainer.task.wholes)
    history.add_epochs(range(epoch, epoch + done), found)
    trainer.epochs += done
    check_finite(trainer, ran, order, f"epoch {epoch + done + 1}", more + 1)
    return {name: values[-1] for name, values in found.items()}


def _run_epoch(
    trainer: Trainer, data: Data, plan: Plan, told: Callbacks, history: History, epoch: int
) -> Logs:
    """All steps of an epoch: batch by batch where a callback wants that, else in pieces."""
    order, steps = _order(trainer, data, plan), _steps(data, plan)
    running, done, logs = Running(trainer.task.wholes), 0, Logs()
    while done < steps:
        most = min(trainer.piece, data.steps_at_once(plan.batch_size))
        count = 1 if told.wants_batches else min(most, steps - done)
        if told.wants_batches:
            told.tell("on_train_batch_begin", done, {})
        part = order[done * plan.batch_size : (done + count) * plan.batch_size]
        began = time.perf_counter()
        with uninterrupted():
            ran = trainer.step(data, part, plan.batch_size)
            history.add_steps(ran, trainer.task.wholes)
        try:
            check_finite(trainer, ran, part, f"epoch {epoch + 1}", done + ran.made + 1)
        except TrainingError as error:
            if not told.tell("on_loss_not_finite", error):
                raise
        if not told.wants_batches:
            _adapt_piece(trainer, count, began)
        running.add(ran)
        done += len(ran.rows)
        logs = running.logs() if done < steps else running.whole()
        told.tell("on_train_steps", done, logs)
        if told.wants_batches:
            told.tell("on_train_batch_end", done - 1, logs)
        if told.stopping and done < steps:
            logs = running.whole()
            break
    trainer.epochs += 1
    return logs


def _steps(data: Data, plan: Plan) -> int:
    return math.ceil(data.rows / plan.batch_size)


def _order(trainer: Trainer, data: Data, plan: Plan, epochs: int = 1) -> Array:
    """The rows in the order of the next epochs, one after the other."""
    if plan.order is not None:
        return plan.order(epochs)
    if plan.shuffle:
        return random.permutations(
            trainer.seed, 0, trainer.epochs, epochs, data.rows, thread_count()
        )
    return np.tile(np.arange(data.rows), epochs)


def _adapt_piece(trainer: Trainer, steps: int, began: float) -> None:
    """Steps of a piece as they were made in PIECE_SECONDS, at most four times as many as now."""
    pace = steps / max(time.perf_counter() - began, 1e-6)
    most = max(4 * steps + 1, trainer.piece)
    trainer.piece = max(FIRST_PIECE, min(int(pace * PIECE_SECONDS), most))


def check_finite(trainer: Trainer, ran: Steps, order: Array, when: str, step: int) -> None:
    """Raise `TrainingError` where a run stopped at a loss that is not finite.

    order
        The rows of the run.
    when, step
        What the sentence calls the epoch, and the step of it that stopped, from 1.
    """
    if ran.stopped is None:
        return
    first = int(ran.rows[: ran.stopped].sum())
    rows = order[first : first + ran.rows[ran.stopped]]
    if trainer.row_numbers is not None:
        rows = trainer.row_numbers[rows]
    shown = ", ".join(str(int(row)) for row in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    rate = trainer.optimizer.learning_rate
    message = (
        f"the loss is {ran.results['loss'][ran.stopped]} in {when}, step {step} (rows "
        f"{shown}{more}); the parameters are as they were before that step, and may be too large "
        f"already: begin anew with a learning_rate well below {rate:g}, scale the inputs, or look "
        "at these rows."
    )
    raise TrainingError(message)
