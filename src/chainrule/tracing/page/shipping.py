"""Arrays and tapes as a page takes them: plain values for JSON."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.engine import Tape
from chainrule.graph import OPERATIONS, Rows, bind
from chainrule.tracing.operations import DRAWN

__all__ = ["evaluated", "not_known", "packed", "shipped_tape"]

Array = np.ndarray[Any, np.dtype[Any]]


def packed(array: Any) -> list[Any]:
    """Shape, type and base64 of the bytes; shape and number where all numbers are one.

    >>> import numpy as np
    >>> packed(np.zeros((2, 3))), packed(np.float32([1, 2]))
    ([[2, 3], 0.0], [[2], 'float32', 'AACAPwAAAEA='])
    """
    array = np.asarray(array)
    if array.size and np.isfinite(array.flat[0]) and (array == array.flat[0]).all():
        return [list(array.shape), float(array.flat[0])]
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    text = base64.b64encode(ordered.tobytes()).decode("ascii")
    return [list(array.shape), array.dtype.name, text]


def shipped_tape(
    tape: Tape, rows: int, given: Mapping[int, Array]
) -> tuple[dict[str, Any], list[str]]:
    """A tape for the page, and the names of operations in it that the page does not know.

    rows
        The number of rows, which is fixed in the page.
    given
        Values of sources that are fixed too (seed and step), by index.

    What is drawn by chance, and what the page does not know but depends on nothing that can be
    changed, is shipped as its value.
    """
    known = dict(given) | _constants(tape)
    shipped = {source.index for source in tape.sources if source.constant is not None}
    instructions, unknown = [], []
    for one in tape.instructions:
        attributes: Any = _bound(one.attributes, rows)
        fixed = all(index in known for index in one.operands)
        if fixed and one.operation is not None:
            operands = [known[index] for index in one.operands]
            with np.errstate(all="ignore"):
                known[one.results[0]] = np.asarray(one.operation.meaning(*operands, **attributes))
        if one.name in OPERATIONS and one.name not in DRAWN:
            instructions.append([one.name, list(one.operands), one.results[0], attributes])
        elif fixed:
            shipped.add(one.results[0])
        else:
            unknown.append(one.name)
    used = {index for _, operands, _, _ in instructions for index in operands} | tape.kept
    constants = {index: packed(known[index]) for index in sorted(shipped & used)}
    return {"instructions": instructions, "constants": constants}, sorted(set(unknown))


def evaluated(
    tape: Tape, rows: int, given: Mapping[int, Array], wanted: Iterable[int]
) -> dict[int, Array]:
    """Values of a tape, as its operations mean them on arrays, for a page that cannot compute.

    given
        The values of all sources but constants, by index.
    """
    known = dict(given) | _constants(tape)
    with np.errstate(all="ignore"):
        for one in tape.instructions:
            if one.operation is not None and all(index in known for index in one.operands):
                operands = [known[index] for index in one.operands]
                found = one.operation.meaning(*operands, **_bound(one.attributes, rows))
                known[one.results[0]] = np.asarray(found)
    return {index: known[index] for index in wanted if index in known}


def not_known(operation: str) -> str:
    """Why a page shows numbers and lets none be changed."""
    return (
        f"Numbers cannot be changed here, because the page does not know the operation "
        f"{operation!r}; change them in Python and trace again."
    )


def _constants(tape: Tape) -> dict[int, Array]:
    return {source.index: source.constant for source in tape.sources if source.constant is not None}


def _bound(attributes: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Attributes with the number of rows put in."""

    def plain(value: Any) -> Any:
        if isinstance(value, Rows):
            return value.multiple * rows
        return bind(value, rows) if isinstance(value, tuple) else value

    return {name: plain(value) for name, value in attributes.items()}
