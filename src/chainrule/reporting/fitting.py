"""Over- and underfitting in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["fitting_score", "fitting_words"]

LOST = 0.1
LOST_STRONGLY = 0.3
LITTLE = 0.1


def fitting_score(task: str) -> str:
    """The score that over- and underfitting are told by.

    >>> fitting_score("regression")
    'r2'
    """
    return {"classification": "roc_auc", "regression": "r2"}[task]


def _gain(score: str, value: float) -> float:
    """How much of the way from a constant answer (0) to a faultless one (1) a score is.

    >>> _gain("roc_auc", 0.75), _gain("r2", 0.8)
    (0.5, 0.8)
    """
    return 2 * value - 1 if score == "roc_auc" else value


def fitting_words(
    task: str,
    learned: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    interval: tuple[float, float] | None,
    linear: Mapping[str, Any] | None = None,
    rows: str = "these rows",
) -> str:
    """What scores on rows learned from and on rows never seen say together, in a sentence or two.

    Gains are 2 * roc_auc - 1, or R2. Overfitted is what loses at least a tenth of the gain on rows
    learned from when it meets new ones (strongly, from three tenths), beyond the interval of the
    score on the new ones; underfitted what gains less than a tenth even on the rows learned from,
    or what a linear model beats on rows like the new ones without any overfitting.

    learned, new
        Scores by name; "" where there are none of the rows learned from.
    linear
        A linear model's scores on rows that training held back.
    rows
        What the new rows are called.
    """
    score = fitting_score(task)
    before, now = (learned or {}).get(score), new.get(score)
    if before is None or now is None:
        return ""
    told = f"{score} {before:.4g} on rows learned from, {now:.4g} on {rows}"
    kept, whole = _gain(score, now), _gain(score, before)
    if whole < LITTLE:
        return (
            f"The model underfits: {told}, little better than a constant answer even where it "
            "learned. More units, more epochs or better columns may help."
        )
    lost = (whole - kept) / whole
    beyond = interval is None or before > interval[1]
    if lost >= LOST and beyond:
        how = "overfits strongly" if lost >= LOST_STRONGLY else "overfits"
        return (
            f"The model {how}: {told}: {lost:.0%} of what it gained over a constant answer is lost "
            "on new rows. More rows, more dropout or weight decay, or fewer units may help; what "
            "counts is the score on new rows."
        )
    simple = (linear or {}).get(score)
    if simple is not None and simple > before:
        return (
            f"The model underfits: {told}, and a linear model has {simple:.4g} on the test rows of "
            "training. More units, more epochs or a larger step size may help."
        )
    return f"The model neither over- nor underfits by much: {told}."
