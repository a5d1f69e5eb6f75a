"""The weighted sum of a layer, in the graph of a network."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph import Node, ops

__all__ = ["LINKS", "weighted_sum"]

LINKS = ("relu", "sigmoid", "softmax", "softplus", "tanh")
"""Operations that are activations of their own."""


def weighted_sum(layer: str, own: Sequence[Node], alone: bool) -> tuple[Node | None, Node | None]:
    """What a layer's kernel is multiplied with, and the product with the bias added.

    own
        The nodes of the layer; the last is what it gives.
    alone
        Whether there is none where the layer does anything else than an activation of the sum:
        then its numbers and derivatives do not all come through the sum.
    """
    kernel, bias = (f"{layer}/{name}" for name in ("kernel", "bias"))
    for node in own:
        if node.operation is ops.matmul and node.operands[1].name == kernel:
            added = [
                one for one in own
                if one.operation is ops.add
                and one.operands[0] is node
                and one.operands[1].name == bias
                and one.operands[1].shape == node.shape[-1:]
            ]  # fmt: skip
            x, z = node.operands[0], added[0] if added else node
            if alone and not _is_all(own, x, {node.number, z.number}, z, (kernel, bias)):
                return None, None
            return x, z
    return None, None


def _is_all(
    own: Sequence[Node], x: Node, inside: set[int], z: Node, parameters: Sequence[str]
) -> bool:
    """Whether a layer gives a sum z of what it is given, or an activation of it."""
    for one in own:
        apart = one.number not in inside
        if one is x and one.operation is not None:
            return False
        if apart and any(below is x or below.name in parameters for below in one.operands):
            return False
    a = own[-1]
    link = a.operation is not None and a.operation.name in LINKS
    return a is z or (link and len(a.operands) == 1 and a.operands[0] is z)
