"""The registry of operations: what each means on arrays, and its gradient rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, overload

import numpy as np

from chainrule.errors import InputTypeError, SettingError, ShapeError, nearest
from chainrule.graph.node import Node, float_type, make
from chainrule.graph.shape import Rows, Shape, bind, broadcast

__all__ = ["OPERATIONS", "OWN_OPERATIONS", "Operation", "builtin", "operation"]

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
        Rule `(*shapes, **attributes) -> shape`; without one an element-wise operation broadcasts
        as NumPy does, and the meaning of another is tried on ones.
    dtype
        Rule `(*dtypes, **attributes) -> dtype`; without one the operands' common type.
    integers
        Positions of operands that are whole numbers (indices, seeds); they have no gradient.
    view
        Whether the meaning gives another view of its operand's memory.
    elementwise
        Whether element i of the result needs element i of the operands alone.
    keeps_type
        Whether it moves numbers without computing, so that whole numbers stay whole; nodes of
        whole numbers become floats everywhere else.
    doc
        What it computes; the meaning's docstring where left out.
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
        keeps_type: bool = False,
        doc: str | None = None,
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.integers = integers
        self.view = view
        self.elementwise = elementwise
        self.keeps_type = keeps_type
        self.shape_rule = self._broadcast if elementwise and shape is None else shape
        self.dtype_rule = dtype
        self.gradient_rule: Callable[..., Gradient | tuple[Gradient, ...]] | None = None
        self.canonical_rule: Callable[..., Mapping[str, Any]] | None = None
        self.__doc__ = doc or meaning.__doc__
        self.__name__ = name
        self._take(_signature(meaning))

    def _take(self, signature: inspect.Signature | None) -> None:
        """How it is called; what need not be given is told to rules too."""
        parameters = list(signature.parameters.values()) if signature else []
        self.__signature__ = signature
        self._defaults = {
            parameter.name: parameter.default
            for parameter in parameters
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty
        }
        kinds = {parameter.kind for parameter in parameters}
        self._plain = len(parameters) if kinds == {inspect.Parameter.POSITIONAL_ONLY} else None

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> Any:
        # one of ours is itself again after a copy: losses and files know operations by identity
        if OPERATIONS.get(self.name) is self:
            return find, (self.name,)
        return super().__reduce__()

    @property
    def kept_as(self) -> str | None:
        """What stands for it in keys of descriptions; one of one's own has nothing that does."""
        return self.name if OPERATIONS.get(self.name) is self else None

    def gradient(
        self, rule: Callable[..., Gradient | tuple[Gradient, ...]]
    ) -> Callable[..., Gradient | tuple[Gradient, ...]]:
        """Take `rule(g, y, *operands, **attributes)` as the gradient rule.

        It is given the upstream gradient `g` and the result `y` as nodes, and gives for each
        operand a node, a function of nothing that makes the node when it is needed, or None.
        """
        self.gradient_rule = rule
        return rule

    def canonical(self, rule: Callable[..., Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
        """Take `rule(*shapes, **attributes)` as what brings attributes into their one form."""
        self.canonical_rule = rule
        if self.__signature__ is not None:
            operands = [
                parameter
                for parameter in self.__signature__.parameters.values()
                if parameter.kind is not parameter.KEYWORD_ONLY
            ]
            settings = [
                parameter.replace(annotation=parameter.empty)
                for parameter in inspect.signature(rule).parameters.values()
                if parameter.kind is parameter.KEYWORD_ONLY
            ]
            self._take(inspect.Signature([*operands, *settings]))
        return rule

    def __call__(self, *operands: Any, **attributes: Any) -> Node:
        self._check_call(operands, attributes)
        attributes = self._defaults | attributes
        nodes = self.as_nodes(operands)
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

    def _check_call(self, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> None:
        if self.__signature__ is None or (not attributes and len(operands) == self._plain):
            return
        try:
            self.__signature__.bind(*operands, **attributes)
        except TypeError as error:
            message = f"{self.name}: {error}; call it as {self.name}{self.__signature__}."
            raise InputTypeError(message) from None

    def as_nodes(self, operands: tuple[Any, ...]) -> tuple[Node, ...]:
        """A node for each operand, of the types that the operation computes in."""
        floats = [
            float_type(operand.dtype)
            for operand in operands
            if isinstance(operand, Node | np.ndarray | np.floating) and operand.dtype.kind == "f"
        ]
        like = np.result_type(*floats) if floats else np.dtype(np.float64)
        return tuple(
            self._whole(operand) if position in self.integers else self._number(operand, like)
            for position, operand in enumerate(operands)
        )

    def _number(self, operand: Any, like: np.dtype[Any]) -> Node:
        node = make(operand, like, self.name)
        if node.dtype.kind == "f" or self.keeps_type:
            return node
        return OPERATIONS["cast"](node, dtype=like)

    def _whole(self, operand: Any) -> Node:
        node = make(operand, None, self.name)
        if node.dtype.kind in "iu":
            return node
        if node.array is not None and node.array.size == 0:
            return make(node.array.astype(np.int64), None, self.name)
        message = (
            f"{self.name}: needs whole numbers, got {node.dtype} of shape {node.shape}; "
            "convert them to integers first."
        )
        raise InputTypeError(message)

    def _checked(self, array: Array, shape: Shape, dtype: np.dtype[Any]) -> Array:
        if array.dtype.kind not in "fiub":
            message = f"{self.name}: its function must give numbers, got type {array.dtype}."
            raise InputTypeError(message)
        if self.shape_rule is not None and array.shape != shape:
            message = f"{self.name}: its shape rule says {shape}, its result is {array.shape}."
            raise ShapeError(message)
        return array.astype(dtype)

    def result_shape(self, nodes: tuple[Node, ...], attributes: Mapping[str, Any]) -> Shape:
        """The shape of the result, without computing it."""
        if self.shape_rule is not None:
            return tuple(self.shape_rule(*(node.shape for node in nodes), **attributes))
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
        first, second = results
        followed = tuple(
            size if size == other else Rows(size // few)
            for size, other in zip(first, second, strict=False)
        )
        if (bind(followed, few), bind(followed, more)) != (first, second):
            message = (
                f"{self.name}: its result has shape {first} for {few} rows and {second} for "
                f"{more}, which is no multiple of the rows; give operation(shape=...) a rule."
            )
            raise ShapeError(message)
        return followed

    def _broadcast(self, *shapes: Shape, **_: Any) -> Shape:
        return broadcast(self.name, *shapes)

    def result_dtype(self, nodes: tuple[Node, ...], attributes: Mapping[str, Any]) -> np.dtype[Any]:
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


def _signature(meaning: Callable[..., Any]) -> inspect.Signature | None:
    """How an operation is called: operands by position, attributes by name."""
    if isinstance(meaning, np.ufunc):
        names = ("x", "y")[: meaning.nin]
        return inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
        )
    try:
        given = inspect.signature(meaning)
    except ValueError:  # some functions written in C tell nothing of themselves
        return None
    parameters = []
    for parameter in given.parameters.values():
        kind = parameter.kind
        if kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is parameter.empty:
            kind = parameter.POSITIONAL_ONLY
        parameters.append(parameter.replace(kind=kind, annotation=parameter.empty))
    return inspect.Signature(parameters)


@overload
def builtin(name: str, meaning: Callable[..., Any], **rules: Any) -> Operation: ...


@overload
def builtin(
    name: str, meaning: None = None, **rules: Any
) -> Callable[[Callable[..., Array]], Operation]: ...


def builtin(name: str, meaning: Callable[..., Any] | None = None, **rules: Any) -> Any:
    """Register an operation of chainrule's own; a decorator when `meaning` is left out."""

    def register(function: Callable[..., Array]) -> Operation:
        made = Operation(function, name=name, **rules)
        OPERATIONS[name] = made
        return made

    return register if meaning is None else register(meaning)


@overload
def operation(
    function: Callable[..., Any], *, shape: Callable[..., Shape] | None = None
) -> Operation: ...


@overload
def operation(
    function: None = None, *, shape: Callable[..., Shape] | None = None
) -> Callable[[Callable[..., Any]], Operation]: ...


def operation(
    function: Callable[..., Any] | None = None, *, shape: Callable[..., Shape] | None = None
) -> Any:
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
        name = getattr(meaning, "__name__", type(meaning).__name__)
        if name in OPERATIONS:
            message = f"operation: {name!r} is an operation of chainrule; rename yours."
            raise SettingError(message)
        made = Operation(meaning, name=name, shape=shape)
        OWN_OPERATIONS[made.name] = made
        return made

    return register if function is None else register(function)


def number_type(name: str, dtype: Any) -> str:
    """The name of a NumPy type of numbers; `name` opens the sentence of the error."""
    try:
        made = np.dtype(dtype)
    except TypeError:
        made = np.dtype(object)
    if made.kind not in "fiub":
        message = f"{name}: dtype must be a type of numbers such as 'float32', got {dtype!r}."
        raise InputTypeError(message)
    return str(made.name)


def find(name: str) -> Operation:
    """The operation of that name, one's own included; raises SettingError with the nearest."""
    known = OPERATIONS | OWN_OPERATIONS
    if name not in known:
        message = f"operation {name!r} is not known; {nearest(name, known)}"
        raise SettingError(message)
    return known[name]
