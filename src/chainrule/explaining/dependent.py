"""Columns that tell nearly the same, so that a model may go by either."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Column
from chainrule.explaining.explanation import together
from chainrule.explaining.subject import Subject
from chainrule.reporting import FEW_ROWS

__all__ = ["dependent_groups", "dependent_sentences"]

Array = np.ndarray[Any, np.dtype[Any]]

STRONG = 0.8
LOOKED_AT = 2000
MOST_VALUES = 50
MOST_CATEGORIES = 60
SHOWN = 3


def dependent_sentences(subject: Subject, seed: int = 0) -> tuple[str, ...]:
    """What to say of groups of columns that depend strongly on each other; the first few groups."""
    groups = dependent_groups(subject, seed)
    said = []
    for names in groups[:SHOWN]:
        several = together([repr(name) for name in names])
        said.append(
            f"How much each of {several} matters by itself: they tell nearly the same and share "
            "their importance, for without one the model goes by the others."
        )
    if groups[SHOWN:]:
        said.append(f"The same holds of {len(groups) - SHOWN} more groups of columns.")
    return tuple(said)


def dependent_groups(subject: Subject, seed: int = 0) -> list[tuple[str, ...]]:
    """Columns that are linked by dependence above 0.8, over at most 2,000 rows; none of few rows.

    Numbers and dates are compared by Spearman's rank correlation, categories (their 50 most
    frequent values) by Cramer's V with Bergsma's correction, a number with a category by the
    correlation ratio of its ranks, corrected for the number of values.
    """
    if subject.rows < FEW_ROWS:
        return []
    rows = np.arange(subject.rows)
    if subject.rows > LOOKED_AT:
        rows = np.sort(random.permutation(seed, 0, 0, subject.rows)[:LOOKED_AT])
    part = subject.take(rows)
    cells = {name: part.cells(name) for name in subject.columns}
    ordered = {name: one for name, one in cells.items() if one.kind != "text"}
    named = [name for name, one in cells.items() if one.kind == "text"][:MOST_CATEGORIES]
    ranks = np.array([_ranks(one) for one in ordered.values()]).reshape(len(ordered), len(rows))
    codes = {name: _codes(cells[name]) for name in named}
    links = _links_of_numbers(list(ordered), ranks)
    for place, name in enumerate(named):
        links += [
            (name, other) for other, one in zip(ordered, ranks, strict=True)
            if _ratio(one, codes[name]) > STRONG
        ]  # fmt: skip
        links += [
            (name, other) for other in named[place + 1 :]
            if _cramer(codes[name], codes[other]) > STRONG
        ]  # fmt: skip
    return _groups(subject.columns, links)


def _ranks(column: Column) -> Array:
    """Ranks with the mean of ties, of mean 0 and deviation 1; missing cells at the mean."""
    codes = column.codes
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=max(1, column.distinct))
    places = np.cumsum(counts) - (counts - 1) / 2
    ranks = np.where(known, places[np.where(known, codes, 0)], np.nan)
    if not known.any():
        return np.zeros(len(codes))
    centered = np.where(known, ranks - ranks[known].mean(), 0.0)
    deviation = float(np.sqrt(np.mean(centered**2)))
    return centered / deviation if deviation else centered


def _codes(column: Column) -> Array:
    """Codes of the most frequent values, all others together, missing ones by themselves."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=max(1, column.distinct))
    order = np.argsort(-counts, kind="stable")[: MOST_VALUES - 2]
    places = np.full(len(counts) + 1, len(order))
    places[order] = np.arange(len(order))
    places[-1] = len(order) + 1
    return np.unique(places[column.codes], return_inverse=True)[1]


def _links_of_numbers(names: list[str], ranks: Array) -> list[tuple[str, str]]:
    rows = max(1, ranks.shape[1])
    correlation = np.einsum("ik,jk->ij", ranks, ranks) / rows
    found = np.argwhere(np.triu(np.abs(correlation) > STRONG, 1))
    return [(names[one], names[other]) for one, other in found]


def _ratio(ranks: Array, codes: Array) -> float:
    """The share of the ranks' deviation that lies between the values of a category."""
    counts = np.bincount(codes)
    rows, values = len(codes), len(counts)
    if values < 2 or rows <= values or not ranks.any():
        return 0.0
    means = np.bincount(codes, ranks) / counts
    between = float(np.sum(counts * means**2) / np.sum(ranks**2))
    corrected = 1 - (1 - between) * (rows - 1) / (rows - values)
    return float(np.sqrt(max(0.0, corrected)))


def _cramer(one: Array, other: Array) -> float:
    """Cramer's V, less what chance alone makes of it (Bergsma, 2013)."""
    lines, columns, rows = int(one.max()) + 1, int(other.max()) + 1, len(one)
    if lines < 2 or columns < 2 or rows < 2:
        return 0.0
    table = np.bincount(one * columns + other, minlength=lines * columns)
    counts = table.reshape(lines, columns).astype(np.float64)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / rows
    squared = float(np.sum((counts - expected) ** 2 / expected)) / rows
    corrected = max(0.0, squared - (lines - 1) * (columns - 1) / (rows - 1))
    least = min(lines - (lines - 1) ** 2 / (rows - 1), columns - (columns - 1) ** 2 / (rows - 1))
    return float(np.sqrt(corrected / (least - 1))) if least > 1 else 0.0


def _groups(names: tuple[str, ...], links: list[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Names that are linked, directly or by others, in the order of the table."""
    group = {name: {name} for name in names}
    for one, other in links:
        if group[one] is not group[other]:
            group[one] |= group[other]
            for name in group[other]:
                group[name] = group[one]
    found = {id(members): members for members in group.values() if len(members) > 1}
    return [tuple(name for name in names if name in members) for members in found.values()]
