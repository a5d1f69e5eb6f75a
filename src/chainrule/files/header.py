"""The head of a safetensors file, believed only as far as the file's real size allows."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from chainrule.errors import ModelFileError

__all__ = ["DTYPES", "ArrayEntry", "Header", "read_header"]

DTYPES: Final = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}
ITEM_BYTES: Final = {"F32": 4, "F64": 8, "I32": 4, "I64": 8, "U8": 1}
LENGTH_BYTES: Final = 8
LARGEST_HEADER: Final = 100_000_000
MOST_AXES: Final = 32
LARGEST_SIZE: Final = 2**62
SNIFFED_BYTES: Final = 512

FOREIGN: Final = (
    (b"PK\x03\x04", "a zip archive (a .npz, PyTorch or .keras file?)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x89HDF", "an HDF5 file (an older Keras model?)"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    *((bytes([0x80, protocol]), "a Python pickle, which is never opened") for protocol in range(6)),
)


@dataclass(frozen=True)
class ArrayEntry:
    """Where an array lies in a file: checked, so that it may be allocated."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """The checked head of a file: texts of its metadata, and its arrays in file order."""

    metadata: dict[str, str]
    arrays: tuple[ArrayEntry, ...]


def read_header(file: BinaryIO, size: int, path: Path) -> Header:
    """The head of an open file of `size` bytes, every claim held against that size.

    Raises:
        ModelFileError: the file is empty, cut off, damaged or of another kind.
    """
    if size == 0:
        message = f"{path}: the file is empty. Train again, or take a copy."
        raise ModelFileError(message)
    start = file.read(min(size, SNIFFED_BYTES))
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    available = size - LENGTH_BYTES
    kind = _kind_of(start)
    if kind:
        message = f"{path}: not a model file but {kind}. Give a file that chainrule saved."
        raise ModelFileError(message)
    if start[LENGTH_BYTES : LENGTH_BYTES + 1] not in (b"{", b""):
        raise damaged(path, "or no model file: there is no header at its start")
    if available < 2 or length > available:
        message = (
            f"{path}: the file is cut off or damaged: its header needs {length:,} bytes, "
            f"{max(available, 0):,} are there. Take another copy, or train again."
        )
        raise ModelFileError(message)
    if not 2 <= length <= LARGEST_HEADER:
        raise damaged(path, f"a header of {length:,} bytes")
    file.seek(LENGTH_BYTES)
    return _parse(file.read(length), available - length, path)


def damaged(path: Path, what: str) -> ModelFileError:
    """The error for a file whose content contradicts itself."""
    return ModelFileError(f"{path}: the file is damaged ({what}). Take another copy.")


def _kind_of(start: bytes) -> str | None:
    """What a file of another kind is called; None for what may be, or have been, a model file."""
    # A real header is never as long as 8 printable bytes would make it.
    printable = all(byte >= 32 or byte in b"\t\r\n" for byte in start[:LENGTH_BYTES])
    if start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" and not printable:
        return None
    if printable and _is_text(start):
        return "a text file"
    if len(start) <= LENGTH_BYTES:
        return None
    return next((kind for signature, kind in FOREIGN if start.startswith(signature)), None)


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", "ignore")
    cut_off_bytes = 3
    whole = len(text.encode("utf-8")) >= len(start) - cut_off_bytes
    return whole and all(one.isprintable() or one in "\t\r\n\f\ufeff" for one in text)


def _parse(content: bytes, room: int, path: Path) -> Header:
    try:
        header = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(path, "its header is not valid JSON") from error
    if not isinstance(header, dict):
        raise damaged(path, "its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise damaged(path, "its metadata are not texts")
    entries = sorted(
        (_entry(name, value, path) for name, value in header.items()),
        key=lambda entry: (entry.start, entry.stop),
    )
    _check_layout(entries, room, path)
    return Header(metadata, tuple(entries))


def _entry(name: str, value: Any, path: Path) -> ArrayEntry:
    shown = f"array {name[:60]!r}"
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise damaged(path, f"{shown} is not described")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not _are_sizes(shape) or len(shape) > MOST_AXES or not _are_sizes(offsets):
        raise damaged(path, f"{shown} has an impossible shape or place")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        message = (
            f"{path}: {shown} is of type {str(dtype)[:20]!r}; model files hold "
            f"{', '.join(DTYPES)} only. Take another copy, or upgrade chainrule."
        )
        raise ModelFileError(message)
    # NumPy counts the axes that are not empty even where the array is.
    extent = math.prod(length for length in shape if length) * ITEM_BYTES[dtype]
    if len(offsets) != 2 or extent > LARGEST_SIZE:
        raise damaged(path, f"{shown} has an impossible shape or place")
    start, stop = offsets
    if stop - start != math.prod(shape) * ITEM_BYTES[dtype]:
        raise damaged(path, f"{shown} has a shape that does not fit its {stop - start:,} bytes")
    return ArrayEntry(name, dtype, tuple(shape), start, stop)


def _are_sizes(values: Any) -> bool:
    if not isinstance(values, list):
        return False
    return all(type(value) is int and 0 <= value <= LARGEST_SIZE for value in values)


def _check_layout(entries: list[ArrayEntry], room: int, path: Path) -> None:
    """Arrays must fill the rest of the file: one after the other, no gap, no overlap."""
    end = 0
    for entry in entries:
        if entry.start != end:
            raise damaged(path, f"array {entry.name[:60]!r} overlaps another or leaves a gap")
        end = entry.stop
    if end > room:
        message = (
            f"{path}: the file is cut off: its arrays need {end:,} bytes, {room:,} are there. "
            "Take another copy, or train again."
        )
        raise ModelFileError(message)
    if end < room:
        raise damaged(path, f"{room - end:,} bytes too many at its end")
