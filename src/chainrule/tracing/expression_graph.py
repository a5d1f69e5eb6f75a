"""An expression as its reader sees it: without steps that only move numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.tracing.columns import is_long
from chainrule.tracing.expression import Trace, TraceStep
from chainrule.tracing.expression_vectors import VectorProduct, vector_product
from chainrule.tracing.formula import (
    BY_PLACES,
    Call,
    Expression,
    Number,
    Symbol,
    evaluate,
    minus,
)
from chainrule.tracing.meanings import free_letter
from chainrule.tracing.operations import MOVING, slope_formula, together

__all__ = ["Edge", "Seen"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Edge:
    """What one step makes of a node: the derivative of the user with respect to it.

    user, used
        Steps that are shown.
    places
        Which of the user's operands it is; several where the user has it more than once.
    local, upstream
        As a `Contribution` has them, in the shape of what is shown; of several places the sum. Of
        a user that is one number the local derivative has the shape of what is used.
    is_elementwise
        Whether they are multiplied element by element.
    """

    user: TraceStep
    used: TraceStep
    places: tuple[int, ...]
    local: Array | None
    upstream: Array
    is_elementwise: bool


class Seen:
    """The steps of a trace that are shown, and what stands for the others.

    steps
        Those that are made of variables and do more than move numbers, and the variables.
    products
        By the name of the step those that are products with a vector.
    share_letter
        What the probabilities of a pair are called: p, or a letter that no name begins with.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.by_name = {step.name: step for step in trace.steps}
        self.users = _users(trace)
        self.shown_as: dict[str, str] = {}
        self.title: dict[str, str] = {}
        self.made = self._made()
        for step in trace.steps:
            self._place(step)
        self.groups: dict[str, set[str]] = {}
        for name, root in self.shown_as.items():
            self.groups.setdefault(root, set()).add(name)
        self.products = self._products()
        self.steps = tuple(
            step for step in trace.steps
            if self.shown_as[step.name] == step.name and step.name in self.made
        )  # fmt: skip
        self.result = self.shown(trace.result.name)
        self.share_letter = free_letter("p", self.taken)

    @property
    def taken(self) -> set[str]:
        """The letters that are a name, or that a name has before what stands below the line."""
        return {name.partition("_")[0] for name in self.title.values()}

    def _made(self) -> set[str]:
        """The variables, and what is made of them, or has a name."""
        found: set[str] = set()
        for step in self.trace.steps:
            if step.operation == "variable" or any(one in found for one in step.operands):
                found.add(step.name)
        if self.trace.result.name not in found:  # made of constants only
            found.update(step.name for step in self.trace.steps)
        return found

    def _products(self) -> dict[str, VectorProduct]:
        found: dict[str, VectorProduct] = {}
        for step in self.trace.steps:
            one = vector_product(step, self.by_name, self.users[step.name])
            if one is not None and self.shown_as[one.made.name] == step.name:
                found[step.name] = one
        return found

    def _place(self, step: TraceStep) -> None:
        own = step.name
        self.shown_as[own], self.title[own] = own, own
        moved = self._moved(step)
        if moved is None:
            return
        root = self.shown_as[moved]
        if not step.is_named:
            self.shown_as[own] = root
        elif not self.has_name(self.by_name[root]) and len(self.users[moved]) == 1:
            self.shown_as[own] = root
            self.title[root] = own

    def _moved(self, step: TraceStep) -> str | None:
        """The operand whose numbers a step only hands on; None where it does more."""
        operands = [one for one in step.operands if one in self.made]
        if step.operation == "reshape" or (step.operation == "cast" and not operands):
            return step.operands[0]
        if len(operands) != 1 or step.operation not in MOVING:
            return None
        value = self.by_name[operands[0]].value
        local = step.local[step.operands.index(operands[0])]
        if step.value.size != value.size or local is None:
            return None
        if not np.array_equal(step.value.reshape(-1), value.reshape(-1)):
            return None
        size = value.size
        if local.size == size:
            return operands[0] if bool(np.all(local == 1)) else None
        eye = local.size == size * size and np.array_equal(local.reshape(size, size), np.eye(size))
        return operands[0] if eye else None

    def shown(self, name: str) -> TraceStep:
        """The step that stands for one."""
        return self.by_name[self.shown_as[name]]

    def has_name(self, step: TraceStep) -> bool:
        """Whether what is shown for a step has a name that somebody gave."""
        return self.by_name[self.title[step.name]].is_named

    def symbol(self, step: TraceStep) -> Symbol:
        """The symbol of a step that is shown."""
        name = self.title[step.name]
        return Symbol(name, self.face(step).value, bracketed=is_long(name))

    def face(self, step: TraceStep) -> TraceStep:
        """The step whose shape is shown: of a product with a vector the one after it."""
        return self.products[step.name].made if step.name in self.products else step

    def has_shape_of(self, step: TraceStep, other: TraceStep) -> bool:
        """Whether a step that is shown has the shape of another."""
        return bool(self.face(step).value.shape == other.value.shape)

    def slope(self, step: TraceStep) -> Symbol:
        """The derivative of the result by a step that is shown and has one."""
        return self.symbol(step).slope(
            self.symbol(self.result), self.face(step).derivative, sign="d"
        )

    def factors(self, product: VectorProduct) -> tuple[Symbol, Symbol]:
        """What a product with a vector multiplies."""
        left, right = (
            replace(self.symbol(self.shown(one.name)), value=one.value) for one in product.factors
        )
        return left, right

    def constants_of(self, steps: Iterable[TraceStep]) -> list[TraceStep]:
        """The constants that formulas of steps have by a name, as they were computed."""
        names = {name for step in steps for name in step.operands}
        found = {self.shown_as[name] for name in names - self.made if not self._is_number(name)}
        return [step for step in self.trace.steps if step.name in found]

    def _is_number(self, name: str) -> bool:
        """Whether an operand is a constant without a name, one number."""
        is_single = self.by_name[name].value.size == 1
        return is_single and name not in self.made and not self.shown(name).is_named

    def operand(self, name: str) -> Expression:
        """An operand in a formula: a number where it is a constant without a name."""
        step, seen = self.by_name[name], self.shown(name)
        if self._is_number(name):
            return Number(step.value)
        return replace(self.symbol(seen), value=step.value)

    def share(self, step: TraceStep) -> Symbol:
        """What a pair makes of its logits: p; of several pairs p_z with the name of the logits."""
        assert step.parts is not None  # noqa: S101  (asked of pairs only)
        if sum(one.parts is not None for one in self.steps) == 1:
            return Symbol(self.share_letter, step.parts.p)
        logits = self.title[self.shown_as[step.operands[0]]]
        return Symbol(logits, step.parts.p, self.share_letter)

    def local_formula(self, step: TraceStep, place: int) -> Expression | None:
        """The formula of a local derivative; None where it is not spelled, or says another number.

        Formulas are as in books; at a few places operations have another slope or none: 0^y.
        """
        local = step.local[place]
        operands = [self.operand(name) for name in step.operands]
        if local is None:
            return None
        if step.parts is not None and place == 0:
            known = step.parts.delta if step.parts.link == "softmax" else local
            formula = minus(self.share(step), operands[1])
            is_known = np.shape(evaluate(formula)) == known.shape and _says(formula, known)
            return formula if is_known else None
        if step.name in self.products:
            return self._local_of_vectors(self.products[step.name], place)
        if local.ndim == 2 and f"{step.operation}_slope" in BY_PLACES:
            return Call(f"{step.operation}_slope", (self.symbol(step),))
        if local.shape != step.value.shape:
            return None
        own, given = self.symbol(step), step.attributes
        spelled = slope_formula(step.operation, place, operands, own, given)
        return spelled if spelled is not None and _says(spelled, local) else None

    def _local_of_vectors(self, product: VectorProduct, place: int) -> Expression | None:
        """None by what is a vector in the product only."""
        factor = product.factors[place]
        if not self.has_shape_of(self.shown(factor.name), factor):
            return None
        return product.local(place, *self.factors(product))

    def places(self, step: TraceStep, used: TraceStep) -> tuple[int, ...]:
        """Which operands of a step are a step that is shown, or only move its numbers."""
        return tuple(
            place for place, name in enumerate(step.operands)
            if self.shown_as[name] == used.name and name in self.made
        )  # fmt: skip

    def local_sum(self, step: TraceStep, places: Sequence[int]) -> Expression | None:
        """The formula of the local derivative by what stands at several places."""
        formulas = [self.local_formula(step, place) for place in places]
        known = [one for one in formulas if one is not None]
        return together(known) if len(known) == len(formulas) else None

    def edges(self, step: TraceStep) -> Iterator[Edge]:
        """What is made of a step that is shown, through what only moves its numbers."""
        inside = self.groups[step.name]
        users = {user.number: user for name in inside for user in self.users[name]}
        for _, user in sorted(users.items()):
            if user.name in inside or user.derivative is None:
                continue
            places = tuple(
                place for place, operand in enumerate(user.operands)
                if operand in inside
                and any(one.user == user.name for one in self.by_name[operand].contributions)
            )  # fmt: skip
            if places:
                yield self._edge(self.shown(user.name), step, places, user)

    def _edge(
        self, user: TraceStep, used: TraceStep, places: tuple[int, ...], maker: TraceStep
    ) -> Edge:
        assert maker.derivative is not None  # noqa: S101  (looked at before)
        upstream, shape = maker.derivative, self.face(used).value.shape
        made = self.face(maker).value.shape
        locals_ = [local for place in places if (local := maker.local[place]) is not None]
        elementwise = {
            local.shape == maker.value.shape and local.size == used.value.size for local in locals_
        }
        if len(locals_) < len(places) or len(elementwise) > 1:
            return Edge(user, used, places, None, upstream.reshape(made), is_elementwise=False)
        whole = np.sum([local.reshape(-1) for local in locals_], axis=0)
        if elementwise == {True}:
            upstream = upstream.reshape(shape)
            return Edge(user, used, places, whole.reshape(shape), upstream, is_elementwise=True)
        whole = whole.reshape(shape if maker.value.size == 1 else (*made, *shape))
        return Edge(user, used, places, whole, upstream.reshape(made), is_elementwise=False)


def _says(formula: Expression, value: Array) -> bool:
    """Whether a formula comes to a value, but for rounding."""
    found, known = np.broadcast_arrays(evaluate(formula), value)
    return bool(np.allclose(found, known, rtol=1e-4, atol=1e-6, equal_nan=True))


def _users(trace: Trace) -> dict[str, list[TraceStep]]:
    """For each step those that are made of it, once for each use."""
    found: dict[str, list[TraceStep]] = {step.name: [] for step in trace.steps}
    for step in trace.steps:
        for operand in step.operands:
            found[operand].append(step)
    return found
