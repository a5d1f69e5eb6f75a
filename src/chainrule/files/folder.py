"""Run folders: what one training leaves behind, in one place."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from chainrule.errors import DataError, ExistingFileError, MissingFileError, listing
from chainrule.files.lock import LOCK, is_locked
from chainrule.files.record import strict_json
from chainrule.files.toml import read_toml, write_toml
from chainrule.files.writing import as_path, is_file, is_folder, write_error, write_text_atomic

__all__ = ["RunFolder", "last_run_folder", "make_folder", "next_run_folder"]

MODEL: Final = "model.safetensors"
LONGEST_NAME: Final = 60
TABLE_SUFFIX: Final = re.compile(r"(\.(csv|tsv|txt|parquet|pq|jsonl?|ndjson|gz|zst|bz2))+$", re.I)
QUOTED_SOURCE: Final = re.compile(r"\bfrom\s+'([^']+)'", re.I)
QUERY: Final = re.compile(r"\s*(select|with)\b", re.I)


@dataclass(frozen=True)
class RunFolder:
    """The files of one run: `RunFolder.create` makes a new one, `RunFolder.open` finds one.

    Args:
        path: the folder.
        model_name: the model file's name in it.

    >>> RunFolder(Path("runs/wine-1")).model_path.as_posix()
    'runs/wine-1/model.safetensors'
    """

    path: Path
    model_name: str = MODEL

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> RunFolder:
        """A new, empty run folder, and the folders above it.

        One in which a run was killed before it wrote anything is as good as new.

        Raises:
            ExistingFileError: there is a file or folder of this name.
            WriteError: it cannot be made there.
        """
        place = as_path(path)
        _make_folder(place.parent, place)
        if not _claimed(place) and not (is_folder(place) and cls(place).is_left_over):
            run = cls(place)
            begun = run.begun_by is not None and not is_file(run.metrics_path)
            command = f"chainrule {run.begun_by} --resume --out {place}"
            remedy = f", or go on with it ({command})" if begun else ""
            message = (
                f"{place}: exists already, nothing was changed. Name a new folder with --out"
                f"{remedy}."
            )
            raise ExistingFileError(message)
        return cls(place)

    @classmethod
    def open(cls, path: str | os.PathLike[str], needs: Sequence[str] = (MODEL,)) -> RunFolder:
        """The run folder at a path, or the one of a model file.

        Args:
            path: the folder, or its model file (of any name).
            needs: the files that must be there.

        Raises:
            MissingFileError: nothing is there, or a file that is needed is missing.
        """
        place = as_path(path)
        run = cls(place)
        if is_file(place):
            run = cls(place.parent, place.name)
            needs = [name for name in needs if name != MODEL]
        elif not is_folder(place):
            message = f"{place}: there is no such run folder. Check the path, or train one."
            raise MissingFileError(message)
        missing = [name for name in needs if not is_file(run.path / name)]
        if MODEL in missing and run.begun_by is not None:
            message = (
                f"{place}: there is no {MODEL}: its training goes on, or was stopped. Wait, or go "
                f"on with it (chainrule {run.begun_by} --resume --out {place})."
            )
            raise MissingFileError(message)
        if missing:
            message = (
                f"{place}: not a run folder, {listing(missing)} is missing. "
                "Give a folder that 'chainrule train' wrote."
            )
            raise MissingFileError(message)
        return run

    @property
    def begun_by(self) -> str | None:
        """The command that has begun a run in it; None where none has."""
        if is_file(self.search_config_path):
            return "tune"
        return "train" if is_file(self.config_path) else None

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it but a lock, if that."""
        return {one.name for one in self.path.iterdir()} <= {LOCK}

    @property
    def is_left_over(self) -> bool:
        """Whether there is nothing in it but the lock of a process that was killed."""
        return (self.path / LOCK).exists() and self.is_blank and not is_locked(self.path)

    @property
    def model_path(self) -> Path:
        """The trained model."""
        return self.path / self.model_name

    @property
    def checkpoint_path(self) -> Path:
        """The state of a training that is under way."""
        return self.path / "checkpoint.safetensors"

    @property
    def config_path(self) -> Path:
        """The settings that train the same run again."""
        return self.path / "config.toml"

    @property
    def history_path(self) -> Path:
        """What happened, a JSON line an epoch."""
        return self.path / "history.jsonl"

    @property
    def metrics_path(self) -> Path:
        """The scores."""
        return self.path / "metrics.json"

    @property
    def search_path(self) -> Path:
        """The trials of a search for settings, where the run came of one."""
        return self.path / "search.json"

    @property
    def search_config_path(self) -> Path:
        """What a search for settings was asked for."""
        return self.path / "search.toml"

    @property
    def judged_path(self) -> Path:
        """The test rows' truth and answers."""
        return self.path / "judged.safetensors"

    @property
    def explained_path(self) -> Path:
        """What the model goes by."""
        return self.path / "explained.json"

    @property
    def report_path(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def write_config(self, settings: Mapping[str, Any]) -> None:
        """Writes `config.toml` (see `write_toml`)."""
        write_toml(self.config_path, settings)

    def read_config(self) -> dict[str, Any]:
        """The settings in `config.toml`."""
        return read_toml(self.config_path)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Writes `metrics.json`: strict JSON, null where a number is not finite."""
        write_text_atomic(self.metrics_path, strict_json(metrics, indent=2, name="metrics") + "\n")

    def read_metrics(self) -> dict[str, Any]:
        """The scores in `metrics.json`.

        Raises:
            MissingFileError: there is none.
            DataError: it is not a JSON object.
        """
        metrics = _parsed(_text(self.metrics_path), self.metrics_path)
        if not isinstance(metrics, dict):
            message = f"{self.metrics_path}: not a JSON object. Evaluate the run again."
            raise DataError(message)
        return metrics

    def write_explained(self, record: Mapping[str, Any]) -> None:
        """Writes `explained.json`."""
        write_text_atomic(self.explained_path, strict_json(record, name="explained") + "\n")

    def read_explained(self) -> dict[str, Any] | None:
        """What `explained.json` says; None where there is no such file.

        Raises:
            DataError: it is not a JSON object.
        """
        if not is_file(self.explained_path):
            return None
        record = _parsed(_text(self.explained_path), self.explained_path)
        if not isinstance(record, dict):
            message = f"{self.explained_path}: not a JSON object. Remove it, or train again."
            raise DataError(message)
        return record

    def read_search(self) -> dict[str, Any] | None:
        """The trials in `search.json`; None where the run came of no search.

        Raises:
            DataError: it is not a JSON object.
        """
        if not is_file(self.search_path):
            return None
        found = _parsed(_text(self.search_path), self.search_path)
        if not isinstance(found, dict):
            message = f"{self.search_path}: not a JSON object. Restore the file, or remove it."
            raise DataError(message)
        return found

    def append_history(self, row: Mapping[str, Any]) -> None:
        """Adds a line to `history.jsonl`, at once on its way to the disk.

        A last line that a kill left unfinished is cut off first. Numbers that are not finite
        are written as null.

        Raises:
            WriteError: the file cannot be written.
        """
        line = strict_json(row, name="history") + "\n"
        try:
            with open(self.history_path, "a+b") as file:
                _cut_unfinished_line(file)
                file.write(line.encode("utf-8"))
        except OSError as error:
            raise write_error(self.history_path, error) from error

    def write_history(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Replaces `history.jsonl` by these rows, so that a resumed run goes on from them."""
        lines = [strict_json(row, name="history") + "\n" for row in rows]
        write_text_atomic(self.history_path, "".join(lines))

    def read_history(self) -> list[dict[str, Any]]:
        """The rows of `history.jsonl`; none where there is no such file yet.

        Raises:
            DataError: a line is not a JSON object.
        """
        if not is_file(self.history_path):
            return []
        finished = _text(self.history_path).rpartition("\n")[0]
        rows = [_parsed(line, self.history_path) for line in finished.split("\n") if line]
        if not all(isinstance(row, dict) for row in rows):
            message = f"{self.history_path}: a line is not a JSON object. Restore the file."
            raise DataError(message)
        return rows


def next_run_folder(data: str, target: str, base: str | os.PathLike[str] = "runs") -> RunFolder:
    """A new run folder `base/DATA-TARGET-N` with the first N from 1 that is free.

    Two programs that ask at the same time get different folders.

    Args:
        data: a path, glob, SQL query, or "-" for standard input; its name is shortened.
        target: the target column.
        base: the folder of all runs.

    Raises:
        WriteError: it cannot be made there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     next_run_folder("data/adult.csv", ">50K income?", base).path.name
    'adult-50K-income-1'
    """
    folder = as_path(base)
    _make_folder(folder, folder / "run")
    stem = _stem(data, target)
    number = 1
    while not _claimed(folder / f"{stem}-{number}"):
        number += 1
    return RunFolder(folder / f"{stem}-{number}")


def last_run_folder(
    data: str, target: str, base: str | os.PathLike[str] = "runs"
) -> RunFolder | None:
    """The last run folder that `next_run_folder` has made of a table and a target.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as base:
    ...     made = [next_run_folder("a.csv", "y", base) for _ in range(2)]
    ...     last_run_folder("a.csv", "y", base) == made[1]
    True
    """
    folder, stem = as_path(base), _stem(data, target)
    pattern = re.compile(re.escape(stem) + r"-([0-9]+)")
    found = [pattern.fullmatch(one.name) for one in folder.iterdir()] if is_folder(folder) else []
    numbers = [int(one[1]) for one in found if one]
    return RunFolder(folder / f"{stem}-{max(numbers)}") if numbers else None


def _stem(data: str, target: str) -> str:
    return f"{_short(_data_name(data), 'data')}-{_short(target, 'target')}"


def _claimed(place: Path) -> bool:
    """Makes a folder; False where something of the name exists."""
    try:
        place.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        raise write_error(place, error) from error
    return True


def make_folder(path: str | os.PathLike[str]) -> None:
    """A folder and those above it, where they are not there; raises `WriteError`."""
    _make_folder(as_path(path), as_path(path))


def _make_folder(folder: Path, wanted: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(wanted, error) from error


def _data_name(data: str) -> str:
    if QUERY.match(data):
        source = QUOTED_SOURCE.search(data)
        return _data_name(source.group(1)) if source else "query"
    if data.strip() == "-":
        return "stdin"
    return TABLE_SUFFIX.sub("", re.split(r"[/\\]", data.rstrip("/\\"))[-1])


def _short(text: str, empty: str) -> str:
    """Letters, digits, '_', '-' and inner dots of a text, of any script, at most 60 bytes."""
    name = re.sub(r"[^\w.-]+", "-", text)
    name = re.sub(r"-+", "-", name).strip("-.")
    name = name.encode("utf-8", "ignore")[:LONGEST_NAME].decode("utf-8", "ignore")
    return name.strip("-.") or empty


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{path}: there is no such file. Check the run folder."
        raise MissingFileError(message) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{path}: the file cannot be read ({reason}). Check its permissions."
        raise DataError(message) from error


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{path}: not valid JSON ({error}). Restore the file, or train again."
        raise DataError(message) from error


def _cut_unfinished_line(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 1, 0))
    if file.read(1) in (b"\n", b""):
        return
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
