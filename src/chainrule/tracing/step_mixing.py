"""Rows that are mixed with a partner, as equations: forward, and backward to both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.tracing.equations import Entry, Values, equation
from chainrule.tracing.formula import Expression, Number, Product, Symbol, minus, total
from chainrule.tracing.view import View, flat

__all__ = ["mixed_rows", "unmixed_slopes"]


def _rest(share: Symbol) -> Expression:
    return minus(Number(1), share)


def mixed_rows(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """With which row a row is mixed, and what becomes of each of its numbers."""
    numbers, other = view.layers[place].numbers, view.partner(row)
    x, a = (flat(one, view.rows) for one in (numbers.x, numbers.a))
    share = view.mixing_share(row)

    def given(of: int, unit: int) -> Symbol:
        return view.given(place).symbol(unit, x[of, unit], view.row(of))

    told = [share]
    if other not in view.shown_rows:
        told += [given(other, unit) for unit in units]
        if view.targets is not None:
            told += [view.target(other, k) for k in view.shown_units[-1]]
    yield Values(tuple(told), f"mixed with {'itself' if other == row else f'row {other + 1}'}: ")
    for unit in units:
        parts = Product((share, given(row, unit))), Product((_rest(share), given(other, unit)))
        yield equation(view.unit(place, unit, a[row, unit], view.row(row)), total(parts))


def unmixed_slopes(view: View, place: int, row: int, units: Sequence[int]) -> Iterator[Entry]:
    """The derivatives with respect to a row's numbers: through itself, and through its partner."""
    other = view.partner(row)
    if other not in view.shown_rows:
        slopes = (view.upstream(place, unit, other) for unit in units)
        yield Values((view.mixing_share(other), *slopes), f"mixed with row {other + 1}: ")
    for unit in units:
        through = Product((view.mixing_share(row), view.upstream(place, unit, row)))
        rest = _rest(view.mixing_share(other))
        by_other = Product((rest, view.upstream(place, unit, other)))
        yield equation(view.by_given(place, unit, row), total([through, by_other]))
