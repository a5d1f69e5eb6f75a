"""A loss of the user's own as the page of a network takes it: by its operations, as in text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.engine import Graph, lower
from chainrule.graph import Node, Rows, gradients, input_node, reachable
from chainrule.tracing.formula import Call, Expression, Symbol
from chainrule.tracing.page.formulas import plain
from chainrule.tracing.page.shipping import evaluated, packed, shipped_tape
from chainrule.tracing.step import StepTrace
from chainrule.tracing.step_own_loss import OwnLoss, own_loss
from chainrule.tracing.view import View
from chainrule.training import TracedNode

__all__ = ["shipped_own_loss"]

MOST_NUMBERS = 1_000
"""Of all operations of a row's loss, each of which has formulas; of more those that text tells."""


def shipped_own_loss(trace: StepTrace) -> dict[str, Any] | None:
    """The operations of a loss of the user's own, and a tape of its own that computes them.

    None where text has no operations of the loss.
    """
    view = View(trace)
    told = own_loss(view)
    if told is None:
        return None
    keyed = _Keyed(view, told.outputs)
    small = _Small(trace)
    found = keyed.within(small.rows, small.leaves[-1].number + 1)
    return None if found is None else {
        "letter": keyed.letter, "steps": [keyed.step(node) for node in keyed.steps],
        "outputs": keyed.outputs_told(), **small.shipped(found),
    }  # fmt: skip


class _Keyed(OwnLoss):
    """The same with keys for names: output "o/0", target "t/0", number "2/0" of the third step.

    A derivative by such a number has a "d" before its key.
    """

    def __init__(self, view: View, outputs: int) -> None:
        super().__init__(view, outputs)
        self.width = {node.number: int(np.prod(self._shape(node))) for node in self.steps}
        self.whole = sum(self.width.values()) <= MOST_NUMBERS

    def symbol(self, node: TracedNode, row: int, place: int) -> Symbol:
        """One number of a row."""
        if node.number == self.outputs:
            what = "o"
        else:
            what = "t" if self._is_target(node) else str(self.steps.index(node))
        return replace(super().symbol(node, row, place), name=f"{what}/{place}")

    def _rest(self, terms: Sequence[Expression]) -> Expression:
        return Call("more", tuple(terms))

    def within(self, rows: Node, first: int) -> list[Node] | None:
        """The node of each step in another graph of the loss, of nodes numbered from `first` on.

        None where the loss makes others each time that it is asked.
        """
        targets = [number for number, one in self.nodes.items() if self._is_target(one)]
        since = max([self.outputs, *targets])
        known = (one for number, one in sorted(self.nodes.items())
                 if number > since and one.operation != "input")  # fmt: skip
        pairs = zip(known, reachable([rows], first), strict=False)
        found = {
            one.number: node for one, node in pairs
            if node.operation is not None and node.operation.name == one.operation
        }  # fmt: skip
        nodes = [found[one.number] for one in self.steps if one.number in found]
        return nodes if len(nodes) == len(self.steps) else None

    def step(self, node: TracedNode) -> dict[str, Any]:
        """What an operation is called, and the formulas of its numbers and derivatives by place."""
        shown, width = self._shown(node), self.width[node.number]
        places = range(width) if self.whole else shown
        moved = node.number in self.moved and node is not self.end
        return {
            "name": self._name(node), "by": node.operation, "width": width, "shown": shown,
            "moved": moved,
            "values": _trees({one: self._formula(node, 0, one) for one in places}),
            "slopes": _trees({one: self._total(node, 0, one) for one in places if moved}),
        }  # fmt: skip

    def outputs_told(self) -> dict[int, Any]:
        """The derivatives by outputs, by their places."""
        node, width = self.nodes[self.outputs], int(np.prod(self._shape(self.nodes[self.outputs])))
        places = range(width) if self.whole else self._shown(node)
        return _trees({one: self._total(node, 0, one) for one in places})


def _trees(formulas: Mapping[int, Expression | None]) -> dict[int, Any]:
    """Formulas as plain values, by place; without those that are not spelled."""
    found = {
        place: plain(one, lambda symbol: f"{'d' if symbol.by else ''}{symbol.name}")
        for place, one in formulas.items()
    }
    return {place: tree for place, tree in found.items() if tree is not None}


class _Small:
    """The graph of each row's own loss, of outputs and targets alone."""

    def __init__(self, trace: StepTrace) -> None:
        self.trace, (rule,) = trace, trace.loss_rules
        axes: Any = trace.layers[-1].numbers.a.shape[1:]
        dtype = trace.trainer.parameters.dtype
        kind = "int32" if rule.target_kind == "labels" else dtype
        self.leaves = (
            input_node("output", (Rows(), *axes), dtype),
            input_node("target", (Rows(), *rule.target_shape(axes)), kind),
        )
        self.rows = rule.rows(self.leaves[1], self.leaves[0])

    def shipped(self, nodes: Sequence[Node]) -> dict[str, Any]:
        """The tape, and its results that hold the numbers of each step and the derivatives."""
        slopes = gradients(self.rows.sum(), nodes)
        results = {f"value/{n}": node for n, node in enumerate(nodes)}
        results |= {f"slope/{n}": node for n, node in enumerate(slopes)}
        tape = lower(Graph(self.leaves, (), results))
        plain_tape, unknown = shipped_tape(tape, self.trace.rows, {})
        sources = [source.index for source in tape.sources if source.kind == "rows"]
        found: dict[str, Any] = {
            "sources": sources,
            "results": {name: tape.results[name] for name in results},
        }
        if not unknown:
            return found | {"tape": plain_tape}
        (target,) = self.trace.targets.values()
        given = dict(zip(sources, (self.trace.layers[-1].numbers.a, target), strict=True))
        recorded = evaluated(tape, self.trace.rows, given, tape.results.values())
        return found | {"recorded": {str(one): packed(x) for one, x in recorded.items()}}
