"""What units compute: softmax, numbers of parameters, linear layers."""

import numpy as np
import pytest
from tests.engine.networks import ENGINES

from chainrule import examples

SOFTMAX = {
    "1.47, -0.39, 0.22": (0.69, 0.11, 0.20),
    "5, 6, 4": (0.24, 0.67, 0.09),
    "0.9, 0.8, 1.1": (0.32, 0.29, 0.39),
    "-2, 2, -3": (0.02, 0.98, 0.01),
    "1000, 0, -1000": (1.0, 0.0, 0.0),
}


@pytest.mark.parametrize("scores", SOFTMAX)
def test_softmax_has_its_printed_shares(scores):
    shares = examples.softmax_examples()[scores]
    assert tuple(round(share, 2) for share in shares) == SOFTMAX[scores]
    assert sum(shares) == pytest.approx(1.0, rel=1e-15)


def test_networks_have_as_many_parameters_as_counted_by_hand():
    example = examples.parameter_counts()
    assert (example["3-4-2"], example["3-4-4-1"], example["3-3-3-1"]) == (26, 41, 28)
    assert "26  (3 + 1) 4 + (4 + 1) 2, a 2-layer network" in str(example)
    assert examples.parameter_counts([(784, 300, 100, 10)])["784-300-100-10"] == 266_610


@pytest.mark.parametrize("seed", range(3))
def test_linear_layers_are_one_linear_layer(seed):
    example = examples.linear_collapse(seed)
    assert example["largest difference"] < 1e-12
    model, X = example.models["chain"], example.arrays["X"]
    w1, b1, w2, b2, w3, b3 = model.get_weights()
    assert min(abs(b1).min(), abs(b2).min(), abs(b3).min()) > 0
    one = X @ (w1 @ w2 @ w3) + (b1 @ w2 @ w3 + b2 @ w3 + b3)
    np.testing.assert_allclose(model.predict(X), one, rtol=0, atol=1e-12)
    np.testing.assert_allclose(example.arrays["kernel"], w1 @ w2 @ w3, rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_linear_layers_cannot_learn_xor(engine):
    example = examples.linear_collapse(engine=engine)
    assert example["loss on XOR"] == pytest.approx(0.25, abs=1e-6)
    assert example["accuracy on XOR"] <= 0.75
    np.testing.assert_allclose(example["on XOR"], 0.5, atol=1e-3)
