"""All parameters of a network in one flat array, with named views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, ShapeError, listing
from chainrule.graph import Node, Segment, parameter, segments
from chainrule.layers.layer import Parameter

__all__ = ["Parameters"]

Array = np.ndarray[Any, np.dtype[Any]]


class Parameters:
    """One flat array, trainable parameters first, then the others; each a view of it by name.

    table
        The network's parameters in layer order; their names are unique.
    dtype
        float32 or float64.

    Lists of arrays (`get`, `set`) are in layer order. Values are 0 until `initialize`.

    >>> from chainrule.layers import Parameter, Parameters
    >>> held = Parameters([Parameter("dense/kernel", (2, 1)), Parameter("dense/bias", (1,))])
    >>> held["dense/kernel"][:] = 3
    >>> held.flat
    array([3., 3., 0.])
    """

    def __init__(self, table: Iterable[Parameter], dtype: Any = "float64") -> None:
        self.table = tuple(table)
        self.dtype = np.dtype(dtype)
        ordered = sorted(self.table, key=lambda one: not one.trainable)  # stable
        self.segments: tuple[Segment, ...] = segments(
            parameter(one.name, one.shape, self.dtype, one.trainable) for one in ordered
        )
        self.flat: Array = np.zeros(self.segments[-1].stop if self.segments else 0, self.dtype)

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return len(self.flat)

    @property
    def trainable_count(self) -> int:
        """How many of them updates reach: they are the first of the flat array."""
        return max((segment.stop for segment in self.segments if segment.trainable), default=0)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names in layer order."""
        return tuple(one.name for one in self.table)

    def __getitem__(self, name: str) -> Array:
        return self.view(self.flat, name)

    def view(self, flat: Array, name: str) -> Array:
        """The part of a flat array (of parameters, a gradient, a slot) that has this name."""
        for segment in self.segments:
            if segment.name == name:
                return flat[segment.start : segment.stop].reshape(segment.shape)
        message = f"parameters: {name!r} is not known; known: {listing(self.names)}."
        raise DataError(message)

    def nodes(self) -> dict[str, Node]:
        """A symbolic node for each parameter, by name, in the order of the flat array."""
        return {
            segment.name: parameter(segment.name, segment.shape, self.dtype, segment.trainable)
            for segment in self.segments
        }

    def initialize(self, seed: int) -> None:
        """Give each its first values: drawn in float64, stream = its number, then rounded."""
        for number, one in enumerate(self.table):
            values: Any = one.initializer.values(one.shape, seed, number)
            if getattr(values, "shape", None) != one.shape or values.dtype.kind not in "fiub":
                shown = getattr(values, "shape", type(values).__name__)
                message = (
                    f"{one.name}: {type(one.initializer).__name__} must give an array of numbers "
                    f"of shape {one.shape}, gave {shown}."
                )
                raise ShapeError(message)
            self[one.name][...] = self._in_range(one.name, values)

    def get(self) -> list[Array]:
        """A copy of each, in layer order."""
        return [self[name].copy() for name in self.names]

    def set(self, arrays: Sequence[Any], names: Sequence[str] | None = None) -> None:
        """Take the values of arrays, in layer order; all are checked before any is taken.

        names
            Which parameters they are for; all of them when None.

        Raises `ShapeError` where number or shapes differ, `InputTypeError` for what is no number.
        """
        names = self.names if names is None else tuple(names)
        if isinstance(arrays, str | Mapping) or not hasattr(arrays, "__len__"):
            message = f"set_weights: needs a list of arrays, got {type(arrays).__name__}."
            raise InputTypeError(message)
        if len(arrays) != len(names):
            message = (
                f"set_weights: {len(arrays)} arrays are given for {len(names)} parameters "
                f"({', '.join(f'{name} {self[name].shape}' for name in names)}); give one each."
            )
            raise ShapeError(message)
        ready = [self._fitting(name, array) for name, array in zip(names, arrays, strict=True)]
        for name, array in zip(names, ready, strict=True):
            self[name][...] = array

    def _fitting(self, name: str, array: Any) -> Array:
        try:
            given = np.asarray(array)
            given = given if given.dtype == self.dtype else np.asarray(given, np.float64)
        except (TypeError, ValueError) as error:
            message = f"set_weights: {name} needs an array of numbers, got {array!r:.80}."
            raise InputTypeError(message) from error
        if given.shape != self[name].shape:
            message = (
                f"set_weights: {name} has shape {self[name].shape}, the array given has "
                f"{given.shape}; give the same shape."
            )
            raise ShapeError(message)
        return self._in_range(name, given)

    def _in_range(self, name: str, values: Array) -> Array:
        """Values in the parameters' type; those that are finite stay so, or `DataError`."""
        if values.dtype == self.dtype:
            return values
        with np.errstate(over="ignore"):
            found = values.astype(self.dtype)
        lost = np.isinf(found)
        if lost.any():
            lost &= ~np.isinf(values)
        if lost.any():
            message = (
                f"{name}: {values[lost].flat[0]:g} is too large for {self.dtype}; scale the data, "
                'or give the model dtype="float64".'
            )
            raise DataError(message)
        return found

    def copy(self) -> Parameters:
        """The same parameters with memory of their own."""
        other = Parameters(self.table, self.dtype)
        other.flat[...] = self.flat
        return other
