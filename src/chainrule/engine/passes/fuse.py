"""Runs of element-wise instructions over one shape become one pass over memory.

A matrix product may open a run: what follows is done to each part of its result while it is in
cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chainrule.engine.tape import Instruction, Tape
from chainrule.graph import OPERATIONS

__all__ = ["MOST_PARTS", "fuse"]

MOST_PARTS = 32
"""What the native engine takes at once; more are several runs."""


def fuse(tape: Tape) -> Tape:
    """The tape with each run of neighboring element-wise instructions of one shape fused.

    A run has at most `MOST_PARTS` parts.
    """
    last_read = _last_read(tape)
    fused: list[Instruction] = []
    run: list[Instruction] = []
    seam = 0

    def close(position: int) -> None:
        if len(run) > 1:
            fused.append(_joined(run, last_read, position))
        else:
            fused.extend(run)
        run.clear()

    for position, instruction in enumerate(tape.instructions):
        if position == tape.seam:
            close(position)
            seam = len(fused)
        if run and (len(run) == MOST_PARTS or not _fits(tape, run[-1], instruction)):
            close(position)
        if _can_run(tape, instruction) or (not run and _can_open(tape, instruction)):
            run.append(instruction)
        else:
            fused.append(instruction)
    close(len(tape.instructions))
    if tape.seam == len(tape.instructions):
        seam = len(fused)
    return replace(tape, instructions=tuple(fused), seam=seam)


def _can_run(tape: Tape, instruction: Instruction) -> bool:
    operation = instruction.operation
    return (
        operation is not None
        and operation.elementwise
        and tape.values[instruction.results[0]].shape != ()
    )


def _can_open(tape: Tape, instruction: Instruction) -> bool:
    operation = instruction.operation
    return (
        operation is OPERATIONS["matmul"]
        and len(tape.values[instruction.results[0]].shape) == 2
        and all(tape.values[index].dtype == tape.values[instruction.results[0]].dtype
                for index in instruction.operands)
    )  # fmt: skip


def _fits(tape: Tape, before: Instruction, instruction: Instruction) -> bool:
    return (
        _can_run(tape, instruction)
        and tape.values[before.results[0]] == tape.values[instruction.results[0]]
    )


def _last_read(tape: Tape) -> dict[int, int]:
    """The position of the last instruction that reads each value; the end for what is kept."""
    last = dict.fromkeys(tape.kept, len(tape.instructions))
    for position, instruction in enumerate(tape.instructions):
        for index in instruction.operands:
            last[index] = max(last.get(index, 0), position)
    return last


def _joined(run: Iterable[Instruction], last_read: dict[int, int], end: int) -> Instruction:
    parts = tuple(run)
    made = {index for part in parts for index in part.results}
    operands = dict.fromkeys(
        index for part in parts for index in part.operands if index not in made
    )
    results = tuple(
        index for part in parts for index in part.results if last_read.get(index, -1) >= end
    )
    return Instruction(None, tuple(operands), results, {}, parts)
