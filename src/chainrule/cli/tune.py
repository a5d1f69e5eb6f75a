"""`chainrule tune`: the best settings for a table, searched, trained and judged."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.output import plural, say, show, text_table
from chainrule.cli.parser import OneTarget, Parser, add_settings
from chainrule.cli.search_request import SearchRequest, begun_request, search_request
from chainrule.cli.signals import sigterm_as_ctrl_c
from chainrule.cli.train import (
    INTERRUPTED,
    TrainTables,
    keeper_of,
    new_folder,
    plan_of_request,
    report_run,
    train_plan,
)
from chainrule.errors import ChainruleError, DataError, WriteError

if TYPE_CHECKING:
    from chainrule.estimators import TablePlan
    from chainrule.files import RunFolder
    from chainrule.tuning import Search, Space, Trial

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

SHOWN = 5
LEFT_OUT = ("time_limit",)

USAGE = """\
DATA --target COLUMN [options]
       chainrule tune DATA --target COLUMN --print-space
       chainrule tune --resume --out RUN"""
EXAMPLES = """\
examples:
  chainrule tune houses.csv --target price --trials 30
  chainrule tune houses.csv --target price --method hyperband --epochs 81
  chainrule tune houses.csv --target price --print-space > space.toml
  chainrule tune houses.csv --target price --space space.toml --folds 5
  chainrule tune --resume --out runs/houses-price-1   (after it was stopped)
  chainrule train --config runs/houses-price-1/config.toml   (the best again)

Each trial trains one network; no choice sees the test rows. The best settings
are trained and judged as 'chainrule train' does. A space is a TOML file:
  units = [32, 64, 128]
  learning_rate = {low = 1e-4, high = 1e-2, log = true}
Settings that are given here are fixed.
"""


def add_options(parser: Parser) -> None:
    """What the command takes."""
    from chainrule.estimators import SETTINGS, TableSettings
    from chainrule.tuning import METHODS, STUDY

    add = parser.add_argument
    add("data", nargs="?", metavar="DATA", help="the table to learn from")
    add("--target", metavar="COLUMN", action=OneTarget, help="the column to predict")
    add("--out", metavar="RUN", help="the run folder to make; by default runs/DATA-TARGET-N")
    add("--test", metavar="DATA", help="a table to judge by, instead of a part")
    add("--validation", metavar="DATA", help="a table to watch, instead of a part")
    add(
        "--method", metavar="|".join(METHODS),
        help="how places of the space are chosen (default bayesian)",
    )  # fmt: skip
    add(
        "--trials", type=int, metavar="N",
        help="how many at most; by default 50, all of a grid, a round of hyperband",
    )  # fmt: skip
    add("--time-limit", type=float, metavar="X", help="seconds to search at most")
    add("--space", metavar="FILE.toml", help="what is searched; see --print-space")
    add("--print-space", action="store_true", help="print the usual space, to edit it")
    add("--folds", type=int, metavar="K", help="score a trial on K folds, not on one part")
    add("--storage", metavar="URL", help="an Optuna database, instead of RUN/study.sqlite3")
    add("--study", metavar="NAME", help=f"the name of the study (default {STUDY})")
    add("--resume", action="store_true", help="go on with a search that was stopped")
    add("--json", action="store_true", help="print one JSON record")
    settings = {name: one for name, one in SETTINGS.items() if name not in LEFT_OUT}
    add_settings(parser, settings, asdict(TableSettings()))


def run(options: argparse.Namespace) -> int:
    """Search, train the best settings, judge, write the run folder."""
    if options.print_space:
        return _print_space(search_request(options))
    with _run_folder(options) as (folder, asked):
        plan, _, tables = plan_of_request(asked.train)
        space = asked.space_of(plan)
        search = _search(asked, plan, space, folder, tables)
        if search.interrupted:
            _say_resume(folder)
            return INTERRUPTED
        return _train_best(options, asked, search, folder, tables)


def _print_space(asked: SearchRequest) -> int:
    from chainrule.files import toml_text

    plan, _, _ = plan_of_request(asked.train)
    show(toml_text(asked.space_of(plan).to_record()).rstrip("\n"))
    return 0


@contextmanager
def _run_folder(options: argparse.Namespace) -> Iterator[tuple[RunFolder, SearchRequest]]:
    """The folder of a new search, or of one to go on with, and what is searched.

    A new one is gone again where no search was begun.
    """
    from chainrule.files import FolderLock

    made: list[Path] = []
    if options.resume:
        folder, asked = begun_request(options)
    else:
        asked = search_request(options)
        folder, made = new_folder(options.out, asked.train)
    with FolderLock(folder.path) as lock:
        try:
            yield folder, asked
        except BaseException as error:
            mistake = isinstance(error, ChainruleError) and not isinstance(error, WriteError)
            if folder.search_config_path.exists():
                if not mistake:
                    _say_resume(folder)
            elif made:
                _clear(folder)
                lock.release()
                for one in made:
                    with contextlib.suppress(OSError):  # another run has put something there
                        one.rmdir()
            raise


def _clear(folder: RunFolder) -> None:
    """Remove what was made before a search began."""
    (folder.path / "study.sqlite3").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (folder.path / "trials").rmdir()


def _say_resume(folder: RunFolder) -> None:
    command = f"chainrule tune --resume --out {shlex.quote(str(folder.path))}"
    say(f"what is done is kept; to go on: {command}")


def _search(
    asked: SearchRequest, plan: TablePlan, space: Space, folder: RunFolder, tables: TrainTables
) -> Search:
    """All trials, those made before it was stopped among them."""
    from chainrule import tuning
    from chainrule.files import strict_json, write_text_atomic

    begun = folder.search_config_path.exists()
    if begun and asked.train.fingerprint != tables.fingerprint:
        message = (
            f"{asked.train.data}: has changed since the search was begun; restore it to go on, or "
            "begin a new search without --resume."
        )
        raise DataError(message)
    seed, metric = plan.settings.seed, plan.settings.metric
    facts = tuning.search_facts(plan, space, asked.method, asked.trials, asked.folds, seed)
    tuning.check_search(asked.method, asked.trials, asked.time_limit, asked.folds, plan, space)
    stored = tuning.StoredTrials(
        asked.storage or tuning.study_address(folder), asked.study, space, facts,
        lower_is_better=tuning.is_lower_better(metric), resume=begun,
    )  # fmt: skip
    search = tuning.Search(
        plan, space, asked.method, asked.trials, asked.time_limit, asked.folds, seed,
        stored=stored, folder=tuning.states_folder(folder),
    )  # fmt: skip
    if not begun:
        asked.write(folder, space, tables.fingerprint)
    say(f"search: {_planned(search)} ({asked.method}), by {tuning.score_name(metric)}")
    with sigterm_as_ctrl_c(), tuning.SearchView(tuning.score_name(metric), say) as view:
        search.watch = view
        search.run()
    record = tuning.search_record(
        search.trials, method=asked.method, metric=metric, space=space, folds=asked.folds,
        seed=seed, seconds=search.seconds(), interrupted=search.interrupted,
    )  # fmt: skip
    write_text_atomic(folder.search_path, strict_json(record) + "\n")
    return search


def _planned(search: Search) -> str:
    return "until stopped" if search.planned is None else plural(search.planned, "trial")


def _train_best(
    options: argparse.Namespace, asked: SearchRequest, search: Search, folder: RunFolder,
    tables: TrainTables,
) -> int:  # fmt: skip
    """Train and judge the best settings as `train` does."""
    from chainrule import tuning
    from chainrule.cli.described import plan_record
    from chainrule.estimators import plan_table, tabular_estimator

    best = tuning.best_trial(search)
    say(
        f"searched {plural(len(search.trials), 'trial')}; training the best, trial {best.number}: "
        f"{tuning.spelled_settings(best.settings)}"
    )
    request = replace(asked.train, settings=replace(asked.train.settings, **best.settings))
    plan = plan_table(
        tables.data, request.target, request.settings, test=tables.test,
        validation=tables.validation,
    )  # fmt: skip
    record = plan_record(plan, tables.data, request.test, request.validation)
    tables = replace(tables, record=record)
    options.resume = folder.config_path.exists()
    keeper = keeper_of(options, request, plan, folder, tables)
    estimator = tabular_estimator(plan)
    train_plan(estimator, plan, folder, keeper)
    model = estimator.model_
    if not options.json:
        show(_best_table(search, best))
    found = {"best": best.number, "score": best.score, "settings": best.to_record()["settings"],
             "trials": len(search.trials), "seconds": round(search.seconds(), 3)}  # fmt: skip
    report_run(options, plan, model, folder, tables, {"search": found})
    if model.interrupted:
        _say_resume(folder)
        return INTERRUPTED
    keeper.remove()
    shutil.rmtree(tuning.states_folder(folder))  # of networks that the time limit stopped
    return 0


def _best_table(search: Search, best: Trial) -> str:
    """The best trials, the very best first."""
    from chainrule.tuning import ranked, score_name, spelled_settings

    rows = [
        (str(one.number), f"{one.score:.5g}", f"{one.epoch} of {one.epochs}",
         spelled_settings(one.settings))
        for one in ranked(search.trials, search.metric)[:SHOWN]
    ]  # fmt: skip
    header = ("trial", score_name(search.metric), "best epoch", "settings")
    return text_table(header, rows, right=(0, 1))
