"""The tape: one short list of instructions that says a whole training step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph import Operation, Segment, Shape

__all__ = ["Array", "Instruction", "Source", "Tape", "Value"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Value:
    """What an instruction makes or a source gives: its shape and type."""

    shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Source:
    """A value that is there before the first instruction.

    kind
        `rows` gathered from data by row order; `scalar` seed and step; `parameter` a segment of
        the flat parameters; `constant`; after the seam `line`, a number a step, and `weight`,
        `gradient`, `slot`: the whole flat array of trainable numbers.
    """

    index: int
    kind: str
    name: str
    constant: Array | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Instruction:
    """One step of a tape: an operation on values, or a fused run of element-wise ones.

    A fused instruction keeps the list of its parts; what it means is what the parts mean.
    """

    operation: Operation | None
    operands: tuple[int, ...]
    results: tuple[int, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Instruction, ...] = ()

    @property
    def name(self) -> str:
        """The operation's name, or `fused`."""
        return self.operation.name if self.operation is not None else "fused"

    @property
    def is_view(self) -> bool:
        """Whether the result is its operand's memory, seen in another way."""
        return self.operation is not None and self.operation.view


@dataclass(frozen=True)
class Tape:
    """Instructions over values, with a seam between the gradient and the update.

    values
        Everything that exists while the tape runs, by index.
    seam
        The number of instructions before the seam: loss, metrics and the gradient.
    results
        Named values that the caller is given: scalars, or one entry a row.
    gradients
        The gradient's value for each trainable segment, in order.
    updates
        New values of the flat weight and of each slot, in order; empty without an update.
    states
        New values, made before the seam, of segments that no gradient moves (running statistics):
        (number of the segment, value). They take effect with the update.
    storage
        For each value the place in the arena that holds it, where a pass has chosen one.
    """

    values: tuple[Value, ...]
    sources: tuple[Source, ...]
    instructions: tuple[Instruction, ...]
    seam: int
    results: Mapping[str, int]
    segments: tuple[Segment, ...]
    loss: int | None = None
    gradients: tuple[int, ...] = ()
    updates: tuple[int, ...] = ()
    states: tuple[tuple[int, int], ...] = ()
    storage: Mapping[int, int] = field(default_factory=dict)

    @property
    def kept(self) -> set[int]:
        """Values that must still be there when the tape has run."""
        loss = () if self.loss is None else (self.loss,)
        states = (index for _, index in self.states)
        return {*self.results.values(), *self.gradients, *self.updates, *states, *loss}

    @property
    def flat(self) -> tuple[int, ...]:
        """The old values that an update replaces: the flat weight, then the slots."""
        weight = [s.index for s in self.sources if s.kind == "weight"]
        return (*weight, *(s.index for s in self.sources if s.kind == "slot"))

    @property
    def trainable(self) -> int:
        """The number of trainable numbers, which lie first in the flat array."""
        return max((segment.stop for segment in self.segments if segment.trainable), default=0)

    def __str__(self) -> str:
        lines = list(_source_lines(self))
        for position, instruction in enumerate(self.instructions):
            if position == self.seam and self.updates:
                lines.append("-- seam --")
            lines.extend(_instruction_lines(self, instruction))
        named = [f"{name} = %{index}" for name, index in self.results.items()]
        named += [
            f"gradient of {segment.name} = %{index}"
            for segment, index in zip(self.segments, self.gradients, strict=False)
        ]
        named += [f"new {_flat_name(i)} = %{index}" for i, index in enumerate(self.updates)]
        named += [f"new {self.segments[i].name} = %{index}" for i, index in self.states]
        return "\n".join(lines + named)


def _flat_name(position: int) -> str:
    return "weight" if position == 0 else f"slot {position - 1}"


def _shown(tape: Tape, index: int) -> str:
    value = tape.values[index]
    sizes = ", ".join(str(size) for size in value.shape)
    shape = f"({sizes},)" if len(value.shape) == 1 else f"({sizes})"
    place = f"  slot {tape.storage[index]}" if index in tape.storage else ""
    return f"{shape} {value.dtype}{place}"


def _source_lines(tape: Tape) -> Iterator[str]:
    for source in tape.sources:
        what = source.kind
        if source.constant is not None:
            array = source.constant
            what += f" {array.item():g}" if array.size == 1 else " ..."
        else:
            what += f" {source.name}"
        yield f"%{source.index} = {what}   {_shown(tape, source.index)}"


def _instruction_lines(tape: Tape, instruction: Instruction, indent: str = "") -> Iterator[str]:
    results = ", ".join(f"%{index}" for index in instruction.results)
    arguments = [f"%{index}" for index in instruction.operands]
    arguments += [f"{name}={value}" for name, value in instruction.attributes.items()]
    shown = "; ".join(_shown(tape, index) for index in instruction.results)
    yield f"{indent}{results} = {instruction.name}({', '.join(arguments)})   {shown}"
    for part in instruction.parts:
        yield from _instruction_lines(tape, part, indent + "    ")
