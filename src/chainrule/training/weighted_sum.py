"""The weighted sum of a layer, in the graph of a network."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph import Node, ops

__all__ = ["weighted_sum"]


def weighted_sum(layer: str, own: Sequence[Node], alone: bool) -> tuple[Node | None, Node | None]:
    """What a layer's kernel is multiplied with, and the product with the bias added.

    own
        The nodes of the layer.
    alone
        Whether there is none where the layer uses its kernel, its bias or what they are
        multiplied with elsewhere too, so that not all derivatives come through the sum.
    """
    for node in own:
        if node.operation is ops.matmul and node.operands[1].name == f"{layer}/kernel":
            added = [
                one for one in own
                if one.operation is ops.add
                and one.operands[0] is node
                and one.operands[1].name == f"{layer}/bias"
            ]  # fmt: skip
            x, z = node.operands[0], added[0] if added else node
            inside = {node.number, z.number}
            parts = {x.number, *(one.number for both in (node, z) for one in both.operands)}
            users = [one for one in own if parts & {below.number for below in one.operands}]
            beside = any(one.number not in inside for one in users)
            return (None, None) if alone and beside else (x, z)
    return None, None
