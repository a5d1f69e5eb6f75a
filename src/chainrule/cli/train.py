"""`chainrule train`: from a table to a run folder and its scores."""

from __future__ import annotations

import argparse
import contextlib
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chainrule
from chainrule.cli.config import TrainRequest, recorded_source, train_request
from chainrule.cli.output import plural, say
from chainrule.cli.parser import OneTarget, Parser, add_settings
from chainrule.cli.progress import ProgressView, waiting
from chainrule.cli.reported import report_run
from chainrule.cli.resume import (
    check_not_done,
    check_settings,
    check_tables,
    check_unchanged,
    not_as_begun,
    started_run,
    table_facts,
)
from chainrule.cli.signals import sigterm_as_ctrl_c
from chainrule.errors import ChainruleError, DataError, MissingFileError, WriteError

if TYPE_CHECKING:
    from chainrule.data import Table
    from chainrule.estimators import (
        Keeper,
        TablePlan,
        TableProgress,
        TabularEstimator,
    )
    from chainrule.files import FolderLock, RunFolder

__all__ = [
    "EXAMPLES", "INTERRUPTED", "USAGE", "TrainTables", "add_options", "keeper_of", "new_folder",
    "plan_of_request", "run", "train_plan",
]  # fmt: skip

INTERRUPTED = 130

USAGE = """\
DATA --target COLUMN [options]
       chainrule train [DATA] --config FILE.toml [options]
       chainrule train --resume --out RUN"""
EXAMPLES = """\
examples:
  chainrule train houses.csv --target price
  chainrule train "SELECT * FROM 'sales.parquet' WHERE n > 9" --target amount
  chainrule train --config runs/houses-price-1/config.toml   (again, to the bit)
  chainrule train --resume --out runs/houses-price-1   (after it was stopped)

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
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was stopped, to the bits of one that never was",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON record")
    add_settings(parser, SETTINGS, asdict(TableSettings()))


def run(options: argparse.Namespace) -> int:
    """Train, judge, write the run folder, print the scores."""
    with _run_folder(options) as (folder, request):
        plan, estimator, tables = plan_of_request(request)
        keeper = keeper_of(options, request, plan, folder, tables)
        train_plan(estimator, plan, folder, keeper)
        model = estimator.model_
        if model.interrupted:
            say("stopped: the best weights so far are kept and will be scored.")
        report_run(options, plan, model, folder, tables)
        if model.interrupted:
            _say_resume(folder)
        else:
            keeper.remove()
    return INTERRUPTED if model.interrupted else 0


@contextmanager
def _run_folder(options: argparse.Namespace) -> Iterator[tuple[RunFolder, TrainRequest]]:
    """The folder of a new run, or of one to go on with, and what is to be trained.

    A new one is made before anything costs time, and gone again where nothing was trained.
    """
    from chainrule.files import FolderLock

    folder, made = (started_run(options), []) if options.resume else (None, [])
    if folder is not None and folder.is_blank:
        options.resume, made = False, [folder.path]
    if folder is not None and options.resume:
        options.config = str(folder.config_path)
    request = train_request(options)
    if folder is None:
        folder, made = new_folder(options.out, request)
    with FolderLock(folder.path) as lock:
        if options.resume:
            check_not_done(folder)
            check_unchanged(options, folder, folder.read_config())
        try:
            yield folder, request
        except BaseException as error:
            kept = folder.model_path.exists()
            if kept:
                say(f"the trained model is kept: {folder.path}")
            if _can_go_on(folder, error):
                _say_resume(folder)
            elif made and not kept:
                _remove(folder, lock, made)
                if isinstance(error, KeyboardInterrupt):
                    say("stopped before the first epoch was done: nothing was kept.")
            raise


def _can_go_on(folder: RunFolder, error: BaseException) -> bool:
    """Whether anything can be gained by going on after an error."""
    if isinstance(error, ChainruleError) and not isinstance(error, WriteError):
        return False
    written = folder.checkpoint_path.exists() or isinstance(error, WriteError)
    return written and folder.config_path.exists()


def new_folder(out: str | None, request: TrainRequest) -> tuple[RunFolder, list[Path]]:
    """A new run folder, and all folders that were made for it, the innermost first."""
    from chainrule.files import RunFolder, next_run_folder

    place = Path("runs") if out is None else Path(out)
    above = [folder for folder in (place, *place.parents) if not folder.exists()]
    folder = next_run_folder(request.data, request.target) if out is None else RunFolder.create(out)
    return folder, list(dict.fromkeys((folder.path, *above)))


def _remove(folder: RunFolder, lock: FolderLock, made: list[Path]) -> None:
    paths = (folder.config_path, folder.history_path, folder.checkpoint_path)
    for path in paths:
        path.unlink(missing_ok=True)
    lock.release()
    for one in made:
        with contextlib.suppress(OSError):  # another run has put something there meanwhile
            one.rmdir()


def _say_resume(folder: RunFolder) -> None:
    command = f"chainrule train --resume --out {shlex.quote(str(folder.path))}"
    if folder.checkpoint_path.exists():
        say(f"what is done is kept; to go on: {command}")
    else:
        say(f"no checkpoint was written; to begin it again: {command}")


def plan_of_request(
    request: TrainRequest, *, is_told: bool = True
) -> tuple[TablePlan, TabularEstimator, TrainTables]:
    """What is settled before training, said where it is to be told; the estimator of it, and the
    tables.
    """
    from chainrule.cli.described import describe_plan, plan_record
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
        left_open: dict[str, Any] = dict.fromkeys(request.chosen)
        plan = replace(plan, settings=replace(plan.settings, **left_open))
        estimator = tabular_estimator(plan)
        mark = fingerprint(table)
    if is_told:
        describe_plan(plan, table, request.test, request.validation)
    record = plan_record(plan, table, request.test, request.validation)
    return plan, estimator, TrainTables(table, test, validation, mark, record)


@dataclass(frozen=True)
class TrainTables:
    """What is trained on, with the fingerprint of the data and an account of all."""

    data: Table
    test: Table | None
    validation: Table | None
    fingerprint: str
    record: dict[str, Any]

    def by_role(self) -> dict[str, Table | None]:
        """The tables by what they are for."""
        return {"data": self.data, "test": self.test, "validation": self.validation}


def keeper_of(
    options: argparse.Namespace, request: TrainRequest, plan: TablePlan, folder: RunFolder,
    tables: TrainTables,
) -> Keeper:  # fmt: skip
    """What writes checkpoints, and what a run goes on from; a new run's settings are written."""
    from chainrule.estimators import Keeper

    settings = {"target": request.target, **plan.chosen.to_record()}
    facts = {"tables": table_facts(tables.by_role()), "settings": settings}
    keeper = Keeper(folder.checkpoint_path, facts)
    if not options.resume:
        if request.fingerprint not in (None, tables.fingerprint):
            say(f"warning: {request.data} has changed since the run in the --config file was made.")
        folder.write_config(request.to_record(plan.chosen, tables.fingerprint))
        return keeper
    begun = folder.read_config()
    other = None if begun.get("data") == recorded_source(request.data) else begun.get("data")
    version = begun.get("chainrule")
    if version != chainrule.__version__:
        say(
            f"warning: {folder.path} was begun with chainrule {version}, and this is "
            f"{chainrule.__version__}: the result may differ from that of a run never stopped."
        )
    if keeper.kept is not None:
        check_tables(keeper.kept["tables"], facts["tables"], tables.by_role(), other)
        check_settings(folder, keeper.kept["settings"], settings)
        say(f"going on with {folder.path} after {plural(len(keeper.history), 'epoch')}.")
    elif begun.get("fingerprint") != tables.fingerprint:
        raise DataError(not_as_begun(request.data, other))
    else:
        say(f"{folder.path}: was stopped before its first checkpoint, and begins anew.")
    folder.write_history(keeper.history)
    return keeper


def train_plan(
    estimator: TabularEstimator, plan: TablePlan, folder: RunFolder, keeper: Keeper
) -> None:
    """Fits the estimator; each epoch stands in history.jsonl as soon as it is done."""
    from chainrule.training import uninterrupted

    failed: list[ChainruleError] = []
    with sigterm_as_ctrl_c(), ProgressView() as view:

        def watch(progress: TableProgress) -> None:
            try:
                with uninterrupted():
                    folder.append_history(progress.to_record())
            except (
                MissingFileError,
                WriteError,
            ) as error:  # lines of a history are not worth a training
                if not failed:
                    say(f"warning: {error} Training goes on.")
                failed.append(error)
            view(progress)

        estimator.fit_plan(plan, watch=watch, keeper=keeper)
    estimator.save(folder.model_path)
    folder.write_history(estimator.history_)  # network by network, however they were trained
