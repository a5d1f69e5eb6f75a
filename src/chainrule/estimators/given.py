"""From X, y, weights and groups to one table with a column for each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any

import numpy as np

from chainrule.data import Column, Table, column_of
from chainrule.errors import DataError, InputTypeError, ShapeError, warn
from chainrule.estimators.layout import Layout, collected, table_of
from chainrule.estimators.targets import Target, matched, target_column, targets_of, tasks_of

__all__ = [
    "Given",
    "given_table",
    "known_rows",
    "target_columns",
    "watched_table",
    "weights_column",
]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Given:
    """A table with targets, weights and groups in it, and what its columns are.

    names, tasks
        The columns of the targets, and "classification" or "regression" for each.
    weight, group
        The columns of weights and groups, None where there are none.
    """

    table: Table
    layout: Layout
    targets: tuple[Target, ...]
    names: tuple[str, ...]
    tasks: tuple[str, ...]
    weight: str | None = None
    group: str | None = None


def given_table(
    owner: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    groups: Any,
    task: str,
    others: Mapping[Any, str] | None,
    *,
    weighted: bool,
) -> Given:
    """What `fit` was given, checked, as a table.

    task, others
        The task of each column of y, and of those that have another one.
    weighted
        Whether there is a column of weights though none are given.
    """
    X = collected(X)
    table = table_of(X, owner)
    _refuse_one_row(table, owner)
    layout = Layout.of(X, table)
    targets, frame = targets_of(y, owner)
    tasks = tasks_of(targets, task, others)
    names = _names(targets, table.names)
    columns = dict(table.columns)
    columns |= target_columns(targets, names, tasks, table.rows)
    weight = group = None
    if sample_weight is not None or weighted:
        weight = _free("sample_weight", columns)
        columns[weight] = weights_column(sample_weight, table.rows)
    if groups is not None:
        group = _free("group", columns)
        columns[group] = _groups(groups, table.rows)
    labels = tuple(target.label for target in targets) if frame else ()
    layout = replace(layout, several=len(targets) > 1, frame=frame, targets=labels)
    whole = replace(table, columns=columns)
    known_rows((columns[name] for name in names), table.rows, "y")
    return Given(whole, layout, tuple(targets), names, tasks, weight, group)


def _refuse_one_row(table: Table, owner: Any) -> None:
    if table.rows == 1:
        message = (
            f"Found array with 1 sample(s) (shape={(1, len(table.names))}) while a minimum of 2 is "
            f"required by {type(owner).__name__}."
        )
        raise DataError(message)


def watched_table(owner: Any, given: Given, eval_set: Any) -> Table:
    """The table of `eval_set`, with the columns of training."""
    if not isinstance(eval_set, tuple | list) or len(eval_set) not in (2, 3):
        message = (
            "eval_set must be (X, y) or (X, y, sample_weight), got "
            f"{type(eval_set).__name__}{_length(eval_set)}."
        )
        raise InputTypeError(message)
    X, y, *weights = eval_set
    table = given.layout.table(X, owner, needed=())
    targets, frame = targets_of(y, owner)
    if len(targets) != len(given.targets):
        message = f"eval_set: y has {len(targets)} columns, in training it has {len(given.names)}."
        raise ShapeError(message)
    targets = matched(targets, frame, given.layout.targets, "eval_set: y")
    columns = dict(table.columns)
    columns |= target_columns(targets, given.names, given.tasks, table.rows)
    if given.weight is not None:
        columns[given.weight] = weights_column(
            weights[0] if weights else None, table.rows, "eval_set: sample_weight"
        )
    whole = replace(table, columns=columns, source="eval_set")
    known_rows((columns[name] for name in given.names), table.rows, "y of eval_set")
    return whole


def _length(given: Any) -> str:
    return f" of {len(given)}" if isinstance(given, tuple | list) else ""


def _names(targets: Sequence[Target], taken: Collection[str]) -> tuple[str, ...]:
    """A name for each target that no column of X has: `y.a` where X has an `a` too."""
    names: list[str] = []
    for target in targets:
        label = target.label
        if isinstance(label, str) and label:
            wanted = label if label not in taken else f"y.{label}"
        elif len(targets) > 1:
            wanted = f"y.{label}"
        else:
            wanted = "target" if "target" not in taken else "y"
        names.append(_free(wanted, [*taken, *names]))
    return tuple(names)


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def target_columns(
    targets: Sequence[Target], names: Sequence[str], tasks: Sequence[str], rows: int
) -> dict[str, Column]:
    """A column for each target; raises ShapeError where y is too long or too short."""
    columns = {}
    for target, name, task in zip(targets, names, tasks, strict=True):
        if len(target.values) != rows:
            message = (
                "Found input variables with inconsistent numbers of samples: "
                f"[{rows}, {len(target.values)}]; give one target a row."
            )
            raise ShapeError(message)
        columns[name] = target_column(target, name, task)
    return columns


def weights_column(given: Any, rows: int, what: str = "sample_weight") -> Column:
    """Weights as a column, 1 for all rows where none are given; `what` names them in errors."""
    if given is None or isinstance(given, Number):
        given = np.full(rows, 1.0 if given is None else given)
    is_column = isinstance(given, list | tuple) or hasattr(given, "to_numpy")
    is_column = is_column or hasattr(given, "column_names")
    column = column_of(given if is_column else np.asarray(given), what)
    if len(column.values) != rows:
        message = f"{what} has {len(column.values)} values, X has {rows} rows; give one a row."
        raise ShapeError(message)
    if column.kind in ("number", "boolean"):
        values = column.values
        wrong = ~(np.isfinite(values) & (values >= 0))
    else:
        values, wrong = np.where(column.missing, np.nan, column.values), np.ones(rows, dtype=bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        shown = repr(values[row]) if isinstance(values[row], str) else values[row]
        message = (
            f"{what} is {shown} in row {row} (counted from 0); give finite numbers of 0 or more."
        )
        raise DataError(message)
    if not values.any():
        message = (
            f"Sample weights must contain at least one non-zero number; {what} is 0 in every row."
        )
        raise DataError(message)
    return Column("number", values, np.zeros(rows, dtype=bool))


def _groups(given: Any, rows: int) -> Column:
    column = column_of(given, "groups")
    if len(column.values) != rows:
        message = f"groups has {len(column.values)} values, X has {rows} rows; give one a row."
        raise ShapeError(message)
    return column


def known_rows(columns: Iterable[Column], rows: int, what: str) -> Array:
    """Where no target is missing; warns of the others, raises DataError where there are no more."""
    missing = np.zeros(rows, dtype=bool)
    for column in columns:
        missing |= column.missing
    count = int(missing.sum())
    if count == rows:
        message = f"{what} is missing in every row; give rows with a target."
        raise DataError(message)
    if count:
        first = int(np.argmax(missing))
        warn(
            f"{what} is missing in {count} of {rows} rows (first: row {first}, counted from "
            "0); they are left out."
        )
    return ~missing
