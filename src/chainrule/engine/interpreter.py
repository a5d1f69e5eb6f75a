"""The NumPy engine: what a tape means, one NumPy call an instruction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import is_
from typing import Any

import numpy as np

from chainrule.engine.calls import Call, call, fused_calls
from chainrule.engine.overwrite import overwritten
from chainrule.engine.passes.reuse import byte_size, roots
from chainrule.engine.tape import Array, Instruction, Source, Tape
from chainrule.graph import Rows, bind

__all__ = ["Interpreter"]


class Interpreter:
    """A tape bound to memory, for one number of rows: run it as often as wanted.

    tape
        A verified tape.
    rows
        The number of rows of a batch.
    parameters, slots
        Flat arrays, read where they lie; an update writes them in place.

    Fill `inputs` (by name) and `lines` before each run; read `values` (by index) and `gradient`
    after it.
    """

    def __init__(
        self, tape: Tape, rows: int, parameters: Array, slots: Sequence[Array] = ()
    ) -> None:
        self.tape = tape
        self.rows = rows
        self.values: dict[int, Array] = {}
        self.inputs: dict[str, Array] = {}
        self.lines: list[Array] = []
        self.gradient = np.empty(tape.trainable, parameters.dtype)
        self._read = (parameters, *slots)
        self._flat = [parameters[: tape.trainable], *slots]
        self._arena = self._allocate()
        self._place_sources(parameters)
        self._given = self._given_memory()
        self._forward = self._bound(tape.instructions[: tape.seam])
        self._forward += self._copied_gradients()
        self._update: list[Call] | None = None

    def reads(self, parameters: Array, slots: Sequence[Array]) -> bool:
        """Whether it is bound to these very arrays."""
        given = (parameters, *slots)
        return len(given) == len(self._read) and all(map(is_, given, self._read))

    @property
    def bytes(self) -> int:
        """How much memory of its own it has, but for scratch and what is not in the arena."""
        own = (*self._arena.values(), *self.inputs.values(), self.gradient)
        return sum(array.nbytes for array in own)

    def forward(self) -> None:
        """Everything before the seam: results, loss, and the flat gradient."""
        for instruction in self._forward:
            instruction()

    def update(self) -> None:
        """Everything after the seam: parameters and slots move."""
        if self._update is None:
            self._update = self._moved_states()
            self._update += self._bound(self.tape.instructions[self.tape.seam :])
            self._update += self._copied_updates()
        for instruction in self._update:
            instruction()

    def _allocate(self) -> dict[int, Array]:
        sizes: dict[int, int] = {}
        for index, place in self.tape.storage.items():
            number, power = byte_size(self.tape.values[index])
            sizes[place] = max(sizes.get(place, 0), number * self.rows**power)
        return {place: np.empty(size, np.uint8) for place, size in sizes.items()}

    def _place_sources(self, parameters: Array) -> None:
        segments = iter(self.tape.segments)
        for source in self.tape.sources:
            if source.kind == "parameter":
                segment = next(segments)
                array = parameters[segment.start : segment.stop].reshape(segment.shape)
                self.values[source.index] = array
            elif source.kind == "gradient":
                self.values[source.index] = self.gradient
            elif source.constant is not None:
                self.values[source.index] = source.constant
            elif source.kind in ("rows", "scalar", "line"):
                self.values[source.index] = self._given_source(source)
        self.values.update(zip(self.tape.flat, self._flat, strict=False))

    def _given_source(self, source: Source) -> Array:
        value = self.tape.values[source.index]
        array = np.zeros(bind(value.shape, self.rows), value.dtype)
        if source.kind == "line":
            self.lines.append(array)
        else:
            self.inputs[source.name] = array
        return array

    def _segments_of_gradients(self) -> Iterable[tuple[Array, int]]:
        trainable = (segment for segment in self.tape.segments if segment.trainable)
        for segment, index in zip(trainable, self.tape.gradients, strict=False):
            yield self.gradient[segment.start : segment.stop].reshape(segment.shape), index

    def _given_memory(self) -> dict[int, Array]:
        """Values that are written where the caller looks for them: gradients and updates."""
        made = {
            index
            for instruction in self.tape.instructions
            if not instruction.is_view
            for index in instruction.results
        }
        shared = {*self.tape.results.values()}
        given = {
            index: memory
            for memory, index in self._segments_of_gradients()
            if index in made
            and index not in shared
            and self.tape.gradients.count(index) == 1
            and self.tape.values[index].dtype == memory.dtype
        }
        if len(self._flat) == len(self.tape.updates):
            for new, old in overwritten(self.tape).items():
                given[new] = self.values[old]
        return given

    def _copied_gradients(self) -> list[Call]:
        return [
            partial(np.copyto, memory, self.values[index], casting="same_kind")
            for memory, index in self._segments_of_gradients()
            if index not in self._given
        ]

    def _moved_states(self) -> list[Call]:
        """All new values of states are saved, then all are moved: one may be another's old one."""
        saved: list[Call] = []
        moved: list[Call] = []
        for number, index in self.tape.states:
            segment = self.tape.segments[number]
            target = self._read[0][segment.start : segment.stop].reshape(segment.shape)
            kept = np.empty_like(target)
            saved.append(partial(np.copyto, kept, self.values[index]))
            moved.append(partial(np.copyto, target, kept))
        return saved + moved

    def _copied_updates(self) -> list[Call]:
        """Copies of new values that could not be written over the old ones."""
        root = roots(self.tape)
        saved: list[Call] = []
        copied: list[Call] = []
        for new, old in zip(self.tape.updates, self.tape.flat, strict=True):
            target, value = self.values[old], self.values[new]
            if value is target:
                continue
            if root.get(new, new) in self.tape.flat:
                # another's old value: copied before that one is written over
                moved = np.empty_like(value)
                saved.append(partial(np.copyto, moved, value))
                value = moved
            copied.append(partial(np.copyto, target, value))
        return saved + copied

    def _bound(self, instructions: Sequence[Instruction]) -> list[Call]:
        calls: list[Call] = []
        for instruction in instructions:
            if instruction.parts:
                for index in instruction.results:
                    self.values[index] = self._memory(index)
                declared = self.tape.values
                shape = bind(declared[instruction.parts[-1].results[0]].shape, self.rows)
                calls.extend(fused_calls(instruction, self.values, declared, shape))
            else:
                calls.extend(self._plain_calls(instruction))
        return calls

    def _memory(self, index: int) -> Array:
        """Where a value is written: where the caller looks, at its place, or on its own."""
        if index in self._given:
            return self._given[index]
        value = self.tape.values[index]
        shape = bind(value.shape, self.rows)
        place = self.tape.storage.get(index)
        if place is None:
            return np.empty(shape, value.dtype)
        size = math.prod(shape) * value.dtype.itemsize
        return self._arena[place][:size].view(value.dtype).reshape(shape)

    def _attributes(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._bound_attribute(value) for name, value in given.items()}

    def _bound_attribute(self, value: Any) -> Any:
        if isinstance(value, Rows):
            return value.multiple * self.rows
        if isinstance(value, tuple) and any(isinstance(size, Rows) for size in value):
            return bind(value, self.rows)
        return value

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
        return [call(operation, operands, out, attributes)]
