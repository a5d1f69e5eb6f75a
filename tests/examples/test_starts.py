"""Where weights start: symmetry, and gradients that vanish or explode."""

import numpy as np
import pytest
from tests.engine.networks import ENGINES

from chainrule import Sequential, examples
from chainrule.errors import SettingError
from chainrule.layers import Dense, Input


@pytest.mark.parametrize("engine", ENGINES)
def test_zeros_keep_hidden_units_identical_and_random_values_do_not(engine):
    example = examples.symmetric_zeros(engine=engine)
    kernel = example.models["zeros"].get_weights()[0]
    assert abs(kernel).min() > 0.1  # they moved
    assert (kernel == kernel[:, :1]).all()
    assert example["zeros, difference"] == 0.0
    assert (example["zeros, different units"], example["glorot_uniform, different units"]) == (1, 4)
    assert example["glorot_uniform, difference"] > 0.1
    assert example["glorot_uniform, loss"] < example["zeros, loss"]


@pytest.fixture(scope="module")
def vanishing():
    return examples.vanishing()


@pytest.mark.parametrize("width", [10, 100, 300])
def test_sigmoid_layers_from_glorot_vanish_at_any_width(vanishing, width):
    assert vanishing[f"sigmoid, Glorot, {width} units"] <= 1e-4
    norms = vanishing.arrays["norms"][f"sigmoid, Glorot, {width} units"]
    quarter = (norms[0] / norms[-1]) ** (1 / 9)
    assert 0.2 < quarter < 0.3


@pytest.mark.parametrize("width, printed", [(10, 1.5e-3), (100, 0.3), (300, 2.6)])
def test_sigmoid_layers_from_standard_normal_depend_on_the_width(vanishing, width, printed):
    assert printed / 2.5 < vanishing[f"sigmoid, N(0, 1), {width} units"] < printed * 2.5


@pytest.mark.parametrize("width", [10, 100, 300])
def test_relu_layers_from_he_stay_within_a_factor_of_ten(vanishing, width):
    assert vanishing[f"ReLU, He, {width} units, span"] < 10
    assert vanishing[f"ReLU, N(0, 1), {width} units"] > 50


STARTS = {"sigmoid, Glorot": ("sigmoid", "glorot_uniform"), "ReLU, He": ("relu", "he_normal")}


def norms_of(X, y, activation, start, seed):
    """Norms of the sums of deltas, from the first hidden layer to the last."""
    layers = [Dense(10, activation, kernel_initializer=start) for _ in range(10)]
    layers += [Dense(1, "sigmoid", kernel_initializer=start)]
    kernels = Sequential([Input(20), *layers], seed=seed, dtype="float64").get_weights()[::2]
    outputs = [X]
    for kernel in kernels[:-1]:
        z = outputs[-1] @ kernel
        outputs.append(np.maximum(z, 0) if activation == "relu" else 1 / (1 + np.exp(-z)))
    last = 1 / (1 + np.exp(-(outputs[-1] @ kernels[-1])))
    delta, norms = (last - y) / len(X), []
    for kernel, a in zip(kernels[:0:-1], outputs[:0:-1], strict=True):
        delta = (delta @ kernel.T) * (a > 0 if activation == "relu" else a * (1 - a))
        norms.append(np.linalg.norm(delta.sum(axis=0)))
    return norms[::-1]


@pytest.mark.parametrize("seeds, middle", [([3], [0]), ([3, 1, 8], [1]), ([0, 1, 2, 3], [1, 2])])
@pytest.mark.parametrize("name", STARTS)
def test_norms_are_those_of_deltas_written_out_the_median_of_the_seeds(name, seeds, middle):
    example = examples.vanishing(widths=[10], seeds=seeds)
    X, y = example.arrays["X"], example.arrays["y"]
    each = np.array([norms_of(X, y, *STARTS[name], seed) for seed in seeds])
    median = [sum(sorted(layer)[at] for at in middle) / len(middle) for layer in each.T]
    name = f"{name}, 10 units"
    np.testing.assert_allclose(example.arrays["norms"][name], median, rtol=1e-9)
    assert example[name] == pytest.approx(median[0] / median[-1], rel=1e-9)
    assert example[f"{name}, span"] == pytest.approx(max(median) / min(median), rel=1e-9)
    if name.startswith("ReLU"):  # no end is the largest or smallest of these
        assert 0 < np.argmin(median) < 9 or 0 < np.argmax(median) < 9


@pytest.mark.parametrize("widths", [[], 10, [0], ["a"]])
def test_wrong_widths_get_a_sentence(widths):
    with pytest.raises(SettingError, match="vanishing: widths must be"):
        examples.vanishing(widths=widths)


def test_wrong_seeds_and_steps_get_a_sentence():
    with pytest.raises(SettingError, match="vanishing: seeds must be"):
        examples.vanishing(seeds=[])
    with pytest.raises(SettingError, match="symmetric_zeros: steps must be"):
        examples.symmetric_zeros(steps=0)
