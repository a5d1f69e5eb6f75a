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

REFLECTED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
    "power": "__rpow__", "matmul": "__rmatmul__",
}  # fmt: skip
"""What `array + node` is, by the name of the ufunc that NumPy takes it for."""

WRITTEN = {"square": "node ** 2", "reciprocal": "1 / node", "positive": "node", "dot": "a @ b"}
"""What stands for a function of NumPy that has no operation of its name."""

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

    __iter__ = None  # a position is refused with a sentence: no node is gone through by positions
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

    def __abs__(self) -> Node:
        return _ops()["abs"](self)

    def __gt__(self, other: Any) -> Node:
        raise _refused(written="a > b", use="greater(a, b)")

    def __ge__(self, other: Any) -> Node:
        raise _refused(written="a >= b", use="greater_equal(a, b)")

    def __lt__(self, other: Any) -> Node:
        raise _refused(written="a < b", use="greater(b, a)")

    def __le__(self, other: Any) -> Node:
        raise _refused(written="a <= b", use="greater_equal(b, a)")

    def __getitem__(self, key: Any) -> Node:
        raise _refused(written="node[...]", use="narrow or gather")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        """An array's operator with a node on its right; else a sentence."""
        if method == "__call__" and not settings and isinstance(inputs[0], np.ndarray | np.generic):
            if ufunc.__name__ in REFLECTED:
                return getattr(self, REFLECTED[ufunc.__name__])(inputs[0])
            if ufunc in (np.equal, np.not_equal):  # nodes compare by identity
                return ufunc is np.not_equal
        raise _not_of_numpy(ufunc.__name__)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.shape:
            return self.shape
        raise _not_of_numpy(function.__name__)

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

    def max(self, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Node:
        """The largest number over axes (all of them by default)."""
        return _ops()["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Node:
        """The smallest number over axes (all of them by default)."""
        return _ops()["min"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Node:
        """The same numbers in another shape; one size may be -1."""
        new: tuple[Size, ...] = tuple(shape[0]) if len(shape) == 1 and isinstance(
            shape[0], tuple | list
        ) else tuple(shape)  # fmt: skip
        return _ops()["reshape"](self, shape=new)


def _ops() -> dict[str, Operation]:
    from chainrule.graph.operation import OPERATIONS

    return OPERATIONS


def _refused(*, written: str, use: str) -> InputTypeError:
    message = f"{written}: it is not there for nodes of a graph; use chainrule.ops.{use}."
    return InputTypeError(message)


def _not_of_numpy(name: str) -> InputTypeError:
    from chainrule.graph import operations

    instead = WRITTEN.get(name, "what chainrule.ops has in its place")
    if name in operations.__all__:
        instead = f"chainrule.ops.{name}"
    message = f"numpy.{name} takes arrays, got a node of a graph; use {instead}."
    return InputTypeError(message)


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
