"""Orders of columns to sample Shapley values by, balanced so that errors average out."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from chainrule import random

__all__ = ["balanced_orders"]

Array = np.ndarray[Any, np.dtype[Any]]

CANDIDATES = 64
MOST_TRIPLES = 2000
STREAM = 5


def balanced_orders(columns: int, rows: int, count: int, seed: int) -> Array:
    """So many orders of the columns for each row of a background: (rows, count, columns).

    An order is used with its reverse, which is exact for games without interactions of three
    columns or more. An interaction of three is exact where each of them is the middle one equally
    often; so each order is the one of 64 drawn ones that balances the middles of all triples best.
    These are the same for each row but for the names of columns, which are drawn anew.
    """
    pattern = _pattern(columns, count, seed)
    names = random.permutations(seed, STREAM + 1, 0, rows, columns).reshape(rows, columns)
    return names[:, pattern]


def _pattern(columns: int, count: int, seed: int) -> Array:
    drawn = random.permutations(seed, STREAM, 0, count * CANDIDATES, columns)
    candidates = drawn.reshape(count, CANDIDATES, columns)
    triples = _triples(columns)
    met = np.zeros((len(triples), 3), dtype=np.int64)
    every = np.arange(len(triples))
    chosen = np.empty((count, columns), dtype=np.int64)
    for number, listed in enumerate(candidates):
        middles = _middles(np.argsort(listed, axis=1), triples)
        best = int(met[every, middles].sum(axis=1).argmin())
        chosen[number] = listed[best]
        met[every, middles[best]] += 1
    return chosen


def _triples(columns: int) -> Array:
    """Three columns each, all of them or about 2,000 spread over them."""
    found = np.array(list(combinations(range(min(columns, 100)), 3)), dtype=np.int64).reshape(-1, 3)
    return found[:: max(1, len(found) // MOST_TRIPLES)]


def _middles(places: Array, triples: Array) -> Array:
    """Which of the three of each triple stands between the others: (orders, triples)."""
    first, second, third = (places[:, triples[:, one]] for one in range(3))
    is_first = (first < second) != (first < third)
    is_second = (second < first) != (second < third)
    return np.where(is_first, 0, np.where(is_second, 1, 2))
