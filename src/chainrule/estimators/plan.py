"""What will be trained on a table: schema, rows of each part, encodings, settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.data import (
    Encoded,
    Encoder,
    Labels,
    Numbers,
    Schema,
    Split,
    Table,
    infer_schema,
    rows_also_in,
    rows_with_target,
    split,
)
from chainrule.errors import DataError, SettingError, listing
from chainrule.estimators.settings import TableSettings

__all__ = ["Member", "TablePlan", "member_seed", "plan_table"]

Array = np.ndarray[Any, np.dtype[Any]]

MANY_MEMBERS_UP_TO = 100_000
MEMBERS = 4


@dataclass(frozen=True)
class Member:
    """The rows that one network learns from and is watched on, as positions in the pool."""

    train: Array
    validation: Array


@dataclass(frozen=True, eq=False)
class TablePlan:
    """Everything that is settled before training.

    pool
        The rows that networks learn from and are watched on; `members` share it out.
    validation_table
        Rows given to watch every network on, in place of a part of the pool.
    test_table
        Rows that no choice sees but the schema: kinds of columns are read off the whole table.
        None where the table is too small for a test part.
    chosen
        The settings, with what the size of the table decides filled in.
    """

    schema: Schema
    settings: TableSettings
    chosen: TableSettings
    encoder: Encoder
    labels: Labels | Numbers
    pool: Table
    members: tuple[Member, ...]
    validation_table: Table | None
    test_table: Table | None
    reason: str
    notes: tuple[str, ...] = ()
    test_rows: Array = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.schema.task == "classification"

    @property
    def rows(self) -> dict[str, int]:
        """The number of rows of each part; of the first network where there are several."""
        watched = self.validation_table
        return {
            "train": len(self.members[0].train),
            "validation": watched.rows if watched else len(self.members[0].validation),
            "test": self.test_table.rows if self.test_table else 0,
        }

    @property
    def train_table(self) -> Table:
        """The rows that at least one network learns from."""
        return self.pool.take(_learned(self.members))

    def encoded(self, table: Table) -> Encoded:
        """A table as the networks are given it."""
        return self.encoder.encode(table)

    def truth(self, table: Table) -> Array:
        """Class codes (-1 for a label that training has not seen), or numbers."""
        return truth(self.labels, self.schema, table)

    def weights(self, table: Table) -> Array | None:
        """The weight of each row, where the schema has a weight column."""
        return row_weights(self.schema, table)


def truth(labels: Labels | Numbers, schema: Schema, table: Table) -> Array:
    """The target of each row as codes (-1 for a label not seen in training) or numbers."""
    column = table.column(str(schema.target))
    if isinstance(labels, Labels):
        return labels.encode(column, unseen=-1)
    return labels.decode(labels.encode(column))


def row_weights(schema: Schema, table: Table) -> Array | None:
    """The weight of each row, where the schema has a weight column."""
    name = schema.named("weight")
    if name is None:
        return None
    values = table.column(name).values
    if not np.isfinite(values).all() or (values < 0).any():
        row = int(np.flatnonzero(~np.isfinite(values) | (values < 0))[0])
        message = (
            f"column {name!r}: weights must be numbers of 0 or more, got {values[row]} in row "
            f"{row} (counted from 0)."
        )
        raise DataError(message)
    return values


def plan_table(
    table: Table,
    target: str,
    settings: TableSettings,
    *,
    test: Table | None = None,
    validation: Table | None = None,
) -> TablePlan:
    """Settle what will be trained.

    table
        Rows to learn from; a test part is drawn from them unless `test` is given.
    target
        The column to predict.
    test, validation
        Tables of their own for these parts.

    Raises `DataError` where columns are missing or cannot be used, `SettingError` for settings
    that do not fit the table.
    """
    schema = infer_schema(
        table,
        target,
        ignore=settings.ignore,
        weight=settings.weight,
        group=settings.group,
        time=settings.time,
        task=settings.task,
        kinds=_kinds(settings.kinds),
    )
    pool, tested, parts = _pool(table, schema, settings, test, validation)
    chosen = _chosen(settings, schema, pool)
    members = _members(pool, schema, chosen, validation, parts)
    learned = pool.take(_learned(members))
    encoder = Encoder.fit(learned, schema, scaling="standard", bins=chosen.bins or 0)
    plan = TablePlan(
        schema=schema,
        settings=settings,
        chosen=chosen,
        encoder=encoder,
        labels=_labels(schema, settings, target, pool, learned),
        pool=pool,
        members=members,
        validation_table=_with_target(validation, schema, "validation"),
        test_table=_with_target(test, schema, "test") if test else tested,
        reason=parts.reason,
        notes=table.notes,
        test_rows=parts.test,
    )
    for given in (plan.validation_table, plan.test_table):
        if given is not None:
            _check_scored(plan, given)
    if test is None or plan.test_table is None:
        return plan
    return replace(plan, notes=(*plan.notes, *_seen(plan, plan.test_table)))


def _labels(
    schema: Schema, settings: TableSettings, target: str, pool: Table, learned: Table
) -> Labels | Numbers:
    """The classes of all rows but the test's, or the scale of the rows to learn from."""
    if schema.task == "classification":
        labels = Labels.fit(pool.column(target), target)
        _check_classes(labels, settings, target)
        return labels
    if settings.positive is not None or settings.class_weight is not None:
        name = "positive" if settings.positive is not None else "class_weight"
        message = f"{name}: the target {target!r} is a number, not a class; leave it out."
        raise SettingError(message)
    return Numbers.fit(learned.column(target), target)


def _check_scored(plan: TablePlan, table: Table) -> None:
    """Refuse rows that cannot be scored before training costs time, not after."""
    plan.encoded(table)
    plan.weights(table)
    if (plan.truth(table) < 0).all() and plan.is_classification:
        message = (
            f"{table.source}: no row to watch or to judge by has a label of the rows to learn from "
            f"in column {plan.schema.target!r}; give rows that have."
        )
        raise DataError(message)


def _seen(plan: TablePlan, test: Table) -> Iterator[str]:
    """What to say of the rows of a test table that stand in the others too."""
    seen = np.zeros(test.rows, dtype=bool)
    for other in (plan.pool, plan.validation_table):
        if other is not None:
            seen |= rows_also_in(test, other, (*plan.schema.inputs, str(plan.schema.target)))
    count = int(seen.sum())
    if count:
        which = "every row" if count == test.rows else f"{count:,} of {test.rows:,} rows"
        yield (
            f"{which} of {test.source} (--test) can also be learned from or watched here, with "
            "the same target: the test is easier than on rows never seen"
        )


def _kinds(given: tuple[str, ...]) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for word in given:
        column, equals, kind = word.rpartition("=")
        if not equals:
            message = f"kinds: must be COLUMN=KIND, as zip=category, got {word!r}."
            raise SettingError(message)
        kinds[column] = kind
    return kinds


def _pool(
    table: Table,
    schema: Schema,
    settings: TableSettings,
    test: Table | None,
    validation: Table | None,
) -> tuple[Table, Table | None, Split]:
    """The rows to learn from and watch, the test rows, and the split that made them."""
    shares = {"test": 0.0 if test else 0.2, "validation": 0.0 if validation else 0.2}
    parts = split(table, schema, seed=settings.seed, **shares)
    rows = np.sort(np.concatenate([parts.train, parts.validation]))
    tested = table.take(parts.test) if len(parts.test) else None
    within = replace(
        parts,
        train=np.searchsorted(rows, parts.train),
        validation=np.searchsorted(rows, parts.validation),
    )
    return table.take(rows), tested, within


def _with_target(table: Table | None, schema: Schema, part: str) -> Table | None:
    if table is None:
        return None
    if schema.target not in table.names:
        message = (
            f"--{part}: {table.source} has no column {schema.target!r}, the target; "
            f"it has {listing(table.names[:10])}."
        )
        raise DataError(message)
    known = table.take(rows_with_target(table, schema))
    if known.rows == 0:
        message = f"--{part}: {table.source} has no row with a target; give rows with one."
        raise DataError(message)
    return known


def _chosen(settings: TableSettings, schema: Schema, pool: Table) -> TableSettings:
    """The settings, with a value for each that the size of the table decides."""
    rows, plain = pool.rows, settings.model == "mlp"
    few = rows <= MANY_MEMBERS_UP_TO
    defaults: dict[str, Any] = {
        "hidden": (100,) if plain else (256, 128),
        "dropout": 0.0 if plain else 0.3 if schema.task == "classification" else 0.1,
        "learning_rate": 1e-3 if plain or schema.task == "classification" else 2e-3,
        "bins": 0 if plain else 128,
        "weight_decay": 0.0 if plain else 0.1,
        "batch_size": 64 if rows <= 5_000 else 128 if rows <= 20_000 else 256,
        "members": MEMBERS if few and not plain else 1,
    }
    missing = {name: v for name, v in defaults.items() if getattr(settings, name) is None}
    return replace(settings, **missing)


def _members(
    pool: Table,
    schema: Schema,
    chosen: TableSettings,
    validation: Table | None,
    parts: Split,
) -> tuple[Member, ...]:
    """For each network its rows; with several, each is watched on a draw of its own."""
    count = chosen.members or 1
    if validation is not None or schema.named("time") is not None or count == 1:
        return (Member(parts.train, parts.validation),) * count
    members = [Member(parts.train, parts.validation)]
    for index in range(1, count):
        seed = member_seed(chosen.seed, index)
        other = split(pool, schema, seed=seed, test=0.0, validation=0.2)
        members.append(Member(other.train, other.validation))
    return tuple(members)


def _learned(members: Sequence[Member]) -> Array:
    """The rows of the pool that at least one network learns from, in order."""
    return np.unique(np.concatenate([member.train for member in members]))


def member_seed(seed: int, member: int) -> int:
    """The seed of a network: far from those of the networks of neighboring seeds."""
    return (seed + member * 0x9E3779B97F4A7C15) % 2**63


def _check_classes(labels: Labels, settings: TableSettings, target: str) -> None:
    positive = settings.positive
    if positive is None:
        return
    if len(labels.classes) != 2:
        message = (
            f"positive: the target {target!r} has {len(labels.classes)} classes; "
            "only a target of two has a positive one."
        )
        raise SettingError(message)
    if positive not in [str(label) for label in labels.classes]:
        shown = listing(str(label) for label in labels.classes)
        message = f"positive: {positive!r} is no label of {target!r}; it has {shown}."
        raise SettingError(message)
