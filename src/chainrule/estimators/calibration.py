"""One number that makes probabilities say how often they are right: temperature."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.estimators.held import Held

__all__ = ["fitted_temperature", "tempered"]

SMALLEST = float(np.finfo(np.float64).eps)
LOWEST, HIGHEST = 0.05, 20.0
HALVINGS = 60

Array = np.ndarray[Any, np.dtype[Any]]


def tempered(probabilities: Array, temperature: float) -> Array:
    """Probabilities p as p^(1/T), scaled to add up to 1: above T = 1 they come nearer each other.

    What is likelier stays likelier, so the predicted class is the same (Guo, Pleiss, Sun and
    Weinberger: On calibration of modern neural networks, 2017).

    >>> tempered(np.array([[0.2, 0.8]]), 1.0), tempered(np.array([[0.2, 0.8]]), 2.0).round(2)
    (array([[0.2, 0.8]]), array([[0.33, 0.67]]))
    """
    if temperature == 1.0:
        return probabilities
    powers = np.exp(_scores(probabilities) / temperature)
    scaled: Array = powers / powers.sum(axis=1, keepdims=True)
    return scaled


def fitted_temperature(held: Held) -> float:
    """The temperature with the smallest log loss on held rows, from 0.05 to 20.

    The log loss is convex in 1/T, so its slope is followed to 0 by halving. 1 where no row counts.

    >>> sure = np.array([[0.9, 0.1]] * 4)
    >>> round(fitted_temperature(Held(np.array([0, 0, 0, 1]), sure)), 3)  # right in 3 of 4
    2.0
    """
    weights = np.ones(len(held.truth)) if held.weights is None else held.weights
    if held.answers.shape[1] < 2 or not weights.sum() > 0:
        return 1.0
    scores = _scores(held.answers)
    own = scores[np.arange(len(scores)), held.truth]

    def slope(inverse: float) -> float:
        powers = np.exp(scores * inverse)
        expected = (powers * scores).sum(axis=1) / powers.sum(axis=1)
        return float((weights * (expected - own)).sum())

    low, high = 1 / HIGHEST, 1 / LOWEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return 2 / (low + high)


def _scores(probabilities: Array) -> Array:
    """Logarithms of probabilities, the largest of each row 0."""
    logarithms = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST))
    scores: Array = logarithms - logarithms.max(axis=1, keepdims=True)
    return scores
