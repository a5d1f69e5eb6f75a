"""Each pass alone, on a tape where its effect is seen."""

from dataclasses import replace

import numpy as np
import pytest

from chainrule import graph as g
from chainrule.engine import (
    Graph,
    Instruction,
    Source,
    Tape,
    Update,
    Value,
    calls,
    compile,  # noqa: A004
    lower,
    verify,
)  # fmt: skip
from chainrule.engine.passes import drop, fold, fuse, reuse, share
from chainrule.graph import OPERATIONS, Rows, ops

FLOAT = np.dtype(np.float64)


def rows(name="x", *tail):
    return g.input_node(name, (Rows(), *tail), "float64")


def of(build, *tail):
    x = rows("x", *tail)
    return lower(Graph((x,), (), {"y": build(x)}))


def names(tape):
    return [instruction.name for instruction in tape.instructions]


def checked(tape):
    verify(tape)
    return tape


def test_fold_leaves_out_products_with_one():
    tape = of(lambda x: (1.0 * (x * 1.0) / 1.0) * 2.0 + (x + 1.0), 2)
    assert names(checked(fold(tape))) == ["multiply", "add", "add"]


def test_fold_keeps_a_product_with_one_that_changes_the_shape_or_type():
    ones = np.ones((3, 1))
    tape = of(lambda x: x * ones)
    assert names(fold(tape)) == ["multiply"]
    single = g.input_node("x", (Rows(),), "float32")
    tape = lower(Graph((single,), (), {"y": single * g.constant(np.float64(1.0))}))
    assert tape.values[-1].dtype == FLOAT
    assert names(fold(tape)) == ["multiply"]


def test_fold_computes_what_depends_on_constants_alone():
    values = (Value((2, 3), FLOAT), Value((3, 2), FLOAT), Value((3, 2), FLOAT), Value((), FLOAT))
    tape = Tape(
        values=(*values, Value((), FLOAT)),
        sources=(Source(0, "constant", "", np.arange(6.0).reshape(2, 3)),),
        instructions=(
            Instruction(OPERATIONS["transpose"], (0,), (1,), {"axes": (1, 0)}),
            Instruction(OPERATIONS["negative"], (1,), (2,)),
            Instruction(OPERATIONS["sum"], (2,), (3,), {"axis": (0, 1), "keepdims": False}),
            Instruction(OPERATIONS["count"], (), (4,), {"shape": (2, 3), "dtype": "float64"}),
        ),
        seam=4,
        results={"sum": 3, "count": 4},
        segments=(),
    )
    folded = checked(fold(checked(tape)))
    assert names(folded) == ["sum"]
    constants = {s.index: s.constant for s in folded.sources}
    np.testing.assert_array_equal(constants[2], -np.arange(6.0).reshape(2, 3).T)
    assert constants[4] == 6.0


def test_fold_leaves_what_is_rounded_differently_by_engines_and_what_counts_rows():
    count = ops.count(shape=(Rows(), 2), dtype="float64")
    assert names(fold(lower(Graph((rows(),), (), {"n": count})))) == ["count"]


def test_share_computes_the_same_thing_once():
    tape = of(lambda x: ops.exp(x + 2.0) * ops.exp(x + 2.0) + ops.exp(x + 3.0))
    assert names(tape).count("exp") == 3
    shared = checked(share(tape))
    assert names(shared) == ["add", "exp", "multiply", "add", "exp", "add"]
    product = shared.instructions[2]
    assert product.operands == (shared.instructions[1].results[0],) * 2


def test_share_tells_attributes_and_order_apart():
    tape = of(
        lambda x: ops.max(x, axis=1) + ops.max(x, axis=(0, 1)) + (1.0 - x - (x - 1.0)).sum(), 4
    )
    assert names(share(tape)) == names(tape)


def test_share_tells_layouts_of_constants_apart():
    square = np.array([[1.0, 2.0], [2.0, 1.0]])
    values = tuple(Value((2, 2), FLOAT) for _ in range(4))
    tape = Tape(
        values=(*values, Value((2, 2), FLOAT)),
        sources=(
            Source(0, "constant", "", square),
            Source(1, "constant", "", square.copy(order="F")),
        ),
        instructions=(
            Instruction(OPERATIONS["exp"], (0,), (2,)),
            Instruction(OPERATIONS["exp"], (1,), (3,)),
            Instruction(OPERATIONS["add"], (2, 3), (4,)),
        ),
        seam=3,
        results={"y": 4},
        segments=(),
    )
    assert names(share(checked(tape))) == ["exp", "exp", "add"]


def test_share_does_not_reach_across_the_seam():
    w = g.parameter("w", (3,), "float64")
    weight, gradient = (g.input_node(name, (3,), "float64") for name in ("weight", "gradient"))

    def count():
        return ops.exp(ops.count(shape=(Rows(),), dtype="float64"))

    update = Update(weight, gradient, (), (), weight - gradient * count(), ())
    tape = checked(lower(Graph((rows(),), (w,), {}, w.sum() * count(), update)))
    assert names(checked(share(tape))).count("exp") == 2


def test_drop_leaves_out_what_nobody_reads():
    x = rows()
    tape = lower(Graph((x,), (), {"y": ops.exp(x), "z": ops.tanh(x * 3.0)}))
    smaller = checked(drop(replace(tape, results={"y": tape.results["y"]})))
    assert names(smaller) == ["exp"]
    assert [s.kind for s in smaller.sources] == ["rows"]
    assert smaller.seam == 1


def test_fuse_joins_neighbors_of_one_shape():
    tape = checked(fuse(of(lambda x: ops.exp(ops.tanh(x + 1.0)).sum(axis=1) * 2.0 + 1.0, 3)))
    assert names(tape) == ["fused", "sum", "fused"]
    first, _, last = tape.instructions
    assert [part.name for part in first.parts] == ["add", "tanh", "exp"]
    assert first.results == first.parts[-1].results
    assert [part.name for part in last.parts] == ["multiply", "add"]


def test_fuse_gives_what_is_read_later_and_nothing_more():
    x = rows("x", 3)
    inner = ops.tanh(x)
    tape = checked(fuse(lower(Graph((x,), (), {"y": ops.exp(inner), "z": inner.sum()}))))
    (run,) = [i for i in tape.instructions if i.parts]
    assert [part.name for part in run.parts] == ["tanh", "exp"]
    assert run.results == (run.parts[0].results[0], run.parts[1].results[0])


def test_fuse_leaves_scalars_and_other_shapes_alone():
    tape = fuse(of(lambda x: (x.sum() * 2.0 + 1.0) * ops.exp(x)))
    assert names(tape)[:3] == ["sum", "multiply", "add"]
    wider = fuse(of(lambda x: (x * 2.0).reshape((-1, 1)) + np.ones(4)))
    assert "fused" not in names(wider)


def test_reuse_needs_fewer_places_than_values():
    def chain(x):
        for _ in range(10):
            x = ops.exp(x).sum(axis=1, keepdims=True) * x
        return x

    tape = of(chain, 4)
    smaller = checked(reuse(tape))
    assert len(tape.instructions) == 30
    assert len(set(smaller.storage.values())) <= 4
    assert set(smaller.storage) == {i.results[0] for i in tape.instructions}


def test_reuse_keeps_a_value_while_a_view_of_it_is_read():
    def build(x):
        y = ops.exp(x)
        seen = y.reshape((-1, 2))
        other = ops.tanh(x)
        return (seen * 2.0).sum() + other.sum()

    tape = checked(reuse(of(build, 4)))
    made = {i.name: i.results[0] for i in tape.instructions}
    assert made["reshape"] not in tape.storage
    assert tape.storage[made["exp"]] != tape.storage[made["tanh"]]


def test_reuse_gives_gradients_and_updates_no_place():
    w, x = g.parameter("w", (3,), "float64"), rows("x", 3)
    tape = reuse(lower(Graph((x,), (w,), {}, ops.exp(x * w).sum())))
    assert tape.gradients[0] not in tape.storage


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("columns", [(), (1,), (7,), (100,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_of_a_fused_run_give_the_bits_of_the_whole(monkeypatch, size, columns, dtype):
    monkeypatch.setattr(calls, "_BLOCK", 64)
    random = np.random.default_rng(1)
    x = g.input_node("x", (Rows(), *columns), dtype)
    scale = random.uniform(1.0, 2.0, columns).astype(dtype)
    column = random.normal(size=(1,) * (len(columns) + 1)).astype(dtype)
    y = ops.tanh(ops.exp(x * scale) - column)
    y = ops.sigmoid(y) * ops.maximum(x, y) + ops.flush(y) ** 3.0
    graph = Graph((x,), (), {"y": y, "middle": ops.log(ops.abs(y) + 1.0)})
    data = {"x": random.normal(size=(size, *columns)).astype(dtype)}
    whole = compile(graph, "numpy", ()).run(data, np.zeros(0), batch_size=size)
    blocks = compile(graph, "numpy").run(data, np.zeros(0), batch_size=size)
    assert names(compile(graph, "numpy").tape) == ["fused"]
    for name in ("y", "middle"):
        assert whole.results[name].tobytes() == blocks.results[name].tobytes()


def test_an_operand_with_as_many_columns_as_rows_is_not_cut_with_them(monkeypatch):
    monkeypatch.setattr(calls, "_BLOCK", 6)
    x = rows("x", 6)
    row, table = np.arange(6.0), np.arange(36.0).reshape(6, 6)
    graph = Graph((x,), (), {"y": ops.exp(x * row) + x.sum(axis=1, keepdims=True)})
    data = np.linspace(-1, 1, 36).reshape(6, 6)
    results = compile(graph, "numpy").run({"x": data}, np.zeros(0), batch_size=6).results
    np.testing.assert_allclose(
        results["y"], np.exp(data * row) + data.sum(axis=1, keepdims=True), rtol=1e-15
    )
    fixed = g.parameter("w", (6, 6), "float64")
    graph = Graph((), (fixed,), {"y": (ops.tanh(fixed * row) + table).sum()})
    steps = compile(graph, "numpy").run({}, data.ravel().copy())
    np.testing.assert_allclose(steps.results["y"], [(np.tanh(data * row) + table).sum()])
