"""The rows that an explanation looks at: those of a table, or those that a run has kept."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import plural, say
from chainrule.errors import DataError, MissingFileError, MissingPlaceError

if TYPE_CHECKING:
    from chainrule.data import Column, Table
    from chainrule.estimators import TableModel
    from chainrule.files import RunFolder

__all__ = ["ExplainedRows", "rows_to_explain"]

Array = np.ndarray[Any, np.dtype[Any]]

ROWS = {"shap": 200, "pdp": 1000, "ice": 1000, "gradients": 200, "saliency": 1000}
OF_TABLE = ("permutation",)
"""Methods that rows without a target are not enough for."""
REPEATS = 10
WORK = 2e11
"""Multiplications that permutation makes: some ten seconds."""
AROUND = 1000
"""Rows beside one that is explained."""
BACKGROUND = 100
STREAM = 7


@dataclass(frozen=True, eq=False)
class ExplainedRows:
    """Rows with the model that answers to them.

    table, places
        The rows, and where each stands in DATA, from 0.
    row
        The position of the one row that is explained; None where all are.
    """

    folder: RunFolder
    model: TableModel
    table: Table
    places: Array
    row: int | None = None

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.model.settings.seed

    @property
    def target(self) -> Column:
        """The column that is predicted."""
        return self.table.column(str(self.model.schema.target))

    @property
    def background(self) -> Table:
        """Rows of training that the run has kept, else some of the rows."""
        kept = self.model.background
        return self.table.take(np.arange(self.table.rows)[:BACKGROUND]) if kept is None else kept


def rows_to_explain(options: argparse.Namespace, method: str) -> ExplainedRows:
    """The rows that are named, or that suit the method; says which they are."""
    from chainrule.data import read_table
    from chainrule.estimators import load_table_model
    from chainrule.files import RunFolder

    folder = RunFolder.open(options.run)
    model = load_table_model(folder.model_path)
    if options.data is None and options.row is None and method not in OF_TABLE:
        return _kept(folder, model)
    table = _table_of(folder) if options.data is None else read_table(options.data)
    if options.row is not None:
        return _around(folder, model, table, options.row)
    places = np.arange(table.rows) if method == "unit" else _unseen(folder, model, table)
    if method == "permutation":
        places = _with_target(model, table, places)
    most = options.rows or _usual(method, model) or len(places)
    if len(places) > most:
        from chainrule import random

        order = random.permutation(model.settings.seed, STREAM, 0, len(places))
        say(f"note: {most:,} of {plural(len(places), 'row')}, drawn by the seed (--rows).")
        places = places[np.sort(order[:most])]
    return ExplainedRows(folder, model, table.take(places), places)


def _table_of(folder: RunFolder) -> Table:
    """The table that a run was trained on; raises where it is not there as it was."""
    from chainrule.data import fingerprint, read_table

    config = folder.read_config() if folder.config_path.is_file() else {}
    source = config.get("data", "-")
    if source == "-":
        message = f"{folder.path}: does not say which table it was trained on; name one as DATA."
        raise DataError(message)
    try:
        table = read_table(source)
    except MissingFileError:
        message = f"{source}: the run's table is not there any more; name one as DATA."
        raise MissingFileError(message) from None
    if fingerprint(table) != config.get("fingerprint"):
        message = (
            f"{source}: has changed since the run was trained; name it as DATA to explain it as it "
            "is now."
        )
        raise DataError(message)
    say(f"note: of {source}, which the run was trained on.")
    return table


def _usual(method: str, model: TableModel) -> int | None:
    """How many rows are looked at where nobody says; None for all."""
    from chainrule.explaining import rows_within

    if method == "permutation":
        return rows_within(model, REPEATS * len(model.encoder.columns), WORK)
    return ROWS.get(method)


def _kept(folder: RunFolder, model: TableModel) -> ExplainedRows:
    """The rows of training that a run has kept."""
    kept = model.background
    if kept is None:
        message = (
            f"{folder.path}: has kept no rows of training; name the table that is to be explained, "
            "as for 'chainrule predict'."
        )
        raise DataError(message)
    say(
        f"note: of {plural(kept.rows, 'training row')} that the run has kept; name DATA for others."
    )
    return ExplainedRows(folder, model, kept, np.arange(kept.rows))


def _around(folder: RunFolder, model: TableModel, table: Table, row: int) -> ExplainedRows:
    """One row first, and then others of the table, drawn by the seed."""
    from chainrule import random

    if not 0 <= row < table.rows:
        message = (
            f"--row: there is no row {row}; {table.source} has {plural(table.rows, 'row')}, "
            "counted from 0."
        )
        raise MissingPlaceError(message)
    order = random.permutation(model.settings.seed, STREAM, 0, table.rows)
    others = np.sort(order[: AROUND + 1])
    places = np.concatenate([[row], others[others != row][:AROUND]])
    return ExplainedRows(folder, model, table.take(places), places, 0)


def _unseen(folder: RunFolder, model: TableModel, table: Table) -> Array:
    """The rows of the table of training that were not trained on, else all."""
    from chainrule.data import fingerprint
    from chainrule.judging import learned_note
    from chainrule.reporting import JudgedRows

    every = np.arange(table.rows)
    if not folder.config_path.is_file():
        return every
    mark = fingerprint(table)
    if folder.read_config().get("fingerprint") != mark:
        learned = learned_note(folder, model, table, table) if table.rows else ""
        if learned:
            say(f"note: {learned.partition(':')[0]}.")
        return every
    judged = JudgedRows.load(folder.judged_path) if folder.judged_path.is_file() else None
    if judged is None or judged.rows is None or judged.fingerprint != mark:
        say("note: the run was trained on rows of this table, so scores of them flatter it.")
        return every
    say(f"note: of the {plural(len(judged.rows), 'test row')} that training has not seen.")
    return np.sort(judged.rows)


def _with_target(model: TableModel, table: Table, places: Array) -> Array:
    """Those of some rows that can be scored; raises DataError where there is none."""
    name = str(model.schema.target)
    if name not in table.names:
        message = (
            f"{table.source}: has no target {name!r}, which permutation needs; give a table with "
            "it, or choose --method shap or pdp."
        )
        raise DataError(message)
    part = table.take(places)
    known = ~part.column(name).missing
    if known.any() and model.is_classification:
        known[known] = model.truth(part.take(known)) >= 0
    if not known.any():
        message = (
            f"{table.source}: no row has a target {name!r} that the run knows; give rows with it, "
            "or choose --method shap or pdp."
        )
        raise DataError(message)
    if not known.all():
        count = plural(int((~known).sum()), "row")
        say(f"note: {count} left out, without a target or of a label not seen in training.")
    kept: Array = places[known]
    return kept
