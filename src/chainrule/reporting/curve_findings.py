"""What the curves of a training say: a learning rate too high or too low, overfitting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.reporting.finding import Finding, digits_apart

__all__ = ["Curves", "findings_of_curves", "still_falls"]

Array = np.ndarray[Any, np.dtype[Any]]

FEWEST_AN_EPOCH = 5
"""An epoch's loss of fewer steps goes up and down by the chance of dropout alone."""

ORDERED = 2
"""Where validation is best so early, its rows may well be others than those of training."""


@dataclass(frozen=True)
class Curves:
    """What a training leaves behind.

    steps
        The loss of each step.
    history
        A list for each name, one value an epoch.
    first_epoch
        What the first epoch is called, from 1.
    first, last
        The loss of the same few rows before the first and after the last step.
    moved
        By how much the weights changed, beside their own size.
    kept
        The epoch whose weights came back at the end, counted like `first_epoch`; None without.
    iterations
        How many steps the optimizer has made.
    rate
        The largest learning rate of the training.
    steps_an_epoch
        How many batches an epoch has.
    begun_before
        Whether the network had been trained before.
    """

    steps: Array
    history: Mapping[str, Sequence[float]]
    first_epoch: int
    first: float
    last: float
    moved: float
    kept: int | None
    iterations: int
    rate: float
    steps_an_epoch: int
    begun_before: bool


def findings_of_curves(curves: Curves) -> list[Finding]:
    """What is wrong with the course of a training that is over."""
    return [*_too_high(curves), *_too_low(curves), *_overfitting(curves)]


def _too_high(curves: Curves) -> Iterator[Finding]:
    """The loss has grown, or goes up and down as much as it falls."""
    steps, remedy = curves.steps, f"Try a learning rate of {curves.rate / 10:.2g} or less."
    if len(steps) >= 10 and np.isfinite([curves.first, curves.last]).all():
        end = _middle(steps[-max(5, len(steps) // 10) :])
        if min(curves.last / 2, end / 1.5) > curves.first > 0:
            yield _whole(
                curves, "severe", "learning rate too high",
                f"the loss of the same rows has grown from {curves.first:.3g} to {curves.last:.3g} "
                f"at a learning rate of {curves.rate:.2g}: steps are so large that they lead up.",
                remedy,
            )  # fmt: skip
            return
    losses = np.asarray(curves.history.get("loss", ()), np.float64)
    if len(losses) < 8 or not np.isfinite(losses).all():
        return
    if curves.begun_before or curves.steps_an_epoch < FEWEST_AN_EPOCH:
        return
    changes = np.diff(losses[len(losses) // 2 :])
    typical, rises = _middle(np.abs(changes)), np.count_nonzero(changes > 0) / len(changes)
    gain = curves.first - float(losses.min())
    if typical > max(0.25 * gain, 0.05 * abs(_middle(losses))) and rises >= 0.25:
        yield _whole(
            curves, "warning", "learning rate too high",
            f"from epoch to epoch the loss goes up and down by {typical:.2g} in the second half, "
            f"and has fallen by {max(gain, 0.0):.2g} in all, at a learning rate of "
            f"{curves.rate:.2g}: steps lead across the valley and not down.",
            remedy + " A schedule that lowers it (CosineDecay) settles too.",
        )  # fmt: skip


def _too_low(curves: Curves) -> Iterator[Finding]:
    """The loss falls as steadily at the end as at the beginning, and not by much."""
    if curves.begun_before or len(curves.steps) < 40 or not curves.moved <= 0.1:
        return
    means, errors = _quarters(curves)
    if not np.isfinite(means).all():
        return
    falls = means[:-1] - means[1:]
    sure = (falls > 2 * np.hypot(errors[:-1], errors[1:])).all()
    gain, scale = float(means[0] - means[-1]), abs(float(means[0]))
    if sure and falls[-1] >= 0.5 * falls[0] and gain <= 0.2 * scale:
        start, end = digits_apart(float(means[0]), float(means[-1]))
        yield _whole(
            curves, "warning", "learning rate too low",
            f"in {len(curves.steps):,} steps the loss has fallen from {start} to "
            f"{end}, at the end as steadily as at the beginning, and the weights have "
            f"moved by {100 * curves.moved:.2g}% of their size, at a learning rate of "
            f"{curves.rate:.2g}.",
            f"Try a learning rate of {curves.rate * 10:.2g}, or more epochs.",
        )  # fmt: skip


def still_falls(curves: Curves) -> bool:
    """Whether the loss of training is lower in the last quarter than before: by 1 %, and not by
    chance.
    """
    means, errors = _quarters(curves)
    least = max(0.01 * abs(means[-2]), 2 * np.hypot(errors[-2], errors[-1]))
    return bool(means[-2] - means[-1] > least)


@np.errstate(all="ignore")  # losses may be no numbers
def _quarters(curves: Curves) -> tuple[Array, Array]:
    """Means of the loss in each quarter of the training, and their standard errors."""
    losses = np.asarray(curves.history.get("loss", ()), np.float64)
    if len(losses) < 8:  # an epoch's mean is over all rows: the chance of batches is not in it
        losses = curves.steps.astype(np.float64)
    quarters = np.array_split(losses, 4)
    means = np.array([quarter.mean() for quarter in quarters])
    return means, np.array([quarter.std() / len(quarter) ** 0.5 for quarter in quarters])


def _middle(values: Array) -> float:
    """The middle one of the numbers in order."""
    return float(np.sort(values)[len(values) // 2])


def _overfitting(curves: Curves) -> Iterator[Finding]:
    """The loss of validation rises while that of training falls."""
    watched = np.asarray(curves.history.get("val_loss", ()), np.float64)
    trained = np.asarray(curves.history.get("loss", ()), np.float64)
    if len(watched) < 6 or len(watched) != len(trained) or not np.isfinite(watched).all():
        return
    best = int(watched.argmin())
    end, most = watched[-3:], watched[best] + 0.1 * abs(watched[best])
    falls = trained[-1] < trained[best] - 0.05 * abs(trained[best])
    if len(watched) - 1 - best < 3 or end.min() <= most or not falls:
        return
    kept, place, note = "", None, False
    if curves.kept is not None and curves.kept - curves.first_epoch < len(watched):
        place = curves.kept - curves.first_epoch
        note = bool(watched[place] <= most)
        kept = f" The weights of epoch {curves.kept} were kept, where it was {watched[place]:.3g}."
    yield _whole(
        curves, "note" if note else "warning", "overfitting",
        f"since epoch {curves.first_epoch + best} the loss of validation has risen from "
        f"{watched[best]:.3g} to {np.median(end):.3g}, while that of training fell from "
        f"{trained[best]:.3g} to {trained[-1]:.3g}: rows are learned by heart.{kept}",
        _against_overfitting(best, place, good=note),
    )  # fmt: skip


def _against_overfitting(best: int, kept: int | None, *, good: bool) -> str:
    """What to try; `best` and `kept` are epochs of the training, from 0."""
    stop = "EarlyStopping(restore_best_weights=True), " if kept is None else ""
    if kept is not None and not good:
        stop = "EarlyStopping that watches val_loss, "
    remedy = f"Try {stop}Dropout, a penalty such as l2, a smaller network, or more rows."
    if best < ORDERED:
        remedy += " If the rows have an order, shuffle them before validation_split takes the last."
    return remedy


def _whole(curves: Curves, severity: str, kind: str, sentence: str, remedy: str) -> Finding:
    """A finding of the network as a whole, at the end."""
    return Finding(severity, kind, None, curves.iterations, sentence, remedy, curves.iterations)
