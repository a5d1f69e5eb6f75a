"""The network of a table against NumPy written out, on both engines."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule as cr
from chainrule.estimators.network import Head, TableNetwork
from chainrule.losses import MeanSquaredError
from chainrule.optimizers import SGD
from chainrule.training import Trainer

ROWS = 9
NETWORKS = {
    "all three": TableNetwork(3, (5,), (6, 4), (Head(),), spread=2, bins=7),
    "classes": TableNetwork(3, (5, 40), (6,), (Head(3, True),), spread=4, bins=5),
    "numbers alone": TableNetwork(2, (), (6, 4), (Head(),)),
    "categories alone": TableNetwork(0, (5,), (4,), (Head(),)),
    "three targets": TableNetwork(
        2, (5,), (6,), (Head(3, True), Head(), Head(2, True)), spread=1, bins=3
    ),
    "no hidden layer": TableNetwork(1, (), (), (Head(2, True),), spread=1, bins=3),
}


def inputs_of(network, rng):
    found = {}
    if network.numbers:
        found["numbers"] = rng.normal(size=(ROWS, network.numbers)).astype(np.float32)
    if network.cardinalities:
        codes = [rng.integers(0, cardinality, ROWS) for cardinality in network.cardinalities]
        found["categories"] = np.column_stack(codes).astype(np.int32)
    if network.spread:
        positions = rng.uniform(0, network.bins, size=(ROWS, network.spread))
        positions[0], positions[1] = 0, network.bins
        found["positions"] = positions.astype(np.float32)
    return found


def written_out(network, inputs, weights):
    """The outputs, in float64, part by part of each number."""
    weights = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    parts = [np.asarray(inputs["numbers"], np.float64)] if network.numbers else []
    for place in range(len(network.cardinalities)):
        parts.append(weights[f"embedding_{place}/table"][inputs["categories"][:, place]])
    for place in range(network.spread):
        sums = np.repeat(weights["spread/bias"][place], ROWS, axis=0)
        for row in range(ROWS):
            position = float(inputs["positions"][row, place])
            for part in range(network.bins):
                reached = 1.0 if position >= part + 1 else max(0.0, position - part)
                sums[row] += reached * weights["spread/kernel"][place, part]
        parts.append(np.where(sums > 0, sums, 0))
    x = np.concatenate(parts, axis=1)
    layers = len(network.hidden) + 1
    for place in range(layers):
        x = x @ weights[f"dense_{place}/kernel"] + weights[f"dense_{place}/bias"]
        x = np.where(x > 0, x, 0) if place < layers - 1 else x
    found, start = [], 0
    for head in network.heads:
        part = x[:, start : start + head.units]
        start += head.units
        if head.is_classification:
            powers = np.exp(part - part.max(axis=1, keepdims=True))
            part = powers / powers.sum(axis=1, keepdims=True)
        found.append(part)
    return found


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_outputs_against_the_formula(network, engine):
    inputs = inputs_of(network, np.random.default_rng(1))
    losses = [MeanSquaredError() for _ in network.heads]
    trainer = Trainer(network, losses, SGD(), seed=3, engine=engine)
    weights = {name: trainer.parameters[name] for name in trainer.parameters.names}
    expected = written_out(network, inputs, weights)
    outputs = trainer.predict(inputs)
    found = [outputs] if len(expected) == 1 else [outputs[n] for n in network.output_names]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["numbers alone", "no hidden layer", "all three"])
def test_gradients_against_central_differences(name):
    network = replace(NETWORKS[name], cardinalities=())  # tables of embeddings have their own
    rng = np.random.default_rng(2)
    inputs = inputs_of(network, rng)
    arrays = [rng.normal(size=parameter.shape) for parameter in network.parameters()]
    nodes = {name: cr.constant(value.astype(np.float64)) for name, value in inputs.items()}
    weigh = rng.normal(size=(ROWS, network.heads[0].units))

    def total(*parameters):
        return (network.outputs(nodes, parameters, None)[0] * weigh).sum()

    assert cr.check_gradient(total, *arrays) < 1e-6
