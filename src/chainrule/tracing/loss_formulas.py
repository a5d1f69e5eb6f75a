"""Losses as formulas: what a row's own loss is, and its slope by an output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from chainrule.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
    SquaredError,
)
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    dot,
    evaluate,
    folded,
    mean_of,
    minus,
    negated,
    product,
    some,
    total,
)
from chainrule.tracing.view import View, flat

__all__ = [
    "SPELLED",
    "certainty_slope",
    "general_formulas",
    "has_both",
    "loss_slope",
    "mixed_target",
    "probabilities",
    "row_loss",
]

CLIPPED = 1e-7
"""How near to 0 and 1 a probability may come, where a cross-entropy is not computed from z."""
OF_SHARES = (CategoricalCrossentropy, SparseCategoricalCrossentropy)
SPELLED = (
    *OF_SHARES, BinaryCrossentropy, Huber, MeanAbsoluteError, MeanSquaredError, Poisson, Quantile,
    SquaredError,
)  # fmt: skip
"""Losses that have a formula here."""

Targets: TypeAlias = list[Symbol]


def probabilities(view: View, row: int) -> list[Symbol]:
    """What the loss compares with the targets: the outputs, or what it makes of them itself."""
    last = len(view.layers) - 1
    given = flat(view.layers[last].numbers.a, view.rows)[row]
    rule = view.trace.loss_rules[0]
    if getattr(rule, "from_logits", False) or view.layers[last].activation == "log_softmax":
        parts = view.parts
        if parts is not None:
            p = flat(parts.p, view.rows)[row]
            numbers = [view.output_index(k) or str(k + 1) for k in range(len(p))]
            names = [f"p{one}" if len(p) > 1 else "p" for one in numbers]
            return [
                Symbol(name, one, row=view.row(row)) for name, one in zip(names, p, strict=True)
            ]
    return [view.unit(last, k, one, view.row(row)) for k, one in enumerate(given)]


def row_loss(view: View, row: int) -> Expression | None:
    """The formula of a row's own loss; None where it is none of those that are spelled."""
    outputs = probabilities(view, row)
    return _of_targets(view, row, lambda targets: _loss(view, outputs, targets))


def loss_slope(view: View, row: int, unit: int) -> Expression | None:
    """The derivative of a row's loss with respect to an output, where its formula is short.

    Minus it for a reader who wants errors.
    """
    outputs = probabilities(view, row)

    def slope(targets: Targets) -> Expression | None:
        found = _slope(view, outputs, targets, unit)
        return found if found is None or not view.errors else negated(found)

    return _of_targets(view, row, slope)


@dataclass(frozen=True)
class General:
    """A row's own loss of any outputs and targets: a part of the sum of terms that are alike.

    term
        The first term, of so many outputs: `width`.
    part
        By what the sum is divided.
    slopes
        The slope of the whole by each output of the first term.
    """

    term: Expression
    width: int
    part: int
    slopes: list[Expression | None]


def general_formulas(view: View, outputs: list[Symbol], targets: list[Symbol]) -> General | None:
    """A row's own loss of any outputs and targets; None of a loss that is not spelled."""
    if len(view.trace.loss_rules) != 1:
        return None
    terms, count = _terms(view, outputs, targets), len(outputs)
    if terms is None:
        return None
    width = count // len(terms)
    slopes = [_slope(view, outputs, targets, unit) for unit in range(width)]
    return General(terms[0], width, _part(view, len(terms)), slopes)


def mixed_target(view: View, row: int, unit: int) -> Expression | None:
    """The target of an output: of mixed rows those of both in their shares; None where unknown."""
    return _of_targets(view, row, lambda targets: targets[unit])


def _of_targets(
    view: View, row: int, formula: Callable[[Targets], Expression | None]
) -> Expression | None:
    """A formula with a row's targets; of mixed rows with those of both, in their shares."""
    if len(view.trace.loss_rules) != 1 or view.targets is None:
        return None
    count = view.targets.shape[1]
    own = formula([view.target(row, k) for k in range(count)])
    if not view.mixed:
        return own
    other = view.partner(row)
    partner = formula([view.target(other, k) for k in range(count)])
    if own is None or partner is None or not has_both(view):
        return None
    share = view.mixing_share(row)
    return Sum((Product((share, own)), Product((minus(Number(1), share), partner))))


def has_both(view: View) -> bool:
    """Whether it is known in which shares a mixed row's own loss has the targets of both."""
    return view.mixing_shares is not None and not view.weighs_targets


def _loss(view: View, outputs: list[Symbol], targets: Targets) -> Expression | None:
    terms = _terms(view, outputs, targets)
    if terms is None:
        return None
    return mean_of(_added(view, terms, len(outputs) // len(terms)), _part(view, len(terms)))


def _part(view: View, terms: int) -> int:
    """By what the sum of so many terms is divided."""
    return 2 if type(view.trace.loss_rules[0]) is SquaredError else terms


def _terms(view: View, outputs: list[Symbol], targets: Targets) -> list[Expression] | None:
    """What a row's own loss is a sum of: a term of each output, or of each position."""
    rule, most, count = view.trace.loss_rules[0], view.folding.terms, len(outputs)
    pairs = list(zip(outputs, targets, strict=True))
    stable = view.parts is not None
    if type(rule) is BinaryCrossentropy and stable and not all(0 < o.value < 1 for o, _ in pairs):
        return None
    if type(rule) in OF_SHARES:
        width = count // view.output_positions
        places = [pairs[start : start + width] for start in range(0, count, width)]
        found = [_of_classes(one, most) if stable else _of_shares(view, one) for one in places]
    else:
        found = [_term(view, o, t) for o, t in pairs]
    terms = [term for term in found if term is not None]
    return terms if len(terms) == len(found) else None


def _added(view: View, terms: list[Expression], outputs: int) -> Expression:
    """The sum of terms, each of so many outputs: of many those of outputs that are shown."""
    if len(terms) <= view.folding.terms + 1:
        return total(terms)
    shown = sorted({unit // outputs for unit in view.shown_units[-1]})
    return total(some([evaluate(term) for term in terms], shown, terms.__getitem__))


def _term(view: View, o: Symbol, t: Symbol) -> Expression | None:
    """What one output adds to a row's loss, before the mean over outputs."""
    rule, error = view.trace.loss_rules[0], minus(o, t)
    if type(rule) in (SquaredError, MeanSquaredError):
        return Power(error, Number(2))
    if type(rule) is MeanAbsoluteError:
        return Call("abs", (error,))
    if type(rule) is Huber:
        return Call("huber", (error, Number(rule.delta)))
    if type(rule) is Quantile:
        return Call("pinball", (minus(t, o), Number(rule.q)))
    if type(rule) is Poisson:
        inside = total([o, Number(CLIPPED)])
        return minus(o, Product((t, Call("log", (inside,)))))
    if type(rule) is BinaryCrossentropy:
        return _of_two(o if view.parts is not None else _kept_inside(view, o, o.value), t)
    return None


def _limits(view: View) -> tuple[float, float]:
    """The least and the largest probability, as the numbers of the network hold them."""
    dtype = view.layers[-1].numbers.a.dtype
    return float(dtype.type(CLIPPED)), float(dtype.type(1 - CLIPPED))


def _kept_inside(view: View, p: Expression, value: float) -> Expression:
    """A probability; clipped where it comes too near to 0 or 1."""
    low, high = _limits(view)
    if low < value < high:
        return p
    return Call("clip", (p, Number(low), minus(Number(1), Number(1 - high))))


def _of_two(p: Expression, t: Symbol) -> Expression:
    """-t log(p) - (1 - t) log(1 - p); of a target that is 0 or 1 the part that is left."""
    own, other = Call("log", (p,)), Call("log", (minus(Number(1), p),))
    if t.value in (0, 1):
        return Negative(own if t.value else other)
    return total([
        Negative(Product((t, own))), Negative(Product((minus(Number(1), t), other))),
    ])  # fmt: skip


def _of_classes(pairs: list[tuple[Symbol, Symbol]], most: int) -> Expression | None:
    """-sum t log(p); classes whose target is 0 add nothing."""
    counted = [(o, t) for o, t in pairs if t.value != 0]
    if not counted or any(o.value <= 0 for o, _ in counted):
        return None
    return _weighted_logs([(o, t) for o, t in counted], most)


def _weighted_logs(pairs: list[tuple[Any, Symbol]], most: int) -> Expression:
    if len(pairs) == 1 and pairs[0][1].value == 1:
        return Negative(Call("log", (pairs[0][0],)))
    return Negative(folded([product(t, Call("log", (p,))) for p, t in pairs], most))


def _total_of(view: View, outputs: list[Symbol]) -> Expression:
    values = [one.value for one in outputs]
    most = view.folding.terms
    return total(dot(values, [1.0] * len(values), lambda k: outputs[k], most))


def _of_shares(view: View, pairs: list[tuple[Symbol, Symbol]]) -> Expression | None:
    """-sum t log(o / sum of o), each share kept away from 0 and 1."""
    whole = float(sum(o.value for o, _ in pairs))
    counted = [(o, t) for o, t in pairs if t.value != 0]
    if whole == 0 or not counted:
        return None
    bottom = _total_of(view, [o for o, _ in pairs])
    kept = [(_kept_inside(view, Quotient(o, bottom), o.value / whole), t) for o, t in counted]
    return _weighted_logs(kept, view.folding.terms)


def _slope(view: View, outputs: list[Symbol], targets: Targets, unit: int) -> Expression | None:
    rule, count = view.trace.loss_rules[0], len(outputs)
    o, t = outputs[unit], targets[unit]
    error = minus(o, t)
    if type(rule) is SquaredError:
        return error
    if type(rule) is MeanSquaredError:
        scale = Quotient(Number(2), Number(count)) if count > 2 else Number(2 / count)
        return product(scale, error)
    if type(rule) in OF_SHARES:
        width = count // view.output_positions
        start = unit // width * width
        place = slice(start, start + width)
        one = _slope_of_shares(view, outputs[place], targets[place], unit - start)
        return None if one is None else mean_of(one, view.output_positions)
    one = _slope_of_term(view, rule, o, t)
    return None if one is None else mean_of(one, count)


def _slope_of_term(view: View, rule: Any, o: Symbol, t: Symbol) -> Expression | None:
    """The slope of what one output adds, before the mean over outputs."""
    error = minus(o, t)
    if type(rule) is MeanAbsoluteError:
        return Call("sign", (error,))
    if type(rule) is Huber:
        return Call("clip", (error, Number(-rule.delta), Number(rule.delta)))
    if type(rule) is Quantile:  # at its kink the engine takes the middle of both slopes
        side = Call("holds", (error,)) if o.value != t.value else Number(0.5)
        return minus(side, Number(rule.q))
    if type(rule) is Poisson:
        return minus(Number(1), Quotient(t, Sum((o, Number(CLIPPED)))))
    if type(rule) is BinaryCrossentropy:
        low, high = _limits(view)
        if low < o.value < high:
            return certainty_slope(o, t)
        return Number(0) if o.value < low or o.value > high else None
    return None


def certainty_slope(o: Symbol, t: Symbol) -> Expression:
    """(p - t) / (p (1 - p))"""
    return Quotient(minus(o, t), Product((o, minus(Number(1), o))))


def _slope_of_shares(
    view: View, outputs: list[Symbol], targets: Targets, unit: int
) -> Expression | None:
    """sum of t / sum of o - t / o: of classes whose share is not clipped."""
    whole, (low, high) = float(sum(one.value for one in outputs)), _limits(view)
    if whole == 0 or any(one.value / whole in (low, high) for one in outputs):
        return None
    moved = [
        k for k, (o, t) in enumerate(zip(outputs, targets, strict=True))
        if t.value != 0 and low < o.value / whole < high
    ]  # fmt: skip
    if not moved:
        return Number(0)
    tops = [Number(1) if targets[k].value == 1 else targets[k] for k in moved]
    of_all = Quotient(folded(tops, view.folding.terms), _total_of(view, outputs))
    if unit not in moved:
        return of_all
    return minus(of_all, Quotient(tops[moved.index(unit)], outputs[unit]))
