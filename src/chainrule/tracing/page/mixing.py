"""Where the page of a network finds in which shares rows are mixed."""

from __future__ import annotations

from chainrule.engine import Tape
from chainrule.tracing.step import LayerTrace

__all__ = ["shares_of"]


def shares_of(layer: LayerTrace, tape: Tape, given: int | None) -> int | None:
    """The share that each row has of itself where a layer mixes rows; None of other layers.

    given
        What the layer gives: share * x + (1 - share) * partner.
    """
    if layer.kind != "Mixup":
        return None
    made = {one.results[0]: one for one in tape.instructions}
    own = made[given].operands[0] if given in made else None
    return made[own].operands[0] if own in made else None
