"""Compute the same thing once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from chainrule.engine.passes.rename import rename
from chainrule.engine.tape import Array, Instruction, Tape

__all__ = ["instruction_key", "share"]


def instruction_key(instruction: Instruction, operands: tuple[Hashable, ...]) -> Hashable:
    """What two instructions have in common when they compute the same; None where unknown."""
    # the text too, since 1, 1.0 and True are equal and so are 0.0 and -0.0
    attributes = tuple(
        (name, value, repr(value)) for name, value in sorted(instruction.attributes.items())
    )
    key = (instruction.operation, operands, attributes)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _constant_key(constant: Array) -> Hashable:
    # strides too: a product may be summed in another order where the layout is another
    return (
        "constant", constant.dtype.str, constant.shape, constant.strides, constant.tobytes(),
    )  # fmt: skip


def share(tape: Tape) -> Tape:
    """The tape without instructions that an earlier one equals: same operation, same operands.

    Nothing is shared across the seam: the update reads constants and the flat arrays only.
    """
    constants: dict[Hashable, int] = {}
    into: dict[int, int] = {}
    for source in tape.sources:
        if source.constant is not None:
            first_index = constants.setdefault(_constant_key(source.constant), source.index)
            into[source.index] = first_index
    first: dict[Hashable, int] = {}
    kept: list[Instruction] = []
    seam = 0
    for position, given in enumerate(tape.instructions):
        if position == tape.seam:
            first.clear()
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
