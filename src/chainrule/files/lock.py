"""A folder that one process works in: a lock that dies with its holder."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from pathlib import Path
from typing import Self

from chainrule.errors import BusyError
from chainrule.files.writing import as_path, is_file, remove_unfinished, write_error

__all__ = ["LOCK", "FolderLock", "is_locked"]

LOCK = ".lock"
TAKEN = (errno.EACCES, errno.EAGAIN)
"""What the system says where another process has the lock."""

_held: set[tuple[int, str]] = set()
"""Process and folder of each lock held here: the system tells processes apart, not threads."""
_guard = threading.Lock()


class FolderLock:
    """Holds a folder until `release`, or until the process ends in whatever way.

    folder
        The folder, which is there.

    A process that is forked off does not hold what its parent holds. What a killed holder has
    left half written is removed.

    Raises `BusyError` where another process, or another part of this one, holds it, `WriteError`
    where no lock can be made there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, FolderLock(folder):
    ...     is_locked(folder)
    True
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = as_path(folder)
        self._path = self._folder / LOCK
        self._key = (os.getpid(), os.path.realpath(self._folder))
        with _guard:
            if self._key in _held:
                raise _busy(self._folder, by="this process")
            self._file = self._locked()
            _held.add(self._key)
        remove_unfinished(self._folder)

    def release(self) -> None:
        """Give the folder free."""
        with _guard:
            if self._key not in _held or self._key[0] != os.getpid():
                return
            with contextlib.suppress(OSError):  # the folder may be gone
                if _is_at(self._file, self._path):  # else removed by hand, and another's now
                    self._path.unlink()
            os.close(self._file)
            _held.discard(self._key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _locked(self) -> int:
        """An open file that only this process has locked, at its place."""
        while True:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise write_error(self._path, error) from error
            try:
                _lock(file)
            except OSError as error:
                holder = _holder(file)
                os.close(file)
                if error.errno not in TAKEN:
                    raise write_error(self._path, error) from error
                raise _busy(self._folder, holder) from None
            if _is_at(file, self._path):
                with contextlib.suppress(OSError):  # a full disk: the number is only told
                    os.truncate(file, 0)
                    os.write(file, str(os.getpid()).encode())
                return file
            os.close(file)  # its holder has just removed it


def _busy(folder: Path, by: str) -> BusyError:
    return BusyError(
        f"{folder}: {by} trains here now; wait until it is done, or name another folder."
    )


def _holder(file: int) -> str:
    """What process has written its number."""
    with contextlib.suppress(OSError):  # some systems let nobody read what is locked
        number = os.read(file, 20).decode("ascii", "replace")
        if number:
            return f"process {number}"
    return "another process"


def is_locked(folder: str | os.PathLike[str]) -> bool:
    """Whether a process holds a folder now."""
    place = as_path(folder)
    with _guard:
        if (os.getpid(), os.path.realpath(place)) in _held:
            return True
        if not is_file(place / LOCK):
            return False
        try:
            file = os.open(place / LOCK, os.O_RDWR)
        except OSError:
            return False
        try:
            _lock(file)
        except OSError:
            return True
        finally:
            os.close(file)
    return False


def _is_at(file: int, path: Path) -> bool:
    """Whether the open file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
