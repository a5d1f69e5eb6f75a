"""The registry of operations: what each means on arrays, and its gradient rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError, ShapeError, nearest
from chainrule.graph.node import Node, make
from chainrule.graph.shape import Rows, Shape, bind, broadcast

__all__ = ["OPERATIONS", "OWN_OPERATIONS", "Operation", "builtin", "operation", "same"]

Array = np.ndarray[Any, np.dtype[Any]]
Gradient = Node | Callable[[], Node] | None

OPERATIONS: dict[str, Operation] = {}
OWN_OPERATIONS: dict[str, Operation] = {}


class Operation:
    """A function on arrays that builds a node when it is called with nodes.

    name
        What tapes and errors call it.
    meaning
        The function on arrays; a NumPy ufunc may write into memory that is given.
    shape
        Rule `(*shapes, **attributes) -> shape`; without one the meaning is tried on ones.
    dtype
        Rule `(*dtypes, **attributes) -> dtype`; without one the operands' common type.
    integers
        Positions of operands that are whole numbers (indices, seeds); they have no gradient.
    view
        Whether the meaning gives another view of its operand's memory.
    elementwise
        Whether element i of the result needs element i of the operands alone.
    """

    def __init__(
        self,
        meaning: Callable[..., Array],
        *,
        name: str,
        shape: Callable[..., Shape] | None = None,
        dtype: Callable[..., np.dtype[Any]] | None = None,
        integers: tuple[int, ...] = (),
        view: bool = False,
        elementwise: bool = False,
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.integers = integers
        self.view = view
        self.elementwise = elementwise
        self.shape_rule = shape
        self.dtype_rule = dtype
        self.gradient_rule: Callable[..., Gradient | tuple[Gradient, ...]] | None = None
        self.canonical_rule: Callable[..., Mapping[str, Any]] | None = None
        self.__doc__ = meaning.__doc__
        self.__name__ = name
        if not isinstance(meaning, np.ufunc):
            self.__signature__ = inspect.signature(meaning)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def gradient(
        self, rule: Callable[..., Gradient | tuple[Gradient, ...]]
    ) -> Callable[..., Gradient | tuple[Gradient, ...]]:
        """Take `rule(g, y, *operands, **attributes)` as the gradient rule.

        It is given the upstream gradient `g` and the result `y` as nodes, and gives for each
        operand a node, a function of nothing that makes the node when it is needed, or None.
        """
        self.gradient_rule = rule
        return rule

    def canonical(
        self, rule: Callable[..., Mapping[str, Any]]
    ) -> Callable[..., Mapping[str, Any]]:
        """Take `rule(*shapes, **attributes)` as what brings attributes into their one form."""
        self.canonical_rule = rule
        return rule

    def __call__(self, *operands: Any, **attributes: Any) -> Node:
        nodes = self._as_nodes(operands)
        shapes = tuple(node.shape for node in nodes)
        if self.canonical_rule is not None:
            attributes = dict(self.canonical_rule(*shapes, **attributes))
        shape = self.result_shape(nodes, attributes)
        dtype = self.result_dtype(nodes, attributes)
        array: Array | None = None
        if all(node.array is not None for node in nodes) and not _has_rows(attributes):
            array = np.asarray(self.meaning(*(node.array for node in nodes), **attributes))
            if array.dtype != dtype or (self.shape_rule is not None and array.shape != shape):
                array = self._checked(array, shape, dtype)
            shape = array.shape
        return Node(self, nodes, attributes, shape, dtype, array)

    def _as_nodes(self, operands: tuple[Any, ...]) -> tuple[Node, ...]:
        floats = [
            operand.dtype
            for operand in operands
            if isinstance(operand, Node | np.ndarray | np.floating) and operand.dtype.kind == "f"
        ]
        like = np.result_type(*floats) if floats else np.dtype(np.float64)
        return tuple(
            make(operand, None if position in self.integers else like, self.name)
            for position, operand in enumerate(operands)
        )

    def _checked(self, array: Array, shape: Shape, dtype: np.dtype[Any]) -> Array:
        if self.shape_rule is not None and array.shape != shape:
            message = f"{self.name}: its shape rule says {shape}, its result is {array.shape}."
            raise ShapeError(message)
        return array.astype(dtype)

    def result_shape(self, nodes: tuple[Node, ...], attributes: Mapping[str, Any]) -> Shape:
        """The shape of the result, without computing it."""
        if self.shape_rule is not None:
            return self.shape_rule(*(node.shape for node in nodes), **attributes)
        return self._tried_shape(nodes, attributes)

    def _tried_shape(self, nodes: tuple[Node, ...], attributes: Mapping[str, Any]) -> Shape:
        """Try the meaning on ones with two numbers of rows, and see which sizes follow them."""
        if all(node.array is not None for node in nodes):
            return ()
        few, more = 7, 11
        results = []
        for rows in (few, more):
            ones = [np.ones(bind(node.shape, rows), node.dtype) for node in nodes]
            with np.errstate(all="ignore"):
                results.append(np.asarray(self.meaning(*ones, **attributes)).shape)
        return tuple(
            size if size == other else Rows((other - size) // (more - few))
            for size, other in zip(*results, strict=True)
        )

    def result_dtype(
        self, nodes: tuple[Node, ...], attributes: Mapping[str, Any]
    ) -> np.dtype[Any]:
        """The type of the result's numbers."""
        if self.dtype_rule is not None:
            return self.dtype_rule(*(node.dtype for node in nodes), **attributes)
        floats = [node.dtype for i, node in enumerate(nodes) if i not in self.integers]
        return np.result_type(*floats) if floats else np.dtype(np.float64)


def _has_rows(attributes: Mapping[str, Any]) -> bool:
    return any(
        isinstance(value, tuple) and any(isinstance(size, Rows) for size in value)
        for value in attributes.values()
    )


def same(*shapes: Shape, **_: Any) -> Shape:
    """The shape rule of element-wise operations: NumPy's broadcasting."""
    return broadcast("element by element", *shapes)


def builtin(name: str, meaning: Callable[..., Array] | None = None, **rules: Any) -> Any:
    """Register an operation of chainrule's own; a decorator when `meaning` is left out."""

    def register(function: Callable[..., Array]) -> Operation:
        made = Operation(function, name=name, **rules)
        OPERATIONS[name] = made
        return made

    return register if meaning is None else register(meaning)


def operation(function: Callable[..., Any] | None = None, *, shape: Any = None) -> Any:
    """Make an operation of one's own out of a function on arrays.

    function
        Its meaning: takes arrays, gives an array. Keyword-only arguments are attributes.
    shape
        Optional rule `(*shapes, **attributes) -> shape`; without it the function is tried on ones.

    Decorate its gradient rule, written in operations, with `.gradient`. It runs on the NumPy
    engine; what is composed of `chainrule.ops` needs no rule. Raises `SettingError` where an
    operation of chainrule has the name.

    >>> import chainrule as cr
    >>> @cr.operation
    ... def cube(x):
    ...     return x**3
    >>> @cube.gradient
    ... def _(g, y, x):
    ...     return g * 3 * x * x
    >>> x = cr.variable(2.0)
    >>> cr.grad(cube(x), x).value
    12.0
    """

    def register(meaning: Callable[..., Any]) -> Operation:
        if not callable(meaning):
            message = f"operation: needs a function on arrays, got {meaning!r}."
            raise InputTypeError(message)
        if meaning.__name__ in OPERATIONS:
            message = f"operation: {meaning.__name__!r} is an operation of chainrule; rename yours."
            raise SettingError(message)
        made = Operation(meaning, name=meaning.__name__, shape=shape)
        OWN_OPERATIONS[made.name] = made
        return made

    return register if function is None else register(function)


def find(name: str) -> Operation:
    """The operation of that name, one's own included; raises SettingError with the nearest."""
    known = OPERATIONS | OWN_OPERATIONS
    if name not in known:
        message = f"operation {name!r} is not known; {nearest(name, known)}"
        raise SettingError(message)
    return known[name]
