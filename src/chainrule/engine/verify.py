"""What every tape must be, before and after each pass."""

from __future__ import annotations

from typing import NoReturn

from chainrule.engine.passes.reuse import byte_size, roots
from chainrule.engine.tape import Instruction, Tape, Value
from chainrule.errors import ChainruleError, EngineError
from chainrule.graph import OPERATIONS, OWN_OPERATIONS, Operation, input_node

__all__ = ["verify"]

_KINDS = {"rows", "scalar", "line", "parameter", "constant", "weight", "gradient", "slot"}
_AFTER_SEAM = {"weight", "gradient", "slot", "line"}


def verify(tape: Tape) -> None:
    """Raise `EngineError` with a sentence where a tape is not sound.

    Operations are known; values are written once, before they are read; shapes and types are what
    the operations give; after the seam nothing but constants and the flat arrays is read; and no
    two values that are still needed share a place.
    """
    if not 0 <= tape.seam <= len(tape.instructions):
        _refuse(f"its seam {tape.seam} is not among {len(tape.instructions)} instructions")
    _verify_sources(tape)
    flat = {s.index for s in tape.sources if s.kind in _AFTER_SEAM}
    both = {s.index for s in tape.sources if s.kind == "constant"}
    written = {s.index for s in tape.sources}
    before = written - flat
    for position, instruction in enumerate(tape.instructions):
        if position == tape.seam:
            before = written - flat
        _verify_instruction(tape, instruction, written)
        if position < tape.seam and not flat.isdisjoint(instruction.operands):
            _refuse(f"{instruction.name} before the seam reads a flat array of the update")
        if position >= tape.seam:
            if not (flat | both).issuperset(instruction.operands):
                _refuse(f"{instruction.name} after the seam reads a value from before it")
            both.update(instruction.results)
        written.update(_made(instruction))
    if tape.seam == len(tape.instructions):
        before = written - flat
    for index in tape.kept - {*tape.updates}:
        if index not in before:
            _refuse(f"its output %{index} is not written before the seam")
    _verify_gradients(tape)
    _verify_updates(tape, flat | both)
    _verify_states(tape)
    _verify_storage(tape)


def _refuse(what: str) -> NoReturn:
    message = f"tape refused: {what}; this is a fault of the compiler, please report it."
    raise EngineError(message)


def _made(instruction: Instruction) -> set[int]:
    return {*instruction.results, *(i for part in instruction.parts for i in part.results)}


def _verify_sources(tape: Tape) -> None:
    seen: set[int] = set()
    segments = iter(tape.segments)
    for source in tape.sources:
        if not 0 <= source.index < len(tape.values) or source.index in seen:
            _refuse(f"source %{source.index} is not declared, or twice")
        seen.add(source.index)
        if source.kind not in _KINDS or (source.kind == "constant") == (source.constant is None):
            _refuse(f"source %{source.index} is of the unknown kind {source.kind!r}")
        value = tape.values[source.index]
        constant = source.constant
        if constant is not None and value != Value(constant.shape, constant.dtype):
            _refuse(f"constant %{source.index} is not as declared")
        if source.kind == "parameter":
            segment = next(segments, None)
            if segment is None or segment.shape != value.shape:
                _refuse(f"parameter %{source.index} has no segment of its shape")
    if next(segments, None) is not None:
        _refuse("it has more segments than parameters")


def _verify_instruction(tape: Tape, instruction: Instruction, written: set[int]) -> None:
    for index in instruction.operands:
        if index not in written:
            _refuse(f"{instruction.name} reads %{index} before it is written")
    for index in instruction.results:
        if not 0 <= index < len(tape.values):
            _refuse(f"{instruction.name} writes %{index}, which is not declared")
        if index in written:
            _refuse(f"{instruction.name} writes %{index} a second time")
    if instruction.parts:
        _verify_run(tape, instruction, written)
        return
    operation = instruction.operation
    if operation is None or not _is_known(operation):
        _refuse(f"operation {instruction.name!r} is not known")
    if len(instruction.results) != 1:
        _refuse(f"{instruction.name} has {len(instruction.results)} results instead of one")
    given = _given(tape, instruction, operation)
    declared = tape.values[instruction.results[0]]
    if declared != given:
        _refuse(
            f"%{instruction.results[0]} is declared {declared.shape} {declared.dtype}, "
            f"{instruction.name} gives {given.shape} {given.dtype}"
        )


def _is_known(operation: Operation) -> bool:
    return operation is OPERATIONS.get(operation.name) or operation.name in OWN_OPERATIONS


def _given(tape: Tape, instruction: Instruction, operation: Operation) -> Value:
    """What the operation's own rules say of the result."""
    nodes = tuple(
        input_node("", tape.values[i].shape, tape.values[i].dtype) for i in instruction.operands
    )
    try:
        shape = operation.result_shape(nodes, instruction.attributes)
        return Value(shape, operation.result_dtype(nodes, instruction.attributes))
    except ChainruleError as error:
        _refuse(str(error).rstrip("."))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        _refuse(f"{instruction.name} does not take its operands and attributes ({error})")


def _verify_run(tape: Tape, run: Instruction, written: set[int]) -> None:
    """The parts of a fused run are over one shape, element-wise but for a product that opens it."""
    inside = set(run.operands)
    first = run.parts[0].results
    for number, part in enumerate(run.parts):
        opens = number == 0 and part.name == "matmul" and len(run.parts) > 1
        if part.operation is None or part.parts or not (opens or part.operation.elementwise):
            _refuse(f"a fused run has the part {part.name!r}, which is not element-wise")
        _verify_instruction(tape, part, inside)
        if not written.isdisjoint(part.results):
            _refuse(f"{part.name} in a fused run writes %{part.results[0]} a second time")
        value = tape.values[part.results[0]]
        if opens and len(value.shape) != 2:
            _refuse("a fused run is opened by a product that is no matrix")
        if value != tape.values[first[0]] or value.shape == ():
            _refuse(f"{part.name} in a fused run gives another shape or type than the run")
        inside.update(part.results)
    made = {part.results[0] for part in run.parts}
    if not made.issuperset(run.results):
        _refuse("a fused run gives a value that no part of it makes")


def _verify_gradients(tape: Tape) -> None:
    trainable = [segment for segment in tape.segments if segment.trainable]
    expected = 0 if tape.loss is None else len(trainable)
    if len(tape.gradients) != expected:
        _refuse(f"it has {len(tape.gradients)} gradients for {len(trainable)} segments")
    if tape.loss is not None and tape.values[tape.loss].shape != ():
        _refuse(f"its loss %{tape.loss} is no scalar")
    for segment, index in zip(trainable, tape.gradients, strict=False):
        if tape.values[index].shape != segment.shape:
            _refuse(f"gradient %{index} has another shape than segment {segment.name!r}")


def _verify_updates(tape: Tape, readable: set[int]) -> None:
    if len(tape.updates) != len(tape.flat):
        _refuse(f"it has {len(tape.updates)} new values for {len(tape.flat)} flat arrays")
    for new, old in zip(tape.updates, tape.flat, strict=True):
        if new not in readable:
            _refuse(f"its output %{new} is never written")
        if tape.values[new] != tape.values[old]:
            _refuse(f"new value %{new} has another shape or type than the old, %{old}")


def _verify_states(tape: Tape) -> None:
    if tape.states and not tape.updates:
        _refuse("it has new values of states, but no update")
    for number, index in tape.states:
        if not 0 <= number < len(tape.segments) or tape.segments[number].trainable:
            _refuse(f"%{index} is the new value of what is no state")
        if tape.values[index].shape != tape.segments[number].shape:
            _refuse(f"new state %{index} has another shape than {tape.segments[number].name!r}")


def _verify_storage(tape: Tape) -> None:
    """No place holds two values that are both still needed."""
    if not tape.storage:
        return
    root = roots(tape)
    made = {index for instruction in tape.instructions for index in instruction.results}
    for index in tape.storage:
        if index not in made or index in root:
            _refuse(f"%{index} has a place, but no instruction writes it there")
    last: dict[int, int] = {}
    for position, instruction in enumerate(tape.instructions):
        for index in (*instruction.operands, *instruction.results):
            last[root.get(index, index)] = position
    for index in tape.kept:
        last[root.get(index, index)] = len(tape.instructions)
    holder: dict[int, int] = {}
    for position, instruction in enumerate(tape.instructions):
        for index in instruction.results:
            place = tape.storage.get(index)
            if place is None:
                continue
            held = holder.get(place)
            if held is not None and last[held] >= position:
                _refuse(f"%{index} is put over %{held}, which is still needed, in slot {place}")
            if (
                held is not None
                and byte_size(tape.values[held])[1] != (byte_size(tape.values[index])[1])
            ):
                _refuse(f"slot {place} holds sizes that grow with rows in different ways")
            holder[place] = index
