"""Where the numbers of parameters are used, and what the uses add up to in a gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.tracing.activation_formulas import learned_below
from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.formula import (
    Expression,
    Negative,
    Product,
    Symbol,
    dot,
    evaluate,
    mean_of,
    product,
    some,
    total,
)
from chainrule.tracing.step import LayerTrace, ParameterTrace
from chainrule.tracing.step_normal import hat_symbol
from chainrule.tracing.step_penalty import TABLES, activity_slope, penalty_symbol
from chainrule.tracing.step_spread import reach_symbol
from chainrule.tracing.view import View, flat

__all__ = ["Uses", "reported_entries", "sum_of_uses", "uses_of"]

Array = np.ndarray[Any, np.dtype[Any]]
Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Uses:
    """The uses of one number of a parameter.

    place, sums
        Of which layer; whether it is used in weighted sums, and not in what the layer gives.
    rows, columns
        Where each use stands.
    sizes, factor
        What the derivative there is multiplied with at each use: its numbers, and how one is
        written; None where it is 1.
    """

    place: int
    sums: bool
    rows: Array
    columns: Array
    sizes: Array
    factor: Callable[[int], Expression] | None = None

    def ends(self) -> tuple[str, str]:
        """What the numbers of `TracedLayer` are called that hold the derivatives."""
        return ("delta", "reported") if self.sums else ("upstream", "upstream_reported")


def uses_of(view: View, place: int, parameter: ParameterTrace, index: Index) -> Uses | None:
    """The uses of a number; None where they are not known."""
    layer, rows = view.layers[place], np.arange(view.rows)
    if parameter in (layer.kernel, layer.bias):
        return _of_sums(view, place, parameter, index)
    if parameter.name in TABLES:
        return _of_codes(view, place, index)
    if view.spreads[place] is not None:
        return _of_spread(view, place, parameter, index)
    if view.normals[place] is not None:
        return _of_normal(view, place, parameter, index[0])
    if not layer.is_a("PReLU") or parameter.name != "alpha" or layer.numbers.x is None:
        return None
    unit = int(np.ravel_multi_index(index, parameter.before.shape))
    x = flat(layer.numbers.x, view.rows)[:, unit]

    def below(row: int) -> Expression:
        return learned_below(view.given(place).symbol(unit, x[row], view.row(row)))

    sizes = np.array([evaluate(below(row)) for row in range(view.rows)])
    return Uses(place, False, rows, np.full(view.rows, unit), sizes, below)


def _of_normal(view: View, place: int, parameter: ParameterTrace, unit: int) -> Uses | None:
    """Of a gamma or a beta: once a row, with further axes once at each position."""
    normal = view.normals[place]
    assert normal is not None  # noqa: S101  (asked for of such layers)
    width = normal.hat.shape[1]
    rows = np.repeat(np.arange(view.rows), width // normal.units)
    columns = np.resize(np.arange(unit, width, normal.units), len(rows))
    if parameter.name == "beta":
        return Uses(place, False, rows, columns, np.ones(len(rows)))
    if parameter.name != "gamma":
        return None
    return Uses(
        place, False, rows, columns, normal.hat[rows, columns],
        lambda k: hat_symbol(view, place, int(rows[k]), int(columns[k])),
    )  # fmt: skip


def _of_sums(view: View, place: int, parameter: ParameterTrace, index: Index) -> Uses:
    """Of a weight or a bias: once a row, with further axes once at each position."""
    layer = view.layers[place]
    assert layer.kernel is not None  # noqa: S101  (it has sums)
    inputs, units = layer.kernel.before.shape
    rows, positions = (one.reshape(-1) for one in np.indices((view.rows, layer.positions)))
    columns = positions * units + index[-1]
    if parameter is layer.bias:
        return Uses(place, True, rows, columns, np.ones(len(rows)))
    sources = positions * inputs + index[0]
    x = flat(layer.numbers.x, view.rows)[rows, sources]
    return Uses(
        place, True, rows, columns, x,
        lambda k: view.given(place).symbol(int(sources[k]), x[k], view.row(int(rows[k]))),
    )  # fmt: skip


def _of_spread(view: View, place: int, parameter: ParameterTrace, index: Index) -> Uses | None:
    """Of a weight or a bias of a number that is spread: once a row."""
    spread, rows = view.spreads[place], np.arange(view.rows)
    assert spread is not None  # noqa: S101  (asked for of such layers)
    number, part, unit = index
    columns = np.full(view.rows, number * spread.units + unit)
    if parameter.name == "bias":
        return Uses(place, True, rows, columns, np.ones(view.rows))
    return Uses(
        place, True, rows, columns, spread.reached[:, number, part],
        lambda row: reach_symbol(view, place, row, number, part),
    )  # fmt: skip


def _of_codes(view: View, place: int, index: Index) -> Uses | None:
    """Of a number of an embedding: wherever its code is given."""
    codes = view.codes(place)
    if codes is None:
        return None
    rows, positions = np.nonzero(codes == index[0])
    width = flat(view.layers[place].numbers.a, view.rows).shape[1] // codes.shape[1]
    return Uses(place, False, rows, positions * width + index[1], np.ones(len(rows)))


def sum_of_uses(view: View, uses: Uses) -> Expression:
    """The derivatives at all uses, each with its factor and its row's share in the loss."""
    shares = _shares(view, uses)
    own, reported = (_found(view, uses, end) for end in uses.ends())
    slopes = reported if shares is None else own
    equal = shares is not None and view.trace.row_weights is None

    def term(k: int) -> Expression:
        row, column = int(uses.rows[k]), int(uses.columns[k])
        find = _reported if shares is None else _own
        factors: list[Expression] = [find(view, uses, row, column)]
        if uses.factor is not None:
            factors.insert(0 if view.notation.form == "rows" else 1, uses.factor(k))
        if shares is not None and not equal:
            factors.insert(0, Symbol("s", shares[row], row=row + 1))
        return product(*factors)

    sign = -1.0 if view.errors else 1.0
    scale = np.ones(view.rows) if equal or shares is None else shares
    values = sign * uses.sizes * slopes * scale[uses.rows]
    terms = total(some(values, np.flatnonzero(_shown(view, uses)).tolist(), term))
    if equal and shares is not None and shares[0] != 1 and len(uses.rows):
        return mean_of(terms, view.rows)
    return terms


def _shown(view: View, uses: Uses) -> Array:
    """Which uses are written: in rows that are shown; of several columns in those shown."""
    found: Array = np.isin(uses.rows, view.shown_rows)
    if len(np.unique(uses.columns)) > 1:
        found &= np.isin(uses.columns, view.shown_units[uses.place])
    return found


def _found(view: View, uses: Uses, end: str) -> Array:
    array = flat(getattr(view.layers[uses.place].numbers, end), view.rows)
    return np.asarray(array[uses.rows, uses.columns], np.float64)


def _own(view: View, uses: Uses, row: int, column: int) -> Symbol:
    """The derivative of the row's own loss."""
    find = view.delta if uses.sums else view.upstream
    return find(uses.place, column, row)


def _reported(view: View, uses: Uses, row: int, column: int) -> Symbol:
    """The derivative of the loss itself."""
    numbers = view.layers[uses.place].numbers
    value = flat(getattr(numbers, uses.ends()[1]), view.rows)[row, column]
    return _base(view, uses, row, column).slope(view.loss(), value, view.errors)


def _base(view: View, uses: Uses, row: int, column: int) -> Symbol:
    a = view.unit(uses.place, column, 0.0, view.row(row))
    return a.of("z", 0.0, view.row(row)) if uses.sums else a


def _shares(view: View, uses: Uses) -> Array | None:
    """The share of each row's loss; None where rows mix, so that deltas do not add up by shares."""
    shares = view.trace.row_shares
    if shares is None:
        return None
    numbers = view.layers[uses.place].numbers
    columns = np.unique(uses.columns)
    own, reported = (
        flat(getattr(numbers, end), view.rows)[:, columns].astype(np.float64) for end in uses.ends()
    )
    nearly = 1e-6 * float(np.abs(reported).max(initial=0.0))
    alike = np.allclose(shares[:, None] * own, reported, 1e-5, nearly)
    return shares if alike else None


def reported_entries(view: View, found: Sequence[Uses]) -> Iterator[Entry]:
    """Derivatives of the loss, where they are more than a row's share of its own."""
    wanted: dict[tuple[int, int, bool], Uses] = {}
    for uses in found:
        if _shares(view, uses) is None:
            pairs = zip(uses.columns.tolist(), uses.rows.tolist(), strict=True)
            shown = ((column, row) for column, row in pairs if row in view.shown_rows)
            wanted |= {(column, row, uses.sums): uses for column, row in shown}
    shares = view.trace.row_shares
    for column, row, _ in sorted(wanted):
        uses = wanted[column, row, _]
        mixed = view.weighs_targets or view.mixes_after(uses.place + (not uses.sums))
        if shares is None or (mixed and len(set(shares)) > 1):
            note = "through the losses of all outputs" if shares is None else "where rows mix"
            yield equation(_reported(view, uses, row, column), note=note)
        else:
            yield from _with_activities(view, uses, row, column, shares[row])


def _with_activities(
    view: View, uses: Uses, row: int, column: int, share: float
) -> Iterator[Entry]:
    """A row's share of its own derivative, and what penalties on activities add."""
    own = _own(view, uses, row, column)
    if view.trace.row_weights is not None:
        first: Expression = Product((Symbol("s", share, row=row + 1), own))
    else:
        first = own if share == 1 else mean_of(own, view.rows)
    slope = _penalty_slope(view, uses, row, column)
    if slope.value:
        yield from _of_activities(view, uses, row, column)
    terms = [first, Negative(slope) if view.errors else slope]
    yield equation(_reported(view, uses, row, column), total(terms))


def _penalty_slope(view: View, uses: Uses, row: int, column: int) -> Symbol:
    """The derivative of the penalties with respect to a sum, or to what a layer gives."""
    by_a, by_z = view.activity_slopes[uses.place]
    slopes = by_z if uses.sums else by_a
    assert slopes is not None  # noqa: S101  (a layer with sums has one)
    value = float(slopes[row, column])
    return _base(view, uses, row, column).slope(penalty_symbol(view), value)


def _of_activities(view: View, uses: Uses, row: int, column: int) -> Iterator[Entry]:
    """How penalties on activities reach a number: its own, and those that follow."""
    given = replace(uses, sums=False)
    by_a = _penalty_slope(view, given, row, column)
    after = _element_wise(view, uses.place)
    if after is not None and not view.layers[after].parameters:
        behind = replace(given, place=after)
        if _penalty_slope(view, behind, row, column).value:
            yield from _of_activities(view, behind, row, column)
    yield _checked(by_a, _penalty_paths(view, given, row, column))
    if not uses.sums:
        return
    layer, by_z = view.layers[uses.place], _penalty_slope(view, uses, row, column)
    if layer.numbers.slope is None:
        yield equation(by_z, note=f"through {layer.activation}")
        return
    slope, value = (
        flat(one, view.rows)[row, column] for one in (layer.numbers.slope, layer.numbers.a)
    )
    a, z = replace(_base(view, given, row, column), value=value), _base(view, uses, row, column)
    linear = layer.activation in (None, "linear")
    yield _checked(by_z, by_a if linear else Product((by_a, z.slope(a, slope))))


def _penalty_paths(view: View, uses: Uses, row: int, column: int) -> Expression | None:
    """The layer's own penalty, and those behind the weights of the next layer."""
    layer, after = view.layers[uses.place], uses.place + 1
    a = flat(layer.numbers.a, view.rows)[row, column]
    own = activity_slope(view, layer, view.unit(uses.place, column, a, view.row(row)))
    terms = [] if own is None else [own]
    while after < len(view.layers) and view.only_moves(view.layers[after]):
        after += 1
    following = view.layers[after] if after < len(view.layers) else None
    if following is not None and following.kernel is not None:
        terms += _paths_behind(view, following, after, row, column)
    element = _element_wise(view, uses.place)
    if element is not None:
        terms += _through_element(view, element, row, column)
    return total(terms) if terms else None


def _element_wise(view: View, place: int) -> int | None:
    """The place of the next layer, where it makes each number of its own one and has no sums."""
    if place + 1 == len(view.layers):
        return None
    numbers = view.layers[place + 1].numbers
    return place + 1 if numbers.z is None and numbers.slope is not None else None


def _through_element(view: View, place: int, row: int, column: int) -> list[Expression]:
    """The penalties behind a layer that makes each number of its own one."""
    alone = np.zeros(1, int)
    slope = _penalty_slope(view, Uses(place, False, alone, alone, alone), row, column)
    if not slope.value or view.only_moves(view.layers[place]):
        return []
    x = view.given(place).symbol(column, 0.0, view.row(row))
    numbers = view.layers[place].numbers
    local, a = (flat(one, view.rows)[row, column] for one in (numbers.slope, numbers.a))
    return [Product((slope, x.slope(view.unit(place, column, a, view.row(row)), local)))]


def _paths_behind(
    view: View, following: LayerTrace, place: int, row: int, column: int
) -> list[Expression]:
    assert following.kernel is not None  # noqa: S101  (looked at before)
    if column >= len(following.kernel.before) * following.positions:
        return []
    first, source = following.leads_to(column)
    weights = following.kernel.before[source]
    sums = Uses(place, True, np.array([row]), np.array([0]), np.ones(1))
    slopes = [_penalty_slope(view, sums, row, first + k) for k in range(len(weights))]
    if not any(abs(one.value) > 1e-12 for one in slopes):
        return []

    def path(k: int) -> Expression:
        return Product((slopes[k], view.weight(following, source, k)))

    return dot([one.value for one in slopes], weights, path, view.folding.terms)


def _checked(symbol: Symbol, formula: Expression | None) -> Entry:
    """An equation with its formula, where that says all of the value."""
    if formula is not None and np.isclose(evaluate(formula), symbol.value, 1e-4, 1e-12):
        return equation(symbol, formula)
    return equation(symbol, note="through the layers that follow")
