"""What follows the products of a dense layer: compiled, and the bits of single operations."""

import numpy as np
import pytest
from tests.engine.networks import on_engine

from chainrule import graph as g
from chainrule.engine import Graph, compile  # noqa: A004
from chainrule.graph import Rows, ops

native = pytest.importorskip("chainrule._native")
SETS = native.instruction_sets()
INPUTS = 5
# Around the lanes of a vector, whole numbers of vectors, rows taken one by one, several tiles.
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 15, 16, 17, 24, 31, 33, 63, 64, 65, 100, 130, 519, 1030)
ROWS = (1, 2, 3, 8, 15, 33, 70)
ACTIVATIONS = {
    "linear": (lambda x: x, lambda x: x),
    "relu": (ops.relu, lambda x: np.maximum(x, 0)),
    "tanh": (ops.tanh, np.tanh),
    "sigmoid": (ops.sigmoid, lambda x: 1 / (1 + np.exp(-x))),
}
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
SETTINGS = {
    "leaky_relu": ("negative_slope", (0.0, 0.2, 1.5)),
    "elu": ("alpha", (0.0, 1.0, 2.5)),
    "flush": ("threshold", (1e-30, 0.5)),
}
each_type = pytest.mark.parametrize("dtype", ["float32", "float64"])


def two_layers(activation, width, dtype):
    """y = activation(activation(x @ w + b) @ v + c), equally wide; the loss is sum(y @ u)."""
    function, _ = ACTIVATIONS[activation]
    x = g.input_node("x", (Rows(), INPUTS), dtype)
    w, v = g.parameter("w", (INPUTS, width), dtype), g.parameter("v", (width, width), dtype)
    b, c = g.parameter("b", (width,), dtype), g.parameter("c", (width,), dtype)
    u = g.parameter("u", (width, 1), dtype)
    hidden = function(x @ w + b)
    y = function(hidden @ v + c)
    return Graph((x,), (w, b, v, c, u), {"y": y}, ops.sum(y @ u))


@each_type
def test_each_part_of_a_run_has_its_own_setting(dtype):
    x = np.linspace(-3, 3, 1537, dtype=dtype).reshape(1, -1)
    data = g.input_node("x", (Rows(), 1537), dtype)
    y, expected = data, g.variable(x)
    for name, (setting, values) in SETTINGS.items():
        for value in values:
            y = getattr(ops, name)(y - 0.1, **{setting: value})
            expected = getattr(ops, name)(expected - 0.1, **{setting: value})
    graph = Graph((data,), (), {"y": y})
    program = compile(graph, "native")
    assert [instruction.name for instruction in program.tape.instructions] == ["fused"]
    bits = set()
    for instructions in SETS:
        for passes in (None, ()):
            tape = compile(graph, "numpy", passes).tape
            found = on_engine(tape, "native", instructions).run({"x": x}, np.zeros(0, dtype))
            bits.add(found.results["y"].tobytes())
    assert len(bits) == 1
    eps = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(found.results["y"], expected.value, rtol=eps, atol=eps)


def numbers(width, dtype):
    random = np.random.default_rng(width)
    x = random.normal(size=(max(ROWS), INPUTS)).astype(dtype)
    return x, 0.3 * random.normal(size=width * (INPUTS + width + 3)).astype(dtype)


def values(activation, width, x, parameters):
    """The same with matrices, in double precision."""
    _, function = ACTIVATIONS[activation]
    borders = np.cumsum([INPUTS * width, width, width * width, width])
    w, b, v, c, _ = np.split(parameters.astype(np.float64), borders)
    hidden = function(x.astype(np.float64) @ w.reshape(INPUTS, width) + b)
    return function(hidden @ v.reshape(width, width) + c)


@each_activation
@each_type
def test_they_are_compiled(activation, dtype):
    program = compile(two_layers(activation, 20, dtype), "native")
    for instructions in SETS:
        runs = on_engine(program.tape, "native", instructions).executor.runs(8)
        assert len(runs) == (2 if activation == "linear" else 4), runs
        assert all(compiled for _, compiled in runs), runs


@each_activation
@each_type
def test_they_give_the_bits_of_single_operations_and_what_matrices_give(activation, dtype):
    for width in WIDTHS:
        graph = two_layers(activation, width, dtype)
        x, parameters = numbers(width, dtype)
        programs = [
            on_engine(compile(graph, "numpy", passes).tape, "native", instructions)
            for passes in (None, ())
            for instructions in SETS
        ]
        for rows in ROWS:
            found = [program.gradient({"x": x[:rows]}, parameters) for program in programs]
            bits = {(results["y"].tobytes(), slope.tobytes()) for results, slope in found}
            assert len(bits) == 1, (width, rows)
            expected = values(activation, width, x[:rows], parameters)
            scale = (3e-5 if dtype == "float32" else 1e-13) * max(abs(expected).max(), 1e-3)
            np.testing.assert_allclose(found[0][0]["y"], expected, rtol=0, atol=scale)
