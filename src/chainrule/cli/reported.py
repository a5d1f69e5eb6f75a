"""What follows a training: its scores, the run folder's record of them, and the report."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.cli.explained_run import explain_run
from chainrule.cli.output import plural, say, show
from chainrule.cli.progress import waiting

if TYPE_CHECKING:
    from chainrule.cli.scores import Scores
    from chainrule.cli.train import TrainTables
    from chainrule.estimators import Predictions, TableModel, TablePlan
    from chainrule.files import RunFolder
    from chainrule.reporting import JudgedRows

__all__ = ["report_run", "write_run_report"]


def report_run(
    options: argparse.Namespace, plan: TablePlan, model: TableModel, folder: RunFolder,
    tables: TrainTables, search: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Scores the model, writes metrics.json and the report, prints scores and what to do next.

    search
        What a search for settings has found, where the run came of one.
    """
    from chainrule.cli.described import findings_lines
    from chainrule.files import strict_json

    scores, record = _scored(plan, model, folder, tables, search)
    if options.json:
        show(strict_json(record))
    else:
        _show_scores(scores, plan)
    for sentence in findings_lines(model.doctor["findings"], len(model.members)):
        say(sentence)
    say(_effort(model, plan))
    say(f"run folder: {folder.path}")
    explain_run(plan, model, folder)
    write_run_report(folder)
    say(f"next: chainrule predict {shlex.quote(str(folder.path))} NEW.csv")


def _scored(
    plan: TablePlan, model: TableModel, folder: RunFolder, tables: TrainTables,
    search: Mapping[str, Any] | None,
) -> tuple[Scores, dict[str, Any]]:  # fmt: skip
    """The scores of a model, written to its run folder, and the record of them."""
    from chainrule.cli.described import run_record
    from chainrule.cli.scores import judge_plan, learned_scores

    with waiting("scoring, and fitting a linear model to compare with"):
        predictions = None if plan.test_table is None else model.predict(plan.test_table)
        scores = judge_plan(plan, predictions, model.validation)
        learned = learned_scores(plan, model)
        if predictions is not None:
            judged = _judged(plan, predictions, tables.fingerprint, scores)
            judged.save(folder.judged_path)
    record = {
        "task": plan.schema.task,
        "target": plan.schema.target,
        "rows": tables.data.rows,
        "metrics": scores.to_record(),
        "seconds": round(model.seconds, 3),
        "epochs": model.epochs,
        "run": str(folder.path),
        "parts": plan.rows,
        "intervals": None if scores.test is None else scores.test.to_record()["intervals"],
        "interrupted": model.interrupted,
        **({} if search is None else {"search": search}),
    }
    details = {**scores.details(), "iterations": model.loss_by_step}
    ran = run_record(plan, model, () if search is None else search["settings"])
    known = {"data": tables.record, "learned": learned, **ran}
    folder.write_metrics({**record, **known, "doctor": model.doctor, "details": details})
    return scores, record


def write_run_report(folder: RunFolder) -> None:
    """The report; where it cannot be written, everything else is there all the same."""
    from chainrule.errors import ChainruleError
    from chainrule.reporting import write_report

    try:
        say(f"report: {write_report(folder)}")
    except ChainruleError as error:
        say(f"warning: there is no report: {error}")


def _judged(
    plan: TablePlan, predictions: Predictions, fingerprint: str, scores: Scores
) -> JudgedRows:
    """The test rows with what the model and the simple models say of them."""
    from chainrule.data import fingerprint as fingerprint_of, groups_of
    from chainrule.estimators import positive_code
    from chainrule.reporting import JudgedRows

    table = plan.test_table
    assert table is not None  # noqa: S101  (there are predictions of it)
    own = len(plan.test_rows) != table.rows
    values = predictions.values if predictions.probabilities is None else predictions.probabilities
    return JudgedRows(
        str(plan.schema.task), str(plan.schema.target), plan.truth(table), values,
        None if own else plan.test_rows, fingerprint_of(table) if own else fingerprint,
        plan.weights(table), tuple(getattr(plan.labels, "classes", ())),
        positive_code(plan.labels, plan.settings.positive),
        {one.name: one.answers for one in scores.baselines}, groups_of(table, plan.schema),
    )  # fmt: skip


def _effort(model: TableModel, plan: TablePlan) -> str:
    """How many networks and epochs there were, and how long they took."""
    from chainrule.training import spell_seconds

    planned, done = len(plan.members), len(model.members)
    epochs, seconds = plural(model.epochs, "epoch"), spell_seconds(model.seconds)
    if planned == 1:
        return f"trained {epochs} in {seconds}."
    of = f" of {planned}" if done < planned else ""
    return f"trained {done}{of} networks, {epochs} in all, in {seconds}."


def _show_scores(scores: Scores, plan: TablePlan) -> None:
    from chainrule.cli.scores import remark, scores_text

    if scores.test is not None or scores.validation is not None:
        show(scores_text(scores.test, scores.baselines, scores.validation, title="test"))
    for sentence in remark(scores, plan.settings.metric):
        say(sentence)
