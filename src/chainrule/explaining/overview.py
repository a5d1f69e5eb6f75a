"""What a trained table goes by, in short: the record that a run keeps and its report shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import random
from chainrule.data import Table
from chainrule.errors import ChainruleError
from chainrule.estimators import TableModel
from chainrule.explaining.dependence import dependence_of
from chainrule.explaining.permutation import importance_of
from chainrule.explaining.scored import Scored, scored_rows
from chainrule.explaining.shap_values import shap_values
from chainrule.explaining.single_rows import single_rows
from chainrule.explaining.subject import subject_of

__all__ = ["overview", "rows_within"]

Array = np.ndarray[Any, np.dtype[Any]]

LEAST_WORK = 4e10
"""Multiplications that are made in any case: a few seconds."""
SHARE = 0.1
"""Of the work of training that explaining may take."""
STEP = 3
"""Times the work of an answer that a step of training takes for a row."""
FEWEST, MOST = 100, 10_000
REPEATS = 5
MEASURED = 20
"""Columns whose importance has an interval."""
COLUMNS = 6
POINTS = 15
CURVES = 20
ADDED, FEWEST_ADDED = 100, 20
"""Rows whose SHAP values are averaged."""
ERROR = 0.01
"""Of a SHAP value: less would not be seen in a mean."""
AVERAGED = 300
STREAM = 8
DIGITS = 6


def overview(
    model: TableModel, table: Table | None, learned: int, numbers: Any = None
) -> dict[str, Any]:
    """What all columns are worth, how answers go with the six first ones, and three single rows.

    table
        Rows that training has not seen, with their target; None where there are none.
    numbers
        Those that the rows have elsewhere, such as in a larger table; their places where None.
    learned
        How many rows the networks learned from: work is held to a tenth of that of training, by
        counts, so that the same run is explained by the same rows everywhere.
    """
    if table is None:
        return {"reason": "There are no test rows, and rows that were trained on would flatter."}
    rows = _scorable(model, table)
    if rows is None:
        return {"reason": "No test row has a target that training has seen."}
    numbers = rows if numbers is None else np.asarray(numbers)[rows]
    table = table.take(rows)
    seed = model.settings.seed
    columns = len(model.encoder.columns)
    work = max(LEAST_WORK, _work_of_training(model, learned))
    most = rows_within(model, columns * REPEATS, work)
    if table.rows > most:
        order = random.permutation(seed, STREAM, 0, table.rows)
        kept = np.sort(order[:most])
        table, numbers = table.take(kept), numbers[kept]
    subject = subject_of(model, table)
    try:
        scored = scored_rows(
            subject, table.column(model.labels.name), model.settings.metric, model.weights(table)
        )
    except ChainruleError as error:  # a score that these rows do not define
        return {"reason": f"The columns could not be judged: {error}"}
    importance = importance_of(scored, REPEATS, seed, "", MEASURED)
    dependences = [
        dependence_of(
            subject, name, points=POINTS, rows=AVERAGED, classes=None, ice=True, scale=None,
            seed=seed, library="",
        ).to_record()
        for name in importance.columns[:COLUMNS]
    ]  # fmt: skip
    for one in dependences:
        for curve in one["curves"]:
            curve["ice"] = curve["ice"][:CURVES] if len(one["curves"]) == 1 else []
    found = {
        "reason": "", "importance": importance.to_record(), "dependence": dependences,
        **_added(model, table, scored, numbers, seed),
    }  # fmt: skip
    short: dict[str, Any] = _short(found)
    return short


def _added(
    model: TableModel, table: Table, scored: Scored, numbers: Array, seed: int
) -> dict[str, Any]:
    """The mean size of SHAP values of some rows, and single ones of them; none that take long."""
    nothing: dict[str, Any] = {"shap": None, "rows": []}
    if model.background is None:
        return nothing
    parameters = model.members[0].parameters.count * len(model.members)
    work = model.background.rows * len(model.encoder.columns) * parameters
    rows = int(min(ADDED, table.rows, LEAST_WORK // work))
    if rows < FEWEST_ADDED:
        return nothing
    chosen = np.sort(random.permutation(seed, STREAM, 1, table.rows)[:rows])
    part = table.take(chosen)
    values = shap_values(model, part, error=ERROR, rounds=1, seed=seed)
    told = single_rows(model, table, scored, seed)
    told = [{**one, "row": int(numbers[one["row"]])} for one in told]
    return {"shap": values.importance(seed=seed).to_record(), "rows": told}


def rows_within(model: TableModel, answers: int, work: float) -> int:
    """How many rows may be answered so often within some work, a number of multiplications.

    At least 100, and 10,000 at most.
    """
    parameters = model.members[0].parameters.count * len(model.members)
    return int(min(MOST, max(FEWEST, work // max(1, answers * parameters))))


def _work_of_training(model: TableModel, learned: int) -> float:
    """A share of the multiplications that training took."""
    return SHARE * STEP * model.members[0].parameters.count * model.epochs * learned


def _scorable(model: TableModel, table: Table) -> Array | None:
    """The rows whose target is known; None where there is none."""
    known = ~table.column(model.labels.name).missing
    if known.any() and model.is_classification:
        known[known] = model.truth(table.take(known)) >= 0
    weights = model.weights(table)
    if weights is not None:
        known &= weights > 0
    return np.flatnonzero(known) if known.any() else None


def _short(value: Any) -> Any:
    """Numbers with six digits: more are not shown."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
