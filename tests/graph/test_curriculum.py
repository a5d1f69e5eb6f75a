"""The chain rule as the course teaches it: every number of its first three chapters."""

import math

import numpy as np
import pytest
from tests.engine.networks import ENGINES
from tests.graph.checks import difference

import chainrule as cr
from chainrule import engine, graph
from chainrule.engine import Graph
from chainrule.graph import Rows, ops


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def values(nodes):
    return [node.value for node in nodes]


class TestGraphsAndTheChainRule:
    def function(self, x, y, z):
        return (x + y) * z

    def test_every_number_of_the_first_example(self):
        x, y, z = map(cr.variable, (-2.0, 5.0, -4.0))
        q = x + y
        f = q * z
        assert (q.value, f.value) == (3.0, -12.0)
        assert values(cr.grad(f, [q, z, x, y])) == [-4.0, 3.0, -4.0, -4.0]

    def test_reverse_mode_forward_mode_and_differences_agree(self):
        at = (-2.0, 5.0, -4.0)
        leaves = [cr.variable(value) for value in at]
        f = self.function(*leaves)
        back = values(cr.grad(f, leaves))
        forward = [cr.jvp(f, leaves, way).value for way in np.eye(3)]

        def moved(which, distance):
            return self.function(*(v + distance * (i == which) for i, v in enumerate(at)))

        measured = [difference(lambda d, i=i: moved(i, d)) for i in range(3)]
        assert back == forward == [-4.0, -4.0, 3.0]
        assert measured == pytest.approx(back, rel=1e-9)

    def test_each_local_derivative_times_the_upstream_one(self):
        """dJ/du = dz/du * dJ/dz at every node, summed over all uses."""
        w = cr.variable(0.7)
        a = w * w
        b = ops.sin(w)
        z = a * b
        j = ops.exp(z) + a
        by_z, by_a, by_b, by_w = values(cr.grad(j, [z, a, b, w]))
        square, sine = 0.7**2, math.sin(0.7)
        assert by_z == pytest.approx(math.exp(square * sine), rel=1e-14)
        assert by_a == pytest.approx(sine * by_z + 1, rel=1e-14)
        assert by_b == pytest.approx(square * by_z, rel=1e-14)
        assert by_w == pytest.approx(2 * 0.7 * by_a + math.cos(0.7) * by_b, rel=1e-14)

    @pytest.mark.parametrize("target", [0.0, 1.0, 0.3])
    def test_the_one_one_one_network(self, target):
        x, w1, b1, w2, b2 = 0.5, -0.8, 0.1, 1.7, -0.4
        leaves = [cr.variable(value) for value in (w1, b1, w2, b2)]
        z1 = x * leaves[0] + leaves[1]
        a1 = ops.sigmoid(z1)
        z2 = a1 * leaves[2] + leaves[3]
        p = ops.sigmoid(z2)
        loss = -(target * ops.log(p) + (1 - target) * ops.log(1 - p))
        a, y = sigmoid(w1 * x + b1), target
        q = sigmoid(w2 * a + b2)
        by_w2, by_b2 = (q - y) * a, q - y
        by_w1, by_b1 = (q - y) * w2 * a * (1 - a) * x, (q - y) * w2 * a * (1 - a)
        expected = [by_w1, by_b1, by_w2, by_b2]
        assert values(cr.grad(loss, leaves)) == pytest.approx(expected, rel=1e-13)
        # the five factors of the long product
        by_p, by_z2, by_a1, by_z1 = values(cr.grad(loss, [p, z2, a1, z1]))
        factors = [by_p, by_z2 / by_p, by_a1 / by_z2, by_z1 / by_a1, x]
        long = [(q - y) / (q * (1 - q)), q * (1 - q), w2, a * (1 - a), x]
        assert factors == pytest.approx(long, rel=1e-12)
        assert math.prod(long) == pytest.approx(by_w1, rel=1e-12)
        fused = ops.sigmoid_cross_entropy(z2, target)
        assert values(cr.grad(fused, leaves)) == pytest.approx(expected, rel=1e-13)
        forward = [cr.jvp(loss, leaves, way).value for way in np.eye(4)]
        assert forward == pytest.approx(expected, rel=1e-13)

    def test_one_function_used_three_times(self):
        """dz/dw = f'(y) f'(x) f'(w) of x = f(w), y = f(x), z = f(y)"""

        def f(u):
            return ops.log1p(u * u)

        def slope(u):
            return 2 * u / (1 + u * u)

        w = cr.variable(1.3)
        x = f(w)
        y = f(x)
        z = f(y)
        product = slope(y.value) * slope(x.value) * slope(1.3)
        assert cr.grad(z, w).value == pytest.approx(product, rel=1e-14)
        assert cr.jvp(z, w, 1.0).value == pytest.approx(product, rel=1e-14)
        assert values(cr.grad(z, [y, x])) == pytest.approx(
            [slope(y.value), slope(y.value) * slope(x.value)], rel=1e-14
        )


class TestUnits:
    def test_derivatives_of_the_basic_units(self):
        for at in (-2.0, -0.5, 0.0, 1.5):
            x = cr.variable(at)
            s = sigmoid(at)
            assert cr.grad(ops.sigmoid(x), x).value == pytest.approx(s * (1 - s), rel=1e-14)
            assert cr.grad(ops.tanh(x), x).value == pytest.approx(1 / math.cosh(at) ** 2, rel=1e-13)
            assert cr.grad(ops.softplus(x), x).value == pytest.approx(s, rel=1e-14)
            assert cr.grad(ops.relu(x), x).value == float(at > 0)

    def test_the_sigmoids_derivative_is_at_most_a_quarter(self):
        x = cr.variable(np.linspace(-8, 8, 1001))
        slopes = cr.grad(ops.sigmoid(x).sum(), x).value
        assert slopes.max() == slopes[500] == 0.25

    def test_linear_units_in_a_chain_are_one(self):
        draws = np.random.default_rng(5)
        first, second = draws.normal(size=(3, 4)), draws.normal(size=(4, 2))
        x = draws.normal(size=(6, 3))
        chained = (cr.variable(x) @ first) @ second
        np.testing.assert_allclose(chained.value, x @ (first @ second), rtol=1e-12)


TARGETS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
LOGITS = np.array([[1.47, -0.39, 0.22], [5.0, 6.0, 4.0], [-2.0, 2.0, -3.0]])


def shares(z):
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class TestLosses:
    def test_softmax_with_cross_entropy_gives_o_minus_t(self):
        z = cr.variable(LOGITS)
        expected = shares(LOGITS) - TARGETS
        parts = -(ops.log(ops.softmax(z)) * TARGETS).sum()
        halves = -(ops.log_softmax(z) * TARGETS).sum()
        pair = ops.softmax_cross_entropy(z, TARGETS).sum()
        for loss in (parts, halves, pair):
            assert loss.value == pytest.approx(
                -np.log(shares(LOGITS)[TARGETS == 1]).sum(), rel=1e-13
            )
            np.testing.assert_allclose(cr.grad(loss, z).value, expected, rtol=1e-11, atol=1e-15)

    def test_sigmoid_with_binary_cross_entropy_gives_o_minus_t(self):
        z = cr.variable(LOGITS)
        o = 1 / (1 + np.exp(-LOGITS))
        p = ops.sigmoid(z)
        parts = -(TARGETS * ops.log(p) + (1.0 - TARGETS) * ops.log(1.0 - p)).sum()
        pair = ops.sigmoid_cross_entropy(z, TARGETS).sum()
        assert parts.value == pytest.approx(pair.value, rel=1e-13)
        for loss in (parts, pair):
            np.testing.assert_allclose(cr.grad(loss, z).value, o - TARGETS, rtol=1e-12)

    def test_squared_error_on_a_sigmoid_gives_its_delta(self):
        """(o - t) o (1 - o), which is not that of softmax with cross-entropy"""
        z = cr.variable(LOGITS)
        o = 1 / (1 + np.exp(-LOGITS))
        loss = 0.5 * ops.squared_error(ops.sigmoid(z), TARGETS).sum()
        found = cr.grad(loss, z).value
        np.testing.assert_allclose(found, (o - TARGETS) * o * (1 - o), rtol=1e-13)

    @pytest.mark.parametrize("name", ENGINES)
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("size", [40.0, 1000.0, 1e4])
    def test_losses_are_finite_where_the_prediction_is_certain_and_wrong(self, name, dtype, size):
        logits = np.array([[size, 0.0, -size], [-size, size, 0.0]], dtype)
        target = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype)
        z, t = (graph.input_node(name, (Rows(), 3), dtype) for name in ("z", "t"))
        results = {}
        for pair, loss in (
            ("softmax", ops.softmax_cross_entropy(z, t)),
            ("sigmoid", ops.sigmoid_cross_entropy(z, t).sum(axis=1)),
        ):
            results[pair] = loss
            results[f"{pair} delta"] = graph.gradients(loss.sum(), [z])[0]
        program = engine.compile(Graph((z, t), (), results), name)
        found = program.run({"z": logits, "t": target}, np.zeros(0, dtype)).results
        assert all(np.isfinite(array).all() for array in found.values())
        gap = [2 * size, 2 * size]
        np.testing.assert_allclose(found["softmax"], gap, rtol=1e-6)
        np.testing.assert_allclose(found["sigmoid"], np.array(gap) + math.log(2), rtol=1e-6)
        wide = logits.astype(np.float64)
        rounding = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(found["softmax delta"], shares(wide) - target, atol=rounding)
        with np.errstate(over="ignore"):
            o = 1 / (1 + np.exp(-wide))
        np.testing.assert_allclose(found["sigmoid delta"], o - target, atol=rounding)
