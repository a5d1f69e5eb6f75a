"""Layers as plain values, for model files: what loading them runs is in these tables only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from chainrule.errors import InputTypeError, ModelFileError, SettingError
from chainrule.layers.activations import ACTIVATIONS
from chainrule.layers.constraints import CONSTRAINTS
from chainrule.layers.core import Activation, Dense, Dropout, Flatten
from chainrule.layers.embedding import Embedding
from chainrule.layers.expansion import GaussianNoise, Mixup, RandomDistortion
from chainrule.layers.initializers import INITIALIZERS
from chainrule.layers.input import InputLayer
from chainrule.layers.layer import Layer
from chainrule.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    Normalization,
)
from chainrule.layers.regularizers import REGULARIZERS
from chainrule.layers.slopes import LeakyReLU, PReLU

__all__ = ["LAYERS", "is_own", "layer_from_record", "layer_record"]

LAYERS: dict[str, type[Layer]] = {
    "InputLayer": InputLayer,
    "Flatten": Flatten,
    "Dense": Dense,
    "Activation": Activation,
    "LeakyReLU": LeakyReLU,
    "PReLU": PReLU,
    "Dropout": Dropout,
    "BatchNormalization": BatchNormalization,
    "LayerNormalization": LayerNormalization,
    "GroupNormalization": GroupNormalization,
    "Normalization": Normalization,
    "Embedding": Embedding,
    "GaussianNoise": GaussianNoise,
    "Mixup": Mixup,
    "RandomDistortion": RandomDistortion,
}
"""Every layer by its class's name."""


def is_own(layer: Layer) -> bool:
    """Whether a layer computes by a function of the user's own.

    >>> is_own(Dense(2)), is_own(type("Mine", (Dense,), {})(2))
    (False, False)
    >>> is_own(type("Twice", (Dense,), {"apply": lambda self, x, w, b: 2 * (x @ w)})(2))
    True
    """
    given = type(layer)
    known = [kind for kind in LAYERS.values() if issubclass(given, kind)]
    return not any(
        given.apply is kind.apply and given.apply_training is kind.apply_training for kind in known
    )


_PARTS: dict[str, type[Any]] = {
    member.__name__: member
    for table in (ACTIVATIONS, INITIALIZERS, REGULARIZERS, CONSTRAINTS)
    for member in table.values()
    if isinstance(member, type)
}


def layer_record(layer: Layer, name: str) -> dict[str, Any]:
    """The class and the settings of a layer as plain values.

    Raises `InputTypeError` where it, or a setting, is of one's own: a file runs no code.
    """
    class_name = type(layer).__name__
    if LAYERS.get(class_name) is not type(layer):
        message = (
            f"layer {name!r}: a model file cannot keep {class_name}, a class of your own; "
            "keep its weights with get_weights() and build the model again in Python."
        )
        raise InputTypeError(message)
    settings = {
        one.name: _plain(f"layer {name!r}", one.name, getattr(layer, one.name))
        for one in fields(layer)
    }
    return {"class": class_name, "settings": settings | {"name": name}}


def _plain(owner: str, setting: str, value: Any) -> Any:
    if isinstance(value, type) and value in _PARTS.values():
        value = value()  # a class stands for its object with the usual settings
    if type(value) in _PARTS.values():
        inner = {
            one.name: _plain(owner, setting, getattr(value, one.name)) for one in fields(value)
        }
        return {"class": type(value).__name__, "settings": inner}
    if callable(value):
        known = [name for name, function in ACTIVATIONS.items() if function is value]
        if known:
            return known[0]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(owner, setting, item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    message = (
        f"{owner}: a model file cannot keep {setting}={getattr(value, '__name__', value)!r}, "
        "which is code of your own; use a name from the tables, or keep get_weights() instead."
    )
    raise InputTypeError(message)


def layer_from_record(record: Mapping[str, Any]) -> Layer:
    """The layer that `layer_record` described.

    Raises `ModelFileError` where the record names a layer or setting that is not known.
    """
    try:
        class_name = record["class"]
        settings = {name: _object(value) for name, value in record["settings"].items()}
        return LAYERS[class_name](**settings)
    except (AttributeError, KeyError, TypeError, SettingError) as error:
        message = (
            f"the file describes a layer that this version does not know ({error}); "
            "upgrade chainrule, or save the model again."
        )
        raise ModelFileError(message) from error


def _object(value: Any) -> Any:
    if isinstance(value, dict):
        return _PARTS[value["class"]](**value["settings"])
    return value
