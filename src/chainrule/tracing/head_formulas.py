"""Losses of several outputs as formulas, each of its own columns of the last layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.losses import MeanSquaredError, SparseCategoricalCrossentropy
from chainrule.tracing.equations import Entry, equation
from chainrule.tracing.formula import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Quotient,
    Symbol,
    dot,
    folded,
    mean_of,
    minus,
    product,
    total,
)
from chainrule.tracing.step import StepTrace
from chainrule.tracing.view import View, flat

__all__ = ["head_shares", "head_slope", "head_targets", "heads_loss", "is_share"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class _Head:
    """One output: its columns of the last layer, their targets (rows, columns), and its loss.

    shares
        What a softmax makes of the columns, which the loss takes the logarithms of; None of a
        squared error.
    """

    columns: range
    targets: Array
    shares: Array | None


def _heads(view: View) -> list[_Head]:
    """The outputs; none where there is one, or one whose loss is not spelled."""
    trace, last = view.trace, view.layers[-1]
    linear = last.activation in (None, "linear") and last.numbers.a.ndim == 2
    if len(trace.loss_rules) == 1 or view.mixed or not linear:
        return []
    found, end = [], last.nodes[-1].number
    taken = [one for one in trace.nodes if one.operation == "narrow" and one.operands[0] == end]
    if len(taken) != len(trace.loss_rules):
        return []
    for node, rule, given in zip(taken, trace.loss_rules, trace.targets.values(), strict=True):
        columns = range(node.attributes["start"], node.attributes["stop"])
        z = flat(view.layers[-1].numbers.a, view.rows)[:, columns].astype(np.float64)
        if type(rule) is MeanSquaredError:
            found.append(_Head(columns, flat(given, view.rows), None))
        elif type(rule) is SparseCategoricalCrossentropy and _is_paired(trace, node.number):
            labels = np.asarray(given).reshape(-1).astype(int)
            shares = np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
            found.append(_Head(columns, np.eye(len(columns))[labels], shares))
        else:
            return []
    return found


def _is_paired(trace: StepTrace, number: int) -> bool:
    """Whether a softmax and its cross-entropy are computed together of a node."""
    pairs = (one for one in trace.nodes if one.operation == "softmax_cross_entropy")
    return any(one.operands[0] == number for one in pairs)


def _head_of(view: View, unit: int) -> _Head | None:
    return next((head for head in _heads(view) if unit in head.columns), None)


def _output(view: View, row: int, unit: int) -> Symbol:
    last = len(view.layers) - 1
    value = flat(view.layers[last].numbers.a, view.rows)[row, unit]
    return view.unit(last, unit, value, view.row(row))


def _target(view: View, head: _Head, row: int, unit: int) -> Symbol:
    value = head.targets[row, unit - head.columns.start]
    return _output(view, row, unit).of("t", value, view.row(row))


def _share(view: View, head: _Head, row: int, unit: int) -> Symbol:
    assert head.shares is not None  # noqa: S101  (asked for of classes)
    value = head.shares[row, unit - head.columns.start]
    return _output(view, row, unit).of("p", value, view.row(row))


def _class(head: _Head, row: int) -> int:
    return head.columns.start + int(head.targets[row].argmax())


def is_share(view: View, unit: int) -> bool:
    """Whether an output is one of classes."""
    head = _head_of(view, unit)
    return head is not None and head.shares is not None


def head_targets(view: View, row: int) -> list[Symbol]:
    """The targets of the outputs that are shown, and of those whose class is the row's."""
    found = []
    for head in _heads(view):
        shown = set(view.shown_units[-1]) & set(head.columns)
        shown |= set(head.columns) if head.shares is None else {_class(head, row)}
        found += [_target(view, head, row, unit) for unit in sorted(shown)]
    return found


def head_shares(view: View, row: int) -> Iterator[Entry]:
    """The probabilities that the losses of classes are made of."""
    for head in _heads(view):
        if head.shares is None:
            continue
        first = _class(head, row)
        for unit in sorted({first, *view.shown_units[-1]} & set(head.columns)):
            powers = [Call("exp", (_output(view, row, k),)) for k in head.columns]
            values = np.exp([float(_output(view, row, k).value) for k in head.columns])
            bottom = total(
                dot(values, np.ones(len(values)), powers.__getitem__, view.folding.terms)
            )
            top = powers[unit - head.columns.start]
            fits = bool(np.all(np.isfinite(values))) and values.sum() > 0
            yield equation(
                _share(view, head, row, unit), *([Quotient(top, bottom)] if fits else [])
            )


def heads_loss(view: View, row: int) -> Expression | None:
    """A row's own loss: the sum of those of all outputs; None where one is not spelled."""
    terms: list[Expression] = []
    for head in _heads(view):
        if head.shares is not None:
            share = _share(view, head, row, _class(head, row))
            if share.value <= 0:
                return None
            terms.append(Negative(Call("log", (share,))))
            continue
        squares = [
            Power(minus(_output(view, row, k), _target(view, head, row, k)), Number(2))
            for k in head.columns
        ]
        terms.append(mean_of(folded(squares, view.folding.terms), len(squares)))
    return total(terms) if terms else None


def head_slope(view: View, row: int, unit: int) -> Expression | None:
    """The derivative of a row's own loss with respect to an output; None where not spelled."""
    head = _head_of(view, unit)
    if head is None:
        return None
    target = _target(view, head, row, unit)
    if head.shares is not None:
        return minus(_share(view, head, row, unit), target)
    scale = (
        Number(2.0) if len(head.columns) == 1 else Quotient(Number(2), Number(len(head.columns)))
    )
    return product(scale, minus(_output(view, row, unit), target))
