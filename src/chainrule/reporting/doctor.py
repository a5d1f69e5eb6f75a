"""The Doctor: looks at a network in training and says in plain words what is wrong."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule import random
from chainrule.reporting.curve_findings import Curves, findings_of_curves, still_falls
from chainrule.reporting.finding import SEVERITIES, Finding, digits_apart, merged
from chainrule.reporting.layer_findings import Layers
from chainrule.settings import check_count
from chainrule.training import (
    Callback,
    Data,
    EarlyStopping,
    LossNotFinite,
    Trainer,
    constant_loss,
    look,
)

__all__ = ["Doctor"]

Array = np.ndarray[Any, np.dtype[Any]]

DOUBTED_ROWS = 512
"""On so many a network without dropout is held against a constant answer."""

ROWS, MORE_ROWS = 32, 1024
"""A look is at so many rows; what is found there is found only if more rows show it too."""

FIRST = 5000
"""Then 10, 20, 50 thousand: of shorter trainings a look more would take a share."""

SCHEDULED = 50
"""At so many steps of a training a schedule is asked for its rate."""

FEWEST_STEPS, NO_BETTER = 50, 0.99
"""After fewer steps nothing need be learned; from this share of the loss of the best constant
answer on nothing is.
"""


class Doctor(Callback):
    """Looks at activities and gradients as training goes, and says what is wrong and what to try.

    steps
        After how many steps of the optimizer it looks: an interval, or a list; None for
        5,000, 10,000, 20,000, 50,000, 100,000 and so on. It always looks before the first step and
        after the last one too.
    verbose
        1 to tell of each severe finding at once, in the log `chainrule`; 0 to be quiet.

    It looks at 32 rows of the training data, and at 1,024 where these show something. What it
    finds depends on data, settings and seed alone; training is the same to the bit without it.
    After training, `findings` is a list of `Finding`, the most severe first, and `statistics` has
    what was seen: `steps`, the `losses` of the rows looked at, `layers`, and for each of the steps
    `norms`, those of the gradient of each layer's parameters.

    Raises `SettingError` or `InputTypeError` for other settings.

    >>> import numpy as np
    >>> import chainrule
    >>> layers = chainrule.layers
    >>> model = chainrule.Sequential(
    ...     [layers.Dense(4, "tanh", kernel_initializer="zeros"),
    ...      layers.Dense(1, kernel_initializer="zeros")], seed=1)
    >>> model.compile("sgd", "mse")
    >>> doctor = chainrule.Doctor(verbose=0)
    >>> history = model.fit(np.eye(8), np.arange(8.0), epochs=20, callbacks=[doctor])
    >>> [(finding.severity, finding.kind, finding.layer) for finding in doctor.findings]
    [('severe', 'symmetric units', 'dense')]
    """

    findings: list[Finding]
    statistics: dict[str, Any]

    def __init__(self, steps: int | Iterable[int] | None = None, verbose: int = 1) -> None:
        self._chosen: list[int] | int | None = None
        if isinstance(steps, Iterable) and not isinstance(steps, str):
            self._chosen = sorted(check_count("Doctor", "steps", step) for step in steps)
        elif steps is not None:
            self._chosen = check_count("Doctor", "steps", steps)
        self.verbose = check_count("Doctor", "verbose", verbose, 0)
        self._clear()

    def _clear(self) -> None:
        self.findings = []
        self.statistics = {"steps": [], "losses": [], "layers": [], "norms": []}
        self._start: Array = np.empty(0)
        self._rate = 0.0
        self._layers: Layers | None = None
        self._rows: Data | None = None
        self._more_rows: Data | None = None

    def pause_after(self, iterations: int) -> int | None:
        due = self._next(iterations)
        return None if due is None else due - iterations

    def _next(self, iterations: int) -> int | None:
        """The next step after which it looks."""
        if isinstance(self._chosen, int):
            return (iterations // self._chosen + 1) * self._chosen
        if self._chosen is not None:
            place = bisect_right(self._chosen, iterations)
            return self._chosen[place] if place < len(self._chosen) else None
        if iterations < FIRST:
            return FIRST
        power: int = 10 ** (len(str(iterations)) - 1)
        return next(factor * power for factor in (2, 5, 10) if factor * power > iterations)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._clear()
        self._start = self._trained().copy()
        self._rate = self._trainer.optimizer.learning_rate
        self._look()

    def on_train_pause(self) -> None:
        if self.course is None or not self.statistics["steps"]:
            return
        due = self._next(self.statistics["steps"][-1])
        if due is not None and self._trainer.iterations >= due:
            self._look()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        course = self.course
        if course is None or self._layers is None:  # another callback failed before the first look
            return
        if self._trainer.iterations > self.statistics["steps"][-1]:
            self._look()
        if course.not_finite is not None:
            self._add([_not_finite(course.not_finite, self._trainer)])
        curves = self._curves()
        self._add(findings_of_curves(curves))
        if all(one.severity != "severe" for one in self.findings):  # else it follows of these
            self._add(self._nothing_learned(curves))
        self._end()

    def on_train_error(self, error: BaseException) -> None:
        found = getattr(error, "not_finite", None)
        if found is not None:
            self.findings = merged(self.findings, [_not_finite(found, self._trainer)])
        self._end()

    def state(self) -> dict[str, Any]:
        return {
            "findings": [one.to_record() for one in self.findings],
            "statistics": {name: list(values) for name, values in self.statistics.items()},
            "start": self._start,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.findings = [Finding.from_record(one) for one in state["findings"]]
        self.statistics = {name: list(values) for name, values in state["statistics"].items()}
        self._start = state["start"]
        self.on_train_pause()  # where it was kept just before a look

    def __str__(self) -> str:
        steps = self.statistics["steps"]
        if not steps:
            return "Doctor: has not looked at a training yet."
        looked = f"{len(steps)} looks from step {steps[0]:,} to step {steps[-1]:,}"
        if not self.findings:
            return f"Doctor: found nothing of what it knows ({looked})."
        return "\n".join([f"Doctor: {looked}", *(f"- {one}" for one in self.findings)])

    __repr__ = __str__  # a notebook shows the findings

    @property
    def _trainer(self) -> Trainer:
        if self.course is None:  # for the type checker: hooks are called in a fit
            raise TypeError
        return self.course.trainer

    def _trained(self) -> Array:
        """The part of the flat array that updates reach."""
        parameters = self._trainer.parameters
        return parameters.flat[: parameters.trainable_count]

    @np.errstate(all="ignore")  # also numbers that are not finite are looked at
    def _look(self) -> None:
        """Look at few rows, and at more where these show something."""
        trainer = self._trainer
        self._rows = self._rows or self._sample(ROWS)
        seen = look(trainer, self._rows)
        layers = self._layers or Layers(trainer)
        self.statistics["layers"] = layers.names
        self.statistics["norms"].append(layers.norms(seen))
        self.statistics["steps"].append(trainer.iterations)
        self.statistics["losses"].append(seen.loss)
        self._layers = layers
        if layers.findings(seen, trainer.iterations):
            self._more_rows = self._more_rows or self._sample(MORE_ROWS)
            seen = look(trainer, self._more_rows)
            self._add(layers.findings(seen, trainer.iterations))

    def _sample(self, count: int) -> Data:
        """Some rows of the training data, the same for every training of this seed."""
        data = self.course.data  # type: ignore[union-attr]  # there is one in a fit
        if data.rows <= count:
            return data.chosen(np.arange(data.rows))
        drawn = random.uniform(self._trainer.seed, 0, 0, count, random.SPLITS)
        return data.chosen((drawn * data.rows).astype(np.int64))

    def _add(self, found: list[Finding]) -> None:
        known = {(one.kind, one.layer, one.severity) for one in self.findings}
        self.findings = merged(self.findings, found)
        for one in self.findings:
            new = (one.kind, one.layer, one.severity) not in known
            if self.verbose and new and one.severity == "severe":
                logging.getLogger("chainrule").warning(
                    "Doctor, after step %d: %s %s", one.last_step, one.sentence, one.remedy
                )

    def _curves(self) -> Curves:
        course: Any = self.course
        trainer, history, losses = self._trainer, course.history, self.statistics["losses"]
        now = self._trained()
        with np.errstate(all="ignore"):
            moved = float(np.linalg.norm(now - self._start) / np.linalg.norm(self._start))
        return Curves(
            history.steps.get("loss", np.empty(0)), history.history,
            course.plan.initial_epoch + 1, losses[0], losses[-1], moved, self._kept_epoch(),
            trainer.iterations, self._largest_rate(), course.steps,
            self.statistics["steps"][0] > 0,
        )  # fmt: skip

    def _kept_epoch(self) -> int | None:
        """The epoch, from 1, whose weights come back at the end; those of the last one given."""
        course: Any = self.course
        kept = [
            one.best_epoch + 1 for one in course.told.members
            if isinstance(one, EarlyStopping) and one.best_weights is not None
        ]  # fmt: skip
        return kept[-1] if kept else None

    def _largest_rate(self) -> float:
        """The largest learning rate of the training: of the last steps it may be next to 0."""
        course: Any = self.course
        optimizer = self._trainer.optimizer
        if optimizer.scheduled:
            first, last = self.statistics["steps"][0] + 1, optimizer.iterations
            some = np.linspace(first, max(first, last), SCHEDULED).astype(int)
            return max(optimizer.description.rate(int(step)) for step in some)
        rates: list[float] = course.history.history.get("learning_rate", [])  # of callbacks
        return max(rates or [self._rate, optimizer.learning_rate])

    def _nothing_learned(self, curves: Curves) -> list[Finding]:
        """What is found where the best constant answer is as good as the network's.

        The loss of training is looked at first; dropout may make that worse, so that in doubt the
        network is evaluated.
        """
        course: Any = self.course
        data, losses = course.data, curves.history.get("loss", ())
        constant = constant_loss(self._trainer, data)
        if len(curves.steps) < FEWEST_STEPS or not losses or not _no_better(losses[-1], constant):
            return []
        rows = self._sample(DOUBTED_ROWS)
        loss = self._trainer.evaluate_data(rows)["loss"]
        constant = constant_loss(self._trainer, rows)
        if constant is None or not _no_better(loss, constant):
            return []
        return [_nothing(loss, constant, self._trainer, still_falls(curves))]

    def _end(self) -> None:
        """Order what was found, and hold no rows any longer."""
        self.findings.sort(key=lambda one: SEVERITIES.index(one.severity))
        self._layers = self._rows = self._more_rows = None
        self._start = np.empty(0)


def _no_better(loss: float, constant: float | None) -> bool:
    """Whether a loss is that of the best constant answer, or above; targets must differ."""
    return constant is not None and constant > 0.0 and loss >= NO_BETTER * constant


def _nothing(loss: float, constant: float, trainer: Trainer, falls: bool) -> Finding:
    step, (reached, known) = trainer.iterations, digits_apart(loss, constant)
    last = getattr(trainer.network, "activations", (None,))[-1]
    scaled = last in (None, "linear") and trainer.task.losses[0].target_kind == "numbers"
    more = "more epochs (the loss still falls), " if falls else ""
    return Finding(
        "warning", "nothing learned", None, step,
        f"after {step:,} steps the loss is {reached}, and that of always giving the same answer, "
        f"the best there is, {known}: the network does not yet answer better than that.",
        f"Try {more}inputs {'and targets ' * scaled}of mean 0 and deviation 1, another learning "
        "rate (learning_rate_range_test suggests one), and look whether the inputs say anything "
        "of the target.", step,
    )  # fmt: skip


def _not_finite(found: LossNotFinite, trainer: Trainer) -> Finding:
    shown = ", ".join(str(row) for row in found.rows[:5]) + (", ..." if found.rows[5:] else "")
    born = f", {found.born}" if found.born else ""
    rate, first = trainer.optimizer.learning_rate, ""
    remedy = (
        f"Begin anew with a learning rate well below {rate:g}, scale the inputs, or look at these "
        "rows."
    )
    if found.step == 1:
        first = " No step was made yet: it is the loss of the first weights."
        remedy = "Look at these rows, the scale of the inputs, and the loss function."
    return Finding(
        "severe", "loss not finite", found.layer, found.step,
        f"the loss of step {found.step:,} is {found.loss} (rows {shown}){born}.{first}",
        remedy, found.step, found.operation, found.rows,
    )  # fmt: skip
