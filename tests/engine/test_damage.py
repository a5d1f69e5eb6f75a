"""A damaged tape is refused by the native engine with a sentence, or runs; it never crashes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from tests.engine.damage import sound

from chainrule import graph as g
from chainrule.engine import Graph, compile  # noqa: A004
from chainrule.engine.native import described
from chainrule.graph import Rows, ops

native = pytest.importorskip("chainrule._native")
CASES = 250


@pytest.mark.parametrize("first", range(0, 4 * CASES, CASES))
def test_damaged_tapes_are_refused_or_run_but_never_crash(first):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-m", "tests.engine.damage", str(first), str(first + CASES)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    last = run.stderr[-2000:]
    assert run.returncode == 0, f"seed {last}"
    counts = json.loads(run.stdout)
    assert counts["refused"] > CASES // 2
    assert counts["ran"] > CASES // 20


def with_value(index, **fields):
    names = ("dtype", "shape", "kind", "number", "offset")

    def change(tape):
        values = list(tape["values"])
        given = dict(zip(names, values[index], strict=True)) | fields
        values[index] = tuple(given.values())
        return tape | {"values": values}

    return change


def of_kind(kind):
    return next(i for i, value in enumerate(described(sound(0)[0])["values"]) if value[2] == kind)


def with_instruction(name, change):
    def changed(tape):
        made = list(tape["instructions"])
        position = next(
            i for i, one in enumerate(made) if name in (one[0], *(part[0] for part in one[4]))
        )
        made[position] = change(*made[position])
        return tape | {"instructions": made}

    return changed


def with_attribute(operation, key, value):
    return with_instruction(
        operation, lambda name, operands, results, attributes, parts: (
            name, operands, results, attributes | {key: value}, parts))  # fmt: skip


def with_operands(operation, change):
    return with_instruction(
        operation, lambda name, operands, results, *rest: (
            name, change(operands), results, *rest))  # fmt: skip


FAULTS = {
    "size below 0": (with_value(0, shape=((-1, False),)), "below 0 or too large"),
    "size too large": (with_value(0, shape=((2**62, True),)), "below 0 or too large"),
    "sizes too large together": (with_value(0, shape=((2**30, False),) * 3), "too large"),
    "no type": (with_value(0, dtype="complex64"), "numbers of type 'complex64'"),
    "no kind": (with_value(0, kind="heaven"), "'heaven' is no kind of place"),
    "beyond the parameters": (with_value(of_kind("parameters"), offset=2**40), "outside of its"),
    "before the parameters": (with_value(of_kind("parameters"), offset=-4), "outside of its"),
    "between two parameters": (with_value(of_kind("parameters"), offset=2), "outside of its"),
    "no flat array": (with_value(of_kind("flat"), number=9), "flat array is not there"),
    "input twice": (with_value(of_kind("input"), number=1), "not numbered in order"),
    "input without rows": (with_value(of_kind("input"), shape=((4, False),)), "has no rows"),
    "line that is not there": (with_value(of_kind("line"), number=3), "not numbered in order"),
    "line of several": (with_value(of_kind("line"), shape=((2, False),)), "not one number"),
    "scalar of another type": (with_value(of_kind("scalar"), dtype="int64"), "seed or step"),
    "shorter constants": (lambda tape: tape | {"constants": b""}, "outside of its array"),
    "fewer parameters": (lambda tape: tape | {"parameter_bytes": 8}, "longer than its parameters"),
    "smaller gradient": (lambda tape: tape | {"gradient_bytes": 0}, "outside of its array"),
    "negative flat": (lambda tape: tape | {"flat_bytes": [-1]}, "no possible size"),
    "seam outside": (lambda tape: tape | {"seam": 10**6}, "its seam is not among"),
    "seam too late": (
        lambda tape: tape | {"seam": len(tape["instructions"])}, "before it is written"),
    "loss nowhere": (lambda tape: tape | {"loss": 10**6}, "the loss %1000000 is never written"),
    "loss of many": (lambda tape: tape | {"loss": tape["results"][0]}, "loss is not one number"),
    "result after the seam": (
        lambda tape: tape | {"results": [tape["instructions"][-1][2][0]]}, "is never written"),
    "result without rows": (
        lambda tape: tape | {"results": [of_kind("parameters")]}, "no entry a row"),
    "gradient outside": (
        lambda tape: tape | {"gradients": [(of_kind("parameters"), 2**63 - 4)]}, "outside of its"),
    "update of nothing": (lambda tape: tape | {"updates": [(0, 7)]}, "has no flat array"),
    "nothing before": (lambda tape: tape | {"instructions": tape["instructions"][1:]}, "before"),
    "no operation": (with_instruction("gather", lambda name, *rest: ("wobble", *rest)), "'wobble'"),
    "two results": (with_instruction("gather", lambda name, operands, results, *rest: (
        name, operands, results * 2, *rest)), "does not have one result"),
    "too few operands": (with_operands("gather", lambda operands: operands[:1]), "1 operands"),
    "too many operands": (with_operands("sum", lambda operands: operands * 2), "2 operands"),
    "view of another type": (with_value(of_kind("view"), dtype="int32"), "another type"),
    "operand nowhere": (with_operands("sum", lambda operands: [-5]), "before it is written"),
    "no axis": (with_attribute("sum", "axis", ((7, False),)), "no such axis"),
    "axes twice": (with_attribute("transpose", "axes", ((0, False),) * 2), "named once"),
    "no attribute": (with_instruction("narrow", lambda name, operands, results, given, parts: (
        name, operands, results, {}, parts)), "attribute axis is missing"),
    "narrow outside": (with_attribute("narrow", "start", ((-1, False),)), "within the axis"),
    "widen outside": (with_attribute("widen", "start", ((90, False),)), "does not fit"),
    "rate": (with_attribute("dropout_mask", "rate", 1.5), "rate is not from 0 to below 1"),
    "attribute too large": (with_attribute("narrow", "stop", ((2**62, False),)), "too large"),
    "run of runs": (with_instruction("fused", lambda name, operands, results, given, parts: (
        name, operands, results, given, [*parts[:-1], (*parts[-1][:4], parts)])), "has parts"),
    "run without its end": (with_instruction("fused", lambda *one: (
        *one[:4], one[4][:-1])), "no part makes"),
    "run whose end is kept from all": (with_instruction(
        "fused", lambda name, operands, results, given, parts: (
            name, operands, list(parts[0][2]), given, parts)), "last part of a run is no result"),
    "two settings of one operation": (with_instruction(
        "fused", lambda name, operands, results, given, parts: (
            name, operands, results, given,
            [(*part[:3], {"one": 1.0, "two": 2.0}, part[4]) for part in parts])),
        "has more than one setting"),
    "part that is missing": (lambda tape: {k: v for k, v in tape.items() if k != "seam"},
                             "a part of it is missing"),
    "another type": (lambda tape: tape | {"results": "y"}, "another type"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_tapes_are_refused_with_a_sentence(fault):
    change, words = FAULTS[fault]
    whole = dict(described(sound(0)[0]))
    native.Executor(whole, "plain")
    with pytest.raises(native.Refused, match=words):
        native.Executor(change(whole), "plain")


def test_a_batch_that_no_memory_could_hold_is_refused():
    loaded = native.Executor(dict(described(sound(0)[0])), "plain")
    for rows in (2**40, 2**45, 2**62, -1):
        with pytest.raises(ValueError, match="rows needs too much|rows is too|cannot have"):
            loaded.work(rows)
    assert np.isfinite(loaded.work(1))


def test_an_inner_result_of_a_run_is_of_the_type_of_the_run():
    x = g.input_node("x", (Rows(), 6), "float32")
    doubled = x * 2.0
    results = {"inner": doubled, "last": ops.exp(doubled)}
    whole = dict(described(compile(Graph((x,), (), results), "native").tape))
    assert [one[0] for one in whole["instructions"]] == ["fused"]
    for dtype in ("uint8", "float64"):
        changed = with_value(whole["results"][0], dtype=dtype)(whole)
        with pytest.raises(native.Refused, match="of another type"):
            native.Executor(changed, "plain")
