"""Graph to program: lower, run the passes, verify, keep."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from threading import Lock
from typing import Any

import numpy as np

from chainrule import random
from chainrule.engine.lower import Graph, lower
from chainrule.engine.passes import PASSES
from chainrule.engine.passes.share import instruction_key
from chainrule.engine.program import Program
from chainrule.engine.tape import Tape
from chainrule.engine.verify import verify
from chainrule.errors import EngineError, SettingError, listing

__all__ = ["ENGINES", "check_engine", "compile", "engine_info"]

ENGINES = ("auto", "native", "numpy")

_KEPT = 128
_programs: OrderedDict[Hashable, Program] = OrderedDict()
_lock = Lock()


def compile(  # noqa: A001
    graph: Graph, engine: str = "auto", passes: Iterable[str] | None = None
) -> Program:
    """The program of a graph; two graphs of one structure share it.

    engine
        `auto`, `numpy`, or `native` (which refuses what it cannot run).
    passes
        Names of the passes to run, in their order; all of them when None. Results are the same
        to the bit with any subset.

    Raises `SettingError` for an unknown engine or pass, `EngineError` where the engine cannot
    run the program.
    """
    check_engine(engine)
    chosen = tuple(PASSES if passes is None else passes)
    for name in chosen:
        if name not in PASSES:
            message = f"passes: {name!r} is not known; known: {listing(PASSES)}."
            raise SettingError(message)
    tape = lower(graph)
    key = _key(tape, chosen)
    if key is not None:
        with _lock:
            if key in _programs:
                _programs.move_to_end(key)
                return _programs[key]
    verify(tape)
    for name in PASSES:
        if name in chosen:
            tape = PASSES[name](tape)
            verify(tape)
    program = Program(tape, "numpy")
    if key is not None:
        with _lock:
            _programs[key] = program
            if len(_programs) > _KEPT:
                _programs.popitem(last=False)
    return program


def check_engine(engine: str) -> None:
    """Raise where an engine is not known or cannot be had."""
    if engine not in ENGINES:
        message = f"engine: {engine!r} is not known; known: {listing(ENGINES)}."
        raise SettingError(message)
    if engine == "native":
        message = 'engine: the native executor is not in this version; use engine="auto".'
        raise EngineError(message)


def _key(tape: Tape, passes: tuple[str, ...]) -> Hashable:
    """What two tapes have in common when they are the same; None where that is not known."""
    constants: list[Any] = []
    for source in tape.sources:
        constant = source.constant
        if constant is not None:
            constants.append((source.index, constant.shape, constant.dtype.str, constant.tobytes()))
    instructions = tuple(
        instruction_key(instruction, instruction.operands) for instruction in tape.instructions
    )
    if None in instructions:
        return None
    return (
        passes, tape.values, tape.sources, tuple(constants), instructions, tape.seam,
        tuple(tape.results.items()), tape.segments, tape.loss, tape.gradients, tape.updates,
    )  # fmt: skip


def engine_info() -> dict[str, Any]:
    """What runs the programs here: the engine, NumPy's version, and the native module.

    >>> import chainrule as cr
    >>> cr.engine_info()["engine"]
    'numpy'
    """
    native = random.has_native()
    return {
        "engine": "numpy",
        "numpy": np.__version__,
        "native": native,
        "note": "random numbers are drawn by the native module"
        if native
        else "chainrule was installed without its native module (no C++ compiler was found): "
        "random numbers are drawn by NumPy, with the same bits, more slowly",
    }
