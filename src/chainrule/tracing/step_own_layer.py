"""Layers of the user's own as equations: their operations, number by number of each row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.tracing.equations import Entry, equation, held
from chainrule.tracing.formula import (
    FUNCTIONS,
    Call,
    Expression,
    Number,
    Product,
    Quotient,
    Rest,
    Symbol,
    evaluate,
    mean_of,
    minus,
    product,
    total,
)
from chainrule.tracing.own_formulas import CONSTANT
from chainrule.tracing.own_operations import OwnOperations, free_letters
from chainrule.tracing.own_places import factors
from chainrule.tracing.step import ParameterTrace
from chainrule.tracing.step_penalty import number_symbol
from chainrule.tracing.view import View, are_equal, flat
from chainrule.training import TracedNode

__all__ = ["OwnLayer", "own_layers"]

TOGETHER = "as training computes both together"

Array = np.ndarray[Any, np.dtype[Any]]
Use = tuple[TracedNode, int, int]
"""An operation, the operand that is used, and the number of the result that it is used in."""


def own_layers(view: View) -> tuple[OwnLayer | None, ...]:
    """For each layer the operations that are told of it; None of layers that are told otherwise."""
    found: dict[int, OwnLayer] = {}
    for place, layer in enumerate(view.layers):
        if not layer.own or layer.numbers.z is not None:
            continue
        given = _given(view, place)
        if given is not None and view.spreads[place] is None and view.normals[place] is None:
            made = OwnLayer(view, place, given, _letter(view, len(found), layer.name))
            found |= {place: made} if made.is_told else {}
    return tuple(found.get(place) for place in range(len(view.layers)))


def _given(view: View, place: int) -> int | None:
    """The number of the node that a layer is given; None where it is not known."""
    layer, nodes = view.layers[place], {node.number: node for node in view.trace.nodes}
    below = {number for node in layer.nodes for number in node.operands}
    others = [
        nodes[one] for one in below
        if nodes[one].layer != layer.name and (nodes[one].operands or nodes[one].name == "input")
        or nodes[one].operation == "input"
    ]  # fmt: skip
    if len(others) != 1 or others[0].value is None or layer.numbers.x is None:
        return None
    return others[0].number if are_equal(others[0].value, layer.numbers.x) else None


def _letter(view: View, place: int, name: str) -> str:
    """What the operations of a layer are called, by its place among those that are told."""
    free = free_letters(view)[1:]  # the first is for those of a loss
    return free[place] if place < len(free) else f"{name}_q"


class OwnLayer(OwnOperations):
    """The operations between what a layer is given, with its parameters, and what it gives.

    place
        Of the layer.
    parameters
        By the numbers of their nodes.
    """

    whose = "layer"

    def __init__(self, view: View, place: int, given: int, letter: str) -> None:
        super().__init__(view, [given], letter)
        self.place, self.layer, self.given = place, view.layers[place], self.nodes[given]
        own = {f"{self.layer.name}/{name}": one for name, one in self.layer.parameters.items()}
        self.parameters = {
            node.number: own[node.name] for node in view.trace.nodes
            if node.operation in ("parameter", "state") and node.name in own
        }  # fmt: skip
        trained = [number for number, one in self.parameters.items() if one.gradient is not None]
        self._begin(self._same(self.layer.nodes[-1].number), trained)
        self.link = self._link()

    @cached_property
    def is_told(self) -> bool:
        """Whether all is made of what the layer is given, its parameters and constants.

        Each number of a row is made of the same row's.
        """
        end = self.end
        if end is None or end.value is None or not self.steps or not self._in_rows(end):
            return False
        given = np.asarray(end.value).reshape(-1)
        if not self.link and not are_equal(given, self.layer.numbers.a.reshape(-1)):
            return False
        return all(
            node.value is not None and node.layer == self.layer.name and self._keeps_rows(node)
            and all(self._is_known(one) for one in self._leaves(node))
            for node in self.steps
        )  # fmt: skip

    def _link(self) -> str:
        """The activation that the loss takes together with itself; "" where there is none."""
        end, a = self.end, self.layer.numbers.a
        if self.place != self.view.last or end is None or end.value is None:
            return ""
        for name in ("sigmoid", "softmax"):
            same = end.value.shape == a.shape and not are_equal(end.value, a)
            if same and np.allclose(FUNCTIONS[name](np.asarray(end.value, float)), a, 1e-5):
                return name
        return ""

    def _is_known(self, leaf: TracedNode) -> bool:
        known = leaf is self.given or leaf.number in self.parameters
        return known or (leaf.operation in CONSTANT and leaf.value is not None)

    @cached_property
    def has_slopes(self) -> bool:
        """Whether the derivatives of the rows' own losses are told of each operation.

        They are not where the loss takes what is before the layer's last operation.
        """
        moved = [one for one in self.steps if one.number in self.reached]
        known = all(one.derivative is not None and one.row_derivative is not None for one in moved)
        return known and self.end in moved

    def _leaf(self, node: TracedNode, row: int, place: int) -> Symbol:
        view = self.view
        if node is self.given:
            x = flat(self.layer.numbers.x, view.rows)[row, place]
            return view.given(self.place).symbol(place, x, view.row(row))
        parameter = self.parameters[node.number]
        index = np.unravel_index(place, parameter.before.shape)
        return number_symbol(view, self.layer, parameter, tuple(int(one) for one in index))

    def _last(self, row: int, place: int) -> Symbol:
        view = self.view
        a = flat(self.layer.numbers.a, view.rows)[row, place]
        return view.unit(self.place, place, a, view.row(row))

    def _shown(self, node: TracedNode) -> list[int]:
        """Which numbers of a row are told."""
        count, most = self._width(node), self.view.folding.units
        if self.end is not None and count == self._width(self.end):
            return self.view.shown_units[self.place]
        if count == self._width(self.given):
            return self.view.shown_given(self.place)
        return list(range(count if count <= most + 1 else most))

    def _slope(self, node: TracedNode, row: int, place: int) -> Symbol:
        """The derivative of the row's own loss, of what is the same for all that of the loss."""
        view = self.view
        if node is self.given:
            return view.by_given(self.place, place, row)
        if node is self.end and not self.link:
            return view.upstream(self.place, place, row)
        symbol = self.symbol(node, row, place)
        if not self._in_rows(node):
            value = np.asarray(node.derivative).reshape(-1)[place]
            return symbol.slope(view.loss(), value, view.errors)
        value = flat(node.row_derivative, view.rows)[row, place]
        return symbol.slope(view.own_loss(row, self.place), value, view.errors)

    def forward(self, row: int) -> Iterator[Entry]:
        """What each operation makes of a row's numbers, then what the layer gives."""
        yield from super().forward(row)
        for unit in self.view.shown_units[self.place] if self.link else []:
            yield held(self._last(row, unit), self.linked(row, unit), f"by {self.link}")

    def linked(self, row: int, unit: int) -> Expression:
        """The activation that the loss computes together with itself, of a unit."""
        assert self.end is not None  # noqa: S101  (what is told has an end)
        if self.link == "sigmoid":
            return Call("sigmoid", (self.symbol(self.end, row, unit),))
        width = self._shape(self.end)[-1]
        places = range(unit - unit % width, unit - unit % width + width)
        powers = {one: Call("exp", (self.symbol(self.end, row, one),)) for one in places}
        return Quotient(powers[unit], self._folded(powers, self.end))

    def paired(self, row: int, unit: int) -> Expression | None:
        """The derivative by the end that goes with such an activation, where it is known."""
        if self.view.targets is None or self.view.mixed or self.end is None:
            return None
        both = self._output(row, unit), self._target(row, unit)
        apart = minus(*(reversed(both) if self.view.errors else both))
        of_all = self.link == "sigmoid"  # a mean over all outputs, else over the positions
        count = self._width(self.end) if of_all else self.view.output_positions
        formula = apart if count == 1 else mean_of(apart, count)
        value = self._slope(self.end, row, unit).value
        return formula if np.isclose(evaluate(formula), value, 1e-5, 1e-9) else None

    def _output(self, row: int, unit: int) -> Symbol:
        return self._last(row, unit)

    def _target(self, row: int, unit: int) -> Symbol:
        return self.view.target(row, unit)

    def backward(self, row: int) -> Iterator[Entry]:
        """The derivatives of each operation, from behind, and of what the layer is given."""
        for unit in self.view.shown_units[self.place] if self.link else []:
            assert self.end is not None  # noqa: S101  (what is told has an end)
            formula = self.paired(row, unit)
            forms = [] if formula is None else [formula]
            note = TOGETHER if forms else "through the operations of the loss"
            yield equation(self._slope(self.end, row, unit), *forms, note=note)
        yield from super().backward(row)
        if any(self._users(self.given)):
            for unit in self.view.shown_given(self.place):
                formula = self._total(self.given, row, unit)
                slope = self._slope(self.given, row, unit)
                yield held(slope, formula, "through the operations of the layer")

    def shared_slopes(self) -> Iterator[Entry]:
        """The derivatives of what operations make of parameters alone, from behind."""
        for node in reversed(self.steps):
            if node.number in self.reached and not self._in_rows(node):
                for place in self._shown(node):
                    slope, formula = self._slope(node, 0, place), self._summed(node, place)
                    yield held(slope, formula, "through the operations of the layer")

    def gradient(self, parameter: ParameterTrace, index: tuple[int, ...]) -> Expression | None:
        """The sum over the uses of a number of a parameter; None where that is not known."""
        found = [number for number, one in self.parameters.items() if one is parameter]
        if parameter.gradient is None or self.view.trace.row_shares is None or not self.has_slopes:
            return None
        if not found:
            return Number(0)  # no operation uses it
        place = int(np.ravel_multi_index(index, parameter.before.shape))
        formula = self._summed(self.nodes[found[0]], place)
        penalty = 0.0 if parameter.penalty is None else parameter.penalty[index]
        value = (parameter.gradient[index] - penalty) * (-1.0 if self.view.errors else 1.0)
        if formula is None or not np.isclose(evaluate(formula), value, 1e-4, 1e-9, equal_nan=True):
            return None
        return formula

    def _summed(self, node: TracedNode, place: int) -> Expression | None:
        """The derivative of the loss by a number that is the same for all rows."""
        of_rows: list[Use] = []
        terms: list[Expression] = []
        for user, which in self._users(node):
            at = self._used_at(user, which, place)
            if at is None:
                return None
            if self._in_rows(user):
                of_rows += [(user, which, one) for one in at]
                continue
            found = {one: self._factor(user, which, 0, one, place) for one in at}
            known = {one: term for one, term in found.items() if term is not None}
            if len(known) < len(found):
                return None
            terms.append(self._folded(known, user))
        added = self._over_rows(of_rows, place) if of_rows else None
        if of_rows and added is None:
            return None
        return total([*([] if added is None else [added]), *terms])

    def _over_rows(self, uses: list[Use], place: int) -> Expression | None:
        """The sum of uses over the rows; of those that are not shown what they come to."""
        view, shares = self.view, self.view.trace.row_shares
        assert shares is not None  # noqa: S101  (looked at before)
        equal = view.trace.row_weights is None
        scale = np.ones(view.rows) if equal else shares
        kept = [use for use in uses if use[2] in self._shown(use[0])] or uses[:1]
        terms: list[Expression] = []
        values = np.zeros((len(uses), view.rows))
        for number, (user, which, at) in enumerate(uses):
            every: Any = np.arange(view.rows)  # all rows at once
            term = self._factor(user, which, every, at, place)
            if term is None:
                return None
            values[number] = evaluate(term) * scale
        for row in view.shown_rows:
            for use in kept:
                term = self._factor(use[0], use[1], row, use[2], place)
                values[uses.index(use), row] = 0.0  # it is told
                share = Number(1) if equal else Symbol("s", shares[row], row=row + 1)
                factors = term.factors if isinstance(term, Product) else [term or Number(0)]
                terms.append(product(share, *factors))
        left = len(uses) * view.rows - len(terms)
        formula = total([*terms, *([Rest(left, float(values.sum()))] if left else [])])
        return mean_of(formula, view.rows) if equal and shares[0] != 1 else formula

    def _factor(
        self, user: TracedNode, which: int, row: int, at: int, place: int
    ) -> Expression | None:
        """What one use adds to a gradient, in the order of the notation."""
        local = self._local(user, which, row, at, place)
        if local is None:
            return None
        if isinstance(local, Symbol) and self.view.notation.form == "rows":
            return Product((local, self._slope(user, row, at)))
        return self._use(user, row, at, local)

    def on_paths(self, parameter: ParameterTrace) -> Array:
        """For each number of a parameter whether it leads from a number told to one that is."""
        found = np.zeros(parameter.before.size, bool)
        for number, one in self.parameters.items():
            if one is parameter:
                for user, which in self._users(self.nodes[number]):
                    found[self._leading(user, which)] = True
        return found.reshape(parameter.before.shape)

    def _leading(self, user: TracedNode, which: int) -> list[int]:
        """The numbers of an operand that lead to those of a user that are told."""
        shown = self._shown(user)
        if user.operation == "sum":
            return np.flatnonzero(np.isin(self._added(user), shown)).tolist()
        if user.operation == "matmul":
            other = set(self._shown(self._same(user.operands[1 - which])))
            pairs = (factors(self._shapes(user), at) for at in shown)
            return [
                both[which] for pair in pairs for both in zip(*pair, strict=True)
                if both[1 - which] in other
            ]  # fmt: skip
        places = self._places(which, user)
        return [] if places is None else [int(one) for one in places[shown] if one >= 0]
