"""Layers that bring numbers to mean 0 and deviation 1: over a batch, a row, a group, the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import DataError, InputTypeError, SettingError, ShapeError, row_and_column
from chainrule.graph import Node, Shape, ops
from chainrule.layers.constraints import find_constraint
from chainrule.layers.initializers import Constant, find_initializer
from chainrule.layers.layer import Draws, Layer, Parameter
from chainrule.layers.regularizers import find_regularizer
from chainrule.settings import check_count, check_flag, check_number

__all__ = ["BatchNormalization", "GroupNormalization", "LayerNormalization", "Normalization"]


@dataclass(frozen=True, kw_only=True)
class _Scaled(Layer):
    """gamma * normal + beta, with a learned gamma and beta for each feature (the last axis)."""

    center: bool = True
    scale: bool = True
    beta_initializer: Any = "zeros"
    gamma_initializer: Any = "ones"
    beta_regularizer: Any = None
    gamma_regularizer: Any = None
    beta_constraint: Any = None
    gamma_constraint: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        owner = type(self).__name__
        check_flag(owner, "center", self.center)
        check_flag(owner, "scale", self.scale)
        find_initializer(self.beta_initializer)
        find_initializer(self.gamma_initializer)
        find_regularizer(self.beta_regularizer)
        find_regularizer(self.gamma_regularizer)
        find_constraint(self.beta_constraint)
        find_constraint(self.gamma_constraint)

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        features = (_features(self, shape),)
        if self.scale:
            yield Parameter(
                "gamma", features, self.gamma_initializer, self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            yield Parameter(
                "beta", features, self.beta_initializer, self.beta_regularizer,
                constraint=self.beta_constraint,
            )  # fmt: skip

    def _moved(self, normal: Node, parameters: tuple[Node, ...]) -> Node:
        waiting = iter(parameters)
        if self.scale:
            normal = normal * next(waiting)
        return normal + next(waiting) if self.center else normal


def _features(layer: Layer, shape: tuple[int, ...]) -> int:
    if not shape:
        message = (
            f"{type(layer).__name__}: its input has one number a row and no axis of features; "
            "give the data a second axis."
        )
        raise ShapeError(message)
    return shape[-1]


def _check_epsilon(layer: Layer, epsilon: Any) -> None:
    check_number(type(layer).__name__, "epsilon", epsilon, "above 0", lambda x: x > 0)


def _deviation(variance: Node, epsilon: float) -> Node:
    root: Node = ops.sqrt(variance + float(epsilon))
    return root


def _centered(x: Node, axes: tuple[int, ...], keepdims: bool = True) -> tuple[Node, Node, Node]:
    """x less its mean over axes, the mean, and the mean of squares of what is left."""
    mean = x.mean(axis=axes, keepdims=keepdims)
    left = x - mean
    return left, mean, (left * left).mean(axis=axes, keepdims=keepdims)


@dataclass(frozen=True)
class BatchNormalization(_Scaled):
    """Each feature over the batch: gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and
    Szegedy, 2015).

    momentum
        From 0 to 1: moving = momentum * moving + (1 - momentum) * the batch's, after each step.
    epsilon, center, scale, and those of beta and gamma
        As `LayerNormalization` takes them.

    In training mean and variance are the batch's (the variance divides by the rows; a batch of one
    row has variance 0). In prediction they are the moving ones, `moving_mean` and
    `moving_variance`, so a row predicts the same in any batch. With `trainable=False` training
    uses the moving ones too and leaves them as they are (Keras).

    >>> from chainrule.layers import BatchNormalization
    >>> [p.name for p in BatchNormalization().parameters((3,))]
    ['gamma', 'beta', 'moving_mean', 'moving_variance']
    """

    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_epsilon(self, self.epsilon)
        check_number(
            "BatchNormalization", "momentum", self.momentum, "from 0 to 1", lambda x: 0 <= x <= 1
        )

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        yield from super().parameters(shape)
        yield Parameter("moving_mean", (shape[-1],), "zeros", trainable=False)
        yield Parameter("moving_variance", (shape[-1],), "ones", trainable=False)

    def apply(self, x: Node, *parameters: Node) -> Node:
        *learned, mean, variance = parameters
        normal = (x - mean) / _deviation(variance, self.epsilon)
        return self._moved(normal, tuple(learned))

    def apply_training(self, x: Node, *parameters: Node, draws: Draws) -> Node:
        if not self.trainable:
            return self.apply(x, *parameters)
        *learned, moving_mean, moving_variance = parameters
        axes = tuple(range(len(x.shape) - 1))
        left, mean, variance = _centered(x, axes, keepdims=False)
        for moving, found in ((moving_mean, mean), (moving_variance, variance)):
            kept = float(self.momentum)
            draws.assign(moving, kept * moving + (1.0 - kept) * found)
        return self._moved(left / _deviation(variance, self.epsilon), tuple(learned))


@dataclass(frozen=True)
class LayerNormalization(_Scaled):
    """Each row over its features (the last axis): gamma (x - mean) / sqrt(variance + epsilon) +
    beta (Ba, Kiros and Hinton, 2016).

    epsilon
        Above 0: keeps the root away from 0.
    center, scale
        Whether beta is added, and whether gamma multiplies.
    beta_initializer, gamma_initializer
        Name or object that gives the first values.
    beta_regularizer, gamma_regularizer
        Name or object whose penalty is added to the loss.
    beta_constraint, gamma_constraint
        Name or object that they must keep to after each update.

    It is the same in training and prediction.
    """

    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_epsilon(self, self.epsilon)

    def apply(self, x: Node, *parameters: Node) -> Node:
        left, _, variance = _centered(x, (len(x.shape) - 1,))
        return self._moved(left / _deviation(variance, self.epsilon), parameters)


@dataclass(frozen=True)
class GroupNormalization(_Scaled):
    """Each row over groups of its features, which are neighbors (Wu and He, 2018).

    groups
        How many; they must divide the features. -1: each feature is a group of its own.
    epsilon, center, scale, and those of beta and gamma
        As `LayerNormalization` takes them.

    Mean and variance are over the group's features and all other axes of the row (Keras).

    >>> from chainrule.layers import Dense, GroupNormalization, Stack
    >>> Stack([Dense(6), GroupNormalization(groups=2)], (3,)).shapes[-1]
    (rows, 6)
    """

    groups: int = 32
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_epsilon(self, self.epsilon)
        if self.groups != -1:
            check_count("GroupNormalization", "groups", self.groups)

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        features = _features(self, shape)
        if self.groups != -1 and features % self.groups:
            fitting = [size for size in range(1, features + 1) if features % size == 0]
            nearest = min(fitting, key=lambda size: abs(size - self.groups))
            message = (
                f"GroupNormalization: groups={self.groups} does not divide the {features} features "
                f"of its input; give a divisor, such as groups={nearest}."
            )
            raise SettingError(message)
        return super().parameters(shape)

    def apply(self, x: Node, *parameters: Node) -> Node:
        features = int(x.shape[-1])  # type: ignore[arg-type]
        groups = features if self.groups == -1 else self.groups
        split: Shape = (*x.shape[:-1], groups, features // groups)
        axes = (*range(1, len(split) - 2), len(split) - 1)
        left, _, variance = _centered(x.reshape(split), axes)
        normal = left / _deviation(variance, self.epsilon)
        return self._moved(normal.reshape(x.shape), parameters)


@dataclass(frozen=True)
class Normalization(Layer):
    """(x - mean) / deviation, by feature, with statistics of data that it is shown once.

    axis
        -1: a mean and a deviation for each feature (the last axis); None: one for all numbers.
    mean, variance
        What `adapt` finds, or numbers of your own.

    Call `adapt(X)` with the training rows before the layer goes into a network, or
    `model.layers[i].adapt(X)` afterwards. Without either nothing is changed. The statistics are
    kept with the model; no update reaches them. A deviation below 1e-7 counts as 1e-7 (Keras).

    Raises `SettingError` for settings that are not allowed.

    >>> from chainrule.layers import Normalization
    >>> layer = Normalization()
    >>> layer.adapt([[1.0, 10.0], [3.0, 30.0]])
    >>> layer.mean, layer.variance
    ((2.0, 20.0), (1.0, 100.0))
    """

    axis: int | None = -1
    mean: Any = None
    variance: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axis not in (-1, None):
            message = f"Normalization: axis must be -1 or None, got {self.axis!r}."
            raise SettingError(message)
        if (self.mean is None) != (self.variance is None):
            message = "Normalization: give mean and variance together, or neither."
            raise SettingError(message)
        for name in ("mean", "variance"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _plain(name, given))

    def adapt(self, X: Any) -> None:
        """Take mean and variance of the rows of X.

        Raises `DataError` naming the first number that is not finite, `SettingError` where the
        layer is part of a model already.
        """
        if vars(self).get("_in_network"):
            message = (
                "Normalization: this layer is part of a model already; call adapt on the model's "
                "own: model.layers[i].adapt(X)."
            )
            raise SettingError(message)
        mean, variance = self.statistics(X)
        object.__setattr__(self, "mean", tuple(mean.tolist()))
        object.__setattr__(self, "variance", tuple(variance.tolist()))

    def statistics(self, X: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Mean and variance of the rows of X, in float64, with a number a feature."""
        try:
            array = np.asarray(X, np.float64)
        except (TypeError, ValueError) as error:
            message = f"Normalization: adapt needs an array of numbers, got {type(X).__name__}."
            raise InputTypeError(message) from error
        if array.ndim == 0 or array.size == 0:
            message = f"Normalization: adapt needs rows, got shape {array.shape}."
            raise ShapeError(message)
        bad = ~np.isfinite(array)
        if bad.any():
            place = np.unravel_index(int(np.argmax(bad)), bad.shape)
            message = (
                f"Normalization: X is {array[place]} in {row_and_column(place)}; fill it in or "
                "leave the row out before adapt."
            )
            raise DataError(message)
        columns = 1 if self.axis is None or array.ndim == 1 else array.shape[-1]
        flat = np.ascontiguousarray(array.reshape(-1, columns))
        # sums over the first axis add row by row: the same bits on any machine
        mean = flat.sum(axis=0) / len(flat)
        return mean, ((flat - mean) ** 2).sum(axis=0) / len(flat)

    def parameters(self, shape: tuple[int, ...]) -> Iterator[Parameter]:
        columns = 1 if self.axis is None or not shape else shape[-1]
        for name, first in (("mean", self.mean), ("variance", self.variance)):
            if first is not None and len(first) != columns:
                message = (
                    f"Normalization: it was shown {len(first)} features, its input has {columns}; "
                    "adapt it to data of the same columns."
                )
                raise ShapeError(message)
            unchanged = 0.0 if name == "mean" else 1.0
            start = Constant(unchanged if first is None else first)
            yield Parameter(name, (columns,), start, trainable=False)

    def apply(self, x: Node, *parameters: Node) -> Node:
        mean, variance = parameters
        return (x - mean) / ops.maximum(ops.sqrt(variance), 1e-7)


def _plain(name: str, given: Any) -> tuple[float, ...]:
    try:
        array = np.atleast_1d(np.asarray(given, np.float64))
    except (TypeError, ValueError):
        array = np.array([np.nan])  # told below
    if array.ndim != 1 or not np.isfinite(array).all() or (name == "variance" and array.min() < 0):
        allowed = "finite numbers" + (" of 0 or more" if name == "variance" else "")
        message = f"Normalization: {name} must be a list of {allowed}, got {given!r}."
        raise SettingError(message)
    return tuple(array.tolist())
