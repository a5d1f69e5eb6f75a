"""Reverse mode: the derivative of a scalar, as more graph; and its check against slopes."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, overload

import numpy as np

from chainrule import random
from chainrule.errors import GradientError, InputTypeError, SettingError, ShapeError
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.operations.elementwise import cast
from chainrule.graph.operations.reduction import broadcast_to, sum_to
from chainrule.graph.settling import slopes_over
from chainrule.settings import check_number

__all__ = [
    "STEPS", "add_to", "check_gradient", "constant_like", "grad", "gradients", "handed_down",
    "handed_to_each", "largest_error", "measured_slope", "reachable", "walk_back", "zeros_like",
]  # fmt: skip


def reachable(results: Iterable[Node], since: int = 0) -> list[Node]:
    """Every node the results are made of, each once, operands before what uses them.

    since
        Nodes of a smaller number, and so what they are made of, are left out.
    """
    seen: dict[int, Node] = {}
    stack = list(results)
    while stack:
        node = stack.pop()
        if node.number not in seen and node.number >= since:
            seen[node.number] = node
            stack.extend(node.operands)
    return [seen[number] for number in sorted(seen)]


def gradients(y: Node, wrt: Sequence[Node]) -> list[Node]:
    """dy/du for each u of `wrt`, by one walk from the result to the leaves.

    For each node z on the way and each operand u of it: dy/du = sum over uses of dz/du * dy/dz.
    """
    if y.shape != ():
        message = f"grad: needs a scalar, got shape {y.shape}; take .sum() or .mean() first."
        raise ShapeError(message)
    upstream = {y.number: constant_like(1.0, y)}
    walk_back(reachable([y]), {node.number for node in wrt}, upstream)
    return [upstream[node.number] if node.number in upstream else zeros_like(node) for node in wrt]


def walk_back(order: Sequence[Node], wanted: set[int], upstream: dict[int, Node]) -> None:
    """Hand the gradients of results down to the nodes whose numbers are wanted.

    order
        Nodes, operands before what uses them.
    upstream
        Gradients by number, of the results before and of all on the way to the wanted after.
    """
    on_path: set[int] = set()
    for node in order:
        if node.number in wanted or any(o.number in on_path for o in node.operands):
            on_path.add(node.number)
    for node in reversed(order):
        if node.number in upstream and node.operation is not None and node.number in on_path:
            for operand, part in handed_down(node, upstream[node.number], on_path):
                add_to(upstream, operand, part)


def add_to(sums: dict[int, Node], node: Node, part: Node) -> None:
    """Add a part to what a node has so far."""
    before = sums.get(node.number)
    sums[node.number] = part if before is None else before + part


def constant_like(value: float, node: Node) -> Node:
    """A scalar of the type in which the node has its gradient."""
    return constant(np.asarray(value, node.dtype if node.dtype.kind == "f" else np.float64))


def zeros_like(node: Node) -> Node:
    """Zeros of the node's shape."""
    return broadcast_to(constant_like(0.0, node), shape=node.shape)


def handed_down(node: Node, g: Node, on_path: Container[int]) -> Iterator[tuple[Node, Node]]:
    """Each operand on the path, with what the node's rule makes of `g` for this use of it.

    Raises `GradientError` where the rule is missing or gives something else.
    """
    for place, part in _handed(node, g, on_path):
        yield node.operands[place], part


def handed_to_each(node: Node, g: Node, on_path: Container[int]) -> list[Node | None]:
    """What `handed_down` gives, for each operand in its place; None where nothing is handed on."""
    found = dict(_handed(node, g, on_path))
    return [found.get(place) for place in range(len(node.operands))]


def _handed(node: Node, g: Node, on_path: Container[int]) -> Iterator[tuple[int, Node]]:
    operation = node.operation
    assert operation is not None  # noqa: S101  (for the type checker: leaves were left out)
    if operation.gradient_rule is None:
        message = (
            f"{operation.name}: it has no gradient rule; add one with @{operation.name}.gradient."
        )
        raise GradientError(message)
    given = operation.gradient_rule(g, node, *node.operands, **node.attributes)
    rules = tuple(given) if isinstance(given, tuple | list) else (given,)
    if len(rules) != len(node.operands):
        message = (
            f"{operation.name}: its gradient rule gives {len(rules)} gradients for "
            f"{len(node.operands)} operands; give one (or None) for each."
        )
        raise GradientError(message)
    for place, (operand, rule) in enumerate(zip(node.operands, rules, strict=True)):
        if rule is not None and operand.number in on_path:
            yield place, _part(operation.name, rule, operand)


def _part(name: str, rule: Any, operand: Node) -> Node:
    """What one use of an operand adds to its gradient, of the operand's shape and type."""
    part = rule() if callable(rule) else rule
    if not isinstance(part, Node):
        message = (
            f"{name}: its gradient rule gives {type(part).__name__}, needs a node or None; "
            "write it in chainrule.ops."
        )
        raise GradientError(message)
    part = sum_to(part, operand.shape)
    if part.shape != operand.shape:
        message = (
            f"{name}: its gradient rule gives shape {part.shape} for an operand of "
            f"shape {operand.shape}; they must be the same."
        )
        raise GradientError(message)
    if part.dtype != operand.dtype and operand.dtype.kind == "f":
        part = cast(part, dtype=operand.dtype)
    return part


@overload
def grad(y: Node, wrt: Node) -> Node: ...


@overload
def grad(y: Node, wrt: Iterable[Node]) -> list[Node]: ...


def grad(y: Node, wrt: Node | Iterable[Node]) -> Node | list[Node]:
    """The derivative of a scalar node, as nodes that can be differentiated again.

    y
        A node of shape ().
    wrt
        A node, or a list of nodes; the result has the same form.

    Raises `ShapeError` where y is not a scalar, `GradientError` where a rule is missing or wrong.

    >>> import chainrule as cr
    >>> x = cr.variable(3.0)
    >>> slope = cr.grad(x**3, x)
    >>> slope.value, cr.grad(slope, x).value
    (27.0, 18.0)
    """
    nodes = list(wrt) if isinstance(wrt, Iterable) else [wrt]
    for node in [y, *nodes]:
        if not isinstance(node, Node):
            message = f"grad: needs nodes, got {type(node).__name__}; make them with cr.variable."
            raise InputTypeError(message)
    found = gradients(y, nodes)
    return found[0] if isinstance(wrt, Node) else found


def check_gradient(
    function: Callable[..., Node], *arrays: Any, rtol: float = 1e-6, seed: int = 0
) -> float:
    """The largest relative error of a derivative against central differences of fourth order.

    function
        Takes a node for each array and gives a node; a result that is no scalar is weighted
        with fixed random numbers and summed.
    arrays
        Where to check, away from kinks; converted to float64.
    rtol
        Raises `GradientError` beyond it, naming the argument and the element; where the slopes
        before and after differ, it says that the function has a kink there.

    The slope is (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h with h = 0.001 max(1, |x|);
    errors are relative to the larger of the two derivatives, a thousandth of the largest in its
    argument, or a millionth of the function, below which a slope is rounding.

    >>> import chainrule as cr
    >>> cr.check_gradient(lambda x: cr.ops.tanh(x) * x, [0.3, -2.0]) < 1e-9
    True
    """
    if not arrays:
        message = "check_gradient: needs an array or more to differentiate at."
        raise SettingError(message)
    check_number("check_gradient", "rtol", rtol, "above 0", lambda x: x > 0)
    points = [np.array(variable(array).array, np.float64) for array in arrays]
    nodes = [variable(point) for point in points]
    result = _as_scalar(function, nodes, seed)
    floor = 1e-6 * abs(float(result.value))
    if not np.isfinite(floor):
        message = f"check_gradient: the function is {result.value} at these arrays; give others."
        raise GradientError(message)
    worst = 0.0
    for which, exact in enumerate(gradients(result, nodes)):
        slopes = _slopes(function, points, which, seed, float(result.value))
        found = np.asarray(exact.array).ravel()
        names = [f"argument {which + 1}, element {element}" for element in range(found.size)]
        worst = max(worst, largest_error(names, found, slopes, rtol, floor))
    return worst


def _as_scalar(function: Callable[..., Node], nodes: Sequence[Node], seed: int) -> Node:
    result = function(*nodes)
    if not isinstance(result, Node):
        message = (
            f"check_gradient: the function gives {type(result).__name__}, needs a node; "
            "write it in chainrule.ops."
        )
        raise InputTypeError(message)
    if result.shape == ():
        return result
    shape = result.value.shape
    weights = 0.5 + random.uniform(seed, 0, 0, math.prod(shape))
    return (result * constant(weights.reshape(shape))).sum()


def _slopes(
    function: Callable[..., Node], points: Sequence[Any], which: int, seed: int, here: float
) -> Any:
    """What is measured by each element of one of the arrays."""

    def value(element: int, offset: float) -> float:
        moved = [point.copy() for point in points]
        moved[which].flat[element] += offset
        return float(_as_scalar(function, [variable(point) for point in moved], seed).value)

    point = points[which]
    slopes = [
        measured_slope(partial(value, element), float(point.flat[element]), here)
        for element in range(point.size)
    ]
    return np.reshape(slopes, (-1, 3))


def measured_slope(
    value: Callable[[float], float], at: float, here: float, step: float = 1e-3
) -> tuple[float, float, float]:
    """Central difference of fourth order, and those of second order before and after a point.

    value
        The function's value when the point is moved by a distance.
    at, here
        The point, and the value there.
    step
        How far it is moved, times the larger of 1 and |at|.
    """
    h = step * max(1.0, abs(at))
    return slopes_over([here, *(value(offset) for offset in (h, -h, 2 * h, -2 * h))], h)


STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
"""How far points are moved, as a share of the larger of 1 and the point: the first that serves."""


def largest_error(
    names: Sequence[str], exact: Any, slopes: Any, rtol: float, floor: float
) -> float:
    """The largest relative error of derivatives against slopes.

    names
        What the sentence calls each element.
    slopes
        What `measured_slope` gives for each.
    floor
        Below it a slope is rounding.

    Raises `GradientError` beyond `rtol`.
    """
    if exact.size == 0:
        return 0.0
    sides, slopes = slopes[:, 1:], slopes[:, 0]
    scale = np.maximum(np.abs(exact), np.abs(slopes))
    # an element far smaller than its neighbors is known only to their rounding
    scale = np.maximum(scale, max(floor, 1e-3 * float(np.fmax.reduce(scale))))
    errors = np.abs(exact - slopes) / np.where(scale == 0, 1.0, scale)
    element = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    error = float(errors[element])
    if not error <= rtol:
        left, right = sides[element]
        gap = abs(right - left)
        # a wrong rule at a smooth point leaves both sides equal; a kink parts them by more than
        # it spoils the central difference
        if gap > max(abs(exact[element] - slopes[element]), 0.01 * np.abs(sides[element]).max()):
            message = (
                f"{names[element]}: the function has a kink there, with slope {left:.4g} before "
                f"and {right:.4g} after it (the gradient rule gives {exact[element]:.4g}); check "
                "away from kinks."
            )
            raise GradientError(message)
        message = (
            f"{names[element]}: the gradient rule gives "
            f"{exact[element]:.9g}, central differences {slopes[element]:.9g} "
            f"(relative error {error:.2g}, allowed {rtol:.2g})."
        )
        raise GradientError(message)
    return error
