"""Hand a tape to the native executor: where each value lies, and what it is called there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from chainrule.engine.overwrite import overwritten
from chainrule.engine.passes.reuse import roots
from chainrule.engine.tape import Array, Instruction, Tape
from chainrule.errors import EngineError, SettingError, listing
from chainrule.graph import OPERATIONS, Rows, Shape

__all__ = ["instruction_set", "load", "native_module", "without_kernel"]

SET_VARIABLE = "CHAINRULE_INSTRUCTION_SET"
_ALIGNED = 64


@cache
def native_module() -> ModuleType | None:
    """The native module, or None where chainrule was installed without it."""
    try:
        return import_module("chainrule._native")
    except ImportError:
        return None


@cache
def instruction_set() -> str:
    """The set of instructions that kernels use: the widest that this machine has.

    The environment variable CHAINRULE_INSTRUCTION_SET asks for another, such as "plain".
    """
    module = native_module()
    if module is None:
        message = "engine: chainrule was installed without its native module."
        raise EngineError(message)
    sets: list[str] = module.instruction_sets()
    wanted = os.environ.get(SET_VARIABLE, "").strip() or sets[0]
    if wanted not in sets:
        message = f"{SET_VARIABLE}: {wanted!r} is not here; this machine has {listing(sets)}."
        raise SettingError(message)
    return wanted


def without_kernel(tape: Tape) -> str | None:
    """The name of an operation of the tape that is no operation of chainrule's, if there is one."""
    for instruction in tape.instructions:
        for part in instruction.parts or (instruction,):
            if OPERATIONS.get(part.name) is not part.operation:
                return part.name
    return None


def load(tape: Tape, instructions: str | None = None) -> Any:
    """The tape as a native executor.

    Raises `EngineError` with one sentence where the native engine cannot run it.
    """
    module = native_module()
    if module is None:
        message = (
            'engine: chainrule was installed without its native module; use engine="numpy", or '
            "install it where there is a C++ compiler."
        )
        raise EngineError(message)
    own = without_kernel(tape)
    if own is not None:
        message = f'the native engine has no kernel for {own!r}; use engine="numpy".'
        raise EngineError(message)
    try:
        return module.Executor(_Description(tape).made(), instructions or instruction_set())
    except module.Refused as error:
        message = f'{str(error).rstrip(".")}; use engine="numpy".'
        raise EngineError(message) from None


class _Description:
    """A tape in plain values, with a place for each of its own."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.root = roots(tape)
        self.places: dict[int, tuple[str, int, int]] = {}
        self.inputs: list[str] = []
        self.constants = bytearray()
        segments = [one for one in tape.segments if one.trainable]
        self.number_type = _number_type(tape)
        self.item = self.number_type.itemsize
        self.gradients = dict(zip(segments, tape.gradients, strict=False))

    def made(self) -> dict[str, Any]:
        """What `chainrule._native.Executor` takes."""
        tape = self.tape
        self._place_sources()
        copied_gradients = self._place_gradients()
        copied_updates = self._place_updates()
        views = self._views()
        for index in range(len(tape.values)):
            if index in self.places:
                continue
            if index in views:
                self.places[index] = ("view", 0, 0)
            elif index in tape.storage:
                self.places[index] = ("arena", tape.storage[index], 0)
            else:
                self.places[index] = ("own", 0, 0)
        trainable = tape.trainable * self.item
        return {
            "values": [
                (value.dtype.name, _sizes(value.shape), *self.places[index])
                for index, value in enumerate(tape.values)
            ],
            "instructions": [_instruction(one) for one in tape.instructions],
            "seam": tape.seam,
            "results": list(tape.results.values()),
            "result_names": list(tape.results),
            "loss": -1 if tape.loss is None else tape.loss,
            "gradients": copied_gradients,
            "updates": copied_updates,
            "states": [
                (index, tape.segments[number].start * self.item) for number, index in tape.states
            ],
            "constants": bytes(self.constants),
            "gradient_bytes": trainable,
            "parameter_bytes": (tape.segments[-1].stop if tape.segments else 0) * self.item,
            "flat_bytes": [trainable] * len(tape.updates),
            "inputs": self.inputs,
            "number_type": self.number_type.name,
        }

    def _views(self) -> set[int]:
        return {
            result
            for instruction in self.tape.instructions
            if instruction.is_view
            for result in instruction.results
        }

    def _place_sources(self) -> None:
        segments = iter(self.tape.segments)
        lines = 0
        flat = {index: number for number, index in enumerate(self.tape.flat)}
        for source in self.tape.sources:
            place = ("own", 0, 0)
            if source.kind == "rows":
                place = ("input", len(self.inputs), 0)
                self.inputs.append(source.name)
            elif source.kind == "scalar":
                place = ("scalar", 0 if source.name == "seed" else 1, 0)
            elif source.kind == "parameter":
                place = ("parameters", 0, next(segments).start * self.item)
            elif source.kind == "gradient":
                place = ("gradient", 0, 0)
            elif source.kind == "line":
                place = ("line", lines, 0)
                lines += 1
            elif source.index in flat:
                place = ("flat", flat[source.index], 0)
            elif source.constant is not None:
                place = ("constant", 0, self._constant(source.constant))
            self.places[source.index] = place

    def _constant(self, constant: Array) -> int:
        offset = -(-len(self.constants) // _ALIGNED) * _ALIGNED
        self.constants.extend(bytes(offset - len(self.constants)))
        self.constants.extend(constant.tobytes())
        return offset

    def _place_gradients(self) -> list[tuple[int, int]]:
        """Gradients are made where they are wanted as far as that can be; others are copied."""
        tape, copied = self.tape, []
        made = {
            index
            for instruction in tape.instructions[: tape.seam]
            if not instruction.is_view
            for index in instruction.results
        }
        shared = {self.root.get(index, index) for index in tape.results.values()}
        only_reshaped = self._only_reshaped()
        taken: set[int] = set()
        for segment, index in self.gradients.items():
            offset = segment.start * self.item
            first = only_reshaped.get(index, index)
            fits = tape.values[first].dtype == self.number_type
            if first in made and first not in shared and first not in taken and fits:
                taken.add(first)
                self.places[first] = ("gradient", 0, offset)
            else:
                copied.append((index, offset))
        return copied

    def _only_reshaped(self) -> dict[int, int]:
        """For each value that is another in a different shape, the other."""
        origin: dict[int, int] = {}
        for instruction in self.tape.instructions:
            if instruction.name == "reshape":
                operand = instruction.operands[0]
                origin[instruction.results[0]] = origin.get(operand, operand)
        return origin

    def _place_updates(self) -> list[tuple[int, int]]:
        if len(self.tape.flat) != len(self.tape.updates):
            return []
        written = overwritten(self.tape)
        numbers = {index: number for number, index in enumerate(self.tape.flat)}
        for new, old in written.items():
            self.places[new] = ("flat", numbers[old], 0)
        return [
            (new, number)
            for number, (new, old) in enumerate(zip(self.tape.updates, self.tape.flat, strict=True))
            if written.get(new) != old and new != old
        ]


def _number_type(tape: Tape) -> np.dtype[Any]:
    """The type of the parameters, which gradients and slots share."""
    for source in tape.sources:
        if source.kind in ("parameter", "weight"):
            return tape.values[source.index].dtype
    return np.dtype(np.float32)


def _sizes(shape: Shape) -> tuple[tuple[int, bool], ...]:
    return tuple(
        (size.multiple, True) if isinstance(size, Rows) else (int(size), False) for size in shape
    )


def _instruction(given: Instruction) -> tuple[Any, ...]:
    attributes = {name: _attribute(value) for name, value in given.attributes.items()}
    parts = [_instruction(part) for part in given.parts]
    return (given.name, list(given.operands), list(given.results), attributes, parts)


def _attribute(value: Any) -> Any:
    """Text and fractions as they are; whole numbers, sizes and tuples of them as sizes."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        return float(value)
    if isinstance(value, tuple | list):
        return _sizes(tuple(value))
    return _sizes((value,))


def described(tape: Tape) -> Mapping[str, Any]:
    """What the executor is given, for tests that damage it."""
    return _Description(tape).made()
