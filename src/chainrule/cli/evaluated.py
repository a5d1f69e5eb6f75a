"""What `chainrule evaluate` tells beside the scores: thresholds, slices, rows, other runs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.cli.output import plural, show, spell_score, text_table
from chainrule.cli.progress import waiting

if TYPE_CHECKING:
    from chainrule.data import Table
    from chainrule.estimators import TableModel, TableSettings
    from chainrule.judging import Evaluation, FoldScores, LearningCurve, PairedComparison

__all__ = ["Extras", "extra_record", "extras", "show_extras"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Extras:
    """What was asked for beside the evaluation; None what was not."""

    against: PairedComparison | None
    folds: FoldScores | None
    curve: LearningCurve | None


def extras(
    options: argparse.Namespace, model: TableModel, whole: Table, shared: Table, metric: str
) -> Extras:
    """Compares with another run, and trains anew, where that was asked for.

    whole, shared
        The table as it is, and the rows of it that neither run has learned from.
    """
    from chainrule.judging import compare, cross_validated, learning_curve_of_table

    against = folds = curve = None
    if options.against is not None:
        against = compare(options.run, options.against, shared, metric=metric)
    target = str(model.schema.target)
    settings = _settings(model)
    if options.folds is not None:
        with waiting(f"training on {options.folds} folds"):
            folds = cross_validated(whole, target, settings, options.folds)
    if options.learning_curve:
        with waiting("training on ever more rows"):
            curve = learning_curve_of_table(whole, target, settings, metric)
    return Extras(against, folds, curve)


def _settings(model: TableModel) -> TableSettings:
    """The run's settings, with the task that was found."""
    return replace(model.settings, task=str(model.schema.task))


def extra_record(found: Evaluation, rows: Array, more: Extras) -> dict[str, Any]:
    """What there is beside the scores, as plain values, rows counted as they stand in DATA."""
    whole = found.to_record()
    names = ("metric", "sureness", "thresholds", "thresholds_told", "slices", "fitting")
    record = {name: whole[name] for name in names}
    record["worst"] = [{**one, "row": int(rows[one["row"]])} for one in found.worst]
    told = {"against": more.against, "folds": more.folds, "learning_curve": more.curve}
    return record | {name: one.to_record() for name, one in told.items() if one is not None}


def show_extras(options: argparse.Namespace, found: Evaluation, rows: Array, more: Extras) -> None:
    """Prints what was asked for, and whether the run over- or underfits."""
    from chainrule.judging import slices_lines, thresholds_lines, worst_lines

    if options.threshold is not None or options.costs is not None:
        _part(thresholds_lines(found))
    if found.slices:
        _part(slices_lines(found))
    if found.worst:
        moved = tuple({**one, "row": int(rows[one["row"]])} for one in found.worst)
        _part(worst_lines(replace(found, worst=moved)))
    if more.against is not None:
        _part([_against(options, more.against)])
    if more.folds is not None:
        _part(_folds(more.folds))
    if more.curve is not None:
        _part([repr(more.curve), f"cannot tell: {more.curve.cannot_tell}"])
    if found.fitting and not options.all:
        _part([found.fitting])


def _part(lines: list[str]) -> None:
    show("\n" + "\n".join(lines))


def _against(options: argparse.Namespace, found: PairedComparison) -> str:
    told = found.sentence.replace("The first", options.run).replace("The second", options.against)
    if found.p is None:
        return told
    apart = f"{found.only_first:,} rows only {options.run} has right, {found.only_second:,} only"
    return f"{told}\n{apart} {options.against}: p = {found.p:.3g} (McNemar's test, exact)."


def _folds(found: FoldScores) -> list[str]:
    lines = []
    for name, summary in found.summary().items():
        cells = ("-", "-") if summary is None else (
            spell_score(summary[0], 4), " to ".join(spell_score(one, 4) for one in summary[1:])
        )  # fmt: skip
        lines.append((name, *cells))
    title = f"trained anew on {plural(found.rows, 'row')} of DATA, {found.folds} folds: {found.how}"
    if found.unseen:
        title += f"; {plural(found.unseen, 'row')} of labels not learned left out of the scores"
    table = text_table(("score", "median", "least to largest"), lines, right=(1, 2))
    return [title, table, f"cannot tell: {found.cannot_tell}"]
