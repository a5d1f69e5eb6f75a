"""Powers and half cosines of + - * / alone: the same bits alone and in rows, on any machine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["half_cosine", "power"]

Floats = NDArray[np.float64]

LOG_2_HIGH = 6.93147180369123816490e-01
LOG_2_LOW = 1.90821492927058770002e-10
"""log(2) in two parts: the first times a small whole number is exact."""


def half_cosine(x: Floats) -> Floats:
    """(1 + cos(pi x)) / 2 for x from 0 to 1: 1 at 0, one half at 0.5, 0 at 1.

    >>> half_cosine(np.array([0.0, 0.5, 1.0])).round(15)
    array([1. , 0.5, 0. ])
    """
    near = np.minimum(x, 1.0 - x) * (math.pi / 2)
    # its Taylor series, as far as it shows in float64 up to pi / 4
    factors = [(-1.0) ** k / math.factorial(2 * k + 1) for k in range(10)]
    sine = near * _polynomial(near * near, factors)
    squared = sine * sine
    return np.where(x <= 0.5, 1.0 - squared, squared)


def power(base: Any, exponent: Any) -> Floats:
    """base^exponent for a base of 0 or more, to a few units in the last place.

    >>> power(np.array([0.0, 2.0]), 3.0)
    array([0., 8.])
    """
    base, exponent = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (base, exponent)))
    positive = np.where(base > 0, base, 1.0)
    result = _exp(exponent * _log(positive))
    result = np.where(exponent == 1.0, base, result)
    return np.where(base > 0, result, np.where(exponent == 0.0, 1.0, 0.0))


def _log(x: Floats) -> Floats:
    part, twos = np.frexp(x)
    low = part < math.sqrt(0.5)
    part, twos = np.where(low, 2.0 * part, part), twos - low
    z = (part - 1.0) / (part + 1.0)
    series = z * _polynomial(z * z, [2.0 / (2 * k + 1) for k in range(13)])
    return np.asarray(twos * LOG_2_HIGH + (series + twos * LOG_2_LOW))


def _exp(x: Floats) -> Floats:
    x = np.clip(x, -746.0, 710.0)
    twos = np.rint(x / math.log(2.0))
    rest = (x - twos * LOG_2_HIGH) - twos * LOG_2_LOW
    series = _polynomial(rest, [1.0 / math.factorial(k) for k in range(16)])
    with np.errstate(over="ignore"):
        return np.ldexp(series, twos.astype(np.int64))


def _polynomial(x: Floats, factors: list[float]) -> Floats:
    total = np.full_like(x, factors[-1])
    for factor in reversed(factors[:-1]):
        total = total * x + factor
    return total
