"""The gradient that training follows, held against the slopes of the loss that it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import random
from chainrule.graph import STEPS, largest_error, measured_slope
from chainrule.settings import check_count, check_number

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["check_gradient"]

Array = np.ndarray[Any, np.dtype[Any]]


def check_gradient(
    trainer: Trainer, x: Any, y: Any, sample_weight: Any, rtol: float, most: int
) -> float:
    """The largest relative error of a float64 trainer's gradient against central differences."""
    check_number("check_gradient", "rtol", rtol, "above 0", lambda tolerance: tolerance > 0)
    check_count("check_gradient", "most", most)
    loss, gradient = trainer.gradient(x, y, sample_weight)
    flat = trainer.parameters.flat

    def slope(place: int) -> tuple[float, float, float]:
        kept = float(flat[place])

        def moved(offset: float) -> float:
            flat[place] = kept + offset
            return trainer.gradient(x, y, sample_weight)[0]

        slopes = measured_slope(moved, kept, loss)
        for step in STEPS[1:]:
            if abs(slopes[0] - gradient[place]) <= rtol * abs(slopes[0]):
                break
            # one row's kink, such as 0 of a ReLU, may be nearer than the step, on one side
            near = measured_slope(moved, kept, loss, step)
            best = min((*near, slopes[0]), key=lambda one: abs(one - gradient[place]))
            slopes = (best, *slopes[1:])
        flat[place] = kept
        return slopes

    worst = 0.0
    for number, segment in enumerate(one for one in trainer.parameters.segments if one.trainable):
        places = _places(number, segment.stop - segment.start, most)
        slopes = np.array([slope(segment.start + place) for place in places])
        exact = gradient[segment.start : segment.stop][places]
        names = [np.unravel_index(place, segment.shape) for place in places]
        shown = [f"{segment.name}[{', '.join(str(int(i)) for i in name)}]" for name in names]
        worst = max(worst, largest_error(shown, exact, slopes, rtol, 1e-6 * abs(loss)))
    return worst


def _places(number: int, count: int, most: int) -> Array:
    """The numbers of a parameter that are looked at: all, or some drawn by chance."""
    if count <= most:
        return np.arange(count)
    return np.sort(random.permutation(0, number, 0, count)[:most])
