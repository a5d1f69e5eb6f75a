"""The learning-rate range test: one short training in which the rate grows at every step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError
from chainrule.models.sequential import Sequential
from chainrule.optimizers import schedules
from chainrule.settings import check_count, check_number
from chainrule.training import Callback

__all__ = ["LearningRateRange", "learning_rate_range_test"]

OWNER = "learning_rate_range_test"
FEWEST = 10
SMOOTHING = 0.9
FALL = 0.05
"""By what share the loss must fall below that of the first weights on the same batches."""
RISE = 3.0
"""By how many times its size the smoothed loss may be above its least: four times that in all."""

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class LearningRateRange:
    """What a range test saw; `drawing.plot_learning_rate_range` draws it.

    rates, losses
        The learning rate of each step, and the loss of its batch before the step.
    smoothed
        The losses' running mean, each step counting 0.9 of the one after it.
    suggestion
        A learning rate to begin with; None where the loss did not fall by 5 % or only at rates so
        low that it would lie below them all.
    reason
        How it was chosen, in a sentence.
    """

    rates: Array
    losses: Array
    smoothed: Array
    suggestion: float | None
    reason: str


def learning_rate_range_test(
    model: Any,
    X: Any,
    y: Any = None,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 200,
    batch_size: int | None = None,
    class_weight: Any = None,
    sample_weight: Any = None,
) -> LearningRateRange:
    """Try learning rates from low to high in one short training (Smith, 2017).

    A copy of the model is trained with its optimizer begun anew; the model itself stays as it is.
    The rate of step k is lowest * (highest / lowest)^(k / (steps - 1)). It ends early where the
    smoothed loss has risen to four times its least, or is no longer finite. Suggested is a tenth
    of the rate at which the smoothed loss was least: there the steps already begin to jump
    (Howard and Gugger, 2020). Where the loss falls fastest, the other usual choice, is mostly a
    matter of which batches came first. Nothing is suggested where that least is not 5 % below what
    the first weights give for the same batches, whose steps are made once more at the rate 0, nor
    where the tenth would lie below `lowest`.

    X, y, batch_size, class_weight, sample_weight
        As `model.fit` takes them.
    lowest, highest
        The rates of the first and the last step.
    steps
        How many at most, 10 or more.

    Raises `SettingError` or `InputTypeError` for a setting that is not allowed or a model that is
    not compiled, `TrainingError` where the loss is not finite within the first ten steps.

    >>> import numpy as np
    >>> import chainrule
    >>> X = np.linspace(-1.0, 1.0, 200)[:, None]
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
    >>> model.compile("sgd", "mse")
    >>> found = chainrule.learning_rate_range_test(model, X, 3 * X)
    >>> 0.01 < found.suggestion < 1.0, model.built
    (True, False)
    """
    schedule = _schedule(lowest, highest, steps)
    settings = {"batch_size": batch_size, "class_weight": class_weight,
                "sample_weight": sample_weight}  # fmt: skip
    losses = _tried(model, schedule, steps, X, y, settings)
    smoothed = _smoothed(losses)
    end = _end(smoothed)
    rates, smoothed = schedule.rates(np.arange(end, dtype=np.float64)), smoothed[:end]
    unmoved = _tried(model, _unmoved, int(np.argmin(smoothed)) + 1, X, y, settings)
    begun = float(_smoothed(unmoved)[-1])
    suggestion, reason = _suggested(rates, smoothed, begun, whole=end == steps)
    return LearningRateRange(rates, losses[:end], smoothed, suggestion, reason)


def _unmoved(step: int) -> float:
    """A schedule at which the weights stay as they are."""
    return 0.0


def _tried(
    model: Any, schedule: Callable[[int], float], steps: int, X: Any, y: Any, settings: Any
) -> Array:
    """The loss of each step that a copy of the model makes, its rates those of a schedule."""
    one, watch = _begun_anew(model, schedule), _UntilItRises(steps, schedule)
    one.fit(X, y, epochs=steps, verbose=0, callbacks=[watch], **settings)
    losses = _losses(one)
    if watch.error is not None and len(losses) < min(steps, FEWEST):
        raise watch.error
    return losses


class _UntilItRises(Callback):
    """Ends training after so many steps, or where the smoothed loss has risen."""

    error: BaseException | None = None

    def __init__(self, steps: int, schedule: Callable[[int], float]) -> None:
        self.steps = steps
        self.moves = schedule is not _unmoved

    def pause_after(self, iterations: int) -> int:
        return self.steps - iterations

    def on_train_steps(self, done: int, logs: Any = None) -> bool:
        losses = _losses(self.model)
        risen = self.moves and _end(_smoothed(losses)) < len(losses)
        return risen or len(losses) >= self.steps

    def on_loss_not_finite(self, error: BaseException) -> bool:
        self.error = error
        return True


def _schedule(lowest: float, highest: float, steps: int) -> schedules.ExponentialDecay:
    first = check_number(OWNER, "lowest", lowest, "above 0", lambda rate: rate > 0)
    last = check_number(
        OWNER, "highest", highest, f"above lowest, {first:g}", lambda rate: rate > first
    )
    check_count(OWNER, "steps", steps, FEWEST)
    return schedules.ExponentialDecay(first, steps - 1, last / first)


def _begun_anew(model: Any, schedule: Callable[[int], float]) -> Sequential:
    """A copy of the model with a fresh optimizer that has this schedule."""
    if not isinstance(model, Sequential):
        message = f"{OWNER}: model must be a Sequential, got {type(model).__name__}."
        raise InputTypeError(message)
    try:
        settings = model.compile_settings
    except SettingError:
        message = f"{OWNER}: the model is not compiled; call compile(optimizer, loss) first."
        raise SettingError(message) from None
    rule = settings["optimizer"]
    if "learning_rate" not in [field.name for field in fields(rule)]:
        message = f"{OWNER}: the optimizer {type(rule).__name__} has no learning_rate to try."
        raise SettingError(message)
    one = copy.deepcopy(model)
    one.compile(**settings | {"optimizer": replace(rule, learning_rate=schedule)})
    return one


def _losses(model: Any) -> Array:
    steps = model.history.steps
    return np.asarray(steps.get("loss", ()), np.float64)


def _smoothed(losses: Array) -> Array:
    """s / (1 - 0.9^k) with s = 0.9 s + 0.1 loss, from s = 0, after k losses."""
    smoothed, running = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses.tolist()):
        running = SMOOTHING * running + (1 - SMOOTHING) * loss
        smoothed[k] = running / (1 - SMOOTHING ** (k + 1))
    return smoothed


def _end(smoothed: Array) -> int:
    """How many steps there are before the loss has risen too far."""
    least = np.minimum.accumulate(smoothed)
    risen = np.flatnonzero(smoothed > least + RISE * np.abs(least))
    return int(risen[0]) if len(risen) else len(smoothed)


def _suggested(
    rates: Array, smoothed: Array, begun: float, *, whole: bool
) -> tuple[float | None, str]:
    """The rate and why.

    begun
        What the smoothed loss would be at its least, had no step moved the weights.
    """
    place = int(np.argmin(smoothed))
    if not begun - smoothed[place] >= FALL * abs(begun) > 0:
        other = "raise highest" if whole else "begin with a smaller lowest"
        return None, (
            f"The loss did not fall between the rates {rates[0]:g} and {rates[-1]:g}, not by 5 %: "
            f"{other}, or look whether the inputs say anything of the target."
        )
    tenth = float(rates[place]) / 10
    reason = f"A tenth of {rates[place]:.3g}, the rate at which the smoothed loss was least."
    if tenth < rates[0]:
        return None, (
            f"{reason[:-1]}, is below every rate tried: begin with a smaller lowest, such as "
            f"{tenth / 10:.1g}."
        )
    if whole and place == len(smoothed) - 1:
        reason += " It was still falling there: a larger highest may find a larger one."
    return tenth, reason
