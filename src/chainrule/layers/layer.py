"""What a layer is: a frozen description of parameters and of what is done with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from chainrule.errors import InputTypeError, MissingNameError, SettingError
from chainrule.graph import Node, Operation, Shape, input_node, make, ops
from chainrule.layers.constraints import find_constraint
from chainrule.layers.initializers import find_initializer
from chainrule.layers.regularizers import find_regularizer
from chainrule.settings import check_flag

__all__ = ["Draws", "Layer", "Parameter", "check_layer", "check_unshared", "layer_names"]


@dataclass(frozen=True)
class Parameter:
    """A learned array of a layer, or of a network (then its name is `layer/name`).

    name, shape
        What it is called; its sizes.
    initializer
        Name or object that gives its first values.
    regularizer
        Name or object whose penalty is added to the loss; None for none.
    trainable
        Whether updates reach it.
    constraint
        Name or object that says what it must keep after each update; None for none.
    """

    name: str
    shape: tuple[int, ...]
    initializer: Any = "glorot_uniform"
    regularizer: Any = None
    trainable: bool = True
    constraint: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        object.__setattr__(self, "initializer", find_initializer(self.initializer))
        object.__setattr__(self, "regularizer", find_regularizer(self.regularizer))
        object.__setattr__(self, "constraint", find_constraint(self.constraint))


class Draws:
    """What layers use while a training graph is built: random numbers, and new values of state.

    dtype
        Type of what is drawn.
    seed, step
        Numbers to draw of at once; without them, scalar nodes that a program is given when it runs.
    states
        By name, the values that parameters which no gradient moves have after the step.

    Each draw is a new stream. A layer that mixes rows says so in `share`: row i counts with share i
    of the loss, the row as far from the end with the rest.
    """

    def __init__(self, dtype: Any, seed: int | None = None, step: int | None = None) -> None:
        self.seed = input_node("seed", (), "uint64") if seed is None else _whole(seed)
        self.step = input_node("step", (), "uint64") if step is None else _whole(step)
        self.dtype = np.dtype(dtype)
        self.streams = 0
        self.states: dict[str, Node] = {}
        self.share: Node | None = None

    def mask(self, shape: Shape, rate: float, seed: int | None = None) -> Node:
        """0 with probability `rate`, else 1 / (1 - rate); another one in each step.

        seed
            A seed of the layer's own in place of the network's.
        """
        return self._drawn(ops.dropout_mask, seed, shape=shape, rate=rate)

    def uniform(self, shape: Shape, seed: int | None = None) -> Node:
        """Numbers spread evenly over [0, 1), others in each step."""
        return self._drawn(ops.random_uniform, seed, shape=shape)

    def normal(self, shape: Shape, seed: int | None = None) -> Node:
        """Standard normal numbers, others in each step."""
        return self._drawn(ops.random_normal, seed, shape=shape)

    def _drawn(self, operation: Operation, seed: int | None, **attributes: Any) -> Node:
        key = self.seed if seed is None else _whole(seed)
        stream, self.streams = self.streams, self.streams + 1
        return operation(key, self.step, stream=stream, dtype=self.dtype, **attributes)

    def assign(self, state: Node, value: Node) -> None:
        """Let a parameter that no gradient moves (`trainable=False`) have a value after the step.

        Raises `InputTypeError` for what is no such parameter.
        """
        if getattr(state, "role", "") != "state" or state.name is None:
            message = (
                f"assign: needs a parameter with trainable=False, got {state!r}; others are moved "
                "by the optimizer."
            )
            raise InputTypeError(message)
        self.states[state.name] = value


def _whole(number: int) -> Node:
    return make(np.asarray(number, np.uint64), None, "seed")


@dataclass(frozen=True)
class Layer:
    """A step of a network: a function of a node and of parameters.

    name
        Unique in its network; without one it is the class's, numbered: dense, dense_1.
    trainable
        Whether updates reach its parameters, and these parameters' penalties the loss.
    activity_regularizer
        Name or object whose penalty of the layer's result, divided by the rows of the batch, is
        added to the loss.

    A layer of one's own is a frozen dataclass with `apply(x, *parameters)` and, where it learns,
    `parameters(shape)`; one that draws in training overrides `apply_training` too.

    >>> from dataclasses import dataclass
    >>> from chainrule.layers import Layer, Parameter
    >>> @dataclass(frozen=True)
    ... class Scale(Layer):
    ...     def parameters(self, shape):
    ...         yield Parameter("scale", shape, "ones")
    ...
    ...     def apply(self, x, scale):
    ...         return x * scale
    >>> [parameter.shape for parameter in Scale().parameters((3,))]
    [(3,)]
    """

    name: str | None = field(default=None, kw_only=True)
    trainable: bool = field(default=True, kw_only=True)
    activity_regularizer: Any = field(default=None, kw_only=True)

    input_dtype: ClassVar[str] = "float"
    """What it takes as the first layer: "float", or "int32" for codes."""

    def __post_init__(self) -> None:
        name: object = self.name
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            message = f"{type(self).__name__}: name must be text without '/', got {self.name!r}."
            raise SettingError(message)
        check_flag(type(self).__name__, "trainable", self.trainable)
        find_regularizer(self.activity_regularizer)

    @property
    def codes(self) -> int | None:
        """How many codes its input may have, where it takes codes."""
        return None

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        """The parameters of the layer, in order, for inputs of which a row has this shape."""
        return iter(())

    def apply(self, x: Node, *parameters: Node) -> Node:
        """What the layer gives for a node whose first axis is rows."""
        message = f"{type(self).__name__}: it has no apply(x, ...); a layer needs one."
        raise InputTypeError(message)

    def apply_training(self, x: Node, *parameters: Node, draws: Draws) -> Node:
        """What the layer gives in training; `apply` where it does not differ."""
        return self.apply(x, *parameters)

    if not TYPE_CHECKING:  # a type checker shall go on to refuse names that are not there

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            settings = ", ".join(one.name for one in fields(self))
            message = (
                f"{type(self).__name__}: this description of a layer has no {name!r}, only "
                f"{settings}; weights live in a model, at model.layers[i] or model.get_layer(name)."
            )
            raise MissingNameError(message)


def check_layer(owner: str, given: Any) -> None:
    """Raise `InputTypeError` for what is no layer."""
    if isinstance(given, type) and issubclass(given, Layer):
        message = f"{owner}: {given.__name__} is a class; give an object: {given.__name__}()"
        raise InputTypeError(message)
    if isinstance(getattr(given, "description", None), Layer):
        message = (
            f"{owner}: {given.name!r} is a layer of a model; give its description, "
            "layer.description, and then its weights: "
            "new.layers[i].set_weights(layer.get_weights())."
        )
        raise InputTypeError(message)
    if not isinstance(given, Layer):
        message = (
            f"{owner}: needs layers, got {given!r}; one of your own derives from "
            "chainrule.layers.Layer."
        )
        raise InputTypeError(message)


def check_unshared(layers: Sequence[Layer]) -> None:
    """Raise `SettingError` where one object with parameters stands at two places.

    In Keras it would share its weights; here it would be two layers, each with its own.
    """
    seen: dict[int, int] = {}
    for place, layer in enumerate(layers):
        before = seen.setdefault(id(layer), place)
        if before != place and type(layer).parameters is not Layer.parameters:
            kind = type(layer).__name__
            message = (
                f"layers: one {kind} object stands at {before} and {place}, but layers do not "
                f"share weights; give each place a {kind} of its own, such as "
                f"[{kind}(...) for _ in range(2)] in place of [{kind}(...)] * 2."
            )
            raise SettingError(message)


def layer_names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """A name for each layer: its own, or its class's in snake case with the next free number.

    Raises `SettingError` where two layers are given the same name, or one object with parameters
    is given twice.

    >>> from chainrule.layers import Dense, Flatten
    >>> layer_names([Flatten(), Dense(3), Dense(2, name="output"), Dense(1)])
    ('flatten', 'dense', 'output', 'dense_1')
    """
    check_unshared(layers)
    given = [layer.name for layer in layers if layer.name is not None]
    for name in given:
        if given.count(name) > 1:
            message = f"layers: two have the name {name!r}; give each its own."
            raise SettingError(message)
    taken = set(given)
    bases = [_snake_case(type(layer).__name__) for layer in layers]
    free = {base: _numbered(base) for base in bases}
    return tuple(
        layer.name or next(name for name in free[base] if name not in taken)
        for layer, base in zip(layers, bases, strict=True)
    )


def _numbered(base: str) -> Iterator[str]:
    yield base
    for number in count(1):
        yield f"{base}_{number}"


@cache
def _snake_case(class_name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name)
    return words.lower().strip("_")
