"""XOR and XNOR: exactly by given weights, from random ones by most starts, never by one line."""

import itertools
import math

import numpy as np
import pytest
from tests.engine.networks import ENGINES

from chainrule import examples
from chainrule.errors import SettingError

PAIRS = list(itertools.product((0, 1), repeat=2))


@pytest.mark.parametrize(
    "find, truth", [(examples.xor, lambda a, b: a != b), (examples.xnor, lambda a, b: a == b)]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_two_relu_units_with_given_weights_are_exact(find, truth, engine):
    example = find(seeds=[0], engine=engine)
    for a, b in PAIRS:
        h1, h2, output = example[f"{a}, {b}"]
        assert (h1, h2) == (a + b, max(a + b - 1, 0))
        assert output == float(truth(a, b))
    predicted = example.model.predict(np.array(PAIRS, float))[:, 0]
    assert predicted.tolist() == [float(truth(a, b)) for a, b in PAIRS]


@pytest.mark.parametrize("find", [examples.xor, examples.xnor])
def test_how_many_starts_learn_it_is_counted(find):
    example = find()
    for name in ("2-2-1, sigmoid", "2-2-1, relu", "2-4-1, sigmoid", "2-4-1, relu"):
        errors = []
        for seed in range(5):
            predicted = example.models[f"{name}, seed {seed}"].predict(example.arrays["X"])
            errors.append(float(abs(predicted - example.arrays["y"]).max()))
        assert example[f"{name}, errors"] == tuple(errors)
        assert example[f"{name}, learned"] == sum(error < 0.1 for error in errors)
    assert example["2-2-1, sigmoid, learned"] >= 3
    assert example["2-4-1, sigmoid, learned"] == 5
    assert example["2-4-1, relu, learned"] >= 4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_a_perceptron_stays_at_log_2(engine, seed):
    example = examples.perceptron_failure(seed, engine)
    assert example["loss"] == pytest.approx(math.log(2.0), abs=1e-9)
    assert example["accuracy"] <= 0.75
    np.testing.assert_allclose(example["outputs"], 0.5, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_linear_unit_on_fixed_functions_learns_xor(engine):
    example = examples.fixed_basis(engine=engine)
    for name in ("polynomial", "Gaussian"):
        assert example[f"{name}, loss"] < 1e-12
        np.testing.assert_allclose(example[f"{name}, outputs"], [0, 1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(example["polynomial, weights"], [1, 1, -2, 0], atol=1e-6)
    # w (e^0 + e^-2) + b = 0 and w 2 e^-1 + b = 1, by symmetry with equal weights
    w = 1.0 / (2 * math.exp(-1.0) - 1 - math.exp(-2.0))
    solved = [w, w, 1.0 - 2 * w * math.exp(-1.0)]
    np.testing.assert_allclose(example["Gaussian, weights"], solved, atol=1e-6)


@pytest.mark.parametrize("seeds", [[], 3, "01"])
def test_wrong_seeds_get_a_sentence(seeds):
    with pytest.raises(SettingError, match="seeds must be"):
        examples.xor(seeds=seeds)
