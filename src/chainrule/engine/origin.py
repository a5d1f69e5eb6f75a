"""Where a number that is not finite was born: the first on the way to a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.engine.interpreter import Interpreter
from chainrule.engine.lower import Graph, lower
from chainrule.engine.tape import Array
from chainrule.graph import Node, Rows, reachable

__all__ = ["Origin", "origin_of"]


@dataclass(frozen=True)
class Origin:
    """The first value that is not finite.

    node
        What made it of finite operands; an input or a parameter that holds it itself.
    value
        nan, inf or -inf.
    operands
        What it was made of where the operation is element-wise; else the largest number of each
        operand, by absolute value.
    row
        The row of the batch that it stands in; None where it stands in no row.
    """

    node: Node
    value: float
    operands: tuple[float, ...]
    row: int | None

    @property
    def is_leaf(self) -> bool:
        """Whether it was there before anything was computed."""
        return self.node.operation is None


def origin_of(
    graph: Graph, arrays: Mapping[str, Array], parameters: Array, *, seed: int = 0, step: int = 0
) -> Origin | None:
    """Where what makes the one result of a graph not finite was born; None where it is finite.

    The graph is run over all rows as one batch by the NumPy engine, one instruction a node. What
    is not finite on the way but does no harm (such as 1 / (1 + inf)) is none of its origins.
    """
    tape = lower(graph)
    rows = next((len(array) for array in arrays.values()), 1)
    bound = Interpreter(tape, rows, parameters)
    scalars = {"seed": seed, "step": step}
    for name, memory in bound.inputs.items():
        memory[...] = scalars[name] if name in scalars else arrays[name]
    with np.errstate(all="ignore"):
        bound.forward()
    (result,) = graph.results.values()
    values = _values(graph, bound, reachable([result]))
    born = [node for node in _not_finite(result, values) if not _bad_operands(node, values)]
    if not born:
        return None
    node = min(born, key=lambda one: one.number)
    return _described(node, values)


def _values(graph: Graph, bound: Interpreter, nodes: list[Node]) -> dict[int, Array]:
    """The value of each node by its number."""
    sources = [source.index for source in bound.tape.sources if source.constant is None]
    leaves = zip((*graph.inputs, *graph.parameters), sources, strict=True)
    found = {node.number: bound.values[index] for node, index in leaves}
    made = iter(bound.tape.instructions)
    for node in nodes:
        if node.array is not None:
            found[node.number] = node.array
        elif node.number not in found:
            found[node.number] = bound.values[next(made).results[0]]
    return found


def _bad(node: Node, values: Mapping[int, Array]) -> bool:
    value = values[node.number]
    return value.dtype.kind == "f" and not np.isfinite(value).all()


def _bad_operands(node: Node, values: Mapping[int, Array]) -> list[Node]:
    return [one for one in node.operands if node.array is None and _bad(one, values)]


def _not_finite(result: Node, values: Mapping[int, Array]) -> list[Node]:
    """What is not finite on ways from the result that are not finite all along."""
    seen: dict[int, Node] = {}
    stack = [result] if _bad(result, values) else []
    while stack:
        node = stack.pop()
        if node.number not in seen:
            seen[node.number] = node
            stack.extend(_bad_operands(node, values))
    return list(seen.values())


def _described(node: Node, values: Mapping[int, Array]) -> Origin:
    value = values[node.number]
    place = np.unravel_index(int(np.argmin(np.isfinite(value))), value.shape)
    operands = [] if node.array is not None else [values[one.number] for one in node.operands]
    if node.operation is not None and node.operation.elementwise:
        here = [float(np.broadcast_to(one, value.shape)[place]) for one in operands]
    else:
        here = [_largest(one) for one in operands if one.dtype.kind == "f" and one.size]
    in_rows = bool(node.shape) and node.shape[0] == Rows()
    return Origin(node, float(value[place]), tuple(here), int(place[0]) if in_rows else None)


def _largest(array: Array) -> float:
    return float(array.flat[int(np.abs(array).argmax())])
