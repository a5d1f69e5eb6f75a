"""The rules by which a column is an input, and of which kind, or left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from chainrule.data.spelling import TRUTH
from chainrule.data.table import Column

__all__ = ["COLUMN_KINDS", "ColumnSchema", "describe_input", "kind_of"]

COLUMN_KINDS = ("number", "category", "boolean", "datetime", "identifier")
IDENTIFIER_VALUES = 20
LEVELS_AT_LEAST, LEVELS_AT_MOST = 3, 10
NAME_OF_IDENTIFIER = re.compile(
    r"(.*[_\W])?(id|idx|index|key|uuid|guid|rownum|row[ _]?(number|id))|column0|no|nr|#",
    re.IGNORECASE,
)
NAME_WITH_ID = re.compile(r".*[a-z]I[Dd]")


@dataclass(frozen=True)
class ColumnSchema:
    """What one column is (`kind`), what it is for (`role`), why, and how it is used.

    `role` is "input", "target", "weight", "group", "time", "ignored" or "left out". `uses` says
    what a network gets of it: "value", "levels" (a number also value by value), "presence"
    (whether there is a value, of a column left out), or nothing.
    """

    name: str
    kind: str
    role: str
    reason: str
    missing: int
    distinct: int
    uses: tuple[str, ...] = ()


def kind_of(column: Column) -> str:
    """The kind that the values of a column show."""
    if column.kind == "text":
        return "boolean" if column.keys and set(column.keys) <= set(TRUTH) else "category"
    return column.kind


def describe_input(name: str, column: Column, kind: str | None) -> ColumnSchema:
    """The schema of a column that has no role yet, as an input or left out."""
    missing = int(column.missing.sum())
    distinct = column.distinct

    def left_out(kind: str, reason: str) -> ColumnSchema:
        uses = ("presence",) if 0 < missing < len(column.values) else ()
        if uses:
            reason = f"{reason}; only whether it is present is used"
        return ColumnSchema(name, kind, "left out", reason, missing, distinct, uses)

    if distinct == 0:
        return left_out("constant", "it is empty in every row")
    if distinct == 1:
        return left_out("constant", f"its only value is {column.keys[0]!r}")
    if kind == "identifier":
        return left_out("identifier", "you named it an identifier")
    if kind is None:
        reason = _identifier_reason(name, column, distinct)
        if reason:
            return left_out("identifier", reason)
    uses: tuple[str, ...] = ("value",)
    reason = "" if kind is None else "you named its kind"
    kind = kind or kind_of(column)
    if kind == "number" and _has_few_whole_values(column, distinct):
        uses = ("value", "levels")
        reason = f"only {distinct} whole values: also used value by value"
    return ColumnSchema(name, kind, "input", reason, missing, distinct, uses)


def _has_few_whole_values(column: Column, distinct: int) -> bool:
    if not LEVELS_AT_LEAST <= distinct <= LEVELS_AT_MOST:
        return False
    return all(re.fullmatch(r"-?[0-9]+", key) for key in column.keys)


def _identifier_reason(name: str, column: Column, distinct: int) -> str:
    known = len(column.values) - int(column.missing.sum())
    if distinct <= IDENTIFIER_VALUES:
        return ""
    if column.kind == "text" and distinct * 2 > known:
        return f"text that tells rows apart: {distinct} different values in {known} rows"
    if column.kind != "number" or distinct < known:
        return ""
    values = column.values[~column.missing]
    if not np.isfinite(values).all() or (values != np.floor(values)).any():
        return ""
    if known == len(column.values) and values.max() - values.min() == known - 1:
        return f"it counts the rows: {known} whole numbers in steps of one"
    if NAME_WITH_ID.fullmatch(name) or NAME_OF_IDENTIFIER.fullmatch(name.casefold()):
        return "whole numbers that all differ, and its name says that it is an identifier"
    return ""
