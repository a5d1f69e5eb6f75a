"""Whether the arrays of a described network fit together, shape by shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingError, ShapeError, listing

__all__ = ["KERNELS", "check_shapes", "matrix", "oriented"]

Array = np.ndarray[Any, np.dtype[Any]]

KERNELS = {
    "kernel": "a row for each input, a column for each unit",
    "W": "a row for each unit, a column for each input",
    "theta": "a row for each unit: its bias, then a column for each input",
}
"""What the weights of a layer may be given as, and how they stand then."""


def matrix(where: str, given: Any) -> Array:
    """Numbers in lists as an array; whole numbers stay whole in targets.

    Raises `SettingError` where rows are of unequal length, or hold other things.
    """
    try:
        array = np.array(given)
    except ValueError as error:
        message = f"spec: {where}: its rows have different lengths; give each as many numbers."
        raise SettingError(message) from error
    if array.dtype.kind not in "fiub":
        message = f"spec: {where}: needs numbers, got {given!r}."
        raise SettingError(message)
    return array


def oriented(number: int, layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's settings with its kernel as (inputs, units) and its bias apart.

    Raises `SettingError` where more than one of `kernel`, `W` and `theta` is given.
    """
    found = dict(layer)
    given = [name for name in KERNELS if name in found]
    if len(given) > 1:
        message = f"spec: layer {number}: give one of {listing(KERNELS)}, got {listing(given)}."
        raise SettingError(message)
    for name in (*given, *(["bias"] if "bias" in found else [])):
        found[name] = matrix(f"layer {number}: {name}", found[name]).astype(np.float64)
        if not np.isfinite(found[name]).all():
            message = f"spec: layer {number}: {name} must be finite numbers, got {layer[name]}."
            raise SettingError(message)
    if given in ([], ["kernel"]):
        return found
    kernel = found.pop(given[0])
    if kernel.ndim == 2 and given == ["theta"]:
        if "bias" in found:
            message = (
                f"spec: layer {number}: the first column of theta is the bias; leave bias out."
            )
            raise SettingError(message)
        found["bias"], kernel = kernel[:, 0], kernel[:, 1:]
    return found | {"kernel": kernel.T, "stands": given[0]}


def check_shapes(layers: Sequence[Mapping[str, Any]], X: Array, y: Array, labels: bool) -> None:
    """Raise `ShapeError` with everything that does not fit, shape by shape.

    layers
        Kernels are (inputs, units).
    labels
        Whether targets are numbers of classes.
    """
    wrong = _of_data(X, y)
    width = X.shape[1] if X.ndim == 2 else None
    before = "X"
    for number, layer in enumerate(layers, start=1):
        wrong += _of_layer(number, layer, width, before)
        units = _units(layer)
        if units is not None:
            width, before = units, f"layer {number}"
    if width is not None and y.ndim == 2 and y.shape[1] != width and not labels:
        wrong.append(f"y has {_times(y.shape)} numbers, but {before} gives {width} a row")
    if wrong:
        message = f"spec: shapes contradict each other: {'; '.join(wrong)}. Correct these."
        raise ShapeError(message)


def _of_data(X: Array, y: Array) -> list[str]:
    if X.ndim < 2:
        return [f"X must be a list of rows such as [[1.0, 2.0]], has shape {X.shape}"]
    if y.ndim < 1 or len(X) != len(y):
        return [f"X has {len(X)} rows, y has {len(y) if y.ndim else 'none'}"]
    return []


def _of_layer(number: int, layer: Mapping[str, Any], width: int | None, before: str) -> list[str]:
    kernel, bias, name = layer.get("kernel"), layer.get("bias"), layer.get("stands", "kernel")
    wrong = []
    if kernel is not None:
        if kernel.ndim != 2:
            return [f"layer {number}: kernel must be rows of numbers, has shape {kernel.shape}"]
        if width is not None and kernel.shape[0] != width:
            wrong.append(
                f"layer {number}: {name} is {_shown(kernel.shape, name)}, but {before} gives "
                f"{width} numbers a row, so it must be {_shown((width, kernel.shape[1]), name)}, "
                f"{KERNELS[name]}"
            )
    units = _units(layer)
    if bias is not None and units is not None and bias.shape != (units,):
        wrong.append(
            f"layer {number}: bias needs a number for each of {units} units, has {_counted(bias)}"
        )
    if kernel is not None and "units" in layer and layer["units"] != kernel.shape[1]:
        wrong.append(
            f"layer {number}: units is {layer['units']}, but its kernel leads to {kernel.shape[1]}"
        )
    return wrong


def _units(layer: Mapping[str, Any]) -> int | None:
    kernel = layer.get("kernel")
    if kernel is not None and kernel.ndim == 2:
        return int(kernel.shape[1])
    units = layer.get("units")
    return units if isinstance(units, int) else None


def _shown(shape: tuple[int, ...], name: str) -> str:
    """A kernel's shape as it stands in the spec."""
    inputs, units = shape
    standing = {"kernel": (inputs, units), "W": (units, inputs), "theta": (units, 1 + inputs)}
    return _times(standing[name])


def _counted(array: Array) -> str:
    return str(array.size) if array.ndim == 1 else f"shape {array.shape}"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
