"""Layers that make other training data of the given, anew in each step; and do nothing else.

Pictures are shifted, turned, scaled and bent, tables get noise, rows are mixed. What is drawn
follows from seed and step: training repeats to the bit, and goes on where it was stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import InputTypeError, SettingError, ShapeError
from chainrule.graph import Node, Shape, constant, ops
from chainrule.layers.layer import Draws, Layer
from chainrule.settings import check_number, check_seed

__all__ = ["Expansion", "GaussianNoise", "Mixup", "RandomDistortion"]

Floats = NDArray[np.float64]

KNOTS = 1025


@dataclass(frozen=True)
class Expansion(Layer):
    """A layer that changes rows in training only.

    seed
        A seed of its own in place of the network's.
    """

    seed: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seed is not None:
            check_seed(type(self).__name__, self.seed)

    def apply(self, x: Node, *parameters: Node) -> Node:
        return x

    def sample(self, X: Any, seed: int = 0, step: int = 0) -> NDArray[Any]:
        """What training would see in place of rows, as an array: to look at.

        X
            Rows as the layer is given them; float64 stays so, else float32 comes back.
        seed, step
            Another number, another draw. A network of that seed makes the same of these rows in
            that step (its first is 0), where this layer is the first that draws.
        """
        rows = np.asarray(X)
        if rows.dtype.kind not in "fiub" or rows.ndim == 0:
            shown = f"type {rows.dtype.name}" if rows.ndim else "one number"
            message = f"{type(self).__name__}: sample needs rows of numbers, got {shown}."
            raise InputTypeError(message)
        x = constant(rows if rows.dtype == np.float64 else rows.astype(np.float32))
        self.apply(x)
        return np.array(self.apply_training(x, draws=Draws(x.dtype, seed, step)).value)

    def _check(self, setting: str, allowed: str, holds: Any) -> None:
        check_number(type(self).__name__, setting, getattr(self, setting), allowed, holds)


@dataclass(frozen=True)
class GaussianNoise(Expansion):
    """In training x + stddev * n, n standard normal and another for each number; else x.

    For tables whose columns are standardized: 0.05 to 0.2 blurs what is exact by chance alone.

    stddev
        0 or more, in units of the numbers.
    seed
        A seed of its own in place of the network's.

    Raises `SettingError` for a setting that is not allowed.

    >>> from chainrule.layers import GaussianNoise
    >>> GaussianNoise(0.1).sample([[1.0, 2.0]]).round(3)
    array([[0.974, 2.118]])
    """

    stddev: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("stddev", "of 0 or more", lambda x: x >= 0)

    def apply_training(self, x: Node, *parameters: Node, draws: Draws) -> Node:
        return x + float(self.stddev) * draws.normal(x.shape, self.seed) if self.stddev else x


@dataclass(frozen=True)
class Mixup(Expansion):
    """In training each row is mixed with a partner, and so is the loss (Zhang et al., 2018).

    Row i of n has the partner n - 1 - i; rows are shuffled, so it is any other. With the share s:
    x = s x_i + (1 - s) x_partner, loss = s L(y_i, o) + (1 - s) L(y_partner, o), whatever the
    loss; a row's sample weight goes with its target. Each row draws an s of its own: the larger of
    s and 1 - s where s is Beta(alpha, alpha). Every pair stands in the batch both ways round, so
    taking the larger mixes the same pairs in the same shares; and metrics, which compare with y_i
    alone, compare with the row that o shows most of.

    alpha
        Above 0: near 0 rows hardly mix, at 1 every share is as likely. 0.1 to 0.4 are usual.
    seed
        A seed of its own in place of the network's.

    Put it before any other layer, or where features are to be mixed. Raises `SettingError` for an
    alpha that is not allowed, and when training begins where a network has two.

    >>> from chainrule.layers import Mixup
    >>> Mixup(0.4).sample([[0.0], [1.0]]).round(3)
    array([[0.17 ],
           [0.997]])
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("alpha", "above 0", lambda x: x > 0)

    def apply_training(self, x: Node, *parameters: Node, draws: Draws) -> Node:
        if draws.share is not None:
            message = "Mixup: the network has two, and rows can be mixed once; take one out."
            raise SettingError(message)
        draws.share = _looked_up(draws.uniform(x.shape[:1], self.seed), self.quantiles())
        share = draws.share.reshape((x.shape[0], *(1 for _ in x.shape[1:])))
        return share * x + (1 - share) * ops.flip(x, axis=0)

    def quantiles(self) -> Floats:
        """The share's quantiles at 0, 1/1024, ... 1; between them it is drawn along straight lines.

        In place of the last, which is 1, stands that of a quarter of a step before: few of a large
        alpha's shares are beyond. To six decimals: SciPy's last digits would differ from machine
        to machine.
        """
        from scipy.special import betaincinv

        at = np.append(np.linspace(0, 1, KNOTS)[:-1], 1 - 0.25 / (KNOTS - 1))
        found: Floats = np.round(betaincinv(self.alpha, self.alpha, (1 + at) / 2), 6)
        return found


@dataclass(frozen=True)
class RandomDistortion(Expansion):
    """In training each picture is shifted, turned, scaled and bent a little, anew each time.

    Rows are (height, width) or (height, width, channels): put it before Flatten. Each setting is 0
    by default and draws nothing then. What comes in from outside the picture is 0. All is done in
    one reading of the picture between its pixels (bilinear).

    shift
        Down and across, each uniform from -shift to shift of that side.
    rotation
        Around the middle, uniform from -rotation to rotation, in degrees up to 180.
    scale
        Down and across, each uniform from 1 - scale to 1 + scale; below 1.
    elastic
        Every pixel is moved by a smooth random field (Simard, Steinkraus, Platt, 2003), by elastic
        of each side in root mean square; up to 0.5.
    smoothness
        Deviation of the Gaussian that makes the field smooth, as a share of each side.
    seed
        A seed of its own in place of the network's.

    For handwritten digits of 28 x 28: shift 0.08, rotation 10, scale 0.1, elastic 0.04. Simard's
    field (34 times uniform numbers, smoothed by 4 pixels) is elastic 0.05, smoothness 0.14.

    The field is uniform numbers seen through a Gaussian, as in the paper, but a number for each
    `smoothness` of a side in place of one for each pixel: a tenth as many, and the same covariance
    to a few percent. Raises `SettingError` for a setting that is not allowed, `ShapeError` where
    rows are no pictures.

    >>> import numpy as np
    >>> from chainrule.layers import RandomDistortion
    >>> RandomDistortion(shift=0.1, rotation=10).sample(np.ones((20, 28, 28))).shape
    (20, 28, 28)
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    smoothness: float = 0.14

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("shift", "from 0 to 1", lambda x: 0 <= x <= 1)
        self._check("rotation", "from 0 to 180 degrees", lambda x: 0 <= x <= 180)
        self._check("scale", "from 0 to below 1", lambda x: 0 <= x < 1)
        self._check("elastic", "from 0 to 0.5", lambda x: 0 <= x <= 0.5)
        self._check("smoothness", "above 0, up to 1", lambda x: 0 < x <= 1)

    def apply(self, x: Node, *parameters: Node) -> Node:
        if len(x.shape) not in (3, 4):
            message = (
                f"RandomDistortion: needs rows of shape (height, width) or (height, width, "
                f"channels), got {x.shape[1:]}; put it before Flatten, and give X as pictures."
            )
            raise ShapeError(message)
        return x

    def apply_training(self, x: Node, *parameters: Node, draws: Draws) -> Node:
        if not (self.shift or self.rotation or self.scale or self.elastic):
            return x
        return ops.sample_bilinear(x, self.coordinates(x.shape, draws))

    def coordinates(self, shape: Shape, draws: Draws) -> Node:
        """Where each pixel is read from, (rows, 2, height, width): down and across, in pixels.

        They are `down @ core @ across.T` for each row, with 1 and the distance from the middle
        (and the Gaussians of the field) in the columns of the constants `down` and `across`.
        """
        rows, height, width = shape[:3]
        down, across = (_from_middle(size) for size in (height, width))
        core = _turned(self._placing(rows, draws), height, width)
        if self.elastic:
            fields = [_field_basis(size, self.smoothness) for size in (height, width)]
            down, across = (
                np.concatenate(both, axis=1) for both in zip((down, across), fields, strict=True)
            )
            drawn = draws.uniform((rows, 2, *(field.shape[1] for field in fields)), self.seed)
            size = np.array([height, width]).reshape(2, 1, 1)
            bent = (2 * drawn - 1) * (math.sqrt(3.0) * self.elastic * size).astype(draws.dtype)
            core = _on_diagonal(core, bent)
        tall = constant(down.astype(draws.dtype)) @ core
        wide = tall.reshape((-1, across.shape[1])) @ across.T.astype(draws.dtype)
        return wide.reshape((rows, 2, height, width))

    def _placing(self, rows: Any, draws: Draws) -> _Placing:
        drawn = draws.uniform((rows, 5), self.seed)
        one = [ops.narrow(drawn, axis=1, start=i, stop=i + 1) for i in range(5)]
        angles: Floats = math.radians(self.rotation) * np.linspace(-1, 1, KNOTS)
        either_way = [2 * share - 1 for share in one]
        return _Placing(
            *(_looked_up(one[0], table.round(9)) for table in (np.cos(angles), np.sin(angles))),
            *(1 + float(self.scale) * share for share in either_way[1:3]),
            *(float(self.shift) * share for share in either_way[3:]),
        )


class _Placing(NamedTuple):
    """How each picture is placed, nodes of shape (rows, 1): shifts are shares of the sides."""

    cosine: Any
    sine: Any
    scale_down: Any
    scale_across: Any
    shift_down: Any
    shift_across: Any


def _turned(placing: _Placing, height: Any, width: Any) -> Node:
    """The part (rows, 2, 2, 2) of the core that shifts, turns and scales.

    A pixel v down and h across from the middle is read from
    (cos (v - shift) + sin (h - shift)) / scale down, (cos (h - shift) - sin (v - shift)) / scale
    across: the picture is scaled, then turned counterclockwise, then shifted.
    """
    cosine, sine = placing.cosine, placing.sine
    shift_down, shift_across = height * placing.shift_down, width * placing.shift_across
    middle_down, middle_across = (height - 1) / 2, (width - 1) / 2
    parts = [
        middle_down - (cosine * shift_down + sine * shift_across) / placing.scale_down,
        sine / placing.scale_down,
        cosine / placing.scale_down,
        0 * cosine,
        middle_across - (cosine * shift_across - sine * shift_down) / placing.scale_across,
        cosine / placing.scale_across,
        -sine / placing.scale_across,
        0 * cosine,
    ]
    return ops.concatenate(*parts).reshape((cosine.shape[0], 2, 2, 2))


def _on_diagonal(first: Node, second: Node) -> Node:
    """Two matrices (along the last two axes) one below and beside the other, with 0 elsewhere."""
    for axis in (2, 3):
        start: Any = first.shape[axis]
        length = start + second.shape[axis]
        first = ops.widen(first, axis=axis, start=0, length=length)
        second = ops.widen(second, axis=axis, start=start, length=length)
    return first + second


def _from_middle(size: Any) -> Floats:
    """(size, 2): 1, and how far each pixel is from the middle."""
    return np.stack([np.ones(size), np.arange(size) - (size - 1) / 2], axis=1)


def _field_basis(size: Any, smoothness: float) -> Floats:
    """(size, numbers): Gaussians around evenly spaced points, of mean square 1 when added up.

    Points are no farther apart than a deviation: what is between them does not show. To six
    decimals: NumPy's last digits would differ from machine to machine.
    """
    count = min(size, math.ceil(1 / smoothness))
    points = (np.arange(count) + 0.5) * size / count - 0.5
    apart = np.arange(size)[:, None] - points
    basis = np.exp(-0.5 * (apart / (smoothness * size)) ** 2)
    scaled: Floats = np.round(basis / math.sqrt((basis**2).sum() / size), 6)
    return scaled


def _looked_up(share: Node, table: Floats) -> Node:
    """A table at shares from 0 to below 1 of its length, along straight lines between its numbers.

    Every step is rounded once, so all engines give the same bits.
    """
    place = share * (len(table) - 1)
    index = ops.cast(place, dtype="int32")
    start, slope = (part.astype(share.dtype) for part in (table[:-1], np.diff(table)))
    return ops.gather(start, index) + (place - index) * ops.gather(slope, index)
