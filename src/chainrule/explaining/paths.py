"""Slopes summed along straight lines, cut finer where networks have kinks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.explaining.slopes import Slopes

__all__ = ["summed_slopes"]

Array = np.ndarray[Any, np.dtype[Any]]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)
FIRST = 8
"""Pieces that a line begins with."""
BLOCK = 2048


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Pieces of lines: whose, from where to where, the answers there, and what was summed."""

    row: Array
    low: Array
    high: Array
    at_low: Array
    at_high: Array
    made: Array

    @property
    def error(self) -> Array:
        """By how much the sum misses the change in the answer, which is known."""
        missed: Array = self.made.sum(axis=1) - (self.at_high - self.at_low)
        return missed


def summed_slopes(
    slopes: Slopes, start: Array, ends: Array, output: int, *, tolerance: float, most: int,
    first: int = 0,
) -> Array:  # fmt: skip
    """What each column adds on the straight line from a start to each end: (ends, columns).

    It is the integral of slope times direction, by Gauss's rule of 4 points on pieces of the line.
    On each piece the sum over columns is held against the difference of the answers at its ends;
    pieces with the largest errors are halved until the errors of a line add up to less than the
    tolerance, and so does three times the root of the sum of their squares.

    most
        Points at which slopes are taken for one row at most.
    first
        What a sentence calls the first row.

    Raises `SettingError` where that is not enough.
    """
    line = _Lines(slopes, start, ends - start, output)
    pieces = line.first()
    points = np.full(len(ends), FIRST * len(NODES))
    while True:
        missed = pieces.error
        together = np.abs(np.bincount(pieces.row, missed, minlength=len(ends)))
        each = 3 * np.sqrt(np.bincount(pieces.row, missed**2, minlength=len(ends)))
        errors = np.maximum(together, each)
        late = errors > tolerance
        if not late.any():
            break
        if (points[late] > most).any():
            row = int(np.flatnonzero(late & (points > most))[0])
            message = (
                f"integrated_gradients: row {first + row} (counted from 0) is {errors[row]:.2g} "
                f"off after {points[row]:,} points of its line, {tolerance:.2g} is allowed; give a "
                f"larger tolerance, or a larger most than {most:,}."
            )
            raise SettingError(message)
        count = np.bincount(pieces.row, minlength=len(ends))
        halved = late[pieces.row] & (np.abs(missed) > tolerance / (4 * np.sqrt(count[pieces.row])))
        points += 2 * len(NODES) * np.bincount(pieces.row[halved], minlength=len(ends))
        pieces = _joined(_chosen(pieces, ~halved), line.halves(_chosen(pieces, halved)))
    order = np.lexsort((pieces.low, pieces.row))
    total = np.zeros((len(ends), pieces.made.shape[1]))
    np.add.at(total, pieces.row[order], pieces.made[order])
    return total


class _Lines:
    """Straight lines from one start, as far as `along` says for each row."""

    def __init__(self, slopes: Slopes, start: Array, along: Array, output: int) -> None:
        self.slopes, self.start, self.along, self.output = slopes, start, along, output
        self.order = np.argsort(slopes.sources, kind="stable")
        self.firsts = np.searchsorted(
            slopes.sources[self.order], np.arange(slopes.sources.max() + 1)
        )

    def first(self) -> _Pieces:
        rows, edges = len(self.along), np.linspace(0.0, 1.0, FIRST + 1)
        answers = self._answers(np.repeat(np.arange(rows), FIRST + 1), np.tile(edges, rows))
        answers = answers.reshape(rows, FIRST + 1)
        return self._measured(
            np.repeat(np.arange(rows), FIRST), np.tile(edges[:-1], rows), np.tile(edges[1:], rows),
            answers[:, :-1].ravel(), answers[:, 1:].ravel(),
        )  # fmt: skip

    def halves(self, pieces: _Pieces) -> _Pieces:
        middle = (pieces.low + pieces.high) / 2
        between = self._answers(pieces.row, middle)
        return self._measured(
            np.tile(pieces.row, 2),
            np.concatenate([pieces.low, middle]), np.concatenate([middle, pieces.high]),
            np.concatenate([pieces.at_low, between]), np.concatenate([between, pieces.at_high]),
        )  # fmt: skip

    def _at(self, row: Array, share: Array) -> Array:
        place: Array = self.start + share[:, np.newaxis] * self.along[row]
        return place

    def _answers(self, row: Array, share: Array) -> Array:
        found: list[Array] = [
            self.slopes.answers(self._at(row[at : at + BLOCK], share[at : at + BLOCK]))
            for at in range(0, len(row), BLOCK)
        ]
        answers: Array = np.concatenate(found)[:, self.output]
        return answers

    def _measured(
        self, row: Array, low: Array, high: Array, at_low: Array, at_high: Array
    ) -> _Pieces:
        found = []
        for at in range(0, len(row), BLOCK):
            part = slice(at, at + BLOCK)
            found.append(self._summed(row[part], low[part], high[part]))
        return _Pieces(row, low, high, at_low, at_high, np.concatenate(found))

    def _summed(self, row: Array, low: Array, high: Array) -> Array:
        """The part of each column on pieces."""
        half = (high - low) / 2
        total: Any = 0.0
        for node, weight in zip(NODES, WEIGHTS, strict=True):
            slope = self.slopes.slopes(self._at(row, low + half * (1 + node)), self.output)
            total = total + weight * slope
        parts = (total * self.along[row])[:, self.order]
        summed: Array = np.add.reduceat(parts, self.firsts, axis=1) * half[:, np.newaxis]
        return summed


def _chosen(pieces: _Pieces, which: Array) -> _Pieces:
    return replace(pieces, **{name: part[which] for name, part in vars(pieces).items()})


def _joined(one: _Pieces, other: _Pieces) -> _Pieces:
    return replace(
        one,
        **{name: np.concatenate([part, vars(other)[name]]) for name, part in vars(one).items()},
    )
