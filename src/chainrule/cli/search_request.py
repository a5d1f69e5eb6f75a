"""What a search is asked for: by the command line, or by the folder of one to go on with."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.config import TrainRequest, recorded_source, train_request
from chainrule.cli.parser import UsageError, given_settings
from chainrule.cli.resume import check_not_done
from chainrule.errors import MissingFileError, SettingError

if TYPE_CHECKING:
    from chainrule.estimators import TablePlan
    from chainrule.files import RunFolder
    from chainrule.tuning import Asked, Space

__all__ = ["SearchRequest", "begun_request", "is_done", "search_request"]

AGAIN = ("trials", "time_limit")
"""What may be another number when a search goes on."""
KEPT = ("method", "trials", "time_limit", "folds", "storage", "study")
"""What the run folder keeps of it."""
FIXED = ("data", "target", "test", "validation", "method", "space", "folds", "storage", "study")


@dataclass(frozen=True)
class SearchRequest:
    """What is to be searched, and what is trained for it.

    space
        As the file says; None for the usual one.
    """

    train: TrainRequest
    asked: Asked
    space: dict[str, Any] | None

    def space_of(self, plan: TablePlan) -> Space:
        """The space that is searched; raises SettingError where it cannot be."""
        from chainrule.tuning import default_space, space_of

        if self.space is None:
            return default_space(plan, self.asked.method)
        return space_of(self.space)

    def check(self) -> None:
        """Raise SettingError for what no table could make right."""
        from chainrule.tuning import space_of

        settings = self.train.settings
        space = None if self.space is None else space_of(self.space)
        self.asked.check(settings.metric, space, settings.task)

    def write(self, folder: RunFolder, space: Space, fingerprint: str) -> None:
        """Keep it in the run folder, so that the search can go on."""
        from chainrule.files import write_toml

        train, asked = self.train, self.asked
        sources = {
            name: None if value is None else recorded_source(value)
            for name, value in (
                ("data", train.data), ("test", train.test), ("validation", train.validation),
            )
        }  # fmt: skip
        record = {
            **sources, "target": train.target, "fingerprint": fingerprint,
            **{name: getattr(asked, name) for name in KEPT},
            "settings": train.settings.to_record(), "space": space.to_record(),
        }  # fmt: skip
        write_toml(folder.search_config_path, record)


def search_request(options: argparse.Namespace) -> SearchRequest:
    """What the command line asks for, checked as far as it can be without the table.

    Raises UsageError where data or target is missing, SettingError without Optuna.
    """
    from chainrule.files import read_toml
    from chainrule.tuning import STUDY, Asked, absolute_storage, load_optuna, space_of

    for name, remedy in (("data", "name a table"), ("target", "name a column with --target")):
        if getattr(options, name) is None:
            message = f"chainrule tune: error: no {name} given; {remedy}."
            raise UsageError(message)
    options.config = None
    space = None if options.space is None else read_toml(options.space)
    if space is not None:
        _check_apart(space_of(space), given_settings(options))
    train = train_request(options)
    storage = None if options.storage is None else absolute_storage(options.storage)
    asked = Asked(
        options.method or Asked.method, options.trials, options.time_limit, options.folds,
        storage, options.study or STUDY, train.settings.seed,
    )  # fmt: skip
    found = SearchRequest(train, asked, space)
    found.check()
    if not options.print_space:
        load_optuna("tune")
    return found


def _check_apart(space: Space, fixed: Collection[str]) -> None:
    """Raise SettingError where a setting is both searched and given."""
    for name in space.dimensions:
        setting = "hidden" if name in ("layers", "units") else name
        if setting in fixed:
            option = "--" + setting.replace("_", "-")
            message = f"space: {name} is searched, and {option} fixes it; leave out one of the two."
            raise SettingError(message)


def begun_request(options: argparse.Namespace) -> tuple[RunFolder, SearchRequest]:
    """The folder of a search to go on with, and what it was begun with.

    Raises UsageError where the command line asks for something else, MissingFileError where no
    search was begun there or its study is gone, ExistingFileError where it is done and no more is
    asked for.
    """
    from chainrule.estimators import TableSettings
    from chainrule.files import read_toml
    from chainrule.tuning import Asked, check_found, load_optuna

    folder = _begun_folder(options)
    load_optuna("tune")
    record = read_toml(folder.search_config_path)
    train = TrainRequest(
        record["data"], record["target"], record.get("test"), record.get("validation"),
        TableSettings.from_record(record["settings"]), record["fingerprint"],
    )  # fmt: skip
    kept = {name: record.get(name) for name in KEPT}
    again = {name: getattr(options, name) for name in AGAIN if getattr(options, name) is not None}
    found = SearchRequest(
        train, Asked(**{**kept, "seed": train.settings.seed, **again}), record["space"]
    )
    if not again and is_done(folder):
        check_not_done(folder, "search on (--trials N)")
    check_found(found.asked, folder)
    found.check()
    return folder, found


def _begun_folder(options: argparse.Namespace) -> RunFolder:
    """The folder that --out names, or DATA where it is one."""
    from chainrule.files import RunFolder

    if options.out is None and options.data is not None and Path(options.data).is_dir():
        options.out, options.data = options.data, None
    if options.out is None:
        message = "chainrule tune: error: --resume needs the search to go on with; add --out RUN."
        raise UsageError(message)
    given = [name for name in FIXED if getattr(options, name) is not None]
    given += list(given_settings(options))
    if given:
        message = (
            f"chainrule tune: error: --resume goes on as the search was begun; leave out {given[0]}"
            "."
        )
        raise UsageError(message)
    folder = RunFolder(Path(options.out))
    if not folder.search_config_path.is_file():
        message = (
            f"{options.out}: no search was begun there; leave out --resume to begin one, with DATA "
            "and --target."
        )
        raise MissingFileError(message)
    return folder


def is_done(folder: RunFolder) -> bool:
    """Whether a search has ended and its best settings are trained: of all its trials."""
    search = folder.read_search()
    if search is None or search.get("interrupted") or not folder.metrics_path.is_file():
        return False
    metrics = folder.read_metrics()
    told = metrics.get("search") or {}
    return not metrics.get("interrupted") and told.get("trials") == len(search["trials"])
