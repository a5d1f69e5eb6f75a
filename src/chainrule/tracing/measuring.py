"""Slopes of expressions and networks, measured in float64 whatever they are computed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph import Node, Slopes, constant, gradients, settled_slope
from chainrule.training import Data, Trainer

__all__ = ["Wide", "slopes_of_weight", "widened"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Wide:
    """An expression again in float64.

    nodes, slopes
        Its nodes, operands before what uses them; the derivative of the last by those that have
        one, by their places.
    added
        How large the numbers are that it is added up of: each rounding of a node moves the result
        by a share of the node times its derivative.
    """

    nodes: tuple[Node, ...]
    slopes: Mapping[int, Array]
    added: float

    @classmethod
    def of(cls, nodes: Sequence[Node], moving: Sequence[int]) -> Wide:
        """The expression of such nodes, of which those at some places have a derivative."""
        with np.errstate(all="ignore"):
            twins: dict[int, Node] = {}
            for node in nodes:
                twins[node.number] = widened(node, [twins[one.number] for one in node.operands])
            made = tuple(twins.values())
            found = gradients(made[-1], [made[place] for place in moving])
            slopes = {place: _array(one) for place, one in zip(moving, found, strict=True)}
            shares = [np.abs(_array(made[place]) * slope) for place, slope in slopes.items()]
            added = sum(float(share[np.isfinite(share)].sum()) for share in shares)
        return cls(made, slopes, added)

    def slopes_at(self, place: int, index: tuple[int, ...], exact: float | None) -> Slopes:
        """What is measured by one number of a leaf.

        place, index
            Which node, and the place of the number in it.
        exact
            Its derivative as computed, if any: how far that is from the one in float64 is
            rounding too.
        """
        leaf = self.nodes[place]
        at = float(_array(leaf)[index])

        def moved(offset: float) -> float:
            value = _array(leaf).copy()
            value[index] = at + offset
            return self._value(leaf, value)

        slopes = settled_slope(moved, at, moved(0.0), self.added)
        if exact is None:
            return slopes
        return _with_rounding(slopes, exact, float(self.slopes[place][index]))

    def _value(self, at: Node, value: Array) -> float:
        """The result where a leaf has another value, operation by operation."""
        found = {node.number: _array(node) for node in self.nodes} | {at.number: value}
        changed = {at.number}
        with np.errstate(all="ignore"):
            for node in self.nodes:
                if node.operation is not None and changed & {one.number for one in node.operands}:
                    operands = (found[one.number] for one in node.operands)
                    made = node.operation.meaning(*operands, **node.attributes)
                    found[node.number] = np.asarray(made)
                    changed.add(node.number)
        return float(found[self.nodes[-1].number])


def widened(node: Node, operands: Sequence[Node]) -> Node:
    """A node again in float64, made of such operands; whole numbers stay what they are."""
    if node.operation is None:
        array = _array(node)
        return constant(array.astype(np.float64)) if array.dtype.kind == "f" else node
    attributes = dict(node.attributes)
    if np.dtype(attributes.get("dtype", np.int64)).kind == "f":
        attributes["dtype"] = "float64"
    return node.operation(*operands, **attributes)


def _array(node: Node) -> Array:
    return np.asarray(node.array)


def slopes_of_weight(
    twin: Trainer, data: Data, name: str, index: tuple[int, ...], exact: float | None
) -> Slopes:
    """What is measured by one number of a parameter of a network in float64.

    twin, data
        The network, and its rows.
    name, index
        The parameter, and the place of the number in it.
    exact
        As `Wide.slopes_at` takes it.
    """
    view = twin.parameters[name]
    kept = float(view[index])

    def moved(offset: float) -> float:
        view[index] = kept + offset
        return twin.gradient_data(data)[0]

    try:
        here, gradient = twin.gradient_data(data)
        precise = float(twin.parameters.view(gradient, name)[index]) if exact is not None else 0.0
        slopes = settled_slope(moved, kept, here)
    finally:
        view[index] = kept
    return slopes if exact is None else _with_rounding(slopes, exact, precise)


def _with_rounding(slopes: Slopes, exact: float, precise: float) -> Slopes:
    """Slopes whose rounding is that of the derivative too, which may be computed in float32."""
    if not np.isfinite([exact, precise]).all():
        return slopes
    return slopes._replace(rounding=slopes.rounding + abs(exact - precise))
