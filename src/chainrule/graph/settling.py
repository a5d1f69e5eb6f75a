"""Slopes measured from values, by steps that are shortened until the slopes settle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["SETTLED", "Slopes", "settled_slope", "slopes_over"]

SHARES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
"""Lengths of steps, as shares of the larger of 1 and the point."""
NEAR_ZERO, OWN_SHARES = 1e-5, (1e-3, 1e-4, 1e-5, 1e-6)
"""Points so near to 0 are moved by shares of themselves too, where none of the others serves."""
SETTLED = 1e-5
"""How far slopes at a smooth point differ at most, as a share of the larger."""
KINK = 1e-3
"""How far a slope on one side changes at most with the step where a kink is told, as a share of
how far both sides differ."""
CLEAR = 0.1
"""How much of a difference of slopes may be rounding where something is told from it."""
ROUNDINGS = 100
"""How many roundings of a value, and of the point it is taken at, count as rounding alone."""
UNSEEN, GROWN = 1e4, 10
"""How much more rounding values may have by what cancels inside of them, unseen; and how much more
it parts the slopes of the shortest step: as much as the step is shorter, where it is rounding."""
EPSILON = 2.0**-52


class Slopes(NamedTuple):
    """What was measured at a point.

    central
        The central difference; NaN where no step has finite values.
    below, above
        The slopes on both sides; they differ at a kink alone, elsewhere both are the first.
    rounding
        How far rounding may move them.
    """

    central: float
    below: float
    above: float
    rounding: float


def slopes_over(values: Sequence[float], length: float) -> tuple[float, float, float]:
    """Central difference of fourth order, and those of second order below and above a point.

    values
        Of the function at the point; one step after, one before, two after, two before it.
    length
        The step's.
    """
    here, after, before, far_after, far_before = values
    return (
        (8 * (after - before) - (far_after - far_before)) / (12 * length),
        (3 * here - 4 * before + far_before) / (2 * length),
        (4 * after - far_after - 3 * here) / (2 * length),
    )


def settled_slope(
    value: Callable[[float], float], at: float, here: float, added: float = 0.0
) -> Slopes:
    """The slopes by the longest step that serves; all in float64.

    value, at, here
        The function's value when the point is moved by a distance; the point; the value there.
    added
        How large the numbers are that the value is added up of, where they may cancel: rounding
        is a share of them.

    A step serves where the central difference and the slopes on both sides differ by no more than
    rounding makes them. A step with a value that is not finite never does. Where none serves, the
    point is a kink if the slope of each side stays the same as steps become shorter.
    """
    found: list[Slopes] = []
    for length, share in _lengths(at) if math.isfinite(here) else ():
        values = [here, *(value(offset * length) for offset in (1, -1, 2, -2))]
        one = Slopes(*slopes_over(values, length), _rounding(values, added, length, share))
        if not all(map(math.isfinite, (*values, *one))):
            continue
        if found and one.rounding > _spread(found[-1]):
            break  # a shorter step tells of rounding alone
        if _spread(one) <= _tolerance(one):
            return _smooth(one, one.central)
        found.append(one)
    return _unsettled(found)


def _lengths(at: float) -> Iterator[tuple[float, float]]:
    """The steps, each with the share of the point, or of 1, that it is."""
    if not math.isfinite(at):
        return
    for share in SHARES:
        yield share * max(1.0, abs(at)), share
    for share in OWN_SHARES:
        if 0 < abs(at) < NEAR_ZERO and share * abs(at) < SHARES[-1]:
            yield share * abs(at), share


def _rounding(values: Sequence[float], added: float, length: float, share: float) -> float:
    """How far rounding may part slopes that are measured by these values."""
    # a rounding of the point, a share of what the step is a share of, moves the value by the
    # spread of the values over that share
    size = max(added, *map(abs, values)) + (max(values) - min(values)) / share
    return ROUNDINGS * EPSILON * size / length


def _unsettled(found: Sequence[Slopes]) -> Slopes:
    """What is told of a point for which no step served."""
    if not found:
        return Slopes(math.nan, math.nan, math.nan, math.nan)
    clear = [one for one in found if one.rounding <= CLEAR * _spread(one)]
    pairs = list(pairwise(clear))
    if pairs and _drift(*pairs[-1]) <= KINK * _gap(pairs[-1][1]) + pairs[-1][1].rounding:
        best, _ = min(pairs, key=lambda pair: _drift(*pair) + pair[0].rounding)
        if _gap(best) > _tolerance(best):
            below, above = (0.0 if abs(one) <= best.rounding else one for one in best[1:3])
            return best._replace(below=below, above=above)
        return _smooth(best, (best.below + best.above) / 2)
    best, last = min(found, key=_spread), found[-1]
    if GROWN * _spread(best) < _spread(last) <= UNSEEN * last.rounding:
        unseen = max(_spread(one) / one.rounding for one in found if one.rounding > 0)
        best = best._replace(rounding=unseen * best.rounding)
    return _smooth(best, best.central)


def _smooth(one: Slopes, slope: float) -> Slopes:
    return Slopes(slope, slope, slope, one.rounding)


def _tolerance(one: Slopes) -> float:
    return max(SETTLED * max(abs(one.below), abs(one.above)), one.rounding)


def _gap(one: Slopes) -> float:
    return abs(one.above - one.below)


def _spread(one: Slopes) -> float:
    return max(one[:3]) - min(one[:3])


def _drift(longer: Slopes, shorter: Slopes) -> float:
    """How far the slopes on both sides change with the step."""
    return abs(longer.below - shorter.below) + abs(longer.above - shorter.above)
