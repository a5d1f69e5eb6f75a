"""How training went, in words: too early an end, too late a one, and what that rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.reporting.curves import smoothed
from chainrule.reporting.few import FEW_ROWS
from chainrule.reporting.training_pictures import Course

__all__ = ["course_sentences"]

RISE, LITTLE_RISE = 0.1, 0.02
SPAN = 5
FEW_EPOCHS = 5
SMALL_GAP, LARGE_GAP = 1.1, 1.6
KEPT = (
    "The weights of the best epoch were kept, so the model does not suffer from what came after it."
)

Record = Mapping[str, Any]


def course_sentences(
    found: Sequence[Course],
    settings: Record,
    watched_rows: int | None,
    doctor: Record | None,
    *,
    interrupted: bool,
) -> Iterator[str]:
    """How training ended: too early, too late or in time, and what that rests on.

    What overfits is taken from the Doctor's record where there is one.
    """
    watched = [one for one in found if one.has_validation]
    silence = _too_little(watched, watched_rows)
    if silence:
        yield silence
        return
    climbing = sum(map(_climbs, watched)) if doctor is None else len(_overfitted(doctor))
    patience = settings.get("patience")
    improving = [one for one in watched if _improves(one, patience)]
    total = len(watched)
    if climbing:
        yield (
            f"Overfitting begins in {_of(climbing, total)}: validation loss rises after its "
            f"best epoch while training loss goes on falling. {KEPT}"
        )
    yield from _ended_early(improving, total, settings, interrupted)
    rises = [rise for rise in map(_rise, watched) if rise >= LITTLE_RISE]
    if rises and not climbing:
        yield _rising(rises, total)
    falling = any(_falls(one, patience) for one in watched)
    if not (climbing or improving or rises or falling):
        yield (
            "Validation loss levels off: it neither rises after the best epoch nor was it still "
            "falling at the end."
        )
    overfits = bool(climbing or rises)
    yield _gap(watched, has_dropout=bool(settings.get("dropout")), overfits=overfits)


def _too_little(watched: Sequence[Course], rows: int | None) -> str:
    """Why nothing can be said of over- and underfitting, where it is so."""
    if not watched:
        return "No rows were watched, so nothing can be said of over- or underfitting."
    if rows is not None and rows < FEW_ROWS:
        count = f"{rows} row{'s' * (rows != 1)}"
        return f"A network was watched on {count} only, too few to say whether it overfits."
    epochs = max(one.epochs for one in watched)
    if epochs < FEW_EPOCHS:
        return f"Too few epochs ({epochs}) to say anything of over- or underfitting."
    return ""


def _ended_early(
    improving: Sequence[Course], total: int, settings: Record, interrupted: bool
) -> Iterator[str]:
    """Of the networks that were still improving, what ended their training."""
    most = settings.get("epochs")
    full = sum(one.epochs == most for one in improving)
    cut = len(improving) - full
    if full:
        yield (
            f"{_were(full, total)} still improving when training ended after {most} epochs: more "
            "epochs (--epochs) may help."
        )
    if not cut:
        return
    them, their = ("it was", "its") if cut == 1 else ("they were", "their")
    if interrupted:
        ending = f"{them} stopped: --resume goes on"
    elif settings.get("time_limit") is not None:
        ending = f"{their} time was over: a longer --time-limit may help"
    else:
        ending = "training ended"
    yield f"{_were(cut, total)} still improving when {ending}."


def _overfitted(doctor: Record) -> set[int]:
    """The networks in which the Doctor has found overfitting."""
    findings = doctor.get("findings") or []
    return {one["network"] for one in findings if one["kind"] == "overfitting"}


def _gap(watched: Sequence[Course], *, has_dropout: bool, overfits: bool) -> str:
    """Both losses, and how they compare as far as they are measured alike."""
    training = float(np.mean([one.loss[one.best] for one in watched]))
    held = float(np.mean([one.validation[one.best] for one in watched]))
    where = "At the epochs that were kept" if len(watched) > 1 else "At the epoch that was kept"
    sentence = f"{where} training loss is {training:.3g} and validation loss {held:.3g}"
    caveat = f"training loss is measured while {'units are left out and ' * has_dropout}weights "
    caveat += "still change"
    if held <= training:
        verdict = ", no sign of rows learned by heart" * (not has_dropout and not overfits)
        return f"{sentence}{verdict}: {caveat}, so it may well be the higher one."
    ratio = held / training if training > 0 else math.inf
    more = f"; {caveat}" * has_dropout
    if ratio > LARGE_GAP:
        return (
            f"{sentence}, {ratio:.1f} times as much: part of what was learned holds for the "
            f"training rows only{more}. More rows, --dropout or --weight-decay may help."
        )
    if has_dropout:
        return f"{sentence}{more}."
    how = "hardly" if ratio < SMALL_GAP else "somewhat"
    return f"{sentence}: {how} worse on rows that the network has not learned from, as is usual."


def _climbs(one: Course) -> bool:
    """Whether validation loss ends clearly above its best, with training loss lower."""
    return _rise(one) > RISE


def _rise(one: Course) -> float:
    """By what share smoothed validation loss ends above its best; 0 unless training loss fell.

    Smoothed, for of many epochs one is the best by chance alone.
    """
    watched = smoothed(one.validation[np.isfinite(one.validation)], SPAN)
    learned = smoothed(one.loss, SPAN)
    lowest = int(watched.argmin())
    if not (watched[lowest] > 0 and learned[-1] < learned[lowest]):
        return 0.0
    return float(watched[-1] / watched[lowest] - 1)


def _rising(rises: Sequence[float], total: int) -> str:
    least, most = (f"{100 * rise:.0f}" for rise in (min(rises), max(rises)))
    by = f"{most} %" if least == most else f"{least} to {most} %"
    little = "" if max(rises) > RISE else "a little "
    return (
        f"Validation loss rises {little}after its best epoch in {_of(len(rises), total)} (by {by} "
        f"up to the end, smoothed) while training loss goes on falling. {KEPT}"
    )


def _improves(one: Course, patience: int | None) -> bool:
    """Whether its best epoch was one of its last, or validation loss was falling at its end."""
    if _waited(one, one.best, patience):
        return False
    return _is_late(one, one.best) or _falls(one, patience)


def _falls(one: Course, patience: int | None) -> bool:
    """Whether validation loss was still falling at the end, as it was or smoothed."""
    lowest = int(np.nanargmin(one.validation))
    if _waited(one, lowest, patience):
        return False
    trend = smoothed(one.validation[np.isfinite(one.validation)], SPAN)
    return _is_late(one, lowest) or int(trend.argmin()) == len(trend) - 1


def _is_late(one: Course, epoch: int) -> bool:
    return epoch >= one.epochs - max(1, one.epochs // 10)


def _waited(one: Course, epoch: int, patience: int | None) -> bool:
    """Whether training has gone on since an epoch for as long as it waits for a better one."""
    return patience is not None and one.epochs - 1 - epoch >= patience


def _were(count: int, total: int) -> str:
    return f"{_of(count, total).capitalize()} {'was' if count == 1 else 'were'}"


def _of(count: int, total: int) -> str:
    if total == 1:
        return "the network"
    if count == total == 2:
        return "both networks"
    return f"all {total} networks" if count == total else f"{count} of {total} networks"
