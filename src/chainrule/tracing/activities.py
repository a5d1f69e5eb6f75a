"""What penalties on activities add to the derivatives of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph import grad, variable
from chainrule.layers import Stack, find_regularizer
from chainrule.tracing.step import LayerTrace, StepTrace

__all__ = ["activity_rule", "activity_slopes"]

Array = np.ndarray[Any, np.dtype[Any]]
Pair = tuple[Array, Array | None]


def activity_rule(trace: StepTrace, layer: LayerTrace) -> Any:
    """The penalty on what a layer gives; None without one."""
    network = trace.trainer.network
    if not isinstance(network, Stack) or layer.name not in network.names:
        return None
    described = network.layers[network.names.index(layer.name)]
    return find_regularizer(described.activity_regularizer)


def activity_slopes(trace: StepTrace, layers: Sequence[LayerTrace]) -> list[Pair]:
    """For each layer the derivative of the penalties by what it gives, and by its sums.

    What is left of the loss reported without the rows' own losses has lost digits; it stands only
    where the penalties' own rules do not come to it.
    """
    found: list[Pair] = []
    following: LayerTrace | None = None
    for layer in reversed(layers):
        numbers = layer.numbers
        left = _left(trace, numbers.upstream, numbers.upstream_reported)
        by_a = _nearer(_by_rules(trace, layer, following, found), left, numbers.upstream_reported)
        by_z = None
        if numbers.z is not None:
            left = _left(trace, numbers.delta, numbers.reported)
            through = None if numbers.slope is None else by_a * _flat(trace, numbers.slope)
            by_z = _nearer(through, left, numbers.reported)
        found.insert(0, (by_a, by_z))
        following = layer
    return found


def _flat(trace: StepTrace, array: Any) -> Array:
    return np.asarray(array, np.float64).reshape(trace.rows, -1)


def _left(trace: StepTrace, own: Any, reported: Any) -> Array:
    shares = np.zeros(trace.rows) if trace.row_shares is None else trace.row_shares
    return _flat(trace, reported) - shares[:, None] * _flat(trace, own)


def _by_rules(
    trace: StepTrace, layer: LayerTrace, following: LayerTrace | None, found: list[Pair]
) -> Array | None:
    """The layer's own penalty, and those behind the weights, or the moves, of the next layer."""
    rule = activity_rule(trace, layer)
    a = _flat(trace, layer.numbers.a)
    slopes = np.zeros_like(a)
    if rule is not None:
        node = variable(a)
        slopes = np.asarray(grad(rule(node), node).array) / trace.rows
    if following is None:
        return slopes
    by_a, by_z = found[0]
    if by_z is None or following.kernel is None:
        slope = following.numbers.slope
        behind = by_a if slope is None else by_a * _flat(trace, slope)
    else:
        kernel = following.kernel.before.astype(np.float64)
        behind = _flat(trace, by_z.reshape(-1, kernel.shape[1]) @ kernel.T)
    return slopes + behind if behind.shape == slopes.shape else None


def _nearer(exact: Array | None, left: Array, reported: Any) -> Array:
    """What rules say, where it is what is left."""
    rounding = 1e-5 * float(np.abs(reported).max(initial=0.0))
    if exact is None or not np.allclose(exact, left, 1e-4, rounding):
        return left
    return exact
