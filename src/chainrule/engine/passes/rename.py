"""Tapes with some values standing in for others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chainrule.engine.tape import Instruction, Tape

__all__ = ["rename"]


def rename(tape: Tape, instructions: list[Instruction], seam: int, into: Mapping[int, int]) -> Tape:
    """The tape with these instructions, its outputs read under their new names."""
    return replace(
        tape,
        instructions=tuple(instructions),
        seam=seam,
        results={name: into.get(index, index) for name, index in tape.results.items()},
        loss=None if tape.loss is None else into.get(tape.loss, tape.loss),
        gradients=tuple(into.get(index, index) for index in tape.gradients),
        updates=tuple(into.get(index, index) for index in tape.updates),
        states=tuple((number, into.get(index, index)) for number, index in tape.states),
    )
