"""Layers of the user's own as the page of a network takes them: by their operations, as in text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.tracing.formula import Expression, Symbol, total
from chainrule.tracing.page.own_operations import MOST_NUMBERS, Keyed, keyed_tree, keyed_trees
from chainrule.tracing.step_forward import gives_shares, listed
from chainrule.tracing.step_gradient import shown_numbers
from chainrule.tracing.step_own_layer import OwnLayer
from chainrule.tracing.step_own_loss import listed_operations
from chainrule.tracing.view import View
from chainrule.training import TracedNode, TracedTape

__all__ = ["asked_of_own_layers", "shipped_lists", "shipped_own_layers"]

UNUSED: dict[str, Any] = {"rows": [], "shared": None}
"""Of a number that no operation uses."""


def asked_of_own_layers(view: View) -> list[TracedNode]:
    """The operations whose numbers and derivatives the page takes from its tape."""
    told = [node for own in view.own_layers if own is not None for node in own.steps]
    return [*told, *(node for nodes in _listed(view).values() for node in listed(nodes)[0])]


def shipped_lists(view: View, traced: TracedTape) -> dict[str, Any]:
    """By the name of a layer, or "loss", the operations of one's own whose numbers are listed."""
    return {
        name: {
            "steps": [
                [one.operation, traced.tape.results[traced.nodes[one.number]["value"]]]
                for one in listed(nodes)[0]
            ],
            "others": listed(nodes)[1],
        }
        for name, nodes in _listed(view).items() if traced.nodes and nodes
    }  # fmt: skip


def _listed(view: View) -> dict[str, Sequence[TracedNode]]:
    both = zip(view.layers, view.own_layers, strict=True)
    found: dict[str, Sequence[TracedNode]] = {
        layer.name: layer.nodes for layer, own in both
        if layer.own and own is None and layer.numbers.z is None and not gives_shares(layer)
    }  # fmt: skip
    return found | {"loss": listed_operations(view)}


def shipped_own_layers(view: View, traced: TracedTape) -> list[dict[str, Any] | None]:
    """For each layer the formulas of its operations; None of layers that are told otherwise."""
    segments = {one.name: number for number, one in enumerate(traced.tape.segments)}
    return [
        None if own is None or not traced.nodes else _Keyed(own, segments).shipped(traced)
        for own in view.own_layers
    ]


class _Keyed(Keyed, OwnLayer):
    """The same with keys: "x/0" of what the layer is given, "p/3/0" of the tape's parameter 3."""

    def __init__(self, own: OwnLayer, segments: dict[str, int]) -> None:
        super().__init__(own.view, own.place, own.given.number, own.letter)
        self.own, self.segments = own, segments

    def key(self, node: TracedNode) -> str:
        """What stands before the place of a number, where its node is no step."""
        return "x" if node is self.given else f"p/{self.segments[str(node.name)]}"

    def _slope(self, node: TracedNode, row: int, place: int) -> Symbol:
        return replace(super()._slope(node, row, place), name=self._key(node, place))

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers, those of parameters too, have formulas."""
        sizes = [one.before.size for one in self.parameters.values()]
        sizes += [self._width(node) for node in (self.given, *self.steps)]
        return sum(sizes) <= MOST_NUMBERS

    def shipped(self, traced: TracedTape) -> dict[str, Any]:
        """Steps with their formulas; derivatives where text tells them."""
        slopes = self.own.has_slopes
        back = slopes and any(self._users(self.given))
        return {
            "letter": self.letter, "whole": self.whole, "link": self.link,
            **(self._ends(slopes) if self.link else {}),
            "steps": [self._told(node, traced, slopes) for node in self.steps],
            "given": self.slopes(self.given) if back else {},
            "givenPlaces": [*self.places(self.given)] if back else [],
            "gradients": self._gradients() if slopes else None,
        }  # fmt: skip

    def _ends(self, slopes: bool) -> dict[str, Any]:
        """What units give, and the derivatives by the end, in "o/0" and "t/0"."""
        assert self.end is not None  # noqa: S101  (what is told has an end)
        places = self.places(self.end)
        return {
            "ends": keyed_trees({one: self.linked(0, one) for one in places}),
            "pairs": keyed_trees({one: self.paired(0, one) for one in places}) if slopes else {},
        }

    def _output(self, row: int, unit: int) -> Symbol:
        return replace(super()._output(row, unit), name=f"o/{unit}")

    def _target(self, row: int, unit: int) -> Symbol:
        return replace(super()._target(row, unit), name=f"t/{unit}")

    def _told(self, node: TracedNode, traced: TracedTape, slopes: bool) -> dict[str, Any]:
        reached, in_rows = slopes and node.number in self.reached, self._in_rows(node)
        found = self.step(node, reached and in_rows and node is not self.end)
        uses = {place: self._used(node, place) for place in self.places(node)}
        results = {
            kind: traced.tape.results[name] for kind, name in traced.nodes[node.number].items()
        }
        return found | {
            "inRows": in_rows, "results": results,
            "uses": uses if reached and not in_rows else {},
        }  # fmt: skip

    def _gradients(self) -> dict[str, dict[int, Any]]:
        """By parameter the uses of its numbers."""
        told = [*shown_numbers(self.view, self.place)]
        nodes = {one.name: self.nodes[number] for number, one in self.parameters.items()}
        found = {}
        for name, one in self.layer.parameters.items():
            if one.gradient is not None:
                shown = [kept.index for kept in told if kept.parameter is one]
                flat = [int(np.ravel_multi_index(at, one.before.shape)) for at in shown]
                places = range(one.before.size) if self.whole else flat
                node = nodes.get(one.name)
                found[name] = {at: self._used(node, at) if node else UNUSED for at in places}
        return found

    def _used(self, node: TracedNode, place: int) -> dict[str, Any] | None:
        """What uses of a number that is the same for all rows add to its derivative.

        Of each row the terms of `rows`; once those of `shared`. None where that is not known.
        """
        rows: list[Any] = []
        shared: list[Expression] = []
        for user, which in self._users(node):
            at = self._used_at(user, which, place)
            if at is None or len(at) > MOST_NUMBERS:
                return None
            terms = {one: self._factor(user, which, 0, one, place) for one in at}
            known = {one: term for one, term in terms.items() if term is not None}
            if len(known) < len(terms):
                return None
            if self._in_rows(user):
                rows += [keyed_tree(term) for term in known.values()]
            else:
                shared.append(self._folded(known, user))
        added = keyed_tree(total(shared)) if shared else None
        unknown = None in rows or (bool(shared) and added is None)
        return None if unknown else {"rows": rows, "shared": added}
