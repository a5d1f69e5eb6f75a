"""Layers one after the other with their values: what a model is before it is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import random
from chainrule.errors import InputTypeError, SettingError
from chainrule.layers import InputLayer, Layer, Stack, check_layer, layer_names
from chainrule.models.bound import BoundLayer, find_layer
from chainrule.models.instead import missing_name
from chainrule.models.summary import one_line, summary_html, summary_text
from chainrule.settings import check_seed
from chainrule.training import History, Trainer, shape_of_row

__all__ = ["StackedModel"]

Array = np.ndarray[Any, np.dtype[Any]]
DTYPES = ("float32", "float64")


class StackedModel:
    """Layers with their values, and the trainer that is made of them; `Sequential` trains it."""

    def __init__(
        self,
        layers: Iterable[Layer] = (),
        seed: int | None = None,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        if dtype not in DTYPES:
            message = f"Sequential: dtype must be 'float32' or 'float64', got {dtype!r}."
            raise SettingError(message)
        self.seed = random.fresh_seed() if seed is None else check_seed("Sequential", seed)
        self.seed_is_drawn = seed is None
        self.dtype = str(dtype)
        self.name = name or "sequential"
        self.stop_training = False
        self.history: History | None = None
        self._layers: list[Layer] = []
        self._trainer: Trainer | None = None
        self._compiled: dict[str, Any] | None = None
        if isinstance(layers, Layer) or not isinstance(layers, Iterable):
            message = f"Sequential: needs a list of layers, got {type(layers).__name__}."
            raise InputTypeError(message)
        for layer in layers:
            self._check(layer)
            self._layers.append(layer)
        layer_names(self._layers)
        self._build_if_shape_is_known()

    def add(self, layer: Layer) -> None:
        """Add a layer at the end; those before it keep their values.

        Raises `SettingError` while `fit` runs.
        """
        self._check_not_fitting("add")
        self._check(layer)
        layer_names([*self._layers, layer])
        self._layers.append(layer)
        old, self._trainer = self._trainer, None
        self._build_if_shape_is_known()
        if old is not None and self._trainer is not None:
            self._trainer.adopt(old)
            self._compile_trainer()

    def __repr__(self) -> str:
        parameters = self._trainer.parameters if self._trainer else None
        return one_line(self.name, self.layers, parameters)

    def _repr_html_(self) -> str | None:
        return summary_html(self.name, self.layers, self.trainer.parameters) if self.built else None

    if not TYPE_CHECKING:  # a type checker knows what is there

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            raise missing_name(name, [one for one in dir(self) if not one.startswith("_")])

    @property
    def built(self) -> bool:
        """Whether the shape of the input, and with it every parameter, is known."""
        return self._trainer is not None

    @property
    def trainer(self) -> Trainer:
        """What trains it; raises `SettingError` before the shape of the input is known."""
        if self._trainer is None:
            message = (
                f"model {self.name!r} has no input shape yet: begin with layers.Input(shape), or "
                "call fit with data."
            )
            raise SettingError(message)
        return self._trainer

    @property
    def network(self) -> Stack:
        """The layers as a network."""
        network = self.trainer.network
        if not isinstance(network, Stack):  # for the type checker: it is always made here
            raise TypeError
        return network

    @property
    def layers(self) -> list[BoundLayer]:
        """The layers without the input, each with views of its parameters."""
        inner = self._inner()
        return [
            BoundLayer(self, name, layer)
            for name, layer in zip(layer_names(inner), inner, strict=True)
        ]

    def get_layer(self, name: str | None = None, index: int | None = None) -> BoundLayer:
        """The layer of a name, or at a position."""
        return find_layer(self.layers, name, index)

    def get_weights(self) -> list[Array]:
        """A copy of each parameter, layer by layer, kernel (inputs, units) before bias."""
        return self.trainer.get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take the values of arrays in the order of `get_weights`.

        Raises `ShapeError` where number or shapes differ; then nothing is changed.
        """
        self.trainer.set_weights(weights)

    def count_params(self) -> int:
        """How many numbers the parameters have.

        >>> from chainrule import Sequential
        >>> from chainrule.layers import Dense, Input
        >>> Sequential([Input((3,)), Dense(4), Dense(2)]).count_params()
        26
        """
        return self.trainer.parameters.count

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Write a table of layers, shapes and numbers of parameters to stdout.

        print_fn
            Takes the text in its place.
        """
        show = print_fn or (lambda text: sys.stdout.write(f"{text}\n"))
        show(summary_text(self.name, self.layers, self.trainer.parameters))

    def set_trainable(self, name: str, trainable: bool) -> None:
        """Say whether updates reach a layer; values and optimizer state stay.

        Raises `SettingError` while `fit` runs.
        """
        self._check_not_fitting("trainable")
        position = layer_names(self._inner()).index(name) + len(self._layers) - len(self._inner())
        self._layers[position] = replace(self._layers[position], trainable=trainable)
        if self._trainer is not None:
            old, self._trainer = self._trainer, None
            self._build(old.network.inputs[0].shape)
            self.trainer.adopt(old)
            self._compile_trainer(old)

    def _check_not_fitting(self, what: str) -> None:
        if self._trainer is not None and self._trainer.fitting:
            message = (
                f"{what}: fit is training this model, and would go on with the layers as they "
                "were; end it first (stop_training = True)."
            )
            raise SettingError(message)

    def _check(self, layer: Any) -> None:
        check_layer("Sequential", layer)
        if isinstance(layer, InputLayer) and self._layers:
            message = "Sequential: an Input may only be the first layer."
            raise SettingError(message)

    def _inner(self) -> list[Layer]:
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    def _build_if_shape_is_known(self) -> None:
        first = self._layers[0] if self._layers else None
        if isinstance(first, InputLayer) and self._inner():
            self._build(first.shape)

    def _build(self, shape: tuple[int, ...]) -> None:
        network = Stack(self._inner(), shape)
        self._trainer = Trainer(network, dtype=self.dtype, seed=self.seed)

    def _trainer_for(self, X: Any) -> Trainer:
        """The trainer, built for the shape of the data where it is not known yet."""
        if self._trainer is None:
            if not self._inner():
                message = f"model {self.name!r} has no layers; add some first."
                raise SettingError(message)
            self._build(shape_of_row(X))
            self._compile_trainer()
        return self.trainer

    def _compile_trainer(self, old: Trainer | None = None) -> None:
        if self._compiled is not None and self._trainer is not None:
            self._trainer.compile(**self._compiled)
            if old is not None and old.compiled:
                self._trainer.adopt_optimizer(old)

    def _need_compiled(self, what: str) -> None:
        if self._compiled is None:
            message = f"{what}: the model is not compiled; call compile(optimizer, loss) first."
            raise SettingError(message)
