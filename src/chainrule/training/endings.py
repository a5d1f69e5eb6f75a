"""Whether a loss goes with the activation that a network ends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from chainrule.errors import SettingError, warn
from chainrule.layers import Network, Stack, activation_name
from chainrule.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
    SquaredError,
    extremes,
)
from chainrule.training.arrays import Array

__all__ = ["check_endings", "check_reach"]

RANGES = {
    "linear": (-inf, inf), "binary_step": (0.0, 1.0), "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "smht": (-1.0, 1.0), "softsign": (-1.0, 1.0),
    "relu": (0.0, inf), "relu6": (0.0, 6.0), "leaky_relu": (-inf, inf), "elu": (-1.0, inf),
    "selu": (-1.7581, inf), "gelu": (-0.17, inf), "silu": (-0.2785, inf),
    "swish": (-0.2785, inf), "mish": (-0.3089, inf), "softplus": (0.0, inf),
    "exponential": (0.0, inf), "softmax": (0.0, 1.0), "log_softmax": (-inf, 0.0),
}  # fmt: skip
"""Between which numbers the outputs of an activation lie; of those not named nothing is said."""

OF_NUMBERS = (MeanSquaredError, MeanAbsoluteError, SquaredError, Huber, Quantile, Poisson)
OF_CLASSES = (CategoricalCrossentropy, SparseCategoricalCrossentropy)
ROUNDING = 1e-6
"""By how much targets that were scaled may lie outside."""

SHARES = ("softmax", "log_softmax", "exponential", "softplus")
"""What a cross-entropy over classes makes shares of that sum to 1."""


class _Ending(NamedTuple):
    """What a network ends in: its last layer and the name of its activation."""

    layer: str
    activation: str


def _ending(network: Network) -> _Ending | None:
    """None where it is not known."""
    if not isinstance(network, Stack) or not hasattr(network.layers[-1], "activation"):
        return None
    given = network.layers[-1].activation
    given = "linear" if given is None else activation_name(given)
    return _Ending(network.names[-1], given) if given in RANGES else None


def check_endings(
    network: Network, losses: Sequence[Loss], outputs: Sequence[tuple[int, ...]]
) -> None:
    """Warn where a loss takes the outputs for what the last activation does not give.

    Raises `SettingError` for a softmax over one unit: its output is always the same.
    """
    ending = _ending(network)
    if ending is None:
        return
    layer, activation = ending
    loss, width = losses[0], outputs[0][-1:]
    if activation in ("softmax", "log_softmax") and width == (1,):
        message = (
            f"layer {layer!r}: {activation} over one unit is always "
            f"{1 if activation == 'softmax' else 0}, so nothing can be learned; use a sigmoid with "
            "binary_crossentropy, or a unit for each class."
        )
        raise SettingError(message)
    wanted = _wanted(loss, activation, width)
    if wanted:
        message = (
            f"layer {layer!r} ends in {activation}, but the loss {loss.name} takes its outputs for "
            f"{wanted}."
        )
        warn(message)


def _wanted(loss: Loss, activation: str, width: tuple[int, ...]) -> str:
    """What a loss takes outputs for and how it gets them; empty where it has them."""
    least, most = RANGES[activation]
    if getattr(loss, "from_logits", False):
        return ""  # of probabilities that are taken for logits the graph warns
    if isinstance(loss, OF_CLASSES) and width == (1,):
        return "shares of several classes; use binary_crossentropy with a sigmoid for one unit"
    if isinstance(loss, OF_CLASSES) and activation not in SHARES:
        return (
            "shares of classes that sum to 1; use activation='softmax', or from_logits=True with "
            "a linear layer"
        )
    if isinstance(loss, BinaryCrossentropy):
        if least < 0 or most > 1:
            return (
                "probabilities from 0 to 1; use activation='sigmoid', or from_logits=True with a "
                "linear layer"
            )
        if activation == "softmax" and width > (2,):
            return (
                "yes or no, each by itself; use categorical_crossentropy for one class of "
                "several, or activation='sigmoid'"
            )
    if isinstance(loss, Poisson) and least < 0:
        return "means of counts, above 0; use activation='exponential' or 'softplus'"
    return ""


def check_reach(network: Network, losses: Sequence[Loss], arrays: Mapping[str, Array]) -> None:
    """Warn where targets are numbers that the last activation cannot give.

    It is no error: what a loss can reach may be near enough, and Keras trains on.
    """
    ending = _ending(network)
    if ending is None or not isinstance(losses[0], OF_NUMBERS):
        return
    layer, activation = ending
    least, most = RANGES[activation]
    if (least, most) == (-inf, inf):
        return
    targets = arrays[f"target/{network.output_names[0]}"]
    lowest, highest = extremes(targets)
    least, most = least - ROUNDING, most + ROUNDING
    if least <= lowest and highest <= most:
        return
    bad = ((targets < least) | (targets > most)).reshape(len(targets), -1)
    least, most = RANGES[activation]
    row = int(bad.any(axis=1).argmax())
    value = targets.reshape(len(targets), -1)[row][bad[row]][0]
    reach = f"from {least:g} to {most:g}" if most < inf else f"of {least:g} or more"
    message = (
        f"y: target {value:g} in row {row}, but layer {layer!r} ends in {activation} and gives "
        f"numbers {reach}; use activation='linear', or scale the targets."
    )
    warn(message)
