"""What was understood of a table, in words: for the user to read and correct."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from chainrule.cli.output import plural, say, text_table
from chainrule.estimators import positive_code

if TYPE_CHECKING:
    from chainrule.data import ColumnSchema, Encoder, Table
    from chainrule.estimators import TablePlan

__all__ = ["describe_plan"]

MOST_COLUMNS = 40
MOST_NOTES = 12


def describe_plan(plan: TablePlan, table: Table, test: str | None, validation: str | None) -> None:
    """Says the schema, the notes of reading, the task, suspects, the split and the network."""
    shown = "the query" if table.source == "query" else table.source
    say(f"{shown}: {plural(table.rows, 'row')}, {plural(len(table.names), 'column')}")
    say(_schema_table(plan))
    _say_notes(plan.notes)
    for suspect in plan.schema.suspects:
        say(f"warning: {suspect}.")
    say(f"task: {plan.schema.task}, because {plan.schema.task_reason}.")
    classes = getattr(plan.labels, "classes", ())
    if len(classes) == 2:
        positive = str(classes[positive_code(plan.labels, plan.settings.positive)])
        say(f"positive label: {positive!r} (override: --positive)")
    say(f"rows: {_split(plan, test, validation)}")
    if plan.encoder.spread:
        parts = plural(plan.encoder.bins, "part")
        say(f"numbers: as they are, and spread over up to {parts} of their range (--bins)")
    say(f"network: {_network(plan)}")


def _split(plan: TablePlan, test: str | None, validation: str | None) -> str:
    """The sizes of the parts and how they were made."""
    rows = plan.rows
    sizes = f"{rows['train']:,} to train on, {rows['validation']:,} to watch, {rows['test']:,} test"
    given = [
        f"{part} rows from {source}"
        for part, source in (("test", test), ("watched", validation))
        if source is not None
    ]
    made = [] if test is not None and validation is not None else [plan.reason]
    return f"{sizes} ({'; '.join([*made, *given])})"


def _schema_table(plan: TablePlan) -> str:
    made = _made_of(plan.encoder)
    columns = plan.schema.columns
    chosen = _most_telling(columns)
    rows = [
        (
            column.name,
            column.kind,
            _use(column, made.get(column.name, "")),
            f"{column.missing:,}" if column.missing else "",
            f"{column.distinct:,}",
            "" if column.role == "target" else column.reason,
        )
        for column in chosen
    ]
    header = ("column", "kind", "use", "missing", "values", "why")
    text = text_table(header, rows, right=(3, 4))
    left = len(columns) - len(chosen)
    return f"{text}\n  ... and {plural(left, 'more input')}" if left else text


def _most_telling(columns: tuple[ColumnSchema, ...]) -> list[ColumnSchema]:
    """All columns of a narrow table; of a wide one those with a role and the first inputs."""
    if len(columns) <= MOST_COLUMNS:
        return list(columns)
    special = [column for column in columns if column.role != "input"][: MOST_COLUMNS // 2]
    inputs = [column for column in columns if column.role == "input"]
    kept = {column.name for column in [*special, *inputs[: MOST_COLUMNS - len(special)]]}
    return [column for column in columns if column.name in kept]


def _use(column: ColumnSchema, made: str) -> str:
    if column.role == "input":
        return made
    return f"{column.role}: {made}" if made else column.role


def _made_of(encoder: Encoder) -> dict[str, str]:
    """What the network gets of each column."""
    made = {name: plural(count, "number") for name, count in Counter(encoder.sources).items()}
    for name, size in zip(encoder.category_names, encoder.cardinalities, strict=True):
        before = f"{made[name]}, " if name in made else ""
        made[name] = f"{before}embedding of {size:,}"
    return made


def _say_notes(notes: tuple[str, ...]) -> None:
    for note in notes[:MOST_NOTES]:
        say(f"note: {note}")
    if len(notes) > MOST_NOTES:
        say(f"note: and {plural(len(notes) - MOST_NOTES, 'more note')} of this kind")


def _network(plan: TablePlan) -> str:
    chosen = plan.chosen
    members = chosen.members or 1
    hidden = ", ".join(str(units) for units in chosen.hidden or ())
    what = f"{members} networks, averaged, each" if members > 1 else "one network"
    parts = [f"{what} of hidden layers {hidden}"]
    if chosen.dropout:
        parts.append(f"dropout {chosen.dropout:g}")
    parts.append(f"up to {plural(chosen.epochs, 'epoch')} of batches of {chosen.batch_size}")
    if chosen.time_limit is not None:
        parts.append(f"{chosen.time_limit:g} seconds at most")
    return "; ".join(parts)
