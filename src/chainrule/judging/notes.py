"""What must be known to read scores rightly: rows left out, columns without values, one class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from chainrule.errors import listing
from chainrule.judging.answered import Answered
from chainrule.judging.slices import FEWEST_ROWS
from chainrule.reporting import Judgment, few_rows, grouped_rows
from chainrule.text import plural

__all__ = ["notes_of"]


def notes_of(found: Answered, judgment: Judgment) -> Iterator[str]:
    """Sentences on rows given, with those without a known label.

    judgment
        Of these rows.
    """
    few = few_rows(judgment.to_record())
    if few:
        yield few
    if found.groups is not None:
        yield grouped_rows(judgment.groups)
    elif found.group is not None:
        yield (
            f"the model was trained with groups ({found.group!r}), a column that these rows have "
            "not: they are taken as independent, so intervals are too narrow where rows of a group "
            "are alike."
        )
    if found.left_out:
        yield f"{plural(found.left_out, 'row')} without a target left out."
    idle = 0 if found.weights is None else int((found.weights == 0).sum())
    if idle:
        yield f"{plural(idle, 'row')} of weight 0 left out."
    if found.learned_from:
        yield found.learned_from
    if len(found.truth) >= FEWEST_ROWS:
        yield from _empty_columns(found)
    if found.labels:
        yield from _lone_classes(found.counted, judgment.metrics)
    elif judgment.rows > 1 and judgment.metrics["r2"] is None:
        yield "the truth is the same number in all rows: r2 is not defined (-)."


def _empty_columns(found: Answered) -> Iterator[str]:
    columns = found.table.columns
    empty = [name for name in found.used if name in columns and columns[name].missing.all()]
    if empty:
        what = f"columns {listing(empty)} are" if len(empty) > 1 else f"column {empty[0]!r} is"
        yield f"{what} empty in all rows judged: the model answers as where a value is missing."


def _lone_classes(found: Answered, scores: Mapping[str, float | None]) -> Iterator[str]:
    present = np.unique(found.truth)
    undefined = [name for name, value in scores.items() if value is None]
    if len(present) == 1 and undefined:
        label = found.labels[present[0]]
        yield (
            f"all rows are of the class {label!r}: not defined are {', '.join(undefined)} (-), and "
            "no score says how other classes are told apart."
        )
    if not found.is_binary or scores["precision"] is None:
        return
    if not (found.answers.argmax(axis=1) == found.positive).any():
        label = found.labels[found.positive]
        yield f"no row is predicted to be {label!r}: precision counts as 0, as in scikit-learn."
