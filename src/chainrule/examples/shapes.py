"""Whether the arrays of a described network fit together, shape by shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingError, ShapeError
from chainrule.tracing import Notation

__all__ = ["check_shapes", "matrix", "oriented"]

Array = np.ndarray[Any, np.dtype[Any]]


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


def oriented(layer: Mapping[str, Any], form: str) -> dict[str, Any]:
    """A layer's settings with its kernel as (inputs, units) and its bias apart."""
    found = dict(layer)
    for name in ("kernel", "bias"):
        if name in found:
            found[name] = matrix(name, found[name]).astype(np.float64)
    kernel = found.get("kernel")
    if kernel is None or kernel.ndim != 2 or form == "rows":
        return found
    if form == "theta":
        if "bias" in found:
            message = (
                "spec: in theta notation the first column of a kernel is the bias; leave bias out."
            )
            raise SettingError(message)
        found["bias"], kernel = kernel[:, 0], kernel[:, 1:]
    found["kernel"] = kernel.T
    return found


def check_shapes(
    layers: Sequence[Mapping[str, Any]], X: Array, y: Array, notation: Notation
) -> None:
    """Raise `ShapeError` with everything that does not fit, shape by shape.

    layers
        Kernels are (inputs, units).
    """
    wrong = _of_data(X, y)
    width = X.shape[1] if X.ndim == 2 else None
    before = "X"
    for number, layer in enumerate(layers, start=1):
        wrong += _of_layer(number, layer, width, before, notation.form)
        units = _units(layer)
        if units is not None:
            width, before = units, f"layer {number}"
    if width is not None and y.ndim == 2 and len(y.shape) == 2 and y.shape[1] != width:
        wrong.append(f"y has {_times(y.shape)} numbers, but {before} gives {width} a row")
    if wrong:
        message = f"spec: shapes contradict each other: {'; '.join(wrong)}. Correct these."
        raise ShapeError(message)


def _of_data(X: Array, y: Array) -> list[str]:
    if X.ndim < 2:
        return [f"X must be a list of rows, has shape {X.shape}"]
    if y.ndim < 1 or len(X) != len(y):
        return [f"X has {len(X)} rows, y has {len(y) if y.ndim else 'none'}"]
    return []


def _of_layer(
    number: int, layer: Mapping[str, Any], width: int | None, before: str, form: str
) -> list[str]:
    kernel, bias = layer.get("kernel"), layer.get("bias")
    wrong = []
    if kernel is not None:
        if kernel.ndim != 2:
            return [f"layer {number}: kernel must be rows of numbers, has shape {kernel.shape}"]
        if width is not None and kernel.shape[0] != width:
            wrong.append(
                f"layer {number}: kernel is {_shown(kernel.shape, form)}, but {before} gives "
                f"{width} numbers a row, so it must be {_shown((width, kernel.shape[1]), form)}"
            )
    units = _units(layer)
    if bias is not None and units is not None and bias.shape != (units,):
        wrong.append(f"layer {number}: bias has shape {bias.shape} for {units} units")
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


def _shown(shape: tuple[int, ...], form: str) -> str:
    """A kernel's shape as the notation has it."""
    inputs, units = shape
    return _times({"rows": (inputs, units), "columns": (units, inputs)}.get(
        form, (units, 1 + inputs)
    ))  # fmt: skip


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
