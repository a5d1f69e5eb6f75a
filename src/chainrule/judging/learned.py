"""Whether a run has learned from the rows that it is judged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chainrule.data import Table, fingerprint, read_table, rows_also_in
from chainrule.errors import ChainruleError
from chainrule.estimators import TableModel
from chainrule.files import RunFolder
from chainrule.reporting import JudgedRows
from chainrule.text import plural

__all__ = ["learned_note"]

LARGEST_BYTES = 200_000_000
MOST_BEYOND_CHANCE = 0.5


def learned_note(folder: RunFolder, model: TableModel, table: Table, rows: Table) -> str:
    """Whether the rows of a table are those that a run was trained on; "" where that is not seen.

    rows
        Those of the table that have a target, and it.

    The table of training itself is known by its fingerprint; others are compared row by row with
    the file that the run names, where that is still there and as it was. By chance as many rows are
    alike as one half of these has in the other.
    """
    begun = folder.read_config() if folder.config_path.is_file() else {}
    mark = begun.get("fingerprint")
    if mark is not None and mark == fingerprint(table):
        return "the run was trained on rows of this table, so these scores flatter it."
    learned = _rows_of_training(folder, str(begun.get("data", "")), mark)
    known = (*model.schema.inputs, *model.schema.target_names)
    names = [name for name in known if name in rows.names]
    if learned is None or not names:
        return ""
    count = int(rows_also_in(rows, learned, names).sum())
    places = np.arange(learned.rows)
    halves = learned.take(places[::2]), learned.take(places[1::2])
    by_chance = float(rows_also_in(*halves, names).mean())
    if count / rows.rows < by_chance + MOST_BEYOND_CHANCE * (1 - by_chance) or by_chance == 1:
        return ""
    stand, same = ("stand", "they are the same rows")
    if count == 1:
        stand, same = ("stands", "it is the same row")
    return (
        f"{count:,} of {plural(rows.rows, 'row')} {stand} among those that the run was trained on, "
        f"cell by cell: where {same}, these scores flatter it."
    )


def _rows_of_training(folder: RunFolder, source: str, mark: object) -> Table | None:
    """The rows of training without those of the test, from the file that a run names."""
    path = Path(source)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_BYTES:
            return None
        table = read_table(source)
        judged = JudgedRows.load(folder.judged_path) if folder.judged_path.is_file() else None
    except (ChainruleError, OSError, ValueError):
        return None
    if fingerprint(table) != mark:
        return None
    tested = () if judged is None or judged.rows is None else judged.rows
    return table.take(np.setdiff1d(np.arange(table.rows), tested))
