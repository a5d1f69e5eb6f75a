"""Tapes that are not sound are refused with a sentence, whatever is wrong with them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tests.engine.networks import Plan, as_graph

from chainrule.engine import Instruction, Source, Value, compile, lower, verify  # noqa: A004
from chainrule.errors import EngineError
from chainrule.graph import OPERATIONS, Operation, Rows

PLAN = Plan(layers=((4, "tanh", "plain"), (3, "relu", "axes")), loss="classes", rate=0.3)
FLOAT = np.dtype(np.float32)


def plain():
    return lower(as_graph(PLAN))


def whole():
    return compile(as_graph(PLAN), "numpy").tape


def changed(tape, position, **fields):
    instructions = list(tape.instructions)
    instructions[position] = replace(instructions[position], **fields)
    return replace(tape, instructions=tuple(instructions))


def declared(tape, index, **fields):
    values = list(tape.values)
    values[index] = replace(values[index], **fields)
    return replace(tape, values=tuple(values))


def first(tape, name):
    return next(i for i, instruction in enumerate(tape.instructions) if instruction.name == name)


def run_with(tape, **fields):
    """The tape with its first fused run's last part changed."""
    position = first(tape, "fused")
    parts = tape.instructions[position].parts
    return changed(tape, position, parts=(*parts[:-1], replace(parts[-1], **fields)))


def after(tape):
    return tape.instructions[tape.seam].results[0]


def update_that_reads_the_loss(tape):
    line = next(s.index for s in tape.sources if s.kind == "line")
    position = next(i for i, made in enumerate(tape.instructions) if line in made.operands)
    operands = tape.instructions[position].operands
    return changed(tape, position, operands=tuple(tape.loss if i == line else i for i in operands))


def overlapping(tape):
    """Two values in one place, one of them still needed."""
    position = first(tape, "fused")
    instruction = tape.instructions[position]
    held = next(i for i in instruction.operands if i in tape.storage)
    return replace(tape, storage={**tape.storage, instruction.results[0]: tape.storage[held]})


def mixed_powers(tape):
    """A place that serves a scalar after it served rows."""
    ended, started = [], None
    for index in tape.storage:
        if tape.values[index].shape == ():
            started = index
        else:
            ended.append(index)
    return replace(tape, storage={ended[0]: 0, started: 0})


UNKNOWN = Operation(lambda x: x, name="wobble", shape=lambda shape: shape)
BROKEN = {
    "unknown operation": (plain, lambda t: changed(t, 0, operation=UNKNOWN), "'wobble' is not kn"),
    "no operation": (plain, lambda t: changed(t, 0, operation=None), "is not known"),
    "read before written": (plain, lambda t: changed(t, 0, operands=(
        t.instructions[3].results[0],) * 2), "before it is written"),
    "operand nowhere": (plain, lambda t: changed(t, 0, operands=(-1, 10**6)), "before it is"),
    "written twice": (plain, lambda t: changed(t, 1, results=t.instructions[0].results), "second"),
    "over a source": (plain, lambda t: changed(t, 1, results=(0,)), "a second time"),
    "not declared": (plain, lambda t: changed(t, 1, results=(10**6,)), "not declared"),
    "no result": (plain, lambda t: changed(t, 1, results=()), "0 results"),
    "shape": (plain, lambda t: declared(t, t.instructions[0].results[0], shape=(Rows(), 99)),
              "is declared"),
    "type": (plain, lambda t: declared(t, t.instructions[0].results[0], dtype=np.dtype("f8")),
             "is declared"),
    "too few operands": (plain, lambda t: changed(t, first(t, "matmul"), operands=(0,)), "matmul"),
    "attributes": (plain, lambda t: changed(t, first(t, "sum"), attributes={}), "sum"),
    "seam outside": (plain, lambda t: replace(t, seam=10**4), "its seam"),
    "seam below": (plain, lambda t: replace(t, seam=-1), "its seam"),
    "seam too early": (plain, lambda t: replace(t, seam=3), "after the seam reads"),
    "seam too late": (plain, lambda t: replace(t, seam=len(t.instructions)), "before the seam"),
    "update reads before": (plain, update_that_reads_the_loss, "after the seam reads"),
    "missing result": (plain, lambda t: replace(t, results={"y": 10**6}), "not written"),
    "result after seam": (plain, lambda t: replace(t, results={"y": after(t)}), "before the seam"),
    "missing update": (plain, lambda t: replace(t, updates=(10**6, *t.updates[1:])), "never wr"),
    "too few updates": (plain, lambda t: replace(t, updates=t.updates[:1]), "new values for"),
    "update's type": (plain, lambda t: replace(t, updates=(
        next(s.index for s in t.sources if s.kind == "line"), *t.updates[1:])), "another shape or"),
    "gradient count": (plain, lambda t: replace(t, gradients=t.gradients[1:]), "gradients for"),
    "gradient order": (plain, lambda t: replace(t, gradients=t.gradients[::-1]), "another shape"),
    "no gradients": (plain, lambda t: replace(t, gradients=()), "gradients for"),
    "gradient nowhere": (plain, lambda t: replace(
        t, gradients=(10**6, *t.gradients[1:])), "not written"),
    "loss": (plain, lambda t: replace(t, loss=t.results["prediction"]), "is no scalar"),
    "segments": (plain, lambda t: replace(t, segments=t.segments[:-1]), "no segment"),
    "more segments": (plain, lambda t: replace(
        t, segments=(*t.segments, t.segments[-1])), "more segments"),
    "source nowhere": (plain, lambda t: replace(
        t, sources=(Source(10**6, "rows", "x"), *t.sources)), "not declared"),
    "source twice": (plain, lambda t: replace(t, sources=(t.sources[0], *t.sources)), "or twice"),
    "kind": (plain, lambda t: replace(
        t, sources=(replace(t.sources[0], kind="magic"), *t.sources[1:])), "'magic'"),
    "empty constant": (plain, lambda t: replace(
        t, sources=(replace(t.sources[0], kind="constant"), *t.sources[1:])), "kind 'constant'"),
    "constant": (plain, lambda t: replace(t, sources=tuple(
        s if s.constant is None else replace(s, constant=np.zeros(77)) for s in t.sources)),
        "not as declared"),
    "a part that sums": (whole, lambda t: run_with(t, operation=OPERATIONS["sum"]), "element-wise"),
    "a part's operand": (whole, lambda t: run_with(t, operands=(10**6, 0)), "before it is written"),
    "a part's result": (whole, lambda t: run_with(t, results=(0,)), "second time|declared"),
    "a run of runs": (whole, lambda t: run_with(t, parts=(t.instructions[0],)), "element-wise"),
    "a run's result": (whole, lambda t: changed(t, first(t, "fused"), results=(
        t.instructions[-1].results[0],)), "no part of it makes|second time"),
    "overlap": (whole, overlapping, "still needed"),
    "a place for a source": (whole, lambda t: replace(t, storage={**t.storage, 0: 0}), "has a pl"),
    "a place for a view": (whole, lambda t: replace(t, storage={
        **t.storage, t.instructions[first(t, "transpose")].results[0]: 99}), "has a place"),
    "a place nowhere": (whole, lambda t: replace(t, storage={**t.storage, 10**6: 0}), "has a pl"),
    "rows and scalars": (whole, mixed_powers, "still needed|different ways"),
}  # fmt: skip


@pytest.mark.parametrize("build", [plain, whole])
def test_what_the_compiler_makes_is_sound(build):
    verify(build())


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_tapes_are_refused(fault):
    build, broken, words = BROKEN[fault]
    with pytest.raises(EngineError, match=words) as caught:
        verify(broken(build()))
    assert str(caught.value).startswith("tape refused: ")
    assert str(caught.value).endswith("please report it.")


KINDS = (
    "operands", "results", "operation", "value", "seam", "swap", "storage", "outputs", "delete",
    "parts", "attributes",
)  # fmt: skip


def indices(tape):
    return st.integers(-2, len(tape.values) + 2)


@st.composite
def mutated(draw):
    """A sound tape with one or two random changes, which may or may not leave it sound."""
    tape = draw(st.sampled_from([plain, whole]))()
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(KINDS))
        position = draw(st.integers(0, len(tape.instructions) - 1))
        some = draw(st.lists(indices(tape), max_size=4).map(tuple))
        if kind in ("operands", "results"):
            tape = changed(tape, position, **{kind: some})
        elif kind == "operation":
            tape = changed(
                tape, position, operation=draw(st.sampled_from(list(OPERATIONS.values())))
            )
        elif kind == "attributes":
            other = draw(st.integers(0, len(tape.instructions) - 1))
            tape = changed(tape, position, attributes=tape.instructions[other].attributes)
        elif kind == "parts":
            tape = changed(tape, position, parts=tape.instructions[:2])
        elif kind == "value":
            index = draw(st.integers(0, len(tape.values) - 1))
            shape = draw(st.lists(st.sampled_from([1, 3, 4, Rows(), Rows(2)]), max_size=3))
            tape = declared(tape, index, shape=tuple(shape))
        elif kind == "seam":
            tape = replace(tape, seam=draw(st.integers(-1, len(tape.instructions) + 1)))
        elif kind == "swap":
            order = list(tape.instructions)
            other = draw(st.integers(0, len(order) - 1))
            order[position], order[other] = order[other], order[position]
            tape = replace(tape, instructions=tuple(order))
        elif kind == "storage":
            tape = replace(tape, storage={**tape.storage, draw(indices(tape)): draw(
                st.integers(0, 5))})  # fmt: skip
        elif kind == "outputs":
            field = draw(st.sampled_from(["gradients", "updates", "loss", "results"]))
            new = {"loss": draw(indices(tape)), "results": {"y": draw(indices(tape))}}
            tape = replace(tape, **{field: new.get(field, some)})
        else:
            kept = tape.instructions[:position] + tape.instructions[position + 1 :]
            tape = replace(tape, instructions=kept)
    return tape


@settings(max_examples=300)
@given(mutated())
def test_mutated_tapes_are_refused_or_sound_but_never_crash(tape):
    try:
        verify(tape)
    except EngineError as error:
        assert str(error).startswith("tape refused: ")


def test_value_and_instruction_compare_by_what_they_hold():
    assert Value((Rows(), 2), FLOAT) == Value((Rows(), 2), FLOAT) != Value((Rows(2), 2), FLOAT)
    assert Instruction(OPERATIONS["exp"], (0,), (1,)).name == "exp"
