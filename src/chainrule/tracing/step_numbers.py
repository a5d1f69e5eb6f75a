"""The numbers that an optimizer finds for each step, alike for all weights, as formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.optimizers import Adam, AdamW, Nadam
from chainrule.tracing.formula import (
    Call,
    Expression,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    evaluate,
    minus,
    parts_of,
)

__all__ = ["constants_of", "name_in_rule", "numbers_of_step", "of_rule"]

LETTERS = {"rate": "η", "alpha": "α", "beta_1": "β1", "beta_2": "β2"}
"""What books call the numbers of a rule."""
ONE = Number(1)

Numbers = list[tuple[Symbol, Expression | None]]


def of_rule(name: str, value: float) -> Symbol:
    """A number of the rule itself."""
    return Symbol(name, value, letter=LETTERS.get(name, ""))


def name_in_rule(scalar: str) -> str:
    """What formulas call a number of the step that an optimizer names.

    >>> name_in_rule("learning_rate"), name_in_rule("momentum_rate")
    ('rate', 'momentum_rate')
    """
    return "rate" if scalar == "learning_rate" else scalar


def numbers_of_step(rule: Any, line: Mapping[str, Any], step: Symbol | Number) -> Numbers:
    """What Adam, AdamW and Nadam find for a step, in order; nothing of another rule.

    step
        Its number; where it is a symbol the names say nothing of which step it is: "u" and, of the
        step after it, "u+".

    Where there is no formula it is the product of all u up to this one's.
    """
    found: Numbers = []
    if isinstance(rule, Adam | AdamW):
        found = list(_of_adam(rule, line, step))
    elif isinstance(rule, Nadam):
        found = list(_of_nadam(rule, line, step))
    known = ((symbol.value, formula) for symbol, formula in found if formula is not None)
    return found if all(np.isclose(evaluate(one), value) for value, one in known) else []


def constants_of(numbers: Numbers) -> dict[str, float]:
    """The settings that formulas of numbers of a step have, by name."""
    made = {symbol.name for symbol, _ in numbers} | {"rate"}
    parts = (part for _, one in numbers if one is not None for part in parts_of(one))
    symbols = (part for part in parts if isinstance(part, Symbol))
    found = {one.name: one.value for one in symbols if one.name not in made | {"step"}}
    return dict(sorted(found.items()))


def _faded(name: str, rule: Any, step: Expression) -> Expression:
    """What the average of so many steps has of all: 1 - beta^step."""
    return minus(ONE, Power(of_rule(name, getattr(rule, name)), step))


def _of_adam(
    rule: Any, line: Mapping[str, Any], step: Symbol | Number
) -> Iterator[tuple[Symbol, Expression]]:
    if not {"alpha"} <= line.keys() <= {"alpha", "decay"}:
        return
    rate = of_rule("rate", rule.rate(int(step.value)))
    root = Call("sqrt", (_faded("beta_2", rule, step),))
    alpha = Quotient(Product((rate, root)), _faded("beta_1", rule, step))
    yield of_rule("alpha", line["alpha"]), alpha
    if "decay" in line:
        decay = Product((rate, Symbol("weight_decay", rule.weight_decay)))
        yield Symbol("decay", line["decay"]), decay


def _of_nadam(
    rule: Any, line: Mapping[str, Any], step: Symbol | Number
) -> Iterator[tuple[Symbol, Expression | None]]:
    if tuple(line) != Nadam().scalars:
        return
    now = int(step.value)
    following = Number(now + 1) if isinstance(step, Number) else Sum((step, ONE))
    beta, rate = of_rule("beta_1", rule.beta_1), of_rule("rate", rule.rate(now))

    def named(letter: str, value: Any, further: int) -> Symbol:
        name = f"{letter}_{now + further}" if isinstance(step, Number) else letter + "+" * further
        return Symbol(name, float(value), letter=f"{letter}{now + further}")

    shares = rule.beta_1 * (1 - 0.96 ** np.arange(1, now + 2) / 2)
    us = [named("u", shares[now - 1 + further], further) for further in (0, 1)]
    products = [named("P", np.prod(shares[: now + further]), further) for further in (0, 1)]
    for u, exponent in zip(us, (step, following), strict=True):
        halved = Product((Number(0.5), Power(Number(0.96), exponent)))
        yield u, Product((beta, minus(ONE, halved)))
    yield products[0], us[0] if isinstance(step, Number) and now == 1 else None
    yield products[1], Product((products[0], us[1]))
    tops = us[1], minus(ONE, us[0])
    for name, top, made in zip(rule.scalars[:2], tops, reversed(products), strict=True):
        yield Symbol(name, line[name]), Quotient(Product((rate, top)), minus(ONE, made))
    yield Symbol("correction", line["correction"]), _faded("beta_2", rule, step)
