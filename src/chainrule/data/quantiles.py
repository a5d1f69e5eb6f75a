"""The range of a number, cut into parts that hold about as many training rows each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["positions", "quantile_edges"]


def quantile_edges(values: NDArray[Any], bins: int) -> tuple[float, ...]:
    """Some of the values, in order, so that about as many rows lie between any two neighbors.

    A value that very many rows share counts as many as one part holds, so that the rest of the
    parts go to the other values; where it is the smallest there is one part fewer. All values
    where they are `bins` + 1 at most; nothing where they are fewer than 3, for a range of one part
    is the number itself. The order of rows does not matter.

    >>> quantile_edges(np.array([0.0] * 90 + [1.0, 2.0, 4.0, 7.0, 9.0, 30.0]), 4)
    (0.0, 2.0, 7.0, 30.0)
    """
    values = np.asarray(values, dtype=np.float64) + 0.0  # no -0.0, which would depend on order
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 3 or bins < 2:
        return ()
    if len(distinct) > bins + 1:
        reached = np.cumsum(np.minimum(counts, _share(counts, bins)))
        inner = np.searchsorted(reached, reached[-1] * np.arange(1, bins) / bins)
        distinct = np.unique(distinct[[0, *inner, -1]])
    return tuple(distinct.tolist())


def _share(counts: NDArray[Any], bins: int) -> float:
    """Rows of a part, where a value of more rows than that counts as one part."""
    rest, heavy = int(counts.sum()), 0
    for count in np.sort(counts)[::-1].tolist():
        if count * (bins - heavy) <= rest:
            break
        rest -= count
        heavy += 1
    return rest / (bins - heavy)


def positions(values: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part that each value lies in, from 0, and how far into it.

    >>> positions(np.array([-5.0, 3.0, 4.0, 99.0]), np.array([0.0, 2.0, 4.0]))
    array([0. , 1.5, 2. , 2. ])
    """
    found: NDArray[np.float64] = np.interp(values, edges, np.arange(len(edges)))
    return np.clip(found, 0, len(edges) - 1)
