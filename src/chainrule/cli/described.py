"""What was understood of a table, in words: for the user to read and correct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import plural, say, text_table
from chainrule.estimators import positive_code

if TYPE_CHECKING:
    from chainrule.data import ColumnSchema, Encoder, Table
    from chainrule.estimators import TableModel, TablePlan, TableSettings

__all__ = ["describe_plan", "findings_lines", "learned_rows_name", "plan_record", "run_record"]

MOST_COLUMNS = 40
MOST_NOTES = 12
MOST_CLASSES = 30
HISTOGRAM_BARS = 40
LEARNED_BY_SOME = "rows that at least one network learns from"


def describe_plan(plan: TablePlan, table: Table, test: str | None, validation: str | None) -> None:
    """Says the schema, the notes of reading, the task, suspects, the split and the network."""
    say(f"{_source(table)}: {plural(table.rows, 'row')}, {plural(len(table.names), 'column')}")
    say(_schema_table(plan))
    _say_notes(plan.notes)
    for suspect in plan.schema.suspects:
        say(f"warning: {suspect}.")
    say(f"task: {plan.schema.task}, because {plan.schema.task_reason}.")
    positive = _positive(plan)
    if positive is not None:
        say(f"positive label: {positive!r} (override: --positive)")
    say(f"rows: {_split(plan, test, validation)}")
    if plan.encoder.spread:
        parts = plural(plan.encoder.bins, "part")
        say(f"numbers: as they are, and spread over up to {parts} of their range (--bins)")
    say(f"network: {_network(plan)}")


def findings_lines(findings: Iterable[Mapping[str, Any]], networks: int) -> list[str]:
    """A line for what the Doctor found that is severe or a warning, however many networks have it.

    findings
        Records of findings, each with its network.
    """
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in findings:
        if one["severity"] != "note":
            found.setdefault((one["severity"], one["kind"], one["layer"]), []).append(one)
    lines = []
    for (severity, _, _), same in sorted(found.items(), key=lambda item: item[0][0]):
        first, others = same[0], len(same) - 1
        where = f" in network {first['network'] + 1}" if networks > 1 else ""
        where += f" and {plural(others, 'other')}" if others else ""
        lines.append(f"{severity}{where}: {first['sentence']} {first['remedy']}")
    return lines


def plan_record(
    plan: TablePlan, table: Table, test: str | None, validation: str | None
) -> dict[str, Any]:
    """The same as plain values, every column and note of it: the report's account of the data."""
    made = _made_of(plan.encoder)
    return {
        "source": _source(table),
        "rows": table.rows,
        "columns": [
            {
                "name": one.name, "kind": one.kind, "use": _use(one, made.get(one.name, "")),
                "missing": one.missing, "distinct": one.distinct,
                "why": "" if one.role == "target" else one.reason,
            }
            for one in plan.schema.columns
        ],
        "notes": list(plan.notes),
        "suspects": list(plan.schema.suspects),
        "task_reason": plan.schema.task_reason,
        "positive": _positive(plan),
        "split": _split(plan, test, validation),
        "test_seen": plan.test_seen,
        "target_values": _target_values(plan),
    }  # fmt: skip


def run_record(
    plan: TablePlan, model: TableModel, searched: Collection[str] = ()
) -> dict[str, Any]:
    """The networks in words, and each setting with its value, who chose it, and what it is.

    searched
        The settings that a search has chosen.
    """
    from chainrule.estimators import SETTINGS, TableSettings

    usual, rows = TableSettings(), []
    for name, value in plan.chosen.to_record().items():
        asked = getattr(plan.settings, name)
        origin = "given" if asked != getattr(usual, name) else "default"
        origin = "by the table's size" if asked is None else origin
        origin = "searched" if name in searched else origin
        rows.append(
            {"name": name, "value": value, "origin": origin, "meaning": SETTINGS[name].help}
        )
    parameters = model.members[0].parameters
    size = sum(parameters[name].size for name in parameters.names)
    trained = len(model.members)
    network = {"sentence": _network(plan, trained), "parameters": size, "trained": trained}
    return {"network": network, "settings": rows}


def learned_rows_name(plan: TablePlan, rows: int) -> str:
    """What to call the rows of `train_table`: of several networks each learns from some of them."""
    return "training rows" if rows == plan.rows["train"] else LEARNED_BY_SOME


def _target_values(plan: TablePlan) -> dict[str, Any]:
    """How many rows that networks learn from have which class (the most frequent), or number."""
    truth = plan.truth(plan.train_table)
    name = learned_rows_name(plan, len(truth))
    rows = {"rows": f"the {len(truth):,} {name}" if name == LEARNED_BY_SOME else f"the {name}"}
    if not plan.is_classification:
        # halved, for the distance of the ends may be beyond the largest number; not all edges
        # need be different numbers
        edges = 2 * np.unique(np.linspace(truth.min() / 2, truth.max() / 2, HISTOGRAM_BARS + 1))
        counts = np.histogram(truth, edges)[0]
        return {**rows, "edges": edges.tolist(), "counts": counts.tolist()}
    classes = getattr(plan.labels, "classes", ())
    counts = np.bincount(truth, minlength=len(classes))
    order = np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist()
    labels, shown = [str(classes[code]) for code in order], counts[order].tolist()
    if len(classes) > MOST_CLASSES:
        labels.append(f"{len(classes) - MOST_CLASSES:,} other classes")
        shown.append(int(counts.sum()) - sum(shown))
    return {**rows, "labels": labels, "counts": shown}


def _source(table: Table) -> str:
    return "the query" if table.source == "query" else table.source


def _positive(plan: TablePlan) -> str | None:
    """The positive label of two; None for other targets."""
    classes = getattr(plan.labels, "classes", ())
    if len(classes) != 2:
        return None
    return str(classes[positive_code(plan.labels, plan.settings.positive)])


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


def _design(chosen: TableSettings) -> Iterator[str]:
    """What hidden layers and updates are, where it is not as usual."""
    if chosen.activation != "relu":
        yield f"{chosen.activation} units"
    if chosen.normalization != "none":
        yield f"{chosen.normalization} normalization"
    for name in ("dropout", "l1", "l2"):
        if getattr(chosen, name):
            yield f"{name} {getattr(chosen, name):g}"
    if chosen.optimizer != "adamw":
        yield f"steps of {chosen.optimizer}"


def _network(plan: TablePlan, trained: int | None = None) -> str:
    """What is to be trained; once it is over also how many networks of it were."""
    chosen = plan.chosen
    members = chosen.members or 1
    hidden = ", ".join(str(units) for units in chosen.hidden or ())
    count = f"{members}" if trained in (None, members) else f"{trained} of {members}"
    what = f"{count} networks, averaged, each" if members > 1 else "one network"
    if trained == 1 < members:
        what = f"1 of {members} networks"
    parts = [f"{what} of hidden layers {hidden}", *_design(chosen)]
    parts.append(f"up to {plural(chosen.epochs, 'epoch')} of batches of {chosen.batch_size}")
    if chosen.time_limit is not None:
        parts.append(f"{chosen.time_limit:g} seconds at most")
    return "; ".join(parts)
