"""The slope of what a layer gives, where each of its numbers is made of one number alone."""

from __future__ import annotations

from chainrule.graph import Node, gradients, reachable

__all__ = ["elementwise_slope"]


def elementwise_slope(a: Node, base: Node) -> Node | None:
    """da/dbase, where each element of `a` depends on its own element of `base` alone."""
    depends = {base.number}
    for node in reachable([a], base.number + 1):
        if any(one.number in depends for one in node.operands):
            depends.add(node.number)
            if node.operation is None or not node.operation.elementwise:
                return None
    if a.shape != base.shape or a.number not in depends:
        return None
    return gradients(a.sum(), [base])[0]
