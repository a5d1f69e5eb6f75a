"""How a function of ours is held against a peer's: value and gradient, in float64, to 1e-6."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pytest
from tests.peers.libraries import keras, torch

import chainrule as cr

ROOTS = {"keras": keras, "torch": torch}
RTOL, ATOL = 1e-6, 1e-12


@dataclass(frozen=True)
class Lacks:
    """The peer has nothing of the kind.

    places
        Dotted names where it would be; when one of them is there, the table wants a row.
    """

    reason: str
    places: tuple[str, ...] = ()

    def check(self):
        for place in self.places:
            root, *names = place.split(".")
            assert not exists(ROOTS[root], names), f"{place} is there now: compare with it"


@dataclass(frozen=True)
class Differs:
    """The peer computes something else, by intention.

    theirs
        The peer's own.
    ours
        What ours is to be, written with the peer's operations.
    """

    theirs: Callable[..., Any]
    ours: Callable[..., Any]
    reason: str


@dataclass(frozen=True)
class Row:
    """One thing of ours beside the two peers' own."""

    name: str
    make: Callable[..., Any]
    keras: Any
    torch: Any
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self):
        given = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}({given})" if given else self.name


def exists(root, names):
    try:
        reduce(getattr, names, root)
    except AttributeError:
        return False
    return True


def both(rows):
    """Each row with each peer, as parameters of a test."""
    return [
        pytest.param(row, peer, theirs, id=f"{row.label}-{peer}")
        for row in rows
        for peer, theirs in (("Keras", row.keras), ("PyTorch", row.torch))
    ]


def weights_like(shape):
    return np.random.default_rng(7).normal(size=shape)


def measured(function, arrays):
    """Ours: value, and the gradient by each array of the values' sum with fixed weights."""
    nodes = [cr.variable(array) for array in arrays]
    y = function(*nodes)
    total = (y * weights_like(y.shape)).sum()
    return [y.value, *(node.value for node in cr.grad(total, nodes))]


def measured_theirs(function, arrays):
    """The same of a function of PyTorch's tensors."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    y = function(*tensors)
    (y * torch.tensor(weights_like(tuple(y.shape)))).sum().backward()
    return [y.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)]


def same(found, wanted, rtol=RTOL, atol=ATOL):
    return all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol, atol)
        for a, b in zip(found, wanted, strict=True)
    )


def hold(compared, label, peer, theirs, ours, arrays, rtol=RTOL, atol=ATOL):
    """Compare one function with one peer's; say so for the count."""
    if isinstance(theirs, Lacks):
        compared(peer, label, "lacks", theirs.reason)
        theirs.check()
        return
    if isinstance(theirs, Differs):
        compared(peer, label, "differs", theirs.reason)
        found = measured(ours, arrays)
        assert not same(found, measured_theirs(theirs.theirs, arrays), rtol, atol)
        theirs = theirs.ours
    else:
        compared(peer, label)
        found = measured(ours, arrays)
    for a, b in zip(found, measured_theirs(theirs, arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
