"""Which rows, units and weights of a large step are shown: those that matter most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.tracing.step import LayerTrace, StepTrace

__all__ = ["Folding", "Shown", "flat", "folding_of", "largest", "left_out"]

Array = np.ndarray[Any, np.dtype[Any]]
Joining = Mapping[int, tuple[int, int]]

SMALL_NETWORK, SMALL_FAN = 24, 12
"""Units up to which a network, and inputs up to which a unit, are shown whole."""
SMALL_BATCH = 8
"""Units up to which four rows of a batch are shown, not two."""
MANY_ROWS = 12
"""Rows beyond which one is shown."""


def flat(array: Any, rows: int) -> Array:
    """An array with one axis of columns."""
    return np.asarray(array).reshape(rows, -1)


def left_out(count: int) -> str:
    """That so many are left out.

    >>> left_out(1), left_out(1200)
    ('is left out', 'are left out')
    """
    return f"{'is' if count == 1 else 'are'} left out"


@dataclass(frozen=True)
class Folding:
    """How many of each kind are shown: units of a layer, terms of a sum, rows, weights, biases.

    whole
        Whether all is shown of a network that is not large.
    """

    units: int
    terms: int
    rows: int
    weights: int
    biases: int
    whole: bool = True


def folding_of(trace: StepTrace) -> Folding:
    """Rows by their number, units and weights by the number of units and of their inputs."""
    shapes = [layer.kernel.before.shape for layer in trace.layers if layer.kernel is not None]
    units = sum(shape[1] for shape in shapes)
    fan = max((shape[0] for shape in shapes), default=0)
    rows = 1 if trace.rows > MANY_ROWS else 4 if units <= SMALL_BATCH else 2
    if units <= SMALL_NETWORK and fan <= SMALL_FAN:
        return Folding(12, 12, rows, 24, 12)
    return Folding(2, 2, rows, 2, 1, whole=False)


class Shown:
    """What of a step is shown.

    layers
        Those of the step as its reader sees them.
    joining
        Where the numbers of layers go that are put side by side (`joining_of`).
    """

    def __init__(
        self, trace: StepTrace, layers: Sequence[LayerTrace], joining: Joining, folding: Folding
    ) -> None:
        self.trace, self.layers, self.joining, self.folding = trace, layers, joining, folding

    @cached_property
    def rows(self) -> list[int]:
        """The rows whose loss has the largest part."""
        shares = self.trace.row_shares
        sizes = self.trace.row_losses * (1.0 if shares is None else shares)
        return largest(sizes, self.folding.rows, spare=0)

    @cached_property
    def units(self) -> list[list[int]]:
        """For each layer the columns with the largest |delta a|.

        Of the last layer those with the largest |delta|, so that the class that is right is there;
        before a layer without sums those that it shows, so that a path can be followed; before
        sums at positions what these sums are made of.
        """
        found: list[list[int]] = []
        for place in reversed(range(len(self.layers))):
            last = place == len(self.layers) - 1
            following = None if last else self.layers[place + 1]
            if following is None:
                found.insert(0, self._columns(place))
            elif following.numbers.z is None and self._width(place) == self._width(place + 1):
                found.insert(0, found[0])
            elif following.positions > 1 and self._fits(place + 1):
                found.insert(0, self._at_positions(following, found[0]))
            else:
                found.insert(0, self._columns(place))
        return found

    def sources(self, place: int) -> list[int]:
        """The columns given to a layer with a kernel whose weights are shown.

        With the largest those that layers before it show, so that a path can be followed.
        """
        layer = self.layers[place]
        if place and self._fits(place):
            return self.units[place - 1]
        made = self.made_before(place)
        kept = self._at_positions(layer, self.units[place], [*made])
        shown = {column for column, is_shown in made.items() if is_shown}
        return sorted({column for column in kept if column not in made} | shown)

    def made_before(self, place: int) -> dict[int, bool]:
        """The columns given to a layer that layers make which stand side by side before it.

        With each goes whether it is shown there.
        """
        return {
            start + unit: unit in self.units[before]
            for before, (joined, start) in self.joining.items()
            for unit in range(self._width(before))
            if joined == place
        }

    def _width(self, place: int) -> int:
        return int(flat(self.layers[place].numbers.a, self.trace.rows).shape[1])

    def _fits(self, place: int) -> bool:
        """Whether a layer is given as many columns as the one before gives."""
        x = flat(self.layers[place].numbers.x, self.trace.rows)
        return bool(x.shape[1] == self._width(place - 1))

    def _columns(self, place: int) -> list[int]:
        layer = self.layers[place]
        a = flat(layer.numbers.a, self.trace.rows)
        slopes: tuple[Any, ...] = (layer.numbers.delta, layer.numbers.upstream)
        known = [flat(one, self.trace.rows) for one in slopes if one is not None]
        fitting = [one for one in known if one.shape == a.shape]
        sizes = fitting[0] if fitting else np.ones_like(a)
        if layer is not self.layers[-1]:
            sizes = sizes * a
        size = np.abs(sizes[self.rows]).sum(axis=0)
        origin = self._origin(place)
        if origin.positions > 1 and len(size) > self.folding.units + 1:
            return self._whole_positions(origin, size)
        return largest(size, self.folding.units)

    def _origin(self, place: int) -> LayerTrace:
        """The layer from which the columns of a layer come, number by number."""
        while place and self.layers[place].numbers.z is None:
            if self._width(place) != self._width(place - 1):
                break
            place -= 1
        return self.layers[place]

    def _whole_positions(self, layer: LayerTrace, sizes: Array) -> list[int]:
        """The units at the positions that matter most, together where there is room."""
        assert layer.kernel is not None  # noqa: S101  (it has positions)
        units, widest = layer.kernel.before.shape[1], max(layer.kernel.before.shape)
        grouped = sizes.reshape(-1, units)
        kept = largest(grouped.sum(axis=1), max(1, self.folding.units // widest))
        return [
            position * units + unit
            for position in kept
            for unit in largest(grouped[position], self.folding.units)
        ]

    def _at_positions(
        self, layer: LayerTrace, units: Sequence[int], hidden: Sequence[int] = ()
    ) -> list[int]:
        """The columns from which sums at the positions of units are made; hidden ones come last."""
        assert layer.kernel is not None  # noqa: S101  (asked for of such layers)
        weights = np.abs(layer.kernel.before)
        found: dict[int, list[int]] = {}
        for unit in units:
            start, column = layer.led_from(unit)
            found.setdefault(start, []).append(column)
        x = np.abs(flat(layer.numbers.x, self.trace.rows)[self.rows]).sum(axis=0)
        x[list(hidden)] = 0
        return [
            start + source
            for start, columns in sorted(found.items())
            for source in largest(
                x[start : start + len(weights)] * weights[:, columns].sum(axis=1),
                self.folding.units,
            )
        ]


def largest(sizes: Any, most: int, spare: int = 1) -> list[int]:
    """The places of the largest, in order; where there are so few more than `most`, all."""
    if len(sizes) <= most + spare:
        return list(range(len(sizes)))
    order = np.argsort(-np.nan_to_num(np.abs(np.asarray(sizes)), nan=np.inf), kind="stable")
    return sorted(int(place) for place in order[:most])
