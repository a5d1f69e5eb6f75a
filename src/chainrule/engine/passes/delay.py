"""Compute each thing right before it is first read, so that what belongs together is together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chainrule.engine.tape import Instruction, Tape

__all__ = ["delay"]


def delay(tape: Tape) -> Tape:
    """The tape with views, element-wise instructions and products moved to their first reader.

    A product comes before the element-wise instructions that are read with it, so that `fuse` can
    make one instruction of all of them. What nobody reads after it stays where it is.
    """
    before = _ordered(tape.instructions[: tape.seam])
    after = _ordered(tape.instructions[tape.seam :])
    return replace(tape, instructions=(*before, *after))


def _ordered(instructions: Iterable[Instruction]) -> list[Instruction]:
    given = list(instructions)
    maker = {index: position for position, one in enumerate(given) for index in one.results}
    read = {index for one in given for index in one.operands}
    waits = [_can_wait(one) and any(index in read for index in one.results) for one in given]
    written: set[int] = set()
    ordered: list[Instruction] = []
    for position in range(len(given)):
        if waits[position]:
            continue
        stack = [position]
        while stack:
            here = stack[-1]
            missing = [] if here in written else _missing(given, maker, written, here)
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if here not in written:
                written.add(here)
                ordered.append(given[here])
    return ordered


def _can_wait(instruction: Instruction) -> bool:
    operation = instruction.operation
    return operation is not None and (
        operation.view or operation.elementwise or operation.name == "matmul"
    )


def _missing(
    given: list[Instruction], maker: dict[int, int], written: set[int], position: int
) -> list[int]:
    """What an instruction reads and is not written yet; a product last, since a stack is read."""
    wanted = dict.fromkeys(maker[index] for index in given[position].operands if index in maker)
    missing = [one for one in wanted if one not in written]
    missing.reverse()
    return sorted(missing, key=lambda one: given[one].name == "matmul")
