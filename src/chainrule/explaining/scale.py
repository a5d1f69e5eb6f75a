"""What answers are told in: probabilities, log-odds, or the target's own unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.errors import SettingError, nearest

__all__ = ["SCALES", "on_scale", "scale_of"]

Array = np.ndarray[Any, np.dtype[Any]]

SCALES = ("probability", "logit", "number")
LEAST = 1e-7


def scale_of(scale: str | None, *, classes: bool) -> str:
    """The scale that is meant: None is "probability" for classes, "number" for numbers.

    Raises `SettingError` for one that is not known or does not fit the target.
    """
    if scale is None:
        return "probability" if classes else "number"
    if scale not in SCALES:
        message = f"scale: {scale!r} is not known; {nearest(str(scale), SCALES, listed=True)}"
        raise SettingError(message)
    if classes == (scale == "number"):
        what = "is of classes" if classes else "is a number"
        remedy = "choose 'probability' or 'logit'" if classes else "leave it out"
        message = f"scale: {scale!r} does not fit, the target {what}; {remedy}."
        raise SettingError(message)
    return scale


def on_scale(answers: Array, scale: str) -> Array:
    """Answers (rows, outputs) on a scale of `SCALES`.

    "logit" is the log-odds of each class against all others, log(p / (1 - p)); probabilities are
    held 1e-7 away from 0 and 1 there. Of two classes one column is the other with its sign turned.

    >>> on_scale(np.array([[0.5, 0.5], [0.2, 0.8]]), "logit").round(3).tolist()
    [[0.0, 0.0], [-1.386, 1.386]]
    """
    if scale != "logit":
        return answers
    others = answers.sum(axis=1, keepdims=True) - answers
    if answers.shape[1] == 2:
        others = answers[:, ::-1]
    odds: Array = np.log(np.maximum(answers, LEAST)) - np.log(np.maximum(others, LEAST))
    return odds
