"""Graph to program: lower, run the passes, verify, keep."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from chainrule.engine.executor import Executor
from chainrule.engine.lower import Graph, lower
from chainrule.engine.native import instruction_set, native_module
from chainrule.engine.passes import PASSES
from chainrule.engine.passes.share import instruction_key
from chainrule.engine.program import Program
from chainrule.engine.tape import Tape
from chainrule.engine.threads import thread_count
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
    key = _key(tape, chosen, engine == "numpy")
    if key is not None:
        with _lock:
            kept = _programs.get(key)
            if kept is not None and engine in ("auto", kept.engine):
                _programs.move_to_end(key)
                return kept
    verify(tape)
    for name in PASSES:
        if name in chosen:
            tape = PASSES[name](tape)
    verify(tape)  # tests verify after each pass
    program = _on_engine(tape, engine)
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
    if engine == "native" and native_module() is None:
        message = (
            "engine: chainrule was installed without its native module (no C++ compiler was found)"
            '; use engine="auto".'
        )
        raise EngineError(message)


def _on_engine(tape: Tape, engine: str) -> Program:
    """The program on the engine that was asked for, or on the one that can run it."""
    if engine == "numpy" or (engine == "auto" and native_module() is None):
        return Program(tape, "numpy")
    try:
        return Program(tape, "native", Executor(tape))
    except EngineError as error:
        if engine == "native":
            raise
        _tell(str(error))
        return Program(tape, "numpy")


@cache
def _tell(sentence: str) -> None:
    logging.getLogger("chainrule").warning("%s This program runs on NumPy, more slowly.", sentence)


def _key(tape: Tape, passes: tuple[str, ...], on_numpy: bool) -> Hashable:
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
        on_numpy, passes, tape.values, tape.sources, tuple(constants), instructions, tape.seam,
        tuple(tape.results.items()), tape.segments, tape.loss, tape.gradients, tape.updates,
        tape.states,
    )  # fmt: skip


def engine_info() -> dict[str, Any]:
    """What runs the programs here: engine, instruction set, threads, NumPy's version.

    >>> import chainrule as cr
    >>> cr.engine_info()["engine"] in ("native", "numpy")
    True
    """
    native = native_module() is not None
    return {
        "engine": "native" if native else "numpy",
        "instruction_set": instruction_set() if native else None,
        "threads": thread_count() if native else None,
        "numpy": np.__version__,
        "native": native,
        "note": "programs run in the native engine"
        if native
        else "chainrule was installed without its native module (no C++ compiler was found): "
        "NumPy runs the programs, more slowly, and draws the same random numbers",
    }
