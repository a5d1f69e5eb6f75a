"""Nodes of the computational graph: an operation, its operands, and a value where there is one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph.shape import Shape, Size

if TYPE_CHECKING:
    from chainrule.graph.operation import Operation

__all__ = ["Node", "constant", "input_node", "make", "parameter", "variable"]

Array = np.ndarray[Any, np.dtype[Any]]

_numbers = itertools.count()


class Node:
    """One use of an operation in a graph, or one of its leaves.

    A node with a value computes at once, and so does what is built of it; inputs and parameters
    of a network have none and stay symbolic. Nodes compare by identity.

    number
        Grows with each node made: operands come before what uses them.
    operation, operands, attributes
        What makes it; a leaf has no operation.
    shape, dtype
        Sizes (numbers or multiples of the rows) and NumPy type.
    """

    __array_ufunc__ = None
    __slots__ = (
        "array", "attributes", "dtype", "name", "number", "operands", "operation", "role", "shape",
    )  # fmt: skip

    def __init__(
        self,
        operation: Operation | None,
        operands: tuple[Node, ...],
        attributes: Mapping[str, Any],
        shape: Shape,
        dtype: np.dtype[Any],
        array: Array | None = None,
        name: str | None = None,
        role: str = "",
    ) -> None:
        self.number = next(_numbers)
        self.operation = operation
        self.operands = operands
        self.attributes = attributes
        self.shape = shape
        self.dtype = dtype
        self.array = array
        self.name = name
        self.role = role

    @property
    def value(self) -> Any:
        """The value: a float for a scalar, else a NumPy array, read-only: others may build on it.

        Raises `InputTypeError` for a symbolic node, which has a value only while a program runs.
        """
        if self.array is None:
            message = (
                f"{self} is symbolic and has a value only while a program runs; "
                "build it of cr.variable to see numbers at once."
            )
            raise InputTypeError(message)
        if self.array.shape == ():
            return float(self.array)
        seen = self.array.view()
        seen.flags.writeable = False
        return seen

    def __repr__(self) -> str:
        what = self.operation.name if self.operation else (self.role or "variable")
        name = f" {self.name!r}" if self.name else ""
        value = "" if self.array is None else f" {np.array2string(self.array, threshold=8)}"
        return f"<{what}{name} {self.shape}{value}>"

    def __float__(self) -> float:
        return float(self.value)

    def __bool__(self) -> bool:
        message = "a node has no truth value; compare node.value."
        raise InputTypeError(message)

    def __add__(self, other: Any) -> Node:
        return _ops()["add"](self, other)

    def __radd__(self, other: Any) -> Node:
        return _ops()["add"](other, self)

    def __sub__(self, other: Any) -> Node:
        return _ops()["subtract"](self, other)

    def __rsub__(self, other: Any) -> Node:
        return _ops()["subtract"](other, self)

    def __mul__(self, other: Any) -> Node:
        return _ops()["multiply"](self, other)

    def __rmul__(self, other: Any) -> Node:
        return _ops()["multiply"](other, self)

    def __truediv__(self, other: Any) -> Node:
        return _ops()["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return _ops()["divide"](other, self)

    def __pow__(self, other: Any) -> Node:
        if isinstance(other, int | float) and other == 2:
            return self * self
        if isinstance(other, float) and other == 0.5:
            return _ops()["sqrt"](self)
        return _ops()["power"](self, other)

    def __rpow__(self, other: Any) -> Node:
        return _ops()["power"](other, self)

    def __neg__(self) -> Node:
        return _ops()["negative"](self)

    def __matmul__(self, other: Any) -> Node:
        return _product(self, other)

    def __rmatmul__(self, other: Any) -> Node:
        return _product(other, self)

    @property
    def T(self) -> Node:  # noqa: N802
        """The axes in reverse order."""
        return _ops()["transpose"](self)

    def sum(self, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Node:
        """The sum over axes (all of them by default)."""
        return _ops()["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Node:
        """The mean over axes (all of them by default)."""
        from chainrule.graph.operations.reduction import mean

        return mean(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Node:
        """The same numbers in another shape; one size may be -1."""
        new: tuple[Size, ...] = tuple(shape[0]) if len(shape) == 1 and isinstance(
            shape[0], tuple | list
        ) else tuple(shape)  # fmt: skip
        return _ops()["reshape"](self, shape=new)


def _ops() -> dict[str, Operation]:
    from chainrule.graph.operation import OPERATIONS

    return OPERATIONS


def _product(left: Any, right: Any) -> Node:
    """NumPy's `@`: a vector on a side becomes a matrix of one row or column for the product."""
    left, right = _ops()["matmul"].as_nodes((left, right))
    if not left.shape or not right.shape:
        message = "matmul: a scalar has no rows or columns; use * instead of @."
        raise ShapeError(message)
    row, column = len(left.shape) == 1, len(right.shape) == 1
    if row:
        left = left.reshape(1, *left.shape)
    if column:
        right = right.reshape(*right.shape, 1)
    result = _ops()["matmul"](left, right)
    shape = list(result.shape)
    if column:
        del shape[-1]
    if row:
        del shape[-1 if column else -2]
    return result.reshape(tuple(shape)) if row or column else result


def make(value: Any, like: np.dtype[Any] | None, where: str) -> Node:
    """A node of anything: nodes stay, numbers and arrays become constants.

    `like` is the float type that Python numbers and whole numbers take; None keeps whole numbers.
    """
    if isinstance(value, Node):
        return value
    array = _as_array(value, where)
    if like is not None and (array.dtype.kind != "f" or not isinstance(value, np.ndarray)):
        array = array.astype(like, copy=False)
    return Node(None, (), {}, array.shape, array.dtype, array, role="constant")


def float_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type that numbers of a type are computed in: float32 or float64."""
    small = dtype.kind == "f" and dtype.itemsize <= 4
    return np.dtype(np.float32 if small else np.float64)


def _as_array(value: Any, where: str) -> Array:
    """A copy as an array of numbers: later changes of the caller's array do not reach it."""
    if isinstance(value, list | tuple) and any(isinstance(part, Node) for part in value):
        message = f"{where}: got a {type(value).__name__} of nodes; give nodes one by one."
        raise InputTypeError(message)
    try:
        array = np.array(value)
    except ValueError as error:
        message = f"{where}: rows of unequal length do not make an array; give equal ones."
        raise ShapeError(message) from error
    if array.dtype.kind not in "fiub":
        message = (
            f"{where}: needs numbers, got {type(value).__name__} of type {array.dtype}; "
            "convert them to floats first."
        )
        raise InputTypeError(message)
    return array.astype(float_type(array.dtype), copy=False) if array.dtype.kind == "f" else array


def _leaf(value: Any, name: str | None, role: str) -> Node:
    if isinstance(value, Node):
        value = value.value if value.array is None else value.array
    array = _as_array(value, role)
    dtype = float_type(array.dtype)
    return Node(None, (), {}, array.shape, dtype, array.astype(dtype, copy=False), name, role)


def variable(value: Any, name: str | None = None) -> Node:
    """A node with a value, to differentiate with respect to.

    value
        A number or an array of any shape; float64 unless it is a float32 array.
    name
        What traces call it.

    >>> import chainrule as cr
    >>> x, y, z = map(cr.variable, (-2.0, 5.0, -4.0))
    >>> f = (x + y) * z
    >>> f.value, [g.value for g in cr.grad(f, [x, y, z])]
    (-12.0, [-4.0, -4.0, 3.0])
    """
    return _leaf(value, name, "variable")


def constant(value: Any) -> Node:
    """A node with a value that is not meant to be differentiated with respect to.

    >>> import chainrule as cr
    >>> (cr.constant([1.0, 2.0]) * 3).value
    array([3., 6.])
    """
    return _leaf(value, None, "constant")


def input_node(name: str, shape: Shape, dtype: Any) -> Node:
    """A symbolic leaf that a program is given when it runs: data, targets, weights, scalars."""
    return Node(None, (), {}, shape, np.dtype(dtype), None, name, "input")


def parameter(name: str, shape: tuple[int, ...], dtype: Any, trainable: bool = True) -> Node:
    """A symbolic leaf for a learned array; `trainable` says whether updates reach it."""
    for size in shape:
        if size < 0:
            message = f"parameter {name!r}: sizes must be 0 or more, got {shape}."
            raise SettingError(message)
    role = "parameter" if trainable else "state"
    return Node(None, (), {}, shape, np.dtype(dtype), None, name, role)
