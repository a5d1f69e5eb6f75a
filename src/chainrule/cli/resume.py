"""The run that `train --resume` goes on with, and whether it can go on exactly."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.parser import UsageError, given_settings
from chainrule.errors import DataError, ExistingFileError, MissingFileError, SettingError, listing

if TYPE_CHECKING:
    from chainrule.data import Table
    from chainrule.files import RunFolder

__all__ = [
    "check_not_done",
    "check_settings",
    "check_tables",
    "check_unchanged",
    "not_as_begun",
    "started_run",
    "table_facts",
]

SHOWN = 3


def started_run(options: argparse.Namespace) -> RunFolder:
    """The run folder that the command line means; DATA may be the folder itself.

    Raises UsageError where none is named, MissingFileError where there is none.
    """
    from chainrule.files import RunFolder, last_run_folder

    if options.config is not None:
        message = "chainrule train: error: --resume takes the run's own config.toml, no --config."
        raise UsageError(message)
    place = options.out
    if place is None and options.data is not None and Path(options.data).is_dir():
        place, options.data = options.data, None
    if place is None and (options.data is None or options.target is None):
        message = "chainrule train: error: --resume needs the run to go on with; add --out RUN."
        raise UsageError(message)
    if place is None:
        found = last_run_folder(options.data, options.target)
        if found is None:
            message = (
                f"{options.data}: no run of it for {options.target!r} is in 'runs'; leave out "
                "--resume to begin one, or name one with --out RUN."
            )
            raise MissingFileError(message)
        place = str(found.path)
    if Path(place).is_dir() and not (Path(place) / "config.toml").is_file():
        return _begun_folder(place, options)
    return RunFolder.open(place, needs=("config.toml",))


def _begun_folder(place: str, options: argparse.Namespace) -> RunFolder:
    """A folder without settings, where a run was killed before it had read its table."""
    from chainrule.files import RunFolder

    folder = RunFolder(Path(place))
    if not folder.is_blank:
        message = (
            f"{place}: there is no config.toml, so no run to go on with; leave out --resume to "
            "begin one in a new folder."
        )
        raise MissingFileError(message)
    if options.data is None or options.target is None:
        message = (
            f"{place}: its run was stopped before it had read its table; name DATA and --target "
            "beside --resume to begin it."
        )
        raise MissingFileError(message)
    return folder


def check_not_done(folder: RunFolder, otherwise: str = "begin a new run without --resume") -> None:
    """Raise ExistingFileError where the training of a run is done; asked with its lock held."""
    place = folder.path
    done = folder.model_path.is_file() and folder.metrics_path.is_file()
    if done and not folder.checkpoint_path.exists() and not _was_stopped(folder):
        missing = f"write its report (chainrule report {place}), "
        report = "" if folder.report_path.is_file() else missing
        message = (
            f"{place}: its training is done, there is nothing to go on with; {report}use it "
            f"(chainrule predict {place} DATA), or {otherwise}."
        )
        raise ExistingFileError(message)


def _was_stopped(folder: RunFolder) -> bool:
    """Whether Ctrl-C has ended it, maybe before its first checkpoint."""
    return bool(folder.read_metrics().get("interrupted"))


def check_unchanged(
    options: argparse.Namespace, folder: RunFolder, config: Mapping[str, Any]
) -> None:
    """Raise SettingError where the command line asks for another run than was begun."""
    from chainrule.estimators import SETTINGS

    settings = config.get("settings", {})
    given: dict[str, tuple[Any, Any]] = {}
    if options.target is not None:
        given["--target"] = (options.target, config.get("target"))
    for name, value in given_settings(options).items():
        option = SETTINGS[name].option or "--" + name.replace("_", "-")
        given[option] = (_plain(value), _plain(settings.get(name)))
    for option, (now, before) in given.items():
        if now != before:
            message = (
                f"{folder.path}: was begun with {option} {before!r}, not {now!r}; leave {option} "
                "out to go on, or begin a new run without --resume."
            )
            raise SettingError(message)


def check_settings(folder: RunFolder, kept: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise SettingError where config.toml is not what it was when a checkpoint was written."""
    from chainrule.estimators import TableSettings

    kept = {**TableSettings().to_record(), **kept}  # what came later was as usual
    for name in {**kept, **now}:
        before, after = _plain(kept.get(name)), _plain(now.get(name))
        if before != after:
            message = (
                f"{folder.config_path}: {name} is {after!r}, and was {before!r} when the "
                "checkpoint was written; restore it to go on, or begin a new run with --config."
            )
            raise SettingError(message)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def table_facts(tables: Mapping[str, Table | None]) -> dict[str, Any]:
    """What a checkpoint keeps of the tables, by what they are for: a fingerprint a column."""
    from chainrule.data import column_fingerprints

    return {
        role: {"rows": table.rows, "columns": column_fingerprints(table)}
        for role, table in tables.items()
        if table is not None
    }


def not_as_begun(
    source: str, other: str | None = None, what: str = "has changed since the run was begun"
) -> str:
    """The sentence on a table that a run cannot go on with, begun with it or with an `other`."""
    if other is not None:
        return (
            f"{source}: is not the table that the run was begun with, {other}; leave DATA out to "
            "go on, or begin a new run without --resume."
        )
    return f"{source}: {what}; restore it to go on, or begin a new run without --resume."


def check_tables(
    kept: Mapping[str, Any], now: Mapping[str, Any], tables: Mapping[str, Table | None],
    other: str | None = None,
) -> None:  # fmt: skip
    """Raise DataError where a table is not what it was, with the columns.

    other
        The table that the run was begun with, where another one is given now.
    """
    for role in {**kept, **now}:
        before, after = kept.get(role), now.get(role)
        if _same(before, after):
            continue
        table = tables.get(role)
        source = f"--{role}" if table is None else table.source
        if before is None or after is None:
            what = "was not given" if before is None else "is missing"
            message = f"{source}: {what} when the run was begun; give the same tables to go on."
            raise DataError(message)
        what = _what_changed(before, after)
        raise DataError(not_as_begun(source, other if role == "data" else None, what))


def _same(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """Also in the order of the columns."""
    return before == after and (
        before is None or after is None or list(before["columns"]) == list(after["columns"])
    )


def _what_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if before["rows"] != after["rows"]:
        rows = f"{after['rows']:,} rows, and had {before['rows']:,}"
        return f"has {rows} when the run was begun"
    one, two = before["columns"], after["columns"]
    gone, new = [name for name in one if name not in two], [name for name in two if name not in one]
    changed = [name for name in one if name in two and one[name] != two[name]]
    for names, single, several in (
        (gone, "is gone", "are gone"), (new, "is new", "are new"),
        (changed, "has changed", "have changed"),
    ):  # fmt: skip
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            shown = f"{listing(names[:SHOWN])}{more}"
            told = f"column {shown} {single}" if len(names) == 1 else f"columns {shown} {several}"
            return f"{told} since the run was begun"
    return "its columns have another order than when the run was begun"
