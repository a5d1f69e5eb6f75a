"""What each layer of a network makes of rows, on the graph: every activity has a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError, nearest
from chainrule.graph import Node, constant, make
from chainrule.models import Sequential
from chainrule.settings import check_count

__all__ = ["activities", "checked_model", "checked_unit", "layer_position", "output_of", "rows_of"]


def checked_model(owner: str, model: Any) -> Sequential:
    """The model, where it is a `Sequential` whose shapes are known; else a sentence."""
    if not isinstance(model, Sequential):
        message = f"{owner}: model must be Sequential, got {type(model).__name__}."
        raise InputTypeError(message)
    model.trainer  # noqa: B018  (raises its own sentence where there is no input shape yet)
    return model


def layer_position(owner: str, model: Sequential, layer: Any) -> int:
    """Where a layer is, given by name or by its position from 0; negative ones from the end."""
    names: list[str] = [one.name for one in model.layers]
    if isinstance(layer, str):
        if layer not in names:
            message = f"{owner}: layer {layer!r} is not known; {nearest(layer, names, listed=True)}"
            raise SettingError(message)
        return names.index(layer)
    whole = isinstance(layer, int | np.integer) and not isinstance(layer, bool)
    if not whole or not -len(names) <= layer < len(names):
        message = (
            f"{owner}: layer must be a name or a position from 0 to {len(names) - 1}, got "
            f"{layer!r}; there are: {', '.join(names)}."
        )
        raise SettingError(message)
    return range(len(names))[int(layer)]


def checked_unit(owner: str, unit: Any, units: int, name: str) -> int:
    """The position of a unit of a layer, or a sentence."""
    position = check_count(owner, "unit", unit, least=0)
    if position >= units:
        message = f"{owner}: unit must be from 0 to {units - 1} for layer {name!r}, got {position}."
        raise SettingError(message)
    return position


def rows_of(owner: str, model: Sequential, X: Any) -> Any:
    """Rows in the type that the network takes, or a sentence where they have another shape."""
    given, wanted = np.asarray(X), model.network.inputs[0]
    if given.dtype.kind not in "fiub":
        message = f"{owner}: X must be numbers, got {given.dtype}; encode what is none first."
        raise InputTypeError(message)
    if given.shape[1:] != wanted.shape or not given.ndim or not len(given):
        shape = ", ".join(("rows", *map(str, wanted.shape)))
        message = f"{owner}: X must have shape ({shape}), got {given.shape}."
        raise ShapeError(message)
    if not np.isfinite(given).all():
        message = f"{owner}: X must be finite; leave out the rows that are not."
        raise DataError(message)
    return given.astype(model.dtype if wanted.dtype == "float" else np.int32)


def output_of(model: Sequential, position: int, x: Node) -> Node:
    """What the layer at a position makes of rows, with the weights as they stand."""
    layer = model.layers[position]
    result: Node = layer.description.apply(x, *(constant(one) for one in layer.get_weights()))
    return result


def activities(model: Sequential, rows: Any) -> Sequence[Any]:
    """The values of each layer for rows, in order."""
    node, found = make(rows, None, "rows"), []
    for position in range(len(model.layers)):
        node = output_of(model, position, node)
        found.append(np.asarray(node.value))
    return found
