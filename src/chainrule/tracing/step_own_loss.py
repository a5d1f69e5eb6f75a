"""A loss of the user's own as equations: its operations, number by number of each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from chainrule.tracing.activation_formulas import activation_formula
from chainrule.tracing.equations import Entry, equation
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
from chainrule.tracing.loss_formulas import SPELLED
from chainrule.tracing.operations import formula_of, slope_formula
from chainrule.tracing.view import View, flat
from chainrule.training import TracedNode

__all__ = ["OwnLoss", "own_loss"]

Array = np.ndarray[Any, np.dtype[Any]]

OF_CLASSES = ("softmax", "log_softmax")
LETTERS = "qvuk"
"""What operations are called, where no unit's name begins so."""
PASSING = ("cast", "flush", "reshape")
"""Operations that give the numbers that they are given, in their order."""
FLAT = ("equal", "greater", "sign", "stop_gradient")
"""Operations that hand no derivative back."""
CONSTANT = ("constant", "count")
"""What has the same numbers whatever a network is given."""


def own_loss(view: View) -> OwnLoss | None:
    """The operations of a loss that has no formula here; None where it is another.

    None too where what it is made of is not told: outputs and targets of the row, and constants.
    """
    trace, outputs = view.trace, view.layers[-1].nodes
    if len(trace.loss_rules) != 1 or type(trace.loss_rules[0]) in SPELLED or view.mixed:
        return None
    if view.targets is None or not np.all(trace.row_shares) or not outputs:
        return None
    found = OwnLoss(view, outputs[-1].number)
    return found if found.is_told else None


def _size(node: TracedNode) -> int:
    return int(np.asarray(node.value).size)


def _passed(node: TracedNode) -> tuple[int, ...]:
    """The operands to which a derivative is handed back."""
    if node.operation == "masked":
        return node.operands[:1]
    return () if node.operation in FLAT else node.operands


def _spelled(node: TracedNode, operands: list[Expression]) -> Expression | None:
    """What an operation makes of its operands; None where it is not spelled."""
    match node.operation:
        case "greater":
            return Call("holds", (minus(*operands),))
        case "masked":
            return formula_of("multiply", operands, {})
        case "stop_gradient":
            return operands[0]
        case "leaky_relu" if isinstance(operands[0], Symbol):
            return activation_formula("leaky_relu", node.attributes, operands[0])
    return formula_of(node.operation, operands, node.attributes)


class OwnLoss:
    """The operations between outputs and targets and each row's own loss.

    steps
        Those that do more than pass numbers on, in order; the last gives the row's own loss.
    letter
        What they are called by, each with its number in that order.
    """

    def __init__(self, view: View, outputs: int) -> None:
        self.view, self.outputs = view, outputs
        self.nodes = {node.number: node for node in view.trace.nodes}
        losses = view.trace.row_losses
        weights = {node.number for node in view.trace.nodes if node.name == "weight"}
        ends = [
            self._same(one.number) for one in view.trace.nodes
            if one.layer is None and one.operands and one.value is not None
            and one.value.shape == losses.shape and np.array_equal(one.value, losses)
            and not weights & {*one.operands}
        ]  # fmt: skip
        self.end = ends[-1] if ends else None  # others before it may have the same numbers
        self.steps = [] if self.end is None else self._steps(self.end)
        self.moved = {outputs}  # what depends on outputs
        for node in self.steps:
            if self.moved & {self._same(number).number for number in _passed(node)}:
                self.moved.add(node.number)
        notation = view.notation
        others = (notation.loss, notation.weight_pattern, notation.biases or "")
        named = {name[:1] for names in (*view.names.units, others) for name in names}
        self.letter = next((one for one in LETTERS if one not in named), LETTERS[0])

    def _steps(self, end: TracedNode) -> list[TracedNode]:
        found, waiting = {}, [end]
        while waiting:
            node = waiting.pop()
            if node.operands and node.number != self.outputs and node.number not in found:
                found[node.number] = node
                waiting += [self._same(number) for number in node.operands]
        return [found[number] for number in sorted(found)]

    def _same(self, number: int) -> TracedNode:
        """The node whose numbers a node passes on: divided by 1, or each the sum of one."""
        node = self.nodes[number]
        while node.number != self.outputs and node.operands:
            below = [self.nodes[one] for one in node.operands]
            alone = node.operation == "sum" and _size(node) == _size(below[0])
            by_one = node.operation == "divide" and self._is_one(below[1])
            if node.operation not in PASSING and not alone and not by_one:
                break
            node = below[0]
        return node

    def _is_one(self, node: TracedNode) -> bool:
        return node.operation in CONSTANT and bool(np.all(node.value == np.array(1.0)))

    @property
    def is_told(self) -> bool:
        """Whether all is made of outputs, targets and constants, each number of a row its own."""
        rows = self.view.rows
        return bool(self.steps) and all(
            node.layer is None and np.shape(np.asarray(node.value))[:1] == (rows,)
            and self._is_of_rows(node) for node in self.steps
        )  # fmt: skip

    def _is_of_rows(self, node: TracedNode) -> bool:
        """Whether a row's numbers are made of the same row's; other leaves are constants."""
        leaves = [one for one in map(self._same, node.operands) if not one.operands]
        kept = all(self._is_target(one) or one.operation in CONSTANT for one in leaves)
        axes = np.atleast_1d(node.attributes.get("axis", -1))
        return kept and 0 not in axes and node.operation not in ("matmul", "flip", "transpose")

    def _is_target(self, node: TracedNode) -> bool:
        return node.operation == "input" and (node.name or "").startswith("target/")

    def _in_rows(self, node: TracedNode) -> bool:
        return bool(node.operands) or node.number == self.outputs or self._is_target(node)

    def _shape(self, node: TracedNode) -> tuple[int, ...]:
        """The shape of a row; of outputs and targets that of the outputs."""
        outputs = self.view.layers[-1].numbers.a
        of_outputs = node.number == self.outputs or self._is_target(node)
        return np.asarray(outputs if of_outputs else node.value).shape[1:]

    def symbol(self, node: TracedNode, row: int, place: int) -> Symbol:
        """One number of a row."""
        view = self.view
        if node.number == self.outputs:
            last = len(view.layers) - 1
            value = flat(view.layers[last].numbers.a, view.rows)[row, place]
            return view.unit(last, place, value, view.row(row))
        if self._is_target(node):
            return view.target(row, place)
        if node is self.end:
            return view.loss(row)
        numbers = flat(node.value, view.rows)[row]
        which = f"_{place + 1}" if len(numbers) > 1 else ""
        name = f"{self._name(node)}{which}"
        return Symbol(name, numbers[place], row=view.row(row))

    def _name(self, node: TracedNode) -> str:
        return f"{self.letter}{self.steps.index(node) + 1}"

    def _places(self, below: TracedNode, node: TracedNode) -> Array | None:
        """For each number of a row which number of an operand it is made of; None of others."""
        shape, wanted = self._shape(below), self._shape(node)
        if node.operation == "sum" or len(shape) != len(wanted):
            return None
        try:
            return np.broadcast_to(np.arange(np.prod(shape)).reshape(shape), wanted).reshape(-1)
        except ValueError:
            return None

    def _operand(self, number: int, node: TracedNode, row: int, place: int) -> Expression | None:
        below = self._same(number)
        if not self._in_rows(below):
            assert node.value is not None  # noqa: S101  (looked at before)
            spread = np.broadcast_to(np.asarray(below.value), node.value.shape)
            return Number(float(flat(spread, self.view.rows)[row, place]))
        places = self._places(below, node)
        return None if places is None else self.symbol(below, row, int(places[place]))

    def _operands(self, node: TracedNode, row: int, place: int) -> list[Expression] | None:
        found = [self._operand(number, node, row, place) for number in node.operands]
        known = [one for one in found if one is not None]
        return known if len(known) == len(found) else None

    def _added(self, node: TracedNode) -> Array:
        """For each number of a row that a sum is given: which of its results it is added to."""
        shape = self._shape(self._same(node.operands[0]))
        axes = [int(axis) % (len(shape) + 1) - 1 for axis in np.atleast_1d(node.attributes["axis"])]
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        return np.broadcast_to(np.arange(np.prod(kept)).reshape(kept), shape).reshape(-1)

    def _shown(self, node: TracedNode) -> list[int]:
        """Which numbers of a row are told."""
        count, most = int(np.prod(self._shape(node))), self.view.folding.units
        kept = self.view.shown_units[-1]
        if count == np.prod(self.view.layers[-1].numbers.a.shape[1:]):
            return kept
        return list(range(count if count <= most + 1 else most))

    def _formula(self, node: TracedNode, row: int, place: int) -> Expression | None:
        if node.operation == "sum":
            below = self._same(node.operands[0])
            members = np.flatnonzero(self._added(node) == place).tolist()
            return self._folded({one: self.symbol(below, row, one) for one in members}, below)
        if node.operation in OF_CLASSES:
            return self._share(node, row, place)
        operands = self._operands(node, row, place)
        return None if operands is None else _spelled(node, operands)

    def _share(self, node: TracedNode, row: int, place: int) -> Expression | None:
        """e^x of a number divided by the sum of all along the axis, or its logarithm."""
        operands = {one: self._operands(node, row, one) for one in self._along(node, place)}
        given = {one: found[0] for one, found in operands.items() if found is not None}
        if len(given) < len(operands):
            return None
        powers = self._folded({one: Call("exp", (x,)) for one, x in given.items()}, node)
        if node.operation == "log_softmax":
            return minus(given[place], Call("log", (powers,)))
        return Quotient(Call("exp", (given[place],)), powers)

    def _share_slope(self, node: TracedNode, row: int, place: int, by: int) -> Expression:
        """The derivative of a share, or of its logarithm, by the number at another place."""
        result, other = self.symbol(node, row, place), self.symbol(node, row, by)
        if node.operation == "log_softmax":
            power = Call("exp", (other,))
            return minus(Number(1), power) if place == by else negated(power)
        if place == by:
            return Product((result, minus(Number(1), result)))
        return negated(Product((result, other)))

    def _along(self, node: TracedNode, place: int) -> list[int]:
        """The places of the numbers that are shared out with that at a place."""
        shape = self._shape(node)
        axis = int(node.attributes["axis"]) % (len(shape) + 1) - 1
        numbers = np.moveaxis(np.arange(np.prod(shape)).reshape(shape), axis, -1)
        lanes = numbers.reshape(-1, shape[axis])
        (lane,) = lanes[(lanes == place).any(axis=1)].tolist()
        return [int(one) for one in lane]

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
        """What each operation makes of a row's numbers; the last is the row's own loss."""
        for node in self.steps:
            shown = self._shown(node)
            for place in shown:
                symbol, formula = self.symbol(node, row, place), self._formula(node, row, place)
                yield self._equation(symbol, formula, f"by {node.operation}")
            others = int(np.prod(self._shape(node))) - len(shown)
            if others:
                yield f"{self._name(node)}: {others:,} more {left_out(others)}."

    def _equation(self, symbol: Symbol, formula: Expression | None, note: str) -> Entry:
        """An equation with its formula, where that comes to the engine's number."""
        if formula is not None and np.isclose(evaluate(formula), symbol.value, 1e-4, 1e-10):
            return equation(symbol, formula)
        return equation(symbol, note=note)

    def _slope(self, node: TracedNode, row: int, place: int) -> Symbol:
        """The derivative of the row's own loss with respect to one number."""
        view = self.view
        assert view.trace.row_shares is not None  # noqa: S101  (looked at before)
        value = flat(node.derivative, view.rows)[row, place] / view.trace.row_shares[row]
        return self.symbol(node, row, place).slope(view.loss(row), value, view.errors)

    def _uses(self, node: TracedNode, row: int, place: int) -> Iterator[Expression | None]:
        """What each use of a number adds to its derivative; None of one that is not spelled."""
        for user in self.steps:
            for which, number in enumerate(_passed(user)):
                if self._same(number) is not node:
                    continue
                if user.operation == "sum":
                    yield self._use(user, row, int(self._added(user)[place]), Number(1))
                    continue
                if user.operation in OF_CLASSES:
                    terms = {
                        one: self._use(user, row, one, self._share_slope(user, row, one, place))
                        for one in self._along(user, place)
                    }
                    yield self._folded(terms, user)
                    continue
                places = self._places(node, user)
                if places is None:
                    yield None
                    continue
                found = {
                    one: self._through(user, which, row, one)
                    for one in np.flatnonzero(places == place).tolist()
                }
                known = {one: term for one, term in found.items() if term is not None}
                yield self._folded(known, user) if len(known) == len(found) else None

    def _use(self, user: TracedNode, row: int, place: int, local: Expression) -> Expression:
        if user is self.end:
            return negated(local) if self.view.errors else local
        slope = self._slope(user, row, place)
        if isinstance(local, Number) and local.value == -1 and not self.view.errors:
            return negated(slope)
        return product(slope, local)

    def _through(self, user: TracedNode, which: int, row: int, place: int) -> Expression | None:
        """What one number of a user hands back to its operand."""
        operands = self._operands(user, row, place)
        if operands is None:
            return None
        result = self.symbol(user, row, place)
        operation = "multiply" if user.operation == "masked" else user.operation
        local = slope_formula(operation, which, operands, result, user.attributes)
        return None if local is None else self._use(user, row, place, local)

    def backward(self, row: int) -> Iterator[Entry]:
        """The derivatives of a row's own loss, from behind; those by outputs come after."""
        for node in reversed(self.steps[:-1]):
            for place in self._shown(node) if node.number in self.moved else ():
                slope, formula = self._slope(node, row, place), self._total(node, row, place)
                yield self._equation(slope, formula, "through the operations of the loss")

    def _total(self, node: TracedNode, row: int, place: int) -> Expression | None:
        uses = [*self._uses(node, row, place)]
        parts = [one.terms if isinstance(one, Sum) else (one,) for one in uses if one is not None]
        return total(chain(*parts)) if parts and len(parts) == len(uses) else None

    def by_output(self, row: int, unit: int) -> Expression | None:
        """The derivative of a row's own loss with respect to an output."""
        return self._total(self.nodes[self.outputs], row, unit)
