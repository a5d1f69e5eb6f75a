"""Compute the same thing once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from chainrule.engine.passes.rename import rename
from chainrule.engine.tape import Instruction, Tape

__all__ = ["instruction_key", "share"]


def instruction_key(instruction: Instruction, operands: tuple[Hashable, ...]) -> Hashable:
    """What two instructions have in common when they compute the same; None where unknown."""
    attributes = tuple(sorted(instruction.attributes.items()))
    key = (instruction.operation, operands, attributes)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def share(tape: Tape) -> Tape:
    """The tape without instructions that an earlier one equals: same operation, same operands."""
    first: dict[Hashable, int] = {}
    for source in tape.sources:
        if source.constant is not None:
            constant = source.constant
            key = ("constant", constant.dtype.str, constant.shape, constant.tobytes())
            first.setdefault(key, source.index)
    into = {
        s.index: first[("constant", s.constant.dtype.str, s.constant.shape, s.constant.tobytes())]
        for s in tape.sources
        if s.constant is not None
    }
    kept: list[Instruction] = []
    seam = 0
    for position, given in enumerate(tape.instructions):
        operands = tuple(into.get(index, index) for index in given.operands)
        instruction = replace(given, operands=operands)
        key = instruction_key(instruction, operands)
        (result,) = instruction.results
        if key is not None and key in first:
            into[result] = first[key]
            continue
        if key is not None:
            first[key] = result
        kept.append(instruction)
        seam += position < tape.seam
    return rename(tape, kept, seam, into)
