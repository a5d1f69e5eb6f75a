"""Activations, normalizations and penalties of a table's network against NumPy written out."""

from math import erf

import numpy as np
import pytest
from tests.estimators.test_network import inputs_of

import chainrule as cr
from chainrule.estimators.network import ACTIVATIONS, Head, TableNetwork
from chainrule.losses import MeanSquaredError
from chainrule.optimizers import SGD
from chainrule.training import Trainer

ENGINES = pytest.mark.parametrize("engine", ["numpy", "native"])
RATE = 0.1
ROUND = {"rtol": 2e-5, "atol": 2e-6}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def elu(z, alpha=1.0):
    return np.where(z > 0, z, alpha * (np.exp(np.minimum(z, 0)) - 1))


FORMULAS = {
    "relu": lambda z: np.maximum(z, 0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.2 * z),
    "elu": elu,
    "selu": lambda z: 1.0507009873554805 * elu(z, 1.6732632423543772),
    "gelu": lambda z: z * (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2,
    "silu": lambda z: z * sigmoid(z),
    "swish": lambda z: z * sigmoid(z),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "tanh": np.tanh,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
}


def trainer(engine="native", hidden=(6, 4), **settings):
    network = TableNetwork(3, (), hidden, (Head(),), **settings)
    one = Trainer(network, MeanSquaredError(), SGD(RATE), seed=3, engine=engine)
    rng = np.random.default_rng(5)
    for name in one.parameters.names:  # gamma and statistics other than 1 and 0, biases too
        view = one.parameters[name]
        if name.endswith(("gamma", "variance")):
            view[...] = rng.uniform(0.5, 1.5, view.shape)
        elif not name.endswith("kernel"):
            view[...] = 0.3 * rng.normal(size=view.shape)
    return one


def rows_of(one):
    rng = np.random.default_rng(1)
    inputs = inputs_of(one.network, rng)
    return inputs, rng.normal(size=(len(inputs["numbers"]), 1)).astype(np.float32)


def standardized(z, weights, name, kind, training):
    if kind == "batch" and not training:
        mean, variance = weights[f"{name}/moving_mean"], weights[f"{name}/moving_variance"]
    else:
        axis = 0 if kind == "batch" else 1
        mean, variance = z.mean(axis=axis, keepdims=True), z.var(axis=axis, keepdims=True)
    normal = (z - mean) / np.sqrt(variance + 1e-3)
    return normal * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def written_out(one, inputs, training=False):
    """The output, and the sums of each hidden layer."""
    network = one.network
    weights = {name: one.parameters[name].astype(np.float64) for name in one.parameters.names}
    x, found = inputs["numbers"].astype(np.float64), []
    for place in range(len(network.hidden)):
        z = x @ weights[f"dense_{place}/kernel"] + weights[f"dense_{place}/bias"]
        found.append(z)
        if network.normalization != "none":
            name = f"{network.normalization}_normalization_{place}"
            z = standardized(z, weights, name, network.normalization, training)
        x = FORMULAS[network.activation](z)
    last = f"dense_{len(network.hidden)}"
    return x @ weights[f"{last}/kernel"] + weights[f"{last}/bias"], found


@ENGINES
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_against_the_formula(activation, normalization, engine):
    one = trainer(engine, activation=activation, normalization=normalization)
    inputs, _ = rows_of(one)
    np.testing.assert_allclose(one.predict(inputs), written_out(one, inputs)[0], **ROUND)


@ENGINES
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_a_step_normalizes_by_its_batch_and_keeps_statistics(normalization, engine):
    one = trainer(engine, normalization=normalization, activation="silu")
    inputs, y = rows_of(one)
    output, sums = written_out(one, inputs, training=True)
    before = {name: one.parameters[name].copy() for name in one.parameters.names}
    found = one.train_on_batch(inputs, y)
    assert found["loss"] == pytest.approx(((output - y) ** 2).mean(), rel=1e-5)
    for place, z in enumerate(sums if normalization == "batch" else ()):
        for name, value in (("moving_mean", z.mean(axis=0)), ("moving_variance", z.var(axis=0))):
            path = f"batch_normalization_{place}/{name}"
            wanted = 0.9 * before[path] + 0.1 * value
            np.testing.assert_allclose(one.parameters[path], wanted, **ROUND)
    assert all(
        not np.array_equal(one.parameters[name], before[name])
        for name in before if name.endswith(("gamma", "beta"))
    )  # fmt: skip


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_gradients_against_central_differences(normalization):
    network = TableNetwork(2, (), (4, 3), (Head(),), activation="tanh", normalization=normalization)
    rng = np.random.default_rng(2)
    numbers = {"numbers": cr.constant(inputs_of(network, rng)["numbers"].astype(np.float64))}
    arrays = [rng.uniform(0.5, 1.5, parameter.shape) for parameter in network.parameters()]

    def total(*parameters):
        return (network.outputs(numbers, parameters, None)[0]).sum()

    assert cr.check_gradient(total, *arrays) < 1e-6


@ENGINES
@pytest.mark.parametrize("l1, l2", [(0.03, 0.0), (0.0, 0.05), (0.03, 0.05)])
def test_penalties_are_of_dense_kernels_and_of_training_alone(l1, l2, engine):
    plain, one = trainer(engine), trainer(engine, l1=l1, l2=l2)
    inputs, y = rows_of(one)
    kernels = [f"dense_{place}/kernel" for place in range(3)]
    before = {name: one.parameters[name].astype(np.float64) for name in one.parameters.names}
    added = sum(
        l1 * np.abs(before[name]).sum() + l2 * (before[name] ** 2).sum() for name in kernels
    )
    judged = [each.evaluate(inputs, y)["loss"] for each in (plain, one)]
    assert judged[0] == judged[1]
    losses = [each.train_on_batch(inputs, y)["loss"] for each in (plain, one)]
    assert losses[1] - losses[0] == pytest.approx(added, rel=1e-5)
    for name, values in before.items():
        slope = l1 * np.sign(values) + 2 * l2 * values if name in kernels else 0 * values
        wanted = plain.parameters[name] - RATE * slope
        np.testing.assert_allclose(one.parameters[name], wanted, **ROUND)


@pytest.mark.parametrize(
    "activation, gain", [("relu", 2), ("silu", 2), ("selu", 1), ("tanh", None)]
)
def test_first_weights_suit_the_activation(activation, gain):
    network = TableNetwork(300, (), (200,), (Head(),), activation=activation)
    kernel = Trainer(network, MeanSquaredError(), SGD(), seed=1).parameters["dense_0/kernel"]
    wanted = 2 / (300 + 200) if gain is None else gain / 300
    assert kernel.var() == pytest.approx(wanted, rel=0.02)
