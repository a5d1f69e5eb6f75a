"""First values of parameters, as Keras defines them, drawn in float64 by chainrule.random.

What is drawn depends on the network's seed and the parameter's number in it alone; it is rounded
to the network's dtype afterwards. An initializer with a seed of its own draws the same each time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule import random
from chainrule.errors import SettingError, ShapeError
from chainrule.settings import check_number, check_seed, find_object

__all__ = [
    "INITIALIZERS", "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform",
    "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "RandomInitializer",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "fans",
    "find_initializer",
]  # fmt: skip

Floats = NDArray[np.float64]

TRUNCATED_DEVIATION = 0.87962566103423978
"""The deviation of a standard normal number on condition that it lies within (-2, 2)."""


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """The numbers of inputs and outputs that a parameter of a shape connects, as Keras counts.

    >>> fans((784, 300)), fans((300,))
    ((784, 300), (300, 300))
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    field_size = math.prod(shape[:-2])
    return shape[-2] * field_size, shape[-1] * field_size


@dataclass(frozen=True)
class Initializer(ABC):
    """Gives a parameter its first values.

    One of one's own is a frozen dataclass with `values`.
    """

    @abstractmethod
    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        """Values of a shape in float64; random ones are drawn of seed and stream alone."""


@dataclass(frozen=True)
class Zeros(Initializer):
    """0 everywhere."""

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """1 everywhere."""

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        return np.ones(shape)


@dataclass(frozen=True, eq=False)
class Constant(Initializer):
    """One value everywhere, or an array of the parameter's shape.

    >>> Constant(0.5).values((2,), seed=0, stream=0)
    array([0.5, 0.5])
    """

    value: Any = 0.0

    def __post_init__(self) -> None:
        try:
            given = np.asarray(self.value, np.float64)
        except (TypeError, ValueError, OverflowError):
            given = np.array(np.nan)
        if not np.isfinite(given).all():
            message = (
                "constant: value must be a finite number or an array of these, "
                f"got {self.value!r:.80}."
            )
            raise SettingError(message)
        if given.ndim:
            given = given.copy()
            given.flags.writeable = False
            object.__setattr__(self, "value", given)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._numbers() == other._numbers()

    def __hash__(self) -> int:
        return hash(self._numbers())

    def _numbers(self) -> tuple[tuple[int, ...], bytes]:
        given = np.asarray(self.value, np.float64)
        return given.shape, given.tobytes()

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        given = np.asarray(self.value, np.float64)
        if given.shape not in ((), shape):
            message = (
                f"constant: value has shape {given.shape}, the parameter {shape}; "
                "give one number or an array of that shape."
            )
            raise ShapeError(message)
        return np.array(np.broadcast_to(given, shape))


@dataclass(frozen=True)
class RandomInitializer(Initializer):
    """Draws; `seed` makes it draw the same in every network and for every parameter."""

    seed: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.seed is not None:
            check_seed(type(self).__name__, self.seed)

    def _uniform(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        key, stream = (seed, stream) if self.seed is None else (self.seed, 0)
        drawn = random.uniform(key, stream, 0, math.prod(shape), random.WEIGHTS)
        return drawn.reshape(shape)

    def _normal(
        self, shape: tuple[int, ...], seed: int, stream: int, truncated: bool = False
    ) -> Floats:
        key, stream = (seed, stream) if self.seed is None else (self.seed, 0)
        draw = random.truncated_normal if truncated else random.normal
        return draw(key, stream, 0, math.prod(shape), random.WEIGHTS).reshape(shape)


@dataclass(frozen=True)
class RandomNormal(RandomInitializer):
    """Normal with a mean and a deviation."""

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("random_normal", "mean", self.mean, "that is finite", lambda _: True)
        check_number("random_normal", "stddev", self.stddev, "of 0 or more", lambda x: x >= 0)

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        return self.mean + self.stddev * self._normal(shape, seed, stream)


@dataclass(frozen=True)
class RandomUniform(RandomInitializer):
    """Even over [minval, maxval)."""

    minval: float = -0.05
    maxval: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("random_uniform", "minval", self.minval, "that is finite", lambda _: True)
        at_least = f"of minval ({self.minval}) or more"
        check_number("random_uniform", "maxval", self.maxval, at_least, lambda x: x >= self.minval)

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        return self.minval + (self.maxval - self.minval) * self._uniform(shape, seed, stream)


@dataclass(frozen=True)
class TruncatedNormal(RandomNormal):
    """Normal on condition that it lies within two deviations of the mean; not rescaled."""

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        return self.mean + self.stddev * self._normal(shape, seed, stream, truncated=True)


class VarianceScaling(RandomInitializer):
    """Variance scale / fan: by `_spread` uniform, or normal truncated and rescaled."""

    scale: ClassVar[float] = 1.0
    fan: ClassVar[str] = "in"
    uniform: ClassVar[bool] = True

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        fan_in, fan_out = fans(shape)
        fan = fan_in if self.fan == "in" else (fan_in + fan_out) / 2.0
        variance = self.scale / max(1.0, fan)
        if self.uniform:
            limit = math.sqrt(3.0 * variance)
            return limit * (2.0 * self._uniform(shape, seed, stream) - 1.0)
        deviation = math.sqrt(variance) / TRUNCATED_DEVIATION
        return deviation * self._normal(shape, seed, stream, truncated=True)


@dataclass(frozen=True)
class GlorotUniform(VarianceScaling):
    """Variance 2 / (inputs + outputs), uniform (Glorot and Bengio, 2010): sigmoid and tanh."""

    fan = "average"


@dataclass(frozen=True)
class GlorotNormal(VarianceScaling):
    """Variance 2 / (inputs + outputs), truncated normal (Glorot and Bengio, 2010)."""

    fan = "average"
    uniform = False


@dataclass(frozen=True)
class HeUniform(VarianceScaling):
    """Variance 2 / inputs, uniform (He et al., 2015): the ReLU family."""

    scale = 2.0


@dataclass(frozen=True)
class HeNormal(VarianceScaling):
    """Variance 2 / inputs, truncated normal (He et al., 2015): the ReLU family."""

    scale = 2.0
    uniform = False


@dataclass(frozen=True)
class LecunUniform(VarianceScaling):
    """Variance 1 / inputs, uniform (LeCun et al., 1998)."""


@dataclass(frozen=True)
class LecunNormal(VarianceScaling):
    """Variance 1 / inputs, truncated normal (LeCun et al., 1998): SELU."""

    uniform = False


@dataclass(frozen=True)
class Orthogonal(RandomInitializer):
    """A matrix with orthogonal columns of length `gain`, rows where there are more columns than
    rows; every such matrix is as likely as another (Saxe et al., 2014).

    It has the distribution of Keras's, the Q of normal numbers with the signs of R made positive,
    and is made as Stewart (1980) does: one reflection a column, each drawn anew. More axes than
    two are taken as (all but the last, the last).

    gain
        What the matrix is multiplied by.

    >>> q = Orthogonal().values((3, 2), seed=0, stream=0)
    >>> (q.T @ q).round(12) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("orthogonal", "gain", self.gain, "that is finite", lambda _: True)

    def values(self, shape: tuple[int, ...], seed: int, stream: int) -> Floats:
        if len(shape) < 2:
            message = (
                f"orthogonal: a parameter of shape {shape} is no matrix; give it another "
                "initializer, such as 'zeros' for a bias."
            )
            raise ShapeError(message)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        matrix = _orthogonal(self._normal(tall, seed, stream))
        return self.gain * (matrix if rows >= columns else matrix.T).reshape(shape)


def _orthogonal(drawn: Floats) -> Floats:
    """Orthonormal columns of normal numbers of the same shape, in + - * / and roots alone.

    Sums go over the first axis, along which NumPy adds row by row, in one order everywhere.
    """
    matrix = np.zeros(drawn.shape)
    for column in range(drawn.shape[1] - 1, -1, -1):
        normal = drawn[column:, column].copy()
        length = math.sqrt(np.add.accumulate(normal * normal)[-1])
        sign = math.copysign(1.0, normal[0])
        part = matrix[column:, column:]
        part[0, 0] = -sign  # the reflection turns this into normal / length
        normal[0] += sign * length
        weights = normal / (length * abs(normal[0]))
        part -= weights[:, None] * (normal[:, None] * part).sum(axis=0)
    return matrix


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "xavier_uniform": GlorotUniform,
    "xavier_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "normal": RandomNormal,
    "uniform": RandomUniform,
}
"""What an initializer's name stands for."""


def find_initializer(given: Any) -> Initializer:
    """The initializer that a name, a class or an object stands for.

    Raises `SettingError` for an unknown name, `InputTypeError` for what is none of these.

    >>> find_initializer("he_normal")
    HeNormal(seed=None)
    """
    found: Initializer = find_object("initializer", given, INITIALIZERS, Initializer)
    return found
