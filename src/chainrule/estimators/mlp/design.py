"""From the settings of an estimator to what is trained: layers, optimizer, first values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import index
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.layers import (
    L2,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    Parameters,
    PerRow,
    Stack,
    find_activation,
)
from chainrule.optimizers import SGD, Adam, Optimizer, find_optimizer

__all__ = ["STOCHASTIC_SOLVERS", "WORDS", "draw_first_values", "network_of", "optimizer_of"]

STOCHASTIC_SOLVERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam")
WORDS: Mapping[str, Any] = {"identity": "linear", "logistic": "sigmoid"}
RUNNING_SHARE = 0.9
"""Momentum of running statistics: small tables have few steps."""


def each(setting: str, given: Any, layers: int) -> list[Any]:
    """A value for each hidden layer: one for all, or a list of so many.

    Raises `SettingError` for a list of another length.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        return [given] * layers
    found = list(given)
    if len(found) != layers:
        message = (
            f"{setting}: {len(found)} values are given for {layers} hidden layers; give one for "
            "each, or one for all."
        )
        raise SettingError(message)
    return found


def activations_of(given: Any, layers: int) -> list[Any]:
    """The activation of each hidden layer, in chainrule's words."""
    found = [WORDS.get(one, one) if isinstance(one, str) else one
             for one in each("activation", given, layers)]  # fmt: skip
    for one in found:
        find_activation(one)
    return found


def network_of(
    features: int, hidden: Sequence[int], outputs: int, ending: Any, settings: Mapping[str, Any]
) -> Stack:
    """The layers; dense ones are named `coefs_0`, `coefs_1` ...

    ending
        The last activation's name, or a layer that comes after the last dense one.
    settings
        `activation`, `alpha`, `dropout` and `batch_norm` of the estimator.
    """
    alpha = float(settings["alpha"])
    penalty = PerRow(L2(alpha / 2)) if alpha else None

    def dense(units: int, number: int, activation: Any) -> Dense:
        return Dense(
            index(units), activation, kernel_initializer="zeros", kernel_regularizer=penalty,
            name=f"coefs_{number}",
        )  # fmt: skip

    layers: list[Layer] = []
    rates = each("dropout", settings["dropout"], len(hidden))
    activations = activations_of(settings["activation"], len(hidden))
    for number, (units, activation, rate) in enumerate(
        zip(hidden, activations, rates, strict=True)
    ):
        if settings["batch_norm"]:
            layers += [dense(units, number, None), BatchNormalization(momentum=RUNNING_SHARE)]
            layers.append(Activation(activation))
        else:
            layers.append(dense(units, number, activation))
        if rate:
            layers.append(Dropout(float(rate)))
    if isinstance(ending, Layer):
        layers += [dense(outputs, len(hidden), None), ending]
    else:
        layers.append(dense(outputs, len(hidden), ending))
    return Stack(layers, (features,))


def draw_first_values(
    parameters: Parameters, activation: Any, random_state: np.random.RandomState
) -> None:
    """Give kernels and biases the values that scikit-learn draws, in its order.

    Uniform between -b and b with b = sqrt(6 / (inputs + outputs)), 2 in place of 6 before a
    logistic activation (Glorot and Bengio, 2010); the last layer as the one before it.
    """
    initial = Parameters(parameters.table, parameters.dtype)
    initial.initialize(0)  # scales of batch normalization; kernels and biases are drawn below
    parameters.flat[...] = initial.flat
    kernels = [name for name in parameters.names if name.endswith("/kernel")]
    words = each("activation", activation, len(kernels) - 1)
    words.append(words[-1] if words else activation)
    for name, word in zip(kernels, words, strict=True):
        kernel, bias = parameters[name], parameters[name.replace("/kernel", "/bias")]
        factor = 2.0 if word in ("logistic", "sigmoid") else 6.0
        bound = np.sqrt(factor / sum(kernel.shape))
        kernel[...] = random_state.uniform(-bound, bound, kernel.shape)
        bias[...] = random_state.uniform(-bound, bound, bias.shape)


def optimizer_of(settings: Mapping[str, Any]) -> Optimizer:
    """The rule that `solver` and the settings beside it stand for."""
    solver, schedule = settings["solver"], settings["schedule"]
    if isinstance(solver, Optimizer):
        return solver if schedule is None else replace(solver, learning_rate=schedule)
    rate = float(settings["learning_rate_init"]) if schedule is None else schedule
    if solver == "sgd":
        momentum = float(settings["momentum"])
        return SGD(rate, momentum=momentum, nesterov=bool(settings["nesterovs_momentum"]))
    if solver == "adam":
        beta_1, beta_2 = float(settings["beta_1"]), float(settings["beta_2"])
        return Adam(rate, beta_1, beta_2, float(settings["epsilon"]))
    return replace(find_optimizer(solver), learning_rate=rate)
