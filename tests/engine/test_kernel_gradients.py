"""Every operation's gradient on both engines, through all passes and through none."""

import numpy as np
import pytest
from tests.engine.single import called
from tests.graph.cases import CASES
from tests.graph.checks import floats

from chainrule import graph as g
from chainrule.engine import Graph, compile  # noqa: A004
from chainrule.graph import OPERATIONS

pytest.importorskip("chainrule._native")


def differentiated(operation, case, dtype):
    """A graph whose parameters are the operands, and their values in one row."""
    y = called(operation, case, dtype)
    parameters, operands, values = [], [], []
    for position, (node, point) in enumerate(zip(y.operands, floats(operation, case), strict=True)):
        if point is None or node.dtype.kind != "f":
            operands.append(node.array)
            continue
        operands.append(g.parameter(f"operand {position}", node.shape, dtype))
        parameters.append(operands[-1])
        values.append(np.ravel(node.array))
    result = operation(*operands, **y.attributes)
    weights = np.random.default_rng(9).uniform(0.5, 1.5, y.shape).astype(dtype)
    loss = (as_type(result, dtype) * weights).sum()
    return Graph((), tuple(parameters), {}, loss), np.concatenate([*values, np.zeros(0, dtype)])


def as_type(node, dtype):
    return node if node.dtype == dtype else OPERATIONS["cast"](node, dtype=dtype)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_agree(name, dtype):
    for case in CASES[name]:
        graph, values = differentiated(OPERATIONS[name], case, dtype)
        told, expected = compile(graph, "numpy").gradient({}, values)
        scale = np.finfo(dtype).eps * 64
        for passes in (None, ()):
            results, gradient = compile(graph, "native", passes).gradient({}, values)
            assert gradient.dtype == dtype
            np.testing.assert_allclose(
                gradient, expected, rtol=scale, atol=scale * abs(expected).max(initial=1.0)
            )
            np.testing.assert_allclose(results["loss"], told["loss"], rtol=4 * scale, atol=scale)
