"""Every node of an expression: its value, its local derivatives, the derivative of the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import Node, Slopes, constant, gradients, handed_to_each, reachable
from chainrule.settings import check_flag
from chainrule.tracing.forms import Forms
from chainrule.tracing.measuring import Wide
from chainrule.tracing.notation import check_digits
from chainrule.tracing.pairs import Parts, is_pair, parts_of

__all__ = ["Contribution", "Trace", "TraceStep", "trace"]

Array = np.ndarray[Any, np.dtype[Any]]

MOST_LOCAL = 1 << 14
"""Numbers of a local derivative beyond which it is not computed."""


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one use of a node adds to the derivative of the result with respect to it.

    user
        The name of the node that uses it.
    local
        The derivative of the user with respect to it, as in `TraceStep.local`.
    upstream
        The derivative of the result with respect to the user.
    product
        What the chain rule makes of both, in the node's shape.
    """

    user: str
    local: Array | None
    upstream: Array
    product: Array


@dataclass(frozen=True, eq=False)
class TraceStep:
    """One node of an expression.

    number, name
        Its place in the order of computing, from 1; its own name, or v1, v2 ...
    is_named
        Whether somebody gave it that name.
    operation, operands, attributes
        What makes it, of which nodes (their names); "variable" or "constant" of a leaf.
    value
        Its value.
    local
        For each operand the derivative of this node with respect to it: element by element, in
        this node's shape, where the operation works so and both have one shape; else in the shape
        of this node followed by the operand's. None where it has no derivative, or is larger than
        16,384 numbers.
    contributions
        For each use of the node what comes from there; the derivative is their sum.
    derivative
        The derivative of the result with respect to the node; None where the result does not
        depend on it, or it is a constant.
    parts
        Of a pair that is stable only together, the parts that a book multiplies.
    """

    number: int
    name: str
    operation: str
    operands: tuple[str, ...]
    attributes: Mapping[str, Any]
    value: Array
    local: tuple[Array | None, ...]
    contributions: tuple[Contribution, ...]
    derivative: Array | None
    node: Node
    parts: Parts | None = None
    is_named: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Forms):
    """An expression forward and backward, node by node.

    steps
        The nodes in the order in which they were computed; the result is the last.
    digits
        How many digits after the point are shown.
    checks
        Whether a central difference stands beside the derivative of each variable.
    title
        What stands above it, if anything.

    `trace["q"]` is the node of a name. Raises `SettingError` for an unknown one.
    """

    steps: tuple[TraceStep, ...]
    digits: int = 6
    checks: bool = False
    title: str = ""

    @property
    def result(self) -> TraceStep:
        """The node that was traced."""
        return self.steps[-1]

    def central_difference(self, name: str, index: tuple[int, ...] = ()) -> float:
        """The slope of the result along one number of a variable, measured in float64.

        name, index
            Which variable, and the place of the number in it.

        Fourth-order central difference. Raises `SettingError` where the name is no variable's.

        >>> import chainrule as cr
        >>> x = cr.variable(3.0, "x")
        >>> round(cr.trace(x * x).central_difference("x"), 6)
        6.0
        """
        return self.measured_slopes(name, index)[0]

    def measured_slopes(self, name: str, index: tuple[int, ...] = ()) -> Slopes:
        """The central difference, the slopes below and above a number, and their rounding.

        name, index
            As `central_difference` takes them.

        Both sides differ at a kink alone. NaN where no values beside the number are finite.
        """
        step = self[name]
        if step.node.operation is not None:
            message = f"trace: {name!r} is computed; choose a variable to move."
            raise SettingError(message)
        derivative = None if step.derivative is None else float(step.derivative[index])
        return self._wide.slopes_at(step.number - 1, index, derivative)

    @cached_property
    def _wide(self) -> Wide:
        moving = [n for n, step in enumerate(self.steps) if step.derivative is not None]
        return Wide.of([step.node for step in self.steps], moving)

    def __getitem__(self, name: str) -> TraceStep:
        for step in self.steps:
            if step.name == name:
                return step
        known = ", ".join(step.name for step in self.steps[:20])
        message = f"trace: there is no node {name!r}; known: {known}."
        raise SettingError(message)


def trace(
    y: Node, names: Mapping[str, Node] | None = None, digits: int = 6, check: bool = False
) -> Trace:
    """Every node of an expression in order: value, local derivatives, derivative of the result.

    y
        A scalar node with a value.
    names
        What nodes are called, beside the names that variables were given; one table serves several
        results, for names of nodes that y is not made of are passed over.
    digits
        How many digits after the point are shown.
    check
        Whether a central difference stands beside the derivative of each variable.

    Raises `ShapeError` where y is no scalar, `InputTypeError` where it is no node with a value or
    a name is one of something else, `SettingError` where two nodes have one name.

    >>> import chainrule as cr
    >>> x, y, z = (cr.variable(v, n) for v, n in ((-2.0, "x"), (5.0, "y"), (-4.0, "z")))
    >>> q = x + y
    >>> found = cr.trace(q * z, {"q": q})
    >>> [(step.name, float(step.value), float(step.derivative)) for step in found.steps]
    [('x', -2.0, -4.0), ('y', 5.0, -4.0), ('z', -4.0, 3.0), ('q', 3.0, -4.0), ('v5', -12.0, 1.0)]
    """
    _check(y)
    order = reachable([y])
    names = {} if names is None else names
    for name, node in names.items():
        if not isinstance(node, Node):
            message = f"trace: names: {name!r} is {type(node).__name__}, not a node; leave it out."
            raise InputTypeError(message)
    given = _given_names(order, names)
    digits = check_digits(digits)
    check_flag("trace", "check", check)
    return Trace(tuple(_steps(y, order, given)), digits, check)


def _steps(y: Node, order: Sequence[Node], given: Mapping[int, str]) -> Iterator[TraceStep]:
    wanted, called = _moving(order), _names(order, given)
    with np.errstate(all="ignore"):
        slopes = {
            node.number: slope for node, slope in zip(wanted, gradients(y, wanted), strict=True)
        }
        inside = set(slopes)
        depends = _on_path(y, order, inside)
        local = {node.number: _local(node, inside) for node in order}
        uses = _uses(order, slopes, inside & depends, local, called)
        for number, node in enumerate(order, start=1):
            known = node.number in slopes and node.number in depends
            yield TraceStep(
                number,
                called[node.number],
                node.operation.name if node.operation is not None else node.role,
                tuple(called[one.number] for one in node.operands),
                node.attributes,
                np.asarray(node.array),
                local[node.number],
                tuple(uses.get(node.number, ())),
                np.asarray(slopes[node.number].array) if known else None,
                node,
                _parts(node),
                node.number in given,
            )


def _array(node: Node) -> Array:
    return np.asarray(node.array)


def _moving(order: Sequence[Node]) -> list[Node]:
    """The nodes that are variables or made of some, and have a derivative."""
    found: dict[int, Node] = {}
    for node in order:
        made = any(one.number in found for one in node.operands)
        if node.dtype.kind == "f" and (made or node.role == "variable"):
            found[node.number] = node
    return list(found.values())


def _on_path(y: Node, order: Sequence[Node], inside: set[int]) -> set[int]:
    """The nodes that the result is made of by operations that have derivatives."""
    found = {y.number}
    for node in reversed(order):
        if node.number in found and node.operation is not None:
            for operand, slope in zip(node.operands, _handed(node, inside), strict=True):
                if slope is not None:
                    found.add(operand.number)
    return found


def _handed(node: Node, inside: set[int], g: Node | None = None) -> list[Node | None]:
    """For each operand what one use of it hands down of `g`, of ones when None."""
    if node.operation is None or not any(one.number in inside for one in node.operands):
        return [None] * len(node.operands)
    if g is None:
        g = constant(np.ones(_array(node).shape, node.dtype))
    return handed_to_each(node, g, inside)


def _local(node: Node, inside: set[int]) -> tuple[Array | None, ...]:
    slopes = (_slope(node, place, one, inside) for place, one in enumerate(node.operands))
    return tuple(slopes)


def _slope(node: Node, place: int, operand: Node, inside: set[int]) -> Array | None:
    if operand.number not in inside or node.operation is None:
        return None
    shape, size = _array(node).shape, _array(node).size
    if node.operation.elementwise and shape == _array(operand).shape:
        one = _handed(node, inside)[place]
        return None if one is None else np.asarray(one.array)
    if size * _array(operand).size > MOST_LOCAL:
        return None
    columns = []
    for element in range(size):
        unit = np.zeros(size, node.dtype)
        unit[element] = 1.0
        one = _handed(node, inside, constant(unit.reshape(shape)))[place]
        if one is None:
            return None
        columns.append(np.asarray(one.array))
    return np.reshape(columns, (*shape, *_array(operand).shape))


def _uses(
    order: Sequence[Node],
    slopes: Mapping[int, Node],
    on_path: set[int],
    local: Mapping[int, tuple[Array | None, ...]],
    called: Mapping[int, str],
) -> dict[int, list[Contribution]]:
    """For each node what comes from each use of it."""
    found: dict[int, list[Contribution]] = {}
    for node in order:
        if node.number not in on_path or node.operation is None:
            continue
        upstream = slopes[node.number]
        handed = _handed(node, set(slopes), upstream)
        for place, (operand, part) in enumerate(zip(node.operands, handed, strict=True)):
            if part is not None:
                found.setdefault(operand.number, []).append(
                    Contribution(
                        called[node.number], local[node.number][place],
                        np.asarray(upstream.array), np.asarray(part.array),
                    )
                )  # fmt: skip
    return found


def _parts(node: Node) -> Parts | None:
    if node.operation is None or not is_pair(node.operation.name):
        return None
    logits, targets = (np.asarray(one.array) for one in node.operands)
    return parts_of(node.operation.name, logits, targets)


def _given_names(order: Sequence[Node], names: Mapping[str, Node]) -> dict[int, str]:
    """The names that somebody gave to nodes, here or when they were made."""
    inside = {node.number for node in order}
    given = {node.number: node.name for node in order if node.name}
    given |= {node.number: str(name) for name, node in names.items() if node.number in inside}
    for name, times in Counter(given.values()).items():
        if times > 1:
            message = (
                f"trace: {times} nodes are called {name!r}; give each a name of its own, where it "
                "is made or in names."
            )
            raise SettingError(message)
    return given


def _names(order: Sequence[Node], given: Mapping[int, str]) -> dict[int, str]:
    """What each node is called: as given, else v and its place or the next that is free."""
    called, taken = dict(given), set(given.values())
    free = 0
    for place, node in enumerate(order, start=1):
        if node.number in called:
            continue
        free = max(place, free + 1)
        while f"v{free}" in taken:
            free += 1
        called[node.number] = f"v{free}"
    return called


def _check(y: Any) -> None:
    if not isinstance(y, Node):
        message = f"trace: needs a node, got {type(y).__name__}; build it of cr.variable."
        raise InputTypeError(message)
    if y.array is None:
        message = (
            f"trace: {y} is symbolic and has no value; build it of cr.variable, or trace a model "
            "with model.trace(x, y)."
        )
        raise InputTypeError(message)
    if y.shape != ():
        message = f"trace: needs a scalar, got shape {y.shape}; take .sum() or .mean() first."
        raise ShapeError(message)
