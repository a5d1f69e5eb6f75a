"""Choose where each value lies, so that memory is used again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from chainrule.engine.tape import Instruction, Tape, Value
from chainrule.graph import Rows

__all__ = ["byte_size", "reuse", "roots"]


def byte_size(value: Value) -> tuple[int, int]:
    """The bytes of a value as (number, power of rows)."""
    number = math.prod(s.multiple if isinstance(s, Rows) else s for s in value.shape)
    return number * value.dtype.itemsize, sum(isinstance(size, Rows) for size in value.shape)


def roots(tape: Tape) -> dict[int, int]:
    """For each view, the value whose memory it may be."""
    root: dict[int, int] = {}
    for instruction in tape.instructions:
        if instruction.is_view:
            operand = instruction.operands[0]
            root[instruction.results[0]] = root.get(operand, operand)
    return root


@dataclass
class _Arena:
    """Places handed out and taken back; a place serves values with one power of rows."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    free: list[int] = field(default_factory=list)

    def take(self, size: tuple[int, int]) -> int:
        fitting = [place for place in self.free if self.sizes[place][1] == size[1]]
        if not fitting:
            self.sizes.append(size)
            return len(self.sizes) - 1
        # the nearest size: a larger place as it is, a smaller one grows
        place = min(fitting, key=lambda p: (abs(self.sizes[p][0] - size[0]), p))
        self.sizes[place] = (max(self.sizes[place][0], size[0]), size[1])
        self.free.remove(place)
        return place


def reuse(tape: Tape) -> Tape:
    """The tape with a storage place for each value that an instruction makes.

    A place is free again after the last instruction that reads its value or a view of it.
    Gradients and new values of an update have none: they lie in the caller's flat arrays.
    """
    given = {*tape.gradients, *tape.updates}
    root = roots(tape)
    last = _last_reads(tape, root)
    arena = _Arena()
    storage: dict[int, int] = {}
    for position, instruction in enumerate(tape.instructions):
        if not instruction.is_view:
            for result in instruction.results:
                if result not in given:
                    storage[result] = arena.take(byte_size(tape.values[result]))
        for index in _ending(instruction, root, last, position):
            if index in storage:
                arena.free.append(storage[index])
    return replace(tape, storage=storage)


def _last_reads(tape: Tape, root: dict[int, int]) -> dict[int, int]:
    end = len(tape.instructions)
    last: dict[int, int] = {}
    for position, instruction in enumerate(tape.instructions):
        for index in (*instruction.operands, *instruction.results):
            last[root.get(index, index)] = position
    for index in tape.kept:
        last[root.get(index, index)] = end
    return last


def _ending(
    instruction: Instruction, root: dict[int, int], last: dict[int, int], position: int
) -> list[int]:
    """Values that are read here for the last time, or never."""
    touched = dict.fromkeys(
        root.get(index, index) for index in (*instruction.operands, *instruction.results)
    )
    return [index for index in touched if last[index] == position]
