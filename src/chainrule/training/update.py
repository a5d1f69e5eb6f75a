"""The update of a training step: the gradient clipped, the rule, and what parameters must keep."""

from __future__ import annotations

import math
from typing import Any

from chainrule.engine import Update
from chainrule.errors import SettingError, ShapeError
from chainrule.graph import Node, Segment, input_node, ops, variable
from chainrule.layers import Constraint, Parameters
from chainrule.optimizers import Optimizer

__all__ = ["clipped_gradient", "update_of"]


def update_of(optimizer: Optimizer, parameters: Parameters) -> Update:
    """What an optimizer does with the flat arrays of parameters, as nodes.

    Raises `SettingError` or `ShapeError` where an optimizer or a constraint of one's own does not
    give what it must.
    """
    count, dtype = parameters.trainable_count, parameters.dtype
    weight, gradient = (input_node(name, (count,), dtype) for name in ("weight", "gradient"))
    slots = tuple(input_node(name, (count,), dtype) for name in optimizer.slots)
    scalars = tuple(input_node(name, (), dtype) for name in optimizer.scalars)
    segments = [one for one in parameters.segments if one.trainable]
    clipped = _clipped(optimizer, gradient, segments)
    moved: Any = optimizer.update(weight, clipped, scalars, *slots)
    if not isinstance(moved, tuple | list) or len(moved) != 1 + len(slots):
        given = f"{len(moved)} values" if isinstance(moved, tuple | list) else type(moved).__name__
        message = (
            f"{type(optimizer).__name__}: update must give a tuple of the weight and {len(slots)} "
            f"slots, gave {given}."
        )
        raise SettingError(message)
    new_weight = _constrained(moved[0], segments, parameters)
    return Update(weight, gradient, slots, scalars, new_weight, tuple(moved[1:]))


def clipped_gradient(optimizer: Optimizer, gradient: Any, parameters: Parameters) -> Any:
    """The flat gradient as the optimizer's rule is given it: clipped, where it asks for that."""
    segments = [one for one in parameters.segments if one.trainable]
    return _clipped(optimizer, variable(gradient), segments).value


def _clipped(optimizer: Optimizer, gradient: Node, segments: list[Segment]) -> Node:
    """The gradient as the optimizer asks for it: unchanged bits where nothing is too large."""
    # clipped in another shape, it is no part of the rule's run, which engines know as it is
    column = clipped = gradient.reshape((gradient.shape[0], 1))
    if optimizer.clipvalue is not None:
        clipped = ops.minimum(ops.maximum(column, -optimizer.clipvalue), optimizer.clipvalue)
    elif optimizer.global_clipnorm is not None:
        clipped = _scaled_down(column, optimizer.global_clipnorm)
    elif optimizer.clipnorm is not None:
        parts = [_scaled_down(_part(column, one), optimizer.clipnorm) for one in segments]
        clipped = _joined(parts, column)
    return gradient if clipped is column else clipped.reshape(gradient.shape)


def _scaled_down(gradient: Node, most: float) -> Node:
    """A gradient whose norm is at most so much."""
    norm: Node = ops.norm(gradient)
    return gradient * (most / ops.maximum(norm, most))


def _constrained(weight: Node, segments: list[Segment], parameters: Parameters) -> Node:
    """The flat weight with what constraints make of their parameters."""
    wanted = {one.name: one.constraint for one in parameters.table if one.constraint is not None}
    parts: list[Node] = []
    start = 0
    for one in segments:
        if one.name in wanted:
            if start < one.start:
                parts.append(ops.narrow(weight, axis=0, start=start, stop=one.start))
            parts.append(_kept(wanted[one.name], _part(weight, one), one))
            start = one.stop
    if start == 0:
        return weight
    if start < weight.shape[0]:  # type: ignore[operator]
        parts.append(ops.narrow(weight, axis=0, start=start, stop=weight.shape[0]))
    return _joined(parts, weight)


def _kept(constraint: Constraint, flat: Node, segment: Segment) -> Node:
    given = flat.reshape(segment.shape)
    try:
        result: Any = constraint(given)
    except ShapeError as error:
        message = f"constraint {type(constraint).__name__} of {segment.name!r}: {error}"
        raise ShapeError(message) from error
    if not isinstance(result, Node) or (result.shape, result.dtype) != (given.shape, given.dtype):
        shown = f"shape {result.shape}" if isinstance(result, Node) else type(result).__name__
        message = (
            f"constraint {type(constraint).__name__} of {segment.name!r}: it must give a node of "
            f"the shape {given.shape} it is given, not {shown}."
        )
        raise ShapeError(message)
    return result.reshape((math.prod(segment.shape),))


def _part(flat: Node, segment: Segment) -> Node:
    if segment.stop - segment.start == flat.shape[0]:
        return flat
    part: Node = ops.narrow(flat, axis=0, start=segment.start, stop=segment.stop)
    return part


def _joined(parts: list[Node], whole: Node) -> Node:
    """Parts one after the other; the whole where there is none."""
    if not parts:
        return whole
    joined: Node = parts[0] if len(parts) == 1 else ops.concatenate(*parts, axis=0)
    return joined
