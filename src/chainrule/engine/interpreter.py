"""The NumPy engine: what a tape means, one NumPy call an instruction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule.engine.passes.reuse import byte_size
from chainrule.engine.tape import Array, Instruction, Tape, Value
from chainrule.graph import Operation, Rows, bind

__all__ = ["Interpreter"]

Call = Callable[[], Any]

# elements of a block of a fused run: operands and scratch stay in the cache of a core
_BLOCK = 16384


def _sum_into(out: Array, x: Array, *, axis: tuple[int, ...], keepdims: bool) -> None:
    np.add.reduce(x, axis=axis, out=out, keepdims=keepdims)


# operations that are no ufunc but can write where they are told: the same bits, no copy
_INTO: dict[str, Callable[..., Any]] = {
    "sum": _sum_into,
    "greater": lambda out, x, y: np.greater(x, y, out=out),
    "equal": lambda out, x, y: np.equal(x, y, out=out),
    "relu": lambda out, x: np.maximum(x, 0, out=out),
}


def _call(operation: Operation, operands: Sequence[Array], out: Array, given: Any) -> Call:
    """A call of nothing that computes the operation into `out`."""
    meaning = operation.meaning
    if isinstance(meaning, np.ufunc):
        return partial(meaning, *operands, out)
    if operation.name in _INTO:
        return partial(_INTO[operation.name], out, *operands, **given)

    def compute() -> None:
        out[...] = meaning(*operands, **given)

    return compute


class Interpreter:
    """A tape bound to memory, for one number of rows: run it as often as wanted.

    tape
        A verified tape.
    rows
        The number of rows of a batch.
    parameters, slots
        Flat arrays, read where they lie; an update writes them in place.

    Fill `inputs` (by name) before each run; read `values` (by index) after it.
    """

    def __init__(
        self, tape: Tape, rows: int, parameters: Array, slots: Sequence[Array] = ()
    ) -> None:
        self.tape = tape
        self.rows = rows
        self.values: dict[int, Array] = {}
        self.inputs: dict[str, Array] = {}
        self.lines: list[Array] = []
        self._arena = self._allocate()
        trainable = [segment for segment in tape.segments if segment.trainable]
        count = trainable[-1].stop if trainable else 0
        self.gradient = np.empty(count, parameters.dtype)
        self._place_sources(parameters, slots, parameters[:count])
        self._targets = [parameters[:count], *slots] if tape.updates else []
        self._direct = self._direct_gradients(trainable)
        self.forward_calls = self._bound(tape.instructions[: tape.seam])
        self.forward_calls += self._copied_gradients(trainable)
        self.update_calls = self._bound(tape.instructions[tape.seam :])
        self.update_calls += [
            partial(np.copyto, target, self.values[index])
            for target, index in zip(self._targets, tape.updates, strict=False)
            if self.values[index] is not target
        ]

    def forward(self) -> None:
        """Everything before the seam: results, loss, and the flat gradient."""
        for call in self.forward_calls:
            call()

    def update(self) -> None:
        """Everything after the seam: parameters and slots move."""
        for call in self.update_calls:
            call()

    def _allocate(self) -> dict[int, Array]:
        sizes: dict[int, int] = {}
        for index, place in self.tape.storage.items():
            number, power = byte_size(self.tape.values[index])
            sizes[place] = max(sizes.get(place, 0), number * self.rows**power)
        return {place: np.empty(size, np.uint8) for place, size in sizes.items()}

    def _place_sources(
        self, parameters: Array, slots: Sequence[Array], trainable: Array
    ) -> None:
        waiting = iter(slots)
        segments = iter(self.tape.segments)
        for source in self.tape.sources:
            value = self.tape.values[source.index]
            if source.kind == "constant" and source.constant is not None:
                array = source.constant
            elif source.kind == "parameter":
                segment = next(segments)
                array = parameters[segment.start : segment.stop].reshape(segment.shape)
            elif source.kind == "weight":
                array = trainable
            elif source.kind == "gradient":
                array = self.gradient
            elif source.kind == "slot":
                array = next(waiting)
            else:
                array = np.zeros(bind(value.shape, self.rows), value.dtype)
                if source.kind == "line":
                    self.lines.append(array)
                else:
                    self.inputs[source.name] = array
            self.values[source.index] = array

    def _direct_gradients(self, trainable: Sequence[Any]) -> dict[int, Array]:
        """Gradients that can be computed right where they lie in the flat gradient."""
        gradients = self.tape.gradients
        made = {
            index
            for instruction in self.tape.instructions
            if not instruction.is_view
            for index in instruction.results
        }
        shared = {*self.tape.results.values()}
        return {
            index: self.gradient[segment.start : segment.stop].reshape(segment.shape)
            for segment, index in zip(trainable, gradients, strict=False)
            if index in made and gradients.count(index) == 1 and index not in shared
        }

    def _copied_gradients(self, trainable: Sequence[Any]) -> list[Call]:
        return [
            partial(
                np.copyto,
                self.gradient[segment.start : segment.stop].reshape(segment.shape),
                self.values[index],
            )
            for segment, index in zip(trainable, self.tape.gradients, strict=False)
            if index not in self._direct
        ]

    def _bound(self, instructions: Sequence[Instruction]) -> list[Call]:
        calls: list[Call] = []
        for instruction in instructions:
            if instruction.parts:
                calls.extend(self._fused_calls(instruction))
            else:
                calls.extend(self._plain_calls(instruction))
        return calls

    def _memory(self, index: int) -> Array:
        """Where a value is written: in the flat gradient, at its place, or on its own."""
        if index in self._direct:
            return self._direct[index]
        value = self.tape.values[index]
        shape = bind(value.shape, self.rows)
        place = self.tape.storage.get(index)
        if place is None:
            return np.empty(shape, value.dtype)
        size = int(np.prod(shape)) * value.dtype.itemsize
        return self._arena[place][:size].view(value.dtype).reshape(shape)

    def _attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: bind(value, self.rows)
            if isinstance(value, tuple) and any(isinstance(size, Rows) for size in value)
            else value
            for name, value in given.items()
        }

    def _plain_calls(self, instruction: Instruction) -> list[Call]:
        operation = instruction.operation
        assert operation is not None  # noqa: S101  (a fused instruction has parts)
        operands = [self.values[index] for index in instruction.operands]
        attributes = self._attributes(instruction.attributes)
        (result,) = instruction.results
        if operation.view:
            seen = operation.meaning(*operands, **attributes)
            if np.may_share_memory(seen, operands[0]):
                self.values[result] = seen
                return []
        out = self.values[result] = self._memory(result)
        return [_call(operation, operands, out, attributes)]

    def _fused_calls(self, instruction: Instruction) -> list[Call]:
        """The parts one after the other, block by block along the first axis."""
        last = instruction.parts[-1].results[0]
        value = self.tape.values[last]
        shape = bind(value.shape, self.rows)
        for index in instruction.results:
            self.values[index] = self._in_place(instruction, index)
        row_size = max(1, int(np.prod(shape[1:])))
        block = min(shape[0], max(1, _BLOCK // row_size))
        scratch = _Scratch(instruction, (block, *shape[1:]))
        calls: list[Call] = []
        for start in range(0, shape[0], max(block, 1)):
            stop = min(start + block, shape[0])
            here = {
                index: _block(self.values[index], shape, start, stop)
                for index in (*instruction.operands, *instruction.results)
            }
            for part in instruction.parts:
                (result,) = part.results
                if result not in here:
                    here[result] = scratch.memory(result, self.tape.values[result], stop - start)
                operation = part.operation
                assert operation is not None  # noqa: S101  (parts are plain)
                operands = [here[index] for index in part.operands]
                calls.append(
                    _call(operation, operands, here[result], self._attributes(part.attributes))
                )
        return calls

    def _in_place(self, instruction: Instruction, index: int) -> Array:
        """For an update the flat array itself, where its old value is read no more."""
        if index not in self.tape.updates:
            return self._memory(index)
        target = self._targets[self.tape.updates.index(index)]
        old = next((i for i in instruction.operands if self.values[i] is target), None)
        written = False
        for part in instruction.parts:
            if written and old in part.operands:
                return self._memory(index)
            written = written or index in part.results
        return target


def _block(array: Array, shape: tuple[int, ...], start: int, stop: int) -> Array:
    if array.ndim == len(shape) and array.shape[0] == shape[0]:
        return array[start:stop]
    return array


class _Scratch:
    """Memory for what lives only inside a fused run, taken again after its last use."""

    def __init__(self, instruction: Instruction, shape: tuple[int, ...]) -> None:
        self._place: dict[int, int] = {}
        self._shape = shape
        self._memory: dict[tuple[int, Any], Array] = {}
        last: dict[int, int] = {}
        for position, part in enumerate(instruction.parts):
            for index in part.operands:
                last[index] = position
        free: list[int] = []
        places = 0
        for position, part in enumerate(instruction.parts):
            for index in dict.fromkeys(part.operands):
                if index in self._place and last[index] == position:
                    free.append(self._place[index])  # element-wise, so it may be written over
            (result,) = part.results
            if result in instruction.results:
                continue
            if free:
                self._place[result] = free.pop()
            else:
                self._place[result] = places
                places += 1
            if result not in last:
                free.append(self._place[result])

    def memory(self, index: int, value: Value, rows: int) -> Array:
        key = (self._place[index], value.dtype)
        if key not in self._memory:
            self._memory[key] = np.empty(self._shape, value.dtype)
        return self._memory[key][:rows]
