"""Programs: a compiled graph that runs over data, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
)
from chainrule.engine.executor import Executor
from chainrule.engine.interpreter import Interpreter
from chainrule.engine.steps import Steps
from chainrule.engine.tape import Array, Tape
from chainrule.engine.workspace import Workspace
from chainrule.errors import DataError, EngineError
from chainrule.graph import bind

__all__ = ["Program"]


@dataclass(frozen=True)
class Program:
    """An immutable compiled graph; each run has its own memory, so threads may share it."""

    tape: Tape
    engine: str
    executor: Executor | None = None

    def run(
        self,
        arrays: Mapping[str, Array],
        parameters: Array,
        *,
        order: Array | None = None,
        batch_size: int = 1024,
        epoch_rows: int | None = None,
        slots: Sequence[Array] = (),
        lines: Array | None = None,
        seed: int = 0,
        step: int = 0,
        workspace: Workspace | None = None,
    ) -> Steps:
        """Run over the rows of the data in order, a batch at a time.

        arrays
            Data by input name: the declared type, equal numbers of rows.
        parameters
            The flat array; with an update its trainable part changes in place.
        order
            Row numbers, shape (n,); all rows as they come when None.
        epoch_rows
            Rows after which batches begin anew, so that one run makes several epochs; all when
            None.
        slots
            The optimizer's flat arrays, changed in place.
        lines
            The update's scalars, shape (batches, scalars).
        seed, step
            What random operations draw from; batch i is global step `step + i`.
        workspace
            Keeps bound memory for the next run over the same parameters.
        """
        if self.executor is not None:
            return self.executor.run(
                arrays, parameters, order, batch_size, slots, lines, seed, step, epoch_rows
            )
        check_batch_size(batch_size)
        check_draws(seed, step)
        check_parameters(self.tape, parameters)
        check_slots(self.tape, slots)
        data = checked_arrays(self.tape, arrays)
        if order is not None:
            order = checked_order(order, _row_count(data) if data else None)
        rows = _row_count(data) if order is None else len(order)
        epoch_rows = (rows or 1) if epoch_rows is None else epoch_rows
        check_epoch_rows(epoch_rows, rows)
        batches = _Batches(data, order, rows, batch_size, epoch_rows, seed, step)
        check_lines(self.tape, lines, batches.count)
        # numbers that overflow show in the loss, which stops the run
        with np.errstate(all="ignore"):
            return self._stepped(batches, parameters, slots, lines, workspace or Workspace())

    def _stepped(
        self, batches: _Batches, parameters: Array, slots: Sequence[Array], lines: Array | None,
        workspace: Workspace,
    ) -> Steps:  # fmt: skip
        tape = self.tape
        check_results(tape)
        collected = _Collected(tape, batches.rows, batches.count)
        bound: dict[int, Interpreter] = {}
        stopped: int | None = None
        for batch in range(batches.count):
            start, stop = batches.limits(batch)
            if stop - start not in bound:
                bound[stop - start] = workspace.take(tape, stop - start, parameters, slots)
            interpreter = bound[stop - start]
            _fill(interpreter, batches.data, batches.order, start, stop)
            _set_scalars(interpreter, batches.seed, batches.step + batch)
            interpreter.forward()
            collected.take(interpreter, batch, start, stop)
            if tape.loss is not None and not np.isfinite(interpreter.values[tape.loss]):
                stopped = batch
                break
            if tape.updates:
                if lines is not None:
                    for scalar, number in zip(interpreter.lines, lines[batch], strict=True):
                        scalar[()] = number
                interpreter.update()
        for interpreter in bound.values():
            workspace.give_back(interpreter)
        return collected.steps(stopped)

    @cached_property
    def row_bytes(self) -> int:
        """The bytes that a row takes in all values together, whatever shares its place."""
        values = self.tape.values
        one, two = (
            sum(math.prod(bind(value.shape, rows)) * value.dtype.itemsize for value in values)
            for rows in (1, 2)
        )
        return two - one

    def gradient(
        self, arrays: Mapping[str, Array], parameters: Array, *, seed: int = 0, step: int = 0
    ) -> tuple[dict[str, Any], Array]:
        """Results and the flat gradient of the loss over all rows as one batch; changes nothing.

        Raises `EngineError` where the graph has no loss, `DataError` where the data has no rows.
        """
        if self.tape.loss is None:
            message = "program: it has no loss, so no gradient; give the graph a loss."
            raise EngineError(message)
        data = checked_arrays(self.tape, arrays)
        check_parameters(self.tape, parameters)
        if _row_count(data) == 0:
            message = "program: a gradient over no rows is not defined; give a row or more."
            raise DataError(message)
        if self.executor is not None:
            return self._native_gradient(data, parameters, seed, step)
        with np.errstate(all="ignore"):
            interpreter = Interpreter(self.tape, _row_count(data), parameters)
            _fill(interpreter, data, None, 0, _row_count(data))
            _set_scalars(interpreter, seed, step)
            interpreter.forward()
        results = {
            name: interpreter.values[index].copy() for name, index in self.tape.results.items()
        }
        return results, interpreter.gradient

    def _native_gradient(
        self, data: Mapping[str, Array], parameters: Array, seed: int, step: int
    ) -> tuple[dict[str, Any], Array]:
        assert self.executor is not None  # noqa: S101  (the caller has looked)
        gradient = np.empty(self.tape.trainable, parameters.dtype)
        results: dict[str, Any] = self.executor.run(
            data, parameters, None, _row_count(data), (), None, seed, step, gradient=gradient
        ).results
        for name, index in self.tape.results.items():
            value = self.tape.values[index]
            if value.shape == ():
                results[name] = np.asarray(results[name][0], value.dtype)
        return results, gradient


@dataclass(frozen=True)
class _Batches:
    """The rows of a run, cut into batches."""

    data: Mapping[str, Array]
    order: Array | None
    rows: int
    size: int
    epoch_rows: int
    seed: int
    step: int

    @property
    def in_epoch(self) -> int:
        return math.ceil(self.epoch_rows / self.size)

    @property
    def count(self) -> int:
        return self.rows // self.epoch_rows * self.in_epoch

    def limits(self, batch: int) -> tuple[int, int]:
        epoch, place = divmod(batch, self.in_epoch)
        start, end = epoch * self.epoch_rows, (epoch + 1) * self.epoch_rows
        return start + place * self.size, min(start + (place + 1) * self.size, end)


def _row_count(data: Mapping[str, Array]) -> int:
    return len(next(iter(data.values()))) if data else 1


def _fill(
    interpreter: Interpreter, data: Mapping[str, Array], order: Array | None, start: int, stop: int
) -> None:
    for name, array in data.items():
        if order is None:
            interpreter.inputs[name][...] = array[start:stop]
        else:
            # row numbers were checked at the border; "clip" lets take write without a copy
            array.take(order[start:stop], 0, interpreter.inputs[name], "clip")


def _set_scalars(interpreter: Interpreter, seed: int, step: int) -> None:
    if "seed" in interpreter.inputs:
        interpreter.inputs["seed"][()] = seed
    if "step" in interpreter.inputs:
        interpreter.inputs["step"][()] = step


class _Collected:
    """Results put together batch by batch."""

    def __init__(self, tape: Tape, count: int, batches: int) -> None:
        self._tape = tape
        self._rows = np.zeros(batches, np.int64)
        self._results: dict[str, Array] = {}
        for name, index in tape.results.items():
            value = tape.values[index]
            if value.shape == ():
                self._results[name] = np.zeros(batches, np.float64)
            else:
                self._results[name] = np.zeros((count, *value.shape[1:]), value.dtype)

    def take(self, interpreter: Interpreter, batch: int, start: int, stop: int) -> None:
        self._rows[batch] = stop - start
        for name, index in self._tape.results.items():
            result, value = self._results[name], interpreter.values[index]
            if value.ndim == 0:
                result[batch] = value
            else:
                result[start:stop] = value

    def steps(self, stopped: int | None = None) -> Steps:
        if stopped is None:
            return Steps(self._results, self._rows)
        rows = self._rows[: stopped + 1]
        results = {}
        for name, array in self._results.items():
            scalar = self._tape.values[self._tape.results[name]].shape == ()
            results[name] = array[: len(rows)] if scalar else array[: rows.sum()]
        return Steps(results, rows, stopped)
