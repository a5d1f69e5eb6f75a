"""Where a step puts numbers of several rows together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.graph import FIRST, UNKNOWN, Node, RowPlace, Rows, reachable, row_place

__all__ = ["RowMixing", "in_rows", "row_axes", "row_mixing"]

Places = dict[int, RowPlace | None]
"""Where rows stand, by the numbers of nodes."""


@dataclass(frozen=True)
class RowMixing:
    """Where a row's numbers are made of those of other rows.

    layers
        The names of the layers that give in a row what depends on other rows.
    loss
        Whether a row's own loss depends on what the network gives for other rows.
    targets
        Whether a row counts with the target of another row too, as mixed rows do.
    unknown
        The names of those `layers` of which that is not known: they have an operation of the
        user's own whose gradient rule does not tell.
    """

    layers: frozenset[str]
    loss: bool
    targets: bool
    unknown: frozenset[str] = frozenset()


def in_rows(node: Node) -> bool:
    """Whether a node has an entry a row and no further axis that follows the rows."""
    return node.shape[:1] == (Rows(),) and not any(isinstance(n, Rows) for n in node.shape[1:])


def row_axes(order: Sequence[Node], ends: Mapping[str, Node]) -> dict[int, int]:
    """By the numbers of nodes the axis with an entry for each row, made of that row alone.

    order, ends
        All nodes, operands first; what each layer gives, of which each row is taken for its own.
    """
    made, _ = _through_layers(order, ends)
    places = ((node, made[node.number]) for node in order)
    return {
        node.number: place.axis for node, place in places
        if place is not None and place.axis >= 0 and node.shape[place.axis] == Rows()
    }  # fmt: skip


def row_mixing(ends: Mapping[str, Node], row_losses: Node, *, targets: bool) -> RowMixing:
    """Where rows mix in what layers give and in each row's own loss.

    ends
        What each layer gives, by its name, in their order.
    """
    made, taken = _through_layers(reachable(ends.values()), ends)
    found: dict[int, str] = {}
    for name, a in ends.items():  # several may give the same
        if made[a.number] not in (None, FIRST):
            found.setdefault(a.number, name)
    unknown = {name for number, name in found.items() if made[number] == UNKNOWN}
    loss = _of_losses(row_losses, taken)
    return RowMixing(
        frozenset(found.values()), loss not in (None, FIRST), targets, frozenset(unknown)
    )


def _through_layers(order: Sequence[Node], ends: Mapping[str, Node]) -> tuple[Places, Places]:
    """Where rows stand in nodes as they are made, and as what follows takes them.

    They differ in what a layer gives that mixes rows: what follows has rows of its own again.
    """
    made: Places = {}
    taken: Places = {}
    closed = {node.number for node in ends.values()}
    for node in order:
        given = node.role == "input" and node.shape[:1] == (Rows(),)
        place = FIRST if given else row_place(node, [taken[one.number] for one in node.operands])
        made[node.number] = place
        taken[node.number] = _own(node, place) if node.number in closed else place
    return made, taken


def _of_losses(row_losses: Node, layers: Places) -> RowPlace | None:
    """Where rows stand in the rows' own losses, as far as what layers give has them."""
    found: Places = {}
    for node in reachable([row_losses]):
        if node.number in layers:  # a loss may take what the last layer makes its outputs of
            found[node.number] = _own(node, layers[node.number])
        else:
            found[node.number] = row_place(node, [found[one.number] for one in node.operands])
    return found[row_losses.number]


def _own(node: Node, place: RowPlace | None) -> RowPlace | None:
    """Where rows stand in a node if each of its rows is taken for made of that row alone."""
    return FIRST if place is not None and in_rows(node) else place
