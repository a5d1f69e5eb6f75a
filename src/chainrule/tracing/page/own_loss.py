"""A loss of the user's own as the page of a network takes it: by its operations, as in text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.engine import Graph, lower
from chainrule.graph import Node, Rows, gradients, input_node, reachable
from chainrule.tracing.page.own_operations import Keyed
from chainrule.tracing.page.shipping import evaluated, packed, shipped_tape
from chainrule.tracing.step import StepTrace
from chainrule.tracing.step_own_loss import OwnLoss, own_loss
from chainrule.tracing.view import View
from chainrule.training import TracedNode

__all__ = ["shipped_own_loss"]


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
        "letter": keyed.letter, "steps": [keyed.told(node) for node in keyed.steps],
        "outputs": keyed.slopes(keyed.nodes[told.outputs]), **small.shipped(found),
    }  # fmt: skip


class _Keyed(Keyed, OwnLoss):
    """The same with keys: output "o/0" and target "t/0"."""

    def key(self, node: TracedNode) -> str:
        """What stands before the place of a number, where its node is no step."""
        return "o" if node.number == self.outputs else "t"

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

    def told(self, node: TracedNode) -> dict[str, Any]:
        """An operation, with derivatives where it depends on outputs and is not the loss."""
        return self.step(node, node.number in self.moved and node is not self.end)


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
