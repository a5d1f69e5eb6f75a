"""The training loop: epochs, their steps, and telling callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
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
from chainrule.training.origin import LossNotFinite, loss_not_finite
from chainrule.training.state import restore_trainer, trainer_state

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = [
    "Course",
    "Plan",
    "RowOrder",
    "batch_size_of",
    "check_finite",
    "in_training",
    "plan_of",
    "train",
]

in_training: WeakSet[Trainer] = WeakSet()
"""Trainers that `train` trains now; a copy that a callback makes of one is none of them."""

PIECE_SECONDS = 0.2
FIRST_PIECE = 8
MOST_ORDERED = 1 << 18
"""Rows that epochs of one call may have together: the memory for their order stays small."""


class RowOrder(Protocol):
    """An order of rows that depends on those before it."""

    def next(self, epochs: int) -> Array:
        """The rows of so many epochs, one after the other."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain values and arrays, with which it goes on."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave."""
        ...


@dataclass(frozen=True)
class Plan:
    """How long training goes on, and in which order rows come.

    order
        Gives the rows of the next epochs in place of the trainer's own shuffle.
    """

    batch_size: int = 32
    epochs: int = 1
    initial_epoch: int = 0
    shuffle: bool = True
    order: RowOrder | None = None


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
    course = Course(trainer, data, validation, plan, told, history)
    done = False
    try:
        told.follow(course)
        course.run()
        done = True
    finally:
        try:
            told.tell_all("on_train_over", done)
        finally:
            told.follow(None)
            if outermost:
                in_training.discard(trainer)


class Course:
    """A fit under way: what it is made of, and how far it is.

    epoch, done
        The epoch, counted as callbacks are told of it, and the steps of it that are made.
    not_finite
        The loss that ended training, where a callback let it end without an error.
    begun
        How many epochs the trainer had made before.
    first
        Epoch and steps where it begins, or goes on.
    seconds
        How long its steps have taken, validation and callbacks left out.

    A callback has it as `course`. Its `state` holds all that a fit of the same network, data and
    callbacks needs to go on to the same bits; a callback that hands one to `go_on_from` in
    `on_train_begin` has it restored after that of all others.
    """

    def __init__(
        self, trainer: Trainer, data: Data, validation: Data | None, plan: Plan, told: Callbacks,
        history: History,
    ) -> None:  # fmt: skip
        self.trainer = trainer
        self.data = data
        self.validation = validation
        self.plan = plan
        self.told = told
        self.history = history
        self.epoch = plan.initial_epoch
        self.done = 0
        self.first = (self.epoch, self.done)
        self.seconds = 0.0
        self.steps = math.ceil(data.rows / plan.batch_size)
        self.not_finite: LossNotFinite | None = None
        self._running = Running(trainer.task.wholes)
        self._logs: Logs = {}
        self._from: Mapping[str, Any] | None = None
        self._ordered = self._order_state()
        self.begun = trainer.epochs

    def state(self) -> dict[str, Any]:
        """Plain values and copies of arrays; right at `on_train_pause`."""
        return {
            "trainer": trainer_state(self.trainer), "epoch": self.epoch, "done": self.done,
            "epochs": self.trainer.epochs - self.begun, "logs": dict(self._logs),
            "running": self._running.state(), "callbacks": self.told.states(),
            "order": self._ordered if self.done else self._order_state(),
        }  # fmt: skip

    def go_on_from(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave, as soon as all callbacks are told of the beginning."""
        self._from = state

    def numbers(self) -> Logs:
        """Those of the epoch so far; between two epochs those of the last one."""
        return self._running.logs() if self.done else dict(self._logs)

    def run(self) -> None:
        """Make all epochs."""
        told = self.told
        try:
            told.tell("on_train_begin", {})
            self._begin()
            watched = self.validation is not None or told.watches_epochs(but=self.history)
            while self.epoch < self.plan.epochs:
                count = 0 if watched or told.stopping or self.done else self._epochs_a_call()
                if count > 0:
                    with uninterrupted():
                        self._run_epochs(count)
                else:
                    self._run_epoch()
                if told.stopping:
                    break
                told.tell("on_train_pause")
        except KeyboardInterrupt:
            told.tell_all("on_train_end", self._logs)
            raise
        except BaseException as error:
            told.tell_all("on_train_error", error)
            raise
        told.tell_all("on_train_end", self._logs)

    def _begin(self) -> None:
        """Take what is asked for; within an epoch callbacks are given theirs once more then."""
        if self._from is None:
            return
        self._restore(self._from)
        if not self.done:
            self._from = None

    def _restore(self, state: Mapping[str, Any]) -> None:
        restore_trainer(self.trainer, state["trainer"])
        self.epoch, self.done, self._logs = state["epoch"], state["done"], dict(state["logs"])
        self.first = (self.epoch, self.done)
        self._running.restore(state["running"])
        self.told.restore(state["callbacks"])
        self.begun = self.trainer.epochs - state["epochs"]
        if self.plan.order is not None:
            self.plan.order.restore(state["order"])

    def _epochs_a_call(self) -> int:
        """How many whole epochs make a piece; 0 where one is longer."""
        most = max(1, MOST_ORDERED // self.data.rows)
        return min(self._piece() // self.steps, most, self.plan.epochs - self.epoch)

    def _piece(self) -> int:
        """How many steps are made in one call: a fraction of a second, or until a pause."""
        trainer = self.trainer
        most = min(trainer.piece, self.data.steps_at_once(self.plan.batch_size))
        return min(most, self.told.steps_to_pause(trainer.iterations))

    def _run_epochs(self, count: int) -> None:
        """Epochs in one call of the engine, which nobody but history is told of."""
        trainer, data, wholes = self.trainer, self.data, self.trainer.task.wholes
        order = self._order(count)
        began = time.perf_counter()
        ran = trainer.step(data, order, self.plan.batch_size, data.rows)
        self._spend(ran.made, time.perf_counter() - began)
        self.history.add_steps(ran, wholes)
        done, more = divmod(ran.made, self.steps)
        found = values_of_epochs(ran, self.steps, data.rows, wholes)
        self.history.add_epochs(range(self.epoch, self.epoch + done), found)
        trainer.epochs += done
        self.epoch += done
        check_finite(trainer, data, ran, order, f"epoch {self.epoch + 1}", more + 1)
        self._logs = {name: values[-1] for name, values in found.items()}

    def _run_epoch(self) -> None:
        """An epoch with all that is told of it, or what is left of it."""
        told = self.told
        told.tell("on_epoch_begin", self.epoch, {})
        if self._from is not None:
            self._restore(self._from)
            self._from = None
        logs = self._run_steps()
        if self.validation is not None:
            scores = self.trainer.evaluate_data(self.validation, self.plan.batch_size)
            logs |= {f"val_{name}": value for name, value in scores.items()}
        told.tell("on_epoch_end", self.epoch, logs)
        self._logs = logs
        self.epoch += 1
        self.done = 0
        self._running = Running(self.trainer.task.wholes)

    def _run_steps(self) -> Logs:
        """The steps of an epoch: batch by batch where a callback wants that, else in pieces."""
        order, told, logs = self._order(), self.told, Logs()
        while self.done < self.steps:
            if told.wants_batches:
                told.tell("on_train_batch_begin", self.done, {})
            self._run_piece(order)
            over = self.done >= self.steps
            logs = self._running.whole() if over else self._running.logs()
            told.tell("on_train_steps", self.done, logs)
            if told.wants_batches:
                told.tell("on_train_batch_end", self.done - 1, logs)
            if told.stopping and not over:
                logs = self._running.whole()
                break
            if not over:
                told.tell("on_train_pause")
        self.trainer.epochs += 1
        return logs

    def _run_piece(self, order: Array) -> None:
        """A step where a callback wants batches, else those until anything else is to be done."""
        trainer, told, size = self.trainer, self.told, self.plan.batch_size
        count = 1 if told.wants_batches else min(self._piece(), self.steps - self.done)
        part = order[self.done * size : (self.done + count) * size]
        began = time.perf_counter()
        with uninterrupted():
            ran = trainer.step(self.data, part, size)
            self.history.add_steps(ran, trainer.task.wholes)
        try:
            when = f"epoch {self.epoch + 1}"
            check_finite(trainer, self.data, ran, part, when, self.done + ran.made + 1)
        except TrainingError as error:
            self.not_finite = error.not_finite
            if not told.tell("on_loss_not_finite", error):
                raise
        self._spend(count, time.perf_counter() - began)
        self._running.add(ran)
        self.done += len(ran.rows)

    def _spend(self, steps: int, seconds: float) -> None:
        """Count the time of a piece and adapt its steps: at most four times as many as now."""
        self.seconds += seconds
        if not self.told.wants_batches:
            trainer, wanted = self.trainer, int(steps / max(seconds, 1e-6) * PIECE_SECONDS)
            trainer.piece = max(FIRST_PIECE, min(wanted, max(4 * steps + 1, trainer.piece)))

    def _order_state(self) -> dict[str, Any]:
        return {} if self.plan.order is None else self.plan.order.state()

    def _order(self, epochs: int = 1) -> Array:
        """The rows in the order of the next epochs, one after the other."""
        plan, trainer, rows = self.plan, self.trainer, self.data.rows
        if plan.order is not None:
            self._ordered = self._order_state()
            return plan.order.next(epochs)
        if plan.shuffle:
            return random.permutations(
                trainer.seed, 0, trainer.epochs, epochs, rows, thread_count()
            )
        return np.tile(np.arange(rows), epochs)


def check_finite(
    trainer: Trainer, data: Data, ran: Steps, order: Array, when: str, step: int
) -> None:
    """Raise `TrainingError` where a run stopped at a loss that is not finite.

    order
        The rows of the run.
    when, step
        What the sentence calls the epoch, and the step of it that stopped, from 1.
    """
    if ran.stopped is None:
        return
    first = int(ran.rows[: ran.stopped].sum())
    batch = order[first : first + ran.rows[ran.stopped]]
    found = loss_not_finite(trainer, data, batch, float(ran.results["loss"][ran.stopped]))
    shown = ", ".join(str(row) for row in found.rows[:5])
    more = f" and {len(found.rows) - 5} more" if len(found.rows) > 5 else ""
    born = f", {found.born}" if found.born else ""
    if trainer.iterations:
        remedy = (
            "the parameters are as they were before that step, and may be too large already: begin "
            f"anew with a learning_rate well below {trainer.optimizer.learning_rate:g}, scale the "
            "inputs, or look at these rows."
        )
    else:
        remedy = (
            "no step was made yet, so it is that of the first weights: look at these rows, the "
            "scale of the inputs, and the loss function."
        )
    where = f"{when}, step {step} (rows {shown}{more}){born}"
    error = TrainingError(f"the loss is {found.loss} in {where}; {remedy}")
    error.not_finite = found
    raise error
