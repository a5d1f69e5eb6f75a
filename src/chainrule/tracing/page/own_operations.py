"""Operations of the user's own as a page takes them: formulas in keys instead of names."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from chainrule.tracing.formula import Call, Expression, Symbol
from chainrule.tracing.own_operations import OwnOperations
from chainrule.tracing.page.formulas import plain
from chainrule.training import TracedNode

__all__ = ["MOST_NUMBERS", "Keyed", "keyed_tree", "keyed_trees"]

MOST_NUMBERS = 1_000
"""Of all operations, each of which has formulas; of more those that text tells."""


class Keyed(OwnOperations):
    """The same with keys for names: number "2/0" of the third step, others as `key` says.

    A derivative by such a number has a "d" before its key.
    """

    @abstractmethod
    def key(self, node: TracedNode) -> str:
        """What stands before the place of a number, where its node is no step."""

    def _key(self, node: TracedNode, place: int) -> str:
        first = str(self.steps.index(node)) if node in self.steps else self.key(node)
        return f"{first}/{place}"

    def symbol(self, node: TracedNode, row: int, place: int) -> Symbol:
        """One number of a row."""
        return replace(super().symbol(node, row, place), name=self._key(node, place))

    def _rest(self, terms: Sequence[Expression]) -> Expression:
        return Call("more", tuple(terms))

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers have formulas."""
        return sum(map(self._width, self.steps)) <= MOST_NUMBERS

    def places(self, node: TracedNode) -> Sequence[int]:
        """Those that have formulas."""
        return range(self._width(node)) if self.whole else self._shown(node)

    def step(self, node: TracedNode, moved: bool) -> dict[str, Any]:
        """What an operation is called, and the formulas of its numbers and derivatives by place."""
        places = self.places(node)
        return {
            "name": self._name(node), "by": node.operation, "width": self._width(node),
            "shown": self._shown(node), "moved": moved,
            "values": keyed_trees({one: self._formula(node, 0, one) for one in places}),
            "slopes": self.slopes(node) if moved else {},
        }  # fmt: skip

    def slopes(self, node: TracedNode) -> dict[int, Any]:
        """The derivatives of a row's own loss by a node's numbers."""
        return keyed_trees({one: self._total(node, 0, one) for one in self.places(node)})


def keyed_tree(formula: Expression | None) -> Any:
    """A formula as plain values, with keys."""
    return plain(formula, lambda symbol: f"{'d' if symbol.by else ''}{symbol.name}")


def keyed_trees(formulas: Mapping[int, Expression | None]) -> dict[int, Any]:
    """Formulas by place; without those that are not spelled."""
    found = {place: keyed_tree(one) for place, one in formulas.items()}
    return {place: tree for place, tree in found.items() if tree is not None}
