"""Bound memory that is kept between runs: binding a small tape costs more than a step of it."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.engine.interpreter import Interpreter
from chainrule.engine.tape import Array, Tape

__all__ = ["Workspace"]

MOST_IDLE = 4
MOST_BYTES = 1 << 24
"""A larger one is not kept: beside its step, binding it anew costs nothing."""


class Workspace:
    """The idle interpreters of one program over one set of parameters.

    It holds the parameters, so it belongs to who owns them, not to the program, which models
    share. Threads may share it: an interpreter is with one of them or idle.
    """

    def __init__(self) -> None:
        self._idle: list[Interpreter] = []

    def take(self, tape: Tape, rows: int, parameters: Array, slots: Sequence[Array]) -> Interpreter:
        """An idle interpreter that fits, or a new one."""
        for _ in range(len(self._idle)):
            try:
                found = self._idle.pop(0)
            except IndexError:  # another thread was first
                break
            if not found.reads(parameters, slots):
                continue  # bound to arrays of the past
            if found.rows == rows:
                return found
            self._idle.append(found)
        return Interpreter(tape, rows, parameters, slots)

    def give_back(self, interpreter: Interpreter) -> None:
        """Keep an interpreter for the next run, where it is small and few are kept."""
        if len(self._idle) < MOST_IDLE and interpreter.bytes <= MOST_BYTES:
            self._idle.append(interpreter)
