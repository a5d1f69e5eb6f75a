"""Shapley values of the games of rows against a background: sampled to an error, or exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from chainrule.engine import thread_count, threads_at_most
from chainrule.explaining.game import Game
from chainrule.explaining.orders import balanced_orders

__all__ = ["Ends", "exact_values", "sampled_values"]

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK_BYTES = 1 << 27
ROWS_A_TASK = 8
COALITIONS = 96
"""Networks are asked about so many for each row of the background, and more where they are many."""
FEWEST_COLUMNS = 4
"""Below which more orders bring nothing."""


@dataclass(frozen=True, eq=False)
class Ends:
    """What each part of a game answers to the rows and to the background: (parts, n, outputs)."""

    rows: Array
    background: Array

    @classmethod
    def of(cls, game: Game, rows: int, background: int, columns: int) -> Ends:
        """Asked of the game itself, so that sums of differences are exact."""
        every = np.arange(background)
        found_rows, found_background = [], []
        for part in range(game.parts):
            whole = game.prepared(part, np.ones((1, columns), bool), every[:1])

            def whole_row(row: int, part: int = part, whole: Any = whole) -> Array:
                value: Array = game.values(part, whole, row, every[:1])[0]
                return value

            found_rows.append(np.stack(in_parallel(whole_row, range(rows))))
            nothing = game.prepared(part, np.zeros((background, columns), bool), every)
            found_background.append(game.values(part, nothing, 0, every))
        return cls(np.stack(found_rows), np.stack(found_background))


def in_parallel(
    task: Callable[[int], Any], rows: Iterable[int],
    progress: Callable[[int, int], None] | None = None,
) -> list[Any]:  # fmt: skip
    """What a task gives for each row, in order; rows share the cores, and no bit depends on it.

    progress
        Is told how many rows of how many are done.
    """
    listed = list(rows)
    groups = [listed[at : at + ROWS_A_TASK] for at in range(0, len(listed), ROWS_A_TASK)]

    def run(group: list[int]) -> list[Any]:
        with threads_at_most(1):
            return [task(row) for row in group]

    found: list[Any] = []
    with ThreadPoolExecutor(min(thread_count(), max(1, len(groups)))) as pool:
        for group in pool.map(run, groups):
            found += group
            if progress is not None:
                progress(len(found), len(listed))
    return found


def sampled_values(
    game: Game, differs: Array, ends: Ends, *, seed: int, error: float, rounds: int
) -> tuple[Array, Array]:
    """Values (rows, columns, outputs) and the sampling error of each, a standard deviation.

    differs
        Where a row and a row of the background have different values: (rows, background,
        columns). Only these columns take part.
    error
        What the sampling error of every column should stay below.
    rounds
        How often each row of the background is gone through at most: once, and again where what
        came of its orders differs much, until the error is expected to be small enough.
    """
    size = differs[0].size * ends.rows.shape[2] * 16
    step = max(1, BLOCK_BYTES // max(1, size))
    sampler = _Sampler(game, ends, seed, rounds, differs.shape[1:])
    found = []
    for start in range(0, len(differs), step):
        block = range(start, min(start + step, len(differs)))
        found.append(sampler.values(block, differs[block.start : block.stop], error))
    return (
        np.concatenate([values for values, _ in found]),
        np.concatenate([errors for _, errors in found]),
    )


class _Sampler:
    """Goes through orders of columns, for blocks of rows."""

    def __init__(
        self, game: Game, ends: Ends, seed: int, rounds: int, shape: tuple[int, int]
    ) -> None:
        self.game, self.ends, self.rounds = game, ends, rounds
        self.background, self.columns = shape
        cost = max(self.columns, FEWEST_COLUMNS) * game.networks * game.parts
        self.chains = max(2, game.parts * (COALITIONS // cost or 1))
        count = self.chains * rounds
        self.orders = balanced_orders(self.columns, self.background, count, seed)
        each = 2 * self.columns * game.width * 4
        self.step = max(1, BLOCK_BYTES // each)

    def values(self, rows: range, differs: Array, error: float) -> tuple[Array, Array]:
        """Values of a block of rows and their errors."""
        outputs = self.ends.rows.shape[2]
        shape = (len(rows), self.background, self.columns, outputs)
        total, square = np.zeros(shape), np.zeros(shape)
        wanted = np.ones((len(rows), self.background), dtype=np.int64)
        for number in range(self.rounds):
            self._round(number, rows, differs & (wanted > number)[..., np.newaxis], total, square)
            if number == 0 and self.rounds > 1:
                first = [
                    rounds_needed(*self._spread(total[at], square[at], differs[at], self.chains),
                                  error, self.rounds)
                    for at in range(len(rows))
                ]  # fmt: skip
                wanted = np.stack(first)
        counts = (wanted * self.chains)[..., np.newaxis, np.newaxis]
        values = (total / counts).mean(axis=1)
        variances = [
            self._spread(total[at], square[at], differs[at], counts[at])[0].sum(axis=0)
            for at in range(len(rows))
        ]
        return values, np.sqrt(np.stack(variances)) / self.background

    def _spread(
        self, total: Array, square: Array, differs: Array, counts: Any
    ) -> tuple[Array, Array]:
        """The variance of each mean over orders, and how many columns take part.

        With two columns or fewer an order and its reverse leave no error.
        """
        players = differs.sum(axis=1)
        variance = (square - total**2 / counts) / (counts - 1) / counts
        variance[players <= 2] = 0.0
        return np.maximum(variance, 0.0), players

    def _round(self, number: int, rows: range, differs: Array, total: Array, square: Array) -> None:
        """Go through the orders of a round, and add what came of each."""
        for chain in range(self.chains):
            part = chain % self.game.parts
            orders = self.orders[:, number * self.chains + chain]
            for start in range(0, self.background, self.step):
                slice_ = slice(start, min(start + self.step, self.background))
                both = np.stack([orders[slice_], orders[slice_, ::-1]], axis=1)
                masks = _prefixes(both)
                others = np.repeat(np.arange(slice_.start, slice_.stop), 2 * self.columns)
                ready = self.game.prepared(part, masks, others)

                def task(row: int, part: int = part, ready: Any = ready, both: Array = both,
                         slice_: slice = slice_) -> None:  # fmt: skip
                    at = row - rows.start
                    taking = differs[at, slice_]
                    if not taking.any():
                        return
                    made = self._walked(part, ready, row, both, taking, slice_)
                    total[at, slice_] += made
                    square[at, slice_] += made**2

                in_parallel(task, rows)

    def _walked(
        self, part: int, ready: Any, row: int, both: Array, taking: Array, slice_: slice
    ) -> Array:
        """The mean contribution of each column along orders and their reverses."""
        taken = np.take_along_axis(taking[:, np.newaxis], both, axis=2)
        place = taken.cumsum(axis=2)
        is_last = place == place[:, :, -1:]
        values = self.game.values(part, ready, row, np.flatnonzero(taken & ~is_last))
        at = np.flatnonzero(taken)
        last, first = is_last.ravel()[at], place.ravel()[at] == 1
        pair, way = at // (2 * self.columns), at // self.columns % 2
        after = np.empty((len(at), values.shape[1]))
        after[~last] = values
        after[last] = self.ends.rows[part, row]
        before = np.roll(after, 1, axis=0)
        before[first] = self.ends.background[part, slice_][pair[first]]
        made = np.zeros((2, len(both), self.columns, values.shape[1]))
        made[way, pair, both.ravel()[at]] = after - before
        mean: Array = (made[0] + made[1]) / 2
        return mean


def _prefixes(orders: Array) -> Array:
    """The coalitions along orders (rows, 2, columns), one after each step, in that order."""
    columns = orders.shape[2]
    places = np.argsort(orders, axis=2)
    steps = np.arange(columns)[:, np.newaxis]
    masks: Array = (places[:, :, np.newaxis, :] <= steps).reshape(-1, columns)
    return masks


def rounds_needed(variance: Array, players: Array, error: float, most: int) -> Array:
    """How often to go through each row of the background: (background,).

    variance
        Of what one round gives for each row of the background: (background, columns, outputs).
    players
        How many columns take part there, which is what a round costs.

    Rows of the background with much variance for their cost get more rounds; columns and outputs
    with more variance count more.
    """
    rows = len(variance)
    by_column = variance.sum(axis=0)
    aimed = (error * rows) ** 2
    if by_column.max() <= aimed:
        return np.ones(rows, dtype=np.int64)
    density = np.sqrt((variance * by_column).sum(axis=(1, 2)) / np.maximum(players - 1, 1))
    density /= density.max()
    needed = np.ones(rows, dtype=np.int64)
    for factor in np.geomspace(1.0, 1e3, 40) * most:
        needed = np.clip(1 + np.floor(density * factor), 1, most).astype(np.int64)
        if (variance / needed[:, np.newaxis, np.newaxis]).sum(axis=0).max() <= aimed:
            break
    return needed


def exact_values(game: Game, differs: Array, ends: Ends) -> Array:
    """Values by going through all coalitions of the columns that differ."""
    rows, background, columns = differs.shape
    total = np.zeros((rows, columns, ends.rows.shape[2]))
    codes = np.arange(2**columns)
    masks = (codes[:, np.newaxis] >> np.arange(columns) & 1).astype(bool)
    for other in range(background):
        for part in range(game.parts):
            ready = game.prepared(part, masks, np.full(len(masks), other))
            base = ends.background[part, other]

            def task(row: int, part: int = part, ready: Any = ready, other: int = other,
                     base: Array = base) -> None:  # fmt: skip
                players = np.flatnonzero(differs[row, other])
                if not len(players):
                    return
                inside = np.arange(2 ** len(players))[:, np.newaxis] >> np.arange(len(players)) & 1
                order = (inside << players).sum(axis=1)
                between = game.values(part, ready, row, order[1:-1])
                values = np.concatenate(
                    [base[np.newaxis], between, ends.rows[part, row][np.newaxis]]
                )
                made = np.einsum("ip,po->io", shapley_weights(len(players)), values)
                total[row, players] += made / (background * game.parts)

            in_parallel(task, range(rows))
    return total


@cache
def shapley_weights(players: int) -> Array:
    """What each coalition counts in the value of each player: (players, 2**players)."""
    codes = np.arange(2**players)
    inside = (codes >> np.arange(players)[:, np.newaxis] & 1).astype(bool)
    sizes = inside.sum(axis=0)
    ways = [math.factorial(s) * math.factorial(players - s - 1) for s in range(players)]
    share = np.array([*ways, 0]) / math.factorial(players)
    before = np.concatenate([[0.0], share])[sizes]
    weights: Array = np.where(inside, before, -share[sizes])
    return weights
