"""Every layer within a small network: prediction, loss in training, gradients, state, steps.

Before the layer stands a linear one whose input is the identity matrix, so that the step of its
kernel is the gradient by the layer's input. Plain gradient descent makes each step the gradient.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.peers.compare import Differs, Lacks
from tests.peers.libraries import keras, torch
from tests.peers.stacks import Affine, keras_steps, our_steps, torch_steps

import chainrule as cr
from chainrule.layers import ACTIVATIONS, LAYERS

F = torch.nn.functional
ROWS, WIDTH, RATE, STEPS = 8, 8, 0.3, 4
RNG = np.random.default_rng(5)
X, Y = np.eye(ROWS), RNG.normal(size=(ROWS, 3))
L = cr.layers


@dataclass(frozen=True)
class Case:
    """A layer, the shapes of its weights in Keras's order, and what makes PyTorch's module.

    Keras's has the same name and takes the same settings.
    """

    name: str
    settings: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    torch: Any

    @property
    def label(self):
        given = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}({given})"


PAIR = ((WIDTH,), (WIDTH,))
FOUR = PAIR * 2
UNBIASED = "PyTorch's running variance divides by the rows less one, Keras's and ours by the rows"


class Biased(torch.nn.BatchNorm1d):
    """PyTorch's, with the running variance of the batch as it is: divided by the rows."""

    kept = ("weight", "bias", "running_mean", "running_var")

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        before = self.running_var.clone()
        y = super().forward(x)
        with torch.no_grad():
            self.running_var = (1 - self.momentum) * before + self.momentum * x.var(
                0, unbiased=False
            )
        return y


def batches(momentum=0.01, eps=1e-3):
    return Differs(
        lambda: torch.nn.BatchNorm1d(WIDTH, eps, momentum),
        lambda: Biased(WIDTH, eps, momentum),
        UNBIASED,
    )


KERNEL = (WIDTH, WIDTH)
CASES = [
    Case("Flatten", {}, (), torch.nn.Flatten),
    Case("Activation", {"activation": "tanh"}, (), torch.nn.Tanh),
    Case("Dense", {"units": WIDTH, "activation": "relu"}, (KERNEL, (WIDTH,)),
         lambda: Affine(torch.relu)),
    Case("Dense", {"units": 5, "use_bias": False}, ((WIDTH, 5),), lambda: Affine(use_bias=False)),
    Case("Dropout", {"rate": 0.0}, (), lambda: torch.nn.Dropout(0.0)),
    Case("LeakyReLU", {}, (), lambda: torch.nn.LeakyReLU(0.3)),
    Case("LeakyReLU", {"negative_slope": 0.1}, (), lambda: torch.nn.LeakyReLU(0.1)),
    Case("PReLU", {}, ((WIDTH,),), lambda: torch.nn.PReLU(WIDTH)),
    Case("BatchNormalization", {}, FOUR, batches()),
    Case("BatchNormalization", {"momentum": 0.5, "epsilon": 1e-2}, FOUR, batches(0.5, 1e-2)),
    Case("BatchNormalization", {"center": False}, ((WIDTH,),) * 3, Lacks("never without beta")),
    Case("BatchNormalization", {"scale": False}, ((WIDTH,),) * 3, Lacks("never without gamma")),
    Case("BatchNormalization", {"trainable": False}, FOUR, Lacks("eval() of one module is this")),
    Case("LayerNormalization", {}, PAIR, lambda: torch.nn.LayerNorm(WIDTH, 1e-3)),
    Case("LayerNormalization", {"epsilon": 0.1}, PAIR, lambda: torch.nn.LayerNorm(WIDTH, 0.1)),
    Case("GroupNormalization", {"groups": 2}, PAIR, lambda: torch.nn.GroupNorm(2, WIDTH, 1e-3)),
    Case("GroupNormalization", {"groups": -1}, PAIR,
         lambda: torch.nn.GroupNorm(WIDTH, WIDTH, 1e-3)),
    Case("GroupNormalization", {"groups": 4, "epsilon": 0.1}, PAIR,
         lambda: torch.nn.GroupNorm(4, WIDTH, 0.1)),
    Case("GaussianNoise", {"stddev": 0.0}, (), Lacks("no layer of noise")),
]  # fmt: skip
ELSEWHERE = {
    "InputLayer": "in every network here",
    "Normalization": "test_normalization_by_given_statistics",
    "Embedding": "test_embedding",
}
OURS_ALONE = {"RandomDistortion", "Mixup"}
"""They draw in training alone, each library in its own way, and hand rows on in prediction."""


def weights_of(case, size=1.0):
    rng = np.random.default_rng(11)
    out = case.settings.get("units", WIDTH)
    first = [rng.normal(size=KERNEL), rng.normal(size=WIDTH)]
    own = [rng.uniform(0.5, 1.5, shape) for shape in case.shapes]
    last = [rng.normal(size=(out, 3)), rng.normal(size=3)]
    return [size * one for one in (*first, *own, *last)]


def ours(case, engine):
    layers = [L.Input((WIDTH,)), L.Dense(WIDTH), getattr(L, case.name)(**case.settings), L.Dense(3)]
    rule = cr.optimizers.SGD(RATE)
    return our_steps(layers, weights_of(case), rule, "mse", X, Y, STEPS, engine)


def alike(found, theirs):
    for a, b in zip(found.weights, theirs.weights, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.first, theirs.first, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.losses, theirs.losses, rtol=1e-6)
    np.testing.assert_allclose(found.last, theirs.last, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("engine", ["numpy", "native"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_steps_beside_keras(case, engine, compared):
    compared("Keras", f"{case.label} {engine}")
    K = keras.layers
    its = getattr(K, case.name)(**case.settings)
    layers = [K.Input((WIDTH,)), K.Dense(WIDTH), its, K.Dense(3)]
    rule = keras.optimizers.SGD(RATE)
    theirs = keras_steps(layers, weights_of(case), rule, "mse", X, Y, STEPS)
    alike(ours(case, engine), theirs)


def by_torch(case, make):
    return torch_steps(
        [Affine(), make(), Affine()], weights_of(case), lambda p: torch.optim.SGD(p, RATE),
        F.mse_loss, X, Y, STEPS,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_steps_beside_pytorch(case, compared):
    if isinstance(case.torch, Lacks):
        compared("PyTorch", case.label, "lacks", case.torch.reason)
        return
    make, found = case.torch, ours(case, "native")
    if isinstance(make, Differs):
        compared("PyTorch", case.label, "differs", make.reason)
        theirs = by_torch(case, make.theirs)
        np.testing.assert_allclose(found.losses, theirs.losses, rtol=1e-6)
        assert not np.allclose(found.weights[-1][5], theirs.weights[-1][5], rtol=1e-6)
        make = make.ours
    else:
        compared("PyTorch", case.label)
    alike(found, by_torch(case, make))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_a_dense_layer_with_every_activation(name, engine, compared):
    label = f"Dense(activation={name}) {engine}"
    if not hasattr(keras.activations, name):
        compared("Keras", label, "lacks", "no such activation")
        return
    compared("Keras", label)
    case = Case("Dense", {"units": WIDTH, "activation": name}, (KERNEL, (WIDTH,)), None)
    K, weights = keras.layers, weights_of(case, 0.2)
    layers = [K.Input((WIDTH,)), K.Dense(WIDTH), K.Dense(WIDTH, name), K.Dense(3)]
    theirs = keras_steps(layers, weights, keras.optimizers.SGD(0.01), "mse", X, Y, STEPS)
    mine = [L.Input((WIDTH,)), L.Dense(WIDTH), L.Dense(WIDTH, name), L.Dense(3)]
    alike(our_steps(mine, weights, cr.optimizers.SGD(0.01), "mse", X, Y, STEPS, engine), theirs)


DATA = np.random.default_rng(2).normal(3.0, 2.0, (20, 4))
DATA[:, 2] = 5.0


@pytest.mark.parametrize("peer", ["Keras", "PyTorch"])
@pytest.mark.parametrize("axis", [-1, None])
def test_normalization_by_statistics_of_data(axis, peer, compared):
    label = f"Normalization(axis={axis})"
    if peer == "PyTorch":
        compared(peer, label, "lacks", "no layer that is shown data")
        return
    compared(peer, label)
    mine, its = L.Normalization(axis=axis), keras.layers.Normalization(axis=axis)
    mine.adapt(DATA)
    its.adapt(DATA)
    found = cr.Sequential([L.Input((4,)), mine], dtype="float64").predict(DATA)
    # Keras finds mean and variance in float32, and a column without deviation has one there
    kept = [0, 1, 3] if axis == -1 else slice(None)
    np.testing.assert_allclose(found[:, kept], its(DATA).numpy()[:, kept], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mine.mean, np.ravel(its.mean.numpy()), rtol=1e-6)
    np.testing.assert_allclose(mine.variance, np.ravel(its.variance.numpy()), rtol=1e-5, atol=1e-9)


def test_normalization_by_given_statistics(compared):
    compared("Keras", "Normalization(mean=..., variance=...)")
    given = {"mean": (1.0, 2.0, 5.0, 4.0), "variance": (2.0, 1.0, 0.0, 4.0)}
    mine = cr.Sequential([L.Input((4,)), L.Normalization(**given)], dtype="float64").predict(DATA)
    its = keras.layers.Normalization(**given)(DATA).numpy()
    np.testing.assert_allclose(mine, its, rtol=1e-6)


def test_normalization_keeps_no_count(compared):
    compared(
        "Keras", "weights of Normalization", "differs",
        "Keras keeps a count of what it was shown beside mean and variance, ours does not",
    )  # fmt: skip
    mine = cr.Sequential([L.Input((4,)), L.Normalization()], dtype="float64")
    its = keras.layers.Normalization()
    its.adapt(DATA)
    assert [one.shape for one in mine.get_weights()] == [(4,), (4,)]
    assert [tuple(one.shape) for one in its.get_weights()] == [(4,), (4,), ()]


CODES = np.random.default_rng(4).integers(0, 6, (ROWS, 2))


@pytest.mark.parametrize("peer", ["Keras", "PyTorch"])
def test_embedding(peer, compared):
    compared(peer, "Embedding(6, 3)")
    rng = np.random.default_rng(11)
    weights = [rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.normal(size=3)]
    layers = [L.Input((2,)), L.Embedding(6, 3), L.Flatten(), L.Dense(3)]
    mine = our_steps(layers, weights, cr.optimizers.SGD(RATE), "mse", CODES, Y, STEPS)
    if peer == "Keras":
        K = keras.layers
        layers = [K.Input((2,)), K.Embedding(6, 3), K.Flatten(), K.Dense(3)]
        its = keras_steps(layers, weights, keras.optimizers.SGD(RATE), "mse", CODES, Y, STEPS)
    else:
        modules = [torch.nn.Embedding(6, 3), torch.nn.Flatten(), Affine()]
        its = torch_steps(
            modules, weights, lambda p: torch.optim.SGD(p, RATE), F.mse_loss, CODES, Y, STEPS
        )
    alike(mine, its)


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
@pytest.mark.parametrize(
    "name, settings", [("Dropout", {"rate": 0.3}), ("GaussianNoise", {"stddev": 0.7})]
)
def test_noise_has_the_same_size_in_training(name, settings, compared):
    compared("Keras", f"mean square in training of {name}({settings})")
    ones, zeros = np.ones((500, 400)), np.zeros((500, 400))
    losses = []
    for library, more in ((cr, {"dtype": "float64", "seed": 1}), (keras, {})):
        layers = library.layers
        model = library.Sequential(
            [layers.Input((400,)), getattr(layers, name)(**settings)], **more
        )
        model.compile("sgd", "mse")
        np.testing.assert_array_equal(np.asarray(model.predict(ones, verbose=0)), ones)
        losses.append(float(model.train_on_batch(ones, zeros)))
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_every_layer_has_a_row():
    assert {case.name for case in CASES} | set(ELSEWHERE) | OURS_ALONE >= set(LAYERS)
