"""Numbers of epochs as lines of a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from typing import Any

from chainrule.errors import InputTypeError, SettingError, WriteError
from chainrule.settings import check_flag
from chainrule.training.callback import Callback, Logs

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes a line an epoch: the epoch from 0, then its numbers by name; Keras's file.

    Without validation there are columns for it too, all "NA", so that a later `fit` can go on in
    the same file.

    filename
        The file, which is written anew unless `append`.
    separator
        One character between numbers.
    append
        Whether lines are put after those of a file that is there.

    Raises `SettingError` or `InputTypeError` for a setting that is not allowed, `WriteError` where
    the file cannot be written.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        try:
            self.filename = os.fspath(filename)
        except TypeError as error:
            message = f"CSVLogger: filename must be a path, got {filename!r}."
            raise InputTypeError(message) from error
        text: object = separator
        if not isinstance(text, str) or len(text) != 1 or text in '"\r\n':
            message = f"CSVLogger: separator must be one character such as ',', got {separator!r}."
            raise SettingError(message)
        self.separator = separator
        self.append = check_flag("CSVLogger", "append", append)
        self._file: Any = None
        self._writer: Any = None
        self._names: list[str] | None = None
        self._start: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        try:
            self._file = open(self.filename, "a", encoding="utf-8", newline="")  # noqa: SIM115
        except OSError as error:
            raise self._unwritten(error) from error
        self._writer = csv.writer(self._file, delimiter=self.separator)
        self._names = None
        self._start = None if self.append else 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._file is None:
            return
        logs = logs or {}
        if self._names is None:
            self._names = sorted(logs)
            if not any(name.startswith("val_") for name in self._names):
                self._names += [f"val_{name}" for name in self._names]
        try:
            if self._start is not None:  # not before: a training that goes on keeps what is there
                self._cut(epoch)
            self._write_line(epoch, logs)
            self._file.flush()
        except OSError as error:
            raise self._unwritten(error) from error

    def _cut(self, epoch: int) -> None:
        """Back to where lines are written; of a file that is gone, the lines before an epoch."""
        start, self._start = self._start or 0, None
        if self._file.seek(0, os.SEEK_END) >= start:
            self._file.truncate(start)
            self._file.seek(0, os.SEEK_END)
            return
        if not self.append:
            self._file.truncate(0)
        history: Any = self.course.history  # type: ignore[union-attr]  # there is one in a fit
        for place, before in enumerate(history.epoch):
            if before < epoch:
                numbers = {
                    name: values[place] for name, values in history.history.items()
                    if len(values) == len(history.epoch)
                }  # fmt: skip
                self._write_line(before, numbers)

    def _write_line(self, epoch: int, numbers: Mapping[str, Any]) -> None:
        names = self._names or []
        if self._file.seek(0, os.SEEK_END) == 0:
            self._writer.writerow(["epoch", *names])
        self._writer.writerow([epoch, *(numbers.get(name, "NA") for name in names)])

    def state(self) -> dict[str, Any]:
        length = self._start if self._file is None or self._start is not None else self._file.tell()
        return {"names": self._names, "length": length}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Lines of epochs that will be made again are cut off before the next is written."""
        self._names, self._start = state["names"], state["length"]

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def on_train_error(self, error: BaseException) -> None:
        self._close()

    def _unwritten(self, error: OSError) -> WriteError:
        return WriteError(
            f"CSVLogger: {self.filename} cannot be written ({error.strerror}); give another file."
        )

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
