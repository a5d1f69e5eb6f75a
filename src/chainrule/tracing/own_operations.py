"""Operations of the user's own as equations, number by number of each row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from chainrule.tracing.equations import Entry, held
from chainrule.tracing.folding import left_out
from chainrule.tracing.formula import (
    Call,
    Expression,
    Number,
    Product,
    Quotient,
    Rest,
    Sum,
    Symbol,
    evaluate,
    minus,
    negated,
    product,
    total,
)
from chainrule.tracing.operations import slope_formula, together
from chainrule.tracing.own_formulas import (
    CONSTANT,
    MOVING,
    PASSING,
    SHARES,
    passed,
    share_slope,
    spelled,
)
from chainrule.tracing.own_places import (
    added,
    factors,
    is_product_told,
    made_of,
    uses_of_factor,
)
from chainrule.tracing.view import View, flat
from chainrule.training import TracedNode

__all__ = ["LETTERS", "OwnOperations", "free_letters"]

Array = np.ndarray[Any, np.dtype[Any]]

LETTERS = "qvukpcfy"
"""What operations are called, where no other name begins so."""


def free_letters(view: View) -> str:
    """The letters with which no other name of the trace begins."""
    notation = view.notation
    names = [notation.loss, notation.weight_pattern, notation.biases or ""]
    names += [name for units in view.names.units for name in units]
    names += [name for both in view.columns for one in both for name in one.names]
    used = {name[:1] for name in names}
    return "".join(letter for letter in LETTERS if letter not in used)


def _size(node: TracedNode) -> int:
    return int(np.asarray(node.value).size)


class OwnOperations(ABC):
    """The operations between what is given and an end, of which each row's numbers are told.

    sources
        The nodes of rows from which the operations go on.
    end
        The node of the last operation's numbers; None where there is none.
    steps
        Operations that do more than pass numbers on, in their order; the last is the end.
    in_rows
        Numbers of the nodes that have an entry a row; others are the same for all rows.
    moved
        Numbers of the nodes that depend on what has derivatives.
    reached
        Numbers of the operations from which a derivative comes back.
    letter
        What they are called by, each with its number in their order.
    """

    whose: str
    """Whose operations they are: "loss" or "layer"."""
    link: str = ""
    """The activation of the end that the loss computes together with itself."""

    def __init__(self, view: View, sources: Sequence[int], letter: str) -> None:
        self.view, self.sources, self.letter = view, frozenset(sources), letter
        self.nodes = {node.number: node for node in view.trace.nodes}
        self.end: TracedNode | None = None
        self.steps: list[TracedNode] = []
        self.in_rows, self.moved = {*sources}, {*sources}
        self.reached: set[int] = set()

    def _begin(self, end: TracedNode | None, moved: Sequence[int]) -> None:
        """Find the operations that lead to an end, and what of them depends on what is moved."""
        self.end = end
        self.steps = [] if end is None else self._steps(end)
        self.moved |= {*moved}
        for node in self.steps:
            below = {self._same(number).number for number in node.operands}
            if below & self.in_rows:
                self.in_rows.add(node.number)
            if self.moved & {self._same(number).number for number in passed(node)}:
                self.moved.add(node.number)
        wanted = set() if end is None else {end.number}
        for node in reversed(self.steps):
            if node.number in wanted & self.moved:
                self.reached.add(node.number)
                wanted |= {self._same(number).number for number in passed(node)}

    def _steps(self, end: TracedNode) -> list[TracedNode]:
        found, waiting = {}, [end]
        while waiting:
            node = waiting.pop()
            if node.operands and node.number not in self.sources and node.number not in found:
                found[node.number] = node
                waiting += [self._same(number) for number in node.operands]
        return [found[number] for number in sorted(found)]

    def _same(self, number: int) -> TracedNode:
        """The node whose numbers a node passes on: divided by 1, or each the sum of one."""
        node = self.nodes[number]
        while node.number not in self.sources and node.operands:
            below = [self.nodes[one] for one in node.operands]
            alone = node.operation == "sum" and _size(node) == _size(below[0])
            by_one = node.operation == "divide" and self._is_one(below[1])
            if node.operation not in PASSING and not alone and not by_one:
                break
            node = below[0]
        return node

    def _is_one(self, node: TracedNode) -> bool:
        return node.operation in CONSTANT and bool(np.all(node.value == np.array(1.0)))

    def _leaves(self, node: TracedNode) -> list[TracedNode]:
        """What an operation is given that is no operation's result."""
        return [one for one in map(self._same, node.operands) if not one.operands]

    def _keeps_rows(self, node: TracedNode) -> bool:
        """Whether a row's numbers are made of the same row's."""
        if not self._in_rows(node):
            return True
        if node.row_axis == 0 and node.operation == "matmul":
            given = [self._in_rows(self.nodes[number]) for number in node.operands]
            return is_product_told(self._shapes(node), given)
        return node.row_axis == 0

    def _in_rows(self, node: TracedNode) -> bool:
        return self._same(node.number).number in self.in_rows

    def _shape(self, node: TracedNode) -> tuple[int, ...]:
        """The shape of a row; of what is the same for all rows its own."""
        shape = np.asarray(node.value).shape
        return shape[1:] if self._in_rows(node) else shape

    def _shapes(self, node: TracedNode) -> list[tuple[int, ...]]:
        return [self._shape(self.nodes[number]) for number in node.operands]

    def _width(self, node: TracedNode) -> int:
        return int(np.prod(self._shape(node)))

    @abstractmethod
    def _leaf(self, node: TracedNode, row: int, place: int) -> Symbol:
        """One number of what the operations are given."""

    @abstractmethod
    def _last(self, row: int, place: int) -> Symbol:
        """One number of the end."""

    @abstractmethod
    def _shown(self, node: TracedNode) -> list[int]:
        """Which numbers of a row are told."""

    @abstractmethod
    def _slope(self, node: TracedNode, row: int, place: int) -> Symbol:
        """The derivative of the row's own loss with respect to one number."""

    def symbol(self, node: TracedNode, row: int, place: int) -> Symbol:
        """One number of a row."""
        if node.number in self.sources or not node.operands:
            return self._leaf(node, row, place)
        if node is self.end and not self.link:
            return self._last(row, place)
        which = f"_{place + 1}" if self._width(node) > 1 else ""
        name = f"{self._name(node)}{which}"
        if not self._in_rows(node):
            return Symbol(name, np.asarray(node.value).reshape(-1)[place])
        return Symbol(name, flat(node.value, self.view.rows)[row, place], row=self.view.row(row))

    def _name(self, node: TracedNode) -> str:
        return f"{self.letter}{self.steps.index(node) + 1}"

    def _number(self, number: int, row: int, place: int) -> Expression:
        """One number of an operand, by its place there."""
        below = self._same(number)
        if below.operation in CONSTANT:
            return Number(float(np.asarray(self.nodes[number].value).reshape(-1)[place]))
        return self.symbol(below, row, place)

    def _places(self, which: int, node: TracedNode) -> Array | None:
        """For each number of a row which number of an operand it is made of, -1 for none.

        None of an operation that makes it of others.
        """
        given = [self._in_rows(self.nodes[number]) for number in node.operands]
        shapes, wanted = self._shapes(node), self._shape(node)
        return made_of(
            node.operation, node.attributes, which, shapes, given, wanted, self._in_rows(node)
        )

    def _operands(self, node: TracedNode, row: int, place: int) -> list[Expression] | None:
        found = []
        for which, number in enumerate(node.operands):
            places = self._places(which, node)
            if places is None:
                return None
            if places[place] >= 0:
                found.append(self._number(number, row, int(places[place])))
        return found

    def _added(self, node: TracedNode) -> Array:
        """For each number of a row that a sum is given: which of its results it is added to."""
        below = self.nodes[node.operands[0]]
        return added(self._shape(below), node.attributes["axis"], self._in_rows(below))

    def _formula(self, node: TracedNode, row: int, place: int) -> Expression | None:
        if node.operation == "sum":
            below = self._same(node.operands[0])
            members = np.flatnonzero(self._added(node) == place).tolist()
            return self._folded({one: self.symbol(below, row, one) for one in members}, below)
        if node.operation == "matmul":
            left, right = node.operands
            pairs = zip(*factors(self._shapes(node), place), strict=True)
            terms = {
                one: Product((self._number(left, row, one), self._number(right, row, other)))
                for one, other in pairs
            }
            return self._folded(terms, self._same(left))
        if node.operation in SHARES:
            return self._share(node, row, place)
        operands = self._operands(node, row, place)
        return None if operands is None else spelled(node, operands)

    def _share(self, node: TracedNode, row: int, place: int) -> Expression:
        """e^z divided by the sum of all along an axis, or its logarithm."""
        given = {one: self._number(node.operands[0], row, one) for one in self._line(node, place)}
        powers = {one: Call("exp", (z,)) for one, z in given.items()}
        added = self._folded(powers, node)
        if node.operation == "log_softmax":
            return minus(given[place], Call("log", (added,)))
        return Quotient(powers[place], added)

    def _line(self, node: TracedNode, place: int) -> list[int]:
        """The numbers along an axis of which one is made."""
        lines = added(self._shape(node), node.attributes["axis"], self._in_rows(node))
        return np.flatnonzero(lines == lines[place]).tolist()

    def _folded(self, terms: Mapping[int, Expression], node: TracedNode) -> Expression:
        """The sum of terms by the places of a node's numbers; of many those of numbers told."""
        most, kept = self.view.folding.terms, [one for one in self._shown(node) if one in terms]
        if len(terms) <= most + 1 or not kept:
            kept = list(terms)[: most + 1]
        left = [term for place, term in terms.items() if place not in kept]
        return total([*(terms[one] for one in kept), *([self._rest(left)] if left else [])])

    def _rest(self, terms: Sequence[Expression]) -> Expression:
        """Terms that are left out of a sum."""
        return Rest(len(terms), float(sum(map(evaluate, terms))))

    def forward(self, row: int) -> Iterator[Entry]:
        """What each operation makes of a row's numbers; the last gives those of the end.

        What is the same for all rows stands in the first that is shown.
        """
        for node in self.steps:
            if not self._in_rows(node) and row != self.view.shown_rows[0]:
                continue
            shown = self._shown(node)
            for place in shown:
                symbol, formula = self.symbol(node, row, place), self._formula(node, row, place)
                yield held(symbol, formula, f"by {node.operation}")
            others = self._width(node) - len(shown)
            if others and node is not self.end:
                yield f"{self._name(node)}: {others:,} more {left_out(others)}."

    def _users(self, node: TracedNode) -> Iterator[tuple[TracedNode, int]]:
        """The operations that a derivative comes from, with the operand that a node is there.

        Of an operation on a node and itself the first stands for both.
        """
        for user in self.steps:
            if user.number not in self.reached:
                continue
            apart = user.operation in ("concatenate", "matmul")
            twice = not apart and len({*user.operands}) < len(user.operands)
            for which, number in enumerate(passed(user)):
                if self._same(number) is node and not (twice and which):
                    yield user, which

    def _used_at(self, user: TracedNode, which: int, place: int) -> list[int] | None:
        """Which numbers of a user are made of a number; None where that is not known."""
        if user.operation == "sum":
            return [int(self._added(user)[place])]
        if user.operation == "matmul":
            return uses_of_factor(self._shapes(user), which, place)[0]
        if user.operation in SHARES:
            return self._line(user, place)
        places = self._places(which, user)
        return None if places is None else np.flatnonzero(places == place).tolist()

    def _uses(self, node: TracedNode, row: int, place: int) -> Iterator[Expression | None]:
        """What each use of a number adds to its derivative; None of one that is not spelled."""
        for user, which in self._users(node):
            at = self._used_at(user, which, place)
            if at is None:
                yield None
                continue
            found = {one: self._through(user, which, row, one, place) for one in at}
            known = {one: term for one, term in found.items() if term is not None}
            if known or len(known) < len(found):
                yield self._folded(known, user) if len(known) == len(found) else None

    def _use(self, user: TracedNode, row: int, place: int, local: Expression) -> Expression:
        """A derivative from behind times a local one."""
        slope = self._slope(user, row, place)
        if isinstance(local, Number) and local.value == -1 and not self.view.errors:
            return negated(slope)
        return product(slope, local)

    def _through(
        self, user: TracedNode, which: int, row: int, at: int, place: int
    ) -> Expression | None:
        """What one number of a user hands back to a number of its operand."""
        local = self._local(user, which, row, at, place)
        return None if local is None else self._use(user, row, at, local)

    def _local(
        self, user: TracedNode, which: int, row: int, at: int, place: int
    ) -> Expression | None:
        """The local derivative of a number of a user with respect to a number of its operand."""
        if user.operation == "sum" or user.operation in MOVING:
            return Number(1)
        if user.operation == "matmul":
            uses = zip(*uses_of_factor(self._shapes(user), which, place), strict=True)
            return self._number(user.operands[1 - which], row, dict(uses)[at])
        result = self.symbol(user, row, at)
        if user.operation in SHARES:
            return share_slope(user.operation, result, self.symbol(user, row, place), at == place)
        operands = self._operands(user, row, at)
        if operands is None:
            return None
        operation = "multiply" if user.operation == "masked" else user.operation
        twice = len({*user.operands}) < len(user.operands)
        slopes = [
            slope_formula(operation, one, operands, result, user.attributes)
            for one in (range(len(operands)) if twice else [which])
        ]
        known = [one for one in slopes if one is not None]
        return together(known) if len(known) == len(slopes) else None

    def backward(self, row: int) -> Iterator[Entry]:
        """The derivatives of a row's own loss, from behind; those of what is given come after."""
        for node in reversed(self.steps[:-1]):
            if node.number not in self.reached or not self._in_rows(node):
                continue
            for place in self._shown(node):
                slope, formula = self._slope(node, row, place), self._total(node, row, place)
                yield held(slope, formula, f"through the operations of the {self.whose}")

    def _total(self, node: TracedNode, row: int, place: int) -> Expression | None:
        uses = [*self._uses(node, row, place)]
        parts = [one.terms if isinstance(one, Sum) else (one,) for one in uses if one is not None]
        return total(chain(*parts)) if len(parts) == len(uses) else None
