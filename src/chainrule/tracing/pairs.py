"""Pairs that are stable only together, taken apart: what a book multiplies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph import Node, gradients, ops, variable

__all__ = ["Parts", "is_pair", "pair_nodes", "parts_of"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Parts:
    """A pair's parts, and what the chain rule makes of them.

    link
        "sigmoid" or "softmax".
    p
        What the link makes of the logits.
    by_p
        The derivative of the sum of all losses with respect to p, of the plain formula
        -t log(p) - (1 - t) log(1 - p), or -sum t log(p).
    by_logit
        dp/dz: element by element for a sigmoid; for a softmax dp_k/dz_j, shape (..., k, j).
    product
        Of both: the derivative with respect to the logits; not finite where p is 0 or 1 by
        rounding, which is why training computes the pair as one.
    delta
        What the pair itself gives.
    """

    link: str
    p: Array
    by_p: Array
    by_logit: Array
    product: Array
    delta: Array


def is_pair(operation: str) -> bool:
    """Whether an operation is such a pair."""
    return operation in ("sigmoid_cross_entropy", "softmax_cross_entropy")


def parts_of(operation: str, logits: Array, targets: Array) -> Parts:
    """The parts of a pair on logits, each derivative by the graph.

    >>> parts = parts_of("sigmoid_cross_entropy", np.array([0.0]), np.array([1.0]))
    >>> parts.by_p, parts.by_logit, parts.product, parts.delta
    (array([-2.]), array([0.25]), array([-0.5]), array([-0.5]))
    """
    logit, target = variable(logits), variable(targets.astype(logits.dtype))
    with np.errstate(all="ignore"):
        p, by_p, slopes, delta = (_values(one) for one in pair_nodes(operation, logit, target))
        if operation == "softmax_cross_entropy":
            by_logit = np.stack(slopes, axis=-2)
            product = np.einsum("...k,...kj->...j", by_p[0], by_logit)
            return Parts("softmax", p[0], by_p[0], by_logit, product, delta[0])
        return Parts("sigmoid", p[0], by_p[0], slopes[0], by_p[0] * slopes[0], delta[0])


def pair_nodes(operation: str, logit: Node, target: Node) -> tuple[list[Node], ...]:
    """What `Parts` is made of, each as a list of nodes: p, by_p, by_logit, delta.

    by_logit has one node, of a softmax one for each class k: dp_k/dz_j, shape (..., j).
    """
    softmax = operation == "softmax_cross_entropy"
    pair = (ops.softmax_cross_entropy if softmax else ops.sigmoid_cross_entropy)(logit, target)
    p = (ops.softmax if softmax else ops.sigmoid)(logit)
    loss = -(target * ops.log(p))
    if not softmax:
        loss = loss - (1.0 - target) * ops.log(1.0 - p)
    classes = p.shape[-1] if softmax else 0
    slopes = [gradients(_one(p, k), [logit])[0] for k in range(classes)]  # type: ignore[arg-type]
    return (
        [p], gradients(loss.sum(), [p]), slopes or gradients(p.sum(), [logit]),
        gradients(pair.sum(), [logit]),
    )  # fmt: skip


def _values(nodes: list[Node]) -> list[Array]:
    return [np.asarray(node.array) for node in nodes]


def _one(p: Node, k: int) -> Node:
    """The sum of one class's probabilities over all rows."""
    taken: Node = ops.narrow(p, axis=len(p.shape) - 1, start=k, stop=k + 1)
    return taken.sum()
