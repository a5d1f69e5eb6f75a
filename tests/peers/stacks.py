"""Small networks that are the same in our library, in Keras and in PyTorch, and their steps."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.peers.libraries import keras, torch

import chainrule as cr

__all__ = ["Affine", "Steps", "TorchStack", "keras_steps", "our_steps", "torch_steps"]


@dataclass(frozen=True)
class Steps:
    """What some steps of training gave."""

    first: Any
    losses: list[float]
    weights: list[list[np.ndarray]]
    last: Any


class Affine(torch.nn.Module):
    """activation(x @ kernel + bias), the kernel of (inputs, units) as Keras keeps it."""

    def __init__(self, activation=None, use_bias=True):
        super().__init__()
        self.activation = activation
        self.kept = ("kernel", "bias") if use_bias else ("kernel",)

    def forward(self, x):
        z = x @ self.kernel
        if "bias" in self.kept:
            z = z + self.bias
        return z if self.activation is None else self.activation(z)


KEPT = {
    torch.nn.BatchNorm1d: ("weight", "bias", "running_mean", "running_var"),
    torch.nn.LayerNorm: ("weight", "bias"),
    torch.nn.GroupNorm: ("weight", "bias"),
    torch.nn.PReLU: ("weight",),
    torch.nn.Embedding: ("weight",),
}


class TorchStack:
    """Modules one after the other that take weights in Keras's order."""

    def __init__(self, modules, weights):
        self.net, self.places = torch.nn.Sequential(*modules).double(), []
        waiting = iter(weights)
        for module in self.net:
            kept = getattr(module, "kept", None) or KEPT.get(type(module), ())
            for name in kept:
                value = torch.tensor(next(waiting))
                if not name.startswith("running"):
                    value = torch.nn.Parameter(value)
                setattr(module, name, value)
                self.places.append((module, name))

    def weights(self):
        return [getattr(*place).detach().numpy().copy() for place in self.places]


def our_steps(layers, weights, optimizer, loss, X, y, count, engine="native"):
    model = cr.Sequential(layers, seed=0, dtype="float64")
    model.compile(optimizer, loss, engine=engine)
    return _steps(model, weights, X, y, count)


def keras_steps(layers, weights, optimizer, loss, X, y, count):
    model = keras.Sequential(layers)
    model.compile(optimizer, loss)
    return _steps(model, weights, X, y, count)


def _steps(model, weights, X, y, count):
    model.set_weights(weights)
    first = model.predict(X, verbose=0)
    losses, found = [], []
    for _ in range(count):
        losses.append(float(model.train_on_batch(X, y)))
        found.append([np.array(one) for one in model.get_weights()])
    return Steps(first, losses, found, model.predict(X, verbose=0))


def torch_steps(modules, weights, optimizer, loss, X, y, count):
    stack = TorchStack(modules, weights)
    rule = optimizer([one for one in stack.net.parameters() if one.requires_grad])
    X, y = torch.tensor(X), torch.tensor(y)
    first = stack.net.eval()(X).detach().numpy()
    losses, found = [], []
    for _ in range(count):
        rule.zero_grad()
        found_loss = loss(stack.net.train()(X), y)
        found_loss.backward()
        rule.step()
        losses.append(found_loss.item())
        found.append(stack.weights())
    return Steps(first, losses, found, stack.net.eval()(X).detach().numpy())
