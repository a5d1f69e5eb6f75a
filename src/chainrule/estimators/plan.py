"""What will be trained on a table: schema, rows of each part, encodings, settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from chainrule.data import (
    Encoded,
    Encoder,
    Labels,
    Numbers,
    Schema,
    Split,
    Table,
    check_inputs,
    infer_schema,
    rows_also_in,
    rows_with_target,
    split,
)
from chainrule.errors import DataError, SettingError, listing
from chainrule.estimators.choices import Member, chosen_settings, learned_rows, members_of
from chainrule.estimators.layout import Layout
from chainrule.estimators.settings import TableSettings

__all__ = ["ClassWeight", "TablePlan", "check_single", "plan_table", "schema_of_table"]

Array = np.ndarray[Any, np.dtype[Any]]
ClassWeight = str | Mapping[Any, float] | None


@dataclass(frozen=True, eq=False, repr=False)
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
    codecs
        Of each target the classes, or the scale.
    class_weights
        Of each target what its classes count: "balanced", a dict of label to weight, or None.
    test_seen
        How many rows of a test table given stand among the rows to learn from or to watch too.
    layout
        What X and y looked like; None for a table with the target in it.
    """

    schema: Schema
    settings: TableSettings
    chosen: TableSettings
    encoder: Encoder
    codecs: tuple[Labels | Numbers, ...]
    pool: Table
    members: tuple[Member, ...]
    validation_table: Table | None
    test_table: Table | None
    reason: str
    notes: tuple[str, ...] = ()
    test_rows: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    class_weights: tuple[ClassWeight, ...] = (None,)
    pool_rows: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    test_seen: int = 0
    layout: Layout | None = None

    def __repr__(self) -> str:
        columns = (f"  {one.name}: {one.kind}, {one.role}" for one in self.schema.columns)
        units = ", ".join(str(size) for size in self.chosen.hidden or ())
        sizes = self.rows
        return "\n".join(
            [
                f"TablePlan of {len(self.members)} networks of hidden layers ({units}): "
                f"{sizes['train']:,} rows to train on, {sizes['validation']:,} to watch",
                *columns,
            ]
        )

    @property
    def labels(self) -> Labels | Numbers:
        """The classes, or the scale, of the one target."""
        return check_single(self.schema, self.codecs)

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
        return self.pool.take(learned_rows(self.members))

    def encoded(self, table: Table) -> Encoded:
        """A table as the networks are given it."""
        return self.encoder.encode(table)

    def truth(self, table: Table) -> Array:
        """Class codes (-1 for a label that training has not seen), or numbers."""
        return truth(self.labels, table)

    def weights(self, table: Table) -> Array | None:
        """The weight of each row, where the schema has a weight column."""
        return row_weights(self.schema, table)


def check_single(schema: Schema, codecs: Sequence[Labels | Numbers]) -> Labels | Numbers:
    """The one codec; raises SettingError where there are several targets."""
    if len(codecs) != 1:
        message = (
            f"the targets are {listing(schema.target_names)}, and this is for one target; use "
            "TabularClassifier or TabularRegressor from Python."
        )
        raise SettingError(message)
    return codecs[0]


def truth(codec: Labels | Numbers, table: Table) -> Array:
    """A target of each row as codes (-1 for a label not seen in training) or numbers."""
    column = table.column(codec.name)
    if isinstance(codec, Labels):
        return codec.encode(column, unseen=-1)
    return codec.decode(codec.encode(column))


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
    target: str | Sequence[str],
    settings: TableSettings,
    *,
    test: Table | None = None,
    validation: Table | None = None,
    test_share: float = 0.2,
    tasks: Mapping[str, str] | None = None,
    class_weights: Mapping[str, ClassWeight] | None = None,
) -> TablePlan:
    """Settle what will be trained.

    table
        Rows to learn from; a test part is drawn from them unless `test` is given.
    target
        The column to predict, or several.
    test, validation
        Tables of their own for these parts.
    test_share
        The share of the rows that are kept for the test where no table is given; 0 for none.
    tasks, class_weights
        By target, where there are several or weights are a dict; else the settings say them.

    Raises `DataError` where columns are missing or cannot be used, `SettingError` for settings
    that do not fit the table.
    """
    schema = schema_of_table(table, target, settings, tasks)
    check_inputs(table, schema)
    weights = _class_weights(schema, settings, class_weights or {})
    _check_calibration(schema, settings)
    shares = {"test": 0.0 if test else test_share, "validation": 0.0 if validation else 0.2}
    rows, tested, parts = _pool(table, schema, settings.seed, shares)
    pool = table.take(rows)
    chosen = chosen_settings(settings, schema, pool)
    members = members_of(pool, schema, chosen, validation, parts)
    learned = pool.take(learned_rows(members))
    plan = TablePlan(
        schema=schema,
        settings=settings,
        chosen=chosen,
        encoder=Encoder.fit(learned, schema, scaling="standard", bins=chosen.bins or 0),
        codecs=tuple(_codecs(schema, settings, pool, learned)),
        pool=pool,
        members=members,
        validation_table=_with_targets(validation, schema, "validation"),
        test_table=_with_targets(test, schema, "test") if test else tested,
        reason=parts.reason,
        notes=table.notes,
        test_rows=parts.test,
        class_weights=weights,
        pool_rows=rows,
    )
    if validation is not None:
        _check_labels(plan, validation)
    return _checked(plan, test is not None)


def schema_of_table(
    table: Table,
    target: str | Sequence[str],
    settings: TableSettings,
    tasks: Mapping[str, str] | None = None,
) -> Schema:
    """What the columns are for, as the settings say."""
    return infer_schema(
        table,
        target,
        ignore=settings.ignore,
        weight=settings.weight,
        group=settings.group,
        time=settings.time,
        task=settings.task if tasks is None else tasks,
        kinds=_kinds(settings.kinds),
    )


def _checked(plan: TablePlan, has_test: bool) -> TablePlan:
    """The plan, its own tables looked at before training costs time."""
    for given in (plan.validation_table, plan.test_table):
        if given is not None:
            _check_scored(plan, given)
    if not has_test or plan.test_table is None:
        return plan
    count = _seen(plan, plan.test_table)
    if not count:
        return plan
    test = plan.test_table
    which = "every row" if count == test.rows else f"{count:,} of {test.rows:,} rows"
    note = (
        f"{which} of {test.source} (--test) can also be learned from or watched here, with the "
        "same target: the test is easier than on rows never seen"
    )
    return replace(plan, notes=(*plan.notes, note), test_seen=count)


def _codecs(
    schema: Schema, settings: TableSettings, pool: Table, learned: Table
) -> Iterator[Labels | Numbers]:
    """The classes of all rows but the test's, or the scale of the rows to learn from."""
    for target in schema.targets:
        if target.task == "classification":
            labels = Labels.fit(pool.column(target.name), target.name)
            if settings.positive is not None:
                _check_positive(labels, settings.positive, target.name)
            yield labels
            continue
        if settings.positive is not None:
            _refuse_number("positive", target.name)
        yield Numbers.fit(learned.column(target.name), target.name)


def _class_weights(
    schema: Schema, settings: TableSettings, given: Mapping[str, ClassWeight]
) -> tuple[ClassWeight, ...]:
    """What the classes of each target count; numbers have none."""
    several = len(schema.targets) > 1
    weights: list[ClassWeight] = []
    for target in schema.targets:
        weight = given.get(target.name, settings.class_weight)
        if weight is not None and target.task == "regression":
            if not several:
                _refuse_number("class_weight", target.name)
            weight = None
        weights.append(weight)
    return tuple(weights)


def _check_calibration(schema: Schema, settings: TableSettings) -> None:
    """Refuse to calibrate where no target is a class."""
    if settings.calibration is not None and all(one.task == "regression" for one in schema.targets):
        _refuse_number("calibration", schema.targets[0].name)


def _refuse_number(name: str, target: str) -> NoReturn:
    message = f"{name}: the target {target!r} is a number, not a class; leave it out."
    raise SettingError(message)


def _check_scored(plan: TablePlan, table: Table) -> None:
    """Refuse rows that cannot be scored before training costs time, not after."""
    plan.encoded(table)
    plan.weights(table)
    for codec in plan.codecs:
        if (truth(codec, table) < 0).all() and isinstance(codec, Labels):
            message = (
                f"{table.source}: no row to watch or to judge by has a label of the rows to learn "
                f"from in column {codec.name!r}; give rows that have."
            )
            raise DataError(message)


def _check_labels(plan: TablePlan, table: Table) -> None:
    """Refuse rows to watch whose label no row to learn from has."""
    rows = rows_with_target(table, plan.schema)
    for codec in plan.codecs:
        if not isinstance(codec, Labels):
            continue
        column = table.column(codec.name)
        unseen = codec.encode(column.take(rows), unseen=-1) < 0
        if unseen.any() and not unseen.all():  # that is told of below
            row = rows[int(np.argmax(unseen))]
            message = (
                f"{table.source}: column {codec.name!r} holds {column.values[row]!r} in row {row} "
                "(counted from 0), a label that no row to learn from has; leave such rows out, or "
                "learn from some."
            )
            raise DataError(message)


def _seen(plan: TablePlan, test: Table) -> int:
    """How many rows of a test table stand in the others too."""
    seen = np.zeros(test.rows, dtype=bool)
    for other in (plan.pool, plan.validation_table):
        if other is not None:
            seen |= rows_also_in(test, other, (*plan.schema.inputs, *plan.schema.target_names))
    return int(seen.sum())


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
    table: Table, schema: Schema, seed: int, shares: Mapping[str, float]
) -> tuple[Array, Table | None, Split]:
    """The rows to learn from and watch, the test's table, and the split within the former."""
    parts = split(table, schema, seed=seed, **shares)
    rows = np.sort(np.concatenate([parts.train, parts.validation]))
    tested = table.take(parts.test) if len(parts.test) else None
    within = replace(
        parts,
        train=np.searchsorted(rows, parts.train),
        validation=np.searchsorted(rows, parts.validation),
    )
    return rows, tested, within


def _with_targets(table: Table | None, schema: Schema, part: str) -> Table | None:
    if table is None:
        return None
    for name in schema.target_names:
        if name not in table.names:
            message = (
                f"--{part}: {table.source} has no column {name!r}, the target; "
                f"it has {listing(table.names[:10])}."
            )
            raise DataError(message)
    try:
        check_inputs(table, schema)
    except DataError as error:
        message = f"{table.source}: {error}"
        raise DataError(message) from None
    known = table.take(rows_with_target(table, schema))
    if known.rows == 0:
        message = f"--{part}: {table.source} has no row with a target; give rows with one."
        raise DataError(message)
    return known


def _check_positive(labels: Labels, positive: str, target: str) -> None:
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
