"""Model files: one record of plain values and named arrays, in safetensors."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from chainrule.errors import (
    DataError,
    ExistingFileError,
    InputTypeError,
    MissingFileError,
    ModelFileError,
    SettingError,
)
from chainrule.files.header import DTYPES, LARGEST_HEADER, ArrayEntry, Header, damaged, read_header
from chainrule.files.record import decode_record, encode_record
from chainrule.files.writing import as_path, is_file, write_bytes_atomic

__all__ = ["FORMAT", "UPGRADES", "load_model_file", "save_model", "upgrade"]

FORMAT: Final = 4
"""The number of the format that is written."""


def _numbers_unspread(record: dict[str, Any]) -> dict[str, Any]:
    """In format 1 no number of a table was spread over the parts of its range."""
    if record.get("kind") != "table":
        return record
    encoder = record["encoder"]
    columns = [
        {**column, "edges": []} if column["kind"] == "number" else column
        for column in encoder["columns"]
    ]
    return {**record, "encoder": {**encoder, "columns": columns}}


def _one_target(record: dict[str, Any]) -> dict[str, Any]:
    """In format 2 a table had one target at most, and no estimator stood beside it."""
    if record.get("kind") != "table":
        return record
    schema = dict(record["schema"])
    name, task, reason = (schema.pop(key) for key in ("target", "task", "task_reason"))
    schema["targets"] = [{"name": name, "task": task, "reason": reason}] if name else []
    return {**record, "schema": schema, "labels": [record["labels"]], "estimator": None}


def _as_they_are(record: dict[str, Any]) -> dict[str, Any]:
    """In format 3 the probabilities of a table's networks were never tempered."""
    return {**record, "temperatures": []} if record.get("kind") == "table" else record


UPGRADES: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    1: _numbers_unspread,
    2: _one_target,
    3: _as_they_are,
}
"""For each older format the step that turns its record into one of the next format."""

KEY: Final = "chainrule"
OTHER_KINDS: Final = {".h5", ".hdf5", ".keras", ".onnx", ".pkl", ".pt", ".pth"}
NO_DIGEST: Final = '"sha256":""'
SAVED_DTYPES: Final = {np.dtype(text).newbyteorder("="): name for name, text in DTYPES.items()}


def save_model(
    path: str | os.PathLike[str], record: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Writes a record and arrays as one safetensors file, whole or not at all.

    The metadata key `chainrule` holds `{"format", "sha256", "arrays", "record"}` as JSON: the
    format's number, a digest over everything else, the arrays' names in order, the record. The
    same record and arrays give the same bytes on every machine.

    Args:
        path: the file; its folder must exist; an older model is replaced.
        record: plain values (see `encode_record`); floats come back to the bit.
        arrays: float32, float64, int32, int64 or uint8, any shape, strides and byte order.

    Raises:
        SettingError: the name ends as those of files of another kind do (.keras, .h5, .pt).
        InputTypeError: a value of the record, or an array's type, cannot be kept.
        DataError: the record is too large or nested too deep.
        ExistingFileError: there is a file that is no model; it is left as it is.
        MissingFileError: the folder does not exist.
        WriteError: the place cannot be written; an older file is as it was.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(Path(folder) / "m.safetensors", {"units": 2}, {"bias": np.zeros(2)})
    ...     load_model_file(Path(folder) / "m.safetensors")
    ({'units': 2}, {'bias': array([0., 0.])})
    """
    import safetensors.numpy

    _check_ending(as_path(path))
    _check_place(as_path(path))
    ready = {_checked_name(name): _ready(name, array) for name, array in arrays.items()}
    names = json.dumps(list(ready), separators=(",", ":"))
    content = f'"arrays":{names},"record":{encode_record(record)}'
    text = f'{{"format":{FORMAT},{NO_DIGEST},{content}}}'
    if len(json.dumps(text)) > LARGEST_HEADER // 2:
        message = f"{path}: the record takes {len(text):,} bytes; at most 50 million are kept."
        raise DataError(message)
    described = {name: (SAVED_DTYPES[a.dtype.newbyteorder("=")], a) for name, a in ready.items()}
    text = text.replace(NO_DIGEST, f'"sha256":"{_digest(text, described)}"', 1)
    write_bytes_atomic(path, safetensors.numpy.save(ready, metadata={KEY: text}))


def _check_ending(path: Path) -> None:
    if path.suffix.lower() in OTHER_KINDS:
        message = (
            f"{path}: models are kept as safetensors, which {path.suffix} files are not; name it "
            f"{path.with_suffix('.safetensors').name}."
        )
        raise SettingError(message)


def load_model_file(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The record and the arrays of a file that `save_model` wrote, in this or an older version.

    No code of the file is run. The header's length and every array's size are held against the
    file's real size before anything is allocated, and the digest against all that was read.

    Args:
        path: the model file.

    Returns:
        The record, brought up to the present format, and the arrays in their order: new,
        writable, of this machine's byte order.

    Raises:
        MissingFileError: there is no such file.
        ModelFileError: the file is a folder, cannot be read, is of another kind, is damaged, or
            was written by a later version.
    """
    place = as_path(path)
    try:
        with _open(place) as file:
            header = read_header(file, os.fstat(file.fileno()).st_size, place)
            text, record, number, names = _unpacked(header, place)
            arrays = {entry.name: _read_array(file, entry, place) for entry in header.arrays}
    except OSError as error:
        if isinstance(error, MissingFileError):
            raise
        reason = (error.strerror or str(error)).lower()
        message = f"{place}: the file cannot be read ({reason}). Check its permissions."
        raise ModelFileError(message) from error
    if set(names) != set(arrays) or len(names) != len(arrays):
        raise damaged(place, "its record and its arrays do not belong together")
    _check_digest(text, names, header, arrays, place)
    native = {name: _native(arrays[name]) for name in names}
    try:
        return upgrade(record, number, UPGRADES, FORMAT), native
    except (KeyError, TypeError, AttributeError) as error:
        message = (
            f"{place}: its record is not what format {number} holds. Take another copy, or "
            "train it again."
        )
        raise ModelFileError(message) from error


def upgrade(
    record: dict[str, Any],
    number: int,
    steps: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]],
    last: int,
) -> dict[str, Any]:
    """A record of format `number`, taken step by step to format `last`.

    >>> upgrade({"width": 3}, 1, {1: lambda record: {"units": record["width"]}}, 2)
    {'units': 3}
    """
    for step in range(number, last):
        record = steps[step](record)
    return record


def _check_place(path: Path) -> None:
    """Raise where the file that is there is none in safetensors: it was not meant."""
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:
        return  # writing says what is wrong with the place
    if start and start[8:] != b"{":
        message = f"{path}: there is another file that is no model; it is left. Give another name."
        raise ExistingFileError(message)


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not name or name == "__metadata__":
        message = f"an array's name must be text other than '' and '__metadata__', got {name!r}."
        raise InputTypeError(message)
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"the array's name {name!r} cannot be written as UTF-8. Rename it."
        raise InputTypeError(message) from error
    return name


def _ready(name: str, array: Any) -> np.ndarray:
    """The array in the file's byte order and without strides."""
    if not isinstance(array, np.ndarray) or array.dtype.newbyteorder("=") not in SAVED_DTYPES:
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        allowed = ", ".join(str(dtype) for dtype in SAVED_DTYPES)
        message = f"array {name!r} is of type {kind}; model files hold {allowed}. Convert it."
        raise InputTypeError(message)
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C").view(np.ndarray)


def _digest(text: str, arrays: Mapping[str, tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256(text.encode("utf-8"), usedforsecurity=False)
    for name, (dtype, array) in arrays.items():
        digest.update(f"\n{json.dumps(name)} {dtype} {list(array.shape)}\n".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_digest(
    text: str, names: list[str], header: Header, arrays: Mapping[str, np.ndarray], path: Path
) -> None:
    kinds = {entry.name: entry.dtype for entry in header.arrays}
    found = json.loads(text).get("sha256")
    plain = text.replace(f'"sha256":"{found}"', NO_DIGEST, 1)
    if found != _digest(plain, {name: (kinds[name], arrays[name]) for name in names}):
        raise damaged(path, "its content differs from what was written")


def _open(path: Path) -> BinaryIO:
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"{path}: there is no such file. Check the path."
        raise MissingFileError(message) from error
    if stat.S_ISDIR(kind):
        inside = path / "model.safetensors"
        remedy = f"Give {inside}" if is_file(inside) else "Give the model file"
        message = f"{path}: this is a folder, not a model file. {remedy}."
        raise ModelFileError(message)
    if not stat.S_ISREG(kind):
        message = f"{path}: this is a device or pipe, not a model file. Give the model file."
        raise ModelFileError(message)
    return path.open("rb")


def _unpacked(header: Header, path: Path) -> tuple[str, dict[str, Any], int, list[str]]:
    """The metadata's text, and from it the record, its format and the arrays' names."""
    text = header.metadata.get(KEY)
    if text is None:
        message = (
            f"{path}: this safetensors file was not written by chainrule (no key {KEY!r} in its "
            "metadata). Give a model that chainrule saved."
        )
        raise ModelFileError(message)
    try:
        content = decode_record(text)
    except DataError as error:
        raise damaged(path, "its record is not valid JSON") from error
    number = content.get("format")
    if type(number) is not int or number < 1:
        raise damaged(path, "it has no format number")
    if number > FORMAT:
        message = (
            f"{path}: file format {number}, this version reads up to {FORMAT}. Upgrade chainrule."
        )
        raise ModelFileError(message)
    record, names = content.get("record"), content.get("arrays")
    if not isinstance(record, dict) or not isinstance(names, list):
        raise damaged(path, "it has no record")
    if not all(isinstance(name, str) for name in names):
        raise damaged(path, "its arrays have no names")
    return text, record, number, names


def _read_array(file: BinaryIO, entry: ArrayEntry, path: Path) -> np.ndarray:
    """The next array of the file: entries are in file order and leave no gap."""
    try:
        array = np.empty(entry.shape, dtype=DTYPES[entry.dtype])
    except MemoryError as error:
        size = entry.stop - entry.start
        message = f"{path}: array {entry.name!r} needs {size:,} bytes of memory. Free some."
        raise ModelFileError(message) from error
    view = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise damaged(path, "it became shorter while it was read")
        done += count
    return array


def _native(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("="), copy=False)
