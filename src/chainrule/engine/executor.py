"""The native engine: a tape loaded into C++, which runs any number of steps a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine.border import (
    check_batch_size,
    check_epoch_rows,
    check_lines,
    check_parameters,
    check_slots,
    checked_arrays,
    checked_order,
)
from chainrule.engine.native import load, native_module
from chainrule.engine.steps import Steps
from chainrule.engine.tape import Array, Tape
from chainrule.engine.threads import thread_count
from chainrule.errors import DataError, EngineError
from chainrule.graph import Rows, bind

__all__ = ["Executor"]


class Executor:
    """A tape loaded into the native engine; each run has its own memory, so threads may share it.

    tape
        A verified tape.
    instructions
        The instruction set of its kernels; the widest that the machine has where None.

    What it is given is looked at in C++, type, size and layout, before anything runs; only where
    something does not fit is it looked at here, for the sentence that says what.
    """

    def __init__(self, tape: Tape, instructions: str | None = None) -> None:
        self._tape = tape
        self._inputs = tuple(s.name for s in tape.sources if s.kind == "rows")
        self._wanted: list[tuple[str, Any, tuple[int, ...] | None]] = []
        for name, index in tape.results.items():
            value = tape.values[index]
            if value.shape and value.shape[0] != Rows():
                message = f"result {name!r} must be a scalar or have an entry a row: {value.shape}."
                raise EngineError(message)
            tail = bind(value.shape[1:], 0) if value.shape else None
            self._wanted.append((name, value.dtype if value.shape else np.float64, tail))
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
        update = gradient is None
        try:
            data = tuple([arrays[name] for name in self._inputs])
            data_rows = len(data[0]) if data else 1
            rows = data_rows if order is None else len(order)
            epoch_rows = (rows or 1) if epoch_rows is None else epoch_rows
            # any that is larger means all of them
            batch_size = min(batch_size, max(epoch_rows, 1))
            results, outcome = self._call(
                data, data_rows, order, rows, batch_size, epoch_rows, parameters, slots, lines,
                seed, step, gradient, update,
            )  # fmt: skip
        except (self._refused, KeyError, TypeError, AttributeError, ZeroDivisionError):
            fitting = self._fitting(
                arrays, parameters, order, batch_size, epoch_rows, slots, lines, update
            )
            data, data_rows, order, rows, epoch_rows, lines = fitting
            batch_size = min(batch_size, epoch_rows)
            try:
                results, outcome = self._call(
                    data, data_rows, order, rows, batch_size, epoch_rows, parameters, slots, lines,
                    seed, step, gradient, update,
                )  # fmt: skip
            except self._refused as error:
                message = f"program: {error}; give what print(program.tape) declares."
                raise EngineError(message) from None
        ran, was_stopped = outcome
        counts = np.full(ran, batch_size, np.int64)
        in_epoch = -(-epoch_rows // batch_size)
        counts[in_epoch - 1 :: in_epoch] = epoch_rows - (in_epoch - 1) * batch_size
        if not was_stopped:
            return Steps(results, counts)
        seen = int(counts.sum())
        for name, _, tail in self._wanted:
            results[name] = results[name][: ran if tail is None else seen]
        return Steps(results, counts, ran - 1)

    def _call(
        self, data: tuple[Array, ...], data_rows: int, order: Array | None, rows: int,
        batch_size: int, epoch_rows: int, parameters: Array, slots: Sequence[Array],
        lines: Array | None, seed: int, step: int, gradient: Array | None, update: bool,
    ) -> tuple[dict[str, Array], tuple[int, bool]]:  # fmt: skip
        # what makes it negative is refused below
        batches = max(0, rows // epoch_rows * -(-epoch_rows // batch_size))
        results = {
            name: np.empty(batches if tail is None else (rows, *tail), dtype)
            for name, dtype, tail in self._wanted
        }
        try:
            outcome = self._loaded.run(
                data, data_rows, order, rows, batch_size, epoch_rows, parameters, tuple(slots),
                gradient, lines, seed, step, thread_count(), update, tuple(results.values()),
            )  # fmt: skip
        except self._bad_data as error:
            raise DataError(str(error)) from None
        return results, outcome

    def _fitting(
        self, arrays: Mapping[str, Array], parameters: Array, order: Array | None, batch_size: int,
        epoch_rows: int | None, slots: Sequence[Array], lines: Array | None, update: bool,
    ) -> tuple[tuple[Array, ...], int, Array | None, int, int, Array | None]:  # fmt: skip
        """What was given in the form that is wanted; raises where it cannot be."""
        check_batch_size(batch_size)
        check_parameters(self._tape, parameters)
        data = checked_arrays(self._tape, arrays)
        data_rows = len(next(iter(data.values()))) if data else 1
        if order is not None:
            order = np.ascontiguousarray(
                checked_order(order, data_rows if data else None), np.int64
            )
        rows = data_rows if order is None else len(order)
        epoch_rows = (rows or 1) if epoch_rows is None else epoch_rows
        check_epoch_rows(epoch_rows, rows)
        if update:
            check_slots(self._tape, slots)
            check_lines(self._tape, lines, rows // epoch_rows * -(-epoch_rows // batch_size))
        if lines is not None:
            lines = np.ascontiguousarray(lines, np.float64)
        inputs = tuple(data[name] for name in self._inputs)
        return inputs, data_rows, order, rows, epoch_rows, lines

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
