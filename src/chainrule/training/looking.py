"""A look at a network in training: what its layers give, and how the loss depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chainrule.training.arrays import Array
from chainrule.training.graphs import ACTIVITY, SLOPE
from chainrule.training.intake import Data

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["Look", "look"]


class Look(NamedTuple):
    """What one batch of rows shows of a network.

    loss
        With penalties, as in training.
    activities, slopes
        By layer, without the last one: its result, and the derivative of the loss with respect to
        that, an entry a row. Both are empty where a network is not `Layered`. A last layer that
        ends in a ReLU has an activity too.
    gradient
        The flat gradient of the parameters.
    """

    loss: float
    activities: dict[str, Array]
    slopes: dict[str, Array]
    gradient: Array


def look(trainer: Trainer, data: Data) -> Look:
    """Look at rows as one batch, computed as training would, with the next step's random numbers.

    It changes nothing.
    """
    found, gradient = trainer.task.program("look", data.variant).gradient(
        data.arrays, trainer.parameters.flat, seed=trainer.seed, step=trainer.iterations
    )
    return Look(float(found["loss"]), _named(found, ACTIVITY), _named(found, SLOPE), gradient)


def _named(found: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {
        name.removeprefix(prefix): array for name, array in found.items() if name.startswith(prefix)
    }
