"""Where each parameter lies in the flat array of all parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from chainrule.graph.node import Node

__all__ = ["Segment", "segments"]


@dataclass(frozen=True)
class Segment:
    """One parameter's place: `flat[start:stop].reshape(shape)`."""

    name: str
    start: int
    stop: int
    shape: tuple[int, ...]
    trainable: bool


def segments(parameters: Iterable[Node]) -> tuple[Segment, ...]:
    """The segment table of parameters, in their order, without gaps."""
    table: list[Segment] = []
    start = 0
    for node in parameters:
        shape = tuple(int(size) for size in node.shape)  # type: ignore[arg-type]
        stop = start + math.prod(shape)
        table.append(Segment(node.name or "", start, stop, shape, node.role == "parameter"))
        start = stop
    return tuple(table)
