"""Save a model while it is trained."""

from __future__ import annotations

import os
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import InputTypeError, SettingError, WriteError, listing
from chainrule.settings import check_count, check_flag, check_number
from chainrule.training.callback import Logs
from chainrule.training.monitor import Monitor

__all__ = ["ModelCheckpoint"]

ENDING = ".safetensors"


class ModelCheckpoint(Monitor):
    """Saves the model after each epoch, or where a number is better than ever; Keras's meaning.

    The file is what `model.save` writes: `chainrule.load_model` gives the model as it was, and its
    training goes on from there. An older model of the same name is replaced, by the whole file or
    not at all; folders on the way are made.

    filepath
        The file, which ends in .safetensors. `{epoch}` (from 1), the names of numbers (`{loss}`,
        `{val_loss}`) and, where batches are counted, `{batch}` stand for their values, written as
        Python's format does: `"{epoch:02d}-{val_loss:.2f}.safetensors"`.
    monitor
        With `save_best_only` the number that is watched. One that is not one (nan) is never
        better; in Keras the first one would be.
    verbose
        0 or 1; accepted for Keras's sake, nothing is printed.
    save_best_only
        Whether it saves only where `monitor` is better than at every time before, those of earlier
        calls of `fit` included.
    save_weights_only
        Must be False: there are no files of weights alone, since a model without its description
        cannot be checked when it is loaded. `load_model(path).get_weights()` gives them.
    mode
        "min", "max", or "auto": max where the name ends in accuracy, auc, f1 and the like.
    save_freq
        "epoch", or after how many batches it saves, counted across epochs; `logs` are then the
        means of the epoch so far. Batches are not slower for that: those between run in one piece.
    initial_value_threshold
        With `save_best_only` a value that the first file must beat.

    `best` is the best value so far, `saved` the path of the last file (None before there is one).

    Raises `SettingError` or `InputTypeError` for a setting that is not allowed and, when it saves,
    for a name that is no number of training; `InputTypeError` at the start of training where the
    model has no `save`; `WriteError`, `MissingFileError` or `ExistingFileError` where the file
    cannot be written: the model then keeps its weights, and an older file stays.

    >>> import tempfile
    >>> import numpy as np
    >>> import chainrule
    >>> model = chainrule.Sequential([chainrule.layers.Dense(1)], seed=1)
    >>> model.compile("sgd", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep = chainrule.callbacks.ModelCheckpoint(folder + "/{epoch:02d}.safetensors")
    ...     history = model.fit(np.eye(2), np.ones(2), epochs=3, callbacks=[keep])
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['01.safetensors', '02.safetensors', '03.safetensors']
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0.0)
        owner = "ModelCheckpoint"
        self.filepath = _checked_path(filepath)
        self.verbose = verbose
        self.save_best_only = check_flag(owner, "save_best_only", save_best_only)
        if check_flag(owner, "save_weights_only", save_weights_only):
            message = (
                "ModelCheckpoint: save_weights_only must be False, there are no files of weights "
                "alone; save the whole model (model.save), load_model(path).get_weights() gives "
                "its weights."
            )
            raise SettingError(message)
        self.save_freq = _checked_frequency(save_freq)
        self.best = self._worst()
        if initial_value_threshold is not None:
            setting = "initial_value_threshold"
            self.best = check_number(
                owner, setting, initial_value_threshold, "that is finite", lambda _: True
            )
        self.saved: str | None = None
        self._epoch = 0
        self._batches = 0
        """How many since it last saved."""
        self._done = 0
        """Steps of this epoch that it was told of."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if not callable(getattr(self.model, "save", None)):
            message = (
                f"ModelCheckpoint: {type(self.model).__name__} has no save; give the callback to "
                "the fit of a chainrule.Sequential."
            )
            raise InputTypeError(message)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch, self._done = epoch, 0

    def pause_after(self, iterations: int) -> int | None:
        return None if isinstance(self.save_freq, str) else self.save_freq - self._batches

    def on_train_steps(self, done: int, logs: Logs | None = None) -> None:
        if isinstance(self.save_freq, str):
            return
        self._batches += done - self._done
        self._done = done
        if self._batches >= self.save_freq:
            self._batches = 0
            self._consider(logs or {}, batch=done)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._consider(logs or {})

    def state(self) -> dict[str, Any]:
        return {
            "best": self.best, "saved": self.saved, "batches": self._batches, "done": self._done
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        self.best, self.saved = state["best"], state["saved"]
        self._batches, self._done = state["batches"], state["done"]

    def _consider(self, logs: Logs, **counts: int) -> None:
        """Save, unless only better ones are and this one is not."""
        current = self._current(logs) if self.save_best_only else self.best
        if self.save_best_only and not self._improves(current, self.best):
            return
        path = self._named({"epoch": self._epoch + 1, **counts, **logs})
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"ModelCheckpoint: {path}: its folder cannot be made ({reason})."
            raise WriteError(message) from error
        self.model.save(path)
        self.saved, self.best = path, float(current)

    def _named(self, values: Mapping[str, float]) -> str:
        """The file's name with the numbers of this epoch."""
        try:
            return self.filepath.format(**values)
        except (KeyError, IndexError) as error:
            message = (
                f"ModelCheckpoint: filepath {self.filepath!r} has the name {error}; there is "
                f"{listing(values)}."
            )
            raise SettingError(message) from error
        except (ValueError, TypeError, AttributeError) as error:
            message = f"ModelCheckpoint: filepath {self.filepath!r} cannot be written: {error}."
            raise SettingError(message) from error


def _checked_frequency(save_freq: str | int) -> str | int:
    if not isinstance(save_freq, str):
        return check_count("ModelCheckpoint", "save_freq", save_freq)
    if save_freq == "epoch":
        return save_freq
    message = (
        f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches, got {save_freq!r}."
    )
    raise SettingError(message)


def _checked_path(filepath: str | os.PathLike[str]) -> str:
    try:
        path = os.fspath(filepath)
    except TypeError as error:
        message = f"ModelCheckpoint: filepath must be a path, got {filepath!r}."
        raise InputTypeError(message) from error
    if not isinstance(path, str):
        message = f"ModelCheckpoint: filepath must be a text, got {filepath!r}."
        raise InputTypeError(message)
    if not path.endswith(ENDING):
        message = (
            f"ModelCheckpoint: filepath must end in {ENDING}, which models are kept as, got "
            f"{path!r}."
        )
        raise SettingError(message)
    try:
        list(string.Formatter().parse(path))
    except ValueError as error:
        message = (
            f"ModelCheckpoint: filepath {path!r} is no pattern ({error}); write '{{epoch}}' for a "
            "number, and '{{' for a brace."
        )
        raise SettingError(message) from error
    return path
