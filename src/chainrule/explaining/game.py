"""What a model answers on the mean where only some columns of a row are known: the game of SHAP.

The value of a coalition of columns for a row x and a row b of the background is the answer to a
row with the columns of the coalition taken from x and all others from b.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from chainrule.explaining.pool import TablePool
from chainrule.explaining.scale import on_scale
from chainrule.explaining.subject import Subject
from chainrule.explaining.trunk import BATCH, Trunk, features

__all__ = ["AnyGame", "Game", "TableGame", "game_of"]

Array = np.ndarray[Any, np.dtype[Any]]


class Game(Protocol):
    """Values of coalitions; the answer is the mean over `parts`, which can be asked alone."""

    parts: int
    networks: int
    """How many are asked for the value of a coalition of a part."""
    width: int
    """Numbers in memory for each coalition that is prepared."""

    def prepared(self, part: int, masks: Array, background: Array) -> Any:
        """Coalitions (made, columns), each with a row of the background, ready to be asked."""

    def values(self, part: int, prepared: Any, row: int, order: Array) -> Array:
        """The values of those in `order` for a row: (order, outputs)."""


class AnyGame:
    """Coalitions as rows put together anew, which any model answers."""

    parts = 1
    networks = 96
    """As many as leave it at the fewest orders: what an answer costs is not known."""

    def __init__(
        self, subject: Subject, background: Subject, scale: str, outputs: list[int]
    ) -> None:
        self.joined = subject.joined(background)
        self.first = subject.rows
        self.scale, self.outputs = scale, outputs
        self.width = len(subject.columns)

    def prepared(self, part: int, masks: Array, background: Array) -> Any:
        return masks, background

    def values(self, part: int, prepared: Any, row: int, order: Array) -> Array:
        masks, background = prepared
        other = self.first + background[order, np.newaxis]
        made = self.joined.recombined(np.where(masks[order], row, other))
        answers: Array = made.answers(self.scale)[:, self.outputs]
        return answers


class TableGame:
    """Coalitions in the networks of a table, as sums of the terms of columns.

    Where the answer is the mean of what networks say, each is a part, with coalitions of its own.
    """

    def __init__(
        self, subject: Subject, background: Subject, scale: str, outputs: list[int]
    ) -> None:
        pool: Any = subject.pool
        self.model = pool.model
        self.scale, self.outputs = scale, outputs
        tempered = any(one != 1.0 for one in self.model.temperatures)
        count = len(self.model.members)
        self.parts = 1 if tempered or scale == "logit" else count
        self.networks = count // self.parts
        self.trunks = [Trunk(self.model, member) for member in range(count)]
        self.programs = [trunk.program() for trunk in self.trunks]
        self.adder = self.trunks[0].adder()
        self.rows = self._terms(subject)
        self.others = self._terms(background)
        self.width = (self.trunks[0].units + len(subject.columns)) * self.networks

    def _terms(self, subject: Subject) -> list[Array]:
        pool: Any = subject.pool
        given = features(self.model, pool.recombined(subject.choice))
        return [trunk.terms(one) for trunk, one in zip(self.trunks, given, strict=True)]

    def _members(self, part: int) -> range:
        count = len(self.trunks)
        return range(part, part + 1) if self.parts > 1 else range(count)

    def prepared(self, part: int, masks: Array, background: Array) -> Any:
        found = []
        rows_of = [np.flatnonzero(background == one) for one in range(len(self.others[0]))]
        for member in self._members(part):
            trunk, terms = self.trunks[member], self.others[member]
            outside = (~masks).astype(trunk.bias.dtype)
            rest = np.tile(trunk.bias, (len(masks), 1))
            for row, which in enumerate(rows_of):
                if len(which):
                    flat = terms[row].ravel()
                    ran = self.adder.run({"kept": outside[which]}, flat, batch_size=BATCH)
                    rest[which] += ran.results["sums"]
            found.append({"kept": masks.astype(rest.dtype), "rest": rest})
        return found

    def values(self, part: int, prepared: Any, row: int, order: Array) -> Array:
        total: Any = 0.0
        members = self._members(part)
        for member, arrays in zip(members, prepared, strict=True):
            program, flat = self.programs[member]
            terms = self.rows[member][row]
            flat = np.concatenate([terms.ravel(), flat[terms.size :]])
            ran = program.run(arrays, flat, order=order, batch_size=BATCH)
            total = total + ran.results["output"].astype(np.float64)
        [answers] = self.model.answers_of([total / len(members)])
        answers = answers if answers.ndim == 2 else answers[:, np.newaxis]
        told: Array = on_scale(answers, self.scale)[:, self.outputs]
        return told


def game_of(subject: Subject, background: Subject, scale: str, outputs: list[int]) -> Game:
    """The game of a subject's rows against those of a background."""
    kind = TableGame if isinstance(subject.pool, TablePool) else AnyGame
    return kind(subject, background, scale, outputs)
