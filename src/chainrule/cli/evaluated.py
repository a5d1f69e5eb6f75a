"""What `chainrule evaluate` tells beside the scores: thresholds, slices, rows, other runs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chainrule.cli.output import plural, show, terminal_width, text_table
from chainrule.cli.progress import waiting
from chainrule.cli.typed import as_typed
from chainrule.text import score_digits, spell_score

if TYPE_CHECKING:
    from chainrule.data import Table
    from chainrule.estimators import TableModel, TableSettings
    from chainrule.judging import Evaluation, FoldScores, LearningCurve, PairedComparison

__all__ = ["Extras", "extra_record", "extras", "show_details", "show_extras"]


@dataclass(frozen=True)
class Extras:
    """What was asked for beside the evaluation; None what was not."""

    against: PairedComparison | None
    folds: FoldScores | None
    curve: LearningCurve | None


def extras(
    options: argparse.Namespace, model: TableModel, whole: Table, shared: Table, found: Evaluation
) -> Extras:
    """Compares with another run, and trains anew, where that was asked for.

    whole, shared
        The table as it is, and the rows of it that neither run has learned from.
    """
    from chainrule.judging import compare, cross_validated, learning_curve_of_table

    against = folds = curve = None
    metric = found.metric
    if options.against is not None:
        against = compare(options.run, options.against, shared, metric=metric)
    target = str(model.schema.target)
    settings = _settings(model)
    if options.folds is not None:
        with as_typed(), waiting(f"training on {options.folds} folds"):
            folds = cross_validated(whole, target, settings, options.folds)
    if options.learning_curve:
        with as_typed(folds="learning-curve"), waiting("training on ever more rows"):
            curve = learning_curve_of_table(whole, target, settings, metric)
        # What is said of the model itself is not said of others of its settings again.
        curve = replace(curve, tells_fitting=not found.verdict)
    return Extras(against, folds, curve)


def _settings(model: TableModel) -> TableSettings:
    """The run's settings, with the task that was found."""
    return replace(model.settings, task=str(model.schema.task))


def extra_record(more: Extras) -> dict[str, Any]:
    """What was asked for beside the evaluation, as plain values."""
    told = {"against": more.against, "folds": more.folds, "learning_curve": more.curve}
    return {name: one.to_record() for name, one in told.items() if one is not None}


def show_details(options: argparse.Namespace, found: Evaluation) -> None:
    """Prints thresholds, slices and rows, as far as there are any, and over- and underfitting."""
    from chainrule.judging import slices_block, thresholds_block, worst_block

    width = terminal_width()
    if options.threshold is not None or options.costs is not None:
        show(f"\n{thresholds_block(found).to_text(width)}")
    if found.slices or found.slices_told:
        show(f"\n{slices_block(found).to_text(width)}")
    if found.worst:
        show(f"\n{worst_block(found).to_text(width)}")
    show(f"\n{found.fitting}")


def show_extras(options: argparse.Namespace, more: Extras) -> None:
    """Prints what was asked for beside the evaluation."""
    if more.against is not None:
        show(f"\n{_against(options, more.against)}")
    if more.folds is not None:
        show(f"\n{_folds(more.folds)}")
    if more.curve is not None:
        show(f"\n{more.curve!r}")


def _against(options: argparse.Namespace, found: PairedComparison) -> str:
    told = found.sentence.replace("The first", options.run).replace("The second", options.against)
    if found.p is not None:
        test = "exact" if found.groups is None else "exact, of rows as if independent"
        told += (
            f"\n{found.only_first:,} rows only {options.run} has right, {found.only_second:,} only "
            f"{options.against}: p = {found.p:.3g} (McNemar's test, {test})."
        )
    return f"{told}\ncannot tell: {found.cannot_tell}"


def _folds(found: FoldScores) -> str:
    lines = []
    for name, summary in found.summary().items():
        middle, *ends = (None, None, None) if summary is None else summary
        digits = score_digits(middle)
        reach = " to ".join(spell_score(one, digits) for one in ends)
        lines.append((name, spell_score(middle, digits), "-" if summary is None else reach))
    title = f"trained anew on {plural(found.rows, 'row')} of DATA, {found.folds} folds: {found.how}"
    if found.unseen:
        title += f"; {plural(found.unseen, 'row')} of labels not learned left out of the scores"
    table = text_table(("score", "median", "least to largest"), lines, right=(1, 2))
    return f"{title}\n{table}\ncannot tell: {found.cannot_tell}"
