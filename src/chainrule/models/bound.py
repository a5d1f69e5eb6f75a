"""Layers of a model: their descriptions together with views of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import InputTypeError, MissingNameError, SettingError, listing, nearest
from chainrule.graph import Rows
from chainrule.layers import Layer, Normalization

if TYPE_CHECKING:
    from chainrule.models.stacked import StackedModel

__all__ = ["BoundLayer", "find_layer"]

Array = np.ndarray[Any, np.dtype[Any]]


class BoundLayer:
    """A layer of a model.

    name
        Its name in the model.
    description
        The frozen layer; its settings can be read here too: `layer.units`.
    trainable
        Whether updates reach it; may be set.

    A parameter is an attribute, such as `kernel` and `bias`: a view, so that
    `layer.kernel[0, 0] = 1.0` and `layer.kernel = array` change the model.
    """

    def __init__(self, model: StackedModel, name: str, description: Layer) -> None:
        self.__dict__.update(_model=model, name=name, description=description)

    def __repr__(self) -> str:
        return f"<{self.name} of {self.__dict__['_model'].name}: {self.description}>"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._own(), *vars(self.description)})

    @property
    def trainable(self) -> bool:
        """Whether updates reach its parameters."""
        return bool(self.description.trainable)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Its result's shape, None for rows."""
        network = self.__dict__["_model"].network
        shape = network.shapes[network.names.index(self.name)]
        return tuple(None if isinstance(size, Rows) else size for size in shape)

    def get_weights(self) -> list[Array]:
        """A copy of each parameter, kernel before bias."""
        return [array.copy() for array in self._own().values()]

    def set_weights(self, arrays: Sequence[Any]) -> None:
        """Take the values of arrays in the order of `get_weights`.

        Raises `ShapeError` where number or shapes differ.
        """
        names = [f"{self.name}/{name}" for name in self._own()]
        self.__dict__["_model"].trainer.parameters.set(arrays, names)

    def adapt(self, X: Any) -> None:
        """Take mean and variance of the rows of X, where the layer is a `Normalization`."""
        if not isinstance(self.description, Normalization):
            message = f"layer {self.name!r}: only Normalization layers adapt to data."
            raise InputTypeError(message)
        self.set_weights(self.description.statistics(X))

    def count_params(self) -> int:
        """How many numbers its parameters have."""
        return sum(array.size for array in self._own().values())

    def _own(self) -> dict[str, Array]:
        model = self.__dict__["_model"]
        if not model.built:
            return {}
        parameters = model.trainer.parameters
        start = len(self.name) + 1
        return {
            one.name[start:]: parameters[one.name] for one in model.network.parameters_of[self.name]
        }

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_model" not in self.__dict__:
            raise AttributeError(name)
        own = self._own()
        if name in own:
            return own[name]
        if hasattr(self.description, name):
            return getattr(self.description, name)
        model = self.__dict__["_model"]
        if not model.built:
            message = (
                f"layer {self.name!r} has no {name!r}: the model has no input shape yet, so no "
                "parameters; begin with layers.Input(shape), or call fit with data."
            )
            raise MissingNameError(message)
        message = f"layer {self.name!r} has no {name!r}; it has {listing(own) or 'no parameters'}."
        raise MissingNameError(message)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "trainable":
            self.__dict__["_model"].set_trainable(self.name, value)
        elif name in self._own():
            self.__dict__["_model"].trainer.parameters.set([value], [f"{self.name}/{name}"])
        else:
            message = (
                f"layer {self.name!r}: {name!r} cannot be set; what can is 'trainable' and its "
                f"parameters: {listing(self._own())}."
            )
            raise InputTypeError(message)


def find_layer(layers: Sequence[BoundLayer], name: str | None, index: int | None) -> BoundLayer:
    """The layer of a name, or at a position; raises `SettingError` where there is none."""
    if index is not None:
        if not -len(layers) <= index < len(layers):
            message = f"get_layer: index {index} is not among the {len(layers)} layers."
            raise SettingError(message)
        return layers[index]
    for layer in layers:
        if layer.name == name:
            return layer
    known = [layer.name for layer in layers]
    message = f"get_layer: {name!r} is not known; {nearest(str(name), known)}"
    raise SettingError(message)
