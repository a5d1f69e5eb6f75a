"""Writing whole files or nothing: a temporary file beside the target, then one rename."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from chainrule.errors import ChainruleError, InputTypeError, MissingFileError, WriteError

__all__ = [
    "as_path",
    "is_file",
    "is_folder",
    "remove_unfinished",
    "write_bytes_atomic",
    "write_error",
    "write_text_atomic",
]

UNFINISHED = ".chainrule-*.part"
"""What files are called until they are whole."""

REMEDIES = {
    errno.ENOSPC: "Free some space, or write elsewhere",
    errno.EDQUOT: "Free some space, or write elsewhere",
    errno.EFBIG: "Raise the limit on file sizes, or write elsewhere",
}


def write_bytes_atomic(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file whole or not at all.

    The content goes to a temporary file in the same folder, is forced to the disk and takes the
    target's place in one rename; then the folder is forced to the disk. A reader sees the old
    file or the new one. When it fails, the old file is as it was and nothing is left behind. A
    symbolic link stays one; the permissions of a file that is replaced are kept.

    Args:
        path: the file; its folder must exist.
        content: all of its bytes.

    Raises:
        MissingFileError: the folder does not exist.
        WriteError: the place cannot be written (permission, a full disk, a folder, a device).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes_atomic(Path(folder) / "a.bin", b"abc")
    ...     (Path(folder) / "a.bin").read_bytes()
    b'abc'
    """
    target = as_path(path)
    try:
        _write(target, content)
    except OSError as error:
        if isinstance(error, ChainruleError):
            raise
        raise write_error(target, error) from error


def write_text_atomic(path: str | os.PathLike[str], text: str) -> None:
    r"""Writes a text file (UTF-8, the text's own line ends) whole or not at all.

    Raises:
        MissingFileError: the folder does not exist.
        WriteError: the place cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text_atomic(Path(folder) / "a.txt", "caf\u00e9")
    ...     (Path(folder) / "a.txt").read_bytes()
    b'caf\xc3\xa9'
    """
    write_bytes_atomic(path, text.encode("utf-8", "surrogateescape"))


def remove_unfinished(folder: Path) -> None:
    """Remove what was not whole when a process was killed; only where no other one may write."""
    for path in folder.glob(UNFINISHED):
        with contextlib.suppress(OSError):
            path.unlink()


def as_path(path: Any) -> Path:
    """The path given, refused with a sentence when it is not one."""
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        message = f"a path must be text or a pathlib.Path, got {type(path).__name__}."
        raise InputTypeError(message)
    if not os.fspath(path) or "\0" in os.fspath(path):
        message = f"{os.fspath(path)!r} is not a path. Name a file or folder."
        raise MissingFileError(message)
    return Path(path)


def is_file(path: Path) -> bool:
    """Whether there is a file; False also where the system will not say."""
    mode = _mode(path)
    return mode is not None and not stat.S_ISDIR(mode)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False also where the system will not say."""
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def write_error(path: Path, error: OSError) -> ChainruleError:
    """The sentence for a place that the system refuses to write."""
    missing = _first_missing(path.parent)
    if missing is not None and error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
        if is_file(missing):
            return WriteError(
                f"{path}: cannot be written, {missing} is a file. Name a place in a folder."
            )
        return MissingFileError(f"{path}: the folder {missing} does not exist. Create it first.")
    reason = (error.strerror or str(error)).lower()
    remedy = REMEDIES.get(error.errno or 0, "Choose another place, or change its permissions")
    return WriteError(f"{path}: cannot be written ({reason}). {remedy}.")


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _first_missing(folder: Path) -> Path | None:
    """The topmost part of a folder's path that is not a folder, if there is one."""
    for part in [*reversed(folder.parents), folder]:
        if not is_folder(part):
            return part
    return None


def _write(path: Path, content: bytes) -> None:
    target = Path(os.path.realpath(path))
    mode = _existing_mode(path, target)
    temporary = target.with_name(UNFINISHED.replace("*", secrets.token_hex(8)))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            with contextlib.suppress(OSError):  # another owner's permissions cannot be copied
                temporary.chmod(mode)
        temporary.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):  # gone already where the rename was done
            temporary.unlink()
    _sync_folder(target.parent)


def _existing_mode(path: Path, target: Path) -> int | None:
    """The permissions of the file that will be replaced; refuses what is not a file."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        message = f"{path}: cannot be written, it is a folder. Name a file."
        raise WriteError(message)
    if not stat.S_ISREG(status.st_mode):
        message = f"{path}: cannot be written, it is a device or pipe. Name a file."
        raise WriteError(message)
    return stat.S_IMODE(status.st_mode)


def _sync_folder(folder: Path) -> None:
    """Forces the rename to the disk, on systems where a folder can be."""
    with contextlib.suppress(OSError):  # the file is in place; some systems cannot sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
