"""Run folders as records: what was trained, how, and how good it was."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError, MissingFileError
from chainrule.files import RunFolder, is_file, is_folder, is_locked
from chainrule.reporting.judged import JudgedRows
from chainrule.reporting.scores import main_score

__all__ = ["Run", "find_runs", "read_run"]

DONE, STOPPED, NOT_SCORED = "done", "stopped early", "not scored"
UNFINISHED, GOES_ON = "unfinished", "being trained"
NO_SETTINGS = ("chosen", "settings")
"""What config.toml says besides settings: which of them were chosen by the table's size."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run folder.

    state
        "done"; "stopped early" (Ctrl-C: its best weights so far were scored); "not scored" (there
        is a model, and no scores of it); "unfinished" (there is no model yet); "being trained" (a
        process works in the folder now).
    resumable
        Whether `chainrule train --resume` can go on with it.
    target, task
        The column that is predicted; "classification" or "regression", None before it is scored.
    settings
        What `config.toml` holds, in one dictionary: sources, the fingerprint of the data, settings
        as they were chosen.
    when
        When its model, or before there is one its `config.toml`, was written.
    trained
        How many networks are in the model; None where it is not known.
    epochs, seconds
        Of all its networks together; None before it is scored.
    metrics, intervals
        Scores on test rows and their 95 % intervals by name.
    judged
        The test rows with their answers, in the order of the table; None where there are none.
    """

    path: Path
    state: str
    target: str
    task: str | None
    settings: Mapping[str, Any]
    when: datetime
    resumable: bool = False
    trained: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    metrics: Mapping[str, float | None] | None = None
    intervals: Mapping[str, tuple[float, float] | None] | None = None
    judged: JudgedRows | None = None

    @property
    def networks(self) -> int | None:
        """How many networks are averaged; as many as were asked for before it is known."""
        if self.trained is not None:
            return self.trained
        members = self.settings.get("members")
        return members if isinstance(members, int) else None

    @property
    def score(self) -> str | None:
        """The name of its main score; None before it is scored."""
        return None if self.task is None else main_score(self.task, self.settings.get("metric"))

    def to_record(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        name = self.score or ""
        interval = (self.intervals or {}).get(name)
        return {
            "run": str(self.path), "state": self.state, "resumable": self.resumable,
            "target": self.target, "task": self.task,
            "data": self.settings.get("data"), "when": self.when.isoformat(timespec="seconds"),
            "networks": self.networks, "epochs": self.epochs, "seconds": self.seconds,
            "rows": None if self.judged is None else len(self.judged.truth),
            "score": self.score, "value": (self.metrics or {}).get(name),
            "interval": None if interval is None else list(interval),
            "metrics": None if self.metrics is None else dict(self.metrics),
        }  # fmt: skip


def find_runs(folder: str | os.PathLike[str]) -> list[Path]:
    """The folder itself where it is a run, else the folders in it, by name, hidden ones left out.

    Raises `MissingFileError` where there is no such folder, `DataError` where it cannot be read.
    """
    place = Path(folder)
    if not is_folder(place):
        what = "is a file, not a folder" if is_file(place) else "there is no such folder"
        message = (
            f"{place}: {what}. Name the folder of your runs, or train one (chainrule train DATA "
            "--target COLUMN)."
        )
        raise MissingFileError(message)
    run = RunFolder(place)
    if is_file(run.config_path) or is_file(run.metrics_path):
        return [place]
    try:
        inside = [path for path in place.iterdir() if is_folder(path)]
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"{place}: the folder cannot be read ({reason}). Check its permissions."
        raise DataError(message) from error
    return sorted((path for path in inside if not path.name.startswith(".")), key=_natural)


def read_run(path: str | os.PathLike[str]) -> Run:
    """The record of a run folder; its model is not opened.

    Raises:
        MissingFileError: it is not a run folder.
        DataError, SettingError, ModelFileError: one of its files is damaged.
    """
    folder = RunFolder(Path(path))
    if not is_file(folder.config_path):
        message = f"{folder.path}: not a run folder, there is no config.toml in it."
        raise MissingFileError(message)
    config = folder.read_config()
    settings = {**config, **_table(config, "settings", folder.config_path)}
    for name in NO_SETTINGS:
        settings.pop(name, None)
    target = config.get("target")
    if not isinstance(target, str):
        message = f"{folder.config_path}: names no target. Not what 'chainrule train' writes."
        raise DataError(message)
    if not isinstance(settings.get("metric", ""), str):
        message = f"{folder.config_path}: metric must be a text, got {settings['metric']!r}."
        raise DataError(message)
    has_model = is_file(folder.model_path)
    dated = folder.model_path if has_model else folder.config_path
    when = datetime.fromtimestamp(dated.stat().st_mtime).astimezone()
    run = Run(folder.path, UNFINISHED, target, None, settings, when, resumable=True)
    if is_locked(folder.path):
        return replace(run, state=GOES_ON, resumable=False)
    if not has_model:
        return run
    if not is_file(folder.metrics_path):
        return replace(run, state=NOT_SCORED)
    return _scored(replace(run, resumable=is_file(folder.checkpoint_path)), folder)


def _scored(run: Run, folder: RunFolder) -> Run:
    """The run with what metrics.json and judged.safetensors say."""
    record = folder.read_metrics()
    try:
        test = record["metrics"]["test"]
        intervals = record.get("intervals") or {}
        scored = replace(
            run,
            state=STOPPED if record.get("interrupted") else DONE,
            task={"classification": "classification", "regression": "regression"}[record["task"]],
            trained=(record.get("network") or {}).get("trained"),
            epochs=int(record["epochs"]),
            seconds=float(record["seconds"]),
            metrics=None if test is None else {k: _number(v) for k, v in test.items()},
            intervals={k: None if v is None else _pair(v) for k, v in intervals.items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = (
            f"{folder.metrics_path}: not what 'chainrule train' writes ({error!r}). Train again."
        )
        raise DataError(message) from error
    if not is_file(folder.judged_path):
        return scored
    return replace(scored, judged=_in_order(JudgedRows.load(folder.judged_path)))


def _in_order(judged: JudgedRows) -> JudgedRows:
    """The rows in the order of their table, so that two runs can be laid side by side."""
    if judged.rows is None:
        return judged
    order = np.argsort(judged.rows, kind="stable")
    weights = None if judged.weights is None else judged.weights[order]
    baselines = {name: answers[order] for name, answers in judged.baselines.items()}
    return replace(
        judged, truth=judged.truth[order], answers=judged.answers[order],
        rows=judged.rows[order], weights=weights, baselines=baselines,
    )  # fmt: skip


def _table(config: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = config.get(name, {})
    if not isinstance(table, dict):
        message = f"{path}: {name} must be a table, [{name}], got {table!r}."
        raise DataError(message)
    return table


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _pair(value: Any) -> tuple[float, float]:
    low, high = value
    return float(low), float(high)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """So that run-2 stands before run-10."""
    parts = re.split(r"(\d+)", path.name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
