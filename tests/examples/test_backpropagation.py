"""Backpropagation worked out: every printed number, on both engines and in both types."""

import numpy as np
import pytest
from tests.engine.networks import ENGINES

from chainrule import examples
from chainrule.errors import SettingError

A = {
    "h1, h2": (0.59326999, 0.59688438),
    "o1, o2": (0.75136507, 0.77292847),
    "loss": (0.29837111,),
    "delta at o1, o2": (0.13849856, -0.03809824),
    "delta at h1, h2": (0.00877135, 0.00995425),
    "w5..w8 after one step": (0.35891648, 0.40866619, 0.51130127, 0.56137012),
    "w1..w4 after one step": (0.14978072, 0.19956143, 0.24975114, 0.29950229),
    "loss after one step": (0.29102777,),
}
B = {
    "net inputs 4, 5, 6": (-0.7, 0.1, -0.10454),
    "outputs 4, 5, 6": (0.33181, 0.52498, 0.47389),
    "errors 6, 5, 4": (0.13117, -0.00654, -0.00872),
    "w46, w56": (-0.26083, -0.13803),
    "w14, w15, w24, w25, w34, w35": (0.19215, -0.30589, 0.4, 0.1, -0.50785, 0.19411),
    "biases 6, 5, 4": (0.21805, 0.19411, -0.40785),
}
KINDS = pytest.mark.parametrize(
    "engine, dtype", [(engine, dtype) for engine in ENGINES for dtype in ("float64", "float32")]
)


def check(example, printed, half_a_digit, dtype):
    near = half_a_digit if dtype == "float64" else 1e-5
    for name, values in printed.items():
        np.testing.assert_allclose(example[name], np.squeeze(values), rtol=0, atol=near)


@KINDS
def test_example_a_has_its_printed_numbers(engine, dtype):
    check(examples.mazur(engine=engine, dtype=dtype), A, 5e-9, dtype)


@KINDS
def test_example_b_has_its_printed_numbers(engine, dtype):
    check(examples.han(engine=engine, dtype=dtype), B, 5e-6, dtype)


@pytest.mark.parametrize("engine", ENGINES)
def test_example_a_after_ten_thousand_steps(engine):
    example = examples.mazur(10_000, engine=engine)
    assert f"{example['loss after 10,000 steps']:.4e}" == "3.5102e-05"
    outputs = example["o1, o2 after 10,000 steps"]
    np.testing.assert_allclose(outputs, (0.01591362, 0.98406427), rtol=0, atol=5e-9)


def test_example_a_prints_as_in_the_book():
    text = str(examples.mazur(10_000))
    for values in A.values():
        for value in values:
            assert f"{value:.8f}" in text
    assert "3.5102e-05" in text


def test_example_b_prints_three_digits_where_they_are_asked_for():
    text = examples.han().to_text(digits=3)
    for shown in ("0.332", "0.525", "0.474", "0.131", "-0.261", "-0.138", "-0.105"):
        assert shown in text


def test_biases_of_example_a_are_held_and_its_model_is_left_as_it_began():
    example = examples.mazur()
    w1, b1, w5, b2 = example.models["after one step"].get_weights()
    assert b1.tolist() == [0.35, 0.35]
    assert b2.tolist() == [0.60, 0.60]
    np.testing.assert_allclose(example.model.get_weights()[0], [[0.15, 0.25], [0.20, 0.30]])


def by_hand(weights, X, y, activations):
    """Row by row: forward, deltas, Delta <- Delta + a delta; D = Delta / m, and of biases."""
    m = len(X)
    totals = [np.zeros_like(one) for one in weights]
    for x, t in zip(X, y, strict=True):
        outputs = [x]
        for kernel, bias, phi in zip(weights[::2], weights[1::2], activations, strict=True):
            z = [sum(a * w for a, w in zip(outputs[-1], c, strict=True)) for c in kernel.T]
            outputs.append(phi(np.array(z) + bias))
        delta = outputs[-1] - t
        for layer in reversed(range(len(activations))):
            totals[2 * layer] += np.outer(outputs[layer], delta)
            totals[2 * layer + 1] += delta
            if layer:
                a = outputs[layer]
                slope = 1 - a * a if activations[layer - 1] is np.tanh else a * (1 - a)
                delta = (weights[2 * layer] @ delta) * slope
    return [total / m for total in totals]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rows, seed", [(1, 0), (8, 1), (37, 2)])
def test_adding_row_by_row_gives_the_matrix_form_and_the_engines_gradient(engine, rows, seed):
    example = examples.matrix_form(rows, seed, engine)
    assert max(example["largest difference"]) < 1e-12
    trainer, X, y = example.model.trainer, example.arrays["X"], example.arrays["y"]
    _, flat = trainer.gradient(X, y)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    found = by_hand(example.model.get_weights(), X, y, [np.tanh, sigmoid, sigmoid])
    for one, name in zip(found, trainer.parameters.names, strict=True):
        engines = trainer.parameters.view(flat, name)
        np.testing.assert_allclose(engines, one, rtol=0, atol=1e-12)
    for layer, kernel in zip(("dense", "dense_1", "dense_2"), found[::2], strict=True):
        for how in ("dW[0]", "D[0]"):
            np.testing.assert_allclose(example[f"{layer}: {how}"], kernel[0], atol=1e-12)


def test_wrong_settings_get_a_sentence():
    with pytest.raises(SettingError, match="mazur: steps must be a whole number of 1 or more"):
        examples.mazur(steps=0)
    with pytest.raises(SettingError, match="matrix_form: rows must be"):
        examples.matrix_form(rows=0)
    with pytest.raises(SettingError, match="dtype must be"):
        examples.han(dtype="float16")
