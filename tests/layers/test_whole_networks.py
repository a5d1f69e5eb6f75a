"""Whole networks as functions of their weights: gradients are the slopes measured, to 1e-6."""

import math

import numpy as np
import pytest

import chainrule as cr
from chainrule import activations, layers, random
from chainrule.errors import GradientError
from chainrule.graph import OPERATIONS, gradients
from chainrule.layers import ACTIVATIONS
from chainrule.losses import LOSSES, find_loss

ROWS, OUTPUTS = 4, 2


def numbers(stream, *shape):
    return random.normal(3, stream, 0, math.prod(shape)).reshape(shape)


X = numbers(0, ROWS, 2)
LABELS = np.array([1, 0, 1, 1])
# for each loss: what stands before it, and targets
LAST = {
    "binary_crossentropy": ("sigmoid", np.eye(OUTPUTS)[LABELS]),
    "categorical_crossentropy": ("softmax", np.eye(OUTPUTS)[LABELS]),
    "sparse_categorical_crossentropy": ("softmax", LABELS),
    "poisson": ("softplus", np.abs(numbers(1, ROWS, OUTPUTS)).round()),
}


def weights_of(network):
    """The weights of a network for rows of X's shape, drawn: biases and slopes too."""
    drawn, row = [], X.shape[1:]
    for layer in network:
        table = list(layer.parameters(row))
        drawn += [0.7 * numbers(10 + len(drawn) + i, *one.shape) for i, one in enumerate(table)]
        nodes = [cr.constant(0.0 * weight) for weight in drawn[len(drawn) - len(table) :]]
        row = layer.apply(cr.constant(np.ones((1, *row))), *nodes).shape[1:]
    return drawn


def loss_of(network, loss, target):
    """The loss as a function of all weights."""

    def function(*weights):
        left, x = list(weights), cr.constant(X)
        row = X.shape[1:]
        for layer in network:
            count = len(list(layer.parameters(row)))
            x = layer.apply(x, *left[:count])
            left, row = left[count:], x.shape[1:]
        return find_loss(loss)(target, x)

    return function


def network(activation, loss):
    last, target = LAST.get(loss, ("linear", numbers(1, ROWS, OUTPUTS)))
    made = [layers.Dense(2, activation), layers.Dense(2, activation), layers.Dense(OUTPUTS, last)]
    return made, target


@pytest.mark.parametrize("loss", sorted(set(LOSSES) - {"mse", "mae"}))
@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"swish"}))
def test_every_activation_before_every_loss(activation, loss):
    made, target = network(activation, loss)
    assert cr.check_gradient(loss_of(made, loss, target), *weights_of(made)) < 1e-6


DEEP = [
    layers.Dense(5, "tanh"),
    layers.PReLU("ones"),
    layers.Dense(4, activations.gelu(approximate=True), use_bias=False),
    layers.LeakyReLU(),
    layers.Dense(6),
    layers.Activation(activations.smht(0.5, 1.0, 1.5, 1.0)),
    layers.Flatten(),
    layers.Dense(OUTPUTS, "softmax"),
]


def test_a_network_of_many_layers():
    function = loss_of(DEEP, "categorical_crossentropy", np.eye(OUTPUTS)[LABELS])
    assert cr.check_gradient(function, *weights_of(DEEP)) < 1e-6


def test_forward_mode_agrees_over_a_whole_network():
    leaves = [cr.variable(weight) for weight in weights_of(DEEP)]
    loss = loss_of(DEEP, "sparse_categorical_crossentropy", LABELS)(*leaves)
    ways = [numbers(50 + i, *leaf.shape) for i, leaf in enumerate(leaves)]
    back = sum(
        float((slope.value * way).sum())
        for slope, way in zip(gradients(loss, leaves), ways, strict=True)
    )
    assert cr.jvp(loss, leaves, ways).value == pytest.approx(back, rel=1e-12)


@pytest.mark.parametrize("name", ["tanh", "matmul", "add", "softmax_cross_entropy", "gelu"])
def test_a_planted_wrong_rule_is_caught(monkeypatch, name):
    operation = OPERATIONS["erf" if name == "gelu" else name]
    rule = operation.gradient_rule

    def planted(g, y, *operands, **attributes):
        return rule(g * 1.0001, y, *operands, **attributes)

    made, target = network("gelu" if name == "gelu" else "tanh", "categorical_crossentropy")
    function, weights = loss_of(made, "categorical_crossentropy", target), weights_of(made)
    assert cr.check_gradient(function, *weights) < 1e-6
    monkeypatch.setattr(operation, "gradient_rule", planted)
    with pytest.raises(GradientError, match="argument .*, element .*: the gradient rule gives"):
        cr.check_gradient(function, *weights)
