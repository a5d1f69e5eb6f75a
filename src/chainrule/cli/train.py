"""`chainrule train`: from a table to a run folder and its scores."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.config import TrainRequest, train_request
from chainrule.cli.output import plural, say, show
from chainrule.cli.parser import OneTarget, Parser, add_settings
from chainrule.cli.progress import ProgressLine, spell_seconds, waiting

if TYPE_CHECKING:
    from chainrule.cli.scores import Scores
    from chainrule.estimators import TableModel, TablePlan, TableProgress, TabularEstimator
    from chainrule.files import RunFolder

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

INTERRUPTED = 130

USAGE = """\
DATA --target COLUMN [options]
       chainrule train [DATA] --config FILE.toml [options]"""
EXAMPLES = """\
examples:
  chainrule train houses.csv --target price
  chainrule train "SELECT * FROM 'sales.parquet' WHERE n > 9" --target amount
  chainrule train --config runs/houses-price-1/config.toml   (again, to the bit)

DATA is a CSV, Parquet or JSON-lines file, a glob of them, '-' for CSV on
standard input, or a SQL query over files. Results go to stdout, talk to stderr.

metrics of classes:
  accuracy, balanced_accuracy, roc_auc, log_loss, f1_macro; of two classes also
  precision, recall, f1, average_precision
metrics of numbers:
  rmse, mae, r2, median_absolute_error
"""


def add_options(parser: Parser) -> None:
    """What the command takes."""
    from chainrule.estimators import SETTINGS, TableSettings

    parser.add_argument("data", nargs="?", metavar="DATA", help="the table to learn from")
    parser.add_argument(
        "--target", metavar="COLUMN", action=OneTarget, help="the column to predict"
    )
    parser.add_argument(
        "--out", metavar="RUN", help="the run folder to make; by default runs/DATA-TARGET-N"
    )
    parser.add_argument("--test", metavar="DATA", help="a table to judge by, instead of a part")
    parser.add_argument("--validation", metavar="DATA", help="a table to watch, instead of a part")
    parser.add_argument(
        "--config",
        metavar="FILE.toml",
        help="data, target and settings from a file (options given here go before it)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON record")
    add_settings(parser, SETTINGS, asdict(TableSettings()))


def run(options: argparse.Namespace) -> int:
    """Train, judge, write the run folder, print the scores."""
    request = train_request(options)
    with _new_folder(options.out, request) as folder:
        plan, estimator, rows, fingerprint = _plan(request)
        folder.write_config(request.to_record(plan.chosen, fingerprint))
        _train(estimator, plan, folder)
        estimator.save(folder.model_path)
    model = estimator.model_
    if model.interrupted:
        say("stopped: the best weights so far are kept and will be scored.")
    try:
        _report(options, plan, model, folder, rows)
    except BaseException:
        say(f"the trained model is kept: {folder.path}")
        raise
    return INTERRUPTED if model.interrupted else 0


@contextmanager
def _new_folder(out: str | None, request: TrainRequest) -> Iterator[RunFolder]:
    """A run folder made before anything costs time, and gone again where nothing was trained."""
    from chainrule.files import RunFolder, next_run_folder

    place = Path("runs") if out is None else Path(out)
    above = [folder for folder in (place, *place.parents) if not folder.exists()]
    folder = next_run_folder(request.data, request.target) if out is None else RunFolder.create(out)
    try:
        yield folder
    except BaseException as error:
        for path in (folder.model_path, folder.config_path, folder.history_path):
            path.unlink(missing_ok=True)
        for made in dict.fromkeys((folder.path, *above)):
            with contextlib.suppress(OSError):  # another run has put something there meanwhile
                made.rmdir()
        if isinstance(error, KeyboardInterrupt):
            say("stopped before the first epoch was done: nothing was kept.")
        raise


def _plan(request: TrainRequest) -> tuple[TablePlan, TabularEstimator, int, str]:
    """What is settled before training, said; the estimator of it, the rows of the data and their
    fingerprint.
    """
    from chainrule.cli.described import describe_plan
    from chainrule.data import fingerprint, read_table
    from chainrule.training import uninterrupted

    with uninterrupted():  # Ctrl-C within an import could end Python with another exit code
        from chainrule.estimators import plan_table, tabular_estimator

    with waiting("reading the table"):
        table = read_table(request.data)
        test, validation = (
            None if source is None else read_table(source)
            for source in (request.test, request.validation)
        )
        plan = plan_table(table, request.target, request.settings, test=test, validation=validation)
        estimator = tabular_estimator(plan)
        mark = fingerprint(table)
    describe_plan(plan, table, request.test, request.validation)
    if request.fingerprint not in (None, mark):
        say(f"warning: {request.data} has changed since the run in the --config file was trained.")
    return plan, estimator, table.rows, mark


def _train(estimator: TabularEstimator, plan: TablePlan, folder: RunFolder) -> None:
    """Fits the estimator; each epoch stands in history.jsonl as soon as it is done."""
    from chainrule.training import uninterrupted

    with _sigterm_as_ctrl_c(), ProgressLine() as line:

        def watch(progress: TableProgress) -> None:
            with uninterrupted():
                folder.append_history(progress.to_record())
            line(progress)

        estimator.fit_plan(plan, watch=watch)
    folder.write_history(estimator.history_)  # network by network, however they were trained


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """So that what a scheduler or `kill` stops is kept, as after Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _report(
    options: argparse.Namespace, plan: TablePlan, model: TableModel, folder: RunFolder, rows: int
) -> None:
    """Scores the model, writes metrics.json, prints the result and what to do next."""
    from chainrule.cli.scores import judge_plan
    from chainrule.files import strict_json

    with waiting("scoring, and fitting a linear model to compare with"):
        predictions = None if plan.test_table is None else model.predict(plan.test_table)
        scores = judge_plan(plan, predictions, model.validation)
    record = {
        "task": plan.schema.task,
        "target": plan.schema.target,
        "rows": rows,
        "metrics": scores.to_record(),
        "seconds": round(model.seconds, 3),
        "epochs": model.epochs,
        "run": str(folder.path),
        "parts": plan.rows,
        "intervals": None if scores.test is None else scores.test.to_record()["intervals"],
        "interrupted": model.interrupted,
    }
    folder.write_metrics({**record, "details": scores.details()})
    if options.json:
        show(strict_json(record))
    else:
        _show_scores(scores, plan)
    say(_effort(model, plan))
    say(f"run folder: {folder.path}")
    say(f"next: chainrule predict {shlex.quote(str(folder.path))} NEW.csv")


def _effort(model: TableModel, plan: TablePlan) -> str:
    """How many networks and epochs there were, and how long they took."""
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
