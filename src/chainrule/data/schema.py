"""What the columns of a table are for: kinds, roles, the task, and what looks like a leak."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from chainrule.data.convert import as_booleans, as_moments, as_numbers
from chainrule.data.leaks import find_suspects
from chainrule.data.rules import COLUMN_KINDS, ColumnSchema, describe_input, kind_of
from chainrule.data.table import Column, Table
from chainrule.data.task import check_target, choose_task
from chainrule.errors import DataError, SettingError, listing, nearest

__all__ = ["ColumnSchema", "Schema", "TargetSchema", "infer_schema", "rows_with_target"]

TASKS = ("auto", "classification", "regression")


@dataclass(frozen=True)
class TargetSchema:
    """A column to predict, as "classification" or "regression", and why so."""

    name: str
    task: str
    reason: str


@dataclass(frozen=True)
class Schema:
    """What each column is for, the tasks, and why; a plain record for the user to read and correct.

    `suspects` are sentences on inputs that (nearly) give a target away.
    """

    columns: tuple[ColumnSchema, ...]
    targets: tuple[TargetSchema, ...]
    suspects: tuple[str, ...] = ()

    @property
    def target(self) -> str | None:
        """The column to predict, the first where there are several; None where there is none."""
        return self.targets[0].name if self.targets else None

    @property
    def task(self) -> str | None:
        """The task of the (first) target."""
        return self.targets[0].task if self.targets else None

    @property
    def task_reason(self) -> str:
        """Why it is this task."""
        return self.targets[0].reason if self.targets else "no target"

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns to predict."""
        return tuple(one.name for one in self.targets)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the columns that a network is given something of."""
        return tuple(column.name for column in self.columns if column.uses)

    def column(self, name: str) -> ColumnSchema:
        """What is known of one column; raises DataError where there is no such column."""
        for column in self.columns:
            if column.name == name:
                return column
        message = f"no column {name!r}; {nearest(name, [column.name for column in self.columns])}"
        raise DataError(message)

    def named(self, role: str) -> str | None:
        """The name of the column with a role ("weight", "group", "time"), None where none has."""
        for column in self.columns:
            if column.role == role:
                return column.name
        return None

    def to_record(self) -> dict[str, Any]:
        """Plain values for a JSON header."""
        return {
            "columns": [{**asdict(column), "uses": list(column.uses)} for column in self.columns],
            "targets": [asdict(target) for target in self.targets],
            "suspects": list(self.suspects),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Schema:
        """The schema that `to_record` wrote."""
        columns = tuple(
            ColumnSchema(**{**column, "uses": tuple(column["uses"])})
            for column in record["columns"]
        )
        return cls(
            columns,
            tuple(TargetSchema(**target) for target in record["targets"]),
            tuple(record["suspects"]),
        )


def infer_schema(
    table: Table,
    target: str | Sequence[str] | None,
    *,
    ignore: Iterable[str] = (),
    weight: str | None = None,
    group: str | None = None,
    time: str | None = None,
    task: str | Mapping[str, str] = "auto",
    kinds: Mapping[str, str] | None = None,
) -> Schema:
    """The schema of a table: what each column is and is for, and the task, each with a reason.

    Left out are constants, columns that are wholly empty, and identifiers: text of which more
    than half of the values differ (and more than 20 do), and whole numbers that count the rows.
    A column left out that has missing cells still says whether its value is present. Whole
    numbers with 3 to 10 different values are used as numbers and also value by value.

    `target` may be several columns, `task` then a dict by their names.
    `kinds` overrides the kind of columns by name: "number", "category", "boolean", "datetime",
    "identifier". Raises DataError for columns that are not there or cannot be what they are
    named to be, SettingError for an unknown kind or task.

    >>> from chainrule.data import as_table
    >>> schema = infer_schema(as_table({"x": [0.5, 1.5, 2.5], "y": ["a", "b", "a"]}), "y")
    >>> schema.task, schema.inputs
    ('classification', ('x',))
    """
    ignore = [ignore] if isinstance(ignore, str) else list(ignore)
    kinds = dict(kinds or {})
    targets = [target] if isinstance(target, str) else list(target or ())
    tasks = {name: task if isinstance(task, str) else task.get(name, "auto") for name in targets}
    _check_settings(table, kinds, [task] if isinstance(task, str) else tasks.values())
    roles = _roles(table, targets, ignore, weight, group, time)
    table = _converted(table, kinds, roles)
    columns = [
        _with_role(name, column, roles[name], kinds.get(name))
        if name in roles
        else describe_input(name, column, kinds.get(name))
        for name, column in table.columns.items()
    ]
    columns = _keep_something(columns, table)
    inputs = [column for column in columns if "value" in column.uses]
    found: list[TargetSchema] = []
    suspects: list[str] = []
    for name in targets:
        check_target(table.columns[name], name)
        found.append(TargetSchema(name, *choose_task(table.columns[name], name, tasks[name])))
        suspects += find_suspects(table, name, inputs)
    return Schema(tuple(columns), tuple(found), tuple(suspects))


def rows_with_target(table: Table, schema: Schema) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The positions of the rows whose targets are known; the others cannot be learned from."""
    missing = np.zeros(table.rows, dtype=bool)
    for name in schema.target_names:
        missing |= table.column(name).missing
    return np.flatnonzero(~missing)


def _check_settings(table: Table, kinds: Mapping[str, str], tasks: Iterable[str]) -> None:
    for task in tasks:
        if task not in TASKS:
            message = f"task must be one of {listing(TASKS)}, got {task!r}; {nearest(task, TASKS)}"
            raise SettingError(message)
    for name, kind in kinds.items():
        table.column(name)
        if kind not in COLUMN_KINDS:
            message = (
                f"column {name!r}: kind must be one of {listing(COLUMN_KINDS)}, got {kind!r}; "
                f"{nearest(str(kind), COLUMN_KINDS)}"
            )
            raise SettingError(message)


def _roles(
    table: Table,
    targets: list[str],
    ignore: list[str],
    weight: str | None,
    group: str | None,
    time: str | None,
) -> dict[str, str]:
    roles: dict[str, str] = {}
    wanted = [("weight", weight), ("group", group), ("time", time)]
    named = [("target", name) for name in targets], [("ignored", name) for name in ignore]
    for role, name in [*named[0], *wanted, *named[1]]:
        if name is None:
            continue
        table.column(name)
        if roles.get(name, role) != role:
            message = f"column {name!r} cannot be both {roles[name]} and {role}; choose one."
            raise DataError(message)
        roles[name] = role
    if weight is not None:
        _check_weight(table.columns[weight], weight)
    if time is not None and table.columns[time].kind in ("text", "boolean"):
        message = f"column {time!r}: time must be dates or numbers, got {table.columns[time].kind}."
        raise DataError(message)
    return roles


def _check_weight(column: Column, name: str) -> None:
    values = as_numbers(column, name).values
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        message = (
            f"column {name!r}: a weight must be a number of 0 or more, got {values[row]} in row "
            f"{row} (counted from 0); correct it, or leave the row out."
        )
        raise DataError(message)
    if not values.any():
        message = f"column {name!r}: every weight is 0; give some row a weight above 0."
        raise DataError(message)


def _converted(table: Table, kinds: Mapping[str, str], roles: Mapping[str, str]) -> Table:
    """The table with the columns of overridden kinds as these kinds."""
    for name, kind in kinds.items():
        if roles.get(name) in ("ignored", "group"):
            continue
        column = table.columns[name]
        if kind == "number":
            table = table.with_column(name, as_numbers(column, name))
        elif kind == "datetime":
            table = table.with_column(name, as_moments(column, name))
        elif kind == "boolean":
            table = table.with_column(name, as_booleans(column, name))
    return table


def _with_role(name: str, column: Column, role: str, kind: str | None) -> ColumnSchema:
    reasons = {"ignored": "you asked to ignore it"}
    return ColumnSchema(
        name,
        kind or kind_of(column),
        role,
        reasons.get(role, f"it is the {role}"),
        int(column.missing.sum()),
        column.distinct,
    )


def _keep_something(columns: list[ColumnSchema], table: Table) -> list[ColumnSchema]:
    """A column that counts the rows is an input after all where nothing else is left."""
    if any(column.uses for column in columns):
        return columns
    return [
        replace(
            describe_input(column.name, table.columns[column.name], "number"),
            reason="it may only count or name the rows, but no other column is left",
        )
        if column.kind == "identifier"
        and table.columns[column.name].kind == "number"
        and column.role == "left out"
        else column
        for column in columns
    ]
