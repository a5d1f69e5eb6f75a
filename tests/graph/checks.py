"""What every operation is held to; each check is tested with planted faults."""

from typing import Any

import numpy as np
import pytest
from tests.graph.cases import Case
from tests.graph.oracles import ORACLES

from chainrule import graph
from chainrule.graph import Node, Operation, Rows, bind, constant, variable

STEP = 1e-3


def call(operation: Operation, case: Case, operands: Any = None, **more: Any) -> Node:
    operands = case.operands if operands is None else operands
    return operation(*operands, **case.attributes, **more)


def floats(operation: Operation, case: Case) -> list[np.ndarray | None]:
    """The operands to differentiate by, as float64; None for whole numbers and fixed ones."""
    return [
        None if position in (*operation.integers, *case.fixed) else np.array(operand, np.float64)
        for position, operand in enumerate(case.operands)
    ]


def with_variables(
    operation: Operation, case: Case, points: list[np.ndarray | None] | None = None
) -> tuple[list[Any], list[Node]]:
    """The operands with variables where they are differentiated by, and these variables."""
    points = floats(operation, case) if points is None else points
    operands = [
        operand if point is None else variable(point)
        for point, operand in zip(points, case.operands, strict=True)
    ]
    return operands, [operand for operand in operands if isinstance(operand, Node)]


def directions(operation: Operation, case: Case, key: int) -> list[np.ndarray | None]:
    draws = np.random.default_rng([key, len(repr(case))])
    return [
        None if point is None else draws.uniform(0.5, 1.5, point.shape) * draws.choice([-1, 1])
        for point in floats(operation, case)
    ]


def weights(operation: Operation, case: Case) -> np.ndarray:
    return np.random.default_rng(9).uniform(0.5, 1.5, call(operation, case).shape)


def moved(points: list[Any], along: list[Any], distance: float) -> list[Any]:
    return [
        None if point is None else point + distance * way
        for point, way in zip(points, along, strict=True)
    ]


def slope_node(
    operation: Operation, case: Case, points: list[Any], u: np.ndarray, v: list[Any]
) -> tuple[Node, list[Node]]:
    """<u, J v> by the gradient rule, as a node, and the variables it is made of."""
    operands, nodes = with_variables(operation, case, points)
    scalar = (call(operation, case, operands) * u).sum()
    total = constant(0.0)
    ways = [way for way in v if way is not None]
    for slope, way in zip(graph.gradients(scalar, nodes), ways, strict=True):
        total = total + (slope * way).sum()
    return total, nodes


def difference(function: Any, *, step: float = STEP) -> float:
    """The slope of a function of one number at 0, by central differences of fourth order."""
    near = function(step) - function(-step)
    far = function(2 * step) - function(-2 * step)
    return (8 * near - far) / (12 * step)


def check_gradient(operation: Operation, case: Case) -> None:
    u, v = weights(operation, case), directions(operation, case, 1)
    points = floats(operation, case)

    def value(distance: float) -> float:
        here = moved(points, v, distance)
        operands = [
            operand if point is None else point
            for point, operand in zip(here, case.operands, strict=True)
        ]
        return float((np.asarray(call(operation, case, operands).value) * u).sum())

    exact = slope_node(operation, case, points, u, v)[0].value
    # below 1e-11 a measured slope is rounding: flat operations have exact slope 0
    assert exact == pytest.approx(difference(value), rel=1e-6, abs=1e-11)


def check_second_order(operation: Operation, case: Case) -> None:
    u, v = weights(operation, case), directions(operation, case, 1)
    points, w = floats(operation, case), directions(operation, case, 2)
    slope, nodes = slope_node(operation, case, points, u, v)
    ways = [way for way in w if way is not None]
    exact = sum(
        float((np.asarray(curve.value) * way).sum())
        for curve, way in zip(graph.gradients(slope, nodes), ways, strict=True)
    )

    def value(distance: float) -> float:
        return slope_node(operation, case, moved(points, w, distance), u, v)[0].value

    assert exact == pytest.approx(difference(value), rel=1e-6, abs=1e-10)


def check_tangent(operation: Operation, case: Case) -> None:
    """Forward mode agrees with reverse mode and with the slope of the value."""
    u, v = weights(operation, case), directions(operation, case, 1)
    operands, nodes = with_variables(operation, case)
    y = call(operation, case, operands)
    tangent = graph.jvp(y, nodes, [way for way in v if way is not None])
    assert tangent.shape == y.shape
    exact = float((np.asarray(tangent.value) * u).sum())
    back = slope_node(operation, case, floats(operation, case), u, v)[0].value
    assert exact == pytest.approx(back, rel=1e-12, abs=1e-13)

    def value(distance: float) -> float:
        here = moved(floats(operation, case), v, distance)
        at = [x if point is None else point for point, x in zip(here, case.operands, strict=True)]
        return float((np.asarray(call(operation, case, at).value) * u).sum())

    assert exact == pytest.approx(difference(value), rel=1e-6, abs=1e-11)


def check_second_orders(operation: Operation, case: Case) -> None:
    """Both modes over either give one <u, H v w>."""
    u, points = weights(operation, case), floats(operation, case)
    v, w = directions(operation, case, 1), directions(operation, case, 2)
    operands, nodes = with_variables(operation, case)
    y = call(operation, case, operands)
    v, w = ([way for way in ways if way is not None] for ways in (v, w))

    def along(slopes: list[Node], ways: list[Any]) -> float:
        return sum(float((np.asarray(s.value) * way).sum())
                   for s, way in zip(slopes, ways, strict=True))  # fmt: skip

    slope, leaves = slope_node(operation, case, points, u, directions(operation, case, 1))
    expected = along(graph.gradients(slope, leaves), w)
    slopes = graph.gradients((y * u).sum(), nodes)
    forward = graph.jvp(y, nodes, v)
    found = [
        along([graph.jvp(slope, nodes, w) for slope in slopes], v),
        along(graph.gradients((forward * u).sum(), nodes), w),
        along([graph.jvp(forward, nodes, w)], [u]),
    ]
    assert found == pytest.approx([expected] * 3, rel=1e-10, abs=1e-11)


def check_tangent_shapes(operation: Operation, case: Case) -> None:
    """With symbolic rows the tangent is symbolic, and has the shape of the result."""
    nodes, attributes = symbolic(operation, case, case.rows)
    y = operation(*nodes, **attributes)
    moving = [node for position, node in enumerate(nodes) if position not in case.fixed]
    ways = [graph.input_node("way", node.shape, "float64") for node in moving]
    tangent = graph.jvp(y, moving, ways)
    assert tangent.shape == y.shape
    assert tangent.dtype == (y.dtype if y.dtype.kind == "f" else np.float64)
    roots = {node.number for node in graph.reachable([tangent]) if node.role == "input"}
    assert roots <= {node.number for node in [*nodes, *ways]}


def check_value(operation: Operation, case: Case) -> None:
    """Against the second formula, to a few roundings of the largest number involved."""
    found = call(operation, case)
    arrays = [np.asarray(operand) for operand in case.operands]
    expected = ORACLES[operation.name](*arrays, **case.attributes)
    assert np.shape(found.array) == expected.shape
    relative = 1e-13 if found.dtype != np.float32 else 1e-6
    absolute = 1e-15 * max([1.0, *(np.abs(x).max() ** 2 for x in arrays if x.size)])
    if operation.integers:
        absolute = 0.0
    np.testing.assert_allclose(found.array, expected, rtol=relative, atol=absolute)


def _symbolic_size(size: int, rows: int) -> Any:
    return {rows: Rows(), 2 * rows: Rows(2)}.get(size, size)


def symbolic(operation: Operation, case: Case, rows: int) -> tuple[list[Node], dict[str, Any]]:
    """The case with inputs in place of arrays: axes of `rows` symbolic, where rows is not 0."""

    def shaped(shape: Any) -> Any:
        return tuple(_symbolic_size(size, rows) for size in shape) if rows else tuple(shape)

    nodes = [
        graph.input_node(
            f"x{i}",
            shaped(np.shape(operand)),
            "int64" if i in operation.integers else "float64",
        )
        for i, operand in enumerate(case.operands)
    ]
    attributes = dict(case.attributes)
    if "shape" in attributes and rows:
        attributes["shape"] = shaped(attributes["shape"])
    if "length" in attributes and rows:
        attributes["length"] = _symbolic_size(attributes["length"], rows)
    return nodes, attributes


def check_shape(operation: Operation, case: Case) -> None:
    """The shape and type told beforehand are those of the value, for any number of rows."""
    real = call(operation, case)
    assert real.array is not None
    assert (real.shape, real.dtype) == (real.array.shape, real.array.dtype)
    nodes, attributes = symbolic(operation, case, 0)
    told = operation(*nodes, **attributes)
    assert (told.shape, told.dtype) == (real.shape, real.dtype)
    if not case.rows:
        return
    nodes, attributes = symbolic(operation, case, case.rows)
    told = operation(*nodes, **attributes)
    assert told.array is None
    assert any(isinstance(size, Rows) for node in [told, *nodes] for size in node.shape) or (
        operation.name == "count"
    )
    assert bind(told.shape, case.rows) == real.shape
    fewer = [np.zeros(bind(node.shape, 3), node.dtype) for node in nodes]
    settings = {
        name: bind(value, 3) if name == "shape" else value
        for name, value in told.attributes.items()
    }
    with np.errstate(all="ignore"):
        assert bind(told.shape, 3) == np.shape(operation.meaning(*fewer, **settings))


def check_gradient_shapes(operation: Operation, case: Case) -> None:
    """With symbolic rows each gradient has its operand's shape and type."""
    nodes, attributes = symbolic(operation, case, case.rows)
    y = operation(*nodes, **attributes)
    # which operand is fixed may have no derivative at all
    nodes = [node for position, node in enumerate(nodes) if position not in case.fixed]
    for node, slope in zip(nodes, graph.gradients(y.sum(), nodes), strict=True):
        assert slope.shape == node.shape
        assert slope.dtype == np.float64


def check_operands(operation: Operation, case: Case) -> None:
    """Neither the caller's arrays nor the values of nodes change, and no result is one of them."""
    arrays = [np.array(operand) for operand in case.operands]
    before = [array.copy() for array in arrays]
    operands, nodes = with_variables(operation, case)
    graph.gradients(call(operation, case, operands).sum(), nodes)
    taken = call(operation, case, arrays)
    assert not any(np.shares_memory(taken.array, array) for array in arrays)
    for operand, array, old in zip(operands, arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)
        np.testing.assert_array_equal(getattr(operand, "array", operand), old)
