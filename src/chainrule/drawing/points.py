"""Points to train on where a picture is given none."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import random

__all__ = ["half_moons"]


def half_moons(rows: int, noise: float) -> tuple[Any, Any]:
    """Two half circles that reach into each other, with normal noise: inputs, and classes 0 and 1.

    >>> X, y = half_moons(10, 0.1)
    >>> X.shape, y.tolist()
    ((10, 2), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    """
    angles = np.linspace(0.0, np.pi, rows // 2)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1.0 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    X = np.concatenate([upper, lower])
    drawn = random.normal(0, 0, 0, X.size).reshape(X.shape)
    return X + noise * drawn, np.repeat([0, 1], rows // 2)
