"""Answers of networks and their slopes, at points between rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from chainrule.data import Numbers
from chainrule.engine import Graph, compile as compile_graph
from chainrule.estimators import TableModel
from chainrule.explaining.scale import LEAST, on_scale
from chainrule.explaining.subject import Subject
from chainrule.explaining.trunk import features
from chainrule.graph import Node, Rows, gradients, input_node, parameter
from chainrule.layers import Parameters
from chainrule.training import Trainer

__all__ = ["Slopes", "TableSlopes", "TrainerSlopes"]

Array = np.ndarray[Any, np.dtype[Any]]

BATCH = 256


class Slopes(Protocol):
    """What networks answer to points, float64 (points, width), and how that changes with them."""

    sources: Array
    """The column that each number of a point belongs to, by position."""

    def answers(self, points: Array) -> Array:
        """The answers, (points, outputs)."""

    def slopes(self, points: Array, output: int) -> Array:
        """The derivative of one of them by each number of its point."""


class _Differentiated:
    """One network from a point on, in float64, with the slope of a weighted sum of its outputs."""

    def __init__(
        self, made: Callable[[Node, Sequence[Node]], Node], values: Parameters,
        names: Sequence[str], shape: tuple[int, ...],
    ) -> None:  # fmt: skip
        point = input_node("point", (Rows(), *shape), np.float64)
        nodes = [parameter(name, values[name].shape, np.float64) for name in names]
        output = made(point, nodes)
        weights = input_node("weights", tuple(output.shape), np.float64)
        [slope] = gradients((output * weights).sum(), [point])
        self.shape = shape
        flat = [values[name].ravel().astype(np.float64) for name in names]
        self.flat = np.concatenate(flat) if flat else np.zeros(0)
        self.forward = compile_graph(Graph((point,), tuple(nodes), {"output": output}))
        self.backward = compile_graph(Graph((point, weights), tuple(nodes), {"slope": slope}))

    def outputs(self, points: Array) -> Array:
        """What the network puts out."""
        arrays = {"point": points.reshape(len(points), *self.shape)}
        found: Array = self.forward.run(arrays, self.flat, batch_size=BATCH).results["output"]
        return found

    def slope(self, points: Array, weights: Array) -> Array:
        """The slope of the sum of outputs times weights, point by point."""
        arrays = {"point": points.reshape(len(points), *self.shape), "weights": weights}
        found = self.backward.run(arrays, self.flat, batch_size=BATCH).results["slope"]
        return found.reshape(len(points), -1)


class TableSlopes:
    """The networks of a table; a point is what the first layer of each is given, side by side."""

    def __init__(self, model: TableModel, scale: str) -> None:
        self.model, self.scale = model, scale
        network = model.network
        place = {name: number for number, name in enumerate(model.encoder.columns)}
        sources = [place[name] for name in model.feature_sources]
        self.sources = np.array(sources * len(model.members))
        self.parts = []
        for member in model.members:
            names = member.parameters.names[network.before_trunk :]
            self.parts.append(
                _Differentiated(self._made, member.parameters, names, (len(sources),))
            )

    def _made(self, point: Node, values: Sequence[Node]) -> Node:
        kernel, bias, *others = values
        network = self.model.network
        [output] = network.ending(network.trunk(point @ kernel + bias, others, None)[-1])
        return output

    def points(self, subject: Subject) -> Array:
        """The points of rows."""
        pool: Any = subject.pool
        given = features(self.model, pool.recombined(subject.choice))
        return np.concatenate(given, axis=1).astype(np.float64)

    def _means(self, points: Array) -> Array:
        parts = np.split(points, len(self.parts), axis=1)
        outputs = [part.outputs(one) for part, one in zip(self.parts, parts, strict=True)]
        mean: Array = np.asarray(sum(outputs)) / len(self.parts)
        return mean

    def answers(self, points: Array) -> Array:
        [answers] = self.model.answers_of([self._means(points)])
        return on_scale(answers.reshape(len(points), -1), self.scale)

    def slopes(self, points: Array, output: int) -> Array:
        weights = self._weights(self._means(points), output) / len(self.parts)
        parts = np.split(points, len(self.parts), axis=1)
        pairs = zip(self.parts, parts, strict=True)
        return np.concatenate([part.slope(one, weights) for part, one in pairs], axis=1)

    def _weights(self, means: Array, output: int) -> Array:
        """The derivative of an answer by what networks put out on the mean."""
        codec = self.model.labels
        if isinstance(codec, Numbers):
            return np.full_like(means, codec.deviation)
        [answers] = self.model.answers_of([means])
        weights = np.zeros_like(means)
        weights[:, output] = 1.0
        if self.scale == "logit":
            own = answers[:, output]
            others = answers.sum(axis=1) - own
            weights = np.where(others > LEAST, -1.0 / np.maximum(others, LEAST), 0.0)
            weights = np.repeat(weights[:, np.newaxis], means.shape[1], axis=1)
            weights[:, output] = np.where(own > LEAST, 1.0 / np.maximum(own, LEAST), 0.0)
        temperature = (*self.model.temperatures, 1.0)[0]
        if temperature != 1.0:
            pull = (weights * answers).sum(axis=1, keepdims=True)
            weights = answers * (weights - pull) / (temperature * np.maximum(means, LEAST**2))
        return weights


class TrainerSlopes:
    """A network of one input, as `Sequential` and the drop-ins for scikit-learn have."""

    def __init__(self, trainer: Trainer) -> None:
        network, values = trainer.network, trainer.parameters
        [given] = network.inputs

        def made(point: Node, nodes: Sequence[Node]) -> Node:
            [output] = network.outputs({given.name: point}, nodes, None)
            return output

        self.part = _Differentiated(made, values, values.names, given.shape)
        self.sources = np.arange(int(np.prod(given.shape)))

    def answers(self, points: Array) -> Array:
        return self.part.outputs(points)

    def slopes(self, points: Array, output: int) -> Array:
        units = self.part.forward.run(
            {"point": points[:1].reshape(1, *self.part.shape)}, self.part.flat
        ).results["output"]
        weights = np.zeros((len(points), units.shape[1]))
        weights[:, output] = 1.0
        return self.part.slope(points, weights)
