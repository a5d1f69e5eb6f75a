"""Layers whose numbers are put side by side for the first layer with weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.tracing.step import LayerTrace
from chainrule.training import TracedNode

__all__ = ["joining_of"]


def joining_of(
    layers: Sequence[LayerTrace], nodes: Mapping[int, TracedNode], rows: int
) -> dict[int, tuple[int, int]]:
    """For each such layer the place of the one with weights, and its own first column there."""
    place = next((place for place, one in enumerate(layers) if one.place == 0), None)
    if place is None:
        return {}
    ends = {one.nodes[-1].number: k for k, one in enumerate(layers[:place]) if one.nodes}
    first = layers[place].nodes[0]
    found, start = {}, 0
    for number in first.operands if first.operation == "concatenate" else first.operands[:1]:
        value = nodes[number].value
        if value is None:
            return {}
        if number in ends:
            found[ends[number]] = place, start
        start += value.size // rows
    return found
