"""A loss of the user's own as equations: its operations, number by number of each row."""

from __future__ import annotations

import numpy as np

from chainrule.tracing.formula import Expression, Symbol, negated
from chainrule.tracing.loss_formulas import SPELLED
from chainrule.tracing.own_formulas import CONSTANT
from chainrule.tracing.own_operations import LETTERS, OwnOperations, free_letters
from chainrule.tracing.view import View, are_equal, flat
from chainrule.training import TracedNode

__all__ = ["OwnLoss", "listed_operations", "own_loss"]


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


def listed_operations(view: View) -> list[TracedNode]:
    """The operations of a loss of the user's own whose numbers are not told row by row."""
    rules, outputs = view.trace.loss_rules, view.layers[-1].nodes
    if len(rules) != 1 or type(rules[0]) in SPELLED or not outputs or own_loss(view) is not None:
        return []
    return OwnLoss(view, outputs[-1].number).steps


class OwnLoss(OwnOperations):
    """The operations between outputs and targets and each row's own loss, which is the end."""

    whose = "loss"

    def __init__(self, view: View, outputs: int) -> None:
        super().__init__(view, [outputs], (free_letters(view) or LETTERS)[0])
        self.outputs = outputs
        self.in_rows |= {one.number for one in view.trace.nodes if self._is_target(one)}
        losses = view.trace.row_losses
        weights = {node.number for node in view.trace.nodes if node.name == "weight"}
        ends = [
            self._same(one.number) for one in view.trace.nodes
            if one.layer is None and one.operands and one.value is not None
            and one.value.shape == losses.shape and are_equal(one.value, losses)
            and not weights & {*one.operands}
        ]  # fmt: skip
        # others before the last may have the same numbers
        self._begin(ends[-1] if ends else None, [])

    @property
    def is_told(self) -> bool:
        """Whether all is made of outputs, targets and constants, each number of a row its own."""
        return bool(self.steps) and all(
            node.layer is None and self._in_rows(node)
            and self._keeps_rows(node)
            and all(self._is_target(one) or one.operation in CONSTANT for one in self._leaves(node))
            for node in self.steps
        )  # fmt: skip

    def _is_target(self, node: TracedNode) -> bool:
        return node.operation == "input" and (node.name or "").startswith("target/")

    def _shape(self, node: TracedNode) -> tuple[int, ...]:
        """The shape of a row; of outputs and targets that of the outputs."""
        if node.number == self.outputs or self._is_target(node):
            return np.asarray(self.view.layers[-1].numbers.a).shape[1:]
        return super()._shape(node)

    def _leaf(self, node: TracedNode, row: int, place: int) -> Symbol:
        view = self.view
        if node.number != self.outputs:
            return view.target(row, place)
        last = len(view.layers) - 1
        value = flat(view.layers[last].numbers.a, view.rows)[row, place]
        return view.unit(last, place, value, view.row(row))

    def _last(self, row: int, place: int) -> Symbol:
        return self.view.loss(row)

    def _shown(self, node: TracedNode) -> list[int]:
        """Which numbers of a row are told."""
        count, most = self._width(node), self.view.folding.units
        if count == np.prod(self.view.layers[-1].numbers.a.shape[1:]):
            return self.view.shown_units[-1]
        return list(range(count if count <= most + 1 else most))

    def _slope(self, node: TracedNode, row: int, place: int) -> Symbol:
        """The derivative of the row's own loss with respect to one number."""
        view = self.view
        assert view.trace.row_shares is not None  # noqa: S101  (looked at before)
        value = flat(node.derivative, view.rows)[row, place] / view.trace.row_shares[row]
        return self.symbol(node, row, place).slope(view.loss(row), value, view.errors)

    def _use(self, user: TracedNode, row: int, place: int, local: Expression) -> Expression:
        if user is self.end:
            return negated(local) if self.view.errors else local
        return super()._use(user, row, place, local)

    def by_output(self, row: int, unit: int) -> Expression | None:
        """The derivative of a row's own loss with respect to an output."""
        return self._total(self.nodes[self.outputs], row, unit)
