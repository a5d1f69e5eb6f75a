"""One program for each structure; engines, passes and operations by name."""

from importlib import import_module

import numpy as np
import pytest
from tests.engine.networks import ENGINES, Plan, as_graph

from chainrule import graph as g
from chainrule.engine import (
    ENGINES as KNOWN,
    PASSES,
    Graph,
    check_engine,
    compile,  # noqa: A004
    engine_info,
)
from chainrule.engine.native import instruction_set, native_module
from chainrule.errors import EngineError, SettingError, ShapeError
from chainrule.graph import OWN_OPERATIONS, Rows, operation, ops

compiling = import_module("chainrule.engine.compile")  # whose name is that of the function


@pytest.fixture(autouse=True)
def _own_operations_end_with_the_test():
    before = dict(OWN_OPERATIONS)
    yield
    OWN_OPERATIONS.clear()
    OWN_OPERATIONS.update(before)


def of(build, dtype="float64", width=2):
    x = g.input_node("x", (Rows(), width), dtype)
    return Graph((x,), (), {"y": build(x)})


def values(program, array):
    return program.run({"x": array}, np.zeros(0)).results["y"]


def test_two_graphs_of_one_structure_share_a_program():
    for engine in (*ENGINES, "auto"):
        assert compile(as_graph(Plan()), engine) is compile(as_graph(Plan()), engine)
    assert compile(as_graph(Plan()), ENGINES[-1]) is compile(as_graph(Plan()), "auto")
    assert compile(of(lambda x: x + 1.0)) is compile(of(lambda x: x + 1.0))


@pytest.mark.parametrize(
    "other",
    [
        of(lambda x: x + 2.0),
        of(lambda x: 1.0 + x),
        of(lambda x: x + [1.0, 1.0]),
        of(lambda x: x - 1.0),
        of(lambda x: x + 1.0, dtype="float32"),
        of(lambda x: x + 1.0, width=3),
        Graph((g.input_node("z", (Rows(), 2), "float64"),), (), {}),
    ],
)
def test_another_structure_is_another_program(other):
    assert compile(of(lambda x: x + 1.0)) is not compile(other)


def test_constants_differ_by_sign_of_zero_and_passes_by_choice():
    assert compile(of(lambda x: x * 0.0)) is not compile(of(lambda x: x * -0.0))
    graph = of(lambda x: x * 3.0)
    assert compile(graph, passes=["fuse"]) is not compile(graph)
    assert compile(graph, passes=["fuse"]) is compile(graph, passes=["fuse"])


def test_results_by_order_and_name_and_parameters_by_role():
    x = g.input_node("x", (Rows(),), "float64")
    a, b = ops.exp(x), ops.tanh(x)
    programs = {compile(Graph((x,), (), results)).tape.__str__() for results in (
        {"a": a, "b": b}, {"b": b, "a": a}, {"b": a, "a": b})}  # fmt: skip
    assert len(programs) == 3
    trained, kept = g.parameter("w", (2,), "float64"), g.parameter("w", (2,), "float64", False)
    assert compile(Graph((), (trained,), {"y": trained.sum()})) is not compile(
        Graph((), (kept,), {"y": kept.sum()})
    )


def test_one_operation_of_ones_own_runs_and_is_differentiated():
    @operation
    def cube(x, *, times=1.0):
        return times * x**3

    @cube.gradient
    def _(upstream, y, x, *, times=1.0):
        return upstream * 3.0 * times * x * x

    x, w = g.input_node("x", (Rows(), 2), "float64"), g.parameter("w", (2,), "float64")
    program = compile(Graph((x,), (w,), {"y": cube(x * w)}, cube(x * w, times=2.0).sum()))
    data, weights = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, -2.0])
    results, gradient = program.gradient({"x": data}, weights)
    np.testing.assert_allclose(results["y"], (data * weights) ** 3)
    np.testing.assert_allclose(gradient, (6 * (data * weights) ** 2 * data).sum(axis=0))


def test_an_operation_defined_again_is_another():
    def defined(shift):
        @operation
        def moved(x):
            return x + shift

        return moved

    first, second = defined(1.0), defined(2.0)
    one, other = compile(of(first)), compile(of(second))
    data = np.zeros((3, 2))
    assert one is not other
    assert (values(one, data) == 1.0).all()
    assert (values(other, data) == 2.0).all()
    assert compile(of(second)) is other


def test_attributes_that_are_equal_but_of_other_types_are_told_apart():
    @operation
    def powered(x, *, by):
        return x * (2.0 if isinstance(by, bool) else 3.0 if isinstance(by, int) else 5.0)

    data = np.ones((1, 2))
    found = [values(compile(of(lambda x, b=by: powered(x, by=b))), data)[0, 0]
             for by in (True, 1, 1.0)]  # fmt: skip
    assert found == [2.0, 3.0, 5.0]


def test_attributes_that_cannot_be_compared_are_compiled_each_time():
    @operation
    def weighted(x, *, by):
        return x * by

    graph = of(lambda x: weighted(x, by=np.array([1.0, 2.0])))
    assert compile(graph) is not compile(graph)
    assert values(compile(graph), np.ones((2, 2))).tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_an_operation_whose_shape_rule_is_wrong_is_told():
    @operation(shape=lambda x: x)
    def shrunk(x):
        return x[:1]

    with pytest.raises(ShapeError, match=r"shrunk: its shape rule says \(4, 2\), its result is"):
        values(compile(of(shrunk)), np.ones((4, 2)))


def test_engines_and_passes_by_name():
    assert KNOWN == ("auto", "native", "numpy")
    graph = of(lambda x: x * 2.0)
    for engine in ENGINES:
        assert compile(graph, engine).engine == engine
    assert compile(graph).engine == ENGINES[-1]
    with pytest.raises(SettingError, match="'cuda' is not known; known: 'auto', 'native', 'numpy'"):
        compile(graph, "cuda")
    with pytest.raises(SettingError, match="'melt' is not known; known: 'fold'"):
        compile(graph, passes=["fuse", "melt"])
    assert list(PASSES) == ["fold", "share", "drop", "delay", "fuse", "reuse"]


def test_engine_info_says_what_runs():
    info = engine_info()
    assert info["engine"] == ENGINES[-1]
    assert info["numpy"] == np.__version__
    assert info["native"] is ("native" in ENGINES)
    if info["native"]:
        assert info["instruction_set"] in ("avx2", "plain")
        assert info["threads"] >= 1
        assert info["note"] == "programs run in the native engine"


def test_without_the_native_module_numpy_runs_everything(monkeypatch):
    monkeypatch.setattr(compiling, "native_module", lambda: None)
    graph = of(lambda x: x * 7.25)
    assert compile(graph).engine == "numpy"
    check_engine("auto")
    with pytest.raises(EngineError, match='installed without its native module .*engine="auto"'):
        check_engine("native")
    info = engine_info()
    assert (info["engine"], info["instruction_set"], info["threads"]) == ("numpy", None, None)
    assert "NumPy runs the programs, more slowly, and draws the same" in info["note"]


needs_native = pytest.mark.skipif("native" not in ENGINES, reason="not built")


@needs_native
def test_what_has_no_kernel_runs_on_numpy_and_is_told_once(caplog):
    @operation
    def doubled_twice(x):
        return x * 4.0

    graph = of(doubled_twice)
    with pytest.raises(EngineError, match="no kernel for 'doubled_twice'; use engine=\"numpy\""):
        compile(graph, "native")
    compiling._tell.cache_clear()
    for _ in range(2):
        program = compile(graph)
        assert program.engine == "numpy"
        assert (values(program, np.ones((2, 2))) == 4.0).all()
    compile(of(lambda x: doubled_twice(x) + 1.0))
    [told] = [record.getMessage() for record in caplog.records]
    assert "no kernel for 'doubled_twice'" in told
    assert told.endswith("This program runs on NumPy, more slowly.")


@needs_native
def test_an_instruction_set_that_is_not_here_is_refused(monkeypatch):
    instruction_set.cache_clear()
    monkeypatch.setenv("CHAINRULE_INSTRUCTION_SET", "mmx")
    with pytest.raises(SettingError, match="CHAINRULE_INSTRUCTION_SET: 'mmx' is not here; this"):
        instruction_set()
    monkeypatch.setenv("CHAINRULE_INSTRUCTION_SET", "")
    assert instruction_set() == native_module().instruction_sets()[0]
    instruction_set.cache_clear()
    monkeypatch.setenv("CHAINRULE_INSTRUCTION_SET", " plain ")
    assert instruction_set() == "plain"
    assert engine_info()["instruction_set"] == "plain"
    instruction_set.cache_clear()


def test_old_programs_are_forgotten_in_time():
    first = compile(of(lambda x: x + 0.5))
    for number in range(200):
        compile(of(lambda x, n=number: x * (n + 2.0)))
    assert compile(of(lambda x: x + 0.5)) is not first
