"""The steps after the first, and the numbers of each step, as a network's page takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.engine import Tape
from chainrule.optimizers import Adam, AdamW, Optimizer, schedules
from chainrule.tracing.page.shipping import packed, shipped_tape
from chainrule.tracing.step import StepTrace

__all__ = ["seed_and_step", "shipped_later", "shipped_lines", "steps_traced"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_LATER = 100_000
"""Numbers of later steps that are shipped: parameters, state and what was drawn, all together."""
KNOWN_STEPS = 2_000
"""Steps whose numbers are shipped, where they change by step."""
OWN_STEPS = 100
"""The same of a rate that is code of one's own, which may not be asked for more."""


def steps_traced(trace: StepTrace) -> int:
    """How many steps were asked for and made; after one whose loss is not finite there is none."""
    return len(trace.losses) - bool(np.isfinite(trace.losses[-1]))


def shipped_lines(rule: Optimizer, first: int, least: int) -> dict[str, Any]:
    """The numbers of each step, scalar by scalar.

    first, least
        The first step, counted from 1; how many there must be at least.

    `known` is for how many steps, None for all: then a column is one number, or the settings of
    Adam's corrections, which the page computes.
    """
    rate: Any = rule.learning_rate
    line = type(rule).line
    if not callable(rate) and line in (Optimizer.line, Adam.line, AdamW.line):
        columns: list[Any] = [packed(one) for one in rule.lines(first, 1).T]
        if isinstance(rule, Adam | AdamW) and line is not Optimizer.line:
            columns[0] = {"rate": rate, "beta_1": rule.beta_1, "beta_2": rule.beta_2}
        return {"known": None, "columns": columns}
    own = callable(rate) and type(rate) not in schedules.SCHEDULES.values()
    known = max(least, OWN_STEPS if own else KNOWN_STEPS)
    return {"known": known, "columns": [packed(one) for one in rule.lines(first, known).T]}


def shipped_later(trace: StepTrace, tape: Tape, first: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each step after the first draws by chance, and what it starts from.

    first
        The tape of the first step, as it is shipped.

    Where what they start from would be too large the page makes the steps again; where what they
    draw would be, it has none of them.
    """
    drawn = [_drawn(one, tape, first["constants"]) for one in trace.following]
    numbers = sum(int(np.prod(array[0])) for constants in drawn for array in constants.values())
    whole = numbers + sum(map(_size, trace.following)) <= MOST_LATER
    if numbers > MOST_LATER or not (whole or numbers):
        return []
    return [
        {"at": one.iteration - trace.iteration, "constants": constants}
        | (_start(one) if whole else {})
        for one, constants in zip(trace.following, drawn, strict=True)
    ]


def _drawn(trace: StepTrace, tape: Tape, first: Mapping[int, Any]) -> dict[int, Any]:
    """The constants of a step that are not those of the first."""
    plain, _ = shipped_tape(tape, trace.rows, seed_and_step(trace, tape))
    found = plain["constants"].items()
    return {index: array for index, array in found if array != first[index]}


def _start(trace: StepTrace) -> dict[str, Any]:
    trainer = trace.trainer
    slots = [packed(array) for array in trainer.optimizer.slots]
    return {"parameters": packed(trainer.parameters.flat), "slots": slots}


def seed_and_step(trace: StepTrace, tape: Tape) -> dict[int, Array]:
    """The values of the tape's scalar sources, from which a step draws its numbers."""
    trainer = trace.trainer
    return {
        one.index: np.asarray(
            trainer.seed if one.name == "seed" else trainer.iterations,
            tape.values[one.index].dtype,
        )
        for one in tape.sources if one.kind == "scalar"
    }  # fmt: skip


def _size(trace: StepTrace) -> int:
    """The numbers that a step starts from."""
    trainer = trace.trainer
    return trainer.parameters.count + sum(array.size for array in trainer.optimizer.slots)
