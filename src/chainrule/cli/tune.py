"""`chainrule tune`: the best settings for a table, searched, trained and judged."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.output import plural, say, show, terminal_width, text_table
from chainrule.cli.parser import OneTarget, Parser, add_settings
from chainrule.cli.reported import report_run
from chainrule.cli.search_request import SearchRequest, begun_request, is_done, search_request
from chainrule.cli.signals import sigterm_as_ctrl_c
from chainrule.cli.train import (
    INTERRUPTED,
    TrainTables,
    keeper_of,
    new_folder,
    plan_of_request,
    train_plan,
)
from chainrule.errors import ChainruleError, DataError, ExistingFileError, WriteError

if TYPE_CHECKING:
    from chainrule.estimators import TablePlan
    from chainrule.files import FolderLock, RunFolder
    from chainrule.tuning import Search, Trial

__all__ = ["EXAMPLES", "USAGE", "add_options", "run"]

LEFT_OUT = ("time_limit",)

USAGE = """\
DATA --target COLUMN [options]
       chainrule tune DATA --target COLUMN --print-space
       chainrule tune --resume --out RUN [--trials N] [--time-limit X]"""
EXAMPLES = """\
examples:
  chainrule tune houses.csv --target price --trials 30
  chainrule tune houses.csv --target price --method hyperband --epochs 81
  chainrule tune houses.csv --target price --print-space > space.toml
  chainrule tune houses.csv --target price --space space.toml --folds 5
  chainrule tune --resume --out runs/houses-price-1   (after it was stopped)
  chainrule tune --resume --out runs/houses-price-1 --trials 60   (30 more)
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
    add(
        "--time-limit", type=float, metavar="X",
        help="seconds to search at most; without --trials random and bayesian go on until then",
    )  # fmt: skip
    add("--space", metavar="FILE.toml", help="what is searched; see --print-space")
    add("--print-space", action="store_true", help="print the usual space, to edit it")
    add("--folds", type=int, metavar="K", help="score a trial on K folds, not on one part")
    add("--storage", metavar="URL", help="an Optuna database, instead of RUN/study.sqlite3")
    add("--study", metavar="NAME", help=f"the name of the study (default {STUDY})")
    add("--resume", action="store_true", help="go on with a search, also to more trials")
    add("--json", action="store_true", help="print one JSON record")
    settings = {name: one for name, one in SETTINGS.items() if name not in LEFT_OUT}
    add_settings(parser, settings, asdict(TableSettings()))


@dataclass
class _Place:
    """The folder of a search, and what is searched in it.

    made
        The folders that were made for it, the innermost first; none of one to go on with.
    """

    folder: RunFolder
    asked: SearchRequest
    made: list[Path] = field(default_factory=list)
    search: Search | None = None


def run(options: argparse.Namespace) -> int:
    """Search, train the best settings, judge, write the run folder."""
    if options.print_space:
        return _print_space(search_request(options))
    with _place(options) as place:
        plan, _, tables = plan_of_request(place.asked.train, is_told=not options.resume)
        search = place.search = _begun_search(place, plan, tables)
        _make_trials(search, place.folder)
        if search.interrupted:
            _say_resume(place.folder)
            return INTERRUPTED
        return _train_best(options, place, search, tables)


def _print_space(asked: SearchRequest) -> int:
    """A line a setting, which a TOML file takes as it is."""
    plan, _, _ = plan_of_request(asked.train, is_told=False)
    for name, one in asked.space_of(plan).to_record().items():
        ends = one.items() if isinstance(one, dict) else ()
        table = ", ".join(f"{end} = {json.dumps(value)}" for end, value in ends)
        show(f"{name} = {{{table}}}" if table else f"{name} = {json.dumps(one)}")
    return 0


@contextmanager
def _place(options: argparse.Namespace) -> Iterator[_Place]:
    """Where a new search is made, or one is gone on with.

    A new folder is gone again where a mistake ended the search before its first trial was done.
    """
    from chainrule.files import FolderLock

    if options.resume:
        place = _Place(*begun_request(options))
    else:
        asked = search_request(options)
        folder, made = new_folder(options.out, asked.train)
        place = _Place(folder, asked, made)
    folder = place.folder
    with FolderLock(folder.path) as lock:
        try:
            yield place
        except BaseException as error:
            mistake = isinstance(error, ChainruleError) and not isinstance(error, WriteError)
            begun = folder.search_config_path.exists()
            if place.made and (not begun or mistake and not _has_trials(place)):
                _clear(place, lock)
            elif begun and not mistake:
                _say_resume(folder)
            raise


def _has_trials(place: _Place) -> bool:
    return place.search is not None and bool(place.search.trials)


def _clear(place: _Place, lock: FolderLock) -> None:
    """Remove what was made before a search began."""
    from chainrule.tuning import clear_search

    clear_search(place.folder)
    lock.release()
    for one in place.made:
        with contextlib.suppress(OSError):  # another run has put something there
            one.rmdir()


def _say_resume(folder: RunFolder) -> None:
    command = f"chainrule tune --resume --out {shlex.quote(str(folder.path))}"
    say(f"what is done is kept; to go on: {command}")


def _begun_search(place: _Place, plan: TablePlan, tables: TrainTables) -> Search:
    """The search with what was found of it, said; its folder says from now on what it is."""
    from chainrule import tuning

    folder, asked, again = place.folder, place.asked, not place.made
    if again and asked.train.fingerprint != tables.fingerprint:
        message = (
            f"{asked.train.data}: has changed since the search was begun; restore it to go on, or "
            "begin a new search without --resume."
        )
        raise DataError(message)
    space = asked.space_of(plan)
    if not again:
        asked.write(folder, space, tables.fingerprint)
    search = tuning.open_search(plan, space, asked.asked, folder, again)
    if again:
        _check_more(search, folder)
        asked.write(folder, space, tables.fingerprint)
    found = f"; {tuning.found_words(search)}" if again else ""
    name = tuning.score_name(search.metric)
    say(f"search: {_planned(search)} ({search.method}), by {name}{found}")
    return search


def _check_more(search: Search, folder: RunFolder) -> None:
    """Raise ExistingFileError where a search that is done would not go on; else it is not done."""
    from chainrule.files import strict_json, write_text_atomic

    if not is_done(folder):
        return
    if search.is_over:
        message = (
            f"{folder.path}: its {plural(search.found, 'trial')} are all that was asked for; give "
            "more (--trials N, or a longer --time-limit), or use it "
            f"(chainrule predict {folder.path} DATA)."
        )
        raise ExistingFileError(message)
    record = {**(folder.read_search() or {}), "interrupted": True}
    write_text_atomic(folder.search_path, strict_json(record) + "\n")


def _planned(search: Search) -> str:
    return "until stopped" if search.planned is None else plural(search.planned, "trial")


def _make_trials(search: Search, folder: RunFolder) -> None:
    """All of them, those found among them; what came of them is written."""
    from chainrule import tuning
    from chainrule.files import strict_json, write_text_atomic

    name = tuning.score_name(search.metric)
    with sigterm_as_ctrl_c(), tuning.SearchView(name, say, terminal_width()) as view:
        search.watch = view
        search.run()
    record = tuning.search_record(search, search.seconds())
    write_text_atomic(folder.search_path, strict_json(record) + "\n")


def _train_best(
    options: argparse.Namespace, place: _Place, search: Search, tables: TrainTables
) -> int:
    """Train and judge the best settings as `train` does."""
    from chainrule import tuning
    from chainrule.cli.described import plan_record
    from chainrule.estimators import plan_table, tabular_estimator

    best, folder, train = tuning.best_trial(search), place.folder, place.asked.train
    _say_best(search, best)
    request = replace(train, settings=replace(train.settings, **best.settings))
    plan = plan_table(
        tables.data, request.target, request.settings, test=tables.test,
        validation=tables.validation,
    )  # fmt: skip
    record = plan_record(plan, tables.data, request.test, request.validation)
    tables = replace(tables, record=record)
    options.resume = _is_begun(folder, plan)
    keeper = keeper_of(options, request, plan, folder, tables)
    estimator = tabular_estimator(plan)
    train_plan(estimator, plan, folder, keeper)
    if not options.json:
        show(_best_table(search))
    found = {"best": best.number, "score": best.score, "settings": best.to_record()["settings"],
             "trials": len(search.trials), "seconds": round(search.seconds(), 3)}  # fmt: skip
    report_run(options, plan, estimator.model_, folder, tables, found)
    if estimator.model_.interrupted:
        _say_resume(folder)
        return INTERRUPTED
    keeper.remove()
    shutil.rmtree(tuning.states_folder(folder))  # of networks that the time limit stopped
    return 0


def _say_best(search: Search, best: Trial) -> None:
    from chainrule.tuning import best_words

    say(textwrap.fill(best_words(search, best), terminal_width(), subsequent_indent="  "))


def _is_begun(folder: RunFolder, plan: TablePlan) -> bool:
    """Whether these settings were being trained when all was stopped; what is left of others is
    removed.
    """
    settings = {name: one for name, one in plan.chosen.to_record().items() if one is not None}
    if folder.checkpoint_path.exists() and folder.config_path.exists():
        if folder.read_config().get("settings") == settings:
            return True
        folder.checkpoint_path.unlink()
    folder.history_path.unlink(missing_ok=True)
    return False


def _best_table(search: Search) -> str:
    """The best trials, the very best first."""
    from chainrule.tuning import best_table

    return text_table(*best_table(search), right=(0, 1))
