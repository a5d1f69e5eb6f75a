"""What a look at the layers shows: dead, saturated and symmetric units, gradients that vanish."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule import random
from chainrule.layers import Layered
from chainrule.reporting.finding import Finding
from chainrule.training import Look, Trainer

__all__ = ["Layers"]

Array = np.ndarray[Any, np.dtype[Any]]

MANY, ALMOST_ALL = 0.5, 0.9
"""Shares of a layer's units from which a finding is a warning, and severe."""

MANY_DEAD = 0.7
"""Half may be 0 where inputs have few values: units of a part of their range."""

FACTOR, LARGE_FACTOR = 1e3, 1e4
"""By how much a gradient changes from layer to layer for a warning, and to be severe."""

DEAD = ("relu", "relu6")
ENDS = {
    "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0), "smht": (-1.0, 1.0),
}  # fmt: skip
NEAR = 0.01
"""Of the range: at this distance from an end a sigmoid's or tanh's slope is a 25th of its best."""

NEARLY_ALWAYS = 0.95
SAME = 1e-5
"""Beside a number itself: what rounding makes of equal ones is smaller."""


class _Layer(NamedTuple):
    """A layer before the last that learns.

    kernel, bias
        Where its weights (inputs, units) and their biases lie, where it has such and they are
        trained.
    """

    name: str
    activation: str | None
    kernel: Any
    bias: Any


class _Seen(NamedTuple):
    """A layer as a look shows it: what each unit gives, shape (rows, units), and the slope of it.

    weights, gradient
        Its kernel and the gradient of it, shape (inputs, units), None where it has none; in
        `biases` a row of each where it has biases.
    """

    layer: _Layer
    units: Array
    slope: Array
    weights: Array | None
    gradient: Array | None
    biases: tuple[Array, Array] | None


class Layers:
    """The layers of a network that is trained: what a look shows of them.

    names
        Those that learn, first layer first.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._flat = trainer.parameters.flat
        self._count = trainer.parameters.trainable_count
        trained = {one.name: one for one in trainer.parameters.segments if one.trainable}
        learned = [one.name.rpartition("/")[0] for one in trainer.parameters.table]
        self._of_layers: dict[str, list[slice]] = {}
        for name in (one.name for one in trainer.parameters.table if one.name in trained):
            place = slice(trained[name].start, trained[name].stop)
            self._of_layers.setdefault(name.rpartition("/")[0], []).append(place)
        self.names = list(self._of_layers)
        network: Any = trainer.network
        self._hidden: list[_Layer] = []
        self._last = ""
        if isinstance(network, Layered):
            last = max((network.names.index(name) for name in learned), default=0)
            pairs = list(zip(network.names, network.activations, strict=True))[:last]
            self._hidden = [_layer(name, activation, trained) for name, activation in pairs]
            self._last = network.names[-1]

    def norms(self, look: Look) -> list[float]:
        """The norm of the gradient of each layer's parameters."""
        parts = ([look.gradient[place] for place in own] for own in self._of_layers.values())
        return [sum(float(np.dot(part, part)) for part in own) ** 0.5 for own in parts]

    def findings(self, look: Look, step: int) -> list[Finding]:
        """What is wrong with the layers, as one look after so many steps shows them."""
        seen = [self._seen(one, look) for one in self._hidden if one.name in look.activities]
        symmetric = list(_symmetric(seen, step))
        same = {one.layer for one in symmetric}
        # before the first step, dropout may still tell units apart that are equal
        found = [*(symmetric if step else ()), *_saturated(seen, step)]
        found += [one for one in _dead(seen, step) if one.layer not in same]
        if self._last in look.activities:
            found += _dead_end(self._last, _by_row(look.activities[self._last]), step)
        if not same and all(one.severity != "severe" for one in found):  # else it follows of these
            found += _changing(seen, step)
        return found

    def _seen(self, layer: _Layer, look: Look) -> _Seen:
        units = _by_row(look.activities[layer.name])
        weights = gradient = biases = None
        if layer.kernel is not None and layer.kernel.shape[1] == units.shape[1]:
            weights, gradient = (_part(flat, layer.kernel) for flat in (self._flat, look.gradient))
            if layer.bias is not None:
                biases = _part(self._flat, layer.bias), _part(look.gradient, layer.bias)
        return _Seen(layer, units, look.slopes[layer.name], weights, gradient, biases)


def _layer(name: str, activation: str | None, trained: dict[str, Any]) -> _Layer:
    kernel, bias = trained.get(f"{name}/kernel"), trained.get(f"{name}/bias")
    return _Layer(name, activation, kernel if kernel and len(kernel.shape) == 2 else None, bias)


def _by_row(activity: Array) -> Array:
    return activity if activity.ndim == 2 else activity.reshape(-1, activity.shape[-1])


def _part(flat: Array, segment: Any) -> Array:
    return flat[segment.start : segment.stop].reshape(segment.shape)


def _severity(share: float) -> str:
    return "severe" if share >= ALMOST_ALL else "warning"


def _finding(share: float, kind: str, layer: str, step: int, sentence: str, remedy: str) -> Finding:
    return Finding(_severity(share), kind, layer, step, sentence, remedy, step)


def _dead(seen: list[_Seen], step: int) -> Iterator[Finding]:
    for layer, units, *_ in seen:
        if layer.activation not in DEAD:
            continue
        dead = units.max(axis=0) <= 0.0
        count, share = _counted(dead)
        if share >= MANY_DEAD:
            yield _finding(
                share, "dead units", layer.name, step,
                f"{count} of the {len(dead)} units of layer {layer.name!r} are 0 for each of "
                f"{len(units)} rows: their gradient is 0, and they learn no more.",
                "Try a smaller learning rate, activation='leaky_relu', or the start 'he_normal' "
                "with inputs of mean 0 and deviation 1.",
            )  # fmt: skip


def _dead_end(layer: str, units: Array, step: int) -> Iterator[Finding]:
    """A last layer's ReLU units: some may be 0 because their targets are."""
    if units.max() <= 0.0:
        yield _finding(
            1.0, "dead units", layer, step,
            f"all units of the last layer, {layer!r}, are 0 for each of {len(units)} rows: the "
            "gradient is 0, and no layer learns any more.",
            "Try activation='softplus' there or none, a bias_initializer above 0, or a smaller "
            "learning rate.",
        )  # fmt: skip


def _saturated(seen: list[_Seen], step: int) -> Iterator[Finding]:
    for layer, units, *_ in seen:
        if layer.activation not in ENDS:
            continue
        least, most = ENDS[layer.activation]
        near = NEAR * (most - least)
        at_ends = (units < least + near) | (units > most - near)
        saturated = at_ends.mean(axis=0) >= NEARLY_ALWAYS
        count, share = _counted(saturated)
        if share >= MANY:
            yield _finding(
                share, "saturated units", layer.name, step,
                f"{count} of the {len(saturated)} {layer.activation} units of layer "
                f"{layer.name!r} are within {NEAR:.0%} of {least:g} or {most:g} for nearly all of "
                f"{len(units)} rows: there the activation is flat, and they hardly learn.",
                "Try inputs of mean 0 and deviation 1, smaller first weights ('glorot_uniform'), "
                "a smaller learning rate, or activation='relu'.",
            )  # fmt: skip


def _symmetric(seen: list[_Seen], step: int) -> Iterator[Finding]:
    for one in seen:
        weights, gradient = one.weights, one.gradient
        if weights is None or gradient is None or not _may_be_alike(weights[0]):
            continue
        found = [_shadow(weights, one.biases and one.biases[0]),
                 _shadow(gradient, one.biases and one.biases[1])]  # fmt: skip
        order = np.argsort(found[0], kind="stable")
        alike = _alike(found[0], order) & _alike(found[1], order)
        nothing = (found[0] == 0.0) & (found[1] == 0.0)
        if not nothing.all():
            alike &= ~nothing  # units that were cut away
        count, share = _counted(alike)
        if share >= MANY:
            yield _finding(
                share, "symmetric units", one.layer.name, step,
                f"{count} of the {len(alike)} units of layer {one.layer.name!r} have the same "
                "weights and gradients as others: they stay identical and count as one.",
                "Let the weights start at random: kernel_initializer='glorot_uniform', or "
                "'he_normal' for relu, in place of 'zeros', 'ones' or a constant.",
            )  # fmt: skip


def _counted(which: Array) -> tuple[int, float]:
    """How many, and their share."""
    count = int(np.count_nonzero(which))
    return count, count / max(1, len(which))


def _shadow(kernel: Array, bias: Array | None) -> Array:
    """A number for each unit that is equal where all incoming weights are: a random sum of them."""
    factors = random.normal(0, 0, 0, len(kernel) + 1).astype(kernel.dtype)
    shadow: Array = factors[:-1] @ kernel
    return shadow if bias is None else shadow + factors[-1] * bias


def _may_be_alike(weights: Array) -> bool:
    """Whether many of the weights of one input are equal: looked at first, for it costs little."""
    ordered = np.sort(weights)
    later = ordered[1:]
    pairs = int(np.count_nonzero(later - ordered[:-1] <= SAME * np.abs(later)))
    return pairs >= max(1.0, MANY / 2 * len(weights))


def _alike(shadow: Array, order: Array) -> Array:
    """Which numbers are equal to the one before or after them in order, but for rounding."""
    size = np.abs(shadow[order])
    step = np.abs(np.diff(shadow[order])) <= SAME * np.maximum(size[1:], size[:-1])
    found = np.zeros(len(shadow), bool)
    found[order[1:]] |= step
    found[order[:-1]] |= step
    return found


def _changing(seen: list[_Seen], step: int) -> Iterator[Finding]:
    """Gradients that vanish or explode on the way from the last hidden layer to the first."""
    chain = [one for one in seen if one.weights is not None]
    if len(chain) < 2:
        return
    first, last = (one.layer.name for one in (chain[0], chain[-1]))
    norms = [_norm(one.slope) for one in (chain[0], chain[-1])]
    if not all(map(math.isfinite, norms)) or norms[1] == 0.0:
        return
    factor = norms[1] / norms[0] if norms[0] else math.inf
    way = f"from {norms[1]:.2g} at layer {last!r} to {norms[0]:.2g} at layer {first!r}"
    if factor >= FACTOR:
        yield Finding(
            "severe" if factor >= LARGE_FACTOR else "warning", "vanishing gradient", first, step,
            f"the gradient falls {way}, by a factor of {factor:.2g}: the first layers hardly "
            "learn.",
            "Try activation='relu' with kernel_initializer='he_normal', fewer layers, or "
            "BatchNormalization between them.", step,
        )  # fmt: skip
    elif factor * FACTOR <= 1:
        yield Finding(
            "severe" if factor * LARGE_FACTOR <= 1 else "warning", "exploding gradient", first,
            step, f"the gradient grows {way}, by a factor of {1 / factor:.2g}: a step that suits "
            "one layer is far too large for another.",
            "Try smaller first weights ('he_normal', 'glorot_uniform'), BatchNormalization, or an "
            "optimizer with global_clipnorm=1.0.", step,
        )  # fmt: skip


def _norm(array: Array) -> float:
    flat = array.ravel()
    return math.sqrt(float(np.dot(flat, flat)))
