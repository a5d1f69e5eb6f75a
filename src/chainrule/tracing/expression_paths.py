"""Every path from the result to a variable as the product of its local derivatives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.expression import TraceStep
from chainrule.tracing.expression_graph import Edge, Seen
from chainrule.tracing.formula import (
    Expression,
    Number,
    Product,
    Quotient,
    Symbol,
    minus,
    product,
    total,
)

__all__ = ["path_entries"]

MOST_PATHS = 20


@dataclass(frozen=True, eq=False)
class _Factor:
    """A local derivative on a path: its symbol, its formula, and what a pair leaves of it."""

    symbol: Symbol
    formula: Expression
    short: Expression | None = None


def path_entries(seen: Seen) -> Iterator[Entry]:
    """For each variable its paths multiplied out; then the derivatives that variables share."""
    variables = [step for step in seen.steps if step.operation == "variable"]
    paths = {step.name: _paths(seen, step) for step in variables if step.derivative is not None}
    count = sum(len(found) for found in paths.values())
    if not 0 < count <= MOST_PATHS or any(not _is_plain(found) for found in paths.values()):
        return
    for name, found in paths.items():
        step = seen.by_name[name]
        if step is seen.result or step.derivative is None:
            continue
        symbol = seen.slope(step)
        factors = [_factors(seen, path) for path in found]
        if max(len(one) for one in factors) < 2 and len(factors) < 2:
            continue
        chain = total(product(*(one.symbol for one in path)) for path in factors)
        spelled = total(_flat(one.formula for one in path) for path in factors)
        yield equation(symbol, chain, spelled)
        if any(one.short is not None for path in factors for one in path):
            yield equation(
                symbol, total(_shortened(path) for path in factors), note="simplified"
            )  # fmt: skip
    yield from _shared(seen, paths)


def _paths(seen: Seen, step: TraceStep) -> list[list[Edge]]:
    """The paths from a step up to the result, each as its uses; no more than are shown."""
    if step is seen.result:
        return [[]]
    found: list[list[Edge]] = []
    for edge in seen.edges(step):
        for path in _paths(seen, edge.user):
            found.append([edge, *path])
            if len(found) > MOST_PATHS:
                return found
    return found


def _is_plain(paths: Sequence[Sequence[Edge]]) -> bool:
    """Whether all factors are numbers."""
    return all(
        edge.local is not None and edge.local.size == 1 for path in paths for edge in path
    )  # fmt: skip


def _factors(seen: Seen, path: Sequence[Edge]) -> list[_Factor]:
    """The factors from the result downward; sums without a name hand on what arrives."""
    found: list[_Factor] = []
    user: TraceStep | None = None
    for place in reversed(range(len(path))):
        edge = path[place]
        user = edge.user if user is None else user
        if place and _hands_on(seen, edge) and _ways(seen, path[place - 1].used, user) == 1:
            continue
        found += _factor(seen, edge, user)
        user = None
    return found


def _hands_on(seen: Seen, edge: Edge) -> bool:
    """Whether a node without a name is only added to another."""
    formula = seen.local_sum(edge.user, edge.places)
    is_one = isinstance(formula, Number) and bool(np.all(formula.value == 1))
    return is_one and not seen.has_name(edge.used)


def _ways(seen: Seen, step: TraceStep, user: TraceStep) -> int:
    """How many paths lead from a step to one that is made of it."""
    if step is user:
        return 1
    return sum(
        _ways(seen, edge.user, user) for edge in seen.edges(step)
        if edge.user.number <= user.number
    )  # fmt: skip


def _factor(seen: Seen, edge: Edge, user: TraceStep) -> Iterator[_Factor]:
    used, by = seen.symbol(edge.used), seen.symbol(user)
    parts = edge.user.parts
    symbol = used.slope(by, edge.local, sign="∂")
    formula = seen.local_sum(edge.user, edge.places)
    by_parts = parts is not None and parts.link == "sigmoid" and edge.places == (0,)
    if parts is None or not by_parts or not np.all(np.isfinite(parts.product)):
        yield _Factor(symbol, symbol if formula is None else formula)
        return
    target = seen.operand(edge.user.operands[1])
    p = seen.share(edge.user)
    certainty = Product((p, minus(Number(1), p)))
    by_p = Quotient(minus(p, target), certainty)
    yield _Factor(p.slope(by, parts.by_p, sign="∂"), by_p, minus(p, target))
    yield _Factor(used.slope(p, parts.by_logit, sign="∂"), certainty, Number(1.0))


def _flat(factors: Iterator[Expression]) -> Expression:
    """A product without products inside."""
    held: list[Expression] = []
    for one in factors:
        held += one.factors if isinstance(one, Product) else [one]
    return product(*held)


def _shortened(path: Sequence[_Factor]) -> Expression:
    return _flat(one.formula if one.short is None else one.short for one in path)


def _shared(seen: Seen, paths: dict[str, list[list[Edge]]]) -> Iterator[Entry]:
    """The derivatives that more than one variable's product has in it."""
    for step in reversed(seen.steps):
        if step is seen.result or step.operation == "variable" or step.derivative is None:
            continue
        users = [
            seen.symbol(seen.by_name[name]) for name, found in paths.items()
            if any(edge.user is step for path in found for edge in path)
        ]  # fmt: skip
        if len(users) > 1 and seen.has_name(step):
            yield equation(seen.slope(step), note="shared by", names=users)
