"""What every tape must be, before and after each pass."""

from __future__ import annotations

from chainrule.engine.passes.reuse import byte_size, roots
from chainrule.engine.tape import Instruction, Tape, Value
from chainrule.errors import ChainruleError, EngineError
from chainrule.graph import OPERATIONS, OWN_OPERATIONS, input_node

__all__ = ["verify"]


def verify(tape: Tape) -> None:
    """Raise `EngineError` with a sentence where a tape is not sound.

    Operations are known; values are written once, before they are read; shapes and types are what
    the operations give; after the seam nothing but the flat arrays is read; and no two values that
    are still needed share a place.
    """
    written = {source.index for source in tape.sources}
    flat = {s.index for s in tape.sources if s.kind in ("weight", "gradient", "slot", "line")}
    if not 0 <= tape.seam <= len(tape.instructions):
        _refuse(f"its seam {tape.seam} is not among {len(tape.instructions)} instructions")
    allowed = {s.index for s in tape.sources if s.kind == "constant"} | flat
    for position, instruction in enumerate(tape.instructions):
        before_seam = position < tape.seam
        _verify_instruction(tape, instruction, written)
        if before_seam and not flat.isdisjoint(instruction.operands):
            _refuse(f"{instruction.name} before the seam reads a flat array of the update")
        if not before_seam:
            if not allowed.issuperset(instruction.operands):
                _refuse(f"{instruction.name} after the seam reads a value from before it")
            allowed.update(instruction.results)
        written.update(instruction.results)
    for index in tape.kept:
        if index not in written:
            _refuse(f"its output %{index} is never written")
    trainable = [segment for segment in tape.segments if segment.trainable]
    if tape.gradients and len(tape.gradients) != len(trainable):
        _refuse(f"it has {len(tape.gradients)} gradients for {len(trainable)} segments")
    for segment, index in zip(trainable, tape.gradients, strict=False):
        if tape.values[index].shape != segment.shape:
            _refuse(f"gradient %{index} has another shape than segment {segment.name!r}")
    _verify_storage(tape)


def _refuse(what: str) -> None:
    message = f"tape refused: {what}; this is a fault of the compiler, please report it."
    raise EngineError(message)


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
        inside = set(instruction.operands)
        for part in instruction.parts:
            _verify_instruction(tape, part, inside)
            inside.update(part.results)
        if not inside.issuperset(instruction.results):
            _refuse("a fused run gives a value that no part of it makes")
        return
    operation = instruction.operation
    known = operation is not None and (
        operation is OPERATIONS.get(operation.name) or operation.name in OWN_OPERATIONS
    )
    if operation is None or not known:
        _refuse(f"operation {instruction.name!r} is not known")
        return
    nodes = tuple(
        input_node("", tape.values[i].shape, tape.values[i].dtype) for i in instruction.operands
    )
    try:
        shape = operation.result_shape(nodes, instruction.attributes)
        dtype = operation.result_dtype(nodes, instruction.attributes)
    except ChainruleError as error:
        _refuse(str(error).rstrip("."))
        return
    declared = tape.values[instruction.results[0]]
    if declared != Value(shape, dtype):
        _refuse(
            f"%{instruction.results[0]} is declared {declared.shape} {declared.dtype}, "
            f"{instruction.name} gives {shape} {dtype}"
        )


def _verify_storage(tape: Tape) -> None:
    """No place holds two values that are both still needed."""
    if not tape.storage:
        return
    root = roots(tape)
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
            if held is not None and byte_size(tape.values[held])[1] != (
                byte_size(tape.values[index])[1]
            ):
                _refuse(f"slot {place} holds sizes that grow with rows in different ways")
            holder[place] = index
