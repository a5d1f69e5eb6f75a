"""Going on exactly after a training was killed."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from chainrule.errors import ChainruleError, InputTypeError, ModelFileError, SettingError
from chainrule.files import FolderLock, make_folder
from chainrule.settings import check_count, check_flag
from chainrule.training.callback import Callback, Logs
from chainrule.training.checkpoint import read_checkpoint, write_checkpoint
from chainrule.training.facts import BEFORE, check_data, check_facts, checksums, facts_of

if TYPE_CHECKING:
    from chainrule.training.trainer import Trainer

__all__ = ["BackupAndRestore", "Clock"]

_stopped: WeakKeyDictionary[Trainer, tuple[str, int]] = WeakKeyDictionary()
"""Trainers that were stopped in a fit: the folder of its checkpoint, and their steps since then."""


class Clock:
    """When the next checkpoint is due: so seldom that they take half a hundredth of the time."""

    LEAST_SECONDS = 1.0
    SHARE = 0.005

    def __init__(self) -> None:
        self._due = time.perf_counter() + self.LEAST_SECONDS

    def is_due(self) -> bool:
        """Whether it is time."""
        return time.perf_counter() >= self._due

    def written(self, seconds: float) -> None:
        """One was written now, which took so long."""
        self._due = time.perf_counter() + max(self.LEAST_SECONDS, seconds / self.SHARE)


class BackupAndRestore(Callback):
    """Writes checkpoints while training goes on; after a kill, the same `fit` goes on from there.

    Final parameters, history and predictions are, to the bit, those of a training that was never
    stopped, on any number of threads. To go on, run the same program again: same network, data,
    settings and callbacks; after Ctrl-C or an error, the same `fit` of the same model does it too.
    A `seed` that was drawn is taken from the checkpoint.

    backup_dir
        A folder for the checkpoint alone, made where it is not there. One process trains with it
        at a time.
    save_freq
        When a checkpoint is written: "auto", every second or more, so seldom that it takes 0.5 % of
        the time (in Keras the default is "epoch"); "epoch"; or a number of batches.
    double_checkpoint
        Whether the checkpoint before the last one is kept too, for the case that a disk damages
        the last.
    delete_checkpoint
        Whether the checkpoint is removed when training is done. It stays after Ctrl-C and after an
        error, also one that another callback raises at the end.

    Callbacks of one's own go on exactly where they have `state` and `restore`. A checkpoint that
    cannot be written (a full disk) is told to the log `chainrule`, and training goes on.

    Raises at the beginning of `fit` `SettingError` for the checkpoint of another network or
    another plan, `DataError` where data have changed, `ModelFileError` where the file is damaged,
    `BusyError` where another process trains with the folder, `WriteError` where it cannot be made.

    >>> import tempfile
    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
    >>> model.compile("adam", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     backup = chainrule.callbacks.BackupAndRestore(folder)
    ...     history = model.fit(np.eye(2), np.ones(2), epochs=3, callbacks=[backup])
    >>> history.epoch
    [0, 1, 2]
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "auto",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        owner = "BackupAndRestore"
        given: object = backup_dir
        if not isinstance(given, str | os.PathLike) or not os.fspath(given):
            message = f"{owner}: backup_dir must be the path of a folder, got {given!r}."
            raise InputTypeError(message)
        self.backup_dir = os.fspath(backup_dir)
        if isinstance(save_freq, str) and save_freq not in ("auto", "epoch"):
            message = (
                f"{owner}: save_freq must be 'auto', 'epoch' or a number of batches, got "
                f"{save_freq!r}."
            )
            raise SettingError(message)
        self.save_freq = (
            save_freq if isinstance(save_freq, str) else check_count(owner, "save_freq", save_freq)
        )
        self.double_checkpoint = check_flag(owner, "double_checkpoint", double_checkpoint)
        self.delete_checkpoint = check_flag(owner, "delete_checkpoint", delete_checkpoint)
        self._lock: FolderLock | None = None
        self._clock = Clock()
        self._same: dict[str, Any] = {}
        self._saved_at = 0
        self._is_begun = False

    @property
    def path(self) -> Path:
        """The checkpoint's file."""
        return Path(self.backup_dir) / "checkpoint.safetensors"

    @property
    def _path_before(self) -> Path:
        return self.path.with_name("before.safetensors")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._is_begun = False
        make_folder(self.backup_dir)
        self._lock = FolderLock(self.backup_dir)
        self._same = {"facts": facts_of(self._course)}  # before training changes the rate
        found = self._read()
        if found is not None:
            self._check(found)
            self._course.go_on_from(found["course"])
            if hasattr(self.model, "seed"):
                self.model.seed = found["course"]["trainer"]["seed"]
        self._clock = Clock()
        self._saved_at = self._course.trainer.iterations
        self._is_begun = True

    def pause_after(self, iterations: int) -> int | None:
        if self.save_freq == "auto":
            return None
        if self.save_freq == "epoch":
            left: int = self._course.steps - self._course.done
            return left
        return int(self.save_freq) - (iterations - self._saved_at) % int(self.save_freq)

    def on_train_pause(self) -> None:
        if self._is_wanted():
            self._prepare()
            began = time.perf_counter()
            self._write()
            self._clock.written(time.perf_counter() - began)

    def on_train_over(self, done: bool) -> None:
        trainer = self._course.trainer
        if self._is_begun:
            _stopped.pop(trainer, None)
            if not done:
                _stopped[trainer] = self._place, trainer.iterations
        if done and self.delete_checkpoint:
            for path in (self.path, self._path_before):
                with contextlib.suppress(OSError):  # the folder may be gone
                    path.unlink()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def _course(self) -> Any:
        return self.course

    @property
    def _place(self) -> str:
        return os.path.realpath(self.backup_dir)

    def _is_wanted(self) -> bool:
        if self.save_freq == "auto":
            return self._clock.is_due()
        if self.save_freq == "epoch":
            return bool(self._course.done == 0)
        made: int = self._course.trainer.iterations - self._saved_at
        return made % int(self.save_freq) == 0

    def _write(self) -> None:
        state = {**self._same, "course": self._course.state()}
        try:
            make_folder(self.backup_dir)
            if self.double_checkpoint and self.path.exists():
                self.path.replace(self._path_before)
            write_checkpoint(self.path, state)
        except InputTypeError as error:
            message = (
                "BackupAndRestore: what a callback remembers (state) or adds to logs cannot be "
                f"kept: {error}"
            )
            raise InputTypeError(message) from error
        except (ChainruleError, OSError) as error:
            text = (
                f"BackupAndRestore: {error} Training goes on; the next checkpoint is tried later."
            )
            logging.getLogger("chainrule").warning(text)

    def _prepare(self) -> None:
        """What stays the same in all checkpoints of this fit; data are summed up once."""
        if "data" not in self._same:
            given = self._course.validation
            self._same["data"] = checksums(self._course.data)
            self._same["validation"] = {} if given is None else checksums(given)

    def _check(self, found: dict[str, Any]) -> None:
        trainer = self._course.trainer
        if _stopped.get(trainer) == (self._place, trainer.iterations):  # it is that fit again
            self._same["facts"][BEFORE] = found["facts"][BEFORE]
        check_facts("BackupAndRestore", found["facts"], self._same["facts"])
        done = found["course"]["epoch"] + (found["course"]["done"] > 0)
        if done > self._course.plan.epochs:
            message = (
                f"BackupAndRestore: epochs is {self._course.plan.epochs}, and the checkpoint is of "
                f"epoch {done} already; give as many or more, or name another folder to begin anew."
            )
            raise SettingError(message)
        self._prepare()
        check_data("BackupAndRestore", found["data"], self._same["data"])
        check_data(
            "BackupAndRestore", found["validation"], self._same["validation"], "validation_data: "
        )

    def _read(self) -> Any:
        """The checkpoint; the one before it where the last one is damaged; None without any."""
        error: ModelFileError | None = None
        for path in (self.path, self._path_before):
            if path.exists():
                try:
                    found = _of_a_fit(path)
                    if error is not None:  # so that it never takes the place of this one
                        self.path.unlink()
                    return found
                except ModelFileError as damage:
                    error = error or damage
        if error is not None:
            message = f"BackupAndRestore: {error} Or remove it to begin anew."
            raise ModelFileError(message)
        return None


def _of_a_fit(path: Path) -> Any:
    found = read_checkpoint(path)
    if not isinstance(found, dict) or not {"facts", "data", "validation", "course"} <= set(found):
        message = f"{path}: the checkpoint is of another kind; name a folder for this one alone."
        raise ModelFileError(message)
    return found
