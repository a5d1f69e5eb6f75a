"""Networks: functions from input nodes and parameters to output nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import Node, Rows, Shape, input_node, ops, parameter
from chainrule.kept import Kept, description_key
from chainrule.layers.activations import activation_name
from chainrule.layers.input import InputLayer, row_shape
from chainrule.layers.layer import Draws, Layer, Parameter, check_unshared, layer_names
from chainrule.layers.normalization import Normalization
from chainrule.layers.regularizers import find_regularizer

__all__ = ["Layered", "Network", "NetworkInput", "Stack"]


@dataclass(frozen=True)
class NetworkInput:
    """One input of a network.

    name
        What data is given by.
    shape
        The shape of one row: a number, list or tuple; () where a row is one number.
    dtype
        "float": numbers in the type the network computes in; "int32": codes, used as positions.
    codes
        How many codes there are, from 0 to below it; None where that is not said.

    Raises `SettingError` or `InputTypeError` for another shape.

    >>> NetworkInput("pictures", [28, 28]).shape
    (28, 28)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float"
    codes: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", row_shape(f"input {self.name!r}", self.shape))


class Network(Protocol):
    """What can be trained: inputs, parameters, and outputs as a graph of both."""

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """What the network is given."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """What its outputs are called, in order."""

    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters in layer order, named `layer/name`."""

    def outputs(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """Its output nodes; `parameters` in the order of `parameters()`.

        draws
            What layers use in training; None builds the graph of prediction.
        """


@runtime_checkable
class Layered(Network, Protocol):
    """A network whose layers can be looked at one by one.

    Its outputs are the ending of the last of its activities.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """What its layers are called, in order; parameters are named `layer/name`."""

    @property
    def activations(self) -> tuple[str | None, ...]:
        """The activation that each layer ends in, by name; None where it is not known."""

    def activities(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """The node of each layer, in the order in which they are made."""

    def ending(self, last: Node) -> tuple[Node, ...]:
        """The output nodes, made of the last layer's."""


def _derived() -> Any:
    return field(init=False, repr=False, compare=False)


_built: Kept[dict[str, Any]] = Kept()


@dataclass(frozen=True)
class Stack:
    """Layers one after the other: the network of `Sequential`.

    layers
        Without the input.
    shape
        The shape of one row of the input.
    names, parameters_of, shapes
        What the layers are called, and the parameters and the result's shape of each.

    Raises `ShapeError` or `SettingError`, naming the layer, where they do not fit together.

    >>> from chainrule.layers import Dense, Flatten, Stack
    >>> network = Stack([Flatten(), Dense(10)], (28, 28))
    >>> [parameter.name for parameter in network.parameters()], network.shapes[-1]
    (['dense/kernel', 'dense/bias'], (rows, 10))
    """

    layers: Sequence[Layer]
    shape: tuple[int, ...]
    names: tuple[str, ...] = _derived()
    inputs: tuple[NetworkInput, ...] = _derived()
    output_names: tuple[str, ...] = _derived()
    parameters_of: Mapping[str, tuple[Parameter, ...]] = _derived()
    shapes: tuple[Shape, ...] = _derived()

    def __post_init__(self) -> None:
        if not self.layers:
            message = "layers: there are none; a network needs at least one after its input."
            raise SettingError(message)
        object.__setattr__(self, "layers", tuple(self.layers))
        check_unshared(self.layers)
        for layer in self.layers:
            if isinstance(layer, Normalization):
                vars(layer)["_in_network"] = True
        vars(self).update(_built.get(description_key(self), self._build))

    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters in layer order."""
        return tuple(one for name in self.names for one in self.parameters_of[name])

    def outputs(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """The last layer's node."""
        return self.ending(self.activities(inputs, parameters, draws)[-1])

    @property
    def activations(self) -> tuple[str | None, ...]:
        """The activation that each layer ends in, by name; None where it is not known."""
        return tuple(activation_name(getattr(one, "activation", None)) for one in self.layers)

    def ending(self, last: Node) -> tuple[Node, ...]:
        """The last layer's node."""
        return (last,)

    def activities(
        self, inputs: Mapping[str, Node], parameters: Sequence[Node], draws: Draws | None
    ) -> tuple[Node, ...]:
        """The node of each layer."""
        found = []
        x = inputs["input"]
        waiting = iter(parameters)
        for name, layer in zip(self.names, self.layers, strict=True):
            own = [next(waiting) for _ in self.parameters_of[name]]
            x = _applied(name, layer, x, own, draws)
            found.append(x)
        return tuple(found)

    def penalties(self, activities: Sequence[Node]) -> list[Node]:
        """What layers add to the loss for their activities: means over the rows of the batch."""
        found = []
        for layer, x in zip(self.layers, activities, strict=True):
            regularizer = find_regularizer(layer.activity_regularizer)
            if regularizer is not None:
                found.append(regularizer(x) / ops.count(shape=x.shape[:1], dtype=x.dtype))
        return found

    def _build(self) -> dict[str, Any]:
        """Go through the layers once, symbolically: shapes are read off the graph."""
        first = self.layers[0]
        dtype = "float64" if first.input_dtype == "float" else first.input_dtype
        x = input_node("input", (Rows(), *self.shape), dtype)
        names, parameters_of, shapes = layer_names(self.layers), {}, []
        for name, layer in zip(names, self.layers, strict=True):
            _check_layer(name, layer)
            own = tuple(_parameters(name, layer, x.shape))
            nodes = [parameter(one.name, one.shape, "float64") for one in own]
            x = _applied(name, layer, x, nodes, None)
            parameters_of[name] = own
            shapes.append(x.shape)
        return {
            "names": names,
            "inputs": (NetworkInput("input", self.shape, first.input_dtype, first.codes),),
            "output_names": names[-1:],
            "parameters_of": parameters_of,
            "shapes": tuple(shapes),
        }


def _check_layer(name: str, layer: object) -> None:
    if isinstance(layer, InputLayer):
        message = f"{name}: an Input may only be the first layer."
        raise SettingError(message)


def _parameters(name: str, layer: Layer, shape: Shape) -> list[Parameter]:
    row = tuple(size for size in shape[1:] if isinstance(size, int))
    found: list[Parameter] = []
    for one in layer.parameters(row):
        if not isinstance(one, Parameter):
            message = f"{name}: parameters(shape) must yield Parameter objects, got {one!r}."
            raise InputTypeError(message)
        if any(one.name == other.name for other in found):
            message = f"{name}: two of its parameters have the name {one.name!r}; rename one."
            raise SettingError(message)
        found.append(one)
    return [
        replace(one, name=f"{name}/{one.name}", trainable=one.trainable and layer.trainable)
        for one in found
    ]


def _applied(
    name: str, layer: Layer, x: Node, parameters: Sequence[Node], draws: Draws | None
) -> Node:
    try:
        if draws is None:
            result = layer.apply(x, *parameters)
        else:
            result = layer.apply_training(x, *parameters, draws=draws)
    except ShapeError as error:
        message = f"layer {name!r} given rows of shape {x.shape[1:]}: {error}"
        raise ShapeError(message) from error
    if not isinstance(result, Node):
        message = f"layer {name!r}: apply must give a node, got {type(result).__name__}."
        raise InputTypeError(message)
    if not result.shape or not isinstance(result.shape[0], Rows):
        message = f"layer {name!r}: its result has no axis of rows (shape {result.shape})."
        raise ShapeError(message)
    return result
