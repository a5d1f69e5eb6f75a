"""The chain rule on expressions: the printed numbers, and second formulas."""

import math

import numpy as np
import pytest

from chainrule import examples
from chainrule.errors import InputTypeError, SettingError


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


@pytest.mark.parametrize(
    "name, value",
    [("q", 3), ("f", -12), ("df/dq", -4), ("df/dz", 3), ("df/dx", -4), ("df/dy", -4)],
)
def test_the_sum_times_a_number_has_its_printed_values(name, value):
    assert examples.xyz()[name] == value


def test_the_sum_times_a_number_is_computed_anew_elsewhere():
    example = examples.xyz(1.5, 2.0, 3.0)
    assert [example[name] for name in ("q", "f", "df/dq", "df/dz", "df/dx", "df/dy")] == [
        3.5, 10.5, 3.0, 3.5, 3.0, 3.0,
    ]  # fmt: skip


PLACES = [
    {},
    {"x": -0.7, "y": 0.0, "w1": 1.3, "b1": 0.4, "w2": 2.0, "b2": -1.0},
    {"x": 2.0, "y": 0.3, "w1": -0.2, "b1": 0.1, "w2": 0.5, "b2": 0.2},
]
DEFAULTS = {"x": 1.5, "y": 1.0, "w1": 0.8, "b1": -0.5, "w2": -1.2, "b2": 0.3}


def loss(x, y, w1, b1, w2, b2):
    p = sigmoid(w2 * sigmoid(w1 * x + b1) + b2)
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


@pytest.mark.parametrize("place", PLACES)
def test_the_small_network_goes_forward_as_written_out(place):
    at = DEFAULTS | place
    example = examples.one_one_one(**place)
    a1 = sigmoid(at["w1"] * at["x"] + at["b1"])
    assert example["z1"] == pytest.approx(at["w1"] * at["x"] + at["b1"], rel=1e-14)
    assert example["a1"] == pytest.approx(a1, rel=1e-14)
    assert example["p"] == pytest.approx(sigmoid(at["w2"] * a1 + at["b2"]), rel=1e-14)
    assert example["J"] == pytest.approx(loss(**at), rel=1e-13)
    p = example["p"]
    assert example["dJ/dp"] == pytest.approx((p - at["y"]) / (p * (1 - p)), rel=1e-12)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["w1", "b1", "w2", "b2"])
def test_the_small_networks_derivatives_are_slopes_and_products(place, name):
    at = DEFAULTS | place
    example = examples.one_one_one(**place)
    h = 1e-5
    slope = (loss(**at | {name: at[name] + h}) - loss(**at | {name: at[name] - h})) / (2 * h)
    assert example[f"dJ/d{name}"] == pytest.approx(slope, rel=1e-7, abs=1e-9)
    for way in ("product", "formula"):
        assert example[f"dJ/d{name} {way}"] == pytest.approx(example[f"dJ/d{name}"], rel=1e-12)
    assert math.prod(example[f"dJ/d{name} factors"]) == example[f"dJ/d{name} product"]


def test_the_small_networks_long_products_have_five_and_three_factors():
    example = examples.one_one_one()
    counts = [len(example[f"dJ/d{name} factors"]) for name in ("w1", "b1", "w2", "b2")]
    assert counts == [5, 5, 3, 3]
    x, w2, a1, p = (example[name] for name in ("x", "w2", "a1", "p"))
    factors = [(p - 1) / (p * (1 - p)), p * (1 - p), w2, a1 * (1 - a1), x]
    np.testing.assert_allclose(example["dJ/dw1 factors"], factors, rtol=1e-13)
    assert example["dJ/dp"] == pytest.approx(factors[0], rel=1e-13)


def test_all_four_derivatives_share_two_deltas():
    example = examples.one_one_one()
    assert example["delta2"] == pytest.approx(example["p"] - 1.0, rel=1e-13)
    assert example["dJ/db2"] == pytest.approx(example["delta2"], rel=1e-14)
    assert example["dJ/dw2"] == pytest.approx(example["delta2"] * example["a1"], rel=1e-13)
    assert example["dJ/db1"] == pytest.approx(example["delta1"], rel=1e-14)
    assert example["dJ/dw1"] == pytest.approx(example["delta1"] * example["x"], rel=1e-13)


@pytest.mark.parametrize(
    "name, f, slope",
    [
        ("tanh", math.tanh, lambda w: 1 - math.tanh(w) ** 2),
        ("sigmoid", sigmoid, lambda w: sigmoid(w) * (1 - sigmoid(w))),
        (lambda w: w * w, lambda w: w * w, lambda w: 2 * w),
    ],
)
def test_a_function_used_three_times_has_the_product_of_three_slopes(name, f, slope):
    example = examples.chain(0.7, name)
    x = f(0.7)
    assert example["z"] == pytest.approx(f(f(x)), rel=1e-13)
    for place, value in (("w", 0.7), ("x", x), ("y", f(x))):
        assert example[f"f'({place})"] == pytest.approx(slope(value), rel=1e-13)
    assert example["dz/dw"] == pytest.approx(slope(f(x)) * slope(x) * slope(0.7), rel=1e-13)
    assert example["product"] == pytest.approx(example["dz/dw"], rel=1e-13)


def test_wrong_places_get_a_sentence():
    with pytest.raises(SettingError, match="one_one_one: y must be a number from 0 to 1, got 2"):
        examples.one_one_one(y=2)
    with pytest.raises(InputTypeError, match="needs numbers"):
        examples.xyz(x="a")
    with pytest.raises(SettingError, match="did you mean 'tanh'"):
        examples.chain(f="tahn")
