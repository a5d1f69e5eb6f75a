"""Penalties as formulas: what each makes of numbers, and its slope by one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.layers import L1, L1L2, L2, InTraining, Lp
from chainrule.tracing.formula import (
    Call,
    Expression,
    Number,
    Power,
    Product,
    Quotient,
    Symbol,
    dot,
    product,
    total,
)

__all__ = ["penalty_of", "size_of", "slope_of"]

Array = np.ndarray[Any, np.dtype[Any]]
KINDS = {L1: ("l1", ""), L2: ("", "l2"), L1L2: ("l1", "l2")}
"""What the strengths of |w| and of w^2 are called."""


def _plain(rule: Any) -> Any:
    """The penalty that training alone has, or rows share, or the one that there is."""
    return rule.regularizer if isinstance(rule, InTraining) else rule


def _strengths(rule: Any) -> tuple[float, float] | None:
    """Of |w| and of w^2; None of a penalty of another kind."""
    if type(rule) is Lp and rule.p == 1:
        return float(rule.strength), 0.0
    if type(rule) not in KINDS:
        return None
    by_size, by_square = (float(getattr(rule, name, 0.0)) for name in KINDS[type(rule)])
    return by_size, by_square


def size_of(
    rule: Any, name: str, values: Array, symbol: Callable[[int], Symbol], most: int
) -> tuple[Symbol, Expression] | None:
    """The length that an Lp penalty is a multiple of, and how it is found; None of others."""
    rule = _plain(rule)
    if type(rule) is not Lp or rule.p == 1 or not np.isfinite(rule.p):
        return None
    p, sizes = float(rule.p), np.abs(values.astype(np.float64))

    def term(k: int) -> Expression:
        base: Expression = symbol(k) if p == 2 else Call("abs", (symbol(k),))
        return Power(base, Number(p))

    terms = total(dot(sizes**p, np.ones(len(sizes)), term, most))
    root = Call("sqrt", (terms,)) if p == 2 else Power(terms, Quotient(Number(1), Number(p)))
    return Symbol(f"size of {name}", np.sum(sizes**p) ** (1 / p)), root


def penalty_of(
    rule: Any, values: Array, symbol: Callable[[int], Symbol], size: Symbol | None, most: int
) -> Expression | None:
    """l1 sum |w| + l2 sum w^2, or strength times a size; None for penalties of another kind."""
    rule = _plain(rule)
    if size is not None:
        return product(Number(float(rule.strength)), size)
    strengths = _strengths(rule)
    if strengths is None:
        return None
    sizes: Callable[[int], Expression] = lambda k: Call("abs", (symbol(k),))  # noqa: E731
    squares: Callable[[int], Expression] = lambda k: Power(symbol(k), Number(2))  # noqa: E731
    return total(
        product(Number(strength), total(dot(values, right, term, most)))
        for strength, right, term in zip(
            strengths, (np.sign(values), values), (sizes, squares), strict=True
        )
        if strength
    )


def slope_of(rule: Any, w: Symbol, size: Symbol | None) -> Expression | None:
    """l1 sign(w) + 2 l2 w, or that of a size; None for penalties of another kind."""
    rule = _plain(rule)
    if size is not None:
        return _slope_of_size(rule, w, size)
    strengths = _strengths(rule)
    if strengths is None:
        return None
    by_size, by_square = strengths
    parts: list[Expression] = [Product((Number(by_size), Call("sign", (w,))))] if by_size else []
    parts += [Product((Number(2), Number(by_square), w))] if by_square else []
    return total(parts)


def _slope_of_size(rule: Lp, w: Symbol, size: Symbol) -> Expression:
    """strength sign(w) (|w| / size)^(p - 1); 0 where all are 0."""
    strength, p = Number(float(rule.strength)), float(rule.p)
    if size.value == 0:
        return Number(0)
    if p == 2:
        return Product((strength, Quotient(w, size)))
    share = Quotient(Call("abs", (w,)), size)
    return Product((strength, Call("sign", (w,)), Power(share, Number(p - 1))))
