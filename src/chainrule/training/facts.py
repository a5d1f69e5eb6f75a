"""What a checkpoint and the training that it is given to must have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import DataError, SettingError
from chainrule.layers import Stack
from chainrule.training.arrays import Array
from chainrule.training.intake import Data

if TYPE_CHECKING:
    from chainrule.training.loop import Course

__all__ = ["BEFORE", "check_data", "check_facts", "checksums", "facts_of"]

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
SHOWN = 3
BLOCK = 1 << 16
ODD = np.uint64(0x9E3779B97F4A7C15)
MOST_COLUMNS = 4096
BEFORE = "epochs before this fit (each fit needs a folder of its own)"


def facts_of(course: Course) -> dict[str, str]:
    """What makes a fit what it is, data apart, as texts by name; when it begins."""
    trainer, plan = course.trainer, course.plan
    network, task = trainer.network, trainer.task
    parts: list[tuple[str, Any]] = [("dtype", trainer.parameters.dtype.name)]
    if isinstance(network, Stack):
        parts.append(("the shape of a row", network.shape))
        pairs = zip(network.names, network.layers, strict=True)
        parts += [(f"layer {name!r}", layer) for name, layer in pairs]
    else:
        parts.append(("network", network))
    names = network.output_names
    for name, loss, metrics in zip(names, task.losses, task.metrics, strict=True):
        of = f" of {name!r}" if len(names) > 1 else ""
        parts += [(f"loss{of}", loss), (f"metrics{of}", metrics)]
    parts += [
        ("optimizer", task.optimizer), ("batch_size", plan.batch_size), ("shuffle", plan.shuffle),
        ("rows", course.data.rows), (BEFORE, course.begun),
        ("engine", trainer.task.program("step", course.data.variant).engine),
        ("seed", "drawn" if getattr(course.told.model, "seed_is_drawn", False) else trainer.seed),
        ("callbacks", tuple(type(one).__name__ for one in course.told.remembering)),
    ]  # fmt: skip
    return {name: text for part in parts for name, text in _flat(*part)}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A description as texts: its class, and each of its settings."""
    if not is_dataclass(value):
        yield name, ADDRESS.sub("", repr(value))
        return
    yield name, type(value).__name__
    for one in fields(value):
        if one.compare:
            yield from _flat(f"{name}: {one.name}", getattr(value, one.name))


def check_facts(owner: str, kept: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise `SettingError` where a checkpoint is of another training, saying what differs."""
    differing = [name for name in {**kept, **now} if kept.get(name) != now.get(name)]
    if not differing:
        return
    told = "; ".join(
        f"{name}: {kept.get(name, 'not there')} in the checkpoint, {now.get(name, 'not there')} now"
        for name in differing[:SHOWN]
    )
    more = f"; and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
    message = (
        f"{owner}: the checkpoint is of another training ({told}{more}); make these as they were, "
        "or name another folder to begin anew."
    )
    raise SettingError(message)


def checksums(data: Data) -> dict[str, Array]:
    """Of each array a sum for each column, in which any cell, and its place, counts."""
    return {name: _sums(array) for name, array in data.arrays.items()}


def _sums(array: Any) -> Array:
    if not isinstance(array, np.ndarray):
        return _sparse_sums(array)
    flat = array.reshape(len(array), -1)
    if flat.shape[1] > MOST_COLUMNS:
        flat = flat.reshape(-1, 1)
    rows = max(1, BLOCK // flat.shape[1])
    total = np.zeros(flat.shape[1], np.uint64)
    for start in range(0, len(flat), rows):
        part = np.ascontiguousarray(flat[start : start + rows])
        bits = part.view(f"u{part.itemsize}").astype(np.uint64)
        places = np.arange(start, start + len(part), dtype=np.uint64)
        total += ((places * ODD) | np.uint64(1)) @ bits
    return total.view(np.int64)


def _sparse_sums(array: Any) -> Array:
    """Those of a matrix in rows (CSR): what is not there counts as 0 does."""
    total = np.zeros(array.shape[1], np.uint64)
    rows = np.repeat(np.arange(array.shape[0], dtype=np.uint64), np.diff(array.indptr))
    for start in range(0, array.nnz, BLOCK):
        part = slice(start, min(start + BLOCK, array.nnz))
        numbers = np.ascontiguousarray(array.data[part])
        bits = numbers.view(f"u{numbers.itemsize}").astype(np.uint64)
        np.add.at(total, array.indices[part], ((rows[part] * ODD) | np.uint64(1)) * bits)
    if len(total) > MOST_COLUMNS:
        places = np.arange(len(total), dtype=np.uint64)
        total = (((places * ODD) | np.uint64(1)) * total).sum(keepdims=True)
    return total.view(np.int64)


def check_data(
    owner: str, kept: Mapping[str, Array], now: Mapping[str, Array], what: str = ""
) -> None:
    """Raise `DataError` where data have changed since a checkpoint, saying what and where."""
    for name in {**kept, **now}:
        before, after = kept.get(name), now.get(name)
        if before is not None and after is not None and np.array_equal(before, after):
            continue
        how, where = "is not what it was", ""
        if before is None or after is None:
            how = "was not given" if before is None else "is not given, and was"
        elif before.shape == after.shape:
            where = _columns(np.flatnonzero(before != after), len(before))
        message = (
            f"{owner}: {what}{_spoken(name, now or kept)} {how} when the checkpoint was "
            f"written{where}; give the same data, or name another folder to begin anew."
        )
        raise DataError(message)


def _columns(differing: Array, of: int) -> str:
    if of == 1:
        return ""
    shown = ", ".join(str(int(one)) for one in differing[:SHOWN])
    more = ", ..." if len(differing) > SHOWN else ""
    return f" (column{'s' if len(differing) > 1 else ''} {shown}{more})"


def _spoken(name: str, names: Iterable[str]) -> str:
    """What users call an array of a program: X and y where there is one of its kind."""
    kind, _, own = name.partition("/")
    alone = sum(one.startswith(f"{kind}/") for one in names) <= 1
    if kind == "weight":
        return "sample_weight"
    plain = {"input": "X", "target": "y"}.get(kind, kind)
    return plain if alone else f"{kind} {own!r}"
