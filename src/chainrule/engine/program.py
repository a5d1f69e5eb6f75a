"""Programs: a compiled graph that runs over data, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engine.interpreter import Interpreter
from chainrule.engine.tape import Array, Tape
from chainrule.errors import EngineError, ShapeError
from chainrule.graph import Rows

__all__ = ["Program", "Steps"]


@dataclass(frozen=True)
class Steps:
    """What a run gives back.

    results
        By name: a scalar result as float64 with one number a batch, another with an entry a row.
    rows
        The number of rows of each batch.
    stopped
        The first batch whose loss was not finite (its update was not made), or None.
    """

    results: dict[str, Array]
    rows: Array
    stopped: int | None = None


@dataclass(frozen=True)
class Program:
    """An immutable compiled graph; each run has its own memory, so threads may share it."""

    tape: Tape
    engine: str

    def run(
        self,
        arrays: Mapping[str, Array],
        parameters: Array,
        *,
        order: Array | None = None,
        batch_size: int = 1024,
        slots: Sequence[Array] = (),
        lines: Array | None = None,
        seed: int = 0,
        step: int = 0,
    ) -> Steps:
        """Run over the rows of the data in order, a batch at a time.

        arrays
            Data by input name: the declared type, equal numbers of rows.
        parameters
            The flat array; with an update its trainable part changes in place.
        order
            Row numbers, shape (n,); all rows as they come when None.
        slots
            The optimizer's flat arrays, changed in place.
        lines
            The update's scalars, shape (batches, scalars).
        seed, step
            What random operations draw from; batch i is global step `step + i`.
        """
        data = self._checked(arrays)
        count = len(order) if order is not None else _row_count(data)
        batches = math.ceil(count / batch_size)
        collected = _Collected(self.tape, count, batches)
        bound: dict[int, Interpreter] = {}
        for batch in range(batches):
            start, stop = batch * batch_size, min((batch + 1) * batch_size, count)
            if stop - start not in bound:
                bound[stop - start] = Interpreter(self.tape, stop - start, parameters, slots)
            interpreter = bound[stop - start]
            _fill(interpreter, data, order, start, stop)
            _set_scalars(interpreter, seed, step + batch)
            interpreter.forward()
            collected.take(interpreter, batch, start, stop)
            if self.tape.loss is not None and not np.isfinite(interpreter.values[self.tape.loss]):
                return collected.steps(stopped=batch)
            if self.tape.updates:
                if lines is not None:
                    for scalar, number in zip(interpreter.lines, lines[batch], strict=True):
                        scalar[()] = number
                interpreter.update()
        return collected.steps()

    def gradient(
        self, arrays: Mapping[str, Array], parameters: Array, *, seed: int = 0, step: int = 0
    ) -> tuple[dict[str, Any], Array]:
        """Results and the flat gradient of the loss over all rows as one batch; changes nothing."""
        data = self._checked(arrays)
        slots = [np.zeros_like(parameters) for s in self.tape.sources if s.kind == "slot"]
        interpreter = Interpreter(self.tape, _row_count(data), parameters, slots)
        _fill(interpreter, data, None, 0, _row_count(data))
        _set_scalars(interpreter, seed, step)
        interpreter.forward()
        results = {
            name: interpreter.values[index].copy() for name, index in self.tape.results.items()
        }
        return results, interpreter.gradient

    def _checked(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The arrays of the inputs by name; raises where one is missing or does not fit."""
        checked: dict[str, Array] = {}
        for source in self.tape.sources:
            if source.kind != "rows":
                continue
            value = self.tape.values[source.index]
            if source.name not in arrays:
                message = f"program: input {source.name!r} is missing; give it in arrays."
                raise EngineError(message)
            array = arrays[source.name]
            if array.dtype != value.dtype:
                message = (
                    f"program: input {source.name!r} must be {value.dtype}, got {array.dtype}."
                )
                raise EngineError(message)
            if array.ndim == 0 or array.shape[1:] != value.shape[1:]:
                message = (
                    f"program: input {source.name!r} must have shape {value.shape}, "
                    f"got {array.shape}."
                )
                raise ShapeError(message)
            checked[source.name] = array
        lengths = {name: len(array) for name, array in checked.items()}
        if len(set(lengths.values())) > 1:
            message = f"program: inputs have different numbers of rows: {lengths}."
            raise ShapeError(message)
        return checked


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
            np.take(array, order[start:stop], axis=0, out=interpreter.inputs[name], mode="clip")


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
            elif value.shape[0] == Rows():
                self._results[name] = np.zeros((count, *value.shape[1:]), value.dtype)
            else:
                message = f"result {name!r} must be a scalar or have an entry a row: {value.shape}."
                raise EngineError(message)

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
        done = stopped + 1
        results = {
            name: array[:done] if self._tape.values[self._tape.results[name]].shape == () else array
            for name, array in self._results.items()
        }
        return Steps(results, self._rows[:done], stopped)
