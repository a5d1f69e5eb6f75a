"""The native engine: a tape loaded into C++, which runs any number of steps a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.engine.border import (
    check_batch_size,
    check_draws,
    check_epoch_rows,
    check_lines,
    check_parameters,
    check_results,
    check_slots,
    checked_arrays,
    checked_order,
    contiguous,
)
from chainrule.engine.native import load, native_module
from chainrule.engine.steps import Steps
from chainrule.engine.tape import Array, Tape
from chainrule.engine.threads import thread_count
from chainrule.errors import DataError, EngineError

__all__ = ["Executor"]


class Executor:
    """A tape loaded into the native engine; each run has its own memory, so threads may share it.

    tape
        A verified tape.
    instructions
        The instruction set of its kernels; the widest that the machine has where None.

    What it is given is looked at in C++, type, shape and layout, before anything runs; only where
    something does not fit is it looked at here: brought into the form that is wanted, as a list of
    slots is, or refused with a sentence.
    """

    def __init__(self, tape: Tape, instructions: str | None = None) -> None:
        check_results(tape)
        self._tape = tape
        self._loaded = load(tape, instructions)
        module = native_module()
        assert module is not None  # noqa: S101  (it has just loaded the tape)
        self._refused, self._bad_data = module.Refused, module.BadData

    def run(
        self, arrays: Mapping[str, Array], parameters: Array, order: Array | None, batch_size: int,
        slots: Sequence[Array], lines: Array | None, seed: int, step: int,
        epoch_rows: int | None = None, gradient: Array | None = None,
    ) -> Steps:  # fmt: skip
        """As `Program.run`; with an array for the gradient, no update is made."""
        try:
            results, rows, stopped = self._loaded.run(
                arrays, parameters, order, batch_size, epoch_rows, slots, lines, seed, step,
                gradient, thread_count(),
            )  # fmt: skip
        except (self._refused, TypeError):
            results, rows, stopped = self._run_fitted(
                arrays, parameters, order, batch_size, slots, lines, seed, step, epoch_rows,
                gradient,
            )  # fmt: skip
        except self._bad_data as error:
            raise DataError(str(error)) from None
        if stopped is None:
            return Steps(results, rows)
        rows = rows[: stopped + 1]
        seen = int(rows.sum())
        for name, index in self._tape.results.items():
            kept = seen if self._tape.values[index].shape else len(rows)
            results[name] = results[name][:kept]
        return Steps(results, rows, stopped)

    def _run_fitted(
        self, arrays: Mapping[str, Array], parameters: Array, order: Array | None, batch_size: int,
        slots: Sequence[Array], lines: Array | None, seed: int, step: int,
        epoch_rows: int | None, gradient: Array | None,
    ) -> tuple[dict[str, Array], Array, int | None]:  # fmt: skip
        """The run with all that was given in the form that is wanted; raises where it cannot be."""
        tape = self._tape
        check_batch_size(batch_size)
        check_draws(seed, step)
        check_parameters(tape, parameters)
        data = checked_arrays(tape, arrays)
        rows = len(next(iter(data.values()))) if data else None
        if order is not None:
            order = contiguous(checked_order(order, rows).astype(np.int64, copy=False))
        count = (1 if rows is None else rows) if order is None else len(order)
        epoch_rows = (count or 1) if epoch_rows is None else epoch_rows
        check_epoch_rows(epoch_rows, count)
        batch_size = min(batch_size, epoch_rows)  # any that is larger means all of them
        if gradient is None:
            check_slots(tape, slots)
            check_lines(tape, lines, count // epoch_rows * -(-epoch_rows // batch_size))
        if lines is not None:
            lines = contiguous(np.asarray(lines, np.float64))
        try:
            made: tuple[dict[str, Array], Array, int | None] = self._loaded.run(
                data, parameters, order, batch_size, epoch_rows, tuple(slots), lines, seed, step,
                gradient, thread_count(),
            )  # fmt: skip
        except self._refused as error:
            message = f"program: {error}; give what print(program.tape) declares."
            raise EngineError(message) from None
        except self._bad_data as error:
            raise DataError(str(error)) from None
        return made

    def work(self, rows: int) -> float:
        """The multiply-adds of the matrix products of a batch."""
        made: float = self._loaded.work(rows)
        return made

    def runs(self, rows: int) -> list[tuple[str, bool]]:
        """The signature of each element-wise run, and whether it was compiled with the set."""
        made: list[tuple[str, bool]] = self._loaded.runs(rows)
        return made

    def arena_bytes(self, rows: int) -> int:
        """The memory of a run with batches of so many rows, scratch aside."""
        made: int = self._loaded.arena_bytes(rows)
        return made
