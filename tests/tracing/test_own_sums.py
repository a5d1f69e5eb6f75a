"""Layers of a reader's own that have a kernel: told as a sum only where they are nothing else."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.tracing.networks import batch, model
from tests.tracing.test_equations import bare, check
from tests.tracing.test_own_layers import Own, quad, slope
from tests.tracing.test_positions import lines

import chainrule as cr
from chainrule import layers
from chainrule.tracing.page.network import shipped_step

ops = cr.ops

SUMS = {
    "plain": (lambda x, k, b: x @ k + b, lambda x, k, b: x @ k + b),
    "tanh": (lambda x, k, b: ops.tanh(x @ k + b), lambda x, k, b: np.tanh(x @ k + b)),
}
"""Those that are told as a sum, and its activation."""
OTHERS = {
    "twice": (lambda x, k, b: 2 * (x @ k) + b,) * 2,
    "less": (lambda x, k, b: x @ k - b,) * 2,
    "reversed": (lambda x, k, b: b - x @ k,) * 2,
    "squares": (lambda x, k, b: (x * x) @ k + b,) * 2,
    "times": (lambda x, k, b: (x @ k) * b,) * 2,
    "two biases": (lambda x, k, b: x @ k + 2 * b,) * 2,
    "halved": (lambda x, k, b: x @ k / 2 + b,) * 2,
    "and one": (lambda x, k, b: x @ k + 1 + b,) * 2,
    "bent before": (lambda x, k, b: ops.tanh(x) @ k + b, lambda x, k, b: np.tanh(x) @ k + b),
    "bent between": (lambda x, k, b: ops.tanh(x @ k) + b, lambda x, k, b: np.tanh(x @ k) + b),
    "of e": (lambda x, k, b: x @ k + ops.exp(b), lambda x, k, b: x @ k + np.exp(b)),
    "turned": (lambda x, k, b: ops.flip(x @ k + b, axis=1), lambda x, k, b: (x @ k + b)[:, ::-1]),
}


def traced(function):
    own = Own(function, (("kernel", (2, 2)), ("bias", (2,))))
    made = model(2, layers.Dense(2, "tanh"), own, layers.Dense(1))
    return made, made.trace(*batch(2, 2, 1), digits=9)


@pytest.mark.parametrize("name", [*SUMS, *OTHERS])
def test_equations_and_derivatives_of_layers_with_a_kernel_are_those_of_numpy(name):
    function, plain = (SUMS | OTHERS)[name]
    made, trace = traced(function)
    assert check(trace, "float64") > 40 and not list(bare(trace))
    told, (targets,) = lines(trace), trace.targets.values()
    h, (k, b, w, c) = trace.a[0], (np.asarray(one, float) for one in made.get_weights()[2:])

    def losses(h, k, b):
        return ((plain(h, k, b) @ w + c - targets) ** 2).mean(axis=1)

    def shown(of):
        return float(told[of].rpartition("= ")[2])

    as_sum = name in SUMS
    assert any(one.startswith("z_h2_") for one in told) == as_sum
    for unit in range(2):
        given = f"h1_{unit + 1}" if as_sum else f"h{unit + 1}"
        wanted = slope(lambda h: losses(h, k, b)[1], h, (1, unit))
        assert shown(f"dL(2)/d{given}(2)") == pytest.approx(wanted, abs=1e-7)
        bias = f"b2[{unit + 1}]" if as_sum else f"bias_own[{unit + 1}]"
        wanted = slope(lambda b: losses(h, k, b).mean(), b, unit)
        assert shown(f"dL/d{bias}") == pytest.approx(wanted, abs=1e-7)


def test_a_layer_that_changes_what_dense_computes_is_not_told_as_dense():
    @dataclass(frozen=True)
    class Scaled(layers.Dense):
        def apply(self, x, *parameters):
            return 2.0 * super().apply(x, *parameters)

    trace = model(2, Scaled(2, "tanh"), layers.Dense(1)).trace(*batch(1, 2, 1))
    assert check(trace, "float64") > 20 and not list(bare(trace))
    text = trace.to_text()
    assert "scaled (Scaled, tanh)" in text and "z_h1" not in text


def test_a_layer_that_only_has_other_settings_than_dense_is_told_as_dense():
    class Wide(layers.Dense):
        pass

    trace = model(2, Wide(2, "gelu"), layers.Dense(1)).trace(*batch(1, 2, 1))
    assert lines(trace)["h1"].startswith("z_h1·Φ(z_h1) = ")


def test_numbers_that_are_put_side_by_side_with_themselves_are_used_twice():
    own = Own(lambda x, w: ops.concatenate(x, x, axis=1) * w, (("w", (4,)),))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1))
    assert check(trace, "float64") > 20 and not list(bare(trace))
    assert lines(trace)["dL/dh1"].startswith("dL/du1_1 + dL/du1_3 = ")


@pytest.mark.parametrize("weights", [[0.0, 2.0], [1.0, 0.5]])
def test_a_row_that_does_not_count_leaves_all_derivatives(weights):
    made = model(2, layers.Dense(2), quad(), layers.Dense(1))
    trace = made.trace(*batch(2, 2, 1), sample_weight=weights)
    assert check(trace, "float64") > 60 and not list(bare(trace))


def test_numbers_that_are_held_fixed_stand_in_the_operations_all_the_same():
    own = Own(lambda x, a, b: a * x + b, (("a", ()), ("b", ())), trainable=False)
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1))
    assert check(trace, "float64") > 20 and not list(bare(trace))
    told = lines(trace)
    assert told["v1_1"].startswith("a_own·h1 = ") and told["h1~"].startswith("v1_1 + b_own = ")
    assert not any("_own" in name for name in told)


def test_a_parameter_that_no_operation_uses_has_the_gradient_0():
    own = Own(lambda x, w, u: x * w, (("w", (2,)), ("u", (2,))))
    trace = model(2, own, layers.Dense(1)).trace(*batch(1, 2, 1))
    assert lines(trace)["dL/du_own[1]"] == "0"


def test_what_is_taken_as_a_constant_is_said_to_be():
    own = Own(lambda x, w: ops.stop_gradient(ops.tanh(x * w)) * x, (("w", (2,)),))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(1, 2, 1))
    told = lines(trace)
    assert told["v3_1"].startswith("stop_gradient(v2_1) = ")
    assert told["dL/dh1"].startswith("dL/dh1~·v3_1 = ") and told["dL/dw_own[1]"] == "0"
    assert "taken as a constant: no derivative comes back" in " ".join(trace.to_text().split())


def test_a_derivative_that_is_no_number_has_its_formula():
    own = Own(lambda x, p: x**p, (("p", ()),))
    trace = model(2, own, layers.Dense(1)).trace(np.array([[-1.5, 2.0]]), [[1.0]])
    assert "log(input1)" in lines(trace)["dL/dp_own"] or "log(x1)" in lines(trace)["dL/dp_own"]


@pytest.mark.parametrize("shape", [(), (1,), (1, 2)])
def test_a_bias_that_is_not_one_number_a_unit_is_told_by_operations(shape):
    own = Own(lambda x, kernel, bias: x @ kernel + bias, (("kernel", (2, 2)), ("bias", shape)))
    trace = model(2, layers.Dense(2), own, layers.Dense(1)).trace(*batch(2, 2, 1))
    assert check(trace, "float64") > 40 and not list(bare(trace))
    assert lines(trace)["h1~(1)"].startswith("v1_1(1) + bias_own")


def test_the_pair_of_a_saturated_sigmoid_has_the_part_that_all_units_have():
    own = Own(lambda x, a: ops.sigmoid(x * a), (("a", (2,)),))
    made = model(1, own, loss="binary_crossentropy")
    made.set_weights([np.array([30.0, 1.0])])
    told = lines(made.trace([[1.0]], [[1.0, 0.0]]))
    for unit in (1, 2):
        assert told[f"dL/dv1_{unit}"].startswith(f"1/2·(own_{unit} - t{unit}) = ")


def test_inputs_have_their_names_before_a_layer_of_ones_own_that_makes_more_numbers():
    own = Own(lambda x, a: ops.tanh(x @ a), (("a", (2, 3)),))
    made = model(2, own, layers.Dense(1))
    trace = made.trace(*batch(1, 2, 1))
    assert trace.to_text().startswith("One training step of a 2-3-1 network")
    assert lines(trace)["u1_1"].startswith("x1·a_own[1,1] + x2·a_own[2,1] = ")
    told = lines(made.trace(*batch(1, 2, 1), units=[["Age", "Price"], ["o"]]))
    assert told["u1_1"].startswith("Age·a_own[1,1] + Price·a_own[2,1] = ")


def test_a_network_without_weighted_sums_has_no_word_of_them():
    own = Own(lambda x, a: ops.tanh(x @ a), (("a", (2, 3)),))
    text = model(2, own).trace(*batch(1, 2, 3)).to_text()
    assert text.startswith("One training step of a 2-3 network") and "z = a W" not in text


def test_what_stands_before_the_first_own_layer_takes_no_names_from_inputs():
    own = Own(lambda x, a: ops.tanh(x @ a), (("a", (2, 3)),))
    made = model(2, layers.Dropout(0.5), own, layers.Dense(1))
    text = made.trace(*batch(2, 2, 1), units=[["Age", "Price"], ["o"]]).to_text()
    assert "given: Age(1) = " in text and "Age~(1)·a_own[1,1]" in text


def test_an_own_layer_without_weights_that_makes_more_numbers_stands_in_the_title():
    own = Own(lambda x: ops.concatenate(x, x * x, axis=1))
    trace = model(2, own, layers.Dense(1)).trace(*batch(1, 2, 1))
    assert trace.to_text().startswith("One training step of a 2-4-1 network")


def test_sums_of_what_is_no_number_are_told_as_others():
    own = Own(lambda x, a: ops.log(x * a - 9.0), (("a", (2,)),))
    told = lines(model(2, own, layers.Dense(1)).trace(*batch(1, 2, 1)))
    assert told["o"] == "z_o = nan" and told["z_o"].startswith("x1~·W1[1,1] + x2~·W1[2,1] + b1[1]")


def test_inputs_of_a_network_of_own_layers_alone_have_names():
    own = Own(lambda x, a: ops.tanh(x @ a), (("a", (2, 3)),))
    made = model(2, own)
    for units, names in ((None, ("x1", "x2")), ([["Age", "Price"]], ("Age", "Price"))):
        trace = made.trace(*batch(1, 2, 3), **({} if units is None else {"units": units}))
        assert check(trace, "float64") > 20 and not list(bare(trace))
        first, second = names
        assert lines(trace)["v1_1"].startswith(f"{first}·a_own[1,1] + {second}·a_own[2,1] = ")
        assert trace.to_text().startswith("One training step of a 2-3 network")
        assert shipped_step(trace)["names"]["units"] == [list(names)]
