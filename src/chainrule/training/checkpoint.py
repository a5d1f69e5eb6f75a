"""Checkpoint files: nested plain values and arrays, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, ModelFileError
from chainrule.files import load_model_file, save_model

__all__ = ["read_checkpoint", "write_checkpoint"]

KIND = "checkpoint"
ARRAY = "$array"


def write_checkpoint(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write nested dicts and lists of plain values and arrays.

    The file is complete or not there: it is written beside its place, forced to the disk and
    renamed, and holds a digest of all of it.

    Raises `InputTypeError` for a value that cannot be kept, `WriteError` where the place cannot be
    written; what stood there stays then.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    record = _without_arrays(state, "", arrays)
    save_model(path, {"kind": KIND, "state": record}, arrays)


def read_checkpoint(path: str | os.PathLike[str]) -> Any:
    """What `write_checkpoint` was given, tuples as lists.

    Raises `MissingFileError` where there is none, `ModelFileError` where it is cut off, damaged
    or something else.
    """
    record, arrays = load_model_file(path)
    if record.get("kind") != KIND:
        message = (
            f"{path}: holds no checkpoint but {record.get('kind', 'something else')!r}; remove it, "
            "or name another place."
        )
        raise ModelFileError(message)
    return _with_arrays(record["state"], arrays)


def _without_arrays(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        while name in arrays:  # "b" in "a", and "a/b"
            name += "'"
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, Mapping):
        if value.keys() == {ARRAY}:
            message = (
                f"a checkpoint cannot hold {dict(value)!r}: {ARRAY!r} is kept; rename the key."
            )
            raise InputTypeError(message)
        return {key: _without_arrays(one, f"{name}/{key}", arrays) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(one, f"{name}/{i}", arrays) for i, one in enumerate(value)]
    return value


def _with_arrays(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY}:
            return arrays[value[ARRAY]]
        return {key: _with_arrays(one, arrays) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_arrays(one, arrays) for one in value]
    return value
