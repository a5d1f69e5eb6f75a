"""Which new values of an update may be written straight over the old ones."""

from __future__ import annotations

from chainrule.engine.passes.reuse import roots
from chainrule.engine.tape import Instruction, Tape

__all__ = ["overwritten"]


def overwritten(tape: Tape) -> dict[int, int]:
    """For each new value that may take its old one's memory, the old one.

    It may where an element-wise instruction makes it and nothing needs the old value after that:
    no later instruction, no view in the same run (which is done block by block), no other output.
    """
    root = roots(tape)
    parts = [
        (number, part)
        for number, instruction in enumerate(tape.instructions[tape.seam :])
        for part in (instruction.parts or (instruction,))
    ]
    safe: dict[int, int] = {}
    for new, old in zip(tape.updates, tape.flat, strict=True):
        others = [u for u, o in zip(tape.updates, tape.flat, strict=True) if o != old]
        wanted = new in safe or old in (root.get(index, index) for index in others)
        if not wanted and tape.values[new] == tape.values[old] and _last(parts, root, new, old):
            safe[new] = old
    return safe


def _last(parts: list[tuple[int, Instruction]], root: dict[int, int], new: int, old: int) -> bool:
    """Whether the part that makes the new value is the last that needs the old one."""
    writer = next((i for i, (_, part) in enumerate(parts) if new in part.results), None)
    if writer is None:
        return False
    run, part = parts[writer]
    if part.operation is None or not part.operation.elementwise:
        return False
    for position, (number, reader) in enumerate(parts):
        for index in reader.operands:
            is_view = index != old and number == run
            if root.get(index, index) == old and (position > writer or is_view):
                return False
    return True
