"""Leave out what no result needs."""

from __future__ import annotations

from dataclasses import replace

from chainrule.engine.tape import Instruction, Tape

__all__ = ["drop"]


def drop(tape: Tape) -> Tape:
    """The tape without instructions and constants that no result, gradient or update reads."""
    needed = tape.kept
    kept: list[Instruction] = []
    seam = 0
    for position in range(len(tape.instructions) - 1, -1, -1):
        instruction = tape.instructions[position]
        if needed.isdisjoint(instruction.results):
            continue
        needed.update(instruction.operands)
        kept.append(instruction)
        seam += position < tape.seam
    sources = tuple(s for s in tape.sources if s.kind != "constant" or s.index in needed)
    return replace(tape, instructions=tuple(reversed(kept)), seam=seam, sources=sources)
