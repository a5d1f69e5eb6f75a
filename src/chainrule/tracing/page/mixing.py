"""What the page of a network says of rows that mix, and where it finds in which shares."""

from __future__ import annotations

from chainrule.engine import Tape
from chainrule.tracing.step import LayerTrace
from chainrule.tracing.view import View

__all__ = ["mixing_words", "shares_of"]


def mixing_words(view: View) -> str:
    """What mixes rows, as a clause; empty where nothing does."""
    unknown = {*view.trace.mixing.unknown}
    mixing = [layer.name for layer, one in zip(view.layers, view.mixing, strict=True) if one]
    sure, unsure = bool({*mixing} - unknown), bool({*mixing} & unknown)
    return view.mixers(["a layer"] * sure, ["another" if sure else "a layer"] * unsure)


def shares_of(layer: LayerTrace, tape: Tape, given: int | None) -> int | None:
    """The share that each row has of itself where a layer mixes rows; None of other layers.

    given
        What the layer gives: share * x + (1 - share) * partner.
    """
    if not layer.is_a("Mixup"):
        return None
    made = {one.results[0]: one for one in tape.instructions}
    own = made[given].operands[0] if given in made else None
    return made[own].operands[0] if own in made else None
