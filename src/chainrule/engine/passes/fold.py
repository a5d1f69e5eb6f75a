"""Compute once what depends on constants alone, and leave out products with 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.engine.passes.rename import rename
from chainrule.engine.tape import Array, Instruction, Source, Tape
from chainrule.graph import Rows

__all__ = ["fold"]

# rounded once or not at all, so every engine would compute the same bits
_EXACT = {"add", "subtract", "multiply", "divide", "negative", "reshape", "transpose", "count",
          "cast"}  # fmt: skip


def fold(tape: Tape) -> Tape:
    """The tape without instructions on constants alone, and without x * 1 and x / 1."""
    constants = {s.index: s.constant for s in tape.sources if s.constant is not None}
    sources = list(tape.sources)
    into: dict[int, int] = {}
    kept: list[Instruction] = []
    seam = 0
    for position, given in enumerate(tape.instructions):
        operands = tuple(into.get(index, index) for index in given.operands)
        instruction = replace(given, operands=operands)
        (result,) = instruction.results
        value = _folded(instruction, constants)
        if value is not None:
            constants[result] = value
            sources.append(Source(result, "constant", "", value))
            continue
        same = _unchanged(tape, instruction, constants)
        if same is not None:
            into[result] = same
            continue
        kept.append(instruction)
        seam += position < tape.seam
    return replace(rename(tape, kept, seam, into), sources=tuple(sources))


def _folded(instruction: Instruction, constants: dict[int, Array]) -> Array | None:
    operation = instruction.operation
    if operation is None or operation.name not in _EXACT:
        return None
    if any(index not in constants for index in instruction.operands):
        return None
    attributes = instruction.attributes
    for value in attributes.values():
        if isinstance(value, tuple) and any(isinstance(size, Rows) for size in value):
            return None
    operands = (constants[index] for index in instruction.operands)
    with np.errstate(all="ignore"):
        return np.array(operation.meaning(*operands, **attributes))


def _unchanged(tape: Tape, instruction: Instruction, constants: dict[int, Array]) -> int | None:
    """The operand that the instruction only repeats, if so."""
    if instruction.name not in ("multiply", "divide"):
        return None
    (result,) = instruction.results
    pairs = [instruction.operands]
    if instruction.name == "multiply":
        pairs.append(instruction.operands[::-1])
    for x, one in pairs:
        constant = constants.get(one)
        if constant is None or tape.values[x] != tape.values[result]:
            continue
        if constant.size and (constant == 1).all():
            return x
    return None
