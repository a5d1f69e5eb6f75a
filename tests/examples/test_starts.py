"""Where weights start: symmetry, and gradients that vanish or explode."""

import numpy as np
import pytest
from tests.engine.networks import ENGINES

from chainrule import examples
from chainrule.errors import SettingError


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


def test_norms_are_those_of_deltas_written_out():
    example = examples.vanishing(widths=[10], seeds=[3])
    X, y = example.arrays["X"], example.arrays["y"]
    from chainrule import Sequential
    from chainrule.layers import Dense, Input

    layers = [Dense(10, "sigmoid") for _ in range(10)] + [Dense(1, "sigmoid")]
    weights = Sequential([Input(20), *layers], seed=3, dtype="float64").get_weights()
    outputs = [X]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        outputs.append(1 / (1 + np.exp(-(outputs[-1] @ kernel + bias))))
    delta, norms = (outputs[-1] - y) / len(X), []
    for kernel, a in zip(weights[-2::-2], outputs[-2::-1], strict=True):
        delta = (delta @ kernel.T) * a * (1 - a)
        norms.append(np.linalg.norm(delta.sum(axis=0)))
    # the last of these is that of the input, which has no bias
    found = example.arrays["norms"]["sigmoid, Glorot, 10 units"]
    np.testing.assert_allclose(found, norms[-2::-1], rtol=1e-9)


@pytest.mark.parametrize("widths", [[], 10, [0], ["a"]])
def test_wrong_widths_get_a_sentence(widths):
    with pytest.raises(SettingError, match="vanishing: widths must be"):
        examples.vanishing(widths=widths)


def test_wrong_seeds_and_steps_get_a_sentence():
    with pytest.raises(SettingError, match="vanishing: seeds must be"):
        examples.vanishing(seeds=[])
    with pytest.raises(SettingError, match="symmetric_zeros: steps must be"):
        examples.symmetric_zeros(steps=0)
